//! A stage for an outbox whose rows are one request each: takes what is due in hand, so many at once, each until
//! its answer is written down.
//!
//! The claim is on the disk before a request starts, so that the next start knows what was under way.

use std::time::Duration;

use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::delivery::record::record;
use crate::store::Store;
use crate::store::awaited::{self, Awaited};
use crate::store::error::Error;
use crate::store::signal::News;
use crate::store::writer::Tx;
use crate::worker::{self, Next, Stage};

/// How long a stop waits for requests under way.
const STOP_WAIT: Duration = Duration::from_secs(5);

/// How what stands in an outbox is asked.
pub(crate) trait Ask: Send + 'static {
    type Row: Awaited;
    const UNDER_WAY_MAX: usize;
    /// What they are, for the log.
    const ROWS: &'static str;
    /// What becomes of an answer that can never be written down.
    const OTHERWISE: &'static str;

    /// Makes the request of `row`.
    fn ask(
        &mut self,
        row: &Self::Row,
        clock: &Clock,
    ) -> impl Future<Output = <Self::Row as Awaited>::Answer> + Send + use<Self>;
}

/// Takes requests out of an outbox.
#[derive(Debug)]
pub(crate) struct Asking<A> {
    ask: A,
    store: Store,
    clock: Clock,
    under_way: JoinSet<()>,
}

impl<A: Ask> Asking<A> {
    pub(crate) fn new(ask: A, store: Store, clock: Clock) -> Self {
        Self {
            ask,
            store,
            clock,
            under_way: JoinSet::new(),
        }
    }

    /// Asks until `stop`.
    pub(crate) async fn run(mut self, stop: CancellationToken, news: News) {
        let clock = self.clock.clone();
        worker::run(&mut self, clock.clone(), stop, news).await;
        let finish_all = async {
            while let Some(ended) = self.under_way.join_next().await {
                finish(ended);
            }
        };
        tokio::select! {
            () = finish_all => {}
            () = clock.sleep(STOP_WAIT) => tracing::warn!("{} are left under way", A::ROWS),
        }
    }
}

impl<A: Ask> Stage for Asking<A> {
    const NAME: &'static str = A::Row::TABLE;

    /// Starts what is due, as far as there is room.
    async fn work(&mut self) -> Result<Next, Error> {
        while let Some(ended) = self.under_way.try_join_next() {
            finish(ended);
        }
        let room = A::UNDER_WAY_MAX - self.under_way.len();
        if room == 0 {
            return Ok(Next::Idle);
        }
        let now = self.clock.now();
        let claim = move |tx: &Tx<'_>| awaited::claim::<A::Row>(tx, room, now);
        let claimed = self.store.write(claim).await?;
        if claimed.is_empty() {
            let next = self.store.write(awaited::next_due::<A::Row>).await?;
            return Ok(Next::at(next));
        }
        for row in claimed {
            let answer = self.ask.ask(&row, &self.clock);
            let (store, clock) = (self.store.clone(), self.clock.clone());
            self.under_way.spawn(async move {
                let (answer, now_of) = (answer.await, clock.clone());
                let work = move |tx: &Tx<'_>| {
                    let now = now_of.now();
                    awaited::save::<A::Row>(tx, row.after(answer.clone(), now), now)
                };
                record(&store, &clock, A::OTHERWISE, work).await;
            });
        }
        Ok(Next::Again)
    }

    /// There is room again, after there was none.
    async fn called(&mut self) {
        if self.under_way.len() < A::UNDER_WAY_MAX {
            return std::future::pending().await;
        }
        if let Some(ended) = self.under_way.join_next().await {
            finish(ended);
        }
    }
}

fn finish(ended: Result<(), JoinError>) {
    ended.expect("a request does not panic");
}
