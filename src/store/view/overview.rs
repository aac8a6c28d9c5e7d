//! What the whole home is like: open orders, the last webhook, room.

use std::path::Path;

use jiff::Timestamp;
use rusqlite::Row;
use serde::Serialize;

use crate::domain::id::DeviceId;
use crate::domain::lifecycle::Lifecycle;
use crate::store::view::{
    CommandRow, EventRow, Unreadable, View, commands, events, json, maybe_moment, moment,
};
use crate::store::{database_path, story};

/// An order that is not over.
#[derive(Debug)]
pub struct OpenCommand {
    pub row: CommandRow,
    pub lifecycle: Lifecycle,
    /// When it is given up if it still stands in line.
    pub turn_by: Option<Timestamp>,
    /// When Amps is asked next to cancel it; none when nobody wants that.
    pub cancel_at: Option<Timestamp>,
    /// What its story told last.
    pub told: Option<String>,
}

/// What became of a message.
#[derive(Debug)]
pub struct LastMessage {
    pub notifier: String,
    /// `queued`, `sent` or `dead`.
    pub state: String,
    /// Why the last try failed.
    pub reason: Option<String>,
}

/// A device whose last reading failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UnreadDevice {
    #[serde(skip)]
    pub device: DeviceId,
    /// When a reading failed for the first time in a row.
    pub since: Timestamp,
    /// Why the last one did.
    pub reason: String,
}

impl View {
    pub fn unread_devices(&self) -> Result<Vec<UnreadDevice>, Unreadable> {
        // A database that was not brought up to date yet has no such table.
        let named = "SELECT 1 FROM sqlite_master WHERE name = 'unread_devices'";
        if self.list(named, [], |_| Ok(()))?.is_empty() {
            return Ok(Vec::new());
        }
        let sql = "SELECT device_id, since, reason FROM unread_devices";
        self.list(sql, [], |row| {
            Ok(UnreadDevice {
                device: DeviceId::new(row.get::<_, String>(0)?),
                since: moment(row, 1)?,
                reason: row.get(2)?,
            })
        })
    }

    /// In the order in which they were given.
    pub fn open_commands(&self) -> Result<Vec<OpenCommand>, Unreadable> {
        let (columns, otherwise) = (commands::COLUMNS, story::OTHERWISE);
        let sql = format!(
            "SELECT {columns}, turn_by, cancel_at,
                 (SELECT detail FROM command_steps WHERE command_id = commands.id
                     AND detail NOT LIKE '{otherwise}%' ORDER BY seq DESC LIMIT 1)
             FROM commands WHERE is_open = 1 ORDER BY seq"
        );
        let read = |row: &Row<'_>| {
            Ok(OpenCommand {
                row: commands::read(row)?,
                // The second of the columns.
                lifecycle: json(row, 1)?,
                // Behind them.
                turn_by: maybe_moment(row, 8)?,
                cancel_at: maybe_moment(row, 9)?,
                told: row.get(10)?,
            })
        };
        self.list(&sql, [], read)
    }

    /// The last webhook that was received.
    pub fn last_webhook(&self) -> Result<Option<EventRow>, Unreadable> {
        let columns = events::COLUMNS;
        let sql = format!(
            "SELECT {columns} FROM events WHERE source = 'webhook' ORDER BY seq DESC LIMIT 1"
        );
        Ok(self.list(&sql, [], events::read)?.pop())
    }

    /// The last message to each notifier, by their names.
    pub fn last_messages(&self) -> Result<Vec<LastMessage>, Unreadable> {
        let sql =
            "SELECT json_extract(notification, '$.notifier') AS notifier, state, reason, max(seq)
             FROM notifications GROUP BY notifier ORDER BY notifier";
        self.list(sql, [], |row| {
            Ok(LastMessage {
                notifier: row.get(0)?,
                state: row.get(1)?,
                reason: row.get(2)?,
            })
        })
    }

    /// What the story of the last order to each device says of a time that Amps understood otherwise than it was
    /// asked, with the name of the device.
    pub fn understood_otherwise(&self) -> Result<Vec<(String, String)>, Unreadable> {
        let sql = "SELECT command ->> '$.device.alias', detail FROM commands
             JOIN command_steps ON command_steps.command_id = commands.id
             WHERE commands.seq IN (SELECT max(seq) FROM commands GROUP BY device_id)
                 AND detail LIKE ?1 || '%'
             ORDER BY 1, command_steps.seq";
        self.list(sql, [story::OTHERWISE], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
    }

    /// How many events and messages were given up.
    pub fn dead_letters_count(&self) -> Result<u64, Unreadable> {
        let sql = "SELECT (SELECT count(*) FROM events WHERE state = 'dead')
             + (SELECT count(*) FROM notifications WHERE state = 'dead')";
        let count: i64 = self.connection.query_row(sql, [], |row| row.get(0))?;
        Ok(count.unsigned_abs())
    }

    /// What rows and indexes take of the file, in bytes.
    pub fn bytes_used(&self) -> Result<u64, Unreadable> {
        let number = |pragma: &str| -> Result<i64, Unreadable> {
            let sql = format!("PRAGMA {pragma}");
            Ok(self.connection.query_row(&sql, [], |row| row.get(0))?)
        };
        let pages = number("page_count")? - number("freelist_count")?;
        Ok((pages * number("page_size")?).unsigned_abs())
    }

    /// What is wrong with the file, as SQLite sees it; empty when nothing is.
    pub fn integrity(&self) -> Result<Vec<String>, Unreadable> {
        let found = self.list("PRAGMA quick_check(5)", [], |row| {
            Ok(row.get::<_, String>(0)?)
        })?;
        Ok(found.into_iter().filter(|it| it != "ok").collect())
    }
}

/// The size of the database file and of what is written beside it, in bytes; none when there is none.
pub fn file_bytes(dir: &Path) -> Option<u64> {
    let path = database_path(dir);
    let size = |path: &Path| std::fs::metadata(path).ok().map(|it| it.len());
    let beside = size(&path.with_extension("db-wal")).unwrap_or_default();
    Some(size(&path)? + beside)
}
