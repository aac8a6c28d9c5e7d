//! Who listens to what, so that an event costs as much as its listeners, however many rules there are.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::names::Names;
use crate::domain::device::Device;
use crate::domain::id::DeviceId;
use crate::rules::held;
use crate::rules::rule::{Listener, On, Rule, RuleSet, Topic};
use crate::rules::trigger::Watched;

/// The rules in the order of their ids, with their listeners in the same order.
pub(super) fn rule_set(mut rules: Vec<Rule>, names: &Names) -> RuleSet {
    rules.sort_by(|a, b| a.id.cmp(&b.id));
    let mut listeners: BTreeMap<Topic, Vec<Listener>> = BTreeMap::new();
    for (rule_index, rule) in rules.iter().enumerate().filter(|(_, it)| it.listens()) {
        let triggers = rule.triggers.iter().enumerate();
        for (trigger_index, trigger) in triggers.filter(|(_, it)| it.enabled) {
            for topic in topics(&trigger.on) {
                let listener = Listener {
                    rule: rule_index,
                    trigger: trigger_index,
                };
                listeners.entry(topic).or_default().push(listener);
            }
        }
    }
    let held = held::subjects(&rules);
    RuleSet {
        rules,
        held,
        listeners,
        timezone: names.timezone.clone(),
        location: names.location,
        allowance: names.allowance.clone(),
        broken: BTreeSet::new(),
    }
}

/// What a trigger has to hear of, those inside it included.
pub(crate) fn topics(on: &On) -> BTreeSet<Topic> {
    match on {
        On::Command(it) => of_devices(&it.devices, Topic::Command),
        On::Device(it) => of_devices(&it.devices, Topic::Device),
        On::State(it) => of_watched(&it.watched),
        On::NumericState(it) => of_watched(&it.watched),
        On::Webhook(name) => BTreeSet::from([Topic::Hook(name.clone())]),
        On::Engine(_) => BTreeSet::from([Topic::Engine]),
        On::AllOf(it) | On::Sequence(it) => {
            let enabled = it.triggers.iter().filter(|it| it.enabled);
            enabled.flat_map(|it| topics(&it.on)).collect()
        }
        On::Count(it) => topics(&it.of.on),
        On::Absence(it) => {
            let after = it.after.iter().flat_map(|it| topics(&it.on));
            topics(&it.of.on).into_iter().chain(after).collect()
        }
        On::Time(_) | On::Cron(_) | On::Sun(_) => BTreeSet::new(),
    }
}

fn of_devices(devices: &[Device], topic: fn(DeviceId) -> Topic) -> BTreeSet<Topic> {
    devices.iter().map(|it| topic(it.id.clone())).collect()
}

fn of_watched(watched: &Watched) -> BTreeSet<Topic> {
    match watched {
        Watched::Attribute { devices, .. } => of_devices(devices, Topic::Value),
        Watched::Input(input) => BTreeSet::from([Topic::Input(input.clone())]),
    }
}
