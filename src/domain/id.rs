//! Names of things, one type each, so that none can be taken for another.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

macro_rules! text_id {
    ($($(#[$meta:meta])* $name:ident;)*) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

text_id! {
    /// What happened, once. For a webhook it is the delivery id (`svix-id`), the same on each retry.
    EventId;
    /// A rule's `id:`, kebab-case, unique over all files of a home.
    RuleId;
    /// The hash of a rule's text: runs stay with the version they began with.
    RuleVersion;
    /// One execution of a rule.
    RunId;
    /// A device's name in this home (`house_battery`); the only name that rules use.
    DeviceAlias;
    /// A device's id at Amps (`dev_abc123`).
    DeviceId;
    /// One order to a device, ours.
    CommandId;
    /// The record that Amps keeps of a push (`act_…`). Never shown to homeowners as anything but "action".
    ActionId;
    /// An input's name in `home.yaml` (`grid_price`).
    InputName;
    /// A notifier's name in `home.yaml` (`phone`).
    NotifierName;
    /// One message to one notifier.
    NotificationId;
}

/// Bytes of the hash that a derived id keeps: 80 bits, written as 20 hexadecimal digits.
const DERIVED_ID_BYTES: usize = 10;

/// An id computed from its cause, so that doing the same thing twice names the same row.
///
/// `parts` are hashed with their lengths, so that `["ab", "c"]` and `["a", "bc"]` differ.
fn derived(prefix: &str, parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let mut id = String::from(prefix);
    push_hex(&mut id, &hash.finalize()[..DERIVED_ID_BYTES]);
    id
}

fn push_hex(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        for digit in [byte >> 4, byte & 0xf] {
            text.push(char::from_digit(u32::from(digit), 16).expect("a half byte is a digit"));
        }
    }
}

impl RunId {
    /// The run of `rule` that `event` starts.
    pub fn derive(rule: &RuleId, event: &EventId) -> Self {
        Self(derived("run_", &[rule.as_str(), event.as_str()]))
    }
}

impl RunId {
    /// The same where one event starts the rule more than once: `occasion` tells the times apart, and is
    /// empty for the first.
    pub fn derive_on(rule: &RuleId, event: &EventId, occasion: &str) -> Self {
        if occasion.is_empty() {
            return Self::derive(rule, event);
        }
        Self(derived("run_", &[rule.as_str(), event.as_str(), occasion]))
    }

    /// The branch with this number of the `parallel` at `position` of `run`, in these rounds.
    pub fn derive_branch(run: &Self, position: usize, rounds: &[u32], branch: usize) -> Self {
        let turn = turn(position, rounds);
        Self(derived("run_", &[run.as_str(), &turn, &branch.to_string()]))
    }
}

impl CommandId {
    /// The command that the operation at `position` of `run` sends, outside of loops.
    pub fn derive(run: &RunId, position: usize) -> Self {
        Self::derive_in_round(run, position, &[])
    }

    /// The same inside of loops, which are in these rounds, outermost first.
    pub fn derive_in_round(run: &RunId, position: usize, rounds: &[u32]) -> Self {
        Self(derived("cmd_", &[run.as_str(), &turn(position, rounds)]))
    }
}

impl NotificationId {
    /// The message that the operation at `position` of `run` sends through `notifier`, in these
    /// rounds of the loops around it.
    pub fn derive_in_round(
        run: &RunId,
        position: usize,
        rounds: &[u32],
        notifier: &NotifierName,
    ) -> Self {
        let turn = turn(position, rounds);
        Self(derived("ntf_", &[run.as_str(), &turn, notifier.as_str()]))
    }
}

/// `7`, and `7.2.1` in the first round of a loop in the second round of another.
fn turn(position: usize, rounds: &[u32]) -> String {
    let mut turn = position.to_string();
    for round in rounds {
        turn.push('.');
        turn.push_str(&round.to_string());
    }
    turn
}

impl EventId {
    /// The event that `what` happened to `subject`, for events that are not webhooks.
    pub fn derive(what: &str, subject: &str) -> Self {
        Self(derived("evt_", &[what, subject]))
    }
}

impl RuleVersion {
    /// The version of a rule whose meaning is `text`.
    pub fn of(text: &str) -> Self {
        Self(derived("", &[text]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_cause_names_the_same_run_and_another_cause_another() {
        let rule = RuleId::new("car-after-battery");
        let first = RunId::derive(&rule, &EventId::new("msg_1"));
        assert_eq!(first, RunId::derive(&rule, &EventId::new("msg_1")));
        assert_ne!(first, RunId::derive(&rule, &EventId::new("msg_2")));
        assert_eq!(first.as_str().len(), "run_".len() + 20);
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        assert_ne!(derived("", &["ab", "c"]), derived("", &["a", "bc"]));
    }
}
