//! A rule whose text is broken stays as it was when it was last right.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::config::names::Names;
use crate::domain::device::Device;
use crate::domain::id::RuleId;
use crate::rules::rule::{Rule, RuleSet};
use crate::rules::{Loaded, index};

/// The rules that were `loaded`, and of those that are broken what was `known` of them before.
///
/// A rule that is in no file any more is gone. What was in a file that is no rules at all, or that
/// `is_there` and could not be read, nobody knows: its rules stay.
pub fn complete(
    loaded: Loaded,
    known: &[Rule],
    names: &Names,
    is_there: impl Fn(&str) -> bool,
) -> RuleSet {
    let mut broken: BTreeSet<RuleId> = loaded
        .broken
        .iter()
        .filter_map(|it| it.id.clone())
        .collect();
    let nameless = loaded.broken.iter().filter(|it| it.id.is_none());
    let nameless: BTreeSet<&str> = nameless.map(|it| it.place.file.as_str()).collect();
    let may_hold = |file: &str| {
        nameless.contains(file)
            || loaded.broken_files.iter().any(|it| it == file)
            || (!loaded.files.contains(file) && is_there(file))
    };
    let mut rules = loaded.rules.rules;
    let good: BTreeSet<RuleId> = rules.iter().map(|it| it.id.clone()).collect();
    for rule in known.iter().filter(|it| !good.contains(&it.id)) {
        if broken.contains(&rule.id) || may_hold(&rule.place.file) {
            broken.insert(rule.id.clone());
            rules.push(rule.clone());
        }
    }
    // Of two rules with one id, the first has it, and the second is broken for that.
    broken.retain(|it| !good.contains(it));
    let mut rules = index::rule_set(rules, names);
    rules.broken = broken;
    rules
}

/// Whether every device that `rule` names is still a device of the home.
///
/// They are looked for in its written form, so that no word of the language can be forgotten.
pub fn fits(rule: &Rule, names: &Names) -> bool {
    let written = serde_json::to_value(rule).expect("a rule can be written as JSON");
    devices_fit(&written, names)
}

fn devices_fit(value: &Value, names: &Names) -> bool {
    match value {
        Value::Object(fields) => match serde_json::from_value::<Device>(value.clone()) {
            Ok(device) => names.devices.get(&device.alias) == Some(&device),
            Err(_) => fields.values().all(|it| devices_fit(it, names)),
        },
        Value::Array(items) => items.iter().all(|it| devices_fit(it, names)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}
