//! The one place that asks for the time.
//!
//! Everything above the core holds a [`Clock`]; tests hand in a simulated one and wind it by hand.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

/// The time, and waiting for it. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Clock {
    System,
    Simulated(watch::Receiver<Timestamp>),
}

/// Moves a simulated clock. It stands still otherwise, and stops for good when this is dropped.
#[derive(Debug)]
pub struct Winder(watch::Sender<Timestamp>);

impl Clock {
    /// A clock that stands at `start` until it is wound.
    pub fn simulated(start: Timestamp) -> (Self, Winder) {
        let (sender, receiver) = watch::channel(start);
        (Self::Simulated(receiver), Winder(sender))
    }

    pub fn now(&self) -> Timestamp {
        match self {
            #[expect(clippy::disallowed_methods, reason = "this is the place that asks")]
            Self::System => whole_microseconds(Timestamp::now()),
            Self::Simulated(time) => *time.borrow(),
        }
    }

    /// Returns when the clock shows `moment` or later.
    pub async fn sleep_until(&self, moment: Timestamp) {
        match self {
            Self::System => {
                let left = moment.duration_since(self.now());
                let left = Duration::try_from(left).unwrap_or(Duration::ZERO);
                #[expect(clippy::disallowed_methods, reason = "this is the place that waits")]
                tokio::time::sleep(left).await;
            }
            Self::Simulated(time) => {
                let mut time = time.clone();
                if time.wait_for(|now| *now >= moment).await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        }
    }

    /// Returns when `duration` has passed on this clock.
    pub async fn sleep(&self, duration: Duration) {
        self.sleep_until(later(self.now(), duration)).await;
    }
}

impl Winder {
    /// Moves the clock forward by `duration` and wakes who waits for it.
    pub fn advance(&self, duration: Duration) {
        self.0.send_modify(|now| *now = later(*now, duration));
    }
}

/// What a row can hold, so that a moment is the same before and after it was stored.
fn whole_microseconds(moment: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(moment.as_microsecond()).expect("it was a moment before")
}

/// `moment` plus `duration`, at most the end of the calendar.
pub fn later(moment: Timestamp, duration: Duration) -> Timestamp {
    SignedDuration::try_from(duration)
        .ok()
        .and_then(|duration| moment.checked_add(duration).ok())
        .unwrap_or(Timestamp::MAX)
}

/// `moment` minus `duration`, at least the beginning of the calendar.
pub fn earlier(moment: Timestamp, duration: Duration) -> Timestamp {
    SignedDuration::try_from(duration)
        .ok()
        .and_then(|duration| moment.checked_sub(duration).ok())
        .unwrap_or(Timestamp::MIN)
}
