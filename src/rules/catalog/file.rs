//! The words around triggers, conditions and actions: of a rule file, and of a rule.

use crate::document::decode::Reserved::{Foreign, Later};
use crate::document::vocabulary::{Word, defaulting, optional, required};
use crate::rules::catalog::ENABLED;

pub const ALL: &[&Word] = &[&FILE, &RULE];

pub static FILE: Word = Word {
    name: "a rule file",
    what: "a rule file",
    meaning: "a file below `rules/`",
    keys: &[&[
        required("version", "`1`", "the version of the language"),
        required("rules", "a list of rules", "the rules of the file"),
        optional("tests", "a list of tests", "what `amps-rules test` plays"),
    ]],
    reserved: &[&[
        ("defaults", Later),
        ("automation", Foreign("write `rules:`")),
        ("automations", Foreign("write `rules:`")),
    ]],
    example: "version: 1\nrules:\n  - id: hello\n    triggers: {trigger: device, device: car_charger, event: connected}\n    actions: {log: hello}\n",
    runs: true,
};

pub static RULE: Word = Word {
    name: "a rule",
    what: "a rule",
    meaning: "what starts it, what must hold, and what it does",
    keys: &[
        &[
            required("id", "small letters, digits and `-`", "unique in the home"),
            optional("alias", "text", "what people see; the id when left out"),
            optional("description", "text", "for people"),
            ENABLED,
        ],
        &[
            defaulting(
                "mode",
                "`single`, `restart`, `queued` or `parallel`",
                "single",
                "what a trigger does while a run is under way",
            ),
            defaulting(
                "max",
                "a number from 2 to 100",
                "10",
                "the most runs at once; with `queued` and `parallel`",
            ),
            defaulting(
                "max_exceeded",
                "`warning` or `silent`",
                "warning",
                "how a trigger that came too often is told",
            ),
            optional(
                "per",
                "an expression, like `trigger.device`; the braces may be left out",
                "one run for each value instead of one for the rule; `mode`, `max` and `cooldown` count for each",
            ),
            optional(
                "cooldown",
                "a duration",
                "not again so soon, from the start of the last run",
            ),
            defaulting(
                "priority",
                "a number from 0 to 100",
                "50",
                "who gets a device that two rules want",
            ),
            optional(
                "variables",
                "lines `NAME: value`, also expressions",
                "values that the whole run can use; each may use those above it",
            ),
            required(
                "triggers",
                "one or a list of triggers",
                "any one of them wakes the rule",
            ),
            optional(
                "conditions",
                "one or a list of conditions",
                "all of them must hold",
            ),
            required("actions", "one or a list of actions", "done in order"),
            optional(
                "on_failure",
                "one or a list of actions",
                "done when an action fails and nothing nearer handles it; the run ends as failed all the same",
            ),
        ],
    ],
    reserved: &[&[
        ("trigger", Foreign("write `triggers:`")),
        ("condition", Foreign("write `conditions:`")),
        ("action", Foreign("write `actions:`")),
        ("sequence", Foreign("write `actions:`")),
        ("initial_state", Foreign("write `enabled:`")),
        (
            "trigger_variables",
            Foreign("write `variables:`, of the rule or of one trigger"),
        ),
        (
            "trace",
            Foreign("traces are kept for every rule; `retention:` in home.yaml says how long"),
        ),
        ("use_blueprint", Later),
    ]],
    example: "id: hello\nalias: Hello\nmode: single\nvariables: {who: everybody}\ntriggers: {trigger: device, device: car_charger, event: connected}\nconditions: {condition: time, after: \"07:00\", before: \"22:00\"}\nactions: {notify: phone, message: The car is here.}\non_failure: {log: it went wrong}\n",
    runs: true,
};
