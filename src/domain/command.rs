//! An order to a device, from a run of a rule.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::domain::device::Device;
use crate::domain::event::Accepted;
use crate::domain::id::{CommandId, EventId, RuleId, RunId, StepId};
use crate::domain::value::Quantity;

/// What is to be done with a device. Where it stands is its [`Lifecycle`](crate::domain::lifecycle::Lifecycle).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Command {
    pub id: CommandId,
    pub device: Device,
    /// A command of the catalogue: `charge`, `auto.balanced`.
    pub name: String,
    /// In the units of the catalogue.
    pub parameters: BTreeMap<String, Quantity>,
    pub retry: RetryPolicy,
    pub rule: RuleId,
    pub run: RunId,
    /// Where `run` is a branch: the run at the top.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whole: Option<RunId>,
    /// The step of the rule that gave it; none when the step has no `id:`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<StepId>,
    /// The event whose evaluation asked for it.
    pub cause: EventId,
    /// The rules of the runs that caused each other and led to this one, the first first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chain: Vec<RuleId>,
    /// What it may take from others.
    #[serde(default, skip_serializing_if = "Claim::is_usual")]
    pub claim: Claim,
    #[serde(default, skip_serializing_if = "Timing::is_at_once")]
    pub timing: Timing,
    /// Its run waits to hear that Amps has taken it (`wait_for: accepted`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tells_acceptance: bool,
}

/// What an order weighs against others that want its device (`rule-language.md` §7.2, §7.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// Of its rule.
    pub priority: u32,
    /// It takes the place of one of the same priority, and of one that is not ours (`on_conflict: replace`).
    pub replaces: bool,
}

impl Claim {
    /// The priority of a rule that does not say.
    pub const PRIORITY_DEFAULT: u32 = 50;

    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde hands out a reference"
    )]
    fn is_usual(&self) -> bool {
        *self == Self::default()
    }

    /// Whether an order of ours with the claim `other` gives way to this one.
    pub fn beats(self, other: Self) -> bool {
        other.priority < self.priority || other.priority == self.priority && self.replaces
    }
}

impl Default for Claim {
    fn default() -> Self {
        Self {
            priority: Self::PRIORITY_DEFAULT,
            replaces: false,
        }
    }
}

/// When an order begins and ends; at once, and with the next one, where it does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timing {
    pub start: Option<Timestamp>,
    pub end: Option<Timestamp>,
    /// The start is so long after the order, and no time of the day.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub start_counts: bool,
    /// The same of the end.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub end_counts: bool,
}

impl Timing {
    /// It begins at once, and goes on until the next one.
    pub fn is_at_once(&self) -> bool {
        *self == Self::default()
    }

    /// The same after the clock was set by `by`: what counts from the order is as far ahead as before.
    #[must_use]
    pub fn moved(self, by: SignedDuration) -> Self {
        let moved = |at: Option<Timestamp>, counts: bool| {
            at.map(|it| {
                if counts {
                    it.checked_add(by).unwrap_or(it)
                } else {
                    it
                }
            })
        };
        Self {
            start: moved(self.start, self.start_counts),
            end: moved(self.end, self.end_counts),
            ..self
        }
    }
}

impl Command {
    /// What its run is to hear once Amps has taken it; none when nobody waits for that.
    pub fn acceptance(&self) -> Option<Accepted> {
        self.tells_acceptance.then(|| self.named())
    }

    /// Which it is, as an event about it says.
    pub fn named(&self) -> Accepted {
        Accepted {
            command: self.id.clone(),
            device: self.device.id.clone(),
            name: self.name.clone(),
        }
    }

    /// The run that gave it: the one at the top, where it did so in a branch.
    pub fn of_run(&self) -> &RunId {
        self.whole.as_ref().unwrap_or(&self.run)
    }

    /// Amps plans it for later.
    pub fn is_planned(&self) -> bool {
        self.timing != Timing::default()
    }

    /// The chain as it is for a run that this command causes.
    pub fn chain_below(&self) -> Vec<RuleId> {
        let own = std::iter::once(&self.rule);
        self.chain.iter().chain(own).cloned().collect()
    }
}

#[cfg(test)]
impl Command {
    /// `charge` for the charger with the id `device`, as tests of the shell need one.
    pub(crate) fn example(id: &str, device: &str) -> Self {
        use crate::domain::device::DeviceType;
        use crate::domain::id::{DeviceAlias, DeviceId};
        Self {
            id: CommandId::new(id),
            device: Device {
                alias: DeviceAlias::new("car_charger"),
                device_type: DeviceType::EvCharger,
                id: DeviceId::new(device),
            },
            name: "charge".to_owned(),
            parameters: BTreeMap::new(),
            retry: RetryPolicy::DEFAULT,
            rule: RuleId::new("rule"),
            run: RunId::new("run_1"),
            whole: None,
            step: None,
            cause: EventId::new("msg_1"),
            chain: Vec::new(),
            claim: Claim::default(),
            timing: Timing::default(),
            tells_acceptance: false,
        }
    }
}

/// How often and when a command is pushed again after a cause that may pass (`retry:` of a step).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetryPolicy {
    /// All pushes together, the first included.
    pub attempts: u32,
    /// Before the second push; doubled before each further one.
    #[serde(rename = "backoff_ms", with = "milliseconds")]
    pub backoff: Duration,
    #[serde(rename = "max_backoff_ms", with = "milliseconds")]
    pub max_backoff: Duration,
}

impl RetryPolicy {
    /// The most attempts a rule may ask for.
    pub const ATTEMPTS_MAX: u32 = 20;

    /// Three pushes, 30 seconds and then a minute apart.
    pub const DEFAULT: Self = Self {
        attempts: 3,
        backoff: Duration::from_secs(30),
        max_backoff: Duration::from_mins(10),
    };
}

mod milliseconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(it: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(u64::try_from(it.as_millis()).unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        u64::deserialize(from).map(Duration::from_millis)
    }
}
