//! A test as it was read: every name resolved, every number in its unit.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Time;

use crate::domain::device::Device;
use crate::domain::event::{ConnectionChange, Hook, Payload};
use crate::domain::http::Reply;
use crate::domain::id::InputName;
use crate::domain::lifecycle::Outcome;
use crate::domain::value::{Point, Value};
use crate::rule_tests::expected::Expected;
use crate::rule_tests::writes::WriteEnd;
use crate::rules::rule::{Place, RuleSet};

#[derive(Debug)]
pub(super) struct Test {
    pub(super) name: String,
    pub(super) place: Place,
    /// When it begins.
    pub(super) at: Timestamp,
    /// What the devices and inputs show from the first moment on.
    pub(super) given: Vec<Setting>,
    pub(super) steps: Vec<Step>,
}

/// What a device or an input shows from now on.
#[derive(Clone, Debug)]
pub(super) enum Setting {
    Device { device: Device, shows: Shows },
    Input { input: InputName, shows: InputShows },
}

#[derive(Clone, Debug)]
pub(super) enum InputShows {
    Value(Value),
    /// What is foretold.
    Series(Vec<Point>),
    /// Nothing is heard of it any more.
    Silent,
}

#[derive(Clone, Debug)]
pub(super) enum Shows {
    /// These values; others that it had stay.
    Values(BTreeMap<String, Value>),
    /// It does not answer any more, and what is known of it grows old.
    Silent,
}

#[derive(Debug)]
pub(super) struct Step {
    pub(super) place: Place,
    pub(super) kind: StepKind,
}

#[derive(Debug)]
pub(super) enum StepKind {
    Set(Vec<Setting>),
    /// The order under way at the device ends.
    End {
        device: Device,
        outcome: Outcome,
    },
    /// Nothing is ever heard of the order under way at the device.
    Lose(Device),
    /// A setting that we wrote is shown by its device, or fails.
    Written {
        device: Device,
        setting: &'static str,
        end: WriteEnd,
    },
    Webhook(Webhook),
    /// The host answers a request of ours: the oldest that is under way, to this address where one is named.
    Answer {
        url: Option<String>,
        reply: Reply,
    },
    Advance(Duration),
    At(Moment),
    /// The engine is stopped and, after so long, started.
    Restart(Duration),
    /// These are the rules from now on; none when the files say what they said.
    Reload(Option<Arc<RuleSet>>),
    Expect(Expectation),
}

#[derive(Debug)]
pub(super) enum Webhook {
    /// As Amps sends it.
    Body(Payload),
    /// Somebody else's order ended.
    Ended {
        device: Device,
        command: String,
        outcome: Outcome,
    },
    Connection {
        device: Device,
        change: ConnectionChange,
    },
    /// A signed `POST /hooks/NAME`.
    Hook(Hook),
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Moment {
    Absolute(Timestamp),
    /// The next time that the clocks of the home show this.
    TimeOfDay(Time),
}

/// What happened since the last one, and nothing else.
#[derive(Debug)]
pub(super) struct Expectation {
    pub(super) items: Vec<Expected>,
    pub(super) in_any_order: bool,
}
