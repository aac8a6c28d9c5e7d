//! Lets what waits for a moment go on when the moment comes.
//!
//! The engine says what is due next; each alarm is an event like any other. After a start, what came due
//! meanwhile is due at once.

use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::domain::event::{Event, Payload, Source};
use crate::domain::id::EventId;
use crate::store::error::Error;
use crate::store::{Store, inbox};
use crate::worker::{self, Alarm, Next, Stage};

/// What ringing needs.
#[derive(Debug)]
pub(crate) struct Alarms {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    /// When something is due next, as the engine has it.
    pub(crate) next: watch::Receiver<Alarm>,
}

/// How long it waits before it rings again when the engine could not deal with the last time.
const FAILED_WAIT: Duration = Duration::from_secs(1);

/// Rings until `stop`.
pub(crate) async fn run(mut alarms: Alarms, stop: CancellationToken) {
    let clock = alarms.clock.clone();
    // It is called by the engine alone.
    let (_silent, news) = watch::channel(());
    worker::run(&mut alarms, clock, stop, news).await;
}

impl Stage for Alarms {
    const NAME: &'static str = "alarms";

    async fn work(&mut self) -> Result<Next, Error> {
        let now = self.clock.now();
        let Alarm { at, ticks } = *self.next.borrow_and_update();
        if at.is_none_or(|at| now < at) {
            return Ok(Next::at(at));
        }
        let tick = Event {
            id: EventId::engine("tick", now),
            source: Source::Engine,
            received_at: now,
            payload: Payload::Tick,
        };
        let rung = self.store.write(move |tx| inbox::pass(tx, tick.clone()));
        let rung = rung.await;
        if let Err(Error::Closed) = rung {
            return rung.map(|()| Next::Idle);
        }
        if rung.is_err() || self.next.borrow().ticks == ticks {
            // Not by `Next`: an engine that could not deal with it calls at once, as long as the disk is full.
            self.clock.sleep(FAILED_WAIT).await;
        }
        Ok(Next::Again)
    }

    async fn called(&mut self) {
        if self.next.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
