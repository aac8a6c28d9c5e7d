//! The words of the language: which keys stand where, which come later, and which are Home Assistant's.

use crate::document::decode::{Keys, Reserved};

use Reserved::{Foreign, Later};

pub(super) const FILE: Keys = Keys {
    known: &["version", "rules", "tests"],
    reserved: &[
        ("defaults", Later),
        ("automation", Foreign("write `rules:`")),
        ("automations", Foreign("write `rules:`")),
    ],
};

pub(super) const RULE: Keys = Keys {
    known: &[
        "id",
        "alias",
        "description",
        "enabled",
        "triggers",
        "conditions",
        "actions",
    ],
    reserved: &[
        ("trigger", Foreign("write `triggers:`")),
        ("condition", Foreign("write `conditions:`")),
        ("action", Foreign("write `actions:`")),
        ("sequence", Foreign("write `actions:`")),
        ("initial_state", Foreign("write `enabled:`")),
        ("mode", Later),
        ("max", Later),
        ("max_exceeded", Later),
        ("per", Later),
        ("cooldown", Later),
        ("priority", Later),
        ("variables", Later),
        ("on_failure", Later),
    ],
};

const PLATFORM: Reserved = Foreign("write `trigger:`");
const ENTITY: Reserved = Foreign("write `device:` with the device's name in home.yaml");
const TEMPLATE: Reserved =
    Foreign("write the expression alone, as one of the `conditions:`: `- \"{{ … }}\"`");

const TRIGGER_RESERVED: &[(&str, Reserved)] = &[
    ("platform", PLATFORM),
    ("entity_id", ENTITY),
    ("device_id", ENTITY),
    ("value_template", TEMPLATE),
    ("variables", Later),
    ("for", Later),
    ("gap_tolerance", Later),
];

pub(super) const COMMAND_TRIGGER: Keys = Keys {
    known: &[
        "trigger",
        "id",
        "enabled",
        "device",
        "command",
        "result",
        "error_code",
        "source",
    ],
    reserved: TRIGGER_RESERVED,
};

pub(super) const DEVICE_TRIGGER: Keys = Keys {
    known: &["trigger", "id", "enabled", "device", "event"],
    reserved: TRIGGER_RESERVED,
};

pub(super) const DEVICE_TYPE: Keys = Keys {
    known: &["type"],
    reserved: &[],
};

/// Triggers of the language that this version does not have.
pub(super) const LATER_TRIGGERS: &[&str] = &[
    "state",
    "numeric_state",
    "time",
    "cron",
    "sun",
    "webhook",
    "engine",
    "all_of",
    "sequence",
    "absence",
    "count",
    "input",
];

const CONDITION_RESERVED: &[(&str, Reserved)] = &[
    ("platform", Foreign("write `condition:`")),
    ("entity_id", ENTITY),
    ("device_id", ENTITY),
    ("state", Foreign("write `is:`")),
    ("value_template", TEMPLATE),
    ("input", Later),
    ("for", Later),
];

pub(super) const TIME_CONDITION: Keys = Keys {
    known: &[
        "condition",
        "alias",
        "enabled",
        "if_unknown",
        "after",
        "before",
        "weekday",
    ],
    reserved: &[("platform", Foreign("write `condition:`"))],
};

pub(super) const STATE_CONDITION: Keys = Keys {
    known: &[
        "condition",
        "alias",
        "enabled",
        "if_unknown",
        "device",
        "attribute",
        "is",
        "is_not",
        "max_age",
    ],
    reserved: CONDITION_RESERVED,
};

pub(super) const NUMERIC_CONDITION: Keys = Keys {
    known: &[
        "condition",
        "alias",
        "enabled",
        "if_unknown",
        "device",
        "attribute",
        "above",
        "below",
        "at_least",
        "at_most",
        "max_age",
    ],
    reserved: CONDITION_RESERVED,
};

/// Conditions of the language that this version does not have; `and`, `or` and `not` also as keys.
pub(super) const LATER_CONDITIONS: &[&str] = &[
    "and", "or", "not", "sun", "trigger", "command", "rule", "input",
];

pub(super) const COMMAND_STEP: Keys = Keys {
    known: &[
        "command",
        "alias",
        "enabled",
        "device",
        "parameters",
        "retry",
    ],
    reserved: &[
        ("data", Foreign("write `parameters:`")),
        (
            "target",
            Foreign("write the device as `device: NAME`; a level goes below `parameters:`"),
        ),
        ("entity_id", ENTITY),
        ("device_id", ENTITY),
        ("id", Later),
        ("continue_on_failure", Later),
        ("start", Later),
        ("end", Later),
        ("on_conflict", Later),
        ("wait_for", Later),
        ("timeout", Later),
        ("verify", Later),
        ("on_failure", Later),
        ("force", Later),
        ("lease", Later),
    ],
};

pub(super) const NOTIFY_STEP: Keys = Keys {
    known: &["notify", "alias", "enabled", "message", "title", "level"],
    reserved: &[
        (
            "data",
            Foreign("write `message:` and `title:` beside `notify:`"),
        ),
        (
            "target",
            Foreign("write the notifier's name behind `notify:`"),
        ),
        ("id", Later),
        ("continue_on_failure", Later),
    ],
};

pub(super) const LOG_STEP: Keys = Keys {
    known: &["log", "alias", "enabled", "level"],
    reserved: &[
        ("message", Foreign("write the text behind `log:`")),
        ("id", Later),
        ("continue_on_failure", Later),
    ],
};

pub(super) const RETRY: Keys = Keys {
    known: &["attempts", "backoff", "max_backoff"],
    reserved: &[],
};

pub(super) const QUANTITY: Keys = Keys {
    known: &["value", "unit"],
    reserved: &[],
};

/// The keys that say what a step is.
pub(super) const STEPS: &[&str] = &["command", "notify", "log"];

/// Steps of the language that this version does not have.
pub(super) const LATER_STEPS: &[&str] = &[
    "setting",
    "cancel",
    "read",
    "http",
    "delay",
    "wait_for_trigger",
    "wait_until",
    "if",
    "choose",
    "repeat",
    "parallel",
    "variables",
    "set",
    "run_rule",
    "pause_rule",
    "resume_rule",
    "stop",
    "condition",
];

/// What Home Assistant begins a step with, and what to write here.
pub(super) const FOREIGN_STEPS: &[(&str, &str)] = &[
    (
        "service",
        "write `command: charge` with `device: NAME`, or `notify: NAME` with `message: …`",
    ),
    (
        "action",
        "write `command: charge` with `device: NAME`, or `notify: NAME` with `message: …`",
    ),
    (
        "wait_template",
        "a step that waits for an expression is not available in this version",
    ),
    ("scene", "write one `command:` for each device"),
    ("event", "rules cannot raise events"),
];
