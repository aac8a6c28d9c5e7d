//! The requests that commands want: pushes, and look-ups of pushes whose answer was lost and of what holds a device.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use crate::clock::moved;
use crate::domain::id::CommandId;
use crate::domain::lifecycle::Lifecycle;
use crate::store::error::Error;
use crate::store::open::{self, Open};
use crate::store::writer::Tx;
use crate::store::{moment, stamp};

/// A request that a command wants: whose, and since when, which tells it from the ones before. By the time
/// that nobody sets ([`Clock::steady`](crate::clock::Clock::steady)): it is the same when the clock is set meanwhile.
pub(crate) type Turn = (CommandId, Timestamp);

impl Open {
    /// The request that it wants now: a push, or a look-up of the last one. It was read when the clock had
    /// been set by `set`.
    pub(crate) fn turn(&self, set: SignedDuration) -> Turn {
        let since = match &self.lifecycle {
            Lifecycle::InDoubt { doubt, .. } => doubt.look_up_at,
            Lifecycle::Blocked { hold, .. } => hold.look_up_at,
            Lifecycle::Queued { .. }
            | Lifecycle::Sending { .. }
            | Lifecycle::Acknowledged { .. }
            | Lifecycle::Settled { .. } => self.sent_at.unwrap_or(self.created_at),
        };
        // As a column has it.
        (self.command.id.clone(), moved(moment(stamp(since)), -set))
    }
}

/// Commands that want a push, or a look-up by `now`, without those `in_hand`; at most `rows_max`. The clock
/// has been set by `set`.
///
/// Under load most of the rows are in hand: they are passed over unread.
pub(crate) fn wanted(
    tx: &Tx<'_>,
    in_hand: &BTreeSet<Turn>,
    rows_max: usize,
    (now, set): (Timestamp, SignedDuration),
) -> Result<Vec<Open>, Error> {
    let mut statement = tx.prepare(&format!(
        "SELECT {}, id, coalesce(due_at, sent_at + (SELECT set_by FROM clock)) FROM commands
         WHERE is_open = 1 AND state IN ('sending', 'in_doubt', 'blocked') AND (due_at IS NULL OR due_at <= ?1)",
        open::COLUMNS
    ))?;
    let mut rows = statement.query([stamp(now)])?;
    let mut found = Vec::new();
    while found.len() < rows_max
        && let Some(row) = rows.next()?
    {
        let turn = (
            CommandId::new(row.get::<_, String>(6)?),
            moved(moment(row.get(7)?), -set),
        );
        if !in_hand.contains(&turn) {
            found.push(open::read(row)?);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::domain::command::Command;

    use crate::domain::lifecycle::{Doubt, DoubtCause, Failure, Step};
    use crate::store::{Started, Store, outbox};

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;
    const UNSET: SignedDuration = SignedDuration::ZERO;

    fn ids(found: Vec<Open>) -> Vec<String> {
        let ids = found.into_iter().map(|open| open.command.id.to_string());
        ids.collect()
    }

    #[tokio::test]
    async fn each_device_has_one_request_at_a_time_and_what_is_in_hand_is_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        let Started { store, .. } = Store::start(dir.path(), Vec::new()).unwrap();
        let work = |tx: &Tx<'_>| {
            for (id, device) in [("cmd_1", "one"), ("cmd_2", "one"), ("cmd_3", "other")] {
                outbox::enqueue(tx, &Command::example(id, device), NOW)?;
                outbox::enqueue(tx, &Command::example(id, device), NOW)?;
            }
            let first = wanted(tx, &BTreeSet::new(), 9, (NOW, UNSET))?;
            let in_hand = first.iter().map(|it| it.turn(UNSET)).collect();
            let none = wanted(tx, &in_hand, 9, (NOW, UNSET))?;
            let at_most_one = wanted(tx, &BTreeSet::new(), 1, (NOW, UNSET))?;
            let refused = Step::Refused {
                failure: Failure::new(None, "no"),
                retry_at: None,
            };
            outbox::advance(tx, &CommandId::new("cmd_1"), refused, None, NOW)?;
            let next = wanted(tx, &in_hand, 9, (NOW, UNSET))?;
            Ok([first, none, at_most_one, next].map(ids))
        };
        let [first, none, at_most_one, next] = store.write(work).await.unwrap();
        assert_eq!(first, ["cmd_1", "cmd_3"]);
        assert_eq!(none, [""; 0]);
        assert_eq!(at_most_one, ["cmd_1"]);
        assert_eq!(next, ["cmd_2"]);
    }

    #[tokio::test]
    async fn a_push_in_doubt_is_looked_up_when_its_time_comes_each_time_anew() {
        let dir = tempfile::tempdir().unwrap();
        let Started { store, .. } = Store::start(dir.path(), Vec::new()).unwrap();
        let later = NOW.checked_add(jiff::Span::new().seconds(1)).unwrap();
        let work = move |tx: &Tx<'_>| {
            outbox::enqueue(tx, &Command::example("cmd_1", "one"), NOW)?;
            let push = wanted(tx, &BTreeSet::new(), 9, (NOW, UNSET))?;
            let in_hand = push.iter().map(|it| it.turn(UNSET)).collect();
            let doubt = Doubt {
                cause: DoubtCause::AnswerLost,
                answered: None,
                look_up_at: later,
                settles_at: later,
                deadline: later,
            };
            let lost = Step::AnswerLost { doubt };
            outbox::advance(tx, &CommandId::new("cmd_1"), lost, None, NOW)?;
            let early = wanted(tx, &in_hand, 9, (NOW, UNSET))?;
            let due = wanted(tx, &in_hand, 9, (later, UNSET))?;
            Ok([push, early, due].map(ids))
        };
        let [push, early, due] = store.write(work).await.unwrap();
        assert_eq!(push, ["cmd_1"]);
        assert_eq!(early, [""; 0]);
        assert_eq!(due, ["cmd_1"]);
    }
}
