//! Every key of `home.yaml`, with its meaning: the reader takes the known keys from here.

use crate::config::decode::INTAKE_SECRETS_MAX;
use crate::config::devices::{DEVICES_MAX, PER_DAY_MAX, PER_HOUR_MAX, PRIORITY_MAX};
use crate::config::hooks::HOOKS_MAX;
use crate::config::inputs::{self, INPUTS_MAX};
use crate::config::kinds::{
    BASE_URL, DEVICE_ID, DEVICE_TYPE, HOOK_NAME, HOST, LISTEN, NAME, POINTER, SECRET, SERIES_KEY,
    SIZE, TIMEZONE, TITLE, UNIT, URL,
};
use crate::config::limits::{COMMANDS_PER_MINUTE_MAX, HOSTS_MAX, RUNS_MAX};
use crate::config::notifiers::{self, NOTIFIERS_MAX};
use crate::document::vocabulary::durations::DURATION;
use crate::document::vocabulary::kind::{Kind, LineName, Lines, one_or_many, whole};
use crate::document::vocabulary::{Word, defaulting, later, optional, required, word};

pub const ALL: &[&Word] = &[
    &FILE,
    &HOME,
    &LOCATION,
    &AMPS,
    &INTAKE,
    &DASHBOARD,
    &DEVICE,
    &DEVICE_LIMITS,
    &INPUT,
    &SOURCE,
    &HTTP_SOURCE,
    &HOOK,
    &NOTIFIER,
    &LIMITS,
    &RUNS_PER_RULE,
    &RETENTION,
];

const fn lines(value: Kind, most: usize) -> Lines {
    Lines {
        told: "lines `NAME: {…}`",
        name: LineName::Text(&NAME),
        value,
        least: 0,
        most: Some(most),
    }
}

/// Lines that may be left out behind their key, as in a home that has no devices yet.
const DEVICES: Kind = Kind::Either(&[
    Kind::Lines(&lines(Kind::Block(&DEVICE), DEVICES_MAX)),
    Kind::Nothing,
]);

const INPUTS: Kind = Kind::Either(&[
    Kind::Lines(&lines(Kind::Block(&INPUT), INPUTS_MAX)),
    Kind::Nothing,
]);

const HOOKS: Kind = Kind::Either(&[
    Kind::Lines(&Lines {
        name: LineName::Text(&HOOK_NAME),
        ..lines(Kind::Block(&HOOK), HOOKS_MAX)
    }),
    Kind::Nothing,
]);

const NOTIFIERS: Kind = Kind::Either(&[
    Kind::Lines(&lines(Kind::Block(&NOTIFIER), NOTIFIERS_MAX)),
    Kind::Nothing,
]);

const HOSTS: Kind = Kind::Either(&[
    Kind::OneOrMany {
        of: &HOST,
        least: 0,
        most: HOSTS_MAX,
    },
    Kind::Nothing,
]);

pub static FILE: Word = Word {
    keys: &[&[
        required("version", Kind::Version, "the version of the language"),
        required("home", Kind::Block(&HOME), "the home itself"),
        required("amps", Kind::Block(&AMPS), "how to speak to Amps"),
        required(
            "intake",
            Kind::Block(&INTAKE),
            "the face to the internet: webhooks only",
        ),
        later(optional(
            "dashboard",
            Kind::Block(&DASHBOARD),
            "the face to the people of the house",
        )),
        optional(
            "devices",
            DEVICES,
            "the devices, by the names that rules use",
        ),
        optional("inputs", INPUTS, "values from outside Amps"),
        optional(
            "hooks",
            HOOKS,
            "who may post to `/hooks/NAME`: for `trigger: webhook`, or values of the input of that name",
        ),
        optional("notifiers", NOTIFIERS, "where messages to people go"),
        optional("limits", Kind::Block(&LIMITS), "how much may happen"),
        optional(
            "retention",
            Kind::Block(&RETENTION),
            "how long what is over is kept",
        ),
        optional(
            "http_allow",
            HOSTS,
            "hosts that rules may call, and sources of inputs",
        ),
    ]],
    example: "version: 1\nhome: {name: Rose Cottage, timezone: Europe/London, location: {latitude: 51.45, longitude: -2.59}}\namps: {api_key: !secret amps_api_key}\nintake: {secrets: [!secret amps_webhook_secret]}\ndevices:\n  house_battery: {type: battery, id: dev_abc123}\nnotifiers:\n  phone: {type: ntfy, url: https://ntfy.sh/rose-cottage-7f3}\n",
    ..word(
        "home.yaml",
        "home.yaml",
        "the file that makes a folder a home",
    )
};

pub static HOME: Word = Word {
    keys: &[&[
        defaulting("name", TITLE, "Home", "what people see"),
        required("timezone", TIMEZONE, "the zone of all times in rules"),
        optional(
            "location",
            Kind::Block(&LOCATION),
            "only needed for the sun",
        ),
    ]],
    ..word("home", "`home`", "the home itself")
};

pub static LOCATION: Word = Word {
    keys: &[&[
        required(
            "latitude",
            Kind::Number { most: Some(90) },
            "north is positive",
        ),
        required(
            "longitude",
            Kind::Number { most: Some(180) },
            "east is positive",
        ),
    ]],
    ..word("location", "`location`", "where the home is")
};

pub static AMPS: Word = Word {
    keys: &[&[
        defaulting("base_url", BASE_URL, "https://api.amps.ai", "where Amps is"),
        required("api_key", SECRET, "the key"),
        defaulting("request_timeout", DURATION, "10s", "for one request"),
        defaulting(
            "look_up_after",
            DURATION,
            "30s",
            "when no webhook came, ask",
        ),
        defaulting(
            "in_doubt_for",
            DURATION,
            "1m",
            "how long a push whose answer was lost may still turn up, 1 s to 1 h",
        ),
    ]],
    ..word("amps", "`amps`", "how to speak to Amps")
};

pub static INTAKE: Word = Word {
    keys: &[&[
        defaulting("listen", LISTEN, "127.0.0.1:8787", "where webhooks come in"),
        required(
            "secrets",
            one_or_many(&SECRET, INTAKE_SECRETS_MAX),
            "several while a secret is rotated",
        ),
    ]],
    ..word("intake", "`intake`", "the face to the internet")
};

pub static DASHBOARD: Word = Word {
    keys: &[&[defaulting(
        "listen",
        LISTEN,
        "127.0.0.1:8788",
        "where people look",
    )]],
    ..word(
        "dashboard",
        "`dashboard`",
        "the face to the people of the house",
    )
};

pub static DEVICE: Word = Word {
    keys: &[&[
        required("type", DEVICE_TYPE, "what it is"),
        required("id", DEVICE_ID, "what Amps calls it"),
        defaulting("poll", DURATION, "5m", "how often its state is read"),
        defaulting(
            "priority_floor",
            whole(0, PRIORITY_MAX),
            "0",
            "rules of a lower priority do not get it",
        ),
        optional(
            "min_hold",
            DURATION,
            "the least time between two orders; a further one waits",
        ),
        optional(
            "limits",
            Kind::Block(&DEVICE_LIMITS),
            "the most orders to it; one more fails",
        ),
    ]],
    ..word("devices", "a device", "a device of the home")
};

pub static DEVICE_LIMITS: Word = Word {
    keys: &[&[
        optional(
            "per_hour",
            whole(1, PER_HOUR_MAX),
            "the most orders in an hour",
        ),
        optional("per_day", whole(1, PER_DAY_MAX), "the most orders in a day"),
    ]],
    ..word(
        "limits of a device",
        "`limits` of a device",
        "the most orders to it",
    )
};

pub static INPUT: Word = Word {
    keys: &[&[
        required("type", Kind::Word(&inputs::TYPES), "what its values are"),
        optional("unit", UNIT, "of numbers"),
        defaulting(
            "max_age",
            DURATION,
            "15m",
            "an older value is unknown; the default is at least twice the `every` of its source",
        ),
        optional(
            "source",
            Kind::Block(&SOURCE),
            "where it is read; without, it is posted to `/hooks/NAME`",
        ),
    ]],
    ..word("inputs", "an input", "a value from outside Amps")
};

pub static SOURCE: Word = Word {
    keys: &[&[required(
        "http",
        Kind::Block(&HTTP_SOURCE),
        "an address that is asked",
    )]],
    ..word(
        "source",
        "`source` of an input",
        "where the value of an input is read",
    )
};

pub static HTTP_SOURCE: Word = Word {
    keys: &[&[
        required("url", URL, "its host stands in `http_allow`"),
        defaulting(
            "every",
            DURATION,
            "15m",
            "how often it is asked, 10 s to 24 h",
        ),
        optional(
            "pointer",
            POINTER,
            "where in the answer the value stands; a list of `{from, to, value}` there is what is foretold",
        ),
        defaulting(
            "from",
            SERIES_KEY,
            "from",
            "what the beginning is called in such a list",
        ),
        defaulting(
            "to",
            SERIES_KEY,
            "to",
            "what the end is called in such a list; where it is missing, a value holds until the next one begins",
        ),
        defaulting(
            "value",
            SERIES_KEY,
            "value",
            "what the value is called in such a list",
        ),
    ]],
    ..word(
        "http",
        "`http` of a source",
        "an address that answers with JSON",
    )
};

pub static HOOK: Word = Word {
    keys: &[&[required(
        "secrets",
        one_or_many(&SECRET, INTAKE_SECRETS_MAX),
        "several while a secret is rotated",
    )]],
    ..word("hooks", "a hook", "a signed webhook of the home's own")
};

pub static NOTIFIER: Word = Word {
    keys: &[&[
        required(
            "type",
            Kind::Word(&notifiers::TYPES),
            "how messages are sent",
        ),
        required("url", URL, "where to"),
        optional("token", SECRET, "sent as a bearer token"),
    ]],
    ..word("notifiers", "a notifier", "where messages to people go")
};

pub static LIMITS: Word = Word {
    keys: &[&[
        defaulting(
            "commands_per_minute",
            whole(1, COMMANDS_PER_MINUTE_MAX),
            "30",
            "orders to all devices; one more fails",
        ),
        defaulting(
            "runs_per_rule",
            Kind::Block(&RUNS_PER_RULE),
            "{count: 20, within: 60s}",
            "more pause the rule; runs that `catch_up` makes up for do not count",
        ),
    ]],
    ..word("limits", "`limits`", "how much may happen")
};

pub static RUNS_PER_RULE: Word = Word {
    keys: &[&[
        defaulting("count", whole(1, RUNS_MAX), "20", "so many runs"),
        defaulting("within", DURATION, "60s", "in this time"),
    ]],
    ..word("runs_per_rule", "`runs_per_rule`", "more pause the rule")
};

pub static RETENTION: Word = Word {
    keys: &[&[
        defaulting("traces", DURATION, "30d", "why rules did what they did"),
        defaulting(
            "events",
            DURATION,
            "90d",
            "what came in, and what runs, orders and messages came to",
        ),
        defaulting(
            "database_max",
            SIZE,
            "512 MiB",
            "of more, the oldest go: first traces, then the rest, but for the last 24 hours",
        ),
    ]],
    ..word("retention", "`retention`", "how long what is over is kept")
};
