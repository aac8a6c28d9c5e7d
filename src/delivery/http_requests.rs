//! Outbox to hosts: sends what rules ask for, and writes down what came of it.
//!
//! The claim is on the disk before an attempt starts. When the program dies in between, the row says "sending",
//! and the next start sends it again only where that does no harm, or where the rule asks for it.

use std::time::Duration;

use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::delivery::hosts::Hosts;
use crate::delivery::record::record;
use crate::domain::http::{HttpResult, Progress};
use crate::store::Store;
use crate::store::error::Error;
use crate::store::http_requests::{self, Claimed};
use crate::store::signal::News;
use crate::worker::{self, Next, Stage};

/// Requests under way at once; a slow host must not keep the others waiting.
const UNDER_WAY_MAX: usize = 8;

/// How long a stop waits for requests under way.
const STOP_WAIT: Duration = Duration::from_secs(5);

/// Takes requests out of the outbox.
#[derive(Debug)]
pub(crate) struct HttpRequests {
    store: Store,
    hosts: Hosts,
    clock: Clock,
    under_way: JoinSet<()>,
}

impl HttpRequests {
    pub(crate) fn new(store: Store, hosts: Hosts, clock: Clock) -> Self {
        Self {
            store,
            hosts,
            clock,
            under_way: JoinSet::new(),
        }
    }
}

/// Sends until `stop`.
pub(crate) async fn run(mut requests: HttpRequests, stop: CancellationToken, news: News) {
    let clock = requests.clock.clone();
    worker::run(&mut requests, clock.clone(), stop, news).await;
    tokio::select! {
        () = requests.finish_all() => {}
        () = clock.sleep(STOP_WAIT) => tracing::warn!("requests of rules are left under way"),
    }
}

impl Stage for HttpRequests {
    const NAME: &'static str = "http_requests";

    /// Starts what is due, as far as there is room.
    async fn work(&mut self) -> Result<Next, Error> {
        while let Some(ended) = self.under_way.try_join_next() {
            finish(ended);
        }
        let room = UNDER_WAY_MAX - self.under_way.len();
        if room == 0 {
            return Ok(Next::Idle);
        }
        let now = self.clock.now();
        let claimed = self
            .store
            .write(move |tx| http_requests::claim(tx, room, now))
            .await?;
        if claimed.is_empty() {
            return Ok(Next::at(self.store.write(http_requests::next_due).await?));
        }
        for claimed in claimed {
            self.start(claimed);
        }
        Ok(Next::Again)
    }

    /// There is room again, after there was none.
    async fn called(&mut self) {
        if self.under_way.len() < UNDER_WAY_MAX {
            return std::future::pending().await;
        }
        if let Some(ended) = self.under_way.join_next().await {
            finish(ended);
        }
    }
}

impl HttpRequests {
    fn start(&mut self, claimed: Claimed) {
        let ready = self.hosts.prepare(&claimed.request);
        let (store, clock) = (self.store.clone(), self.clock.clone());
        self.under_way.spawn(async move {
            let Claimed { request, attempts } = &claimed;
            let (progress, attempts) = match ready {
                // It never left.
                Err(failure) => (Progress::Over(HttpResult::Failed(failure)), attempts - 1),
                Ok(ready) => {
                    let reply = ready.send(request).await;
                    (request.after(reply, *attempts, clock.now()), *attempts)
                }
            };
            let failure = failure(&progress);
            tracing::info!(request = %request.id, host = request.host, failure, "asked");
            let now_of = clock.clone();
            record(
                &store,
                &clock,
                "the next start takes it as lost",
                move |tx| {
                    let (request, now) = (&claimed.request, now_of.now());
                    http_requests::advance(tx, request, progress.clone(), attempts, now)
                },
            )
            .await;
        });
    }

    async fn finish_all(&mut self) {
        while let Some(ended) = self.under_way.join_next().await {
            finish(ended);
        }
    }
}

fn finish(ended: Result<(), JoinError>) {
    ended.expect("a request does not panic");
}

fn failure(progress: &Progress) -> Option<&str> {
    match progress {
        Progress::Again { failure, .. } | Progress::Over(HttpResult::Failed(failure)) => {
            Some(&failure.message)
        }
        Progress::Over(HttpResult::Answered { .. }) => None,
    }
}
