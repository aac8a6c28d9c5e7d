//! A faithful pretend Amps: the device API in both generations that are in use, a house of devices with
//! physics, signed webhooks with retries, and everything that can go wrong, on demand.
//!
//! `README.md` beside this file says of each statement whether it is documented or assumed.
//!
//! A library for tests and a program for people; it shares no code with the client that it tries, the
//! signature excepted. What the documents leave open is a setting or an assumption, and says so.
//!
//! # Time
//!
//! The simulated world runs [`Settings::speed`] times faster than the wall clock: physics, delays of actions,
//! retries of webhooks, and the wait for a `start` or an `end`. Every timestamp that is shown or signed is the
//! wall clock's. A `start` an hour ahead is therefore shown as such, and fires after a second at 3600.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::clock::Clock;
use crate::domain::secret::Secret;
use crate::simulator::control::Refused;
use crate::simulator::devices::battery::Battery;
use crate::simulator::devices::ev_charger::EvCharger;
use crate::simulator::devices::hvac::Hvac;
use crate::simulator::devices::solar_inverter::SolarInverter;
use crate::simulator::devices::vehicle::Vehicle;
use crate::simulator::devices::{DeviceSettings, Kind};
use crate::simulator::ledger::RequestRecord;
use crate::simulator::server::Shared;
use crate::simulator::switches::Switches;
use crate::simulator::webhooks::WebhookRecord;
use crate::simulator::world::World;

mod actions;
mod capability;
mod conflict;
pub mod control;
mod courier;
pub mod devices;
mod envelope;
pub mod faults;
mod flat;
#[cfg(test)]
pub(crate) mod in_memory;
pub mod ledger;
mod oem;
mod page;
mod profile;
mod push;
mod random;
mod reading;
mod routes;
mod server;
mod setting;
pub mod switches;
pub mod webhooks;
mod when;
mod world;

/// What a simulator is to be.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Port 0 takes a free one.
    pub listen: SocketAddr,
    /// The one key that is valid.
    pub api_key: Secret,
    /// How many times faster than the wall clock the world runs.
    pub speed: f64,
    pub devices: Vec<DeviceSettings>,
    pub webhook: Option<WebhookTarget>,
    /// What the documents leave open, as it is at the beginning.
    pub switches: Switches,
    /// Ids come out of it. A receiver that remembers delivery ids takes a second run with the same seed
    /// for repeats.
    pub seed: u64,
    pub clock: Clock,
}

/// Which of the two environments the key belongs to (`amps-api.md` §1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Environment {
    Sandbox,
    Live,
}

/// Where webhooks go.
#[derive(Clone, Debug)]
pub struct WebhookTarget {
    pub url: String,
    /// `whsec_…`
    pub secret: Secret,
    /// Each event to an address of its own: `url` + `/push.completed`.
    pub path_per_event: bool,
}

/// Starts simulators.
#[derive(Debug)]
pub struct Simulator;

/// A simulator at work. It stops when this is dropped, and in good order with [`Running::stop`].
#[derive(Debug)]
pub struct Running {
    pub addr: SocketAddr,
    shared: Arc<Shared>,
    tasks: JoinSet<()>,
    stop: DropGuard,
}

impl Environment {
    /// The environment that a key of this form belongs to; none when its form does not tell.
    pub fn of_key(key: &str) -> Option<Self> {
        let rest = key.strip_prefix("amps_").unwrap_or(key);
        match rest.strip_prefix("sk_")?.split_once('_')?.0 {
            "test" => Some(Self::Sandbox),
            "live" => Some(Self::Live),
            _ => None,
        }
    }

    /// As `meta.environment` has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sandbox => "sandbox",
            Self::Live => "live",
        }
    }
}

impl Settings {
    /// A house with one device of each kind, on a free port of this machine, in real time.
    pub fn house() -> Self {
        let device = |name: &str, id: &str, kind| DeviceSettings {
            name: name.to_owned(),
            id: id.to_owned(),
            user_id: "user_home".to_owned(),
            timezone: "Europe/London".to_owned(),
            lacks: Vec::new(),
            kind,
        };
        let vehicle = Vehicle {
            charger: "dev_ev001".to_owned(),
        };
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            api_key: Secret::new("sk_test_simulated"),
            speed: 1.0,
            devices: vec![
                device(
                    "house_battery",
                    "dev_abc123",
                    Kind::Battery(Battery::default()),
                ),
                device(
                    "wallbox",
                    "dev_ev001",
                    Kind::EvCharger(EvCharger::default()),
                ),
                device("climate", "dev_hvac01", Kind::Hvac(Hvac::default())),
                device(
                    "roof",
                    "dev_pv01",
                    Kind::SolarInverter(SolarInverter::default()),
                ),
                device("car", "dev_car01", Kind::Vehicle(vehicle)),
            ],
            webhook: None,
            switches: Switches::default(),
            seed: 1,
            clock: Clock::System,
        }
    }
}

impl Simulator {
    /// Listens and works until the result is stopped or dropped.
    pub async fn start(settings: Settings) -> io::Result<Running> {
        let clock = settings.clock.clone();
        let listen = settings.listen;
        let webhook = settings.webhook.clone();
        let mut world = World::new(settings, clock.now())?;
        if let Some(it) = webhook {
            let target = control::target(it.url, &it.secret, it.path_per_event);
            let invalid =
                |refused: Refused| io::Error::new(io::ErrorKind::InvalidInput, refused.message);
            world.outbound.target = Some(target.map_err(invalid)?);
        }
        let client = courier::client().map_err(io::Error::other)?;
        let listener = TcpListener::bind(listen).await?;
        let addr = listener.local_addr()?;
        let shared = Arc::new(Shared::new(clock, world));
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        tasks.spawn(server::run(Arc::clone(&shared), listener, stop.clone()));
        tasks.spawn(courier::run(Arc::clone(&shared), client, stop.clone()));
        Ok(Running {
            addr,
            shared,
            tasks,
            stop: stop.drop_guard(),
        })
    }
}

impl Running {
    /// The base address of the pretend API, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// A request of the [control API](control), without HTTP; `path` is as in `/devices/dev_1`.
    pub fn control(&self, method: &str, path: &str, body: &Value) -> Result<Value, Refused> {
        self.shared
            .control(method, path, body.to_string().as_bytes())
    }

    /// What was asked of the pretend API so far, oldest first.
    pub fn requests(&self) -> Vec<RequestRecord> {
        self.shared.world().ledger.records()
    }

    /// The webhooks so far, oldest first.
    pub fn webhooks(&self) -> Vec<WebhookRecord> {
        self.shared.world().outbound.records()
    }

    /// Sends webhooks to `target` from now on.
    pub fn set_target(&self, target: WebhookTarget) -> Result<(), Refused> {
        let target = control::target(target.url, &target.secret, target.path_per_event)?;
        self.shared.world().outbound.target = Some(target);
        Ok(())
    }

    /// Ends every connection and every delivery; returns when nothing is left of them.
    pub async fn stop(mut self) {
        self.stop.disarm().cancel();
        while self.tasks.join_next().await.is_some() {}
    }
}
