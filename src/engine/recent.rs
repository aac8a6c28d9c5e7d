//! When something happened lately: what limits count.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::clock::{later, moved};

/// Moments, the oldest first; the newest is always among them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recent(VecDeque<Timestamp>);

/// How much is kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keep {
    /// Before the newest.
    pub(super) within: Duration,
    /// At least one.
    pub(super) most: usize,
}

impl Recent {
    /// It happened at `at`, and what is older than `keep` says is forgotten.
    pub(super) fn note(&mut self, at: Timestamp, keep: Keep) {
        let place = self.0.partition_point(|it| *it <= at);
        self.0.insert(place, at);
        while let (Some(oldest), Some(newest)) = (self.0.front(), self.0.back())
            && (keep.most < self.0.len() || later(*oldest, keep.within) <= *newest)
            && 1 < self.0.len()
        {
            self.0.pop_front();
        }
    }

    /// The clock was set: it was as long ago as before.
    pub(super) fn moved(&mut self, by: SignedDuration) {
        for at in &mut self.0 {
            *at = moved(*at, by);
        }
    }

    /// Those after `from`.
    pub(super) fn after(&self, from: Timestamp) -> Self {
        let first = self.0.partition_point(|it| *it <= from);
        Self(self.0.range(first..).copied().collect())
    }

    /// Those that are not among `others`; each of these takes away one.
    pub(super) fn without(&self, others: &Self) -> Self {
        let mut others = others.0.iter().peekable();
        let mut is_other = |at: &Timestamp| {
            while others.next_if(|it| **it < *at).is_some() {}
            others.next_if(|it| **it == *at).is_some()
        };
        Self(self.0.iter().filter(|it| !is_other(it)).copied().collect())
    }

    pub(super) fn last(&self) -> Option<Timestamp> {
        self.0.back().copied()
    }

    /// When there is room for one more, if `most` are allowed `within` a time and `pending` more are about
    /// to happen; none when there is room now.
    pub(super) fn room_at(
        &self,
        (most, within): (u32, Duration),
        pending: usize,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let window = SignedDuration::try_from(within).unwrap_or(SignedDuration::MAX);
        let first = self
            .0
            .partition_point(|it| window <= now.duration_since(*it));
        let n_inside = self.0.len() - first;
        let too_many = (n_inside + pending).checked_sub(most)?;
        // So many of the oldest have to be out of the window, and one more.
        let leaves = self.0.get(first + too_many).copied().unwrap_or(now);
        Some(later(leaves, within))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    const KEEP: Keep = Keep {
        within: Duration::from_mins(1),
        most: 3,
    };

    fn noted(seconds: &[i64]) -> Recent {
        let mut recent = Recent::default();
        for second in seconds {
            recent.note(at(*second), KEEP);
        }
        recent
    }

    #[test]
    fn what_is_old_or_too_much_is_forgotten_and_the_newest_never() {
        assert_eq!(noted(&[1, 2, 3, 4]), noted(&[2, 3, 4]));
        assert_eq!(noted(&[1, 61]), noted(&[61]));
        assert_eq!(noted(&[2, 61]).0, [at(2), at(61)]);
        assert_eq!(noted(&[61, 2]).0, [at(2), at(61)], "told out of order");
        assert_eq!(noted(&[1000]).last(), Some(at(1000)));
    }

    #[test]
    fn what_came_before_a_moment_or_with_it_is_left_out() {
        let recent = noted(&[10, 20, 30]);
        assert_eq!(recent.after(at(9)), recent);
        assert_eq!(recent.after(at(20)).0, [at(30)]);
        assert_eq!(recent.after(at(30)), Recent::default());
    }

    #[test]
    fn one_is_taken_away_for_each_other_at_the_same_moment() {
        let recent = Recent([10, 20, 20, 30].map(at).into());
        let without =
            |others: &[i64]| recent.without(&Recent(others.iter().map(|it| at(*it)).collect()));
        assert_eq!(without(&[]), recent);
        assert_eq!(without(&[5, 20, 25]).0, [at(10), at(20), at(30)]);
        assert_eq!(without(&[10, 20, 20, 20, 40]).0, [at(30)]);
    }

    #[test]
    fn there_is_room_again_when_enough_have_left_the_window() {
        let recent = noted(&[10, 20, 30]);
        let room =
            |most, pending, now| recent.room_at((most, Duration::from_mins(1)), pending, at(now));
        assert_eq!(room(4, 0, 40), None);
        assert_eq!(room(3, 0, 40), Some(at(70)));
        assert_eq!(room(3, 0, 69), Some(at(70)));
        assert_eq!(room(3, 0, 70), None);
        assert_eq!(room(1, 0, 40), Some(at(90)));
        assert_eq!(room(4, 1, 40), Some(at(70)));
        assert_eq!(
            room(1, 1, 95),
            Some(at(155)),
            "only what is about to happen"
        );
    }
}
