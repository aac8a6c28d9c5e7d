//! Runs of rules.

use jiff::Timestamp;
use rusqlite::Row;
use serde::Serialize;

use crate::engine::trace::Trace;
use crate::store::view::{Unreadable, View, json, limit, maybe_moment, moment};

/// A run, as a line of a list.
#[derive(Debug, Serialize)]
pub struct RunRow {
    pub id: String,
    pub rule: String,
    /// The version of the rule it began with.
    pub version: String,
    /// The event that started it.
    pub cause: String,
    /// `running`, `completed` or `failed`.
    pub state: String,
    pub reason: Option<String>,
    /// The command it waits for.
    pub waiting_for: Option<String>,
    pub started_at: Timestamp,
    pub ended_at: Option<Timestamp>,
}

/// A run and its traces: how it began and each time it went on.
#[derive(Debug, Serialize)]
pub struct RunStory {
    #[serde(flatten)]
    pub run: RunRow,
    pub traces: Vec<Trace>,
}

pub(super) const COLUMNS: &str =
    "id, rule, version, cause, state, reason, waiting_for, started_at, ended_at";

impl View {
    /// The newest runs, newest first.
    pub fn runs(&self, rows_max: usize) -> Result<Vec<RunRow>, Unreadable> {
        let sql = format!("SELECT {COLUMNS} FROM runs ORDER BY seq DESC LIMIT ?1");
        self.list(&sql, [limit(rows_max)], read)
    }

    pub fn run(&self, id: &str) -> Result<Option<RunStory>, Unreadable> {
        let sql = format!("SELECT {COLUMNS} FROM runs WHERE id = ?1");
        let Some(run) = self.list(&sql, [id], read)?.pop() else {
            return Ok(None);
        };
        let sql = "SELECT trace FROM traces WHERE run = ?1 ORDER BY seq";
        let traces = self.list(sql, [id], |row| json(row, 0))?;
        Ok(Some(RunStory { run, traces }))
    }
}

pub(super) fn read(row: &Row<'_>) -> Result<RunRow, Unreadable> {
    Ok(RunRow {
        id: row.get(0)?,
        rule: row.get(1)?,
        version: row.get(2)?,
        cause: row.get(3)?,
        state: row.get(4)?,
        reason: row.get(5)?,
        waiting_for: row.get(6)?,
        started_at: moment(row, 7)?,
        ended_at: maybe_moment(row, 8)?,
    })
}
