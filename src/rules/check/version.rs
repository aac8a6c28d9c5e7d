//! The version of a program: the hash of what it does. A rule that moves within its file keeps it.

use crate::domain::id::{RuleId, RuleVersion};
use crate::rules::condition::Block;
use crate::rules::operation::{Awaited, Rounds};
use crate::rules::rule::{Condition, OperationKind, Place, Program, Test, Trigger};

/// Gives the program of the rule `id` its version, and the branches inside it theirs.
pub(super) fn seal(program: &mut Program, id: Option<&RuleId>) {
    for operation in &mut program.operations {
        if let OperationKind::Parallel(parallel) = &mut operation.kind {
            parallel.branches.iter_mut().for_each(|it| seal(it, None));
        }
    }
    let operations = program.operations.iter();
    let kinds: Vec<OperationKind> = operations
        .map(|it| without_places(it.kind.clone()))
        .collect();
    let meaning = if program.handlers.is_empty() {
        serde_json::to_string(&(id, &kinds))
    } else {
        serde_json::to_string(&(id, &kinds, &program.handlers))
    };
    program.version = RuleVersion::of(&meaning.expect("operations can be written as JSON"));
}

/// The same without the places in it, which are for people.
fn without_places(mut kind: OperationKind) -> OperationKind {
    match &mut kind {
        OperationKind::Test(test) => test.conditions.iter_mut().for_each(forget_place),
        OperationKind::Repeat(repeat) => match &mut repeat.rounds {
            Rounds::While(conditions) | Rounds::Until(conditions) => {
                conditions.iter_mut().for_each(forget_place);
            }
            Rounds::Count(_) | Rounds::ForEach(_) => {}
        },
        OperationKind::Wait(wait) => match &mut wait.until {
            Awaited::Triggers(triggers) => triggers.iter_mut().for_each(forget_place_of_trigger),
            Awaited::Conditions(block) => block.conditions.iter_mut().for_each(forget_place),
        },
        // Of a branch, its version says it all.
        OperationKind::Parallel(parallel) => {
            for branch in &mut parallel.branches {
                branch.operations.clear();
                branch.handlers.clear();
            }
        }
        OperationKind::Command(_)
        | OperationKind::Notify(_)
        | OperationKind::Log(_)
        | OperationKind::Jump { .. }
        | OperationKind::Variables { .. }
        | OperationKind::Set { .. }
        | OperationKind::Stop(_)
        | OperationKind::End
        | OperationKind::Fail
        | OperationKind::Setting(_)
        | OperationKind::Cancel(_)
        | OperationKind::Read(_)
        | OperationKind::Http(_)
        | OperationKind::Delay(_)
        | OperationKind::Rule(_) => {}
    }
    kind
}

fn nowhere() -> Place {
    Place {
        file: String::new(),
        line: 0,
    }
}

fn forget_place(condition: &mut Condition) {
    condition.place = nowhere();
    if let Test::Block(Block { conditions, .. }) = &mut condition.test {
        conditions.iter_mut().for_each(forget_place);
    }
}

fn forget_place_of_trigger(trigger: &mut Trigger) {
    trigger.place = nowhere();
}
