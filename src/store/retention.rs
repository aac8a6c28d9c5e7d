//! How long rows are kept, and how much room they may take. What is not over is kept for as long as it takes.

use jiff::Timestamp;

use crate::store::error::Error;
use crate::store::writer::Tx;
use crate::store::{stamp, starts, traces};

/// A table with the column that tells a row's age, and what makes a row one to keep all the same.
/// Rows are in the order of their coming, so the first ones are the oldest.
type Table = (&'static str, &'static str, &'static str);

const TRACES: Table = ("traces", "at", "0");

/// When they began last is kept for longer.
const RUNS: &str = "runs";

/// In the order in which they make room.
const OTHERS: &[Table] = &[
    ("events", "received_at", "0"),
    (
        "command_steps",
        "at",
        "command_id IN (SELECT id FROM commands WHERE is_open = 1)",
    ),
    ("commands", "updated_at", "is_open = 1"),
    (RUNS, "started_at", "state = 'running'"),
    ("notifications", "updated_at", "state = 'queued'"),
    (
        "http_requests",
        "updated_at",
        "state IN ('queued', 'sending')",
    ),
    (
        "setting_writes",
        "updated_at",
        "state IN ('waiting', 'under_way')",
    ),
];

/// Rows from before these moments go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) traces: Timestamp,
    /// Of everything else.
    pub(crate) events: Timestamp,
    /// When rules ran last, of which no other row is left.
    pub(crate) starts: Timestamp,
}

/// Removes rows from before `limits`, looking at no more than the `rows_max` oldest of each table.
/// Returns how many went.
pub(crate) fn prune(tx: &Tx<'_>, limits: Limits, rows_max: usize) -> Result<usize, Error> {
    let mut gone = traces::bound(tx)?;
    if is_plausible(tx, limits.traces)? {
        gone += cut(tx, TRACES, limits.traces, rows_max)?;
    }
    if is_plausible(tx, limits.events)? {
        for table in OTHERS {
            gone += cut(tx, *table, limits.events, rows_max)?;
        }
        starts::bound(tx, limits.starts)?;
    }
    Ok(gone)
}

/// Nothing since the limit: more likely a clock that is far ahead than a house that slept so long.
fn is_plausible(tx: &Tx<'_>, limit: Timestamp) -> Result<bool, Error> {
    let has_newer = "SELECT 1 FROM events WHERE ?1 <= received_at ORDER BY seq DESC LIMIT 1";
    Ok(tx.prepare(has_newer)?.exists([stamp(limit)])?)
}

fn cut(
    tx: &Tx<'_>,
    (table, age, keep): Table,
    limit: Timestamp,
    rows_max: usize,
) -> Result<usize, Error> {
    let rows_max = i64::try_from(rows_max).unwrap_or(i64::MAX);
    let which = format!(
        "seq IN (SELECT seq FROM {table} ORDER BY seq LIMIT ?2) AND {age} < ?1 AND NOT ({keep})"
    );
    if table == RUNS {
        starts::take_over(tx, &which, (limit, rows_max))?;
    }
    let gone = tx
        .prepare(&format!("DELETE FROM {table} WHERE {which}"))?
        .execute([stamp(limit), rows_max])?;
    Ok(gone)
}

/// Removes some of the oldest rows while rows take more than `bytes_max`: first traces, then the rest, but
/// none from after `limit`. Returns how many went. The file does not shrink; what is free is used again.
pub(crate) fn make_room(
    tx: &Tx<'_>,
    bytes_max: u64,
    limit: Timestamp,
    rows_max: usize,
) -> Result<usize, Error> {
    if bytes_used(tx)? <= bytes_max {
        return Ok(0);
    }
    for table in std::iter::once(&TRACES).chain(OTHERS) {
        let gone = cut(tx, *table, limit, rows_max)?;
        if 0 < gone {
            return Ok(gone);
        }
    }
    Ok(0)
}

/// What rows and indexes take of the file, in bytes.
fn bytes_used(tx: &Tx<'_>) -> Result<u64, Error> {
    let number = |pragma: &str| -> Result<i64, Error> {
        let sql = format!("PRAGMA {pragma}");
        Ok(tx.prepare(&sql)?.query_row([], |row| row.get(0))?)
    };
    let pages = number("page_count")? - number("freelist_count")?;
    Ok(u64::try_from(pages * number("page_size")?).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::later;
    use crate::domain::id::EventId;
    use crate::store::{Store, inbox};

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    #[tokio::test]
    async fn a_database_that_is_too_large_loses_its_oldest_rows_but_none_of_today() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::start(dir.path(), Vec::new()).unwrap().store;
        let work = |tx: &Tx<'_>| {
            let body = vec![b'x'; 100_000];
            for nth in 0..40_u32 {
                let id = EventId::new(format!("msg_{nth}"));
                let at = later(NOW, Duration::from_hours(nth.into()));
                inbox::record_unreadable(tx, &id, at, &body, "no reason")?;
            }
            let n_events = || -> Result<(i64, i64), Error> {
                let mut statement = tx.prepare("SELECT count(*), min(seq) FROM events")?;
                Ok(statement.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?)
            };
            let young = later(NOW, Duration::from_hours(16));
            let room = |bytes_max| make_room(tx, bytes_max, young, 10);
            assert_eq!(room(5_000_000)?, 0, "there is room");
            assert_eq!(room(3_500_000)?, 10);
            assert_eq!(n_events()?, (30, 11));
            assert_eq!(
                room(3_500_000)?,
                0,
                "there is room again, though the file is as large"
            );
            assert_eq!(room(1)?, 6);
            assert_eq!(room(1)?, 0);
            assert_eq!(n_events()?, (24, 17), "what is young stays");
            Ok(())
        };
        store.write(work).await.unwrap();
    }
}
