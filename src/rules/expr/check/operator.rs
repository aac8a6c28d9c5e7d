//! What stands on both sides of an operator.

use crate::document::code::{self, Code};
use crate::document::diagnostic::Diagnostic;
use crate::document::source::Span;
use crate::domain::unit::{Dimension, Unit};
use crate::rules::expr::kind::{Conversion, Kind, Measure};
use crate::rules::expr::program::Step;
use crate::rules::expr::tree::{Node, NodeKind, Operator};

use super::{Checker, product, word};

/// An operator and its two sides, which have been checked.
struct Operands {
    operator: Operator,
    at: Span,
    left: Kind,
    left_span: Span,
    right: Kind,
    right_span: Span,
    /// Where the steps of the left side end.
    middle: usize,
    /// One of the sides is a sum or a difference.
    is_shifted: bool,
}

impl Operands {
    /// What both have in common. A difference of temperatures is no temperature, and is not converted as one.
    fn joined(&self) -> Option<(Kind, Option<Conversion>)> {
        let are_mixed = match (&self.left, &self.right) {
            (Kind::Number(a), Kind::Number(b)) => are_two_temperatures(a, b),
            _ => false,
        };
        if are_mixed && self.is_shifted {
            return None;
        }
        self.left.join(&self.right)
    }
}

fn is_sum(node: &Node) -> bool {
    matches!(
        node.kind,
        NodeKind::Binary {
            operator: Operator::Add | Operator::Subtract,
            ..
        }
    )
}

impl Checker<'_, '_, '_> {
    pub(super) fn binary(
        &mut self,
        operator: Operator,
        at: Span,
        left: &Node,
        right: &Node,
    ) -> Option<Kind> {
        self.refuse_unknown(operator, left, right)?;
        let left_kind = self.node(left);
        let middle = self.steps.len();
        let right_kind = self.node(right);
        let operands = Operands {
            operator,
            at,
            left: left_kind?,
            left_span: left.span(),
            right: right_kind?,
            right_span: right.span(),
            middle,
            is_shifted: is_sum(left) || is_sum(right),
        };
        match operator {
            Operator::Or | Operator::And => {
                let word = operator.symbol();
                let left = self.expect_bool(&operands.left, operands.left_span, word);
                let right = self.expect_bool(&operands.right, operands.right_span, word);
                left.and(right)?;
                self.finish(operator, Kind::Bool)
            }
            Operator::Equal | Operator::NotEqual => {
                self.equality(&operands)?;
                word::check_words(left, right, self.scope, self.findings)?;
                self.finish(operator, Kind::Bool)
            }
            Operator::Less | Operator::AtMost | Operator::Greater | Operator::AtLeast => {
                self.order(&operands)?;
                self.finish(operator, Kind::Bool)
            }
            Operator::In | Operator::NotIn => {
                self.membership(&operands)?;
                word::check_words(left, right, self.scope, self.findings)?;
                self.finish(operator, Kind::Bool)
            }
            Operator::Add | Operator::Subtract => {
                let kind = self.sum(&operands)?;
                self.finish(operator, kind)
            }
            Operator::Multiply | Operator::Divide => self.product(&operands),
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "it ends each arm of `binary`")]
    fn finish(&mut self, operator: Operator, kind: Kind) -> Option<Kind> {
        self.steps.push(Step::Binary(operator));
        Some(kind)
    }

    /// A comparison with the word `unknown` never comes true.
    fn refuse_unknown(&mut self, operator: Operator, left: &Node, right: &Node) -> Option<()> {
        let is_equality = matches!(operator, Operator::Equal | Operator::NotEqual);
        let (unknown, other) = match (&left.kind, &right.kind) {
            (NodeKind::Unknown, _) => (left, right),
            (_, NodeKind::Unknown) => (right, left),
            _ => return Some(()),
        };
        if !is_equality {
            return Some(());
        }
        let not = if operator == Operator::Equal {
            "not "
        } else {
            ""
        };
        self.findings
            .report(
                code::NEVER_TRUE,
                unknown.span(),
                "nothing is ever equal to `unknown`, nor different from it",
            )
            .help(format!("write `{not}known({other})`"));
        None
    }

    /// Says what each side is.
    fn mismatch(&mut self, code: Code, operands: &Operands, what: &str) -> &mut Diagnostic {
        let (left, right) = (operands.left.phrase(), operands.right.phrase());
        let message = format!("{left} and {right} {what}");
        let source = self.findings.source;
        self.findings
            .report(code, operands.at, message)
            .also(source.location(operands.left_span), left)
            .also(source.location(operands.right_span), right)
    }

    /// Reports two sides that are not of one kind.
    fn report_unlike(&mut self, operands: &Operands, what: &str) {
        let are_numbers = matches!(
            (&operands.left, &operands.right),
            (Kind::Number(_), Kind::Number(_))
        );
        let code = if are_numbers {
            code::WRONG_DIMENSION
        } else {
            code::OPERAND
        };
        let help = remedy(&operands.left, &operands.right);
        let diagnostic = self.mismatch(code, operands, what);
        if let Some(help) = help {
            diagnostic.help(help);
        }
    }

    fn equality(&mut self, operands: &Operands) -> Option<()> {
        let (left, right) = (&operands.left, &operands.right);
        if is_clock(left, right) {
            return Some(());
        }
        let Some((kind, conversion)) = operands.joined() else {
            self.report_unlike(operands, "are never equal");
            return None;
        };
        if matches!(kind, Kind::List(_)) {
            self.mismatch(code::OPERAND, operands, "are not compared as a whole")
                .help("ask with `in` whether a list holds a value");
            return None;
        }
        self.convert(conversion);
        Some(())
    }

    fn order(&mut self, operands: &Operands) -> Option<()> {
        let (left, right) = (&operands.left, &operands.right);
        if is_clock(left, right) {
            return Some(());
        }
        let Some((kind, conversion)) = operands.joined() else {
            self.report_unlike(operands, "cannot be compared");
            return None;
        };
        let help = match kind {
            Kind::Number(_) | Kind::Duration | Kind::Moment | Kind::Time | Kind::Unknown => {
                self.convert(conversion);
                return Some(());
            }
            Kind::Any => "say what it is: `number(x)` makes a number of it",
            Kind::Text => {
                "texts have no order: write `==`, or `number(x)` where a text says a number"
            }
            Kind::Bool | Kind::List(_) => "write `==`, `!=` or `in`",
        };
        let symbol = operands.operator.symbol();
        self.mismatch(
            code::OPERAND,
            operands,
            &format!("have no order for `{symbol}`"),
        )
        .help(help);
        None
    }

    fn membership(&mut self, operands: &Operands) -> Option<()> {
        let (left, right) = (&operands.left, &operands.right);
        match right {
            Kind::Unknown => return Some(()),
            Kind::Text if matches!(left, Kind::Text | Kind::Unknown) => return Some(()),
            Kind::List(of) => {
                if let Some((_, conversion)) = left.join(of) {
                    // The list is there already, so that the single value is brought to it.
                    let conversion = conversion.and_then(backwards).map(Step::Convert);
                    if let Some(step) = conversion {
                        self.steps.insert(operands.middle, step);
                    }
                    return Some(());
                }
                let of = of.as_ref().clone();
                let alike = Operands {
                    left: left.clone(),
                    right: of,
                    ..*operands
                };
                self.report_unlike(&alike, "are never equal");
            }
            Kind::Bool
            | Kind::Any
            | Kind::Number(_)
            | Kind::Text
            | Kind::Moment
            | Kind::Duration
            | Kind::Time => {
                let found = right.phrase();
                let span = operands.right_span;
                self.report(span, format!("`in` looks into a list, and this is {found}"))
                    .help("write a list: `x in [\"charging\", \"idle\"]`");
            }
        }
        None
    }

    fn sum(&mut self, operands: &Operands) -> Option<Kind> {
        let is_sum = operands.operator == Operator::Add;
        let (left, right) = (&operands.left, &operands.right);
        let kind = match (left, right) {
            (Kind::Unknown, _) | (_, Kind::Unknown) => Some(Kind::Unknown),
            (Kind::Number(a), Kind::Number(b)) => {
                let joined = left.join(right).filter(|_| !are_two_temperatures(a, b));
                let Some((kind, conversion)) = joined else {
                    return self.refuse_sum(operands);
                };
                self.convert(conversion);
                Some(kind)
            }
            (Kind::Duration, Kind::Duration) => Some(Kind::Duration),
            (Kind::Moment, Kind::Duration) => Some(Kind::Moment),
            (Kind::Duration, Kind::Moment) if is_sum => Some(Kind::Moment),
            (Kind::Moment, Kind::Moment) if !is_sum => Some(Kind::Duration),
            (Kind::Text, Kind::Text) if is_sum => Some(Kind::Text),
            _ => None,
        };
        kind.or_else(|| self.refuse_sum(operands))
    }

    fn refuse_sum(&mut self, operands: &Operands) -> Option<Kind> {
        let is_sum = operands.operator == Operator::Add;
        let verb = if is_sum {
            "cannot be added"
        } else {
            "cannot be subtracted"
        };
        match (&operands.left, &operands.right) {
            (Kind::Text, other) | (other, Kind::Text) if is_sum && *other != Kind::Text => {
                self.mismatch(code::OPERAND, operands, verb)
                    .help("make a text of it: `text(x)`; or write both into a message: `{{ x }} and text`");
            }
            _ => self.report_unlike(operands, verb),
        }
        None
    }

    fn product(&mut self, operands: &Operands) -> Option<Kind> {
        let operator = operands.operator;
        let Some(product) = product::of(operator, &operands.left, &operands.right) else {
            let what = if operator == Operator::Multiply {
                "cannot be multiplied"
            } else {
                "cannot be divided"
            };
            let (left, right) = (&operands.left, &operands.right);
            let is_quantity = |it: &Kind| matches!(it, Kind::Number(_) | Kind::Duration);
            if !is_quantity(left) || !is_quantity(right) {
                self.report_unlike(operands, what);
                return None;
            }
            self.mismatch(code::WRONG_DIMENSION, operands, what).help(
                "what has a unit goes with bare numbers and percent, power with durations; `number(x)` takes a unit away",
            );
            return None;
        };
        self.convert(product.right);
        if let Some(conversion) = product.left {
            let step = Step::Convert(conversion);
            self.steps.insert(operands.middle, step);
        }
        self.steps.push(Step::Binary(operator));
        self.convert(product.after);
        Some(product.kind)
    }
}

fn backwards(conversion: Conversion) -> Option<Conversion> {
    match conversion {
        Conversion::Unit { from, to } => Some(Conversion::Unit { from: to, to: from }),
        Conversion::Scale(_) | Conversion::ToDuration(_) | Conversion::FromDuration(_) => None,
    }
}

/// A moment compares with a time of day by its own time of day.
fn is_clock(left: &Kind, right: &Kind) -> bool {
    matches!(
        (left, right),
        (Kind::Moment, Kind::Time) | (Kind::Time, Kind::Moment)
    )
}

/// 3 °C more is not 3 °F more, and converting one would take it for a temperature.
fn are_two_temperatures(a: &Measure, b: &Measure) -> bool {
    let unit = |measure: &Measure| -> Option<Unit> {
        match measure {
            Measure::Unit(unit) => Some(*unit),
            Measure::Plain | Measure::Own(_) => None,
        }
    };
    unit(a)
        .zip(unit(b))
        .is_some_and(|(a, b)| a != b && a.dimension() == Dimension::Temperature)
}

/// What to write so that the two meet.
fn remedy(left: &Kind, right: &Kind) -> Option<&'static str> {
    match (left, right) {
        (Kind::Number(_), Kind::Duration) | (Kind::Duration, Kind::Number(_)) => {
            Some("a duration has its unit: write `5m` or `2h`")
        }
        (Kind::Number(a), Kind::Number(b)) if are_two_temperatures(a, b) => {
            Some("write both in one unit")
        }
        (Kind::Number(a), Kind::Number(b)) => {
            let own = matches!(a, Measure::Own(_)) || matches!(b, Measure::Own(_));
            Some(if own {
                "an input's own unit goes with bare numbers and with itself; `number(x)` takes a unit away"
            } else {
                "compare like with like; `number(x)` takes a unit away"
            })
        }
        (Kind::Text, Kind::Number(_)) | (Kind::Number(_), Kind::Text) => {
            Some("`number(x)` makes a number of a text")
        }
        (Kind::Text, Kind::Bool) | (Kind::Bool, Kind::Text) => {
            Some("write `true` or `false` without quotes")
        }
        (Kind::Text, Kind::Time | Kind::Moment) | (Kind::Time | Kind::Moment, Kind::Text) => {
            Some("write times of day without quotes: `22:30`")
        }
        (Kind::Text, Kind::Duration) | (Kind::Duration, Kind::Text) => {
            Some("write durations without quotes: `5m`")
        }
        (Kind::Any, _) | (_, Kind::Any) => Some("say what it is: `number(x)` or `text(x)`"),
        _ => None,
    }
}
