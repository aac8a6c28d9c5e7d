//! Settings that rules write, and where each stands.

use jiff::Timestamp;
use rusqlite::Row;
use serde::Serialize;

use crate::domain::value::Quantity;
use crate::domain::writing::{SettingWrite, Stage};
use crate::store::view::{Unreadable, View, json, limit, maybe_moment, moment};

/// A setting that is written, or was.
#[derive(Debug, Serialize)]
pub struct SettingRow {
    pub id: String,
    pub device: String,
    pub setting: String,
    pub value: Quantity,
    pub rule: String,
    pub run: String,
    /// `waiting`, `under_way`, `over`, or `dropped` when nobody waited for it any more.
    pub state: String,
    /// What comes next while it is not over.
    pub next: Stage,
    /// How often it was written.
    pub attempts: u32,
    /// How it ended; before, why it was not written yet.
    pub reason: Option<String>,
    pub created_at: Timestamp,
    /// When something is done about it; none while a request is under way, and at the end.
    pub due_at: Option<Timestamp>,
}

const COLUMNS: &str = "id, write, state, stage, attempts, reason, created_at, due_at";

impl View {
    /// Those that are not over, in the order in which they were given.
    pub fn open_settings(&self) -> Result<Vec<SettingRow>, Unreadable> {
        let sql = format!(
            "SELECT {COLUMNS} FROM setting_writes WHERE state IN ('waiting', 'under_way') ORDER BY seq"
        );
        self.list(&sql, [], read)
    }

    pub fn setting_write(&self, id: &str) -> Result<Option<SettingRow>, Unreadable> {
        let sql = format!("SELECT {COLUMNS} FROM setting_writes WHERE id = ?1");
        Ok(self.list(&sql, [id], read)?.pop())
    }

    /// What the run wrote.
    pub fn settings_of(&self, run: &str, rows_max: usize) -> Result<Vec<SettingRow>, Unreadable> {
        let sql =
            format!("SELECT {COLUMNS} FROM setting_writes WHERE run = ?1 ORDER BY seq LIMIT ?2");
        self.list(&sql, rusqlite::params![run, limit(rows_max)], read)
    }
}

fn read(row: &Row<'_>) -> Result<SettingRow, Unreadable> {
    let write: SettingWrite = json(row, 1)?;
    Ok(SettingRow {
        id: row.get(0)?,
        device: write.device.alias.to_string(),
        setting: write.setting,
        value: write.value,
        rule: write.rule.to_string(),
        run: write.run.to_string(),
        state: row.get(2)?,
        next: json(row, 3)?,
        attempts: row.get(4)?,
        reason: row.get(5)?,
        created_at: moment(row, 6)?,
        due_at: maybe_moment(row, 7)?,
    })
}
