//! Where a checked part of a rule stands in the file, for the marks below a line.

use crate::document::source::{SourceFile, Span};
use crate::rules::rule::Place;
use crate::rules::syntax::{Condition, Rounds, Rule, Step, StepKind, Test};

/// The head of the condition at `place`; the whole line when several begin there.
pub(super) fn condition(written: &Rule<'_>, place: &Place, source: &SourceFile) -> Span {
    let mut heads = Vec::new();
    conditions(&written.conditions, &mut heads);
    each_step(written, &mut |step| {
        let lists: Vec<&[Condition<'_>]> = match &step.kind {
            StepKind::Choose { ways, .. } => ways.iter().map(|it| &it.conditions[..]).collect(),
            StepKind::Repeat { rounds, .. } => match rounds {
                Rounds::While(asked) | Rounds::Until(asked) => vec![asked],
                Rounds::Count(_) | Rounds::ForEach(_) => Vec::new(),
            },
            StepKind::Command { .. }
            | StepKind::Notify { .. }
            | StepKind::Log { .. }
            | StepKind::Variables(_)
            | StepKind::Set(_)
            | StepKind::Stop { .. }
            | StepKind::Parallel(_)
            | StepKind::Of(..) => Vec::new(),
        };
        for list in lists {
            conditions(list, &mut heads);
        }
    });
    only_one(&heads, place, source)
}

/// The head of the step at `place`; the whole line when several begin there.
pub(super) fn step(written: &Rule<'_>, place: &Place, source: &SourceFile) -> Span {
    let mut heads = Vec::new();
    each_step(written, &mut |step| heads.push(step.head));
    only_one(&heads, place, source)
}

fn conditions(written: &[Condition<'_>], heads: &mut Vec<Span>) {
    for condition in written {
        heads.push(condition.head);
        if let Test::Block(_, inner) = &condition.test {
            conditions(inner, heads);
        }
    }
}

/// Shows `see` every step of the rule that is enabled, those inside others too.
pub(super) fn each_step<'w, 'n>(written: &'w Rule<'n>, see: &mut impl FnMut(&'w Step<'n>)) {
    steps(&written.steps, see);
    steps(&written.on_failure, see);
}

fn steps<'w, 'n>(written: &'w [Step<'n>], see: &mut impl FnMut(&'w Step<'n>)) {
    for step in written.iter().filter(|it| it.enabled) {
        see(step);
        match &step.kind {
            StepKind::Choose { ways, otherwise } => {
                for way in ways {
                    steps(&way.steps, see);
                }
                steps(otherwise, see);
            }
            StepKind::Repeat { steps: inner, .. } => steps(inner, see),
            StepKind::Parallel(branches) => {
                for branch in branches {
                    steps(branch, see);
                }
            }
            StepKind::Command { .. }
            | StepKind::Notify { .. }
            | StepKind::Log { .. }
            | StepKind::Variables(_)
            | StepKind::Set(_)
            | StepKind::Stop { .. }
            | StepKind::Of(..) => {}
        }
        steps(&step.on_failure, see);
    }
}

fn only_one(heads: &[Span], place: &Place, source: &SourceFile) -> Span {
    let mut here = heads
        .iter()
        .filter(|it| source.line(it.start) == place.line);
    match (here.next(), here.next()) {
        (Some(head), None) => *head,
        _ => line(place, source),
    }
}

/// The line that `place` names, without the spaces and the dash before it.
fn line(place: &Place, source: &SourceFile) -> Span {
    let mut span = source.lines(place.line, place.line);
    let text = source.slice(span);
    span.start += text.len() - text.trim_start_matches([' ', '-']).len();
    span.end -= text.len() - text.trim_end().len();
    span
}
