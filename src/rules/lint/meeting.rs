//! Whether one event can wake two rules.

use jiff::civil::Time;

use crate::rules::lint::asked;
use crate::rules::lint::formula::{Formula, attribute_is, input_is};
use crate::rules::lint::region::{Interval, Region};
use crate::rules::rule::{CommandSource, CommandTrigger, DeviceTrigger, On};
use crate::rules::trigger::{Held, NumericTrigger, StateTrigger, TimeTrigger, Watched};

/// Where an event comes from. Triggers that hear nothing in common are never compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Heard<'r> {
    /// An action on this device ended.
    Command(&'r str),
    Connection(&'r str),
    Attribute(&'r str, &'r str),
    Input(&'r str),
    Time(Time),
    Webhook(&'r str),
}

/// All that a trigger hears; nothing for those that are not compared.
pub(super) fn heard(on: &On) -> Vec<Heard<'_>> {
    match on {
        On::Command(it) => it
            .devices
            .iter()
            .map(|it| Heard::Command(it.id.as_str()))
            .collect(),
        On::Device(it) => it
            .devices
            .iter()
            .map(|it| Heard::Connection(it.id.as_str()))
            .collect(),
        On::State(it) => heard_of(&it.watched),
        On::NumericState(it) => heard_of(&it.watched),
        On::Time(it) => it.at.iter().map(|it| Heard::Time(*it)).collect(),
        On::Webhook(name) => vec![Heard::Webhook(name)],
        On::Cron(_)
        | On::Sun(_)
        | On::Engine(_)
        | On::AllOf(_)
        | On::Sequence(_)
        | On::Absence(_)
        | On::Count(_) => Vec::new(),
    }
}

fn heard_of(watched: &Watched) -> Vec<Heard<'_>> {
    match watched {
        Watched::Attribute {
            devices, attribute, ..
        } => devices
            .iter()
            .map(|it| Heard::Attribute(it.id.as_str(), attribute))
            .collect(),
        Watched::Input(name) => vec![Heard::Input(name.as_str())],
    }
}

/// Whether two triggers that hear the same can be woken by one event.
pub(super) fn can_meet(one: &On, other: &On) -> bool {
    match (one, other) {
        (On::Command(one), On::Command(other)) => may_end_both(one, other),
        (On::Device(one), On::Device(other)) => may_change_both(one, other),
        (On::Time(one), On::Time(other)) => share_a_day(one, other),
        // The values that both want are looked at together with the conditions.
        _ => held(one) == held(other),
    }
}

/// Empty means any.
fn may_end_both(one: &CommandTrigger, other: &CommandTrigger) -> bool {
    meet(&one.commands, &other.commands)
        && meet(&one.results, &other.results)
        && meet(&one.error_codes, &other.error_codes)
        && (one.source == other.source
            || one.source == CommandSource::Any
            || other.source == CommandSource::Any)
}

fn may_change_both(one: &DeviceTrigger, other: &DeviceTrigger) -> bool {
    meet(&one.changes, &other.changes) && duration(one.held) == duration(other.held)
}

fn share_a_day(one: &TimeTrigger, other: &TimeTrigger) -> bool {
    meet(&one.weekdays, &other.weekdays)
}

fn meet<T: PartialEq>(one: &[T], other: &[T]) -> bool {
    one.is_empty() || other.is_empty() || one.iter().any(|it| other.contains(it))
}

/// How long a value must last; what lasts differently long wakes at different moments.
fn held(on: &On) -> Option<std::time::Duration> {
    let (On::State(StateTrigger { held, .. }) | On::NumericState(NumericTrigger { held, .. })) = on
    else {
        return None;
    };
    duration(*held)
}

fn duration(held: Option<Held>) -> Option<std::time::Duration> {
    held.map(|it| it.duration)
}

/// What is so once the trigger fired: a number that came above 80 is above 80.
pub(super) fn brought<'r>(on: &'r On, heard: Heard<'r>) -> Option<Formula<'r>> {
    let region = if let On::NumericState(on) = on {
        let above = on.above.map_or(Interval::ALL, Interval::above);
        let below = on.below.map_or(Interval::ALL, Interval::below);
        Region::number(above.and(below))
    } else if let On::State(on) = on {
        asked::values(&on.to, &on.not_to)
    } else {
        return None;
    };
    match heard {
        Heard::Attribute(device, attribute) => Some(attribute_is(device, attribute, region)),
        Heard::Input(name) => Some(input_is(name, region)),
        Heard::Command(_) | Heard::Connection(_) | Heard::Time(_) | Heard::Webhook(_) => None,
    }
}
