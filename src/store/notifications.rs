//! Messages to people, until they are delivered or given up.

use jiff::Timestamp;

use crate::domain::id::NotificationId;
use crate::engine::decision::Notification;
use crate::store::error::Error;
use crate::store::signal::Area;
use crate::store::writer::Tx;
use crate::store::{moment, stamp};

/// A message that is not delivered yet.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    pub(crate) notification: Notification,
    /// Tries so far.
    pub(crate) attempts: u32,
}

/// What became of a try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Try {
    Delivered,
    Again { at: Timestamp, reason: String },
    GivenUp { reason: String },
}

pub(crate) fn enqueue(
    tx: &Tx<'_>,
    notification: &Notification,
    now: Timestamp,
) -> Result<(), Error> {
    tx.prepare(
        "INSERT INTO notifications (id, notification, state, attempts, due_at, created_at, updated_at)
         VALUES (?1, ?2, 'queued', 0, ?3, ?3, ?3) ON CONFLICT (id) DO NOTHING",
    )?
    .execute(rusqlite::params![
        notification.id.as_str(),
        serde_json::to_string(notification)?,
        stamp(now),
    ])?;
    tx.touch(Area::NOTIFICATIONS);
    Ok(())
}

/// The message whose time came first, if any has come.
pub(crate) fn due(tx: &Tx<'_>, now: Timestamp) -> Result<Option<Waiting>, Error> {
    let mut statement = tx.prepare(
        "SELECT notification, attempts FROM notifications
         WHERE due_at <= ?1 ORDER BY due_at, seq LIMIT 1",
    )?;
    let mut rows = statement.query([stamp(now)])?;
    let Some(row) = rows.next()? else {
        return Ok(None);
    };
    let notification = serde_json::from_str(&row.get::<_, String>(0)?)?;
    Ok(Some(Waiting {
        notification,
        attempts: row.get(1)?,
    }))
}

pub(crate) fn next_due(tx: &Tx<'_>) -> Result<Option<Timestamp>, Error> {
    let next: Option<i64> = tx
        .prepare("SELECT min(due_at) FROM notifications WHERE due_at IS NOT NULL")?
        .query_row([], |row| row.get(0))?;
    Ok(next.map(moment))
}

/// Writes down what became of a try. A message that is given up is a dead letter.
pub(crate) fn tried(
    tx: &Tx<'_>,
    id: &NotificationId,
    result: &Try,
    now: Timestamp,
) -> Result<(), Error> {
    let (state, due, reason) = match result {
        Try::Delivered => ("sent", None, None),
        Try::Again { at, reason } => ("queued", Some(stamp(*at)), Some(reason)),
        Try::GivenUp { reason } => ("dead", None, Some(reason)),
    };
    tx.prepare(
        "UPDATE notifications SET state = ?2, due_at = ?3, reason = ?4, updated_at = ?5,
             attempts = attempts + 1
         WHERE id = ?1",
    )?
    .execute(rusqlite::params![
        id.as_str(),
        state,
        due,
        reason,
        stamp(now)
    ])?;
    Ok(())
}
