//! The rules in force, and what hangs on them: what the next moment of a trigger is, which runs go on.

use jiff::Timestamp;

use crate::domain::id::{RuleId, RuleVersion, RunId};
use crate::engine::trigger::memory::TriggerMemory;
use crate::rules::rule::Rule;
use crate::store::view::{Unreadable, View, moment};

/// A rule as the engine had it last.
#[derive(Debug)]
pub struct StoredRule {
    pub id: RuleId,
    pub version: RuleVersion,
    /// Relative to the home.
    pub file: String,
    /// Its text was broken, and this is how it was before.
    pub is_broken: bool,
    /// Since when it is as it is, broken or not.
    pub seen_at: Timestamp,
    text: String,
}

impl StoredRule {
    /// The rule itself; none when an older program wrote it in a way that this one cannot read.
    pub fn rule(&self) -> Option<Rule> {
        serde_json::from_str(&self.text).ok()
    }
}

/// A trigger that waits for a moment.
#[derive(Debug)]
pub struct Timer {
    pub rule: RuleId,
    /// From 0.
    pub trigger: usize,
    pub due_at: Timestamp,
    pub memory: TriggerMemory,
}

impl View {
    /// In the order of their ids; empty for a database of a program that did not keep them.
    pub fn rules(&self) -> Result<Vec<StoredRule>, Unreadable> {
        let named = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'rules'";
        if self.list(named, [], |_| Ok(()))?.is_empty() {
            return Ok(Vec::new());
        }
        let sql = "SELECT id, version, file, is_broken, rule, seen_at FROM rules ORDER BY id";
        self.list(sql, [], |row| {
            Ok(StoredRule {
                id: RuleId::new(row.get::<_, String>(0)?),
                version: RuleVersion::new(row.get::<_, String>(1)?),
                file: row.get(2)?,
                is_broken: row.get(3)?,
                text: row.get(4)?,
                seen_at: moment(row, 5)?,
            })
        })
    }

    /// In the order of their moments.
    pub fn timers(&self) -> Result<Vec<Timer>, Unreadable> {
        let sql = "SELECT rule, trigger_no, due_at, memory FROM trigger_memory
             WHERE due_at IS NOT NULL ORDER BY due_at, rule, trigger_no";
        self.list(sql, [], |row| {
            Ok(Timer {
                rule: RuleId::new(row.get::<_, String>(0)?),
                trigger: usize::try_from(row.get::<_, i64>(1)?).unwrap_or_default(),
                due_at: moment(row, 2)?,
                memory: serde_json::from_str(&row.get::<_, String>(3)?).unwrap_or_default(),
            })
        })
    }

    /// The runs that are not over, branches aside, each with its rule; in the order in which they began.
    pub fn running(&self) -> Result<Vec<(RuleId, RunId)>, Unreadable> {
        let sql =
            "SELECT rule, id FROM runs WHERE state = 'running' AND parent IS NULL ORDER BY seq";
        self.list(sql, [], |row| {
            let rule = RuleId::new(row.get::<_, String>(0)?);
            Ok((rule, RunId::new(row.get::<_, String>(1)?)))
        })
    }
}
