//! Who listens to what, so that an event costs as much as its listeners, however many rules there are.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;

use crate::domain::id::DeviceId;
use crate::rules::rule::{Listener, On, Rule, RuleSet, Topic};

/// The rules in the order of their ids, with their listeners in the same order.
pub(super) fn rule_set(mut rules: Vec<Rule>, timezone: Option<TimeZone>) -> RuleSet {
    rules.sort_by(|a, b| a.id.cmp(&b.id));
    let mut listeners: BTreeMap<(DeviceId, Topic), Vec<Listener>> = BTreeMap::new();
    let listens = |rule: &Rule| rule.enabled && rule.unbuilt.is_none();
    for (rule_index, rule) in rules.iter().enumerate().filter(|(_, it)| listens(it)) {
        let triggers = rule.triggers.iter().enumerate();
        for (trigger_index, trigger) in triggers.filter(|(_, it)| it.enabled) {
            let (devices, topic) = match &trigger.on {
                On::Command(it) => (&it.devices, Topic::Command),
                On::Device(it) => (&it.devices, Topic::Device),
                On::State(_)
                | On::NumericState(_)
                | On::Time(_)
                | On::Cron(_)
                | On::Sun(_)
                | On::Webhook(_)
                | On::Engine(_)
                | On::AllOf(_)
                | On::Sequence(_)
                | On::Absence(_)
                | On::Count(_) => continue,
            };
            for device in devices {
                let listener = Listener {
                    rule: rule_index,
                    trigger: trigger_index,
                };
                listeners
                    .entry((device.id.clone(), topic))
                    .or_default()
                    .push(listener);
            }
        }
    }
    RuleSet {
        rules,
        listeners,
        timezone,
    }
}
