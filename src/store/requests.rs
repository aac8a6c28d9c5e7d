//! The requests that commands want: pushes, and look-ups of pushes whose answer was lost.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::domain::id::CommandId;
use crate::domain::lifecycle::Lifecycle;
use crate::store::error::Error;
use crate::store::outbox::{self, Open};
use crate::store::writer::Tx;
use crate::store::{moment, stamp};

/// A request that a command wants: whose, and since when, which tells it from the ones before.
pub(crate) type Turn = (CommandId, Timestamp);

impl Open {
    /// The request that it wants now: a push, or a look-up of the last one.
    pub(crate) fn turn(&self) -> Turn {
        let since = match &self.lifecycle {
            Lifecycle::InDoubt { doubt, .. } => doubt.look_up_at,
            Lifecycle::Queued { .. }
            | Lifecycle::Sending { .. }
            | Lifecycle::Acknowledged { .. }
            | Lifecycle::Settled { .. } => self.sent_at.unwrap_or(self.created_at),
        };
        // As a column has it.
        (self.command.id.clone(), moment(stamp(since)))
    }
}

/// Commands that want a push, or a look-up by `now`, without those `in_hand`; at most `rows_max`.
///
/// Under load most of the rows are in hand: they are passed over unread.
pub(crate) fn wanted(
    tx: &Tx<'_>,
    in_hand: &BTreeSet<Turn>,
    rows_max: usize,
    now: Timestamp,
) -> Result<Vec<Open>, Error> {
    let mut statement = tx.prepare(&format!(
        "SELECT {}, id, coalesce(due_at, sent_at) FROM commands
         WHERE is_open = 1 AND state IN ('sending', 'in_doubt') AND (due_at IS NULL OR due_at <= ?1)",
        outbox::COLUMNS
    ))?;
    let mut rows = statement.query([stamp(now)])?;
    let mut found = Vec::new();
    while found.len() < rows_max
        && let Some(row) = rows.next()?
    {
        let turn = (
            CommandId::new(row.get::<_, String>(4)?),
            moment(row.get(5)?),
        );
        if !in_hand.contains(&turn) {
            found.push(outbox::read(row)?);
        }
    }
    Ok(found)
}
