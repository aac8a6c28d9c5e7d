//! What is known to hold where a run stands: the conditions that were asked on the way there.

use std::collections::BTreeSet;

use crate::rules::condition::Block;
use crate::rules::expr::program::{Checked, Read, Source};
use crate::rules::expr::scope::Root;
use crate::rules::operation::{Awaited, Rounds};
use crate::rules::rule::{Condition, Mode, OperationKind, Program, Rule, Test};

/// Conditions that were asked, and whether all of them held.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fact<'r> {
    pub(super) asked: &'r [Condition],
    pub(super) held: bool,
    /// The operation that asked; none when it was asked before the program began.
    pub(super) by: Option<usize>,
}

impl PartialEq for Fact<'_> {
    fn eq(&self, other: &Self) -> bool {
        // The same question, and not one that reads the same.
        std::ptr::eq(self.asked, other.asked) && (self.held, self.by) == (other.held, other.by)
    }
}

/// All that is known at a place, however a run came there.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Known<'r> {
    /// Asked at this very moment: nothing waited since.
    pub(super) now: Vec<Fact<'r>>,
    /// Asked at the moment at which the run began.
    pub(super) at_start: Vec<Fact<'r>>,
    /// Whether that moment is still now.
    is_start: bool,
}

impl<'r> Known<'r> {
    /// What is known where the rule's actions begin.
    pub(super) fn of(rule: &'r Rule) -> Self {
        // A run that had to queue begins later than it was asked for.
        let is_start = !matches!(rule.settings.mode, Mode::Queued(_));
        let at_start: Vec<_> = each_held(&rule.conditions, None).collect();
        Self {
            now: at_start.iter().filter(|_| is_start).copied().collect(),
            at_start,
            is_start,
        }
    }

    fn with(&self, asked: &'r [Condition], held: bool, by: usize) -> Self {
        let by = Some(by);
        let facts: Vec<_> = if held {
            each_held(asked, by).collect()
        } else {
            vec![Fact { asked, held, by }]
        };
        let mut known = self.clone();
        known.now.extend(&facts);
        if known.is_start {
            known.at_start.extend(&facts);
        }
        known
    }

    /// After time has passed.
    fn later(&self) -> Self {
        Self {
            now: Vec::new(),
            at_start: self.at_start.clone(),
            is_start: false,
        }
    }

    /// After variables have changed.
    fn with_other_values(&self) -> Self {
        let mut known = self.clone();
        let is_kept = |it: &Fact<'_>| !it.asked.iter().any(reads_variables);
        known.now.retain(is_kept);
        known.at_start.retain(is_kept);
        known
    }

    /// What is known on both ways to a place: as long as they asked the same, they came the same way.
    fn or(&self, other: &Self) -> Self {
        let both = |a: &[Fact<'r>], b: &[Fact<'r>]| -> Vec<Fact<'r>> {
            let same = a.iter().zip(b).take_while(|(a, b)| a == b);
            same.map(|(it, _)| *it).collect()
        };
        Self {
            now: both(&self.now, &other.now),
            at_start: both(&self.at_start, &other.at_start),
            is_start: self.is_start && other.is_start,
        }
    }
}

/// All of `conditions` held, so that each one did.
fn each_held(conditions: &[Condition], by: Option<usize>) -> impl Iterator<Item = Fact<'_>> {
    conditions.iter().map(move |it| Fact {
        asked: std::slice::from_ref(it),
        held: true,
        by,
    })
}

/// What is known before each operation of `program`, which begins with `start`; none where no run ever comes.
pub(super) fn known<'r>(program: &'r Program, start: Known<'r>) -> Vec<Option<Known<'r>>> {
    let mut known: Vec<Option<Known<'r>>> = vec![None; program.operations.len()];
    let mut open = BTreeSet::new();
    if let Some(first) = known.first_mut() {
        *first = Some(start);
        open.insert(0);
    }
    while let Some(at) = open.pop_first() {
        let Some(here) = known[at].clone() else {
            continue;
        };
        for (to, there) in ways_on(program, at, &here) {
            let Some(before) = known.get_mut(to) else {
                continue;
            };
            let both = before.as_ref().map_or(there.clone(), |it| it.or(&there));
            if before.as_ref() != Some(&both) {
                *before = Some(both);
                open.insert(to);
            }
        }
    }
    known
}

/// Where a run can go on after the operation at `at`, and what is known there.
fn ways_on<'r>(program: &'r Program, at: usize, here: &Known<'r>) -> Vec<(usize, Known<'r>)> {
    use OperationKind as K;
    let next = at + 1;
    let mut handlers = program.handlers.iter();
    let handler = handlers.find(|it| (it.from..it.to).contains(&at));
    let failing = handler.map(|it| (it.target, here.later()));
    match &program.operations[at].kind {
        K::Test(test) => vec![
            (next, here.with(&test.conditions, true, at)),
            (test.otherwise, here.with(&test.conditions, false, at)),
        ],
        K::Jump { to } => vec![(*to, here.clone())],
        K::Repeat(repeat) => {
            let here = here.with_other_values();
            let (in_round, behind) = match &repeat.rounds {
                Rounds::Count(_) | Rounds::ForEach(_) => (here.clone(), here),
                Rounds::While(asked) => (here.with(asked, true, at), here.with(asked, false, at)),
                Rounds::Until(asked) => (here.clone(), here.with(asked, true, at)),
            };
            let mut ways = vec![(next, in_round), (repeat.end, behind)];
            ways.extend(failing);
            ways
        }
        K::Variables { .. } | K::Set { .. } => vec![(next, here.with_other_values())],
        K::Log(_) | K::Notify(_) => {
            let mut ways = vec![(next, here.clone())];
            ways.extend(failing);
            ways
        }
        K::Stop(_) | K::End | K::Fail => Vec::new(),
        K::Wait(wait) => {
            let later = match &wait.until {
                Awaited::Conditions(block) if wait.timeout.is_none() => {
                    here.later().with(&block.conditions, true, at)
                }
                Awaited::Conditions(_) | Awaited::Triggers(_) => here.later(),
            };
            let mut ways = vec![(next, later)];
            ways.extend(failing);
            ways
        }
        K::Command(_)
        | K::Setting(_)
        | K::Cancel(_)
        | K::Read(_)
        | K::Http(_)
        | K::Delay(_)
        | K::Parallel(_)
        | K::Rule(_) => {
            let mut ways = vec![(next, here.later())];
            ways.extend(failing);
            ways
        }
    }
}

/// Whether steps of the run can change the answer, without time passing.
fn reads_variables(condition: &Condition) -> bool {
    match &condition.test {
        Test::Block(Block { conditions, .. }) => conditions.iter().any(reads_variables),
        Test::Expression(checked) => checked_reads_variables(checked),
        Test::Time(_)
        | Test::State(_)
        | Test::NumericState(_)
        | Test::Sun(_)
        | Test::Trigger(_)
        | Test::Command(_)
        | Test::Rule(_)
        | Test::Input(_) => false,
    }
}

fn checked_reads_variables(checked: &Checked) -> bool {
    checked.reads().any(|it| match it {
        Read::Value { source, .. } | Read::Age { source } => match source {
            Source::Field { root, .. } => *root != Root::Trigger,
            Source::Attribute { .. } | Source::Input { .. } => false,
        },
        Read::Series { .. } | Read::Now => false,
    })
}
