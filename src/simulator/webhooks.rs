//! Webhooks on their way out: what was posted, what is kept back, how each attempt went.

use std::collections::VecDeque;

use jiff::Timestamp;
use serde::Serialize;

use crate::intake::signature::Key;
use crate::simulator::envelope::iso;
use crate::simulator::faults::WebhookFault;

/// Webhooks that are remembered. One that is forgotten is not tried again.
pub const WEBHOOKS_MAX: usize = 1000;

/// Attempts that are remembered of one webhook: eight, and as many for a duplicate.
const ATTEMPTS_KEPT: usize = 16;

/// What is sent in place of a body. Not JSON.
const GARBAGE: &str = "{\"actionId\": \u{fffd}";

/// Where webhooks go.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) url: String,
    pub(crate) key: Key,
    /// Each event has an address of its own, `url` + `/push.completed`: the only way to tell a
    /// connect from a reconnect (`webhooks.md` §0.4).
    pub(crate) path_per_event: bool,
}

/// One webhook and its attempts.
#[derive(Clone, Debug, Serialize)]
pub struct WebhookRecord {
    /// The `svix-id`.
    pub id: String,
    pub event: String,
    pub body: String,
    pub state: WebhookState,
    pub attempts: Vec<Attempt>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WebhookState {
    /// Under way, or waiting for its next attempt.
    Pending,
    Held,
    Delivered,
    /// The last attempt failed as well.
    Exhausted,
    /// Never sent, on purpose.
    Dropped,
    /// There was nobody to send it to.
    NoTarget,
}

#[derive(Clone, Debug, Serialize)]
pub struct Attempt {
    pub at: String,
    pub url: String,
    /// What was answered, if anything was.
    pub status: Option<u16>,
    pub error: Option<String>,
}

/// A webhook in the hands of the courier.
#[derive(Clone, Debug)]
pub(crate) struct Parcel {
    pub(crate) id: String,
    pub(crate) event: String,
    pub(crate) body: String,
    pub(crate) forged: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Outbound {
    pub(crate) target: Option<Target>,
    /// Everything is held, not only what a fault says.
    pub(crate) holding: bool,
    records: VecDeque<WebhookRecord>,
    /// Each batch is to arrive in its order.
    ready: Vec<Vec<Parcel>>,
    held: Vec<Parcel>,
    reversing: Vec<Parcel>,
}

impl Target {
    pub(crate) fn address(&self, event: &str) -> String {
        if self.path_per_event {
            format!("{}/{event}", self.url.trim_end_matches('/'))
        } else {
            self.url.clone()
        }
    }
}

impl Outbound {
    /// Takes a webhook in. `fault` says what to play on it, and whether for the last time.
    pub(crate) fn post(&mut self, mut parcel: Parcel, fault: Option<(WebhookFault, bool)>) {
        let state = if self.target.is_none() {
            WebhookState::NoTarget
        } else if self.holding {
            WebhookState::Held
        } else {
            match fault {
                Some((WebhookFault::Drop, _)) => WebhookState::Dropped,
                Some((WebhookFault::Hold | WebhookFault::Reverse, _)) => WebhookState::Held,
                Some(_) | None => WebhookState::Pending,
            }
        };
        match fault {
            Some((WebhookFault::Garbage, _)) => GARBAGE.clone_into(&mut parcel.body),
            Some((WebhookFault::Forge, _)) => parcel.forged = true,
            Some(_) | None => {}
        }
        self.note(&parcel, state);
        match (state, fault) {
            (WebhookState::Held, Some((WebhookFault::Reverse, last))) => {
                self.reversing.push(parcel);
                if last {
                    let batch = self.reversing.drain(..).rev().collect();
                    self.send(batch);
                }
            }
            (WebhookState::Held, _) => self.held.push(parcel),
            (WebhookState::Pending, Some((WebhookFault::Duplicate, _))) => {
                self.ready.push(vec![parcel.clone(), parcel]);
            }
            (WebhookState::Pending, _) => self.ready.push(vec![parcel]),
            _ => {}
        }
    }

    fn note(&mut self, parcel: &Parcel, state: WebhookState) {
        if self.records.len() >= WEBHOOKS_MAX
            && let Some(forgotten) = self.records.pop_front()
        {
            self.held.retain(|it| it.id != forgotten.id);
            self.reversing.retain(|it| it.id != forgotten.id);
        }
        self.records.push_back(WebhookRecord {
            id: parcel.id.clone(),
            event: parcel.event.clone(),
            body: parcel.body.clone(),
            state,
            attempts: Vec::new(),
        });
    }

    /// Lets go of what is held, in the order of events.
    pub(crate) fn release(&mut self) -> usize {
        self.holding = false;
        let mut batch: Vec<Parcel> = self.held.drain(..).collect();
        batch.append(&mut self.reversing);
        let n_released = batch.len();
        self.send(batch);
        n_released
    }

    fn send(&mut self, batch: Vec<Parcel>) {
        for parcel in &batch {
            self.set_state(&parcel.id, WebhookState::Pending);
        }
        if !batch.is_empty() {
            self.ready.push(batch);
        }
    }

    /// For whoever plays the courier.
    #[cfg(test)]
    pub(crate) fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    pub(crate) fn take_ready(&mut self) -> Vec<Vec<Parcel>> {
        std::mem::take(&mut self.ready)
    }

    pub(crate) fn record(&self, id: &str) -> Option<&WebhookRecord> {
        self.records.iter().rev().find(|it| it.id == id)
    }

    pub(crate) fn set_state(&mut self, id: &str, state: WebhookState) {
        if let Some(record) = self.records.iter_mut().rev().find(|it| it.id == id) {
            record.state = state;
        }
    }

    pub(crate) fn note_attempt(
        &mut self,
        id: &str,
        at: Timestamp,
        url: String,
        outcome: Result<u16, String>,
    ) {
        let Some(record) = self.records.iter_mut().rev().find(|it| it.id == id) else {
            return;
        };
        if record.attempts.len() < ATTEMPTS_KEPT {
            record.attempts.push(Attempt {
                at: iso(at),
                url,
                status: outcome.as_ref().ok().copied(),
                error: outcome.err(),
            });
        }
    }

    pub(crate) fn records(&self) -> Vec<WebhookRecord> {
        self.records.iter().cloned().collect()
    }
}
