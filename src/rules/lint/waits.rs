//! Conditions that are to wait for an answer where nothing waits.

use crate::document::code;
use crate::document::diagnostic::Findings;
use crate::rules::lint::spots;
use crate::rules::operation::{Awaited, Rounds};
use crate::rules::rule::{Condition, IfUnknown, OperationKind, Rule, Test};
use crate::rules::syntax;

/// Only what decides whether a rule runs can wait; a run goes on with what is known.
pub(super) fn in_vain(written: &syntax::Rule<'_>, rule: &Rule, findings: &mut Findings<'_>) {
    let mut waiting = Vec::new();
    for operation in rule.program.every_operation() {
        let (conditions, help) = asked(&operation.kind);
        let mut found = Vec::new();
        who_wait(conditions, &mut found);
        waiting.extend(found.into_iter().map(|it| (it, help)));
    }
    waiting.sort_by_key(|(it, _)| it.place.line);
    for (condition, help) in waiting {
        let span = spots::condition(written, &condition.place, findings.source);
        let message = "`if_unknown: wait` does not wait here";
        findings
            .report(code::WAITS_IN_VAIN, span, message)
            .note("it waits in the `conditions:` of a rule; here, an unknown answer counts as no")
            .help(help);
    }
}

/// The conditions that an operation asks, and what to write where they are to be waited for.
fn asked(kind: &OperationKind) -> (&[Condition], &'static str) {
    use OperationKind as K;
    const BEFORE: &str = "leave it out; or wait before, with a step `wait_until:` and a `timeout:`, or with the \
                          condition under `conditions:` of the rule";
    const LEAVE: &str =
        "leave it out: `wait_until` waits until the answer is yes, also while it is unknown";
    match kind {
        K::Test(test) => (&test.conditions, BEFORE),
        K::Repeat(repeat) => match &repeat.rounds {
            Rounds::While(asked) | Rounds::Until(asked) => (asked, BEFORE),
            Rounds::Count(_) | Rounds::ForEach(_) => (&[], BEFORE),
        },
        K::Wait(wait) => match &wait.until {
            Awaited::Conditions(block) => (&block.conditions, LEAVE),
            Awaited::Triggers(_) => (&[], LEAVE),
        },
        K::Command(_)
        | K::Notify(_)
        | K::Log(_)
        | K::Variables { .. }
        | K::Set { .. }
        | K::Setting(_)
        | K::Delay(_)
        | K::Parallel(_)
        | K::Stop(_)
        | K::Http(_)
        | K::Jump { .. }
        | K::End
        | K::Fail
        | K::Cancel(_)
        | K::Read(_)
        | K::Rule(_) => (&[], BEFORE),
    }
}

fn who_wait<'r>(conditions: &'r [Condition], found: &mut Vec<&'r Condition>) {
    for condition in conditions.iter().filter(|it| it.enabled) {
        if condition.if_unknown == IfUnknown::Wait {
            found.push(condition);
        }
        if let Test::Block(block) = &condition.test {
            who_wait(&block.conditions, found);
        }
    }
}
