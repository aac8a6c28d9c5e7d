//! SQLite: what must survive a power cut. The only module that speaks SQL.
//!
//! One thread owns the connection and commits in groups (`writer.rs`); every write goes through
//! [`Store::write`]. Lists read the same file on connections of their own (`view/`).

pub(crate) mod amps_link;
pub(crate) mod awaited;
mod calls;
pub(crate) mod cancelling;
pub(crate) mod capabilities;
pub(crate) mod clock_set;
pub(crate) mod dead_letters;
pub(crate) mod decisions;
pub(crate) mod error;
mod history;
pub(crate) mod http_requests;
pub(crate) mod inbox;
mod inputs;
mod leases;
pub(crate) mod line;
pub(crate) mod notifications;
pub(crate) mod open;
mod orders;
pub(crate) mod outbox;
pub(crate) mod put_off;
pub(crate) mod requests;
pub(crate) mod requests_of_people;
pub(crate) mod retention;
pub(crate) mod rules;
pub(crate) mod runs;
mod schema;
pub(crate) mod setting_writes;
pub(crate) mod signal;
mod starts;
pub(crate) mod story;
#[cfg(test)]
mod tests;
pub(crate) mod traces;
mod triggers;
pub(crate) mod unread;
pub mod view;
pub(crate) mod writer;

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::thread;

use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};

use crate::store::error::Error;
use crate::store::signal::{AllNews, Signals};
use crate::store::writer::{Consumer, JOBS_WAITING_MAX, Job, Task, Tx, Writer};

/// Where the database of the home in `dir` is.
pub fn database_path(dir: &Path) -> PathBuf {
    dir.join("state").join("amps-rules.db")
}

/// A handle to the writer. Cheap to clone; the thread ends with the last one.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    jobs: mpsc::Sender<Box<dyn Job>>,
}

/// What starting the store gives.
#[derive(Debug)]
pub(crate) struct Started {
    pub(crate) store: Store,
    pub(crate) news: AllNews,
    /// Ends when everything is written and the database is closed.
    pub(crate) thread: thread::JoinHandle<()>,
}

/// Keeps a second engine from running on the same home: it would send every command again.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: fs::File,
}

impl Lock {
    /// None when another process holds it.
    pub(crate) fn take(dir: &Path) -> io::Result<Option<Self>> {
        let file = fs::File::create(state_folder(dir)?.join("engine.lock"))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(fs::TryLockError::WouldBlock) => Ok(None),
            Err(fs::TryLockError::Error(error)) => Err(error),
        }
    }
}

impl Store {
    /// Opens the database of the home in `dir`, and starts the writer with `consumers`, who see each
    /// event in this order.
    pub(crate) fn start(dir: &Path, consumers: Vec<Box<dyn Consumer>>) -> Result<Started, Error> {
        let (store, news, writer) = Self::open(dir, consumers)?;
        let thread = thread::Builder::new()
            .name("writer".to_owned())
            .spawn(move || writer.run())
            .map_err(|it| Error::Unavailable(it.to_string()))?;
        Ok(Started {
            store,
            news,
            thread,
        })
    }

    /// The same with a writer that is a task among others, so that a test has everything on one thread.
    #[cfg(test)]
    pub(crate) fn start_here(
        dir: &Path,
        consumers: Vec<Box<dyn Consumer>>,
    ) -> Result<(Self, AllNews, impl Future<Output = ()> + Send + use<>), Error> {
        let (store, news, writer) = Self::open(dir, consumers)?;
        Ok((store, news, writer.run_here()))
    }

    fn open(
        dir: &Path,
        consumers: Vec<Box<dyn Consumer>>,
    ) -> Result<(Self, AllNews, Writer), Error> {
        state_folder(dir).map_err(|it| Error::Unavailable(it.to_string()))?;
        let path = database_path(dir);
        let connection = schema::open(&path)?;
        let (sender, jobs) = mpsc::channel(JOBS_WAITING_MAX);
        let signals = Signals::default();
        let news = signals.subscribe();
        let writer = Writer {
            connection,
            jobs,
            consumers,
            signals,
        };
        Ok((Self { jobs: sender }, news, writer))
    }

    /// Runs `work` in a transaction, and returns when it is on the disk. It runs a second time when
    /// something else in the same transaction failed.
    pub(crate) async fn write<T, W>(&self, work: W) -> Result<T, Error>
    where
        T: Send + 'static,
        W: Fn(&Tx<'_>) -> Result<T, Error> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let task = Task {
            work,
            result: None,
            reply,
        };
        self.jobs
            .try_send(Box::new(task))
            .map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => Error::Overloaded,
                mpsc::error::TrySendError::Closed(_) => Error::Closed,
            })?;
        answer.await.unwrap_or(Err(Error::Closed))
    }
}

/// The folder of the database, made if need be. For the owner's eyes only: webhooks may carry a link
/// that opens an account.
fn state_folder(dir: &Path) -> io::Result<PathBuf> {
    let state = dir.join("state");
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&state)?;
    Ok(state)
}

/// Moments in the tables are whole microseconds since 1970.
fn stamp(moment: Timestamp) -> i64 {
    moment.as_microsecond()
}

fn moment(stamp: i64) -> Timestamp {
    Timestamp::from_microsecond(stamp).unwrap_or(Timestamp::MAX)
}
