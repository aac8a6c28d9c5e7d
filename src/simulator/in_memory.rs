//! The pretend Amps without a network: requests and webhooks are handed over by whoever plays the network.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::to_bytes;
use axum::http::HeaderMap;
use axum::http::header::RETRY_AFTER;
use jiff::Timestamp;
use serde_json::Value;

use crate::clock::Clock;
use crate::simulator::actions::ActionState;
use crate::simulator::control::Refused;
use crate::simulator::courier;
use crate::simulator::envelope::Request;
use crate::simulator::faults::Faults;
use crate::simulator::server::{self, Shared};
use crate::simulator::webhooks::Parcel;
use crate::simulator::world::World;
use crate::simulator::{Settings, WebhookTarget, control};

/// A pretend Amps that somebody else connects. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct InMemory {
    shared: Arc<Shared>,
    clock: Clock,
    api_key: String,
}

/// What came back of a request.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) body: Vec<u8>,
}

/// An attempt to deliver a webhook.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

/// An action as Amps has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) id: String,
    pub(crate) device: String,
    pub(crate) state: ActionState,
}

impl InMemory {
    pub(crate) fn new(settings: Settings, target: WebhookTarget) -> io::Result<Self> {
        let clock = settings.clock.clone();
        let api_key = settings.api_key.expose().to_owned();
        let mut world = World::new(settings, clock.now())?;
        let target = control::target(target.url, &target.secret, target.path_per_event);
        world.outbound.target = Some(target.map_err(|it| io::Error::other(it.message))?);
        Ok(Self {
            shared: Arc::new(Shared::new(clock.clone(), world)),
            clock,
            api_key,
        })
    }

    /// Carries a request out; none when the connection ended without an answer.
    pub(crate) async fn ask(
        &self,
        (method, path): (&str, &str),
        query: Vec<(String, String)>,
        body: Vec<u8>,
    ) -> Option<Answered> {
        let request = Request {
            method: method.to_owned(),
            path: path.to_owned(),
            query,
            headers: vec![("x-api-key".to_owned(), self.api_key.clone())],
            body,
        };
        let response = server::serve_api(&self.shared, &request, false)
            .await
            .ok()?;
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.ok()?;
        let retry_after = parts.headers.get(RETRY_AFTER);
        let retry_after = retry_after.and_then(|it| it.to_str().ok());
        let seconds = retry_after.and_then(|it| it.parse().ok());
        Some(Answered {
            status: parts.status.as_u16(),
            retry_after: seconds.map(Duration::from_secs),
            body: body.into(),
        })
    }

    /// A request of the control API.
    pub(crate) fn control(&self, path: &str, body: &Value) -> Result<Value, Refused> {
        let body = body.to_string();
        self.shared.control("POST", path, body.as_bytes())
    }

    /// Nothing goes wrong on demand any more.
    pub(crate) fn forget_faults(&self) {
        self.shared.world().faults = Faults::default();
    }

    /// Lets happen what is due, and hands out the webhooks that are to leave.
    pub(crate) fn tick(&self) -> Vec<Parcel> {
        let mut world = self.shared.world();
        world.tick(self.clock.now());
        world.outbound.take_ready().into_iter().flatten().collect()
    }

    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        let world = self.shared.world();
        if world.outbound.has_ready() {
            return Some(self.clock.now());
        }
        world.next_due()
    }

    /// An attempt to deliver `parcel` that leaves now.
    pub(crate) fn sent(&self, parcel: &Parcel) -> Sent {
        let target = self.shared.world().outbound.target.clone();
        let target = target.expect("it was given one");
        Sent {
            headers: courier::headers(&target, parcel, self.clock.now()),
            body: parcel.body.clone(),
        }
    }

    /// Somebody tried to deliver the webhook `id`.
    pub(crate) fn attempted(&self, id: &str) {
        let now = self.clock.now();
        let mut world = self.shared.world();
        world.outbound.note_attempt(id, now, String::new(), Ok(200));
        drop(world);
        self.shared.attempted.notify_waiters();
    }

    /// Every action that it remembers, oldest first.
    pub(crate) fn actions(&self) -> Vec<Kept> {
        let world = self.shared.world();
        let kept = world.actions.iter().map(|it| Kept {
            id: it.id.clone(),
            device: it.device.clone(),
            state: it.state,
        });
        kept.collect()
    }
}

impl Kept {
    pub(crate) fn has_failed(&self) -> bool {
        matches!(self.state, ActionState::Failed | ActionState::Cancelled)
    }
}
