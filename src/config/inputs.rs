//! `inputs:` of `home.yaml`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::config::devices::check_name;
use crate::config::home::{Input, InputKind, InputUnit};
use crate::config::words;
use crate::document::code;
use crate::document::decode::{Fields, named, text, word};
use crate::document::diagnostic::Findings;
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

pub(super) fn decode(node: &Node, findings: &mut Findings<'_>) -> Inputs {
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
        match input(&entry.value, findings).filter(|_| is_named) {
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

fn input(node: &Node, findings: &mut Findings<'_>) -> Option<Input> {
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
    Some(Input {
        kind,
        max_age: max_age?.unwrap_or(MAX_AGE_DEFAULT),
    })
}
