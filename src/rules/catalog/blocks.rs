//! Blocks inside of actions.

use crate::document::decode::Reserved::{Elsewhere, Foreign};
use crate::document::vocabulary::{Word, defaulting, optional, required};
use crate::rules::catalog::ALIAS;
use crate::rules::catalog::actions::RETRY_KEY;

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
        required(
            "conditions",
            "one or a list of conditions",
            "all of them must hold",
        ),
        required("sequence", "one or a list of actions", "what is done then"),
    ]],
    reserved: &[&[
        ("condition", Foreign("write `conditions:`")),
        ("then", Elsewhere("write `sequence:`")),
        ("actions", Elsewhere("write `sequence:`")),
    ]],
    example: "",
    runs: true,
};

pub static REPEAT_BLOCK: Word = Word {
    name: "repeat",
    what: "`repeat`",
    meaning: "how often, and what",
    keys: &[&[
        optional("count", "a number, or an expression", "so many times"),
        optional(
            "while",
            "one or a list of conditions",
            "asked before each round",
        ),
        optional(
            "until",
            "one or a list of conditions",
            "asked after each round",
        ),
        optional(
            "for_each",
            "a list, or an expression",
            "once for each; `repeat.item` is the value",
        ),
        required("sequence", "one or a list of actions", "what is done"),
        defaulting(
            "max",
            "a number from 1 to 1000",
            "100",
            "the most rounds; one more fails the step",
        ),
    ]],
    reserved: &[&[("times", Foreign("write `count:`"))]],
    example: "",
    runs: true,
};

pub(in crate::rules) static CANCELLED: Word = Word {
    name: "cancel",
    what: "`cancel`",
    meaning: "which order",
    keys: &[&[
        optional("device", "a name", "every order of ours to it"),
        optional(
            "step",
            "the `id` of a step of this rule",
            "the order of that step",
        ),
    ]],
    reserved: &[],
    example: "",
    runs: true,
};

pub static HTTP_BLOCK: Word = Word {
    name: "http",
    what: "`http`",
    meaning: "the request",
    keys: &[&[
        required(
            "url",
            "an address, behind the host also with expressions",
            "where to",
        ),
        defaulting(
            "method",
            "`GET`, `POST`, `PUT`, `PATCH` or `DELETE`",
            "GET",
            "how",
        ),
        optional(
            "headers",
            "lines `NAME: text`, also with expressions",
            "sent along",
        ),
        optional(
            "json",
            "any value, also expressions",
            "the body; not with `GET`",
        ),
        defaulting("timeout", "a duration", "10s", "for the whole request"),
        RETRY_KEY,
        optional("save", "a name", "the answer becomes this variable"),
    ]],
    reserved: &[&[
        ("payload", Foreign("write `json:`")),
        ("content_type", Foreign("write `headers:`")),
    ]],
    example: "",
    runs: true,
};

pub(in crate::rules) static BRANCH: Word = Word {
    name: "sequence",
    what: "a branch of `parallel`",
    meaning: "one branch of `parallel`",
    keys: &[&[
        ALIAS,
        required("sequence", "one or a list of actions", "its steps"),
    ]],
    reserved: &[],
    example: "",
    runs: true,
};

pub static RETRY: Word = Word {
    name: "retry",
    what: "`retry`",
    meaning: "again after a cause that may pass",
    keys: &[&[
        defaulting(
            "attempts",
            "a number from 1 to 20",
            "3",
            "the first included",
        ),
        defaulting(
            "backoff",
            "a duration",
            "30s",
            "before the second; doubled each time",
        ),
        defaulting("max_backoff", "a duration", "10m", "not longer than this"),
    ]],
    reserved: &[],
    example: "attempts: 5\nbackoff: 1m\n",
    runs: true,
};

pub static VERIFY: Word = Word {
    name: "verify",
    what: "`verify`",
    meaning: "whether the device did what it was told",
    keys: &[&[
        required(
            "attribute",
            "a value that the device reports",
            "what is read",
        ),
        optional("is", "one or a list of values", "any of these"),
        optional("is_not", "one or a list of values", "none of these"),
        optional("above", "a number with its unit", "strictly"),
        optional("below", "a number with its unit", "strictly"),
        optional("at_least", "a number with its unit", "or equal"),
        optional("at_most", "a number with its unit", "or equal"),
        defaulting("within", "a duration", "10m", "until then it must agree"),
        defaulting(
            "if_unknown",
            "`block` or `allow`",
            "block",
            "`allow`: unknown is no failure",
        ),
    ]],
    reserved: &[],
    example: "",
    runs: true,
};

pub static LEASE: Word = Word {
    name: "lease",
    what: "`lease`",
    meaning: "keeps the device for this rule",
    keys: &[&[required(
        "until",
        "a duration, a time of day, or an expression",
        "until when",
    )]],
    reserved: &[],
    example: "",
    runs: true,
};

pub(in crate::rules) static QUANTITY: Word = Word {
    name: "value",
    what: "a number",
    meaning: "a number with its unit",
    keys: &[&[
        required("value", "a number", "how much"),
        optional("unit", "a unit", "of what"),
    ]],
    reserved: &[],
    example: "",
    runs: true,
};
