//! What triggers remember, and which rules are paused.

use jiff::Timestamp;

use crate::domain::id::RuleId;
use crate::engine::decision::Change;
use crate::engine::trigger::memory::TriggerMemory;
use crate::store::error::Error;
use crate::store::runs::stored;
use crate::store::writer::Tx;
use crate::store::{moment, stamp};

/// What was written down, as the changes that led there.
pub(super) fn load(tx: &Tx<'_>) -> Result<Vec<Change>, Error> {
    let mut changes = load_memories(tx)?;
    changes.extend(load_paused(tx)?);
    Ok(changes)
}

pub(super) fn save(
    tx: &Tx<'_>,
    rule: &RuleId,
    trigger: usize,
    memory: &TriggerMemory,
) -> Result<(), Error> {
    if *memory == TriggerMemory::default() {
        tx.prepare("DELETE FROM trigger_memory WHERE rule = ?1 AND trigger_no = ?2")?
            .execute(rusqlite::params![rule.as_str(), stored(trigger)])?;
        return Ok(());
    }
    tx.prepare(
        "INSERT INTO trigger_memory (rule, trigger_no, memory, due_at) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (rule, trigger_no)
         DO UPDATE SET memory = excluded.memory, due_at = excluded.due_at",
    )?
    .execute(rusqlite::params![
        rule.as_str(),
        stored(trigger),
        serde_json::to_string(memory)?,
        memory.due().map(stamp),
    ])?;
    Ok(())
}

/// A rule that is paused already stays paused for the first reason, unless that was a rule and this is none.
pub(super) fn pause(
    tx: &Tx<'_>,
    rule: &RuleId,
    (reason, by_rule): (&str, bool),
    at: Timestamp,
) -> Result<(), Error> {
    tx.prepare(
        "INSERT INTO paused_rules (rule, reason, paused_at, by_rule) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (rule)
         DO UPDATE SET reason = excluded.reason, paused_at = excluded.paused_at, is_over = 0,
             by_rule = excluded.by_rule
         WHERE is_over = 1 OR excluded.by_rule < by_rule",
    )?
    .execute(rusqlite::params![rule.as_str(), reason, stamp(at), by_rule])?;
    Ok(())
}

/// The row stays: it tells from when on the breaker counts.
pub(super) fn resume(
    tx: &Tx<'_>,
    rule: &RuleId,
    counted_from: Option<Timestamp>,
) -> Result<(), Error> {
    tx.prepare(
        "UPDATE paused_rules
         SET is_over = 1, counted_from = coalesce(?2 - (SELECT set_by FROM clock), counted_from)
         WHERE rule = ?1 AND is_over = 0",
    )?
    .execute(rusqlite::params![rule.as_str(), counted_from.map(stamp)])?;
    Ok(())
}

/// What a trigger remembers that cannot be read any more is forgotten.
fn load_memories(tx: &Tx<'_>) -> Result<Vec<Change>, Error> {
    let mut statement = tx.prepare("SELECT rule, trigger_no, memory FROM trigger_memory")?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let trigger = usize::try_from(row.get::<_, i64>(1)?).unwrap_or_default();
        let Ok(memory) = serde_json::from_str(&row.get::<_, String>(2)?) else {
            continue;
        };
        found.push(Change::Trigger {
            rule: RuleId::new(row.get::<_, String>(0)?),
            trigger,
            memory,
        });
    }
    Ok(found)
}

fn load_paused(tx: &Tx<'_>) -> Result<Vec<Change>, Error> {
    let mut statement = tx.prepare(
        "SELECT rule, reason, paused_at, is_over, counted_from + (SELECT set_by FROM clock),
             by_rule
         FROM paused_rules",
    )?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let rule = RuleId::new(row.get::<_, String>(0)?);
        let paused = Change::RulePaused {
            rule: rule.clone(),
            reason: row.get(1)?,
            by_rule: row.get(5)?,
            at: moment(row.get(2)?),
        };
        if let Some(from) = row.get::<_, Option<i64>>(4)? {
            let counted_from = Some(moment(from));
            let resumed = Change::RuleResumed { rule, counted_from };
            found.extend([paused.clone(), resumed]);
        }
        if !row.get::<_, bool>(3)? {
            found.push(paused);
        }
    }
    Ok(found)
}
