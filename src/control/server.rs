//! Answers what the command line asks for.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{self, DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use jiff::Timestamp;
use tokio::net::UnixListener;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::control::{
    ABOUT, About, BODY_BYTES_MAX, DEAD_LETTERS, DeadLetterBody, DeadLetterWish, Done, PLAN,
    PauseBody, Paused, REASON_CHARACTERS_MAX, RELOAD, Refusal, SOCKET_PATH_BYTES_MAX, STOP_ALL,
    Stopped, Triggered, is_short_enough, socket_path,
};
use crate::document::suggest::closest;
use crate::domain::event::{Event, Payload, Request, Source};
use crate::domain::id::{EventId, RuleId};
use crate::engine::trace::{Trace, Verdict};
use crate::reload::{self, Handle, Refused};
use crate::rules::rule::{Rule, RuleSet};
use crate::store::dead_letters::{self, Became, Hopeless};
use crate::store::error::Error;
use crate::store::writer::Tx;
use crate::store::{Store, inbox, requests_of_people};

/// How long a stop waits for requests under way.
const STOP_WAIT: Duration = Duration::from_secs(3);

/// What the routes need.
#[derive(Clone, Debug)]
pub(crate) struct Control {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) reload: Handle,
    pub(crate) since: Timestamp,
}

/// The socket of a home; it is removed with this.
#[derive(Debug)]
pub(crate) struct Socket {
    listener: UnixListener,
    path: PathBuf,
}

impl Socket {
    /// Opens the socket of the home in `dir`, in the place of one that a killed engine left. Whoever calls
    /// this holds the lock of the home. None, and a word in the log, where there can be none.
    pub(crate) fn open(dir: &Path) -> Option<Self> {
        let path = socket_path(dir);
        if !is_short_enough(&path) {
            let path = path.display();
            tracing::warn!(
                %path,
                max = SOCKET_PATH_BYTES_MAX,
                "the path is too long for a socket: `reload`, `trigger`, `pause`, `resume` and `stop-all` cannot reach this engine"
            );
            return None;
        }
        match Self::bind(path) {
            Ok(socket) => Some(socket),
            Err(error) => {
                tracing::warn!(%error, "the socket of this home cannot be opened: `reload` and its like cannot reach this engine");
                None
            }
        }
    }

    fn bind(path: PathBuf) -> io::Result<Self> {
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let listener = UnixListener::bind(&path)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
        Ok(Self { listener, path })
    }
}

/// Serves `socket` until `stop`, then lets the requests under way finish.
pub(crate) async fn serve(socket: Option<Socket>, control: Control, stop: CancellationToken) {
    let Some(Socket { listener, path }) = socket else {
        return stop.cancelled().await;
    };
    let routes = Router::new()
        .route(ABOUT, get(about))
        .route(RELOAD, post(reload))
        .route(PLAN, get(plan))
        .route(STOP_ALL, post(stop_all))
        .route(DEAD_LETTERS, post(dead_letter))
        .route("/api/v1/rules/{rule}/trigger", post(trigger))
        .route("/api/v1/rules/{rule}/pause", post(pause))
        .route("/api/v1/rules/{rule}/resume", post(resume))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(control);
    let stopped = stop.clone();
    let served = axum::serve(listener, routes)
        .with_graceful_shutdown(async move { stopped.cancelled().await })
        .into_future();
    let mut served = std::pin::pin!(served);
    tokio::select! {
        () = stop.cancelled() => drop(timeout(STOP_WAIT, served).await),
        ended = &mut served => drop(ended),
    }
    // It may be gone already, with its folder.
    drop(fs::remove_file(path));
}

type Answer = Result<Json<Done>, (StatusCode, Json<Refusal>)>;

fn refuse<T>(status: StatusCode, refusal: Refusal) -> Result<T, (StatusCode, Json<Refusal>)> {
    Err((status, Json(refusal)))
}

async fn about(State(control): State<Control>) -> Json<Done> {
    Json(Done::About(About {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        since: control.since,
    }))
}

async fn reload(State(control): State<Control>) -> Answer {
    reloaded(control.reload.reload().await)
}

/// What a reload would change; it changes nothing.
async fn plan(State(control): State<Control>) -> Answer {
    reloaded(control.reload.plan().await)
}

fn reloaded(answer: reload::Answer) -> Answer {
    match answer {
        Ok(reloaded) => Ok(Json(Done::Reloaded(reloaded))),
        Err(Refused::Home(problems)) => {
            let error = "home.yaml is broken; nothing was changed";
            let refusal = Refusal {
                problems,
                ..Refusal::new(error)
            };
            refuse(StatusCode::CONFLICT, refusal)
        }
        Err(Refused::Failed(why)) => refuse(StatusCode::SERVICE_UNAVAILABLE, Refusal::new(why)),
        Err(Refused::Busy) => {
            let why = "too many ask for a reload at once";
            refuse(StatusCode::SERVICE_UNAVAILABLE, Refusal::new(why))
        }
    }
}

async fn trigger(
    State(control): State<Control>,
    extract::Path(rule): extract::Path<String>,
) -> Answer {
    let rules = control.reload.rules();
    let rule = named(&rules, &rule)?;
    if let Some(why) = why_never(rule) {
        return refuse(StatusCode::CONFLICT, Refusal::new(why));
    }
    let id = rule.id.clone();
    let event = control
        .record(Request::Trigger { rule: id.clone() })
        .await?;
    let traces = control
        .read(move |tx| requests_of_people::traces(tx, &event))
        .await?;
    // With `mode: restart` the end of the run before comes first.
    let mut of_rule = traces.iter().filter(|it| it.rule == id);
    let started = of_rule.find(|it| it.verdict == Verdict::Started);
    let run = started.and_then(|it| it.run.clone());
    Ok(Json(Done::Triggered(Box::new(Triggered {
        rule: id,
        run,
        traces,
    }))))
}

async fn pause(
    State(control): State<Control>,
    extract::Path(rule): extract::Path<String>,
    body: Bytes,
) -> Answer {
    let rules = control.reload.rules();
    let rule = named(&rules, &rule)?.id.clone();
    let PauseBody { reason } = read_body(&body)?;
    if reason
        .as_ref()
        .is_some_and(|it| REASON_CHARACTERS_MAX < it.chars().count())
    {
        let why = format!("a reason has at most {REASON_CHARACTERS_MAX} characters");
        return refuse(StatusCode::BAD_REQUEST, Refusal::new(why));
    }
    let request = Request::Pause {
        rule: rule.clone(),
        reason,
    };
    control.record(request).await?;
    let paused = control.read(requests_of_people::paused).await?;
    let reason = paused.into_iter().find(|(it, _)| *it == rule);
    let Some((rule, reason)) = reason else {
        let why = "the engine could not pause the rule";
        return refuse(StatusCode::SERVICE_UNAVAILABLE, Refusal::new(why));
    };
    Ok(Json(Done::Paused(Paused { rule, reason })))
}

async fn resume(
    State(control): State<Control>,
    extract::Path(rule): extract::Path<String>,
) -> Answer {
    let rules = control.reload.rules();
    let rule = named(&rules, &rule)?.id.clone();
    let paused = control.read(requests_of_people::paused).await?;
    let was_paused = paused.iter().any(|(it, _)| *it == rule);
    control
        .record(Request::Resume { rule: rule.clone() })
        .await?;
    Ok(Json(Done::Resumed { rule, was_paused }))
}

async fn stop_all(State(control): State<Control>) -> Answer {
    let event = control.record(Request::StopAll).await?;
    let traces = control
        .read(move |tx| requests_of_people::traces(tx, &event))
        .await?;
    let paused = control.read(requests_of_people::paused).await?;
    let ended = traces
        .into_iter()
        .filter(|it| matches!(it.verdict, Verdict::Ended { .. }));
    Ok(Json(Done::Stopped(Stopped {
        paused: paused.into_iter().map(|(it, _)| it).collect(),
        ended: ended.filter_map(|it: Trace| it.run).collect(),
    })))
}

async fn dead_letter(
    State(control): State<Control>,
    Json(DeadLetterBody { id, what }): Json<DeadLetterBody>,
) -> Answer {
    let (letter, now) = (id.clone(), control.clock.now());
    let done = control
        .read(move |tx| match what {
            DeadLetterWish::Retry => dead_letters::retry(tx, &letter, now),
            DeadLetterWish::Drop => Ok(dead_letters::put_away(tx, &letter)?
                .then_some(())
                .ok_or(Hopeless::Unknown)),
        })
        .await?;
    if let Err(why) = done {
        let (status, why) = match why {
            Hopeless::Unknown => (
                StatusCode::NOT_FOUND,
                format!("no dead letter has the id `{id}`"),
            ),
            Hopeless::Unreadable => (
                StatusCode::CONFLICT,
                format!(
                    "the body of `{id}` cannot be read, now as then; `dead-letters drop` puts it away"
                ),
            ),
        };
        return refuse(status, Refusal::new(why));
    }
    tracing::info!(%id, ?what, "a person decided about a dead letter");
    // What came of it is known since that was committed.
    let letter = id.clone();
    let became = control
        .read(move |tx| dead_letters::look(tx, &letter))
        .await?;
    let became = became.unwrap_or(Became::Dropped);
    Ok(Json(Done::DeadLetter { id, became }))
}

fn read_body(body: &Bytes) -> Result<PauseBody, (StatusCode, Json<Refusal>)> {
    if body.is_empty() {
        return Ok(PauseBody::default());
    }
    let read = serde_json::from_slice(body);
    read.or_else(|error| refuse(StatusCode::BAD_REQUEST, Refusal::new(error.to_string())))
}

fn named<'r>(rules: &'r RuleSet, id: &str) -> Result<&'r Rule, (StatusCode, Json<Refusal>)> {
    if let Some(rule) = rules.rule(&RuleId::new(id)) {
        return Ok(rule);
    }
    let ids = rules.rules.iter().map(|it| it.id.as_str());
    let refusal = Refusal {
        did_you_mean: closest(id, ids).map(str::to_owned),
        ..Refusal::new(format!("no rule has the id `{id}`"))
    };
    refuse(StatusCode::NOT_FOUND, refusal)
}

/// Why the rule cannot run at all.
fn why_never(rule: &Rule) -> Option<String> {
    (!rule.enabled).then(|| format!("`{}` is switched off (`enabled: false`)", rule.id))
}

impl Control {
    /// Puts on record what a person asks for. When this returns, the engine has dealt with it.
    async fn record(&self, request: Request) -> Result<EventId, (StatusCode, Json<Refusal>)> {
        let now = self.clock.now();
        let what = format!("{} {request:?}", now.as_microsecond());
        let event = Event {
            id: EventId::derive("request", &what),
            source: Source::Person,
            received_at: now,
            payload: Payload::Request(request),
        };
        let id = event.id.clone();
        tracing::info!(event = %id, "a person asked for something");
        self.read(move |tx| inbox::record(tx, event.clone(), None))
            .await?;
        Ok(id)
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl Fn(&Tx<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, (StatusCode, Json<Refusal>)> {
        let done = self.store.write(work).await;
        done.or_else(|error| {
            refuse(
                StatusCode::SERVICE_UNAVAILABLE,
                Refusal::new(error.to_string()),
            )
        })
    }
}
