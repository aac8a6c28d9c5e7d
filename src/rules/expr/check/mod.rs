//! [`tree`](super::tree) to [`program`](super::program): every name leads somewhere, every type fits.
//!
//! Goes on after a problem, so that one look shows all of them.

use crate::document::code;
use crate::document::diagnostic::{Diagnostic, Findings};
use crate::document::source::Span;

use super::kind::{Conversion, Kind, Measure};
use super::program::{Checked, Step};
use super::scope::Scope;
use super::tree::{Node, NodeKind};
use super::value::Value;

mod call;
mod name;
mod operator;
mod product;
mod word;

/// The expression, checked; none when something is wrong with it, and then `findings` says what.
pub fn check(node: &Node, scope: &Scope<'_>, findings: &mut Findings<'_>) -> Option<Checked> {
    let mark = findings.mark();
    let mut checker = Checker {
        scope,
        findings,
        steps: Vec::new(),
        mixed: None,
    };
    let kind = checker.node(node);
    let (steps, mixed) = (checker.steps, checker.mixed);
    if let (None, Some(note), Some(first)) = (&kind, mixed, findings.diagnostics.get_mut(mark)) {
        first.note(note);
    }
    Some(Checked {
        text: node.to_string(),
        kind: kind?,
        steps,
    })
}

/// Like [`check`], for what must be true or false.
pub fn check_bool(node: &Node, scope: &Scope<'_>, findings: &mut Findings<'_>) -> Option<Checked> {
    let checked = check(node, scope, findings)?;
    if matches!(checked.kind, Kind::Bool | Kind::Unknown) {
        return Some(checked);
    }
    let found = checked.kind.phrase();
    findings
        .report(
            code::OPERAND,
            node.span(),
            format!("a condition is true or false, and this is {found}"),
        )
        .help("compare it: write for example `x > 80` or `x == \"charging\"`");
    None
}

struct Checker<'c, 'f, 's> {
    scope: &'c Scope<'c>,
    findings: &'f mut Findings<'s>,
    /// Of what was checked so far; without meaning once there was a problem.
    steps: Vec<Step>,
    /// Why a name is of any type, for those who wonder.
    mixed: Option<String>,
}

impl Checker<'_, '_, '_> {
    /// Adds the steps of `node`, which leave one value of the kind that comes back.
    fn node(&mut self, node: &Node) -> Option<Kind> {
        match &node.kind {
            NodeKind::Unknown => Some(self.push(Value::Unknown, Kind::Unknown)),
            NodeKind::Bool(value) => Some(self.push(Value::Bool(*value), Kind::Bool)),
            NodeKind::Number { value, unit } => {
                let measure = unit.map_or(Measure::Plain, Measure::Unit);
                Some(self.push(Value::number(*value), Kind::Number(measure)))
            }
            NodeKind::Text(text) => Some(self.push(Value::text(text), Kind::Text)),
            NodeKind::Duration(it) => Some(self.push(Value::Duration(*it), Kind::Duration)),
            NodeKind::Time(time) => Some(self.push(Value::Time(*time), Kind::Time)),
            NodeKind::Name(words) => self.name(words, node.span()),
            NodeKind::List(items) => self.list(items),
            NodeKind::Not(of) => {
                let kind = self.node(of)?;
                self.expect_bool(&kind, of.span(), "not")?;
                self.steps.push(Step::Not);
                Some(Kind::Bool)
            }
            NodeKind::Negate(of) => self.negate(of),
            NodeKind::Binary {
                operator,
                at,
                left,
                right,
            } => self.binary(*operator, at.0, left, right),
            NodeKind::If {
                then,
                condition,
                otherwise,
            } => self.choice(then, condition, otherwise),
            NodeKind::Call {
                function,
                arguments,
            } => self.call(function, arguments, node.span()),
        }
    }

    fn push(&mut self, value: Value, kind: Kind) -> Kind {
        self.steps.push(Step::Push(value));
        kind
    }

    /// Adds what brings the value on top to the kind it is wanted in.
    fn convert(&mut self, conversion: Option<Conversion>) {
        self.steps.extend(conversion.map(Step::Convert));
    }

    fn report(&mut self, span: Span, message: impl Into<String>) -> &mut Diagnostic {
        self.findings.report(code::OPERAND, span, message)
    }

    fn expect_bool(&mut self, kind: &Kind, span: Span, word: &str) -> Option<()> {
        if matches!(kind, Kind::Bool | Kind::Unknown) {
            return Some(());
        }
        let found = kind.phrase();
        let diagnostic = self.report(span, format!("`{word}` needs true or false, found {found}"));
        if *kind == Kind::Any {
            diagnostic.help("compare it: `x == true`");
        } else {
            diagnostic.help("compare it: write for example `x > 80` or `x == \"charging\"`");
        }
        None
    }

    fn negate(&mut self, of: &Node) -> Option<Kind> {
        let kind = self.node(of)?;
        if !matches!(kind, Kind::Number(_) | Kind::Duration | Kind::Unknown) {
            let found = kind.phrase();
            self.report(
                of.span(),
                format!("`-` needs a number or a duration, found {found}"),
            );
            return None;
        }
        self.steps.push(Step::Negate);
        Some(kind)
    }

    fn list(&mut self, items: &[Node]) -> Option<Kind> {
        let mut of = Some(Kind::Unknown);
        for item in items {
            let kind = self.node(item);
            let (Some(before), Some(kind)) = (of.take(), kind) else {
                continue;
            };
            if let Some((joined, conversion)) = before.join(&kind) {
                self.convert(conversion);
                of = Some(joined);
            } else {
                let (first, second) = (before.phrase(), kind.phrase());
                self.report(
                    item.span(),
                    format!("the list begins with {first}, and this is {second}"),
                )
                .help("all items of a list are of one type");
            }
        }
        self.steps.push(Step::List(items.len()));
        Some(Kind::List(Box::new(of?)))
    }

    fn choice(&mut self, then: &Node, condition: &Node, otherwise: &Node) -> Option<Kind> {
        let then_kind = self.node(then);
        let kind = self.node(condition);
        let condition = kind.and_then(|it| self.expect_bool(&it, condition.span(), "if"));
        let otherwise_kind = self.node(otherwise);
        let (then_kind, otherwise_kind) = (then_kind?, otherwise_kind?);
        condition?;
        let Some((kind, conversion)) = then_kind.join(&otherwise_kind) else {
            let (first, second) = (then_kind.phrase(), otherwise_kind.phrase());
            let place = self.findings.source.location(then.span());
            self.report(
                otherwise.span(),
                format!("before `if` stands {first}, and behind `else` {second}"),
            )
            .also(place, first)
            .label(second)
            .help("both must be of one type, since either can come out");
            return None;
        };
        self.convert(conversion);
        self.steps.push(Step::Choose);
        Some(kind)
    }
}
