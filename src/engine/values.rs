//! Conditions that ask the value of a device or of an input, and for how long it has been so.

use std::time::Duration;

use crate::domain::catalogue::AttributeKind;
use crate::domain::id::InputName;
use crate::domain::value::{Origin, Value};
use crate::engine::Scene;
use crate::engine::condition::{Examined, show};
use crate::engine::trace::Truth;
use crate::rules::condition::{HeldSubject, InputQuestion, InputTest};
use crate::rules::expr::eval::age;
use crate::rules::rule::{NumericTest, StateTest, Subject};
use crate::rules::trigger::Held;

pub(super) fn check_state(scene: Scene<'_>, test: &StateTest) -> Examined {
    let question = Question::Values {
        is: &test.is,
        is_not: &test.is_not,
    };
    check(scene, &test.subject, question, test.held_for)
}

pub(super) fn check_number(scene: Scene<'_>, test: &NumericTest) -> Examined {
    let question = Question::Number {
        above: test.above,
        below: test.below,
        at_least: test.at_least,
        at_most: test.at_most,
    };
    check(scene, &test.subject, question, test.held_for)
}

fn check(
    scene: Scene<'_>,
    subject: &Subject,
    question: Question<'_>,
    held_for: Option<Held>,
) -> Examined {
    let (value, found) = look(scene, subject);
    let examined = Examined {
        asked: name(subject) + &question.describe(&unit_symbol(subject)),
        found,
        answer: value.map_or(Truth::Unknown, |it| question.ask(it)),
    };
    held(scene, (subject.held(), question), held_for, examined)
}

pub(super) fn check_input(scene: Scene<'_>, test: &InputTest) -> Examined {
    let question = match &test.asks {
        InputQuestion::State { is, is_not } => Question::Values { is, is_not },
        InputQuestion::Number {
            above,
            below,
            at_least,
            at_most,
        } => Question::Number {
            above: *above,
            below: *below,
            at_least: *at_least,
            at_most: *at_most,
        },
    };
    let (value, found) = look_input(scene, &test.input, test.max_age);
    let examined = Examined {
        asked: format!("input.{}{}", test.input, question.describe("")),
        found,
        answer: value.map_or(Truth::Unknown, |it| question.ask(it)),
    };
    let of = HeldSubject::Input(test.input.clone());
    held(scene, (of, question), test.held_for, examined)
}

/// Whether what is so now has been so for long enough, where that is asked.
fn held(
    scene: Scene<'_>,
    (of, question): (HeldSubject, Question<'_>),
    held_for: Option<Held>,
    now: Examined,
) -> Examined {
    let Some(held) = held_for else {
        return now;
    };
    let asked = format!("{} for {}", now.asked, show(held.duration));
    if now.answer != Truth::True {
        return Examined { asked, ..now };
    }
    let history = scene.state.history(&of);
    let (answer, since) = history.map_or((Truth::Unknown, None), |history| {
        history.held(held, scene.now, question)
    });
    let known = since.map(|it| format!(", so for {}", show(age(it, scene.now))));
    let known = known.unwrap_or_else(|| ", for how long is not known".to_owned());
    Examined {
        asked,
        found: now.found + &known,
        answer,
    }
}

/// What is asked of a value.
#[derive(Clone, Copy, Debug)]
pub(super) enum Question<'t> {
    /// To be one of the first, when there are any, and none of the others.
    Values {
        is: &'t [Value],
        is_not: &'t [Value],
    },
    /// To be within bounds; all that are given must hold.
    Number {
        above: Option<f64>,
        below: Option<f64>,
        at_least: Option<f64>,
        at_most: Option<f64>,
    },
}

impl Question<'_> {
    pub(super) fn ask(self, value: &Value) -> Truth {
        match (self, value) {
            (Self::Values { is, is_not }, _) => {
                let is = is.is_empty() || is.contains(value);
                Truth::from(is && !is_not.contains(value))
            }
            (
                Self::Number {
                    above,
                    below,
                    at_least,
                    at_most,
                },
                Value::Number(number),
            ) => Truth::from(
                above.is_none_or(|above| above < *number)
                    && below.is_none_or(|below| *number < below)
                    && at_least.is_none_or(|at_least| at_least <= *number)
                    && at_most.is_none_or(|at_most| *number <= at_most),
            ),
            (Self::Number { .. }, Value::Bool(_) | Value::Text(_)) => Truth::Unknown,
        }
    }

    /// The same of all numbers between two.
    pub(super) fn ask_all(self, low: &Value, high: &Value) -> Truth {
        match (self.ask(low), self.ask(high)) {
            (Truth::True, Truth::True) if matches!(self, Self::Values { .. }) => Truth::Unknown,
            (Truth::True, Truth::True) => Truth::True,
            (Truth::False, _) | (_, Truth::False) => Truth::False,
            (Truth::Unknown, _) | (_, Truth::Unknown) => Truth::Unknown,
        }
    }

    fn describe(self, symbol: &str) -> String {
        match self {
            Self::Values { is, is_not } => {
                let is = (!is.is_empty()).then(|| format!(" is {}", alternatives(is)));
                let is_not =
                    (!is_not.is_empty()).then(|| format!(" is not {}", alternatives(is_not)));
                [is, is_not].into_iter().flatten().collect()
            }
            Self::Number {
                above,
                below,
                at_least,
                at_most,
            } => {
                let bounds = [
                    ("above", above),
                    ("at least", at_least),
                    ("at most", at_most),
                    ("below", below),
                ];
                let mut text = String::new();
                for (word, bound) in bounds {
                    let bound = bound.map(|it| format!(" {word} {it}{symbol}"));
                    text += &bound.unwrap_or_default();
                }
                text
            }
        }
    }
}

fn alternatives(values: &[Value]) -> String {
    let values: Vec<_> = values.iter().map(ToString::to_string).collect();
    values.join(" or ")
}

/// The value of an input, unless it is unknown, and what there was to see.
pub(super) fn look_input<'a>(
    scene: Scene<'a>,
    input: &InputName,
    max_age: Duration,
) -> (Option<&'a Value>, String) {
    let Some(reading) = scene.state.input(input) else {
        return (None, "no value".to_owned());
    };
    let age = age(reading.taken_at, scene.now);
    let found = format!("{}, {} old", reading.value, show(age));
    if max_age < age {
        return (None, format!("{found}, more than {}", show(max_age)));
    }
    (Some(&reading.value), found)
}

pub(super) fn name(subject: &Subject) -> String {
    format!("{}.{}", subject.device.alias, subject.attribute)
}

pub(super) fn unit_symbol(subject: &Subject) -> String {
    let attribute = subject.device.device_type.attribute(&subject.attribute);
    match attribute.map(|it| it.kind) {
        Some(AttributeKind::Number(Some(unit))) => format!(" {}", unit.symbol()),
        Some(AttributeKind::Number(None) | AttributeKind::Bool | AttributeKind::Text(_)) | None => {
            String::new()
        }
    }
}

/// The value, unless it is unknown, and what there was to see, for the trace.
pub(super) fn look<'a>(scene: Scene<'a>, subject: &Subject) -> (Option<&'a Value>, String) {
    let Some(reading) = scene.state.reading(&subject.device.id, &subject.attribute) else {
        return (None, "never read".to_owned());
    };
    let age = age(reading.taken_at, scene.now);
    let mut found = format!(
        "{}{}, {} old",
        reading.value,
        unit_symbol(subject),
        show(age)
    );
    if reading.origin == Origin::Fallback {
        found += ", the platform could not reach the device";
        return (None, found);
    }
    if subject.max_age < age {
        return (
            None,
            format!("{found}, more than {}", show(subject.max_age)),
        );
    }
    (Some(&reading.value), found)
}
