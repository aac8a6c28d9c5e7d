//! The strings behind the scenes: `/_simulator/…`, ours, no part of the pretend API and without a key.
//!
//! | request | effect |
//! | --- | --- |
//! | `GET requests`, `GET webhooks`, `GET devices`, `GET faults` | what was seen, sent, is, is to come |
//! | `GET switches`, `POST switches` `{"generation": "b"}` | [what the documents leave open](crate::simulator::switches) |
//! | `POST devices/{id}` `{"level": 97, "plugged": true, "offline": true}` | changes a device by hand |
//! | `POST devices/{id}/events` `{"event": "disconnected"}` | sends a webhook on its connection |
//! | `POST devices/{id}/actions` `{"command": …, "parameters": …}` | an action of another client of the account |
//! | `POST devices/{id}/owner` `{"command": …, "parameters": …}` | an order past Amps, as with the vendor's app |
//! | `POST faults/requests`, `…/actions`, `…/webhooks` | see [`faults`](crate::simulator::faults) |
//! | `DELETE faults` | forgets them all |
//! | `POST webhooks/hold`, `POST webhooks/release` | keeps all webhooks back; lets them go |
//! | `POST phone` any JSON, `GET phone` | a pretend phone: what a `webhook` notifier says to it, and what it heard |
//! | `POST target` `{"url": …, "secret": …, "path_per_event": false}`, `DELETE target` | where webhooks go |

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::domain::secret::Secret;
use crate::intake::signature::Key;
use crate::simulator::devices::{Order, flag};
use crate::simulator::envelope::ApiError;
use crate::simulator::faults::{FAULTS_MAX, Faults, NotAdded};
use crate::simulator::oem;
use crate::simulator::push;
use crate::simulator::webhooks::Target;
use crate::simulator::world::{Device, World};

/// What every path here begins with.
pub(crate) const PREFIX: &str = "/_simulator";

/// Messages that the pretend phone remembers.
const PHONE_MESSAGES_MAX: usize = 100;

/// Why a request was not carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} ({status})")]
pub struct Refused {
    pub status: u16,
    pub message: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TargetSpec {
    url: String,
    secret: String,
    #[serde(default)]
    path_per_event: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EventSpec {
    event: String,
}

/// Carries out `method` on `path`, which is without the prefix: `/devices/dev_1`.
pub(crate) fn answer(
    world: &mut World,
    (method, path): (&str, &str),
    body: &[u8],
    now: Timestamp,
) -> Result<Value, Refused> {
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    match (method, segments.as_slice()) {
        ("GET", ["requests"]) => Ok(json!({"requests": world.ledger.records()})),
        ("GET", ["webhooks"]) => Ok(json!({"webhooks": world.outbound.records()})),
        ("GET", ["devices"]) => Ok(devices(world)),
        ("GET", ["faults"]) => Ok(json!(world.faults)),
        ("GET", ["switches"]) => Ok(json!(world.switches)),
        ("POST", ["switches"]) => {
            let changed = world.switches.with(&decode(body)?);
            world.switches = changed.map_err(|message| Refused::new(400, message))?;
            world.advance_physics(now);
            Ok(json!(world.switches))
        }
        ("DELETE", ["faults"]) => {
            world.faults = Faults::default();
            Ok(json!({}))
        }
        ("POST", ["faults", kind]) => add_fault(&mut world.faults, kind, body),
        ("POST", ["webhooks", "hold"]) => {
            world.outbound.holding = true;
            Ok(json!({}))
        }
        ("POST", ["webhooks", "release"]) => Ok(json!({"released": world.outbound.release()})),
        ("GET", ["phone"]) => Ok(json!({"messages": world.phone})),
        ("POST", ["phone"]) => {
            let message = decode(body)?;
            if PHONE_MESSAGES_MAX <= world.phone.len() {
                world.phone.pop_front();
            }
            world.phone.push_back(message);
            Ok(json!({}))
        }
        ("POST", ["target"]) => {
            let spec: TargetSpec = decode(body)?;
            let target = target(spec.url, &Secret::new(spec.secret), spec.path_per_event)?;
            world.outbound.target = Some(target);
            Ok(json!({}))
        }
        ("DELETE", ["target"]) => {
            world.outbound.target = None;
            Ok(json!({}))
        }
        ("POST", ["devices", id]) => patch(world, id, body, now),
        ("POST", ["devices", id, "events"]) => announce(world, id, body, now),
        ("POST", ["devices", id, what @ ("actions" | "owner")]) => {
            foreign(world, id, *what == "owner", body, now)
        }
        _ => Err(Refused::new(404, "no such control")),
    }
}

/// Where webhooks are to go, if the secret can sign.
pub(crate) fn target(
    url: String,
    secret: &Secret,
    path_per_event: bool,
) -> Result<Target, Refused> {
    let key = Key::parse(secret).map_err(|error| Refused::new(400, error.to_string()))?;
    reqwest::Url::parse(&url).map_err(|error| Refused::new(400, format!("`url`: {error}")))?;
    Ok(Target {
        url,
        key,
        path_per_event,
    })
}

impl Refused {
    fn new(status: u16, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
        }
    }
}

impl From<ApiError> for Refused {
    fn from(error: ApiError) -> Self {
        Self::new(error.status, format!("{}: {}", error.code, error.message))
    }
}

fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refused> {
    serde_json::from_slice(body).map_err(|error| Refused::new(400, error.to_string()))
}

fn no_device() -> Refused {
    Refused::new(404, "no such device")
}

fn devices(world: &World) -> Value {
    let devices: Vec<Value> = world
        .devices
        .iter()
        .map(|device| {
            json!({
                "name": device.settings.name,
                "id": device.settings.id,
                "type": device.settings.kind.device_type().name(),
                "offline": device.oem_error.is_some_and(|it| it.code == oem::OFFLINE.code),
                "oem_error": device.oem_error.map(|it| it.code),
                "timezone": device.settings.timezone,
                "lacks": device.settings.lacks,
                "scheduler_active": device.scheduler_active,
                "ignores_settings": device.ignores_settings,
                "state": world.device_state(device),
            })
        })
        .collect();
    json!({"devices": devices})
}

fn add_fault(faults: &mut Faults, kind: &str, body: &[u8]) -> Result<Value, Refused> {
    let added = match kind {
        "requests" => faults.add_request(decode(body)?),
        "actions" => faults.add_action(decode(body)?),
        "webhooks" => faults.add_webhook(decode(body)?),
        _ => return Err(Refused::new(404, "no such kind of fault")),
    };
    match added {
        Ok(()) => Ok(json!({})),
        Err(NotAdded::TooMany) => {
            let message = format!("{FAULTS_MAX} faults are waiting");
            Err(Refused::new(409, message))
        }
        Err(NotAdded::NoErrorStatus) => {
            let message = "`status` is from 400 to 599";
            Err(Refused::new(400, message))
        }
    }
}

/// All of the changes or none.
fn patch(world: &mut World, id: &str, body: &[u8], now: Timestamp) -> Result<Value, Refused> {
    let changes: Map<String, Value> = decode(body)?;
    let device = world.device_mut(id).ok_or_else(no_device)?;
    let mut after = device.clone();
    for (key, value) in &changes {
        let done = match key.as_str() {
            "offline" => flag(key, value).map(|it| after.oem_error = it.then_some(&oem::OFFLINE)),
            "oem_error" => oem_error(&mut after, value),
            "timezone" => timezone(&mut after, value),
            "lacks" => lacks(&mut after, value),
            "scheduler_active" => flag(key, value).map(|it| after.scheduler_active = it),
            "ignores_settings" => flag(key, value).map(|it| after.ignores_settings = it),
            _ => after.settings.kind.patch(key, value),
        };
        done.map_err(|message| Refused::new(400, message))?;
    }
    *device = after;
    world.advance_physics(now);
    let device = world.device(id).ok_or_else(no_device)?;
    Ok(json!({"state": world.device_state(device)}))
}

fn oem_error(device: &mut Device, value: &Value) -> Result<(), String> {
    device.oem_error = match value.as_str().map(oem::find) {
        None if value.is_null() => None,
        Some(Some(error)) => Some(error),
        None | Some(None) => {
            return Err(format!("`oem_error` is null or one of {}", oem::names()));
        }
    };
    Ok(())
}

fn timezone(device: &mut Device, value: &Value) -> Result<(), String> {
    let name = value.as_str().unwrap_or_default();
    device.zone = TimeZone::get(name).map_err(|_| format!("no time zone `{name}`"))?;
    name.clone_into(&mut device.settings.timezone);
    Ok(())
}

/// Commands, or commands with a timing: `charge`, `charge:windowed`.
fn lacks(device: &mut Device, value: &Value) -> Result<(), String> {
    device.settings.lacks = serde_json::from_value(value.clone())
        .map_err(|_| "`lacks` is a list of commands, such as `charge` or `charge:windowed`")?;
    Ok(())
}

fn announce(world: &mut World, id: &str, body: &[u8], now: Timestamp) -> Result<Value, Refused> {
    let spec: EventSpec = decode(body)?;
    let event = match spec.event.as_str() {
        "connected" => "device.connected",
        "reconnected" => "device.reconnected",
        "disconnected" => "device.disconnected",
        _ => {
            let message = "`event` is `connected`, `reconnected` or `disconnected`";
            return Err(Refused::new(400, message));
        }
    };
    let message = world.announce(id, event, now).ok_or_else(no_device)?;
    Ok(json!({"message": message}))
}

/// Somebody else orders something, through Amps or past it.
fn foreign(
    world: &mut World,
    id: &str,
    past_amps: bool,
    body: &[u8],
    now: Timestamp,
) -> Result<Value, Refused> {
    let action: Map<String, Value> = decode(body)?;
    let device = world.device(id).ok_or_else(no_device)?;
    let body = json!({"action": action}).to_string();
    let switches = &world.switches;
    let push = push::decode(
        body.as_bytes(),
        &device.settings,
        &device.zone,
        now,
        switches,
    )?;
    if past_amps {
        let order = Order::clone(&push.order);
        world.obey_owner(id, order, now);
        return Ok(json!({}));
    }
    let reply = world.accept(id, push, now)?;
    Ok(json!({"action": reply.accepted}))
}
