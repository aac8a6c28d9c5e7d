//! Conditions: what must hold.

use crate::document::decode::Reserved::{self, Foreign};
use crate::document::vocabulary::durations::{DURATION, OFFSET, TIME as TIME_OF_DAY};
use crate::document::vocabulary::kind::{Kind, one_or_many};
use crate::document::vocabulary::{Key, Together, Word, defaulting, optional, required, word};
use crate::rules::catalog::bounds::ITEMS_MAX;
use crate::rules::catalog::device_words::{ATTRIBUTE, COMMAND as COMMAND_WORD};
use crate::rules::catalog::kinds::{
    COMMAND_STATE, CONDITIONS, DEVICE, INPUT, MEASURE, RULE as RULE_ID, TRIGGER_IDS, VALUES,
};
use crate::rules::catalog::triggers::HELD_TOGETHER;
use crate::rules::catalog::{
    ALIAS, ENABLED, ENTITY, PLATFORM_OF_CONDITION, TEMPLATE, WATCHED_ONE, choices,
};

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

/// Blocks that are written as a key: `or: […]`.
pub(super) const KEYS: &[&Word] = &[&AND_KEY, &OR_KEY, &NOT_KEY];

const WHAT: &str = "this condition";

const COMMON: &[Key] = &[
    required("condition", Kind::Own, "what it asks"),
    ALIAS,
    ENABLED,
    IF_UNKNOWN,
];

const IF_UNKNOWN: Key = defaulting(
    "if_unknown",
    Kind::Word(&choices::IF_UNKNOWN),
    "block",
    "what an unknown answer counts as; in the conditions of a rule, `wait` waits for an answer, 15 minutes at most, also inside of `and`, `or` and `not` while it can make them hold; elsewhere it blocks",
);

const SUBJECT: &[Key] = &[
    optional("device", DEVICE, "with `attribute`"),
    optional("attribute", ATTRIBUTE, "with `device`"),
    optional("input", INPUT, "instead of a device"),
];

const HELD: &[Key] = &[
    optional(
        "for",
        DURATION,
        "it has been so for that long and is so now; when that is not known of all of that time, the answer is unknown",
    ),
    defaulting(
        "gap_tolerance",
        DURATION,
        "30m",
        "how long nothing may have been heard meanwhile, now included; with `for`",
    ),
    defaulting(
        "max_age",
        DURATION,
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
            optional("is", VALUES, "any of these"),
            optional("is_not", VALUES, "none of these"),
        ],
        HELD,
    ],
    together: &[
        WATCHED_ONE,
        Together::Some(&[&["is"], &["is_not"]]),
        HELD_TOGETHER,
    ],
    reserved: &[FOREIGN],
    example: "condition: state\ndevice: house_battery\nattribute: status\nis: [idle, charging]\n",
};

pub static NUMERIC_STATE: Word = Word {
    name: "numeric_state",
    what: WHAT,
    meaning: "a number is within bounds",
    keys: &[
        COMMON,
        SUBJECT,
        &[
            optional("above", MEASURE, "strictly"),
            optional("below", MEASURE, "strictly"),
            optional("at_least", MEASURE, "or equal"),
            optional("at_most", MEASURE, "or equal"),
        ],
        HELD,
    ],
    together: &[
        WATCHED_ONE,
        Together::Some(&[&["above"], &["below"], &["at_least"], &["at_most"]]),
        HELD_TOGETHER,
    ],
    reserved: &[FOREIGN],
    example: "condition: numeric_state\ndevice: house_battery\nattribute: level\nat_least: 80 %\nif_unknown: allow\n",
};

pub static TIME: Word = Word {
    name: "time",
    what: WHAT,
    meaning: "a part of the day or week, in the home's zone",
    keys: &[
        COMMON,
        &[
            optional("after", TIME_OF_DAY, "from then on, that moment included"),
            optional(
                "before",
                TIME_OF_DAY,
                "until then; a window may wrap midnight",
            ),
            optional(
                "weekday",
                one_or_many(&Kind::Word(&choices::WEEKDAYS), ITEMS_MAX),
                "on these days",
            ),
        ],
    ],
    together: &[Together::Some(&[&["after"], &["before"], &["weekday"]])],
    reserved: &[&[("platform", PLATFORM_OF_CONDITION)]],
    example: "condition: time\nafter: \"22:30\"\nbefore: \"06:00\"\nweekday: [sat, sun]\n",
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
                Kind::Word(&choices::SUN_EDGES),
                "from then on, that moment included; to midnight without `before`",
            ),
            optional("after_offset", OFFSET, "with `after`"),
            optional(
                "before",
                Kind::Word(&choices::SUN_EDGES),
                "until then; from midnight without `after`, and both may wrap midnight",
            ),
            optional("before_offset", OFFSET, "with `before`"),
            optional("offset", OFFSET, "when only one of both is given"),
        ],
    ],
    together: &[Together::Some(&[&["after"], &["before"]])],
    reserved: &[&[("platform", PLATFORM_OF_CONDITION)]],
    example: "condition: sun\nafter: sunset\noffset: -30m\n",
};

pub static TRIGGER: Word = Word {
    name: "trigger",
    what: WHAT,
    meaning: "which trigger started the run",
    keys: &[COMMON, &[required("id", TRIGGER_IDS, "any of these")]],
    together: &[],
    reserved: &[FOREIGN],
    example: "condition: trigger\nid: plugged-in\n",
};

pub static COMMAND: Word = Word {
    name: "command",
    what: WHAT,
    meaning: "what we know of our own orders to a device, as it was when the event came: an order that another rule gives at the same moment is not seen yet; never unknown",
    keys: &[
        COMMON,
        &[
            required("device", DEVICE, "the device"),
            optional("command", COMMAND_WORD, "every command when left out"),
            required(
                "state",
                COMMAND_STATE,
                "`idle`: none is under way, `pending`: one is, sent or still in line; `completed_within`: the manufacturer took one so recently; `failed_within`: one ended otherwise (failed, cancelled or expired); `sent_within`: a rule gave one, counted from then even if it had to wait for the device; orders of before `retention` do not count",
            ),
        ],
    ],
    together: &[],
    reserved: &[&[
        ("platform", PLATFORM_OF_CONDITION),
        ("entity_id", ENTITY),
        ("device_id", ENTITY),
    ]],
    example: "condition: command\ndevice: car_charger\ncommand: charge\nstate: {completed_within: 10m}\n",
};

pub static RULE: Word = Word {
    name: "rule",
    what: WHAT,
    meaning: "whether a rule has a run, and when its last one began",
    keys: &[
        COMMON,
        &[
            required("rule", RULE_ID, "which rule"),
            optional("running", Kind::Boolean, "whether it has a run now"),
            optional(
                "last_ran_within",
                DURATION,
                "its last run that passed its conditions began so recently; runs of before `retention` do not count",
            ),
        ],
    ],
    together: &[Together::Some(&[&["running"], &["last_ran_within"]])],
    reserved: &[FOREIGN],
    example: "condition: rule\nrule: a-rule\nrunning: false\n",
};

const LIST: Key = required("conditions", CONDITIONS, "what is joined");

pub static AND: Word = Word {
    name: "and",
    what: WHAT,
    meaning: "all of them hold; may also be written `- and: […]`",
    keys: &[COMMON, &[LIST]],
    together: &[],
    reserved: &[FOREIGN],
    example: "and:\n  - {condition: time, after: \"22:00\"}\n  - {condition: time, weekday: sat}\n",
};

pub static OR: Word = Word {
    name: "or",
    what: WHAT,
    meaning: "at least one of them holds; may also be written `- or: […]`",
    keys: &[COMMON, &[LIST]],
    together: &[],
    reserved: &[FOREIGN],
    example: "or:\n  - {condition: time, after: \"22:00\"}\n  - {condition: time, weekday: sat}\n",
};

pub static NOT: Word = Word {
    name: "not",
    what: WHAT,
    meaning: "none of them holds; may also be written `- not: […]`",
    keys: &[COMMON, &[LIST]],
    together: &[],
    reserved: &[FOREIGN],
    example: "not: {condition: time, weekday: [sat, sun]}\n",
};

pub(in crate::rules) static AND_KEY: Word = Word {
    keys: &[&[required("and", CONDITIONS, "all hold")], SHORT],
    ..of_key("and")
};

pub(in crate::rules) static OR_KEY: Word = Word {
    keys: &[&[required("or", CONDITIONS, "one holds")], SHORT],
    ..of_key("or")
};

pub(in crate::rules) static NOT_KEY: Word = Word {
    keys: &[&[required("not", CONDITIONS, "none holds")], SHORT],
    ..of_key("not")
};

const SHORT: &[Key] = &[ALIAS, ENABLED, IF_UNKNOWN];

const fn of_key(name: &'static str) -> Word {
    Word {
        reserved: &[FOREIGN],
        ..word(name, WHAT, "conditions, joined")
    }
}
