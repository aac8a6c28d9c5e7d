//! Every word of the language, once: the parser takes the known keys from here, and the reference is written from it.

use crate::document::decode::Reserved;
use crate::document::vocabulary::kind::Kind;
use crate::document::vocabulary::{Key, Together, Word, optional};

use Reserved::Foreign;

pub mod actions;
pub mod blocks;
pub(crate) mod bounds;
pub(crate) mod choices;
pub mod conditions;
mod device_words;
pub(crate) mod expectations;
pub mod file;
mod kinds;
mod other_rules;
pub mod reference;
mod requests;
pub mod schema;
pub mod test_files;
pub mod triggers;
mod waiting;

/// The words that begin something, by the key they stand behind or as.
pub const SECTIONS: &[(&str, &[&Word])] = &[
    ("file", file::ALL),
    ("trigger", triggers::ALL),
    ("condition", conditions::ALL),
    ("action", actions::ALL),
    ("block", blocks::ALL),
    ("test", test_files::ALL),
    ("home.yaml", crate::config::words::ALL),
];

const WRITE_TRIGGER: &str = "write `trigger:`";
const WRITE_CONDITION: &str = "write `condition:`";
const PLATFORM_OF_TRIGGER: Reserved = Foreign(WRITE_TRIGGER);
const PLATFORM_OF_CONDITION: Reserved = Foreign(WRITE_CONDITION);
const ENTITY: Reserved = Foreign("write `device:` with the device's name in home.yaml");
pub(super) const TEMPLATE: Reserved = Foreign(
    "write the expression itself as the condition, in quotes: `- \"{{ … }}\"`; or compare with `is:`, `above:` or `below:`",
);

const WHAT_TO_CALL: &str =
    "write `command: charge` with `device: NAME`, or `notify: NAME` with `message: …`";

const ENABLED: Key = crate::document::vocabulary::defaulting(
    "enabled",
    Kind::Boolean,
    "true",
    "`false` leaves it out without deleting it",
);

const ALIAS: Key = optional("alias", kinds::ALIAS, "what people see in traces");

/// Either a value of devices or an input is looked at.
const WATCHED_ONE: Together = Together::One(&[&["device", "attribute"], &["input"]]);

/// What Home Assistant begins a step with, and what to write here.
pub(super) const FOREIGN_STEPS: &[(&str, &str)] = &[
    ("service", WHAT_TO_CALL),
    ("action", WHAT_TO_CALL),
    (
        "wait_template",
        "write `wait_until:` with conditions, or with the expression in quotes",
    ),
    (
        "condition",
        "a condition between actions is written `if:` with `then:`, or stands in `conditions:`",
    ),
    (
        "sequence",
        "write the steps one after another, each with its dash",
    ),
    ("scene", "write one `command:` for each device"),
    ("event", "rules cannot raise events"),
    ("while", "write `repeat: {while: …, sequence: …}`"),
    ("until", "write `repeat: {until: …, sequence: …}`"),
    ("for_each", "write `repeat: {for_each: …, sequence: …}`"),
];
