//! Rules that were woken and are not decided, as rows.

use crate::domain::id::RunId;
use crate::engine::call::WaitingCall;
use crate::engine::decision::Change;
use crate::store::error::Error;
use crate::store::stamp;
use crate::store::writer::Tx;

/// A call that cannot be read any more is forgotten: nothing has come of it.
pub(super) fn load(tx: &Tx<'_>) -> Result<Vec<Change>, Error> {
    let mut statement = tx.prepare("SELECT call FROM waiting_calls")?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        match serde_json::from_str(&row.get::<_, String>(0)?) {
            Ok(call) => found.push(Change::CallWaits(call)),
            Err(error) => tracing::warn!(%error, "a rule that waited to be decided is forgotten"),
        }
    }
    Ok(found)
}

pub(super) fn put(tx: &Tx<'_>, call: &WaitingCall) -> Result<(), Error> {
    tx.prepare(
        "INSERT INTO waiting_calls (run, call, until) VALUES (?1, ?2, ?3)
         ON CONFLICT (run) DO UPDATE SET call = excluded.call, until = excluded.until",
    )?
    .execute(rusqlite::params![
        call.id.as_str(),
        serde_json::to_string(call)?,
        stamp(call.until),
    ])?;
    Ok(())
}

pub(super) fn forget(tx: &Tx<'_>, id: &RunId) -> Result<(), Error> {
    tx.prepare("DELETE FROM waiting_calls WHERE run = ?1")?
        .execute([id.as_str()])?;
    Ok(())
}
