//! Asks the running engine of a home for something.

use std::path::Path;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::{Request, header};
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use tokio::time::timeout;

use crate::control::{
    ABOUT, DEAD_LETTERS, Done, PLAN, PauseBody, RELOAD, Refusal, STOP_ALL, Wish, address_of,
    is_short_enough, socket_path,
};

/// How long an answer may take: a home of many rules is read and checked meanwhile.
const ANSWER_WAIT: Duration = Duration::from_mins(1);

/// The largest answer that is read.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Why there is no answer that could be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unanswered {
    #[error("no engine runs on this home")]
    NotRunning,
    #[error(
        "the engine cannot be reached: the path of the home is too long for a socket; \
         move it to a folder with a shorter path, or run this from inside of the home"
    )]
    PathTooLong,
    #[error("the engine cannot be reached: {0}")]
    Unreachable(String),
    #[error("the engine does not answer")]
    TooSlow,
}

/// What the engine of the home in `dir` does about `wish`, or why it does nothing.
pub(crate) async fn ask(dir: &Path, wish: &Wish) -> Result<Result<Done, Refusal>, Unanswered> {
    let path = socket_path(dir);
    if !is_short_enough(&path) {
        return Err(Unanswered::PathTooLong);
    }
    // A socket without an engine behind it is what an engine left that was killed.
    let stream = UnixStream::connect(&path)
        .await
        .map_err(|_| Unanswered::NotRunning)?;
    timeout(ANSWER_WAIT, exchange(stream, wish))
        .await
        .unwrap_or(Err(Unanswered::TooSlow))
}

async fn exchange(stream: UnixStream, wish: &Wish) -> Result<Result<Done, Refusal>, Unanswered> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(unreachable)?;
    let (address, body) = request(wish).map_err(unreachable)?;
    let request = match wish {
        Wish::About | Wish::Plan => Request::get(address),
        Wish::Reload
        | Wish::Trigger(_)
        | Wish::Pause(..)
        | Wish::Resume(_)
        | Wish::StopAll
        | Wish::DeadLetter(_) => Request::post(address),
    };
    let request = request
        .header(header::HOST, "localhost")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::from(body)))
        .map_err(unreachable)?;
    let answered = async move {
        let answer = sender.send_request(request).await.map_err(unreachable)?;
        let is_done = answer.status().is_success();
        let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect();
        let body = body
            .await
            .map_err(|it| Unanswered::Unreachable(it.to_string()))?;
        Ok((is_done, body.to_bytes()))
    };
    let (answered, ()) = tokio::join!(answered, async {
        // It ends with its sender; what goes wrong with it, the answer tells.
        drop(connection.await);
    });
    let (is_done, body) = answered?;
    if is_done {
        let done = serde_json::from_slice(&body).map_err(unreachable)?;
        return Ok(Ok(done));
    }
    Ok(Err(serde_json::from_slice(&body).map_err(unreachable)?))
}

fn unreachable(error: impl std::error::Error) -> Unanswered {
    Unanswered::Unreachable(error.to_string())
}

fn request(wish: &Wish) -> serde_json::Result<(String, Vec<u8>)> {
    let nothing = PauseBody::default();
    let (address, body) = match wish {
        Wish::DeadLetter(body) => {
            return Ok((DEAD_LETTERS.to_owned(), serde_json::to_vec(body)?));
        }
        Wish::About => (ABOUT.to_owned(), nothing),
        Wish::Plan => (PLAN.to_owned(), nothing),
        Wish::Reload => (RELOAD.to_owned(), nothing),
        Wish::StopAll => (STOP_ALL.to_owned(), nothing),
        Wish::Trigger(rule) => (address_of(rule, "trigger"), nothing),
        Wish::Resume(rule) => (address_of(rule, "resume"), nothing),
        Wish::Pause(rule, reason) => {
            let reason = reason.clone();
            (address_of(rule, "pause"), PauseBody { reason })
        }
    };
    Ok((address, serde_json::to_vec(&body)?))
}
