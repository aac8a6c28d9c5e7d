//! What a run carries along from step to step: plain data, stored with the run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::event::Settled;
use crate::domain::id::DeviceId;
use crate::engine::facts::TriggerFields;
use crate::rules::expression::{Expression, Literal, Variable};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    /// The id of the trigger that began the run.
    pub trigger: Option<String>,
    pub variables: BTreeMap<String, Literal>,
    /// The loops that the run is in, outermost first.
    pub loops: Vec<Round>,
    /// The last failure that was handled.
    pub failure: Option<StepFailure>,
    /// How the last wait ended.
    pub waited: Option<Waited>,
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
    pub item: Option<Literal>,
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
    pub device: Option<DeviceId>,
}

impl Memory {
    /// Takes values in, over those of the same name.
    pub(super) fn define(&mut self, variables: &[Variable]) {
        for variable in variables {
            let value = evaluate(&variable.value);
            self.variables.insert(variable.name.clone(), value);
        }
    }

    /// The rounds of the loops that the run is in: with a position, they name a turn of the run.
    pub(super) fn rounds(&self) -> Vec<u32> {
        self.loops.iter().map(|it| it.index).collect()
    }
}

impl StepFailure {
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

    pub(super) fn of_command(settled: &Settled, reason: String) -> Self {
        let failure = settled.outcome.failure();
        Self {
            message: failure.map_or_else(|| reason.clone(), |it| it.message.clone()),
            reason,
            outcome: settled.outcome.name().to_owned(),
            code: failure.and_then(|it| it.code.clone()),
            attempts: settled.attempts,
            device: Some(settled.device.clone()),
        }
    }
}

/// What the expression comes to now.
pub(super) fn evaluate(expression: &Expression) -> Literal {
    match expression {
        Expression::Literal(value) => value.clone(),
    }
}
