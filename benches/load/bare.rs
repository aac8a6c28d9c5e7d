//! What the least program of this kind does: axum, the signature, and SQLite with group commit. No engine.

use std::path::Path;
use std::sync::Arc;

use amps_rules::clock::Clock;
use amps_rules::domain::id::EventId;
use amps_rules::domain::secret::Secret;
use amps_rules::intake::signature::{Key, verify};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::serve::ListenerExt;
use rusqlite::Connection;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

use crate::client::SECRET;
use crate::disk;

const ROWS_WAITING_MAX: usize = 2048;
const ROWS_PER_COMMIT_MAX: usize = 512;

struct Row {
    id: EventId,
    body: Bytes,
    committed: oneshot::Sender<()>,
}

#[derive(Clone)]
struct Intake {
    keys: Arc<[Key]>,
    rows: mpsc::Sender<Row>,
}

/// Serves until the process is killed; says where once it is ready.
pub(crate) fn serve(dir: &Path, say: impl FnOnce(&str)) {
    let connection = disk::database(&dir.join("bare.db"));
    let (rows, waiting) = mpsc::channel(ROWS_WAITING_MAX);
    std::thread::spawn(move || write(&connection, waiting));
    let keys = [Key::parse(&Secret::new(SECRET)).unwrap()].into();
    let routes = Router::new()
        .route("/webhooks/amps", post(receive))
        .with_state(Intake { keys, rows });
    // Threads as in the engine.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        say(&format!("webhooks at {}\n", listener.local_addr().unwrap()));
        let listener = listener.tap_io(|stream| stream.set_nodelay(true).unwrap());
        axum::serve(listener, routes).await.unwrap();
    });
}

async fn receive(State(intake): State<Intake>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let now = Clock::System.now();
    let named = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_bytes()));
    let Ok(id) = verify(named, &body, &intake.keys, now) else {
        return StatusCode::BAD_REQUEST;
    };
    let (committed, is_committed) = oneshot::channel();
    let row = Row {
        id,
        body,
        committed,
    };
    if intake.rows.try_send(row).is_err() || is_committed.await.is_err() {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    StatusCode::OK
}

fn write(connection: &Connection, mut waiting: mpsc::Receiver<Row>) {
    let mut insert = connection.prepare(disk::INSERT).unwrap();
    let mut batch = Vec::new();
    while waiting.blocking_recv_many(&mut batch, ROWS_PER_COMMIT_MAX) != 0 {
        connection.execute_batch("BEGIN IMMEDIATE").unwrap();
        for row in &batch {
            insert
                .execute(rusqlite::params![row.id.as_str(), &*row.body])
                .unwrap();
        }
        connection.execute_batch("COMMIT").unwrap();
        for row in batch.drain(..) {
            // The client may have gone away.
            let _gone = row.committed.send(());
        }
    }
}
