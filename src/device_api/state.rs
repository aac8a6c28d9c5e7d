//! The JSON of a device that was read (`amps-api.md` §3.2, §4).

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value as Json;

use crate::amps_json::capabilities::{self, Said};
use crate::amps_json::fields::{self, Object};
use crate::clock::moved;
use crate::device_api::wire;
use crate::domain::capabilities::Declaration;
use crate::domain::catalogue::{Attribute, AttributeKind};
use crate::domain::device::{Device, DeviceType};
use crate::domain::event::Readings;
use crate::domain::unit::Unit;
use crate::domain::value::{Origin, Value};
use crate::domain::writing::Showing;

/// No house battery holds more than this, so a larger number counts watt-hours: the documents have
/// both 10.4 and 10400 (`amps-api.md` §4.1).
const BATTERY_KILOWATT_HOURS_MAX: f64 = 1000.0;

/// A device that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    pub readings: Readings,
    /// What it says it takes; none where that proves nothing.
    pub declaration: Option<Declaration>,
}

/// What `device` says of itself in `body`, read at `now` by a clock that is so far ahead of Amps'.
///
/// Values of another kind than the catalogue's are left out: one surprise does not hide the rest.
pub(crate) fn read(
    body: &[u8],
    device: &Device,
    (now, ahead): (Timestamp, SignedDuration),
) -> Result<Shown, &'static str> {
    let content = wire::content(body)?;
    let state = fields::child(&content, "state").ok_or("it has no `state`")?;
    let sync = fields::child(&content, "sync");
    let taken_at = sync.and_then(|it| fields::moment(it, "lastPulledAt"));
    let by_us = |it: Timestamp| {
        if ahead.is_zero() {
            it
        } else {
            moved(it, ahead).min(now)
        }
    };
    let taken_at = taken_at.map_or(now, by_us);
    let origin = origin(&content);
    Ok(Shown {
        readings: Readings {
            device: device.id.clone(),
            taken_at,
            origin,
            values: values(device.device_type, state),
        },
        declaration: declaration(&content, device, (taken_at, origin)),
    })
}

/// What a device says of `setting` in `body`.
pub(crate) fn read_setting(body: &[u8], setting: &str) -> Result<Showing, &'static str> {
    let content = wire::content(body)?;
    let settings = fields::child(&content, "settings");
    let value = settings.and_then(|it| fields::quantity(it.get(setting)?.as_object()?));
    let sync = fields::child(&content, "sync");
    Ok(Showing {
        value,
        taken_at: sync.and_then(|it| fields::moment(it, "lastPulledAt")),
        is_live: origin(&content) == Origin::Live,
    })
}

/// Where nothing is said, the values are taken for kept ones. A sandbox's `projection` is as fresh as can be.
fn origin(content: &Object) -> Origin {
    let available = fields::child(content, "sync").and_then(|it| it.get("available"));
    let source = fields::child(content, "metadata").and_then(|it| fields::text(it, "source"));
    match (available, source) {
        (Some(Json::Bool(false)), _) | (_, Some("fallback")) => Origin::Fallback,
        (_, Some("live" | "projection")) => Origin::Live,
        _ => Origin::Cache,
    }
}

/// What it says it takes at that moment. What the platform repeats while it cannot reach the device is older than it
/// looks, and proves nothing.
fn declaration(
    content: &Object,
    device: &Device,
    (at, origin): (Timestamp, Origin),
) -> Option<Declaration> {
    if origin == Origin::Fallback {
        return None;
    }
    let capabilities = match capabilities::read(content, device.device_type) {
        Said::Takes(capabilities) => Some(capabilities),
        Said::Nothing => None,
        Said::Unclear => return None,
    };
    Some(Declaration {
        device: device.id.clone(),
        at,
        capabilities,
    })
}

fn values(device_type: DeviceType, state: &Object) -> BTreeMap<String, Value> {
    let attributes = device_type.attributes().iter();
    attributes
        .filter_map(|attribute| {
            let value = value(device_type, attribute, state.get(attribute.name)?)?;
            Some((attribute.name.to_owned(), value))
        })
        .collect()
}

fn value(device_type: DeviceType, attribute: &Attribute, json: &Json) -> Option<Value> {
    match attribute.kind {
        AttributeKind::Bool => json.as_bool().map(Value::Bool),
        AttributeKind::Text(_) => json.as_str().map(|it| Value::Text(fields::clipped(it))),
        AttributeKind::Number(_) => {
            let number = json.as_f64()?;
            let in_watt_hours = device_type == DeviceType::Battery
                && attribute.name == "capacity"
                && number > BATTERY_KILOWATT_HOURS_MAX;
            let number = if in_watt_hours {
                Unit::WattHour.convert(number, Unit::KilowattHour)?
            } else {
                number
            };
            Some(Value::Number(number))
        }
    }
}
