//! Settings of a device: what reads show and what writes may change (`amps-api.md` §4.1, §4.2).

use serde_json::{Map, Value, json};

use crate::simulator::devices::{Kind, number};
use crate::simulator::envelope::ApiError;
use crate::simulator::push::{quantity, wrong_unit};

struct Setting<'a> {
    key: &'static str,
    unit: &'static str,
    max: f64,
    value: &'a mut f64,
}

/// Listed on batteries and not writable; that it reads as plain `false` is our assumption.
const READ_ONLY: &str = "scheduler_enabled";

/// The documents bound the rates at 1000; for exports they give no end, and this one is ours.
const EXPORT_LIMIT_WATTS_MAX: f64 = 10_000.0;
const RATE_AMPS_MAX: f64 = 1000.0;
const RATE_KILOWATTS_MAX: f64 = 50.0;

fn settings(kind: &mut Kind) -> Vec<Setting<'_>> {
    let setting = |key, unit, max, value| Setting {
        key,
        unit,
        max,
        value,
    };
    match kind {
        Kind::Battery(it) => vec![
            setting("safety_reserve", "percent", 100.0, &mut it.safety_reserve),
            setting("discharge_floor", "percent", 100.0, &mut it.discharge_floor),
            setting("charge_ceiling", "percent", 100.0, &mut it.charge_ceiling),
            setting(
                "export_limit",
                "watts",
                EXPORT_LIMIT_WATTS_MAX,
                &mut it.export_limit_watts,
            ),
            setting(
                "max_charge_rate",
                "amps",
                RATE_AMPS_MAX,
                &mut it.max_charge_amps,
            ),
            setting(
                "max_discharge_rate",
                "amps",
                RATE_AMPS_MAX,
                &mut it.max_discharge_amps,
            ),
        ],
        Kind::EvCharger(it) => vec![setting(
            "max_charge_rate",
            "kw",
            RATE_KILOWATTS_MAX,
            &mut it.rate_limit_kw,
        )],
        Kind::Hvac(_) | Kind::SolarInverter(_) | Kind::Vehicle(_) => Vec::new(),
    }
}

/// `settings` of a read.
pub(crate) fn shown(kind: &Kind) -> Value {
    let mut kind = kind.clone();
    let mut shown = Map::new();
    for it in settings(&mut kind) {
        let entry =
            json!({"value": number(*it.value), "unit": it.unit, "min": 0, "max": number(it.max)});
        shown.insert(it.key.to_owned(), entry);
    }
    if matches!(kind, Kind::Battery(_)) {
        shown.insert(READ_ONLY.to_owned(), json!({"value": false}));
    }
    shown.into()
}

/// Writes all of `changes` or nothing; returns the keys.
pub(crate) fn write(
    kind: &mut Kind,
    changes: &Map<String, Value>,
    read_only_code: &str,
) -> Result<Vec<String>, ApiError> {
    if changes.is_empty() {
        return Err(ApiError::invalid("at least one setting is required"));
    }
    let mut after = kind.clone();
    for (key, value) in changes {
        write_one(&mut after, (key, value), read_only_code)?;
    }
    *kind = after;
    Ok(changes.keys().cloned().collect())
}

fn write_one(
    kind: &mut Kind,
    (key, value): (&str, &Value),
    read_only_code: &str,
) -> Result<(), ApiError> {
    if key == READ_ONLY && matches!(kind, Kind::Battery(_)) {
        let message = format!("`{key}` is read only");
        return Err(ApiError::new(422, read_only_code, message));
    }
    let known = settings(kind).into_iter().find(|it| it.key == key);
    let Some(setting) = known else {
        let message = format!("this device has no setting `{key}`");
        return Err(ApiError::new(422, "UNSUPPORTED_SETTING", message));
    };
    let (value, unit) = quantity(key, value)?;
    if unit != setting.unit {
        return Err(wrong_unit(key, unit, setting.unit));
    }
    if !(0.0..=setting.max).contains(&value) {
        let message = format!("`{key}` is out of range");
        return Err(
            ApiError::new(422, "SETTING_OUT_OF_RANGE", message).with(json!({
                "parameter": key,
                "value": number(value),
                "min": 0,
                "max": number(setting.max),
                "unit": unit,
            })),
        );
    }
    *setting.value = value;
    Ok(())
}
