//! [`syntax`] to [`Rule`]: names resolved, numbers in their units, nothing left to fail later.

use std::sync::Arc;

use crate::config::names::Names;
use crate::document::diagnostic::Findings;
use crate::document::source::Span;
use crate::domain::id::{RuleId, RuleVersion};
use crate::rules::expr::scope::{Root, Scope, trigger_fields};
use crate::rules::rule::{Operation, OperationKind, Place, Program, Rule};
use crate::rules::syntax;

mod condition;
pub(super) mod device;
pub(crate) mod given;
mod quantity;
mod step;
mod trigger;

/// The rule as far as it can be made; whether it may be used, the findings say.
pub(super) fn rule(
    written: &syntax::Rule<'_>,
    place: Place,
    names: &Names,
    findings: &mut Findings<'_>,
) -> Option<Rule> {
    let triggers = written
        .triggers
        .iter()
        .filter_map(|it| trigger::trigger(it, names, findings))
        .collect();
    // Those that are broken count, so that nothing is said of what would be there without the mistake.
    let kinds: Vec<&str> = written.triggers.iter().map(|it| it.on.word()).collect();
    let scope = Scope::of_home(names).with(Root::Trigger, trigger_fields(&kinds));
    let conditions = written
        .conditions
        .iter()
        .filter_map(|it| condition::condition(it, &scope, findings))
        .collect();
    let operations = written
        .steps
        .iter()
        .filter_map(|it| step::operation(it, &scope, findings))
        .collect();
    let id = RuleId::new(written.id?.value);
    Some(Rule {
        alias: written.alias.unwrap_or(id.as_str()).to_owned(),
        description: written.description.map(str::to_owned),
        enabled: written.enabled,
        place,
        triggers,
        conditions,
        program: Arc::new(program(&id, operations)),
        id,
    })
}

pub(super) fn place(span: Span, findings: &Findings<'_>) -> Place {
    Place {
        file: findings.source.name.to_string(),
        line: findings.source.line(span.start),
    }
}

/// The version is that of what the program does: a rule that moves within its file keeps it.
fn program(id: &RuleId, operations: Vec<Operation>) -> Program {
    let meaning: (&RuleId, Vec<&OperationKind>) =
        (id, operations.iter().map(|it| &it.kind).collect());
    let text = serde_json::to_string(&meaning).expect("operations can be written as JSON");
    Program {
        version: RuleVersion::of(&text),
        operations,
    }
}
