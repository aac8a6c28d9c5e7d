//! Steps to operations, one by one.

use std::collections::BTreeMap;

use crate::config::names::{Names, is_name};
use crate::document::code;
use crate::document::decode::Fields;
use crate::document::diagnostic::{Findings, shown};
use crate::document::node::Node;
use crate::document::suggest::closest;
use crate::domain::catalogue::{CommandSpec, ParameterSpec};
use crate::domain::command::RetryPolicy;
use crate::domain::id::NotifierName;
use crate::domain::value::Quantity;
use crate::rules::check::quantity::{Wanted, quantity};
use crate::rules::check::{Scope, action, device, order, variables};
use crate::rules::expr::template::{self, Template};
use crate::rules::expr::value::Value;
use crate::rules::expression::{
    self, Expression, Variable, Wanted as WantedKind, compile_as, is_computed,
};
use crate::rules::operation::{Amount, StopOperation};
use crate::rules::rule::{CommandOperation, LogOperation, NotifyOperation, OperationKind};
use crate::rules::syntax::{self, Named, StepKind, Written};

/// What a step does that holds no other steps; none of this for those that do.
pub(super) fn kind(
    written: &StepKind<'_>,
    scope: &Scope<'_>,
    findings: &mut Findings<'_>,
) -> Option<OperationKind> {
    Some(match written {
        StepKind::Command {
            command: name,
            device,
            parameters,
            retry,
            fields,
        } => {
            let order = Order {
                name: *name,
                device: *device,
                parameters,
                retry: *retry,
                fields,
            };
            OperationKind::Command(command(&order, scope, findings)?)
        }
        StepKind::Notify {
            notifiers: written,
            title,
            message,
            level,
        } => {
            let notifiers = notifiers(written, scope.names, findings);
            let title = title.map(|it| template(it, scope, findings));
            let message = template(*message, scope, findings);
            OperationKind::Notify(NotifyOperation {
                notifiers,
                // A title that is not given is none; one that cannot be made leaves the step out.
                title: match title {
                    Some(title) => Some(title?),
                    None => None,
                },
                message: message?,
                level: *level,
            })
        }
        StepKind::Log { text, level } => OperationKind::Log(LogOperation {
            text: template(*text, scope, findings)?,
            level: *level,
        }),
        StepKind::Variables(lines) => OperationKind::Variables {
            values: variables(lines, scope, findings),
        },
        StepKind::Set(lines) => OperationKind::Set {
            values: remembered(lines, scope, findings),
        },
        StepKind::Stop { text, failed } => OperationKind::Stop(StopOperation {
            text: template(*text, scope, findings)?,
            failed: *failed,
        }),
        StepKind::Of(word, fields) => action::action(word.name, fields, scope, findings)?,
        StepKind::Choose { .. } | StepKind::Repeat { .. } | StepKind::Parallel(_) => return None,
    })
}

fn template(
    written: syntax::Template<'_>,
    scope: &Scope<'_>,
    findings: &mut Findings<'_>,
) -> Option<Template> {
    template::template(written.node, written.text, &scope.values, findings)
}

/// Lines `state.NAME: value`.
fn remembered(
    written: &[Named<'_>],
    scope: &Scope<'_>,
    findings: &mut Findings<'_>,
) -> Vec<Variable> {
    let mut variables = Vec::new();
    for (key, node) in written {
        let name = key.value.strip_prefix("state.");
        if !name.is_some_and(is_name) {
            let message = format!("`{}` is nothing that a rule can set", shown(key.value));
            findings
                .report(code::BAD_NAME, key.span, message)
                .help("write `state.NAME: value`, the name in small letters, digits and `_`");
        }
        let value = expression::compile(node, &scope.values, findings);
        if let Some(name) = name {
            let name = name.to_owned();
            // What is broken is said; that the name is there is known all the same.
            let value = value.unwrap_or(Expression::Literal(Value::Unknown));
            variables.push(Variable { name, value });
        }
    }
    variables
}

/// A command step as written.
struct Order<'o, 'n> {
    name: Written<&'n str>,
    device: Written<&'n str>,
    parameters: &'o [Named<'n>],
    retry: RetryPolicy,
    fields: &'o Fields<'n>,
}

fn command(
    written: &Order<'_, '_>,
    scope: &Scope<'_>,
    findings: &mut Findings<'_>,
) -> Option<CommandOperation> {
    let device = device::named(written.device, scope.names, findings)?;
    if !device::takes_commands(&device, written.device.span, findings) {
        return None;
    }
    let spec = device::command(written.name, &device, findings)?;
    let options = order::options(written.fields, &device, spec, scope, findings);
    let mut parameters = BTreeMap::new();
    for (name, node) in written.parameters {
        let amount = if is_computed(node) {
            computed_parameter(spec, *name, node, scope, findings)
        } else {
            parameter(spec, *name, node, findings).map(Amount::Fixed)
        };
        parameters.extend(amount.map(|it| (name.value.to_owned(), it)));
    }
    Some(CommandOperation {
        device,
        command: spec.name.to_owned(),
        // The step's own id, which whoever has the whole step fills in.
        step: None,
        parameters,
        retry: written.retry,
        options: options?,
    })
}

pub(super) fn parameter(
    command: &CommandSpec,
    name: Written<&str>,
    node: &Node,
    findings: &mut Findings<'_>,
) -> Option<Quantity> {
    let spec = parameter_named(command, name, findings)?;
    let value = quantity(node, wanted(spec), findings)?;
    check_bounds(command, spec, value, node, findings)
}

/// What is the same whatever happens becomes a fixed number.
fn computed_parameter(
    command: &CommandSpec,
    name: Written<&str>,
    node: &Node,
    scope: &Scope<'_>,
    findings: &mut Findings<'_>,
) -> Option<Amount> {
    let spec = parameter_named(command, name, findings)?;
    let wanted = WantedKind::Number(spec.unit);
    let expression = compile_as(wanted, node, &scope.values, findings)?;
    match expression.fixed_in(spec.unit) {
        Some(value) => check_bounds(command, spec, value, node, findings).map(Amount::Fixed),
        None => Some(Amount::Computed(expression)),
    }
}

fn wanted(spec: &ParameterSpec) -> Wanted<'_> {
    Wanted {
        name: spec.name,
        unit: Some(spec.unit),
    }
}

fn parameter_named<'s>(
    command: &'s CommandSpec,
    name: Written<&str>,
    findings: &mut Findings<'_>,
) -> Option<&'s ParameterSpec> {
    let spec = command.parameter(name.value);
    if spec.is_none() {
        let parameters = || command.parameters.iter().map(|it| it.name);
        let known = if command.parameters.is_empty() {
            format!("`{}` takes no parameters", command.name)
        } else {
            let known = parameters().collect::<Vec<_>>().join("`, `");
            format!("`{}` takes `{known}`", command.name)
        };
        findings
            .report(
                code::UNKNOWN_PARAMETER,
                name.span,
                format!(
                    "the command `{}` has no parameter `{}`",
                    command.name,
                    shown(name.value)
                ),
            )
            .did_you_mean(closest(name.value, parameters()))
            .note(known);
    }
    spec
}

fn check_bounds(
    command: &CommandSpec,
    spec: &ParameterSpec,
    value: f64,
    node: &Node,
    findings: &mut Findings<'_>,
) -> Option<Quantity> {
    if !(spec.min..=spec.max).contains(&value) {
        let written = shown(findings.source.slice(node.span));
        let message = format!(
            "`{written}` is out of bounds: `{}` of `{}` takes {} to {}",
            spec.name,
            command.name,
            wanted(spec).show(spec.min),
            wanted(spec).show(spec.max)
        );
        findings.report(code::OUT_OF_RANGE, node.head(), message);
        return None;
    }
    Some(Quantity {
        value,
        unit: spec.unit,
    })
}

pub(super) fn notifiers(
    written: &[Written<&str>],
    names: &Names,
    findings: &mut Findings<'_>,
) -> Vec<NotifierName> {
    let mut notifiers = Vec::new();
    for name in written {
        let notifier = NotifierName::new(name.value);
        if !names.notifiers.contains(&notifier) {
            let known = names.notifiers.iter().map(NotifierName::as_str);
            let near = closest(name.value, known);
            let diagnostic = findings
                .report(
                    code::UNKNOWN_NOTIFIER,
                    name.span,
                    format!("unknown notifier `{}`", shown(name.value)),
                )
                .label("no notifier of this home has this name")
                .did_you_mean(near);
            if near.is_none() {
                diagnostic.help("the notifiers are listed in home.yaml under `notifiers:`");
            }
        } else if !notifiers.contains(&notifier) {
            notifiers.push(notifier);
        }
    }
    notifiers
}
