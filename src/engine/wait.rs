//! What a run stands still for. Plain data, stored with the run.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::id::{CommandId, DeviceId, RequestId, RunId};
use crate::engine::memory::StepFailure;
use crate::engine::trigger::memory::TriggerMemory;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "for", rename_all = "snake_case")]
pub enum Wait {
    /// The end of an order of ours.
    Command {
        command: CommandId,
        /// Attempts of orders of the same step that the device contradicted.
        #[serde(default, skip_serializing_if = "is_zero")]
        earlier: u32,
    },
    /// That the device says what the order was to bring about.
    Verify {
        /// When the order was completed; what was read before does not count.
        since: Timestamp,
        /// Of the step, so far.
        attempts: u32,
        /// The device contradicted the order, which is given once more when the time is over.
        again: bool,
        /// The first contrary thing that it said. Its last values may be younger than their rows, and a restart
        /// then knows nothing of after the completion.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        contrary: Option<String>,
    },
    /// The end of a request of ours over HTTP.
    Http { request: RequestId },
    /// That orders of ours are called off.
    Cancel { open: BTreeSet<CommandId> },
    /// The end of a setting that is written.
    Setting { write: RequestId },
    /// Nothing but the time.
    Delay,
    /// One of the triggers of the step; what each of them remembers, in their order.
    Triggers { memories: Vec<TriggerMemory> },
    /// The conditions of the step.
    Conditions,
    /// The ends of the branches that are not over.
    Branches {
        open: BTreeSet<RunId>,
        /// Of the first branch that failed.
        failure: Option<StepFailure>,
    },
    /// Its turn, behind the runs of the same rule (`mode: queued`).
    Turn,
    /// Fresh values of these devices.
    Readings { devices: BTreeSet<DeviceId> },
    /// A device that another run has, or that takes no order yet.
    Device {
        device: DeviceId,
        /// Its place in line.
        since: Timestamp,
    },
}

impl Wait {
    /// The command that it is for.
    #[expect(clippy::wildcard_enum_match_arm, reason = "one kind is asked for")]
    pub fn command(&self) -> Option<&CommandId> {
        match self {
            Self::Command { command, .. } => Some(command),
            _ => None,
        }
    }

    /// What the triggers that it waits for remember.
    #[expect(clippy::wildcard_enum_match_arm, reason = "one kind is asked for")]
    pub(super) fn memories(&self) -> &[TriggerMemory] {
        match self {
            Self::Triggers { memories } => memories,
            _ => &[],
        }
    }

    /// When something in it is due, beside the end of its time.
    pub(super) fn due(&self) -> Option<Timestamp> {
        let memories = self.memories().iter();
        memories.filter_map(TriggerMemory::due).min()
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands out a reference"
)]
fn is_zero(number: &u32) -> bool {
    *number == 0
}
