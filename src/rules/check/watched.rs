//! Values that triggers and conditions look at: of devices, by attribute, and of inputs.

use std::time::Duration;

use crate::config::home::{Input, InputKind, InputUnit};
use crate::config::names::Names;
use crate::document::code;
use crate::document::decode::{Fields, boolean, text, word, wrong_type};
use crate::document::diagnostic::{Findings, shown};
use crate::document::node::{Kind, Node};
use crate::document::suggest::closest;
use crate::domain::catalogue::{Attribute, AttributeKind};
use crate::domain::id::InputName;
use crate::domain::value::Value;
use crate::rules::catalog::bounds::VALUE_CHARACTERS_MAX;
use crate::rules::catalog::choices::FROM_UNKNOWN;
use crate::rules::check::condition::{is_impossible, values};
use crate::rules::check::quantity::{Wanted, quantity};
use crate::rules::check::{Scope, device};
use crate::rules::condition::{InputQuestion, InputTest};
use crate::rules::parse::condition::{bounds, max_age};
use crate::rules::parse::trigger::{devices, held};
use crate::rules::parse::{name, some_items};
use crate::rules::syntax::Written;
use crate::rules::trigger::{NumericTrigger, StateTrigger, Watched};

/// What kind of values are looked at.
enum Source<'h> {
    Attribute(&'static Attribute),
    Input(&'h Input),
}

/// `device:` with `attribute:`, or `input:`.
fn watched<'h>(
    fields: &Fields<'_>,
    scope: &Scope<'h>,
    findings: &mut Findings<'_>,
) -> Option<(Watched, Source<'h>)> {
    if let Some(entry) = fields.entry("input") {
        if let Some(other) = fields.entry("device").or(fields.entry("attribute")) {
            findings
                .report(
                    code::WHICH_ONE,
                    other.key.span,
                    "`input` and `device` cannot both be looked at",
                )
                .help("write two triggers");
            return None;
        }
        let written = name(&entry.value, "the name of an input", findings)?;
        let (name, input) = named_input(written, scope.names, findings)?;
        return Some((Watched::Input(name), Source::Input(input)));
    }
    let named = fields
        .require("device", findings)
        .and_then(|it| devices(it, findings));
    let attribute = fields
        .require("attribute", findings)
        .and_then(|it| name(it, "an attribute of the device", findings));
    let (named, attribute) = (named?, attribute?);
    let found = device::all(&named, scope.names, findings);
    let mut spec = None;
    for (device, _) in &found {
        spec = Some(device::attribute(attribute, device, findings)?);
    }
    let spec = spec?;
    let watched = Watched::Attribute {
        devices: found.into_iter().map(|(device, _)| device).collect(),
        of_type: named.of_type(),
        attribute: spec.name.to_owned(),
    };
    Some((watched, Source::Attribute(spec)))
}

/// The input of the home with this name.
pub(super) fn named_input<'h>(
    written: Written<&str>,
    names: &'h Names,
    findings: &mut Findings<'_>,
) -> Option<(InputName, &'h Input)> {
    let input_name = InputName::new(written.value);
    if let Some(input) = names.inputs.get(&input_name) {
        return Some((input_name, input));
    }
    let shown_name = shown(written.value);
    if names.broken_inputs.contains(&input_name) {
        findings
            .report(
                code::UNKNOWN_INPUT,
                written.span,
                format!("the input `{shown_name}` cannot be used"),
            )
            .label("its entry in home.yaml has a mistake");
        return None;
    }
    let known = names.inputs.keys().map(InputName::as_str);
    let near = closest(written.value, known);
    let diagnostic = findings
        .report(
            code::UNKNOWN_INPUT,
            written.span,
            format!("unknown input `{shown_name}`"),
        )
        .label("no input of this home has this name")
        .did_you_mean(near);
    if near.is_none() {
        diagnostic.help("the inputs are listed in home.yaml under `inputs:`");
    }
    None
}

/// The values below `key`, of the kind that is looked at; empty when it is not there.
fn values_of(
    key: &str,
    fields: &Fields<'_>,
    source: &Source<'_>,
    findings: &mut Findings<'_>,
) -> Option<Vec<Value>> {
    let Some(node) = fields.get(key) else {
        return Some(Vec::new());
    };
    let nodes = some_items(node, "a value", findings)?;
    match source {
        Source::Attribute(attribute) => values(nodes, attribute, findings),
        Source::Input(input) => {
            let values: Vec<Option<Value>> = nodes
                .iter()
                .map(|it| input_value(it, input, findings))
                .collect();
            values.into_iter().collect()
        }
    }
}

pub(super) fn input_value(
    node: &Node,
    input: &Input,
    findings: &mut Findings<'_>,
) -> Option<Value> {
    match &input.kind {
        InputKind::Boolean => boolean(node, findings).map(Value::Bool),
        InputKind::Text => text(node, "a value", VALUE_CHARACTERS_MAX, findings)
            .map(|it| Value::Text(it.to_owned())),
        InputKind::Number(unit) => number(node, unit, findings).map(Value::Number),
    }
}

/// A number in the unit of an input; one of its own takes itself and bare numbers.
fn number(node: &Node, unit: &InputUnit, findings: &mut Findings<'_>) -> Option<f64> {
    let name = "the input";
    match unit {
        InputUnit::None => quantity(node, Wanted { name, unit: None }, findings),
        InputUnit::Known(unit) => {
            let unit = Some(*unit);
            quantity(node, Wanted { name, unit }, findings)
        }
        InputUnit::Own(own) => {
            let stripped = match &node.kind {
                Kind::Text(text) => text.trim().strip_suffix(own.as_str()),
                Kind::Number { value, .. } => return Some(*value),
                Kind::Null | Kind::Bool(_) | Kind::List(_) | Kind::Map(_) | Kind::Secret(_) => {
                    wrong_type(node, "a number for the input", findings);
                    return None;
                }
            };
            let value = stripped.and_then(|it| crate::document::node::number(it.trim()));
            if value.is_none() {
                let written = shown(findings.source.slice(node.span));
                findings
                    .report(
                        code::WRONG_DIMENSION,
                        node.span,
                        format!("`{written}` is not a number in {own}"),
                    )
                    .help(format!("write for example `0.2 {own}` or `0.2`"));
            }
            value
        }
    }
}

pub(super) fn state(
    fields: &Fields<'_>,
    scope: &Scope<'_>,
    findings: &mut Findings<'_>,
) -> Option<StateTrigger> {
    let held = held(fields, findings);
    let (watched, source) = watched(fields, scope, findings)?;
    let mut values = |key: &str| values_of(key, fields, &source, findings);
    let (from, to) = (values("from"), values("to"));
    let (not_from, not_to) = (values("not_from"), values("not_to"));
    Some(StateTrigger {
        watched,
        from: from?,
        to: to?,
        not_from: not_from?,
        not_to: not_to?,
        held: held?,
    })
}

pub(super) fn numeric(
    fields: &Fields<'_>,
    scope: &Scope<'_>,
    findings: &mut Findings<'_>,
) -> Option<NumericTrigger> {
    let held = held(fields, findings);
    let from_unknown = fields.maybe("from_unknown", findings, |it, findings| {
        word(it, "what follows unknown", FROM_UNKNOWN, findings)
    });
    let (watched, source) = watched(fields, scope, findings)?;
    let mark = findings.mark();
    let mut bound = |key: &str| {
        let node = fields.get(key)?;
        limit(node, &source, findings)
    };
    let (above, below, reset) = (bound("above"), bound("below"), bound("reset"));
    if findings.has_errors_since(mark) {
        return None;
    }
    if above.is_none() && below.is_none() {
        findings
            .report(
                code::NEVER_TRUE,
                fields.head(),
                "the trigger does not say which limit is crossed",
            )
            .help("add `above:` or `below:`");
        return None;
    }
    if let (Some(entry), Some(reset)) = (fields.entry("reset"), reset) {
        check_reset(entry.value.span, (above, below), reset, findings)?;
    }
    if is_impossible(above, below, None, None) {
        findings
            .report(
                code::NEVER_TRUE,
                fields.head(),
                "no number is within these limits",
            )
            .help("for \"outside of\", write two triggers");
        return None;
    }
    Some(NumericTrigger {
        watched,
        above,
        below,
        reset,
        fires_from_unknown: from_unknown?.unwrap_or_default(),
        held: held?,
    })
}

/// The way back lies on the other side of the limit.
fn check_reset(
    span: crate::document::source::Span,
    (above, below): (Option<f64>, Option<f64>),
    reset: f64,
    findings: &mut Findings<'_>,
) -> Option<()> {
    let complaint = match (above, below) {
        (Some(_), Some(_)) => "`reset` needs one limit, and this trigger has two",
        (Some(above), None) if reset > above => "`reset` lies above `above`, where it never resets",
        (None, Some(below)) if reset < below => "`reset` lies below `below`, where it never resets",
        (Some(_) | None, None) | (None, Some(_)) => return Some(()),
    };
    findings
        .report(code::NEVER_TRUE, span, complaint)
        .help("`above: 98 %` goes with `reset: 95 %`, `below: 20 %` with `reset: 25 %`");
    None
}

/// A number that can be crossed.
fn limit(node: &Node, source: &Source<'_>, findings: &mut Findings<'_>) -> Option<f64> {
    let name = match source {
        Source::Input(input) => match &input.kind {
            InputKind::Number(unit) => return number(node, unit, findings),
            InputKind::Text | InputKind::Boolean => "the input",
        },
        Source::Attribute(attribute) => match attribute.kind {
            AttributeKind::Number(unit) => {
                let name = attribute.name;
                return quantity(node, Wanted { name, unit }, findings);
            }
            AttributeKind::Bool | AttributeKind::Text(_) => attribute.name,
        },
    };
    findings
        .report(
            code::NOT_A_NUMBER,
            node.head(),
            format!("`{name}` is not a number"),
        )
        .help("write `state` with `to:` or `is:`");
    None
}

/// A condition that asks an input.
pub(super) fn input_test(
    is_numeric: bool,
    fields: &Fields<'_>,
    scope: &Scope<'_>,
    findings: &mut Findings<'_>,
) -> Option<InputTest> {
    let max_age = max_age(fields, findings);
    let held_for = held(fields, findings);
    let (watched, source) = watched(fields, scope, findings)?;
    let (Watched::Input(name), Source::Input(input)) = (watched, &source) else {
        return None;
    };
    let asks = if is_numeric {
        let bounds = bounds(fields, findings)?;
        let mark = findings.mark();
        let mut bound = |node: Option<&Node>| node.and_then(|it| limit(it, &source, findings));
        let (above, below) = (bound(bounds.above), bound(bounds.below));
        let (at_least, at_most) = (bound(bounds.at_least), bound(bounds.at_most));
        if findings.has_errors_since(mark) {
            return None;
        }
        InputQuestion::Number {
            above,
            below,
            at_least,
            at_most,
        }
    } else {
        crate::rules::parse::condition::values(fields, findings)?;
        let is = values_of("is", fields, &source, findings);
        let is_not = values_of("is_not", fields, &source, findings);
        InputQuestion::State {
            is: is?,
            is_not: is_not?,
        }
    };
    let max_age: Duration = max_age?.unwrap_or(input.max_age);
    Some(InputTest {
        input: name,
        max_age,
        held_for: held_for?,
        asks,
    })
}
