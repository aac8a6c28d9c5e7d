//! What an outage of Amps has put off, when that is over; and whether anything waits for its end.

use jiff::Timestamp;

use crate::domain::device::Device;
use crate::domain::lifecycle::Step;
use crate::store::error::Error;
use crate::store::writer::Tx;
use crate::store::{cancelling, outbox, setting_writes, stamp};

/// Lets everything be done now that an outage, which began at `since`, has put off: Amps answers again.
pub(crate) fn hurry(tx: &Tx<'_>, since: Timestamp, now: Timestamp) -> Result<(), Error> {
    // What was not asked for since then waits for a reason of its own.
    let waiting = outbox::open_where(
        tx,
        "is_open = 1 AND ?1 <= updated_at AND ?2 < due_at
             AND (state IN ('blocked', 'in_doubt', 'acknowledged') OR (state = 'queued' AND attempts = 0))",
        [stamp(since), stamp(now)],
    )?;
    for open in &waiting {
        outbox::advance(tx, &open.command.id, Step::Resumed, None, now)?;
    }
    cancelling::hurry(tx, now)?;
    setting_writes::hurry(tx, since, now)
}

/// The device of something that waits for Amps; none where nothing does.
pub(crate) fn waiting_device(tx: &Tx<'_>) -> Result<Option<Device>, Error> {
    if let Some(open) = outbox::open_where(tx, "is_open = 1 ORDER BY seq LIMIT 1", [])?.pop() {
        return Ok(Some(open.command.device));
    }
    setting_writes::waiting_device(tx)
}
