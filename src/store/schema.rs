//! Pragmas and migrations. Migrations only add; a database of a newer program is refused.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::store::error::Error;

/// Each brings `user_version` one up. Never edited once released, only added to.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_first.sql"),
    include_str!("migrations/0002_run_trigger.sql"),
    include_str!("migrations/0003_memory.sql"),
    include_str!("migrations/0004_waiting.sql"),
    include_str!("migrations/0005_waiting_calls.sql"),
    include_str!("migrations/0006_inputs.sql"),
    include_str!("migrations/0007_leases.sql"),
    include_str!("migrations/0008_rules.sql"),
    include_str!("migrations/0009_value_history.sql"),
    include_str!("migrations/0010_http.sql"),
    include_str!("migrations/0011_began.sql"),
    include_str!("migrations/0012_amps_link.sql"),
    include_str!("migrations/0013_traces_of_rule.sql"),
    include_str!("migrations/0014_setting_writes.sql"),
    include_str!("migrations/0015_cancel.sql"),
    include_str!("migrations/0016_step.sql"),
    include_str!("migrations/0017_orders.sql"),
    include_str!("migrations/0018_lookups.sql"),
    include_str!("migrations/0019_counted_from.sql"),
    include_str!("migrations/0020_last_starts.sql"),
    include_str!("migrations/0021_capabilities.sql"),
    include_str!("migrations/0022_key_refused.sql"),
    include_str!("migrations/0023_paused_by_rule.sql"),
    include_str!("migrations/0024_unread_devices.sql"),
];

/// How long a write waits for somebody else's lock before it gives up for now.
const LOCK_WAIT: Duration = Duration::from_secs(2);

/// Prepared statements kept for each connection: more than the program has.
const STATEMENTS_CACHED_MAX: usize = 64;

/// Opens the database for writing and brings it up to date.
pub(super) fn open(path: &Path) -> Result<Connection, Error> {
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(LOCK_WAIT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_CACHED_MAX);
    // Otherwise statements are prepared anew for each set of parameters, in search of a better plan.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    // FULL: the answer to a webhook means "on the disk", through a power cut.
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;",
    )?;
    migrate(&mut connection, path, MIGRATIONS)?;
    Ok(connection)
}

/// Opens the database for reading only; works while the engine runs and while it does not.
pub(super) fn open_for_reading(path: &Path) -> Result<Connection, Error> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(LOCK_WAIT)?;
    refuse_newer(&connection, MIGRATIONS)?;
    Ok(connection)
}

fn version(connection: &Connection) -> Result<usize, Error> {
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    usize::try_from(version)
        .map_err(|_| Error::Broken(format!("version {version} of the database")))
}

fn refuse_newer(connection: &Connection, migrations: &[&str]) -> Result<usize, Error> {
    let version = version(connection)?;
    if migrations.len() < version {
        return Err(Error::Broken(format!(
            "the database has version {version}, this program knows up to {}: it was written by a newer amps-rules",
            migrations.len()
        )));
    }
    Ok(version)
}

fn migrate(connection: &mut Connection, path: &Path, migrations: &[&str]) -> Result<(), Error> {
    let version = refuse_newer(connection, migrations)?;
    // A new database has nothing to keep.
    if 0 < version && version < migrations.len() {
        snapshot(connection, path, migrations.len())?;
    }
    for (number, migration) in (1_i64..).zip(migrations).skip(version) {
        let tx = connection.transaction()?;
        tx.execute_batch(migration)?;
        tx.pragma_update(None, "user_version", number)?;
        tx.commit()?;
    }
    Ok(())
}

/// A copy of the database as it was, beside it, before it is brought up to `version`.
fn snapshot(connection: &Connection, path: &Path, version: usize) -> Result<(), Error> {
    let copy = path.with_extension(format!("before-{version}.db"));
    if !copy.exists() {
        connection.execute("VACUUM INTO ?1", [copy.to_string_lossy()])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const FIRST: &str = "CREATE TABLE a (x INTEGER) STRICT; INSERT INTO a VALUES (1);";
    const SECOND: &str = "ALTER TABLE a ADD COLUMN y INTEGER NOT NULL DEFAULT 2;";

    fn sum(connection: &Connection, column: &str) -> Result<i64, rusqlite::Error> {
        connection.query_row(&format!("SELECT sum({column}) FROM a"), [], |row| {
            row.get(0)
        })
    }

    #[test]
    fn a_migration_leaves_a_copy_of_the_database_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("amps-rules.db");
        let mut connection = Connection::open(&path).unwrap();
        migrate(&mut connection, &path, &[FIRST]).unwrap();
        let third = "CREATE TABLE b (x INTEGER) STRICT;";
        migrate(&mut connection, &path, &[FIRST, SECOND, third]).unwrap();
        assert_eq!(sum(&connection, "y"), Ok(2));
        assert_eq!(copies(dir.path()), ["amps-rules.before-3.db"]);
        let copy = Connection::open(dir.path().join("amps-rules.before-3.db")).unwrap();
        assert_eq!(sum(&copy, "x"), Ok(1));
        assert!(sum(&copy, "y").is_err(), "the copy is older");
    }

    fn copies(dir: &Path) -> Vec<String> {
        let files = fs::read_dir(dir).unwrap();
        let names = files.map(|it| it.unwrap().file_name().into_string().unwrap());
        names.filter(|it| it.contains(".before-")).collect()
    }

    #[test]
    fn a_new_database_leaves_no_copies() {
        let dir = tempfile::tempdir().unwrap();
        drop(open(&dir.path().join("amps-rules.db")).unwrap());
        assert_eq!(copies(dir.path()), [""; 0]);
    }

    #[test]
    fn a_migration_that_fails_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("amps-rules.db");
        let mut connection = Connection::open(&path).unwrap();
        migrate(&mut connection, &path, &[FIRST]).unwrap();
        let broken = "UPDATE a SET x = 9; SELECT nothing FROM nowhere;";
        migrate(&mut connection, &path, &[FIRST, broken]).unwrap_err();
        assert_eq!(sum(&connection, "x"), Ok(1));
        assert_eq!(version(&connection).unwrap(), 1);
    }

    #[test]
    fn a_database_of_a_newer_program_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("amps-rules.db");
        let connection = open(&path).unwrap();
        let newer = MIGRATIONS.len() + 1;
        connection
            .pragma_update(None, "user_version", i64::try_from(newer).unwrap())
            .unwrap();
        let expected = format!(
            "the database has version {newer}, this program knows up to {}: it was written by a newer amps-rules",
            MIGRATIONS.len()
        );
        assert_eq!(open(&path).unwrap_err().to_string(), expected);
        assert_eq!(open_for_reading(&path).unwrap_err().to_string(), expected);
    }
}
