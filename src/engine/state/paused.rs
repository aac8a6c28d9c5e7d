//! What the engine remembers of rules that are paused, or were.

use jiff::Timestamp;

use crate::domain::id::RuleId;
use crate::engine::state::State;

/// That a rule is paused.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pause {
    reason: String,
    by_rule: bool,
}

impl State {
    /// Why `rule` is paused; none when it is not.
    pub fn paused(&self, rule: &RuleId) -> Option<&str> {
        self.paused.get(rule).map(|it| it.reason.as_str())
    }

    /// Why `rule` is paused, if no rule is to let it go on.
    pub(in crate::engine) fn paused_for_a_person(&self, rule: &RuleId) -> Option<&str> {
        let pause = self.paused.get(rule).filter(|it| !it.by_rule);
        pause.map(|it| it.reason.as_str())
    }

    /// Why it was paused first counts, but for rules, which give way to people.
    pub(super) fn pause(&mut self, rule: &RuleId, (reason, by_rule): (&str, bool)) {
        let known = self.paused.get(rule);
        if known.is_none_or(|it| it.by_rule && !by_rule) {
            let reason = reason.to_owned();
            self.paused.insert(rule.clone(), Pause { reason, by_rule });
        }
    }

    pub(super) fn resume(&mut self, rule: &RuleId, counted_from: Option<Timestamp>) {
        let was_paused = self.paused.remove(rule).is_some();
        if let Some(from) = counted_from.filter(|_| was_paused) {
            self.counted_from.insert(rule.clone(), from);
        }
    }
}
