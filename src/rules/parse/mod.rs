//! YAML to [`syntax`](crate::rules::syntax): keys, shapes and closed lists of words; no names of the home.

use crate::document::code;
use crate::document::decode::{Fields, boolean, named, report_template, text, wrong_type};
use crate::document::diagnostic::{Findings, shown};
use crate::document::node::{Kind, Node};
use crate::document::source::Span;
use crate::rules::catalog;
use crate::rules::catalog::bounds::{
    ALIAS_CHARACTERS_MAX, CONDITIONS_MAX, DESCRIPTION_CHARACTERS_MAX, ID_CHARACTERS_MAX, ITEMS_MAX,
    STEPS_MAX, TRIGGERS_MAX, WORD_CHARACTERS_MAX,
};
use crate::rules::syntax::{Condition, Named, Rule, Step, Template, Trigger, Written};

pub(super) mod condition;
mod flow;
mod settings;
pub(super) mod step;
pub(super) mod trigger;

/// The rules of a file, not yet looked at; none when the file is no file of rules.
pub(super) fn file<'n>(node: &'n Node, findings: &mut Findings<'_>) -> Option<&'n [Node]> {
    if let Kind::List(_) = node.kind {
        wrong_type(node, "`version: 1` and `rules:`", findings);
        if let Some(diagnostic) = findings.diagnostics.last_mut() {
            diagnostic.help("write `version: 1` and `rules:` above the list");
        }
        return None;
    }
    let fields = Fields::of(node, &catalog::file::FILE, findings)?;
    let version = fields.require("version", findings);
    if version.is_some_and(|it| it.as_key() != Some("1")) {
        let span = version.map_or(node.head(), |it| it.span);
        findings
            .report(
                code::FILE_VERSION,
                span,
                "this program reads rule files of version 1",
            )
            .help("write `version: 1`");
        return None;
    }
    let rules = fields.require("rules", findings)?;
    let key = fields.entry("rules").map_or(rules.span, |it| it.key.span);
    let items = items(rules, key, "rules", crate::rules::RULES_MAX, findings)?;
    Some(items)
}

/// What the file has as rules; whether they are right is looked at later.
pub(super) fn rules(file: &Node) -> &[Node] {
    value_of(file, "rules").map_or(&[], Node::items)
}

/// The id that a rule says it has, and where; whether it is right is looked at later.
pub(super) fn id(rule: &Node) -> Option<(&str, Span)> {
    let id = value_of(rule, "id")?;
    Some((id.as_key()?, id.span))
}

fn value_of<'n>(node: &'n Node, key: &str) -> Option<&'n Node> {
    let Kind::Map(entries) = &node.kind else {
        return None;
    };
    let entry = entries.iter().find(|it| it.key.as_key() == Some(key));
    entry.map(|it| &it.value)
}

/// What is written as one rule; none when it is not even a block.
pub(super) fn rule<'n>(node: &'n Node, findings: &mut Findings<'_>) -> Option<Rule<'n>> {
    let fields = Fields::of(node, &catalog::file::RULE, findings)?;
    let id = fields
        .require("id", findings)
        .and_then(|it| rule_id(it, findings));
    Some(Rule {
        id,
        alias: alias(&fields, findings),
        description: fields
            .get("description")
            .and_then(|it| text(it, "a description", DESCRIPTION_CHARACTERS_MAX, findings)),
        enabled: enabled(&fields, findings),
        settings: settings::settings(&fields, findings).unwrap_or_default(),
        per: fields.get("per"),
        variables: variables(&fields, findings),
        triggers: triggers(&fields, "triggers", findings),
        conditions: match fields.get("conditions") {
            // Home Assistant writes the empty list out, and it asks nothing.
            Some(node) if node.kind != Kind::List(Vec::new()) => {
                conditions(&fields, "conditions", findings)
            }
            _ => Vec::new(),
        },
        steps: steps(&fields, "actions", findings),
        on_failure: match fields.get("on_failure") {
            Some(_) => steps(&fields, "on_failure", findings),
            None => Vec::new(),
        },
    })
}

/// The triggers below `key`, which must be there.
pub(super) fn triggers<'n>(
    fields: &Fields<'n>,
    key: &'static str,
    findings: &mut Findings<'_>,
) -> Vec<Trigger<'n>> {
    each(fields, key, TRIGGERS_MAX, trigger::trigger, findings)
}

/// The conditions below `key`, which must be there.
pub(super) fn conditions<'n>(
    fields: &Fields<'n>,
    key: &'static str,
    findings: &mut Findings<'_>,
) -> Vec<Condition<'n>> {
    each(fields, key, CONDITIONS_MAX, condition::condition, findings)
}

/// The steps below `key`, which must be there.
fn steps<'n>(fields: &Fields<'n>, key: &'static str, findings: &mut Findings<'_>) -> Vec<Step<'n>> {
    each(fields, key, STEPS_MAX, step::step, findings)
}

/// `variables:`, where it is there.
fn variables<'n>(fields: &Fields<'n>, findings: &mut Findings<'_>) -> Vec<Named<'n>> {
    let node = fields.get("variables");
    node.map(|it| lines(it, findings)).unwrap_or_default()
}

/// Lines `NAME: value`, in order.
fn lines<'n>(node: &'n Node, findings: &mut Findings<'_>) -> Vec<Named<'n>> {
    let lines = named(node, "lines `NAME: value`", findings);
    lines
        .into_iter()
        .map(|(value, entry)| {
            let span = entry.key.span;
            (Written { value, span }, &entry.value)
        })
        .collect()
}

type Parse<'n, T> = fn(&'n Node, &mut Findings<'_>) -> Option<T>;

/// What `parse` makes of each item below `key`.
fn each<'n, T>(
    fields: &Fields<'n>,
    key: &'static str,
    most: usize,
    parse: Parse<'n, T>,
    findings: &mut Findings<'_>,
) -> Vec<T> {
    fields.require(key, findings);
    let Some(entry) = fields.entry(key) else {
        return Vec::new();
    };
    let items = items(&entry.value, entry.key.span, key, most, findings);
    let items = items.unwrap_or_default();
    items.iter().filter_map(|it| parse(it, findings)).collect()
}

/// The items below `key`: at least one, at most `most`.
fn items<'n>(
    node: &'n Node,
    key: Span,
    name: &str,
    most: usize,
    findings: &mut Findings<'_>,
) -> Option<&'n [Node]> {
    let items = node.items();
    if items.is_empty() || node.kind == Kind::Null {
        findings
            .report(code::NOTHING_THERE, key, format!("`{name}` is empty"))
            .label("nothing stands below");
        return None;
    }
    if items.len() > most {
        let message = format!("`{name}` has {} items, and {most} are allowed", items.len());
        findings.report(code::TOO_MANY, key, message);
        return None;
    }
    Some(items)
}

fn rule_id<'n>(node: &'n Node, findings: &mut Findings<'_>) -> Option<Written<&'n str>> {
    kebab(node, "a rule", findings)
}

fn step_id<'n>(node: &'n Node, findings: &mut Findings<'_>) -> Option<Written<&'n str>> {
    kebab(node, "a step", findings)
}

fn kebab<'n>(
    node: &'n Node,
    of_what: &str,
    findings: &mut Findings<'_>,
) -> Option<Written<&'n str>> {
    let value = text(node, "an id", ID_CHARACTERS_MAX, findings)?;
    if is_kebab(value) {
        let span = node.span;
        return Some(Written { value, span });
    }
    let offer = to_kebab(value);
    let diagnostic = findings
        .report(
            code::BAD_NAME,
            node.span,
            format!("`{}` cannot be the id of {of_what}", shown(value)),
        )
        .help("use small letters and digits, with `-` between words");
    if is_kebab(&offer) {
        diagnostic.help(format!("write `{}`", shown(&offer)));
    }
    None
}

fn is_kebab(text: &str) -> bool {
    let is_part = |part: &str| {
        let mut bytes = part.bytes();
        !part.is_empty() && bytes.all(|it| it.is_ascii_lowercase() || it.is_ascii_digit())
    };
    text.split('-').all(is_part)
}

fn to_kebab(text: &str) -> String {
    let lower = text.to_lowercase();
    let parts = lower.split(|c: char| !c.is_ascii_alphanumeric());
    parts
        .filter(|it| !it.is_empty())
        .collect::<Vec<_>>()
        .join("-")
}

fn alias<'n>(fields: &Fields<'n>, findings: &mut Findings<'_>) -> Option<&'n str> {
    let node = fields.get("alias")?;
    plain_text(node, "an alias", ALIAS_CHARACTERS_MAX, findings)
}

fn enabled(fields: &Fields<'_>, findings: &mut Findings<'_>) -> bool {
    let node = fields.get("enabled");
    node.and_then(|it| boolean(it, findings)).unwrap_or(true)
}

/// Text that is used as it stands: what looks like a template would be sent to somebody's phone.
pub(super) fn plain_text<'n>(
    node: &'n Node,
    what: &str,
    characters_max: usize,
    findings: &mut Findings<'_>,
) -> Option<&'n str> {
    let text = text(node, what, characters_max, findings)?;
    if text.contains("{{") || text.contains("{%") {
        report_template(node.span, findings);
        return None;
    }
    Some(text)
}

/// Text that may have expressions in it.
fn template<'n>(
    node: &'n Node,
    what: &str,
    characters_max: usize,
    findings: &mut Findings<'_>,
) -> Option<Template<'n>> {
    let text = text(node, what, characters_max, findings)?;
    Some(Template { node, text })
}

/// A name, of whatever it may be.
pub(super) fn name<'n>(
    node: &'n Node,
    what: &str,
    findings: &mut Findings<'_>,
) -> Option<Written<&'n str>> {
    let value = plain_text(node, what, WORD_CHARACTERS_MAX, findings)?;
    let span = node.span;
    Some(Written { value, span })
}

/// One name or a list of them.
pub(super) fn names<'n>(
    node: &'n Node,
    what: &str,
    findings: &mut Findings<'_>,
) -> Option<Vec<Written<&'n str>>> {
    let items = some_items(node, what, findings)?;
    items.iter().map(|it| name(it, what, findings)).collect()
}

/// One value or a list of them, which is not empty.
pub(super) fn some_items<'n>(
    node: &'n Node,
    what: &str,
    findings: &mut Findings<'_>,
) -> Option<&'n [Node]> {
    let items = node.items();
    if items.is_empty() {
        findings.report(
            code::NOTHING_THERE,
            node.span,
            format!("expected {what}, found an empty list"),
        );
        return None;
    }
    if items.len() > ITEMS_MAX {
        let message = format!(
            "the list has {} items, and {ITEMS_MAX} are allowed",
            items.len()
        );
        findings.report(code::TOO_MANY, node.head(), message);
        return None;
    }
    Some(items)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_written_with_dashes() {
        for (text, expected) in [
            ("car-after-battery", true),
            ("2nd-car", true),
            ("car", true),
            ("Car", false),
            ("car_1", false),
            ("-car", false),
            ("car--1", false),
            ("", false),
        ] {
            assert_eq!(is_kebab(text), expected, "{text}");
        }
        assert_eq!(to_kebab("Car after_Battery!"), "car-after-battery");
    }
}
