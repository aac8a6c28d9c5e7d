//! The endpoints of the pretend API, in both generations (`amps-api.md` §3).

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::domain::device::DeviceType;
use crate::simulator::Environment;
use crate::simulator::actions::{Action, ActionState};
use crate::simulator::envelope::{ApiError, Reply, Request};
use crate::simulator::ledger::KeySeen;
use crate::simulator::oem::Effect;
use crate::simulator::page::Page;
use crate::simulator::switches::{Generation, KeyState};
use crate::simulator::world::{Device, World};
use crate::simulator::{push, setting};

/// What kind of key the request carries (§1).
pub(crate) fn key_seen(world: &World, request: &Request) -> KeySeen {
    let bearer = |it: &str| it.strip_prefix("Bearer ").map(str::to_owned);
    let key = request
        .header("x-api-key")
        .map(str::to_owned)
        .or_else(|| request.header("authorization").and_then(bearer));
    match key {
        None => KeySeen::Absent,
        Some(key) if key == world.api_key.expose() => KeySeen::Valid,
        Some(_) => KeySeen::Invalid,
    }
}

/// Answers a request to the API, which takes effect at once.
pub(crate) fn answer(
    world: &mut World,
    request: &Request,
    now: Timestamp,
) -> Result<Reply, ApiError> {
    match key_seen(world, request) {
        KeySeen::Valid => {}
        KeySeen::Absent => {
            return Err(ApiError::new(401, "UNAUTHORIZED", "an API key is required"));
        }
        KeySeen::Invalid => {
            return Err(ApiError::new(
                401,
                "INVALID_API_KEY",
                "the API key is not valid",
            ));
        }
    }
    admitted(world, request, now)?;
    let generation = world.switches.generation;
    let segments: Vec<&str> = request.path.split('/').skip(1).collect();
    match (request.method.as_str(), segments.as_slice()) {
        ("GET", ["actions"]) if generation == Generation::C => list_actions(world, request, None),
        ("GET", ["actions", id]) => match world.action(id) {
            Some(action) => Ok(Reply::ok(action.whole(generation))),
            None => Err(no_action(world)),
        },
        ("POST", ["actions", id, "cancel"]) => cancel(world, id, now),
        ("GET", ["schedules"]) => Err(not_implemented()),
        ("POST", ["schedules"]) if generation == Generation::B => Err(not_implemented()),
        ("GET", ["schedules", _]) if generation == Generation::C => {
            Err(ApiError::not_found("schedule"))
        }
        (method, [segment, rest @ ..]) => {
            let device_type = DeviceType::ALL
                .into_iter()
                .find(|it| it.path_segment() == *segment)
                .ok_or_else(|| ApiError::not_found("path"))?;
            device_route(world, device_type, (method, rest), request, now)
        }
        (_, []) => Err(ApiError::not_found("path")),
    }
}

/// What stands between a key that is right and everything else (§1, §7).
fn admitted(world: &mut World, request: &Request, now: Timestamp) -> Result<(), ApiError> {
    if !world.let_in(now) {
        return Err(world.switches.too_many());
    }
    let refused = |status, code, message| Err(ApiError::new(status, code, message));
    match world.switches.key {
        KeyState::Revoked => return refused(401, "INVALID_API_KEY", "the API key was revoked"),
        KeyState::Expired => return refused(401, "EXPIRED_TOKEN", "the API key has expired"),
        KeyState::Unprivileged if request.method != "GET" => {
            return refused(403, "INSUFFICIENT_PERMISSIONS", "the API key may only read");
        }
        KeyState::Unprivileged | KeyState::Valid => {}
    }
    if world.switches.environment == Environment::Live && !world.switches.live_access {
        return refused(403, "LIVE_ACCESS_DISABLED", "live access is not enabled");
    }
    Ok(())
}

/// Status and code are not documented (§12.8).
fn no_action(world: &World) -> ApiError {
    ApiError::new(404, world.switches.missing_code(), "action not found")
}

/// The manufacturer's answer, where it is passed on (§3.2, §8).
fn let_through(device: &Device, is_read: bool) -> Result<(), ApiError> {
    let Some(error) = device.oem_error else {
        return Ok(());
    };
    match error.effect {
        Effect::FailsReads(status) if is_read => Err((status, error)),
        Effect::FailsRequests(status) => Err((status, error)),
        Effect::FailsReads(_) | Effect::FallsBack => Ok(()),
    }
    .map_err(|(status, error)| ApiError::new(status, error.code, error.message()))
}

fn device_route(
    world: &mut World,
    device_type: DeviceType,
    route: (&str, &[&str]),
    request: &Request,
    now: Timestamp,
) -> Result<Reply, ApiError> {
    match route {
        ("GET", []) => list_devices(world, device_type, request, now),
        ("GET", [id]) => {
            let expedite = match request.parameter("expedite") {
                None | Some("false") => false,
                Some("true") => true,
                Some(_) => return Err(ApiError::invalid("`expedite` must be true or false")),
            };
            let_through(device(world, device_type, id)?, true)?;
            let data = world.read(id, expedite, now);
            data.map(Reply::ok).ok_or_else(device_not_found)
        }
        ("GET", [id, "actions"])
            if device_type == DeviceType::Battery && world.switches.generation == Generation::B =>
        {
            device(world, device_type, id)?;
            list_actions(world, request, Some(id))
        }
        ("POST", [id]) => push_action(world, device_type, id, request, now),
        ("POST", [id, "settings"]) => write_settings(world, device_type, id, request, now),
        ("GET" | "PUT" | "DELETE", [id, "schedule"])
            if is_writable(device_type) && world.switches.generation == Generation::C =>
        {
            device(world, device_type, id)?;
            Err(not_implemented())
        }
        _ => Err(ApiError::not_found("path")),
    }
}

fn is_writable(device_type: DeviceType) -> bool {
    match device_type {
        DeviceType::Battery | DeviceType::EvCharger | DeviceType::Hvac => true,
        DeviceType::SolarInverter | DeviceType::Vehicle => false,
    }
}

fn device<'a>(world: &'a World, device_type: DeviceType, id: &str) -> Result<&'a Device, ApiError> {
    world
        .device(id)
        .filter(|it| it.settings.kind.device_type() == device_type)
        .ok_or_else(device_not_found)
}

/// One message for unknown and for not yours (§8).
fn device_not_found() -> ApiError {
    ApiError::new(404, "DEVICE_NOT_FOUND", "device not found")
}

/// §5.6.
fn not_implemented() -> ApiError {
    ApiError::new(501, "NOT_IMPLEMENTED", "schedules are not available yet")
}

fn list_devices(
    world: &mut World,
    device_type: DeviceType,
    request: &Request,
    now: Timestamp,
) -> Result<Reply, ApiError> {
    let page = Page::of(request)?;
    let user = request.parameter("userId");
    let ids: Vec<String> = world
        .devices
        .iter()
        .map(|it| &it.settings)
        .filter(|it| it.kind.device_type() == device_type)
        .filter(|it| user.is_none_or(|user| user == it.user_id))
        .map(|it| it.id.clone())
        .collect();
    let items = ids.iter().filter_map(|id| world.listed(id, now)).collect();
    Ok(Reply::ok(page.cut(items)))
}

/// §3.5: newest first; a device that is not yours gives an empty page.
fn list_actions(world: &World, request: &Request, of: Option<&str>) -> Result<Reply, ApiError> {
    let page = Page::of(request)?;
    let state = request
        .parameter("state")
        .map(|name| {
            ActionState::parse(name)
                .ok_or_else(|| ApiError::invalid("`state` is not a state of actions"))
        })
        .transpose()?;
    let device_type = request
        .parameter("deviceType")
        .map(|name| {
            DeviceType::parse(name)
                .ok_or_else(|| ApiError::invalid("`deviceType` is not a type of devices"))
        })
        .transpose()?;
    let user = request.parameter("userId");
    let device = of.or(request.parameter("deviceId"));
    let items: Vec<Value> = world
        .actions
        .iter()
        .rev()
        .filter(|it| state.is_none_or(|state| state == it.state))
        .filter(|it| device_type.is_none_or(|device_type| device_type == it.device_type))
        .filter(|it| user.is_none_or(|user| user == it.user))
        .filter(|it| device.is_none_or(|device| device == it.device))
        .map(|it| Action::whole(it, world.switches.generation))
        .collect();
    Ok(Reply::ok(page.cut(items)))
}

/// §3.6.
fn cancel(world: &mut World, id: &str, now: Timestamp) -> Result<Reply, ApiError> {
    let action = world.action(id).ok_or_else(|| no_action(world))?;
    if action.state != ActionState::Scheduled {
        let message = format!(
            "the action is {} and cannot be cancelled",
            action.state.name()
        );
        return Err(ApiError::new(409, "ACTION_NOT_CANCELLABLE", message));
    }
    world.cancel(id, now);
    let action = world.action(id).expect("just found");
    Ok(Reply::ok(action.whole(world.switches.generation)))
}

fn push_action(
    world: &mut World,
    device_type: DeviceType,
    id: &str,
    request: &Request,
    now: Timestamp,
) -> Result<Reply, ApiError> {
    if !is_writable(device_type) {
        // Always, whatever the id (§3).
        let message = format!("a {device_type} takes no actions");
        return Err(ApiError::new(422, "DIRECT_ACTION_UNSUPPORTED", message));
    }
    let device = device(world, device_type, id)?;
    let_through(device, false)?;
    if world.switches.environment == Environment::Live && device_type != DeviceType::Battery {
        // §4.2, §4.3: live control of these is to come.
        let message = format!("live control of a {device_type} is not available yet");
        return Err(ApiError::new(422, "COMMAND_NOT_SUPPORTED", message));
    }
    let push = push::decode(
        &request.body,
        &device.settings,
        &device.zone,
        now,
        &world.switches,
    )?;
    world.accept(id, push, now)
}

/// §4.1, §4.2. The status is not documented (§12.10).
fn write_settings(
    world: &mut World,
    device_type: DeviceType,
    id: &str,
    request: &Request,
    now: Timestamp,
) -> Result<Reply, ApiError> {
    let has_settings = match device_type {
        DeviceType::Battery => true,
        DeviceType::EvCharger => world.switches.generation == Generation::C,
        DeviceType::Hvac | DeviceType::SolarInverter | DeviceType::Vehicle => false,
    };
    if !has_settings {
        return Err(ApiError::not_found("path"));
    }
    let_through(device(world, device_type, id)?, false)?;
    let changes = push::object(&request.body)?;
    let read_only_code = world.switches.read_only_code();
    let device = world.device_mut(id).ok_or_else(device_not_found)?;
    let mut after = device.settings.kind.clone();
    let updated = setting::write(&mut after, &changes, read_only_code)?;
    if !device.ignores_settings {
        device.settings.kind = after;
    }
    world.advance_physics(now);
    Ok(Reply {
        status: if world.switches.settings_are_202 {
            202
        } else {
            200
        },
        ..Reply::ok(json!({"deviceId": id, "updated": updated}))
    })
}
