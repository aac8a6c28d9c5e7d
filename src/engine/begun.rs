//! One event may fit several triggers of a rule, and each of them calls it: what the calls before came to.
//!
//! A rule that has one run at a time takes them for one occasion: where a run of one call began, the others
//! are ignored, even when that run is over already.

use std::collections::BTreeMap;

use crate::domain::event::{Event, Payload};
use crate::domain::id::{RuleId, RunId};
use crate::engine::Scene;
use crate::engine::begin::{Call, trigger_name, trigger_of};
use crate::engine::call::WaitingCall;
use crate::engine::crowd::meet;
use crate::engine::decision::{Change, Decision, FollowUp};
use crate::engine::trace::{Trace, Verdict};
use crate::rules::rule::{Mode, Rule};

/// A run that the event at hand began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    pub run: RunId,
    /// The value that it is the run of (`per:`).
    pub key: Option<String>,
    /// The place of the trigger that called.
    pub trigger: usize,
}

/// Whether `event` is the clock. Whatever came due with it is an occasion of its own: two schedules, or all
/// that a stop of the engine let pass.
pub(super) fn is_clock(event: &Event) -> bool {
    matches!(event.payload, Payload::Tick | Payload::Engine(_))
}

/// What the event at hand has made of each rule so far.
#[derive(Debug, Default)]
pub(super) struct Calls(BTreeMap<RuleId, OfRule>);

#[derive(Debug, Default)]
struct OfRule {
    n_calls: u32,
    begun: Vec<Begun>,
}

impl Calls {
    /// `follow_up`, which knows what came of the calls of its rule before.
    pub(super) fn counted(&mut self, mut follow_up: FollowUp) -> FollowUp {
        if let FollowUp::Fired {
            rule, nth, begun, ..
        } = &mut follow_up
        {
            let of_rule = self.0.entry(rule.clone()).or_default();
            *nth = of_rule.n_calls;
            of_rule.n_calls += 1;
            begun.clone_from(&of_rule.begun);
        }
        follow_up
    }

    /// Notes what was made of `follow_up`.
    pub(super) fn note(&mut self, follow_up: &FollowUp, decision: &Decision) {
        let FollowUp::Fired { rule, trigger, .. } = follow_up else {
            return;
        };
        let of_rule = self.0.entry(rule.clone()).or_default();
        for change in &decision.changes {
            if let Change::RunStarted(run) = change
                && run.parent.is_none()
            {
                of_rule.begun.push(Begun {
                    run: run.id.clone(),
                    key: run.key.clone(),
                    trigger: *trigger,
                });
            }
        }
    }
}

/// Why `call` comes to nothing: a call of the same event began a run.
pub(super) fn refusal(call: &Call<'_>, key: Option<&str>) -> Option<Verdict> {
    if call.rule.settings.mode != Mode::Single || call.is_timed {
        return None;
    }
    let begun = call.begun.iter().find(|it| it.key.as_deref() == key)?;
    let trigger = call.rule.triggers.get(begun.trigger)?;
    Some(Verdict::AlreadyCalled {
        run: begun.run.clone(),
        trigger: trigger_name(trigger),
    })
}

/// The calls of the same event that wait, and come to nothing when a run of `call` begins.
pub(super) fn outdone<'s>(
    scene: Scene<'s>,
    call: &Call<'_>,
    (key, id): (Option<&str>, &RunId),
) -> Vec<&'s WaitingCall> {
    if call.rule.settings.mode != Mode::Single || call.is_timed || call.trigger.is_none() {
        return Vec::new();
    }
    let calls = scene.state.calls_of(&call.rule.id);
    let of_event = calls.filter(|it| it.cause == call.cause && it.id != *id);
    of_event
        .filter(|it| meet(it.key.as_deref(), key) && !it.is_timed)
        .collect()
}

/// They wait no longer: `verdict`.
pub(super) fn over(
    scene: Scene<'_>,
    rule: &Rule,
    (calls, verdict): (&[&WaitingCall], &Verdict),
    decision: &mut Decision,
) {
    for call in calls {
        let id = call.id.clone();
        decision.changes.push(Change::CallOver { id });
        if !rule.settings.is_silent {
            let mut trace = Trace::of(rule, scene.event, scene.now);
            trace.event = call.cause.clone();
            trace.trigger = trigger_of(rule, call).map(|(_, it)| trigger_name(it));
            trace.verdict = verdict.clone();
            decision.traces.push(trace);
        }
    }
}
