//! Something that rules did: a run, an order, a message, a request.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::domain::command::Command;
use crate::domain::http::HttpRequest;
use crate::domain::id::{RuleId, RunId};
use crate::domain::lifecycle::Outcome;
use crate::engine::decision::Notification;
use crate::engine::run::RunEnd;
use crate::replay::NEAR;

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
    /// Nobody gave it then. It is taken to have been completed.
    Assumed { at: Timestamp },
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

    /// What tells it from all others of its time.
    pub(super) fn id(&self) -> &str {
        match &self.what {
            What::Run { id, .. } => id.as_str(),
            What::Command { command, .. } => command.id.as_str(),
            What::Notification(notification) => notification.id.as_str(),
            What::Request(request) => request.id.as_str(),
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
        }
    }

    /// The rule that did it.
    pub fn rule(&self) -> &RuleId {
        match self {
            Self::Run { rule, .. } => rule,
            Self::Command { command, .. } => &command.rule,
            Self::Notification(notification) => &notification.rule,
            Self::Request(request) => &request.rule,
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
            (Self::Command { command, .. }, Self::Command { command: other, .. }) => {
                is_same_order(command, other)
            }
            (Self::Notification(a), Self::Notification(b)) => {
                (&a.notifier, &a.title, &a.message, a.level)
                    == (&b.notifier, &b.title, &b.message, b.level)
            }
            (Self::Request(a), Self::Request(b)) => is_same_request(a, b),
            (
                Self::Run { .. } | Self::Command { .. } | Self::Notification(_) | Self::Request(_),
                Self::Run { .. } | Self::Command { .. } | Self::Notification(_) | Self::Request(_),
            ) => false,
        }
    }
}

/// Whether a device is asked for the same, by whatever rule.
pub(super) fn is_same_order(a: &Command, b: &Command) -> bool {
    (&a.device.id, &a.name, &a.parameters) == (&b.device.id, &b.name, &b.parameters)
}

/// Whether a host is asked for the same, by whatever rule.
pub(super) fn is_same_request(a: &HttpRequest, b: &HttpRequest) -> bool {
    (a.method, &a.url, &a.json, &a.headers) == (b.method, &b.url, &b.json, &b.headers)
}

/// In a few words, without moments.
impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run {
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
            Self::Command { command, end } => {
                write!(f, "command {} {}", command.device.alias, command.name)?;
                for (name, quantity) in &command.parameters {
                    write!(f, ", {name} {quantity}")?;
                }
                match end {
                    None => f.write_str(": under way"),
                    Some(End::Known { outcome, .. }) => {
                        write!(f, ": {}", outcome.name())?;
                        outcome.failure().map_or(Ok(()), |it| write!(f, ", {it}"))
                    }
                    Some(End::Assumed { .. }) => {
                        let after = crate::document::duration::display(super::ASSUMED_REACTION);
                        write!(f, ": assumed completed after {after}")
                    }
                }
            }
            Self::Notification(it) => {
                write!(f, "notify {}", it.notifier)?;
                if let Some(title) = &it.title {
                    write!(f, " \"{title}\":")?;
                }
                write!(f, " \"{}\"", it.message)
            }
            Self::Request(it) => write!(f, "http {}", it.shown()),
        }
    }
}
