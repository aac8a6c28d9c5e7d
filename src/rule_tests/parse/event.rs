//! `event:` of a test: the body of a webhook as Amps sends it, or its short form.

use serde_json::Value;

use crate::amps_json::envelope;
use crate::document::code;
use crate::document::decode::{Fields, text, word};
use crate::document::diagnostic::{Findings, shown};
use crate::document::json::json;
use crate::document::node::{Kind, Node};
use crate::document::suggest::closest;
use crate::domain::device::Device;
use crate::domain::event::{Hook, Payload};
use crate::domain::lifecycle::{Failure, Outcome};
use crate::rule_tests::parse::{Known, wants_block};
use crate::rule_tests::test::Webhook;
use crate::rules::catalog::test_files::{
    ADDRESS_CHARACTERS_MAX, BODY_KEYS, CHANGES, CODE_CHARACTERS_MAX, EVENT, Ended, HOOK,
    MESSAGE_CHARACTERS_MAX, RESULTS,
};
use crate::rules::check::given;

/// The `message` of a failure that gives none.
const MESSAGE_DEFAULT: &str = "as the test says";

/// What the webhook says; `address` is the last part of the address that it came to.
pub(super) fn event(
    node: &Node,
    address: Option<&Node>,
    known: Known<'_>,
    findings: &mut Findings<'_>,
) -> Option<Webhook> {
    if wants_block(
        node,
        "an event, for example `{device: NAME, command: charge}`",
        findings,
    ) {
        return None;
    }
    let Kind::Map(entries) = &node.kind else {
        return None;
    };
    let is_body = entries
        .iter()
        .filter_map(|it| it.key.as_key())
        .any(|it| BODY_KEYS.contains(&it));
    if is_body {
        let address = match address {
            Some(node) => Some(text(node, "an address", ADDRESS_CHARACTERS_MAX, findings)?),
            None => None,
        };
        return body(node, address, known, findings).map(Webhook::Body);
    }
    if let Some(address) = address {
        findings
            .report(
                code::BAD_EVENT,
                address.span,
                "only the body of a webhook came to an address",
            )
            .help("leave `address:` out: the short form says all there is");
    }
    short(node, known, findings)
}

/// `webhook: {name: doorbell, json: {…}}`, a signed `POST /hooks/NAME`.
pub(super) fn hook(node: &Node, findings: &mut Findings<'_>) -> Option<Webhook> {
    if wants_block(node, "`{name: doorbell, json: {…}}`", findings) {
        return None;
    }
    let fields = Fields::of(node, &HOOK, findings)?;
    let name = fields
        .require("name", findings)
        .and_then(|it| text(it, "a name", ADDRESS_CHARACTERS_MAX, findings));
    let json = match fields.get("json") {
        Some(node) => {
            let json = json(node, &|_| None);
            if json.is_none() {
                let message = "something stands in the body that JSON has no word for";
                findings.report(code::BAD_EVENT, node.head(), message);
            }
            json?
        }
        None => Value::Null,
    };
    Some(Webhook::Hook(Hook {
        name: name?.to_owned(),
        json,
    }))
}

fn body(
    node: &Node,
    address: Option<&str>,
    known: Known<'_>,
    findings: &mut Findings<'_>,
) -> Option<Payload> {
    let Some(json) = json(node, &|_| None) else {
        findings.report(
            code::BAD_EVENT,
            node.head(),
            "something stands in the body that JSON has no word for",
        );
        return None;
    };
    let bytes = json.to_string();
    let payload = match envelope::read(bytes.as_bytes(), address) {
        Ok(payload) => payload,
        Err(unreadable) => {
            findings.report(code::BAD_EVENT, node.head(), unreadable.to_string());
            return None;
        }
    };
    let device = match &payload {
        Payload::Report(it) => Some(it.device.as_str()),
        Payload::Connection(it) => Some(it.device.as_str()),
        Payload::Readings(_)
        | Payload::Capabilities(_)
        | Payload::Settled(_)
        | Payload::Accepted(_)
        | Payload::NotCancelled(_)
        | Payload::Input(_)
        | Payload::Hook(_)
        | Payload::Tick
        | Payload::Engine(_)
        | Payload::ClockSet { .. }
        | Payload::Request(_)
        | Payload::NotRead { .. }
        | Payload::Http(_)
        | Payload::Written(_)
        | Payload::Unknown => None,
    };
    let Some(device) = device else {
        findings
            .report(
                code::BAD_EVENT,
                node.head(),
                "rules cannot hear anything in this webhook",
            )
            .help("a report says how it ended: `completedAt:`, `failedAt:` or `errorCode:`");
        return None;
    };
    let ids = || known.names.devices.values().map(|it| it.id.as_str());
    if !ids().any(|it| it == device) {
        findings
            .report(
                code::UNKNOWN_DEVICE,
                node.head(),
                format!("no device of the home has the id `{}`", shown(device)),
            )
            .did_you_mean(closest(device, ids()));
        return None;
    }
    Some(payload)
}

fn short(node: &Node, known: Known<'_>, findings: &mut Findings<'_>) -> Option<Webhook> {
    let fields = Fields::of(node, &EVENT, findings)?;
    let device = fields
        .require("device", findings)
        .and_then(|it| given::device(it, known.names, findings));
    match (fields.get("command"), fields.get("connection")) {
        (Some(command), None) => report(&fields, command, device?, findings),
        (None, Some(node)) => {
            let change = word(node, "a change of a connection", CHANGES, findings)?;
            let device = device?;
            Some(Webhook::Connection { device, change })
        }
        (Some(_), Some(_)) | (None, None) => {
            findings
                .report(
                    code::BAD_EVENT,
                    fields.head(),
                    "an event is either the end of a command or a change of a connection",
                )
                .help("write `{device: NAME, command: charge, result: completed}` or `{device: NAME, connection: disconnected}`");
            None
        }
    }
}

fn report(
    fields: &Fields<'_>,
    command: &Node,
    device: Device,
    findings: &mut Findings<'_>,
) -> Option<Webhook> {
    let command = given::command(command, &device, findings);
    let result = match fields.get("result") {
        Some(node) => word(node, "a result", RESULTS, findings)?,
        None => Ended::Completed,
    };
    let outcome = match result {
        Ended::Completed => Outcome::Completed,
        Ended::Cancelled => Outcome::Cancelled,
        Ended::Failed => Outcome::Failed(failure(fields, findings)?),
    };
    if let Some(node) = fields.get("error_code").filter(|_| result != Ended::Failed) {
        findings
            .report(
                code::NEVER_TRUE,
                node.span,
                "only what failed has an error code",
            )
            .help("add `result: failed`");
    }
    Some(Webhook::Ended {
        device,
        command: command?.name.to_owned(),
        outcome,
    })
}

/// `error_code:` and `message:` beside each other.
pub(super) fn failure(fields: &Fields<'_>, findings: &mut Findings<'_>) -> Option<Failure> {
    let code = match fields.get("error_code") {
        Some(node) => Some(text(node, "an error code", CODE_CHARACTERS_MAX, findings)?),
        None => None,
    };
    let message = match fields.get("message") {
        Some(node) => text(node, "a message", MESSAGE_CHARACTERS_MAX, findings)?,
        None => MESSAGE_DEFAULT,
    };
    Some(Failure::new(code, message))
}
