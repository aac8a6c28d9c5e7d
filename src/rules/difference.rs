//! What is different between the rules in force and those that are to come.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::id::{RuleId, RuleVersion};
use crate::rules::rule::RuleSet;

/// In the order of the ids. A rule that only moved is as it was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    pub added: Vec<RuleId>,
    pub changed: Vec<RuleId>,
    pub removed: Vec<RuleId>,
    pub unchanged: usize,
}

impl Difference {
    pub fn between(old: &BTreeMap<RuleId, RuleVersion>, new: &RuleSet) -> Self {
        let mut difference = Self::default();
        for rule in &new.rules {
            match old.get(&rule.id) {
                None => difference.added.push(rule.id.clone()),
                Some(version) if *version == rule.version() => difference.unchanged += 1,
                Some(_) => difference.changed.push(rule.id.clone()),
            }
        }
        let gone = old.keys().filter(|it| new.rule(it).is_none());
        difference.removed = gone.cloned().collect();
        difference
    }

    /// Whether no rule is another than before.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.changed.is_empty() && self.removed.is_empty()
    }
}

/// The version of each rule.
pub fn versions(rules: &RuleSet) -> BTreeMap<RuleId, RuleVersion> {
    let rules = rules.rules.iter();
    rules.map(|it| (it.id.clone(), it.version())).collect()
}
