//! Reads what devices say, as often as the home asks and when a rule waits for it, each reading an event.
//!
//! A reading that changes nothing is not a row: it only makes what is known younger.

pub(crate) mod inputs;
mod line;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::config::home::HomeDevice;
use crate::device_api::answer::Answer;
use crate::device_api::gate::Gate;
use crate::device_api::state::Shown;
use crate::domain::event::{Event, Payload, Source};
use crate::domain::id::{DeviceId, EventId};
use crate::domain::lifecycle::Failure;
use crate::engine::decision::ReadRequest;
use crate::readings::line::{Line, News, Reading};
use crate::store::error::Error;
use crate::store::writer::Tx;
use crate::store::{Store, inbox, unread};

/// What reading needs.
#[derive(Debug)]
pub(crate) struct Poller {
    pub(crate) store: Store,
    pub(crate) api: Gate,
    pub(crate) clock: Clock,
    /// Devices that are to be read at once.
    pub(crate) wanted: mpsc::Receiver<ReadRequest>,
}

/// A request that is over.
#[derive(Debug)]
struct Done {
    reading: Reading,
    answer: Answer<Shown>,
}

/// Reads until `stop`: one request for each device at a time, and a few at once.
pub(crate) async fn run(mut poller: Poller, devices: Vec<HomeDevice>, stop: CancellationToken) {
    // What is in memory alone goes by the time that nobody sets.
    let mut line = Line::new(devices, poller.clock.steady());
    let mut requests: JoinSet<Done> = JoinSet::new();
    let mut told = match poller.store.write(unread::all).await {
        Ok(told) => told,
        Err(Error::Closed) => return,
        Err(error) => {
            tracing::warn!(%error, "which devices could not be read is not known");
            BTreeMap::new()
        }
    };
    loop {
        while let Some(reading) = line.next(poller.clock.steady()) {
            requests.spawn(read(poller.api.clone(), reading));
        }
        let due = line.due();
        let clock = poller.clock.clone();
        let news = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            Some(done) = requests.join_next() => match done {
                Ok(Done { reading, answer }) => {
                    poller.tell(&mut told, &reading.device.id, reason(&answer)).await;
                    line.take(&reading, answer, clock.steady())
                }
                // Nothing in it can break; were it to, the device would stay out of the line.
                Err(error) => std::panic::resume_unwind(error.into_panic()),
            },
            Some(request) = poller.wanted.recv() => line.want(&request, clock.steady()),
            () = sleep_until(&clock, due) => None,
        };
        match poller.hand_in(news).await {
            Ok(()) => {}
            Err(Error::Closed) => return,
            Err(error) => tracing::warn!(%error, "a reading is lost"),
        }
    }
}

async fn sleep_until(clock: &Clock, due: Option<Timestamp>) {
    match due {
        Some(due) => {
            let left = due.duration_since(clock.steady());
            clock
                .sleep(Duration::try_from(left).unwrap_or_default())
                .await;
        }
        None => std::future::pending().await,
    }
}

async fn read(api: Gate, reading: Reading) -> Done {
    let answer = api.state(&reading.device, reading.expedite).await;
    Done { reading, answer }
}

/// Why it was not read, for people; none when it was.
fn reason(answer: &Answer<Shown>) -> Option<String> {
    match answer {
        Answer::Ok(_) => None,
        Answer::Refused(it) => Some(Failure::new(it.code.as_deref(), &it.message).to_string()),
        Answer::NotSent { reason } | Answer::Lost { reason, .. } => Some(reason.clone()),
    }
}

impl Poller {
    /// Writes down whether `device` can be read, where that is something else than was `told`.
    async fn tell(
        &self,
        told: &mut BTreeMap<DeviceId, String>,
        device: &DeviceId,
        reason: Option<String>,
    ) {
        if told.get(device) == reason.as_ref() {
            return;
        }
        let (clock, of, why) = (self.clock.clone(), device.clone(), reason.clone());
        let note = move |tx: &Tx<'_>| unread::note(tx, &of, why.as_deref(), clock.now());
        if let Err(error) = self.store.write(note).await {
            // The next reading tries again.
            tracing::warn!(%error, "it is not written down whether a device can be read");
            return;
        }
        match reason {
            Some(reason) => told.insert(device.clone(), reason),
            None => told.remove(device),
        };
    }

    async fn hand_in(&self, news: Option<News>) -> Result<(), Error> {
        let (payload, declaration, is_new) = match news {
            Some(News::Read { shown, is_new }) => {
                let Shown {
                    readings,
                    declaration,
                } = *shown;
                (Payload::Readings(readings), declaration, is_new)
            }
            Some(News::NotRead(device)) => (Payload::NotRead { device }, None, false),
            None => return Ok(()),
        };
        let now = self.clock.now();
        let event = |payload| Event {
            id: event_id(&payload, now),
            source: Source::Poll,
            received_at: now,
            payload,
        };
        // Rules that hear the values know then what the device takes.
        let declared = declaration.map(|it| event(Payload::Capabilities(it)));
        let event = event(payload);
        self.store
            .write(move |tx| {
                if let Some(declared) = &declared {
                    inbox::pass(tx, declared.clone())?;
                }
                if is_new {
                    inbox::happen(tx, event.clone())
                } else {
                    inbox::pass(tx, event.clone())
                }
            })
            .await
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "three kinds are handed in")]
fn event_id(payload: &Payload, now: Timestamp) -> EventId {
    match payload {
        Payload::Readings(readings) => EventId::reading(&readings.device, now),
        Payload::Capabilities(it) => EventId::engine(&format!("capabilities {}", it.device), now),
        Payload::NotRead { device } => EventId::engine(&format!("not_read {device}"), now),
        _ => EventId::engine(payload.kind(), now),
    }
}
