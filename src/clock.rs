//! The one place that asks for the time.
//!
//! Everything above the core holds a [`Clock`]; tests hand in a simulated one and wind it by hand.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

/// The time, and waiting for it. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Clock {
    System,
    Simulated(Simulated),
}

/// A clock that somebody winds by hand.
#[derive(Clone, Debug)]
pub struct Simulated {
    time: watch::Receiver<Timestamp>,
    sleepers: Sleepers,
}

/// Moves a simulated clock. It stands still otherwise, and stops for good when this is dropped.
#[derive(Debug)]
pub struct Winder {
    time: watch::Sender<Timestamp>,
    sleepers: Sleepers,
}

/// Who waits for which moment of a simulated clock.
#[derive(Clone, Debug, Default)]
struct Sleepers(Arc<Mutex<Waiting>>);

#[derive(Debug, Default)]
struct Waiting {
    until: BTreeSet<(Timestamp, u64)>,
    n_seen: u64,
}

/// Somebody who waits, until this is dropped.
struct Sleeper {
    entry: (Timestamp, u64),
    sleepers: Sleepers,
}

impl Sleepers {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sleeper(&self, until: Timestamp) -> Sleeper {
        let mut waiting = self.waiting();
        waiting.n_seen += 1;
        let entry = (until, waiting.n_seen);
        waiting.until.insert(entry);
        Sleeper {
            entry,
            sleepers: self.clone(),
        }
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        self.sleepers.waiting().until.remove(&self.entry);
    }
}

impl Clock {
    /// A clock that stands at `start` until it is wound.
    pub fn simulated(start: Timestamp) -> (Self, Winder) {
        let (sender, receiver) = watch::channel(start);
        let sleepers = Sleepers::default();
        let winder = Winder {
            time: sender,
            sleepers: sleepers.clone(),
        };
        let time = receiver;
        (Self::Simulated(Simulated { time, sleepers }), winder)
    }

    pub fn now(&self) -> Timestamp {
        match self {
            #[expect(clippy::disallowed_methods, reason = "this is the place that asks")]
            Self::System => whole_microseconds(Timestamp::now()),
            Self::Simulated(it) => *it.time.borrow(),
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
            Self::Simulated(Simulated { time, sleepers }) => {
                let mut time = time.clone();
                let _sleeper = sleepers.sleeper(moment);
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
        self.time.send_modify(|now| *now = later(*now, duration));
    }

    /// Sets the clock, forward or back, and wakes who waits for a moment that is over now.
    pub fn set(&self, moment: Timestamp) {
        self.time.send_replace(moment);
    }

    /// The next moment that somebody waits for; none while nobody does.
    pub fn next_sleeper(&self) -> Option<Timestamp> {
        self.sleepers.waiting().until.first().map(|(at, _)| *at)
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
