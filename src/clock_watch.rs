//! Notices that somebody set the clock of the machine, and puts right what waits.
//!
//! A Raspberry Pi has no clock that runs without power: it starts where it was switched off, or years ago, and
//! learns the time from the network a minute later.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;

use crate::clock::{Clock, moved};
use crate::domain::event::{Event, Payload, Source};
use crate::domain::id::EventId;
use crate::engine::schedule::plausible::{EARLIEST, PUT_BACK_MAX};
use crate::store::error::Error;
use crate::store::writer::Tx;
use crate::store::{Store, inbox};

/// What watching needs.
#[derive(Debug)]
pub(crate) struct ClockWatch {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
}

/// How often it looks.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// Watches until `stop`.
pub(crate) async fn run(watch: ClockWatch, stop: CancellationToken) {
    if watch.clock.now() < EARLIEST {
        tracing::warn!(
            now = %watch.clock.now(),
            "the clock cannot be right; rules that go by the time wait until it is set"
        );
    }
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = watch.clock.sleep(LOOK_EVERY) => {}
        }
        match watch.look().await {
            Ok(()) => {}
            Err(Error::Closed) => return,
            Err(error) => tracing::warn!(%error, "the clock was set; waiting for the store"),
        }
    }
}

/// At a start, a clock that is behind what was recorded last was put back meanwhile: a machine without a clock
/// of its own starts years ago. What waits has as much time left as it had then.
pub(crate) fn look_at_start(tx: &Tx<'_>, now: Timestamp) -> Result<(), Error> {
    let last_seen = inbox::last_received(tx)?;
    let Some(last_seen) = last_seen.filter(|it| !is_put_back_by_little(now, *it)) else {
        return Ok(());
    };
    let by = now.duration_since(last_seen);
    tracing::warn!(%now, %last_seen, "the clock was put back while the engine was down");
    inbox::happen(tx, clock_set(by, now, true))
}

fn is_put_back_by_little(now: Timestamp, last_seen: Timestamp) -> bool {
    last_seen.duration_since(now) <= PUT_BACK_MAX
}

/// The event that the clock was set by `by`, to `now`.
fn clock_set(by: SignedDuration, now: Timestamp, was_down: bool) -> Event {
    Event {
        id: EventId::engine("clock_set", now),
        source: Source::Engine,
        received_at: now,
        payload: Payload::ClockSet {
            by_ms: i64::try_from(by.as_millis()).unwrap_or(i64::MAX),
            was_down,
        },
    }
}

impl ClockWatch {
    /// Puts right what waits, if the clock was set. The clock of the program goes over to the new time with the
    /// event that tells of it ([`Evaluation`](crate::evaluation::Evaluation)), and so do the rows.
    pub(crate) async fn look(&self) -> Result<(), Error> {
        let Some(by) = self.clock.set_by() else {
            return Ok(());
        };
        // Whole milliseconds: so far is it told.
        let by = SignedDuration::from_millis(i64::try_from(by.as_millis()).unwrap_or(i64::MAX));
        tracing::warn!(%by, "the clock of the machine was set");
        let before = self.clock.taken_over();
        let clock = self.clock.clone();
        let record = move |tx: &Tx<'_>| {
            let event = clock_set(by, moved(clock.now(), by), false);
            inbox::happen(tx, event)
        };
        let recorded = self.store.write(record).await;
        if recorded.is_err() {
            // The event may have been shown before its transaction failed.
            self.clock.take_over(before);
        }
        recorded
    }
}
