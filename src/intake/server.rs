//! Connections: how many, how long each may last, and how they end.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use crate::clock::Clock;
use crate::intake::Limits;

/// Header lines of a request, and bytes of its head. Svix sends at most a dozen signatures.
const HEADER_LINES_MAX: usize = 64;
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// What is thrown away at the end of a connection: far more than a sender sends by mistake.
const DRAINED_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Before accepting again after the system would not give a connection (no descriptors left).
const ACCEPT_WAIT: Duration = Duration::from_millis(100);

/// Serves `routes` until `stop`, then lets requests under way finish.
pub(super) async fn serve(
    listener: TcpListener,
    routes: Router,
    limits: Limits,
    stop: CancellationToken,
) {
    let room = Arc::new(Semaphore::new(limits.connections));
    let connections = TaskTracker::new();
    let cut = CancellationToken::new();
    loop {
        let permit = tokio::select! {
            () = stop.cancelled() => break,
            permit = Arc::clone(&room).acquire_owned() => permit.expect("the semaphore stays open"),
        };
        let stream = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::select! {
                        () = stop.cancelled() => break,
                        () = Clock::System.sleep(ACCEPT_WAIT) => continue,
                    }
                }
            },
        };
        let (routes, stop, cut) = (routes.clone(), stop.clone(), cut.clone());
        connections.spawn(async move {
            tokio::select! {
                () = connection(stream, routes, limits, stop) => {}
                () = cut.cancelled() => {}
            }
            drop(permit);
        });
    }
    connections.close();
    if timeout(limits.stop_wait, connections.wait()).await.is_err() {
        tracing::warn!("connections were cut at the stop");
        // What they hold, the store above all, must be free before the program can end.
        cut.cancel();
        connections.wait().await;
    }
}

async fn connection(stream: TcpStream, routes: Router, limits: Limits, stop: CancellationToken) {
    // Small answers must not wait for more to send; a socket without the option works too.
    drop(stream.set_nodelay(true));
    let service = service_fn(|request: Request<Incoming>| {
        Box::pin(routes.clone().oneshot(request.map(axum::body::Body::new)))
    });
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_wait)
        .max_headers(HEADER_LINES_MAX)
        .max_header_size(HEAD_BYTES_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let served = tokio::select! {
        ended = poll_fn(|cx| connection.poll_without_shutdown(cx)) => Some(ended),
        () = stop.cancelled() => None,
        // Whoever never reads his answers would keep the connection for good.
        () = Clock::System.sleep(limits.connection_life) => None,
    };
    let ended = if let Some(ended) = served {
        ended
    } else {
        Pin::new(&mut connection).graceful_shutdown();
        let rest = poll_fn(|cx| connection.poll_without_shutdown(cx));
        let Ok(ended) = timeout(limits.request_wait(), rest).await else {
            tracing::debug!("a connection was cut");
            return;
        };
        ended
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
    let stream = connection.into_parts().io.into_inner();
    // Too long is as good as the end.
    drop(timeout(limits.linger, drain(stream)).await);
}

/// Says that nothing more will come, and throws away what still does.
///
/// A socket that is closed while bytes lie unread takes back what it has sent: a sender who is still at the
/// body would see a broken connection instead of the refusal.
async fn drain(stream: TcpStream) {
    let (reader, writer) = stream.into_split();
    drop(writer);
    let mut rubbish = [0; 4096];
    let mut drained = 0;
    while drained < DRAINED_BYTES_MAX && reader.readable().await.is_ok() {
        match reader.try_read(&mut rubbish) {
            Ok(0) => return,
            Ok(n_bytes) => drained += n_bytes,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => return,
        }
    }
}
