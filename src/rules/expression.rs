//! Values that rules name: in `variables`, `set`, `repeat`, `parameters` and the settings of steps.
//!
//! What is the same whatever happens is calculated when the rule is read; the rest while a run is under way.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::document::code;
use crate::document::diagnostic::Findings;
use crate::document::node::{Kind as NodeKind, Node};
use crate::document::places::Places;
use crate::domain::unit::{Dimension, Unit};
use crate::rules::expr::Excerpt;
use crate::rules::expr::check::check;
use crate::rules::expr::eval::constant;
use crate::rules::expr::kind::{Kind, Measure};
use crate::rules::expr::parser::parse;
use crate::rules::expr::program::Checked;
use crate::rules::expr::scope::Scope;
use crate::rules::expr::template::is_template;
use crate::rules::expr::value::Value;
use crate::rules::expr::written;

/// Something that has a value while a run is under way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expression {
    /// Its numbers with their units.
    Literal(Value),
    Computed(Checked),
}

/// A name and what it is to hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Variable {
    pub name: String,
    pub value: Expression,
}

/// What kind of value a place takes. A value of any kind is looked at when it is there.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wanted {
    /// Of rounds.
    Count,
    List,
    Duration,
    /// From now, at a time of day, or then.
    Moment,
    /// Of a parameter or a setting.
    Number(Unit),
}

impl Expression {
    fn of(checked: Checked) -> Self {
        match constant(&checked) {
            Some(value) => Self::Literal(value.with_unit(&checked.kind)),
            None => Self::Computed(checked),
        }
    }

    pub fn kind(&self) -> Kind {
        match self {
            Self::Literal(value) => value.kind(),
            Self::Computed(checked) => checked.kind.clone(),
        }
    }

    /// The duration, when it is known already; one that lies in the past is none.
    pub(super) fn fixed_duration(&self) -> Option<Duration> {
        match self {
            Self::Literal(Value::Duration(duration)) => {
                Some(Duration::try_from(*duration).unwrap_or_default())
            }
            Self::Literal(_) | Self::Computed(_) => None,
        }
    }

    /// The number in `unit`, when it is known already.
    pub(super) fn fixed_in(&self, unit: Unit) -> Option<f64> {
        match self {
            Self::Literal(value) => value.in_unit(unit),
            Self::Computed(_) => None,
        }
    }
}

/// Whether there is anything to calculate in `node` itself.
pub(super) fn is_computed(node: &Node) -> bool {
    matches!(&node.kind, NodeKind::Text(text) if is_template(text))
}

/// The value that `node` says; none, and a finding, when it says none.
pub(super) fn compile(
    node: &Node,
    scope: &Scope<'_>,
    findings: &mut Findings<'_>,
) -> Option<Expression> {
    written::value(node, scope, findings).map(Expression::of)
}

/// Like [`compile`], of a text that is an expression without braces.
pub(super) fn compile_bare(
    node: &Node,
    text: &str,
    scope: &Scope<'_>,
    findings: &mut Findings<'_>,
) -> Option<Expression> {
    let places = Places::of(node, findings.source);
    let tree = parse(Excerpt::whole(text, &places), findings)?;
    check(&tree, scope, findings).map(Expression::of)
}

/// Like [`compile`], for what must be of one kind.
pub(super) fn compile_as(
    wanted: Wanted,
    node: &Node,
    scope: &Scope<'_>,
    findings: &mut Findings<'_>,
) -> Option<Expression> {
    let expression = compile(node, scope, findings)?;
    let kind = expression.kind();
    if wanted.takes(&kind) {
        return Some(expression);
    }
    let is_other_unit = matches!((wanted, &kind), (Wanted::Number(_), Kind::Number(_)));
    let code = if is_other_unit {
        code::WRONG_DIMENSION
    } else {
        code::WRONG_TYPE
    };
    let message = format!("expected {}, found {}", wanted.phrase(), kind.phrase());
    findings
        .report(code, node.span, message)
        .help(wanted.help(&kind));
    None
}

impl Wanted {
    fn takes(self, kind: &Kind) -> bool {
        match (self, kind) {
            (_, Kind::Any | Kind::Unknown) | (Self::List, Kind::List(_)) => true,
            (Self::Count, kind) => *kind == Kind::PLAIN,
            (Self::Duration, kind) => *kind == Kind::Duration,
            (Self::Moment, kind) => matches!(kind, Kind::Duration | Kind::Time | Kind::Moment),
            (Self::Number(unit), Kind::Duration) => unit.dimension() == Dimension::Time,
            (Self::Number(unit), Kind::Number(measure)) => {
                measure.convert(0.0, &Measure::Unit(unit)).is_some()
            }
            (Self::List | Self::Number(_), _) => false,
        }
    }

    fn phrase(self) -> String {
        match self {
            Self::Count => "a number of rounds".to_owned(),
            Self::List => "a list".to_owned(),
            Self::Duration => "a duration".to_owned(),
            Self::Moment => "a moment, a time of day or a duration".to_owned(),
            Self::Number(unit) => format!("a number in {}", unit.symbol()),
        }
    }

    fn help(self, found: &Kind) -> String {
        match (self, found) {
            (Self::Count, Kind::Number(_)) => {
                "`number(x)` takes a unit away: `\"{{ number(x) }}\"`".to_owned()
            }
            (Self::Duration | Self::Moment, Kind::Number(_)) => {
                "a number becomes a duration when it is multiplied with one: `\"{{ x * 1m }}\"`"
                    .to_owned()
            }
            (Self::Number(unit), Kind::Number(_)) => {
                let symbol = unit.symbol();
                format!("`number(x)` takes the unit away, and the number is then in {symbol}")
            }
            (Self::Count | Self::Number(_), Kind::Text) => {
                "`number(x)` makes a number of a text: `\"{{ number(x) }}\"`".to_owned()
            }
            (Self::Count | Self::Number(_), _) => "for example `\"{{ number(x) }}\"`".to_owned(),
            (Self::Duration, Kind::Text) => {
                "this makes a text; a duration is made so: `\"{{ number(x) * 1m }}\"`".to_owned()
            }
            (Self::List, _) => "for example `\"{{ [x, y] }}\"`".to_owned(),
            (Self::Duration, _) => "for example `\"{{ x * 1m }}\"`".to_owned(),
            (Self::Moment, _) => "for example `\"{{ now() + 10m }}\"`".to_owned(),
        }
    }
}
