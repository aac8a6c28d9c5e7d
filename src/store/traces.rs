//! Traces as rows. Those of what led to no run come in any number, and have room of their own.

use crate::domain::id::RunId;
use crate::engine::trace::Trace;
use crate::store::error::Error;
use crate::store::stamp;
use crate::store::writer::Tx;

/// Room for traces of what led to no run, for each rule; of more, the oldest go.
pub(super) const NO_MATCH_BYTES_PER_RULE_MAX: usize = 1024 * 1024;

/// The same, for all rules together.
const NO_MATCH_BYTES_MAX: usize = 16 * 1024 * 1024;

/// So much may come on top of both before the oldest go.
const NO_MATCH_BYTES_SLACK: usize = 256 * 1024;

/// Writes traces down, and keeps those of what led to no run within their room.
#[derive(Debug, Default)]
pub(crate) struct Traces {
    /// Of what led to no run, since the oldest went last.
    fresh_bytes: usize,
}

impl Traces {
    pub(crate) fn add(&mut self, tx: &Tx<'_>, traces: &[Trace]) -> Result<(), Error> {
        traces.iter().try_for_each(|it| self.add_one(tx, it))
    }

    fn add_one(&mut self, tx: &Tx<'_>, trace: &Trace) -> Result<(), Error> {
        let json = serde_json::to_string(trace)?;
        tx.prepare(
            "INSERT INTO traces (event_id, rule, run, at, verdict, trace) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(rusqlite::params![
            trace.event.as_str(),
            trace.rule.as_str(),
            trace.run.as_ref().map(RunId::as_str),
            stamp(trace.at),
            trace.verdict.name(),
            json,
        ])?;
        if trace.run.is_none() {
            self.fresh_bytes += json.len();
        }
        if NO_MATCH_BYTES_SLACK <= self.fresh_bytes {
            bound(tx)?;
            self.fresh_bytes = 0;
        }
        Ok(())
    }
}

/// Removes the oldest traces of what led to no run, where they take more room than they may.
pub(super) fn bound(tx: &Tx<'_>) -> Result<usize, Error> {
    let bytes = |bytes: usize| i64::try_from(bytes).unwrap_or(i64::MAX);
    let gone = tx
        .prepare(
            "DELETE FROM traces WHERE seq IN (SELECT seq FROM (
                 SELECT seq,
                     sum(octet_length(trace)) OVER (PARTITION BY rule ORDER BY seq DESC) AS of_rule,
                     sum(octet_length(trace)) OVER (ORDER BY seq DESC) AS of_all
                 FROM traces WHERE run IS NULL)
             WHERE ?1 < of_rule OR ?2 < of_all)",
        )?
        .execute([
            bytes(NO_MATCH_BYTES_PER_RULE_MAX),
            bytes(NO_MATCH_BYTES_MAX),
        ])?;
    Ok(gone)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::domain::id::{EventId, RuleId, RuleVersion};
    use crate::engine::trace::Verdict;
    use crate::store::Store;

    fn trace(rule: &str, run: Option<&str>, because: String) -> Trace {
        Trace {
            event: EventId::new("msg_1"),
            at: Timestamp::UNIX_EPOCH,
            rule: RuleId::new(rule),
            version: RuleVersion::new("1"),
            run: run.map(RunId::new),
            verdict: Verdict::NotTriggered { because },
            trigger: None,
            before: None,
            misses: Vec::new(),
            conditions: Vec::new(),
            steps: Vec::new(),
        }
    }

    /// How many there are of a rule, and the number of the oldest.
    fn kept(tx: &Tx<'_>, rule: &str) -> Result<(i64, i64), Error> {
        let mut statement = tx.prepare("SELECT count(*), min(seq) FROM traces WHERE rule = ?1")?;
        Ok(statement.query_row([rule], |row| Ok((row.get(0)?, row.get(1)?)))?)
    }

    #[tokio::test]
    async fn what_led_to_no_run_has_room_of_its_own_and_runs_are_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::start(dir.path(), Vec::new()).unwrap().store;
        let work = |tx: &Tx<'_>| {
            // Five of them and their frame are a little more than the slack; twenty, than the room of a rule.
            let long = "x".repeat(NO_MATCH_BYTES_PER_RULE_MAX / 20);
            let mut traces = Traces::default();
            traces.add_one(tx, &trace("quiet", None, String::new()))?;
            for _ in 0..30 {
                traces.add_one(tx, &trace("runs", Some("run_1"), long.clone()))?;
            }
            for _ in 0..30 {
                traces.add_one(tx, &trace("noisy", None, long.clone()))?;
            }
            assert_eq!(kept(tx, "quiet")?, (1, 1));
            assert_eq!(kept(tx, "runs")?, (30, 2));
            assert_eq!(kept(tx, "noisy")?, (19, 43), "the newest stay");
            Ok(())
        };
        store.write(work).await.unwrap();
    }

    #[tokio::test]
    async fn all_rules_together_have_room_too() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::start(dir.path(), Vec::new()).unwrap().store;
        let work = |tx: &Tx<'_>| {
            let long = "x".repeat(NO_MATCH_BYTES_PER_RULE_MAX - 1000);
            let mut traces = Traces::default();
            for rule in 0..20 {
                let rule = format!("rule-{rule}");
                traces.add_one(tx, &trace(&rule, None, long.clone()))?;
            }
            let mut statement = tx.prepare("SELECT count(*), min(rule) FROM traces")?;
            let kept: (i64, String) =
                statement.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            assert_eq!(kept.0, 16);
            assert_eq!(kept.1, "rule-10", "the oldest went first");
            Ok(())
        };
        store.write(work).await.unwrap();
    }
}
