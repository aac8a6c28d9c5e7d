//! What a test expects and what happened, in the same words, so that they can stand side by side.

use std::collections::BTreeMap;
use std::fmt;

use crate::domain::command::Command;
use crate::domain::id::{DeviceAlias, NotifierName, RuleId};
use crate::domain::value::Quantity;
use crate::engine::decision::Notification;
use crate::rules::rule::Level;

/// Something that should have happened. What it leaves open is not compared.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expected {
    Command {
        device: DeviceAlias,
        command: String,
        /// All of them.
        parameters: Option<BTreeMap<String, Quantity>>,
        attempt: Option<u32>,
    },
    Notify {
        notifier: NotifierName,
        message: Option<String>,
        title: Option<String>,
        level: Option<Level>,
    },
    Log(String),
    Run {
        rule: RuleId,
        outcome: &'static str,
    },
}

/// Something that happened.
#[derive(Clone, Debug)]
pub(super) enum Happened {
    /// A push left for its device.
    Command {
        command: Command,
        attempt: u32,
    },
    Notify(Notification),
    Log(String),
    /// How a run that began or ended stands now.
    Run {
        rule: RuleId,
        outcome: &'static str,
        reason: Option<String>,
    },
}

/// Things of one kind happen one after the other, runs apart; between kinds there is no order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Command,
    Notify,
    Log,
    Run,
}

impl Kind {
    pub(super) const ALL: [Self; 4] = [Self::Command, Self::Notify, Self::Log, Self::Run];

    /// Nothing of this kind reaches a device or a person: it is compared where a test asks for it.
    pub(super) fn is_inner(self) -> bool {
        matches!(self, Self::Log | Self::Run)
    }
}

impl Expected {
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Command { .. } => Kind::Command,
            Self::Notify { .. } => Kind::Notify,
            Self::Log(_) => Kind::Log,
            Self::Run { .. } => Kind::Run,
        }
    }

    pub(super) fn fits(&self, happened: &Happened) -> bool {
        match (self, happened) {
            (
                Self::Command {
                    device,
                    command: name,
                    parameters,
                    attempt,
                },
                Happened::Command {
                    command,
                    attempt: seen,
                },
            ) => {
                *device == command.device.alias
                    && *name == command.name
                    && parameters
                        .as_ref()
                        .is_none_or(|it| are_same(it, &command.parameters))
                    && attempt.is_none_or(|it| it == *seen)
            }
            (
                Self::Notify {
                    notifier,
                    message,
                    title,
                    level,
                },
                Happened::Notify(seen),
            ) => {
                *notifier == seen.notifier
                    && message.as_ref().is_none_or(|it| *it == seen.message)
                    && (title.is_none() || *title == seen.title)
                    && level.is_none_or(|it| it == seen.level)
            }
            (Self::Log(text), Happened::Log(seen)) => text == seen,
            (
                Self::Run { rule, outcome },
                Happened::Run {
                    rule: of,
                    outcome: seen,
                    ..
                },
            ) => rule == of && outcome == seen,
            (
                Self::Command { .. } | Self::Notify { .. } | Self::Log(_) | Self::Run { .. },
                Happened::Command { .. }
                | Happened::Notify(_)
                | Happened::Log(_)
                | Happened::Run { .. },
            ) => false,
        }
    }
}

/// What converts between units carries the dust of floating point.
fn are_same(a: &BTreeMap<String, Quantity>, b: &BTreeMap<String, Quantity>) -> bool {
    const DUST: f64 = 1e-9;
    a.len() == b.len()
        && a.iter().all(|(name, a)| {
            b.get(name)
                .is_some_and(|b| a.unit == b.unit && (a.value - b.value).abs() < DUST)
        })
}

impl Happened {
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Command { .. } => Kind::Command,
            Self::Notify(_) => Kind::Notify,
            Self::Log(_) => Kind::Log,
            Self::Run { .. } => Kind::Run,
        }
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command {
                device,
                command,
                parameters,
                attempt,
            } => {
                write!(f, "command: {device} {command}")?;
                if let Some(parameters) = parameters {
                    write_parameters(f, parameters)?;
                }
                attempt.map_or(Ok(()), |it| write!(f, ", attempt {it}"))
            }
            Self::Notify {
                notifier,
                message,
                title,
                level,
            } => {
                write!(f, "notify: {notifier}")?;
                write_message(f, title.as_deref(), message.as_deref())?;
                level.map_or(Ok(()), |it| write!(f, " ({})", level_name(it)))
            }
            Self::Log(text) => write!(f, "log: {text}"),
            Self::Run { rule, outcome } => write!(f, "run: {rule} {outcome}"),
        }
    }
}

impl fmt::Display for Happened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command { command, attempt } => {
                write!(f, "command: {} {}", command.device.alias, command.name)?;
                write_parameters(f, &command.parameters)?;
                if 1 < *attempt {
                    write!(f, ", attempt {attempt}")?;
                }
                Ok(())
            }
            Self::Notify(it) => {
                write!(f, "notify: {}", it.notifier)?;
                write_message(f, it.title.as_deref(), Some(&it.message))?;
                match it.level {
                    Level::Info => Ok(()),
                    Level::Warning | Level::Error => write!(f, " ({})", level_name(it.level)),
                }
            }
            Self::Log(text) => write!(f, "log: {text}"),
            Self::Run {
                rule,
                outcome,
                reason,
            } => {
                write!(f, "run: {rule} {outcome}")?;
                reason.as_ref().map_or(Ok(()), |it| write!(f, ", {it}"))
            }
        }
    }
}

fn write_parameters(
    f: &mut fmt::Formatter<'_>,
    parameters: &BTreeMap<String, Quantity>,
) -> fmt::Result {
    for (name, quantity) in parameters {
        write!(f, ", {name} {quantity}")?;
    }
    Ok(())
}

fn write_message(
    f: &mut fmt::Formatter<'_>,
    title: Option<&str>,
    message: Option<&str>,
) -> fmt::Result {
    if let Some(title) = title {
        write!(f, " \"{title}\":")?;
    }
    message.map_or(Ok(()), |it| write!(f, " \"{it}\""))
}

fn level_name(level: Level) -> &'static str {
    match level {
        Level::Info => "info",
        Level::Warning => "warning",
        Level::Error => "error",
    }
}
