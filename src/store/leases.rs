//! Devices that rules keep, and those that somebody else has ordered since.

use jiff::Timestamp;

use crate::domain::id::{DeviceId, RuleId, RunId};
use crate::engine::arbitration::lease::Kept;
use crate::engine::decision::Change;
use crate::store::error::Error;
use crate::store::writer::Tx;
use crate::store::{moment, stamp};

/// What was written down, as the changes that led there.
pub(super) fn load(tx: &Tx<'_>) -> Result<Vec<Change>, Error> {
    let mut changes = Vec::new();
    let mut statement = tx.prepare("SELECT device_id, rule, run, until, by_clock FROM leases")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        changes.push(Change::Kept {
            device: DeviceId::new(row.get::<_, String>(0)?),
            kept: Kept {
                rule: RuleId::new(row.get::<_, String>(1)?),
                run: RunId::new(row.get::<_, String>(2)?),
                until: moment(row.get(3)?),
                by_clock: row.get(4)?,
            },
        });
    }
    let mut statement = tx.prepare("SELECT device_id, ended_at FROM foreign_orders")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        changes.push(Change::ForeignOrder {
            device: DeviceId::new(row.get::<_, String>(0)?),
            at: moment(row.get(1)?),
        });
    }
    Ok(changes)
}

pub(super) fn keep(tx: &Tx<'_>, device: &DeviceId, kept: &Kept) -> Result<(), Error> {
    tx.prepare(
        "INSERT INTO leases (device_id, rule, run, until, by_clock) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (device_id) DO UPDATE
         SET rule = excluded.rule, run = excluded.run, until = excluded.until,
             by_clock = excluded.by_clock",
    )?
    .execute(rusqlite::params![
        device.as_str(),
        kept.rule.as_str(),
        kept.run.as_str(),
        stamp(kept.until),
        kept.by_clock,
    ])?;
    Ok(())
}

pub(super) fn release(tx: &Tx<'_>, device: &DeviceId) -> Result<(), Error> {
    tx.prepare("DELETE FROM leases WHERE device_id = ?1")?
        .execute([device.as_str()])?;
    Ok(())
}

pub(super) fn note_foreign(tx: &Tx<'_>, device: &DeviceId, at: Timestamp) -> Result<(), Error> {
    tx.prepare(
        "INSERT INTO foreign_orders (device_id, ended_at) VALUES (?1, ?2)
         ON CONFLICT (device_id) DO UPDATE SET ended_at = excluded.ended_at",
    )?
    .execute(rusqlite::params![device.as_str(), stamp(at)])?;
    Ok(())
}
