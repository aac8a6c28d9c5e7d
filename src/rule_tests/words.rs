//! The words of a test: which keys stand where, and which come later.

use crate::document::decode::{Keys, Reserved};

use Reserved::Later;

const fn keys(known: &'static [&'static str]) -> Keys {
    Keys {
        known,
        reserved: &[],
    }
}

pub(super) const FILE: Keys = keys(&["version", "home", "tests"]);

pub(super) const TEST: Keys = keys(&["name", "at", "given", "steps"]);

/// What a step can be, with the keys that it may have beside.
pub(super) const STEPS: &[(&str, Keys)] = &[
    ("set", keys(&["set"])),
    ("complete", keys(&["complete"])),
    ("fail", keys(&["fail"])),
    ("cancel", keys(&["cancel"])),
    ("lose", keys(&["lose"])),
    ("event", keys(&["event", "address"])),
    ("webhook", keys(&["webhook"])),
    ("advance", keys(&["advance"])),
    ("at", keys(&["at"])),
    ("restart", keys(&["restart"])),
    ("reload", keys(&["reload"])),
    ("expect", keys(&["expect", "in_any_order"])),
];

pub(super) const RELOAD: Keys = keys(&["rules"]);

pub(super) const HOOK: Keys = keys(&["name", "json"]);

pub(super) const POINT: Keys = keys(&["from", "value"]);

pub(super) const ORDER: Keys = keys(&["device"]);

pub(super) const FAILED_ORDER: Keys = keys(&["device", "error_code", "message"]);

pub(super) const EVENT: Keys = keys(&[
    "device",
    "command",
    "result",
    "error_code",
    "message",
    "connection",
]);

/// What the real body of a webhook has, and the short form has not.
pub(super) const BODY_KEYS: &[&str] = &["actionId", "deviceId", "scheduleId"];

/// What can be expected.
pub(super) const EXPECTED: Keys = Keys {
    known: &["command", "notify", "log", "run"],
    reserved: &[("setting", Later), ("http", Later)],
};

pub(super) const EXPECTED_COMMAND: Keys = keys(&["device", "command", "parameters", "attempt"]);

pub(super) const EXPECTED_NOTIFY: Keys = keys(&["notifier", "message", "title", "level"]);

pub(super) const EXPECTED_RUN: Keys = keys(&["rule", "outcome"]);
