//! [`syntax`] to [`Rule`]: names resolved, numbers in their units, nothing left to fail later.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use crate::config::names::{Names, is_name};
use crate::document::code;
use crate::document::diagnostic::{Findings, shown};
use crate::document::node::{Kind, Node};
use crate::document::source::{Location, Span};
use crate::document::suggest::closest;
use crate::domain::id::{DeviceAlias, RuleId};
use crate::rules::check::known::{Definitions, Known, sights};
use crate::rules::expr::scope::{Root, Scope as Values, Sight, trigger_fields};
use crate::rules::expr::template::is_template;
use crate::rules::expr::value::Value;
use crate::rules::expression::{self, Expression, Variable};
use crate::rules::rule::{On, Place, Rule, Settings};
use crate::rules::syntax::{self, Named, Written};

mod action;
mod condition;
mod cron;
pub(super) mod device;
pub(crate) mod given;
mod http;
mod known;
mod order;
mod program;
mod quantity;
mod question;
mod schedule;
mod step;
mod trigger;
mod version;
mod watched;

/// What the parts of a rule may name.
#[derive(Clone, Debug)]
pub(super) struct Scope<'h> {
    pub(super) names: &'h Names,
    /// Of the whole home, broken ones included.
    pub(super) rules: &'h BTreeMap<RuleId, Location>,
    /// Nobody needs advice on what is switched off.
    pub(super) is_enabled: bool,
    /// Ids of the rule's triggers.
    triggers: Rc<BTreeSet<&'h str>>,
    /// Ids of the rule's steps.
    steps: Rc<BTreeMap<&'h str, StepUse>>,
    /// What expressions may name.
    values: Values<'h>,
}

/// What a step can be named for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StepUse {
    /// It gives an order to a device.
    Orders,
    Else,
}

/// Names that mean something else in an expression.
const RESERVED_NAMES: &[&str] = &[
    "and", "else", "failure", "false", "if", "in", "input", "not", "or", "repeat", "state",
    "trigger", "true", "unknown", "vars", "wait",
];

/// How often a rule is looked at before what its names hold is taken for anything.
const LOOKS_MAX: usize = 8;

/// The rule as far as it can be made; whether it may be used, the findings say.
pub(super) fn rule(
    written: &syntax::Rule<'_>,
    place: Place,
    (names, rules): (&Names, &BTreeMap<RuleId, Location>),
    findings: &mut Findings<'_>,
) -> Option<Rule> {
    let mut steps = BTreeMap::new();
    collect_steps(&written.steps, &mut steps, findings);
    collect_steps(&written.on_failure, &mut steps, findings);
    // Those that are broken count, so that nothing is said of what would be there without the mistake.
    let sights: Vec<Sight> = written
        .triggers
        .iter()
        .map(|it| it.on.word().into())
        .collect();
    let scope = Scope {
        names,
        rules,
        is_enabled: written.enabled,
        triggers: Rc::new(written.triggers.iter().filter_map(|it| it.id).collect()),
        steps: Rc::new(steps),
        values: Values::of_home(names).with(Root::Trigger, trigger_fields(&sights)),
    };
    let mut known = Known::default();
    let mut looks = 0;
    loop {
        let mark = findings.mark();
        let mut definitions = Definitions::default();
        let mut scope = scope.clone();
        scope.values = known.clone().within(scope.values);
        let rule = look(written, place.clone(), scope, &mut definitions, findings);
        looks += 1;
        // Nothing was used before it was there.
        let is_certain = looks == 1 && !findings.has_errors_since(mark) && !definitions.has_changed;
        let mut joined = known.clone().joined(definitions.known);
        if is_certain || joined == known || looks > LOOKS_MAX {
            return rule.map(|mut rule| {
                version::seal(Arc::make_mut(&mut rule.program), Some(&rule.id));
                rule
            });
        }
        if looks == LOOKS_MAX {
            joined.forget_kinds();
        }
        known = joined;
        findings.diagnostics.truncate(mark);
    }
}

/// One look at the rule, from top to bottom as its runs go.
fn look(
    written: &syntax::Rule<'_>,
    place: Place,
    mut scope: Scope<'_>,
    definitions: &mut Definitions,
    findings: &mut Findings<'_>,
) -> Option<Rule> {
    let ons: Vec<Option<On>> = written
        .triggers
        .iter()
        .map(|it| trigger::on(it, &scope, findings))
        .collect();
    let sights = written.triggers.iter().zip(&ons).flat_map(|(it, on)| {
        let broken = || vec![it.on.word().into()];
        on.as_ref()
            .map_or_else(broken, |on| sights(on, scope.names))
    });
    let seen = trigger_fields(&sights.collect::<Vec<_>>());
    scope.values = scope.values.with(Root::Trigger, seen);
    let rule_variables = variables(&written.variables, &scope, findings);
    definitions.variables(&rule_variables);
    learn(Root::Vars, &rule_variables, &mut scope.values);
    let mut triggers = Vec::new();
    for (written, on) in written.triggers.iter().zip(ons) {
        scope.values.at = definitions.here();
        let variables = variables(&written.variables, &scope, findings);
        definitions.variables(&variables);
        learn(Root::Vars, &variables, &mut scope.values);
        triggers.extend(on.map(|on| trigger::of(written, on, variables, findings)));
    }
    scope.values.at = definitions.here();
    let per = written.per.and_then(|it| per(it, &scope, findings));
    let conditions = condition::all(&written.conditions, &scope, findings);
    let id = written.id.map(|it| RuleId::new(it.value));
    let program = program::program(written, scope, definitions, findings);
    let id = id?;
    Some(Rule {
        alias: written.alias.unwrap_or(id.as_str()).to_owned(),
        description: written.description.map(str::to_owned),
        enabled: written.enabled,
        place,
        settings: Settings {
            per,
            ..written.settings.clone()
        },
        variables: rule_variables,
        triggers,
        conditions,
        program: Arc::new(program),
        id,
    })
}

/// Every step's `id`, which is unique in the rule.
fn collect_steps<'n>(
    written: &[syntax::Step<'n>],
    ids: &mut BTreeMap<&'n str, StepUse>,
    findings: &mut Findings<'_>,
) {
    use syntax::StepKind as K;
    for step in written {
        let what = match &step.kind {
            K::Command { .. } => StepUse::Orders,
            K::Notify { .. }
            | K::Log { .. }
            | K::Choose { .. }
            | K::Repeat { .. }
            | K::Variables(_)
            | K::Set(_)
            | K::Stop { .. }
            | K::Parallel(_)
            | K::Of(..) => StepUse::Else,
        };
        if let Some(id) = step.id
            && ids.insert(id.value, what).is_some()
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

/// Lines `NAME: value` with names that can be told from everything else. Each may use those before it.
fn variables(
    written: &[Named<'_>],
    scope: &Scope<'_>,
    findings: &mut Findings<'_>,
) -> Vec<Variable> {
    let mut variables = Vec::new();
    let mut values = scope.values.clone();
    for (name, node) in written {
        let is_free = variable_name(*name, scope, findings);
        let value = expression::compile(node, &values, findings);
        values.at += 1;
        if is_free {
            let name = name.value.to_owned();
            // What is broken is said; that the name is there is known all the same.
            let value = value.unwrap_or(Expression::Literal(Value::Unknown));
            values.learn(Root::Vars, &name, || value.kind());
            variables.push(Variable { name, value });
        }
    }
    variables
}

/// Lets what comes next know the names.
fn learn(root: Root, variables: &[Variable], values: &mut Values<'_>) {
    for variable in variables {
        values.learn(root, &variable.name, || variable.value.kind());
    }
}

/// What tells the runs of a rule apart; a text is an expression, with braces or without.
fn per(node: &Node, scope: &Scope<'_>, findings: &mut Findings<'_>) -> Option<Expression> {
    let expression = match &node.kind {
        Kind::Text(text) if !is_template(text) => {
            expression::compile_bare(node, text, &scope.values, findings)
        }
        Kind::Null
        | Kind::Bool(_)
        | Kind::Number { .. }
        | Kind::Text(_)
        | Kind::List(_)
        | Kind::Map(_)
        | Kind::Secret(_) => expression::compile(node, &scope.values, findings),
    };
    if let Some(Expression::Literal(_)) = expression {
        findings
            .report(
                code::NO_EFFECT,
                node.head(),
                "`per` is the same for every run here, so that it tells none apart",
            )
            .help("write for example `per: trigger.device`");
    }
    expression
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
    if scope.rules.contains_key(&id) {
        return Some(id);
    }
    let near = closest(written.value, scope.rules.keys().map(RuleId::as_str));
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
