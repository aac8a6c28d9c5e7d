//! A rule was woken, and whether it may run is not decided yet. Plain data, a row.
//!
//! It waits for fresh values, for a few seconds; or for values that are unknown, where a condition says so.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::id::{DeviceId, EventId, RuleId, RunId};
use crate::engine::facts::TriggerFields;
use crate::rules::rule::Topic;

/// How long a condition with `if_unknown: wait` waits for its answer.
pub const UNKNOWN_WAIT_MAX: Duration = Duration::from_mins(15);

/// How many calls of a rule with `mode: single` wait for their answers beside each other; as many as runs of a
/// rule with `mode: parallel` that does not say.
pub const SINGLE_CALLS_MAX: u32 = 10;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WaitingCall {
    /// Of the run that begins if it may.
    pub id: RunId,
    pub rule: RuleId,
    /// The place of the trigger that fired.
    pub trigger: usize,
    /// Which it was, wherever it stands now; empty in rows from before this was written down.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub shape: String,
    /// What the trigger saw.
    pub fields: TriggerFields,
    /// Tells it from other calls of the same rule that the same event made.
    pub occasion: String,
    /// Time alone made it; each such call is an occasion of its own.
    #[serde(default)]
    pub is_timed: bool,
    /// The rules of the runs that led to it.
    pub chain: Vec<RuleId>,
    /// The value that the run would be one of (`per:`).
    pub key: Option<String>,
    /// The event that the trigger heard.
    pub cause: EventId,
    pub received_at: Timestamp,
    pub since: Timestamp,
    /// Then it is decided with what is known.
    pub until: Timestamp,
    /// Those that are read for it. Empty when it waits for anything that it could not answer.
    pub devices: BTreeSet<DeviceId>,
    /// What it has to hear of.
    pub topics: BTreeSet<Topic>,
}

impl WaitingCall {
    /// Calls stand in the order in which they came; those of one event in the order of its firings.
    pub(super) fn order(&self) -> impl Ord {
        let occasion = (self.occasion.len(), &self.occasion);
        (self.since, self.received_at, &self.cause, occasion)
    }

    /// Whether it waits for an answer that no reading gave.
    pub(super) fn is_for_the_unknown(&self) -> bool {
        self.devices.is_empty()
    }
}
