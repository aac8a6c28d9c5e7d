//! Everything that happened, in order: what came in, what rules made of it, what went out.

use jiff::Timestamp;

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
        let mut moments = self.list(
            "SELECT seq, received_at, id, payload FROM events WHERE ?1 < seq ORDER BY seq",
            [cursor.event],
            |row| {
                let payload = row.get::<_, Option<String>>(3)?;
                let payload = payload.map(|it| serde_json::from_str(&it)).transpose()?;
                let what = Happened::CameIn {
                    id: row.get(2)?,
                    payload,
                };
                Ok((
                    row.get::<_, i64>(0)?,
                    Moment {
                        at: moment(row, 1)?,
                        what,
                    },
                ))
            },
        )?;
        cursor.event = last(&moments, cursor.event);

        let traces = self.list(
            "SELECT seq, at, trace FROM traces WHERE ?1 < seq ORDER BY seq",
            [cursor.trace],
            |row| {
                let what = Happened::Judged(json(row, 2)?);
                Ok((
                    row.get::<_, i64>(0)?,
                    Moment {
                        at: moment(row, 1)?,
                        what,
                    },
                ))
            },
        )?;
        cursor.trace = last(&traces, cursor.trace);

        let steps = self.list(
            "SELECT command_steps.seq, at, command, command_steps.state, detail
             FROM command_steps JOIN commands ON commands.id = command_id
             WHERE ?1 < command_steps.seq ORDER BY command_steps.seq",
            [cursor.step],
            |row| {
                let what = Happened::Command {
                    command: json(row, 2)?,
                    state: row.get(3)?,
                    detail: row.get(4)?,
                };
                Ok((
                    row.get::<_, i64>(0)?,
                    Moment {
                        at: moment(row, 1)?,
                        what,
                    },
                ))
            },
        )?;
        cursor.step = last(&steps, cursor.step);

        let told = self.list(
            "SELECT seq, created_at, notification FROM notifications WHERE ?1 < seq ORDER BY seq",
            [cursor.notification],
            |row| {
                let what = Happened::Told(json(row, 2)?);
                Ok((
                    row.get::<_, i64>(0)?,
                    Moment {
                        at: moment(row, 1)?,
                        what,
                    },
                ))
            },
        )?;
        cursor.notification = last(&told, cursor.notification);

        moments.extend(traces);
        moments.extend(steps);
        moments.extend(told);
        let mut moments: Vec<_> = moments.into_iter().map(|(_, moment)| moment).collect();
        // Stable: at one moment, what came in stands before what it led to.
        moments.sort_by_key(|moment| moment.at);
        Ok(moments)
    }
}

fn last(rows: &[(i64, Moment)], before: i64) -> i64 {
    rows.last().map_or(before, |(seq, _)| *seq)
}
