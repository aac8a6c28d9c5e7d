//! What the shell is to write down, all of it in one transaction.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::domain::capabilities::Declaration;
use crate::domain::command::Command;
use crate::domain::event::{Accepted, InputReading, NotCancelled, Readings, Settled};
use crate::domain::http::{HttpOver, HttpRequest};
use crate::domain::id::{
    CommandId, DeviceId, EventId, NotificationId, NotifierName, RuleId, RunId,
};
use crate::domain::writing::{SettingWrite, WriteOver};
use crate::engine::arbitration::lease::Kept;
use crate::engine::begun::Begun;
use crate::engine::call::WaitingCall;
use crate::engine::facts::TriggerFields;
use crate::engine::history::History;
use crate::engine::run::{Run, RunEnd};
use crate::engine::state::Wakeful;
use crate::engine::trace::Trace;
use crate::engine::trigger::memory::TriggerMemory;
use crate::rules::condition::HeldSubject;
use crate::rules::expr::value::Value;
use crate::rules::rule::Level;

/// What an input leads to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decision {
    /// To the state, in order.
    pub changes: Vec<Change>,
    /// To the outbox.
    pub commands: Vec<Command>,
    /// Orders that are called off, unless they have begun.
    pub withdrawn: Vec<CommandId>,
    /// The same, and a run waits to hear what came of it.
    pub cancelled: Vec<CommandId>,
    /// Orders that are not sent any more. What Amps has of them is left to its end, planned or not.
    pub abandoned: Vec<CommandId>,
    /// To the outbox.
    pub notifications: Vec<Notification>,
    /// To the outbox: requests over HTTP.
    pub requests: Vec<HttpRequest>,
    /// To the outbox: settings of devices.
    pub writes: Vec<SettingWrite>,
    /// Devices whose values are asked for; a hint to those who read.
    pub reads: Vec<ReadRequest>,
    /// One for each rule that looked.
    pub traces: Vec<Trace>,
    /// What is to be decided next, once the changes are made: before any other follow-up, each with all that
    /// follows from it.
    pub at_once: Vec<FollowUp>,
    /// What else is to be decided now, when its turn comes.
    pub follow_ups: Vec<FollowUp>,
    /// Runs that have left the step at which the state still has them.
    pub moved_on: Vec<RunId>,
}

impl Decision {
    /// Whether there is nothing to write down.
    pub fn is_empty(&self) -> bool {
        self.changes.iter().all(Change::is_passing)
            && self.commands.is_empty()
            && self.withdrawn.is_empty()
            && self.cancelled.is_empty()
            && self.abandoned.is_empty()
            && self.notifications.is_empty()
            && self.requests.is_empty()
            && self.writes.is_empty()
            && self.traces.is_empty()
    }

    /// Gives `command` to its device.
    pub(super) fn order(&mut self, command: Command, at: Timestamp) {
        let known = command.clone();
        self.changes.push(Change::Ordered { command: known, at });
        self.commands.push(command);
    }
}

/// A device whose values are wanted now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadRequest {
    pub device: DeviceId,
    /// Values that the platform has kept for a quarter of an hour are too old.
    pub expedite: bool,
    /// How long it is left alone before; it was asked a moment ago.
    pub wait: Duration,
}

/// A change to what the engine remembers.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    Read(Readings),
    /// A device says that it takes something else than before.
    Declared(Declaration),
    /// The clock was set: values are as old as they were, and orders and messages wait as long.
    ClockSet {
        by: SignedDuration,
    },
    /// An input shows something.
    Input {
        reading: InputReading,
        /// When it shows something else by what is foretold of it.
        turns_at: Option<Timestamp>,
    },
    /// What a value was, of which a rule asks for how long it has been so.
    History {
        of: HeldSubject,
        history: History,
    },
    /// Nobody asks for it any more.
    HistoryOver {
        of: HeldSubject,
    },
    /// A device was to be read and did not answer. Not a row.
    NotRead {
        device: DeviceId,
    },
    /// A device is asked for its values. Not a row: at a start, whoever waits asks again.
    Asked {
        request: ReadRequest,
        at: Timestamp,
    },
    /// A rule was woken, and it is not decided whether it may run.
    CallWaits(WaitingCall),
    /// It is decided, or nobody wants to know any more.
    CallOver {
        id: RunId,
    },
    RunStarted(Run),
    /// A run stands elsewhere, or waits for something else.
    RunMoved(Run),
    /// When a run that waits for conditions asks them again. Not a row: when the rows are read, all of them ask.
    RunAsks {
        run: RunId,
        /// None when time alone changes nothing.
        at: Option<Timestamp>,
    },
    RunEnded {
        run: RunId,
        end: RunEnd,
        at: Timestamp,
    },
    /// A rule remembers a value for its later runs.
    Remembered {
        rule: RuleId,
        name: String,
        value: Value,
        at: Timestamp,
    },
    /// A trigger remembers something else; nothing at all when it is as new.
    Trigger {
        rule: RuleId,
        trigger: usize,
        memory: TriggerMemory,
    },
    /// Its triggers are not heard until somebody lets it go on.
    RulePaused {
        rule: RuleId,
        reason: String,
        /// Rules let go on what rules paused. Anything else is for a person to look at.
        by_rule: bool,
        at: Timestamp,
    },
    /// A rule gave an order. The outbox has it; the engine remembers that it is under way.
    Ordered {
        command: Command,
        at: Timestamp,
    },
    /// An order of ours is over.
    Settled {
        settled: Settled,
        at: Timestamp,
    },
    /// It is let go on.
    RuleResumed {
        rule: RuleId,
        /// From when on the breaker counts the runs of the rule; none when the rule itself lets it go on, which
        /// is no reason to begin anew.
        counted_from: Option<Timestamp>,
    },
    /// A rule keeps a device beyond its step.
    Kept {
        device: DeviceId,
        kept: Kept,
    },
    /// Nobody keeps the device any more.
    Released {
        device: DeviceId,
    },
    /// Somebody else's order to the device is over.
    ForeignOrder {
        device: DeviceId,
        at: Timestamp,
    },
}

impl Change {
    /// Whether it is worth no row by itself.
    fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::Read(_)
                | Self::Input { .. }
                | Self::History { .. }
                | Self::NotRead { .. }
                | Self::Asked { .. }
                | Self::RunAsks { .. }
        )
    }
}

/// Something that is decided right after, with the state as it then is.
#[derive(Clone, Debug, PartialEq)]
pub enum FollowUp {
    /// Its moment has come.
    Wake(Wakeful),
    /// A trigger fired.
    Fired {
        rule: RuleId,
        trigger: usize,
        fields: TriggerFields,
        /// How often triggers of the rule fired with this event before; counted when its turn comes.
        nth: u32,
        /// The runs of the rule that came of that; noted when its turn comes.
        begun: Vec<Begun>,
    },
    /// A rule is run by another run: its triggers and conditions are not asked.
    Run {
        rule: RuleId,
        /// The operation that does, as [`RunId::occasion`] has it.
        by: String,
        /// The rules of the runs that led to that.
        chain: Vec<RuleId>,
    },
    /// The rule that `run` has run is under way or over: the run goes on with its next step. Comes in the
    /// same transaction, so that no run is ever found standing there.
    GoOn {
        run: RunId,
        /// Operations that it has done since it last waited.
        done: usize,
    },
    /// A command is over: the run that waits for it goes on.
    CommandOver(Settled),
    /// Amps has taken a command: the run that waits for no more goes on.
    CommandAccepted(Accepted),
    /// A command is not cancelled: the run that wants that goes on.
    NotCancelled(NotCancelled),
    /// A request is over: the run that waits for it goes on.
    HttpOver(HttpOver),
    /// A setting is written, or not: the run that waits for that goes on.
    WriteOver(WriteOver),
    /// A branch of `run` is over.
    BranchOver {
        run: RunId,
        branch: RunId,
        end: RunEnd,
    },
    /// What stands in line behind a run that is over may go on.
    NextInLine { rule: RuleId, key: Option<String> },
    /// What a run asks may be answered differently now.
    Ask(RunId),
    /// The same of a rule that was woken.
    Call(RunId),
    /// A trigger fired that a run waits for, the one at the index: the run goes on, and knows of what woke it.
    Came {
        run: RunId,
        trigger: usize,
        fields: TriggerFields,
    },
    /// A run loses the device that it has.
    Displace { run: RunId, reason: String },
    /// A device that somebody waits for may be free.
    DeviceFree { device: DeviceId },
    /// A run is to end, without a failure of its own.
    End { run: RunId, end: RunEnd },
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
