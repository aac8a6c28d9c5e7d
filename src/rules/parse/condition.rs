//! `conditions:` as written.

use std::time::Duration;

use jiff::civil::Weekday;

use crate::document::code;
use crate::document::decode::{Fields, not_available, word, wrong_type};
use crate::document::diagnostic::Findings;
use crate::document::duration::{DURATION_MAX, bounded, time_of_day};
use crate::document::node::{Kind, Node};
use crate::rules::expr::template;
use crate::rules::parse::{alias, enabled, name, some_items};
use crate::rules::rule::{IfUnknown, TimeTest};
use crate::rules::syntax::{Bounds, Condition, Subject, Template, Test};
use crate::rules::words;

const MAX_AGE_DEFAULT: Duration = Duration::from_mins(15);
const MAX_AGE_MIN: Duration = Duration::from_secs(1);

#[derive(Clone, Copy)]
enum Type {
    Time,
    State,
    NumericState,
}

const TYPES: &[(&str, Type)] = &[
    ("time", Type::Time),
    ("state", Type::State),
    ("numeric_state", Type::NumericState),
];

const IF_UNKNOWN: &[(&str, IfUnknown)] =
    &[("block", IfUnknown::Block), ("allow", IfUnknown::Allow)];

const WEEKDAYS: &[(&str, Weekday)] = &[
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

pub(super) fn condition<'n>(node: &'n Node, findings: &mut Findings<'_>) -> Option<Condition<'n>> {
    if let Kind::Text(text) = &node.kind
        && template::is_template(text)
    {
        return Some(Condition {
            head: node.span,
            alias: None,
            enabled: true,
            if_unknown: IfUnknown::Block,
            test: Test::Expression(Template { node, text }),
        });
    }
    let condition_type = condition_type(node, findings)?;
    let keys = match condition_type {
        Type::Time => &words::TIME_CONDITION,
        Type::State => &words::STATE_CONDITION,
        Type::NumericState => &words::NUMERIC_CONDITION,
    };
    let fields = Fields::open(node, "this condition", keys, findings)?;
    let alias = alias(&fields, findings);
    let enabled = enabled(&fields, findings);
    let if_unknown = if_unknown(&fields, findings);
    let test = match condition_type {
        Type::Time => time(&fields, findings).map(Test::Time),
        Type::State => state(&fields, findings),
        Type::NumericState => numeric(&fields, findings),
    };
    Some(Condition {
        head: fields.head(),
        alias,
        enabled,
        if_unknown: if_unknown?,
        test: test?,
    })
}

fn condition_type(node: &Node, findings: &mut Findings<'_>) -> Option<Type> {
    let Kind::Map(entries) = &node.kind else {
        wrong_type(
            node,
            "a condition, which begins with `condition:`",
            findings,
        );
        return None;
    };
    template::refuse_unquoted(node, findings)?;
    let Some(entry) = entries
        .iter()
        .find(|it| it.key.as_key() == Some("condition"))
    else {
        let block = entries.iter().find(|it| {
            let key = it.key.as_key().unwrap_or_default();
            words::LATER_CONDITIONS[..3].contains(&key)
        });
        match block {
            Some(block) => {
                let what = format!("`{}:`", block.key.as_key().unwrap_or_default());
                not_available(&what, block.key.span, findings);
            }
            None => {
                findings
                    .report(
                        code::WHICH_STEP,
                        node.head(),
                        "the condition does not say what it asks",
                    )
                    .help(
                        "write `condition: state`, `condition: numeric_state` or `condition: time`",
                    );
            }
        }
        return None;
    };
    let written = entry.value.as_key().unwrap_or_default();
    if written == "template" {
        findings
            .report(
                code::FOREIGN_WORD,
                entry.value.span,
                "`condition: template` is a word of Home Assistant",
            )
            .help("write the expression alone, as an item of its own: `- \"{{ … }}\"`");
        return None;
    }
    if words::LATER_CONDITIONS.contains(&written) {
        let what = format!("`condition: {written}`");
        not_available(&what, entry.value.span, findings);
        return None;
    }
    word(&entry.value, "a condition", TYPES, findings)
}

fn if_unknown(fields: &Fields<'_>, findings: &mut Findings<'_>) -> Option<IfUnknown> {
    let Some(node) = fields.get("if_unknown") else {
        return Some(IfUnknown::Block);
    };
    if node.as_key() == Some("wait") {
        not_available("`if_unknown: wait`", node.span, findings);
        return None;
    }
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
    let mut weekdays = Vec::new();
    if let Some(node) = fields.get("weekday") {
        let items = some_items(node, "a day of the week", findings);
        for item in items.unwrap_or_default() {
            let day = word(item, "a day of the week", WEEKDAYS, findings);
            weekdays.extend(day.filter(|it| !weekdays.contains(it)));
        }
    }
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

fn subject<'n>(fields: &Fields<'n>, findings: &mut Findings<'_>) -> Option<Subject<'n>> {
    let device = fields
        .require("device", findings)
        .and_then(|it| name(it, "the name of a device", findings));
    let attribute = fields
        .require("attribute", findings)
        .and_then(|it| name(it, "an attribute of the device", findings));
    let max_age = match fields.get("max_age") {
        Some(node) => bounded(node, MAX_AGE_MIN, DURATION_MAX, findings),
        None => Some(MAX_AGE_DEFAULT),
    };
    Some(Subject {
        device: device?,
        attribute: attribute?,
        max_age: max_age?,
    })
}

fn state<'n>(fields: &Fields<'n>, findings: &mut Findings<'_>) -> Option<Test<'n>> {
    let subject = subject(fields, findings);
    let is = fields.get("is");
    let is_not = fields.get("is_not");
    if is.is_none() && is_not.is_none() && !fields.is_foreign() {
        findings
            .report(
                code::NEVER_TRUE,
                fields.head(),
                "the condition does not say which value it wants",
            )
            .help("add `is:` or `is_not:`");
        return None;
    }
    let mut values = |node: Option<&'n Node>| match node {
        Some(node) => some_items(node, "a value", findings),
        None => Some(&[] as &[Node]),
    };
    let (is, is_not) = (values(is), values(is_not));
    Some(Test::State {
        subject: subject?,
        is: is?,
        is_not: is_not?,
    })
}

fn numeric<'n>(fields: &Fields<'n>, findings: &mut Findings<'_>) -> Option<Test<'n>> {
    let subject = subject(fields, findings);
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
    Some(Test::Numeric {
        subject: subject?,
        bounds,
    })
}
