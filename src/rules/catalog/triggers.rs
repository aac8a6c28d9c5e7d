//! Triggers: what wakes a rule.

use crate::document::decode::Reserved::{self, Elsewhere, Foreign};
use crate::document::vocabulary::{Key, Word, defaulting, optional, required};
use crate::rules::catalog::{ENABLED, ENTITY, PLATFORM_OF_TRIGGER, TEMPLATE};

pub const ALL: &[&Word] = &[
    &COMMAND,
    &DEVICE,
    &STATE,
    &NUMERIC_STATE,
    &TIME,
    &CRON,
    &SUN,
    &WEBHOOK,
    &ENGINE,
    &ALL_OF,
    &SEQUENCE,
    &ABSENCE,
    &COUNT,
];

const WHAT: &str = "this trigger";

const COMMON: &[Key] = &[
    required("trigger", "one of the words above", "what it waits for"),
    optional("id", "text", "for `condition: trigger`"),
    ENABLED,
    optional(
        "variables",
        "lines `NAME: value`, also expressions",
        "values for the run that this trigger starts; they win over those of the rule",
    ),
];

const DEVICES: Key = required(
    "device",
    "a name, a list of names, or `{type: battery}`",
    "any one of these devices",
);

const WATCHED: &[Key] = &[
    optional(
        "device",
        "a name, a list of names, or `{type: battery}`",
        "with `attribute`",
    ),
    optional(
        "attribute",
        "a value that the device reports",
        "with `device`",
    ),
    optional("input", "an input of home.yaml", "instead of a device"),
];

const HELD: &[Key] = &[
    optional(
        "for",
        "a duration",
        "it must hold that long without a break",
    ),
    defaulting(
        "gap_tolerance",
        "a duration",
        "30m",
        "how long nothing may be heard meanwhile; with `for`",
    ),
];

const MISSED: &[Key] = &[
    defaulting(
        "catch_up",
        "`latest`, `all` or `none`",
        "latest",
        "which moments count that were missed while the engine was down",
    ),
    defaulting(
        "within",
        "a duration",
        "15m",
        "how old a missed moment may be",
    ),
];

const FOREIGN: &[(&str, Reserved)] = &[
    ("platform", PLATFORM_OF_TRIGGER),
    ("entity_id", ENTITY),
    ("device_id", ENTITY),
    ("domain", ENTITY),
    ("value_template", TEMPLATE),
];

pub static COMMAND: Word = Word {
    name: "command",
    what: WHAT,
    meaning: "an order to a device ended; `completed` means that the manufacturer took it, not that the battery is full",
    keys: &[
        COMMON,
        &[
            DEVICES,
            optional(
                "command",
                "one or a list of commands",
                "every command when left out",
            ),
            defaulting(
                "result",
                "one or a list of `completed`, `failed`, `cancelled`, `expired`, `any`",
                "completed",
                "how it ended",
            ),
            optional(
                "error_code",
                "one or a list of codes",
                "with `result: failed`",
            ),
            defaulting(
                "source",
                "`any`, `own` or `foreign`",
                "any",
                "whose order it was",
            ),
        ],
    ],
    reserved: &[FOREIGN],
    example: "trigger: command\ndevice: house_battery\ncommand: charge\nresult: failed\nerror_code: DEVICE_OFFLINE\n",
    runs: true,
};

pub static DEVICE: Word = Word {
    name: "device",
    what: WHAT,
    meaning: "a device was connected or lost",
    keys: &[
        COMMON,
        &[
            DEVICES,
            required(
                "event",
                "one or a list of `connected`, `disconnected`, `reconnected`, `any`",
                "what happened to it",
            ),
        ],
        HELD,
    ],
    reserved: &[FOREIGN],
    example: "trigger: device\ndevice: [house_battery, car_charger]\nevent: disconnected\n",
    runs: true,
};

pub static STATE: Word = Word {
    name: "state",
    what: WHAT,
    meaning: "a value changed",
    keys: &[
        COMMON,
        WATCHED,
        &[
            optional("from", "one or a list of values", "what it was"),
            optional("to", "one or a list of values", "what it is now"),
            optional("not_from", "one or a list of values", "what it was not"),
            optional("not_to", "one or a list of values", "what it is not now"),
        ],
        HELD,
    ],
    reserved: &[
        FOREIGN,
        &[
            ("state", Foreign("write `to:`")),
            ("is", Elsewhere("write `to:`")),
        ],
    ],
    example: "trigger: state\ndevice: car_charger\nattribute: isConnected\nto: true\nfor: 1m\n",
    runs: true,
};

pub static NUMERIC_STATE: Word = Word {
    name: "numeric_state",
    what: WHAT,
    meaning: "a number crossed a limit",
    keys: &[
        COMMON,
        WATCHED,
        &[
            optional(
                "above",
                "a number with its unit",
                "it was not above, and is now",
            ),
            optional(
                "below",
                "a number with its unit",
                "it was not below, and is now",
            ),
            optional(
                "reset",
                "a number with its unit",
                "not again before it was back beyond this",
            ),
            defaulting(
                "from_unknown",
                "`ignore` or `fire`",
                "ignore",
                "whether the first known value counts as a crossing",
            ),
        ],
        HELD,
    ],
    reserved: &[
        FOREIGN,
        &[
            (
                "at_least",
                Elsewhere("a crossing is strict: write `above:`"),
            ),
            ("at_most", Elsewhere("a crossing is strict: write `below:`")),
        ],
    ],
    example: "trigger: numeric_state\ndevice: house_battery\nattribute: level\nabove: 98 %\nreset: 95 %\n",
    runs: true,
};

pub static TIME: Word = Word {
    name: "time",
    what: WHAT,
    meaning: "a time of day in the home's zone",
    keys: &[
        COMMON,
        &[
            required("at", "one or a list of times, `\"22:30\"`", "when"),
            optional(
                "weekday",
                "one or a list of `mon` to `sun`",
                "on these days only",
            ),
        ],
        MISSED,
    ],
    reserved: &[
        FOREIGN,
        &[
            (
                "after",
                Elsewhere(
                    "a trigger is a moment: write `at:`; `after:` belongs to `condition: time`",
                ),
            ),
            (
                "before",
                Elsewhere(
                    "a trigger is a moment: write `at:`; `before:` belongs to `condition: time`",
                ),
            ),
        ],
    ],
    example: "trigger: time\nat: [\"06:30\", \"22:30\"]\nweekday: [mon, tue, wed, thu, fri]\ncatch_up: latest\nwithin: 15m\n",
    runs: true,
};

pub static CRON: Word = Word {
    name: "cron",
    what: WHAT,
    meaning: "a pattern of moments, as crontab writes it",
    keys: &[
        COMMON,
        &[required(
            "expression",
            "five fields (minute, hour, day, month, weekday), or six with seconds first",
            "the pattern; when day and weekday are both given, either is enough",
        )],
        MISSED,
    ],
    reserved: &[FOREIGN],
    example: "trigger: cron\nexpression: \"*/15 6-22 * * mon-fri\"\n",
    runs: true,
};

pub static SUN: Word = Word {
    name: "sun",
    what: WHAT,
    meaning: "the sun at `home.location`",
    keys: &[
        COMMON,
        &[
            required(
                "event",
                "`sunrise`, `sunset`, `dawn` or `dusk`",
                "what the sun does",
            ),
            defaulting(
                "offset",
                "a duration, `-30m` for before",
                "0s",
                "how much later",
            ),
        ],
        MISSED,
    ],
    reserved: &[FOREIGN],
    example: "trigger: sun\nevent: sunset\noffset: -30m\n",
    runs: true,
};

pub static WEBHOOK: Word = Word {
    name: "webhook",
    what: WHAT,
    meaning: "a signed `POST /hooks/NAME` came",
    keys: &[
        COMMON,
        &[required(
            "name",
            "small letters, digits, `-` and `_`",
            "the end of the address",
        )],
    ],
    reserved: &[
        FOREIGN,
        &[
            ("webhook_id", Foreign("write `name:`")),
            (
                "allowed_methods",
                Foreign("webhooks are signed `POST`s; leave it out"),
            ),
            (
                "local_only",
                Foreign("`intake:` in home.yaml says who can reach it; leave it out"),
            ),
        ],
    ],
    example: "trigger: webhook\nname: doorbell\n",
    runs: true,
};

pub static ENGINE: Word = Word {
    name: "engine",
    what: WHAT,
    meaning: "the engine itself",
    keys: &[
        COMMON,
        &[required(
            "event",
            "one or a list of `started`, `reloaded`",
            "what it did",
        )],
    ],
    reserved: &[FOREIGN],
    example: "trigger: engine\nevent: started\n",
    runs: true,
};

const SEVERAL: Key = required(
    "triggers",
    "a list of at least two triggers",
    "what must come",
);

pub static ALL_OF: Word = Word {
    name: "all_of",
    what: WHAT,
    meaning: "each of several triggers fired, in any order",
    keys: &[
        COMMON,
        &[
            SEVERAL,
            required("within", "a duration", "all of them in this time"),
        ],
    ],
    reserved: &[FOREIGN],
    example: "trigger: all_of\nwithin: 10m\ntriggers:\n  - {trigger: device, device: car_charger, event: connected}\n  - {trigger: device, device: house_battery, event: connected}\n",
    runs: true,
};

pub static SEQUENCE: Word = Word {
    name: "sequence",
    what: WHAT,
    meaning: "several triggers fired one after another",
    keys: &[
        COMMON,
        &[
            SEVERAL,
            required("within", "a duration", "from the first to the last"),
        ],
    ],
    reserved: &[FOREIGN],
    example: "trigger: sequence\nwithin: 1h\ntriggers:\n  - {trigger: device, device: car_charger, event: disconnected}\n  - {trigger: device, device: car_charger, event: connected}\n",
    runs: true,
};

pub static ABSENCE: Word = Word {
    name: "absence",
    what: WHAT,
    meaning: "something did not come",
    keys: &[
        COMMON,
        &[
            required("of", "a trigger", "what did not come"),
            required("absent_for", "a duration", "for so long"),
            optional("after", "a trigger", "counted from when this one came"),
        ],
    ],
    reserved: &[FOREIGN],
    example: "trigger: absence\nof: {trigger: device, device: car_charger, event: reconnected}\nabsent_for: 10m\nafter: {trigger: device, device: car_charger, event: disconnected}\n",
    runs: true,
};

pub static COUNT: Word = Word {
    name: "count",
    what: WHAT,
    meaning: "a trigger fired so many times",
    keys: &[
        COMMON,
        &[
            required("of", "a trigger", "what is counted"),
            required("count", "a number from 2 to 1000", "the n-th counts"),
            required("within", "a duration", "in this time"),
        ],
    ],
    reserved: &[FOREIGN],
    example: "trigger: count\nof: {trigger: device, device: car_charger, event: disconnected}\ncount: 3\nwithin: 1h\n",
    runs: true,
};

pub(in crate::rules) static DEVICE_TYPE: Word = Word {
    name: "type",
    what: "`device`",
    meaning: "every device of a type",
    keys: &[&[required("type", "a type of device", "all of this type")]],
    reserved: &[],
    example: "type: battery\n",
    runs: true,
};
