//! The least Amps there can be: it takes every push at once, so that it does not hold the engine up.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use axum::body::{Body, Bytes, to_bytes};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::client::runtime;
use crate::{PAIRS, now};

const BODY_BYTES_MAX: usize = 4096;

/// A push that was taken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Push {
    /// The number of the charger.
    pub(crate) pair: usize,
    /// How many pushes the charger had before.
    pub(crate) round: usize,
    /// When its body was here.
    pub(crate) at: Instant,
}

/// The id of the action that a push becomes: known in advance, so that its report can be signed in advance.
pub(crate) fn action(pair: usize, round: usize) -> String {
    format!("act_charger_{pair}_{round}")
}

struct Amps {
    rounds: Mutex<[usize; PAIRS]>,
    taken: mpsc::UnboundedSender<Push>,
}

/// Serves on a thread of its own until the process ends; tells of each push that it takes.
pub(crate) fn start() -> (SocketAddr, mpsc::UnboundedReceiver<Push>) {
    let (taken, pushes) = mpsc::unbounded_channel();
    let amps = Arc::new(Amps {
        rounds: Mutex::new([0; PAIRS]),
        taken,
    });
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        runtime().block_on(async move {
            let listener = TcpListener::from_std(listener).unwrap();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                stream.set_nodelay(true).unwrap();
                let amps = Arc::clone(&amps);
                let answer = service_fn(move |request| answer(Arc::clone(&amps), request));
                let connection =
                    http1::Builder::new().serve_connection(TokioIo::new(stream), answer);
                // The engine may end in the middle.
                tokio::spawn(async move { drop(connection.await) });
            }
        });
    });
    (address, pushes)
}

async fn answer(amps: Arc<Amps>, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    if request.method() != Method::POST {
        return Ok(enveloped(StatusCode::OK, "{\"state\":{}}"));
    }
    let path = request.uri().path().to_owned();
    let device = path.strip_prefix("/ev-charger/").unwrap().to_owned();
    let pair: usize = device
        .strip_prefix("dev_charger_")
        .unwrap()
        .parse()
        .unwrap();
    let body: Bytes = to_bytes(Body::new(request.into_body()), BODY_BYTES_MAX)
        .await
        .unwrap();
    let at = now();
    assert_eq!(&body[..], br#"{"action":{"command":"charge"}}"#);
    let round = {
        let round = &mut amps.rounds.lock().unwrap()[pair];
        *round += 1;
        *round - 1
    };
    let action = action(pair, round);
    let data = format!(
        "{{\"id\":\"{action}\",\"deviceId\":\"{device}\",\"deviceType\":\"ev_charger\",\
         \"command\":\"charge\",\"parameters\":null,\"state\":\"acknowledged\",\
         \"createdAt\":\"2026-06-10T08:00:00.000Z\"}}"
    );
    // The last pushes may come when nobody listens any more.
    let _gone = amps.taken.send(Push { pair, round, at });
    Ok(enveloped(StatusCode::ACCEPTED, &data))
}

fn enveloped(status: StatusCode, data: &str) -> Response<Body> {
    let meta = r#"{"requestId":"req_1","timestamp":"2026-06-10T08:00:00.000Z","latencyMs":1}"#;
    let text = format!("{{\"success\":true,\"data\":{data},\"meta\":{meta}}}");
    Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .body(Body::from(text))
        .unwrap()
}
