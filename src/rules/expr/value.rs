//! What an expression gives when it is asked, and how people read it.
//!
//! Expressions calculate with bare numbers, whose unit is in the [`Kind`]. What is kept for later brings its
//! unit along, since the next reader may be another version of the rule.

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, de};

use crate::document::duration;
use crate::domain::catalogue::AttributeKind;
use crate::domain::unit::Unit;
use crate::domain::value;

use super::calculate;
use super::kind::{Kind, Measure};

/// A value. Its numbers are never infinite.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// Never read, too old, or without a meaning: what is divided by zero.
    #[default]
    Unknown,
    Bool(bool),
    Number(f64),
    /// A number with its unit, as variables hold it. Expressions meet it only where the kind is any.
    Quantity {
        value: f64,
        #[serde(with = "unit")]
        unit: Measure,
    },
    Text(String),
    Moment(Timestamp),
    Duration(#[serde(deserialize_with = "either_duration")] SignedDuration),
    Time(Time),
    List(Vec<Value>),
}

impl Value {
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// The number; unknown when it is none that can be written.
    pub fn number(number: f64) -> Self {
        if number.is_finite() {
            // Minus zero would be shown as such.
            Self::Number(number + 0.0)
        } else {
            Self::Unknown
        }
    }

    /// What a device reported of an attribute of this kind, with its unit.
    pub fn of_attribute(value: &value::Value, attribute: AttributeKind) -> Self {
        let (kind, conversion) = Kind::of_attribute(attribute);
        let value = Self::of_reading(value);
        match conversion {
            Some(conversion) => calculate::convert(conversion, value.fit(&Kind::PLAIN)),
            None => value.with_unit(&kind),
        }
    }

    /// What a device reported.
    pub fn of_reading(value: &value::Value) -> Self {
        match value {
            value::Value::Bool(value) => Self::Bool(*value),
            value::Value::Number(value) => Self::number(*value),
            value::Value::Text(value) => Self::Text(value.clone()),
        }
    }

    /// What JSON holds; a block of names and values is none.
    pub fn of_json(json: &serde_json::Value) -> Self {
        match json {
            serde_json::Value::Null | serde_json::Value::Object(_) => Self::Unknown,
            serde_json::Value::Bool(value) => Self::Bool(*value),
            serde_json::Value::Number(number) => {
                number.as_f64().map_or(Self::Unknown, Self::number)
            }
            serde_json::Value::String(text) => Self::text(text),
            serde_json::Value::Array(items) => {
                Self::List(items.iter().map(Self::of_json).collect())
            }
        }
    }

    /// The value as one of `kind`, its numbers in the unit of that; unknown when it is of another.
    #[must_use]
    pub fn fit(self, kind: &Kind) -> Self {
        let fits = match (&self, kind) {
            (Self::Quantity { value, unit }, Kind::Number(wanted)) => {
                return unit
                    .convert(*value, wanted)
                    .map_or(Self::Unknown, Self::number);
            }
            (Self::List(_), Kind::List(of)) => return self.fit_each(of),
            (_, Kind::Any)
            | (Self::Number(_), Kind::Number(_))
            | (Self::Bool(_), Kind::Bool)
            | (Self::Text(_), Kind::Text)
            | (Self::Moment(_), Kind::Moment)
            | (Self::Duration(_), Kind::Duration)
            | (Self::Time(_), Kind::Time) => true,
            (_, _) => false,
        };
        if fits { self } else { Self::Unknown }
    }

    /// A list with one item of another kind is of another kind.
    fn fit_each(self, of: &Kind) -> Self {
        let Self::List(values) = self else {
            return Self::Unknown;
        };
        let mut fitting = Vec::with_capacity(values.len());
        for value in values {
            let is_known = value != Self::Unknown;
            let value = value.fit(of);
            if is_known && value == Self::Unknown {
                return Self::Unknown;
            }
            fitting.push(value);
        }
        Self::List(fitting)
    }

    /// The value with its unit, as it is kept; `kind` is that of the expression that gave it.
    #[must_use]
    pub fn with_unit(self, kind: &Kind) -> Self {
        match (self, kind) {
            (Self::Number(value), Kind::Number(unit)) if *unit != Measure::Plain => {
                let unit = unit.clone();
                Self::Quantity { value, unit }
            }
            (Self::List(values), Kind::List(of)) => {
                let values = values.into_iter().map(|it| it.with_unit(of));
                Self::List(values.collect())
            }
            (value, _) => value,
        }
    }

    /// The number in `unit`, where the value is one that can be; a bare number takes the unit.
    pub fn in_unit(&self, unit: Unit) -> Option<f64> {
        match self {
            Self::Number(value) => Some(*value),
            Self::Quantity { value, unit: from } => from.convert(*value, &Measure::Unit(unit)),
            Self::Duration(duration) => {
                let minutes = duration.as_secs_f64() / 60.0;
                Unit::Minute.convert(minutes, unit)
            }
            Self::Unknown
            | Self::Bool(_)
            | Self::Text(_)
            | Self::Moment(_)
            | Self::Time(_)
            | Self::List(_) => None,
        }
    }

    /// What the value is, as far as it tells by itself.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Unknown => Kind::Unknown,
            Self::Bool(_) => Kind::Bool,
            Self::Number(_) => Kind::PLAIN,
            Self::Quantity { unit, .. } => Kind::Number(unit.clone()),
            Self::Text(_) => Kind::Text,
            Self::Moment(_) => Kind::Moment,
            Self::Duration(_) => Kind::Duration,
            Self::Time(_) => Kind::Time,
            Self::List(values) => {
                let of = values
                    .iter()
                    .map(Self::kind)
                    .try_fold(Kind::Unknown, |of, it| of.join(&it).map(|(kind, _)| kind));
                Kind::List(Box::new(of.unwrap_or(Kind::Any)))
            }
        }
    }

    /// As people read it: `80 %`, `1h30m`, `22:30`, `unknown`; numbers with `symbol`, moments in `zone`.
    pub fn show(&self, symbol: Option<&str>, zone: &TimeZone) -> String {
        match self {
            Self::Unknown => "unknown".to_owned(),
            Self::Bool(value) => value.to_string(),
            Self::Number(value) => match symbol {
                Some(symbol) => format!("{} {symbol}", rounded(*value)),
                None => rounded(*value),
            },
            Self::Quantity { value, unit } => Self::Number(*value).show(unit.symbol(), zone),
            Self::Text(text) => text.clone(),
            Self::Moment(moment) => {
                let local = moment.to_zoned(zone.clone());
                local.strftime("%Y-%m-%d %H:%M:%S").to_string()
            }
            Self::Duration(duration) => show_duration(*duration),
            Self::Time(time) => show_time(*time),
            Self::List(values) => {
                let values: Vec<_> = values.iter().map(|it| it.show(symbol, zone)).collect();
                values.join(", ")
            }
        }
    }
}

/// Every digit of it: read again, it is the same number.
pub(super) fn exact(number: f64) -> String {
    let size = number.abs();
    if size != 0.0 && !(1e-7..1e16).contains(&size) {
        return format!("{number:e}");
    }
    number.to_string()
}

/// Twelve digits of it, since `0.1 + 0.2` is not 0.30000000000000004 to anybody.
fn rounded(number: f64) -> String {
    let short = format!("{number:.11e}").parse().unwrap_or(number);
    exact(short)
}

/// `1h30m`, `-5m`; a second and more without its fraction.
pub(super) fn show_duration(duration: SignedDuration) -> String {
    let sign = if duration.is_negative() { "-" } else { "" };
    let size = duration.unsigned_abs();
    let size = if size.as_secs() == 0 {
        size
    } else {
        std::time::Duration::from_secs(size.as_secs())
    };
    format!("{sign}{}", duration::display(size))
}

/// `22:30`, with seconds only where there are some.
pub(super) fn show_time(time: Time) -> String {
    let pattern = if time.second() == 0 {
        "%H:%M"
    } else {
        "%H:%M:%S"
    };
    time.strftime(pattern).to_string()
}

/// Units by the name that Amps has for them, or as the input says it.
mod unit {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::{Measure, Unit};

    pub(super) fn serialize<S: Serializer>(unit: &Measure, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(match unit {
            Measure::Plain => "",
            Measure::Unit(unit) => unit.wire_name(),
            Measure::Own(unit) => unit,
        })
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Measure, D::Error> {
        let name = String::deserialize(from)?;
        if name.is_empty() {
            return Ok(Measure::Plain);
        }
        Ok(Unit::parse(&name).map_or(Measure::Own(name), Measure::Unit))
    }
}

/// As it is written, or as the first versions wrote it: in seconds and nanoseconds.
fn either_duration<'de, D: Deserializer<'de>>(from: D) -> Result<SignedDuration, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        New(SignedDuration),
        Old(std::time::Duration),
    }
    match Either::deserialize(from)? {
        Either::New(duration) => Ok(duration),
        Either::Old(duration) => SignedDuration::try_from(duration).map_err(de::Error::custom),
    }
}
