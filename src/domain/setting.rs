//! What can be set on each kind of device, and how its commands can be timed (`amps-api.md` §4).

use serde::{Deserialize, Serialize};

use crate::domain::catalogue::CommandSpec;
use crate::domain::device::DeviceType;
use crate::domain::unit::Unit;

/// A setting of a device: a number within its bounds, both allowed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SettingSpec {
    pub name: &'static str,
    pub unit: Unit,
    pub min: f64,
    pub max: f64,
    pub meaning: &'static str,
}

/// How a command can be timed, each including those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// Now, and until something else is ordered.
    Immediate,
    /// From a moment on.
    Scheduled,
    /// From a moment to another.
    Windowed,
}

impl Form {
    pub const ALL: [Self; 3] = [Self::Immediate, Self::Scheduled, Self::Windowed];

    /// As the API writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Immediate => "immediate",
            Self::Scheduled => "scheduled",
            Self::Windowed => "windowed",
        }
    }
}

impl DeviceType {
    /// What can be written; empty for kinds without settings.
    pub fn settings(self) -> &'static [SettingSpec] {
        match self {
            Self::Battery => BATTERY,
            Self::EvCharger => EV_CHARGER,
            Self::Hvac | Self::SolarInverter | Self::Vehicle => &[],
        }
    }

    pub fn setting(self, name: &str) -> Option<&'static SettingSpec> {
        self.settings().iter().find(|it| it.name == name)
    }
}

impl CommandSpec {
    /// The furthest that the documents show for any device; one may do less.
    pub fn form(&self) -> Form {
        match self.name {
            "follow_schedule" => Form::Immediate,
            "idle" | "auto" | "auto.balanced" | "auto.reserve" | "auto.export" => Form::Scheduled,
            _ => Form::Windowed,
        }
    }
}

/// No documented upper bound holds for every battery; each one narrows it on read.
const EXPORT_WATT_MAX: f64 = 100_000.0;

const fn share(name: &'static str, meaning: &'static str) -> SettingSpec {
    SettingSpec {
        name,
        unit: Unit::Percent,
        min: 0.0,
        max: 100.0,
        meaning,
    }
}

const fn current(name: &'static str, meaning: &'static str) -> SettingSpec {
    SettingSpec {
        name,
        unit: Unit::Ampere,
        min: 0.0,
        max: 1000.0,
        meaning,
    }
}

const BATTERY: &[SettingSpec] = &[
    share("safety_reserve", "the floor that holds even in an outage"),
    share("discharge_floor", "the floor in normal operation"),
    share("charge_ceiling", "the level that it is not charged beyond"),
    SettingSpec {
        name: "export_limit",
        unit: Unit::Watt,
        min: 0.0,
        max: EXPORT_WATT_MAX,
        meaning: "the most power to the grid",
    },
    current("max_charge_rate", "the most current into the battery"),
    current("max_discharge_rate", "the most current out of the battery"),
];

const EV_CHARGER: &[SettingSpec] = &[SettingSpec {
    name: "max_charge_rate",
    unit: Unit::Kilowatt,
    min: 0.0,
    max: 50.0,
    meaning: "the most power into the car",
}];
