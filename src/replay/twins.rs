//! What was done then and is done now as well: the same about the same moment.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use crate::clock::{earlier, later};
use crate::replay::NEAR;

/// Within this, what happened then and what happens now are at the same moment: real programs take their time.
pub(super) const EXACT: SignedDuration = SignedDuration::from_secs(1);

/// What was done then and has not found its like.
#[derive(Debug, Default)]
pub(super) struct Twins {
    by_time: BTreeSet<(Timestamp, usize)>,
}

impl Twins {
    pub(super) fn add(&mut self, at: Timestamp, index: usize) {
        self.by_time.insert((at, index));
    }

    /// The nearest one of about that moment that fits, or the one that is preferred.
    pub(super) fn take(
        &mut self,
        now: Timestamp,
        is_preferred: impl Fn(usize) -> bool,
        fits: impl Fn(usize) -> bool,
    ) -> Option<usize> {
        let near = (earlier(now, NEAR), 0)..=(later(now, NEAR), usize::MAX);
        let near = self.by_time.range(near).copied();
        let fitting = near.filter(|(_, index)| fits(*index));
        let best = fitting.min_by_key(|(at, index)| {
            let distance = now.duration_since(*at).abs();
            (!is_preferred(*index), distance, *index)
        })?;
        self.by_time.remove(&best);
        Some(best.1)
    }
}

/// When what came at `at` comes, now that what led to it is done at `now` and not at `then`.
pub(super) fn moved(at: Timestamp, then: Timestamp, now: Timestamp) -> Timestamp {
    let shift = now.duration_since(then);
    let moved = if shift.abs() < EXACT {
        at
    } else {
        at.checked_add(shift).unwrap_or(at)
    };
    moved.max(now)
}
