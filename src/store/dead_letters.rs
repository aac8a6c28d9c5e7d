//! What was given up has another chance, or is put away, as a person asks.

use jiff::Timestamp;
use rusqlite::OptionalExtension;
use serde::{Deserialize, Serialize};

use crate::domain::event::{Event, Payload, Source};
use crate::domain::id::EventId;
use crate::store::error::Error;
use crate::store::signal::Area;
use crate::store::writer::Tx;
use crate::store::{inbox, moment, stamp};

/// Where a dead letter stands after a person asked for something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "became", rename_all = "snake_case")]
pub(crate) enum Became {
    /// The event has had its effect.
    Done,
    /// The event says what another said: it has no effect.
    Repeat,
    /// The message is sent again.
    Queued,
    /// It failed again.
    Dead { reason: String },
    /// It is no dead letter any more, and nothing came of it.
    Dropped,
}

/// Why there is no other chance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hopeless {
    /// There is no dead letter with this id.
    Unknown,
    /// A body that could not be read, and cannot be.
    Unreadable,
}

/// Gives the dead letter `id` another chance. What came of an event is known once this is committed.
pub(crate) fn retry(tx: &Tx<'_>, id: &str, now: Timestamp) -> Result<Result<(), Hopeless>, Error> {
    let sql =
        "UPDATE notifications SET state = 'queued', attempts = 0, due_at = ?2, updated_at = ?2
         WHERE id = ?1 AND state = 'dead'";
    if 0 < tx
        .prepare(sql)?
        .execute(rusqlite::params![id, stamp(now)])?
    {
        tx.touch(Area::NOTIFICATIONS);
        return Ok(Ok(()));
    }
    let sql = "SELECT source, received_at, payload FROM events WHERE id = ?1 AND state = 'dead'";
    let found = tx
        .prepare(sql)?
        .query_row([id], |row| {
            let payload = row.get::<_, Option<String>>(2)?;
            Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?, payload))
        })
        .optional()?;
    let Some((source, received_at, payload)) = found else {
        return Ok(Err(Hopeless::Unknown));
    };
    let Some(payload) = payload else {
        return Ok(Err(Hopeless::Unreadable));
    };
    let payload: Payload = serde_json::from_str(&payload)?;
    let source: Source = serde_json::from_value(source.into())?;
    let event = Event {
        id: EventId::new(id),
        source,
        received_at: moment(received_at),
        payload,
    };
    inbox::raise(tx, event)?;
    Ok(Ok(()))
}

/// Puts the dead letter `id` away; false when there is none. It stays on record, so that a webhook that
/// comes once more has no effect.
pub(crate) fn put_away(tx: &Tx<'_>, id: &str) -> Result<bool, Error> {
    let mut n_gone = 0;
    for table in ["events", "notifications"] {
        let sql = format!("UPDATE {table} SET state = 'dropped' WHERE id = ?1 AND state = 'dead'");
        n_gone += tx.prepare(&sql)?.execute([id])?;
    }
    Ok(0 < n_gone)
}

/// Where it stands now; none when there is no such event or message.
pub(crate) fn look(tx: &Tx<'_>, id: &str) -> Result<Option<Became>, Error> {
    let sql = "SELECT state, reason FROM events WHERE id = ?1
         UNION ALL SELECT state, reason FROM notifications WHERE id = ?1";
    let found = tx
        .prepare(sql)?
        .query_row([id], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, Option<String>>(1)?))
        })
        .optional()?;
    let Some((state, reason)) = found else {
        return Ok(None);
    };
    let reason = reason.unwrap_or_default();
    Ok(Some(match state.as_str() {
        "dead" => Became::Dead { reason },
        "repeat" => Became::Repeat,
        "dropped" => Became::Dropped,
        // It may have been sent already.
        "queued" | "sent" => Became::Queued,
        _ => Became::Done,
    }))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::domain::event::Report;
    use crate::domain::id::{ActionId, DeviceId};
    use crate::domain::lifecycle::Outcome;
    use crate::store::Store;
    use crate::store::writer::Consumer;

    /// Cannot handle the first so many events; counts the others.
    struct Recovers {
        failures: usize,
        handled: Arc<AtomicUsize>,
    }

    impl Consumer for Recovers {
        fn consume(&mut self, _tx: &Tx<'_>, _event: &Event) -> Result<(), Error> {
            if let Some(failures) = self.failures.checked_sub(1) {
                self.failures = failures;
                return Err(Error::Broken("on purpose".to_owned()));
            }
            self.handled.fetch_add(1, Ordering::SeqCst);
            Ok(())
        }

        fn forget(&mut self) {}
    }

    fn report(id: &str) -> Event {
        Event {
            id: EventId::new(id),
            source: Source::Webhook,
            received_at: Timestamp::UNIX_EPOCH,
            payload: Payload::Report(Report {
                action: ActionId::new("act_1"),
                device: DeviceId::new("dev_1"),
                device_type: None,
                command: None,
                outcome: Outcome::Completed,
                ended_at: None,
            }),
        }
    }

    async fn stands(store: &Store, id: &'static str) -> Became {
        store.write(move |tx| look(tx, id)).await.unwrap().unwrap()
    }

    #[tokio::test]
    async fn an_event_that_was_buried_is_handled_once_and_not_if_another_said_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let handled = Arc::new(AtomicUsize::new(0));
        // Each event is tried twice before it is buried: with its batch, and alone.
        let recovers = Recovers {
            failures: 4,
            handled: Arc::clone(&handled),
        };
        let store = Store::start(dir.path(), vec![Box::new(recovers)])
            .unwrap()
            .store;
        for id in ["msg_1", "msg_2"] {
            let record = move |tx: &Tx<'_>| inbox::record(tx, report(id), None).map(drop);
            store.write(record).await.unwrap();
            let reason = "on purpose".to_owned();
            assert_eq!(stands(&store, id).await, Became::Dead { reason });
        }
        for (id, became) in [("msg_1", Became::Done), ("msg_2", Became::Repeat)] {
            let now = Timestamp::UNIX_EPOCH;
            let retried = store.write(move |tx| retry(tx, id, now)).await;
            assert_eq!(retried.unwrap(), Ok(()));
            assert_eq!(stands(&store, id).await, became);
            let again = store.write(move |tx| retry(tx, id, now)).await;
            assert_eq!(again.unwrap(), Err(Hopeless::Unknown));
        }
        assert_eq!(handled.load(Ordering::SeqCst), 1);
    }
}
