//! What triggers remember: from the moment that they are there, and after each change of the rules.

use crate::domain::id::{DeviceId, RuleId};
use crate::engine::Scene;
use crate::engine::begin;
use crate::engine::call::WaitingCall;
use crate::engine::decision::{Change, Decision, FollowUp};
use crate::engine::run::{Run, RunEnd};
use crate::engine::trigger::hear::{arm as arm_trigger, begin_anew};
use crate::engine::trigger::memory::TriggerMemory;
use crate::rules::rule::{Rule, Trigger};
use crate::rules::version;

/// Writes down what the trigger at the index remembers now, if that is something else than before.
pub(super) fn remember(
    scene: Scene<'_>,
    rule: &Rule,
    (index, mut memory): (usize, TriggerMemory),
    decision: &mut Decision,
) {
    let before = scene.state.trigger(&rule.id, index);
    if memory.shape.is_empty() && memory != TriggerMemory::default() {
        memory.shape = shape(&rule.triggers[index]);
    }
    if before != Some(&memory) && !(before.is_none() && memory == TriggerMemory::default()) {
        decision.changes.push(Change::Trigger {
            rule: rule.id.clone(),
            trigger: index,
            memory,
        });
    }
}

/// Lets every trigger begin to count that counts from the beginning, and forgets what is remembered of
/// triggers that are no longer there. Those that are unchanged go on as they were, wherever they stand now.
pub(super) fn arm(scene: Scene<'_>, decision: &mut Decision) {
    let mut broken_off = Vec::new();
    for (id, index, memory) in scene.state.triggers() {
        let rule = scene.rules.rule(id).filter(|it| it.listens());
        let trigger = rule.and_then(|it| it.triggers.get(index));
        let is_same = trigger.is_some_and(|it| it.enabled && shape(it) == memory.shape);
        if !is_same {
            broken_off.push(((id, index), memory));
            decision.changes.push(Change::Trigger {
                rule: id.clone(),
                trigger: index,
                memory: TriggerMemory::default(),
            });
        }
    }
    arm_all(scene, |_| true, &broken_off, decision);
}

/// The same for those alone that remember nothing yet.
pub(super) fn arm_new(scene: Scene<'_>, decision: &mut Decision) {
    arm_all(scene, |known| known.is_none(), &[], decision);
}

/// What is remembered of a trigger that does not stand any more where it stood.
type BrokenOff<'s> = ((&'s RuleId, usize), &'s TriggerMemory);

fn arm_all(
    scene: Scene<'_>,
    counts: impl Fn(Option<&TriggerMemory>) -> bool,
    broken_off: &[BrokenOff<'_>],
    decision: &mut Decision,
) {
    for rule in scene.rules.rules.iter().filter(|it| it.listens()) {
        let mut broken_off: Vec<&BrokenOff<'_>> = broken_off
            .iter()
            .filter(|((id, _), _)| **id == rule.id)
            .collect();
        for (index, trigger) in rule
            .triggers
            .iter()
            .enumerate()
            .filter(|(_, it)| it.enabled)
        {
            let known = scene.state.trigger(&rule.id, index);
            if !counts(known) {
                continue;
            }
            let shape = shape(trigger);
            let moved = broken_off.iter().position(|(_, it)| it.shape == shape);
            let kept = match known.filter(|it| it.shape == shape) {
                Some(known) => Some(known),
                None => moved.map(|it| broken_off.remove(it).1),
            };
            let mut memory = kept.cloned().unwrap_or_default();
            arm_trigger(scene, trigger, &mut memory);
            let before = broken_off.iter().find(|((_, it), _)| *it == index);
            for holding in before
                .filter(|_| kept.is_none())
                .iter()
                .flat_map(|(_, it)| it.holdings())
            {
                begin_anew(scene, trigger, &mut memory, holding);
            }
            remember(scene, rule, (index, memory), decision);
        }
    }
}

/// Ends the calls whose trigger is no longer there, and the runs of rules that are no longer there, or switched
/// off, and gives back the devices that they keep.
/// Those of changed rules go on with the actions that they began with, and so do those of rules whose text is
/// broken.
pub(super) fn retire(scene: Scene<'_>, decision: &mut Decision) {
    let over = |run: &Run| {
        Some(FollowUp::End {
            run: run.id.clone(),
            end: RunEnd::Stopped {
                reason: why_gone(scene, &run.rule)?.to_owned(),
            },
        })
    };
    let is_over = |call: &&WaitingCall| {
        let rule = begin::rule(scene, &call.rule);
        rule.is_none_or(|it| begin::trigger_of(it, call).is_none())
    };
    let calls = scene.state.calls().filter(is_over);
    let calls = calls.map(|it| FollowUp::Call(it.id.clone()));
    decision.follow_ups.extend(calls);
    let ends = scene.state.all_runs().filter_map(over);
    decision.follow_ups.extend(ends);
    let leases = scene.state.leases();
    let is_gone = |device: &&DeviceId| {
        let kept = leases.kept(device);
        kept.is_some_and(|it| why_gone(scene, &it.rule).is_some())
    };
    let nobodys = leases.each_kept().filter(is_gone).cloned();
    let released = nobodys.map(|device| Change::Released { device });
    decision.changes.extend(released);
}

/// Why nothing of `rule` goes on; none when it does.
fn why_gone(scene: Scene<'_>, rule: &RuleId) -> Option<&'static str> {
    match scene.rules.rule(rule) {
        Some(rule) if rule.enabled => None,
        Some(_) => Some("the rule was switched off"),
        None if scene.rules.broken.contains(rule) => None,
        None => Some("the rule was removed"),
    }
}

/// What a trigger is as it was written, without its place in the file: it may move and is still the same, and
/// so it is when the home has one more device of the type that it names.
pub fn shape(trigger: &Trigger) -> String {
    version::as_written(&trigger.on).as_str().to_owned()
}
