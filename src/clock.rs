//! The one place that asks for the time.
//!
//! Everything above the core holds a [`Clock`]; tests hand in a simulated one and wind it by hand.
//!
//! The clock of the system runs on by itself once the program has started, also when somebody sets the clock
//! on the wall: a Raspberry Pi learns the time a minute after it was switched on. Whoever can put right what
//! waits asks how far the two are apart ([`Clock::set_by`]), and then takes the time over ([`Clock::take_over`]).
//! What is kept in memory alone goes by the time that nobody sets ([`Clock::steady`]).

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Notify, watch};

/// The time, and waiting for it. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Clock {
    System,
    Simulated(Simulated),
}

/// A clock on the wall that differs by more than this was set. Less is how clocks are kept right.
pub const SET_MIN: SignedDuration = SignedDuration::from_secs(5);

/// The program's start: what the wall said, and what has run on evenly since.
static STARTED: LazyLock<(Timestamp, Instant)> = LazyLock::new(|| {
    #[expect(clippy::disallowed_methods, reason = "this is the place that asks")]
    let started = (whole_microseconds(Timestamp::now()), Instant::now());
    started
});

/// How far the wall clock was set since the program's start, as far as that was taken over. One for the
/// process, as its clock is.
static TAKEN_OVER: LazyLock<watch::Sender<SignedDuration>> =
    LazyLock::new(|| watch::Sender::new(SignedDuration::ZERO));

/// A clock that somebody winds by hand.
#[derive(Clone, Debug)]
pub struct Simulated {
    time: Arc<Mutex<Shown>>,
    /// Wakes who sleeps in the order in which they lay down, so that a day can be lived again as it was.
    moved: Arc<Notify>,
    sleepers: Sleepers,
    wall: Wall,
}

impl Simulated {
    fn shown(&self) -> Shown {
        *self.time.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn show(&self, change: impl FnOnce(&mut Shown)) {
        change(&mut self.time.lock().unwrap_or_else(PoisonError::into_inner));
        self.moved.notify_waiters();
    }

    /// Returns when what is shown is `reached`.
    async fn wait_for(&self, reached: impl Fn(Shown) -> bool) {
        loop {
            // What happens between the look and the wait counts too.
            let moved = self.moved.notified();
            if reached(self.shown()) {
                return;
            }
            moved.await;
        }
    }
}

/// What a simulated clock shows.
#[derive(Clone, Copy, Debug)]
struct Shown {
    steady: Timestamp,
    taken_over: SignedDuration,
}

impl Shown {
    fn now(self) -> Timestamp {
        moved(self.steady, self.taken_over)
    }
}

/// How far the clock on the wall was set in all since a simulated one began.
#[derive(Clone, Debug, Default)]
struct Wall(Arc<Mutex<SignedDuration>>);

impl Wall {
    fn set(&self) -> MutexGuard<'_, SignedDuration> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Moves a simulated clock. It stands still otherwise, and for good when this is dropped.
#[derive(Debug)]
pub struct Winder(Simulated);

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
        let simulated = Simulated {
            time: Arc::new(Mutex::new(Shown {
                steady: start,
                taken_over: SignedDuration::ZERO,
            })),
            moved: Arc::default(),
            sleepers: Sleepers::default(),
            wall: Wall::default(),
        };
        (Self::Simulated(simulated.clone()), Winder(simulated))
    }

    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => whole_microseconds(moved(self.steady(), self.taken_over())),
            Self::Simulated(it) => it.shown().now(),
        }
    }

    /// The time as it would be had nobody set the clock since the program's start.
    pub fn steady(&self) -> Timestamp {
        match self {
            Self::System => {
                let (wall, began) = &*STARTED;
                later(*wall, began.elapsed())
            }
            Self::Simulated(it) => it.shown().steady,
        }
    }

    /// How far the clock on the wall was set away from this one; none when they agree.
    pub fn set_by(&self) -> Option<SignedDuration> {
        let by = match self {
            #[expect(clippy::disallowed_methods, reason = "this is the place that asks")]
            Self::System => Timestamp::now().duration_since(self.now()),
            Self::Simulated(it) => it.wall.set().saturating_sub(self.taken_over()),
        };
        (SET_MIN < by.abs()).then_some(by)
    }

    /// How far this clock was set in all since the program's start.
    pub fn taken_over(&self) -> SignedDuration {
        match self {
            Self::System => *TAKEN_OVER.borrow(),
            Self::Simulated(it) => it.shown().taken_over,
        }
    }

    /// Sets this clock, so that it was set `in_all` since the program's start. Who sleeps until a moment that
    /// is over then wakes.
    pub fn take_over(&self, in_all: SignedDuration) {
        match self {
            Self::System => {
                TAKEN_OVER.send_if_modified(|it| std::mem::replace(it, in_all) != in_all);
            }
            Self::Simulated(it) => it.show(|it| it.taken_over = in_all),
        }
    }

    /// Returns when the clock shows `moment` or later.
    pub async fn sleep_until(&self, moment: Timestamp) {
        match self {
            Self::System => {
                let mut set = TAKEN_OVER.subscribe();
                while let now = self.now()
                    && now < moment
                {
                    let left = moment.duration_since(now);
                    let left = Duration::try_from(left).unwrap_or(Duration::ZERO);
                    #[expect(clippy::disallowed_methods, reason = "this is the place that waits")]
                    let passed = tokio::time::sleep(left);
                    tokio::select! {
                        biased;
                        () = passed => {}
                        _ = set.changed() => {}
                    }
                }
            }
            Self::Simulated(it) => {
                let _sleeper = it.sleepers.sleeper(moment);
                it.wait_for(|shown| moment <= shown.now()).await;
            }
        }
    }

    /// Returns when `duration` has passed, whether or not the clock is set meanwhile.
    pub async fn sleep(&self, duration: Duration) {
        match self {
            #[expect(clippy::disallowed_methods, reason = "this is the place that waits")]
            Self::System => tokio::time::sleep(duration).await,
            Self::Simulated(_) => {
                let end = later(self.steady(), duration);
                loop {
                    let set = self.taken_over();
                    tokio::select! {
                        biased;
                        () = self.sleep_until(moved(end, set)) => {}
                        () = self.set_since(set) => {}
                    }
                    if end <= self.steady() {
                        return;
                    }
                }
            }
        }
    }

    /// Returns when a simulated clock was set to something else than `before`.
    async fn set_since(&self, before: SignedDuration) {
        match self {
            Self::System => std::future::pending().await,
            Self::Simulated(it) => it.wait_for(|shown| shown.taken_over != before).await,
        }
    }
}

impl Winder {
    /// Moves the clock forward by `duration` and wakes who waits for it.
    pub fn advance(&self, duration: Duration) {
        self.0.show(|it| it.steady = later(it.steady, duration));
    }

    /// Sets the clock on the wall, by which a program that starts goes, `ahead` of this one.
    pub fn set_wall(&self, ahead: SignedDuration) {
        let taken_over = self.0.shown().taken_over;
        *self.0.wall.set() = taken_over.saturating_add(ahead);
    }

    /// The next moment that somebody waits for; none while nobody does.
    pub fn next_sleeper(&self) -> Option<Timestamp> {
        self.0.sleepers.waiting().until.first().map(|(at, _)| *at)
    }
}

/// What a row can hold, so that a moment is the same before and after it was stored.
fn whole_microseconds(moment: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(moment.as_microsecond()).expect("it was a moment before")
}

/// `moment` after its clock was set by `by`, within the calendar.
pub fn moved(moment: Timestamp, by: SignedDuration) -> Timestamp {
    let end = if by.is_negative() {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    };
    moment.checked_add(by).unwrap_or(end)
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
