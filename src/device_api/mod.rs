//! The device API of Amps over HTTP: push, look up, read; one request each, with its timeout.
//!
//! No request is ever made twice here. The API does not drop repeats (`amps-api.md` §5.4), so whether to send
//! again is for someone who knows what was sent before.

pub mod answer;
pub(crate) mod door;
mod flat;
pub(crate) mod gate;
pub(crate) mod generation;
pub(crate) mod pace;
mod report;
pub mod state;
pub mod when;
pub mod wire;

use std::fmt::Write;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use crate::clock::Clock;
use crate::config::home::Amps;
use crate::device_api::answer::{Answer, Refusal};
use crate::device_api::generation::{Generation, Seen};
use crate::device_api::state::Shown;
use crate::device_api::when::{Form, WireTiming};
use crate::device_api::wire::{Action, Page};
use crate::domain::capabilities::Strategy;
use crate::domain::command::{Command, Timing};
use crate::domain::device::Device;
use crate::domain::id::ActionId;
use crate::domain::secret::Secret;
use crate::domain::writing::{SettingWrite, Showing};
use crate::http_client::address::Address;
use crate::http_client::{Exchange, Header, HttpClient, Unbuildable};

/// The most actions that one page can have (`amps-api.md` §3.5).
pub const ACTIONS_PER_PAGE_MAX: u32 = 50;

/// Amps, as one home's key sees it. Cheap to clone; connections are shared.
#[derive(Clone, Debug)]
pub struct DeviceApi {
    client: HttpClient,
    base: Address,
    headers: [Header; 1],
    key_print: String,
    /// Of the plant, as far as this home knows.
    zone: TimeZone,
    seen: Seen,
}

/// Why Amps cannot be spoken to with these settings.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    #[error("`amps.base_url` is not an http or https address")]
    BaseUrl,
    #[error("the API key has characters that no HTTP header can have")]
    ApiKey,
    #[error(transparent)]
    Client(#[from] Unbuildable),
}

impl DeviceApi {
    pub fn try_new(amps: &Amps) -> Result<Self, Unusable> {
        Self::through(HttpClient::try_new(amps.request_timeout)?, amps)
    }

    /// The same through a client that is there.
    pub(crate) fn through(client: HttpClient, amps: &Amps) -> Result<Self, Unusable> {
        let base = Address::parse(&amps.base_url).ok_or(Unusable::BaseUrl)?;
        let key = Header::secret("x-api-key", &amps.api_key).ok_or(Unusable::ApiKey)?;
        Ok(Self {
            client,
            base,
            headers: [key],
            key_print: print_of(&amps.api_key),
            zone: TimeZone::UTC,
            seen: Seen::default(),
        })
    }

    /// The same with the clocks of this zone in what is written by the clock.
    #[must_use]
    pub fn in_zone(self, zone: TimeZone) -> Self {
        Self { zone, ..self }
    }

    pub(crate) fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// As the generation wants it that was seen last.
    pub(crate) fn timing(&self, timing: &Timing, now: Timestamp) -> WireTiming {
        let form = match self.seen.presumed() {
            Generation::Flat => Form::Zoned,
            Generation::Envelope => Form::PlantLocal(&self.zone),
        };
        WireTiming::of(timing, form, now)
    }

    /// The generation that was seen last, for the next life of the program; none until one was.
    pub(crate) fn generation(&self) -> Option<Generation> {
        self.seen.last()
    }

    pub(crate) fn restore(&self, generation: Option<Generation>) {
        self.seen.set(generation);
    }

    /// The generation that is spoken to it: the one that was seen last, or the newest.
    pub(crate) fn presumed(&self) -> Generation {
        self.seen.presumed()
    }

    /// What `exchange` comes to by `read`; what can be read shows which generation it is of.
    fn answer<T>(
        &self,
        exchange: Exchange,
        read: impl FnOnce(&[u8]) -> Result<T, &'static str>,
    ) -> Answer<T> {
        Answer::of(exchange, |body| {
            let said = read(body)?;
            self.seen.note(body);
            Ok(said)
        })
    }

    /// Asks Amps to carry `command` out at once (`amps-api.md` §3.3).
    pub async fn push(&self, command: &Command) -> Answer<Action> {
        self.push_with(command, None, WireTiming::default()).await
    }

    /// The same, with what is to become of another action that holds the device (`amps-api.md` §5.3), and when.
    pub async fn push_with(
        &self,
        command: &Command,
        strategy: Option<Strategy>,
        timing: WireTiming,
    ) -> Answer<Action> {
        let address = self.device(&command.device);
        let body = match self.seen.presumed() {
            Generation::Flat => flat::push_body(command, strategy, timing),
            Generation::Envelope => wire::push_body(command, strategy, timing),
        };
        let exchange = self.client.post(&address, &self.headers, body).await;
        self.answer(exchange, wire::read_action)
    }

    /// Looks an action up (`amps-api.md` §3.4).
    pub async fn action(&self, action: &ActionId) -> Answer<Action> {
        let address = self.base.below(&["actions", action.as_str()]);
        let exchange = self.client.get(&address, &self.headers).await;
        self.answer(exchange, wire::read_action)
    }

    /// Cancels an action that has not begun (`amps-api.md` §3.6).
    pub async fn cancel(&self, action: &ActionId) -> Answer<Action> {
        let address = self.base.below(&["actions", action.as_str(), "cancel"]);
        let exchange = self.client.post(&address, &self.headers, Vec::new()).await;
        self.answer(exchange, wire::read_action)
    }

    /// The actions on a device, newest first; `limit` is at least 1 and at most
    /// [`ACTIONS_PER_PAGE_MAX`], and taken to be within (`amps-api.md` §3.5). Where the generation that was seen last
    /// does not know the address, that of the other one is asked.
    pub async fn actions(&self, device: &Device, offset: u32, limit: u32) -> Answer<Page> {
        let presumed = self.seen.presumed();
        let other = match presumed {
            Generation::Flat => Generation::Envelope,
            Generation::Envelope => Generation::Flat,
        };
        let answer = self.actions_as(presumed, device, (offset, limit)).await;
        match answer {
            Answer::Refused(Refusal { status: 404, .. }) => {
                let second = self.actions_as(other, device, (offset, limit)).await;
                // The first knows better what is wrong.
                if let Answer::Ok(page) = second {
                    Answer::Ok(page)
                } else {
                    answer
                }
            }
            Answer::Ok(_) | Answer::Refused(_) | Answer::NotSent { .. } | Answer::Lost { .. } => {
                answer
            }
        }
    }

    async fn actions_as(
        &self,
        generation: Generation,
        device: &Device,
        (offset, limit): (u32, u32),
    ) -> Answer<Page> {
        let limit = limit.clamp(1, ACTIONS_PER_PAGE_MAX);
        let (offset, shown_limit) = (offset.to_string(), limit.to_string());
        let page = [("offset", offset.as_str()), ("limit", &shown_limit)];
        let id = device.id.as_str();
        let address = match generation {
            Generation::Flat => self
                .base
                .below(&[device.device_type.path_segment(), id, "actions"])
                .with_query(&page),
            Generation::Envelope => {
                self.base
                    .below(&["actions"])
                    .with_query(&[("deviceId", id), page[0], page[1]])
            }
        };
        let exchange = self.client.get(&address, &self.headers).await;
        let amps_time = exchange.date();
        self.answer(exchange, |body| wire::read_page(body, limit, amps_time))
    }

    /// Reads a device (`amps-api.md` §3.2); `expedite` asks for values that are a minute old at most, not a
    /// quarter of an hour. They were true at moments by `clock`, also where that of Amps shows another time.
    pub async fn state(&self, device: &Device, expedite: bool, clock: &Clock) -> Answer<Shown> {
        let mut address = self.device(device);
        if expedite {
            address = address.with_query(&[("expedite", "true")]);
        }
        let asked_at = clock.now();
        let exchange = self.client.get(&address, &self.headers).await;
        let ahead = ahead(asked_at, clock.now(), exchange.date());
        self.answer(exchange, |body| {
            state::read(body, device, (asked_at, ahead))
        })
    }

    /// Writes a setting of a device (`amps-api.md` §4.1). Returns what Amps' clock showed, where the answer told.
    pub async fn write_setting(&self, write: &SettingWrite) -> Answer<Option<Timestamp>> {
        let device = &write.device;
        let type_segment = device.device_type.path_segment();
        let address = self
            .base
            .below(&[type_segment, device.id.as_str(), "settings"]);
        let body = wire::setting_body(write);
        let exchange = self.client.post(&address, &self.headers, body).await;
        let amps_time = exchange.date();
        // What it says beyond its status is not documented for every manufacturer.
        Answer::of(exchange, |_| Ok(amps_time))
    }

    /// What a device says of one of its settings; values of a minute ago at most are asked for.
    pub async fn setting(&self, device: &Device, setting: &str) -> Answer<Showing> {
        let address = self.device(device).with_query(&[("expedite", "true")]);
        let exchange = self.client.get(&address, &self.headers).await;
        self.answer(exchange, |body| state::read_setting(body, setting))
    }

    /// A piece of a hash of the key: it tells whether it is the same key, and not what it is.
    pub(crate) fn key_print(&self) -> &str {
        &self.key_print
    }

    fn device(&self, device: &Device) -> Address {
        let segments = [device.device_type.path_segment(), device.id.as_str()];
        self.base.below(&segments)
    }
}

/// What may lie between two clocks that show the same: Amps' answers tell whole seconds.
const CLOCK_SLACK: SignedDuration = SignedDuration::from_secs(5);

/// How far our clock is ahead of Amps', at least, which showed `amps_time` between the two moments of ours; nothing
/// where they may show the same.
fn ahead(
    asked_at: Timestamp,
    answered_at: Timestamp,
    amps_time: Option<Timestamp>,
) -> SignedDuration {
    let Some(amps_time) = amps_time else {
        return SignedDuration::ZERO;
    };
    let ahead = if amps_time < asked_at {
        asked_at.duration_since(amps_time)
    } else {
        answered_at
            .duration_since(amps_time)
            .min(SignedDuration::ZERO)
    };
    if ahead.abs() <= CLOCK_SLACK {
        return SignedDuration::ZERO;
    }
    ahead
}

/// Bytes of the hash that are kept: enough to tell one key from another.
const KEY_PRINT_BYTES: usize = 8;

fn print_of(key: &Secret) -> String {
    let hash = Sha256::new()
        .chain_update(b"amps-rules, which key: ")
        .chain_update(key.expose())
        .finalize();
    let mut print = String::new();
    for byte in hash.iter().take(KEY_PRINT_BYTES) {
        write!(print, "{byte:02x}").expect("writing to a string cannot fail");
    }
    print
}
