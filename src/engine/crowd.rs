//! Runs and calls of one rule beside each other: who is in whose way, as `mode` and `per` say.

use jiff::Timestamp;

use crate::domain::id::RunId;
use crate::engine::Scene;
use crate::engine::begin::{Call, run_id};
use crate::engine::call::{SINGLE_CALLS_MAX, WaitingCall};
use crate::engine::decision::{Change, Decision};
use crate::engine::trace::{StepTrace, Trace, Verdict};
use crate::rules::rule::{Mode, Rule};

/// Whether what is for the value `one` (`per:`) and what is for `other` are in each other's way. What is for
/// none is from before or after an edit of `per:`, and is in everybody's.
pub(super) fn meet(one: Option<&str>, other: Option<&str>) -> bool {
    one.is_none() || other.is_none() || one == other
}

/// The calls that wait and that this one, which came at `since`, takes the place of: with `mode: restart`, the
/// last one counts.
pub(super) fn outdated<'s>(
    scene: Scene<'s>,
    call: &Call<'_>,
    (key, since): (Option<&str>, Timestamp),
) -> Vec<&'s WaitingCall> {
    let own = run_id(call);
    let is_outdated = |it: &&WaitingCall| {
        let restarts = call.rule.settings.mode == Mode::Restart;
        restarts && meet(it.key.as_deref(), key) && it.since <= since && it.id != own
    };
    let calls = scene.state.calls_of(&call.rule.id);
    calls.filter(is_outdated).collect()
}

/// They wait no longer.
pub(super) fn give_way(
    scene: Scene<'_>,
    rule: &Rule,
    calls: &[&WaitingCall],
    decision: &mut Decision,
) {
    for call in calls {
        let why = "the rule was woken anew before its conditions could be answered";
        withdraw(scene, rule, (call, why), decision);
    }
}

/// `call` waits no longer, and its trace says why.
pub(super) fn withdraw(
    scene: Scene<'_>,
    rule: &Rule,
    (call, why): (&WaitingCall, &str),
    decision: &mut Decision,
) {
    let mut trace = Trace::of(rule, scene.event, scene.now);
    trace.event = call.cause.clone();
    trace.verdict = Verdict::Noted;
    trace.steps.push(StepTrace {
        place: rule.place.clone(),
        alias: None,
        did: why.to_owned(),
    });
    decision.traces.push(trace);
    let id = call.id.clone();
    decision.changes.push(Change::CallOver { id });
}

/// Whether runs that are under way leave no room for the run `id`. What is not decided yet takes its room,
/// but for rules that have one run at a time: it may come to nothing, and the next is not lost then.
pub(super) fn crowded(
    scene: Scene<'_>,
    rule: &Rule,
    (key, id): (Option<&str>, &RunId),
) -> Option<Verdict> {
    let runs = scene.state.runs_of(&rule.id);
    let runs = runs.filter(|it| meet(it.key.as_deref(), key));
    let calls = scene.state.calls_of(&rule.id);
    let calls = calls
        .filter(|it| meet(it.key.as_deref(), key))
        .map(|it| &it.id);
    let mut runs = runs.map(|it| &it.id);
    let calls = calls.filter(|it| *it != id);
    let (max, n_taken) = match rule.settings.mode {
        Mode::Single => match runs.next() {
            Some(run) => return Some(Verdict::AlreadyRunning { run: run.clone() }),
            None => (SINGLE_CALLS_MAX, calls.count()),
        },
        Mode::Restart => return None,
        Mode::Queued(max) | Mode::Parallel(max) => (max, runs.chain(calls).count()),
    };
    let is_full = usize::try_from(max).is_ok_and(|max| max <= n_taken);
    is_full.then_some(Verdict::TooMany { max })
}
