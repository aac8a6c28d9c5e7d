//! Actions on other rules: run one, pause it, let it go on.

use crate::document::vocabulary::{Key, Word, required};
use crate::rules::catalog::actions::{COMMON, FOREIGN, WHAT};
use crate::rules::catalog::kinds::RULE;

pub(super) static RUN_RULE: Word = Word {
    name: "run_rule",
    what: WHAT,
    meaning: "starts a run of another rule; its triggers, its conditions and its `cooldown` are not asked, its `mode` is. It goes as far as it can before the next step; its end is not waited for. A rule that runs itself is still running then, unless that is its last step",
    keys: &[RULE_ID, COMMON],
    together: &[],
    reserved: &[FOREIGN],
    example: "run_rule: a-rule\n",
};

const RULE_ID: &[Key] = &[required("run_rule", RULE, "which rule")];

pub(super) static PAUSE_RULE: Word = Word {
    name: "pause_rule",
    what: WHAT,
    meaning: "keeps a rule from starting runs until it is resumed; what of it waits for an answer to its conditions comes to nothing",
    keys: &[&[required("pause_rule", RULE, "which rule")], COMMON],
    together: &[],
    reserved: &[FOREIGN],
    example: "pause_rule: a-rule\n",
};

pub(super) static RESUME_RULE: Word = Word {
    name: "resume_rule",
    what: WHAT,
    meaning: "ends a pause that a rule made; one that a person made, or that came of too many runs, a person ends with `amps-rules resume`",
    keys: &[&[required("resume_rule", RULE, "which rule")], COMMON],
    together: &[],
    reserved: &[FOREIGN],
    example: "resume_rule: a-rule\n",
};
