//! `completed`, taken for *full*.

use crate::document::code;
use crate::document::diagnostic::Findings;
use crate::rules::rule::{On, ResultKind, Rule};
use crate::rules::syntax;

/// The commonest misunderstanding: `completed` comes minutes after the command, not when the battery is full.
pub(super) fn completed_is_not_full(
    written: &syntax::Rule<'_>,
    rule: &Rule,
    findings: &mut Findings<'_>,
) {
    let texts = [Some(rule.id.as_str()), written.alias, written.description];
    let mut words = texts
        .into_iter()
        .flatten()
        .flat_map(|it| it.split(|c: char| !c.is_alphanumeric()))
        .map(str::to_lowercase);
    let Some(word) = words.find(|it| matches!(it.as_str(), "full" | "fully" | "charged")) else {
        return;
    };
    for (trigger, written) in rule.triggers.iter().zip(&written.triggers) {
        let On::Command(on) = &trigger.on else {
            continue;
        };
        let is_charge = on.commands.iter().any(|it| it == "charge");
        if is_charge && on.results.contains(&ResultKind::Completed) {
            findings
                .report(
                    code::COMPLETED_IS_NOT_FULL,
                    written.head,
                    "`completed` does not mean that the battery is full",
                )
                .label("comes when the manufacturer has taken the command")
                .note(format!("the rule speaks of `{word}`"))
                .help(
                    "ask for the level in a condition: `condition: numeric_state` with \
                     `attribute: level` and `at_least: 95 %`",
                );
        }
    }
}
