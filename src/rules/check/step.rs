//! Steps to operations, flat and in order.

use std::collections::BTreeMap;

use crate::config::names::Names;
use crate::document::code;
use crate::document::diagnostic::{Findings, shown};
use crate::document::node::Node;
use crate::document::suggest::closest;
use crate::domain::catalogue::CommandSpec;
use crate::domain::command::RetryPolicy;
use crate::domain::id::NotifierName;
use crate::domain::value::Quantity;
use crate::rules::check::quantity::{Wanted, quantity};
use crate::rules::check::{device, place};
use crate::rules::expr::scope::Scope;
use crate::rules::expr::template::{self, Template};
use crate::rules::rule::{
    CommandOperation, LogOperation, NotifyOperation, Operation, OperationKind,
};
use crate::rules::syntax::{self, Step, StepKind, Written};

/// A step that is not enabled is checked like any other and becomes nothing.
pub(super) fn operation(
    written: &Step<'_>,
    scope: &Scope<'_>,
    findings: &mut Findings<'_>,
) -> Option<Operation> {
    let names = scope.names;
    let kind = match &written.kind {
        StepKind::Command {
            command: name,
            device,
            parameters,
            retry,
        } => OperationKind::Command(command(
            *name, *device, parameters, *retry, names, findings,
        )?),
        StepKind::Notify {
            notifiers: written,
            title,
            message,
            level,
        } => {
            let notifiers = notifiers(written, names, findings);
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
    };
    written.enabled.then(|| Operation {
        place: place(written.head, findings),
        alias: written.alias.map(str::to_owned),
        kind,
    })
}

fn template(
    written: syntax::Template<'_>,
    scope: &Scope<'_>,
    findings: &mut Findings<'_>,
) -> Option<Template> {
    template::template(written.node, written.text, scope, findings)
}

fn command(
    name: Written<&str>,
    on: Written<&str>,
    written: &[(Written<&str>, &Node)],
    retry: RetryPolicy,
    names: &Names,
    findings: &mut Findings<'_>,
) -> Option<CommandOperation> {
    let device = device::named(on, names, findings)?;
    if !device::takes_commands(&device, on.span, findings) {
        return None;
    }
    let spec = device::command(name, &device, findings)?;
    let mut parameters = BTreeMap::new();
    for (name, node) in written {
        if let Some(quantity) = parameter(spec, *name, node, findings) {
            parameters.insert(name.value.to_owned(), quantity);
        }
    }
    Some(CommandOperation {
        device,
        command: spec.name.to_owned(),
        parameters,
        retry,
    })
}

pub(super) fn parameter(
    command: &CommandSpec,
    name: Written<&str>,
    node: &Node,
    findings: &mut Findings<'_>,
) -> Option<Quantity> {
    let Some(spec) = command.parameter(name.value) else {
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
        return None;
    };
    let wanted = Wanted {
        name: spec.name,
        unit: Some(spec.unit),
    };
    let value = quantity(node, wanted, findings)?;
    if !(spec.min..=spec.max).contains(&value) {
        let written = shown(findings.source.slice(node.span));
        let message = format!(
            "`{written}` is out of bounds: `{}` of `{}` takes {} to {}",
            spec.name,
            command.name,
            wanted.show(spec.min),
            wanted.show(spec.max)
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
