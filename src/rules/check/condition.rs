//! Conditions, with values of the right kind and in the right unit.

use crate::config::names::Names;
use crate::document::code;
use crate::document::decode::{boolean, report_template, wrong_type};
use crate::document::diagnostic::{Findings, shown};
use crate::document::node::{Kind, Node};
use crate::document::source::Span;
use crate::document::suggest::closest;
use crate::domain::catalogue::{Attribute, AttributeKind};
use crate::domain::value::Value;
use crate::rules::catalog::bounds::VALUE_CHARACTERS_MAX;
use crate::rules::check::quantity::{Wanted, quantity};
use crate::rules::check::{Scope, device, place, question};
use crate::rules::condition::Block;
use crate::rules::expr::{template, written};
use crate::rules::expression::is_computed;
use crate::rules::rule::{Condition, NumericTest, StateTest, Subject, Test};
use crate::rules::syntax;
use crate::rules::trigger::Held;

pub(super) fn condition(
    written: &syntax::Condition<'_>,
    scope: &Scope<'_>,
    findings: &mut Findings<'_>,
) -> Option<Condition> {
    let test = match &written.test {
        syntax::Test::Time(test) => Test::Time(test.clone()),
        syntax::Test::State {
            subject: written,
            is,
            is_not,
            held_for,
        } => {
            let (subject, attribute) = subject(written, scope.names, findings)?;
            Test::State(state(
                subject,
                attribute,
                (is, is_not),
                *held_for,
                findings,
            )?)
        }
        syntax::Test::Numeric {
            subject: on,
            bounds,
            held_for,
        } => {
            let (subject, attribute) = subject(on, scope.names, findings)?;
            let test = numeric(subject, attribute, written.head, bounds, findings)?;
            Test::NumericState(NumericTest {
                held_for: *held_for,
                ..test
            })
        }
        syntax::Test::Expression(node) => Test::Expression(match &node.kind {
            Kind::Text(text) => template::condition(node, text, &scope.values, findings)?,
            Kind::Null
            | Kind::Bool(_)
            | Kind::Number { .. }
            | Kind::List(_)
            | Kind::Map(_)
            | Kind::Secret(_) => written::value(node, &scope.values, findings)?,
        }),
        syntax::Test::Block(join, written) => Test::Block(Block {
            join: *join,
            conditions: all(written, scope, findings),
        }),
        syntax::Test::Of(word, fields) => question::question(word.name, fields, scope, findings)?,
    };
    Some(Condition {
        alias: written.alias.map(str::to_owned),
        enabled: written.enabled,
        if_unknown: written.if_unknown,
        place: place(written.head, findings),
        test,
    })
}

/// Those that can be made.
pub(super) fn all(
    written: &[syntax::Condition<'_>],
    scope: &Scope<'_>,
    findings: &mut Findings<'_>,
) -> Vec<Condition> {
    written
        .iter()
        .filter_map(|it| condition(it, scope, findings))
        .collect()
}

/// A test of `subject` for values that are wanted and values that are not.
pub(super) fn state(
    subject: Subject,
    attribute: &Attribute,
    (is, is_not): (&[Node], &[Node]),
    held_for: Option<Held>,
    findings: &mut Findings<'_>,
) -> Option<StateTest> {
    let mark = findings.mark();
    for node in is.iter().chain(is_not) {
        refuse_computed(node, attribute, "==", findings);
    }
    if findings.has_errors_since(mark) {
        return None;
    }
    let (is, is_not) = (
        values(is, attribute, findings),
        values(is_not, attribute, findings),
    );
    Some(StateTest {
        subject,
        is: is?,
        is_not: is_not?,
        held_for,
    })
}

/// Values that the attribute can have.
pub(super) fn values(
    nodes: &[Node],
    attribute: &Attribute,
    findings: &mut Findings<'_>,
) -> Option<Vec<Value>> {
    let values: Vec<Option<Value>> = nodes
        .iter()
        .map(|it| value(it, attribute, findings))
        .collect();
    values.into_iter().collect()
}

fn subject(
    written: &syntax::Subject<'_>,
    names: &Names,
    findings: &mut Findings<'_>,
) -> Option<(Subject, &'static Attribute)> {
    let device = device::named(written.device, names, findings)?;
    let attribute = device::attribute(written.attribute, &device, findings)?;
    let subject = Subject {
        device,
        attribute: attribute.name.to_owned(),
        max_age: written.max_age,
    };
    Some((subject, attribute))
}

/// A value that the attribute can have.
pub(super) fn value(
    node: &Node,
    attribute: &Attribute,
    findings: &mut Findings<'_>,
) -> Option<Value> {
    match attribute.kind {
        AttributeKind::Bool => boolean(node, findings).map(Value::Bool),
        AttributeKind::Number(unit) => {
            let name = attribute.name;
            quantity(node, Wanted { name, unit }, findings).map(Value::Number)
        }
        AttributeKind::Text(words) => word(node, attribute.name, words, findings),
    }
}

/// The documents do not close the list of words, so that another one is advice, not an error.
fn word(
    node: &Node,
    attribute: &str,
    words: &[&'static str],
    findings: &mut Findings<'_>,
) -> Option<Value> {
    let Kind::Text(written) = &node.kind else {
        wrong_type(node, &format!("text for `{attribute}`"), findings);
        return None;
    };
    if written.contains("{{") {
        report_template(node.span, findings);
        return None;
    }
    if written.is_empty() || written.chars().count() > VALUE_CHARACTERS_MAX {
        findings.report(
            code::TEXT_LENGTH,
            node.span,
            format!("a value has 1 to {VALUE_CHARACTERS_MAX} characters"),
        );
        return None;
    }
    if !words.contains(&written.as_str()) {
        let known = words.join("`, `");
        findings
            .report(
                code::UNSEEN_WORD,
                node.span,
                format!("`{attribute}` was never seen to be `{}`", shown(written)),
            )
            .did_you_mean(closest(written, words.iter().copied()))
            .note(format!("seen so far: `{known}`"));
    }
    Some(Value::Text(written.clone()))
}

pub(super) fn numeric(
    subject: Subject,
    attribute: &Attribute,
    head: Span,
    bounds: &syntax::Bounds<'_>,
    findings: &mut Findings<'_>,
) -> Option<NumericTest> {
    let AttributeKind::Number(unit) = attribute.kind else {
        findings
            .report(
                code::NOT_A_NUMBER,
                head,
                format!("`{}` is not a number", attribute.name),
            )
            .help("write `condition: state` with `is:`");
        return None;
    };
    let wanted = Wanted {
        name: attribute.name,
        unit,
    };
    let mark = findings.mark();
    let mut bound = |node: Option<&Node>| {
        let node = node.filter(|it| !refuse_computed(it, attribute, ">", findings));
        node.and_then(|it| quantity(it, wanted, findings))
    };
    let test = NumericTest {
        subject,
        above: bound(bounds.above),
        below: bound(bounds.below),
        at_least: bound(bounds.at_least),
        at_most: bound(bounds.at_most),
        held_for: None,
    };
    if findings.has_errors_since(mark) {
        return None;
    }
    if is_impossible(test.above, test.below, test.at_least, test.at_most) {
        findings
            .report(
                code::NEVER_TRUE,
                head,
                format!("no value of `{}` is within these bounds", attribute.name),
            )
            .help("for \"outside of\", write `or:` with two conditions");
        return None;
    }
    Some(test)
}

/// Says whether the value wants to be calculated, which the whole condition can be.
fn refuse_computed(
    node: &Node,
    attribute: &Attribute,
    operator: &str,
    findings: &mut Findings<'_>,
) -> bool {
    let is_computed = is_computed(node);
    if is_computed {
        let name = attribute.name;
        findings
            .report(
                code::TEMPLATE,
                node.span,
                "a template in `{{ }}` is not taken here",
            )
            .help(format!(
                "write the whole condition as an expression: `\"{{{{ DEVICE.{name} {operator} … }}}}\"`"
            ));
    }
    is_computed
}

pub(super) fn is_impossible(
    above: Option<f64>,
    below: Option<f64>,
    at_least: Option<f64>,
    at_most: Option<f64>,
) -> bool {
    let excludes = |low: Option<f64>, high: Option<f64>, is_strict: bool| {
        low.zip(high)
            .is_some_and(|(low, high)| low > high || (is_strict && low >= high))
    };
    excludes(above, below, true)
        || excludes(above, at_most, true)
        || excludes(at_least, below, true)
        || excludes(at_least, at_most, false)
}
