//! Lists for people and programs, read from the file while the engine runs and while it does not.

mod amps_link;
mod causes;
mod commands;
mod dead_letters;
mod events;
mod observed;
mod overview;
mod past;
mod rules;
mod runs;
mod settings;
mod standing;
pub mod timeline;
mod traces;
mod values;

use std::path::Path;

use rusqlite::{Connection, Row};

use crate::store::error::Error;
use crate::store::{database_path, schema};

pub use amps_link::AmpsLinkRow;
pub use causes::MessageRow;
pub use commands::{CommandRow, CommandStory};
pub use dead_letters::DeadLetter;
pub use events::{EventRow, EventStory};
pub use observed::{Observed, Spread};
pub use overview::{LastMessage, OpenCommand, UnreadDevice, file_bytes};
pub use rules::{StoredRule, Timer};
pub use runs::{RunRow, RunStory};
pub use settings::SettingRow;
pub use standing::{Lease, OpenRun, PausedRule};
pub use values::{KnownInput, KnownValue};

/// Why a list cannot be shown.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(String);

impl From<Error> for Unreadable {
    fn from(error: Error) -> Self {
        Self(error.to_string())
    }
}

impl From<rusqlite::Error> for Unreadable {
    fn from(error: rusqlite::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<serde_json::Error> for Unreadable {
    fn from(error: serde_json::Error) -> Self {
        Self::from(Error::from(error))
    }
}

/// The database of a home, open for reading only.
#[derive(Debug)]
pub struct View {
    connection: Connection,
}

impl View {
    /// None when this home has no database yet: no engine has ever run on it.
    pub fn open(dir: &Path) -> Result<Option<Self>, Unreadable> {
        let path = database_path(dir);
        if !path.exists() {
            return Ok(None);
        }
        Ok(Some(Self {
            connection: schema::open_for_reading(&path)?,
        }))
    }

    fn list<T>(
        &self,
        sql: &str,
        parameters: impl rusqlite::Params,
        read: impl Fn(&Row<'_>) -> Result<T, Unreadable>,
    ) -> Result<Vec<T>, Unreadable> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(parameters)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(read(row)?);
        }
        Ok(found)
    }
}

fn json<T: serde::de::DeserializeOwned>(row: &Row<'_>, column: usize) -> Result<T, Unreadable> {
    Ok(serde_json::from_str(&row.get::<_, String>(column)?)?)
}

fn moment(row: &Row<'_>, column: usize) -> Result<jiff::Timestamp, Unreadable> {
    Ok(crate::store::moment(row.get(column)?))
}

fn maybe_moment(row: &Row<'_>, column: usize) -> Result<Option<jiff::Timestamp>, Unreadable> {
    Ok(row.get::<_, Option<i64>>(column)?.map(crate::store::moment))
}

fn limit(rows_max: usize) -> i64 {
    i64::try_from(rows_max).unwrap_or(i64::MAX)
}
