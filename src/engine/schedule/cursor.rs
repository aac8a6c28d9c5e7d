//! How far a schedule has been dealt with: what has fired and what is due.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::engine::schedule::Schedule;
use crate::engine::schedule::catch_up::Ticks;
use crate::rules::trigger::CatchUp;

/// A tick that is not older than this comes late, and was not missed: the engine was busy or the
/// disk slow, but it was there.
pub const LATE_MAX: Duration = Duration::from_secs(10);

/// The moment up to which the ticks of one trigger have been dealt with. To be stored with the trigger.
///
/// It only goes forward, whatever the clock does, and so no tick comes twice:
///
/// - The clock jumps ahead, or the engine was down: the ticks between are due, and those older than
///   [`LATE_MAX`] only as far as `catch_up:` wants them.
/// - The clock jumps back: nothing is due until it is again where it was. If it was far ahead before,
///   for instance by a year, that would be long. Whoever knows that the clock is right now begins with
///   a [`new`](Self::new) cursor.
///
/// The next tick depends on this moment alone, and not on the tick that fired last. So a trigger
/// whose times have been edited, or a sunset that is a second later after the home was moved on the
/// map, fires no second time for what is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Cursor {
    dealt_with_until: Timestamp,
}

impl Cursor {
    /// For a trigger that is new at `now`: what was before is none of its business.
    pub fn new(now: Timestamp) -> Self {
        Self {
            dealt_with_until: now,
        }
    }

    /// When something is due next; none when never.
    pub fn next(&self, schedule: &Schedule<'_>) -> Option<Timestamp> {
        schedule.next(self.dealt_with_until)
    }

    /// What is due at `now`. The same is due until [`advance`](Self::advance) is called.
    pub fn due(&self, schedule: &Schedule<'_>, now: Timestamp) -> Ticks {
        let after = self.dealt_with_until;
        let within = schedule.missed.within;
        match schedule.missed.catch_up {
            CatchUp::All => schedule.wanted(after, now, CatchUp::All, within.max(LATE_MAX)),
            catch_up @ (CatchUp::Latest | CatchUp::None) => {
                let late = schedule.wanted(after, now, CatchUp::All, LATE_MAX);
                if late.at.is_empty() {
                    schedule.wanted(after, now, catch_up, within)
                } else {
                    late
                }
            }
        }
    }

    /// Whether the clock is as far at `now`.
    pub fn is_reached(&self, now: Timestamp) -> bool {
        self.dealt_with_until <= now
    }

    /// All up to `now` has been dealt with.
    pub fn advance(&mut self, now: Timestamp) {
        self.dealt_with_until = self.dealt_with_until.max(now);
    }
}
