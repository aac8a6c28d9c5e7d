//! Values that rules name: in `variables`, `set`, `repeat` and the settings of steps.
//!
//! This version knows fixed values alone here: a text in `{{ }}` is refused, unlike in conditions and messages.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::document::decode::{report_template, wrong_type};
use crate::document::diagnostic::Findings;
use crate::document::node::{Kind, Node};
use crate::domain::unit::Unit;
use crate::domain::value::Quantity;

/// The most items of a list that is a value.
const ITEMS_MAX: usize = 1000;

/// Something that has a value while a run is under way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expression {
    Literal(Literal),
}

/// A value that is written out, and what variables hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Literal {
    Bool(bool),
    Number(f64),
    Quantity(Quantity),
    Duration(Duration),
    Text(String),
    List(Vec<Self>),
}

/// A name and what it is to hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Variable {
    pub name: String,
    pub value: Expression,
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => write!(f, "{value}"),
            Self::Number(value) => write!(f, "{value}"),
            Self::Quantity(value) => write!(f, "{value}"),
            Self::Duration(value) => f.write_str(&crate::document::duration::display(*value)),
            Self::Text(value) => f.write_str(value),
            Self::List(items) => {
                let items: Vec<_> = items.iter().map(ToString::to_string).collect();
                write!(f, "[{}]", items.join(", "))
            }
        }
    }
}

/// The value that `node` says; none, and a finding, when it says none.
pub(super) fn compile(node: &Node, findings: &mut Findings<'_>) -> Option<Expression> {
    literal(node, findings).map(Expression::Literal)
}

fn literal(node: &Node, findings: &mut Findings<'_>) -> Option<Literal> {
    match &node.kind {
        Kind::Bool(value) => Some(Literal::Bool(*value)),
        Kind::Number { value, .. } => Some(Literal::Number(*value)),
        Kind::Text(text) if text.contains("{{") => {
            report_template(node.span, findings);
            None
        }
        Kind::Text(text) => Some(of_text(text)),
        Kind::List(items) if items.len() <= ITEMS_MAX => {
            let items: Vec<Option<Literal>> =
                items.iter().map(|it| literal(it, findings)).collect();
            items.into_iter().collect::<Option<_>>().map(Literal::List)
        }
        Kind::Null | Kind::List(_) | Kind::Map(_) | Kind::Secret(_) => {
            wrong_type(
                node,
                "a number, a text, `true`, `false` or a list",
                findings,
            );
            None
        }
    }
}

/// `80 %` and `5m` are a quantity and a duration; everything else is what it says.
fn of_text(text: &str) -> Literal {
    let split = text.find(|c: char| !matches!(c, '0'..='9' | '.' | '+' | '-'));
    if let Some((digits, unit)) = split.map(|it| text.split_at(it))
        && let Some(value) = crate::document::node::number(digits)
        && let Some(unit) = Unit::parse(unit.trim()).filter(|it| !is_time(*it))
    {
        return Literal::Quantity(Quantity { value, unit });
    }
    match crate::document::duration::parse(text) {
        Some(milliseconds) => Literal::Duration(Duration::from_millis(milliseconds)),
        None => Literal::Text(text.to_owned()),
    }
}

fn is_time(unit: Unit) -> bool {
    matches!(unit, Unit::Hour | Unit::Minute)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_what_it_says() {
        let quantity = |value, unit| Literal::Quantity(Quantity { value, unit });
        for (text, expected) in [
            ("80 %", quantity(80.0, Unit::Percent)),
            ("-7.4kW", quantity(-7.4, Unit::Kilowatt)),
            ("5m", Literal::Duration(Duration::from_mins(5))),
            ("2h", Literal::Duration(Duration::from_hours(2))),
            ("00:05:00", Literal::Duration(Duration::from_mins(5))),
            ("22:30", Literal::Text("22:30".to_owned())),
            ("5 parsecs", Literal::Text("5 parsecs".to_owned())),
            ("night", Literal::Text("night".to_owned())),
        ] {
            assert_eq!(of_text(text), expected, "{text}");
        }
    }
}
