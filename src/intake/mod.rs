//! HTTP request to verified event in the inbox.
//!
//! The face to the internet. It answers with success only after the event is on the disk, tells a
//! stranger nothing, and has a bound on everything a stranger can send.

mod hooks;
mod server;
pub mod signature;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::amps_json::envelope;
use crate::clock::Clock;
use crate::domain::event::{Event, Payload, Source};
use crate::domain::id::EventId;
pub(crate) use crate::intake::hooks::Hooks;
use crate::intake::signature::Key;
use crate::store::Store;
use crate::store::error::Error;
use crate::store::inbox::{self, Recorded};

/// The largest body of a webhook. Svix sends up to about 350 kB (`webhooks.md` §2).
pub const BODY_BYTES_MAX: usize = 512 * 1024;

/// What the sender is asked to wait while the database cannot be written.
const RETRY_AFTER_SECONDS: &str = "30";

/// What the routes need.
#[derive(Clone, Debug)]
pub(crate) struct Intake {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    /// Any of them may have signed.
    pub(crate) keys: Arc<[Key]>,
    pub(crate) hooks: Arc<Hooks>,
}

/// What a stranger can hold of us, and for how long.
#[derive(Clone, Copy, Debug)]
struct Limits {
    /// Connections at once; further ones wait to be accepted.
    connections: usize,
    /// How long a client may take for a head, and how long a connection may lie idle.
    header_wait: Duration,
    /// How long a client may take for a body. Svix itself gives up after 15 s.
    body_wait: Duration,
    /// How long a connection takes requests; the one that is under way then is finished.
    connection_life: Duration,
    /// How long a connection that is over takes what the client still sends, unread.
    linger: Duration,
    /// How long a stop waits for requests under way.
    stop_wait: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 256,
            header_wait: Duration::from_secs(10),
            body_wait: Duration::from_secs(10),
            connection_life: Duration::from_mins(1),
            linger: Duration::from_secs(2),
            stop_wait: Duration::from_secs(3),
        }
    }
}

impl Limits {
    /// How long a request that is under way may still take. A body, and as long for the store and the answer.
    fn request_wait(self) -> Duration {
        self.body_wait * 2
    }
}

/// Takes in webhooks until `stop`, then lets the requests under way finish.
pub(crate) async fn serve(listener: TcpListener, intake: Intake, stop: CancellationToken) {
    serve_within(Limits::default(), listener, intake, stop).await;
}

async fn serve_within(
    limits: Limits,
    listener: TcpListener,
    intake: Intake,
    stop: CancellationToken,
) {
    let receive = move |State(intake): State<Intake>, request: Request| async move {
        let received = intake.receive(request, limits.body_wait).await;
        received.into_response()
    };
    let hook = move |State(intake): State<Intake>, request: Request| async move {
        let received = intake.hook(request, limits.body_wait).await;
        received.into_response()
    };
    let routes = Router::new()
        .route("/webhooks/amps", post(receive))
        .route("/webhooks/amps/{event}", post(receive))
        .route("/hooks/{name}", post(hook))
        .route("/healthz", get(|| async { "ok\n" }))
        .with_state(intake);
    server::serve(listener, routes, limits, stop).await;
}

/// The event that the address names. Taken as it stands: what is no name of an event is no hint.
fn hint(uri: &Uri) -> Option<&str> {
    uri.path().strip_prefix("/webhooks/amps/")
}

/// Why a request was turned away. The sender learns the status alone.
#[derive(Debug)]
enum Rejection {
    /// The headers, the signature or the time.
    NotVerified(signature::Rejection),
    TooLarge,
    TooSlow {
        limit: Duration,
    },
    /// The connection broke inside the body.
    Incomplete,
    NotStored(Error),
    /// No hook of the home has this name.
    NoHook,
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        match self {
            Self::NotVerified(reason) => {
                tracing::warn!(?reason, "a webhook was refused");
                (StatusCode::BAD_REQUEST, "bad request\n").into_response()
            }
            Self::Incomplete => {
                tracing::warn!("a body broke off");
                (StatusCode::BAD_REQUEST, "bad request\n").into_response()
            }
            Self::TooLarge => {
                tracing::warn!(limit = BODY_BYTES_MAX, "a body was too large");
                (
                    StatusCode::PAYLOAD_TOO_LARGE,
                    [(header::CONNECTION, "close")],
                )
                    .into_response()
            }
            Self::TooSlow { limit } => {
                tracing::warn!(?limit, "a body was too slow");
                (StatusCode::REQUEST_TIMEOUT, [(header::CONNECTION, "close")]).into_response()
            }
            Self::NoHook => StatusCode::NOT_FOUND.into_response(),
            Self::NotStored(error) => {
                tracing::error!(%error, "a webhook could not be recorded; the sender will retry");
                let retry = [(header::RETRY_AFTER, RETRY_AFTER_SECONDS)];
                (StatusCode::SERVICE_UNAVAILABLE, retry, "not now\n").into_response()
            }
        }
    }
}

impl Intake {
    async fn receive(
        &self,
        request: Request,
        body_wait: Duration,
    ) -> Result<&'static str, Rejection> {
        let (parts, body) = request.into_parts();
        let body = read(&parts.headers, body, body_wait).await?;
        let id = self.verify(&parts.headers, &body, &self.keys)?;
        let payload = envelope::read(&body, hint(&parts.uri));
        let payload = payload.map_err(|it| it.to_string());
        self.record(id, payload, body).await
    }

    /// A webhook of the home's own.
    async fn hook(&self, request: Request, body_wait: Duration) -> Result<&'static str, Rejection> {
        let (parts, body) = request.into_parts();
        let name = parts.uri.path().strip_prefix("/hooks/");
        let hook = name.and_then(|it| self.hooks.find(it));
        let hook = hook.ok_or(Rejection::NoHook)?;
        let body = read(&parts.headers, body, body_wait).await?;
        let delivery = self.verify(&parts.headers, &body, &hook.keys)?;
        let payload = self.hooks.read(hook, &body, self.clock.now());
        self.record(hook.event(&delivery), payload, body).await
    }

    /// The id under which the webhook was sent.
    fn verify(&self, headers: &HeaderMap, body: &[u8], keys: &[Key]) -> Result<EventId, Rejection> {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_bytes()));
        signature::verify(headers, body, keys, self.clock.now()).map_err(Rejection::NotVerified)
    }

    /// What a request without a connection is answered.
    #[cfg(test)]
    pub(crate) async fn answer(&self, headers: HeaderMap, body: Vec<u8>) -> StatusCode {
        let mut request = Request::post("/webhooks/amps");
        if let Some(it) = request.headers_mut() {
            *it = headers;
        }
        let request = request.body(body.into()).expect("it has an address");
        let received = self.receive(request, Limits::default().body_wait).await;
        received.into_response().status()
    }

    async fn record(
        &self,
        id: EventId,
        payload: Result<Payload, String>,
        body: Bytes,
    ) -> Result<&'static str, Rejection> {
        let recorded = self.write(id.clone(), payload, body).await;
        let recorded = recorded.map_err(Rejection::NotStored)?;
        tracing::info!(event = %id, ?recorded, "a webhook came in");
        Ok("ok\n")
    }

    async fn write(
        &self,
        id: EventId,
        payload: Result<Payload, String>,
        body: Bytes,
    ) -> Result<Recorded, Error> {
        let received_at = self.clock.now();
        match payload {
            Ok(payload) => {
                let event = Event {
                    id,
                    source: Source::Webhook,
                    received_at,
                    payload,
                };
                self.store
                    .write(move |tx| inbox::record(tx, event.clone(), Some(&body)))
                    .await
            }
            Err(reason) => {
                tracing::warn!(event = %id, reason, "a webhook cannot be read; kept as a dead letter");
                self.store
                    .write(move |tx| inbox::record_unreadable(tx, &id, received_at, &body, &reason))
                    .await
            }
        }
    }
}

/// The whole body, within its bounds of size and time.
async fn read(
    headers: &HeaderMap,
    body: axum::body::Body,
    wait: Duration,
) -> Result<Bytes, Rejection> {
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|it| it.to_str().ok()?.parse().ok());
    if announced.is_some_and(|bytes: usize| BODY_BYTES_MAX < bytes) {
        return Err(Rejection::TooLarge);
    }
    match tokio::time::timeout(wait, to_bytes(body, BODY_BYTES_MAX)).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(error)) if is_too_large(&error) => Err(Rejection::TooLarge),
        Ok(Err(_)) => Err(Rejection::Incomplete),
        Err(_) => Err(Rejection::TooSlow { limit: wait }),
    }
}

/// Whether reading stopped at the limit, and not because the connection broke.
fn is_too_large(error: &axum::Error) -> bool {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        if error.is::<http_body_util::LengthLimitError>() {
            return true;
        }
        cause = error.source();
    }
    false
}
