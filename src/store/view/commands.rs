//! What was asked of devices, and what became of it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::Row;
use serde::Serialize;

use crate::domain::command::Command;
use crate::domain::lifecycle::{Failure, Lifecycle};
use crate::domain::value::Quantity;
use crate::store::view::{Unreadable, View, json, limit, maybe_moment, moment};

/// A command, as a line of a list.
#[derive(Debug, Serialize)]
pub struct CommandRow {
    pub id: String,
    pub device: String,
    pub command: String,
    pub parameters: BTreeMap<String, Quantity>,
    /// `queued`, `blocked` (another action holds the device), `sending`, `in_doubt`, `acknowledged`, `completed`, `failed`, `cancelled` or `expired`.
    pub state: String,
    /// Why it failed.
    pub failure: Option<Failure>,
    /// Pushes that left.
    pub attempts: u32,
    /// Amps' record of the last push that was taken.
    pub action: Option<String>,
    pub rule: String,
    pub run: String,
    /// The `id:` of the step that gave it, where it has one.
    pub step: Option<String>,
    /// The event that led to it.
    pub cause: String,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// When something is done about it if no news comes.
    pub due_at: Option<Timestamp>,
}

/// A command and its story.
#[derive(Debug, Serialize)]
pub struct CommandStory {
    #[serde(flatten)]
    pub command: CommandRow,
    pub steps: Vec<CommandStep>,
}

/// A step in the life of a command.
#[derive(Debug, Serialize)]
pub struct CommandStep {
    pub at: Timestamp,
    /// Where the command stood after it.
    pub state: String,
    pub detail: String,
}

pub(super) const COLUMNS: &str =
    "command, lifecycle, state, attempts, action_id, created_at, updated_at, due_at";

impl View {
    /// The newest commands, newest first.
    pub fn commands(&self, rows_max: usize) -> Result<Vec<CommandRow>, Unreadable> {
        let sql = format!("SELECT {COLUMNS} FROM commands ORDER BY seq DESC LIMIT ?1");
        self.list(&sql, [limit(rows_max)], read)
    }

    pub fn command(&self, id: &str) -> Result<Option<CommandStory>, Unreadable> {
        let sql = format!("SELECT {COLUMNS} FROM commands WHERE id = ?1");
        let Some(command) = self.list(&sql, [id], read)?.pop() else {
            return Ok(None);
        };
        let sql = "SELECT at, state, detail FROM command_steps WHERE command_id = ?1 ORDER BY seq";
        let steps = self.list(sql, [id], |row| {
            Ok(CommandStep {
                at: moment(row, 0)?,
                state: row.get(1)?,
                detail: row.get(2)?,
            })
        })?;
        Ok(Some(CommandStory { command, steps }))
    }
}

pub(super) fn read(row: &Row<'_>) -> Result<CommandRow, Unreadable> {
    let command: Command = json(row, 0)?;
    let lifecycle: Lifecycle = json(row, 1)?;
    let failure = match lifecycle {
        Lifecycle::Settled { outcome } => outcome.failure().cloned(),
        Lifecycle::Queued { .. }
        | Lifecycle::Blocked { .. }
        | Lifecycle::Sending { .. }
        | Lifecycle::InDoubt { .. }
        | Lifecycle::Acknowledged { .. } => None,
    };
    Ok(CommandRow {
        id: command.id.to_string(),
        device: command.device.alias.to_string(),
        command: command.name,
        parameters: command.parameters,
        state: row.get(2)?,
        failure,
        attempts: row.get(3)?,
        action: row.get(4)?,
        rule: command.rule.to_string(),
        run: command.run.to_string(),
        step: command.step.map(|it| it.to_string()),
        cause: command.cause.to_string(),
        created_at: moment(row, 5)?,
        updated_at: moment(row, 6)?,
        due_at: maybe_moment(row, 7)?,
    })
}
