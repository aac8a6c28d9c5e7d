//! The words of what a test expects: an order, a message, a request, a run; and of answers to requests.

use crate::config::kinds::URL;
use crate::document::vocabulary::durations::{DURATION, TIME};
use crate::document::vocabulary::kind::{Kind, whole};
use crate::document::vocabulary::{Key, Word, defaulting, optional, required, word};
use crate::domain::command::RetryPolicy;
use crate::rules::catalog::choices::METHODS;
use crate::rules::catalog::device_words::{COMMAND, SETTING};
use crate::rules::catalog::kinds::{
    DEVICE, NOTIFIER, PARAMETER_LINES, QUANTITY, RULE, SENT_HEADERS,
};
use crate::rules::catalog::test_files::{CODE, LEVEL, MESSAGE, OUTCOMES, TEXT};

/// What an answer can have for a status.
pub(crate) const STATUS_MIN: u32 = 200;
pub(crate) const STATUS_MAX: u32 = 599;

const PLANNED: Kind = Kind::Either(&[DURATION, TIME]);
const ATTEMPT: Key = optional(
    "attempt",
    whole(1, RetryPolicy::ATTEMPTS_MAX),
    "which attempt it is; not compared when left out",
);

pub(crate) static EXPECTED_COMMAND: Word = Word {
    keys: &[&[
        required("device", DEVICE, "to which device"),
        required("command", COMMAND, "what it is to do"),
        optional(
            "parameters",
            PARAMETER_LINES,
            "all that the order has; not compared when left out",
        ),
        optional(
            "start",
            PLANNED,
            "when it is to begin: so long after it was given, or the next such time of day; not compared when left out",
        ),
        optional(
            "end",
            PLANNED,
            "when it is to end: so long after it was given, or the next such time of day after its start; not compared when left out",
        ),
        ATTEMPT,
    ]],
    ..word("command", "a command", "an order that left")
};

pub(crate) static EXPECTED_SETTING: Word = Word {
    keys: &[&[
        required("device", DEVICE, "of which device"),
        required("setting", SETTING, "which"),
        optional("value", QUANTITY, "not compared when left out"),
        ATTEMPT,
    ]],
    ..word("setting", "a setting", "a setting that was written")
};

pub(crate) static EXPECTED_NOTIFY: Word = Word {
    keys: &[&[
        required("notifier", NOTIFIER, "where to"),
        optional("message", TEXT, "not compared when left out"),
        optional("title", TEXT, "not compared when left out"),
        optional("level", LEVEL, "not compared when left out"),
    ]],
    ..word("notify", "a message", "a message that was sent")
};

pub(crate) static EXPECTED_RUN: Word = Word {
    keys: &[&[
        required("rule", RULE, "of which rule"),
        required(
            "outcome",
            Kind::Word(&OUTCOMES),
            "how it ended, or that it has not",
        ),
    ]],
    ..word("run", "a run", "a run of a rule")
};

pub(crate) static EXPECTED_HTTP: Word = Word {
    keys: &[&[
        required("url", URL, "the whole address"),
        optional("method", Kind::Word(&METHODS), "not compared when left out"),
        optional(
            "headers",
            SENT_HEADERS,
            "all that the rule sets; not compared when left out",
        ),
        optional(
            "json",
            Kind::Anything,
            "the body; not compared when left out",
        ),
        ATTEMPT,
    ]],
    ..word("http", "a request", "a request that left")
};

pub(crate) static ORDER: Word = Word {
    keys: &[&[ORDERED]],
    ..word("order", "this step", "an order of ours")
};

pub(crate) static COMPLETED_ORDER: Word = Word {
    keys: &[&[ORDERED, WRITTEN]],
    ..word(
        "complete",
        "`complete`",
        "an order of ours that is completed",
    )
};

/// The device whose order a step is about.
const ORDERED: Key = required("device", DEVICE, "the device that has the order");

const WRITTEN: Key = optional(
    "setting",
    SETTING,
    "the setting that we wrote, instead of an order",
);

pub(crate) static FAILED_ORDER: Word = Word {
    keys: &[&[
        ORDERED,
        WRITTEN,
        optional("error_code", CODE, "the code that Amps gives"),
        optional("message", MESSAGE, "what Amps says to it"),
    ]],
    ..word("fail", "`fail`", "an order of ours that fails")
};

pub(crate) static ANSWER: Word = Word {
    keys: &[&[required(
        "answer",
        Kind::Block(&ANSWERED),
        "to which request, and what",
    )]],
    example: "answer: {http: \"https://panel.example/price\", json: {price: 0.31}}\n",
    ..word(
        "answer",
        "this step",
        "a host answers our request; one that is not answered fails when its `timeout` is over",
    )
};

pub(crate) static ANSWERED: Word = Word {
    keys: &[&[
        optional(
            "http",
            URL,
            "the address of the request; the oldest under way when left out",
        ),
        defaulting(
            "status",
            whole(STATUS_MIN, STATUS_MAX),
            "200",
            "the status of the answer",
        ),
        optional(
            "json",
            Kind::Anything,
            "what it says; nothing when left out",
        ),
        optional("text", TEXT, "the same of what is no JSON"),
        optional(
            "retry_after",
            DURATION,
            "how long the host asks to be left alone",
        ),
        defaulting(
            "unreachable",
            Kind::Boolean,
            "false",
            "instead of an answer: there is no connection",
        ),
    ]],
    ..word("answer", "`answer`", "an answer to a request of ours")
};
