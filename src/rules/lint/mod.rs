//! Advice: rules that are right and may not do what their author thinks, one by one and among each other.

mod full;
mod loops;
mod opposites;
mod together;

use crate::document::diagnostic::{Diagnostic, Findings};
use crate::document::source::{Location, SourceFile};
use crate::rules::rule::{OperationKind, Place, Rule, RuleSet};
use crate::rules::syntax;

/// Advice on one rule.
pub(super) fn rule(written: &syntax::Rule<'_>, rule: &Rule, findings: &mut Findings<'_>) {
    full::completed_is_not_full(written, rule, findings);
    together::never_and_always(written, rule, findings);
}

/// Advice on rules that meet. Nothing here keeps a rule from running.
pub(super) fn between(rules: &RuleSet, files: &[SourceFile]) -> Vec<Diagnostic> {
    let mut diagnostics = loops::loops(rules, files);
    diagnostics.extend(opposites::opposites(rules, files));
    diagnostics
}

/// An order that a rule gives.
struct Order<'r> {
    device: &'r crate::domain::device::Device,
    command: &'r str,
    place: &'r Place,
}

fn orders(rule: &Rule) -> impl Iterator<Item = Order<'_>> {
    rule.program
        .operations
        .iter()
        .filter_map(|operation| match &operation.kind {
            OperationKind::Command(order) => Some(Order {
                device: &order.device,
                command: &order.command,
                place: &operation.place,
            }),
            OperationKind::Notify(_) | OperationKind::Log(_) => None,
        })
}

/// The line that `place` names, without the spaces before it.
fn line(place: &Place, files: &[SourceFile]) -> Option<Location> {
    let file = files.iter().find(|file| *file.name == *place.file)?;
    let mut span = file.lines(place.line, place.line);
    let text = file.slice(span);
    span.start += text.len() - text.trim_start().len();
    span.end -= text.len() - text.trim_end().len();
    Some(file.location(span))
}
