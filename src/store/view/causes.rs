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
        let parameters = rusqlite::params![event, limit(rows_max)];
        self.list(&runs_begun_by(), parameters, runs::read)
    }

    /// The rules of the runs that led to the run, the first first; without what an event came between.
    pub fn chain_of(&self, run: &str) -> Result<Vec<RuleId>, Unreadable> {
        let sql = "SELECT chain FROM runs WHERE id = ?1 AND chain IS NOT NULL";
        let found = self.list(sql, [run], |row| json(row, 0))?.pop();
        Ok(found.unwrap_or_default())
    }

    /// What the run and its branches ordered.
    pub fn commands_of(&self, run: &str, rows_max: usize) -> Result<Vec<CommandRow>, Unreadable> {
        let parameters = rusqlite::params![run, limit(rows_max)];
        self.list(&commands_of(), parameters, commands::read)
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

fn runs_begun_by() -> String {
    let columns = runs::COLUMNS;
    format!("SELECT {columns} FROM runs WHERE cause = ?1 AND parent IS NULL ORDER BY seq LIMIT ?2")
}

fn commands_of() -> String {
    let columns = commands::COLUMNS;
    format!(
        "{FAMILY} SELECT {columns} FROM commands WHERE run IN (SELECT id FROM family)
         ORDER BY seq LIMIT ?2"
    )
}

/// A run, its branches, and theirs.
const FAMILY: &str = "WITH RECURSIVE family (id) AS (
    SELECT ?1 UNION SELECT runs.id FROM runs JOIN family ON runs.parent = family.id)";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    /// A year of runs is too many to be looked at one by one.
    #[test]
    fn what_came_of_an_event_or_a_run_is_found_by_indexes() {
        let dir = tempfile::tempdir().unwrap();
        let _started = Store::start(dir.path(), Vec::new()).unwrap();
        let view = View::open(dir.path()).unwrap().unwrap();
        for (sql, index) in [
            (runs_begun_by(), "USING INDEX runs_of_cause"),
            (commands_of(), "USING INDEX commands_of_run"),
        ] {
            let plan = format!("EXPLAIN QUERY PLAN {sql}");
            let read = |row: &rusqlite::Row<'_>| Ok(row.get::<_, String>(3)?);
            let steps = view.list(&plan, ["x", "9"], read).unwrap();
            assert!(steps.iter().any(|it| it.contains(index)), "{steps:#?}");
            let is_scan = |it: &String| {
                ["SCAN runs", "SCAN commands", "AUTOMATIC"]
                    .iter()
                    .any(|word| it.contains(word))
            };
            assert!(!steps.iter().any(is_scan), "{steps:#?}");
        }
    }
}
