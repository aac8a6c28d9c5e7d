//! The body of a push, checked in the order: shape, command, parameters, timing (`amps-api.md` §3.3, §8).
//!
//! The documents name the codes and not their order; the order is our assumption.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use crate::simulator::capability::{Capability, Execution, UNITS, capabilities, commands, is_word};
use crate::simulator::devices::{DeviceSettings, Order, number};
use crate::simulator::envelope::ApiError;
use crate::simulator::flat;
use crate::simulator::switches::{Generation, Switches};
use crate::simulator::when::{self, Grammar, Window};

/// A push that this device can take, conflicts aside.
#[derive(Clone, Debug)]
pub(crate) struct Push {
    pub(crate) order: Order,
    /// As they were sent, for the echo; none when there are none.
    pub(crate) parameters: Option<Map<String, Value>>,
    pub(crate) window: Option<Window>,
    /// The end as it was written, for a queued action whose start is not its own.
    pub(crate) end_text: Option<String>,
    pub(crate) on_conflict: Option<Strategy>,
    generation: Generation,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strategy {
    CancelAndReplace,
    QueueAfter,
}

impl Strategy {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::CancelAndReplace => "cancel_and_replace",
            Self::QueueAfter => "queue_after",
        }
    }
}

impl Push {
    /// How its times are written, at a plant in `zone`.
    pub(crate) fn grammar<'a>(&self, zone: &'a TimeZone) -> Grammar<'a> {
        grammar(self.generation, zone)
    }
}

fn grammar(generation: Generation, zone: &TimeZone) -> Grammar<'_> {
    match generation {
        Generation::B => Grammar::Zoned,
        Generation::C => Grammar::PlantLocal(zone),
    }
}

/// The push that `body` asks of `device` at `now`.
pub(crate) fn decode(
    body: &[u8],
    device: &DeviceSettings,
    zone: &TimeZone,
    now: Timestamp,
    switches: &Switches,
) -> Result<Push, ApiError> {
    let mut body = object(body)?;
    let generation = switches.generation;
    if generation == Generation::B {
        body = flat::of_today(device.kind.device_type(), body)?;
    }
    only_keys(&body, "", &["action", "onConflict", "sandbox"])?;
    let on_conflict = strategy(body.get("onConflict"))?;
    // Test controls whose fields no page shows: accepted and without effect.
    if body.get("sandbox").is_some_and(|it| !it.is_object()) {
        return Err(ApiError::invalid("`sandbox` must be an object"));
    }
    let action = body
        .get("action")
        .and_then(Value::as_object)
        .ok_or_else(|| ApiError::invalid("`action` must be an object"))?;
    only_keys(
        action,
        "action.",
        &["command", "parameters", "start", "end"],
    )?;
    let capability = command(action, device, switches)?;
    let parameters = match action.get("parameters") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(parameters)) => parameters.clone(),
        Some(_) => return Err(ApiError::invalid("`action.parameters` must be an object")),
    };
    let numbers = check_parameters(&parameters, &capability)?;
    let start = text(action, "start")?;
    let end = text(action, "end")?;
    check_execution(&capability, start, end)?;
    Ok(Push {
        order: Order {
            command: capability.command.to_owned(),
            parameters: numbers,
        },
        parameters: Some(parameters).filter(|it| !it.is_empty()),
        window: when::window(start, end, grammar(generation, zone), now)?,
        end_text: end.map(str::to_owned),
        on_conflict,
        generation,
    })
}

pub(crate) fn object(body: &[u8]) -> Result<Map<String, Value>, ApiError> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(ApiError::invalid("the body must be a JSON object")),
        Err(error) => Err(ApiError::invalid(format!("the body is not JSON: {error}"))),
    }
}

/// Every key that is sent is honoured or refused, never dropped (§2); that it is 400 is our assumption.
pub(crate) fn only_keys(
    object: &Map<String, Value>,
    prefix: &str,
    known: &[&str],
) -> Result<(), ApiError> {
    match object.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(ApiError::invalid(format!("unknown key `{prefix}{key}`"))),
        None => Ok(()),
    }
}

fn strategy(value: Option<&Value>) -> Result<Option<Strategy>, ApiError> {
    match value {
        None => Ok(None),
        Some(Value::String(name)) if name == "cancel_and_replace" => {
            Ok(Some(Strategy::CancelAndReplace))
        }
        Some(Value::String(name)) if name == "queue_after" => Ok(Some(Strategy::QueueAfter)),
        Some(_) => Err(ApiError::invalid(
            "`onConflict` must be `cancel_and_replace` or `queue_after`",
        )),
    }
}

fn text<'a>(action: &'a Map<String, Value>, key: &str) -> Result<Option<&'a str>, ApiError> {
    match action.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(ApiError::invalid(format!("`action.{key}` must be text"))),
    }
}

fn command(
    action: &Map<String, Value>,
    device: &DeviceSettings,
    switches: &Switches,
) -> Result<Capability, ApiError> {
    let name = action
        .get("command")
        .and_then(Value::as_str)
        .ok_or_else(|| ApiError::invalid("`action.command` must be text"))?;
    let generation = switches.generation;
    let known = capabilities(device, generation);
    if let Some(capability) = known.iter().find(|it| it.command == name) {
        return Ok(capability.clone());
    }
    if !is_word(&device.kind, name, generation) {
        // §8: a parseable body outside the vocabulary belongs to the 400 family.
        return Err(ApiError::invalid(format!("unknown command `{name}`")));
    }
    let supported: Vec<&str> = known.iter().map(|it| it.command).collect();
    let message = format!("this device does not support `{name}`");
    // What the older generation shows of the capabilities is cut after "full GET shape"; the commands are our
    // reading of it.
    let details = match generation {
        Generation::B => json!({
            "unsupportedModes": [name],
            "deviceCapabilities": {"commands": commands(device, generation)},
        }),
        Generation::C => json!({"deviceCapabilities": {"supportedModes": supported}}),
    };
    Err(ApiError::new(422, switches.lacking_code(), message).with(details))
}

fn check_parameters(
    parameters: &Map<String, Value>,
    capability: &Capability,
) -> Result<BTreeMap<String, f64>, ApiError> {
    let find = |name: &str| capability.parameters.iter().find(|it| it.name == name);
    let unsupported: Vec<&String> = parameters.keys().filter(|it| find(it).is_none()).collect();
    if !unsupported.is_empty() {
        let supported: Vec<&str> = capability.parameters.iter().map(|it| it.name).collect();
        let message = format!("`{}` does not take these parameters", capability.command);
        let details = json!({
            "unsupportedParameters": unsupported,
            "deviceCapabilities": {"supportedParameters": supported},
        });
        return Err(ApiError::new(422, "UNSUPPORTED_PARAMETER", message).with(details));
    }
    let mut numbers = BTreeMap::new();
    for (name, value) in parameters {
        let Some(parameter) = find(name) else {
            continue;
        };
        let (value, unit) = quantity(name, value)?;
        if unit != parameter.unit {
            return Err(wrong_unit(name, unit, parameter.unit));
        }
        if !(parameter.min..=parameter.max).contains(&value) {
            let details = json!({
                "parameter": name,
                "value": number(value),
                "min": number(parameter.min),
                "max": number(parameter.max),
                "unit": unit,
            });
            let message = format!("`{name}` is out of range");
            return Err(ApiError::new(422, "PARAMETER_OUT_OF_RANGE", message).with(details));
        }
        numbers.insert(name.clone(), value);
    }
    Ok(numbers)
}

/// Number and unit of `{"value": 90, "unit": "percent"}`.
pub(crate) fn quantity<'a>(name: &str, value: &'a Value) -> Result<(f64, &'a str), ApiError> {
    let object = value.as_object();
    let parts = object.filter(|it| it.len() == 2).and_then(|it| {
        let unit = it.get("unit")?.as_str()?;
        Some((it.get("value")?.as_f64()?, unit))
    });
    parts
        .filter(|(_, unit)| UNITS.contains(unit))
        .ok_or_else(|| {
            ApiError::invalid(format!(
                "`{name}` must be {{\"value\": number, \"unit\": text}}, with a unit of the API"
            ))
        })
}

pub(crate) fn wrong_unit(name: &str, provided: &str, supported: &str) -> ApiError {
    let message = format!("`{name}` is not given in {provided}");
    ApiError::new(422, "UNSUPPORTED_UNIT", message).with(json!({
        "parameter": name,
        "providedUnit": provided,
        "supportedUnits": [supported],
    }))
}

fn check_execution(
    capability: &Capability,
    start: Option<&str>,
    end: Option<&str>,
) -> Result<(), ApiError> {
    let requested = match (start, end) {
        (None, None) => Execution::Immediate,
        (Some(_), None) => Execution::Scheduled,
        (_, Some(_)) => Execution::Windowed,
    };
    if capability.execution.contains(&requested) {
        return Ok(());
    }
    let supported: Vec<&str> = capability.execution.iter().map(|it| it.name()).collect();
    let message = format!("`{}` cannot be {}", capability.command, requested.name());
    Err(
        ApiError::new(422, "EXECUTION_NOT_SUPPORTED", message).with(json!({
            "requestedExecution": requested.name(),
            "supportedExecution": supported,
        })),
    )
}
