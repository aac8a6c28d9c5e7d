//! Triggers: what wakes a rule.

use crate::config::kinds::DEVICE_TYPE as TYPE_OF_DEVICE;
use crate::document::decode::Reserved::{self, Elsewhere, Foreign};
use crate::document::vocabulary::durations::{DURATION, OFFSET, TIME as TIME_OF_DAY};
use crate::document::vocabulary::kind::{Kind, one_or_many, whole};
use crate::document::vocabulary::{Key, Together, Word, defaulting, optional, required};
use crate::rules::catalog::bounds::{COUNT_MAX, COUNT_MIN, ITEMS_MAX};
use crate::rules::catalog::device_words::{ATTRIBUTE, COMMANDS};
use crate::rules::catalog::kinds::{
    CRON as CRON_PATTERN, DEVICES as DEVICE_OR_MORE, ERROR_CODES, INPUT, MEASURE, TRIGGER,
    TRIGGERS_TOGETHER, VALUES, VARIABLES, WEBHOOK as WEBHOOK_NAME, WORD,
};
use crate::rules::catalog::{ENABLED, ENTITY, PLATFORM_OF_TRIGGER, TEMPLATE, WATCHED_ONE, choices};

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
    required("trigger", Kind::Own, "what it waits for"),
    optional("id", WORD, "for `condition: trigger`"),
    ENABLED,
    optional(
        "variables",
        VARIABLES,
        "values for the run that this trigger starts or lets go on; they win over those of the rule. Not in a trigger inside another one",
    ),
];

const DEVICES: Key = required("device", DEVICE_OR_MORE, "any one of these devices");

const WATCHED: &[Key] = &[
    optional("device", DEVICE_OR_MORE, "with `attribute`"),
    optional("attribute", ATTRIBUTE, "with `device`"),
    optional("input", INPUT, "instead of a device"),
];

const FOR: Key = optional("for", DURATION, "it must hold that long without a break");

const HELD: &[Key] = &[
    FOR,
    defaulting(
        "gap_tolerance",
        DURATION,
        "30m",
        "how long nothing may be heard meanwhile; with `for`",
    ),
];

pub(super) const HELD_TOGETHER: Together = Together::Beside("gap_tolerance", "for");

const MISSED: &[Key] = &[
    defaulting(
        "catch_up",
        Kind::Word(&choices::CATCH_UP),
        "latest",
        "which moments count that were missed while the engine was down",
    ),
    defaulting("within", DURATION, "15m", "how old a missed moment may be"),
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
            optional("command", COMMANDS, "every command when left out"),
            defaulting(
                "result",
                one_or_many(&Kind::Word(&choices::RESULTS), ITEMS_MAX),
                "completed",
                "how it ended",
            ),
            optional("error_code", ERROR_CODES, "with `result: failed`"),
            defaulting(
                "source",
                Kind::Word(&choices::SOURCES),
                "any",
                "whose order it was",
            ),
        ],
    ],
    together: &[],
    reserved: &[FOREIGN],
    example: "trigger: command\ndevice: house_battery\ncommand: charge\nresult: failed\nerror_code: DEVICE_OFFLINE\n",
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
                one_or_many(&Kind::Word(&choices::CHANGES), ITEMS_MAX),
                "what happened to it",
            ),
            FOR,
        ],
    ],
    together: &[],
    reserved: &[
        FOREIGN,
        &[(
            "gap_tolerance",
            Elsewhere(
                "leave it out: a connection is told by webhooks alone, and silence says nothing of it",
            ),
        )],
    ],
    example: "trigger: device\ndevice: [house_battery, car_charger]\nevent: disconnected\n",
};

pub static STATE: Word = Word {
    name: "state",
    what: WHAT,
    meaning: "a value changed. `for` counts on while other values come that fit as well: one of `to`, or without `to`, none of `from`; never one of `not_to`. Where none of these is written, each change begins it anew",
    keys: &[
        COMMON,
        WATCHED,
        &[
            optional("from", VALUES, "what it was"),
            optional("to", VALUES, "what it is now"),
            optional("not_from", VALUES, "what it was not"),
            optional("not_to", VALUES, "what it is not now"),
        ],
        HELD,
    ],
    together: &[WATCHED_ONE, HELD_TOGETHER],
    reserved: &[
        FOREIGN,
        &[
            ("state", Foreign("write `to:`")),
            ("is", Elsewhere("write `to:`")),
        ],
    ],
    example: "trigger: state\ndevice: car_charger\nattribute: isConnected\nto: true\nfor: 1m\n",
};

pub static NUMERIC_STATE: Word = Word {
    name: "numeric_state",
    what: WHAT,
    meaning: "a number crossed a limit: the last known value was on this side of it, however long ago, and the new one is beyond. Nothing is lost while a device or the engine is away; a value on the same side as before fires nothing, and neither does the first one",
    keys: &[
        COMMON,
        WATCHED,
        &[
            optional("above", MEASURE, "it was not above, and is now"),
            optional("below", MEASURE, "it was not below, and is now"),
            optional("reset", MEASURE, "not again before it was back beyond this"),
            defaulting(
                "from_unknown",
                Kind::Word(&choices::FROM_UNKNOWN),
                "ignore",
                "whether the first value that is known of it counts as a crossing",
            ),
        ],
        HELD,
    ],
    together: &[
        WATCHED_ONE,
        Together::Some(&[&["above"], &["below"]]),
        HELD_TOGETHER,
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
};

pub static TIME: Word = Word {
    name: "time",
    what: WHAT,
    meaning: "a time of day in the home's zone",
    keys: &[
        COMMON,
        &[
            required("at", one_or_many(&TIME_OF_DAY, ITEMS_MAX), "when"),
            optional(
                "weekday",
                one_or_many(&Kind::Word(&choices::WEEKDAYS), ITEMS_MAX),
                "on these days only",
            ),
        ],
        MISSED,
    ],
    together: &[],
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
};

pub static CRON: Word = Word {
    name: "cron",
    what: WHAT,
    meaning: "a pattern of moments, as crontab writes it",
    keys: &[
        COMMON,
        &[required(
            "expression",
            CRON_PATTERN,
            "the pattern; when day and weekday are both given, either is enough, and where one of them begins with `*`, as `*/2` does, both have to fit",
        )],
        MISSED,
    ],
    together: &[],
    reserved: &[FOREIGN],
    example: "trigger: cron\nexpression: \"*/15 6-22 * * mon-fri\"\n",
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
                Kind::Word(&choices::SUN_EVENTS),
                "what the sun does",
            ),
            defaulting("offset", OFFSET, "0s", "how much later"),
        ],
        MISSED,
    ],
    together: &[],
    reserved: &[FOREIGN],
    example: "trigger: sun\nevent: sunset\noffset: -30m\n",
};

pub static WEBHOOK: Word = Word {
    name: "webhook",
    what: WHAT,
    meaning: "a signed `POST /hooks/NAME` came",
    keys: &[
        COMMON,
        &[required("name", WEBHOOK_NAME, "the end of the address")],
    ],
    together: &[],
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
};

pub static ENGINE: Word = Word {
    name: "engine",
    what: WHAT,
    meaning: "the engine itself",
    keys: &[
        COMMON,
        &[required(
            "event",
            one_or_many(&Kind::Word(&choices::ENGINE_EVENTS), ITEMS_MAX),
            "what it did",
        )],
    ],
    together: &[],
    reserved: &[FOREIGN],
    example: "trigger: engine\nevent: started\n",
};

const SEVERAL: Key = required("triggers", TRIGGERS_TOGETHER, "what must come");

pub static ALL_OF: Word = Word {
    name: "all_of",
    what: WHAT,
    meaning: "each of several triggers fired, in any order. Where all of them name the same devices, each device is looked at by itself; otherwise they are taken together",
    keys: &[
        COMMON,
        &[
            SEVERAL,
            required("within", DURATION, "all of them in this time"),
        ],
    ],
    together: &[],
    reserved: &[FOREIGN],
    example: "trigger: all_of\nwithin: 10m\ntriggers:\n  - {trigger: device, device: car_charger, event: connected}\n  - {trigger: device, device: house_battery, event: connected}\n",
};

pub static SEQUENCE: Word = Word {
    name: "sequence",
    what: WHAT,
    meaning: "several triggers fired one after another. Where all of them name the same devices, each device is looked at by itself; otherwise they are taken together",
    keys: &[
        COMMON,
        &[
            SEVERAL,
            required("within", DURATION, "from the first to the last"),
        ],
    ],
    together: &[],
    reserved: &[FOREIGN],
    example: "trigger: sequence\nwithin: 1h\ntriggers:\n  - {trigger: device, device: car_charger, event: disconnected}\n  - {trigger: device, device: car_charger, event: connected}\n",
};

pub static ABSENCE: Word = Word {
    name: "absence",
    what: WHAT,
    meaning: "something did not come. Of several devices, each is looked at by itself, where `of` and `after` name the same ones; otherwise they are taken together",
    keys: &[
        COMMON,
        &[
            required("of", TRIGGER, "what did not come"),
            required("absent_for", DURATION, "for so long"),
            optional("after", TRIGGER, "counted from when this one came"),
        ],
    ],
    together: &[],
    reserved: &[FOREIGN],
    example: "trigger: absence\nof: {trigger: device, device: car_charger, event: reconnected}\nabsent_for: 10m\nafter: {trigger: device, device: car_charger, event: disconnected}\n",
};

pub static COUNT: Word = Word {
    name: "count",
    what: WHAT,
    meaning: "a trigger fired so many times. Several devices are counted together",
    keys: &[
        COMMON,
        &[
            required("of", TRIGGER, "what is counted"),
            required("count", whole(COUNT_MIN, COUNT_MAX), "the n-th counts"),
            required("within", DURATION, "in this time"),
        ],
    ],
    together: &[],
    reserved: &[FOREIGN],
    example: "trigger: count\nof: {trigger: device, device: car_charger, event: disconnected}\ncount: 3\nwithin: 1h\n",
};

pub(in crate::rules) static DEVICE_TYPE: Word = Word {
    name: "type",
    what: "`device`",
    meaning: "every device of a type",
    keys: &[&[required("type", TYPE_OF_DEVICE, "all of this type")]],
    together: &[],
    reserved: &[],
    example: "type: battery\n",
};
