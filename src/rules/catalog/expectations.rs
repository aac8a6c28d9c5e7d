//! The words of what a test expects: an order, a message, a run.

use crate::document::vocabulary::kind::{Kind, whole};
use crate::document::vocabulary::{Word, optional, required, word};
use crate::domain::command::RetryPolicy;
use crate::rules::catalog::device_words::COMMAND;
use crate::rules::catalog::kinds::{DEVICE, NOTIFIER, PARAMETER_LINES, RULE};
use crate::rules::catalog::test_files::{LEVEL, OUTCOMES, TEXT};

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
            "attempt",
            whole(1, RetryPolicy::ATTEMPTS_MAX),
            "which attempt it is; not compared when left out",
        ),
    ]],
    ..word("command", "a command", "an order that left")
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
