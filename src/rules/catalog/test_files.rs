//! The words of tests of rules: of their files, of what happens in them, and of what is expected.

use crate::config::kinds::URL;
use crate::document::vocabulary::durations::{DURATION, TIME};
use crate::document::vocabulary::kind::{
    Begun, Form, Kind, LineName, Lines, Named, form, one_or_many,
};
use crate::document::vocabulary::{Together, Word, defaulting, optional, required, word};
use crate::domain::event::ConnectionChange;
use crate::rules::catalog::choices;
use crate::rules::catalog::device_words::{ATTRIBUTES, COMMAND};
pub(crate) use crate::rules::catalog::expectations::{
    ANSWER, ANSWERED, COMPLETED_ORDER, EXPECTED_COMMAND, EXPECTED_HTTP, EXPECTED_NOTIFY,
    EXPECTED_RUN, EXPECTED_SETTING, FAILED_ORDER, ORDER, STATUS_MAX, STATUS_MIN,
};
use crate::rules::catalog::file::RULES;
use crate::rules::catalog::kinds::{DEVICE, MEASURE, NOTIFIER, VALUE, free};
use crate::rules::expr::series::POINTS_MAX;

/// The most tests of a file.
pub const TESTS_MAX: usize = 10_000;

/// The most steps of a test.
pub const STEPS_MAX: usize = 1000;

/// The most things that one `expect` can list.
pub const ITEMS_MAX: usize = 500;

pub(crate) const NAME_CHARACTERS_MAX: usize = 200;
pub(crate) const PATH_CHARACTERS_MAX: usize = 1000;
pub(crate) const TEXT_CHARACTERS_MAX: usize = 4000;
pub(crate) const CODE_CHARACTERS_MAX: usize = 128;
pub(crate) const MESSAGE_CHARACTERS_MAX: usize = 500;
pub(crate) const ADDRESS_CHARACTERS_MAX: usize = 64;

pub const ALL: &[&Word] = &[
    &FILE,
    &TEST,
    &SET,
    &COMPLETE,
    &FAIL,
    &CANCEL,
    &LOSE,
    &EVENT_STEP,
    &WEBHOOK_STEP,
    &ANSWER,
    &ADVANCE,
    &AT,
    &RESTART,
    &RELOAD,
    &EXPECT,
    &POINT,
    &ORDER,
    &FAILED_ORDER,
    &EVENT,
    &HOOK,
    &RELOADED,
    &RESTARTED,
    &EXPECTED,
    &EXPECTED_COMMAND,
    &EXPECTED_NOTIFY,
    &EXPECTED_HTTP,
    &EXPECTED_SETTING,
    &COMPLETED_ORDER,
    &EXPECTED_RUN,
    &ANSWERED,
];

/// What a step can be.
pub(crate) const STEPS: &[&Word] = &[
    &SET,
    &COMPLETE,
    &FAIL,
    &CANCEL,
    &LOSE,
    &EVENT_STEP,
    &WEBHOOK_STEP,
    &ANSWER,
    &ADVANCE,
    &AT,
    &RESTART,
    &RELOAD,
    &EXPECT,
];

/// What a device shows of which nothing is heard any more.
pub(crate) const SILENT: &str = "silent";

/// What is expected where nothing may happen.
pub(crate) const NOTHING: &str = "nothing";

/// What the real body of a webhook has, and the short form has not.
pub(crate) const BODY_KEYS: &[&str] = &["actionId", "deviceId", "scheduleId"];

/// How an order ended, as a webhook tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Completed,
    Failed,
    Cancelled,
}

pub(crate) const RESULTS: &[(&str, Ended)] = &[
    ("completed", Ended::Completed),
    ("failed", Ended::Failed),
    ("cancelled", Ended::Cancelled),
];

pub(crate) const CHANGES: &[(&str, ConnectionChange)] = &[
    ("connected", ConnectionChange::Connected),
    ("disconnected", ConnectionChange::Disconnected),
    ("reconnected", ConnectionChange::Reconnected),
];

/// Of a run.
pub(crate) const OUTCOMES: &[(&str, &str)] = &[
    ("running", "running"),
    ("stopped", "stopped"),
    ("completed", "completed"),
    ("failed", "failed"),
];

const TEST_BLOCK: Kind = Kind::Named(&Named {
    name: "test",
    one: "a test",
    many: "tests",
    kind: || Kind::Block(&TEST),
    examples: &[],
});

pub(super) const TESTS: Kind = one_or_many(&TEST_BLOCK, TESTS_MAX);

const STEP: Kind = Kind::Named(&Named {
    name: "step",
    one: "a step",
    many: "steps",
    kind: || {
        const {
            Kind::Either(&[
                Kind::Begun(&Begun {
                    named: None,
                    keys: STEPS,
                    foreign: &[],
                }),
                ALONE,
            ])
        }
    },
    examples: &[],
});

const STEP_OR_STEPS: Kind = one_or_many(&STEP, STEPS_MAX);

/// `- restart` reads better than `- restart: true`. As words, editors would offer them before all others.
const ALONE: Kind = Kind::Text(&form(
    "`restart` or `reload`",
    "`restart` or `reload`",
    "^(restart|reload)$",
    "write a step, for example `expect: nothing` or `advance: 5m`",
));

const SILENT_ALONE: &[&str] = &[SILENT];
const NOTHING_ALONE: &[&str] = &[NOTHING];

const NAME: Kind = Kind::Text(&free(NAME_CHARACTERS_MAX));
const PATH: Kind = Kind::Text(&Form {
    one: "a folder",
    ..free(PATH_CHARACTERS_MAX)
});
pub(super) const TEXT: Kind = Kind::Text(&free(TEXT_CHARACTERS_MAX));
pub(super) const CODE: Kind = Kind::Text(&free(CODE_CHARACTERS_MAX));
pub(super) const MESSAGE: Kind = Kind::Text(&free(MESSAGE_CHARACTERS_MAX));
const ADDRESS: Kind = Kind::Text(&free(ADDRESS_CHARACTERS_MAX));
pub(super) const LEVEL: Kind = Kind::Word(&choices::LEVELS);

const MOMENT: Kind = Kind::Named(&Named {
    name: "moment",
    one: "a day and a time like `\"2026-01-10T23:10:00\"`",
    many: "moments",
    kind: || {
        const {
            Kind::Text(&form(
                "a moment",
                "moments",
                r"^[-+]?[0-9]{4,6}-?[0-9]{2}-?[0-9]{2}[Tt ][0-9]{2}(:?[0-9]{2}.*)?$",
                "write day and time in quotes: `\"2026-01-10T23:10:00\"`",
            ))
        }
    },
    examples: &["\"2026-01-10T23:10:00\""],
});

const SHOWN: Kind = Kind::Lines(&Lines {
    told: "lines `DEVICE: {attribute: value}` and `input.NAME: value`, or `silent` as the value",
    name: LineName::Text(&form(
        "a device or an input",
        "devices and inputs",
        r"^(input\.)*[a-z][a-z0-9_]*$",
        "write the name of a device, or `input.NAME`",
    )),
    value: Kind::Either(&[
        Kind::Lines(&Lines {
            told: "lines `attribute: value`",
            name: LineName::Word(&ATTRIBUTES),
            value: VALUE,
            least: 0,
            most: None,
        }),
        // Before values, which take it too: it is a word to offer.
        Kind::Word(&SILENT_ALONE),
        VALUE,
        Kind::List {
            of: &Kind::Block(&POINT),
            least: 0,
            most: POINTS_MAX,
        },
    ]),
    least: 0,
    most: None,
});

const EXPECTED_ITEM: Kind = Kind::Named(&Named {
    name: "expected",
    one: "something that happened, or `nothing`",
    many: "things that happened, or `nothing`",
    kind: || const { Kind::Either(&[Kind::Block(&EXPECTED), Kind::Word(&NOTHING_ALONE)]) },
    examples: &[],
});

const EXPECTED_ITEMS: Kind = one_or_many(&EXPECTED_ITEM, ITEMS_MAX);

const ORDERED: Kind = Kind::Either(&[DEVICE, Kind::Block(&ORDER)]);

pub(crate) static FILE: Word = Word {
    keys: &[&[
        required("version", Kind::Version, "the version of the language"),
        optional(
            "home",
            PATH,
            "whose devices are meant, beside this file; `--home` when left out",
        ),
        required("tests", TESTS, "what `amps-rules test` plays"),
    ]],
    example: "version: 1\ntests:\n  - name: the car charges after the battery\n    steps:\n      - event: {device: house_battery, command: charge}\n      - expect: [{command: {device: car_charger, command: charge}}]\n",
    ..word(
        "a file of tests",
        "a file of tests",
        "a file below `tests/`, or `NAME.test.yaml` beside `NAME.yaml`",
    )
};

pub(crate) static TEST: Word = Word {
    keys: &[&[
        required("name", NAME, "unique in the file"),
        defaulting(
            "at",
            MOMENT,
            "\"2026-01-01T12:00:00\"",
            "when it begins, by the clocks of the home",
        ),
        optional(
            "given",
            SHOWN,
            "what devices and inputs show when it begins",
        ),
        required(
            "steps",
            STEP_OR_STEPS,
            "what happens, and what should come of it; an `expect` is the last",
        ),
    ]],
    example: "name: nothing happens at noon\nat: \"2026-01-10T12:00:00\"\ngiven: {house_battery: {level: 97 %}}\nsteps:\n  - advance: 1h\n  - expect: nothing\n",
    ..word("a test", "a test", "a story, and what the rules make of it")
};

/// A step that is one key.
const fn step(name: &'static str, meaning: &'static str) -> Word {
    word(name, "this step", meaning)
}

pub(crate) static SET: Word = Word {
    keys: &[&[required("set", SHOWN, "what they show from now on")]],
    example: "set: {house_battery: {level: 99 %}, car_charger: silent}\n",
    ..step(
        "set",
        "devices and inputs show other values, and are read at once",
    )
};

pub(crate) static COMPLETE: Word = Word {
    keys: &[&[required(
        "complete",
        Kind::Either(&[DEVICE, Kind::Block(&COMPLETED_ORDER)]),
        "to which device",
    )]],
    example: "complete: car_charger\n",
    ..step(
        "complete",
        "our order to a device is completed, or it shows a setting that we wrote",
    )
};

pub(crate) static FAIL: Word = Word {
    keys: &[&[required(
        "fail",
        Kind::Block(&FAILED_ORDER),
        "to which device, and why",
    )]],
    example: "fail: {device: car_charger, error_code: DEVICE_OFFLINE}\n",
    ..step(
        "fail",
        "our order to a device fails, or a setting that we wrote",
    )
};

pub(crate) static CANCEL: Word = Word {
    keys: &[&[required("cancel", ORDERED, "to which device")]],
    example: "cancel: car_charger\n",
    ..step("cancel", "our order to a device is cancelled")
};

pub(crate) static LOSE: Word = Word {
    keys: &[&[required("lose", ORDERED, "to which device")]],
    example: "lose: car_charger\n",
    ..step(
        "lose",
        "nothing is ever heard of our order to a device: a quarter of an hour passes, and it has expired",
    )
};

pub(crate) static EVENT_STEP: Word = Word {
    keys: &[&[
        required(
            "event",
            Kind::Either(&[Kind::Block(&EVENT), Kind::Open(BODY_KEYS)]),
            "in short, or with its whole body as Amps sends it",
        ),
        optional(
            "address",
            ADDRESS,
            "the last part of the address that a whole body came to",
        ),
    ]],
    example: "event: {device: house_battery, command: charge}\n",
    ..step("event", "a webhook comes")
};

pub(crate) static WEBHOOK_STEP: Word = Word {
    keys: &[&[required(
        "webhook",
        Kind::Block(&HOOK),
        "its name, and what it says",
    )]],
    example: "webhook: {name: doorbell, json: {button: front}}\n",
    ..step("webhook", "a webhook of the home's own comes, signed")
};

pub(crate) static ADVANCE: Word = Word {
    keys: &[&[required("advance", DURATION, "for so long")]],
    example: "advance: 31m\n",
    ..step("advance", "time passes, with everything that it brings")
};

pub(crate) static AT: Word = Word {
    keys: &[&[required(
        "at",
        Kind::Either(&[TIME, MOMENT]),
        "the next time that it is this time of day, or this moment",
    )]],
    example: "at: \"06:00\"\n",
    ..step("at", "time passes until then")
};

pub(crate) static RESTART: Word = Word {
    keys: &[&[required(
        "restart",
        Kind::Either(&[Kind::Nothing, Kind::Boolean, Kind::Block(&RESTARTED)]),
        "`- restart` alone: it is down for no time",
    )]],
    example: "restart: {down: 2h}\n",
    ..step("restart", "the program is stopped and started")
};

pub(crate) static RELOAD: Word = Word {
    keys: &[&[required(
        "reload",
        Kind::Either(&[Kind::Nothing, Kind::Block(&RELOADED)]),
        "to these; `- reload` reads the same rules again",
    )]],
    example: "reload: {rules: [{id: a-rule, triggers: {trigger: device, device: car_charger, event: connected}, actions: {log: other}}]}\n",
    ..step("reload", "the rules are edited, and taken over at once")
};

pub(crate) static EXPECT: Word = Word {
    keys: &[&[
        required("expect", EXPECTED_ITEMS, "all of it"),
        defaulting(
            "in_any_order",
            Kind::Boolean,
            "false",
            "whether the order does not matter",
        ),
    ]],
    example: "expect:\n  - command: {device: car_charger, command: charge}\n  - notify: phone\n",
    ..step("expect", "what has happened since the last `expect`")
};

pub(crate) static EVENT: Word = Word {
    keys: &[&[
        required("device", DEVICE, "the device that it is about"),
        optional("command", COMMAND, "the order that ended"),
        defaulting(
            "result",
            Kind::Word(&RESULTS),
            "completed",
            "how the order ended",
        ),
        optional("error_code", CODE, "with `result: failed`"),
        optional("message", MESSAGE, "with `result: failed`"),
        optional(
            "connection",
            Kind::Word(&CHANGES),
            "what became of the connection",
        ),
    ]],
    together: &[Together::One(&[&["command"], &["connection"]])],
    ..word("event", "this event", "a webhook, in short")
};

pub(crate) static RELOADED: Word = Word {
    keys: &[&[required("rules", RULES, "all the rules from now on")]],
    ..word("reload", "`reload`", "rules that were edited")
};

pub(crate) static RESTARTED: Word = Word {
    keys: &[&[required("down", DURATION, "for so long")]],
    ..word(
        "restart",
        "`restart`",
        "a stop that lasts: nothing is heard or done",
    )
};

pub(crate) static HOOK: Word = Word {
    keys: &[&[
        required("name", ADDRESS, "the last part of its address"),
        optional("json", Kind::Anything, "its body; empty when left out"),
    ]],
    ..word("webhook", "a webhook", "a webhook of the home's own")
};

pub(crate) static POINT: Word = Word {
    keys: &[&[
        required("from", MOMENT, "when it begins to hold"),
        optional(
            "to",
            MOMENT,
            "when it ends; otherwise, when the next one begins",
        ),
        required("value", MEASURE, "a number, in the unit of the input"),
    ]],
    ..word(
        "a value that is foretold",
        "a value that is foretold",
        "what an input says of later",
    )
};

pub(crate) static EXPECTED: Word = Word {
    keys: &[&[
        optional("command", Kind::Block(&EXPECTED_COMMAND), "an order left"),
        optional(
            "setting",
            Kind::Block(&EXPECTED_SETTING),
            "a setting was written",
        ),
        optional(
            "notify",
            Kind::Either(&[NOTIFIER, Kind::Block(&EXPECTED_NOTIFY)]),
            "a message was sent",
        ),
        optional(
            "http",
            Kind::Either(&[URL, Kind::Block(&EXPECTED_HTTP)]),
            "a request was sent",
        ),
        optional("log", TEXT, "a line of the trace"),
        optional("run", Kind::Block(&EXPECTED_RUN), "a run of a rule"),
    ]],
    together: &[Together::One(&[
        &["command"],
        &["setting"],
        &["notify"],
        &["http"],
        &["log"],
        &["run"],
    ])],
    ..word("expect", "`expect`", "something that happened")
};
