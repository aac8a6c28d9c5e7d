//! Commands that are not over, as their rows have them.

use jiff::{SignedDuration, Timestamp};
use rusqlite::Row;

use crate::clock::moved;
use crate::domain::command::Command;
use crate::domain::lifecycle::Lifecycle;
use crate::store::error::Error;
use crate::store::moment;

/// A command that is not over.
#[derive(Clone, Debug)]
pub(crate) struct Open {
    pub(crate) command: Command,
    pub(crate) lifecycle: Lifecycle,
    pub(crate) created_at: Timestamp,
    /// The same by the clock as it is now, which may have been set since.
    pub(crate) began_at: Timestamp,
    /// When the last push left.
    pub(crate) sent_at: Option<Timestamp>,
    /// It was given in an earlier life of the program. Nobody counted the time in between when the machine had
    /// no clock then: these moments may be too late by as much.
    pub(crate) is_from_before: bool,
}

impl Open {
    /// The same after the clock was set by `by`: it was given as long ago, and waits as long.
    #[must_use]
    pub(crate) fn moved(self, by: SignedDuration) -> Self {
        Self {
            lifecycle: self.lifecycle.moved(by),
            began_at: moved(self.began_at, by),
            sent_at: self.sent_at.map(|it| moved(it, by)),
            command: Command {
                timing: self.command.timing.moved(by),
                ..self.command
            },
            ..self
        }
    }
}

/// The moments of `sent_at` and `began_at` are steady (`store::clock_set`).
pub(super) const COLUMNS: &str = "command, lifecycle, created_at,
    sent_at + (SELECT set_by FROM clock), coalesce(began_at, created_at) + (SELECT set_by FROM clock),
    coalesce(life, 0) < (SELECT lives FROM clock)";

/// What [`COLUMNS`] tell.
pub(super) fn read(row: &Row<'_>) -> Result<Open, Error> {
    Ok(Open {
        command: serde_json::from_str(&row.get::<_, String>(0)?)?,
        lifecycle: serde_json::from_str(&row.get::<_, String>(1)?)?,
        created_at: moment(row.get(2)?),
        sent_at: row.get::<_, Option<i64>>(3)?.map(moment),
        began_at: moment(row.get(4)?),
        is_from_before: row.get(5)?,
    })
}
