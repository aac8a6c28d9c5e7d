//! Which values conditions ask the past of (`for:`), so that no other is kept.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::rules::condition::HeldSubject;
use crate::rules::operation::{Awaited, Rounds};
use crate::rules::rule::{Condition, Operation, OperationKind, Program, Rule, Test};
use crate::rules::trigger::Held;

/// With the shortest silence that one of those who ask counts as a break.
pub(crate) type Subjects = BTreeMap<HeldSubject, Duration>;

pub(super) fn subjects(rules: &[Rule]) -> Subjects {
    let mut found = Subjects::new();
    for rule in rules.iter().filter(|it| it.listens()) {
        of_all(&rule.conditions, &mut found);
        of_program(&rule.program, &mut found);
    }
    found
}

/// Adds those that the actions of a rule ask.
pub(crate) fn of_program(program: &Program, found: &mut Subjects) {
    for operation in program.every_operation() {
        of_operation(operation, found);
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "three kinds ask")]
fn of_operation(operation: &Operation, found: &mut Subjects) {
    match &operation.kind {
        OperationKind::Test(test) => of_all(&test.conditions, found),
        OperationKind::Repeat(repeat) => match &repeat.rounds {
            Rounds::While(conditions) | Rounds::Until(conditions) => of_all(conditions, found),
            Rounds::Count(_) | Rounds::ForEach(_) => {}
        },
        OperationKind::Wait(wait) => match &wait.until {
            Awaited::Conditions(block) => of_all(&block.conditions, found),
            Awaited::Triggers(_) => {}
        },
        _ => {}
    }
}

fn of_all(conditions: &[Condition], found: &mut Subjects) {
    for condition in conditions {
        match &condition.test {
            Test::State(test) => add(test.subject.held(), test.held_for, found),
            Test::NumericState(test) => add(test.subject.held(), test.held_for, found),
            Test::Input(test) => {
                add(HeldSubject::Input(test.input.clone()), test.held_for, found);
            }
            Test::Block(block) => of_all(&block.conditions, found),
            Test::Time(_)
            | Test::Sun(_)
            | Test::Trigger(_)
            | Test::Command(_)
            | Test::Rule(_)
            | Test::Expression(_) => {}
        }
    }
}

fn add(of: HeldSubject, held: Option<Held>, found: &mut Subjects) {
    if let Some(held) = held {
        let gap = found.entry(of).or_insert(held.gap_tolerance);
        *gap = held.gap_tolerance.min(*gap);
    }
}
