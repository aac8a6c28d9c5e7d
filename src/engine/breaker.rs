//! Rules that set each other off without end, or run much too often, are paused.

use std::time::Duration;

use crate::document::duration::display;
use crate::domain::id::RuleId;
use crate::engine::Scene;
use crate::engine::facts::TriggerFields;
use crate::engine::recent::Keep;
use crate::rules::rule::Rule;

/// How many runs may stand above a run in the chain of runs that caused each other.
pub(super) const DEPTH_MAX: usize = 8;

/// The starts of a rule that are remembered: those that the longest and largest limit counts.
pub(super) const STARTS: Keep = Keep {
    within: Duration::from_hours(24),
    most: 1000,
};

/// The field of a trigger of the clock that fires for a time that was missed. No expression can name it;
/// `store::starts` does.
pub(super) const CAUGHT_UP: &str = "caught_up";

/// Whether a run with these fields makes up for one that was missed. Those are wanted, and bounded.
pub(super) fn is_caught_up(trigger: &TriggerFields) -> bool {
    trigger.contains_key(CAUGHT_UP)
}

/// Why `rule` is not to run any more until somebody lets it; none when it may. `chain` are the rules of the
/// runs that led here, and `trigger` is what the trigger saw.
pub(super) fn tripped(
    scene: Scene<'_>,
    rule: &Rule,
    (chain, trigger): (&[RuleId], &TriggerFields),
) -> Option<String> {
    if DEPTH_MAX < chain.len() {
        return Some(format!(
            "runs caused runs, more than {DEPTH_MAX} deep; {}; `resume` lets it run again",
            taking_part(rule, chain)
        ));
    }
    if is_caught_up(trigger) {
        return None;
    }
    let limit = scene.rules.allowance.limits.runs_per_rule;
    let starts = scene.state.starts(&rule.id)?;
    starts.room_at((limit.count, limit.within), 0, scene.now)?;
    Some(format!(
        "it began more than {} times within {} (`runs_per_rule` in home.yaml); {}; `resume` lets it run again",
        limit.count,
        display(limit.within),
        taking_part(rule, chain)
    ))
}

fn taking_part(rule: &Rule, chain: &[RuleId]) -> String {
    let mut names: Vec<&RuleId> = Vec::new();
    for name in chain.iter().chain([&rule.id]) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if names.len() == 1 {
        return "no other rule took part".to_owned();
    }
    let names: Vec<_> = names.iter().map(|it| format!("`{it}`")).collect();
    format!("rules that took part: {}", names.join(", "))
}
