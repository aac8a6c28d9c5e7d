//! Advice: rules that are right and may not do what their author thinks, one by one and among each other.

mod asked;
mod branches;
mod called_off;
mod flow;
mod formula;
mod full;
mod live;
mod loops;
mod meeting;
mod opposites;
mod reads;
mod region;
mod resting;
mod spots;
mod together;
mod unused;
mod waits;
mod wobble;

use crate::config::names::Names;
use crate::document::diagnostic::{Diagnostic, Findings};
use crate::document::source::{Location, SourceFile};
use crate::domain::device::Device;
use crate::rules::rule::{Operation, OperationKind, Place, Rule, RuleSet};
use crate::rules::syntax;

/// Advice on one rule.
pub(super) fn rule(
    written: &syntax::Rule<'_>,
    rule: &Rule,
    names: &Names,
    findings: &mut Findings<'_>,
) {
    full::completed_is_not_full(written, rule, findings);
    branches::conditions(written, rule, findings);
    wobble::wobble(written, rule, names, findings);
    called_off::begins_at_once(written, findings);
    waits::in_vain(written, rule, findings);
    live::not_offered_yet(written, rule, names.platform, findings);
    unused::variables(written, rule, findings);
}

pub(super) use self::unused::{inputs as unused_inputs, untold as untold_inputs};

/// Advice on rules that meet. Nothing here keeps a rule from running.
pub(super) fn between(rules: &RuleSet, files: &[SourceFile]) -> Vec<Diagnostic> {
    let mut diagnostics = loops::loops(rules, files);
    diagnostics.extend(opposites::opposites(rules, files));
    diagnostics.extend(resting::resting(rules, files));
    diagnostics
}

/// An order that a rule gives.
struct Order<'r> {
    device: &'r Device,
    command: &'r str,
    place: &'r Place,
}

impl<'r> Order<'r> {
    fn of(operation: &'r Operation) -> Option<Self> {
        let OperationKind::Command(order) = &operation.kind else {
            return None;
        };
        Some(Self {
            device: &order.device,
            command: &order.command,
            place: &operation.place,
        })
    }
}

/// Those inside branches and loops count: what is asked on the way there may hold.
fn orders(rule: &Rule) -> impl Iterator<Item = Order<'_>> {
    let operations = rule.program.every_operation().into_iter();
    operations.filter_map(Order::of)
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
