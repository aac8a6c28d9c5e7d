//! What the steps of a run are, beyond orders and messages.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::SignedDuration;
use jiff::civil::Time;
use serde::{Deserialize, Serialize};

use crate::domain::command::RetryPolicy;
use crate::domain::device::Device;
use crate::domain::http::{HeaderText, Method};
use crate::domain::id::{RuleId, StepId};
use crate::domain::unit::Unit;
use crate::domain::value::Quantity;
use crate::rules::condition::Block;
use crate::rules::expr::template::Template;
use crate::rules::expr::value::Value;
use crate::rules::expression::Expression;
use crate::rules::rule::{Condition, IfUnknown, NumericTest, Program, StateTest, Trigger};

/// Operations whose failure leads to one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handler {
    /// The first operation that it covers.
    pub from: usize,
    /// The first that it does not cover.
    pub to: usize,
    /// Where a run goes on.
    pub target: usize,
    /// How many loops stand around `target`; those inside them are left.
    pub loops: usize,
}

/// The head of a loop. The body follows it and leads back; `end` is behind the body.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RepeatOperation {
    pub rounds: Rounds,
    /// One more round than this fails the step.
    pub max: u32,
    pub end: usize,
}

/// What decides whether there is another round.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rounds {
    Count(Expression),
    /// Asked before each round.
    While(Vec<Condition>),
    /// Asked after each round.
    Until(Vec<Condition>),
    ForEach(Expression),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StopOperation {
    pub text: Template,
    pub failed: bool,
}

/// A number that an order carries, in the unit of the catalogue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Amount {
    Fixed(Quantity),
    /// Known when the order is given; its unit and bounds are looked at then.
    Computed(Expression),
}

/// What a command step asks beyond the order itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CommandOptions {
    pub start: Option<Moment>,
    pub end: Option<Moment>,
    pub on_conflict: OnConflict,
    pub wait_for: Goal,
    /// For the device to become free, and for the end of the order, together.
    pub timeout: Option<Duration>,
    pub verify: Option<Box<Verify>>,
    pub force: bool,
    /// How long the device is kept beyond the step.
    pub lease_until: Option<Moment>,
}

impl CommandOptions {
    /// Whether the step asks for nothing but the order.
    pub(super) fn is_plain(&self) -> bool {
        *self == Self::default()
    }
}

/// A moment as a step says it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// From now.
    In(Duration),
    /// The next such time of day, in the home's zone.
    At(Time),
    Computed(Expression),
}

/// When somebody else has the device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnConflict {
    #[default]
    Wait,
    Skip,
    Replace,
    Fail,
}

/// How far a step follows its order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    #[default]
    Completed,
    Accepted,
    Nothing,
}

/// What the device must report after the order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verify {
    pub test: VerifyTest,
    pub within: Duration,
    pub if_unknown: IfUnknown,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerifyTest {
    State(StateTest),
    Number(NumericTest),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SettingOperation {
    pub device: Device,
    pub setting: String,
    /// A bare number is in `unit`.
    pub value: Expression,
    pub unit: Unit,
    pub retry: RetryPolicy,
}

/// Which order of ours is called off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CancelOperation {
    Device(Device),
    /// What the step with this `id` ordered, in this run and in others of the rule.
    Step(StepId),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadOperation {
    /// At least one.
    pub devices: Vec<Device>,
    pub max_age: Duration,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HttpOperation {
    /// Begins with a host that home.yaml names; what is calculated stands behind it.
    pub url: Template,
    pub method: Method,
    pub headers: BTreeMap<String, HeaderText<Template>>,
    /// The body.
    pub json: Option<Json>,
    pub timeout: Duration,
    pub retry: RetryPolicy,
    /// Whether it is sent again when it may have arrived and the answer was lost.
    #[serde(default)]
    pub is_repeatable: bool,
    /// The answer becomes this variable.
    pub save: Option<String>,
}

/// JSON, with expressions in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Json {
    Fixed(serde_json::Value),
    Computed(Expression),
    /// At least one item is not fixed.
    List(Vec<Self>),
    /// At least one value is not fixed.
    Object(BTreeMap<String, Self>),
}

impl Json {
    pub(super) fn list(items: Vec<Self>) -> Self {
        match items.iter().map(Self::fixed).collect() {
            Some(fixed) => Self::Fixed(serde_json::Value::Array(fixed)),
            None => Self::List(items),
        }
    }

    pub(super) fn object(values: BTreeMap<String, Self>) -> Self {
        let fixed = |(name, value): (&String, &Self)| Some((name.clone(), value.fixed()?));
        match values.iter().map(fixed).collect() {
            Some(fixed) => Self::Fixed(serde_json::Value::Object(fixed)),
            None => Self::Object(values),
        }
    }

    fn fixed(&self) -> Option<serde_json::Value> {
        match self {
            Self::Fixed(value) => Some(value.clone()),
            Self::Computed(_) | Self::List(_) | Self::Object(_) => None,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DelayOperation {
    pub duration: Expression,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WaitOperation {
    pub until: Awaited,
    pub timeout: Option<Duration>,
    /// Otherwise the end of the time fails the step.
    pub continue_on_timeout: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Awaited {
    /// Any one of them.
    Triggers(Vec<Trigger>),
    Conditions(Block),
}

/// Sequences side by side, each a program of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ParallelOperation {
    pub branches: Vec<Program>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleOperation {
    pub rule: RuleId,
    pub verb: RuleVerb,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleVerb {
    Run,
    Pause,
    Resume,
}

/// A duration that is known when the rule is read, of a year at most.
pub(super) fn fixed(duration: Duration) -> Expression {
    let duration = SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
    Expression::Literal(Value::Duration(duration))
}
