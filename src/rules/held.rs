//! Which values conditions ask the past of (`for:`), so that no other is kept.

use std::collections::BTreeSet;

use crate::rules::condition::HeldSubject;
use crate::rules::operation::{Awaited, Rounds};
use crate::rules::rule::{Condition, Operation, OperationKind, Rule, Test};

pub(super) fn subjects(rules: &[Rule]) -> BTreeSet<HeldSubject> {
    let mut found = BTreeSet::new();
    for rule in rules.iter().filter(|it| it.listens()) {
        of_all(&rule.conditions, &mut found);
        for operation in rule.program.every_operation() {
            of_operation(operation, &mut found);
        }
    }
    found
}

#[expect(clippy::wildcard_enum_match_arm, reason = "three kinds ask")]
fn of_operation(operation: &Operation, found: &mut BTreeSet<HeldSubject>) {
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

fn of_all(conditions: &[Condition], found: &mut BTreeSet<HeldSubject>) {
    for condition in conditions {
        match &condition.test {
            Test::State(test) if test.held_for.is_some() => {
                found.insert(test.subject.held());
            }
            Test::NumericState(test) if test.held_for.is_some() => {
                found.insert(test.subject.held());
            }
            Test::Input(test) if test.held_for.is_some() => {
                found.insert(HeldSubject::Input(test.input.clone()));
            }
            Test::Block(block) => of_all(&block.conditions, found),
            Test::State(_)
            | Test::NumericState(_)
            | Test::Input(_)
            | Test::Time(_)
            | Test::Sun(_)
            | Test::Trigger(_)
            | Test::Command(_)
            | Test::Rule(_)
            | Test::Expression(_) => {}
        }
    }
}
