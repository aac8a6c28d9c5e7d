//! Outbox to Amps: pushes what is first in line, and looks up what is in doubt or in the way.
//!
//! The claim is on the disk before a push starts. When the program dies in between, the row says
//! "sending", and the next start takes that as in doubt: looked up before anything is sent again.

pub(crate) mod asking;
mod conflict;
pub(crate) mod hosts;
pub(crate) mod http_requests;
mod key;
pub(crate) mod link;
mod look_up;
pub(crate) mod messages;
mod planned;
mod push;
mod record;
pub(crate) mod setting_writes;
#[cfg(test)]
mod tests;
pub(crate) mod verdict;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::clock::{Clock, moved};
use crate::delivery::look_up::Listed;
use crate::delivery::verdict::{Told, Waits};
use crate::device_api::answer::{Answer, Refusal};
use crate::device_api::gate::{Gate, REQUESTS_MAX};
use crate::device_api::wire::Action;
use crate::domain::capabilities::{Declared, Strategy};
use crate::domain::lifecycle::{Doubt, DoubtCause, Lifecycle, Step};
use crate::store::error::Error;
use crate::store::line;
use crate::store::open::Open;
use crate::store::outbox::{self, Waiting};
use crate::store::requests::{self, Turn};
use crate::store::signal::News;
use crate::store::writer::Tx;
use crate::store::{Store, capabilities, inbox, story};
use crate::worker::{self, Next, Stage};

/// Commands in hand at once: their request is under way or waits for a place, or its answer is being
/// written down. So places are not empty while the next rows are read and the last answers written.
const IN_HAND_MAX: usize = 128;

/// How long a stop waits for requests under way. What is still out then is in doubt at the next start.
const STOP_WAIT: Duration = Duration::from_secs(5);

/// Pages of a look-up, and the actions on each (`amps-api.md` §3.5 allows 50).
const PAGES_MAX: u32 = 10;
const PAGE_ACTIONS: u32 = 50;

/// What every request needs.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    pub(crate) store: Store,
    pub(crate) api: Gate,
    pub(crate) clock: Clock,
    pub(crate) waits: Waits,
}

/// Marks pushes that were under way when the program ended as in doubt, and looks up at once whatever waits.
/// Once, before [`run`].
pub(crate) fn recover(tx: &Tx<'_>, waits: Waits, now: Timestamp) -> Result<usize, Error> {
    let interrupted = outbox::sending(tx)?;
    for open in &interrupted {
        let doubt = Doubt {
            look_up_at: now,
            ..waits.doubt(DoubtCause::Interrupted, &open.command, now)
        };
        outbox::advance(tx, &open.command.id, Step::AnswerLost { doubt }, None, now)?;
    }
    outbox::hurry(tx, now)?;
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
    courier.delivery.api.stop();
    tokio::select! {
        () = courier.finish_all() => {}
        () = clock.sleep(STOP_WAIT) => tracing::warn!("requests under way are left in doubt"),
    }
    courier.give_back().await;
}

/// The commands in hand.
struct Courier {
    delivery: Delivery,
    places: Arc<Semaphore>,
    /// Each gives its turn back; none when what it learned could not be written down.
    tasks: JoinSet<Option<Turn>>,
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
        let in_hand = Arc::clone(&self.in_hand);
        let clock = self.delivery.clock.clone();
        let (rows, set, next) = self
            .delivery
            .store
            .write(move |tx| wanting_work(tx, &in_hand, room, &clock))
            .await?;
        for (open, declared) in rows {
            let turn = open.turn(set);
            Arc::make_mut(&mut self.in_hand).insert(turn.clone());
            let (delivery, places) = (self.delivery.clone(), Arc::clone(&self.places));
            let read = Read {
                open,
                set,
                declared,
            };
            self.tasks
                .spawn(async move { delivery.handle(read, &places).await.then_some(turn) });
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
    /// A turn whose end is not on the disk stays in hand: its row still says "sending", and a push that has
    /// begun must not begin again. The next start takes it as in doubt.
    fn finish(&mut self, finished: Result<Option<Turn>, JoinError>) {
        if let Some(turn) = finished.expect("a request does not panic") {
            Arc::make_mut(&mut self.in_hand).remove(&turn);
        }
    }

    async fn finish_all(&mut self) {
        while let Some(finished) = self.tasks.join_next().await {
            self.finish(finished);
        }
    }

    /// Lets go of claims whose push never began, so that the next start sends them at once.
    async fn give_back(self) {
        let Self {
            delivery, in_hand, ..
        } = self;
        let clock = delivery.clock.clone();
        let given_back = delivery.store.write(move |tx| {
            let (now, set) = (clock.now(), clock.taken_over());
            for open in outbox::sending(tx)? {
                if !in_hand.contains(&open.turn(set)) {
                    outbox::advance(tx, &open.command.id, Step::GivenBack, None, now)?;
                }
            }
            Ok(())
        });
        if let Err(error) = given_back.await {
            tracing::warn!(%error, "claims are left in doubt");
        }
    }
}

type Wanting = (Open, Option<Declared>);

/// A command as it was read when the clock had been set by `set`.
#[derive(Clone, Debug)]
struct Read {
    open: Open,
    set: SignedDuration,
    /// What its device said last of what it takes.
    declared: Option<Declared>,
}

impl Read {
    /// The same by the clock as it is now.
    fn now(&self, clock: &Clock) -> Open {
        self.open.clone().moved(clock.taken_over() - self.set)
    }
}

impl Delivery {
    /// True when the turn is over: what was learned is on the disk, or nothing was begun.
    async fn handle(&self, read: Read, places: &Semaphore) -> bool {
        // A stop closes the places; what waits for one then is given back.
        let Ok(place) = places.acquire().await else {
            return true;
        };
        match &read.open.lifecycle {
            Lifecycle::Sending { .. } => self.push(read, place).await,
            Lifecycle::InDoubt { .. } => self.look_up(read, place).await,
            Lifecycle::Blocked { hold, .. } => {
                let actions = hold.actions.clone();
                self.look_at_hold(read, &actions, place).await
            }
            Lifecycle::Queued { .. }
            | Lifecycle::Acknowledged { .. }
            | Lifecycle::Settled { .. } => true,
        }
    }

    /// Finds out whether a push whose answer was lost has arrived.
    async fn look_up(&self, read: Read, place: SemaphorePermit<'_>) -> bool {
        let asked_at = self.clock.steady();
        let listed = self.list_since(&read).await;
        drop(place);
        let (waits, clock) = (self.waits, self.clock.clone());
        tracing::info!(command = %read.open.command.id, found = ?listed, "looked up");
        self.record(move |tx| {
            let (open, now) = (read.now(&clock), clock.now());
            let asked_at = moved(asked_at, clock.taken_over());
            let step = match &listed {
                Err(told) => verdict::still_waiting(&open, *told, now),
                Ok(listed) => {
                    if let Some(action) = ours(tx, &open, listed)? {
                        let step = waits.acknowledged(&open.command, action, now);
                        return taken(tx, &open, (&step, None), action, now);
                    }
                    if listed.is_unclear {
                        verdict::still_waiting(&open, Told::Something, now)
                    } else {
                        verdict::not_found(&open, asked_at, now)
                    }
                }
            };
            outbox::advance(tx, &open.command.id, step, None, now).map(drop)
        })
        .await
    }

    /// The actions that may be the push of `open`; else what Amps told instead.
    async fn list_since(&self, read: &Read) -> Result<Listed, Told> {
        let mut listed = Listed::default();
        for page in 0..PAGES_MAX {
            let offset = page * PAGE_ACTIONS;
            let answer = self
                .api
                .actions(&read.open.command.device, offset, PAGE_ACTIONS)
                .await;
            let page = match answer {
                Answer::Ok(page) => page,
                // There is no list of this device, and will be none in an hour (`amps-api.md` §3).
                Answer::Refused(Refusal { status: 404, .. }) => return Err(Told::Something),
                Answer::Refused(_) | Answer::NotSent { .. } | Answer::Lost { .. } => {
                    return Err(Told::Nothing);
                }
            };
            let (answered_at, open) = (self.clock.now(), &read.now(&self.clock));
            let earliest = look_up::earliest(open, &page, answered_at);
            listed.add(open, &page, (answered_at, earliest));
            if !page.has_more || look_up::reaches_back(&page, earliest) {
                listed.prefer_since(look_up::last_push(open, &page, answered_at));
                listed.note_last_push(open, &page, answered_at);
                return Ok(listed);
            }
        }
        // More actions since the push than we are ready to read: not known is not "not there".
        Err(Told::Nothing)
    }

    /// Writes `work` down, however long that takes: what Amps said must not be lost. True when it is.
    async fn record<W>(&self, work: W) -> bool
    where
        W: Fn(&Tx<'_>) -> Result<(), Error> + Clone + Send + 'static,
    {
        record::record(&self.store, &self.clock, "it is in doubt", work).await
    }
}

/// The oldest of the actions in `listed` that can be the push of `open`: one that was never an answer to
/// another push of ours, and that had not ended before this command was thought of.
fn ours<'l>(tx: &Tx<'_>, open: &Open, listed: &'l Listed) -> Result<Option<&'l Action>, Error> {
    for action in &listed.candidates {
        let is_free = !outbox::is_known_action(tx, &action.id)?
            && !inbox::was_reported_by(tx, &action.id, &open.command.cause)?;
        if is_free {
            return Ok(Some(action));
        }
    }
    Ok(None)
}

/// Rows to start a request for, each with what its device takes; how far the clock is set, and when to look again if nothing happens.
fn wanting_work(
    tx: &Tx<'_>,
    in_hand: &BTreeSet<Turn>,
    room: usize,
    clock: &Clock,
) -> Result<(Vec<Wanting>, SignedDuration, Option<Timestamp>), Error> {
    let (now, set) = (clock.now(), clock.taken_over());
    line::give_up(tx, now)?;
    outbox::promote_due(tx, now)?;
    let rows = requests::wanted(tx, in_hand, room, (now, set))?;
    let rows = rows.into_iter().map(|open| {
        let declared = capabilities::of(tx, &open.command.device.id)?;
        Ok((open, declared))
    });
    let rows = rows.collect::<Result<Vec<_>, Error>>()?;
    // What is due already is in `rows` or in hand, and those behind it are due in their own time.
    let next = [Waiting::Queued, Waiting::Blocked, Waiting::InDoubt]
        .into_iter()
        .map(|state| outbox::next_due(tx, state, now))
        .chain([line::next_given_up(tx, now)])
        .collect::<Result<Vec<_>, _>>()?;
    Ok((rows, set, next.into_iter().flatten().min()))
}

/// Amps has the push as `action`; if that is over already, its end is recorded like a report.
fn taken(
    tx: &Tx<'_>,
    open: &Open,
    (step, strategy): (&Step, Option<Strategy>),
    action: &Action,
    now: Timestamp,
) -> Result<(), Error> {
    outbox::acknowledge(tx, &open.command.id, step.clone(), &action.id, now)?;
    if let Some(otherwise) = planned::otherwise(open, action, strategy) {
        story::understood_otherwise(tx, &open.command.id, &otherwise, now)?;
    }
    if let Some(event) = action.ended(&open.command.device, now) {
        inbox::record(tx, event, None)?;
    }
    Ok(())
}
