//! A step that runs a rule which is switched off.

use crate::document::code;
use crate::document::diagnostic::{Diagnostic, SHOWN_MAX};
use crate::document::source::SourceFile;
use crate::rules::lint::line;
use crate::rules::operation::RuleVerb;
use crate::rules::rule::{Operation, OperationKind, Rule, RuleSet};

/// One finding for each such step of a rule that runs itself.
pub(super) fn resting(rules: &RuleSet, files: &[SourceFile]) -> Vec<Diagnostic> {
    let running = rules.rules.iter().filter(|it| it.enabled);
    let findings = running.flat_map(|rule| {
        let operations = rule.program.every_operation().into_iter();
        operations.filter_map(|it| finding((rule, it), rules, files))
    });
    findings.take(SHOWN_MAX).collect()
}

fn finding(
    (rule, operation): (&Rule, &Operation),
    rules: &RuleSet,
    files: &[SourceFile],
) -> Option<Diagnostic> {
    let OperationKind::Rule(step) = &operation.kind else {
        return None;
    };
    let other = rules.rule(&step.rule)?;
    if step.verb != RuleVerb::Run || other.enabled {
        return None;
    }
    let message = format!("`{}` runs `{}`, which is switched off", rule.id, other.id);
    let mut diagnostic =
        Diagnostic::new(code::RUNS_NOTHING, line(&operation.place, files)?, message);
    diagnostic.label("nothing comes of this step");
    diagnostic.also(
        line(&other.place, files)?,
        "this rule says `enabled: false`",
    );
    diagnostic.help("switch the rule on, or leave the step out");
    Some(diagnostic)
}
