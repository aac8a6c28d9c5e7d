//! The words around triggers, conditions and actions: of a rule file, and of a rule.

use crate::document::decode::Reserved::{Foreign, Later};
use crate::document::vocabulary::durations::DURATION;
use crate::document::vocabulary::kind::{Kind, Named, one_or_many, whole};
use crate::document::vocabulary::{Word, defaulting, optional, required};
use crate::rules::RULES_MAX;
use crate::rules::catalog::bounds::{PRIORITY_MAX, RUNS_MAX, RUNS_MIN};
use crate::rules::catalog::kinds::{
    ACTIONS, ALIAS, CONDITIONS_OR_NONE, DESCRIPTION, ID, PER, TRIGGERS, VARIABLES,
};
use crate::rules::catalog::test_files::TESTS;
use crate::rules::catalog::{ENABLED, choices};

pub const ALL: &[&Word] = &[&FILE, &RULE];

const RULE_BLOCK: Kind = Kind::Named(&Named {
    name: "rule",
    one: "a rule",
    many: "rules",
    kind: || Kind::Block(&RULE),
    examples: &[],
});

pub(super) const RULES: Kind = one_or_many(&RULE_BLOCK, RULES_MAX);

pub static FILE: Word = Word {
    name: "a rule file",
    what: "a rule file",
    meaning: "a file below `rules/`",
    keys: &[&[
        required("version", Kind::Version, "the version of the language"),
        required("rules", RULES, "the rules of the file"),
        optional("tests", TESTS, "what `amps-rules test` plays"),
    ]],
    together: &[],
    reserved: &[&[
        ("defaults", Later),
        ("automation", Foreign("write `rules:`")),
        ("automations", Foreign("write `rules:`")),
    ]],
    example: "version: 1\nrules:\n  - id: hello\n    triggers: {trigger: device, device: car_charger, event: connected}\n    actions: {log: hello}\n",
};

pub static RULE: Word = Word {
    name: "a rule",
    what: "a rule",
    meaning: "what starts it, what must hold, and what it does",
    keys: &[
        &[
            required("id", ID, "unique in the home"),
            optional("alias", ALIAS, "what people see; the id when left out"),
            optional("description", DESCRIPTION, "for people"),
            ENABLED,
        ],
        &[
            defaulting(
                "mode",
                Kind::Word(&choices::MODES),
                "single",
                "what a trigger does while a run is under way, or when the same event has just begun one",
            ),
            defaulting(
                "max",
                whole(RUNS_MIN, RUNS_MAX),
                "10",
                "the most runs at once; with `queued` and `parallel`",
            ),
            defaulting(
                "max_exceeded",
                Kind::Word(&choices::EXCEEDED),
                "warning",
                "how a trigger that came too often is told",
            ),
            optional(
                "per",
                PER,
                "one run for each value instead of one for the rule; `mode`, `max` and `cooldown` count for each",
            ),
            optional(
                "cooldown",
                DURATION,
                "not again so soon, from the start of the last run, however short `retention` of `home.yaml` is; with `per`, remembered for the last 1000 values",
            ),
            defaulting(
                "priority",
                whole(0, PRIORITY_MAX),
                "50",
                "who gets a device that two rules want",
            ),
            optional(
                "variables",
                VARIABLES,
                "values that the whole run can use; each may use those above it",
            ),
            required("triggers", TRIGGERS, "any one of them wakes the rule"),
            optional("conditions", CONDITIONS_OR_NONE, "all of them must hold"),
            required("actions", ACTIONS, "done in order"),
            optional(
                "on_failure",
                ACTIONS,
                "done when an action fails and nothing nearer handles it; the run ends as failed all the same",
            ),
        ],
    ],
    together: &[],
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
};
