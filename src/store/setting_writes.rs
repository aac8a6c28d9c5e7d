//! Settings that rules write, until the device shows them or they are given up. One at a time for each setting.

use jiff::{SignedDuration, Timestamp};

use crate::clock::moved;
use crate::domain::event::{Event, Payload, Source};
use crate::domain::id::{EventId, RequestId};
use crate::domain::writing::{Progress, SettingWrite, Stage, WriteOver};
use crate::store::clock_set::microseconds;
use crate::store::error::Error;
use crate::store::signal::Area;
use crate::store::writer::Tx;
use crate::store::{inbox, moment, stamp};

/// A write whose request is under way.
#[derive(Clone, Debug)]
pub(crate) struct Claimed {
    pub(crate) write: SettingWrite,
    pub(crate) stage: Stage,
    /// A write that is under way included.
    pub(crate) attempts: u32,
    pub(crate) created_at: Timestamp,
}

/// Puts `write` in line. Doing it twice is doing it once: the id is derived.
pub(crate) fn enqueue(tx: &Tx<'_>, write: &SettingWrite, now: Timestamp) -> Result<(), Error> {
    tx.prepare(
        "INSERT INTO setting_writes (id, run, device_id, setting, write, stage, state, attempts, due_at,
             created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'waiting', 0, ?7, ?7, ?7) ON CONFLICT (id) DO NOTHING",
    )?
    .execute(rusqlite::params![
        write.id.as_str(),
        write.run.as_str(),
        write.device.id.as_str(),
        write.setting,
        serde_json::to_string(write)?,
        serde_json::to_string(&Stage::Write)?,
        stamp(now),
    ])?;
    tx.touch(Area::SETTINGS);
    Ok(())
}

/// Claims those that are due, `rows_max` at most: from here on a request is under way. What nobody waits for any
/// more is not made.
pub(crate) fn claim(tx: &Tx<'_>, rows_max: usize, now: Timestamp) -> Result<Vec<Claimed>, Error> {
    tx.prepare(
        "UPDATE setting_writes SET state = 'dropped', due_at = NULL, updated_at = ?1
         WHERE due_at <= ?1
             AND NOT EXISTS (SELECT 1 FROM runs WHERE id = run AND runs.state = 'running')",
    )?
    .execute([stamp(now)])?;
    let rows_max = i64::try_from(rows_max).unwrap_or(i64::MAX);
    let mut statement = tx.prepare(
        "UPDATE setting_writes
         SET state = 'under_way', due_at = NULL, updated_at = ?1,
             attempts = attempts + (json_extract(stage, '$.stage') = 'write')
         WHERE seq IN (
             SELECT seq FROM setting_writes AS due WHERE due_at <= ?1 AND NOT EXISTS (
                 SELECT 1 FROM setting_writes AS earlier
                 WHERE earlier.state IN ('waiting', 'under_way') AND earlier.device_id = due.device_id
                     AND earlier.setting = due.setting AND earlier.seq < due.seq)
             ORDER BY due_at, seq LIMIT ?2)
         RETURNING write, stage, attempts, created_at",
    )?;
    claimed(&mut statement, rusqlite::params![stamp(now), rows_max])
}

/// Deals with requests that were under way when the program ended, and shows the end of writes again whose run
/// still waits for it. Once, at a start.
pub(crate) fn recover(tx: &Tx<'_>, now: Timestamp) -> Result<(), Error> {
    hand_on_unheard(tx)?;
    let mut statement = tx.prepare(
        "SELECT write, stage, attempts, created_at FROM setting_writes WHERE state = 'under_way' ORDER BY seq",
    )?;
    for it in claimed(&mut statement, [])? {
        let progress = SettingWrite::after_interruption(&it.stage, it.attempts, now);
        advance(tx, &it, progress, now)?;
    }
    Ok(())
}

fn claimed(
    statement: &mut rusqlite::Statement<'_>,
    parameters: impl rusqlite::Params,
) -> Result<Vec<Claimed>, Error> {
    let mut rows = statement.query(parameters)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(Claimed {
            write: serde_json::from_str(&row.get::<_, String>(0)?)?,
            stage: serde_json::from_str(&row.get::<_, String>(1)?)?,
            attempts: row.get(2)?,
            created_at: moment(row.get(3)?),
        });
    }
    Ok(found)
}

/// When the next one is due that is the first for its setting.
pub(crate) fn next_due(tx: &Tx<'_>) -> Result<Option<Timestamp>, Error> {
    let next: Option<i64> = tx
        .prepare(
            "SELECT min(due_at) FROM setting_writes AS due WHERE due_at IS NOT NULL AND NOT EXISTS (
                 SELECT 1 FROM setting_writes AS earlier
                 WHERE earlier.state IN ('waiting', 'under_way') AND earlier.device_id = due.device_id
                     AND earlier.setting = due.setting AND earlier.seq < due.seq)",
        )?
        .query_row([], |row| row.get(0))?;
    Ok(next.map(moment))
}

/// The clock was set: what is open waits as long as before.
pub(super) fn move_open(tx: &Tx<'_>, by: SignedDuration) -> Result<(), Error> {
    let mut statement = tx.prepare(
        "SELECT write, stage, attempts, created_at FROM setting_writes
         WHERE state IN ('waiting', 'under_way')",
    )?;
    for it in claimed(&mut statement, [])? {
        let stage = match it.stage {
            Stage::Write => Stage::Write,
            // What the clock of Amps showed stays.
            Stage::Read {
                since,
                deadline,
                shown,
            } => Stage::Read {
                since,
                deadline: moved(deadline, by),
                shown,
            },
        };
        tx.prepare(
            "UPDATE setting_writes SET stage = ?2, due_at = due_at + ?3, created_at = created_at + ?3
             WHERE id = ?1",
        )?
        .execute(rusqlite::params![
            it.write.id.as_str(),
            serde_json::to_string(&stage)?,
            microseconds(by),
        ])?;
    }
    Ok(())
}

/// Writes down where the write stands; its end is an event.
pub(crate) fn advance(
    tx: &Tx<'_>,
    claimed: &Claimed,
    progress: Progress,
    now: Timestamp,
) -> Result<(), Error> {
    tx.touch(Area::SETTINGS);
    match progress {
        Progress::Again {
            at,
            stage,
            attempts,
            why,
        } => save(
            tx,
            &claimed.write.id,
            ("waiting", Some(at), why),
            (&stage, attempts),
            now,
        ),
        Progress::Over(result) => {
            let over = claimed.write.over(result, claimed.attempts);
            end(tx, &claimed.stage, over, now)
        }
    }
}

fn end(tx: &Tx<'_>, stage: &Stage, over: WriteOver, now: Timestamp) -> Result<(), Error> {
    save(
        tx,
        &over.write,
        ("over", None, Some(over.said())),
        (stage, over.attempts),
        now,
    )?;
    let event = Event {
        id: EventId::answered(&over.write),
        source: Source::Engine,
        received_at: now,
        payload: Payload::Written(over),
    };
    inbox::record(tx, event, None).map(drop)
}

fn save(
    tx: &Tx<'_>,
    id: &RequestId,
    (standing, due, reason): (&str, Option<Timestamp>, Option<String>),
    (stage, attempts): (&Stage, u32),
    now: Timestamp,
) -> Result<(), Error> {
    tx.prepare(
        "UPDATE setting_writes
         SET state = ?2, due_at = ?3, reason = coalesce(?4, reason), stage = ?5, attempts = ?6, updated_at = ?7
         WHERE id = ?1",
    )?
    .execute(rusqlite::params![
        id.as_str(),
        standing,
        due.map(stamp),
        reason,
        serde_json::to_string(stage)?,
        attempts,
        stamp(now),
    ])?;
    Ok(())
}

/// The engine could not handle the end of a write then, and a newer program may.
fn hand_on_unheard(tx: &Tx<'_>) -> Result<(), Error> {
    let mut statement = tx.prepare(
        "SELECT setting_writes.id FROM runs
         JOIN setting_writes ON setting_writes.id = json_extract(wait, '$.write')
         WHERE runs.state = 'running' AND setting_writes.state = 'over'",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let write = RequestId::new(row.get::<_, String>(0)?);
        inbox::revive(tx, &EventId::answered(&write))?;
    }
    Ok(())
}
