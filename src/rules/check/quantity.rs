//! Numbers with their units: `90 %`, `7400 W`, `{value: 90, unit: percent}`, and bare numbers.

use crate::document::code;
use crate::document::decode::{Fields, wrong_type};
use crate::document::diagnostic::{Findings, shown};
use crate::document::node::{Kind, Node, number};
use crate::document::source::Span;
use crate::domain::unit::Unit;
use crate::rules::catalog::blocks;

/// What a number is for, as messages name it, and the unit it is wanted in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'w> {
    pub(super) name: &'w str,
    pub(super) unit: Option<Unit>,
}

impl Wanted<'_> {
    /// `7.4` as people write it for this.
    pub(super) fn show(self, value: f64) -> String {
        match self.unit {
            Some(unit) => format!("{value} {}", unit.symbol()),
            None => value.to_string(),
        }
    }

    fn example(self) -> String {
        match self.unit {
            Some(unit) => format!("write for example `20 {}`", unit.symbol()),
            None => "write for example `20`".to_owned(),
        }
    }
}

/// The number that `node` says, in the wanted unit.
pub(super) fn quantity(
    node: &Node,
    wanted: Wanted<'_>,
    findings: &mut Findings<'_>,
) -> Option<f64> {
    match &node.kind {
        Kind::Number { value, .. } => Some(*value),
        Kind::Text(text) => {
            let text = text.trim();
            let split = text.find(|c: char| !matches!(c, '0'..='9' | '.' | '+' | '-'));
            let (digits, unit) = text.split_at(split.unwrap_or(text.len()));
            let value = number(digits);
            if value.is_none() {
                report_no_number(text, node, wanted, findings);
            }
            convert(value?, unit.trim(), node.span, wanted, findings)
        }
        Kind::Map(_) => of_map(node, wanted, findings),
        Kind::Null | Kind::Bool(_) | Kind::List(_) | Kind::Secret(_) => {
            wrong_type(node, &format!("a number for `{}`", wanted.name), findings);
            None
        }
    }
}

fn report_no_number(text: &str, node: &Node, wanted: Wanted<'_>, findings: &mut Findings<'_>) {
    if text.contains("{{") {
        return crate::document::decode::report_template(node.span, findings);
    }
    findings
        .report(
            code::BAD_QUANTITY,
            node.span,
            format!("`{}` is not a number for `{}`", shown(text), wanted.name),
        )
        .help(wanted.example());
}

fn of_map(node: &Node, wanted: Wanted<'_>, findings: &mut Findings<'_>) -> Option<f64> {
    let fields = Fields::of(node, &blocks::QUANTITY, findings)?;
    let value = fields.require("value", findings)?;
    let Kind::Number { value: number, .. } = &value.kind else {
        wrong_type(value, "a number", findings);
        return None;
    };
    let Some(unit) = fields.get("unit") else {
        return Some(*number);
    };
    if unit.as_key().is_none() {
        wrong_type(unit, "a unit", findings);
    }
    convert(*number, unit.as_key()?, unit.span, wanted, findings)
}

fn convert(
    value: f64,
    written: &str,
    span: Span,
    wanted: Wanted<'_>,
    findings: &mut Findings<'_>,
) -> Option<f64> {
    if written.is_empty() {
        return Some(value);
    }
    let Some(unit) = Unit::parse(written) else {
        let diagnostic = findings.report(
            code::BAD_QUANTITY,
            span,
            format!("`{}` is not a unit", shown(written)),
        );
        if written.starts_with(',') {
            diagnostic.help("write fractions with a point: `7.4`");
        } else {
            diagnostic.help(wanted.example());
        }
        return None;
    };
    let converted = match wanted.unit {
        Some(target) => unit.convert(value, target),
        None => None,
    };
    if converted.is_none() {
        let message = match wanted.unit {
            Some(target) => format!(
                "`{}` is in {}, and `{written}` measures something else",
                wanted.name,
                target.symbol()
            ),
            None => format!("`{}` is a number without a unit", wanted.name),
        };
        findings
            .report(code::WRONG_DIMENSION, span, message)
            .help(wanted.example());
    }
    converted
}
