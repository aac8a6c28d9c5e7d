//! Orders that stand in line behind others of ours for their device, and how long they do.

use std::time::Duration;

use jiff::Timestamp;

use crate::clock::later;
use crate::domain::command::Command;
use crate::domain::lifecycle::Step;
use crate::store::error::Error;
use crate::store::writer::Tx;
use crate::store::{moment, outbox, stamp};

/// How long an order stands in line at most, as for one that somebody else's action blocks: an order of yesterday
/// is of no use.
const TURN_MAX: Duration = Duration::from_hours(24);

/// Behind something that is open and came before.
const IN_LINE: &str = "is_open = 1 AND turn_by IS NOT NULL AND state = 'queued' AND EXISTS (
         SELECT 1 FROM commands AS earlier
         WHERE earlier.is_open = 1 AND earlier.device_id = commands.device_id
             AND earlier.seq < commands.seq)";

/// When `command`, given at `now`, is given up if it is still in line; one that is for later has until then, and
/// as long again.
pub(super) fn turn_by(command: &Command, now: Timestamp) -> Timestamp {
    let wanted_at = command.timing.start.unwrap_or(now).max(now);
    later(wanted_at, TURN_MAX)
}

/// Gives up what has stood in line for too long.
pub(crate) fn give_up(tx: &Tx<'_>, now: Timestamp) -> Result<(), Error> {
    let late = outbox::open_where(tx, &format!("{IN_LINE} AND turn_by <= ?1"), [stamp(now)])?;
    for open in late {
        outbox::advance(tx, &open.command.id, Step::TurnMissed, None, now)?;
    }
    Ok(())
}

/// When the next one is given up.
pub(crate) fn next_given_up(tx: &Tx<'_>, after: Timestamp) -> Result<Option<Timestamp>, Error> {
    let next: Option<i64> = tx
        .prepare(&format!(
            "SELECT min(turn_by) FROM commands WHERE {IN_LINE} AND ?1 < turn_by"
        ))?
        .query_row([stamp(after)], |row| row.get(0))?;
    Ok(next.map(moment))
}
