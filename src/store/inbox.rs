//! The inbox: everything that came in, recorded once, with what became of it.

use jiff::Timestamp;
use rusqlite::OptionalExtension;

use crate::domain::event::{Event, Payload, Report, Settled, Source};
use crate::domain::id::{ActionId, EventId};
use crate::store::error::Error;
use crate::store::writer::Tx;
use crate::store::{moment, stamp};

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Recorded {
    /// It is on record and takes effect.
    New,
    /// Its id has been here before: it has had its effect.
    Known,
    /// A new delivery that says again what another said: kept, and without effect.
    Repeat,
}

/// Records `event`, with the `body` it came in, and hands it on to the consumers.
pub(crate) fn record(tx: &Tx<'_>, event: Event, body: Option<&[u8]>) -> Result<Recorded, Error> {
    let counts_as = event.payload.report().map(counts_as);
    if insert(tx, &event, body, counts_as.as_deref())? {
        tx.hand_on(event);
        return Ok(Recorded::New);
    }
    // The delivery has been here, or another one that says the same.
    if counts_as.is_some() && insert(tx, &event, body, None)? {
        return Ok(Recorded::Repeat);
    }
    Ok(Recorded::Known)
}

/// Whether `event` is on record now, and was not before: neither its id nor what it counts as.
///
/// A report that counts as nothing is a repeat.
fn insert(
    tx: &Tx<'_>,
    event: &Event,
    body: Option<&[u8]>,
    counts_as: Option<&str>,
) -> Result<bool, Error> {
    let report = event.payload.report();
    let is_repeat = report.is_some() && counts_as.is_none();
    let inserted = tx
        .prepare(
            "INSERT INTO events (id, source, received_at, kind, payload, body, action_id, counts_as, state)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING",
        )?
        .execute(rusqlite::params![
            event.id.as_str(),
            event.source.name(),
            stamp(event.received_at),
            event.payload.kind(),
            serde_json::to_string(&event.payload)?,
            body,
            report.map(|report| report.action.as_str()),
            counts_as,
            if is_repeat { "repeat" } else { "done" },
        ])?;
    Ok(inserted == 1)
}

/// Records what has happened here at this moment, and hands it on. It is told once, so that it never repeats
/// another event: where the clock was put back, it shows the same moment twice.
pub(crate) fn happen(tx: &Tx<'_>, event: Event) -> Result<(), Error> {
    record(tx, of_its_own(tx, event)?, None).map(drop)
}

/// The same without keeping it: a reading that brings nothing new but its age.
pub(crate) fn pass(tx: &Tx<'_>, event: Event) -> Result<(), Error> {
    tx.hand_on(of_its_own(tx, event)?);
    Ok(())
}

/// `event` under an id that no other has.
fn of_its_own(tx: &Tx<'_>, mut event: Event) -> Result<Event, Error> {
    let mut known = tx.prepare("SELECT 1 FROM events WHERE id = ?1")?;
    while known.exists([event.id.as_str()])? {
        event.id = event.id.again();
    }
    Ok(event)
}

/// Puts an event on record that was only passed, since something came of it.
pub(crate) fn keep(tx: &Tx<'_>, event: &Event) -> Result<(), Error> {
    insert(tx, event, None, None).map(drop)
}

/// Keeps a verified body that could not be read, with the reason.
pub(crate) fn record_unreadable(
    tx: &Tx<'_>,
    id: &EventId,
    received_at: Timestamp,
    body: &[u8],
    reason: &str,
) -> Result<Recorded, Error> {
    let inserted = tx
        .prepare(
            "INSERT INTO events (id, source, received_at, kind, body, state, reason)
             VALUES (?1, ?2, ?3, 'unreadable', ?4, 'dead', ?5) ON CONFLICT (id) DO NOTHING",
        )?
        .execute(rusqlite::params![
            id.as_str(),
            Source::Webhook.name(),
            stamp(received_at),
            body,
            reason,
        ])?;
    Ok(if inserted == 0 {
        Recorded::Known
    } else {
        Recorded::New
    })
}

/// Makes an event that could not be handled a dead letter. A report among them no longer counts, so that
/// a look-up can tell the same end again.
pub(super) fn bury(tx: &Tx<'_>, event: &EventId, reason: &str) -> Result<(), Error> {
    tracing::error!(%event, reason, "an event could not be handled; kept as a dead letter");
    tx.prepare("UPDATE events SET state = 'dead', reason = ?2, counts_as = NULL WHERE id = ?1")?
        .execute([event.as_str(), reason])?;
    Ok(())
}

/// Shows an event that was buried to the consumers once more; a report only if no other has said the same
/// meanwhile.
pub(super) fn raise(tx: &Tx<'_>, event: Event) -> Result<(), Error> {
    let counts_as = event.payload.report().map(counts_as);
    let is_repeat = match &counts_as {
        Some(counts_as) => tx
            .prepare("SELECT 1 FROM events WHERE counts_as = ?1")?
            .exists([counts_as])?,
        None => false,
    };
    let state = if is_repeat { "repeat" } else { "done" };
    let counts_as = counts_as.filter(|_| !is_repeat);
    tx.prepare("UPDATE events SET state = ?2, reason = NULL, counts_as = ?3 WHERE id = ?1")?
        .execute(rusqlite::params![event.id.as_str(), state, counts_as])?;
    if !is_repeat {
        tx.hand_on(event);
    }
    Ok(())
}

/// Shows an event of our own that is on record to the consumers once more.
pub(super) fn revive(tx: &Tx<'_>, id: &EventId) -> Result<(), Error> {
    let found = tx
        .prepare(
            "UPDATE events SET state = 'done', reason = NULL WHERE id = ?1
             RETURNING received_at, payload",
        )?
        .query_row([id.as_str()], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
        })
        .optional()?;
    if let Some((received_at, payload)) = found {
        tx.hand_on(Event {
            id: id.clone(),
            source: Source::Engine,
            received_at: moment(received_at),
            payload: serde_json::from_str(&payload)?,
        });
    }
    Ok(())
}

/// What the event `id` told of a command that is over; none when there is no such event.
pub(super) fn settled(tx: &Tx<'_>, id: &EventId) -> Result<Option<Settled>, Error> {
    let payload = tx
        .prepare("SELECT payload FROM events WHERE id = ?1")?
        .query_row([id.as_str()], |row| row.get::<_, Option<String>>(0))
        .optional()?;
    let Some(payload) = payload.flatten() else {
        return Ok(None);
    };
    #[expect(clippy::wildcard_enum_match_arm, reason = "one kind is asked for")]
    Ok(match serde_json::from_str(&payload)? {
        Payload::Settled(settled) => Some(settled),
        _ => None,
    })
}

/// The report on `action` that took effect, if one has come.
pub(super) fn report_on(
    tx: &Tx<'_>,
    action: &ActionId,
) -> Result<Option<(EventId, Report)>, Error> {
    let found = tx
        .prepare(
            "SELECT id, payload FROM events
             WHERE action_id = ?1 AND counts_as IS NOT NULL ORDER BY seq LIMIT 1",
        )?
        .query_row([action.as_str()], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
        })
        .optional()?;
    let Some((id, payload)) = found else {
        return Ok(None);
    };
    let payload: Payload = serde_json::from_str(&payload)?;
    match payload.report() {
        Some(report) => Ok(Some((EventId::new(id), report.clone()))),
        None => Err(Error::Broken(format!(
            "event `{id}` has an action and is no report"
        ))),
    }
}

/// Whether the end of `action` was told by `event` or by one before it. Their order does not hang on any clock.
pub(crate) fn was_reported_by(
    tx: &Tx<'_>,
    action: &ActionId,
    event: &EventId,
) -> Result<bool, Error> {
    Ok(tx
        .prepare(
            "SELECT 1 FROM events WHERE action_id = ?1 AND seq <= (SELECT seq FROM events WHERE id = ?2)",
        )?
        .exists([action.as_str(), event.as_str()])?)
}

/// When the last event was received, by the clock as it was then; none while there is none.
pub(crate) fn last_received(tx: &Tx<'_>) -> Result<Option<Timestamp>, Error> {
    let last = tx
        .prepare("SELECT received_at FROM events ORDER BY seq DESC LIMIT 1")?
        .query_row([], |row| row.get(0))
        .optional()?;
    Ok(last.map(moment))
}

/// An action ends once. Deliveries and look-ups that say the same end again are repeats, whatever
/// their ids; a delivery id alone does not tell, since we look up too.
fn counts_as(report: &Report) -> String {
    format!("{} {}", report.action, report.outcome.name())
}
