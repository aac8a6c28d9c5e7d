//! A rule is paused, or let go on: by whom, and what ends with that.

use crate::domain::id::RuleId;
use crate::engine::Scene;
use crate::engine::begin::trigger_name;
use crate::engine::call::WaitingCall;
use crate::engine::decision::{Change, Decision};
use crate::engine::run::Run;
use crate::engine::trace::{Trace, Verdict};

/// The reason when a person gives none.
pub(super) const BY_HAND: &str = "somebody paused it";

/// How the reason begins when a rule pauses another.
const OF_RULE: &str = "the rule `";

/// Whether a rule gave the reason, for those who have nothing but that on record.
pub(crate) fn is_reason_of_rule(reason: &str) -> bool {
    reason.starts_with(OF_RULE)
}

/// Pauses `rule`. It begins no run any more, and calls of it that wait for an answer come to nothing. Runs that
/// are under way go on.
pub(super) fn pause(
    scene: Scene<'_>,
    rule: &RuleId,
    (reason, by_rule): (String, bool),
    decision: &mut Decision,
) {
    end_calls(scene, rule, &reason, decision);
    decision.changes.push(Change::RulePaused {
        rule: rule.clone(),
        reason,
        by_rule,
        at: scene.now,
    });
}

/// Ends the calls of `rule` that wait, and tells of each.
pub(super) fn end_calls(scene: Scene<'_>, rule: &RuleId, because: &str, decision: &mut Decision) {
    for call in scene.state.calls_of(rule) {
        let over = Change::CallOver {
            id: call.id.clone(),
        };
        // Decided already, or ended by a pause before.
        if !decision.changes.contains(&over) {
            decision.changes.push(over);
            decision.traces.extend(of_end(scene, call, because));
        }
    }
}

fn of_end(scene: Scene<'_>, call: &WaitingCall, because: &str) -> Option<Trace> {
    let rule = scene.rules.rule(&call.rule)?;
    let mut trace = Trace::of(rule, scene.event, scene.now);
    trace.event = call.cause.clone();
    trace.trigger = rule.triggers.get(call.trigger).map(trigger_name);
    trace.verdict = Verdict::Paused {
        because: because.to_owned(),
    };
    Some(trace)
}

/// A rule pauses `rule`; what it says of that.
pub(super) fn by_rule(
    scene: Scene<'_>,
    run: &Run,
    rule: &RuleId,
    decision: &mut Decision,
) -> String {
    if let Some(because) = scene.state.paused(rule) {
        return format!("leaves `{rule}` paused: {because}");
    }
    let reason = format!("{OF_RULE}{}` paused it", run.rule);
    pause(scene, rule, (reason, true), decision);
    format!("pauses `{rule}`")
}

/// A rule lets `rule` go on, unless it is paused for a reason that a person is to look at; what it says of that.
pub(super) fn resume_by_rule(
    scene: Scene<'_>,
    run: &Run,
    rule: &RuleId,
    decision: &mut Decision,
) -> String {
    if let Some(because) = scene.state.paused_for_a_person(rule) {
        return format!("does not let `{rule}` go on, which only a person can: {because}");
    }
    // A rule that lets itself go on, in runs that began before it was paused, is to trip all the same.
    let is_own = run.chain_below().contains(rule);
    decision.changes.push(Change::RuleResumed {
        rule: rule.clone(),
        counted_from: (!is_own).then_some(scene.now),
    });
    format!("lets `{rule}` go on")
}
