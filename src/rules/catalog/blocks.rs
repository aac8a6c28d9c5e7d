//! Blocks inside of actions.

use crate::document::decode::Reserved::{Elsewhere, Foreign};
use crate::document::vocabulary::durations::DURATION;
use crate::document::vocabulary::kind::{Kind, whole};
use crate::document::vocabulary::{Together, Word, defaulting, optional, required};
use crate::domain::command::RetryPolicy;
use crate::rules::catalog::actions::RETRY_KEY;
use crate::rules::catalog::bounds::ROUNDS_MAX;
use crate::rules::catalog::device_words::ATTRIBUTE;
use crate::rules::catalog::kinds::{
    ACTIONS, CONDITIONS, DEVICE, EACH, HEADERS, JSON, MOMENT, QUANTITY as NUMBER, STEP,
    TEMPLATED_URL, VALUES, VARIABLE, WORD,
};
use crate::rules::catalog::{ALIAS, choices};

pub const ALL: &[&Word] = &[
    &CHOICE,
    &REPEAT_BLOCK,
    &RETRY,
    &VERIFY,
    &LEASE,
    &CANCELLED,
    &HTTP_BLOCK,
    &BRANCH,
];

pub(in crate::rules) static CHOICE: Word = Word {
    name: "conditions",
    what: "a way of `choose`",
    meaning: "one way of `choose`",
    keys: &[&[
        ALIAS,
        required("conditions", CONDITIONS, "all of them must hold"),
        required("sequence", ACTIONS, "what is done then"),
    ]],
    together: &[],
    reserved: &[&[
        ("condition", Foreign("write `conditions:`")),
        ("then", Elsewhere("write `sequence:`")),
        ("actions", Elsewhere("write `sequence:`")),
    ]],
    example: "",
};

pub static REPEAT_BLOCK: Word = Word {
    name: "repeat",
    what: "`repeat`",
    meaning: "how often, and what",
    keys: &[&[
        optional(
            "count",
            Kind::Either(&[whole(1, ROUNDS_MAX), Kind::Expression]),
            "so many times",
        ),
        optional("while", CONDITIONS, "asked before each round"),
        optional("until", CONDITIONS, "asked after each round"),
        optional(
            "for_each",
            EACH,
            "once for each; `repeat.item` is the value",
        ),
        required("sequence", ACTIONS, "what is done"),
        defaulting(
            "max",
            whole(1, ROUNDS_MAX),
            "100",
            "the most rounds; one more fails the step",
        ),
    ]],
    together: &[Together::One(&[
        &["count"],
        &["while"],
        &["until"],
        &["for_each"],
    ])],
    reserved: &[&[("times", Foreign("write `count:`"))]],
    example: "",
};

pub(in crate::rules) static CANCELLED: Word = Word {
    name: "cancel",
    what: "`cancel`",
    meaning: "which order",
    keys: &[&[
        optional("device", DEVICE, "every order of ours to it"),
        optional(
            "step",
            STEP,
            "what that `command` step of this rule ordered, in this run and in earlier ones",
        ),
    ]],
    together: &[Together::One(&[&["device"], &["step"]])],
    reserved: &[],
    example: "",
};

pub static HTTP_BLOCK: Word = Word {
    name: "http",
    what: "`http`",
    meaning: "the request",
    keys: &[&[
        required(
            "url",
            TEMPLATED_URL,
            "where to; what is calculated in it is escaped",
        ),
        defaulting("method", Kind::Word(&choices::METHODS), "GET", "how"),
        optional(
            "headers",
            HEADERS,
            "sent along; `!secret NAME` is the whole text of one",
        ),
        optional("json", JSON, "the body; not with `GET`"),
        defaulting(
            "timeout",
            DURATION,
            "10s",
            "for each attempt, from 1s to 1m",
        ),
        RETRY_KEY,
        optional(
            "save",
            VARIABLE,
            "the answer becomes this variable, and its fields `NAME.FIELD`; unknown when it is empty",
        ),
    ]],
    together: &[],
    reserved: &[&[
        ("payload", Foreign("write `json:`")),
        ("content_type", Foreign("write `headers:`")),
    ]],
    example: "",
};

pub(in crate::rules) static BRANCH: Word = Word {
    name: "sequence",
    what: "a branch of `parallel`",
    meaning: "one branch of `parallel`",
    keys: &[&[ALIAS, required("sequence", ACTIONS, "its steps")]],
    together: &[],
    reserved: &[],
    example: "",
};

pub static RETRY: Word = Word {
    name: "retry",
    what: "`retry`",
    meaning: "again after a cause that may pass",
    keys: &[&[
        defaulting(
            "attempts",
            whole(1, RetryPolicy::ATTEMPTS_MAX),
            "3",
            "the first included",
        ),
        defaulting(
            "backoff",
            DURATION,
            "30s",
            "before the second; doubled each time",
        ),
        defaulting("max_backoff", DURATION, "10m", "not longer than this"),
    ]],
    together: &[],
    reserved: &[],
    example: "attempts: 5\nbackoff: 1m\n",
};

pub static VERIFY: Word = Word {
    name: "verify",
    what: "`verify`",
    meaning: "whether the device did what it was told",
    keys: &[&[
        required("attribute", ATTRIBUTE, "what is read"),
        optional("is", VALUES, "any of these"),
        optional("is_not", VALUES, "none of these"),
        optional("above", NUMBER, "strictly"),
        optional("below", NUMBER, "strictly"),
        optional("at_least", NUMBER, "or equal"),
        optional("at_most", NUMBER, "or equal"),
        defaulting(
            "within",
            DURATION,
            "10m",
            "until then it must agree; at least 2m, since Amps hands out values for a minute",
        ),
        defaulting(
            "if_unknown",
            Kind::Word(&choices::VERIFY_IF_UNKNOWN),
            "block",
            "`allow`: unknown is no failure",
        ),
    ]],
    together: &[Together::Some(&[
        &["is"],
        &["is_not"],
        &["above"],
        &["below"],
        &["at_least"],
        &["at_most"],
    ])],
    reserved: &[],
    example: "",
};

pub static LEASE: Word = Word {
    name: "lease",
    what: "`lease`",
    meaning: "keeps the device for this rule",
    keys: &[&[required(
        "until",
        MOMENT,
        "until when; a duration counts from the end of the order, a time of day is the next one when the run comes to the step",
    )]],
    together: &[],
    reserved: &[],
    example: "",
};

pub(in crate::rules) static QUANTITY: Word = Word {
    name: "value",
    what: "a number",
    meaning: "a number with its unit",
    keys: &[&[
        required("value", Kind::Number { most: None }, "how much"),
        optional("unit", WORD, "of what"),
    ]],
    together: &[],
    reserved: &[],
    example: "",
};
