//! Generation B: bodies without an envelope, actions by type, orders to chargers and rooms as plain words
//! (`amps-api.md` §0.1, §3.3, §3.4, §4.2, §4.3).

use serde_json::{Map, Value, json};

use crate::domain::device::DeviceType;
use crate::simulator::actions::Action;
use crate::simulator::devices::{Order, number};
use crate::simulator::envelope::{ApiError, iso};
use crate::simulator::push::only_keys;
use crate::simulator::when::shown;

/// The order to a charger that the newest generation has as a setting.
pub(crate) const SET_MAX_POWER: &str = "set_max_power";

/// `battery:set_operation_mode`: what the action is, by which conflicts are told apart (§5.3).
pub(crate) fn action_type(device_type: DeviceType, order: &Order) -> String {
    let action = match (device_type, order.command.as_str()) {
        (DeviceType::EvCharger, "charge") => "start_charging",
        (DeviceType::EvCharger, SET_MAX_POWER) => SET_MAX_POWER,
        (DeviceType::EvCharger, _) => "stop_charging",
        (DeviceType::Hvac, "follow_schedule") => "follow_schedule",
        (DeviceType::Hvac, _) => "set_permanent_hold",
        (DeviceType::Battery | DeviceType::SolarInverter | DeviceType::Vehicle, _) => {
            "set_operation_mode"
        }
    };
    format!("{}:{action}", device_type.path_segment())
}

/// `parameters` as they are echoed: with the mode among them, if the type does not say it.
fn parameters(action: &Action) -> Value {
    let order = &action.order;
    let mut shown = Map::new();
    match action.device_type {
        DeviceType::EvCharger => {
            if let Some(power) = order.parameter("maxPower") {
                shown.insert("maxPower".to_owned(), number(power));
            }
        }
        DeviceType::Hvac if order.command == "follow_schedule" => {}
        DeviceType::Hvac => {
            let mode = match order.command.as_str() {
                "idle" => "off",
                mode => mode,
            };
            shown.insert("mode".to_owned(), json!(mode));
            for (name, value) in &order.parameters {
                let name = match (name.as_str(), mode) {
                    ("target", "cool") => "coolSetpoint",
                    ("target", _) => "heatSetpoint",
                    (name, _) => name,
                };
                shown.insert(name.to_owned(), number(*value));
            }
        }
        DeviceType::Battery | DeviceType::SolarInverter | DeviceType::Vehicle => {
            shown.insert("mode".to_owned(), json!(order.command));
            shown.extend(action.parameters.clone().unwrap_or_default());
        }
    }
    shown.into()
}

/// The answer to a push.
pub(crate) fn pushed(action: &Action) -> Value {
    json!({
        "actionId": action.id,
        "state": action.state.name(),
        "type": action_type(action.device_type, &action.order),
        "createdAt": iso(action.created_at),
        "start": shown(action.start),
    })
}

/// The answer to a look-up.
pub(crate) fn whole(action: &Action) -> Value {
    let error = action.error.as_ref();
    let is_cancelled = action.state == crate::simulator::actions::ActionState::Cancelled;
    json!({
        "id": action.id,
        "deviceId": action.device,
        "type": action_type(action.device_type, &action.order),
        "state": action.state.name(),
        "parameters": parameters(action),
        "result": action.result.as_ref().filter(|_| error.is_none()),
        "errorCode": error.map(|it| &it.code),
        "errorMessage": error.map(|it| &it.message),
        "createdAt": iso(action.created_at),
        "updatedAt": iso(action.updated_at),
        "acknowledgedAt": shown(action.acknowledged_at),
        // §3.6: a cancelled action has none in this generation.
        "completedAt": shown(action.completed_at.filter(|_| !is_cancelled)),
        "start": shown(action.start),
        "end": shown(action.end),
    })
}

/// The webhook on its end (`webhooks.md` §1.3, older generation).
pub(crate) fn report(action: &Action) -> (&'static str, Value) {
    let mut body = json!({
        "actionId": action.id,
        "deviceId": action.device,
        "actionType": action_type(action.device_type, &action.order),
        "parameters": parameters(action),
    });
    match &action.error {
        None => {
            body["result"] = json!(action.result);
            body["completedAt"] = shown(action.completed_at);
            ("push.completed", body)
        }
        Some(error) => {
            body["error"] = json!({"code": error.code, "message": error.message});
            body["failedAt"] = shown(action.completed_at);
            ("push.failed", body)
        }
    }
}

/// The body of a push as the newest generation would have it; only chargers and rooms have one of their own.
pub(crate) fn of_today(
    device_type: DeviceType,
    body: Map<String, Value>,
) -> Result<Map<String, Value>, ApiError> {
    let action = match device_type {
        DeviceType::Battery | DeviceType::SolarInverter | DeviceType::Vehicle => return Ok(body),
        DeviceType::EvCharger => charger(&body)?,
        DeviceType::Hvac => room(&body)?,
    };
    let mut today = Map::new();
    today.insert("action".to_owned(), action);
    if let Some(sandbox) = body.get("sandbox") {
        today.insert("sandbox".to_owned(), sandbox.clone());
    }
    Ok(today)
}

fn word<'a>(body: &'a Map<String, Value>, key: &str) -> Result<&'a str, ApiError> {
    body.get(key)
        .and_then(Value::as_str)
        .ok_or_else(|| ApiError::invalid(format!("`{key}` must be text")))
}

fn charger(body: &Map<String, Value>) -> Result<Value, ApiError> {
    only_keys(body, "", &["action", "maxPower", "sandbox"])?;
    match (word(body, "action")?, body.get("maxPower")) {
        ("start_charging", None) => Ok(json!({"command": "charge"})),
        ("stop_charging", None) => Ok(json!({"command": "idle"})),
        (SET_MAX_POWER, Some(power)) => Ok(json!({
            "command": SET_MAX_POWER,
            "parameters": {"maxPower": {"value": power, "unit": "kw"}},
        })),
        ("start_charging" | "stop_charging", Some(_)) => {
            Err(ApiError::invalid("`maxPower` belongs to `set_max_power`"))
        }
        (SET_MAX_POWER, None) => Err(ApiError::invalid("`maxPower` is required")),
        (other, _) => Err(ApiError::invalid(format!("unknown action `{other}`"))),
    }
}

fn room(body: &Map<String, Value>) -> Result<Value, ApiError> {
    let known = ["action", "mode", "heatSetpoint", "coolSetpoint", "sandbox"];
    only_keys(body, "", &known)?;
    match word(body, "action")? {
        "follow_schedule" => Ok(json!({"command": "follow_schedule"})),
        "set_permanent_hold" => {
            let mode = word(body, "mode")?;
            let celsius = |key: &str| {
                body.get(key)
                    .map(|it| json!({"value": it, "unit": "celsius"}))
            };
            let (command, names): (_, &[_]) = match mode {
                "heat" => ("heat", &[("target", "heatSetpoint")]),
                "cool" => ("cool", &[("target", "coolSetpoint")]),
                "auto" => (
                    "auto",
                    &[
                        ("heatSetpoint", "heatSetpoint"),
                        ("coolSetpoint", "coolSetpoint"),
                    ],
                ),
                "off" => ("idle", &[]),
                _ => return Err(ApiError::invalid(format!("unknown mode `{mode}`"))),
            };
            let mut parameters = Map::new();
            for (name, key) in names {
                if let Some(value) = celsius(key) {
                    parameters.insert((*name).to_owned(), value);
                }
            }
            Ok(json!({"command": command, "parameters": parameters}))
        }
        other => Err(ApiError::invalid(format!("unknown action `{other}`"))),
    }
}
