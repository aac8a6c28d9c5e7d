//! Acknowledged to settled: by report, by look-up when no report comes, or by deadline.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
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
        let clock = self.clock.clone();
        let (due, set) = self
            .store
            .write(move |tx| {
                let due = outbox::due(tx, Waiting::Acknowledged, clock.now())?;
                Ok((due, clock.taken_over()))
            })
            .await?;
        if let Some(open) = due.into_iter().next() {
            self.look_up(open, set).await?;
        }
        Ok(Next::Again)
    }
}

impl Tracking {
    /// The command was read when the clock had been set by `set`.
    async fn look_up(&self, open: Open, set: SignedDuration) -> Result<(), Error> {
        let Lifecycle::Acknowledged { action, .. } = &open.lifecycle else {
            return Ok(());
        };
        let answer = self.api.action(action).await;
        tracing::info!(command = %open.command.id, %action, ?answer, "looked up");
        let (clock, look_up_after) = (self.clock.clone(), self.look_up_after);
        self.store
            .write(move |tx| {
                let now = clock.now();
                let open = open.clone().moved(clock.taken_over() - set);
                let ended = match &answer {
                    Answer::Ok(action) => action.ended(&open.command.device, now),
                    Answer::Refused(_) | Answer::NotSent { .. } | Answer::Lost { .. } => None,
                };
                // Like a report: the consumers settle the command and show the end to the rules.
                if let Some(event) = ended
                    && inbox::record(tx, event, None)? == Recorded::New
                {
                    return Ok(());
                }
                let step = not_ended(&open, look_up_after, now);
                outbox::advance(tx, &open.command.id, step, None, now).map(drop)
            })
            .await
    }
}

/// The step for an action that is not over, as far as is known.
fn not_ended(open: &Open, look_up_after: Duration, now: Timestamp) -> Step {
    let began = open.sent_at.unwrap_or(open.began_at);
    let next = next_look_up(began, look_up_after, now);
    match &open.lifecycle {
        Lifecycle::Acknowledged { deadline, .. } if *deadline <= now => Step::TimePassed,
        Lifecycle::Acknowledged { deadline, .. } => Step::StillWaiting {
            look_up_at: next.min(*deadline),
        },
        Lifecycle::Queued { .. }
        | Lifecycle::Sending { .. }
        | Lifecycle::InDoubt { .. }
        | Lifecycle::Settled { .. } => Step::StillWaiting { look_up_at: next },
    }
}
