//! Actions: what a rule does, a step after another.

use crate::document::decode::Reserved::{self, Elsewhere, Foreign};
use crate::document::vocabulary::{Key, Word, defaulting, later, optional, required};
use crate::rules::catalog::{ALIAS, ENABLED, ENTITY, other_rules};

pub const ALL: &[&Word] = &[
    &COMMAND,
    &NOTIFY,
    &LOG,
    &IF,
    &CHOOSE,
    &REPEAT,
    &VARIABLES,
    &SET,
    &STOP,
    &SETTING,
    &CANCEL,
    &READ,
    &HTTP,
    &DELAY,
    &WAIT_FOR_TRIGGER,
    &WAIT_UNTIL,
    &PARALLEL,
    &other_rules::RUN_RULE,
    &other_rules::PAUSE_RULE,
    &other_rules::RESUME_RULE,
];

const LINES: &str = "lines `NAME: value`, also expressions";
const TEXT: &str = "text, also with expressions";
pub(super) const WHAT: &str = "this step";

pub(super) const COMMON: &[Key] = &[
    ALIAS,
    optional(
        "id",
        "small letters, digits and `-`",
        "a name for this step, unique in the rule",
    ),
    ENABLED,
    defaulting(
        "continue_on_failure",
        "`true` or `false`",
        "false",
        "go on with the next step when this one fails",
    ),
];

const ON_FAILURE: Key = optional(
    "on_failure",
    "one or a list of actions",
    "done when this step fails; then the run ends as failed, unless `continue_on_failure` is there",
);

pub(super) const FOREIGN: &[(&str, Reserved)] = &[
    ("continue_on_error", Foreign("write `continue_on_failure:`")),
    (
        "response_variable",
        Foreign("no step answers with a value; leave it out"),
    ),
];

pub(super) const RETRY_KEY: Key = optional(
    "retry",
    "`attempts`, `backoff`, `max_backoff`",
    "when the cause may pass; three attempts when left out",
);

const TIMEOUT: Key = optional("timeout", "a duration", "not longer than this");

const CONTINUE_ON_TIMEOUT: Key = defaulting(
    "continue_on_timeout",
    "`true` or `false`",
    "true",
    "`false` ends the run as failed when the time is over",
);

pub static COMMAND: Word = Word {
    name: "command",
    what: WHAT,
    meaning: "orders a device, and waits for the end of the order",
    keys: &[
        &[
            required("command", "a command of the device", "what it is to do"),
            required("device", "a name", "the device"),
            optional("parameters", LINES, "with units"),
        ],
        COMMON,
        &[
            RETRY_KEY,
            ON_FAILURE,
            later(optional(
                "start",
                "a duration from now, a time of day, or an expression",
                "when it begins; at once when left out",
            )),
            later(optional(
                "end",
                "like `start`, also an expression",
                "when it ends by itself",
            )),
            defaulting(
                "on_conflict",
                "`wait`, `skip`, `replace` or `fail`",
                "wait",
                "when a run of the same or a higher priority has the device; `replace` takes it from one of the same",
            ),
            defaulting(
                "wait_for",
                "`completed`, `accepted` or `nothing`",
                "completed",
                "how far the step follows the order; `accepted` does not run yet",
            ),
            optional(
                "timeout",
                "a duration",
                "the step fails when the device is not free and the order not over by then; the order is left to its end; without it, the step waits 15 minutes for the device",
            ),
            later(optional(
                "verify",
                "`attribute`, a comparison, `within`",
                "reads the device until it agrees",
            )),
            defaulting(
                "force",
                "`true` or `false`",
                "false",
                "send it even if it changes nothing",
            ),
            optional(
                "lease",
                "`{until: …}`",
                "keep the device longer than the step, also when the run is over",
            ),
        ],
    ],
    reserved: &[
        FOREIGN,
        &[
            ("data", Foreign("write `parameters:`")),
            (
                "target",
                Foreign("write the device as `device: NAME`; a level goes below `parameters:`"),
            ),
            ("entity_id", ENTITY),
            ("device_id", ENTITY),
        ],
    ],
    example: "command: charge\ndevice: house_battery\nparameters: {target: 90 %, power: 3 kW}\nretry: {attempts: 3, backoff: 30s}\non_failure: {notify: phone, message: The battery does not charge.}\n",
    runs: true,
};

pub static NOTIFY: Word = Word {
    name: "notify",
    what: WHAT,
    meaning: "sends a message to people",
    keys: &[
        &[
            required("notify", "a notifier or a list of them", "where to"),
            required("message", TEXT, "what"),
            optional("title", TEXT, "above it"),
            LEVEL,
        ],
        COMMON,
    ],
    reserved: &[
        FOREIGN,
        &[
            (
                "data",
                Foreign("write `message:` and `title:` beside `notify:`"),
            ),
            (
                "target",
                Foreign("write the notifier's name behind `notify:`"),
            ),
        ],
    ],
    example: "notify: phone\nmessage: The car charges.\ntitle: Car\nlevel: info\n",
    runs: true,
};

const LEVEL: Key = defaulting(
    "level",
    "`info`, `warning` or `error`",
    "info",
    "how much it matters",
);

pub static LOG: Word = Word {
    name: "log",
    what: WHAT,
    meaning: "writes a line into the trace",
    keys: &[&[required("log", TEXT, "the line"), LEVEL], COMMON],
    reserved: &[
        FOREIGN,
        &[("message", Foreign("write the text behind `log:`"))],
    ],
    example: "log: the car is here\nlevel: warning\n",
    runs: true,
};

pub static IF: Word = Word {
    name: "if",
    what: WHAT,
    meaning: "one way or the other",
    keys: &[
        &[
            required("if", "one or a list of conditions", "all of them must hold"),
            required("then", "one or a list of actions", "when they hold"),
            optional(
                "else",
                "one or a list of actions",
                "when they do not, or are unknown",
            ),
        ],
        COMMON,
    ],
    reserved: &[FOREIGN, &[("elif", Foreign("write `choose:`"))]],
    example: "if: {condition: time, after: \"22:00\"}\nthen: {log: late}\nelse: {log: early}\n",
    runs: true,
};

pub static CHOOSE: Word = Word {
    name: "choose",
    what: WHAT,
    meaning: "the first of several ways whose conditions hold",
    keys: &[
        &[
            required(
                "choose",
                "one or a list of `conditions` with `sequence`",
                "the ways, in order",
            ),
            optional("default", "one or a list of actions", "when none holds"),
        ],
        COMMON,
    ],
    reserved: &[FOREIGN, &[("else", Elsewhere("write `default:`"))]],
    example: "choose:\n  - conditions: {condition: time, after: \"22:00\"}\n    sequence: {log: late}\n  - conditions: {condition: time, before: \"06:00\"}\n    sequence: {log: very late}\ndefault: {log: early}\n",
    runs: true,
};

pub static REPEAT: Word = Word {
    name: "repeat",
    what: WHAT,
    meaning: "does steps again; has one of `count`, `while`, `until`, `for_each`",
    keys: &[
        &[required(
            "repeat",
            "a block of the keys below",
            "how often, and what",
        )],
        COMMON,
    ],
    reserved: &[FOREIGN],
    example: "repeat:\n  count: 3\n  sequence: {log: again}\n",
    runs: true,
};

pub static VARIABLES: Word = Word {
    name: "variables",
    what: WHAT,
    meaning: "names values for the rest of this run",
    keys: &[
        &[required(
            "variables",
            LINES,
            "the values; each may use those above it",
        )],
        COMMON,
    ],
    reserved: &[FOREIGN],
    example: "variables: {goal: 80 %, who: everybody}\n",
    runs: true,
};

pub static SET: Word = Word {
    name: "set",
    what: WHAT,
    meaning: "remembers values with the rule, for later runs",
    keys: &[
        &[required(
            "set",
            "lines `state.NAME: value`, also expressions",
            "the values",
        )],
        COMMON,
    ],
    reserved: &[FOREIGN],
    example: "set: {state.last_mode: night}\n",
    runs: true,
};

pub static STOP: Word = Word {
    name: "stop",
    what: WHAT,
    meaning: "ends the run",
    keys: &[
        &[
            required("stop", TEXT, "why"),
            defaulting(
                "failed",
                "`true` or `false`",
                "false",
                "whether the run ends as failed",
            ),
        ],
        COMMON,
    ],
    reserved: &[FOREIGN, &[("error", Foreign("write `failed:`"))]],
    example: "stop: nothing to do\n",
    runs: true,
};

pub static SETTING: Word = Word {
    name: "setting",
    what: WHAT,
    meaning: "writes one setting of a device",
    keys: &[
        &[
            required("setting", "a setting of the device", "which"),
            required("device", "a name", "the device"),
            required(
                "value",
                "a number with its unit, or an expression",
                "the new value",
            ),
            RETRY_KEY,
            ON_FAILURE,
        ],
        COMMON,
    ],
    reserved: &[
        FOREIGN,
        &[
            ("parameters", Elsewhere("write `value:`")),
            ("entity_id", ENTITY),
        ],
    ],
    example: "setting: safety_reserve\ndevice: house_battery\nvalue: 20 %\n",
    runs: false,
};

pub static CANCEL: Word = Word {
    name: "cancel",
    what: WHAT,
    meaning: "cancels an order of ours that has not begun",
    keys: &[
        &[required(
            "cancel",
            "`{device: NAME}` or `{step: ID}`",
            "which order",
        )],
        COMMON,
    ],
    reserved: &[FOREIGN],
    example: "cancel: {device: car_charger}\n",
    runs: false,
};

pub static READ: Word = Word {
    name: "read",
    what: WHAT,
    meaning: "makes sure that the values of devices are fresh, and fails when they are not within 20 s",
    keys: &[
        &[
            required("read", "a device or a list of them", "which devices"),
            defaulting("max_age", "a duration", "1m", "older values are read again"),
        ],
        COMMON,
    ],
    reserved: &[FOREIGN],
    example: "read: [house_battery, car_charger]\nmax_age: 5m\n",
    runs: true,
};

pub static HTTP: Word = Word {
    name: "http",
    what: WHAT,
    meaning: "calls a host that `http_allow` of home.yaml names",
    keys: &[
        &[required("http", "a block of the keys below", "the request")],
        COMMON,
    ],
    reserved: &[FOREIGN],
    example: "http:\n  url: https://panel.example/api/lights\n  method: POST\n  json: {scene: evening}\n",
    runs: false,
};

pub static DELAY: Word = Word {
    name: "delay",
    what: WHAT,
    meaning: "waits",
    keys: &[
        &[required(
            "delay",
            "a duration, or an expression",
            "how long",
        )],
        COMMON,
    ],
    reserved: &[FOREIGN],
    example: "delay: 5m\n",
    runs: true,
};

pub static WAIT_FOR_TRIGGER: Word = Word {
    name: "wait_for_trigger",
    what: WHAT,
    meaning: "waits until something happens",
    keys: &[
        &[
            required(
                "wait_for_trigger",
                "one or a list of triggers",
                "any one of them",
            ),
            TIMEOUT,
            CONTINUE_ON_TIMEOUT,
        ],
        COMMON,
    ],
    reserved: &[FOREIGN],
    example: "wait_for_trigger: {trigger: device, device: car_charger, event: connected}\ntimeout: 1h\n",
    runs: true,
};

pub static WAIT_UNTIL: Word = Word {
    name: "wait_until",
    what: WHAT,
    meaning: "waits until conditions hold",
    keys: &[
        &[
            required("wait_until", "one or a list of conditions", "all of them"),
            TIMEOUT,
            CONTINUE_ON_TIMEOUT,
        ],
        COMMON,
    ],
    reserved: &[FOREIGN],
    example: "wait_until: {condition: numeric_state, device: house_battery, attribute: level, at_least: 80 %}\ntimeout: 2h\ncontinue_on_timeout: false\n",
    runs: true,
};

pub static PARALLEL: Word = Word {
    name: "parallel",
    what: WHAT,
    meaning: "several sequences side by side; ends when all have ended",
    keys: &[
        &[required(
            "parallel",
            "a list of actions or of lists of actions",
            "the sequences",
        )],
        COMMON,
    ],
    reserved: &[FOREIGN],
    example: "parallel:\n  - {command: charge, device: car_charger}\n  - - {command: idle, device: house_battery}\n    - {log: idle}\n",
    runs: true,
};
