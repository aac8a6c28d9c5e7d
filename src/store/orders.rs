//! What the engine knows of our own orders, read off the outbox.
//!
//! Rows of what is over go when they are old (`retention`), so that a start forgets orders from before.
//! What is over and cannot be read is not known.

use crate::domain::command::Command;
use crate::domain::id::DeviceId;
use crate::engine::orders::{Completed, Given, Last};
use crate::engine::state::State;
use crate::store::error::Error;
use crate::store::writer::Tx;
use crate::store::{moment, outbox};

/// Fills in what `state` would know of orders if it had seen each of them.
pub(super) fn load(tx: &Tx<'_>, state: &mut State) -> Result<(), Error> {
    for open in outbox::open_all(tx)? {
        let orders = state.orders_mut(&open.command.device.id);
        orders.begin(&open.command, open.began_at);
    }
    load_given(tx, state)?;
    load_last(tx, state)?;
    load_completed(tx, state)
}

/// A day in microseconds: no limit counts for longer.
pub(super) const COUNTED: i64 = 24 * 60 * 60 * 1_000_000;

/// When orders were given, as far as limits count them.
fn load_given(tx: &Tx<'_>, state: &mut State) -> Result<(), Error> {
    let mut statement = tx.prepare(
        "WITH given AS (
             SELECT seq, device_id, coalesce(began_at, created_at) AS at FROM commands),
         newest AS (SELECT device_id, max(at) AS last FROM given GROUP BY device_id)
         SELECT device_id, at + (SELECT set_by FROM clock) FROM given JOIN newest USING (device_id)
         WHERE last - ?1 < at ORDER BY seq",
    )?;
    let mut rows = statement.query([COUNTED])?;
    while let Some(row) = rows.next()? {
        state.note_given(
            &DeviceId::new(row.get::<_, String>(0)?),
            moment(row.get(1)?),
        );
    }
    Ok(())
}

fn load_last(tx: &Tx<'_>, state: &mut State) -> Result<(), Error> {
    let mut statement = tx.prepare(
        "WITH steady AS (
             SELECT device_id, command ->> '$.name' AS name, state, is_open,
                 coalesce(began_at, created_at) + set_by AS began,
                 coalesce(over_at, updated_at) + set_by AS over
             FROM commands, clock)
         SELECT device_id, name, max(began), max(over) FILTER (WHERE state = 'completed'),
             max(over) FILTER (WHERE state <> 'completed' AND is_open = 0)
         FROM steady GROUP BY device_id, name",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let device = DeviceId::new(row.get::<_, String>(0)?);
        let last = Last {
            given: row.get::<_, Option<i64>>(2)?.map(moment),
            completed: row.get::<_, Option<i64>>(3)?.map(moment),
            failed: row.get::<_, Option<i64>>(4)?.map(moment),
        };
        let Some(name) = row.get::<_, Option<String>>(1)? else {
            continue;
        };
        state.orders_mut(&device).remember(&name, &last);
    }
    Ok(())
}

fn load_completed(tx: &Tx<'_>, state: &mut State) -> Result<(), Error> {
    // With `max`, SQLite takes the other columns from the row that has it.
    let mut statement = tx.prepare(
        "SELECT command, max(coalesce(over_at, updated_at)) + set_by FROM commands, clock
         WHERE state = 'completed' GROUP BY device_id",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let Ok(command) = serde_json::from_str::<Command>(&row.get::<_, String>(0)?) else {
            continue;
        };
        let orders = state.orders_mut(&command.device.id);
        orders.remember_completed(Completed {
            order: Given {
                name: command.name,
                parameters: command.parameters,
                ends_by_itself: command.timing.end.is_some(),
                plan: None,
                step: None,
            },
            at: moment(row.get(1)?),
        });
    }
    Ok(())
}
