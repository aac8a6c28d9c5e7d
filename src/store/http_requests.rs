//! Requests of rules over HTTP, until they are answered or given up.

use jiff::Timestamp;

use crate::domain::event::{Event, Payload, Source};
use crate::domain::http::{BAD_REQUEST, HttpOver, HttpRequest, HttpResult, Progress};
use crate::domain::id::{EventId, RequestId, RunId};
use crate::domain::lifecycle::Failure;
use crate::store::error::Error;
use crate::store::signal::Area;
use crate::store::writer::Tx;
use crate::store::{inbox, moment, stamp};

/// A request whose attempt is under way.
#[derive(Clone, Debug)]
pub(crate) struct Claimed {
    pub(crate) request: HttpRequest,
    /// This one included.
    pub(crate) attempts: u32,
}

/// Puts `request` in line. Doing it twice is doing it once: the id is derived.
pub(crate) fn enqueue(tx: &Tx<'_>, request: &HttpRequest, now: Timestamp) -> Result<(), Error> {
    tx.prepare(
        "INSERT INTO http_requests (id, run, request, state, attempts, due_at, created_at, updated_at)
         VALUES (?1, ?2, ?3, 'queued', 0, ?4, ?4, ?4) ON CONFLICT (id) DO NOTHING",
    )?
    .execute(rusqlite::params![
        request.id.as_str(),
        request.run.as_str(),
        serde_json::to_string(request)?,
        stamp(now),
    ])?;
    tx.touch(Area::HTTP);
    Ok(())
}

/// Claims those that are due, `rows_max` at most: from here on an attempt is under way. What nobody waits for any
/// more is not sent.
pub(crate) fn claim(tx: &Tx<'_>, rows_max: usize, now: Timestamp) -> Result<Vec<Claimed>, Error> {
    tx.prepare(
        "UPDATE http_requests SET state = 'dropped', due_at = NULL, updated_at = ?1
         WHERE due_at <= ?1
             AND NOT EXISTS (SELECT 1 FROM runs WHERE id = run AND runs.state = 'running')",
    )?
    .execute([stamp(now)])?;
    let rows_max = i64::try_from(rows_max).unwrap_or(i64::MAX);
    let mut statement = tx.prepare(
        "UPDATE http_requests
         SET state = 'sending', attempts = attempts + 1, due_at = NULL, updated_at = ?1
         WHERE seq IN (SELECT seq FROM http_requests WHERE due_at <= ?1 ORDER BY due_at, seq LIMIT ?2)
         RETURNING id, run, request, attempts",
    )?;
    claimed(
        tx,
        &mut statement,
        rusqlite::params![stamp(now), rows_max],
        now,
    )
}

/// Deals with attempts that were under way when the program ended, and shows the end of requests again whose run
/// still waits for it. Once, at a start. Returns how many were under way.
pub(crate) fn recover(tx: &Tx<'_>, now: Timestamp) -> Result<usize, Error> {
    hand_on_unheard(tx)?;
    let mut statement = tx.prepare(
        "SELECT id, run, request, attempts FROM http_requests WHERE state = 'sending' ORDER BY seq",
    )?;
    let interrupted = claimed(tx, &mut statement, [], now)?;
    for Claimed { request, attempts } in &interrupted {
        let progress = request.after_interruption(now);
        let attempts = match progress {
            Progress::Again { .. } => attempts - 1,
            Progress::Over(_) => *attempts,
        };
        advance(tx, request, progress, attempts, now)?;
    }
    Ok(interrupted.len())
}

/// The requests that `statement` finds. One that cannot be read any more has failed.
fn claimed(
    tx: &Tx<'_>,
    statement: &mut rusqlite::Statement<'_>,
    parameters: impl rusqlite::Params,
    now: Timestamp,
) -> Result<Vec<Claimed>, Error> {
    let mut rows = statement.query(parameters)?;
    let mut found = Vec::new();
    let mut unreadable = Vec::new();
    while let Some(row) = rows.next()? {
        let attempts = row.get(3)?;
        match serde_json::from_str(&row.get::<_, String>(2)?) {
            Ok(request) => found.push(Claimed { request, attempts }),
            Err(error) => {
                let failure =
                    Failure::new(Some(BAD_REQUEST), format!("it cannot be read: {error}"));
                unreadable.push(HttpOver {
                    request: RequestId::new(row.get::<_, String>(0)?),
                    run: RunId::new(row.get::<_, String>(1)?),
                    host: String::new(),
                    result: HttpResult::Failed(failure),
                    attempts: attempts - 1,
                });
            }
        }
    }
    drop(rows);
    for over in unreadable {
        end(tx, over, now)?;
    }
    Ok(found)
}

pub(crate) fn next_due(tx: &Tx<'_>) -> Result<Option<Timestamp>, Error> {
    let next: Option<i64> = tx
        .prepare("SELECT min(due_at) FROM http_requests WHERE due_at IS NOT NULL")?
        .query_row([], |row| row.get(0))?;
    Ok(next.map(moment))
}

/// The clock was set by so much: what waits for an attempt waits as long as before.
pub(super) fn move_due(tx: &Tx<'_>, by_microseconds: i64) -> Result<(), Error> {
    tx.prepare("UPDATE http_requests SET due_at = due_at + ?1 WHERE due_at IS NOT NULL")?
        .execute([by_microseconds])?;
    Ok(())
}

/// Writes down where `request` stands after `attempts`; its end is an event.
pub(crate) fn advance(
    tx: &Tx<'_>,
    request: &HttpRequest,
    progress: Progress,
    attempts: u32,
    now: Timestamp,
) -> Result<(), Error> {
    match progress {
        Progress::Again { at, failure } => {
            save(
                tx,
                &request.id,
                ("queued", Some(at), Some(failure.message)),
                attempts,
                now,
            )?;
            tx.touch(Area::HTTP);
            Ok(())
        }
        Progress::Over(result) => end(tx, request.over(result, attempts), now),
    }
}

fn end(tx: &Tx<'_>, over: HttpOver, now: Timestamp) -> Result<(), Error> {
    let (state, reason) = match &over.result {
        HttpResult::Answered { .. } => ("answered", None),
        HttpResult::Failed(failure) => ("failed", Some(failure.message.clone())),
    };
    save(tx, &over.request, (state, None, reason), over.attempts, now)?;
    let event = Event {
        id: EventId::answered(&over.request),
        source: Source::Engine,
        received_at: now,
        payload: Payload::Http(over),
    };
    inbox::record(tx, event, None).map(drop)
}

fn save(
    tx: &Tx<'_>,
    id: &RequestId,
    (state, due, reason): (&str, Option<Timestamp>, Option<String>),
    attempts: u32,
    now: Timestamp,
) -> Result<(), Error> {
    tx.prepare(
        "UPDATE http_requests SET state = ?2, due_at = ?3, reason = ?4, attempts = ?5, updated_at = ?6
         WHERE id = ?1",
    )?
    .execute(rusqlite::params![
        id.as_str(),
        state,
        due.map(stamp),
        reason,
        attempts,
        stamp(now),
    ])?;
    Ok(())
}

/// The engine could not handle the end of a request then, and a newer program may.
fn hand_on_unheard(tx: &Tx<'_>) -> Result<(), Error> {
    let mut statement = tx.prepare(
        "SELECT http_requests.id FROM runs
         JOIN http_requests ON http_requests.id = json_extract(wait, '$.request')
         WHERE runs.state = 'running' AND http_requests.state IN ('answered', 'failed')",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let request = RequestId::new(row.get::<_, String>(0)?);
        inbox::revive(tx, &EventId::answered(&request))?;
    }
    Ok(())
}
