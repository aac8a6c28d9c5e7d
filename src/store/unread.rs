//! Devices that cannot be read at present, and why: for people.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::domain::id::DeviceId;
use crate::store::error::Error;
use crate::store::stamp;
use crate::store::writer::Tx;

/// Each with the reason.
pub(crate) fn all(tx: &Tx<'_>) -> Result<BTreeMap<DeviceId, String>, Error> {
    let mut statement = tx.prepare("SELECT device_id, reason FROM unread_devices")?;
    let rows = statement.query_map([], |row| {
        Ok((DeviceId::new(row.get::<_, String>(0)?), row.get(1)?))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// A reading of `device` failed for this `reason`; none when it succeeded.
pub(crate) fn note(
    tx: &Tx<'_>,
    device: &DeviceId,
    reason: Option<&str>,
    now: Timestamp,
) -> Result<(), Error> {
    let Some(reason) = reason else {
        tx.prepare("DELETE FROM unread_devices WHERE device_id = ?1")?
            .execute([device.as_str()])?;
        return Ok(());
    };
    tx.prepare(
        "INSERT INTO unread_devices (device_id, since, reason) VALUES (?1, ?2, ?3)
         ON CONFLICT (device_id) DO UPDATE SET reason = excluded.reason",
    )?
    .execute(rusqlite::params![device.as_str(), stamp(now), reason])?;
    Ok(())
}
