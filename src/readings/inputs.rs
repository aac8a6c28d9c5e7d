//! Reads inputs whose values an address tells, each as often as the home asks.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value as Json;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::config::home::{Home, HttpSource, InputKind};
use crate::domain::event::{Event, InputReading, Payload, Source};
use crate::domain::id::{EventId, InputName};
use crate::http_client::address::Address;
use crate::http_client::{Body, Exchange, HttpClient, Unbuildable};
use crate::input_json::{self, NO_ROOM, Said, Wanted};
use crate::readings::line::backoff;
use crate::store::error::Error;
use crate::store::{Store, inbox};

/// How long one request may take, the answer included.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Requests that are under way at once.
const REQUESTS_MAX: usize = 4;

/// Between the first requests of two inputs.
const START_GAP: Duration = Duration::from_millis(500);

/// What reading an input needs.
#[derive(Clone, Debug)]
pub(crate) struct Inputs {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) timezone: TimeZone,
    client: HttpClient,
    room: Arc<Semaphore>,
}

/// An input that is read.
#[derive(Clone, Debug)]
pub(crate) struct Polled {
    pub(crate) name: InputName,
    pub(crate) kind: InputKind,
    pub(crate) source: HttpSource,
}

/// Why there is no value this time.
#[derive(Debug)]
struct Failure {
    reason: String,
    retry_after: Option<Duration>,
}

impl Inputs {
    pub(crate) fn try_new(
        store: Store,
        clock: Clock,
        timezone: TimeZone,
    ) -> Result<Self, Unbuildable> {
        let client = HttpClient::try_new(REQUEST_TIMEOUT)?;
        Ok(Self::through(client, store, clock, timezone))
    }

    pub(crate) fn through(
        client: HttpClient,
        store: Store,
        clock: Clock,
        timezone: TimeZone,
    ) -> Self {
        Self {
            store,
            clock,
            timezone,
            client,
            room: Arc::new(Semaphore::new(REQUESTS_MAX)),
        }
    }
}

/// The inputs that an address tells.
pub(crate) fn polled(home: &Home) -> Vec<Polled> {
    let inputs = home.inputs.iter().filter_map(|(name, input)| {
        Some(Polled {
            name: name.clone(),
            kind: input.kind.clone(),
            source: input.source.clone()?,
        })
    });
    inputs.collect()
}

/// Reads until `stop`.
pub(crate) async fn run(inputs: Inputs, polled: Vec<Polled>, stop: CancellationToken) {
    let mut readers = JoinSet::new();
    let mut wait = Duration::ZERO;
    for input in polled {
        readers.spawn(read_on(inputs.clone(), input, wait));
        wait = wait.saturating_add(START_GAP);
    }
    // The readers end with this.
    stop.cancelled().await;
}

async fn read_on(inputs: Inputs, polled: Polled, first: Duration) {
    let mut wait = first;
    let mut last = None;
    let mut n_failures = 0;
    let mut was_whole = true;
    loop {
        inputs.clock.sleep(wait).await;
        let read = inputs.read(&polled).await;
        let now = inputs.clock.now();
        wait = match read {
            Ok(Said {
                reading,
                n_left_out,
            }) => {
                n_failures = 0;
                // Once, and again when it was whole in between.
                if was_whole && 0 < n_left_out {
                    tracing::warn!(input = %polled.name, left_out = n_left_out, "{NO_ROOM}");
                }
                was_whole = n_left_out == 0;
                let said = Some((reading.value.clone(), reading.series.clone()));
                let is_new = said != last;
                last = said;
                match inputs.hand_in(reading, is_new, now).await {
                    Ok(()) => {}
                    Err(Error::Closed) => return,
                    Err(error) => {
                        tracing::warn!(input = %polled.name, %error, "a value is lost");
                        last = None;
                    }
                }
                polled.source.every
            }
            Err(failure) => {
                let reason = failure.reason;
                tracing::warn!(input = %polled.name, reason, "an input cannot be read");
                let wait = backoff(n_failures).min(polled.source.every);
                n_failures = n_failures.saturating_add(1);
                failure.retry_after.unwrap_or_default().max(wait)
            }
        };
    }
}

impl Inputs {
    async fn read(&self, polled: &Polled) -> Result<Said, Failure> {
        let source = &polled.source;
        let address = Address::parse(&source.url);
        let address = address.ok_or_else(|| Failure::of("its address cannot be used"))?;
        let permit = self.room.acquire().await;
        let exchange = self.client.get(&address, &[]).await;
        drop(permit);
        let body = whole(exchange)?;
        let json: Json = serde_json::from_slice(&body)
            .map_err(|error| Failure::of(format!("the answer is not JSON: {error}")))?;
        let pointer = &source.pointer;
        let json = json
            .pointer(pointer)
            .ok_or_else(|| Failure::of(format!("the answer has nothing at `{pointer}`")))?;
        let wanted = Wanted {
            input: &polled.name,
            kind: &polled.kind,
            keys: &source.keys,
            timezone: &self.timezone,
        };
        input_json::read(json, wanted, self.clock.now()).map_err(Failure::of)
    }

    async fn hand_in(
        &self,
        reading: InputReading,
        is_new: bool,
        now: Timestamp,
    ) -> Result<(), Error> {
        let id = format!("{} {}", reading.input, now.as_microsecond());
        let event = Event {
            id: EventId::derive("input", &id),
            source: Source::Poll,
            received_at: now,
            payload: Payload::Input(reading),
        };
        self.store
            .write(move |tx| {
                if is_new {
                    inbox::happen(tx, event.clone())
                } else {
                    inbox::pass(tx, event.clone())
                }
            })
            .await
    }
}

impl Failure {
    fn of(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            retry_after: None,
        }
    }
}

/// The body of a success.
fn whole(exchange: Exchange) -> Result<Vec<u8>, Failure> {
    match exchange {
        Exchange::Answered {
            status: 200..300,
            body: Body::Whole(body),
            ..
        } => Ok(body),
        Exchange::Answered {
            status: 200..300,
            body: Body::Cut { reason },
            ..
        }
        | Exchange::NotSent { reason }
        | Exchange::Lost { reason } => Err(Failure::of(reason)),
        // A redirect could lead to a host that nobody allowed.
        Exchange::Answered {
            status: 300..400, ..
        } => Err(Failure::of(
            "the address leads elsewhere, and is not followed",
        )),
        Exchange::Answered {
            status,
            retry_after,
            ..
        } => Err(Failure {
            reason: format!("the answer has the status {status}"),
            retry_after,
        }),
    }
}
