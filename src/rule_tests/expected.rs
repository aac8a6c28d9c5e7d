//! What a test expects and what happened, in the same words, so that they can stand side by side.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Zoned;

use crate::domain::command::Command;
use crate::domain::http::{HeaderText, HttpRequest, Method};
use crate::domain::id::{DeviceAlias, NotifierName, RuleId};
use crate::domain::value::Quantity;
use crate::domain::writing::SettingWrite;
use crate::engine::decision::Notification;
use crate::rule_tests::planned::{Planned, shown};
use crate::rules::rule::Level;

/// Something that should have happened. What it leaves open is not compared.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expected {
    Command {
        device: DeviceAlias,
        command: String,
        /// All of them.
        parameters: Option<BTreeMap<String, Quantity>>,
        planned: Planned,
        attempt: Option<u32>,
    },
    Notify {
        notifier: NotifierName,
        message: Option<String>,
        title: Option<String>,
        level: Option<Level>,
    },
    Setting {
        device: DeviceAlias,
        setting: String,
        value: Option<Quantity>,
        attempt: Option<u32>,
    },
    Http(Box<ExpectedRequest>),
    Log(String),
    Run {
        rule: RuleId,
        outcome: &'static str,
    },
}

/// A request that should have left. What it leaves open is not compared.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ExpectedRequest {
    pub(super) url: String,
    pub(super) method: Option<Method>,
    /// All of them; names in small letters.
    pub(super) headers: Option<BTreeMap<String, HeaderText<String>>>,
    pub(super) json: Option<serde_json::Value>,
    pub(super) attempt: Option<u32>,
}

/// Something that happened.
#[derive(Clone, Debug)]
pub(super) enum Happened {
    /// A push left for its device.
    Command {
        command: Command,
        attempt: u32,
        /// When its step gave the order, by the clocks of the home.
        given: Zoned,
    },
    Notify(Notification),
    /// A setting was written.
    Setting {
        write: SettingWrite,
        attempt: u32,
    },
    /// A request left for its host.
    Http {
        request: HttpRequest,
        attempt: u32,
    },
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
    Setting,
    Notify,
    Http,
    Log,
    Run,
}

impl Kind {
    pub(super) const ALL: [Self; 6] = [
        Self::Command,
        Self::Setting,
        Self::Notify,
        Self::Http,
        Self::Log,
        Self::Run,
    ];

    /// Nothing of this kind reaches a device or a person: it is compared where a test asks for it.
    pub(super) fn is_inner(self) -> bool {
        matches!(self, Self::Log | Self::Run)
    }
}

impl Expected {
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Command { .. } => Kind::Command,
            Self::Setting { .. } => Kind::Setting,
            Self::Notify { .. } => Kind::Notify,
            Self::Http(_) => Kind::Http,
            Self::Log(_) => Kind::Log,
            Self::Run { .. } => Kind::Run,
        }
    }

    #[expect(clippy::too_many_lines, reason = "an arm for each kind")]
    pub(super) fn fits(&self, happened: &Happened) -> bool {
        match (self, happened) {
            (
                Self::Command {
                    device,
                    command: name,
                    parameters,
                    planned,
                    attempt,
                },
                Happened::Command {
                    command,
                    attempt: seen,
                    given,
                },
            ) => {
                *device == command.device.alias
                    && *name == command.name
                    && parameters
                        .as_ref()
                        .is_none_or(|it| are_same(it, &command.parameters))
                    && planned.fits(&command.timing, given)
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
            (
                Self::Setting {
                    device,
                    setting,
                    value,
                    attempt,
                },
                Happened::Setting {
                    write,
                    attempt: seen,
                },
            ) => {
                *device == write.device.alias
                    && *setting == write.setting
                    && value.is_none_or(|it| is_same_quantity(it, write.value))
                    && attempt.is_none_or(|it| it == *seen)
            }
            (Self::Http(expected), Happened::Http { request, attempt }) => {
                expected.fits(request, *attempt)
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
                Self::Command { .. }
                | Self::Setting { .. }
                | Self::Notify { .. }
                | Self::Http(_)
                | Self::Log(_)
                | Self::Run { .. },
                Happened::Command { .. }
                | Happened::Setting { .. }
                | Happened::Notify(_)
                | Happened::Http { .. }
                | Happened::Log(_)
                | Happened::Run { .. },
            ) => false,
        }
    }
}

impl ExpectedRequest {
    fn fits(&self, request: &HttpRequest, attempt: u32) -> bool {
        let headers = |it: &BTreeMap<String, HeaderText<String>>| {
            let seen = request.headers.iter();
            *it == seen
                .map(|(name, text)| (name.to_ascii_lowercase(), text.clone()))
                .collect()
        };
        let json = |it: &serde_json::Value| is_same(it, request.json.as_ref().unwrap_or_default());
        self.url == request.url
            && self.method.is_none_or(|it| it == request.method)
            && self.headers.as_ref().is_none_or(headers)
            && self.json.as_ref().is_none_or(json)
            && self.attempt.is_none_or(|it| it == attempt)
    }
}

/// `3` is `3.0`, and what was calculated carries the dust of floating point.
fn is_same(a: &serde_json::Value, b: &serde_json::Value) -> bool {
    use serde_json::Value as V;
    match (a, b) {
        (V::Number(a), V::Number(b)) => match (a.as_f64(), b.as_f64()) {
            (Some(a), Some(b)) => (a - b).abs() < DUST,
            (_, _) => a == b,
        },
        (V::Array(a), V::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same(a, b))
        }
        (V::Object(a), V::Object(b)) => {
            let has = |(name, a): (&String, &V)| b.get(name).is_some_and(|b| is_same(a, b));
            a.len() == b.len() && a.iter().all(has)
        }
        (a, b) => a == b,
    }
}

const DUST: f64 = 1e-9;

/// What converts between units carries the dust of floating point.
fn are_same(a: &BTreeMap<String, Quantity>, b: &BTreeMap<String, Quantity>) -> bool {
    a.len() == b.len()
        && a.iter()
            .all(|(name, a)| b.get(name).is_some_and(|b| is_same_quantity(*a, *b)))
}

fn is_same_quantity(a: Quantity, b: Quantity) -> bool {
    a.unit == b.unit && (a.value - b.value).abs() < DUST
}

impl Happened {
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Command { .. } => Kind::Command,
            Self::Setting { .. } => Kind::Setting,
            Self::Notify(_) => Kind::Notify,
            Self::Http { .. } => Kind::Http,
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
                planned,
                attempt,
            } => {
                write!(f, "command: {device} {command}")?;
                if let Some(parameters) = parameters {
                    write_parameters(f, parameters)?;
                }
                write!(f, "{planned}")?;
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
            Self::Setting {
                device,
                setting,
                value,
                attempt,
            } => {
                write!(f, "setting: {device} {setting}")?;
                value.map_or(Ok(()), |it| write!(f, " {it}"))?;
                attempt.map_or(Ok(()), |it| write!(f, ", attempt {it}"))
            }
            Self::Http(it) => {
                write!(f, "http:")?;
                it.method.map_or(Ok(()), |it| write!(f, " {}", it.name()))?;
                write!(f, " {}", it.url)?;
                write_request(f, it.headers.as_ref(), it.json.as_ref())?;
                it.attempt.map_or(Ok(()), |it| write!(f, ", attempt {it}"))
            }
            Self::Log(text) => write!(f, "log: {text}"),
            Self::Run { rule, outcome } => write!(f, "run: {rule} {outcome}"),
        }
    }
}

impl fmt::Display for Happened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command {
                command,
                attempt,
                given,
            } => {
                write!(f, "command: {} {}", command.device.alias, command.name)?;
                write_parameters(f, &command.parameters)?;
                f.write_str(&shown(&command.timing, given))?;
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
            Self::Setting { write, attempt } => {
                let (device, setting) = (&write.device.alias, &write.setting);
                write!(f, "setting: {device} {setting} {}", write.value)?;
                if 1 < *attempt {
                    write!(f, ", attempt {attempt}")?;
                }
                Ok(())
            }
            Self::Http { request, attempt } => {
                write!(f, "http: {} {}", request.method.name(), request.url)?;
                write_request(f, Some(&request.headers), request.json.as_ref())?;
                if 1 < *attempt {
                    write!(f, ", attempt {attempt}")?;
                }
                Ok(())
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

fn write_request(
    f: &mut fmt::Formatter<'_>,
    headers: Option<&BTreeMap<String, HeaderText<String>>>,
    json: Option<&serde_json::Value>,
) -> fmt::Result {
    json.map_or(Ok(()), |it| write!(f, " {it}"))?;
    for (name, text) in headers.into_iter().flatten() {
        match text {
            HeaderText::Secret { secret } => write!(f, ", {name}: !secret {secret}")?,
            HeaderText::Text(text) => write!(f, ", {name}: {text}")?,
        }
    }
    Ok(())
}

fn level_name(level: Level) -> &'static str {
    match level {
        Level::Info => "info",
        Level::Warning => "warning",
        Level::Error => "error",
    }
}
