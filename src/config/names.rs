//! What rules may name of a home.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;

use crate::config::home::{Home, Input, Location};
use crate::domain::device::Device;
use crate::domain::id::{DeviceAlias, InputName, NotifierName};

#[derive(Clone, Debug, Default)]
pub struct Names {
    pub devices: BTreeMap<DeviceAlias, Device>,
    /// Devices whose entry has a mistake: a rule that names one cannot be checked.
    pub broken_devices: BTreeSet<DeviceAlias>,
    pub notifiers: BTreeSet<NotifierName>,
    pub inputs: BTreeMap<InputName, Input>,
    /// Inputs whose entry has a mistake.
    pub broken_inputs: BTreeSet<InputName>,
    pub timezone: Option<TimeZone>,
    /// For the sun.
    pub location: Option<Location>,
    /// Hosts that rules may call.
    pub http_allow: BTreeSet<String>,
}

impl Names {
    pub fn of(home: &Home) -> Self {
        let devices = home.devices.iter();
        Self {
            devices: devices
                .map(|(alias, it)| (alias.clone(), it.device.clone()))
                .collect(),
            broken_devices: BTreeSet::new(),
            notifiers: home.notifiers.keys().cloned().collect(),
            inputs: home.inputs.clone(),
            broken_inputs: BTreeSet::new(),
            timezone: Some(home.timezone.clone()),
            location: home.location,
            http_allow: home.http_allow.clone(),
        }
    }
}

/// Whether `text` can be a name of a device or notifier: `house_battery`.
pub(crate) fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|it| it.is_ascii_lowercase())
        && bytes.all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'_')
        && text.len() <= NAME_CHARACTERS_MAX
}

pub(crate) const NAME_CHARACTERS_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_lower_case_letters_digits_and_underscores() {
        for (text, expected) in [
            ("car", true),
            ("car_2", true),
            ("Car", false),
            ("2nd_car", false),
            ("_car", false),
            ("car-charger", false),
            ("", false),
        ] {
            assert_eq!(is_name(text), expected, "{text}");
        }
        assert!(is_name(&"a".repeat(NAME_CHARACTERS_MAX)));
        assert!(!is_name(&"a".repeat(NAME_CHARACTERS_MAX + 1)));
    }
}
