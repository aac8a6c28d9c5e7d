//! What the older generations call a command, in the words of today (`amps-api.md` §0.1, §4).
//!
//! They name an action by kind and action, `battery:set_operation_mode`, and keep a mode among its parameters.

use crate::domain::device::DeviceType;

/// The command that `action_type` and `mode` mean; none when the mode that would tell is missing.
///
/// An action without a command of today keeps its own name: `set_max_power` is a setting now.
pub fn command(action_type: &str, mode: Option<&str>) -> Option<String> {
    let action = action_type
        .split_once(':')
        .map_or(action_type, |(_, action)| action);
    let command = match (action, mode) {
        ("start_charging", _) => "charge",
        ("stop_charging", _) | ("set_permanent_hold", Some("off")) => "idle",
        ("set_operation_mode" | "set_permanent_hold", mode) => mode?,
        (other, _) => other,
    };
    (!command.is_empty()).then(|| command.to_owned())
}

/// Whether `name` is an action of old, which no command of today is called.
pub fn is_action(name: &str) -> bool {
    let actions = [
        "set_operation_mode",
        "start_charging",
        "stop_charging",
        "set_max_power",
        "set_permanent_hold",
    ];
    actions.contains(&name)
}

/// The kind of device that `action_type` speaks of; none when it does not tell.
pub fn device_type(action_type: &str) -> Option<DeviceType> {
    let (kind, _) = action_type.split_once(':')?;
    DeviceType::ALL
        .into_iter()
        .find(|it| it.path_segment() == kind || it.name() == kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_action_types_are_commands_of_today() {
        for (action_type, mode, expected) in [
            ("battery:set_operation_mode", Some("charge"), Some("charge")),
            (
                "battery:set_operation_mode",
                Some("auto.export"),
                Some("auto.export"),
            ),
            ("battery:set_operation_mode", None, None),
            ("ev-charger:start_charging", None, Some("charge")),
            ("ev-charger:stop_charging", None, Some("idle")),
            ("ev-charger:set_max_power", None, Some("set_max_power")),
            ("hvac:set_permanent_hold", Some("heat"), Some("heat")),
            ("hvac:set_permanent_hold", Some("off"), Some("idle")),
            ("hvac:follow_schedule", None, Some("follow_schedule")),
            ("set_operation_mode", Some("idle"), Some("idle")),
            ("battery:", None, None),
        ] {
            assert_eq!(
                command(action_type, mode).as_deref(),
                expected,
                "{action_type} {mode:?}"
            );
        }
    }

    #[test]
    fn old_action_types_name_the_kind_of_device() {
        for (action_type, expected) in [
            ("battery:set_operation_mode", Some(DeviceType::Battery)),
            ("ev-charger:start_charging", Some(DeviceType::EvCharger)),
            ("ev_charger:start_charging", Some(DeviceType::EvCharger)),
            ("set_operation_mode", None),
            ("toaster:start", None),
        ] {
            assert_eq!(device_type(action_type), expected, "{action_type}");
        }
    }
}
