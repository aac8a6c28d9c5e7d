//! When the last runs of each rule began, also of runs whose rows are gone: cooldowns may be longer than rows are kept.
//!
//! The row of a run tells it for as long as there is one. Before it goes, `last_starts` takes it over: a row of a run
//! that was kept for that would stand before younger ones that are to go.

use jiff::Timestamp;

use crate::domain::id::RuleId;
use crate::engine::state::{State, VALUES_MAX};
use crate::store::error::Error;
use crate::store::runs::stored;
use crate::store::writer::Tx;
use crate::store::{moment, orders, stamp};

/// Fills in when runs began: of each rule those that limits count, and the last one for each value, however
/// long ago.
pub(super) fn load(tx: &Tx<'_>, state: &mut State) -> Result<(), Error> {
    let mut statement = tx.prepare(
        "WITH starts AS (
             SELECT 0 AS seq, rule, run_key, began_at AS at, NULL AS saw FROM last_starts
             UNION ALL
             SELECT seq, rule, run_key, coalesce(began_at, started_at), trigger_fields FROM runs
             WHERE parent IS NULL),
         newest AS (
             SELECT seq, rule, run_key, at, saw, max(at) OVER (PARTITION BY rule) AS last,
                 max(at) OVER (PARTITION BY rule, run_key) AS last_of_key
             FROM starts)
         SELECT rule, at + (SELECT set_by FROM clock), run_key,
             json_type(saw, '$.caught_up') IS NOT NULL
         FROM newest
         WHERE last - ?1 < at OR at = last_of_key ORDER BY seq, at",
    )?;
    let mut rows = statement.query([orders::COUNTED])?;
    while let Some(row) = rows.next()? {
        let rule = RuleId::new(row.get::<_, String>(0)?);
        let key = row.get::<_, Option<String>>(2)?;
        let at = moment(row.get(1)?);
        state.note_start(&rule, key.as_deref(), at);
        if row.get(3)? {
            state.note_caught_up(&rule, at);
        }
    }
    Ok(())
}

/// Takes over when the runs began that `which` names, whose rows are about to go. Its parameters are a
/// moment and a number.
pub(super) fn take_over(
    tx: &Tx<'_>,
    which: &str,
    (limit, rows_max): (Timestamp, i64),
) -> Result<(), Error> {
    tx.prepare(&format!(
        "INSERT INTO last_starts (rule, run_key, began_at)
         SELECT rule, run_key, max(coalesce(began_at, started_at)) FROM runs
         WHERE {which} AND parent IS NULL GROUP BY rule, run_key
         ON CONFLICT (rule, ifnull(run_key, ''), run_key IS NULL)
         DO UPDATE SET began_at = max(began_at, excluded.began_at)"
    ))?
    .execute([stamp(limit), rows_max])?;
    Ok(())
}

/// Forgets what was taken over from before `limit`, and what of a rule is more than the engine knows.
pub(super) fn bound(tx: &Tx<'_>, limit: Timestamp) -> Result<(), Error> {
    tx.prepare(
        "DELETE FROM last_starts WHERE began_at + (SELECT set_by FROM clock) < ?1 OR seq IN (
             SELECT seq FROM (
                 SELECT seq, row_number() OVER (PARTITION BY rule ORDER BY began_at DESC) AS nth
                 FROM last_starts)
             WHERE ?2 < nth)",
    )?
    .execute([stamp(limit), stored(VALUES_MAX)])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::{earlier, later};
    use crate::store::{Store, runs};

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;
    const RULE: &str = "rule";

    fn insert(tx: &Tx<'_>, id: u32, key: Option<&str>, at: Timestamp) -> Result<(), Error> {
        tx.prepare(
            "INSERT INTO runs (id, rule, version, cause, position, state, started_at, began_at, run_key)
             VALUES (?1, ?2, 'v', 'msg', 0, 'completed', ?3, ?3, ?4)",
        )?
        .execute(rusqlite::params![format!("run_{id}"), RULE, stamp(at), key])?;
        Ok(())
    }

    /// What the tables tell after every run has gone.
    fn after_all_runs_went(tx: &Tx<'_>) -> Result<State, Error> {
        let all = "seq IN (SELECT seq FROM runs LIMIT ?2) AND started_at < ?1";
        let limit = later(NOW, Duration::from_hours(24));
        take_over(tx, all, (limit, i64::MAX))?;
        tx.prepare("DELETE FROM runs")?.execute([])?;
        runs::load(tx)
    }

    #[tokio::test]
    async fn when_runs_began_last_is_known_after_their_rows_are_gone() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::start(dir.path(), Vec::new()).unwrap().store;
        let work = |tx: &Tx<'_>| {
            let at = |second| later(NOW, Duration::from_secs(second));
            insert(tx, 1, Some("a"), at(1))?;
            insert(tx, 2, Some("b"), at(5))?;
            insert(tx, 3, Some("a"), at(3))?;
            insert(tx, 4, None, at(2))?;
            let rule = RuleId::new(RULE);
            let known = |state: &State| {
                [Some("a"), Some("b"), Some(""), None].map(|it| state.last_started(&rule, it))
            };
            let expected = [Some(at(3)), Some(at(5)), None, Some(at(5))];
            assert_eq!(known(&runs::load(tx)?), expected);
            assert_eq!(known(&after_all_runs_went(tx)?), expected);
            insert(tx, 5, Some("b"), at(4))?;
            insert(tx, 6, Some(""), at(6))?;
            let expected = [Some(at(3)), Some(at(5)), Some(at(6)), Some(at(6))];
            assert_eq!(known(&runs::load(tx)?), expected);
            assert_eq!(known(&after_all_runs_went(tx)?), expected);
            bound(tx, at(5))?;
            let expected = [None, Some(at(5)), Some(at(6)), Some(at(6))];
            assert_eq!(known(&runs::load(tx)?), expected);
            Ok(())
        };
        store.write(work).await.unwrap();
    }

    #[tokio::test]
    async fn of_too_many_values_those_whose_runs_began_first_are_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::start(dir.path(), Vec::new()).unwrap().store;
        let work = |tx: &Tx<'_>| {
            let mut alive = State::default();
            let rule = RuleId::new(RULE);
            for nth in 0..1003_u32 {
                let (key, at) = (nth.to_string(), later(NOW, Duration::from_secs(nth.into())));
                insert(tx, nth, Some(&key), at)?;
                alive.note_start(&rule, Some(&key), at);
            }
            let known = after_all_runs_went(tx)?;
            bound(tx, earlier(NOW, Duration::from_secs(1)))?;
            let mut statement = tx.prepare("SELECT count(*) FROM last_starts")?;
            assert_eq!(
                statement.query_row([], |row| row.get(0)),
                Ok(stored(VALUES_MAX))
            );
            assert_eq!(runs::load(tx)?, known);
            for (key, is_known) in [("2", false), ("3", true), ("1002", true)] {
                assert_eq!(known.last_started(&rule, Some(key)).is_some(), is_known);
                let last = alive.last_started(&rule, Some(key));
                assert_eq!(known.last_started(&rule, Some(key)), last);
            }
            Ok(())
        };
        store.write(work).await.unwrap();
    }
}
