//! What the disk gives, bare: the ground that every durable rate stands on.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;

use crate::client::timed;

const TIME: Duration = Duration::from_secs(1);
const ROWS_MAX: usize = 100_000;
const BYTES: usize = 512;

/// How long each append of 512 bytes took, until it was on the disk.
pub(crate) fn appends(dir: &Path) -> Vec<Duration> {
    let mut file = File::create(dir.join("appended")).unwrap();
    repeat(|_| {
        file.write_all(&[7; BYTES]).unwrap();
        file.sync_data().unwrap();
    })
}

/// How long each commit of one row took.
pub(crate) fn commits(dir: &Path) -> Vec<Duration> {
    let connection = database(&dir.join("rows.db"));
    let mut insert = connection.prepare(INSERT).unwrap();
    repeat(|round| {
        let id = format!("msg_{round}");
        insert
            .execute(rusqlite::params![id, [7_u8; BYTES]])
            .unwrap();
    })
}

/// Keeps a webhook, once.
pub(crate) const INSERT: &str =
    "INSERT INTO events (id, body) VALUES (?1, ?2) ON CONFLICT DO NOTHING";

/// A new database that is as durable as the engine's.
pub(crate) fn database(path: &Path) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
             CREATE TABLE events (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, body BLOB) STRICT;",
        )
        .unwrap();
    connection
}

fn repeat(mut work: impl FnMut(usize)) -> Vec<Duration> {
    let mut took = Vec::new();
    let mut left = TIME;
    while !left.is_zero() && took.len() < ROWS_MAX {
        let one = timed(|| work(took.len()));
        left = left.saturating_sub(one);
        took.push(one);
    }
    took
}
