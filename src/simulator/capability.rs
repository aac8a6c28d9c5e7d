//! What each device can be told, as its reads declare it (`amps-api.md` §3.2, §4).

use serde_json::{Map, Value, json};

use crate::domain::device::DeviceType;
use crate::simulator::devices::{DeviceSettings, Kind, number};
use crate::simulator::flat::SET_MAX_POWER;
use crate::simulator::switches::Generation;

/// How an action may be timed (§5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Execution {
    Immediate,
    Scheduled,
    Windowed,
}

/// A command that a device knows.
#[derive(Clone, Debug)]
pub(crate) struct Capability {
    pub(crate) command: &'static str,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) execution: Vec<Execution>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Parameter {
    pub(crate) name: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

/// Units that a quantity may have anywhere (§4.6). Others are no words of the API at all.
pub(crate) const UNITS: &[&str] = &[
    "percent",
    "kw",
    "watts",
    "kwh",
    "amps",
    "volts",
    "hours",
    "minutes",
    "celsius",
    "fahrenheit",
];

const ANY: &[Execution] = &[
    Execution::Immediate,
    Execution::Scheduled,
    Execution::Windowed,
];
const NOT_WINDOWED: &[Execution] = &[Execution::Immediate, Execution::Scheduled];
const IMMEDIATE: &[Execution] = &[Execution::Immediate];

impl Execution {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Immediate => "immediate",
            Self::Scheduled => "scheduled",
            Self::Windowed => "windowed",
        }
    }
}

/// Every command of `kind`, whether this device knows it or not.
fn vocabulary(kind: &Kind, generation: Generation) -> Vec<Capability> {
    match kind {
        // A setting in the newest generation.
        Kind::EvCharger(_) if generation == Generation::B => vec![
            capability("charge", &[], IMMEDIATE),
            capability("idle", &[], IMMEDIATE),
            capability(
                SET_MAX_POWER,
                &[parameter("maxPower", "kw", 0.0, 50.0)],
                IMMEDIATE,
            ),
        ],
        Kind::Battery(battery) => {
            let power = |max| parameter("power", "kw", 0.0, max);
            let target = |min| parameter("target", "percent", min, 100.0);
            let reserve = parameter("reserve", "percent", 0.0, 100.0);
            vec![
                capability(
                    "charge",
                    &[target(10.0), power(battery.max_charge_kw), reserve],
                    ANY,
                ),
                capability(
                    "discharge",
                    &[target(0.0), power(battery.max_discharge_kw), reserve],
                    ANY,
                ),
                capability("idle", &[], NOT_WINDOWED),
                capability("auto.balanced", &[], NOT_WINDOWED),
                capability("auto.reserve", &[], NOT_WINDOWED),
                capability("auto.export", &[], NOT_WINDOWED),
            ]
        }
        Kind::EvCharger(_) => vec![
            capability("charge", &[], ANY),
            capability("idle", &[], NOT_WINDOWED),
        ],
        Kind::Hvac(_) => {
            let setpoint = |name| parameter(name, "celsius", 10.0, 35.0);
            vec![
                capability("heat", &[setpoint("target")], ANY),
                capability("cool", &[setpoint("target")], ANY),
                capability(
                    "auto",
                    &[setpoint("heatSetpoint"), setpoint("coolSetpoint")],
                    NOT_WINDOWED,
                ),
                capability("idle", &[], NOT_WINDOWED),
                capability("follow_schedule", &[], IMMEDIATE),
            ]
        }
        Kind::SolarInverter(_) | Kind::Vehicle(_) => Vec::new(),
    }
}

fn capability(
    command: &'static str,
    parameters: &[Parameter],
    execution: &'static [Execution],
) -> Capability {
    Capability {
        command,
        parameters: parameters.to_vec(),
        execution: execution.to_vec(),
    }
}

fn parameter(name: &'static str, unit: &'static str, min: f64, max: f64) -> Parameter {
    Parameter {
        name,
        unit,
        min,
        max,
    }
}

/// The commands that this device knows, and how it can time them.
pub(crate) fn capabilities(device: &DeviceSettings, generation: Generation) -> Vec<Capability> {
    let lacks = |what: &str| device.lacks.iter().any(|it| it == what);
    let mut known = vocabulary(&device.kind, generation);
    known.retain(|it| !lacks(it.command));
    for it in &mut known {
        let command = it.command;
        it.execution
            .retain(|execution| !lacks(&format!("{command}:{}", execution.name())));
    }
    known
}

/// Whether `command` is a word for devices of this kind.
pub(crate) fn is_word(kind: &Kind, command: &str, generation: Generation) -> bool {
    vocabulary(kind, generation)
        .iter()
        .any(|it| it.command == command)
}

/// `commands` of a read: a command that is absent is not supported (§3.2).
pub(crate) fn commands(device: &DeviceSettings, generation: Generation) -> Value {
    let mut commands = Map::new();
    for capability in capabilities(device, generation) {
        let mut parameters = Map::new();
        for it in &capability.parameters {
            let bounds = json!({"unit": it.unit, "min": number(it.min), "max": number(it.max)});
            parameters.insert(it.name.to_owned(), bounds);
        }
        let execution: Vec<&str> = capability.execution.iter().map(|it| it.name()).collect();
        let mut shown = json!({"parameters": parameters, "execution": execution});
        if generation == Generation::B {
            shown["type"] = json!("set_operation_mode");
        }
        commands.insert(capability.command.to_owned(), shown);
    }
    commands.into()
}

/// `conflictStrategies` of a read; only batteries can queue (§3.2, §5.3).
pub(crate) fn strategies(device: &DeviceSettings) -> Vec<&'static str> {
    let known: &[&'static str] = match device.kind.device_type() {
        DeviceType::Battery => &["cancel_and_replace", "queue_after"],
        DeviceType::EvCharger | DeviceType::Hvac => &["cancel_and_replace"],
        DeviceType::SolarInverter | DeviceType::Vehicle => &[],
    };
    let known = known.iter().copied();
    let has = |it: &&str| !device.lacks.iter().any(|lacks| lacks == it);
    known.filter(has).collect()
}
