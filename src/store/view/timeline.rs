//! Everything that happened, in order: what came in, what rules made of it, what went out.

use jiff::Timestamp;
use rusqlite::Row;

use crate::domain::command::Command;
use crate::domain::event::Payload;
use crate::engine::decision::Notification;
use crate::engine::trace::Trace;
use crate::store::view::{Unreadable, View, json, moment};

/// Something that happened.
#[derive(Debug)]
pub struct Moment {
    pub at: Timestamp,
    pub what: Happened,
}

#[derive(Debug)]
pub enum Happened {
    CameIn {
        id: String,
        payload: Option<Payload>,
    },
    Judged(Trace),
    Command {
        command: Command,
        state: String,
        detail: String,
    },
    Told(Notification),
}

/// How far each table has been read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cursor {
    event: i64,
    trace: i64,
    step: i64,
    notification: i64,
}

impl View {
    /// What happened since `cursor`, in order, and moves it on.
    pub fn since(&self, cursor: &mut Cursor) -> Result<Vec<Moment>, Unreadable> {
        let mut moments = self.after(
            "SELECT seq, received_at, id, payload FROM events WHERE ?1 < seq ORDER BY seq",
            &mut cursor.event,
            |row| {
                let payload = row.get::<_, Option<String>>(3)?;
                let payload = payload.map(|it| serde_json::from_str(&it)).transpose()?;
                Ok(Happened::CameIn {
                    id: row.get(2)?,
                    payload,
                })
            },
        )?;
        moments.extend(self.after(
            "SELECT seq, at, trace FROM traces WHERE ?1 < seq ORDER BY seq",
            &mut cursor.trace,
            |row| Ok(Happened::Judged(json(row, 2)?)),
        )?);
        moments.extend(self.after(
            "SELECT command_steps.seq, at, command, command_steps.state, detail
             FROM command_steps JOIN commands ON commands.id = command_id
             WHERE ?1 < command_steps.seq ORDER BY command_steps.seq",
            &mut cursor.step,
            |row| {
                let command = json(row, 2)?;
                Ok(Happened::Command {
                    command,
                    state: row.get(3)?,
                    detail: row.get(4)?,
                })
            },
        )?);
        moments.extend(self.after(
            "SELECT seq, created_at, notification FROM notifications WHERE ?1 < seq ORDER BY seq",
            &mut cursor.notification,
            |row| Ok(Happened::Told(json(row, 2)?)),
        )?);
        // Stable: at one moment, what came in stands before what it led to.
        moments.sort_by_key(|moment| moment.at);
        Ok(moments)
    }

    /// Rows after `seen`, which is moved on to the last; the first two columns are the row's number and moment.
    fn after(
        &self,
        sql: &str,
        seen: &mut i64,
        read: impl Fn(&Row<'_>) -> Result<Happened, Unreadable>,
    ) -> Result<Vec<Moment>, Unreadable> {
        let rows = self.list(sql, [*seen], |row| {
            Ok((
                row.get::<_, i64>(0)?,
                Moment {
                    at: moment(row, 1)?,
                    what: read(row)?,
                },
            ))
        })?;
        *seen = rows.last().map_or(*seen, |(number, _)| *number);
        Ok(rows.into_iter().map(|(_, moment)| moment).collect())
    }
}
