//! Units of measure, as Amps writes them (`Quantity.unit`) and as people do.

use serde::{Deserialize, Serialize};

/// What a number counts. The serialized names are those of the Amps API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Unit {
    #[serde(rename = "percent")]
    Percent,
    #[serde(rename = "kw")]
    Kilowatt,
    #[serde(rename = "watts")]
    Watt,
    #[serde(rename = "kwh")]
    KilowattHour,
    /// Not a unit of the API; people write it, and it converts.
    #[serde(rename = "wh")]
    WattHour,
    #[serde(rename = "amps")]
    Ampere,
    #[serde(rename = "volts")]
    Volt,
    #[serde(rename = "hours")]
    Hour,
    #[serde(rename = "minutes")]
    Minute,
    #[serde(rename = "celsius")]
    Celsius,
    #[serde(rename = "fahrenheit")]
    Fahrenheit,
}

/// What kind of thing a unit measures; only units of one dimension convert into each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dimension {
    Share,
    Power,
    Energy,
    Current,
    Voltage,
    Time,
    Temperature,
}

/// Every unit with its symbol, its name at Amps and the other spellings people use.
const SPELLINGS: &[(Unit, &str, &str, &[&str])] = &[
    (Unit::Percent, "%", "percent", &[]),
    (Unit::Kilowatt, "kW", "kw", &["KW", "kilowatt", "kilowatts"]),
    (Unit::Watt, "W", "watts", &["w", "watt"]),
    (Unit::KilowattHour, "kWh", "kwh", &["KWh", "KWH"]),
    (Unit::WattHour, "Wh", "wh", &[]),
    (Unit::Ampere, "A", "amps", &["amp", "ampere", "amperes"]),
    (Unit::Volt, "V", "volts", &["volt"]),
    (Unit::Hour, "h", "hours", &["hour"]),
    (Unit::Minute, "min", "minutes", &["minute"]),
    (Unit::Celsius, "°C", "celsius", &["C"]),
    (Unit::Fahrenheit, "°F", "fahrenheit", &["F"]),
];

impl Unit {
    /// The unit that `text` spells, in any of its spellings; none when it spells no unit.
    pub fn parse(text: &str) -> Option<Self> {
        SPELLINGS
            .iter()
            .find(|(_, symbol, wire, others)| {
                *symbol == text || *wire == text || others.contains(&text)
            })
            .map(|(unit, ..)| *unit)
    }

    /// Every spelling of every unit.
    pub fn spellings() -> impl Iterator<Item = &'static str> {
        SPELLINGS.iter().flat_map(|(_, symbol, wire, others)| {
            let both = [*symbol, *wire];
            both.into_iter().chain(others.iter().copied())
        })
    }

    fn spelling(self) -> &'static (Unit, &'static str, &'static str, &'static [&'static str]) {
        SPELLINGS
            .iter()
            .find(|(unit, ..)| *unit == self)
            .expect("every unit is in the table")
    }

    /// As people read it: `%`, `kW`, `°C`.
    pub fn symbol(self) -> &'static str {
        self.spelling().1
    }

    /// As the Amps API writes it: `percent`, `kw`, `celsius`.
    pub fn wire_name(self) -> &'static str {
        self.spelling().2
    }

    pub fn dimension(self) -> Dimension {
        match self {
            Self::Percent => Dimension::Share,
            Self::Kilowatt | Self::Watt => Dimension::Power,
            Self::KilowattHour | Self::WattHour => Dimension::Energy,
            Self::Ampere => Dimension::Current,
            Self::Volt => Dimension::Voltage,
            Self::Hour | Self::Minute => Dimension::Time,
            Self::Celsius | Self::Fahrenheit => Dimension::Temperature,
        }
    }

    /// `number` of this unit in `target`; none when they measure different things.
    pub fn convert(self, number: f64, target: Self) -> Option<f64> {
        if self == target {
            return Some(number);
        }
        if self.dimension() != target.dimension() {
            return None;
        }
        let (factor, offset) = self.to_base();
        let (target_factor, target_offset) = target.to_base();
        Some((number * factor + offset - target_offset) / target_factor)
    }

    /// Factor and offset that lead to the base unit of the dimension.
    fn to_base(self) -> (f64, f64) {
        match self {
            Self::Percent
            | Self::Watt
            | Self::WattHour
            | Self::Ampere
            | Self::Volt
            | Self::Minute
            | Self::Celsius => (1.0, 0.0),
            Self::Kilowatt | Self::KilowattHour => (1000.0, 0.0),
            Self::Hour => (60.0, 0.0),
            Self::Fahrenheit => (5.0 / 9.0, -160.0 / 9.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_convert_within_their_dimension_only() {
        assert_eq!(Unit::Watt.convert(7400.0, Unit::Kilowatt), Some(7.4));
        assert_eq!(Unit::Kilowatt.convert(3.0, Unit::Percent), None);
        let celsius = Unit::Fahrenheit.convert(68.0, Unit::Celsius).unwrap();
        assert!((celsius - 20.0).abs() < 1e-9, "{celsius}");
    }

    #[test]
    fn every_spelling_leads_to_its_unit() {
        for (unit, symbol, wire, others) in SPELLINGS {
            for text in [symbol, wire].into_iter().chain(*others) {
                assert_eq!(Unit::parse(text), Some(*unit), "{text}");
            }
        }
        assert_eq!(Unit::parse("parsec"), None);
    }
}
