//! What led to what: from events to runs to commands to events.

use jiff::Timestamp;
use serde::Serialize;

use crate::domain::event::Payload;
use crate::domain::id::{CommandId, EventId, RuleId};
use crate::engine::decision::Notification;
use crate::store::view::{
    CommandRow, EventRow, RunRow, Unreadable, View, commands, events, json, limit, moment, runs,
};

/// A message to a person, and what became of it.
#[derive(Debug, Serialize)]
pub struct MessageRow {
    pub id: String,
    pub notifier: String,
    pub message: String,
    /// `queued`, `sent` or `dead`.
    pub state: String,
    pub created_at: Timestamp,
}

impl View {
    /// The event itself, without what rules made of it.
    pub fn event_row(&self, id: &str) -> Result<Option<EventRow>, Unreadable> {
        let columns = events::COLUMNS;
        let sql = format!("SELECT {columns} FROM events WHERE id = ?1");
        Ok(self.list(&sql, [id], events::read)?.pop())
    }

    /// The command of ours whose end `payload` tells of.
    #[expect(clippy::wildcard_enum_match_arm, reason = "two kinds tell of an end")]
    pub fn command_behind(&self, payload: &Payload) -> Result<Option<CommandId>, Unreadable> {
        match payload {
            Payload::Settled(settled) => Ok(Some(settled.command.clone())),
            Payload::Report(report) => {
                let sql = "SELECT command_id FROM command_steps WHERE action_id = ?1";
                let found = self.list(sql, [report.action.as_str()], |row| {
                    Ok(CommandId::new(row.get::<_, String>(0)?))
                })?;
                Ok(found.into_iter().next())
            }
            _ => Ok(None),
        }
    }

    /// The events that told that the command is over: what Amps said of it, where it did, and our own word.
    pub fn ends_of(&self, command: &str) -> Result<Vec<EventRow>, Unreadable> {
        let settled = EventId::settled(&CommandId::new(command));
        let Some(settled) = self.event_row(settled.as_str())? else {
            return Ok(Vec::new());
        };
        let cause = match &settled.payload {
            Some(Payload::Settled(it)) => it.cause.clone(),
            _ => None,
        };
        let report = cause.map(|it| self.event_row(it.as_str())).transpose()?;
        Ok(report.flatten().into_iter().chain([settled]).collect())
    }

    /// The runs that began with the event, branches aside.
    pub fn runs_begun_by(&self, event: &str, rows_max: usize) -> Result<Vec<RunRow>, Unreadable> {
        let columns = runs::COLUMNS;
        let sql = format!(
            "SELECT {columns} FROM runs WHERE cause = ?1 AND parent IS NULL ORDER BY seq LIMIT ?2"
        );
        let parameters = rusqlite::params![event, limit(rows_max)];
        self.list(&sql, parameters, runs::read)
    }

    /// The rules of the runs that led to the run, the first first; without what an event came between.
    pub fn chain_of(&self, run: &str) -> Result<Vec<RuleId>, Unreadable> {
        let sql = "SELECT chain FROM runs WHERE id = ?1 AND chain IS NOT NULL";
        let found = self.list(sql, [run], |row| json(row, 0))?.pop();
        Ok(found.unwrap_or_default())
    }

    /// What the run and its branches ordered.
    pub fn commands_of(&self, run: &str, rows_max: usize) -> Result<Vec<CommandRow>, Unreadable> {
        let columns = commands::COLUMNS;
        let sql = format!(
            "{FAMILY} SELECT {columns} FROM commands WHERE run IN (SELECT id FROM family)
             ORDER BY seq LIMIT ?2"
        );
        let parameters = rusqlite::params![run, limit(rows_max)];
        self.list(&sql, parameters, commands::read)
    }

    /// Whom the run and its branches told something.
    pub fn messages_of(&self, run: &str, rows_max: usize) -> Result<Vec<MessageRow>, Unreadable> {
        let sql = format!(
            "{FAMILY} SELECT notification, state, created_at FROM notifications
             WHERE json_extract(notification, '$.run') IN (SELECT id FROM family)
             ORDER BY seq LIMIT ?2"
        );
        self.list(&sql, rusqlite::params![run, limit(rows_max)], |row| {
            let notification: Notification = json(row, 0)?;
            Ok(MessageRow {
                id: notification.id.to_string(),
                notifier: notification.notifier.to_string(),
                message: notification.message,
                state: row.get(1)?,
                created_at: moment(row, 2)?,
            })
        })
    }

    /// The newest ids of commands, runs and events.
    pub fn newest_ids(&self, rows_max: usize) -> Result<Vec<String>, Unreadable> {
        let mut ids = Vec::new();
        for table in ["commands", "runs", "events"] {
            let sql = format!("SELECT id FROM {table} ORDER BY seq DESC LIMIT ?1");
            ids.extend(self.list(&sql, [limit(rows_max)], |row| Ok(row.get(0)?))?);
        }
        Ok(ids)
    }
}

/// A run, its branches, and theirs.
const FAMILY: &str = "WITH RECURSIVE family (id) AS (
    SELECT ?1 UNION SELECT runs.id FROM runs JOIN family ON runs.parent = family.id)";
