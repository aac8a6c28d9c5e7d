//! What triggers remember: from the moment that they are there, and after each change of the rules.

use crate::domain::id::RuleVersion;
use crate::engine::Scene;
use crate::engine::decision::{Change, Decision};
use crate::engine::trigger::hear::arm as arm_trigger;
use crate::engine::trigger::memory::TriggerMemory;
use crate::rules::rule::{Place, Rule, Trigger};

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
/// triggers that are no longer there. Those that are unchanged go on as they were.
pub(super) fn arm(scene: Scene<'_>, decision: &mut Decision) {
    for (id, index, memory) in scene.state.triggers() {
        let rule = scene.rules.rule(id).filter(|it| it.listens());
        let trigger = rule.and_then(|it| it.triggers.get(index));
        let is_same = trigger.is_some_and(|it| it.enabled && shape(it) == memory.shape);
        if !is_same {
            decision.changes.push(Change::Trigger {
                rule: id.clone(),
                trigger: index,
                memory: TriggerMemory::default(),
            });
        }
    }
    for rule in scene.rules.rules.iter().filter(|it| it.listens()) {
        for (index, trigger) in rule
            .triggers
            .iter()
            .enumerate()
            .filter(|(_, it)| it.enabled)
        {
            let known = scene.state.trigger(&rule.id, index);
            let mut memory = known
                .filter(|it| it.shape == shape(trigger))
                .cloned()
                .unwrap_or_default();
            arm_trigger(scene, trigger, &mut memory);
            remember(scene, rule, (index, memory), decision);
        }
    }
}

/// What a trigger is, without its place in the file: it may move and is still the same.
fn shape(trigger: &Trigger) -> String {
    let mut bare = trigger.clone();
    bare.place = Place {
        file: String::new(),
        line: 0,
    };
    let text = serde_json::to_string(&bare.on).expect("a trigger can be written as JSON");
    RuleVersion::of(&text).as_str().to_owned()
}
