//! Whether and when a command is pushed again after it was turned away or failed.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::domain::answers::may_pass;
use crate::domain::command::{Command, RetryPolicy};
use crate::domain::lifecycle::{Failure, Outcome};

impl Failure {
    /// Whether the same push may succeed later, by its code.
    pub fn may_pass(&self) -> bool {
        may_pass(self.code.as_deref())
    }
}

impl RetryPolicy {
    /// When to push again after `attempts` pushes; none when they are used up.
    pub fn next_attempt(&self, attempts: u32, now: Timestamp) -> Option<Timestamp> {
        (attempts < self.attempts).then(|| later(now, self.wait_after(attempts)))
    }

    /// The same for an answer that asked for so long a wait.
    pub fn next_attempt_as_asked(
        &self,
        asked: Option<Duration>,
        attempts: u32,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let at = self.next_attempt(attempts, now)?;
        Some(asked.map_or(at, |asked| at.max(later(now, asked))))
    }

    /// Doubled with each attempt, up to the most.
    fn wait_after(&self, attempts: u32) -> Duration {
        let doublings = attempts.saturating_sub(1).min(Self::ATTEMPTS_MAX);
        self.backoff
            .saturating_mul(1 << doublings)
            .min(self.max_backoff)
    }
}

impl Command {
    /// When to push it again after `attempts` pushes; none when they are used up, or its time would be over by then.
    pub fn next_attempt(&self, attempts: u32, now: Timestamp) -> Option<Timestamp> {
        let at = self.retry.next_attempt(attempts, now)?;
        self.timing.end.is_none_or(|end| at < end).then_some(at)
    }

    /// The same after an action that ended with `outcome`.
    pub fn after_outcome(
        &self,
        outcome: &Outcome,
        attempts: u32,
        now: Timestamp,
    ) -> Option<Timestamp> {
        outcome.failure().filter(|failure| failure.may_pass())?;
        self.next_attempt(attempts, now)
    }
}

/// The longest wait between two look-ups of one action.
const LOOK_UP_WAIT_MAX: Duration = Duration::from_mins(5);

/// The longest wait between two look-ups of an action that is planned and has not begun.
pub const PLANNED_LOOK_UP: Duration = Duration::from_hours(1);

/// When to ask again after something that `began` and is not known yet: the wait doubles with the time
/// that has passed, from `shortest` to five minutes.
pub fn next_look_up(began: Timestamp, shortest: Duration, now: Timestamp) -> Timestamp {
    let waited = Duration::try_from(now.duration_since(began)).unwrap_or_default();
    let wait = waited.clamp(shortest, LOOK_UP_WAIT_MAX.max(shortest));
    later(now, wait)
}

/// `moment` plus `duration`, at most the end of the calendar.
pub(super) fn later(moment: Timestamp, duration: Duration) -> Timestamp {
    let duration = SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
    moment.checked_add(duration).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_most_and_attempts_are_counted() {
        let policy = RetryPolicy {
            attempts: 4,
            backoff: Duration::from_secs(30),
            max_backoff: Duration::from_secs(100),
        };
        let waits: Vec<_> = (1..=4)
            .map(|attempts| policy.next_attempt(attempts, Timestamp::UNIX_EPOCH))
            .map(|at| at.map(Timestamp::as_second))
            .collect();
        assert_eq!(waits, [Some(30), Some(60), Some(100), None]);
    }

    #[test]
    fn only_a_cause_that_may_pass_is_tried_again() {
        let failed = |code| Outcome::Failed(Failure::new(code, ""));
        let order = Command::example("cmd_1", "dev_1");
        let again = |outcome| order.after_outcome(&outcome, 1, Timestamp::UNIX_EPOCH);
        assert_eq!(
            again(failed(Some("DEVICE_OFFLINE"))).map(Timestamp::as_second),
            Some(30)
        );
        assert_eq!(again(failed(Some("PARAMETER_OUT_OF_RANGE"))), None);
        assert_eq!(again(failed(None)), None);
        assert_eq!(again(Outcome::Completed), None);
        assert_eq!(again(Outcome::Cancelled), None);
    }

    #[test]
    fn look_ups_become_rarer_and_never_rarer_than_five_minutes() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let next = |now| next_look_up(at(0), Duration::from_secs(2), at(now)).as_second();
        assert_eq!(
            [next(1), next(3), next(20), next(300), next(4000)],
            [3, 6, 40, 600, 4300]
        );
        // A clock that was set back.
        assert_eq!(next(-50), -48);
    }
}
