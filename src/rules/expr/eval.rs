//! Asks a checked expression: a stack machine without jumps. Total: whatever has no meaning is unknown.
//!
//! Kleene's logic: `and` is false when either side is, `or` true when either side is, else an unknown side makes it unknown.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "every other value is one that the checker does not let through"
)]

use std::cmp::Ordering;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::domain::device::Device;
use crate::domain::value::{Origin, Reading};

use super::calculate::{
    arithmetic, bounded, convert, difference, extreme, logic, misfit, negated, on_text, or_unknown,
    ordering, product, quotient, sum,
};
use super::functions::Function;
use super::kind::Measure;
use super::program::{Checked, Source, Step};
use super::scope::Root;
use crate::domain::value::Point;

use super::series;
use super::template;
use super::tree::Operator;
use super::value::Value;

/// What there is to know when an expression is asked.
pub trait Facts {
    fn now(&self) -> Timestamp;

    /// Of all wall-clock times.
    fn zone(&self) -> &TimeZone;

    /// The last known value, however old.
    fn attribute(&self, device: &Device, attribute: &str) -> Option<&Reading>;

    /// The last known value, however old.
    fn input(&self, name: &str) -> Option<&Reading>;

    /// In the order of time.
    fn series(&self, name: &str) -> &[Point];

    /// What the run knows: `trigger.result` is `result` of the root `Trigger`.
    fn field(&self, root: Root, name: &str) -> Value;
}

/// What `checked` comes to.
pub fn eval(checked: &Checked, facts: &dyn Facts) -> Value {
    let mut machine = Machine {
        facts,
        stack: Vec::new(),
    };
    for step in &checked.steps {
        let value = machine.step(step);
        machine.stack.push(value);
    }
    machine.pop()
}

/// What `checked` comes to, when that is the same whatever happens.
pub fn constant(checked: &Checked) -> Option<Value> {
    let is_constant = checked.reads().next().is_none();
    is_constant.then(|| eval(checked, &Nothing))
}

/// For expressions that look at nothing.
struct Nothing;

impl Facts for Nothing {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    fn zone(&self) -> &TimeZone {
        const { &TimeZone::UTC }
    }

    fn attribute(&self, _: &Device, _: &str) -> Option<&Reading> {
        None
    }

    fn input(&self, _: &str) -> Option<&Reading> {
        None
    }

    fn series(&self, _: &str) -> &[Point] {
        &[]
    }

    fn field(&self, _: Root, _: &str) -> Value {
        Value::Unknown
    }
}

/// How long ago `then` was. A moment in the future, from a clock that is ahead, counts as now.
pub fn age(then: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(then)).unwrap_or(Duration::ZERO)
}

/// Whether a value of any kind is this number; unknown when their units do not meet.
fn same_quantity(value: f64, unit: &Measure, other: &Value) -> Value {
    let other = match other {
        Value::Number(number) => Some(*number),
        Value::Quantity { value, unit: from } => from.convert(*value, unit),
        _ => return Value::Bool(false),
    };
    let is_same = |it| Value::Number(it) == Value::Number(value);
    other.map_or(Value::Unknown, |it| Value::Bool(is_same(it)))
}

struct Machine<'f> {
    facts: &'f dyn Facts,
    stack: Vec<Value>,
}

impl Machine<'_> {
    fn pop(&mut self) -> Value {
        self.stack.pop().unwrap_or_default()
    }

    fn pop_many(&mut self, count: usize) -> Vec<Value> {
        let start = self.stack.len().saturating_sub(count);
        self.stack.split_off(start)
    }

    /// The value that takes the place of what the step takes.
    fn step(&mut self, step: &Step) -> Value {
        match step {
            Step::Push(value) => value.clone(),
            Step::Read { source, kind } => self.read(source).fit(kind),
            Step::Age(source) => self.age(source),
            Step::List(count) => Value::List(self.pop_many(*count)),
            Step::Not => match self.pop() {
                Value::Bool(value) => Value::Bool(!value),
                Value::Unknown => Value::Unknown,
                _ => misfit(),
            },
            Step::Negate => match self.pop() {
                Value::Number(number) => Value::number(-number),
                Value::Duration(duration) => or_unknown(duration.checked_neg(), Value::Duration),
                Value::Unknown => Value::Unknown,
                _ => misfit(),
            },
            Step::Binary(operator) => {
                let right = self.pop();
                let left = self.pop();
                self.binary(*operator, left, right)
            }
            Step::Choose => {
                let otherwise = self.pop();
                let condition = self.pop();
                let then = self.pop();
                match condition {
                    Value::Bool(true) => then,
                    Value::Bool(false) => otherwise,
                    Value::Unknown => Value::Unknown,
                    _ => misfit(),
                }
            }
            Step::Convert(conversion) => convert(*conversion, self.pop()),
            Step::Show(symbol) => match self.pop() {
                Value::Unknown => Value::Unknown,
                value => bounded(value.show(symbol.as_deref(), self.facts.zone())),
            },
            Step::Call { function, count } => {
                let arguments = self.pop_many(*count);
                self.call(*function, &arguments)
            }
            Step::Series {
                function,
                input,
                count,
            } => {
                let arguments = self.pop_many(*count);
                series::ask(*function, self.facts, input, &arguments)
            }
            Step::Concatenate(count) => {
                let values = self.pop_many(*count);
                let texts = values.iter().map(|it| it.show(None, self.facts.zone()));
                Value::Text(template::cut(texts.collect()))
            }
        }
    }

    fn read(&self, source: &Source) -> Value {
        let (reading, max_age) = match source {
            Source::Attribute {
                device,
                attribute,
                max_age,
            } => (self.facts.attribute(device, attribute), Some(*max_age)),
            Source::Input { name, max_age } => (self.facts.input(name), *max_age),
            Source::Field { root, name } => return self.facts.field(*root, name),
        };
        let now = self.facts.now();
        let fresh = reading.filter(|it| {
            let is_fresh = max_age.is_none_or(|most| age(it.taken_at, now) <= most);
            it.origin != Origin::Fallback && is_fresh
        });
        fresh.map_or(Value::Unknown, |it| Value::of_reading(&it.value))
    }

    fn age(&self, source: &Source) -> Value {
        let reading = match source {
            Source::Attribute {
                device, attribute, ..
            } => self.facts.attribute(device, attribute),
            Source::Input { name, .. } => self.facts.input(name),
            Source::Field { .. } => None,
        };
        let age = reading.map(|it| age(it.taken_at, self.facts.now()));
        or_unknown(
            age.and_then(|it| SignedDuration::try_from(it).ok()),
            Value::Duration,
        )
    }

    fn binary(&self, operator: Operator, left: Value, right: Value) -> Value {
        match operator {
            Operator::And => logic(&left, &right, false),
            Operator::Or => logic(&left, &right, true),
            Operator::Equal => self.equal(&left, &right),
            Operator::NotEqual => negated(&self.equal(&left, &right)),
            Operator::Less => self.compare(&left, &right, Ordering::is_lt),
            Operator::AtMost => self.compare(&left, &right, Ordering::is_le),
            Operator::Greater => self.compare(&left, &right, Ordering::is_gt),
            Operator::AtLeast => self.compare(&left, &right, Ordering::is_ge),
            Operator::In => self.is_in(&left, &right),
            Operator::NotIn => negated(&self.is_in(&left, &right)),
            Operator::Add => sum(left, right),
            Operator::Subtract => difference(&left, &right),
            Operator::Multiply => product(&left, &right),
            Operator::Divide => quotient(&left, &right),
        }
    }

    fn equal(&self, left: &Value, right: &Value) -> Value {
        match (left, right) {
            (Value::Unknown, _) | (_, Value::Unknown) => Value::Unknown,
            (Value::Moment(_), Value::Time(_)) | (Value::Time(_), Value::Moment(_)) => {
                self.compare(left, right, Ordering::is_eq)
            }
            (Value::Quantity { value, unit }, other) | (other, Value::Quantity { value, unit }) => {
                same_quantity(*value, unit, other)
            }
            (left, right) => Value::Bool(left == right),
        }
    }

    fn compare(&self, left: &Value, right: &Value, fits: fn(Ordering) -> bool) -> Value {
        let of_day = |moment: &Timestamp| moment.to_zoned(self.facts.zone().clone()).time();
        let ordering = match (left, right) {
            (Value::Unknown, _) | (_, Value::Unknown) => return Value::Unknown,
            (Value::Moment(moment), Value::Time(time)) => Some(of_day(moment).cmp(time)),
            (Value::Time(time), Value::Moment(moment)) => Some(time.cmp(&of_day(moment))),
            (left, right) => ordering(left, right),
        };
        ordering.map_or_else(misfit, |it| Value::Bool(fits(it)))
    }

    fn is_in(&self, item: &Value, list: &Value) -> Value {
        match (item, list) {
            (Value::Unknown, _) | (_, Value::Unknown) => Value::Unknown,
            (Value::Text(part), Value::Text(text)) => Value::Bool(text.contains(part.as_str())),
            (item, Value::List(values)) => values
                .iter()
                .map(|it| self.equal(item, it))
                .fold(Value::Bool(false), |all, it| logic(&all, &it, true)),
            _ => misfit(),
        }
    }

    fn call(&self, function: Function, arguments: &[Value]) -> Value {
        match (function, arguments) {
            (Function::Now, _) => return Value::Moment(self.facts.now()),
            (Function::Known, [value]) => return Value::Bool(*value != Value::Unknown),
            (Function::Default, [value, instead]) => {
                let known = (*value != Value::Unknown).then_some(value);
                return known.unwrap_or(instead).clone();
            }
            _ => {}
        }
        if arguments.contains(&Value::Unknown) {
            return Value::Unknown;
        }
        match function {
            Function::Min => extreme(arguments, Ordering::Less),
            Function::Max => extreme(arguments, Ordering::Greater),
            Function::Abs
            | Function::Round
            | Function::Floor
            | Function::Ceil
            | Function::Clamp
            | Function::Mod => arithmetic(function, arguments),
            Function::Hour
            | Function::Minute
            | Function::Weekday
            | Function::Date
            | Function::Time => self.calendar(function, arguments),
            Function::Number
            | Function::Contains
            | Function::Lower
            | Function::Upper
            | Function::Join => on_text(function, arguments),
            // These have steps of their own, or were answered above.
            Function::Now
            | Function::Age
            | Function::Known
            | Function::Default
            | Function::Text
            | Function::Lowest
            | Function::Rank
            | Function::Percentile
            | Function::Cheapest => misfit(),
        }
    }

    fn calendar(&self, function: Function, arguments: &[Value]) -> Value {
        let local = match arguments {
            [Value::Moment(moment)] => moment.to_zoned(self.facts.zone().clone()).datetime(),
            [Value::Time(time)] => jiff::civil::Date::default().to_datetime(*time),
            _ => return misfit(),
        };
        match function {
            Function::Hour => Value::Number(f64::from(local.hour())),
            Function::Minute => Value::Number(f64::from(local.minute())),
            Function::Weekday => Value::Text(local.strftime("%a").to_string().to_lowercase()),
            Function::Date => Value::Text(local.date().to_string()),
            Function::Time => Value::Time(local.time()),
            _ => misfit(),
        }
    }
}
