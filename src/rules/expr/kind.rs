//! The types of the language: what an expression gives, known before it is ever asked.
//!
//! A number's unit is a part of its type, so that the evaluator calculates with bare numbers.

use serde::{Deserialize, Serialize};

use crate::domain::catalogue::AttributeKind;
use crate::domain::unit::{Dimension, Unit};

/// What values an expression can give. Each of them can also be unknown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Of the word `unknown`: fits everywhere.
    Unknown,
    /// Only known when it is there, as a part of a webhook's JSON. `number` and `text` make it usable.
    Any,
    Bool,
    Number(Measure),
    Text,
    Moment,
    /// Also what has the units hours and minutes: time is never a bare number.
    Duration,
    /// A time of day, in the home's zone.
    Time,
    List(Box<Kind>),
}

/// What a number counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// A bare number takes the unit of what it meets.
    Plain,
    /// Never of the dimension time.
    Unit(Unit),
    /// A unit that an input declares for itself: `GBP/kWh`.
    Own(String),
}

/// What is done to a value so that it fits another.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Conversion {
    /// Between units of one dimension.
    Unit { from: Unit, to: Unit },
    /// Times this.
    Scale(f64),
    /// So many hours, or minutes, are a duration.
    ToDuration(Unit),
    /// A duration in hours, or minutes.
    FromDuration(Unit),
}

impl Kind {
    pub const PLAIN: Self = Self::Number(Measure::Plain);

    /// What an attribute's values are, and what makes them so.
    pub fn of_attribute(kind: AttributeKind) -> (Self, Option<Conversion>) {
        match kind {
            AttributeKind::Bool => (Self::Bool, None),
            AttributeKind::Text(_) => (Self::Text, None),
            AttributeKind::Number(None) => (Self::PLAIN, None),
            AttributeKind::Number(Some(unit)) => Self::of_unit(unit),
        }
    }

    /// What a number in `unit` is.
    pub fn of_unit(unit: Unit) -> (Self, Option<Conversion>) {
        if unit.dimension() == Dimension::Time {
            return (Self::Duration, Some(Conversion::ToDuration(unit)));
        }
        (Self::Number(Measure::Unit(unit)), None)
    }

    /// As in "expected text, found a number in kW".
    pub fn phrase(&self) -> String {
        match self {
            Self::Unknown => "`unknown`".to_owned(),
            Self::Any => "a value of any type".to_owned(),
            Self::Bool => "true or false".to_owned(),
            Self::Number(measure) => match measure.symbol() {
                Some(symbol) => format!("a number in {symbol}"),
                None => "a number".to_owned(),
            },
            Self::Text => "text".to_owned(),
            Self::Moment => "a moment".to_owned(),
            Self::Duration => "a duration".to_owned(),
            Self::Time => "a time of day".to_owned(),
            Self::List(of) => format!("a list of {}", of.plural()),
        }
    }

    fn plural(&self) -> String {
        match self {
            Self::Unknown | Self::Any => "values".to_owned(),
            Self::Bool => "true and false".to_owned(),
            Self::Number(_) => "numbers".to_owned(),
            Self::Text => "texts".to_owned(),
            Self::Moment => "moments".to_owned(),
            Self::Duration => "durations".to_owned(),
            Self::Time => "times of day".to_owned(),
            Self::List(_) => "lists".to_owned(),
        }
    }

    /// The unit of its numbers, as people read it.
    pub fn symbol(&self) -> Option<&str> {
        match self {
            Self::Number(measure) => measure.symbol(),
            Self::List(of) => of.symbol(),
            Self::Unknown
            | Self::Any
            | Self::Bool
            | Self::Text
            | Self::Moment
            | Self::Duration
            | Self::Time => None,
        }
    }

    /// The kind of either of two values, and what brings the second to it; none when they are not of one kind.
    pub fn join(&self, second: &Self) -> Option<(Self, Option<Conversion>)> {
        match (self, second) {
            (Self::Unknown, other) | (other, Self::Unknown) => Some((other.clone(), None)),
            // A number with a unit would lose it among values that bring theirs along.
            (Self::Any, other) | (other, Self::Any) => {
                other.symbol().is_none().then_some((Self::Any, None))
            }
            (Self::Number(a), Self::Number(b)) => {
                let (measure, conversion) = a.join(b)?;
                Some((Self::Number(measure), conversion))
            }
            (Self::List(a), Self::List(b)) => match a.join(b)? {
                (of, None) => Some((Self::List(Box::new(of)), None)),
                (_, Some(_)) => None,
            },
            (a, b) => (a == b).then(|| (a.clone(), None)),
        }
    }
}

impl Measure {
    pub fn symbol(&self) -> Option<&str> {
        match self {
            Self::Plain => None,
            Self::Unit(unit) => Some(unit.symbol()),
            Self::Own(unit) => Some(unit),
        }
    }

    /// `number` of this in `target`. A bare number takes the unit; the unit of another is not taken away.
    pub fn convert(&self, number: f64, target: &Self) -> Option<f64> {
        match (self, target) {
            (Self::Plain, _) => Some(number),
            (Self::Unit(from), Self::Unit(to)) => from.convert(number, *to),
            (from, to) => (from == to).then_some(number),
        }
    }

    fn join(&self, second: &Self) -> Option<(Self, Option<Conversion>)> {
        match (self, second) {
            (Self::Plain, other) | (other, Self::Plain) => Some((other.clone(), None)),
            (Self::Unit(to), Self::Unit(from)) if to != from => {
                let (to, from) = (*to, *from);
                let fits = to.dimension() == from.dimension();
                fits.then_some((Self::Unit(to), Some(Conversion::Unit { from, to })))
            }
            (a, b) => (a == b).then(|| (a.clone(), None)),
        }
    }
}
