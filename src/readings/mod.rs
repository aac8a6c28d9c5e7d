//! Reads what devices say, as often as the home asks, each reading an event.
//!
//! A reading that changes nothing is not a row: it only makes what is known younger.

use std::collections::BTreeMap;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::clock::{Clock, later};
use crate::config::home::HomeDevice;
use crate::device_api::DeviceApi;
use crate::device_api::answer::Answer;
use crate::domain::event::{Event, Payload, Readings, Source};
use crate::domain::id::EventId;
use crate::domain::value::Value;
use crate::store::error::Error;
use crate::store::{Store, inbox};

/// What reading needs.
#[derive(Clone, Debug)]
pub(crate) struct Poller {
    pub(crate) store: Store,
    pub(crate) api: DeviceApi,
    pub(crate) clock: Clock,
}

/// A device, when it is read next, and what it said last.
#[derive(Debug)]
struct Polled {
    device: HomeDevice,
    due: Timestamp,
    last: BTreeMap<String, Value>,
}

/// Reads until `stop`, one device at a time, the one that is due first.
pub(crate) async fn run(poller: Poller, devices: Vec<HomeDevice>, stop: CancellationToken) {
    let now = poller.clock.now();
    let mut line: Vec<_> = devices
        .into_iter()
        .map(|device| Polled {
            device,
            due: now,
            last: BTreeMap::new(),
        })
        .collect();
    loop {
        let Some(next) = line.iter_mut().min_by_key(|it| it.due) else {
            // A home without devices has nothing to read, and is a home all the same.
            return stop.cancelled().await;
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = poller.clock.sleep_until(next.due) => {}
        }
        let reading = tokio::select! {
            () = stop.cancelled() => return,
            reading = poller.read(next) => reading,
        };
        match reading {
            Ok(()) => {}
            Err(Error::Closed) => return,
            Err(error) => {
                tracing::warn!(device = %next.device.device.alias, %error, "a reading is lost");
            }
        }
        next.due = later(poller.clock.now(), next.device.poll);
    }
}

impl Poller {
    async fn read(&self, polled: &mut Polled) -> Result<(), Error> {
        let device = &polled.device.device;
        match self.api.state(device, false, self.clock.now()).await {
            Answer::Ok(readings) => {
                let is_new = readings.values != polled.last;
                polled.last.clone_from(&readings.values);
                self.hand_in(readings, is_new).await
            }
            answer @ (Answer::Refused(_) | Answer::NotSent { .. } | Answer::Lost { .. }) => {
                tracing::warn!(device = %device.alias, ?answer, "cannot be read");
                Ok(())
            }
        }
    }

    async fn hand_in(&self, readings: Readings, is_new: bool) -> Result<(), Error> {
        let now = self.clock.now();
        let event = Event {
            id: EventId::reading(&readings.device, now),
            source: Source::Poll,
            received_at: now,
            payload: Payload::Readings(readings),
        };
        self.store
            .write(move |tx| {
                if is_new {
                    inbox::record(tx, event.clone(), None).map(drop)
                } else {
                    inbox::pass(tx, event.clone());
                    Ok(())
                }
            })
            .await
    }
}
