//! What each kind of device can report and be told (`amps-api.md` §4, newest generation).
//!
//! Bounds are the widest that the documents show; a device may narrow them, which is checked when it has been read.

use crate::domain::device::DeviceType;
use crate::domain::unit::Unit;

/// A value that a device reports.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Attribute {
    pub name: &'static str,
    pub kind: AttributeKind,
    pub meaning: &'static str,
}

/// What an attribute's values look like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum AttributeKind {
    /// A number; without a unit where the documents give none.
    Number(Option<Unit>),
    Bool,
    /// Text, with the words seen so far. The documents do not close the list.
    Text(&'static [&'static str]),
}

/// Something a device can be told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CommandSpec {
    pub name: &'static str,
    pub parameters: &'static [ParameterSpec],
    /// What the device reports while the command is in force, all of it; empty where the documents do not
    /// tell, or where something else may show the same.
    pub signs: &'static [Sign],
    pub meaning: &'static str,
}

/// An attribute that shows that a command is in force.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sign {
    pub attribute: &'static str,
    pub shown: Shown,
}

/// What the attribute then is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shown {
    Word(&'static str),
    Flag(bool),
    /// The number that this parameter of the command has.
    Parameter(&'static str),
}

/// A parameter of a command: optional, and bounded in its unit, both bounds allowed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ParameterSpec {
    pub name: &'static str,
    pub unit: Unit,
    pub min: f64,
    pub max: f64,
    pub meaning: &'static str,
}

impl DeviceType {
    pub fn attributes(self) -> &'static [Attribute] {
        match self {
            Self::Battery => BATTERY_ATTRIBUTES,
            Self::EvCharger => EV_CHARGER_ATTRIBUTES,
            Self::Hvac => HVAC_ATTRIBUTES,
            Self::SolarInverter => SOLAR_INVERTER_ATTRIBUTES,
            Self::Vehicle => VEHICLE_ATTRIBUTES,
        }
    }

    /// What the device can be told; empty for kinds that are only read.
    pub fn commands(self) -> &'static [CommandSpec] {
        match self {
            Self::Battery => BATTERY_COMMANDS,
            Self::EvCharger => EV_CHARGER_COMMANDS,
            Self::Hvac => HVAC_COMMANDS,
            Self::SolarInverter | Self::Vehicle => &[],
        }
    }

    /// Whether the live platform takes its commands already (`amps-api.md` §4); the sandbox takes all.
    pub fn takes_live_commands(self) -> bool {
        match self {
            Self::Battery => true,
            Self::EvCharger | Self::Hvac | Self::SolarInverter | Self::Vehicle => false,
        }
    }

    pub fn attribute(self, name: &str) -> Option<&'static Attribute> {
        self.attributes().iter().find(|it| it.name == name)
    }

    pub fn command(self, name: &str) -> Option<&'static CommandSpec> {
        self.commands().iter().find(|it| it.name == name)
    }
}

impl CommandSpec {
    pub fn parameter(&self, name: &str) -> Option<&'static ParameterSpec> {
        self.parameters.iter().find(|it| it.name == name)
    }
}

const fn number(name: &'static str, unit: Unit, meaning: &'static str) -> Attribute {
    Attribute {
        name,
        kind: AttributeKind::Number(Some(unit)),
        meaning,
    }
}

const fn plain_number(name: &'static str, meaning: &'static str) -> Attribute {
    Attribute {
        name,
        kind: AttributeKind::Number(None),
        meaning,
    }
}

const fn flag(name: &'static str, meaning: &'static str) -> Attribute {
    Attribute {
        name,
        kind: AttributeKind::Bool,
        meaning,
    }
}

const fn text(
    name: &'static str,
    words: &'static [&'static str],
    meaning: &'static str,
) -> Attribute {
    Attribute {
        name,
        kind: AttributeKind::Text(words),
        meaning,
    }
}

const BATTERY_ATTRIBUTES: &[Attribute] = &[
    text(
        "status",
        &["idle", "charging", "discharging"],
        "what the battery does now",
    ),
    number(
        "capacity",
        Unit::KilowattHour,
        "how much it holds when full",
    ),
    number("level", Unit::Percent, "how full it is"),
    number(
        "chargeRate",
        Unit::Kilowatt,
        "power into the battery; negative while it discharges",
    ),
    number(
        "dischargeLimit",
        Unit::Percent,
        "the level it will not go below",
    ),
    text(
        "currentMode",
        &[
            "charge",
            "discharge",
            "idle",
            "auto.balanced",
            "auto.reserve",
            "auto.export",
        ],
        "the command in force",
    ),
];

const EV_CHARGER_ATTRIBUTES: &[Attribute] = &[
    text(
        "status",
        &["charging", "available"],
        "what the charger does now",
    ),
    flag("isConnected", "a car is plugged in"),
    flag("isCharging", "the car is charging"),
    number("currentPower", Unit::Kilowatt, "power into the car"),
    number("maxCurrent", Unit::Ampere, "the most the charger can give"),
    number(
        "powerRateLimit",
        Unit::Kilowatt,
        "the limit set on the charger",
    ),
];

const HVAC_ATTRIBUTES: &[Attribute] = &[
    number("temperature", Unit::Celsius, "temperature of the room"),
    flag("active", "it is heating or cooling now"),
    number("heatSetpoint", Unit::Celsius, "heats below this"),
    number("coolSetpoint", Unit::Celsius, "cools above this"),
    text(
        "holdType",
        &["follow_schedule", "permanent"],
        "whether its own schedule is in force",
    ),
    text(
        "mode",
        &["heat", "cool", "auto", "off"],
        "the mode it is set to",
    ),
];

const SOLAR_INVERTER_ATTRIBUTES: &[Attribute] = &[
    text("status", &["producing"], "what the inverter does now"),
    number("currentPower", Unit::Kilowatt, "power from the panels"),
    flag("producing", "the panels give power"),
    number(
        "energyTotal",
        Unit::KilowattHour,
        "energy since it was installed",
    ),
];

const VEHICLE_ATTRIBUTES: &[Attribute] = &[
    number("batteryLevel", Unit::Percent, "how full the car is"),
    plain_number(
        "range",
        "how far it goes; the documents do not give the unit",
    ),
    flag("plugged", "the car is plugged in"),
    flag("charging", "the car is charging"),
    flag("fullyCharged", "the car is full"),
    number(
        "batteryCapacity",
        Unit::KilowattHour,
        "how much the car holds",
    ),
    number(
        "chargeLimit",
        Unit::Percent,
        "the level at which it stops charging",
    ),
    number("chargeRate", Unit::Kilowatt, "power into the car"),
    number("chargeTimeRemaining", Unit::Minute, "until it is charged"),
    number("maxCurrent", Unit::Ampere, "the most it takes"),
];

const fn share(name: &'static str, min: f64, meaning: &'static str) -> ParameterSpec {
    ParameterSpec {
        name,
        unit: Unit::Percent,
        min,
        max: 100.0,
        meaning,
    }
}

const fn setpoint(name: &'static str, meaning: &'static str) -> ParameterSpec {
    ParameterSpec {
        name,
        unit: Unit::Celsius,
        min: 10.0,
        max: 35.0,
        meaning,
    }
}

/// No documented upper bound of power holds for every battery; each one narrows it on read.
const POWER_KILOWATT_MAX: f64 = 100.0;

const POWER: ParameterSpec = ParameterSpec {
    name: "power",
    unit: Unit::Kilowatt,
    min: 0.0,
    max: POWER_KILOWATT_MAX,
    meaning: "the most power to use",
};

const fn plain(name: &'static str, meaning: &'static str) -> CommandSpec {
    CommandSpec {
        name,
        parameters: &[],
        signs: &[],
        meaning,
    }
}

const fn word(attribute: &'static str, word: &'static str) -> Sign {
    let shown = Shown::Word(word);
    Sign { attribute, shown }
}

const fn same(attribute: &'static str, parameter: &'static str) -> Sign {
    let shown = Shown::Parameter(parameter);
    Sign { attribute, shown }
}

const HELD: Sign = word("holdType", "permanent");

const fn with_signs(spec: CommandSpec, signs: &'static [Sign]) -> CommandSpec {
    CommandSpec { signs, ..spec }
}

const BATTERY_COMMANDS: &[CommandSpec] = &[
    CommandSpec {
        name: "charge",
        parameters: &[
            share("target", 10.0, "charge up to this level"),
            POWER,
            share("reserve", 0.0, "keep at least this much"),
        ],
        signs: &[word("currentMode", "charge")],
        meaning: "charge the battery",
    },
    CommandSpec {
        name: "discharge",
        parameters: &[
            share("target", 0.0, "discharge down to this level"),
            POWER,
            share("reserve", 0.0, "keep at least this much"),
        ],
        signs: &[word("currentMode", "discharge")],
        meaning: "discharge the battery",
    },
    with_signs(
        plain("idle", "neither charge nor discharge"),
        &[word("currentMode", "idle")],
    ),
    with_signs(
        plain("auto.balanced", "use the home's own energy first"),
        &[word("currentMode", "auto.balanced")],
    ),
    with_signs(
        plain("auto.reserve", "keep energy back for an outage"),
        &[word("currentMode", "auto.reserve")],
    ),
    with_signs(
        plain("auto.export", "sell energy to the grid"),
        &[word("currentMode", "auto.export")],
    ),
];

const EV_CHARGER_COMMANDS: &[CommandSpec] = &[
    with_signs(
        plain("charge", "charge the car that is plugged in"),
        &[Sign {
            attribute: "isCharging",
            shown: Shown::Flag(true),
        }],
    ),
    // A car that is full or gone does not charge either: there is no sign of the pause itself.
    plain("idle", "pause charging and hold the session"),
];

const HVAC_COMMANDS: &[CommandSpec] = &[
    CommandSpec {
        name: "heat",
        parameters: &[setpoint("target", "heat to this")],
        signs: &[word("mode", "heat"), HELD, same("heatSetpoint", "target")],
        meaning: "heat and hold",
    },
    CommandSpec {
        name: "cool",
        parameters: &[setpoint("target", "cool to this")],
        signs: &[word("mode", "cool"), HELD, same("coolSetpoint", "target")],
        meaning: "cool and hold",
    },
    CommandSpec {
        name: "auto",
        parameters: &[
            setpoint("heatSetpoint", "heat below this"),
            setpoint("coolSetpoint", "cool above this"),
        ],
        signs: &[
            word("mode", "auto"),
            HELD,
            same("heatSetpoint", "heatSetpoint"),
            same("coolSetpoint", "coolSetpoint"),
        ],
        meaning: "heat or cool as needed, and hold",
    },
    plain("idle", "neither heat nor cool"),
    with_signs(
        plain(
            "follow_schedule",
            "release the hold; its own schedule is in force again",
        ),
        &[word("holdType", "follow_schedule")],
    ),
];
