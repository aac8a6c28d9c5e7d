//! What the engine remembers that moves with the clock, beside runs, calls and triggers.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use crate::clock::moved;
use crate::engine::state::State;

impl State {
    /// The clock was set by `by` (`engine::clock_set` tells which moments move, and which do not).
    pub(super) fn clock_set(&mut self, by: SignedDuration) {
        let of_devices = self.readings.values_mut().flat_map(BTreeMap::values_mut);
        let foretold = &self.series;
        let of_inputs = self.inputs.iter_mut();
        let of_inputs = of_inputs.filter(|(name, _)| !foretold.contains_key(*name));
        for reading in of_devices.chain(of_inputs.map(|(_, it)| it)) {
            reading.taken_at = moved(reading.taken_at, by);
        }
        for declared in self.declared.values_mut() {
            declared.since = moved(declared.since, by);
        }
        self.contacts.moved(by);
        self.orders.values_mut().for_each(|it| it.moved(by));
        self.leases.moved(by);
        let recent = self.given.values_mut().chain(self.started.values_mut());
        recent
            .chain(self.caught_up.values_mut())
            .chain([&mut self.given_to_all])
            .for_each(|it| it.moved(by));
        let of_values = self.started_for.values_mut().flat_map(BTreeMap::values_mut);
        let of_rules = self.counted_from.values_mut();
        for at in self.foreign.values_mut().chain(of_values).chain(of_rules) {
            *at = moved(*at, by);
        }
    }
}
