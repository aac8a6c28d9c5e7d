//! Outboxes of what runs wait for: a row is claimed when it is due, and its end is an event that its run hears.

use jiff::Timestamp;
use rusqlite::{Params, Row};

use crate::domain::event::{Event, Payload, Source};
use crate::domain::http::BAD_REQUEST;
use crate::domain::id::{EventId, RequestId, RunId};
use crate::domain::lifecycle::Failure;
use crate::domain::writing::Stage;
use crate::store::error::Error;
use crate::store::signal::Area;
use crate::store::writer::Tx;
use crate::store::{inbox, moment, stamp};

/// A row of such an outbox whose request is under way.
pub(crate) trait Awaited: Clone + Send + 'static {
    const TABLE: &'static str;
    /// The column that holds what is asked; a run that waits names its row by the same word.
    const COLUMN: &'static str;
    /// The state of a row whose request is under way.
    const UNDER_WAY: &'static str;
    /// In SQL, whether claiming a row is an attempt.
    const IS_ATTEMPT: &'static str = "TRUE";
    /// In SQL, whether the row `due` may go.
    const MAY_GO: &'static str = "TRUE";
    const AREA: Area;
    /// What came of a request.
    type Answer: Clone + Send + 'static;

    /// Err when what the row holds cannot be read any more.
    fn read(row: &Row<'_>) -> Result<Result<Self, serde_json::Error>, Error>;

    /// What such a row comes to, that was claimed so many times.
    fn unreadable(id: RequestId, run: RunId, attempts: u32, failure: Failure) -> Standing;

    fn after(&self, answer: Self::Answer, now: Timestamp) -> Standing;

    /// What follows when the program ended while the request was under way.
    fn after_interruption(&self, now: Timestamp) -> Standing;
}

/// Where a row stands after its request.
pub(crate) struct Standing {
    pub(super) id: RequestId,
    pub(super) state: &'static str,
    /// What comes next, in the table that has a column for it.
    pub(super) stage: Option<Stage>,
    pub(super) attempts: u32,
    pub(super) reason: Option<String>,
    pub(super) then: Then,
}

pub(super) enum Then {
    At(Timestamp),
    /// It is over, and its run hears this.
    Told(Payload),
}

/// Claims those that are due, `rows_max` at most: from here on a request is under way. What nobody waits for any
/// more is not sent.
pub(crate) fn claim<A: Awaited>(
    tx: &Tx<'_>,
    rows_max: usize,
    now: Timestamp,
) -> Result<Vec<A>, Error> {
    let (table, under_way) = (A::TABLE, A::UNDER_WAY);
    let (is_attempt, may_go) = (A::IS_ATTEMPT, A::MAY_GO);
    tx.prepare(&format!(
        "UPDATE {table} SET state = 'dropped', due_at = NULL, updated_at = ?1
         WHERE due_at <= ?1
             AND NOT EXISTS (SELECT 1 FROM runs WHERE id = run AND runs.state = 'running')"
    ))?
    .execute([stamp(now)])?;
    let sql = format!(
        "UPDATE {table}
         SET state = '{under_way}', attempts = attempts + ({is_attempt}), due_at = NULL, updated_at = ?1
         WHERE seq IN (
             SELECT seq FROM {table} AS due WHERE due_at <= ?1 AND {may_go} ORDER BY due_at, seq LIMIT ?2)
         RETURNING *"
    );
    let rows_max = i64::try_from(rows_max).unwrap_or(i64::MAX);
    rows(tx, &sql, [stamp(now), rows_max], now)
}

/// When the next one is due that may go.
pub(crate) fn next_due<A: Awaited>(tx: &Tx<'_>) -> Result<Option<Timestamp>, Error> {
    let (table, may_go) = (A::TABLE, A::MAY_GO);
    let sql =
        format!("SELECT min(due_at) FROM {table} AS due WHERE due_at IS NOT NULL AND {may_go}");
    let next: Option<i64> = tx.prepare(&sql)?.query_row([], |row| row.get(0))?;
    Ok(next.map(moment))
}

/// Deals with requests that were under way when the program ended, and shows those ends again that a run still
/// waits for. Once, at a start.
pub(crate) fn recover<A: Awaited>(tx: &Tx<'_>, now: Timestamp) -> Result<(), Error> {
    hand_on_unheard::<A>(tx)?;
    let (table, under_way) = (A::TABLE, A::UNDER_WAY);
    let sql = format!("SELECT * FROM {table} WHERE state = '{under_way}' ORDER BY seq");
    rows::<A>(tx, &sql, [], now)?
        .iter()
        .try_for_each(|it| save::<A>(tx, it.after_interruption(now), now))
}

/// Writes down where a row of `A` stands; its end is an event.
pub(crate) fn save<A: Awaited>(tx: &Tx<'_>, it: Standing, now: Timestamp) -> Result<(), Error> {
    let (due, told) = match it.then {
        Then::At(moment) => (Some(stamp(moment)), None),
        Then::Told(payload) => (None, Some(payload)),
    };
    // What waits keeps the reason of its last failure.
    tx.prepare(&format!(
        "UPDATE {} SET state = ?2, attempts = ?3, due_at = ?4, updated_at = ?6,
             reason = coalesce(?5, iif(?4 IS NULL, NULL, reason))
         WHERE id = ?1",
        A::TABLE
    ))?
    .execute(rusqlite::params![
        it.id.as_str(),
        it.state,
        it.attempts,
        due,
        it.reason,
        stamp(now)
    ])?;
    if let Some(stage) = &it.stage {
        tx.prepare(&format!("UPDATE {} SET stage = ?2 WHERE id = ?1", A::TABLE))?
            .execute([it.id.as_str(), &serde_json::to_string(stage)?])?;
    }
    tx.touch(A::AREA);
    let Some(payload) = told else { return Ok(()) };
    let event = Event {
        id: EventId::answered(&it.id),
        source: Source::Engine,
        received_at: now,
        payload,
    };
    inbox::record(tx, event, None).map(drop)
}

/// The rows that `sql` finds. One that cannot be read any more has failed.
fn rows<A: Awaited>(
    tx: &Tx<'_>,
    sql: &str,
    parameters: impl Params,
    now: Timestamp,
) -> Result<Vec<A>, Error> {
    let mut statement = tx.prepare(sql)?;
    let mut rows = statement.query(parameters)?;
    let (mut found, mut unreadable) = (Vec::new(), Vec::new());
    while let Some(row) = rows.next()? {
        match A::read(row)? {
            Ok(read) => found.push(read),
            Err(error) => {
                let (id, run): (String, String) = (row.get("id")?, row.get("run")?);
                let (id, run) = (RequestId::new(id), RunId::new(run));
                let failure =
                    Failure::new(Some(BAD_REQUEST), format!("it cannot be read: {error}"));
                unreadable.push(A::unreadable(id, run, row.get("attempts")?, failure));
            }
        }
    }
    drop(rows);
    for standing in unreadable {
        save::<A>(tx, standing, now)?;
    }
    Ok(found)
}

/// The engine could not handle an end then, and a newer program may.
fn hand_on_unheard<A: Awaited>(tx: &Tx<'_>) -> Result<(), Error> {
    let (table, column, under_way) = (A::TABLE, A::COLUMN, A::UNDER_WAY);
    let mut statement = tx.prepare(&format!(
        "SELECT {table}.id FROM runs JOIN {table} ON {table}.id = json_extract(wait, '$.{column}')
         WHERE runs.state = 'running' AND {table}.due_at IS NULL AND {table}.state <> '{under_way}'"
    ))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let id = RequestId::new(row.get::<_, String>(0)?);
        inbox::revive(tx, &EventId::answered(&id))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Store, http_requests, setting_writes};

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    /// Claims the row that `insert` makes for a run: how many can be asked, and what the run hears.
    async fn told_of<A: Awaited>(insert: &'static str) -> (usize, String) {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::start(dir.path(), Vec::new()).unwrap().store;
        let work = move |tx: &Tx<'_>| {
            let run = "INSERT INTO runs (id, rule, version, cause, position, state, started_at)
                       VALUES ('run_1', 'r', 'v', 'c', 0, 'running', 0)";
            tx.prepare(run)?.execute([])?;
            tx.prepare(insert)?.execute([])?;
            let n_claimed = claim::<A>(tx, 9, NOW)?.len();
            assert_eq!(next_due::<A>(tx)?, None);
            let told = "SELECT json_extract(payload, '$.result') FROM events WHERE id = ?1";
            let id = EventId::answered(&RequestId::new("req_1"));
            let told = tx
                .prepare(told)?
                .query_row([id.as_str()], |row| row.get(0))?;
            Ok((n_claimed, told))
        };
        store.write(work).await.unwrap()
    }

    #[tokio::test]
    async fn a_row_that_cannot_be_read_has_failed_and_its_run_hears_of_it() {
        let http = "INSERT INTO http_requests
             (id, run, request, state, attempts, due_at, created_at, updated_at)
             VALUES ('req_1', 'run_1', '?', 'queued', 0, 0, 0, 0)";
        let failed = r#"{"result":"failed","code":"BAD_REQUEST","message":"it cannot be read: expected value at line 1 column 1"}"#;
        let told = told_of::<http_requests::Claimed>(http).await;
        assert_eq!(told, (0, failed.to_owned()));
        let write = "INSERT INTO setting_writes
             (id, run, device_id, setting, write, stage, state, attempts, due_at, created_at, updated_at)
             VALUES ('req_1', 'run_1', 'd', 's', '?', '{\"stage\":\"write\"}', 'waiting', 0, 0, 0, 0)";
        let failed = r#"{"result":"failed","outcome":"failed","failure":{"code":"BAD_REQUEST","message":"it cannot be read: expected value at line 1 column 1"}}"#;
        let told = told_of::<setting_writes::Claimed>(write).await;
        assert_eq!(told, (0, failed.to_owned()));
    }
}
