//! What stands in the pretend house, with enough physics to react to.
//!
//! Plain numbers in simulated time; nothing here knows requests, actions or the wall clock.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::domain::device::DeviceType;
use crate::simulator::devices::battery::Battery;
use crate::simulator::devices::ev_charger::EvCharger;
use crate::simulator::devices::hvac::Hvac;
use crate::simulator::devices::solar_inverter::SolarInverter;
use crate::simulator::devices::vehicle::Vehicle;

pub mod battery;
pub mod ev_charger;
pub mod hvac;
pub mod solar_inverter;
pub mod vehicle;

/// A device as it stands at the beginning.
#[derive(Clone, Debug)]
pub struct DeviceSettings {
    /// What its owner calls it; the API does not know this.
    pub name: String,
    pub id: String,
    /// Whom `?userId=` finds it for.
    pub user_id: String,
    /// IANA name of the plant's time zone, in which `start` and `end` are read (`amps-api.md` §3.3).
    pub timezone: String,
    /// Commands of its kind that this one does not know.
    pub lacks: Vec<String>,
    pub kind: Kind,
}

#[derive(Clone, Debug)]
pub enum Kind {
    Battery(Battery),
    EvCharger(EvCharger),
    Hvac(Hvac),
    SolarInverter(SolarInverter),
    Vehicle(Vehicle),
}

/// What a device was last told, in the units of its parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    pub command: String,
    pub parameters: BTreeMap<String, f64>,
}

/// What a change by hand cannot be, in words for people.
pub(crate) type Refusal = String;

impl Order {
    pub fn plain(command: &str) -> Self {
        Self {
            command: command.to_owned(),
            parameters: BTreeMap::new(),
        }
    }

    pub(crate) fn parameter(&self, name: &str) -> Option<f64> {
        self.parameters.get(name).copied()
    }
}

impl Kind {
    pub fn device_type(&self) -> DeviceType {
        match self {
            Self::Battery(_) => DeviceType::Battery,
            Self::EvCharger(_) => DeviceType::EvCharger,
            Self::Hvac(_) => DeviceType::Hvac,
            Self::SolarInverter(_) => DeviceType::SolarInverter,
            Self::Vehicle(_) => DeviceType::Vehicle,
        }
    }

    /// What the device does now; none for those that take no orders.
    pub(crate) fn order(&self) -> Option<&Order> {
        match self {
            Self::Battery(it) => Some(&it.order),
            Self::EvCharger(it) => Some(&it.order),
            Self::Hvac(it) => Some(&it.order),
            Self::SolarInverter(_) | Self::Vehicle(_) => None,
        }
    }

    pub(crate) fn obey(&mut self, order: Order) {
        match self {
            Self::Battery(it) => it.order = order,
            Self::EvCharger(it) => it.obey(order),
            Self::Hvac(it) => it.obey(order),
            Self::SolarInverter(_) | Self::Vehicle(_) => {}
        }
    }

    /// Changes one thing by hand: the owner plugs in the car, the sun comes out.
    pub(crate) fn patch(&mut self, key: &str, value: &Value) -> Result<(), Refusal> {
        match self {
            Self::Battery(it) => it.patch(key, value),
            Self::EvCharger(it) => it.patch(key, value),
            Self::Hvac(it) => it.patch(key, value),
            Self::SolarInverter(it) => it.patch(key, value),
            Self::Vehicle(_) => Err("a vehicle is changed through its charger".to_owned()),
        }
    }
}

/// A number as the API prints it: at most two decimals, and none where there are none.
pub(crate) fn number(value: f64) -> Value {
    let rounded = (value * 100.0).round() / 100.0;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "guarded, and only for print"
    )]
    if rounded.fract() == 0.0 && rounded.abs() < 1e15 {
        json!(rounded as i64)
    } else {
        json!(rounded)
    }
}

pub(crate) fn share(key: &str, value: &Value) -> Result<f64, Refusal> {
    value
        .as_f64()
        .filter(|it| (0.0..=100.0).contains(it))
        .ok_or_else(|| format!("`{key}` is a number from 0 to 100"))
}

pub(crate) fn quantity(key: &str, value: &Value) -> Result<f64, Refusal> {
    value.as_f64().ok_or_else(|| format!("`{key}` is a number"))
}

pub(crate) fn flag(key: &str, value: &Value) -> Result<bool, Refusal> {
    value
        .as_bool()
        .ok_or_else(|| format!("`{key}` is true or false"))
}

pub(crate) fn unknown<T>(key: &str, known: &str) -> Result<T, Refusal> {
    Err(format!("`{key}` cannot be changed here; there are {known}"))
}
