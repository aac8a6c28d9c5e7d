//! Steps that are neither orders nor messages and hold no other steps.

use std::time::Duration;

use crate::document::code;
use crate::document::decode::{Fields, boolean};
use crate::document::diagnostic::{Findings, shown};
use crate::document::duration::{DURATION_MAX, bounded, check_bounds};
use crate::document::node::Node;
use crate::document::suggest::closest;
use crate::domain::command::RetryPolicy;
use crate::domain::device::Device;
use crate::domain::id::StepId;
use crate::domain::setting::SettingSpec;
use crate::rules::catalog::blocks;
use crate::rules::check::quantity::{Wanted, quantity};
use crate::rules::check::{Scope, StepUse, condition, device, http, rule_named, trigger};
use crate::rules::condition::{Block, Join};
use crate::rules::expr::value::Value;
use crate::rules::expression::{Expression, Wanted as WantedKind, compile_as, is_computed};
use crate::rules::operation::{
    Awaited, CancelOperation, DelayOperation, ReadOperation, RuleOperation, RuleVerb,
    SettingOperation, WaitOperation, fixed,
};
use crate::rules::parse;
use crate::rules::parse::step::{one_device, retry};
use crate::rules::rule::OperationKind;
use crate::rules::syntax::{Devices, Written};

const MAX_AGE_DEFAULT: Duration = Duration::from_mins(1);
const DELAY_MIN: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
/// What the step `name` does.
pub(super) fn action(
    name: &'static str,
    fields: &Fields<'_>,
    scope: &Scope<'_>,
    findings: &mut Findings<'_>,
) -> Option<OperationKind> {
    use OperationKind as K;
    Some(match name {
        "setting" => K::Setting(setting(fields, scope, findings)?),
        "cancel" => K::Cancel(cancel(fields, scope, findings)?),
        "read" => K::Read(read(fields, scope, findings)?),
        "http" => K::Http(http::http(
            fields.require("http", findings)?,
            scope,
            findings,
        )?),
        "delay" => K::Delay(delay(fields.require("delay", findings)?, scope, findings)?),
        "wait_for_trigger" | "wait_until" => K::Wait(wait(name, fields, scope, findings)?),
        "run_rule" => K::Rule(other_rule(RuleVerb::Run, fields, scope, findings)?),
        "pause_rule" => K::Rule(other_rule(RuleVerb::Pause, fields, scope, findings)?),
        _ => K::Rule(other_rule(RuleVerb::Resume, fields, scope, findings)?),
    })
}

fn setting(
    fields: &Fields<'_>,
    scope: &Scope<'_>,
    findings: &mut Findings<'_>,
) -> Option<SettingOperation> {
    let named = fields
        .require("setting", findings)
        .and_then(|it| parse::name(it, "a setting", findings));
    let on = fields
        .require("device", findings)
        .and_then(|it| one_device(it, findings));
    let value = fields.require("value", findings);
    let retry = fields.maybe("retry", findings, retry);
    let device = device::named(on?, scope.names, findings)?;
    let spec = setting_named(named?, &device, findings)?;
    let value = setting_value(value?, spec, scope, findings)?;
    Some(SettingOperation {
        device,
        setting: spec.name.to_owned(),
        value,
        unit: spec.unit,
        retry: retry?.unwrap_or(RetryPolicy::DEFAULT),
    })
}

pub(super) fn setting_named(
    written: Written<&str>,
    device: &Device,
    findings: &mut Findings<'_>,
) -> Option<&'static SettingSpec> {
    let spec = device.device_type.setting(written.value);
    if spec.is_none() {
        let settings = || device.device_type.settings().iter().map(|it| it.name);
        let known = settings().collect::<Vec<_>>().join("`, `");
        let note = if known.is_empty() {
            format!("a device of type `{}` has no settings", device.device_type)
        } else {
            format!("a device of type `{}` has `{known}`", device.device_type)
        };
        let message = format!(
            "`{}` has no setting `{}`",
            device.alias,
            shown(written.value)
        );
        findings
            .report(code::UNKNOWN_SETTING, written.span, message)
            .did_you_mean(closest(written.value, settings()))
            .note(note);
    }
    spec
}

fn setting_value(
    node: &Node,
    spec: &SettingSpec,
    scope: &Scope<'_>,
    findings: &mut Findings<'_>,
) -> Option<Expression> {
    let wanted = Wanted {
        name: spec.name,
        unit: Some(spec.unit),
    };
    let (number, expression) = if is_computed(node) {
        let wanted = WantedKind::Number(spec.unit);
        let expression = compile_as(wanted, node, &scope.values, findings)?;
        (expression.fixed_in(spec.unit), expression)
    } else {
        let number = quantity(node, wanted, findings)?;
        (Some(number), Expression::Literal(Value::Number(number)))
    };
    if number.is_some_and(|it| !(spec.min..=spec.max).contains(&it)) {
        let message = format!(
            "`{}` is out of bounds: `{}` takes {} to {}",
            shown(findings.source.slice(node.span)),
            spec.name,
            wanted.show(spec.min),
            wanted.show(spec.max)
        );
        findings.report(code::OUT_OF_RANGE, node.head(), message);
        return None;
    }
    Some(expression)
}

fn cancel(
    fields: &Fields<'_>,
    scope: &Scope<'_>,
    findings: &mut Findings<'_>,
) -> Option<CancelOperation> {
    let node = fields.require("cancel", findings)?;
    let inner = Fields::of(node, &blocks::CANCELLED, findings)?;
    match (inner.get("device"), inner.get("step")) {
        (Some(node), None) => {
            let written = one_device(node, findings)?;
            let device = device::named(written, scope.names, findings)?;
            let takes = device::takes_commands(&device, written.span, findings);
            takes.then_some(CancelOperation::Device(device))
        }
        (None, Some(node)) => {
            let written = parse::name(node, "the id of a step", findings)?;
            ordering_step(written, scope, findings).map(CancelOperation::Step)
        }
        (Some(_), Some(_)) | (None, None) => {
            findings
                .report(
                    code::WHICH_ONE,
                    inner.head(),
                    "`cancel` needs to know which order",
                )
                .help("write one of `{device: NAME}` and `{step: ID}`");
            None
        }
    }
}

/// The step of the rule with this id, which gives an order.
fn ordering_step(
    written: Written<&str>,
    scope: &Scope<'_>,
    findings: &mut Findings<'_>,
) -> Option<StepId> {
    let id = shown(written.value);
    let is_known = match scope.steps.get(written.value) {
        Some(StepUse::Orders) => return Some(StepId::new(written.value)),
        Some(StepUse::Else) => true,
        None => false,
    };
    let orders = scope.steps.iter().filter(|(_, it)| **it == StepUse::Orders);
    let near = closest(written.value, orders.map(|(id, _)| *id));
    let diagnostic = if is_known {
        findings
            .report(
                code::NO_ORDER,
                written.span,
                format!("the step `{id}` gives no order"),
            )
            .label("`cancel` calls off what a `command` step ordered")
    } else {
        findings
            .report(
                code::UNKNOWN_STEP,
                written.span,
                format!("unknown step `{id}`"),
            )
            .label("no step of this rule has this id")
    };
    diagnostic.did_you_mean(near);
    if near.is_none() {
        diagnostic.help("give the `command` step an `id:`, and write that here");
    }
    None
}

fn read(
    fields: &Fields<'_>,
    scope: &Scope<'_>,
    findings: &mut Findings<'_>,
) -> Option<ReadOperation> {
    let max_age = fields.maybe("max_age", findings, |it, findings| {
        bounded(it, SECOND, DURATION_MAX, findings)
    });
    let node = fields.require("read", findings)?;
    let written = parse::names(node, "the name of a device", findings)?;
    let found = device::all(&Devices::Named(written), scope.names, findings);
    let devices: Vec<Device> = found.into_iter().map(|(device, _)| device).collect();
    let max_age = max_age?.unwrap_or(MAX_AGE_DEFAULT);
    (!devices.is_empty()).then_some(ReadOperation { devices, max_age })
}

fn delay(node: &Node, scope: &Scope<'_>, findings: &mut Findings<'_>) -> Option<DelayOperation> {
    if !is_computed(node) {
        let duration = fixed(bounded(node, DELAY_MIN, DURATION_MAX, findings)?);
        return Some(DelayOperation { duration });
    }
    let duration = compile_as(WantedKind::Duration, node, &scope.values, findings)?;
    if let Some(fixed) = duration.fixed_duration() {
        check_bounds(fixed, node, (DELAY_MIN, DURATION_MAX), findings)?;
    }
    Some(DelayOperation { duration })
}

fn wait(
    name: &'static str,
    fields: &Fields<'_>,
    scope: &Scope<'_>,
    findings: &mut Findings<'_>,
) -> Option<WaitOperation> {
    let timeout = fields.maybe("timeout", findings, |it, findings| {
        bounded(it, SECOND, DURATION_MAX, findings)
    });
    let continues = fields.maybe("continue_on_timeout", findings, boolean);
    let mark = findings.mark();
    let until = if name == "wait_for_trigger" {
        let written = parse::triggers(fields, name, findings);
        let triggers = written
            .iter()
            .filter_map(|it| trigger::trigger(it, scope, findings));
        Awaited::Triggers(triggers.collect())
    } else {
        let written = parse::conditions(fields, name, findings);
        Awaited::Conditions(Block {
            join: Join::And,
            conditions: condition::all(&written, scope, findings),
        })
    };
    if findings.has_errors_since(mark) {
        return None;
    }
    if let (None, Some(entry)) = (fields.get("timeout"), fields.entry("continue_on_timeout")) {
        findings
            .report(
                code::NO_EFFECT,
                entry.key.span,
                "`continue_on_timeout` has a meaning only beside `timeout`",
            )
            .help("add `timeout:`, or leave it out");
    }
    Some(WaitOperation {
        until,
        timeout: timeout?,
        continue_on_timeout: continues?.unwrap_or(true),
    })
}

fn other_rule(
    verb: RuleVerb,
    fields: &Fields<'_>,
    scope: &Scope<'_>,
    findings: &mut Findings<'_>,
) -> Option<RuleOperation> {
    let node = fields.require(
        match verb {
            RuleVerb::Run => "run_rule",
            RuleVerb::Pause => "pause_rule",
            RuleVerb::Resume => "resume_rule",
        },
        findings,
    )?;
    let written = parse::name(node, "the id of a rule", findings)?;
    let rule = rule_named(written, scope, findings)?;
    Some(RuleOperation { rule, verb })
}
