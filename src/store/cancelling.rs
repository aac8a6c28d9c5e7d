//! Orders that are called off: at once where they have not left, by asking Amps where it has planned them.

use std::time::Duration;

use jiff::Timestamp;

use crate::clock::later;
use crate::domain::command::Command;
use crate::domain::event::{Event, NotCancelled, Payload, Source};
use crate::domain::id::{CommandId, EventId};
use crate::domain::lifecycle::{Failure, Step};
use crate::domain::retry::next_look_up;
use crate::store::error::Error;
use crate::store::open::Open;
use crate::store::signal::Area;
use crate::store::writer::Tx;
use crate::store::{inbox, moment, outbox, stamp};

/// How soon Amps is asked again when it did not say; the longer that lasts, the more rarely.
const AGAIN: Duration = Duration::from_secs(15);

/// Calls the command off: one that has not left is over, one that is planned is cancelled at Amps, and one that
/// has begun is left to its end.
pub(crate) fn withdraw(tx: &Tx<'_>, id: &CommandId, now: Timestamp) -> Result<(), Error> {
    try_withdraw(tx, id, now).map(drop)
}

/// The same for a run that waits for what comes of it.
pub(crate) fn cancel(tx: &Tx<'_>, id: &CommandId, now: Timestamp) -> Result<(), Error> {
    match try_withdraw(tx, id, now)? {
        Some(command) => not_cancelled(tx, &command, None, now),
        None => Ok(()),
    }
}

/// The command is not sent any more; what Amps has of it is left to its end, also where that is planned.
pub(crate) fn abandon(tx: &Tx<'_>, id: &CommandId, now: Timestamp) -> Result<(), Error> {
    is_over_with(tx, id, now).map(drop)
}

/// Nobody wants the command any more: true when that ends it, since Amps has nothing of it.
fn is_over_with(tx: &Tx<'_>, id: &CommandId, now: Timestamp) -> Result<bool, Error> {
    // Also where a push is out: when it comes back, it is not sent again.
    tx.prepare(
        "UPDATE commands SET unwanted_at = coalesce(unwanted_at, ?2) WHERE id = ?1 AND is_open = 1",
    )?
    .execute(rusqlite::params![id.as_str(), stamp(now)])?;
    Ok(outbox::advance(tx, id, Step::Withdrawn, None, now)?.is_some())
}

/// Whether nobody wants the command any more.
pub(super) fn is_unwanted(tx: &Tx<'_>, id: &CommandId) -> Result<bool, Error> {
    Ok(tx
        .prepare("SELECT 1 FROM commands WHERE id = ?1 AND unwanted_at IS NOT NULL")?
        .exists([id.as_str()])?)
}

/// The command when it has begun.
fn try_withdraw(tx: &Tx<'_>, id: &CommandId, now: Timestamp) -> Result<Option<Command>, Error> {
    if is_over_with(tx, id, now)? {
        return Ok(None);
    }
    let Some(Open { command, .. }) = outbox::open(tx, id)? else {
        return Ok(None);
    };
    if !command.is_planned() {
        return Ok(Some(command));
    }
    wish(tx, id, Some(now))?;
    Ok(None)
}

fn wish(tx: &Tx<'_>, id: &CommandId, at: Option<Timestamp>) -> Result<(), Error> {
    tx.prepare("UPDATE commands SET cancel_at = ?2 WHERE id = ?1")?
        .execute(rusqlite::params![id.as_str(), at.map(stamp)])?;
    tx.touch(Area::REPORTS);
    Ok(())
}

/// When Amps is to be asked next to cancel something.
pub(crate) fn next_due(tx: &Tx<'_>) -> Result<Option<Timestamp>, Error> {
    let next: Option<i64> = tx
        .prepare(
            "SELECT min(cancel_at) FROM commands
             WHERE cancel_at IS NOT NULL AND is_open = 1 AND state = 'acknowledged'",
        )?
        .query_row([], |row| row.get(0))?;
    Ok(next.map(moment))
}

/// A command that Amps is to cancel now.
pub(crate) fn due(tx: &Tx<'_>, now: Timestamp) -> Result<Option<Open>, Error> {
    let found = outbox::open_where(
        tx,
        "cancel_at <= ?1 AND is_open = 1 AND state = 'acknowledged' ORDER BY cancel_at LIMIT 1",
        [stamp(now)],
    )?;
    Ok(found.into_iter().next())
}

/// The shortest wait before Amps is asked again, as the start draws near.
const SOON: Duration = Duration::from_secs(5);

/// Until the start it is asked so many times at least in what is left of the time.
const TIMES_LEFT: i32 = 4;

/// Amps did not say: it is asked again, not before `wait` is over, if Amps asked for that.
pub(crate) fn ask_again(
    tx: &Tx<'_>,
    command: &Command,
    wait: Option<Duration>,
    now: Timestamp,
) -> Result<(), Error> {
    let id = &command.id;
    let since: Option<i64> = tx
        .prepare("SELECT unwanted_at FROM commands WHERE id = ?1")?
        .query_row([id.as_str()], |row| row.get(0))?;
    let at = next_look_up(since.map_or(now, moment), AGAIN, now);
    // From the start on it is too late.
    let start = command.timing.start.filter(|it| now < *it);
    let soon = start.map(|it| {
        let left = Duration::try_from(it.duration_since(now) / TIMES_LEFT);
        later(now, left.unwrap_or_default().max(SOON))
    });
    let at = soon.map_or(at, |it| it.min(at));
    wish(tx, id, Some(at.max(later(now, wait.unwrap_or_default()))))
}

/// What waits to be cancelled is asked for now: Amps answers again.
pub(super) fn hurry(tx: &Tx<'_>, now: Timestamp) -> Result<(), Error> {
    tx.prepare("UPDATE commands SET cancel_at = ?1 WHERE ?1 < cancel_at AND is_open = 1")?
        .execute([stamp(now)])?;
    tx.touch(Area::REPORTS);
    Ok(())
}

/// It is too late; or Amps does not cancel it, for the reason in `failure`.
pub(crate) fn not_cancelled(
    tx: &Tx<'_>,
    command: &Command,
    failure: Option<Failure>,
    now: Timestamp,
) -> Result<(), Error> {
    wish(tx, &command.id, None)?;
    let subject = format!("{} {}", command.id, now.as_microsecond());
    let order = command.named();
    let event = Event {
        id: EventId::derive("not_cancelled", &subject),
        source: Source::Engine,
        received_at: now,
        payload: Payload::NotCancelled(NotCancelled { order, failure }),
    };
    inbox::record(tx, event, None).map(drop)
}
