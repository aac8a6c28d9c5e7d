//! Acknowledged to settled: by report, by look-up when no report comes, or by deadline.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::device_api::DeviceApi;
use crate::device_api::answer::Answer;
use crate::domain::event::Event;
use crate::domain::lifecycle::{Lifecycle, Step};
use crate::domain::retry::next_look_up;
use crate::store::Store;
use crate::store::error::Error;
use crate::store::inbox::{self, Recorded};
use crate::store::outbox::{self, Open, Waiting};
use crate::store::signal::News;
use crate::store::writer::{Consumer, Tx};
use crate::worker::{self, Next, Stage};

/// Settles our commands by the reports that come in, in the transaction that records them.
#[derive(Debug)]
pub(crate) struct Reports {
    clock: Clock,
}

impl Reports {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock }
    }
}

impl Consumer for Reports {
    fn consume(&mut self, tx: &Tx<'_>, event: &Event) -> Result<(), Error> {
        match event.payload.report() {
            Some(report) => outbox::settle_by_report(tx, &event.id, report, self.clock.now()),
            None => Ok(()),
        }
    }

    fn forget(&mut self) {}
}

/// Looks up actions whose report is late.
#[derive(Clone, Debug)]
pub(crate) struct Tracking {
    pub(crate) store: Store,
    pub(crate) api: DeviceApi,
    pub(crate) clock: Clock,
    pub(crate) look_up_after: Duration,
}

/// Tracks until `stop`.
pub(crate) async fn run(mut tracking: Tracking, stop: CancellationToken, news: News) {
    let clock = tracking.clock.clone();
    worker::run(&mut tracking, clock, stop, news).await;
}

impl Stage for Tracking {
    const NAME: &'static str = "tracking";

    async fn work(&mut self) -> Result<Next, Error> {
        let now = self.clock.now();
        let next = self
            .store
            .write(|tx| outbox::next_due(tx, Waiting::Acknowledged))
            .await?;
        if next.is_none_or(|at| now < at) {
            return Ok(Next::at(next));
        }
        let due = self
            .store
            .write(move |tx| outbox::due(tx, Waiting::Acknowledged, now))
            .await?;
        if let Some(open) = due.first() {
            self.look_up(open).await?;
        }
        Ok(Next::Again)
    }
}

impl Tracking {
    async fn look_up(&self, open: &Open) -> Result<(), Error> {
        let Lifecycle::Acknowledged {
            action, deadline, ..
        } = &open.lifecycle
        else {
            return Ok(());
        };
        let answer = self.api.action(action).await;
        let now = self.clock.now();
        let ended = match &answer {
            Answer::Ok(action) => action.ended(&open.command.device, now),
            Answer::Refused(_) | Answer::NotSent { .. } | Answer::Lost { .. } => None,
        };
        tracing::info!(command = %open.command.id, %action, ended = ended.is_some(), "looked up");
        let id = open.command.id.clone();
        let step = if *deadline <= now {
            Step::TimePassed
        } else {
            let began = open.sent_at.unwrap_or(open.created_at);
            let look_up_at = next_look_up(began, self.look_up_after, now);
            Step::StillWaiting {
                look_up_at: look_up_at.min(*deadline),
            }
        };
        self.store
            .write(move |tx| {
                // Like a report: the consumers settle the command and show the end to the rules.
                if let Some(event) = &ended
                    && inbox::record(tx, event.clone(), None)? == Recorded::New
                {
                    return Ok(());
                }
                outbox::advance(tx, &id, step.clone(), None, now).map(drop)
            })
            .await
    }
}
