//! Outbox to Amps: pushes what is first in line, and looks up what is in doubt.
//!
//! The claim is on the disk before a push starts. When the program dies in between, the row says
//! "sending", and the next start takes that as in doubt: looked up before anything is sent again.

mod look_up;
pub(crate) mod messages;
#[cfg(test)]
mod tests;
mod verdict;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::clock::{Clock, later};
use crate::delivery::verdict::Verdict;
use crate::device_api::DeviceApi;
use crate::device_api::answer::Answer;
use crate::device_api::wire::Action;
use crate::domain::lifecycle::{Lifecycle, Step};
use crate::store::error::Error;
use crate::store::outbox::{self, Open, Waiting};
use crate::store::requests::{self, Turn};
use crate::store::signal::News;
use crate::store::writer::Tx;
use crate::store::{Store, inbox};
use crate::worker::{self, Next, Stage};

/// Requests under way at once.
const REQUESTS_MAX: usize = 16;

/// Commands in hand at once: their request is under way or waits for a place, or its answer is being
/// written down. So places are not empty while the next rows are read and the last answers written.
const IN_HAND_MAX: usize = 128;

/// How long a stop waits for requests under way. What is still out then is in doubt at the next start.
const STOP_WAIT: Duration = Duration::from_secs(5);

/// How soon an answer that could not be written down is tried to be written again.
const RECORD_WAIT: Duration = Duration::from_millis(500);

/// Before the next look-up, after one that got no answer.
const LOOK_UP_WAIT: Duration = Duration::from_secs(5);

/// Pages of a look-up, and the actions on each (`amps-api.md` §3.5 allows 50).
const PAGES_MAX: u32 = 10;
const PAGE_ACTIONS: u32 = 50;

/// What every request needs.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    pub(crate) store: Store,
    pub(crate) api: DeviceApi,
    pub(crate) clock: Clock,
    pub(crate) request_timeout: Duration,
    pub(crate) look_up_after: Duration,
}

/// Marks pushes that were under way when the program stopped as in doubt. Once, before [`run`].
pub(crate) fn recover(tx: &Tx<'_>, now: Timestamp) -> Result<usize, Error> {
    let interrupted = outbox::sending(tx)?;
    for open in &interrupted {
        let step = Step::AnswerLost { look_up_at: now };
        outbox::advance(tx, &open.command.id, step, None, now)?;
    }
    Ok(interrupted.len())
}

/// Delivers until `stop`.
pub(crate) async fn run(delivery: Delivery, stop: CancellationToken, news: News) {
    let clock = delivery.clock.clone();
    let mut courier = Courier {
        delivery,
        places: Arc::new(Semaphore::new(REQUESTS_MAX)),
        tasks: JoinSet::new(),
        in_hand: Arc::default(),
    };
    worker::run(&mut courier, clock.clone(), stop, news).await;
    courier.places.close();
    let finish = async { while courier.tasks.join_next().await.is_some() {} };
    tokio::select! {
        () = finish => {}
        () = clock.sleep(STOP_WAIT) => tracing::warn!("requests under way are left in doubt"),
    }
}

/// The commands in hand.
struct Courier {
    delivery: Delivery,
    places: Arc<Semaphore>,
    tasks: JoinSet<Turn>,
    in_hand: Arc<BTreeSet<Turn>>,
}

impl Stage for Courier {
    const NAME: &'static str = "delivery";

    /// Takes each row that wants a request in hand, as far as there is room.
    async fn work(&mut self) -> Result<Next, Error> {
        while let Some(finished) = self.tasks.try_join_next() {
            self.finish(finished);
        }
        let room = IN_HAND_MAX - self.tasks.len();
        if room == 0 {
            return Ok(Next::Idle);
        }
        let now = self.delivery.clock.now();
        let in_hand = Arc::clone(&self.in_hand);
        let (rows, next) = self
            .delivery
            .store
            .write(move |tx| wanting_work(tx, &in_hand, room, now))
            .await?;
        for open in rows {
            let turn = open.turn();
            Arc::make_mut(&mut self.in_hand).insert(turn.clone());
            let (delivery, places) = (self.delivery.clone(), Arc::clone(&self.places));
            self.tasks.spawn(async move {
                delivery.handle(open, &places).await;
                turn
            });
        }
        Ok(Next::at(next))
    }

    /// There is room again, after there was none.
    async fn called(&mut self) {
        if self.tasks.len() < IN_HAND_MAX {
            return std::future::pending().await;
        }
        if let Some(finished) = self.tasks.join_next().await {
            self.finish(finished);
        }
    }
}

impl Courier {
    fn finish(&mut self, finished: Result<Turn, JoinError>) {
        let turn = finished.expect("a request does not panic");
        Arc::make_mut(&mut self.in_hand).remove(&turn);
    }
}

impl Delivery {
    /// A stop closes the places; what waits for one then is found by the next start.
    async fn handle(&self, open: Open, places: &Semaphore) {
        let Ok(place) = places.acquire().await else {
            return;
        };
        match &open.lifecycle {
            Lifecycle::Sending { .. } => self.push(open, place).await,
            Lifecycle::InDoubt { .. } => self.look_up(open, place).await,
            Lifecycle::Queued { .. }
            | Lifecycle::Acknowledged { .. }
            | Lifecycle::Settled { .. } => {}
        }
    }

    async fn push(&self, open: Open, place: SemaphorePermit<'_>) {
        let answer = self.api.push(&open.command).await;
        drop(place);
        let now = self.clock.now();
        let verdict = Verdict::of(&answer);
        tracing::info!(command = %open.command.id, device = %open.command.device.alias, ?verdict, "pushed");
        let step = verdict::step(verdict, &open, self.look_up_after, now);
        match answer {
            Answer::Ok(action) => {
                self.record(move |tx| taken(tx, &open, &step, &action, now))
                    .await;
            }
            Answer::Refused(_) | Answer::NotSent { .. } | Answer::Lost { .. } => {
                self.record(move |tx| {
                    outbox::advance(tx, &open.command.id, step.clone(), None, now).map(drop)
                })
                .await;
            }
        }
    }

    /// Finds out whether a push whose answer was lost has arrived.
    async fn look_up(&self, open: Open, place: SemaphorePermit<'_>) {
        let listed = self.list_since(&open).await;
        drop(place);
        let now = self.clock.now();
        let (timeout, look_up_after) = (self.request_timeout, self.look_up_after);
        tracing::info!(command = %open.command.id, found = ?listed.as_ref().map(Vec::len), "looked up");
        self.record(move |tx| {
            let Some(candidates) = &listed else {
                let step = Step::StillWaiting {
                    look_up_at: later(now, LOOK_UP_WAIT),
                };
                return outbox::advance(tx, &open.command.id, step, None, now).map(drop);
            };
            for action in candidates {
                if !outbox::is_known_action(tx, &action.id)? {
                    let step = verdict::acknowledged(action.id.clone(), look_up_after, now);
                    return taken(tx, &open, &step, action, now);
                }
            }
            let step = verdict::not_found(&open, timeout, now);
            outbox::advance(tx, &open.command.id, step, None, now).map(drop)
        })
        .await;
    }

    /// The actions that may be the push of `open`; none when Amps did not tell.
    async fn list_since(&self, open: &Open) -> Option<Vec<Action>> {
        let mut found = Vec::new();
        for page in 0..PAGES_MAX {
            let offset = page * PAGE_ACTIONS;
            let answer = self
                .api
                .actions(&open.command.device.id, offset, PAGE_ACTIONS)
                .await;
            let Answer::Ok(page) = answer else {
                return None;
            };
            found.extend(look_up::candidates(open, &page.actions));
            if !page.has_more || look_up::reaches_back(open, &page.actions) {
                return Some(found);
            }
        }
        // More actions since the push than we are ready to read: not known is not "not there".
        None
    }

    /// Writes `work` down, however long that takes: what Amps said must not be lost.
    async fn record<W>(&self, work: W)
    where
        W: Fn(&Tx<'_>) -> Result<(), Error> + Clone + Send + 'static,
    {
        loop {
            match self.store.write(work.clone()).await {
                Ok(()) | Err(Error::Closed) => return,
                Err(error @ (Error::Unavailable(_) | Error::Overloaded)) => {
                    tracing::warn!(%error, "waiting to write an answer down");
                    self.clock.sleep(RECORD_WAIT).await;
                }
                Err(error @ Error::Broken(_)) => {
                    tracing::error!(%error, "an answer cannot be written down");
                    return;
                }
            }
        }
    }
}

/// Rows to start a request for, and when to look again if nothing happens.
fn wanting_work(
    tx: &Tx<'_>,
    in_hand: &BTreeSet<Turn>,
    room: usize,
    now: Timestamp,
) -> Result<(Vec<Open>, Option<Timestamp>), Error> {
    outbox::promote_due(tx, now)?;
    let rows = requests::wanted(tx, in_hand, room, now)?;
    let next = [Waiting::Queued, Waiting::InDoubt]
        .into_iter()
        .map(|state| outbox::next_due(tx, state))
        .collect::<Result<Vec<_>, _>>()?;
    // What is due already is in `rows`; its end will be news.
    Ok((
        rows,
        next.into_iter().flatten().filter(|at| now < *at).min(),
    ))
}

/// Amps has the push as `action`; if that is over already, its end is recorded like a report.
fn taken(
    tx: &Tx<'_>,
    open: &Open,
    step: &Step,
    action: &Action,
    now: Timestamp,
) -> Result<(), Error> {
    outbox::acknowledge(tx, &open.command.id, step.clone(), &action.id, now)?;
    if let Some(event) = action.ended(&open.command.device, now) {
        inbox::record(tx, event, None)?;
    }
    Ok(())
}
