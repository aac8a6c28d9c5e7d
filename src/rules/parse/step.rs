//! `actions:` as written.

use std::time::Duration;

use crate::document::code;
use crate::document::decode::{Fields, named, not_available, whole_number, word, wrong_type};
use crate::document::diagnostic::Findings;
use crate::document::duration::{bounded, display};
use crate::document::node::{Entry, Kind, Node};
use crate::domain::command::RetryPolicy;
use crate::rules::parse::{alias, enabled, name, names, template};
use crate::rules::rule::Level;
use crate::rules::syntax::{Step, StepKind, Written};
use crate::rules::words;

const MESSAGE_CHARACTERS_MAX: usize = 4000;
const TITLE_CHARACTERS_MAX: usize = 250;
const BACKOFF_MIN: Duration = Duration::from_secs(1);
const BACKOFF_MAX: Duration = Duration::from_hours(24);

const LEVELS: &[(&str, Level)] = &[
    ("info", Level::Info),
    ("warning", Level::Warning),
    ("error", Level::Error),
];

pub(super) fn step<'n>(node: &'n Node, findings: &mut Findings<'_>) -> Option<Step<'n>> {
    let what = which(node, findings)?;
    let keys = match what {
        "command" => &words::COMMAND_STEP,
        "notify" => &words::NOTIFY_STEP,
        _ => &words::LOG_STEP,
    };
    let fields = Fields::open(node, "this step", keys, findings)?;
    let alias = alias(&fields, findings);
    let enabled = enabled(&fields, findings);
    let kind = match what {
        "command" => command(&fields, findings),
        "notify" => notify(&fields, findings),
        _ => log(&fields, findings),
    };
    Some(Step {
        head: fields.head(),
        alias,
        enabled,
        kind: kind?,
    })
}

/// The key that says what the step is.
fn which(node: &Node, findings: &mut Findings<'_>) -> Option<&'static str> {
    let Kind::Map(entries) = &node.kind else {
        wrong_type(
            node,
            "a step, for example `command: charge` with `device: NAME`",
            findings,
        );
        return None;
    };
    let find = |word: &str| entries.iter().find(|it| it.key.as_key() == Some(word));
    let mut here = words::STEPS.iter().filter_map(|it| Some((*it, find(it)?)));
    let Some((what, first)) = here.next() else {
        report_no_step(node, entries, findings);
        return None;
    };
    if let Some((other, second)) = here.next() {
        let first = findings.source.location(first.key.span);
        findings
            .report(
                code::WHICH_STEP,
                second.key.span,
                format!("the step is a `{what}` and a `{other}` at once"),
            )
            .also(first, "one step")
            .label("another step")
            .help("begin each with its own dash");
        return None;
    }
    Some(what)
}

fn report_no_step(node: &Node, entries: &[Entry], findings: &mut Findings<'_>) {
    for entry in entries {
        let key = entry.key.as_key().unwrap_or_default();
        let foreign = words::FOREIGN_STEPS.iter().find(|(word, _)| *word == key);
        if let Some((word, help)) = foreign {
            findings
                .report(
                    code::FOREIGN_WORD,
                    entry.key.span,
                    format!("`{word}:` is a word of Home Assistant"),
                )
                .help(*help);
            return;
        }
        if words::LATER_STEPS.contains(&key) {
            return not_available(&format!("`{key}:`"), entry.key.span, findings);
        }
    }
    findings
        .report(
            code::WHICH_STEP,
            node.head(),
            "the step does not say what to do",
        )
        .help("write `command: NAME`, `notify: NAME` or `log: TEXT`");
}

fn command<'n>(fields: &Fields<'n>, findings: &mut Findings<'_>) -> Option<StepKind<'n>> {
    let command = fields
        .require("command", findings)
        .and_then(|it| name(it, "a command", findings));
    let device = fields
        .require("device", findings)
        .and_then(|it| one_device(it, findings));
    let parameters = fields
        .get("parameters")
        .map(|it| parameters(it, findings))
        .unwrap_or_default();
    let retry = match fields.get("retry") {
        Some(node) => retry(node, findings),
        None => Some(RetryPolicy::DEFAULT),
    };
    Some(StepKind::Command {
        command: command?,
        device: device?,
        parameters,
        retry: retry?,
    })
}

fn one_device<'n>(node: &'n Node, findings: &mut Findings<'_>) -> Option<Written<&'n str>> {
    if matches!(node.kind, Kind::List(_) | Kind::Map(_)) {
        wrong_type(node, "the name of one device", findings);
        if let Some(diagnostic) = findings.diagnostics.last_mut() {
            diagnostic.help("write one step for each device");
        }
        return None;
    }
    name(node, "the name of a device", findings)
}

fn parameters<'n>(
    node: &'n Node,
    findings: &mut Findings<'_>,
) -> Vec<(Written<&'n str>, &'n Node)> {
    let written = |(value, entry): (&'n str, &'n Entry)| {
        let span = entry.key.span;
        (Written { value, span }, &entry.value)
    };
    named(node, "lines `NAME: value`", findings)
        .into_iter()
        .map(written)
        .collect()
}

fn retry(node: &Node, findings: &mut Findings<'_>) -> Option<RetryPolicy> {
    let fields = Fields::open(node, "`retry`", &words::RETRY, findings)?;
    let standard = RetryPolicy::DEFAULT;
    let attempts = match fields.get("attempts") {
        Some(node) => whole_number(node, 1, RetryPolicy::ATTEMPTS_MAX, findings),
        None => Some(standard.attempts),
    };
    let backoff = match fields.get("backoff") {
        Some(node) => bounded(node, BACKOFF_MIN, BACKOFF_MAX, findings),
        None => Some(standard.backoff),
    };
    let least = backoff.unwrap_or(BACKOFF_MIN);
    let max_backoff = match fields.get("max_backoff") {
        Some(node) => {
            let max_backoff = bounded(node, BACKOFF_MIN, BACKOFF_MAX, findings);
            if max_backoff.is_some_and(|it| it < least) {
                let message = format!(
                    "`max_backoff` is shorter than `backoff`, which is {}",
                    display(least)
                );
                findings.report(code::OUT_OF_RANGE, node.head(), message);
            }
            max_backoff
        }
        None => Some(standard.max_backoff.max(least)),
    };
    Some(RetryPolicy {
        attempts: attempts?,
        backoff: backoff?,
        max_backoff: max_backoff?,
    })
}

fn notify<'n>(fields: &Fields<'n>, findings: &mut Findings<'_>) -> Option<StepKind<'n>> {
    let notifiers = fields
        .require("notify", findings)
        .and_then(|it| names(it, "the name of a notifier", findings));
    let message = fields
        .require("message", findings)
        .and_then(|it| template(it, "a message", MESSAGE_CHARACTERS_MAX, findings));
    let title = match fields.get("title") {
        Some(node) => Some(template(node, "a title", TITLE_CHARACTERS_MAX, findings)?),
        None => None,
    };
    let level = level(fields, findings);
    Some(StepKind::Notify {
        notifiers: notifiers?,
        title,
        message: message?,
        level: level?,
    })
}

fn log<'n>(fields: &Fields<'n>, findings: &mut Findings<'_>) -> Option<StepKind<'n>> {
    let text = fields
        .require("log", findings)
        .and_then(|it| template(it, "a text", MESSAGE_CHARACTERS_MAX, findings));
    let level = level(fields, findings);
    Some(StepKind::Log {
        text: text?,
        level: level?,
    })
}

fn level(fields: &Fields<'_>, findings: &mut Findings<'_>) -> Option<Level> {
    match fields.get("level") {
        Some(node) => word(node, "a level", LEVELS, findings),
        None => Some(Level::Info),
    }
}
