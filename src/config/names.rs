//! What rules may name of a home.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;

use crate::config::home::{self, Allowance, Home, Input};
use crate::config::keyring::KeptSecrets;
use crate::document::source::Location;
use crate::domain::device::Device;
use crate::domain::id::{DeviceAlias, InputName, NotifierName};
use crate::domain::secret::Secret;

#[derive(Clone, Debug, Default)]
pub struct Names {
    pub devices: BTreeMap<DeviceAlias, Device>,
    /// Devices whose entry has a mistake: a rule that names one cannot be checked.
    pub broken_devices: BTreeSet<DeviceAlias>,
    pub notifiers: BTreeSet<NotifierName>,
    pub inputs: BTreeMap<InputName, Input>,
    /// Inputs whose entry has a mistake.
    pub broken_inputs: BTreeSet<InputName>,
    /// Where the whole ones stand in `home.yaml`, if it was read.
    pub input_places: BTreeMap<InputName, Location>,
    /// Those whose entry has a mistake too.
    pub hooks: BTreeSet<String>,
    pub timezone: Option<TimeZone>,
    /// For the sun.
    pub location: Option<home::Location>,
    /// Hosts that rules may call.
    pub http_allow: BTreeSet<String>,
    /// Secrets that rules may not send along.
    pub kept_secrets: KeptSecrets,
    /// What rules may do with the devices, and how much at all.
    pub allowance: Allowance,
    pub platform: Platform,
}

/// Which part of Amps the home's API key leads to, as its beginning tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Platform {
    /// No key was found, or one that begins differently.
    #[default]
    Unknown,
    Sandbox,
    Live,
}

impl Platform {
    /// Any generation of keys (`amps-api.md` §0.1): nothing depends on it but advice.
    pub fn of(api_key: &Secret) -> Self {
        let key = api_key.expose();
        let key = key.strip_prefix("amps_").unwrap_or(key);
        if key.starts_with("sk_live_") {
            Self::Live
        } else if key.starts_with("sk_test_") || key.starts_with("sk_sandbox_") {
            Self::Sandbox
        } else {
            Self::Unknown
        }
    }
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
            input_places: BTreeMap::new(),
            hooks: home.hooks.keys().cloned().collect(),
            timezone: Some(home.timezone.clone()),
            location: home.location,
            http_allow: home.http_allow.clone(),
            kept_secrets: home.keyring.kept().clone(),
            allowance: Allowance::of(&home.devices, home.limits),
            platform: Platform::of(&home.amps.api_key),
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
    fn a_key_tells_by_its_beginning_where_it_leads() {
        for (key, expected) in [
            ("sk_live_1", Platform::Live),
            ("amps_sk_live_1", Platform::Live),
            ("sk_test_1", Platform::Sandbox),
            ("amps_sk_test_1", Platform::Sandbox),
            ("sk_sandbox_1", Platform::Sandbox),
            ("sk_live", Platform::Unknown),
            ("live_1", Platform::Unknown),
        ] {
            assert_eq!(Platform::of(&Secret::new(key)), expected, "{key}");
        }
    }

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
