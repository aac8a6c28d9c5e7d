//! Orders in the words of generation B, which has its own for chargers and heating (`amps-api.md` §0.1). Pure.

use serde_json::{Map, Value, json};

use crate::device_api::answer::Refusal;
use crate::device_api::when::WireTiming;
use crate::device_api::wire::{self, number};
use crate::domain::capabilities::Strategy;
use crate::domain::command::{Command, Timing};
use crate::domain::device::DeviceType;
use crate::domain::unit::Unit;

/// The body of a push. What it has no word for is left out: `onConflict` of chargers and heating, after which Amps
/// turns the order away while another action holds the device.
pub(super) fn push_body(
    command: &Command,
    strategy: Option<Strategy>,
    timing: WireTiming,
) -> Vec<u8> {
    let words = match command.device.device_type {
        DeviceType::EvCharger => charger(command),
        DeviceType::Hvac => heating(command),
        DeviceType::Battery | DeviceType::SolarInverter | DeviceType::Vehicle => None,
    };
    match words {
        Some(words) => Value::Object(words).to_string().into_bytes(),
        None => wire::push_body(command, strategy, timing),
    }
}

fn charger(command: &Command) -> Option<Map<String, Value>> {
    let action = match command.name.as_str() {
        "charge" => "start_charging",
        "idle" => "stop_charging",
        _ => return None,
    };
    Some(Map::from_iter([("action".to_owned(), json!(action))]))
}

fn heating(command: &Command) -> Option<Map<String, Value>> {
    let mode = match command.name.as_str() {
        "follow_schedule" => {
            return Some(Map::from_iter([(
                "action".to_owned(),
                json!("follow_schedule"),
            )]));
        }
        "idle" => "off",
        mode @ ("heat" | "cool" | "auto") => mode,
        _ => return None,
    };
    let mut words = Map::from_iter([
        ("action".to_owned(), json!("set_permanent_hold")),
        ("mode".to_owned(), json!(mode)),
    ]);
    for (name, quantity) in &command.parameters {
        let name = match (name.as_str(), mode) {
            ("target", "heat") => "heatSetpoint",
            ("target", "cool") => "coolSetpoint",
            (name, _) => name,
        };
        // Bare numbers are degrees Celsius.
        let celsius = quantity.unit.convert(quantity.value, Unit::Celsius)?;
        words.insert(name.to_owned(), json!(number(celsius)));
    }
    Some(words)
}

/// Why Amps would not understand `command`; none where it would.
pub(super) fn unsayable(command: &Command) -> Option<Refusal> {
    let what = match command.device.device_type {
        DeviceType::EvCharger => "a charger",
        DeviceType::Hvac => "heating",
        DeviceType::Battery | DeviceType::SolarInverter | DeviceType::Vehicle => return None,
    };
    let is_at_once = command.timing == Timing::default();
    (!is_at_once).then(|| Refusal {
        status: 422,
        code: Some("EXECUTION_NOT_SUPPORTED".to_owned()),
        message: format!(
            "not sent: Amps answers in its older form, in which {what} takes no `start` and no `end`; \
             wait in the rule instead, with `delay` or a `time` trigger"
        ),
        ..Refusal::default()
    })
}

/// Why Amps would not understand a setting of such a device; none where it would.
pub(super) fn unsayable_setting(device_type: DeviceType) -> Option<Refusal> {
    let what = match device_type {
        DeviceType::EvCharger => "a charger",
        DeviceType::Hvac => "heating",
        DeviceType::Battery | DeviceType::SolarInverter | DeviceType::Vehicle => return None,
    };
    Some(Refusal {
        status: 422,
        code: Some("UNSUPPORTED_SETTING".to_owned()),
        message: format!(
            "not sent: Amps answers in its older form, in which {what} has no settings that can be written"
        ),
        ..Refusal::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::value::Quantity;

    fn said(device_type: DeviceType, name: &str, parameters: &[(&str, f64, Unit)]) -> String {
        let mut command = Command::example("cmd_1", "dev_1");
        command.device.device_type = device_type;
        name.clone_into(&mut command.name);
        command.parameters = parameters
            .iter()
            .map(|(name, value, unit)| {
                let (value, unit) = (*value, *unit);
                ((*name).to_owned(), Quantity { value, unit })
            })
            .collect();
        String::from_utf8(push_body(&command, None, WireTiming::default())).unwrap()
    }

    #[test]
    fn chargers_and_heating_have_words_of_their_own() {
        let (car, heating) = (DeviceType::EvCharger, DeviceType::Hvac);
        let degrees = |name, value| (name, value, Unit::Celsius);
        for (found, expected) in [
            (said(car, "charge", &[]), r#"{"action":"start_charging"}"#),
            (said(car, "idle", &[]), r#"{"action":"stop_charging"}"#),
            (
                said(heating, "follow_schedule", &[]),
                r#"{"action":"follow_schedule"}"#,
            ),
            (
                said(heating, "idle", &[]),
                r#"{"action":"set_permanent_hold","mode":"off"}"#,
            ),
            (
                said(heating, "heat", &[("target", 68.0, Unit::Fahrenheit)]),
                r#"{"action":"set_permanent_hold","heatSetpoint":20,"mode":"heat"}"#,
            ),
            (
                said(
                    heating,
                    "auto",
                    &[degrees("heatSetpoint", 19.5), degrees("coolSetpoint", 25.0)],
                ),
                r#"{"action":"set_permanent_hold","coolSetpoint":25,"heatSetpoint":19.5,"mode":"auto"}"#,
            ),
            (
                said(DeviceType::Battery, "idle", &[]),
                r#"{"action":{"command":"idle"}}"#,
            ),
        ] {
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn only_a_battery_can_be_told_when() {
        let mut command = Command::example("cmd_1", "dev_1");
        command.timing.start = Some(jiff::Timestamp::UNIX_EPOCH);
        for (device_type, expected) in [
            (DeviceType::Battery, None),
            (DeviceType::EvCharger, Some(422)),
            (DeviceType::Hvac, Some(422)),
        ] {
            command.device.device_type = device_type;
            let found = unsayable(&command).map(|it| it.status);
            assert_eq!(found, expected, "{device_type:?}");
        }
    }
}
