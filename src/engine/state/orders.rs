//! What the engine remembers of its own orders, of devices that are taken, and of when rules ran.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::clock::earlier;
use crate::domain::id::{DeviceId, RuleId};
use crate::engine::arbitration::lease::Leases;
use crate::engine::arbitration::room;
use crate::engine::breaker;
use crate::engine::orders::Orders;
use crate::engine::recent::Recent;
use crate::engine::state::{State, VALUES_MAX};

impl State {
    /// Our own orders to `device`; none when it never had one.
    pub fn orders(&self, device: &DeviceId) -> Option<&Orders> {
        self.orders.get(device)
    }

    pub fn orders_mut(&mut self, device: &DeviceId) -> &mut Orders {
        self.orders.entry(device.clone()).or_default()
    }

    /// When the last run of `rule` began: it has passed the rule's conditions. None when it never had
    /// one, or when that was more than a year ago.
    ///
    /// With a `key`, of the runs for this value (`per:`); of so many values as fit.
    pub fn last_started(&self, rule: &RuleId, key: Option<&str>) -> Option<Timestamp> {
        match key {
            None => self.started.get(rule).and_then(Recent::last),
            Some(key) => self.started_for.get(rule)?.get(key).copied(),
        }
    }

    /// When the last runs of `rule` began, as far as the breaker counts them: since it was let go on, and without
    /// those that made up for missed ones.
    pub(in crate::engine) fn starts(&self, rule: &RuleId) -> Option<Cow<'_, Recent>> {
        let mut starts = Cow::Borrowed(self.started.get(rule)?);
        if let Some(caught_up) = self.caught_up.get(rule) {
            starts = Cow::Owned(starts.without(caught_up));
        }
        if let Some(from) = self.counted_from.get(rule) {
            starts = Cow::Owned(starts.after(*from));
        }
        Some(starts)
    }

    pub(in crate::engine) fn leases(&self) -> &Leases {
        &self.leases
    }

    /// When orders to `device` were given lately.
    pub(in crate::engine) fn given(&self, device: &DeviceId) -> Option<&Recent> {
        self.given.get(device)
    }

    /// When orders to any device were given lately.
    pub(in crate::engine) fn given_to_all(&self) -> &Recent {
        &self.given_to_all
    }

    /// An order to `device` was given at `at`.
    pub fn note_given(&mut self, device: &DeviceId, at: Timestamp) {
        let of_device = self.given.entry(device.clone()).or_default();
        of_device.note(at, room::OF_DEVICE);
        self.given_to_all.note(at, room::OF_HOME);
    }

    /// When somebody else's order to `device` was last over. Told once after each of ours that was taken.
    pub(in crate::engine) fn foreign_order(&self, device: &DeviceId) -> Option<Timestamp> {
        self.foreign.get(device).copied()
    }

    /// A run of `rule` began at `at`, for this value if the rule has one for each. Of too many values, the
    /// one whose run began first is forgotten.
    pub fn note_start(&mut self, rule: &RuleId, key: Option<&str>, at: Timestamp) {
        let of_rule = self.started.entry(rule.clone()).or_default();
        of_rule.note(at, breaker::STARTS);
        self.bound_caught_up(rule);
        let Some(key) = key else {
            return;
        };
        let of_rule = self.started_for.entry(rule.clone()).or_default();
        let last = of_rule.entry(key.to_owned()).or_insert(at);
        *last = at.max(*last);
        if VALUES_MAX < of_rule.len()
            && let Some((oldest, _)) = oldest(of_rule)
        {
            let oldest = oldest.to_owned();
            of_rule.remove(&oldest);
        }
    }

    /// The run of `rule` that began at `at` made up for a missed one.
    pub fn note_caught_up(&mut self, rule: &RuleId, at: Timestamp) {
        let of_rule = self.caught_up.entry(rule.clone()).or_default();
        of_rule.note(at, breaker::STARTS);
        self.bound_caught_up(rule);
    }

    /// Of those that made up for missed ones, none is known for longer than a start is.
    fn bound_caught_up(&mut self, rule: &RuleId) {
        let Some(last) = self.started.get(rule).and_then(Recent::last) else {
            return;
        };
        if let Some(caught_up) = self.caught_up.get_mut(rule) {
            *caught_up = caught_up.after(earlier(last, breaker::STARTS.within));
            if caught_up.last().is_none() {
                self.caught_up.remove(rule);
            }
        }
    }

    /// For which other value it is forgotten when a run of `rule` began last, once one begins for `key`.
    pub(in crate::engine) fn crowded_out(
        &self,
        rule: &RuleId,
        key: &str,
    ) -> Option<(&str, Timestamp)> {
        let of_rule = self.started_for.get(rule)?;
        let is_full = VALUES_MAX <= of_rule.len() && !of_rule.contains_key(key);
        is_full.then(|| oldest(of_rule))?
    }
}

fn oldest(started: &BTreeMap<String, Timestamp>) -> Option<(&str, Timestamp)> {
    let oldest = started.iter().min_by_key(|(_, at)| **at);
    oldest.map(|(key, at)| (key.as_str(), *at))
}
