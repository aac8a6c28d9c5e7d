//! Fields that actions and the webhooks about them have in common, in both generations.
//!
//! Reading is lenient: a field of another type than documented is read as absent, unknown ones are ignored.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::domain::device::DeviceType;
use crate::domain::legacy;
use crate::domain::lifecycle::Failure;
use crate::domain::unit::Unit;
use crate::domain::value::Quantity;

/// The most characters of a text of the platform that are kept; it is for people to read.
const MESSAGE_CHARS_MAX: usize = 500;

pub(crate) type Object = Map<String, Value>;

/// The object that `body` is; otherwise what is wrong with it. Never quotes the body.
pub(crate) fn object(body: &[u8]) -> Result<Object, &'static str> {
    // Depth is bounded by the parser, at 128.
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err("it is not a JSON object"),
        Err(_) => Err("it is not JSON, or nested too deeply"),
    }
}

/// A text that is not empty.
pub(crate) fn text<'a>(object: &'a Object, name: &str) -> Option<&'a str> {
    object.get(name)?.as_str().filter(|it| !it.is_empty())
}

pub(crate) fn child<'a>(object: &'a Object, name: &str) -> Option<&'a Object> {
    object.get(name)?.as_object()
}

/// Whether the field is there and not null.
pub(crate) fn has(object: &Object, name: &str) -> bool {
    object.get(name).is_some_and(|it| !it.is_null())
}

pub(crate) fn moment(object: &Object, name: &str) -> Option<Timestamp> {
    text(object, name)?.parse().ok()
}

/// The verb: `command`, or what an action type and a mode mean.
pub(crate) fn command(object: &Object) -> Option<String> {
    if let Some(command) = text(object, "command") {
        return Some(command.to_owned());
    }
    let mode = child(object, "parameters").and_then(|it| text(it, "mode"));
    legacy::command(action_type(object)?, mode)
}

/// `deviceType`, or the kind that an action type begins with.
pub(crate) fn device_type(object: &Object) -> Option<DeviceType> {
    text(object, "deviceType")
        .and_then(DeviceType::parse)
        .or_else(|| legacy::device_type(action_type(object)?))
}

/// The older generation's name of an action: `actionType` in webhooks, `type` in answers.
fn action_type(object: &Object) -> Option<&str> {
    text(object, "actionType").or_else(|| text(object, "type"))
}

/// The parameters that are numbers with a unit; the older generation has a mode and bare numbers among them.
pub(crate) fn parameters(object: &Object) -> BTreeMap<String, Quantity> {
    let all = child(object, "parameters").into_iter().flatten();
    all.filter_map(|(name, value)| Some((name.clone(), quantity(value.as_object()?)?)))
        .collect()
}

pub(crate) fn quantity(object: &Object) -> Option<Quantity> {
    Some(Quantity {
        value: object.get("value")?.as_f64()?,
        unit: text(object, "unit").and_then(Unit::parse)?,
    })
}

/// Why an action failed: `errorCode` and `errorMessage`, or `error`; the manufacturer's message where neither tells.
pub(crate) fn failure(object: &Object) -> Failure {
    let error = child(object, "error");
    let code = text(object, "errorCode").or_else(|| text(error?, "code"));
    let message = text(object, "errorMessage")
        .or_else(|| text(error?, "message"))
        .or_else(|| text(child(object, "result")?, "message"));
    match message {
        Some(message) => Failure::new(code, clipped(message)),
        None => Failure {
            code: code.map(str::to_owned),
            ..no_reason()
        },
    }
}

pub(crate) fn no_reason() -> Failure {
    Failure::new(None, "no reason was given")
}

/// The beginning of `message`.
pub(crate) fn clipped(message: &str) -> String {
    match message.char_indices().nth(MESSAGE_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &message[..end]),
        None => message.to_owned(),
    }
}
