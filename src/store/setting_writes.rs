//! Settings that rules write, until the device shows them or they are given up. One at a time for each setting.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{OptionalExtension, Row};

use crate::clock::moved;
use crate::domain::device::Device;
use crate::domain::event::Payload;
use crate::domain::id::{RequestId, RunId};
use crate::domain::lifecycle::Failure;
use crate::domain::writing::{Progress, Reply, SettingWrite, Stage, WriteOver, WriteResult};
use crate::store::awaited::{Awaited, Standing, Then};
use crate::store::clock_set::microseconds;
use crate::store::error::Error;
use crate::store::signal::Area;
use crate::store::writer::Tx;
use crate::store::{moment, stamp};

/// A write whose request is under way.
#[derive(Clone, Debug)]
pub(crate) struct Claimed {
    pub(crate) write: SettingWrite,
    pub(crate) stage: Stage,
    /// A write that is under way included.
    pub(crate) attempts: u32,
    pub(crate) created_at: Timestamp,
}

impl Awaited for Claimed {
    const TABLE: &'static str = "setting_writes";
    const COLUMN: &'static str = "write";
    const UNDER_WAY: &'static str = "under_way";
    const AREA: Area = Area::SETTINGS;
    const IS_ATTEMPT: &'static str = "json_extract(stage, '$.stage') = 'write'";
    const MAY_GO: &'static str = "NOT EXISTS (
         SELECT 1 FROM setting_writes AS earlier
         WHERE earlier.state IN ('waiting', 'under_way') AND earlier.device_id = due.device_id
             AND earlier.setting = due.setting AND earlier.seq < due.seq)";
    type Answer = Reply;

    fn read(row: &Row<'_>) -> Result<Result<Self, serde_json::Error>, Error> {
        let (write, stage): (String, String) = (row.get("write")?, row.get("stage")?);
        let (attempts, created_at) = (row.get("attempts")?, moment(row.get("created_at")?));
        let read = serde_json::from_str(&write).and_then(|write| {
            Ok(Self {
                write,
                stage: serde_json::from_str(&stage)?,
                attempts,
                created_at,
            })
        });
        Ok(read)
    }

    fn unreadable(id: RequestId, run: RunId, attempts: u32, failure: Failure) -> Standing {
        over(WriteOver {
            write: id,
            run,
            what: "a setting".to_owned(),
            result: WriteResult::Failed {
                outcome: "failed".to_owned(),
                failure,
            },
            attempts,
        })
    }

    fn after(&self, reply: Reply, now: Timestamp) -> Standing {
        let stage = (&self.stage, self.attempts);
        self.standing(self.write.after(stage, reply, self.created_at, now))
    }

    fn after_interruption(&self, now: Timestamp) -> Standing {
        self.standing(SettingWrite::after_interruption(
            &self.stage,
            self.attempts,
            now,
        ))
    }
}

impl Claimed {
    fn standing(&self, progress: Progress) -> Standing {
        match progress {
            Progress::Again {
                at,
                stage,
                attempts,
                why,
            } => Standing {
                id: self.write.id.clone(),
                state: "waiting",
                stage: Some(stage),
                attempts,
                reason: why,
                then: Then::At(at),
            },
            Progress::Over(result) => over(self.write.over(result, self.attempts)),
        }
    }
}

fn over(over: WriteOver) -> Standing {
    Standing {
        id: over.write.clone(),
        state: "over",
        stage: None,
        attempts: over.attempts,
        reason: Some(over.said()),
        then: Then::Told(Payload::Written(over)),
    }
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

/// Lets be done now what an outage, which began at `since`, has put off.
pub(super) fn hurry(tx: &Tx<'_>, since: Timestamp, now: Timestamp) -> Result<(), Error> {
    tx.prepare(
        "UPDATE setting_writes SET due_at = ?2
         WHERE state = 'waiting' AND ?1 <= updated_at AND ?2 < due_at",
    )?
    .execute([stamp(since), stamp(now)])?;
    tx.touch(Area::SETTINGS);
    Ok(())
}

/// The device of a write that is not over; none where there is none.
pub(super) fn waiting_device(tx: &Tx<'_>) -> Result<Option<Device>, Error> {
    let write: Option<String> = tx
        .prepare(
            "SELECT write FROM setting_writes WHERE state IN ('waiting', 'under_way')
             ORDER BY seq LIMIT 1",
        )?
        .query_row([], |row| row.get(0))
        .optional()?;
    // One that cannot be read fails when its time comes.
    let write = write.and_then(|it| serde_json::from_str::<SettingWrite>(&it).ok());
    Ok(write.map(|it| it.device))
}

/// The clock was set: what is open waits as long as before.
pub(super) fn move_open(tx: &Tx<'_>, by: SignedDuration) -> Result<(), Error> {
    let open = "state IN ('waiting', 'under_way')";
    let moments = "due_at = due_at + ?1, created_at = created_at + ?1";
    tx.prepare(&format!("UPDATE setting_writes SET {moments} WHERE {open}"))?
        .execute([microseconds(by)])?;
    let mut statement = tx.prepare(&format!(
        "SELECT id, stage FROM setting_writes WHERE {open} AND json_extract(stage, '$.stage') = 'read'"
    ))?;
    let reads = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let reads = reads.collect::<Result<Vec<(String, String)>, _>>()?;
    for (id, stage) in reads {
        let mut stage = serde_json::from_str(&stage)?;
        // What the clock of Amps showed stays.
        if let Stage::Read {
            deadline,
            silent_since,
            ..
        } = &mut stage
        {
            *deadline = moved(*deadline, by);
            *silent_since = silent_since.map(|it| moved(it, by));
        }
        tx.prepare("UPDATE setting_writes SET stage = ?2 WHERE id = ?1")?
            .execute([id, serde_json::to_string(&stage)?])?;
    }
    Ok(())
}
