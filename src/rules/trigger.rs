//! What triggers wait for, beyond orders and connections.

use std::time::Duration;

use jiff::SignedDuration;
use jiff::civil::{Time, Weekday};
use serde::{Deserialize, Serialize};

use crate::domain::device::{Device, DeviceType};
use crate::domain::id::InputName;
use crate::domain::value::Value;
use crate::rules::condition::weekdays;
use crate::rules::rule::{On, Trigger};

impl On {
    /// As in `trigger: command`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Command(_) => "command",
            Self::Device(_) => "device",
            Self::State(_) => "state",
            Self::NumericState(_) => "numeric_state",
            Self::Time(_) => "time",
            Self::Cron(_) => "cron",
            Self::Sun(_) => "sun",
            Self::Webhook(_) => "webhook",
            Self::Engine(_) => "engine",
            Self::AllOf(_) => "all_of",
            Self::Sequence(_) => "sequence",
            Self::Absence(_) => "absence",
            Self::Count(_) => "count",
        }
    }

    /// The triggers that it is made of, in their order.
    pub fn inner(&self) -> Vec<&Trigger> {
        match self {
            Self::AllOf(group) | Self::Sequence(group) => group.triggers.iter().collect(),
            Self::Absence(it) => std::iter::once(&it.of)
                .chain(&it.after)
                .map(|it| &**it)
                .collect(),
            Self::Count(count) => vec![&count.of],
            Self::Command(_)
            | Self::Device(_)
            | Self::State(_)
            | Self::NumericState(_)
            | Self::Time(_)
            | Self::Cron(_)
            | Self::Sun(_)
            | Self::Webhook(_)
            | Self::Engine(_) => Vec::new(),
        }
    }

    /// How long what it waits for has to hold, where it says so.
    pub fn held(&self) -> Option<Held> {
        match self {
            Self::Device(it) => it.held,
            Self::State(it) => it.held,
            Self::NumericState(it) => it.held,
            Self::Command(_)
            | Self::Time(_)
            | Self::Cron(_)
            | Self::Sun(_)
            | Self::Webhook(_)
            | Self::Engine(_)
            | Self::AllOf(_)
            | Self::Sequence(_)
            | Self::Absence(_)
            | Self::Count(_) => None,
        }
    }

    /// Whose value it looks at, if any.
    pub fn watched(&self) -> Option<&Watched> {
        if let Self::State(StateTrigger { watched, .. })
        | Self::NumericState(NumericTrigger { watched, .. }) = self
        {
            return Some(watched);
        }
        None
    }
}

/// Whose value is looked at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Watched {
    /// Any one of these devices, of one type each.
    Attribute {
        devices: Vec<Device>,
        /// Written as `{type: …}`: `devices` are those of the type, however many the home has.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        of_type: Option<DeviceType>,
        attribute: String,
    },
    Input(InputName),
}

/// How long a fact must hold (`for:`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    pub duration: Duration,
    /// How long nothing may be heard meanwhile.
    pub gap_tolerance: Duration,
}

/// A value changed. Empty lists ask nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StateTrigger {
    pub watched: Watched,
    pub from: Vec<Value>,
    pub to: Vec<Value>,
    pub not_from: Vec<Value>,
    pub not_to: Vec<Value>,
    pub held: Option<Held>,
}

/// A number crossed a limit, strictly. At least one of `above` and `below` is there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NumericTrigger {
    pub watched: Watched,
    pub above: Option<f64>,
    pub below: Option<f64>,
    /// Where it may fire again.
    pub reset: Option<f64>,
    /// The first known value counts as a crossing.
    pub fires_from_unknown: bool,
    pub held: Option<Held>,
}

/// Which of the moments that were missed still count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missed {
    pub catch_up: CatchUp,
    /// Not older than this.
    pub within: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CatchUp {
    Latest,
    All,
    None,
}

/// Times of day in the home's zone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimeTrigger {
    /// At least one, in order.
    pub at: Vec<Time>,
    /// Empty means every day.
    #[serde(with = "weekdays")]
    pub weekdays: Vec<Weekday>,
    pub missed: Missed,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CronTrigger {
    pub pattern: Pattern,
    pub missed: Missed,
}

/// A crontab pattern as sets, each in order and never empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pattern {
    pub seconds: Vec<u8>,
    pub minutes: Vec<u8>,
    pub hours: Vec<u8>,
    pub days: Vec<u8>,
    pub months: Vec<u8>,
    #[serde(with = "weekdays")]
    pub weekdays: Vec<Weekday>,
    /// Day and weekday are both restricted, and one of them is enough, as crontab has it.
    pub is_either_day: bool,
    /// Its minutes are those of some `*/n`, or its hours are all; it keeps its rhythm when clocks change.
    pub is_rhythm: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SunEvent {
    Sunrise,
    Sunset,
    Dawn,
    Dusk,
}

impl SunEvent {
    /// As rules write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sunrise => "sunrise",
            Self::Sunset => "sunset",
            Self::Dawn => "dawn",
            Self::Dusk => "dusk",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SunTrigger {
    pub event: SunEvent,
    /// Later; negative is earlier.
    pub offset: SignedDuration,
    pub missed: Missed,
}

/// What the engine itself did. At least one is true.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineTrigger {
    pub started: bool,
    pub reloaded: bool,
}

/// Several triggers within a time: at least two.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupTrigger {
    pub triggers: Vec<Trigger>,
    pub within: Duration,
}

/// Nothing came for so long.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AbsenceTrigger {
    pub of: Box<Trigger>,
    pub absent_for: Duration,
    /// Counted from when this one came.
    pub after: Option<Box<Trigger>>,
}

/// The n-th within a sliding window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CountTrigger {
    pub of: Box<Trigger>,
    pub count: u32,
    pub within: Duration,
}
