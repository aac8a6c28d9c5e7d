//! What came of something that a person asked for.

use crate::domain::id::{EventId, RuleId};
use crate::engine::trace::Trace;
use crate::store::error::Error;
use crate::store::writer::Tx;

/// What rules and runs made of `event`, in order.
pub(crate) fn traces(tx: &Tx<'_>, event: &EventId) -> Result<Vec<Trace>, Error> {
    let mut statement = tx.prepare("SELECT trace FROM traces WHERE event_id = ?1 ORDER BY seq")?;
    let mut rows = statement.query([event.as_str()])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(serde_json::from_str(&row.get::<_, String>(0)?)?);
    }
    Ok(found)
}

/// The rules that are paused, with the reasons, in the order of their ids.
pub(crate) fn paused(tx: &Tx<'_>) -> Result<Vec<(RuleId, String)>, Error> {
    let mut statement =
        tx.prepare("SELECT rule, reason FROM paused_rules WHERE is_over = 0 ORDER BY rule")?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push((RuleId::new(row.get::<_, String>(0)?), row.get(1)?));
    }
    Ok(found)
}
