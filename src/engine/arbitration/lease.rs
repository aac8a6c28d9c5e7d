//! Who has each device, and who waits for it. Read off the runs, so that it stands over a restart.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::clock::moved;
use crate::domain::id::{DeviceId, RuleId, RunId};
use crate::engine::run::Run;
use crate::engine::wait::Wait;
use crate::rules::rule::OperationKind;

/// A device that a rule keeps beyond the step that ordered it (`lease: {until: …}`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    pub rule: RuleId,
    /// The run whose step asked for it; it may be over.
    pub run: RunId,
    pub until: Timestamp,
    /// The clocks of the home are to show that moment (`until: "07:00"`); otherwise it is a time from then on.
    pub by_clock: bool,
}

/// A clock that is set by this much or more was wrong before, and so was whatever was read off it.
pub(in crate::engine) const WRONG_MIN: SignedDuration = SignedDuration::from_hours(24);

impl Kept {
    /// The same after the clock was set by `by`.
    #[must_use]
    pub fn moved(mut self, by: SignedDuration) -> Self {
        if !self.by_clock || WRONG_MIN <= by.abs() {
            self.until = moved(self.until, by);
        }
        self
    }
}

/// The devices that runs have or want.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::engine) struct Leases {
    /// Runs at a step whose order is under way.
    held: BTreeMap<DeviceId, BTreeSet<RunId>>,
    /// Runs that wait for the device.
    line: BTreeMap<DeviceId, BTreeSet<RunId>>,
    kept: BTreeMap<DeviceId, Kept>,
}

/// What a run that stands at a command step is to the device.
enum Stand<'r> {
    Has(&'r DeviceId),
    Wants(&'r DeviceId),
}

fn stand(run: &Run) -> Option<Stand<'_>> {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "one kind of step has a device"
    )]
    match run.wait.as_ref()? {
        Wait::Device { device, .. } => Some(Stand::Wants(device)),
        Wait::Command { .. } | Wait::Verify { .. } => match &run.operation()?.kind {
            OperationKind::Command(order) => Some(Stand::Has(&order.device.id)),
            _ => None,
        },
        Wait::Http { .. }
        | Wait::Setting { .. }
        | Wait::Cancel { .. }
        | Wait::Delay
        | Wait::Triggers { .. }
        | Wait::Conditions
        | Wait::Branches { .. }
        | Wait::Turn
        | Wait::Readings { .. } => None,
    }
}

/// The device that the run has, or waits for.
pub(in crate::engine) fn device(run: &Run) -> Option<&DeviceId> {
    stand(run).map(|it| match it {
        Stand::Has(device) | Stand::Wants(device) => device,
    })
}

impl Leases {
    pub(in crate::engine) fn put(&mut self, run: &Run) {
        if let Some(stand) = stand(run) {
            let (runs, device) = self.runs(&stand);
            runs.entry(device.clone())
                .or_default()
                .insert(run.id.clone());
        }
    }

    pub(in crate::engine) fn take(&mut self, run: &Run) {
        let Some(stand) = stand(run) else {
            return;
        };
        let (runs, device) = self.runs(&stand);
        if let Some(of_device) = runs.get_mut(device) {
            of_device.remove(&run.id);
            if of_device.is_empty() {
                runs.remove(device);
            }
        }
    }

    fn runs<'r>(
        &mut self,
        stand: &Stand<'r>,
    ) -> (&mut BTreeMap<DeviceId, BTreeSet<RunId>>, &'r DeviceId) {
        match stand {
            Stand::Has(device) => (&mut self.held, device),
            Stand::Wants(device) => (&mut self.line, device),
        }
    }

    pub(in crate::engine) fn keep(&mut self, device: &DeviceId, kept: &Kept) {
        self.kept.insert(device.clone(), kept.clone());
    }

    pub(in crate::engine) fn release(&mut self, device: &DeviceId) {
        self.kept.remove(device);
    }

    /// The clock was set.
    pub(in crate::engine) fn moved(&mut self, by: SignedDuration) {
        for kept in self.kept.values_mut() {
            *kept = kept.clone().moved(by);
        }
    }

    pub(super) fn held(&self, device: &DeviceId) -> impl Iterator<Item = &RunId> {
        self.held.get(device).into_iter().flatten()
    }

    pub(super) fn line(&self, device: &DeviceId) -> impl Iterator<Item = &RunId> {
        self.line.get(device).into_iter().flatten()
    }

    pub(in crate::engine) fn kept(&self, device: &DeviceId) -> Option<&Kept> {
        self.kept.get(device)
    }

    /// The devices that rules keep, or kept until a while ago.
    pub(in crate::engine) fn each_kept(&self) -> impl Iterator<Item = &DeviceId> {
        self.kept.keys()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_until_a_time_of_the_day_goes_by_the_new_time_unless_the_clock_was_wrong() {
        let until: Timestamp = "2026-03-02T13:00:00Z".parse().unwrap();
        let moved_by = |by_clock, hours| {
            let kept = Kept {
                rule: RuleId::new("rule"),
                run: RunId::new("run"),
                until,
                by_clock,
            };
            let moved = kept.moved(SignedDuration::from_hours(hours));
            moved.until.duration_since(until).as_hours()
        };
        assert_eq!(moved_by(false, 5), 5);
        assert_eq!(moved_by(false, -5), -5);
        assert_eq!(moved_by(true, 23), 0);
        assert_eq!(moved_by(true, -23), 0);
        assert_eq!(moved_by(true, -24), -24);
        assert_eq!(moved_by(true, 400_000), 400_000);
    }
}
