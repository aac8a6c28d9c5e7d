//! What a rule is, whatever its lines: the hash by which an unchanged rule is known.

use serde::Serialize;
use serde_json::Value;

use crate::domain::device::DeviceType;
use crate::domain::id::RuleVersion;
use crate::rules::rule::{Place, Rule};

impl Rule {
    /// The same for a rule that only moved, within its file or to another one.
    pub fn version(&self) -> RuleVersion {
        of(self)
    }
}

/// The version of something compiled; its places in files do not count.
fn of(compiled: &impl Serialize) -> RuleVersion {
    let mut value = json(compiled);
    drop_places(&mut value);
    RuleVersion::of(&value.to_string())
}

/// The version of something compiled as a person wrote it: neither do the devices count that the home has
/// of a type.
pub fn as_written(compiled: &impl Serialize) -> RuleVersion {
    let mut value = json(compiled);
    drop_places(&mut value);
    drop_devices_of_type(&mut value);
    RuleVersion::of(&value.to_string())
}

fn json(compiled: &impl Serialize) -> Value {
    serde_json::to_value(compiled).expect("what is compiled can be written as JSON")
}

fn drop_devices_of_type(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            let is_type = |it: &Value| serde_json::from_value::<DeviceType>(it.clone()).is_ok();
            if fields.get("of_type").is_some_and(is_type) {
                fields.remove("devices");
            }
            fields.values_mut().for_each(drop_devices_of_type);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_devices_of_type),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn drop_places(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            let is_place = |it: &Value| serde_json::from_value::<Place>(it.clone()).is_ok();
            if fields.get("place").is_some_and(is_place) {
                fields.remove("place");
            }
            fields.values_mut().for_each(drop_places);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_places),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
