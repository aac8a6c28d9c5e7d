//! Ticks that were missed, and which of them still count.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::engine::schedule::Schedule;
use crate::rules::trigger::CatchUp;

/// The most ticks that are caught up at once; of more, the latest count.
pub const TICKS_MAX: usize = 100;

/// So far are ticks counted that do not count any more.
pub const LEFT_OUT_MAX: usize = 1000;

const SECOND: SignedDuration = SignedDuration::from_secs(1);
const NANOSECOND: SignedDuration = SignedDuration::from_nanos(1);

/// What came to be due.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ticks {
    /// In order, at most [`TICKS_MAX`].
    pub at: Vec<Timestamp>,
    /// How many were passed over, before the first of `at` or at all; [`LEFT_OUT_MAX`] stands for that many or more.
    pub left_out: usize,
}

impl Schedule<'_> {
    /// Of the ticks after `after` up to `until`, that moment included, those that `catch_up:` still wants
    /// at `until`: the latest, all or none, and none older than `within:`.
    pub fn missed(&self, after: Timestamp, until: Timestamp) -> Ticks {
        self.wanted(after, until, self.missed.catch_up, self.missed.within)
    }

    pub(super) fn wanted(
        &self,
        after: Timestamp,
        until: Timestamp,
        catch_up: CatchUp,
        within: Duration,
    ) -> Ticks {
        let young = after.max(older_than(within, until));
        let at = match catch_up {
            CatchUp::Latest => self.last(young, until).into_iter().collect(),
            CatchUp::All => self.latest(young, until),
            CatchUp::None => Vec::new(),
        };
        let kept_from = at.first();
        let left_out = self
            .ticks(after)
            .take_while(|it| *it <= until && kept_from.is_none_or(|first| it < first))
            .take(LEFT_OUT_MAX)
            .count();
        Ticks { at, left_out }
    }

    /// The latest [`TICKS_MAX`] ticks after `after` up to `until`, in order.
    fn latest(&self, after: Timestamp, mut until: Timestamp) -> Vec<Timestamp> {
        let some = self.ticks(after).take_while(|it| *it <= until);
        let mut at: Vec<Timestamp> = some.take(TICKS_MAX + 1).collect();
        if at.len() <= TICKS_MAX {
            return at;
        }
        at.clear();
        while at.len() < TICKS_MAX
            && let Some(last) = self.last(after, until)
        {
            at.push(last);
            until = last.saturating_sub(NANOSECOND).unwrap_or(Timestamp::MIN);
        }
        at.reverse();
        at
    }

    /// The last tick after `after` up to `until`, that moment included.
    ///
    /// Schedules only run forwards. This asks for the next tick after moments ever further back, and
    /// then halves the time in which the last one must be: some 60 questions for a year, not one for
    /// each tick in it.
    pub(super) fn last(&self, after: Timestamp, until: Timestamp) -> Option<Timestamp> {
        let next = |from: Timestamp| self.next(from).filter(|it| *it <= until);
        let mut found = next(after)?;
        // There is no tick after this up to `until`.
        let mut end = until;
        let mut back = SECOND;
        while let Ok(from) = until.checked_sub(back)
            && found < from
        {
            if let Some(later) = next(from) {
                found = later;
                break;
            }
            end = from;
            back = back.saturating_mul(2);
        }
        while SECOND < end.duration_since(found) {
            let middle = found + end.duration_since(found) / 2;
            match next(middle) {
                Some(later) => found = later,
                None => end = middle,
            }
        }
        while let Some(later) = next(found) {
            found = later;
        }
        Some(found)
    }
}

/// The moment such that what comes after it is not older than `within` at `now`.
pub(super) fn older_than(within: Duration, now: Timestamp) -> Timestamp {
    let within = SignedDuration::try_from(within).unwrap_or(SignedDuration::MAX);
    now.checked_sub(within.saturating_add(NANOSECOND))
        .unwrap_or(Timestamp::MIN)
}
