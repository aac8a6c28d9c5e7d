//! `inputs:` of `home.yaml`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::config::address;
use crate::config::devices::check_name;
use crate::config::home::{HttpSource, Input, InputKind, InputUnit, SeriesKeys};
use crate::config::words;
use crate::document::code;
use crate::document::decode::{Fields, named, text, word, wrong_type};
use crate::document::diagnostic::{Findings, shown};
use crate::document::duration::{DURATION_MAX, bounded};
use crate::document::node::{Kind, Node};
use crate::document::source::Location;
use crate::domain::id::InputName;
use crate::domain::unit::Unit;

/// The most inputs of a home.
pub(super) const INPUTS_MAX: usize = 1000;
pub(super) const UNIT_CHARACTERS_MAX: usize = 20;
const MAX_AGE_DEFAULT: Duration = Duration::from_mins(15);
const MAX_AGE_MIN: Duration = Duration::from_secs(1);
const EVERY_DEFAULT: Duration = Duration::from_mins(15);
const EVERY_MIN: Duration = Duration::from_secs(10);
const EVERY_MAX: Duration = Duration::from_hours(24);
pub(super) const POINTER_CHARACTERS_MAX: usize = 200;
pub(super) const KEY_CHARACTERS_MAX: usize = 64;

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Type {
    Number,
    Text,
    Boolean,
}

pub(super) const TYPES: &[(&str, Type)] = &[
    ("number", Type::Number),
    ("text", Type::Text),
    ("boolean", Type::Boolean),
];

#[derive(Default)]
pub(super) struct Inputs {
    pub(super) whole: BTreeMap<InputName, Input>,
    pub(super) broken: BTreeSet<InputName>,
    /// Of the whole ones.
    pub(super) places: BTreeMap<InputName, Location>,
}

pub(super) fn decode(
    node: &Node,
    allowed: &BTreeSet<String>,
    findings: &mut Findings<'_>,
) -> Inputs {
    let mut inputs = Inputs::default();
    if node.kind == Kind::Null {
        return inputs;
    }
    let entries = named(node, "lines `NAME: {type: …}`", findings);
    if entries.len() > INPUTS_MAX {
        let message = format!(
            "the home has {} inputs, and {INPUTS_MAX} are allowed",
            entries.len()
        );
        findings.report(code::TOO_MANY, node.head(), message);
    }
    for (name, entry) in entries.into_iter().take(INPUTS_MAX) {
        let is_named = check_name(name, entry.key.span, "an input", findings);
        let name = InputName::new(name);
        match input(&entry.value, allowed, findings).filter(|_| is_named) {
            Some(input) => {
                let place = findings.source.location(entry.key.span);
                inputs.places.insert(name.clone(), place);
                inputs.whole.insert(name, input);
            }
            None => {
                inputs.broken.insert(name);
            }
        }
    }
    inputs
}

fn input(node: &Node, allowed: &BTreeSet<String>, findings: &mut Findings<'_>) -> Option<Input> {
    let fields = Fields::of(node, &words::INPUT, findings)?;
    let input_type = fields
        .require("type", findings)
        .and_then(|it| word(it, "a type of input", TYPES, findings));
    let unit = fields.maybe("unit", findings, |it, findings| {
        text(it, "a unit", UNIT_CHARACTERS_MAX, findings)
    });
    let max_age = fields.maybe("max_age", findings, |it, findings| {
        bounded(it, MAX_AGE_MIN, DURATION_MAX, findings)
    });
    let source = fields.maybe("source", findings, |it, findings| {
        source(it, allowed, findings)
    });
    let (input_type, unit) = (input_type?, unit?);
    if let (Some(entry), Type::Text | Type::Boolean) = (fields.entry("unit"), input_type) {
        findings
            .report(code::NO_EFFECT, entry.key.span, "only numbers have a unit")
            .help("leave `unit:` out, or write `type: number`");
        return None;
    }
    let kind = match input_type {
        Type::Text => InputKind::Text,
        Type::Boolean => InputKind::Boolean,
        Type::Number => InputKind::Number(match unit {
            None => InputUnit::None,
            Some(unit) => match Unit::parse(unit) {
                Some(unit) => InputUnit::Known(unit),
                None => InputUnit::Own(unit.to_owned()),
            },
        }),
    };
    let source = source?;
    // One answer that fails does not make it unknown.
    let at_least = source.as_ref().map_or(Duration::ZERO, |it| it.every * 2);
    Some(Input {
        kind,
        max_age: max_age?.unwrap_or(MAX_AGE_DEFAULT.max(at_least)),
        source,
    })
}

fn source(
    node: &Node,
    allowed: &BTreeSet<String>,
    findings: &mut Findings<'_>,
) -> Option<HttpSource> {
    let fields = Fields::of(node, &words::SOURCE, findings)?;
    let fields = Fields::of(
        fields.require("http", findings)?,
        &words::HTTP_SOURCE,
        findings,
    )?;
    let url = fields
        .require("url", findings)
        .and_then(|it| allowed_url(it, allowed, findings));
    let every = fields.maybe("every", findings, |it, findings| {
        bounded(it, EVERY_MIN, EVERY_MAX, findings)
    });
    let pointer = fields.maybe("pointer", findings, pointer);
    let mut key = |name: &str| {
        fields.maybe(name, findings, |it, findings| {
            text(it, "a key", KEY_CHARACTERS_MAX, findings)
        })
    };
    let (from, to, value) = (key("from"), key("to"), key("value"));
    let keys = SeriesKeys::default();
    Some(HttpSource {
        url: url?,
        every: every?.unwrap_or(EVERY_DEFAULT),
        pointer: pointer?.unwrap_or_default(),
        keys: SeriesKeys {
            from: from?.map_or(keys.from, str::to_owned),
            to: to?.map_or(keys.to, str::to_owned),
            value: value?.map_or(keys.value, str::to_owned),
        },
    })
}

/// An address whose host `http_allow:` names.
fn allowed_url(
    node: &Node,
    allowed: &BTreeSet<String>,
    findings: &mut Findings<'_>,
) -> Option<String> {
    let url = address::web(node, findings)?;
    let host = address::authority_of(&url).to_ascii_lowercase();
    if allowed.contains(&host) {
        return Some(url);
    }
    let host = shown(&host);
    findings
        .report(
            code::HOST_NOT_ALLOWED,
            node.span,
            format!("this home may not call `{host}`"),
        )
        .help(format!("add `{host}` to `http_allow:`"));
    None
}

/// `/results/0/value`
fn pointer(node: &Node, findings: &mut Findings<'_>) -> Option<String> {
    let written = text(node, "a JSON pointer", POINTER_CHARACTERS_MAX, findings)?;
    if !written.starts_with('/') {
        wrong_type(
            node,
            "a JSON pointer, which begins with `/`: `/results/0/value`",
            findings,
        );
        return None;
    }
    Some(written.to_owned())
}
