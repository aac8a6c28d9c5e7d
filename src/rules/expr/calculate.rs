//! The arithmetic of values. What has no meaning is unknown: a division by zero, what is too large.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "every other value is one that the checker does not let through"
)]

use std::cmp::Ordering;

use jiff::SignedDuration;

use crate::document::node;
use crate::domain::unit::Unit;

use super::TEXT_BYTES_MAX;
use super::functions::Function;
use super::kind::Conversion;
use super::value::Value;

/// Operands that the checker does not let through. A stored program of another version could still bring some.
pub(super) fn misfit() -> Value {
    debug_assert!(false, "the checker let through what cannot be calculated");
    Value::Unknown
}

pub(super) fn or_unknown<T>(value: Option<T>, make: fn(T) -> Value) -> Value {
    value.map_or(Value::Unknown, make)
}

/// A text that is too long is none.
pub(super) fn bounded(text: String) -> Value {
    if text.len() > TEXT_BYTES_MAX {
        return Value::Unknown;
    }
    Value::Text(text)
}

pub(super) fn negated(value: &Value) -> Value {
    match value {
        Value::Bool(value) => Value::Bool(!value),
        _ => Value::Unknown,
    }
}

/// `decisive` on one side is the answer: true for `or`, false for `and`.
pub(super) fn logic(left: &Value, right: &Value, decisive: bool) -> Value {
    let decides = Value::Bool(decisive);
    if *left == decides || *right == decides {
        return decides;
    }
    match (left, right) {
        (Value::Bool(_), Value::Bool(_)) => Value::Bool(!decisive),
        _ => Value::Unknown,
    }
}

pub(super) fn ordering(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Number(a), Value::Number(b)) => a.partial_cmp(b),
        (Value::Duration(a), Value::Duration(b)) => Some(a.cmp(b)),
        (Value::Moment(a), Value::Moment(b)) => Some(a.cmp(b)),
        (Value::Time(a), Value::Time(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

pub(super) fn sum(left: Value, right: Value) -> Value {
    match (left, right) {
        (Value::Unknown, _) | (_, Value::Unknown) => Value::Unknown,
        (Value::Number(a), Value::Number(b)) => Value::number(a + b),
        (Value::Duration(a), Value::Duration(b)) => or_unknown(a.checked_add(b), Value::Duration),
        (Value::Moment(moment), Value::Duration(by))
        | (Value::Duration(by), Value::Moment(moment)) => {
            or_unknown(moment.checked_add(by).ok(), Value::Moment)
        }
        (Value::Text(a), Value::Text(b)) => bounded(a + &b),
        _ => misfit(),
    }
}

pub(super) fn difference(left: &Value, right: &Value) -> Value {
    match (left, right) {
        (Value::Unknown, _) | (_, Value::Unknown) => Value::Unknown,
        (Value::Number(a), Value::Number(b)) => Value::number(a - b),
        (Value::Duration(a), Value::Duration(b)) => or_unknown(a.checked_sub(*b), Value::Duration),
        (Value::Moment(moment), Value::Duration(by)) => {
            or_unknown(moment.checked_sub(*by).ok(), Value::Moment)
        }
        (Value::Moment(a), Value::Moment(b)) => Value::Duration(a.duration_since(*b)),
        _ => misfit(),
    }
}

fn seconds(seconds: f64) -> Value {
    or_unknown(
        SignedDuration::try_from_secs_f64(seconds).ok(),
        Value::Duration,
    )
}

pub(super) fn product(left: &Value, right: &Value) -> Value {
    match (left, right) {
        (Value::Unknown, _) | (_, Value::Unknown) => Value::Unknown,
        (Value::Number(a), Value::Number(b)) => Value::number(a * b),
        (Value::Number(factor), Value::Duration(duration))
        | (Value::Duration(duration), Value::Number(factor)) => {
            seconds(duration.as_secs_f64() * factor)
        }
        _ => misfit(),
    }
}

/// What is divided by zero is infinite or nothing, and so unknown.
pub(super) fn quotient(left: &Value, right: &Value) -> Value {
    match (left, right) {
        (Value::Unknown, _) | (_, Value::Unknown) => Value::Unknown,
        (Value::Number(a), Value::Number(b)) => Value::number(a / b),
        (Value::Duration(a), Value::Number(by)) => seconds(a.as_secs_f64() / by),
        (Value::Duration(a), Value::Duration(b)) => {
            Value::number(a.as_secs_f64() / b.as_secs_f64())
        }
        _ => misfit(),
    }
}

pub(super) fn convert(conversion: Conversion, value: Value) -> Value {
    const SECONDS: f64 = 60.0;
    let minutes = |unit: Unit| unit.convert(1.0, Unit::Minute).unwrap_or(1.0);
    match (conversion, value) {
        (_, Value::Unknown) => Value::Unknown,
        (Conversion::Unit { from, to }, Value::Number(number)) => {
            or_unknown(from.convert(number, to), Value::number)
        }
        (Conversion::Scale(factor), Value::Number(number)) => Value::number(number * factor),
        (Conversion::Scale(factor), Value::Duration(duration)) => {
            seconds(duration.as_secs_f64() * factor)
        }
        (Conversion::ToDuration(unit), Value::Number(number)) => {
            seconds(number * minutes(unit) * SECONDS)
        }
        (Conversion::FromDuration(unit), Value::Duration(duration)) => {
            Value::number(duration.as_secs_f64() / SECONDS / minutes(unit))
        }
        _ => misfit(),
    }
}

/// The value that comes before all others, or behind them; of one list, or of the values themselves.
pub(super) fn extreme(arguments: &[Value], wanted: Ordering) -> Value {
    let values = match arguments {
        [Value::List(values)] => values,
        values => values,
    };
    let mut best = Value::Unknown;
    for value in values {
        if *value == Value::Unknown {
            return Value::Unknown;
        }
        if best == Value::Unknown || ordering(value, &best) == Some(wanted) {
            best = value.clone();
        }
    }
    best
}

pub(super) fn arithmetic(function: Function, arguments: &[Value]) -> Value {
    match (function, arguments) {
        (Function::Abs, [Value::Number(number)]) => Value::number(number.abs()),
        (Function::Abs, [Value::Duration(duration)]) => or_unknown(
            SignedDuration::try_from(duration.unsigned_abs()).ok(),
            Value::Duration,
        ),
        (Function::Floor, [Value::Number(number)]) => Value::number(number.floor()),
        (Function::Ceil, [Value::Number(number)]) => Value::number(number.ceil()),
        (Function::Round, [Value::Number(number)]) => Value::number(number.round()),
        (Function::Round, [Value::Number(number), Value::Number(digits)]) => {
            rounded(*number, *digits)
        }
        (Function::Clamp, [value, low, high]) => match ordering(low, high) {
            Some(Ordering::Greater) => Value::Unknown,
            Some(_) => {
                let least = extreme(&[value.clone(), low.clone()], Ordering::Greater);
                extreme(&[least, high.clone()], Ordering::Less)
            }
            None => misfit(),
        },
        (Function::Mod, [Value::Number(a), Value::Number(b)]) => remainder(*a, *b),
        (Function::Mod, [Value::Duration(a), Value::Duration(b)]) => {
            match remainder(a.as_secs_f64(), b.as_secs_f64()) {
                Value::Number(rest) => seconds(rest),
                _ => Value::Unknown,
            }
        }
        _ => misfit(),
    }
}

/// To so many digits behind the point, of which a number has no more than 15.
fn rounded(number: f64, digits: f64) -> Value {
    let factor = 10_f64.powf(digits.round().clamp(-15.0, 15.0));
    let large = number * factor;
    if !large.is_finite() {
        return Value::number(number);
    }
    Value::number(large.round() / factor)
}

fn remainder(a: f64, b: f64) -> Value {
    let rest = a % b;
    let is_other_side = rest != 0.0 && (rest < 0.0) != (b < 0.0);
    Value::number(if is_other_side { rest + b } else { rest })
}

pub(super) fn on_text(function: Function, arguments: &[Value]) -> Value {
    match (function, arguments) {
        (Function::Number, [Value::Number(number) | Value::Quantity { value: number, .. }]) => {
            Value::Number(*number)
        }
        (Function::Number, [Value::Text(text)]) => {
            or_unknown(node::number(text.trim()), Value::number)
        }
        // Of a value of any type, only texts and numbers say one.
        (Function::Number, _) => Value::Unknown,
        (Function::Contains, [Value::Text(text), Value::Text(part)]) => {
            Value::Bool(text.contains(part.as_str()))
        }
        (Function::Lower, [Value::Text(text)]) => bounded(text.to_lowercase()),
        (Function::Upper, [Value::Text(text)]) => bounded(text.to_uppercase()),
        (Function::Join, [Value::List(values), Value::Text(separator)]) => {
            let texts: Option<Vec<&str>> = values
                .iter()
                .map(|it| match it {
                    Value::Text(text) => Some(text.as_str()),
                    _ => None,
                })
                .collect();
            texts.map_or(Value::Unknown, |it| bounded(it.join(separator)))
        }
        _ => misfit(),
    }
}
