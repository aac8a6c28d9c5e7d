//! `given:` and `steps:` of a test.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::config::address;
use crate::config::home::Input;
use crate::document::code;
use crate::document::decode::{Fields, boolean, named, text, whole_number, wrong_type};
use crate::document::diagnostic::Findings;
use crate::document::duration::{DURATION_MAX, bounded};
use crate::document::node::{Entry, Kind, Node};
use crate::document::suggest::closest;
use crate::document::vocabulary::Word;
use crate::domain::device::Device;
use crate::domain::http::Reply;
use crate::domain::lifecycle::Outcome;
use crate::domain::value::{Point, Value};
use crate::rule_tests::parse::{Known, event, expect, items, key, moment, place, wants_block};
use crate::rule_tests::test::{InputShows, Setting, Shows, Step, StepKind};
use crate::rule_tests::writes::WriteEnd;
use crate::rules::catalog::test_files::{
    ANSWERED, COMPLETED_ORDER, FAILED_ORDER, ORDER, POINT, RELOAD, RELOADED, RESTART, RESTARTED,
    SILENT, STATUS_MAX, STATUS_MIN, STEPS, TEXT_CHARACTERS_MAX,
};
use crate::rules::check::given;
use crate::rules::expr::series::POINTS_MAX;
use crate::rules::{self, RULES_MAX};

const ADVANCE_MIN: Duration = Duration::from_millis(1);

/// What a device or an input shows from now on, for each that is named.
pub(super) fn settings(node: &Node, known: Known<'_>, findings: &mut Findings<'_>) -> Vec<Setting> {
    named(
        node,
        "lines `DEVICE: {attribute: value}` and `input.NAME: value`",
        findings,
    )
    .into_iter()
    .filter_map(|(name, entry)| setting(name, entry, known, findings))
    .collect()
}

fn setting(
    name: &str,
    entry: &Entry,
    known: Known<'_>,
    findings: &mut Findings<'_>,
) -> Option<Setting> {
    if name.starts_with("input.") {
        return input(entry, known, findings);
    }
    let device = given::device(&entry.key, known.names, findings)?;
    if entry.value.as_key() == Some(SILENT) {
        let shows = Shows::Silent;
        return Some(Setting::Device { device, shows });
    }
    let what = "lines `attribute: value`, or `silent`";
    let values = named(&entry.value, what, findings);
    let values: Vec<_> = values
        .into_iter()
        .map(|(_, entry)| given::reading(entry, &device, findings))
        .collect();
    let values: BTreeMap<_, _> = values.into_iter().collect::<Option<_>>()?;
    let shows = Shows::Values(values);
    Some(Setting::Device { device, shows })
}

/// `input.NAME:` with a value, with a list of what is foretold, or `silent`.
fn input(entry: &Entry, known: Known<'_>, findings: &mut Findings<'_>) -> Option<Setting> {
    let (input, of_home) = given::input(&entry.key, known.names, findings)?;
    let shows = if entry.value.as_key() == Some(SILENT) {
        InputShows::Silent
    } else if let Kind::List(items) = &entry.value.kind {
        if items.len() > POINTS_MAX {
            let n_items = items.len();
            let message = format!("the list has {n_items} items, and {POINTS_MAX} are allowed");
            findings.report(code::TOO_MANY, entry.value.head(), message);
            return None;
        }
        let points: Vec<_> = items
            .iter()
            .map(|it| point(it, of_home, known, findings))
            .collect();
        let mut points: Vec<Point> = points.into_iter().collect::<Option<_>>()?;
        points.sort_by_key(|it| it.start);
        InputShows::Series(points)
    } else {
        InputShows::Value(given::input_value(&entry.value, of_home, findings)?)
    };
    Some(Setting::Input { input, shows })
}

/// `{from: …, value: …}`
fn point(
    node: &Node,
    input: &Input,
    known: Known<'_>,
    findings: &mut Findings<'_>,
) -> Option<Point> {
    let fields = Fields::of(node, &POINT, findings)?;
    let timezone = known.names.timezone.as_ref();
    let start = fields
        .require("from", findings)
        .and_then(|it| moment::absolute(it, timezone, findings));
    let end = fields.maybe("to", findings, |it, findings| {
        moment::absolute(it, timezone, findings)
    });
    let node = fields.require("value", findings)?;
    let value = given::input_value(node, input, findings)?;
    let Value::Number(value) = value else {
        wrong_type(node, "a number: only numbers are foretold", findings);
        return None;
    };
    Some(Point {
        start: start?,
        end: end?,
        value,
    })
}

pub(super) fn step(node: &Node, known: Known<'_>, findings: &mut Findings<'_>) -> Option<Step> {
    let place = place(node.head(), findings);
    // `- restart` reads better than `- restart: true`.
    let alone = match node.as_key() {
        Some(it) if it == RESTART.name => Some(StepKind::Restart(Duration::ZERO)),
        Some(it) if it == RELOAD.name => Some(StepKind::Reload(None)),
        Some(_) | None => None,
    };
    if let Some(kind) = alone {
        return Some(Step { place, kind });
    }
    let word = which(node, findings)?;
    let fields = Fields::of(node, word, findings)?;
    let value = fields.get(word.name)?;
    let kind = match word.name {
        "set" => {
            let mark = findings.mark();
            let settings = settings(value, known, findings);
            (!findings.has_errors_since(mark)).then_some(StepKind::Set(settings))
        }
        "complete" => complete(value, known, findings),
        "cancel" => end(value, Some(Outcome::Cancelled), known, findings),
        "fail" => fail(value, known, findings),
        "lose" => end(value, None, known, findings),
        "event" => {
            event::event(value, fields.get("address"), known, findings).map(StepKind::Webhook)
        }
        "webhook" => event::hook(value, findings).map(StepKind::Webhook),
        "answer" => answer(value, findings),
        "advance" => bounded(value, ADVANCE_MIN, DURATION_MAX, findings).map(StepKind::Advance),
        "at" => moment::moment(value, known.names.timezone.as_ref(), findings).map(StepKind::At),
        "restart" => restart(value, findings),
        "reload" => reload(value, known, findings),
        _ => expect::expectation(&fields, value, known, findings).map(StepKind::Expect),
    };
    kind.map(|kind| Step { place, kind })
}

/// The key that says what the step is.
fn which(node: &Node, findings: &mut Findings<'_>) -> Option<&'static Word> {
    let Kind::Map(entries) = &node.kind else {
        wrong_type(
            node,
            "a step, for example `expect: nothing` or `advance: 5m`",
            findings,
        );
        return None;
    };
    let is_written = |word: &str| entries.iter().any(|it| it.key.as_key() == Some(word));
    let mut here = STEPS.iter().filter(|it| is_written(it.name));
    let Some(what) = here.next() else {
        report_no_step(node, entries, findings);
        return None;
    };
    if let Some(other) = here.next() {
        findings
            .report(
                code::WHICH_STEP,
                node.head(),
                format!("the step is both `{}` and `{}`", what.name, other.name),
            )
            .help("begin each with its own dash");
        return None;
    }
    Some(what)
}

fn report_no_step(node: &Node, entries: &[Entry], findings: &mut Findings<'_>) {
    let written = || entries.iter().filter_map(|it| it.key.as_key());
    let known = || STEPS.iter().map(|it| it.name);
    let near = written().find_map(|it| closest(it, known()));
    findings
        .report(
            code::WHICH_STEP,
            node.head(),
            "the step does not say what happens",
        )
        .did_you_mean(near)
        .note(format!(
            "a step is one of `{}`",
            known().collect::<Vec<_>>().join("`, `")
        ));
}

/// `complete: car_charger`, or `complete: {device: car_charger}`. Without an outcome, nothing is heard of it.
fn end(
    node: &Node,
    outcome: Option<Outcome>,
    known: Known<'_>,
    findings: &mut Findings<'_>,
) -> Option<StepKind> {
    let device = if matches!(node.kind, Kind::Map(_)) {
        let fields = Fields::of(node, &ORDER, findings)?;
        ordered(fields.require("device", findings)?, known, findings)?
    } else {
        ordered(node, known, findings)?
    };
    Some(match outcome {
        Some(outcome) => StepKind::End { device, outcome },
        None => StepKind::Lose(device),
    })
}

fn complete(node: &Node, known: Known<'_>, findings: &mut Findings<'_>) -> Option<StepKind> {
    if !matches!(node.kind, Kind::Map(_)) {
        return end(node, Some(Outcome::Completed), known, findings);
    }
    let fields = Fields::of(node, &COMPLETED_ORDER, findings)?;
    if let Some(setting) = fields.get("setting") {
        return written(&fields, setting, WriteEnd::Confirmed, known, findings);
    }
    let device = ordered(fields.require("device", findings)?, known, findings)?;
    let outcome = Outcome::Completed;
    Some(StepKind::End { device, outcome })
}

/// A setting that we wrote ends.
fn written(
    fields: &Fields<'_>,
    setting: &Node,
    end: WriteEnd,
    known: Known<'_>,
    findings: &mut Findings<'_>,
) -> Option<StepKind> {
    let device = fields.require("device", findings)?;
    let device = given::device(device, known.names, findings)?;
    let setting = given::setting(setting, &device, findings)?.name;
    Some(StepKind::Written {
        device,
        setting,
        end,
    })
}

fn fail(node: &Node, known: Known<'_>, findings: &mut Findings<'_>) -> Option<StepKind> {
    let fields = Fields::of(node, &FAILED_ORDER, findings)?;
    if let Some(setting) = fields.get("setting") {
        let end = WriteEnd::Failed(event::failure(&fields, findings)?);
        return written(&fields, setting, end, known, findings);
    }
    let device = fields
        .require("device", findings)
        .and_then(|it| ordered(it, known, findings));
    let failure = event::failure(&fields, findings);
    Some(StepKind::End {
        device: device?,
        outcome: Outcome::Failed(failure?),
    })
}

/// A device that an order can be under way to.
fn ordered(node: &Node, known: Known<'_>, findings: &mut Findings<'_>) -> Option<Device> {
    let device = given::device(node, known.names, findings)?;
    let takes = !device.device_type.commands().is_empty();
    if !takes {
        findings
            .report(
                code::READ_ONLY_DEVICE,
                node.span,
                format!("`{}` takes no commands", device.alias),
            )
            .label(format!(
                "a device of type `{}` can only be read",
                device.device_type
            ));
    }
    takes.then_some(device)
}

/// `answer: {http: ADDRESS, status: 200, json: …}`
fn answer(node: &Node, findings: &mut Findings<'_>) -> Option<StepKind> {
    let fields = Fields::of(node, &ANSWERED, findings)?;
    let url = fields.maybe("http", findings, address::web);
    let status = fields.maybe("status", findings, |it, findings| {
        whole_number(it, STATUS_MIN, STATUS_MAX, findings)
    });
    let json = fields.maybe("json", findings, expect::body);
    let said = fields.maybe("text", findings, |it, findings| {
        text(it, "a text", TEXT_CHARACTERS_MAX, findings)
    });
    let retry_after = fields.maybe("retry_after", findings, |it, findings| {
        bounded(it, ADVANCE_MIN, DURATION_MAX, findings)
    });
    let is_unreachable = fields.maybe("unreachable", findings, boolean);
    let instead = ["status", "json", "text", "retry_after"];
    let beside = instead.iter().find_map(|it| fields.entry(it));
    if let (Some(Some(true)), Some(entry)) = (is_unreachable, beside) {
        findings
            .report(
                code::NEVER_TRUE,
                entry.key.span,
                "a host that cannot be reached answers nothing",
            )
            .help("leave out either this or `unreachable:`");
        return None;
    }
    if let (Some(Some(_)), Some(Some(_)), Some(entry)) = (&json, &said, fields.entry("text")) {
        findings
            .report(
                code::NEVER_TRUE,
                entry.key.span,
                "an answer is either JSON or text",
            )
            .help("leave out `json:` or `text:`");
        return None;
    }
    let status = u16::try_from(status?.unwrap_or(STATUS_MIN)).unwrap_or(u16::MAX);
    let body = match (json?, said?) {
        (Some(json), _) => json.to_string(),
        (None, said) => said.unwrap_or_default().to_owned(),
    };
    let reply = if is_unreachable? == Some(true) {
        Reply::NotReached {
            reason: "no connection".to_owned(),
        }
    } else {
        Reply::Answered {
            status,
            retry_after: retry_after?,
            body: body.into_bytes(),
        }
    };
    Some(StepKind::Answer { url: url?, reply })
}

fn restart(node: &Node, findings: &mut Findings<'_>) -> Option<StepKind> {
    if let Kind::Map(_) = &node.kind {
        let fields = Fields::of(node, &RESTARTED, findings)?;
        let down = fields.require("down", findings)?;
        let down = bounded(down, ADVANCE_MIN, DURATION_MAX, findings)?;
        return Some(StepKind::Restart(down));
    }
    let restarts = node.kind == Kind::Null || boolean(node, findings)?;
    if !restarts {
        findings
            .report(
                code::WHICH_STEP,
                node.span,
                "a step that does nothing is no step",
            )
            .help("write `- restart`, or leave it out");
    }
    restarts.then_some(StepKind::Restart(Duration::ZERO))
}

/// The rules that there are from now on; the same as before when none are given.
fn reload(node: &Node, known: Known<'_>, findings: &mut Findings<'_>) -> Option<StepKind> {
    if node.kind == Kind::Null {
        return Some(StepKind::Reload(None));
    }
    if wants_block(node, "`{rules: [{id: …}]}`", findings) {
        return None;
    }
    let mark = findings.mark();
    let fields = Fields::of(node, &RELOADED, findings)?;
    let written = fields.require("rules", findings)?;
    let nodes = items(written, key(&fields, "rules"), "rules", RULES_MAX, findings);
    let rules = rules::list(node, nodes, known.names, findings);
    let is_right = !findings.has_errors_since(mark);
    is_right.then(|| StepKind::Reload(Some(Arc::new(rules))))
}
