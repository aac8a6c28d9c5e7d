//! What devices say they take, as rows.

use jiff::SignedDuration;
use rusqlite::OptionalExtension;

use crate::domain::capabilities::{Declaration, Declared};
use crate::domain::id::DeviceId;
use crate::engine::decision::Change;
use crate::store::clock_set::microseconds;
use crate::store::error::Error;
use crate::store::writer::Tx;
use crate::store::{moment, stamp};

/// What was written down. What cannot be read any more is not known: the next read tells it anew.
pub(super) fn load(tx: &Tx<'_>) -> Result<Vec<Change>, Error> {
    let mut statement =
        tx.prepare("SELECT device_id, capabilities, since FROM device_capabilities")?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        if let Ok(capabilities) = serde_json::from_str(&row.get::<_, String>(1)?) {
            found.push(Change::Declared(Declaration {
                device: DeviceId::new(row.get::<_, String>(0)?),
                at: moment(row.get(2)?),
                capabilities: Some(capabilities),
            }));
        }
    }
    Ok(found)
}

/// What `device` said last; none when it never did.
pub(crate) fn of(tx: &Tx<'_>, device: &DeviceId) -> Result<Option<Declared>, Error> {
    let found = tx
        .prepare("SELECT capabilities, since FROM device_capabilities WHERE device_id = ?1")?
        .query_row([device.as_str()], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?))
        })
        .optional()?;
    Ok(found.and_then(|(capabilities, since)| {
        Some(Declared {
            since: moment(since),
            capabilities: serde_json::from_str(&capabilities).ok()?,
        })
    }))
}

pub(super) fn save(tx: &Tx<'_>, declaration: &Declaration) -> Result<(), Error> {
    let device = declaration.device.as_str();
    let Some(capabilities) = &declaration.capabilities else {
        tx.prepare("DELETE FROM device_capabilities WHERE device_id = ?1")?
            .execute([device])?;
        return Ok(());
    };
    tx.prepare(
        "INSERT INTO device_capabilities (device_id, capabilities, since) VALUES (?1, ?2, ?3)
         ON CONFLICT (device_id) DO UPDATE
         SET capabilities = excluded.capabilities, since = excluded.since",
    )?
    .execute(rusqlite::params![
        device,
        serde_json::to_string(capabilities)?,
        stamp(declaration.at),
    ])?;
    Ok(())
}

/// The clock was set.
pub(super) fn move_since(tx: &Tx<'_>, by: SignedDuration) -> Result<(), Error> {
    tx.prepare("UPDATE device_capabilities SET since = since + ?1")?
        .execute([microseconds(by)])?;
    Ok(())
}
