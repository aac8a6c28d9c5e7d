//! What came in.

use jiff::Timestamp;
use rusqlite::Row;
use serde::Serialize;

use crate::domain::event::Payload;
use crate::engine::trace::Trace;
use crate::store::view::{Unreadable, View, json, limit, moment};

/// An event, as a line of a list.
#[derive(Debug, Serialize)]
pub struct EventRow {
    pub id: String,
    pub received_at: Timestamp,
    pub source: String,
    pub kind: String,
    /// `done`, `repeat` (without effect: the same end was told before) or `dead` (see the dead letters).
    pub state: String,
    /// None for what could not be read.
    pub payload: Option<Payload>,
}

/// An event and what each rule made of it.
#[derive(Debug, Serialize)]
pub struct EventStory {
    #[serde(flatten)]
    pub event: EventRow,
    pub traces: Vec<Trace>,
}

pub(super) const COLUMNS: &str = "id, received_at, source, kind, state, payload";

impl View {
    /// The newest events, newest first.
    pub fn events(&self, rows_max: usize) -> Result<Vec<EventRow>, Unreadable> {
        let sql = format!("SELECT {COLUMNS} FROM events ORDER BY seq DESC LIMIT ?1");
        self.list(&sql, [limit(rows_max)], read)
    }

    pub fn event(&self, id: &str) -> Result<Option<EventStory>, Unreadable> {
        let sql = format!("SELECT {COLUMNS} FROM events WHERE id = ?1");
        let Some(event) = self.list(&sql, [id], read)?.pop() else {
            return Ok(None);
        };
        let sql = "SELECT trace FROM traces WHERE event_id = ?1 ORDER BY seq";
        let traces = self.list(sql, [id], |row| json(row, 0))?;
        Ok(Some(EventStory { event, traces }))
    }
}

pub(super) fn read(row: &Row<'_>) -> Result<EventRow, Unreadable> {
    let payload = row.get::<_, Option<String>>(5)?;
    Ok(EventRow {
        id: row.get(0)?,
        received_at: moment(row, 1)?,
        source: row.get(2)?,
        kind: row.get(3)?,
        state: row.get(4)?,
        payload: payload.map(|it| serde_json::from_str(&it)).transpose()?,
    })
}
