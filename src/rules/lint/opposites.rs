//! Two rules that one event can wake, and that order opposite things from one device.

use crate::document::code;
use crate::document::diagnostic::Diagnostic;
use crate::document::source::SourceFile;
use crate::rules::lint::together::can_hold_together;
use crate::rules::lint::{Order, line, orders};
use crate::rules::rule::{
    CommandSource, CommandTrigger, DeviceTrigger, Listener, On, Rule, RuleSet,
};

/// Pairs of commands of which the second undoes the first.
const OPPOSITES: &[(&str, &str)] = &[
    ("charge", "discharge"),
    ("charge", "idle"),
    ("discharge", "idle"),
    ("heat", "cool"),
    ("heat", "idle"),
    ("cool", "idle"),
];

/// Pairs of rules that are compared; a home with more that hear the same event is not read to its end.
const PAIRS_MAX: usize = 200_000;

pub(super) fn opposites(rules: &RuleSet, files: &[SourceFile]) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    let mut told = std::collections::BTreeSet::new();
    let pairs = rules
        .listeners
        .values()
        .flat_map(|listeners| pairs(listeners));
    for (one, other) in pairs.take(PAIRS_MAX) {
        if told.contains(&(one.rule, other.rule)) {
            continue;
        }
        let (first, second) = (&rules.rules[one.rule], &rules.rules[other.rule]);
        let one_event = may_hear_one_event(
            &first.triggers[one.trigger].on,
            &second.triggers[other.trigger].on,
        );
        if one_event
            && let Some((order, undone)) = opposite_orders(first, second)
            && can_hold_together(first.conditions.iter().chain(&second.conditions))
        {
            told.insert((one.rule, other.rule));
            diagnostics.extend(describe((first, &order), (second, &undone), files));
        }
    }
    diagnostics
}

fn pairs(listeners: &[Listener]) -> impl Iterator<Item = (Listener, Listener)> {
    let later = |index: usize| listeners[index + 1..].iter();
    listeners.iter().enumerate().flat_map(move |(index, one)| {
        later(index)
            .filter(|other| other.rule != one.rule)
            .map(|other| (*one, *other))
    })
}

fn may_hear_one_event(one: &On, other: &On) -> bool {
    match (one, other) {
        (On::Command(one), On::Command(other)) => may_end_both(one, other),
        (On::Device(one), On::Device(other)) => may_change_both(one, other),
        // Others are not in the index yet.
        _ => false,
    }
}

/// The device is the same already; empty means any.
fn may_end_both(one: &CommandTrigger, other: &CommandTrigger) -> bool {
    meet(&one.commands, &other.commands)
        && meet(&one.results, &other.results)
        && meet(&one.error_codes, &other.error_codes)
        && (one.source == other.source
            || one.source == CommandSource::Any
            || other.source == CommandSource::Any)
}

fn may_change_both(one: &DeviceTrigger, other: &DeviceTrigger) -> bool {
    meet(&one.changes, &other.changes)
}

fn meet<T: PartialEq>(one: &[T], other: &[T]) -> bool {
    one.is_empty() || other.is_empty() || one.iter().any(|it| other.contains(it))
}

fn opposite_orders<'r>(first: &'r Rule, second: &'r Rule) -> Option<(Order<'r>, Order<'r>)> {
    orders(first).find_map(|one| {
        let other = orders(second).find(|other| {
            one.device.id == other.device.id && are_opposite(one.command, other.command)
        });
        other.map(|other| (one, other))
    })
}

fn are_opposite(one: &str, other: &str) -> bool {
    OPPOSITES
        .iter()
        .any(|(a, b)| (*a, *b) == (one, other) || (*b, *a) == (one, other))
}

fn describe(
    (first, order): (&Rule, &Order<'_>),
    (second, undone): (&Rule, &Order<'_>),
    files: &[SourceFile],
) -> Option<Diagnostic> {
    let message = format!(
        "`{}` and `{}` can order opposite things from {} at the same moment",
        first.id, second.id, order.device.alias
    );
    let mut diagnostic = Diagnostic::new(code::OPPOSITE, line(order.place, files)?, message);
    diagnostic
        .label(format!("`{}` orders `{}`", first.id, order.command))
        .also(
            line(undone.place, files)?,
            format!("`{}` orders `{}`", second.id, undone.command),
        )
        .note("one event can wake both, and their conditions can hold together")
        .help("give them conditions that cannot both hold, or make one rule of them");
    Some(diagnostic)
}
