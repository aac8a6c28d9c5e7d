//! Rules as they are written: the shape is right, the names may still lead nowhere.
//!
//! What depends on the home (levels, words, names) stays a [`Node`], or a block whose keys have been
//! looked at, until it is known.

use std::time::Duration;

use crate::document::decode::Fields;
use crate::document::node::Node;
use crate::document::source::Span;
use crate::document::vocabulary::Word;
use crate::domain::command::RetryPolicy;
use crate::domain::device::DeviceType;
use crate::domain::event::ConnectionChange;
use crate::rules::condition::Join;
use crate::rules::rule::{CommandSource, IfUnknown, Level, ResultKind, Settings, TimeTest};
use crate::rules::trigger::Held;

/// Something written, and where.
#[derive(Clone, Copy, Debug)]
pub(super) struct Written<T> {
    pub(super) value: T,
    pub(super) span: Span,
}

/// Text with expressions in it, which are not looked at yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Template<'n> {
    pub(super) node: &'n Node,
    pub(super) text: &'n str,
}

/// Parts that could not be read are not here; the findings have them.
#[derive(Debug)]
pub(super) struct Rule<'n> {
    pub(super) id: Option<Written<&'n str>>,
    pub(super) alias: Option<&'n str>,
    pub(super) description: Option<&'n str>,
    pub(super) enabled: bool,
    pub(super) settings: Settings,
    /// What tells the runs of the rule apart, which is not looked at yet.
    pub(super) per: Option<&'n Node>,
    pub(super) variables: Vec<Named<'n>>,
    pub(super) triggers: Vec<Trigger<'n>>,
    pub(super) conditions: Vec<Condition<'n>>,
    pub(super) steps: Vec<Step<'n>>,
    pub(super) on_failure: Vec<Step<'n>>,
}

/// `NAME: value`
pub(super) type Named<'n> = (Written<&'n str>, &'n Node);

#[derive(Debug)]
pub(super) struct Trigger<'n> {
    pub(super) head: Span,
    pub(super) id: Option<&'n str>,
    pub(super) enabled: bool,
    pub(super) variables: Vec<Named<'n>>,
    pub(super) on: On<'n>,
}

#[derive(Debug)]
pub(super) enum On<'n> {
    Command {
        devices: Devices<'n>,
        commands: Vec<Written<&'n str>>,
        results: Vec<ResultKind>,
        error_codes: Vec<&'n str>,
        source: CommandSource,
    },
    Device {
        devices: Devices<'n>,
        changes: Vec<ConnectionChange>,
        held: Option<Held>,
    },
    /// Any other: the word, and its block.
    Of(&'static Word, Fields<'n>),
}

impl On<'_> {
    /// As in `trigger: command`.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Command { .. } => "command",
            Self::Device { .. } => "device",
            Self::Of(word, _) => word.name,
        }
    }
}

#[derive(Debug)]
pub(super) enum Devices<'n> {
    Named(Vec<Written<&'n str>>),
    OfType(Written<DeviceType>),
}

impl Devices<'_> {
    pub(super) fn of_type(&self) -> Option<DeviceType> {
        match self {
            Self::Named(_) => None,
            Self::OfType(written) => Some(written.value),
        }
    }
}

#[derive(Debug)]
pub(super) struct Condition<'n> {
    pub(super) head: Span,
    pub(super) alias: Option<&'n str>,
    pub(super) enabled: bool,
    pub(super) if_unknown: IfUnknown,
    pub(super) test: Test<'n>,
}

#[derive(Debug)]
pub(super) enum Test<'n> {
    Time(TimeTest),
    State {
        subject: Subject<'n>,
        is: &'n [Node],
        is_not: &'n [Node],
        held_for: Option<Held>,
    },
    Numeric {
        subject: Subject<'n>,
        bounds: Bounds<'n>,
        held_for: Option<Held>,
    },
    Block(Join, Vec<Condition<'n>>),
    /// A text in `{{ }}`, or an answer.
    Expression(&'n Node),
    /// Any other: the word, and its block.
    Of(&'static Word, Fields<'n>),
}

#[derive(Debug)]
pub(super) struct Subject<'n> {
    pub(super) device: Written<&'n str>,
    pub(super) attribute: Written<&'n str>,
    pub(super) max_age: Duration,
}

#[derive(Debug)]
pub(super) struct Bounds<'n> {
    pub(super) above: Option<&'n Node>,
    pub(super) below: Option<&'n Node>,
    pub(super) at_least: Option<&'n Node>,
    pub(super) at_most: Option<&'n Node>,
}

#[derive(Debug)]
pub(super) struct Step<'n> {
    pub(super) head: Span,
    pub(super) alias: Option<&'n str>,
    pub(super) id: Option<Written<&'n str>>,
    pub(super) enabled: bool,
    pub(super) continues: bool,
    pub(super) on_failure: Vec<Self>,
    pub(super) kind: StepKind<'n>,
}

#[derive(Debug)]
pub(super) enum StepKind<'n> {
    Command {
        command: Written<&'n str>,
        device: Written<&'n str>,
        parameters: Vec<Named<'n>>,
        retry: RetryPolicy,
        fields: Fields<'n>,
    },
    Notify {
        notifiers: Vec<Written<&'n str>>,
        title: Option<Template<'n>>,
        message: Template<'n>,
        level: Level,
    },
    Log {
        text: Template<'n>,
        level: Level,
    },
    /// `if` is a `choose` of one way.
    Choose {
        ways: Vec<Way<'n>>,
        otherwise: Vec<Step<'n>>,
    },
    Repeat {
        rounds: Rounds<'n>,
        max: u32,
        steps: Vec<Step<'n>>,
    },
    Variables(Vec<Named<'n>>),
    Set(Vec<Named<'n>>),
    Stop {
        text: Template<'n>,
        failed: bool,
    },
    Parallel(Vec<Vec<Step<'n>>>),
    /// Any other: the word, and its block.
    Of(&'static Word, Fields<'n>),
}

/// Conditions, and what is done when they hold.
#[derive(Debug)]
pub(super) struct Way<'n> {
    pub(super) conditions: Vec<Condition<'n>>,
    pub(super) steps: Vec<Step<'n>>,
}

#[derive(Debug)]
pub(super) enum Rounds<'n> {
    Count(&'n Node),
    While(Vec<Condition<'n>>),
    Until(Vec<Condition<'n>>),
    ForEach(&'n Node),
}
