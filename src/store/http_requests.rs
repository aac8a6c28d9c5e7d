//! Requests of rules over HTTP, until they are answered or given up.

use jiff::Timestamp;
use rusqlite::Row;

use crate::domain::event::Payload;
use crate::domain::http::{HttpOver, HttpRequest, HttpResult, Progress};
use crate::domain::id::{RequestId, RunId};
use crate::domain::lifecycle::Failure;
use crate::store::awaited::{Awaited, Standing, Then};
use crate::store::error::Error;
use crate::store::signal::Area;
use crate::store::stamp;
use crate::store::writer::Tx;

/// A request whose attempt is under way.
#[derive(Clone, Debug)]
pub(crate) struct Claimed {
    pub(crate) request: HttpRequest,
    /// This one included.
    pub(crate) attempts: u32,
}

impl Awaited for Claimed {
    const TABLE: &'static str = "http_requests";
    const COLUMN: &'static str = "request";
    const UNDER_WAY: &'static str = "sending";
    const AREA: Area = Area::HTTP;
    /// With the attempts that count.
    type Answer = (Progress, u32);

    fn read(row: &Row<'_>) -> Result<Result<Self, serde_json::Error>, Error> {
        let attempts = row.get("attempts")?;
        let request = serde_json::from_str(&row.get::<_, String>("request")?);
        Ok(request.map(|request| Self { request, attempts }))
    }

    fn unreadable(id: RequestId, run: RunId, attempts: u32, failure: Failure) -> Standing {
        over(HttpOver {
            request: id,
            run,
            host: String::new(),
            result: HttpResult::Failed(failure),
            attempts: attempts - 1,
        })
    }

    fn after(&self, (progress, attempts): (Progress, u32), _: Timestamp) -> Standing {
        match progress {
            Progress::Again { at, failure } => Standing {
                id: self.request.id.clone(),
                state: "queued",
                stage: None,
                attempts,
                reason: Some(failure.message),
                then: Then::At(at),
            },
            Progress::Over(result) => over(self.request.over(result, attempts)),
        }
    }

    fn after_interruption(&self, now: Timestamp) -> Standing {
        let progress = self.request.after_interruption(now);
        let attempts = match progress {
            Progress::Again { .. } => self.attempts - 1,
            Progress::Over(_) => self.attempts,
        };
        self.after((progress, attempts), now)
    }
}

fn over(over: HttpOver) -> Standing {
    let (state, reason) = match &over.result {
        HttpResult::Answered { .. } => ("answered", None),
        HttpResult::Failed(failure) => ("failed", Some(failure.message.clone())),
    };
    Standing {
        id: over.request.clone(),
        state,
        stage: None,
        attempts: over.attempts,
        reason,
        then: Then::Told(Payload::Http(over)),
    }
}

/// Puts `request` in line. Doing it twice is doing it once: the id is derived.
pub(crate) fn enqueue(tx: &Tx<'_>, request: &HttpRequest, now: Timestamp) -> Result<(), Error> {
    tx.prepare(
        "INSERT INTO http_requests (id, run, request, state, attempts, due_at, created_at, updated_at)
         VALUES (?1, ?2, ?3, 'queued', 0, ?4, ?4, ?4) ON CONFLICT (id) DO NOTHING",
    )?
    .execute(rusqlite::params![
        request.id.as_str(),
        request.run.as_str(),
        serde_json::to_string(request)?,
        stamp(now),
    ])?;
    tx.touch(Area::HTTP);
    Ok(())
}
