//! What conditions ask, beyond the time and the values of devices.

use std::time::Duration;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::domain::device::Device;
use crate::domain::id::{DeviceId, InputName, RuleId};
use crate::domain::value::Value;
use crate::rules::rule::Condition;
use crate::rules::trigger::{Held, SunEvent};

/// Conditions joined, by Kleene's tables. What is unknown inside stays unknown, unless a condition
/// says `if_unknown: allow`; the outermost decides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Block {
    pub join: Join,
    /// At least one.
    pub conditions: Vec<Condition>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Join {
    And,
    Or,
    /// None of them.
    Not,
}

/// A part of the day by the sun; like [`TimeTest`](crate::rules::rule::TimeTest), it may wrap midnight.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SunTest {
    pub after: Option<(SunEvent, SignedDuration)>,
    pub before: Option<(SunEvent, SignedDuration)>,
}

/// What is known of our own orders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandTest {
    pub device: Device,
    /// Every command when none is named.
    pub command: Option<String>,
    pub state: CommandState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommandState {
    /// No order of ours is under way.
    Idle,
    Pending,
    CompletedWithin(Duration),
    FailedWithin(Duration),
    SentWithin(Duration),
}

/// Whether a rule has a run, and when it had its last. At least one is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleTest {
    pub rule: RuleId,
    pub running: Option<bool>,
    pub last_ran_within: Option<Duration>,
}

/// The last value of an input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputTest {
    pub input: InputName,
    pub max_age: Duration,
    pub held_for: Option<Held>,
    pub asks: InputQuestion,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InputQuestion {
    State {
        is: Vec<Value>,
        is_not: Vec<Value>,
    },
    Number {
        above: Option<f64>,
        below: Option<f64>,
        at_least: Option<f64>,
        at_most: Option<f64>,
    },
}

/// A value whose past is asked for (`for:`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeldSubject {
    /// With the name of the attribute.
    Attribute(DeviceId, String),
    Input(InputName),
}

/// Weekdays as numbers, Monday being 1.
pub(super) mod weekdays {
    use jiff::civil::Weekday;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

    pub(in crate::rules) fn serialize<S: Serializer>(
        days: &[Weekday],
        to: S,
    ) -> Result<S::Ok, S::Error> {
        let numbers: Vec<i8> = days.iter().map(|it| it.to_monday_one_offset()).collect();
        numbers.serialize(to)
    }

    pub(in crate::rules) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Vec<Weekday>, D::Error> {
        let numbers = Vec::<i8>::deserialize(from)?;
        let day = |it| Weekday::from_monday_one_offset(it).map_err(de::Error::custom);
        numbers.into_iter().map(day).collect()
    }
}
