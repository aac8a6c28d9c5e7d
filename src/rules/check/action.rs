//! Steps that are neither orders nor messages and hold no other steps.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::config::address;
use crate::document::code;
use crate::document::decode::{Fields, boolean, named, text, word, wrong_type};
use crate::document::diagnostic::{Findings, shown};
use crate::document::duration::{DURATION_MAX, bounded};
use crate::document::node::{Kind, Node};
use crate::document::suggest::closest;
use crate::domain::command::RetryPolicy;
use crate::domain::device::Device;
use crate::domain::setting::SettingSpec;
use crate::rules::catalog::blocks;
use crate::rules::check::quantity::{Wanted, quantity};
use crate::rules::check::{Scope, condition, device, rule_named, trigger, variable_name};
use crate::rules::condition::{Block, Join};
use crate::rules::expression::{self, Expression, Literal};
use crate::rules::operation::{
    Awaited, CancelOperation, DelayOperation, HttpOperation, Method, ReadOperation, RuleOperation,
    RuleVerb, SettingOperation, WaitOperation, fixed,
};
use crate::rules::parse;
use crate::rules::parse::step::{one_device, retry};
use crate::rules::rule::OperationKind;
use crate::rules::syntax::{Devices, Written};

const MAX_AGE_DEFAULT: Duration = Duration::from_mins(1);
const SECOND: Duration = Duration::from_secs(1);
const HTTP_TIMEOUT_DEFAULT: Duration = Duration::from_secs(10);
const HTTP_TIMEOUT_MAX: Duration = Duration::from_mins(1);
const HEADERS_MAX: usize = 50;
const HEADER_CHARACTERS_MAX: usize = 2000;
const JSON_DEPTH_MAX: usize = 32;

const METHODS: &[(&str, Method)] = &[
    ("GET", Method::Get),
    ("POST", Method::Post),
    ("PUT", Method::Put),
    ("PATCH", Method::Patch),
    ("DELETE", Method::Delete),
];

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
        "http" => K::Http(http(fields.require("http", findings)?, scope, findings)?),
        "delay" => K::Delay(delay(fields.require("delay", findings)?, findings)?),
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
    let value = setting_value(value?, spec, findings)?;
    Some(SettingOperation {
        device,
        setting: spec.name.to_owned(),
        value,
        unit: spec.unit,
        retry: retry?.unwrap_or(RetryPolicy::DEFAULT),
    })
}

fn setting_named(
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
    findings: &mut Findings<'_>,
) -> Option<Expression> {
    if matches!(&node.kind, Kind::Text(text) if text.contains("{{")) {
        return expression::compile(node, findings);
    }
    let wanted = Wanted {
        name: spec.name,
        unit: Some(spec.unit),
    };
    let value = quantity(node, wanted, findings)?;
    if !(spec.min..=spec.max).contains(&value) {
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
    Some(Expression::Literal(Literal::Number(value)))
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
            if scope.steps.contains(written.value) {
                return Some(CancelOperation::Step(written.value.to_owned()));
            }
            let near = closest(written.value, scope.steps.iter().copied());
            let message = format!("unknown step `{}`", shown(written.value));
            let diagnostic = findings
                .report(code::UNKNOWN_STEP, written.span, message)
                .label("no step of this rule has this id")
                .did_you_mean(near);
            if near.is_none() {
                diagnostic.help("give the step an `id:`");
            }
            None
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

fn http(node: &Node, scope: &Scope<'_>, findings: &mut Findings<'_>) -> Option<HttpOperation> {
    let fields = Fields::of(node, &blocks::HTTP_BLOCK, findings)?;
    let url = fields
        .require("url", findings)
        .and_then(|it| allowed_url(it, scope, findings));
    let method = fields.maybe("method", findings, |it, findings| {
        word(it, "a method", METHODS, findings)
    });
    let headers = fields.maybe("headers", findings, headers);
    let json = fields.maybe("json", findings, |it, findings| json(it, 0, findings));
    let timeout = fields.maybe("timeout", findings, |it, findings| {
        bounded(it, SECOND, HTTP_TIMEOUT_MAX, findings)
    });
    let retry = fields.maybe("retry", findings, retry);
    let save = fields.maybe("save", findings, |it, findings| {
        let written = parse::name(it, "the name of a variable", findings)?;
        variable_name(written, scope, findings).then(|| written.value.to_owned())
    });
    let method = method?.unwrap_or(Method::Get);
    if let (Method::Get, Some(entry)) = (method, fields.entry("json")) {
        findings
            .report(
                code::NO_EFFECT,
                entry.key.span,
                "a `GET` sends nothing along",
            )
            .help("write `method: POST`");
    }
    Some(HttpOperation {
        url: url?,
        method,
        headers: headers?.unwrap_or_default(),
        json: json?,
        timeout: timeout?.unwrap_or(HTTP_TIMEOUT_DEFAULT),
        retry: retry?.unwrap_or(RetryPolicy::DEFAULT),
        save: save?,
    })
}

/// An address whose host home.yaml names.
fn allowed_url(node: &Node, scope: &Scope<'_>, findings: &mut Findings<'_>) -> Option<String> {
    let url = address::web(node, findings)?;
    let host = address::authority_of(&url).to_ascii_lowercase();
    if scope.names.http_allow.contains(&host) {
        return Some(url);
    }
    let known = scope.names.http_allow.iter().map(String::as_str);
    let near = closest(&host, known);
    let host = shown(&host);
    let diagnostic = findings
        .report(
            code::HOST_NOT_ALLOWED,
            node.span,
            format!("rules may not call `{host}`"),
        )
        .did_you_mean(near);
    if near.is_none() {
        diagnostic.help(format!("add `{host}` to `http_allow:` in home.yaml"));
    }
    None
}

fn headers(node: &Node, findings: &mut Findings<'_>) -> Option<BTreeMap<String, String>> {
    let mark = findings.mark();
    let mut headers = BTreeMap::new();
    let entries = named(node, "lines `NAME: text`", findings);
    if entries.len() > HEADERS_MAX {
        let message = format!("at most {HEADERS_MAX} headers are allowed");
        findings.report(code::TOO_MANY, node.head(), message);
    }
    for (name, entry) in entries {
        let is_name = name
            .bytes()
            .all(|it| it.is_ascii_alphanumeric() || it == b'-');
        if !is_name {
            let message = format!("`{}` cannot be the name of a header", shown(name));
            findings.report(code::BAD_NAME, entry.key.span, message);
        }
        let value = text(
            &entry.value,
            "the text of a header",
            HEADER_CHARACTERS_MAX,
            findings,
        );
        if let Some(value) = value {
            headers.insert(name.to_owned(), value.to_owned());
        }
    }
    (!findings.has_errors_since(mark)).then_some(headers)
}

/// Any value, as it is sent.
fn json(node: &Node, depth: usize, findings: &mut Findings<'_>) -> Option<serde_json::Value> {
    use serde_json::Value as V;
    if depth > JSON_DEPTH_MAX {
        findings.report(
            code::TOO_COMPLEX,
            node.head(),
            "the body is nested too deeply",
        );
        return None;
    }
    Some(match &node.kind {
        Kind::Null => V::Null,
        Kind::Bool(value) => V::Bool(*value),
        // `3` is sent as `3`, not as `3.0`.
        Kind::Number { value, text } => match text.parse::<i64>() {
            Ok(whole) => V::from(whole),
            Err(_) => V::from(*value),
        },
        Kind::Text(text) if text.contains("{{") => {
            expression::compile(node, findings)?;
            return None;
        }
        Kind::Text(text) => V::String(text.clone()),
        Kind::List(items) => {
            let items: Vec<_> = items
                .iter()
                .map(|it| json(it, depth + 1, findings))
                .collect();
            V::Array(items.into_iter().collect::<Option<_>>()?)
        }
        Kind::Map(_) => {
            let mut object = serde_json::Map::new();
            for (name, entry) in named(node, "lines `NAME: value`", findings) {
                object.insert(name.to_owned(), json(&entry.value, depth + 1, findings)?);
            }
            V::Object(object)
        }
        Kind::Secret(_) => {
            wrong_type(node, "a value that is no secret", findings);
            return None;
        }
    })
}

fn delay(node: &Node, findings: &mut Findings<'_>) -> Option<DelayOperation> {
    let duration = if matches!(&node.kind, Kind::Text(text) if text.contains("{{")) {
        expression::compile(node, findings)?
    } else {
        fixed(bounded(
            node,
            Duration::from_millis(1),
            DURATION_MAX,
            findings,
        )?)
    };
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
