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
    /// The body as it came, without the queries of addresses, and bytes that are no text replaced; or the message.
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
            let body = body.map(|it| without_queries(&String::from_utf8_lossy(&it)));
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

/// `text` without what stands behind a question mark in an address: a `reconnectionUrl` carries a token
/// there that opens an account (`webhooks.md` §1.3). What cannot be read is not parsed for it, so any
/// word with a question mark inside is cut.
fn without_queries(text: &str) -> String {
    let mut parts = text.split('?');
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>'));
        let end = end.unwrap_or(part.len());
        shown += if end == 0 { "?" } else { "?…" };
        shown += &part[end..];
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_of_a_link_is_not_shown() {
        for (body, shown) in [
            (
                r#"{"u":"https://a.ai/?token=abc","x":1}"#,
                r#"{"u":"https://a.ai/?…","x":1}"#,
            ),
            (
                r#"{"u":"https:\/\/a.ai\/?token=abc"#,
                r#"{"u":"https:\/\/a.ai\/?…"#,
            ),
            ("https://a.ai/?a=1?token=2", "https://a.ai/?…?…"),
            ("is it? yes", "is it? yes"),
            ("nothing", "nothing"),
        ] {
            assert_eq!(without_queries(body), shown);
        }
    }
}
