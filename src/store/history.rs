//! What values were before, as rows.

use crate::engine::decision::Change;
use crate::engine::history::History;
use crate::engine::state::State;
use crate::rules::condition::HeldSubject;
use crate::store::error::Error;
use crate::store::writer::Tx;

/// A history that cannot be read any more begins anew.
pub(super) fn load(tx: &Tx<'_>) -> Result<Vec<Change>, Error> {
    let mut statement = tx.prepare("SELECT subject, history FROM value_history")?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let of = serde_json::from_str(&row.get::<_, String>(0)?);
        let history = serde_json::from_str(&row.get::<_, String>(1)?);
        if let (Ok(of), Ok(history)) = (of, history) {
            found.push(Change::History { of, history });
        }
    }
    Ok(found)
}

/// What is as it was is written again only now and then.
pub(super) fn save(
    tx: &Tx<'_>,
    state: &State,
    (of, history): (&HeldSubject, &History),
) -> Result<(), Error> {
    let before = state.history(of);
    if before.is_some_and(|before| !history.is_worth_a_row(before)) {
        return Ok(());
    }
    tx.prepare(
        "INSERT INTO value_history (subject, history) VALUES (?1, ?2)
         ON CONFLICT (subject) DO UPDATE SET history = excluded.history",
    )?
    .execute([serde_json::to_string(of)?, serde_json::to_string(history)?])?;
    Ok(())
}

pub(super) fn forget(tx: &Tx<'_>, of: &HeldSubject) -> Result<(), Error> {
    tx.prepare("DELETE FROM value_history WHERE subject = ?1")?
        .execute([serde_json::to_string(of)?])?;
    Ok(())
}
