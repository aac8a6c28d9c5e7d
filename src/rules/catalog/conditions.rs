//! Conditions: what must hold.

use crate::document::decode::Reserved::{self, Foreign};
use crate::document::vocabulary::{Key, Word, defaulting, later, optional, required};
use crate::rules::catalog::{ALIAS, ENABLED, ENTITY, PLATFORM_OF_CONDITION, TEMPLATE};

pub const ALL: &[&Word] = &[
    &STATE,
    &NUMERIC_STATE,
    &TIME,
    &SUN,
    &TRIGGER,
    &COMMAND,
    &RULE,
    &AND,
    &OR,
    &NOT,
];

const WHAT: &str = "this condition";

const COMMON: &[Key] = &[
    required("condition", "one of the words above", "what it asks"),
    ALIAS,
    ENABLED,
    IF_UNKNOWN,
];

const IF_UNKNOWN: Key = defaulting(
    "if_unknown",
    "`block`, `allow` or `wait`",
    "block",
    "what an unknown answer counts as; in the conditions of a rule, `wait` waits for an answer, 15 minutes at most, and elsewhere it blocks",
);

const SUBJECT: &[Key] = &[
    optional("device", "a name", "with `attribute`"),
    optional(
        "attribute",
        "a value that the device reports",
        "with `device`",
    ),
    optional("input", "an input of home.yaml", "instead of a device"),
];

const HELD: &[Key] = &[
    later(optional("for", "a duration", "it has held that long")),
    defaulting(
        "max_age",
        "a duration",
        "15m",
        "an older value is unknown; of an input, its own `max_age` is the default",
    ),
];

const FOREIGN: &[(&str, Reserved)] = &[
    ("platform", PLATFORM_OF_CONDITION),
    ("entity_id", ENTITY),
    ("device_id", ENTITY),
    ("state", Foreign("write `is:`")),
    ("value_template", TEMPLATE),
];

pub static STATE: Word = Word {
    name: "state",
    what: WHAT,
    meaning: "a value is, or is not, one of these",
    keys: &[
        COMMON,
        SUBJECT,
        &[
            optional("is", "one or a list of values", "any of these"),
            optional("is_not", "one or a list of values", "none of these"),
        ],
        HELD,
    ],
    reserved: &[FOREIGN],
    example: "condition: state\ndevice: house_battery\nattribute: status\nis: [idle, charging]\n",
    runs: true,
};

pub static NUMERIC_STATE: Word = Word {
    name: "numeric_state",
    what: WHAT,
    meaning: "a number is within bounds",
    keys: &[
        COMMON,
        SUBJECT,
        &[
            optional("above", "a number with its unit", "strictly"),
            optional("below", "a number with its unit", "strictly"),
            optional("at_least", "a number with its unit", "or equal"),
            optional("at_most", "a number with its unit", "or equal"),
        ],
        HELD,
    ],
    reserved: &[FOREIGN],
    example: "condition: numeric_state\ndevice: house_battery\nattribute: level\nat_least: 80 %\nif_unknown: allow\n",
    runs: true,
};

pub static TIME: Word = Word {
    name: "time",
    what: WHAT,
    meaning: "a part of the day or week, in the home's zone",
    keys: &[
        COMMON,
        &[
            optional(
                "after",
                "a time, `\"22:30\"`",
                "from then on, that moment included",
            ),
            optional("before", "a time", "until then; a window may wrap midnight"),
            optional(
                "weekday",
                "one or a list of `mon` to `sun`",
                "on these days",
            ),
        ],
    ],
    reserved: &[&[("platform", PLATFORM_OF_CONDITION)]],
    example: "condition: time\nafter: \"22:30\"\nbefore: \"06:00\"\nweekday: [sat, sun]\n",
    runs: true,
};

pub static SUN: Word = Word {
    name: "sun",
    what: WHAT,
    meaning: "a part of the day by the sun at `home.location`; unknown in the weeks in which it does not rise or set there",
    keys: &[
        COMMON,
        &[
            optional(
                "after",
                "`sunrise` or `sunset`",
                "from then on, that moment included; to midnight without `before`",
            ),
            optional(
                "after_offset",
                "a duration, `-30m` for before",
                "with `after`",
            ),
            optional(
                "before",
                "`sunrise` or `sunset`",
                "until then; from midnight without `after`, and both may wrap midnight",
            ),
            optional("before_offset", "a duration", "with `before`"),
            optional("offset", "a duration", "when only one of both is given"),
        ],
    ],
    reserved: &[&[("platform", PLATFORM_OF_CONDITION)]],
    example: "condition: sun\nafter: sunset\noffset: -30m\n",
    runs: true,
};

pub static TRIGGER: Word = Word {
    name: "trigger",
    what: WHAT,
    meaning: "which trigger started the run",
    keys: &[
        COMMON,
        &[required(
            "id",
            "one or a list of ids of triggers",
            "any of these",
        )],
    ],
    reserved: &[FOREIGN],
    example: "condition: trigger\nid: plugged-in\n",
    runs: true,
};

pub static COMMAND: Word = Word {
    name: "command",
    what: WHAT,
    meaning: "what we know of our own orders to a device, as it was when the event came: an order that another rule gives at the same moment is not seen yet; never unknown",
    keys: &[
        COMMON,
        &[
            required("device", "a name", "the device"),
            optional("command", "a command", "every command when left out"),
            required(
                "state",
                "`idle`, `pending`, or one of `completed_within`, `failed_within`, `sent_within` with a duration",
                "`idle`: none is under way, `pending`: one is, sent or still in line; `completed_within`: the manufacturer took one so recently; `failed_within`: one ended otherwise (failed, cancelled or expired); `sent_within`: a rule gave one, counted from then even if it had to wait for the device; orders of before `retention` do not count",
            ),
        ],
    ],
    reserved: &[&[
        ("platform", PLATFORM_OF_CONDITION),
        ("entity_id", ENTITY),
        ("device_id", ENTITY),
    ]],
    example: "condition: command\ndevice: car_charger\ncommand: charge\nstate: {completed_within: 10m}\n",
    runs: true,
};

pub static RULE: Word = Word {
    name: "rule",
    what: WHAT,
    meaning: "whether a rule has a run, and when its last one began",
    keys: &[
        COMMON,
        &[
            required("rule", "the id of a rule", "which rule"),
            optional("running", "`true` or `false`", "whether it has a run now"),
            optional(
                "last_ran_within",
                "a duration",
                "its last run that passed its conditions began so recently; runs of before `retention` do not count",
            ),
        ],
    ],
    reserved: &[FOREIGN],
    example: "condition: rule\nrule: a-rule\nrunning: false\n",
    runs: true,
};

const LIST: Key = required(
    "conditions",
    "one or a list of conditions",
    "what is joined",
);

pub static AND: Word = Word {
    name: "and",
    what: WHAT,
    meaning: "all of them hold; may also be written `- and: […]`",
    keys: &[COMMON, &[LIST]],
    reserved: &[FOREIGN],
    example: "and:\n  - {condition: time, after: \"22:00\"}\n  - {condition: time, weekday: sat}\n",
    runs: true,
};

pub static OR: Word = Word {
    name: "or",
    what: WHAT,
    meaning: "at least one of them holds; may also be written `- or: […]`",
    keys: &[COMMON, &[LIST]],
    reserved: &[FOREIGN],
    example: "or:\n  - {condition: time, after: \"22:00\"}\n  - {condition: time, weekday: sat}\n",
    runs: true,
};

pub static NOT: Word = Word {
    name: "not",
    what: WHAT,
    meaning: "none of them holds; may also be written `- not: […]`",
    keys: &[COMMON, &[LIST]],
    reserved: &[FOREIGN],
    example: "not: {condition: time, weekday: [sat, sun]}\n",
    runs: true,
};

/// A block written as a key: `or: […]`.
pub(in crate::rules) static AND_KEY: Word = Word {
    keys: &[
        &[required("and", "one or a list of conditions", "all hold")],
        SHORT,
    ],
    ..of_key("and")
};

pub(in crate::rules) static OR_KEY: Word = Word {
    keys: &[
        &[required("or", "one or a list of conditions", "one holds")],
        SHORT,
    ],
    ..of_key("or")
};

pub(in crate::rules) static NOT_KEY: Word = Word {
    keys: &[
        &[required("not", "one or a list of conditions", "none holds")],
        SHORT,
    ],
    ..of_key("not")
};

const SHORT: &[Key] = &[ALIAS, ENABLED, IF_UNKNOWN];

const fn of_key(name: &'static str) -> Word {
    Word {
        name,
        what: WHAT,
        meaning: "conditions, joined",
        keys: &[],
        reserved: &[FOREIGN],
        example: "",
        runs: true,
    }
}
