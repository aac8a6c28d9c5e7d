//! Devices: what kinds there are, and the ones of a home.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::domain::id::{DeviceAlias, DeviceId};

/// The five kinds of device at Amps. The serialized names are the values of `deviceType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceType {
    Battery,
    EvCharger,
    Hvac,
    SolarInverter,
    Vehicle,
}

impl DeviceType {
    pub const ALL: [Self; 5] = [
        Self::Battery,
        Self::EvCharger,
        Self::Hvac,
        Self::SolarInverter,
        Self::Vehicle,
    ];

    /// The value of `deviceType` and of `type:` in `home.yaml`: `ev_charger`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Battery => "battery",
            Self::EvCharger => "ev_charger",
            Self::Hvac => "hvac",
            Self::SolarInverter => "solar_inverter",
            Self::Vehicle => "vehicle",
        }
    }

    /// The segment in addresses of the API: `ev-charger` (`amps-api.md` §3).
    pub fn path_segment(self) -> &'static str {
        match self {
            Self::Battery => "battery",
            Self::EvCharger => "ev-charger",
            Self::Hvac => "hvac",
            Self::SolarInverter => "solar-inverter",
            Self::Vehicle => "vehicle",
        }
    }

    /// The type that `name` names; none when it names none.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }
}

impl fmt::Display for DeviceType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[expect(
    clippy::struct_field_names,
    reason = "`device_type` is the API's word, and `type` is Rust's"
)]
/// A device of this home: who it is for the rules and who it is for Amps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    pub alias: DeviceAlias,
    pub device_type: DeviceType,
    pub id: DeviceId,
}
