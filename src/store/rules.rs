//! The rules in force, as rows.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::OptionalExtension;

use crate::domain::id::{EventId, RuleId};
use crate::rules::rule::{Rule, RuleSet};
use crate::store::error::Error;
use crate::store::stamp;
use crate::store::writer::Tx;

/// Puts `rules` in force, with the reload that brought them; none for those of the start.
///
/// Rules that are as they were are not written again.
pub(crate) fn put_in_force(
    tx: &Tx<'_>,
    rules: &RuleSet,
    reload: Option<&EventId>,
    now: Timestamp,
) -> Result<(), Error> {
    tx.prepare("DELETE FROM rules_in_force")?.execute([])?;
    if let Some(reload) = reload {
        tx.prepare("INSERT INTO rules_in_force (only_row, event) VALUES (1, ?1)")?
            .execute([reload.as_str()])?;
    }
    let mut known = known(tx)?;
    for rule in &rules.rules {
        let row = Row {
            version: rule.version().as_str().to_owned(),
            file: rule.place.file.clone(),
            is_broken: rules.broken.contains(&rule.id),
        };
        if known.remove(&rule.id).as_ref() != Some(&row) {
            save(tx, rule, &row, now)?;
        }
    }
    for gone in known.keys() {
        tx.prepare("DELETE FROM rules WHERE id = ?1")?
            .execute([gone.as_str()])?;
    }
    Ok(())
}

/// The reload that brought the rules in force; none when they are those of the start.
pub(crate) fn in_force(tx: &Tx<'_>) -> Result<Option<EventId>, Error> {
    let found = tx
        .prepare("SELECT event FROM rules_in_force")?
        .query_row([], |row| row.get::<_, String>(0))
        .optional()?;
    Ok(found.map(EventId::new))
}

/// What tells whether a row is still right.
#[derive(PartialEq, Eq)]
struct Row {
    version: String,
    file: String,
    is_broken: bool,
}

fn known(tx: &Tx<'_>) -> Result<BTreeMap<RuleId, Row>, Error> {
    let mut statement = tx.prepare("SELECT id, version, file, is_broken FROM rules")?;
    let mut rows = statement.query([])?;
    let mut found = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let known = Row {
            version: row.get(1)?,
            file: row.get(2)?,
            is_broken: row.get(3)?,
        };
        found.insert(RuleId::new(row.get::<_, String>(0)?), known);
    }
    Ok(found)
}

fn save(tx: &Tx<'_>, rule: &Rule, row: &Row, now: Timestamp) -> Result<(), Error> {
    tx.prepare(
        "INSERT INTO rules (id, version, file, rule, is_broken, seen_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (id) DO UPDATE SET version = excluded.version, file = excluded.file,
             rule = excluded.rule, is_broken = excluded.is_broken, seen_at = excluded.seen_at",
    )?
    .execute(rusqlite::params![
        rule.id.as_str(),
        row.version,
        row.file,
        serde_json::to_string(rule)?,
        row.is_broken,
        stamp(now),
    ])?;
    Ok(())
}
