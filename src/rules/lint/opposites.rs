//! Two rules that one event can wake, and that order opposite things from one device.

use std::collections::{BTreeMap, BTreeSet};

use crate::document::code;
use crate::document::diagnostic::{Diagnostic, SHOWN_MAX};
use crate::document::source::SourceFile;
use crate::rules::lint::flow::{self, Known};
use crate::rules::lint::formula::{Formula, Logic};
use crate::rules::lint::meeting::{Heard, brought, can_meet, heard};
use crate::rules::lint::{Order, line, orders};
use crate::rules::rule::{OperationKind, Program, Rule, RuleSet, Trigger};

/// Pairs of commands of which the second undoes the first.
const OPPOSITES: &[(&str, &str)] = &[
    ("charge", "discharge"),
    ("charge", "idle"),
    ("discharge", "idle"),
    ("heat", "cool"),
    ("heat", "idle"),
    ("cool", "idle"),
];

/// Pairs of triggers that are compared; of a home with more, whose rules hear the same and order the opposite,
/// the rest is not looked at.
const PAIRS_MAX: usize = 20_000;

/// A rule, and the trigger by which it may meet another.
#[derive(Clone, Copy)]
struct Candidate<'r> {
    rule: usize,
    trigger: &'r Trigger,
}

/// Those that can meet, by what they hear and from which device they order which command.
type Candidates<'r> = BTreeMap<(Heard<'r>, &'r str), BTreeMap<&'r str, Vec<Candidate<'r>>>>;

/// An order, and what held on the way to it at the moment the run began.
struct Guarded<'r> {
    order: Order<'r>,
    at_start: Vec<Formula<'r>>,
}

pub(super) fn opposites(rules: &RuleSet, files: &[SourceFile]) -> Vec<Diagnostic> {
    let candidates = candidates(rules);
    let mut guarded: BTreeMap<usize, Vec<Guarded<'_>>> = BTreeMap::new();
    let mut logic = Logic::tireless();
    let mut told = BTreeSet::new();
    let mut diagnostics: Vec<Diagnostic> = Vec::new();
    for ((heard, device, commands), one, other) in pairs(&candidates).take(PAIRS_MAX) {
        let pair = (one.rule.min(other.rule), one.rule.max(other.rule));
        if told.contains(&pair) || !can_meet(&one.trigger.on, &other.trigger.on) {
            continue;
        }
        for it in [one.rule, other.rule] {
            guarded
                .entry(it)
                .or_insert_with(|| guarded_orders(it, &rules.rules[it], &mut logic));
        }
        let of = |it: Candidate<'_>, command: &str| {
            let orders = guarded[&it.rule].iter();
            let is_meant = move |it: &&Guarded<'_>| {
                it.order.device.id.as_str() == device && it.order.command == command
            };
            orders.filter(is_meant).collect::<Vec<_>>()
        };
        let firsts = of(one, commands.0);
        let seconds = of(other, commands.1);
        let met = firsts.iter().find_map(|first| {
            let second = seconds
                .iter()
                .find(|second| can_both_be(heard, (one, first), (other, second), &mut logic))?;
            Some((*first, *second))
        });
        let Some((first, second)) = met else {
            continue;
        };
        told.insert(pair);
        let first = (&rules.rules[one.rule], one.trigger, &first.order);
        let second = (&rules.rules[other.rule], other.trigger, &second.order);
        diagnostics.extend(describe(first, second, files));
        if diagnostics.len() == SHOWN_MAX {
            if let Some(last) = diagnostics.last_mut() {
                last.note("there may be more pairs of rules like this, which are not shown");
            }
            break;
        }
    }
    diagnostics
}

fn candidates(rules: &RuleSet) -> Candidates<'_> {
    let mut candidates = Candidates::new();
    for (index, rule) in rules.rules.iter().enumerate().filter(|(_, it)| it.enabled) {
        let orders: BTreeSet<(&str, &str)> = orders(rule)
            .filter(|it| {
                OPPOSITES
                    .iter()
                    .any(|(a, b)| [*a, *b].contains(&it.command))
            })
            .map(|it| (it.device.id.as_str(), it.command))
            .collect();
        if orders.is_empty() {
            continue;
        }
        for trigger in rule.triggers.iter().filter(|it| it.enabled) {
            for heard in heard(&trigger.on) {
                for (device, command) in &orders {
                    let of_device = candidates.entry((heard, device)).or_default();
                    of_device.entry(command).or_default().push(Candidate {
                        rule: index,
                        trigger,
                    });
                }
            }
        }
    }
    candidates
}

type Meeting<'r> = (Heard<'r>, &'r str, (&'static str, &'static str));

/// All pairs of rules that hear the same and order opposite commands from the same device.
fn pairs<'c, 'r>(
    candidates: &'c Candidates<'r>,
) -> impl Iterator<Item = (Meeting<'r>, Candidate<'r>, Candidate<'r>)> + use<'c, 'r> {
    candidates.iter().flat_map(|((heard, device), commands)| {
        OPPOSITES.iter().flat_map(move |(one, other)| {
            let of = |command: &str| commands.get(command).map_or(&[][..], Vec::as_slice);
            let (ones, others) = (of(one), of(other));
            let meeting = (*heard, *device, (*one, *other));
            ones.iter().flat_map(move |one| {
                others
                    .iter()
                    .filter(|other| other.rule != one.rule)
                    .map(move |other| (meeting, *one, *other))
            })
        })
    })
}

fn guarded_orders<'r>(index: usize, rule: &'r Rule, logic: &mut Logic) -> Vec<Guarded<'r>> {
    logic.rule = index;
    let mut found = Vec::new();
    guarded_orders_of(&rule.program, Known::of(rule), logic, &mut found);
    found
}

fn guarded_orders_of<'r>(
    program: &'r Program,
    start: Known<'r>,
    logic: &mut Logic,
    found: &mut Vec<Guarded<'r>>,
) {
    let known = flow::known(program, start);
    for (operation, known) in program.operations.iter().zip(known) {
        // Where no run ever comes, nothing is ordered.
        let Some(known) = known else {
            continue;
        };
        if let OperationKind::Parallel(parallel) = &operation.kind {
            for branch in &parallel.branches {
                guarded_orders_of(branch, known.clone(), logic, found);
            }
        } else if let Some(order) = Order::of(operation) {
            let facts = known.at_start.iter();
            let at_start = facts.map(|it| logic.list(it.asked, it.held)).collect();
            found.push(Guarded { order, at_start });
        }
    }
}

/// Whether both orders can come of one event: all that is asked on the way to them can hold together.
fn can_both_be<'r>(
    heard: Heard<'r>,
    (one, first): (Candidate<'r>, &Guarded<'r>),
    (other, second): (Candidate<'r>, &Guarded<'r>),
    logic: &mut Logic,
) -> bool {
    let mut of_event: Vec<Formula<'r>> = Vec::new();
    for candidate in [one, other] {
        logic.rule = candidate.rule;
        of_event.push(logic.woken_by(candidate.trigger.id.as_deref()));
        of_event.extend(brought(&candidate.trigger.on, heard));
    }
    let asked = first.at_start.iter().chain(&second.at_start);
    let all: Vec<&Formula<'r>> = of_event.iter().chain(asked).collect();
    logic.can_be(&all)
}

fn describe(
    (first, wakes_first, order): (&Rule, &Trigger, &Order<'_>),
    (second, wakes_second, undone): (&Rule, &Trigger, &Order<'_>),
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
            line(&wakes_first.place, files)?,
            format!("this wakes `{}`", first.id),
        )
        .also(
            line(undone.place, files)?,
            format!("`{}` orders `{}`", second.id, undone.command),
        )
        .also(
            line(&wakes_second.place, files)?,
            format!("this wakes `{}`", second.id),
        )
        .note("one event can wake both, and what they ask before can hold together")
        .help("give them conditions that cannot both hold, or make one rule of them");
    Some(diagnostic)
}
