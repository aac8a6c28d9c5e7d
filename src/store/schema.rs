//! Pragmas and migrations. Migrations only add; a database of a newer program is refused.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::store::error::Error;

/// Each brings `user_version` one up. Never edited once released, only added to.
const MIGRATIONS: &[&str] = &[include_str!("migrations/0001_first.sql")];

/// How long a write waits for somebody else's lock before it gives up for now.
const LOCK_WAIT: Duration = Duration::from_secs(2);

/// Prepared statements kept for each connection: more than the program has.
const STATEMENTS_CACHED_MAX: usize = 64;

/// Opens the database for writing and brings it up to date.
pub(super) fn open(path: &Path) -> Result<Connection, Error> {
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(LOCK_WAIT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_CACHED_MAX);
    // FULL: the answer to a webhook means "on the disk", through a power cut.
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;",
    )?;
    migrate(&mut connection, path)?;
    Ok(connection)
}

/// Opens the database for reading only; works while the engine runs and while it does not.
pub(super) fn open_for_reading(path: &Path) -> Result<Connection, Error> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(LOCK_WAIT)?;
    refuse_newer(&connection)?;
    Ok(connection)
}

fn version(connection: &Connection) -> Result<usize, Error> {
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    usize::try_from(version)
        .map_err(|_| Error::Broken(format!("version {version} of the database")))
}

fn refuse_newer(connection: &Connection) -> Result<usize, Error> {
    let version = version(connection)?;
    if MIGRATIONS.len() < version {
        return Err(Error::Broken(format!(
            "the database has version {version}, this program knows up to {}: it was written by a newer amps-rules",
            MIGRATIONS.len()
        )));
    }
    Ok(version)
}

fn migrate(connection: &mut Connection, path: &Path) -> Result<(), Error> {
    let version = refuse_newer(connection)?;
    for (number, migration) in (1..).zip(MIGRATIONS).skip(version) {
        if 1 < number {
            snapshot(connection, path, number - 1)?;
        }
        let tx = connection.transaction()?;
        tx.execute_batch(migration)?;
        tx.pragma_update(
            None,
            "user_version",
            i64::try_from(number).unwrap_or(i64::MAX),
        )?;
        tx.commit()?;
    }
    Ok(())
}

/// A copy of the database as it was, beside it, before a migration touches it.
fn snapshot(connection: &Connection, path: &Path, version: usize) -> Result<(), Error> {
    let copy = path.with_extension(format!("before-{}.db", version + 1));
    if !copy.exists() {
        connection.execute("VACUUM INTO ?1", [copy.to_string_lossy()])?;
    }
    Ok(())
}
