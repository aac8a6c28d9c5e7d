//! `expect:` of a test.

use std::collections::BTreeMap;

use crate::config::address;
use crate::document::code;
use crate::document::decode::{Fields, boolean, named, text, whole_number, word, wrong_type};
use crate::document::diagnostic::{Findings, shown};
use crate::document::json::json;
use crate::document::node::{Entry, Kind, Node};
use crate::document::suggest::closest;
use crate::domain::command::RetryPolicy;
use crate::domain::http::HeaderText;
use crate::domain::id::RuleId;
use crate::rule_tests::expected::{Expected, ExpectedRequest};
use crate::rule_tests::parse::{Known, items, key, wants_block};
use crate::rule_tests::planned::Planned;
use crate::rule_tests::test::Expectation;
use crate::rules::catalog::bounds::HEADER_CHARACTERS_MAX;
use crate::rules::catalog::choices::{LEVELS, METHODS};
use crate::rules::catalog::test_files::{
    EXPECTED, EXPECTED_COMMAND, EXPECTED_HTTP, EXPECTED_NOTIFY, EXPECTED_RUN, EXPECTED_SETTING,
    ITEMS_MAX, NOTHING, OUTCOMES, TEXT_CHARACTERS_MAX,
};
use crate::rules::check::given;

pub(super) fn expectation(
    fields: &Fields<'_>,
    node: &Node,
    known: Known<'_>,
    findings: &mut Findings<'_>,
) -> Option<Expectation> {
    let in_any_order = match fields.get("in_any_order") {
        Some(node) => boolean(node, findings)?,
        None => false,
    };
    if is_nothing(node) {
        let items = Vec::new();
        return Some(Expectation {
            items,
            in_any_order,
        });
    }
    let written = items(node, key(fields, "expect"), "expect", ITEMS_MAX, findings);
    if written.is_empty() {
        if let Some(diagnostic) = findings.diagnostics.last_mut() {
            diagnostic.help("write `expect: nothing`");
        }
        return None;
    }
    // A list of nothing alone reads like nothing.
    let [only] = written else {
        return all(written, in_any_order, known, findings);
    };
    let written = if is_nothing(only) { &[] } else { written };
    all(written, in_any_order, known, findings)
}

fn is_nothing(node: &Node) -> bool {
    node.as_key() == Some(NOTHING)
}

fn all(
    written: &[Node],
    in_any_order: bool,
    known: Known<'_>,
    findings: &mut Findings<'_>,
) -> Option<Expectation> {
    let items: Vec<_> = written.iter().map(|it| item(it, known, findings)).collect();
    Some(Expectation {
        items: items.into_iter().collect::<Option<_>>()?,
        in_any_order,
    })
}

fn item(node: &Node, known: Known<'_>, findings: &mut Findings<'_>) -> Option<Expected> {
    if is_nothing(node) {
        findings.report(
            code::NEVER_TRUE,
            node.span,
            "`nothing` stands beside something else",
        );
        return None;
    }
    if wants_block(
        node,
        "something to expect, for example `command: {device: NAME, command: charge}`",
        findings,
    ) {
        return None;
    }
    let mark = findings.mark();
    let fields = Fields::of(node, &EXPECTED, findings)?;
    let known_here = EXPECTED.known();
    let mut written = known_here
        .iter()
        .filter_map(|it| Some((*it, fields.get(it)?)));
    let Some((what, value)) = written.next() else {
        // A key that is not known has been told of.
        if !findings.has_errors_since(mark) {
            findings
                .report(
                    code::WHICH_STEP,
                    node.head(),
                    "the item does not say what is expected",
                )
                .help("write `command:`, `setting:`, `notify:`, `http:`, `log:` or `run:`");
        }
        return None;
    };
    if let Some((other, _)) = written.next() {
        findings
            .report(
                code::WHICH_STEP,
                node.head(),
                format!("`{what}` and `{other}` stand in one item"),
            )
            .help("begin each with its own dash");
        return None;
    }
    match what {
        "command" => command(value, known, findings),
        "setting" => setting(value, known, findings),
        "notify" => notify(value, known, findings),
        "http" => request(value, findings),
        "log" => text(value, "a text", TEXT_CHARACTERS_MAX, findings)
            .map(|it| Expected::Log(it.to_owned())),
        _ => run(value, known, findings),
    }
}

fn command(node: &Node, known: Known<'_>, findings: &mut Findings<'_>) -> Option<Expected> {
    if wants_block(node, "`{device: NAME, command: NAME}`", findings) {
        return None;
    }
    let fields = Fields::of(node, &EXPECTED_COMMAND, findings)?;
    let device = fields
        .require("device", findings)
        .and_then(|it| given::device(it, known.names, findings));
    let name = fields.require("command", findings);
    let attempt = match fields.get("attempt") {
        Some(node) => Some(whole_number(node, 1, RetryPolicy::ATTEMPTS_MAX, findings)?),
        None => None,
    };
    let start = fields.maybe("start", findings, given::moment);
    let end = fields.maybe("end", findings, given::moment);
    let device = device?;
    let spec = given::command(name?, &device, findings)?;
    let parameters = match fields.get("parameters") {
        Some(node) => {
            let written = named(node, "lines `NAME: value`", findings);
            let parameters: Vec<_> = written
                .into_iter()
                .map(|(_, entry)| given::parameter(entry, spec, findings))
                .collect();
            Some(parameters.into_iter().collect::<Option<_>>()?)
        }
        None => None,
    };
    Some(Expected::Command {
        device: device.alias,
        command: spec.name.to_owned(),
        parameters,
        planned: Planned {
            start: start?,
            end: end?,
        },
        attempt,
    })
}

fn setting(node: &Node, known: Known<'_>, findings: &mut Findings<'_>) -> Option<Expected> {
    if wants_block(node, "`{device: NAME, setting: NAME}`", findings) {
        return None;
    }
    let fields = Fields::of(node, &EXPECTED_SETTING, findings)?;
    let device = fields
        .require("device", findings)
        .and_then(|it| given::device(it, known.names, findings));
    let named = fields.require("setting", findings);
    let attempt = fields.maybe("attempt", findings, |it, findings| {
        whole_number(it, 1, RetryPolicy::ATTEMPTS_MAX, findings)
    });
    let device = device?;
    let spec = given::setting(named?, &device, findings)?;
    let value = fields.maybe("value", findings, |it, findings| {
        given::setting_value(it, spec, findings)
    });
    Some(Expected::Setting {
        device: device.alias,
        setting: spec.name.to_owned(),
        value: value?,
        attempt: attempt?,
    })
}

/// `notify: phone`, or `notify: {notifier: phone, message: …}`.
fn notify(node: &Node, known: Known<'_>, findings: &mut Findings<'_>) -> Option<Expected> {
    if !matches!(node.kind, Kind::Map(_)) {
        let notifier = given::notifier(node, known.names, findings)?;
        return Some(Expected::Notify {
            notifier,
            message: None,
            title: None,
            level: None,
        });
    }
    let fields = Fields::of(node, &EXPECTED_NOTIFY, findings)?;
    let notifier = fields
        .require("notifier", findings)
        .and_then(|it| given::notifier(it, known.names, findings));
    let mut written = |key: &str, what: &str| match fields.get(key) {
        Some(node) => text(node, what, TEXT_CHARACTERS_MAX, findings).map(|it| Some(it.to_owned())),
        None => Some(None),
    };
    let (message, title) = (written("message", "a message"), written("title", "a title"));
    let level = match fields.get("level") {
        Some(node) => Some(word(node, "a level", LEVELS, findings)?),
        None => None,
    };
    Some(Expected::Notify {
        notifier: notifier?,
        message: message?,
        title: title?,
        level,
    })
}

/// `http: ADDRESS`, or `http: {url: ADDRESS, method: …}`.
fn request(node: &Node, findings: &mut Findings<'_>) -> Option<Expected> {
    let mut expected = ExpectedRequest {
        url: String::new(),
        method: None,
        headers: None,
        json: None,
        attempt: None,
    };
    if matches!(node.kind, Kind::Map(_)) {
        let fields = Fields::of(node, &EXPECTED_HTTP, findings)?;
        let method = fields.maybe("method", findings, |it, findings| {
            word(it, "a method", METHODS, findings)
        });
        let headers = fields.maybe("headers", findings, sent_headers);
        let json = fields.maybe("json", findings, body);
        let attempt = fields.maybe("attempt", findings, |it, findings| {
            whole_number(it, 1, RetryPolicy::ATTEMPTS_MAX, findings)
        });
        let url = fields.require("url", findings);
        expected.url = address::web(url?, findings)?;
        expected.method = method?;
        expected.headers = headers?;
        expected.json = json?;
        expected.attempt = attempt?;
    } else {
        expected.url = address::web(node, findings)?;
    }
    Some(Expected::Http(Box::new(expected)))
}

fn sent_headers(
    node: &Node,
    findings: &mut Findings<'_>,
) -> Option<BTreeMap<String, HeaderText<String>>> {
    let written = named(node, "lines `NAME: text`", findings);
    let header = |(name, entry): (&str, &Entry)| {
        let text = match &entry.value.kind {
            Kind::Secret(secret) => HeaderText::Secret {
                secret: secret.clone(),
            },
            Kind::Null
            | Kind::Bool(_)
            | Kind::Number { .. }
            | Kind::Text(_)
            | Kind::List(_)
            | Kind::Map(_) => {
                let what = "the text of a header";
                let text = text(&entry.value, what, HEADER_CHARACTERS_MAX, findings)?;
                HeaderText::Text(text.to_owned())
            }
        };
        Some((name.to_ascii_lowercase(), text))
    };
    written.into_iter().map(header).collect()
}

/// Any value, as JSON has it.
pub(super) fn body(node: &Node, findings: &mut Findings<'_>) -> Option<serde_json::Value> {
    let json = json(node, &|_| None);
    if json.is_none() {
        wrong_type(node, "a value that is no secret", findings);
    }
    json
}

fn run(node: &Node, known: Known<'_>, findings: &mut Findings<'_>) -> Option<Expected> {
    if wants_block(node, "`{rule: ID, outcome: completed}`", findings) {
        return None;
    }
    let fields = Fields::of(node, &EXPECTED_RUN, findings)?;
    let rule = fields
        .require("rule", findings)
        .and_then(|it| rule(it, known, findings));
    let outcome = fields
        .require("outcome", findings)
        .and_then(|it| word(it, "an outcome of a run", OUTCOMES, findings));
    Some(Expected::Run {
        rule: rule?,
        outcome: outcome?,
    })
}

fn rule(node: &Node, known: Known<'_>, findings: &mut Findings<'_>) -> Option<RuleId> {
    let Some(written) = node.as_key() else {
        wrong_type(node, "the id of a rule", findings);
        return None;
    };
    let ids = || known.rule_ids();
    if ids().any(|it| it == written) {
        return Some(RuleId::new(written));
    }
    findings
        .report(
            code::UNTESTED_RULE,
            node.span,
            format!("unknown rule `{}`", shown(written)),
        )
        .label("none of the rules that are tested here has this id")
        .did_you_mean(closest(written, ids()));
    None
}
