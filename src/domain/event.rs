//! What happened, in one shape whatever the source: webhook, look-up, reading, or the engine itself.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::capabilities::Declaration;
use crate::domain::device::DeviceType;
use crate::domain::http::HttpOver;
use crate::domain::id::{ActionId, CommandId, DeviceId, EventId, InputName, RuleId};
use crate::domain::lifecycle::{Failure, Outcome};
use crate::domain::value::{Origin, Point, Value};
use crate::domain::writing::WriteOver;

/// Something that happened, once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    pub id: EventId,
    pub source: Source,
    /// When this home learned of it.
    pub received_at: Timestamp,
    pub payload: Payload,
}

/// How this home learned of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A signed webhook.
    Webhook,
    /// We asked Amps for an action whose webhook did not come.
    LookUp,
    /// We read a device.
    Poll,
    /// The engine's own: a command of ours is over, or a time has come.
    Engine,
    /// A person asked for it.
    Person,
}

impl Source {
    pub fn name(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::LookUp => "look_up",
            Self::Poll => "poll",
            Self::Engine => "engine",
            Self::Person => "person",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Payload {
    Report(Report),
    Connection(Connection),
    Readings(Readings),
    /// What a device says it takes.
    Capabilities(Declaration),
    Settled(Settled),
    Accepted(Accepted),
    /// A command of ours was to be cancelled, and goes on.
    NotCancelled(NotCancelled),
    Input(InputReading),
    Hook(Hook),
    /// Something that waits for a moment is due.
    Tick,
    Engine(EngineChange),
    /// Somebody set the clock of the machine by so many milliseconds; negative when it was put back. It is
    /// received by the new time.
    ClockSet {
        by_ms: i64,
        /// That was before the program's start, by whose clock it went from then on.
        was_down: bool,
    },
    Request(Request),
    /// A device that was to be read did not answer.
    NotRead {
        device: DeviceId,
    },
    /// A request of a rule over HTTP is over.
    Http(HttpOver),
    /// A setting of a device is written, or not.
    Written(WriteOver),
    /// Correctly signed and of no kind we know: kept, and nobody listens.
    Unknown,
}

impl Payload {
    /// One word, as lists show it and the store keeps it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Report(_) => "report",
            Self::Connection(_) => "connection",
            Self::Readings(_) => "readings",
            Self::Capabilities(_) => "capabilities",
            Self::Settled(_) => "settled",
            Self::Accepted(_) => "accepted",
            Self::NotCancelled(_) => "not_cancelled",
            Self::Input(_) => "input",
            Self::Hook(_) => "hook",
            Self::Tick => "tick",
            Self::Engine(_) => "engine",
            Self::ClockSet { .. } => "clock_set",
            Self::Request(_) => "request",
            Self::NotRead { .. } => "not_read",
            Self::Http(_) => "http",
            Self::Written(_) => "written",
            Self::Unknown => "unknown",
        }
    }

    /// The report that it is, if it is one.
    #[expect(clippy::wildcard_enum_match_arm, reason = "one kind is asked for")]
    pub fn report(&self) -> Option<&Report> {
        match self {
            Self::Report(report) => Some(report),
            _ => None,
        }
    }
}

/// The word on an action that ended, ours or somebody else's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    pub action: ActionId,
    pub device: DeviceId,
    /// The older generation does not always tell.
    pub device_type: Option<DeviceType>,
    /// The verb: `charge`, `auto.balanced`. The older generation's `mode`.
    pub command: Option<String>,
    /// Completed, failed with the platform's code, or cancelled; never expired, which is our own word.
    pub outcome: Outcome,
    /// `completedAt` or `failedAt`, where it could be read.
    pub ended_at: Option<Timestamp>,
}

/// A device's account was connected, reconnected or lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    pub device: DeviceId,
    pub device_type: Option<DeviceType>,
    pub change: ConnectionChange,
    pub at: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectionChange {
    Connected,
    Reconnected,
    Disconnected,
    /// The body fits all three, and the address it came to did not tell (`webhooks.md` §0.4).
    Unclear,
}

/// What a device said when it was read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Readings {
    pub device: DeviceId,
    /// When the platform last heard from the device; the time of the read where it does not tell.
    pub taken_at: Timestamp,
    pub origin: Origin,
    /// By attribute name of the catalogue, in its unit. Attributes that are absent or null are not here.
    pub values: BTreeMap<String, Value>,
}

/// A command of ours is over; the run that waits for it goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled {
    pub command: CommandId,
    pub device: DeviceId,
    /// The verb: `charge`.
    pub name: String,
    pub outcome: Outcome,
    /// How many pushes left for it.
    pub attempts: u32,
    /// The event that ended it, where there was one.
    pub cause: Option<EventId>,
}

/// Amps has taken a command of ours, whose run waits to hear that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    pub command: CommandId,
    pub device: DeviceId,
    /// The verb: `charge`.
    pub name: String,
}

/// A command of ours goes on, although a rule wanted to have it cancelled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotCancelled {
    #[serde(flatten)]
    pub order: Accepted,
    /// Why Amps does not cancel it; none when it is too late for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// What was learned of an input of the home.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputReading {
    pub input: InputName,
    /// When it was true, as far as the source tells.
    pub taken_at: Timestamp,
    /// None when the source says that it has none.
    pub value: Option<Value>,
    /// What is foretold, in order; empty for inputs that foretell nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub series: Vec<Point>,
}

/// A signed `POST /hooks/NAME` that is no value of an input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hook {
    pub name: String,
    pub json: serde_json::Value,
}

/// What the engine itself did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EngineChange {
    Started,
    Reloaded,
}

/// What a person asked the engine for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum Request {
    /// Runs the rule's actions, whatever its triggers and conditions say.
    Trigger {
        rule: RuleId,
    },
    Pause {
        rule: RuleId,
        /// In their words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    Resume {
        rule: RuleId,
    },
    /// Ends every run and pauses every rule.
    StopAll,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_device_can_be_a_row() {
        let payload = Payload::NotRead {
            device: DeviceId::new("dev_1"),
        };
        let row = serde_json::to_string(&payload).unwrap();
        assert_eq!(row, r#"{"kind":"not_read","device":"dev_1"}"#);
        assert_eq!(serde_json::from_str::<Payload>(&row).unwrap(), payload);
    }
}
