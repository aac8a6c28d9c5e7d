//! What a rule made of things, by the moment.

use jiff::Timestamp;
use rusqlite::OptionalExtension;

use crate::engine::trace::Trace;
use crate::store::stamp;
use crate::store::view::{EventRow, RunRow, Unreadable, View, events, json, runs};

impl View {
    /// The last run of `rule`, branches aside, that began at `until` or before.
    pub fn last_run_of(&self, rule: &str, until: Timestamp) -> Result<Option<RunRow>, Unreadable> {
        let columns = runs::COLUMNS;
        let sql = format!(
            "SELECT {columns} FROM runs WHERE rule = ?1 AND parent IS NULL AND started_at <= ?2
             ORDER BY seq DESC LIMIT 1"
        );
        let found = self.list(&sql, rusqlite::params![rule, stamp(until)], runs::read)?;
        Ok(found.into_iter().next())
    }

    /// The last time, not before `since`, that `rule` was woken and no run came of it; and the last time
    /// that something came near and none of its triggers fired.
    pub fn last_refusals_of(
        &self,
        rule: &str,
        since: Timestamp,
    ) -> Result<(Option<Trace>, Option<Trace>), Unreadable> {
        let last = |which: &str| {
            let sql = format!(
                "SELECT trace FROM traces WHERE rule = ?1 AND run IS NULL AND ?2 <= at
                 AND verdict {which} 'not_triggered' ORDER BY at DESC, seq DESC LIMIT 1"
            );
            self.one_trace(&sql, rusqlite::params![rule, stamp(since)])
        };
        Ok((last("<>")?, last("=")?))
    }

    /// The last trace of `rule` at `at` or before, and the first one after it; of one moment that of a run, if
    /// there is one: an event may call a rule by several of its triggers.
    pub fn traces_around(
        &self,
        rule: &str,
        at: Timestamp,
    ) -> Result<(Option<Trace>, Option<Trace>), Unreadable> {
        let before = "SELECT trace FROM traces WHERE rule = ?1 AND at <= ?2
             ORDER BY at DESC, run IS NULL, seq DESC LIMIT 1";
        let after = "SELECT trace FROM traces WHERE rule = ?1 AND ?2 < at
             ORDER BY at, run IS NULL, seq LIMIT 1";
        let parameters = rusqlite::params![rule, stamp(at)];
        Ok((
            self.one_trace(before, parameters)?,
            self.one_trace(after, parameters)?,
        ))
    }

    /// The first trace of the run: how it began.
    pub fn beginning_of(&self, run: &str) -> Result<Option<Trace>, Unreadable> {
        let sql = "SELECT trace FROM traces WHERE run = ?1 ORDER BY seq LIMIT 1";
        self.one_trace(sql, [run])
    }

    /// The moment of the oldest trace that is kept.
    pub fn traces_since(&self) -> Result<Option<Timestamp>, Unreadable> {
        let sql = "SELECT at FROM traces ORDER BY seq LIMIT 1";
        let found = self.connection.query_row(sql, [], |row| row.get(0));
        Ok(found.optional()?.map(crate::store::moment))
    }

    /// The same where older ones are no longer there; none where there never were any.
    pub fn traces_dropped_before(&self) -> Result<Option<Timestamp>, Unreadable> {
        let sql = "SELECT at FROM traces WHERE seq = (SELECT min(seq) FROM traces) AND 1 < seq";
        let found = self.connection.query_row(sql, [], |row| row.get(0));
        Ok(found.optional()?.map(crate::store::moment))
    }

    /// The last event at `at` or before, and the first one after it.
    pub fn events_around(
        &self,
        at: Timestamp,
    ) -> Result<(Option<EventRow>, Option<EventRow>), Unreadable> {
        let columns = events::COLUMNS;
        let one = |rest: &str| -> Result<Option<EventRow>, Unreadable> {
            let sql = format!("SELECT {columns} FROM events WHERE {rest} LIMIT 1");
            Ok(self.list(&sql, [stamp(at)], events::read)?.pop())
        };
        Ok((
            one("received_at <= ?1 ORDER BY seq DESC")?,
            one("?1 < received_at ORDER BY seq")?,
        ))
    }

    fn one_trace(
        &self,
        sql: &str,
        parameters: impl rusqlite::Params,
    ) -> Result<Option<Trace>, Unreadable> {
        Ok(self.list(sql, parameters, |row| json(row, 0))?.pop())
    }
}
