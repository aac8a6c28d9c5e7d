//! Orders that are to be called off and begin at once.

use crate::document::code;
use crate::document::diagnostic::{Findings, shown};
use crate::document::node::{Kind, Node};
use crate::rules::lint::spots;
use crate::rules::syntax::{Rule, StepKind};

/// Only what has not begun can be called off: what begins at once is hardly ever there to be.
pub(super) fn begins_at_once(written: &Rule<'_>, findings: &mut Findings<'_>) {
    let mut at_once = Vec::new();
    let mut called_off = Vec::new();
    spots::each_step(written, &mut |step| match &step.kind {
        StepKind::Command { fields, .. } if fields.get("start").is_none() => {
            at_once.extend(step.id);
        }
        StepKind::Of(word, fields) if word.name == "cancel" => {
            called_off.extend(fields.get("cancel").and_then(named));
        }
        StepKind::Command { .. }
        | StepKind::Notify { .. }
        | StepKind::Log { .. }
        | StepKind::Choose { .. }
        | StepKind::Repeat { .. }
        | StepKind::Variables(_)
        | StepKind::Set(_)
        | StepKind::Stop { .. }
        | StepKind::Parallel(_)
        | StepKind::Of(..) => {}
    });
    for node in called_off {
        let Some(order) = at_once.iter().find(|it| node.as_key() == Some(it.value)) else {
            continue;
        };
        let id = shown(order.value);
        let message = format!("there is hardly ever an order of `{id}` to cancel");
        let begins = findings.source.location(order.span);
        findings
            .report(code::BEGINS_AT_ONCE, node.head(), message)
            .also(begins, "its order begins at once: it has no `start:`")
            .note("an order that has begun goes on, and the step fails as `refused`")
            .help("give the order a `start:`, or end it with another `command`");
    }
}

/// What stands behind `step:`.
fn named(block: &Node) -> Option<&Node> {
    let Kind::Map(entries) = &block.kind else {
        return None;
    };
    let entry = entries.iter().find(|it| it.key.as_key() == Some("step"))?;
    Some(&entry.value)
}
