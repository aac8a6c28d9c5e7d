//! What an expression gives when it is asked, and how people read it.

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::document::duration;
use crate::domain::value;

use super::kind::Kind;

/// A value. A number's unit is in the [`Kind`] of the expression, and the number is never infinite.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// Never read, too old, or without a meaning: what is divided by zero.
    #[default]
    Unknown,
    Bool(bool),
    Number(f64),
    Text(String),
    Moment(Timestamp),
    Duration(SignedDuration),
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

    /// What a device reported.
    pub fn of_reading(value: &value::Value) -> Self {
        match value {
            value::Value::Bool(value) => Self::Bool(*value),
            value::Value::Number(value) => Self::number(*value),
            value::Value::Text(value) => Self::Text(value.clone()),
        }
    }

    /// Whether it is of this kind; unknown is of every kind.
    pub fn is_of(&self, kind: &Kind) -> bool {
        match (self, kind) {
            (Self::Unknown, _) | (_, Kind::Any) => true,
            (Self::List(values), Kind::List(of)) => values.iter().all(|it| it.is_of(of)),
            (Self::Bool(_), kind) => *kind == Kind::Bool,
            (Self::Number(_), kind) => matches!(kind, Kind::Number(_)),
            (Self::Text(_), kind) => *kind == Kind::Text,
            (Self::Moment(_), kind) => *kind == Kind::Moment,
            (Self::Duration(_), kind) => *kind == Kind::Duration,
            (Self::Time(_), kind) => *kind == Kind::Time,
            (Self::List(_), _) => false,
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
