//! What was given up, and is kept for a person to look at.

use jiff::Timestamp;
use serde::Serialize;

use crate::engine::decision::Notification;
use crate::store::view::{Unreadable, View, json, limit, moment};

/// An event that could not be handled, or a message that could not be delivered.
#[derive(Debug, Serialize)]
pub struct DeadLetter {
    pub id: String,
    /// `event` or `notification`.
    pub kind: String,
    pub at: Timestamp,
    pub reason: String,
    /// The body as it came, bytes that are no text replaced; or the message.
    pub content: String,
}

const EVENTS: &str =
    "SELECT id, received_at, reason, body, payload FROM events WHERE state = 'dead'";
const NOTIFICATIONS: &str =
    "SELECT id, updated_at, reason, notification FROM notifications WHERE state = 'dead'";

impl View {
    /// The newest dead letters, newest first.
    pub fn dead_letters(&self, rows_max: usize) -> Result<Vec<DeadLetter>, Unreadable> {
        let newest = "ORDER BY seq DESC LIMIT ?1";
        let mut found = self.dead_events(&format!("{EVENTS} {newest}"), [limit(rows_max)])?;
        found.extend(
            self.dead_notifications(&format!("{NOTIFICATIONS} {newest}"), [limit(rows_max)])?,
        );
        found.sort_by_key(|letter| std::cmp::Reverse(letter.at));
        found.truncate(rows_max);
        Ok(found)
    }

    pub fn dead_letter(&self, id: &str) -> Result<Option<DeadLetter>, Unreadable> {
        let mut found = self.dead_events(&format!("{EVENTS} AND id = ?1"), [id])?;
        found.extend(self.dead_notifications(&format!("{NOTIFICATIONS} AND id = ?1"), [id])?);
        Ok(found.pop())
    }

    fn dead_events(
        &self,
        sql: &str,
        parameters: impl rusqlite::Params,
    ) -> Result<Vec<DeadLetter>, Unreadable> {
        self.list(sql, parameters, |row| {
            let body = row.get::<_, Option<Vec<u8>>>(3)?;
            let body = body.map(|it| String::from_utf8_lossy(&it).into_owned());
            Ok(DeadLetter {
                id: row.get(0)?,
                kind: "event".to_owned(),
                at: moment(row, 1)?,
                reason: row.get::<_, Option<String>>(2)?.unwrap_or_default(),
                content: body.or(row.get(4)?).unwrap_or_default(),
            })
        })
    }

    fn dead_notifications(
        &self,
        sql: &str,
        parameters: impl rusqlite::Params,
    ) -> Result<Vec<DeadLetter>, Unreadable> {
        self.list(sql, parameters, |row| {
            let notification: Notification = json(row, 3)?;
            Ok(DeadLetter {
                id: row.get(0)?,
                kind: "notification".to_owned(),
                at: moment(row, 1)?,
                reason: row.get::<_, Option<String>>(2)?.unwrap_or_default(),
                content: format!("to {}: {}", notification.notifier, notification.message),
            })
        })
    }
}
