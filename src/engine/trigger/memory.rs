//! What a trigger remembers between two inputs: plain data, a row for each trigger that remembers something.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::clock::moved;
use crate::domain::device::Device;
use crate::engine::facts::TriggerFields;
use crate::engine::schedule::cursor::Cursor;

/// Every part is empty for the kinds of trigger that have no use for it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TriggerMemory {
    /// Of whom it is: another trigger in its place does not inherit it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub shape: String,
    /// On which side of the limit each subject was.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub sides: BTreeMap<String, Side>,
    /// Facts that hold and have to go on holding (`for:`), by subject.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub held: BTreeMap<String, Holding>,
    /// How far a schedule has been dealt with, and its next tick.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<Cursor>,
    /// The same from before the clock was put back by a day or more: it counts again once the clock is as far.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub former: Option<Cursor>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_tick: Option<Timestamp>,
    /// Since when nothing came, of an absence that counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub silent_since: Option<Timestamp>,
    /// When an absence fires.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub silent_until: Option<Timestamp>,
    /// Matches that are not whole. Of `all_of` one, of `sequence` one for each number of parts that have
    /// come. Of `count` one, with each coming.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub partial: Vec<Partial>,
    /// Of the triggers inside, in their order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Self>,
    /// Of a group that looks at each of its devices by itself: what it remembers of each, by its name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub devices: BTreeMap<String, Self>,
}

/// Where a value is, seen from a threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Beyond the limit: it has fired, or was there when it was first seen.
    Beyond,
    /// Where it has to be to cross the limit.
    Armed,
}

/// A fact that began to hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Holding {
    pub since: Timestamp,
    pub until: Timestamp,
    /// When it was last heard to hold, or a little before: not each time is worth a row. It is for the
    /// time after a start; until then, the reading itself tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heard_at: Option<Timestamp>,
    /// What the trigger saw when it began.
    pub fields: TriggerFields,
}

/// The parts of a group that have come, with their moments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partial {
    pub came: Vec<(usize, Timestamp)>,
}

impl TriggerMemory {
    /// When time alone makes something of it.
    pub fn due(&self) -> Option<Timestamp> {
        let held = self.held.values().map(|it| it.until).min();
        let own = [held, self.next_tick, self.silent_until];
        let inside = self.inside().filter_map(Self::due);
        own.into_iter().flatten().chain(inside).min()
    }

    /// The clock was set: what was counted goes on being counted. Schedules go by the clock and stay.
    pub(super) fn moved(&mut self, by: SignedDuration) {
        for holding in self.held.values_mut() {
            holding.since = moved(holding.since, by);
            holding.until = moved(holding.until, by);
            holding.heard_at = holding.heard_at.map(|it| moved(it, by));
        }
        self.silent_since = self.silent_since.map(|it| moved(it, by));
        self.silent_until = self.silent_until.map(|it| moved(it, by));
        for (_, at) in self.partial.iter_mut().flat_map(|it| &mut it.came) {
            *at = moved(*at, by);
        }
    }

    /// Whether other facts hold for a while now than `before`; here, or in one of the parts.
    pub(in crate::engine) fn holds_other_than(&self, before: Option<&Self>) -> bool {
        let nothing = Self::default();
        let before = before.unwrap_or(&nothing);
        let of_parts =
            |(index, part): (usize, &Self)| part.holds_other_than(before.parts.get(index));
        let of_devices =
            |(name, device): (&String, &Self)| device.holds_other_than(before.devices.get(name));
        !self.held.keys().eq(before.held.keys())
            || self.parts.iter().enumerate().any(of_parts)
            || self.devices.iter().any(of_devices)
    }

    /// What is remembered of the triggers inside.
    fn inside(&self) -> impl Iterator<Item = &Self> {
        self.parts.iter().chain(self.devices.values())
    }

    /// The facts that hold and have to go on holding, here and inside, with their subjects.
    pub(in crate::engine) fn holdings(&self) -> Vec<(&str, &Holding)> {
        let own = self.held.iter();
        let own = own.map(|(subject, holding)| (subject.as_str(), holding));
        own.chain(self.inside().flat_map(Self::holdings)).collect()
    }

    /// Of devices, those that the trigger is about still.
    pub(super) fn keep_only(&mut self, devices: &[Device]) {
        let is_there = |name: &String| devices.iter().any(|it| it.alias.as_str() == name);
        self.sides.retain(|name, _| is_there(name));
        self.held.retain(|name, _| is_there(name));
        self.devices.retain(|name, _| is_there(name));
    }

    /// Nothing of the group as a whole counts: each of these devices is looked at by itself.
    pub(super) fn split(&mut self, devices: &[Device]) {
        self.keep_only(devices);
        *self = Self {
            shape: std::mem::take(&mut self.shape),
            devices: std::mem::take(&mut self.devices),
            ..Self::default()
        };
    }

    /// What is remembered of the device with this name.
    pub(super) fn of_device(&mut self, name: &str) -> &mut Self {
        self.devices.entry(name.to_owned()).or_default()
    }

    /// What the part at `index` remembers.
    pub(super) fn part(&mut self, index: usize) -> &mut Self {
        if self.parts.len() <= index {
            self.parts.resize_with(index + 1, Self::default);
        }
        &mut self.parts[index]
    }
}
