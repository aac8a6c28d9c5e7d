//! A run of a rule: where it stands, what it waits for, what it carries along. Plain data, a row.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::id::{EventId, RuleId, RunId};
use crate::engine::facts::TriggerFields;
use crate::engine::memory::Memory;
use crate::engine::wait::Wait;
use crate::rules::rule::{Operation, Program};

/// A run that has not ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    pub id: RunId,
    pub rule: RuleId,
    /// What it began with; a later edit of the rule does not touch it.
    pub program: Arc<Program>,
    /// The operation it stands at.
    pub position: usize,
    /// What it waits for.
    pub wait: Option<Wait>,
    /// When the time of what it waits for is over.
    pub until: Option<Timestamp>,
    /// The run of which it is a branch.
    pub parent: Option<RunId>,
    /// The value it is the run of, for rules that have a run for each (`per:`).
    pub key: Option<String>,
    /// The rules of the runs that caused each other and led to this one, the first first.
    pub chain: Vec<RuleId>,
    /// The event that started it.
    pub cause: EventId,
    /// What the trigger saw in it.
    pub trigger: TriggerFields,
    pub started_at: Timestamp,
    pub memory: Memory,
}

impl Run {
    /// The run that it is a branch of, at the top; itself when it is none.
    pub(super) fn whole(&self) -> &RunId {
        self.memory.whole.as_ref().unwrap_or(&self.id)
    }

    /// The chain as it is for a run that this one causes.
    pub(super) fn chain_below(&self) -> Vec<RuleId> {
        let own = std::iter::once(&self.rule);
        self.chain.iter().chain(own).cloned().collect()
    }

    /// The next moment at which time alone does something to it.
    pub fn due(&self) -> Option<Timestamp> {
        let within = self.wait.as_ref().and_then(Wait::due);
        self.until.into_iter().chain(within).min()
    }

    /// The operation it stands at.
    pub(super) fn operation(&self) -> Option<&Operation> {
        self.program.operations.get(self.position)
    }
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "end", rename_all = "snake_case")]
pub enum RunEnd {
    Completed,
    Failed {
        reason: String,
    },
    /// Something else ended it: another run of the rule, the removal of the rule, a person.
    Stopped {
        reason: String,
    },
}

impl RunEnd {
    /// One word, as lists show it and the store keeps it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Failed { .. } => "failed",
            Self::Stopped { .. } => "stopped",
        }
    }

    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Completed => None,
            Self::Failed { reason } | Self::Stopped { reason } => Some(reason),
        }
    }
}
