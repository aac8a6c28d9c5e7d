//! Every key of `home.yaml`, with its meaning: the reader takes the known keys from here.

use crate::document::vocabulary::{Word, defaulting, later, optional, required};

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
    &NOTIFIER,
    &LIMITS,
    &RUNS_PER_RULE,
    &RETENTION,
];

const fn block(name: &'static str, what: &'static str, meaning: &'static str) -> Word {
    Word {
        name,
        what,
        meaning,
        keys: &[],
        reserved: &[],
        example: "",
        runs: true,
    }
}

pub static FILE: Word = Word {
    keys: &[&[
        required("version", "`1`", "the version of the language"),
        required("home", "a block", "the home itself"),
        required("amps", "a block", "how to speak to Amps"),
        required(
            "intake",
            "a block",
            "the face to the internet: webhooks only",
        ),
        later(optional(
            "dashboard",
            "a block",
            "the face to the people of the house",
        )),
        optional(
            "devices",
            "lines `NAME: {…}`",
            "the devices, by the names that rules use",
        ),
        optional("inputs", "lines `NAME: {…}`", "values from outside Amps"),
        optional(
            "notifiers",
            "lines `NAME: {…}`",
            "where messages to people go",
        ),
        optional("limits", "a block", "how much may happen"),
        later(optional(
            "retention",
            "a block",
            "how long what is over is kept",
        )),
        optional(
            "http_allow",
            "one or a list of hosts",
            "hosts that rules may call",
        ),
    ]],
    example: "version: 1\nhome: {name: Rose Cottage, timezone: Europe/London, location: {latitude: 51.45, longitude: -2.59}}\namps: {api_key: !secret amps_api_key}\nintake: {secrets: [!secret amps_webhook_secret]}\ndevices:\n  house_battery: {type: battery, id: dev_abc123}\nnotifiers:\n  phone: {type: ntfy, url: https://ntfy.sh/rose-cottage-7f3}\n",
    ..block(
        "home.yaml",
        "home.yaml",
        "the file that makes a folder a home",
    )
};

pub static HOME: Word = Word {
    keys: &[&[
        defaulting("name", "text", "Home", "what people see"),
        required(
            "timezone",
            "continent and city",
            "the zone of all times in rules",
        ),
        optional("location", "a block", "only needed for the sun"),
    ]],
    ..block("home", "`home`", "the home itself")
};

pub static LOCATION: Word = Word {
    keys: &[&[
        required("latitude", "degrees", "north is positive"),
        required("longitude", "degrees", "east is positive"),
    ]],
    ..block("location", "`location`", "where the home is")
};

pub static AMPS: Word = Word {
    keys: &[&[
        defaulting(
            "base_url",
            "an address",
            "https://api.amps.ai",
            "where Amps is",
        ),
        required("api_key", "`!secret NAME`", "the key"),
        defaulting("request_timeout", "a duration", "10s", "for one request"),
        defaulting(
            "look_up_after",
            "a duration",
            "30s",
            "when no webhook came, ask",
        ),
        defaulting(
            "in_doubt_for",
            "a duration, 1 s to 1 h",
            "1m",
            "how long a push whose answer was lost may still turn up",
        ),
    ]],
    ..block("amps", "`amps`", "how to speak to Amps")
};

pub static INTAKE: Word = Word {
    keys: &[&[
        defaulting(
            "listen",
            "an address",
            "127.0.0.1:8787",
            "where webhooks come in",
        ),
        required(
            "secrets",
            "one or a list of `!secret NAME`",
            "several while a secret is rotated",
        ),
    ]],
    ..block("intake", "`intake`", "the face to the internet")
};

pub static DASHBOARD: Word = Word {
    keys: &[&[defaulting(
        "listen",
        "an address",
        "127.0.0.1:8788",
        "where people look",
    )]],
    ..block(
        "dashboard",
        "`dashboard`",
        "the face to the people of the house",
    )
};

pub static DEVICE: Word = Word {
    keys: &[&[
        required("type", "a type of device", "what it is"),
        required("id", "text, like `dev_abc123`", "what Amps calls it"),
        defaulting("poll", "a duration", "5m", "how often its state is read"),
        defaulting(
            "priority_floor",
            "a number from 0 to 100",
            "0",
            "rules of a lower priority do not get it",
        ),
        optional(
            "min_hold",
            "a duration",
            "the least time between two orders; a further one waits",
        ),
        optional(
            "limits",
            "`per_hour`, `per_day`",
            "the most orders to it; one more fails",
        ),
    ]],
    ..block("devices", "a device", "a device of the home")
};

pub static DEVICE_LIMITS: Word = Word {
    keys: &[&[
        optional(
            "per_hour",
            "a number from 1 to 3600",
            "the most orders in an hour",
        ),
        optional(
            "per_day",
            "a number from 1 to 10000",
            "the most orders in a day",
        ),
    ]],
    ..block(
        "limits of a device",
        "`limits` of a device",
        "the most orders to it",
    )
};

pub static INPUT: Word = Word {
    keys: &[&[
        required(
            "type",
            "`number`, `text` or `boolean`",
            "what its values are",
        ),
        optional(
            "unit",
            "a unit, also one of your own like `GBP/kWh`",
            "of numbers",
        ),
        defaulting("max_age", "a duration", "15m", "an older value is unknown"),
    ]],
    ..block("inputs", "an input", "a value from outside Amps")
};

pub static NOTIFIER: Word = Word {
    keys: &[&[
        required("type", "`ntfy` or `webhook`", "how messages are sent"),
        required("url", "an address", "where to"),
        optional("token", "`!secret NAME`", "sent as a bearer token"),
    ]],
    ..block("notifiers", "a notifier", "where messages to people go")
};

pub static LIMITS: Word = Word {
    keys: &[&[
        defaulting(
            "commands_per_minute",
            "a number from 1 to 60000",
            "30",
            "orders to all devices; one more fails",
        ),
        defaulting(
            "runs_per_rule",
            "`count`, `within`",
            "{count: 20, within: 60s}",
            "more pause the rule",
        ),
    ]],
    ..block("limits", "`limits`", "how much may happen")
};

pub static RUNS_PER_RULE: Word = Word {
    keys: &[&[
        defaulting("count", "a number from 1 to 1000", "20", "so many runs"),
        defaulting("within", "a duration", "60s", "in this time"),
    ]],
    ..block("runs_per_rule", "`runs_per_rule`", "more pause the rule")
};

pub static RETENTION: Word = Word {
    keys: &[&[
        defaulting("traces", "a duration", "30d", "why rules did what they did"),
        defaulting("events", "a duration", "90d", "what came in"),
        defaulting(
            "database_max",
            "a size, like `512 MiB`",
            "512 MiB",
            "the oldest go first",
        ),
    ]],
    ..block("retention", "`retention`", "how long what is over is kept")
};
