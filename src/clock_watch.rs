//! Notices that somebody set the clock of the machine, and puts right what waits.
//!
//! A Raspberry Pi has no clock that runs without power: it starts where it was switched off, or years ago, and
//! learns the time from the network a minute later.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;

use crate::clock::{Clock, later, moved};
use crate::domain::event::{Event, Payload, Source};
use crate::domain::id::EventId;
use crate::engine::schedule::plausible::{EARLIEST, PUT_BACK_MAX};
use crate::store::error::Error;
use crate::store::writer::Tx;
use crate::store::{Store, inbox, outbox};

/// What watching needs.
#[derive(Debug)]
pub(crate) struct ClockWatch {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
}

/// How often it looks.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// So long the time of the wall is not taken over while a push may be on its way: what is looked up for it is
/// found by its time. A doubt ends sooner by itself.
const PUSHES_WAIT_MAX: Duration = Duration::from_mins(20);

/// Watches until `stop`.
pub(crate) async fn run(watch: ClockWatch, stop: CancellationToken) {
    if watch.clock.now() < EARLIEST {
        tracing::warn!(
            now = %watch.clock.now(),
            "the clock cannot be right; rules that go by the time wait until it is set"
        );
    }
    let mut noticed_at = None;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = watch.clock.sleep(LOOK_EVERY) => {}
        }
        match watch.look(&mut noticed_at).await {
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
    inbox::record(tx, clock_set(by, now), None).map(drop)
}

fn is_put_back_by_little(now: Timestamp, last_seen: Timestamp) -> bool {
    last_seen.duration_since(now) <= PUT_BACK_MAX
}

/// The event that the clock was set by `by`, to `now`.
fn clock_set(by: SignedDuration, now: Timestamp) -> Event {
    Event {
        id: EventId::engine("clock_set", now),
        source: Source::Engine,
        received_at: now,
        payload: Payload::ClockSet {
            by_ms: i64::try_from(by.as_millis()).unwrap_or(i64::MAX),
        },
    }
}

impl ClockWatch {
    /// Puts right what waits, if the clock was set.
    pub(crate) async fn look(&self, noticed_at: &mut Option<Timestamp>) -> Result<(), Error> {
        let Some(by) = self.clock.set_by() else {
            *noticed_at = None;
            return Ok(());
        };
        // Whole milliseconds: so far is it told.
        let by = SignedDuration::from_millis(i64::try_from(by.as_millis()).unwrap_or(i64::MAX));
        let now = self.clock.now();
        let noticed_at = *noticed_at.get_or_insert(now);
        let is_patient = now < later(noticed_at, PUSHES_WAIT_MAX);
        if is_patient && self.store.write(outbox::is_any_under_way).await? {
            return Ok(());
        }
        tracing::warn!(%by, "the clock of the machine was set");
        // What waits must never seem to be due: it is put off before the clock goes forward, and after it went back.
        if by.is_negative() {
            self.clock.take_over(by);
            while let Err(error) = self.record(by, moved(now, by)).await {
                if matches!(error, Error::Closed) {
                    return Err(error);
                }
                tracing::warn!(%error, "the clock was put back; waiting for the store");
                self.clock.sleep(LOOK_EVERY).await;
            }
        } else {
            self.record(by, moved(now, by)).await?;
            self.clock.take_over(by);
        }
        Ok(())
    }

    async fn record(&self, by: SignedDuration, now: Timestamp) -> Result<(), Error> {
        let event = clock_set(by, now);
        self.store
            .write(move |tx| inbox::record(tx, event.clone(), None).map(drop))
            .await
    }
}
