//! Actions: what a rule does, a step after another.

use crate::document::decode::Reserved::{self, Elsewhere, Foreign};
use crate::document::vocabulary::durations::DURATION;
use crate::document::vocabulary::kind::{Kind, one_or_many};
use crate::document::vocabulary::{Key, Together, Word, defaulting, optional, required};
use crate::rules::catalog::bounds::ITEMS_MAX;
use crate::rules::catalog::device_words::{COMMAND as COMMAND_WORD, SETTING as SETTING_WORD};
use crate::rules::catalog::kinds::{
    ACTIONS, BRANCHES, CONDITIONS, DEVICE, ID, MESSAGE, MOMENT, NOTIFIERS, QUANTITY, REMEMBERED,
    SOME_VARIABLES, TEMPLATED_PARAMETERS, TITLE, TRIGGERS, WAYS,
};
use crate::rules::catalog::{ALIAS, ENABLED, ENTITY, blocks, choices, other_rules};

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

pub(super) const WHAT: &str = "this step";

pub(super) const COMMON: &[Key] = &[
    ALIAS,
    optional("id", ID, "a name for this step, unique in the rule"),
    ENABLED,
    defaulting(
        "continue_on_failure",
        Kind::Boolean,
        "false",
        "go on with the next step when this one fails",
    ),
];

const ON_FAILURE: Key = optional(
    "on_failure",
    ACTIONS,
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
    Kind::Block(&blocks::RETRY),
    "when the cause may pass; three attempts when left out",
);

const TIMEOUT: Key = optional("timeout", DURATION, "not longer than this");

const CONTINUE_ON_TIMEOUT: Key = defaulting(
    "continue_on_timeout",
    Kind::Boolean,
    "true",
    "`false` ends the run as failed when the time is over",
);

const ON_TIMEOUT: Together = Together::Beside("continue_on_timeout", "timeout");

pub static COMMAND: Word = Word {
    name: "command",
    what: WHAT,
    meaning: "orders a device, and waits for the end of the order",
    keys: &[
        &[
            required("command", COMMAND_WORD, "what it is to do"),
            required("device", DEVICE, "the device"),
            optional("parameters", TEMPLATED_PARAMETERS, "with units"),
        ],
        COMMON,
        &[
            RETRY_KEY,
            ON_FAILURE,
            optional(
                "start",
                MOMENT,
                "when it begins, from now on or by the clock, at most 30 days ahead; at once when left out, or when it has passed before the device is free; the step waits until the order is over, unless `wait_for: accepted`",
            ),
            optional(
                "end",
                MOMENT,
                "when it ends by itself, from now on or by the clock; without `start` it begins within a minute; once it has passed, nothing is ordered and the step fails; when the order is completed before, the rule keeps the device until then",
            ),
            defaulting(
                "on_conflict",
                Kind::Word(&choices::ON_CONFLICT),
                "wait",
                "when a run of the same or a higher priority has the device; `replace` takes it from one of the same, and cancels what others have planned with it at Amps and not begun",
            ),
            defaulting(
                "wait_for",
                Kind::Word(&choices::GOALS),
                "completed",
                "how far the step follows the order: to its end, until Amps has taken it, or not at all",
            ),
            optional(
                "timeout",
                DURATION,
                "the step fails when the device is not free, or the order not over and verified, by then, further orders of `verify` included; an order that Amps has is left to its end, and one that has not left is not sent any more; without it, the step waits 15 minutes for the device",
            ),
            optional(
                "verify",
                Kind::Block(&blocks::VERIFY),
                "after the order is completed, reads the device until a value from after that agrees; another value until `within` is over is a failure that `retry` orders again for, as long as the order has not had its `end`; one that is completed within a minute of its `end` or later is not verified, and counts as done",
            ),
            defaulting(
                "force",
                Kind::Boolean,
                "false",
                "send it even if it changes nothing",
            ),
            optional(
                "lease",
                Kind::Block(&blocks::LEASE),
                "keep the device longer than the step, also when the run is over",
            ),
        ],
    ],
    together: &[],
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
};

pub static NOTIFY: Word = Word {
    name: "notify",
    what: WHAT,
    meaning: "sends a message to people",
    keys: &[
        &[
            required("notify", NOTIFIERS, "where to"),
            required("message", MESSAGE, "what"),
            optional("title", TITLE, "above it"),
            LEVEL,
        ],
        COMMON,
    ],
    together: &[],
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
};

const LEVEL: Key = defaulting(
    "level",
    Kind::Word(&choices::LEVELS),
    "info",
    "how much it matters",
);

pub static LOG: Word = Word {
    name: "log",
    what: WHAT,
    meaning: "writes a line into the trace",
    keys: &[&[required("log", MESSAGE, "the line"), LEVEL], COMMON],
    together: &[],
    reserved: &[
        FOREIGN,
        &[("message", Foreign("write the text behind `log:`"))],
    ],
    example: "log: the car is here\nlevel: warning\n",
};

pub static IF: Word = Word {
    name: "if",
    what: WHAT,
    meaning: "one way or the other",
    keys: &[
        &[
            required("if", CONDITIONS, "all of them must hold"),
            required("then", ACTIONS, "when they hold"),
            optional("else", ACTIONS, "when they do not, or are unknown"),
        ],
        COMMON,
    ],
    together: &[],
    reserved: &[FOREIGN, &[("elif", Foreign("write `choose:`"))]],
    example: "if: {condition: time, after: \"22:00\"}\nthen: {log: late}\nelse: {log: early}\n",
};

pub static CHOOSE: Word = Word {
    name: "choose",
    what: WHAT,
    meaning: "the first of several ways whose conditions hold",
    keys: &[
        &[
            required("choose", WAYS, "the ways, in order"),
            optional("default", ACTIONS, "when none holds"),
        ],
        COMMON,
    ],
    together: &[],
    reserved: &[FOREIGN, &[("else", Elsewhere("write `default:`"))]],
    example: "choose:\n  - conditions: {condition: time, after: \"22:00\"}\n    sequence: {log: late}\n  - conditions: {condition: time, before: \"06:00\"}\n    sequence: {log: very late}\ndefault: {log: early}\n",
};

pub static REPEAT: Word = Word {
    name: "repeat",
    what: WHAT,
    meaning: "does steps again",
    keys: &[
        &[required(
            "repeat",
            Kind::Block(&blocks::REPEAT_BLOCK),
            "how often, and what",
        )],
        COMMON,
    ],
    together: &[],
    reserved: &[FOREIGN],
    example: "repeat:\n  count: 3\n  sequence: {log: again}\n",
};

pub static VARIABLES: Word = Word {
    name: "variables",
    what: WHAT,
    meaning: "names values for the rest of this run",
    keys: &[
        &[required(
            "variables",
            SOME_VARIABLES,
            "the values; each may use those above it",
        )],
        COMMON,
    ],
    together: &[],
    reserved: &[FOREIGN],
    example: "variables: {goal: 80 %, who: everybody}\n",
};

pub static SET: Word = Word {
    name: "set",
    what: WHAT,
    meaning: "remembers values with the rule, for later runs",
    keys: &[&[required("set", REMEMBERED, "the values")], COMMON],
    together: &[],
    reserved: &[FOREIGN],
    example: "set: {state.last_mode: night}\n",
};

pub static STOP: Word = Word {
    name: "stop",
    what: WHAT,
    meaning: "ends the run; inside `parallel`, with all branches",
    keys: &[
        &[
            required("stop", MESSAGE, "why"),
            defaulting(
                "failed",
                Kind::Boolean,
                "false",
                "whether the run ends as failed",
            ),
        ],
        COMMON,
    ],
    together: &[],
    reserved: &[FOREIGN, &[("error", Foreign("write `failed:`"))]],
    example: "stop: nothing to do\n",
};

pub static SETTING: Word = Word {
    name: "setting",
    what: WHAT,
    meaning: "writes one setting of a device, and waits up to 5 minutes until the device shows it; it does not wait for the device to be free of orders",
    keys: &[
        &[
            required("setting", SETTING_WORD, "which"),
            required("device", DEVICE, "the device"),
            required(
                "value",
                Kind::Either(&[QUANTITY, Kind::Expression]),
                "the new value",
            ),
            RETRY_KEY,
            ON_FAILURE,
        ],
        COMMON,
    ],
    together: &[],
    reserved: &[
        FOREIGN,
        &[
            ("parameters", Elsewhere("write `value:`")),
            ("entity_id", ENTITY),
        ],
    ],
    example: "setting: safety_reserve\ndevice: house_battery\nvalue: 20 %\n",
};

pub static CANCEL: Word = Word {
    name: "cancel",
    what: WHAT,
    meaning: "calls off our orders to a device, or those of one step, that have not begun, and waits until that is sure; one that has begun goes on, and the step fails as `refused`",
    keys: &[
        &[required(
            "cancel",
            Kind::Block(&blocks::CANCELLED),
            "which order",
        )],
        COMMON,
    ],
    together: &[],
    reserved: &[FOREIGN],
    example: "cancel: {device: car_charger}\n",
};

pub static READ: Word = Word {
    name: "read",
    what: WHAT,
    meaning: "makes sure that the values of devices are fresh, and fails when they are not within 20 s",
    keys: &[
        &[
            required("read", one_or_many(&DEVICE, ITEMS_MAX), "which devices"),
            defaulting("max_age", DURATION, "1m", "older values are read again"),
        ],
        COMMON,
    ],
    together: &[],
    reserved: &[FOREIGN],
    example: "read: [house_battery, car_charger]\nmax_age: 5m\n",
};

pub static HTTP: Word = Word {
    name: "http",
    what: WHAT,
    meaning: "calls a host that `http_allow` of home.yaml names",
    keys: &[
        &[required(
            "http",
            Kind::Block(&blocks::HTTP_BLOCK),
            "the request",
        )],
        COMMON,
    ],
    together: &[],
    reserved: &[FOREIGN],
    example: "http:\n  url: https://panel.example/api/lights\n  method: POST\n  json: {scene: evening}\n",
};

pub static DELAY: Word = Word {
    name: "delay",
    what: WHAT,
    meaning: "waits",
    keys: &[
        &[required(
            "delay",
            Kind::Either(&[DURATION, Kind::Expression]),
            "how long",
        )],
        COMMON,
    ],
    together: &[],
    reserved: &[FOREIGN],
    example: "delay: 5m\n",
};

pub static WAIT_FOR_TRIGGER: Word = Word {
    name: "wait_for_trigger",
    what: WHAT,
    meaning: "waits until something happens",
    keys: &[
        &[
            required("wait_for_trigger", TRIGGERS, "any one of them"),
            TIMEOUT,
            CONTINUE_ON_TIMEOUT,
        ],
        COMMON,
    ],
    together: &[ON_TIMEOUT],
    reserved: &[FOREIGN],
    example: "wait_for_trigger: {trigger: device, device: car_charger, event: connected}\ntimeout: 1h\n",
};

pub static WAIT_UNTIL: Word = Word {
    name: "wait_until",
    what: WHAT,
    meaning: "waits until conditions hold",
    keys: &[
        &[
            required("wait_until", CONDITIONS, "all of them"),
            TIMEOUT,
            CONTINUE_ON_TIMEOUT,
        ],
        COMMON,
    ],
    together: &[ON_TIMEOUT],
    reserved: &[FOREIGN],
    example: "wait_until: {condition: numeric_state, device: house_battery, attribute: level, at_least: 80 %}\ntimeout: 2h\ncontinue_on_timeout: false\n",
};

pub static PARALLEL: Word = Word {
    name: "parallel",
    what: WHAT,
    meaning: "several sequences side by side; ends when all have ended",
    keys: &[&[required("parallel", BRANCHES, "the sequences")], COMMON],
    together: &[],
    reserved: &[FOREIGN],
    example: "parallel:\n  - {command: charge, device: car_charger}\n  - - {command: idle, device: house_battery}\n    - {log: idle}\n",
};
