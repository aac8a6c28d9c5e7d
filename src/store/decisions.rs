//! What the engine decided, but for its traces, written down: all of it in the transaction of its event.

use jiff::Timestamp;

use crate::engine::decision::{Change, Decision};
use crate::engine::state::State;
use crate::store::error::Error;
use crate::store::writer::Tx;
use crate::store::{cancelling, http_requests, notifications, outbox, runs, setting_writes};

/// Writes `decision` down, which was made with `state`.
pub(crate) fn write(
    tx: &Tx<'_>,
    state: &State,
    decision: &Decision,
    now: Timestamp,
) -> Result<(), Error> {
    let Decision {
        changes,
        commands,
        withdrawn,
        cancelled,
        abandoned,
        notifications,
        requests,
        writes,
        traces: _, // `store::traces` has a bound for them
        reads: _,
        at_once: _,
        follow_ups: _,
        moved_on: _,
    } = decision;
    for change in changes {
        if let Change::RulePaused { rule, reason, .. } = change {
            tracing::warn!(%rule, reason, "a rule is paused");
        }
        runs::save(tx, state, change)?;
    }
    commands
        .iter()
        .try_for_each(|it| outbox::enqueue(tx, it, now))?;
    withdrawn
        .iter()
        .try_for_each(|it| cancelling::withdraw(tx, it, now))?;
    cancelled
        .iter()
        .try_for_each(|it| cancelling::cancel(tx, it, now))?;
    abandoned
        .iter()
        .try_for_each(|it| cancelling::abandon(tx, it, now))?;
    notifications
        .iter()
        .try_for_each(|it| notifications::enqueue(tx, it, now))?;
    requests
        .iter()
        .try_for_each(|it| http_requests::enqueue(tx, it, now))?;
    writes
        .iter()
        .try_for_each(|it| setting_writes::enqueue(tx, it, now))
}
