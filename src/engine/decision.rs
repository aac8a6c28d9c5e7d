//! What the shell is to write down, all of it in one transaction.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::command::Command;
use crate::domain::event::Readings;
use crate::domain::id::{CommandId, EventId, NotificationId, NotifierName, RuleId, RunId};
use crate::engine::memory::Memory;
use crate::engine::run::{Run, RunEnd};
use crate::engine::trace::Trace;
use crate::rules::expression::Literal;
use crate::rules::rule::Level;

/// What an input leads to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decision {
    /// To the state, in order.
    pub changes: Vec<Change>,
    /// To the outbox.
    pub commands: Vec<Command>,
    /// To the outbox.
    pub notifications: Vec<Notification>,
    /// One for each rule that looked.
    pub traces: Vec<Trace>,
}

/// A change to what the engine remembers.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    Read(Readings),
    RunStarted(Run),
    /// A run stands at `position` until `command` is over.
    RunWaits {
        run: RunId,
        position: usize,
        command: CommandId,
        memory: Memory,
    },
    /// A rule remembers a value for its later runs.
    Remembered {
        rule: RuleId,
        name: String,
        value: Literal,
        at: Timestamp,
    },
    RunEnded {
        run: RunId,
        end: RunEnd,
        at: Timestamp,
    },
}

/// A message to a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    pub id: NotificationId,
    pub notifier: NotifierName,
    pub title: Option<String>,
    pub message: String,
    pub level: Level,
    pub rule: RuleId,
    pub run: RunId,
    pub cause: EventId,
}
