//! Something that rules did: a run, an order, a message, a request.

use std::fmt;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::document::duration::display;
use crate::domain::command::Command;
use crate::domain::http::HttpRequest;
use crate::domain::id::{RuleId, RunId};
use crate::domain::lifecycle::Outcome;
use crate::domain::writing::SettingWrite;
use crate::engine::decision::Notification;
use crate::engine::run::RunEnd;
use crate::replay::{ASSUMED_REACTION, NEAR};

/// What was done, and when.
#[derive(Clone, Debug)]
pub struct Deed {
    pub at: Timestamp,
    pub what: What,
    /// It follows from an end that is assumed.
    pub is_assumed: bool,
}

/// In the order in which they stand at one moment.
#[derive(Clone, Debug)]
pub enum What {
    Run {
        id: RunId,
        rule: RuleId,
        /// Its id, or its place.
        trigger: Option<String>,
        /// None when it was not over at the end of the span.
        end: Option<(Timestamp, RunEnd)>,
    },
    Command {
        command: Command,
        /// None when it was not over at the end of the span.
        end: Option<End>,
    },
    Notification(Notification),
    Request(HttpRequest),
    Setting(SettingWrite),
}

/// How an order ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "end", rename_all = "snake_case")]
pub enum End {
    Known {
        at: Timestamp,
        #[serde(flatten)]
        outcome: Outcome,
    },
    /// Nobody has seen how it ends, now that it is given, or is not called off, or is.
    Assumed {
        at: Timestamp,
        #[serde(flatten)]
        outcome: Outcome,
    },
}

impl End {
    pub(super) fn at(&self) -> Timestamp {
        match self {
            Self::Known { at, .. } | Self::Assumed { at, .. } => *at,
        }
    }

    fn is_cancelled(&self) -> bool {
        match self {
            Self::Known { outcome, .. } | Self::Assumed { outcome, .. } => {
                *outcome == Outcome::Cancelled
            }
        }
    }
}

/// Whether two moments are near enough to be those of one thing.
pub(super) fn is_near(a: Timestamp, b: Timestamp) -> bool {
    let near = SignedDuration::try_from(NEAR).expect("half a minute is no overflow");
    a.duration_since(b).abs() <= near
}

impl Deed {
    /// The same thing at about the same moment: what makes a row of both sides.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        is_near(self.at, other.at) && self.what.is_same(&other.what)
    }

    /// In a few words, with moments that are to come on the clock of the home.
    pub fn text(&self, zone: &TimeZone) -> String {
        Words { deed: self, zone }.to_string()
    }

    /// What tells it from all others of its time.
    pub(super) fn id(&self) -> &str {
        match &self.what {
            What::Run { id, .. } => id.as_str(),
            What::Command { command, .. } => command.id.as_str(),
            What::Notification(notification) => notification.id.as_str(),
            What::Request(request) => request.id.as_str(),
            What::Setting(write) => write.id.as_str(),
        }
    }
}

impl What {
    /// One word, as JSON has it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Run { .. } => "run",
            Self::Command { .. } => "command",
            Self::Notification(_) => "notification",
            Self::Request(_) => "http_request",
            Self::Setting(_) => "setting",
        }
    }

    /// The rule that did it.
    pub fn rule(&self) -> &RuleId {
        match self {
            Self::Run { rule, .. } => rule,
            Self::Command { command, .. } => &command.rule,
            Self::Notification(notification) => &notification.rule,
            Self::Request(request) => &request.rule,
            Self::Setting(write) => &write.rule,
        }
    }

    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Run { rule, end, .. },
                Self::Run {
                    rule: other_rule,
                    end: other_end,
                    ..
                },
            ) => {
                let ends_same = match (end, other_end) {
                    (Some((at, end)), Some((other_at, other_end))) => {
                        is_near(*at, *other_at) && end == other_end
                    }
                    (None, None) => true,
                    (Some(_), None) | (None, Some(_)) => false,
                };
                rule == other_rule && ends_same
            }
            (
                Self::Command { command, end },
                Self::Command {
                    command: other,
                    end: other_end,
                },
            ) => {
                // What becomes of an order is Amps' doing, but for calling it off.
                let is_off = |it: &Option<End>| it.as_ref().is_some_and(End::is_cancelled);
                is_same_order(command, other) && is_off(end) == is_off(other_end)
            }
            (Self::Notification(a), Self::Notification(b)) => {
                (&a.notifier, &a.title, &a.message, a.level)
                    == (&b.notifier, &b.title, &b.message, b.level)
            }
            (Self::Request(a), Self::Request(b)) => is_same_request(a, b),
            (Self::Setting(a), Self::Setting(b)) => is_same_write(a, b),
            (
                Self::Run { .. }
                | Self::Command { .. }
                | Self::Notification(_)
                | Self::Request(_)
                | Self::Setting(_),
                Self::Run { .. }
                | Self::Command { .. }
                | Self::Notification(_)
                | Self::Request(_)
                | Self::Setting(_),
            ) => false,
        }
    }
}

/// Whether a device is asked for the same, and for the same time, by whatever rule.
pub(super) fn is_same_order(a: &Command, b: &Command) -> bool {
    let is_same_time = |a: Option<Timestamp>, b: Option<Timestamp>| match (a, b) {
        (Some(a), Some(b)) => is_near(a, b),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    };
    (&a.device.id, &a.name, &a.parameters) == (&b.device.id, &b.name, &b.parameters)
        && is_same_time(a.timing.start, b.timing.start)
        && is_same_time(a.timing.end, b.timing.end)
}

/// Whether a setting is to be the same, by whatever rule.
pub(super) fn is_same_write(a: &SettingWrite, b: &SettingWrite) -> bool {
    (&a.device.id, &a.setting, a.value) == (&b.device.id, &b.setting, b.value)
}

/// Whether a host is asked for the same, by whatever rule.
pub(super) fn is_same_request(a: &HttpRequest, b: &HttpRequest) -> bool {
    (a.method, &a.url, &a.json, &a.headers) == (b.method, &b.url, &b.json, &b.headers)
}

/// What was done, in a few words.
struct Words<'a> {
    deed: &'a Deed,
    zone: &'a TimeZone,
}

impl Words<'_> {
    /// As in `, from 23:30:00`, on the clock of the home.
    fn moment(&self, f: &mut fmt::Formatter<'_>, word: &str, at: Option<Timestamp>) -> fmt::Result {
        let Some(at) = at else {
            return Ok(());
        };
        let at = at.to_zoned(self.zone.clone());
        let is_today = at.date() == self.deed.at.to_zoned(self.zone.clone()).date();
        let format = if is_today { "%H:%M:%S" } else { "%a %H:%M:%S" };
        write!(f, ", {word} {}", at.strftime(format))
    }

    fn command(&self, f: &mut fmt::Formatter<'_>, command: &Command) -> fmt::Result {
        write!(f, "command {} {}", command.device.alias, command.name)?;
        for (name, quantity) in &command.parameters {
            write!(f, ", {name} {quantity}")?;
        }
        self.moment(f, "from", command.timing.start)?;
        self.moment(f, "to", command.timing.end)
    }
}

fn write_end(f: &mut fmt::Formatter<'_>, command: &Command, end: Option<&End>) -> fmt::Result {
    match end {
        None => f.write_str(": under way"),
        Some(End::Known { outcome, .. }) => {
            write!(f, ": {}", outcome.name())?;
            outcome.failure().map_or(Ok(()), |it| write!(f, ", {it}"))
        }
        Some(End::Assumed { outcome, .. }) => {
            write!(f, ": assumed {}", outcome.name())?;
            let after = display(ASSUMED_REACTION);
            match (outcome, command.timing.start) {
                (Outcome::Completed, None) => write!(f, " after {after}"),
                (Outcome::Completed, Some(_)) => write!(f, " {after} after its start"),
                (Outcome::Failed(_) | Outcome::Cancelled | Outcome::Expired, _) => Ok(()),
            }
        }
    }
}

impl fmt::Display for Words<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.deed.what {
            What::Run {
                rule, trigger, end, ..
            } => {
                write!(f, "run {rule}")?;
                if let Some(trigger) = trigger {
                    write!(f, " ({trigger})")?;
                }
                match end {
                    None => f.write_str(": under way"),
                    Some((_, end)) => {
                        write!(f, ": {}", end.name())?;
                        end.reason().map_or(Ok(()), |it| write!(f, ", {it}"))
                    }
                }
            }
            What::Command { command, end } => {
                self.command(f, command)?;
                write_end(f, command, end.as_ref())
            }
            What::Notification(it) => {
                write!(f, "notify {}", it.notifier)?;
                if let Some(title) = &it.title {
                    write!(f, " \"{title}\":")?;
                }
                write!(f, " \"{}\"", it.message)
            }
            What::Request(it) => write!(f, "http {}", it.shown()),
            What::Setting(it) => {
                write!(f, "setting {} {} {}", it.device.alias, it.setting, it.value)
            }
        }
    }
}
