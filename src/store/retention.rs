//! How long rows are kept. What is not over is kept for as long as it takes.

use jiff::Timestamp;

use crate::store::error::Error;
use crate::store::stamp;
use crate::store::writer::Tx;

/// Tables with the column that tells a row's age, and what makes a row one to keep all the same.
/// Rows are in the order of their coming, so the first ones are the oldest.
const TABLES: &[(&str, &str, &str)] = &[
    ("traces", "at", "0"),
    ("events", "received_at", "0"),
    (
        "command_steps",
        "at",
        "command_id IN (SELECT id FROM commands WHERE is_open = 1)",
    ),
    ("commands", "updated_at", "is_open = 1"),
    ("runs", "started_at", "state = 'running'"),
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

/// Removes rows from before `limit`, looking at no more than the `rows_max` oldest of each table.
/// Returns how many went.
pub(crate) fn prune(tx: &Tx<'_>, limit: Timestamp, rows_max: usize) -> Result<usize, Error> {
    let rows_max = i64::try_from(rows_max).unwrap_or(i64::MAX);
    let mut gone = 0;
    // Nothing since the limit: more likely a clock that is far ahead than a house that slept so long.
    let has_newer = "SELECT 1 FROM events WHERE ?1 <= received_at ORDER BY seq DESC LIMIT 1";
    if !tx.prepare(has_newer)?.exists([stamp(limit)])? {
        return Ok(0);
    }
    for (table, age, keep) in TABLES {
        gone += tx
            .prepare(&format!(
                "DELETE FROM {table} WHERE seq IN (SELECT seq FROM {table} ORDER BY seq LIMIT ?2)
                 AND {age} < ?1 AND NOT ({keep})"
            ))?
            .execute([stamp(limit), rows_max])?;
    }
    Ok(gone)
}
