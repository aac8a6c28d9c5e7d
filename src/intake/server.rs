//! Connections: how many, how long for a header, and how they end.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

/// Connections at once; further ones wait to be accepted.
const CONNECTIONS_MAX: usize = 256;

/// How long a client may take for a header, and how long a connection may lie idle.
const HEADER_WAIT: Duration = Duration::from_secs(10);

/// Header lines of a request, and bytes of its head. Svix sends at most a dozen signatures.
const HEADER_LINES_MAX: usize = 64;
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// How long a stop waits for requests under way.
const STOP_WAIT: Duration = Duration::from_secs(3);

/// Before accepting again after the system would not give a connection (no descriptors left).
const ACCEPT_WAIT: Duration = Duration::from_millis(100);

/// Serves `routes` until `stop`, then lets requests under way finish.
pub(super) async fn serve(listener: TcpListener, routes: Router, stop: CancellationToken) {
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let connections = TaskTracker::new();
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
                        () = crate::clock::Clock::System.sleep(ACCEPT_WAIT) => continue,
                    }
                }
            },
        };
        let (routes, stop) = (routes.clone(), stop.clone());
        connections.spawn(async move {
            connection(stream, routes, stop).await;
            drop(permit);
        });
    }
    connections.close();
    if tokio::time::timeout(STOP_WAIT, connections.wait())
        .await
        .is_err()
    {
        tracing::warn!("connections were cut at the stop");
    }
}

async fn connection(stream: TcpStream, routes: Router, stop: CancellationToken) {
    // Small answers must not wait for more to send; a socket without the option works too.
    drop(stream.set_nodelay(true));
    let service =
        routes.map_request(|request: hyper::Request<Incoming>| request.map(axum::body::Body::new));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_WAIT)
        .max_headers(HEADER_LINES_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
}
