//! The thread that owns the database connection, and group commit.
//!
//! Jobs that arrive while a commit is running share the next one. A job is answered only after the
//! commit that holds it: an answer means "on the disk".
//!
//! A batch is written as one piece. Only when something in it turns out to be broken is all of it undone
//! and written again part by part, so that what is sound stands and what is broken leaves no mark:
//! savepoints cost a copy of each page that a part touches, and nearly every batch needs none.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

use rusqlite::{CachedStatement, Connection};
use tokio::sync::{mpsc, oneshot};

use crate::domain::event::Event;
use crate::store::error::Error;
use crate::store::signal::{Area, Signals};

/// Jobs that may wait; one more is turned away as overload.
pub(super) const JOBS_WAITING_MAX: usize = 2048;

/// Jobs that share a commit.
pub(super) const JOBS_PER_COMMIT_MAX: usize = 512;

/// Somebody who acts on each recorded event, inside the transaction that records it.
///
/// So what one event leads to commits together with it, or not at all.
pub(crate) trait Consumer: Send {
    fn consume(&mut self, tx: &Tx<'_>, event: &Event) -> Result<(), Error>;

    /// A transaction in which this consumer took part did not commit: what memory holds may be wrong.
    fn forget(&mut self);
}

/// A transaction on the writer's thread.
pub(crate) struct Tx<'a> {
    connection: &'a Connection,
    /// Events that the consumers have not seen yet.
    fresh: RefCell<VecDeque<Event>>,
    touched: Cell<Area>,
}

impl Tx<'_> {
    /// Lets the database grow to so many pages at most, or as many as it has: a disk that is full.
    #[cfg(test)]
    pub(crate) fn limit_pages(&self, pages_max: u32) -> Result<(), Error> {
        let sql = format!("PRAGMA max_page_count = {pages_max}");
        self.connection.query_row(&sql, [], |_| Ok(()))?;
        Ok(())
    }

    pub(super) fn prepare(&self, sql: &str) -> Result<CachedStatement<'_>, Error> {
        Ok(self.connection.prepare_cached(sql)?)
    }

    /// Shows `event` to the consumers before this transaction commits.
    pub(super) fn hand_on(&self, event: Event) {
        self.fresh.borrow_mut().push_back(event);
    }

    fn next_fresh(&self) -> Option<Event> {
        self.fresh.borrow_mut().pop_front()
    }

    /// After the commit, wakes who waits for news of `area`.
    pub(super) fn touch(&self, area: Area) {
        self.touched.set(self.touched.get().and(area));
    }

    /// Runs `work`; when it fails, what it wrote is undone and the rest of the transaction stands.
    pub(super) fn undo_on_failure<T>(
        &self,
        work: impl FnOnce() -> Result<T, Error>,
    ) -> Result<T, Error> {
        let already_fresh = self.fresh.borrow().len();
        self.prepare("SAVEPOINT part")?.execute([])?;
        let result = work();
        // Some failures (a full disk) make SQLite give up the whole transaction by itself.
        if self.connection.is_autocommit() {
            return Err(result
                .err()
                .unwrap_or_else(|| Error::Unavailable("the transaction was given up".to_owned())));
        }
        if result.is_err() {
            // What it recorded is undone, and must not be shown to anybody.
            self.fresh.borrow_mut().truncate(already_fresh);
        }
        match self.close_part(result.is_err()) {
            Ok(()) => result,
            Err(error) => {
                // What is to be undone would be committed with the rest: better none of it.
                self.connection.execute_batch("ROLLBACK")?;
                Err(error)
            }
        }
    }

    fn close_part(&self, undo: bool) -> Result<(), Error> {
        if undo {
            self.prepare("ROLLBACK TO part")?.execute([])?;
        }
        self.prepare("RELEASE part")?.execute([])?;
        Ok(())
    }
}

/// Work for the writer's thread, with the way back for its result.
pub(super) trait Job: Send {
    /// May run again, when what it did the first time was undone.
    fn run(&mut self, tx: &Tx<'_>) -> Result<(), Error>;
    fn answer(self: Box<Self>, committed: Result<(), Error>);
}

pub(super) struct Task<W, T> {
    pub(super) work: W,
    pub(super) result: Option<T>,
    pub(super) reply: oneshot::Sender<Result<T, Error>>,
}

impl<W, T> Job for Task<W, T>
where
    W: Fn(&Tx<'_>) -> Result<T, Error> + Send,
    T: Send,
{
    fn run(&mut self, tx: &Tx<'_>) -> Result<(), Error> {
        self.result = Some((self.work)(tx)?);
        Ok(())
    }

    fn answer(self: Box<Self>, committed: Result<(), Error>) {
        let Self { result, reply, .. } = *self;
        let result = committed.map(|()| result.expect("a job that was committed has run"));
        // The asker may have gone away; what was written stays written.
        drop(reply.send(result));
    }
}

/// The writer's thread: until the last handle is dropped.
pub(super) struct Writer {
    pub(super) connection: Connection,
    pub(super) jobs: mpsc::Receiver<Box<dyn Job>>,
    pub(super) consumers: Vec<Box<dyn Consumer>>,
    pub(super) signals: Signals,
}

impl Writer {
    pub(super) fn run(mut self) {
        let mut batch = Vec::with_capacity(JOBS_PER_COMMIT_MAX);
        while self
            .jobs
            .blocking_recv_many(&mut batch, JOBS_PER_COMMIT_MAX)
            != 0
        {
            self.commit(&mut batch);
        }
    }

    /// The same as a task.
    #[cfg(test)]
    pub(super) async fn run_here(mut self) {
        let mut batch = Vec::with_capacity(JOBS_PER_COMMIT_MAX);
        while self.jobs.recv_many(&mut batch, JOBS_PER_COMMIT_MAX).await != 0 {
            self.commit(&mut batch);
        }
    }

    /// Runs a batch of jobs in one transaction and answers each.
    fn commit(&mut self, batch: &mut Vec<Box<dyn Job>>) {
        let mut failures = Vec::new();
        let mut committed = self.transaction(|tx, consumers| as_one_piece(tx, batch, consumers));
        if let Err(Error::Broken(_)) = committed {
            committed =
                self.transaction(|tx, consumers| part_by_part(tx, batch, consumers, &mut failures));
        }
        if let Ok(touched) = &committed {
            self.signals.raise(*touched);
        }
        let committed = committed.map(|_| ());
        failures.resize(batch.len(), None);
        for (job, failure) in batch.drain(..).zip(failures) {
            job.answer(failure.map_or_else(|| committed.clone(), Err));
        }
    }

    fn transaction(
        &mut self,
        work: impl FnOnce(&Tx<'_>, &mut [Box<dyn Consumer>]) -> Result<(), Error>,
    ) -> Result<Area, Error> {
        self.connection
            .prepare_cached("BEGIN IMMEDIATE")?
            .execute([])?;
        let tx = Tx {
            connection: &self.connection,
            fresh: RefCell::default(),
            touched: Cell::default(),
        };
        let done = work(&tx, &mut self.consumers);
        let touched = tx.touched.get();
        let done = done
            .and_then(|()| Ok(self.connection.prepare_cached("COMMIT")?.execute([])?))
            .map(|_| touched);
        if done.is_err() {
            for consumer in &mut self.consumers {
                consumer.forget();
            }
        }
        if done.is_err() && !self.connection.is_autocommit() {
            // If this fails too, the next BEGIN does, and the jobs of that batch are told.
            drop(self.connection.execute_batch("ROLLBACK"));
        }
        done
    }
}

/// Each job, and then the consumers on whatever the jobs recorded. The first failure is the end of it.
fn as_one_piece(
    tx: &Tx<'_>,
    batch: &mut [Box<dyn Job>],
    consumers: &mut [Box<dyn Consumer>],
) -> Result<(), Error> {
    batch.iter_mut().try_for_each(|job| job.run(tx))?;
    while let Some(event) = tx.next_fresh() {
        show(tx, consumers, &event)?;
    }
    Ok(())
}

/// The same, where a job that fails leaves no mark, and an event that cannot be handled is buried.
fn part_by_part(
    tx: &Tx<'_>,
    batch: &mut [Box<dyn Job>],
    consumers: &mut [Box<dyn Consumer>],
    failures: &mut Vec<Option<Error>>,
) -> Result<(), Error> {
    for job in batch {
        let failure = tx.undo_on_failure(|| job.run(tx)).err();
        if tx.connection.is_autocommit() {
            return Err(failure.unwrap_or(Error::Closed));
        }
        failures.push(failure);
    }
    while let Some(event) = tx.next_fresh() {
        match tx.undo_on_failure(|| show(tx, consumers, &event)) {
            Ok(()) => {}
            // Not the event's fault, and not only this event's problem.
            Err(error @ (Error::Unavailable(_) | Error::Overloaded | Error::Closed)) => {
                return Err(error);
            }
            Err(Error::Broken(reason)) => {
                for consumer in &mut *consumers {
                    consumer.forget();
                }
                crate::store::inbox::bury(tx, &event.id, &reason)?;
            }
        }
    }
    Ok(())
}

/// Shows `event` to each consumer. What they make of it may be events again: settled commands, which
/// start operations but never settle others, so that fresh events run out.
fn show(tx: &Tx<'_>, consumers: &mut [Box<dyn Consumer>], event: &Event) -> Result<(), Error> {
    consumers
        .iter_mut()
        .try_for_each(|consumer| consumer.consume(tx, event))
}

#[cfg(test)]
mod tests {
    use std::future::{Future, poll_fn};
    use std::sync::mpsc;
    use std::task::Poll;

    use jiff::Timestamp;

    use super::*;
    use crate::domain::id::EventId;
    use crate::store::inbox::{self, Recorded};
    use crate::store::{Started, Store};

    fn record(tx: &Tx<'_>, id: &str) -> Result<Recorded, Error> {
        let id = EventId::new(id);
        inbox::record_unreadable(tx, &id, Timestamp::UNIX_EPOCH, b"body", "reason")
    }

    async fn recorded(store: &Store) -> i64 {
        let count = |tx: &Tx<'_>| {
            let mut statement = tx.prepare("SELECT count(*) FROM events")?;
            Ok(statement.query_row([], |row| row.get(0))?)
        };
        store.write(count).await.unwrap()
    }

    #[tokio::test]
    async fn a_job_that_fails_leaves_no_mark_even_if_its_part_cannot_be_undone() {
        let dir = tempfile::tempdir().unwrap();
        let Started { store, .. } = Store::start(dir.path(), Vec::new()).unwrap();
        let failing = |tx: &Tx<'_>| -> Result<(), Error> {
            record(tx, "msg_1")?;
            // Now the savepoint to go back to is gone.
            tx.prepare("RELEASE part")?.execute([])?;
            Err(Error::Broken("on purpose".to_owned()))
        };
        assert!(store.write(failing).await.is_err());
        assert_eq!(recorded(&store).await, 0);
    }

    #[tokio::test]
    async fn no_job_is_answered_with_success_when_the_transaction_it_shared_is_given_up() {
        let dir = tempfile::tempdir().unwrap();
        let Started { store, .. } = Store::start(dir.path(), Vec::new()).unwrap();
        let (started, is_started) = mpsc::channel();
        let (open, gate) = mpsc::channel::<()>();
        let mut blocking = Box::pin(store.write(move |_| {
            started.send(()).unwrap();
            gate.recv().unwrap();
            Ok(())
        }));
        let mut first = Box::pin(store.write(|tx| record(tx, "msg_1")));
        let mut second = Box::pin(store.write(|tx| -> Result<(), Error> {
            // As SQLite does by itself when the disk is full.
            tx.prepare("ROLLBACK")?.execute([])?;
            Err(Error::Unavailable("on purpose".to_owned()))
        }));
        let mut third = Box::pin(store.write(|tx| record(tx, "msg_3")));
        poll_fn(|cx| {
            assert!(blocking.as_mut().poll(cx).is_pending());
            is_started.recv().unwrap();
            assert!(first.as_mut().poll(cx).is_pending());
            assert!(second.as_mut().poll(cx).is_pending());
            assert!(third.as_mut().poll(cx).is_pending());
            Poll::Ready(())
        })
        .await;
        open.send(()).unwrap();
        blocking.await.unwrap();
        assert!(first.await.is_err());
        assert!(second.await.is_err());
        assert!(third.await.is_err());
        assert_eq!(recorded(&store).await, 0);
    }
}
