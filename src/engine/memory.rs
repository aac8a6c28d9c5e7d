//! What a run carries along from step to step: plain data, stored with the run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::event::Settled;
use crate::domain::id::{DeviceAlias, RunId};
use crate::domain::lifecycle::Failure;
use crate::engine::condition;
use crate::engine::facts::{Known, TriggerFields, View, named};
use crate::engine::terms::Terms;
use crate::rules::expr::eval::eval;
use crate::rules::expr::value::Value;
use crate::rules::expression::Expression;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    /// The id of the trigger that began the run.
    pub trigger: Option<String>,
    pub variables: BTreeMap<String, Value>,
    /// The loops that the run is in, outermost first.
    pub loops: Vec<Round>,
    /// Of a branch: the run that it is part of, at the top. Rows of earlier versions do not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub whole: Option<RunId>,
    /// Of a branch: the innermost loop around the `parallel`, as it stood.
    pub around: Option<Round>,
    /// The last failure that was handled.
    pub failure: Option<StepFailure>,
    /// How the last wait ended.
    pub waited: Option<Waited>,
    /// Of the command step at which the run stands. Rows of earlier versions do not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub terms: Option<Box<Terms>>,
}

/// How a wait ended, as `wait.…` tells it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Waited {
    /// What it waited for came; otherwise the time was over.
    pub completed: bool,
    /// What the trigger saw that came.
    pub trigger: TriggerFields,
}

/// Where a run is in a loop.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Round {
    /// The head of the loop.
    pub position: usize,
    /// From 1; 0 before the first.
    pub index: u32,
    /// Of `for_each`.
    pub item: Option<Value>,
    /// What the loop is to do, as it was found when the run came to it.
    #[serde(default)]
    pub plan: Plan,
}

/// How far a loop goes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Plan {
    /// As long as its conditions say so.
    #[default]
    Open,
    Count(u32),
    /// One round for each.
    Items(Vec<Value>),
}

/// Why a step failed, as `failure.…` tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepFailure {
    /// In a sentence, for people.
    pub reason: String,
    /// `failed`, `cancelled`, `expired`; the word of the command's end.
    pub outcome: String,
    pub code: Option<String>,
    pub message: String,
    pub attempts: u32,
    pub device: Option<DeviceAlias>,
}

impl Memory {
    /// The innermost loop that the run is in.
    pub(super) fn round(&self) -> Option<&Round> {
        self.loops.last().or(self.around.as_ref())
    }

    /// The rounds of the loops that the run is in: with a position, they name a turn of the run.
    pub(super) fn rounds(&self) -> Vec<u32> {
        self.loops.iter().map(|it| it.index).collect()
    }
}

impl Waited {
    /// What is behind `wait`.
    pub(super) fn field(&self, name: &str) -> Option<Value> {
        match name.strip_prefix("trigger.") {
            Some(name) => named(&self.trigger, name),
            None => (name == "completed").then_some(Value::Bool(self.completed)),
        }
    }
}

impl Round {
    /// What is behind `repeat`.
    pub(super) fn field(&self, name: &str) -> Option<Value> {
        match name {
            "index" => Some(Value::Number(f64::from(self.index))),
            "item" => self.item.clone(),
            _ => None,
        }
    }
}

impl StepFailure {
    /// What is behind `failure`.
    pub(super) fn field(&self, name: &str) -> Option<Value> {
        match name {
            "outcome" => Some(Value::text(&self.outcome)),
            "code" => self.code.as_ref().map(Value::text),
            "message" => Some(Value::text(&self.message)),
            "attempts" => Some(Value::Number(f64::from(self.attempts))),
            "device" => self.device.as_ref().map(|it| Value::text(it.as_str())),
            _ => None,
        }
    }

    /// A failure that is no device's.
    pub(super) fn of_step(reason: String) -> Self {
        Self {
            message: reason.clone(),
            reason,
            outcome: "failed".to_owned(),
            code: None,
            attempts: 1,
            device: None,
        }
    }

    /// What was waited for did not come.
    pub(super) fn of_timeout(reason: String) -> Self {
        Self {
            outcome: "timeout".to_owned(),
            ..Self::of_step(reason)
        }
    }

    /// A request came to nothing after so many attempts.
    pub(super) fn of_request(failure: &Failure, attempts: u32, reason: String) -> Self {
        Self {
            message: failure.message.clone(),
            code: failure.code.clone(),
            attempts,
            ..Self::of_step(reason)
        }
    }

    /// The order to `device` came to nothing.
    pub(super) fn of_command(
        settled: &Settled,
        device: Option<DeviceAlias>,
        reason: String,
    ) -> Self {
        let failure = settled.outcome.failure();
        Self {
            message: failure.map_or_else(|| reason.clone(), |it| it.message.clone()),
            reason,
            outcome: settled.outcome.name().to_owned(),
            code: failure.and_then(|it| it.code.clone()),
            attempts: settled.attempts,
            device,
        }
    }
}

/// What the expression comes to now, numbers with their units. Whoever wants it in another unit, or of
/// one kind, calls [`Value::in_unit`] or [`Value::fit`].
pub(super) fn evaluate(expression: &Expression, view: View<'_>) -> Value {
    match expression {
        Expression::Literal(value) => value.clone(),
        Expression::Computed(checked) => eval(checked, &Known::of(view)).with_unit(&checked.kind),
    }
}

/// Like [`evaluate`], where nothing can be done with what is unknown: then why `what` fails the step.
pub(super) fn demand(expression: &Expression, what: &str, view: View<'_>) -> Result<Value, String> {
    let value = evaluate(expression, view);
    if value != Value::Unknown {
        return Ok(value);
    }
    Err(match expression {
        Expression::Literal(_) => format!("{what} is unknown"),
        Expression::Computed(checked) => {
            let found = condition::found(view, checked);
            format!("{what} is unknown: `{}`, found {found}", checked.text)
        }
    })
}
