//! What `home.yaml` says, with every default filled in and every secret resolved.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use jiff::tz::TimeZone;

use crate::config::keyring::Keyring;
use crate::domain::device::Device;
use crate::domain::id::{DeviceAlias, DeviceId, InputName, NotifierName};
use crate::domain::secret::Secret;
use crate::domain::unit::Unit;

/// One home: a value, so that one process can host several.
#[derive(Clone, Debug)]
pub struct Home {
    /// The folder that holds `home.yaml`, `rules/` and `state/`.
    pub dir: PathBuf,
    pub name: String,
    pub timezone: TimeZone,
    /// For the sun.
    pub location: Option<Location>,
    pub amps: Amps,
    pub intake: Intake,
    pub dashboard: Dashboard,
    pub devices: BTreeMap<DeviceAlias, HomeDevice>,
    pub inputs: BTreeMap<InputName, Input>,
    /// The secrets of each hook, any of which may have signed. Each has been found usable.
    pub hooks: BTreeMap<String, Vec<Secret>>,
    pub notifiers: BTreeMap<NotifierName, Notifier>,
    pub limits: Limits,
    pub retention: Retention,
    /// Hosts that rules may call, in small letters, some with a port.
    pub http_allow: BTreeSet<String>,
    /// The secrets that rules may send along.
    pub keyring: Keyring,
}

impl Home {
    /// The keys of `home.yaml` that say something else in `other`.
    pub fn differs_from(&self, other: &Self) -> Vec<String> {
        let Self {
            dir: _,
            name,
            timezone,
            location,
            amps,
            intake,
            dashboard,
            devices,
            inputs,
            hooks,
            notifiers,
            limits,
            retention,
            http_allow,
            keyring: _,
        } = other;
        let sections = [
            (
                "home",
                (&self.name, &self.timezone, &self.location) == (name, timezone, location),
            ),
            ("amps", self.amps == *amps),
            ("intake", self.intake == *intake),
            ("dashboard", self.dashboard == *dashboard),
            ("devices", self.devices == *devices),
            ("inputs", self.inputs == *inputs),
            ("hooks", self.hooks == *hooks),
            ("notifiers", self.notifiers == *notifiers),
            ("limits", self.limits == *limits),
            ("retention", self.retention == *retention),
            ("http_allow", self.http_allow == *http_allow),
        ];
        let different = sections.into_iter().filter(|(_, is_same)| !is_same);
        different.map(|(key, _)| key.to_owned()).collect()
    }
}

/// A place on the earth, in degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Location {
    /// -90 to 90, north is positive.
    pub latitude: f64,
    /// -180 to 180, east is positive.
    pub longitude: f64,
}

/// The face to the people of the house.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dashboard {
    pub listen: SocketAddr,
}

/// A value from outside Amps.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    pub kind: InputKind,
    /// Older than this is unknown. 1 s to 366 d; default 15 min, and at least twice as long as an address
    /// is not asked.
    pub max_age: Duration,
    /// Where it is read. None for those that are posted to `/hooks/NAME`.
    pub source: Option<HttpSource>,
}

/// An address that tells the value of an input, or what is foretold of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpSource {
    /// Its host is one that `http_allow` names.
    pub url: String,
    /// 10 s to 24 h, default 15 min.
    pub every: Duration,
    /// Where in the answer the value stands, as a JSON pointer; empty for the answer itself.
    pub pointer: String,
    pub keys: SeriesKeys,
}

/// What the parts of a value that is foretold are called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeriesKeys {
    pub from: String,
    /// Which may be missing: it then holds until the next one begins.
    pub to: String,
    pub value: String,
}

impl Default for SeriesKeys {
    fn default() -> Self {
        Self {
            from: "from".to_owned(),
            to: "to".to_owned(),
            value: "value".to_owned(),
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum InputKind {
    Number(InputUnit),
    Text,
    Boolean,
}

/// What a number of an input counts.
#[derive(Clone, Debug, PartialEq)]
pub enum InputUnit {
    None,
    Known(Unit),
    /// A unit of its own, like `GBP/kWh`: it compares with itself and with bare numbers.
    Own(String),
}

/// How much may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Over all devices. 1 to 60 000, default 30.
    pub commands_per_minute: u32,
    pub runs_per_rule: RunsPerRule,
}

/// More runs than `count` within the time pause the rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunsPerRule {
    /// 1 to 1000, default 20.
    pub count: u32,
    /// 1 s to 24 h, default 60 s.
    pub within: Duration,
}

/// What the home allows its rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowance {
    pub limits: Limits,
    pub devices: BTreeMap<DeviceId, DeviceAllowance>,
}

/// What the home allows its rules to do with a device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeviceAllowance {
    /// Rules of a lower priority do not get the device. 0 to 100, default 0.
    pub priority_floor: u32,
    /// The least time between two orders. Up to 24 h.
    pub min_hold: Option<Duration>,
    pub limits: DeviceLimits,
}

impl Allowance {
    pub fn of(devices: &BTreeMap<DeviceAlias, HomeDevice>, limits: Limits) -> Self {
        let devices = devices.values();
        Self {
            limits,
            devices: devices
                .map(|it| (it.device.id.clone(), it.allowance))
                .collect(),
        }
    }
}

/// How long what is over is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// 1 d to 366 d, default 30 d.
    pub traces: Duration,
    /// 1 d to 366 d, default 90 d.
    pub events: Duration,
    /// In bytes. 16 MiB to 1 TiB, default 512 MiB.
    pub database_max: u64,
}

/// How to speak to Amps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amps {
    /// Without a trailing slash. `http` only for loopback hosts.
    pub base_url: String,
    pub api_key: Secret,
    /// How long one request may take, the answer included. 1 s to 60 s, default 10 s.
    pub request_timeout: Duration,
    /// How long to wait for the webhook that ends an action before asking for it. 1 s to 1 h, default 30 s.
    pub look_up_after: Duration,
    /// How long a push whose answer was lost may still turn up at Amps: so long it is looked up, and not
    /// sent again. 1 s to 1 h, default 1 min.
    pub in_doubt_for: Duration,
}

/// The face to the internet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intake {
    pub listen: SocketAddr,
    /// At least one; several while a secret is rotated. Each has been found usable.
    pub secrets: Vec<Secret>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HomeDevice {
    pub device: Device,
    /// How often its state is read. 10 s to 24 h, default 5 min.
    pub poll: Duration,
    pub allowance: DeviceAllowance,
}

/// The most orders to a device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeviceLimits {
    /// 1 to 3600.
    pub per_hour: Option<u32>,
    /// 1 to 10 000.
    pub per_day: Option<u32>,
}

/// Where messages to people go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notifier {
    /// A topic of an ntfy server; the last segment of the address is the topic.
    Ntfy { url: String, token: Option<Secret> },
    /// A JSON `POST` to any address.
    Webhook { url: String, token: Option<Secret> },
}
