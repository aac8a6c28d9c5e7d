//! What `home.yaml` says, with every default filled in and every secret resolved.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use jiff::tz::TimeZone;

use crate::domain::device::Device;
use crate::domain::id::{DeviceAlias, NotifierName};
use crate::domain::secret::Secret;

/// One home: a value, so that one process can host several.
#[derive(Clone, Debug)]
pub struct Home {
    /// The folder that holds `home.yaml`, `rules/` and `state/`.
    pub dir: PathBuf,
    pub name: String,
    pub timezone: TimeZone,
    pub amps: Amps,
    pub intake: Intake,
    pub devices: BTreeMap<DeviceAlias, HomeDevice>,
    pub notifiers: BTreeMap<NotifierName, Notifier>,
}

/// How to speak to Amps.
#[derive(Clone, Debug)]
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
#[derive(Clone, Debug)]
pub struct Intake {
    pub listen: SocketAddr,
    /// At least one; several while a secret is rotated. Each has been found usable.
    pub secrets: Vec<Secret>,
}

#[derive(Clone, Debug)]
pub struct HomeDevice {
    pub device: Device,
    /// How often its state is read. 10 s to 24 h, default 5 min.
    pub poll: Duration,
}

/// Where messages to people go.
#[derive(Clone, Debug)]
pub enum Notifier {
    /// A topic of an ntfy server; the last segment of the address is the topic.
    Ntfy { url: String, token: Option<Secret> },
    /// A JSON `POST` to any address.
    Webhook { url: String, token: Option<Secret> },
}
