//! `triggers:` as written.

use crate::document::code;
use crate::document::decode::{Fields, not_available, word, wrong_type};
use crate::document::diagnostic::Findings;
use crate::document::node::{Kind, Node};
use crate::domain::device::DeviceType;
use crate::domain::event::ConnectionChange;
use crate::rules::parse::{enabled, name, names, some_items};
use crate::rules::rule::{CommandSource, ResultKind};
use crate::rules::syntax::{Devices, On, Trigger, Written};
use crate::rules::words;

#[derive(Clone, Copy)]
enum Type {
    Command,
    Device,
}

const TYPES: &[(&str, Type)] = &[("command", Type::Command), ("device", Type::Device)];

const RESULTS: &[(&str, Option<ResultKind>)] = &[
    ("completed", Some(ResultKind::Completed)),
    ("failed", Some(ResultKind::Failed)),
    ("cancelled", Some(ResultKind::Cancelled)),
    ("expired", Some(ResultKind::Expired)),
    ("any", None),
];

const SOURCES: &[(&str, CommandSource)] = &[
    ("any", CommandSource::Any),
    ("own", CommandSource::Own),
    ("foreign", CommandSource::Foreign),
];

const CHANGES: &[(&str, Option<ConnectionChange>)] = &[
    ("connected", Some(ConnectionChange::Connected)),
    ("disconnected", Some(ConnectionChange::Disconnected)),
    ("reconnected", Some(ConnectionChange::Reconnected)),
    ("any", None),
];

pub(super) fn trigger<'n>(node: &'n Node, findings: &mut Findings<'_>) -> Option<Trigger<'n>> {
    let trigger_type = trigger_type(node, findings)?;
    let keys = match trigger_type {
        Type::Command => &words::COMMAND_TRIGGER,
        Type::Device => &words::DEVICE_TRIGGER,
    };
    let fields = Fields::open(node, "this trigger", keys, findings)?;
    let id = fields
        .get("id")
        .and_then(|it| name(it, "the id of a trigger", findings));
    let enabled = enabled(&fields, findings);
    let on = match trigger_type {
        Type::Command => command(&fields, findings),
        Type::Device => device(&fields, findings),
    };
    Some(Trigger {
        head: fields.head(),
        id: id.map(|it| it.value),
        enabled,
        on: on?,
    })
}

fn trigger_type(node: &Node, findings: &mut Findings<'_>) -> Option<Type> {
    let Kind::Map(entries) = &node.kind else {
        wrong_type(node, "a trigger, which begins with `trigger:`", findings);
        return None;
    };
    let value = |key: &str| entries.iter().find(|it| it.key.as_key() == Some(key));
    let Some(entry) = value("trigger") else {
        let (code, span, message) = match value("platform") {
            Some(entry) => (
                code::FOREIGN_WORD,
                entry.key.span,
                "`platform:` is a word of Home Assistant",
            ),
            None => (
                code::WHICH_STEP,
                node.head(),
                "the trigger does not say what it waits for",
            ),
        };
        findings
            .report(code, span, message)
            .help("write `trigger: command` or `trigger: device`");
        return None;
    };
    let written = entry.value.as_key().unwrap_or_default();
    if words::LATER_TRIGGERS.contains(&written) {
        let what = format!("`trigger: {written}`");
        not_available(&what, entry.value.span, findings);
        return None;
    }
    word(&entry.value, "a trigger", TYPES, findings)
}

fn command<'n>(fields: &Fields<'n>, findings: &mut Findings<'_>) -> Option<On<'n>> {
    let devices = fields
        .require("device", findings)
        .and_then(|it| devices(it, findings));
    let commands = match fields.get("command") {
        Some(node) => names(node, "a command", findings),
        None => Some(Vec::new()),
    };
    let results = match fields.get("result") {
        Some(node) => any_of(node, "a result", RESULTS, findings),
        None => Some(vec![ResultKind::Completed]),
    };
    let source = match fields.get("source") {
        Some(node) => word(node, "a source", SOURCES, findings),
        None => Some(CommandSource::Any),
    };
    let error_codes = match fields.get("error_code") {
        Some(node) => {
            let codes = names(node, "an error code", findings);
            let can_fail = results
                .as_ref()
                .is_none_or(|it| it.is_empty() || it.contains(&ResultKind::Failed));
            if !can_fail {
                findings
                    .report(
                        code::NEVER_TRUE,
                        node.head(),
                        "only what failed has an error code, and this trigger waits for other results",
                    )
                    .help("add `result: failed`");
            }
            codes
        }
        None => Some(Vec::new()),
    };
    Some(On::Command {
        devices: devices?,
        commands: commands?,
        results: results?,
        error_codes: error_codes?.iter().map(|it| it.value).collect(),
        source: source?,
    })
}

fn device<'n>(fields: &Fields<'n>, findings: &mut Findings<'_>) -> Option<On<'n>> {
    let devices = fields
        .require("device", findings)
        .and_then(|it| devices(it, findings));
    let changes = fields
        .require("event", findings)
        .and_then(|it| any_of(it, "an event of a device", CHANGES, findings));
    Some(On::Device {
        devices: devices?,
        changes: changes?,
    })
}

/// The words of one or a list, each once; empty when one of them means "any".
fn any_of<T: Copy + PartialEq>(
    node: &Node,
    what: &str,
    words: &[(&'static str, Option<T>)],
    findings: &mut Findings<'_>,
) -> Option<Vec<T>> {
    let items = some_items(node, what, findings)?;
    let meanings: Vec<Option<Option<T>>> = items
        .iter()
        .map(|it| word(it, what, words, findings))
        .collect();
    let meanings: Vec<Option<T>> = meanings.into_iter().collect::<Option<_>>()?;
    let mut each = Vec::new();
    for meaning in meanings {
        let Some(meaning) = meaning else {
            return Some(Vec::new());
        };
        if !each.contains(&meaning) {
            each.push(meaning);
        }
    }
    Some(each)
}

fn devices<'n>(node: &'n Node, findings: &mut Findings<'_>) -> Option<Devices<'n>> {
    if !matches!(node.kind, Kind::Map(_)) {
        return names(node, "the name of a device", findings).map(Devices::Named);
    }
    let fields = Fields::open(node, "`device`", &words::DEVICE_TYPE, findings)?;
    let node = fields.require("type", findings)?;
    let types = DeviceType::ALL.map(|it| (it.name(), it));
    let value = word(node, "a type of device", &types, findings)?;
    let span = node.span;
    Some(Devices::OfType(Written { value, span }))
}
