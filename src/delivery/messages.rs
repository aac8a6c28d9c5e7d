//! Outbox to people: delivers notifications, at least once, with a bounded number of tries.

use std::time::Duration;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::domain::command::RetryPolicy;
use crate::notify::{Message, Notifiers, Sent};
use crate::store::Store;
use crate::store::error::Error;
use crate::store::notifications::{self, Try, Waiting};
use crate::store::signal::News;
use crate::worker::{self, Next, Stage};

/// Tries for about a day and a half: a phone service that is down overnight still gets the message.
const PATIENCE: RetryPolicy = RetryPolicy {
    attempts: 40,
    backoff: Duration::from_secs(5),
    max_backoff: Duration::from_hours(1),
};

/// Takes messages out of the outbox.
#[derive(Debug)]
pub(crate) struct Messages {
    pub(crate) store: Store,
    pub(crate) notifiers: Notifiers,
    pub(crate) clock: Clock,
}

/// Delivers until `stop`.
pub(crate) async fn run(mut messages: Messages, stop: CancellationToken, news: News) {
    let clock = messages.clock.clone();
    worker::run(&mut messages, clock, stop, news).await;
}

impl Stage for Messages {
    const NAME: &'static str = "messages";

    /// Delivers the message that is due first.
    async fn work(&mut self) -> Result<Next, Error> {
        let clock = self.clock.clone();
        match self
            .store
            .write(move |tx| notifications::due(tx, clock.now()))
            .await?
        {
            Some(waiting) => {
                self.deliver(waiting).await?;
                Ok(Next::Again)
            }
            None => Ok(Next::at(self.store.write(notifications::next_due).await?)),
        }
    }
}

impl Messages {
    async fn deliver(&self, waiting: Waiting) -> Result<(), Error> {
        let Waiting {
            notification,
            attempts,
        } = waiting;
        let message = Message {
            id: notification.id.clone(),
            notifier: notification.notifier,
            title: notification.title,
            message: notification.message,
            level: notification.level,
        };
        let sent = self.notifiers.send(&message).await;
        tracing::info!(notification = %message.id, ?sent, "told");
        let clock = self.clock.clone();
        self.store
            .write(move |tx| {
                let now = clock.now();
                let result = judge(&sent, attempts + 1, now);
                notifications::tried(tx, &message.id, &result, now)
            })
            .await
    }
}

fn judge(sent: &Sent, attempts: u32, now: Timestamp) -> Try {
    match sent {
        Sent::Delivered => Try::Delivered,
        Sent::GiveUp { reason } => Try::GivenUp {
            reason: reason.clone(),
        },
        Sent::Retry { reason, after } => {
            let reason = reason.clone();
            match PATIENCE.next_attempt_as_asked(*after, attempts, now) {
                Some(at) => Try::Again { at, reason },
                None => Try::GivenUp { reason },
            }
        }
    }
}
