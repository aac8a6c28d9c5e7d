//! Rules as they are written: the shape is right, the names may still lead nowhere.
//!
//! What depends on the device (levels, words, parameters) stays a [`Node`] until it is known.

use std::time::Duration;

use crate::document::node::Node;
use crate::document::source::Span;
use crate::domain::command::RetryPolicy;
use crate::domain::device::DeviceType;
use crate::domain::event::ConnectionChange;
use crate::rules::rule::{CommandSource, IfUnknown, Level, ResultKind, TimeTest};

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
    pub(super) triggers: Vec<Trigger<'n>>,
    pub(super) conditions: Vec<Condition<'n>>,
    pub(super) steps: Vec<Step<'n>>,
}

#[derive(Debug)]
pub(super) struct Trigger<'n> {
    pub(super) head: Span,
    pub(super) id: Option<&'n str>,
    pub(super) enabled: bool,
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
    },
}

impl On<'_> {
    /// As in `trigger: command`.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Command { .. } => "command",
            Self::Device { .. } => "device",
        }
    }
}

#[derive(Debug)]
pub(super) enum Devices<'n> {
    Named(Vec<Written<&'n str>>),
    OfType(Written<DeviceType>),
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
    },
    Numeric {
        subject: Subject<'n>,
        bounds: Bounds<'n>,
    },
    Expression(Template<'n>),
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
    pub(super) enabled: bool,
    pub(super) kind: StepKind<'n>,
}

#[derive(Debug)]
pub(super) enum StepKind<'n> {
    Command {
        command: Written<&'n str>,
        device: Written<&'n str>,
        parameters: Vec<(Written<&'n str>, &'n Node)>,
        retry: RetryPolicy,
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
}
