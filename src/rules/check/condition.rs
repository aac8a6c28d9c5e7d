//! Conditions, with values of the right kind and in the right unit.

use crate::config::names::Names;
use crate::document::code;
use crate::document::decode::{boolean, report_template, wrong_type};
use crate::document::diagnostic::{Findings, shown};
use crate::document::node::{Kind, Node};
use crate::document::suggest::closest;
use crate::domain::catalogue::{Attribute, AttributeKind};
use crate::domain::value::Value;
use crate::rules::check::quantity::{Wanted, quantity};
use crate::rules::check::{device, place};
use crate::rules::expr::scope::Scope;
use crate::rules::expr::template;
use crate::rules::rule::{Condition, NumericTest, StateTest, Subject, Test};
use crate::rules::syntax;

const TEXT_CHARACTERS_MAX: usize = 200;

pub(super) fn condition(
    written: &syntax::Condition<'_>,
    scope: &Scope<'_>,
    findings: &mut Findings<'_>,
) -> Option<Condition> {
    let names = scope.names;
    let test = match &written.test {
        syntax::Test::Time(test) => Test::Time(test.clone()),
        syntax::Test::State {
            subject: written,
            is,
            is_not,
        } => {
            let (subject, attribute) = subject(written, names, findings)?;
            let mut values = |nodes: &[Node]| -> Option<Vec<Value>> {
                let values: Vec<Option<Value>> = nodes
                    .iter()
                    .map(|it| value(it, attribute, findings))
                    .collect();
                values.into_iter().collect()
            };
            let (is, is_not) = (values(is), values(is_not));
            Test::State(StateTest {
                subject,
                is: is?,
                is_not: is_not?,
            })
        }
        syntax::Test::Numeric {
            subject: on,
            bounds,
        } => {
            let (subject, attribute) = subject(on, names, findings)?;
            Test::NumericState(numeric(subject, attribute, written, bounds, findings)?)
        }
        syntax::Test::Expression(written) => Test::Expression(template::condition(
            written.node,
            written.text,
            scope,
            findings,
        )?),
    };
    Some(Condition {
        alias: written.alias.map(str::to_owned),
        enabled: written.enabled,
        if_unknown: written.if_unknown,
        place: place(written.head, findings),
        test,
    })
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
    if written.is_empty() || written.chars().count() > TEXT_CHARACTERS_MAX {
        findings.report(
            code::TEXT_LENGTH,
            node.span,
            format!("a value has 1 to {TEXT_CHARACTERS_MAX} characters"),
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

fn numeric(
    subject: Subject,
    attribute: &Attribute,
    written: &syntax::Condition<'_>,
    bounds: &syntax::Bounds<'_>,
    findings: &mut Findings<'_>,
) -> Option<NumericTest> {
    let AttributeKind::Number(unit) = attribute.kind else {
        findings
            .report(
                code::NOT_A_NUMBER,
                written.head,
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
    let mut bound = |node: Option<&Node>| node.and_then(|it| quantity(it, wanted, findings));
    let test = NumericTest {
        subject,
        above: bound(bounds.above),
        below: bound(bounds.below),
        at_least: bound(bounds.at_least),
        at_most: bound(bounds.at_most),
    };
    if findings.has_errors_since(mark) {
        return None;
    }
    if is_impossible(&test) {
        findings
            .report(
                code::NEVER_TRUE,
                written.head,
                format!("no value of `{}` is within these bounds", attribute.name),
            )
            .help("for \"outside of\", write two rules");
        return None;
    }
    Some(test)
}

fn is_impossible(test: &NumericTest) -> bool {
    let excludes = |low: Option<f64>, high: Option<f64>, is_strict: bool| {
        low.zip(high)
            .is_some_and(|(low, high)| low > high || (is_strict && low >= high))
    };
    excludes(test.above, test.below, true)
        || excludes(test.above, test.at_most, true)
        || excludes(test.at_least, test.below, true)
        || excludes(test.at_least, test.at_most, false)
}
