//! YAML values as expressions: `80 %`, `[a, b]`, `"{{ house_battery.level }}"`.

use jiff::SignedDuration;

use crate::document::code;
use crate::document::decode::wrong_type;
use crate::document::diagnostic::Findings;
use crate::document::duration;
use crate::document::node::{self, Kind as NodeKind, Node};
use crate::document::places::Places;
use crate::domain::unit::{Dimension, Unit};
use crate::rules::catalog::bounds::ITEMS_MAX;

use super::check::check;
use super::kind::Kind;
use super::program::{Checked, Step};
use super::scope::Scope;
use super::template::{Written, is_template, pieces, single};
use super::value::Value;
use super::{Excerpt, TEXT_BYTES_MAX, tree};

/// The value that `node` holds: a number, a text, a list, or what an expression gives.
pub fn value(node: &Node, scope: &Scope<'_>, findings: &mut Findings<'_>) -> Option<Checked> {
    let written = match &node.kind {
        NodeKind::Null => tree::NodeKind::Unknown,
        NodeKind::Bool(value) => tree::NodeKind::Bool(*value),
        NodeKind::Number { value, .. } => tree::NodeKind::Number {
            value: *value,
            unit: None,
        },
        NodeKind::Text(text) if text.len() > TEXT_BYTES_MAX => {
            let message = format!(
                "the text has {} bytes, and {TEXT_BYTES_MAX} are allowed",
                text.len()
            );
            findings.report(code::TEXT_LENGTH, node.span, message);
            return None;
        }
        NodeKind::Text(text) if !is_template(text) => plain(text),
        NodeKind::Text(text) => return computed(node, text, scope, findings),
        NodeKind::List(items) => return list(node, items, scope, findings),
        NodeKind::Map(_) | NodeKind::Secret(_) => {
            wrong_type(
                node,
                "a value: a number, text, `true`, `false`, a list or `\"{{ … }}\"`",
                findings,
            );
            return None;
        }
    };
    let literal = tree::Node {
        kind: written,
        at: tree::At(node.span),
    };
    check(&literal, scope, findings)
}

/// `80 %`, `5m` and `22:30` are a quantity, a duration and a time of day, as they are inside braces;
/// everything else is what it says.
fn plain(text: &str) -> tree::NodeKind {
    let split = text.find(|c: char| !matches!(c, '0'..='9' | '.' | '+' | '-'));
    if let Some((digits, unit)) = split.map(|it| text.split_at(it))
        && let Some(value) = node::number(digits)
        && let Some(unit) = Unit::parse(unit.trim())
        && unit.dimension() != Dimension::Time
    {
        let unit = Some(unit);
        return tree::NodeKind::Number { value, unit };
    }
    if let Some(time) = duration::clock(text) {
        return tree::NodeKind::Time(time);
    }
    // With seconds it would be a time of day as well; a duration is what such texts are elsewhere.
    if let Some(time) = duration::clock(text).filter(|_| text.matches(':').count() == 1) {
        return tree::NodeKind::Time(time);
    }
    let milliseconds = duration::parse(text).and_then(|it| i64::try_from(it).ok());
    match milliseconds {
        Some(milliseconds) => tree::NodeKind::Duration(SignedDuration::from_millis(milliseconds)),
        None => tree::NodeKind::Text(text.to_owned()),
    }
}

fn computed(
    node: &Node,
    text: &str,
    scope: &Scope<'_>,
    findings: &mut Findings<'_>,
) -> Option<Checked> {
    let places = Places::of(node, findings.source);
    let written = pieces(Excerpt::whole(text, &places), findings)?;
    if let Some(tree) = single(&written) {
        return check(tree, scope, findings);
    }
    let mut steps = Vec::new();
    let mut is_whole = true;
    for piece in &written {
        match piece {
            Written::Text(text) => steps.push(Step::Push(Value::text(text))),
            Written::Expression(tree) => match check(tree, scope, findings) {
                Some(checked) => {
                    let symbol = checked.kind.symbol().map(str::to_owned);
                    steps.extend(checked.steps);
                    steps.push(Step::Show(symbol));
                }
                None => is_whole = false,
            },
        }
    }
    steps.push(Step::Concatenate(written.len()));
    is_whole.then(|| Checked {
        text: text.to_owned(),
        kind: Kind::Text,
        steps,
    })
}

fn list(
    node: &Node,
    items: &[Node],
    scope: &Scope<'_>,
    findings: &mut Findings<'_>,
) -> Option<Checked> {
    if items.len() > ITEMS_MAX {
        let message = format!(
            "the list has {} items, and {ITEMS_MAX} are allowed",
            items.len()
        );
        findings.report(code::TOO_MANY, node.head(), message);
        return None;
    }
    let checked: Vec<Option<Checked>> = items.iter().map(|it| value(it, scope, findings)).collect();
    let mut kind = Kind::Unknown;
    let mut steps = Vec::new();
    let mut texts = Vec::new();
    for (item, checked) in items.iter().zip(checked) {
        let checked = checked?;
        let Some((joined, conversion)) = kind.join(&checked.kind) else {
            let (first, second) = (kind.phrase(), checked.kind.phrase());
            findings
                .report(
                    code::OPERAND,
                    item.head(),
                    format!("the list begins with {first}, and this is {second}"),
                )
                .help("all items of a list are of one type");
            return None;
        };
        kind = joined;
        steps.extend(checked.steps);
        steps.extend(conversion.map(Step::Convert));
        texts.push(checked.text);
    }
    steps.push(Step::List(items.len()));
    Some(Checked {
        text: format!("[{}]", texts.join(", ")),
        kind: Kind::List(Box::new(kind)),
        steps,
    })
}
