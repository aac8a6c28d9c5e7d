//! `actions:` as written.

use std::time::Duration;

use crate::document::code;
use crate::document::decode::{Fields, boolean, whole_number, word, wrong_type};
use crate::document::diagnostic::Findings;
use crate::document::duration::{bounded, display};
use crate::document::node::{Entry, Kind, Node};
use crate::document::suggest::closest;
use crate::document::vocabulary::Word;
use crate::domain::command::RetryPolicy;
use crate::rules::catalog::bounds::{MESSAGE_CHARACTERS_MAX, TITLE_CHARACTERS_MAX};
use crate::rules::catalog::choices::LEVELS;
use crate::rules::catalog::{FOREIGN_STEPS, actions, blocks};
use crate::rules::parse::flow::{flow, some_steps};
use crate::rules::parse::{alias, enabled, lines, name, names, step_id, template};
use crate::rules::rule::Level;
use crate::rules::syntax::{Step, StepKind, Written};

const BACKOFF_MIN: Duration = Duration::from_secs(1);
const BACKOFF_MAX: Duration = Duration::from_hours(24);

pub(in crate::rules) fn step<'n>(node: &'n Node, findings: &mut Findings<'_>) -> Option<Step<'n>> {
    let word = which(node, findings)?;
    let fields = Fields::of(node, word, findings)?;
    let alias = alias(&fields, findings);
    let id = fields.maybe("id", findings, step_id);
    let enabled = enabled(&fields, findings);
    let continues = fields.maybe("continue_on_failure", findings, boolean);
    let on_failure = some_steps(&fields, "on_failure", findings);
    let head = fields.head();
    let kind = match word.name {
        "command" => command(fields, findings),
        "notify" => notify(&fields, findings),
        "log" => log(&fields, findings),
        "if" | "choose" | "repeat" | "variables" | "set" | "stop" | "parallel" => {
            flow(word.name, &fields, findings)
        }
        _ => Some(StepKind::Of(word, fields)),
    };
    Some(Step {
        head,
        alias,
        id: id?,
        enabled,
        continues: continues?.unwrap_or_default(),
        on_failure,
        kind: kind?,
    })
}

/// The key that says what the step is.
fn which(node: &Node, findings: &mut Findings<'_>) -> Option<&'static Word> {
    let Kind::Map(entries) = &node.kind else {
        wrong_type(
            node,
            "a step, for example `command: charge` with `device: NAME`",
            findings,
        );
        return None;
    };
    let find = |word: &str| entries.iter().find(|it| it.key.as_key() == Some(word));
    let mut here = actions::ALL
        .iter()
        .filter_map(|it| Some((*it, find(it.name)?)));
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
                format!(
                    "the step is a `{}` and a `{}` at once",
                    what.name, other.name
                ),
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
        let foreign = FOREIGN_STEPS.iter().find(|(word, _)| *word == key);
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
    }
    let words = || actions::ALL.iter().map(|it| it.name);
    let mut keys = entries.iter().filter_map(|it| it.key.as_key());
    let near = keys.find_map(|it| closest(it, words()));
    let known = words().collect::<Vec<_>>().join("`, `");
    let diagnostic = findings
        .report(
            code::WHICH_STEP,
            node.head(),
            "the step does not say what to do",
        )
        .did_you_mean(near)
        .note(format!("a step begins with one of `{known}`"));
    if near.is_none() {
        diagnostic.help("write for example `command: NAME`, `notify: NAME` or `log: TEXT`");
    }
}

fn command<'n>(fields: Fields<'n>, findings: &mut Findings<'_>) -> Option<StepKind<'n>> {
    let command = fields
        .require("command", findings)
        .and_then(|it| name(it, "a command", findings));
    let device = fields
        .require("device", findings)
        .and_then(|it| one_device(it, findings));
    let parameters = fields
        .get("parameters")
        .map(|it| lines(it, findings))
        .unwrap_or_default();
    let retry = fields.maybe("retry", findings, retry);
    Some(StepKind::Command {
        command: command?,
        device: device?,
        parameters,
        retry: retry?.unwrap_or(RetryPolicy::DEFAULT),
        fields,
    })
}

pub(in crate::rules) fn one_device<'n>(
    node: &'n Node,
    findings: &mut Findings<'_>,
) -> Option<Written<&'n str>> {
    if matches!(node.kind, Kind::List(_) | Kind::Map(_)) {
        wrong_type(node, "the name of one device", findings);
        if let Some(diagnostic) = findings.diagnostics.last_mut() {
            diagnostic.help("write one step for each device");
        }
        return None;
    }
    name(node, "the name of a device", findings)
}

pub(in crate::rules) fn retry(node: &Node, findings: &mut Findings<'_>) -> Option<RetryPolicy> {
    let fields = Fields::of(node, &blocks::RETRY, findings)?;
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
