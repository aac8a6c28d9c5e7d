//! Names of things, one type each, so that none can be taken for another.

use std::fmt;

use jiff::Timestamp;
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
    /// The `id:` of a step, unique in its rule.
    StepId;
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
    /// One request of a rule over HTTP, all its attempts.
    RequestId;
}

/// Bytes of the hash that a derived id keeps, written as 20 hexadecimal digits.
const HASH_BYTES: usize = 10;

/// Digits of five bits, in the order of their characters, so that later ids sort behind earlier ones.
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Of an id with a moment, the milliseconds since 1970: enough for the whole calendar.
const TIME_DIGITS: usize = 10;

/// Of an id with a moment, the hash: 60 bits, since it has to be unlike those of one millisecond only.
const HASH_DIGITS: usize = 12;

/// Parts are hashed with their lengths, so that `["ab", "c"]` and `["a", "bc"]` differ.
fn hash(parts: &[&str]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().into()
}

/// An id computed from its cause alone, so that doing the same thing twice names the same row.
fn derived(prefix: &str, parts: &[&str]) -> String {
    let mut id = String::from(prefix);
    push_hex(&mut id, &hash(parts)[..HASH_BYTES]);
    id
}

/// The same, with the moment `at` of the cause before the hash: rows that come after each other are
/// neighbours in every index, and homes run from SD cards, which wear with each page that is written.
fn derived_at(prefix: &str, at: Timestamp, parts: &[&str]) -> String {
    let at = u64::try_from(at.as_millisecond()).unwrap_or_default();
    derived_in(prefix, at, parts)
}

/// The same, with the moment that is in the id of the `ancestor`. An ancestor from before ids had one
/// gives the id that it gave then.
fn derived_from(prefix: &str, ancestor: &str, parts: &[&str]) -> String {
    match time_in(ancestor) {
        Some(time) => derived_in(prefix, time, parts),
        None => derived(prefix, parts),
    }
}

fn derived_in(prefix: &str, time: u64, parts: &[&str]) -> String {
    // As much of the end as fits; fewer bits are written.
    let hash = hash(parts)
        .iter()
        .fold(0, |number, byte| number << 8 | u64::from(*byte));
    let mut id = String::from(prefix);
    push_digits(&mut id, time, TIME_DIGITS);
    push_digits(&mut id, hash, HASH_DIGITS);
    id
}

/// The last `n` digits of `number`.
fn push_digits(text: &mut String, number: u64, n: usize) {
    for place in (0..n).rev() {
        let digit = number >> (5 * place) & 31;
        let digit = usize::try_from(digit).expect("five bits are small");
        text.push(char::from(DIGITS[digit]));
    }
}

/// The milliseconds in an id that has them.
fn time_in(id: &str) -> Option<u64> {
    let (_, digits) = id.split_once('_')?;
    if digits.len() != TIME_DIGITS + HASH_DIGITS {
        return None;
    }
    let mut values = Vec::with_capacity(digits.len());
    for digit in digits.bytes() {
        values.push(DIGITS.binary_search(&digit).ok()? as u64);
    }
    let time = values[..TIME_DIGITS].iter();
    Some(time.fold(0, |number, value| number * 32 + value))
}

fn push_hex(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        for digit in [byte >> 4, byte & 0xf] {
            text.push(char::from_digit(u32::from(digit), 16).expect("a half byte is a digit"));
        }
    }
}

impl RunId {
    /// The run of `rule` that `event` starts, which was received at `at`.
    pub fn derive(rule: &RuleId, event: &EventId, at: Timestamp) -> Self {
        Self(derived_at("run_", at, &[rule.as_str(), event.as_str()]))
    }

    /// The same where one event starts the rule more than once: `occasion` tells the times apart, and is
    /// empty for the first.
    pub fn derive_on(rule: &RuleId, event: &EventId, at: Timestamp, occasion: &str) -> Self {
        if occasion.is_empty() {
            return Self::derive(rule, event, at);
        }
        let parts = [rule.as_str(), event.as_str(), occasion];
        Self(derived_at("run_", at, &parts))
    }

    /// The operation at `position` of this run, in these rounds of the loops around it: tells apart what several
    /// of them lead to at once.
    pub fn occasion(&self, position: usize, rounds: &[u32]) -> String {
        format!("{self} {}", turn(position, rounds))
    }

    /// The branch with this number of the `parallel` at `position` of `run`, in these rounds.
    pub fn derive_branch(run: &Self, position: usize, rounds: &[u32], branch: usize) -> Self {
        let turn = turn(position, rounds);
        let parts = [run.as_str(), &turn, &branch.to_string()];
        Self(derived_from("run_", run.as_str(), &parts))
    }
}

impl CommandId {
    /// The command that the operation at `position` of `run` sends, outside of loops.
    pub fn derive(run: &RunId, position: usize) -> Self {
        Self::derive_in_round(run, position, &[])
    }

    /// The same inside of loops, which are in these rounds, outermost first.
    pub fn derive_in_round(run: &RunId, position: usize, rounds: &[u32]) -> Self {
        let turn = turn(position, rounds);
        Self(derived_from("cmd_", run.as_str(), &[run.as_str(), &turn]))
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
        let parts = [run.as_str(), &turn, notifier.as_str()];
        Self(derived_from("ntf_", run.as_str(), &parts))
    }
}

impl RequestId {
    /// The request that the operation at `position` of `run` makes, in these rounds of the loops around it.
    pub fn derive_in_round(run: &RunId, position: usize, rounds: &[u32]) -> Self {
        let turn = turn(position, rounds);
        Self(derived_from("req_", run.as_str(), &[run.as_str(), &turn]))
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
    /// The event that `what` happened to `subject`, whenever that is found out.
    pub fn derive(what: &str, subject: &str) -> Self {
        Self(derived("evt_", &[what, subject]))
    }

    /// The event that `command` is over.
    pub fn settled(command: &CommandId) -> Self {
        let command = command.as_str();
        Self(derived_from("evt_", command, &["settled", command]))
    }

    /// The event that Amps has taken `command`.
    pub fn accepted(command: &CommandId) -> Self {
        let command = command.as_str();
        Self(derived_from("evt_", command, &["accepted", command]))
    }

    /// The event that `request` is over.
    pub fn answered(request: &RequestId) -> Self {
        let request = request.as_str();
        Self(derived_from("evt_", request, &["answered", request]))
    }

    /// What the engine itself did at `at`: a tick, a start.
    pub fn engine(what: &str, at: Timestamp) -> Self {
        let subject = at.as_microsecond().to_string();
        Self(derived_at("evt_", at, &[what, &subject]))
    }

    /// Another one of the same kind at the same moment.
    #[must_use]
    pub fn again(&self) -> Self {
        Self::derive("again", self.as_str())
    }

    /// The event that `device` was read at `at`.
    pub fn reading(device: &DeviceId, at: Timestamp) -> Self {
        let subject = format!("{device} {}", at.as_microsecond());
        Self(derived_at("evt_", at, &["reading", &subject]))
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

    /// Half past ten in the evening of 10 January 2026.
    const AT: i64 = 1_768_084_200_000;

    fn at(millisecond: i64) -> Timestamp {
        Timestamp::from_millisecond(millisecond).unwrap()
    }

    fn run(event: &str, millisecond: i64) -> RunId {
        let rule = RuleId::new("car-after-battery");
        RunId::derive(&rule, &EventId::new(event), at(millisecond))
    }

    #[test]
    fn the_same_cause_names_the_same_run_and_another_cause_another() {
        let first = run("msg_1", AT);
        assert_eq!(first, run("msg_1", AT));
        assert_ne!(first, run("msg_2", AT));
        assert_eq!(first.as_str(), "run_01ken0fpj0xqt8bynyvgmx");
    }

    #[test]
    fn what_is_caused_later_sorts_behind_and_what_follows_from_a_run_stays_beside_it() {
        let latest = 1000 * Timestamp::MAX.as_second();
        let moments = [0, 1, 31, 32, AT, AT + 1, AT + 1000, latest];
        let runs = moments.map(|it| run("msg_1", it));
        assert!(runs.is_sorted());
        for (run, moment) in runs.iter().zip(moments) {
            let command = CommandId::derive(run, 0);
            let phone = NotifierName::new("phone");
            let message = NotificationId::derive_in_round(run, 0, &[], &phone);
            let over = EventId::settled(&command);
            for id in [
                run.as_str(),
                command.as_str(),
                message.as_str(),
                over.as_str(),
            ] {
                assert_eq!(time_in(id), u64::try_from(moment).ok(), "{id}");
            }
        }
        let read = EventId::reading(&DeviceId::new("dev_1"), at(AT));
        assert_eq!(time_in(read.as_str()), u64::try_from(AT).ok());
    }

    #[test]
    fn runs_from_before_ids_had_a_moment_go_on_as_they_began() {
        let run = RunId::new("run_0123456789abcdef0123");
        let command = CommandId::derive(&run, 7);
        assert_eq!(command.as_str(), "cmd_e91cc2fb16601e7ff7c3");
        assert_eq!(
            EventId::settled(&command),
            EventId::derive("settled", command.as_str())
        );
    }

    #[test]
    fn only_what_was_written_as_a_moment_is_read_as_one() {
        let id = run("msg_1", AT).to_string();
        assert_eq!(time_in(&id), u64::try_from(AT).ok());
        let digits = id.strip_prefix("run_").unwrap();
        for other in [
            digits.to_owned(),
            format!("{id}0"),
            format!("run_{}", &digits[1..]),
            format!("run_i{}", &digits[1..]),
        ] {
            assert_eq!(time_in(&other), None, "{other}");
        }
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        assert_ne!(derived("", &["ab", "c"]), derived("", &["a", "bc"]));
    }
}
