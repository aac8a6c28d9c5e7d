//! The listener: requests in, faults played on them, answers out.
//!
//! The routes are plain functions on the world; all waiting is here, and never with the world locked.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Query;
use axum::http::header::{CONTENT_TYPE, DATE, ORIGIN, RETRY_AFTER};
use axum::http::{Request as HttpRequest, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::clock::{Clock, later};
use crate::simulator::control;
use crate::simulator::envelope::{ApiError, HEADERS_SEEN, Meta, Reply, Request, enveloped};
use crate::simulator::faults::RequestFault;
use crate::simulator::routes;
use crate::simulator::world::World;

/// Connections at a time; further ones wait to be taken.
const CONNECTIONS_MAX: usize = 256;

/// Bytes of a request body.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// How long a push waits for its own webhook to overtake it.
const OVERTAKING_MAX: Duration = Duration::from_secs(5);

/// What the tasks of a simulator have in common.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) clock: Clock,
    pub(crate) speed: f64,
    /// The courier has something to do.
    pub(crate) work: Notify,
    /// An attempt to deliver a webhook is over.
    pub(crate) attempted: Notify,
    world: Mutex<World>,
}

/// The connection ends here, without an answer.
#[derive(Debug, thiserror::Error)]
#[error("dropped on purpose")]
pub(super) struct Dropped;

/// An answer under way, and what is to be noted of it.
type Outcome = Result<Reply, ApiError>;

impl Shared {
    pub(crate) fn new(clock: Clock, world: World) -> Self {
        Self {
            clock,
            speed: world.speed,
            work: Notify::new(),
            attempted: Notify::new(),
            world: Mutex::new(world),
        }
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        // A panic in one request must not take the house down.
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Carries out a control request; `path` is without the prefix.
    pub(crate) fn control(
        &self,
        method: &str,
        path: &str,
        body: &[u8],
    ) -> Result<Value, control::Refused> {
        let now = self.clock.now();
        let answer = {
            let mut world = self.world();
            world.tick(now);
            control::answer(&mut world, (method, path), body, now)
        };
        self.work.notify_one();
        answer
    }
}

/// Takes connections until `stop`; then ends those that are open.
pub(crate) async fn run(shared: Arc<Shared>, listener: TcpListener, stop: CancellationToken) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    loop {
        let accepted = async {
            let place = Arc::clone(&places).acquire_owned().await;
            let accepted = listener.accept().await;
            (place.expect("the semaphore is never closed"), accepted)
        };
        tokio::select! {
            () = stop.cancelled() => break,
            (place, accepted) = accepted => {
                // A connection that broke before it was taken concerns nobody.
                if let Ok((stream, peer)) = accepted {
                    let shared = Arc::clone(&shared);
                    connections.spawn(async move {
                        connection(shared, stream, peer).await;
                        drop(place);
                    });
                }
            }
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
    connections.shutdown().await;
}

async fn connection(shared: Arc<Shared>, stream: TcpStream, peer: SocketAddr) {
    let service = service_fn(move |request| serve(Arc::clone(&shared), peer, request));
    let served = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "connection ended");
    }
}

async fn serve(
    shared: Arc<Shared>,
    peer: SocketAddr,
    request: HttpRequest<Incoming>,
) -> Result<Response<Body>, Dropped> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let method = parts.method.as_str().to_owned();
    let body = to_bytes(Body::new(body), BODY_BYTES_MAX).await;
    if let Some(control_path) = path.strip_prefix(control::PREFIX) {
        // Browsers say which page sent them; no page has any business here.
        let from_page = parts.headers.contains_key(ORIGIN);
        if from_page || !peer.ip().to_canonical().is_loopback() {
            let told = json!({"error": "only from this machine, and from no web page"});
            return Ok(json_response(403, &told));
        }
        return Ok(serve_control(&shared, (&method, control_path), body.ok()));
    }
    let query = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri);
    let headers = HEADERS_SEEN.iter().filter_map(|name| {
        let value = parts.headers.get(*name)?.to_str().ok()?;
        Some(((*name).to_owned(), value.to_owned()))
    });
    let too_large = body.is_err();
    let request = Request {
        method,
        path,
        query: query.map(|it| it.0).unwrap_or_default(),
        headers: headers.collect(),
        body: body.map(Vec::from).unwrap_or_default(),
    };
    serve_api(&shared, &request, too_large).await
}

/// Plays the fault that fits, and lets the request take effect if the fault leaves it.
pub(super) async fn serve_api(
    shared: &Shared,
    request: &Request,
    too_large: bool,
) -> Result<Response<Body>, Dropped> {
    let arrived = shared.clock.now();
    let (number, fault) = {
        let mut world = shared.world();
        let key = routes::key_seen(&world, request);
        let number = world.ledger.note(request, key, arrived);
        let fault = world.faults.on_request(&request.method, &request.path);
        let record = world.ledger.record_mut(number).expect("just noted");
        record.fault = fault.as_ref().map(|it| it.name().to_owned());
        (number, fault)
    };
    match &fault {
        Some(RequestFault::DropConnection) => return Err(Dropped),
        Some(RequestFault::DelayBefore { ms }) => {
            shared.clock.sleep(Duration::from_millis(*ms)).await;
        }
        Some(_) | None => {}
    }
    let mut outcome = match &fault {
        Some(RequestFault::Answer(answer)) => Err(answer.error()),
        _ if too_large => {
            // Not documented; our assumption.
            Err(ApiError::new(
                413,
                "PAYLOAD_TOO_LARGE",
                "the body is too large",
            ))
        }
        _ => take_effect(shared, request, number),
    };
    if let Ok(Reply {
        awaits: Some(message),
        ..
    }) = &outcome
    {
        overtaken(shared, message).await;
    }
    match fault {
        Some(RequestFault::DropAnswer) => return Err(Dropped),
        Some(RequestFault::AnswerAfter(answer)) => outcome = Err(answer.error()),
        Some(RequestFault::DelayAfter { ms }) => {
            shared.clock.sleep(Duration::from_millis(ms)).await;
        }
        Some(_) | None => {}
    }
    Ok(respond(shared, request, (number, arrived), &outcome))
}

fn take_effect(shared: &Shared, request: &Request, number: u64) -> Outcome {
    let now = shared.clock.now();
    let outcome = {
        let mut world = shared.world();
        world.tick(now);
        let outcome = routes::answer(&mut world, request, now);
        if let (Ok(reply), Some(record)) = (&outcome, world.ledger.record_mut(number)) {
            record.accepted_action.clone_from(&reply.accepted);
        }
        outcome
    };
    shared.work.notify_one();
    outcome
}

/// Returns when the webhook `message` was tried once, or after a while.
async fn overtaken(shared: &Shared, message: &str) {
    let give_up = later(shared.clock.now(), OVERTAKING_MAX);
    loop {
        let attempted = shared.attempted.notified();
        let tried = shared
            .world()
            .outbound
            .record(message)
            .is_none_or(|it| !it.attempts.is_empty());
        if tried {
            return;
        }
        tokio::select! {
            () = attempted => {}
            () = shared.clock.sleep_until(give_up) => return,
        }
    }
}

fn respond(
    shared: &Shared,
    request: &Request,
    (number, arrived): (u64, Timestamp),
    outcome: &Outcome,
) -> Response<Body> {
    let now = shared.clock.now();
    let status = match outcome {
        Ok(reply) => reply.status,
        Err(error) => error.status,
    };
    let body = {
        let mut world = shared.world();
        if let Some(record) = world.ledger.record_mut(number) {
            record.status = Some(status);
        }
        let meta = Meta {
            request_id: world.random.request_id(),
            environment: world.switches.environment,
            generation: world.switches.generation,
            now,
            latency: Duration::try_from(now.duration_since(arrived)).unwrap_or_default(),
            path: &request.path,
            extra_fields: world.switches.extra_fields,
        };
        enveloped(outcome, &meta)
    };
    let mut response = match outcome {
        // Something on the way speaks, not Amps.
        Err(error) if error.code.is_empty() => text_response(status, &error.message),
        Ok(_) | Err(_) => json_response(status, &body),
    };
    let retry_after = outcome.as_ref().err().and_then(|it| it.retry_after_seconds);
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    // By the clock of the simulator, which may show another time than the machine.
    let date = now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    if let Ok(date) = date.parse() {
        response.headers_mut().insert(DATE, date);
    }
    response
}

fn serve_control(
    shared: &Shared,
    (method, path): (&str, &str),
    body: Option<Bytes>,
) -> Response<Body> {
    let Some(body) = body else {
        return json_response(413, &json!({"error": "the body is too large"}));
    };
    match shared.control(method, path, &body) {
        Ok(answer) => json_response(200, &answer),
        Err(refused) => json_response(refused.status, &json!({"error": refused.message})),
    }
}

fn text_response(status: u16, text: &str) -> Response<Body> {
    Response::builder()
        .status(status)
        .header(CONTENT_TYPE, "text/plain")
        .body(Body::from(text.to_owned()))
        .expect("a status that is no constant was checked where it came in")
}

fn json_response(status: u16, body: &Value) -> Response<Body> {
    Response::builder()
        .status(status)
        .header(CONTENT_TYPE, "application/json")
        .body(Body::from(body.to_string()))
        .expect("a status that is no constant was checked where it came in")
}
