//! The moments of a command step, fixed when the run comes to it: however long it then waits for its device, is
//! verified or ordered again, no time of day slides to the next one.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::clock::moved;
use crate::domain::command::Timing;
use crate::engine::arbitration::lease::WRONG_MIN;
use crate::engine::facts::View;
use crate::engine::timing;
use crate::rules::operation::CommandOptions;

/// Plain data, stored with the run as long as it stands at the step.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// When the order was to begin and to end.
    #[serde(default, skip_serializing_if = "Timing::is_at_once")]
    pub timing: Timing,
    /// The end of the lease, where it is no duration; that counts from the end of the order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease_until: Option<Timestamp>,
    /// The end of the step's `timeout`, since its first order was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Timestamp>,
}

impl Terms {
    /// Of a run that comes to the step now; or why it cannot be done.
    pub(super) fn fix(options: &CommandOptions, view: View<'_>) -> Result<Self, String> {
        let timing = timing::of(options, view)?;
        let (lease, counts) = timing::lease(options, view)?;
        Ok(Self {
            timing,
            lease_until: lease.filter(|_| !counts),
            deadline: None,
        })
    }

    /// The same after the clock was set by `by`.
    pub(super) fn moved(&mut self, by: SignedDuration) {
        let was_wrong = WRONG_MIN <= by.abs();
        let Timing {
            start_counts,
            end_counts,
            ..
        } = self.timing;
        // Whatever was read off a clock that was wrong is as far ahead as it was meant to be.
        let all = Timing {
            start_counts: start_counts || was_wrong,
            end_counts: end_counts || was_wrong,
            ..self.timing
        };
        self.timing = Timing {
            start_counts,
            end_counts,
            ..all.moved(by)
        };
        self.lease_until = self
            .lease_until
            .map(|it| if was_wrong { moved(it, by) } else { it });
        self.deadline = self.deadline.map(|it| moved(it, by));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_moves_durations_and_the_times_that_were_read_off_a_wrong_clock() {
        let at = |hour: i64| Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hour);
        let terms = Terms {
            timing: Timing {
                start: Some(at(1)),
                end: Some(at(2)),
                start_counts: true,
                end_counts: false,
            },
            lease_until: Some(at(3)),
            deadline: Some(at(4)),
        };
        let moved = |hours: i64| {
            let mut terms = terms.clone();
            terms.moved(SignedDuration::from_hours(hours));
            let Timing { start, end, .. } = terms.timing;
            assert!(terms.timing.start_counts && !terms.timing.end_counts);
            [start, end, terms.lease_until, terms.deadline]
        };
        assert_eq!(moved(23), [24, 2, 3, 27].map(|it| Some(at(it))));
        assert_eq!(moved(24), [25, 26, 27, 28].map(|it| Some(at(it))));
    }
}
