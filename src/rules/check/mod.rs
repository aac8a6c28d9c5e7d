//! [`syntax`] to [`Rule`]: names resolved, numbers in their units, nothing left to fail later.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::config::names::{Names, is_name};
use crate::document::code;
use crate::document::diagnostic::{Findings, shown};
use crate::document::source::Span;
use crate::document::suggest::closest;
use crate::domain::id::{DeviceAlias, RuleId};
use crate::rules::expr::scope::{Root, Scope as Values, trigger_fields};
use crate::rules::expression::{self, Variable};
use crate::rules::rule::{Place, Rule};
use crate::rules::syntax::{self, Named, Written};

mod action;
mod condition;
mod cron;
pub(super) mod device;
pub(crate) mod given;
mod order;
mod program;
mod quantity;
mod question;
mod schedule;
mod step;
mod trigger;
mod watched;

/// What the parts of a rule may name.
#[derive(Debug)]
pub(super) struct Scope<'h> {
    pub(super) names: &'h Names,
    /// Of the whole home, broken ones included.
    pub(super) rules: &'h BTreeSet<RuleId>,
    /// Ids of the rule's triggers.
    triggers: BTreeSet<&'h str>,
    /// Ids of the rule's steps.
    steps: BTreeSet<&'h str>,
    /// What expressions may name.
    values: Values<'h>,
}

/// Names that mean something else in an expression.
const RESERVED_NAMES: &[&str] = &[
    "and", "else", "failure", "false", "if", "in", "input", "not", "or", "repeat", "state",
    "trigger", "true", "unknown", "vars", "wait",
];

/// The rule as far as it can be made; whether it may be used, the findings say.
pub(super) fn rule(
    written: &syntax::Rule<'_>,
    place: Place,
    (names, rules): (&Names, &BTreeSet<RuleId>),
    findings: &mut Findings<'_>,
) -> Option<Rule> {
    let mut steps = BTreeSet::new();
    collect_steps(&written.steps, &mut steps, findings);
    collect_steps(&written.on_failure, &mut steps, findings);
    // Those that are broken count, so that nothing is said of what would be there without the mistake.
    let kinds: Vec<&str> = written.triggers.iter().map(|it| it.on.word()).collect();
    let scope = Scope {
        names,
        rules,
        triggers: written.triggers.iter().filter_map(|it| it.id).collect(),
        steps,
        values: Values::of_home(names).with(Root::Trigger, trigger_fields(&kinds)),
    };
    let triggers = written
        .triggers
        .iter()
        .filter_map(|it| trigger::trigger(it, &scope, findings))
        .collect();
    let conditions = condition::all(&written.conditions, &scope, findings);
    let variables = variables(&written.variables, &scope, findings);
    let id = written.id.map(|it| RuleId::new(it.value));
    let program = program::program(id.as_ref(), written, &scope, findings);
    let id = id?;
    Some(Rule {
        alias: written.alias.unwrap_or(id.as_str()).to_owned(),
        description: written.description.map(str::to_owned),
        enabled: written.enabled,
        place,
        settings: written.settings.clone(),
        variables,
        triggers,
        conditions,
        unbuilt: None,
        program: Arc::new(program),
        id,
    })
}

/// Every step's `id`, which is unique in the rule.
fn collect_steps<'n>(
    written: &[syntax::Step<'n>],
    ids: &mut BTreeSet<&'n str>,
    findings: &mut Findings<'_>,
) {
    use syntax::StepKind as K;
    for step in written {
        if let Some(id) = step.id
            && !ids.insert(id.value)
        {
            let message = format!("two steps have the id `{}`", shown(id.value));
            findings
                .report(code::DUPLICATE_ID, id.span, message)
                .help("give one of them another id");
        }
        collect_steps(&step.on_failure, ids, findings);
        match &step.kind {
            K::Choose { ways, otherwise } => {
                for way in ways {
                    collect_steps(&way.steps, ids, findings);
                }
                collect_steps(otherwise, ids, findings);
            }
            K::Repeat { steps, .. } => collect_steps(steps, ids, findings),
            K::Parallel(branches) => {
                for branch in branches {
                    collect_steps(branch, ids, findings);
                }
            }
            K::Command { .. }
            | K::Notify { .. }
            | K::Log { .. }
            | K::Variables(_)
            | K::Set(_)
            | K::Stop { .. }
            | K::Of(..) => {}
        }
    }
}

/// Lines `NAME: value` with names that can be told from everything else.
fn variables(
    written: &[Named<'_>],
    scope: &Scope<'_>,
    findings: &mut Findings<'_>,
) -> Vec<Variable> {
    let mut variables = Vec::new();
    for (name, node) in written {
        let is_free = variable_name(*name, scope, findings);
        let value = expression::compile(node, findings);
        if let Some(value) = value.filter(|_| is_free) {
            let name = name.value.to_owned();
            variables.push(Variable { name, value });
        }
    }
    variables
}

/// Says whether a variable can have the name.
fn variable_name(name: Written<&str>, scope: &Scope<'_>, findings: &mut Findings<'_>) -> bool {
    let is_taken = RESERVED_NAMES.contains(&name.value)
        || scope
            .names
            .devices
            .contains_key(&DeviceAlias::new(name.value));
    if is_taken {
        let message = format!("`{}` means something else already", shown(name.value));
        findings
            .report(code::BAD_NAME, name.span, message)
            .help("give the variable another name");
    } else if !is_name(name.value) {
        let message = format!("`{}` cannot be the name of a variable", shown(name.value));
        findings
            .report(code::BAD_NAME, name.span, message)
            .help("use small letters, digits and `_`, a letter first: `night_rate`");
    } else {
        return true;
    }
    false
}

/// A rule of the home that another one names.
fn rule_named(
    written: Written<&str>,
    scope: &Scope<'_>,
    findings: &mut Findings<'_>,
) -> Option<RuleId> {
    let id = RuleId::new(written.value);
    if scope.rules.contains(&id) {
        return Some(id);
    }
    let near = closest(written.value, scope.rules.iter().map(RuleId::as_str));
    let message = format!("unknown rule `{}`", shown(written.value));
    let diagnostic = findings
        .report(code::UNKNOWN_RULE, written.span, message)
        .label("no rule of this home has this id")
        .did_you_mean(near);
    if near.is_none() {
        diagnostic.help("rules are named by their `id:`");
    }
    None
}

pub(super) fn place(span: Span, findings: &Findings<'_>) -> Place {
    Place {
        file: findings.source.name.to_string(),
        line: findings.source.line(span.start),
    }
}
