//! `conditions:` as written.

use std::time::Duration;

use jiff::civil::Weekday;

use crate::document::code;
use crate::document::decode::{Fields, word, wrong_type};
use crate::document::diagnostic::Findings;
use crate::document::duration::{DURATION_MAX, bounded, time_of_day};
use crate::document::node::{Kind, Node};
use crate::document::vocabulary::Word;
use crate::rules::catalog::choices::{IF_UNKNOWN, WEEKDAYS};
use crate::rules::catalog::conditions;
use crate::rules::condition::Join;
use crate::rules::expr::template;
use crate::rules::parse::trigger::held;
use crate::rules::parse::{alias, conditions as list, enabled, name, some_items};
use crate::rules::rule::{IfUnknown, TimeTest};
use crate::rules::syntax::{Bounds, Condition, Subject, Test};

const MAX_AGE_DEFAULT: Duration = Duration::from_mins(15);
const MAX_AGE_MIN: Duration = Duration::from_secs(1);

/// Blocks that are written as a key: `or: […]`.
const BLOCKS: &[(&str, &Word, Join)] = &[
    ("and", &conditions::AND_KEY, Join::And),
    ("or", &conditions::OR_KEY, Join::Or),
    ("not", &conditions::NOT_KEY, Join::Not),
];

/// Conditions of Home Assistant that are other conditions here.
const FOREIGN: &[(&str, &str)] = &[
    (
        "template",
        "write the expression alone, as an item of its own: `- \"{{ … }}\"`",
    ),
    (
        "device",
        "write `condition: state` with `device:` and `attribute:`",
    ),
    (
        "zone",
        "rules know no zones: ask a value of the car, like `plugged`",
    ),
    (
        "input",
        "write `condition: state` or `condition: numeric_state` with `input:`",
    ),
];

pub(in crate::rules) fn condition<'n>(
    node: &'n Node,
    findings: &mut Findings<'_>,
) -> Option<Condition<'n>> {
    if is_expression(node) {
        return Some(Condition {
            head: node.span,
            alias: None,
            enabled: true,
            if_unknown: IfUnknown::Block,
            test: Test::Expression(node),
        });
    }
    let word = which(node, findings)?;
    let fields = Fields::of(node, word, findings)?;
    let alias = alias(&fields, findings);
    let enabled = enabled(&fields, findings);
    let if_unknown = if_unknown(&fields, findings);
    let head = fields.head();
    let has_input = fields.get("input").is_some();
    let block = BLOCKS.iter().find(|(name, ..)| *name == word.name);
    let test = match (word.name, block) {
        ("time", _) => time(&fields, findings).map(Test::Time),
        ("state", _) if !has_input => state(&fields, findings),
        ("numeric_state", _) if !has_input => numeric(&fields, findings),
        (_, Some((key, _, join))) => {
            let key = if fields.get(key).is_some() {
                *key
            } else {
                "conditions"
            };
            Some(Test::Block(*join, list(&fields, key, findings)))
        }
        (_, None) => Some(Test::Of(word, fields)),
    };
    Some(Condition {
        head,
        alias,
        enabled,
        if_unknown: if_unknown?,
        test: test?,
    })
}

/// A text stands for what it computes; `true` and `false` are answers.
fn is_expression(node: &Node) -> bool {
    match &node.kind {
        Kind::Bool(_) => true,
        Kind::Text(text) => template::is_template(text),
        Kind::Null | Kind::Number { .. } | Kind::List(_) | Kind::Map(_) | Kind::Secret(_) => false,
    }
}

fn which(node: &Node, findings: &mut Findings<'_>) -> Option<&'static Word> {
    let Kind::Map(entries) = &node.kind else {
        wrong_type(
            node,
            "a condition, which begins with `condition:`",
            findings,
        );
        return None;
    };
    template::refuse_unquoted(node, findings)?;
    let find = |key: &str| entries.iter().find(|it| it.key.as_key() == Some(key));
    let Some(entry) = find("condition") else {
        let block = BLOCKS.iter().find(|(name, ..)| find(name).is_some());
        if let Some((_, word, _)) = block {
            return Some(word);
        }
        findings
            .report(
                code::WHICH_STEP,
                node.head(),
                "the condition does not say what it asks",
            )
            .help("write `condition: state`, `condition: numeric_state` or `condition: time`");
        return None;
    };
    let written = entry.value.as_key().unwrap_or_default();
    if let Some((word, help)) = FOREIGN.iter().find(|(word, _)| *word == written) {
        findings
            .report(
                code::FOREIGN_WORD,
                entry.value.span,
                format!("`condition: {word}` is a word of Home Assistant"),
            )
            .help(*help);
        return None;
    }
    let words: Vec<(&str, &'static Word)> =
        conditions::ALL.iter().map(|it| (it.name, *it)).collect();
    word(&entry.value, "a condition", &words, findings)
}

fn if_unknown(fields: &Fields<'_>, findings: &mut Findings<'_>) -> Option<IfUnknown> {
    let Some(node) = fields.get("if_unknown") else {
        return Some(IfUnknown::Block);
    };
    word(
        node,
        "what an unknown value counts as",
        IF_UNKNOWN,
        findings,
    )
}

fn time(fields: &Fields<'_>, findings: &mut Findings<'_>) -> Option<TimeTest> {
    let mark = findings.mark();
    let after = fields.get("after").and_then(|it| time_of_day(it, findings));
    let before = fields
        .get("before")
        .and_then(|it| time_of_day(it, findings));
    let weekdays = weekdays(fields, findings);
    if findings.has_errors_since(mark) {
        return None;
    }
    if after.is_none() && before.is_none() && weekdays.is_empty() {
        findings
            .report(
                code::NEVER_TRUE,
                fields.head(),
                "the condition does not say when",
            )
            .help("add `after:`, `before:` or `weekday:`");
        return None;
    }
    if after.is_some() && after == before {
        findings
            .report(
                code::NEVER_TRUE,
                fields.head(),
                "`after` and `before` are the same time, so that nothing lies between",
            )
            .help("leave both out for the whole day");
        return None;
    }
    Some(TimeTest {
        after,
        before,
        weekdays,
    })
}

/// `weekday:`, each day once; empty when it is not there.
pub(in crate::rules) fn weekdays(fields: &Fields<'_>, findings: &mut Findings<'_>) -> Vec<Weekday> {
    let mut weekdays = Vec::new();
    if let Some(node) = fields.get("weekday") {
        let items = some_items(node, "a day of the week", findings);
        for item in items.unwrap_or_default() {
            let day = word(item, "a day of the week", WEEKDAYS, findings);
            weekdays.extend(day.filter(|it| !weekdays.contains(it)));
        }
    }
    weekdays
}

/// `max_age:` of a condition.
#[expect(
    clippy::option_option,
    reason = "absent and broken are two things, and `?` tells them apart"
)]
pub(in crate::rules) fn max_age(
    fields: &Fields<'_>,
    findings: &mut Findings<'_>,
) -> Option<Option<Duration>> {
    fields.maybe("max_age", findings, |it, findings| {
        bounded(it, MAX_AGE_MIN, DURATION_MAX, findings)
    })
}

fn subject<'n>(fields: &Fields<'n>, findings: &mut Findings<'_>) -> Option<Subject<'n>> {
    let device = fields
        .require("device", findings)
        .and_then(|it| name(it, "the name of a device", findings));
    let attribute = fields
        .require("attribute", findings)
        .and_then(|it| name(it, "an attribute of the device", findings));
    let max_age = max_age(fields, findings);
    Some(Subject {
        device: device?,
        attribute: attribute?,
        max_age: max_age?.unwrap_or(MAX_AGE_DEFAULT),
    })
}

/// `is:` and `is_not:`, at least one of them.
pub(in crate::rules) fn values<'n>(
    fields: &Fields<'n>,
    findings: &mut Findings<'_>,
) -> Option<(&'n [Node], &'n [Node])> {
    let is = fields.get("is");
    let is_not = fields.get("is_not");
    if is.is_none() && is_not.is_none() {
        if !fields.is_foreign() {
            findings
                .report(
                    code::NEVER_TRUE,
                    fields.head(),
                    "the condition does not say which value it wants",
                )
                .help("add `is:` or `is_not:`");
        }
        return None;
    }
    let mut values = |node: Option<&'n Node>| match node {
        Some(node) => some_items(node, "a value", findings),
        None => Some(&[] as &[Node]),
    };
    let (is, is_not) = (values(is), values(is_not));
    Some((is?, is_not?))
}

/// The bounds of a number, at least one of them.
pub(in crate::rules) fn bounds<'n>(
    fields: &Fields<'n>,
    findings: &mut Findings<'_>,
) -> Option<Bounds<'n>> {
    let bounds = Bounds {
        above: fields.get("above"),
        below: fields.get("below"),
        at_least: fields.get("at_least"),
        at_most: fields.get("at_most"),
    };
    let all = [bounds.above, bounds.below, bounds.at_least, bounds.at_most];
    if all.iter().all(Option::is_none) {
        findings
            .report(
                code::NEVER_TRUE,
                fields.head(),
                "the condition does not say which numbers it wants",
            )
            .help("add `above:`, `below:`, `at_least:` or `at_most:`");
        return None;
    }
    Some(bounds)
}

fn state<'n>(fields: &Fields<'n>, findings: &mut Findings<'_>) -> Option<Test<'n>> {
    let subject = subject(fields, findings);
    let values = values(fields, findings);
    let held_for = held(fields, findings);
    let (is, is_not) = values?;
    Some(Test::State {
        subject: subject?,
        is,
        is_not,
        held_for: held_for?,
    })
}

fn numeric<'n>(fields: &Fields<'n>, findings: &mut Findings<'_>) -> Option<Test<'n>> {
    let subject = subject(fields, findings);
    let bounds = bounds(fields, findings);
    let held_for = held(fields, findings);
    Some(Test::Numeric {
        subject: subject?,
        bounds: bounds?,
        held_for: held_for?,
    })
}
