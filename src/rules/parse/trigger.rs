//! `triggers:` as written.

use std::time::Duration;

use crate::document::code;
use crate::document::decode::{Fields, word, wrong_type};
use crate::document::diagnostic::Findings;
use crate::document::duration::{DURATION_MAX, bounded};
use crate::document::node::{Kind, Node};
use crate::document::vocabulary::Word;
use crate::domain::device::DeviceType;
use crate::rules::catalog::choices::{CHANGES, RESULTS, SOURCES};
use crate::rules::catalog::triggers;
use crate::rules::parse::{enabled, name, names, some_items, variables};
use crate::rules::rule::{CommandSource, ResultKind};
use crate::rules::syntax::{Devices, On, Trigger, Written};
use crate::rules::trigger::Held;

const HELD_MIN: Duration = Duration::from_secs(1);
const GAP_TOLERANCE_DEFAULT: Duration = Duration::from_mins(30);

/// Triggers of Home Assistant that are other triggers here.
const FOREIGN: &[(&str, &str)] = &[
    (
        "time_pattern",
        "write `trigger: cron` with `expression: \"*/15 * * * *\"`",
    ),
    (
        "homeassistant",
        "write `trigger: engine` with `event: started`",
    ),
    (
        "template",
        "write `trigger: state` or `trigger: numeric_state`",
    ),
    ("event", "write `trigger: webhook` with `name:`"),
    (
        "mqtt",
        "write `trigger: webhook`, or `trigger: state` with `input:`",
    ),
    (
        "input",
        "write `trigger: state` or `trigger: numeric_state` with `input:`",
    ),
];

pub(in crate::rules) fn trigger<'n>(
    node: &'n Node,
    findings: &mut Findings<'_>,
) -> Option<Trigger<'n>> {
    let word = which(node, findings)?;
    let fields = Fields::of(node, word, findings)?;
    let id = fields
        .get("id")
        .and_then(|it| name(it, "the id of a trigger", findings));
    let enabled = enabled(&fields, findings);
    let variables = variables(&fields, findings);
    let head = fields.head();
    let on = match word.name {
        "command" => command(&fields, findings),
        "device" => device(&fields, findings),
        _ => Some(On::Of(word, fields)),
    };
    Some(Trigger {
        head,
        id: id.map(|it| it.value),
        enabled,
        variables,
        on: on?,
    })
}

fn which(node: &Node, findings: &mut Findings<'_>) -> Option<&'static Word> {
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
        findings.report(code, span, message).help(
            "write for example `trigger: command`, `trigger: numeric_state` or `trigger: time`",
        );
        return None;
    };
    let written = entry.value.as_key().unwrap_or_default();
    let foreign = FOREIGN.iter().find(|(word, _)| *word == written);
    if let Some((word, help)) = foreign {
        findings
            .report(
                code::FOREIGN_WORD,
                entry.value.span,
                format!("`{word}` is a trigger of Home Assistant"),
            )
            .help(*help);
        return None;
    }
    let words: Vec<(&str, &'static Word)> = triggers::ALL.iter().map(|it| (it.name, *it)).collect();
    word(&entry.value, "a trigger", &words, findings)
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
    let lasts = fields.maybe("for", findings, |it, findings| {
        bounded(it, HELD_MIN, DURATION_MAX, findings)
    });
    let held = lasts.map(|it| {
        it.map(|duration| Held {
            duration,
            gap_tolerance: GAP_TOLERANCE_DEFAULT,
        })
    });
    Some(On::Device {
        devices: devices?,
        changes: changes?,
        held: held?,
    })
}

/// `for:` and `gap_tolerance:`.
#[expect(
    clippy::option_option,
    reason = "absent and broken are two things, and `?` tells them apart"
)]
pub(in crate::rules) fn held(
    fields: &Fields<'_>,
    findings: &mut Findings<'_>,
) -> Option<Option<Held>> {
    let mut duration = |key: &str| {
        fields.maybe(key, findings, |it, findings| {
            bounded(it, HELD_MIN, DURATION_MAX, findings)
        })
    };
    let (duration, gap_tolerance) = (duration("for"), duration("gap_tolerance"));
    let (duration, gap_tolerance) = (duration?, gap_tolerance?);
    if let (None, Some(entry)) = (duration, fields.entry("gap_tolerance")) {
        findings
            .report(
                code::NO_EFFECT,
                entry.key.span,
                "`gap_tolerance` has a meaning only beside `for`",
            )
            .help("add `for:`, or leave it out");
        return None;
    }
    Some(duration.map(|duration| Held {
        duration,
        gap_tolerance: gap_tolerance.unwrap_or(GAP_TOLERANCE_DEFAULT),
    }))
}

/// The words of one or a list, each once; empty when one of them means "any".
pub(in crate::rules) fn any_of<T: Copy + PartialEq>(
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

pub(in crate::rules) fn devices<'n>(
    node: &'n Node,
    findings: &mut Findings<'_>,
) -> Option<Devices<'n>> {
    if !matches!(node.kind, Kind::Map(_)) {
        return names(node, "the name of a device", findings).map(Devices::Named);
    }
    let fields = Fields::of(node, &triggers::DEVICE_TYPE, findings)?;
    let node = fields.require("type", findings)?;
    let types = DeviceType::ALL.map(|it| (it.name(), it));
    let value = word(node, "a type of device", &types, findings)?;
    let span = node.span;
    Some(Devices::OfType(Written { value, span }))
}
