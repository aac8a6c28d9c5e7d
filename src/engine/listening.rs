//! What a run that waits has to hear of.

use std::collections::BTreeSet;

use crate::domain::id::{DeviceId, RuleId};
use crate::engine::arbitration::lease;
use crate::engine::run::Run;
use crate::engine::wait::Wait;
use crate::rules::condition::Block;
use crate::rules::expr::program::{Checked, Read, Source};
use crate::rules::expr::scope::Root;
use crate::rules::index;
use crate::rules::operation::Awaited;
use crate::rules::rule::{Condition, OperationKind, Test, Topic};

/// The topics of what `run` waits for; none when it waits for something that is told to it by name.
pub(super) fn topics(run: &Run) -> BTreeSet<Topic> {
    match &run.wait {
        Some(Wait::Triggers { .. } | Wait::Conditions) => awaited(run),
        Some(Wait::Readings { devices }) => devices.iter().cloned().map(Topic::Value).collect(),
        Some(Wait::Verify { again: false, .. }) => lease::device(run)
            .map(|it| Topic::Value(it.clone()))
            .into_iter()
            .collect(),
        Some(
            Wait::Verify { again: true, .. }
            | Wait::Command { .. }
            | Wait::Http { .. }
            | Wait::Setting { .. }
            | Wait::Cancel { .. }
            | Wait::Delay
            | Wait::Branches { .. }
            | Wait::Turn
            | Wait::Device { .. },
        )
        | None => BTreeSet::new(),
    }
}

fn awaited(run: &Run) -> BTreeSet<Topic> {
    let mut topics = BTreeSet::new();
    if let Some(OperationKind::Wait(wait)) = run.operation().map(|it| &it.kind) {
        match &wait.until {
            Awaited::Triggers(triggers) => triggers
                .iter()
                .filter(|it| it.enabled)
                .for_each(|it| topics.extend(index::topics(&it.on))),
            Awaited::Conditions(block) => of_block(block, &run.rule, &mut topics),
        }
    }
    topics
}

fn of_block(block: &Block, rule: &RuleId, topics: &mut BTreeSet<Topic>) {
    for condition in &block.conditions {
        of_condition(condition, rule, topics);
    }
}

/// What may change the answer to a condition of `rule`.
pub(super) fn of_condition(condition: &Condition, rule: &RuleId, topics: &mut BTreeSet<Topic>) {
    let value = |device: &DeviceId| Topic::Value(device.clone());
    match &condition.test {
        Test::State(test) => topics.extend([value(&test.subject.device.id)]),
        Test::NumericState(test) => topics.extend([value(&test.subject.device.id)]),
        Test::Command(test) => topics.extend([Topic::Command(test.device.id.clone())]),
        Test::Rule(test) => topics.extend([Topic::Rule(test.rule.clone())]),
        Test::Input(test) => topics.extend([Topic::Input(test.input.clone())]),
        Test::Block(block) => of_block(block, rule, topics),
        Test::Expression(checked) => of_expression(checked, rule, topics),
        Test::Time(_) | Test::Sun(_) | Test::Trigger(_) => {}
    }
}

fn of_expression(checked: &Checked, rule: &RuleId, topics: &mut BTreeSet<Topic>) {
    for read in checked.reads() {
        match read {
            Read::Value { source, .. } | Read::Age { source } => match source {
                Source::Attribute { device, .. } => {
                    topics.insert(Topic::Value(device.id.clone()));
                }
                Source::Input { name, .. } => {
                    let input = crate::domain::id::InputName::new(name.as_str());
                    topics.insert(Topic::Input(input));
                }
                // Runs of the rule set it.
                Source::Field { root, .. } if *root == Root::State => {
                    topics.insert(Topic::Rule(rule.clone()));
                }
                // The run knows it, and stands still.
                Source::Field { .. } => {}
            },
            Read::Series { input } => {
                topics.insert(Topic::Input(crate::domain::id::InputName::new(input)));
            }
            Read::Now => {}
        }
    }
}
