//! What the engine remembers, as rows: runs, their programs, last known values.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use rusqlite::Row;

use crate::clock::moved;
use crate::domain::event::Readings;
use crate::domain::id::{CommandId, DeviceId, EventId, RuleId, RunId};
use crate::domain::value::Reading;
use crate::engine::decision::Change;
use crate::engine::memory::Memory;
use crate::engine::run::Run;
use crate::engine::state::State;
use crate::engine::wait::Wait;
use crate::rules::rule::Program;
use crate::store::error::Error;
use crate::store::writer::Tx;
use crate::store::{
    calls, capabilities, clock_set, history, inputs, leases, moment, orders, stamp, starts,
    triggers,
};

/// The engine's state as the tables have it.
pub(crate) fn load(tx: &Tx<'_>) -> Result<State, Error> {
    let mut state = State::default();
    for readings in load_readings(tx)? {
        state.apply(&Change::Read(readings));
    }
    for remembered in load_remembered(tx)? {
        state.apply(&remembered);
    }
    for run in load_running(tx)? {
        state.stand(run);
    }
    let changes = [
        capabilities::load(tx)?,
        history::load(tx)?,
        inputs::load(tx)?,
        calls::load(tx)?,
    ];
    for change in changes.iter().flatten() {
        state.apply(change);
    }
    for change in triggers::load(tx)? {
        state.apply(&change);
    }
    for change in leases::load(tx)? {
        state.apply(&change);
    }
    starts::load(tx, &mut state)?;
    orders::load(tx, &mut state)?;
    state.let_all_ask();
    Ok(state)
}

/// Writes `change` down. `state` is the state before it.
pub(crate) fn save(tx: &Tx<'_>, state: &State, change: &Change) -> Result<(), Error> {
    match change {
        Change::Read(readings) => save_readings(tx, state, readings),
        Change::Declared(declaration) => capabilities::save(tx, declaration),
        Change::ClockSet { by } => clock_set::save(tx, *by),
        Change::RunStarted(run) => insert_run(tx, run),
        Change::RunMoved(run) => update_run(tx, run),
        Change::Remembered {
            rule,
            name,
            value,
            at,
        } => {
            tx.prepare(
                "INSERT INTO rule_state (rule, name, value, set_at) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (rule, name)
                 DO UPDATE SET value = excluded.value, set_at = excluded.set_at",
            )?
            .execute(rusqlite::params![
                rule.as_str(),
                name,
                serde_json::to_string(value)?,
                stamp(*at),
            ])?;
            Ok(())
        }
        Change::Trigger {
            rule,
            trigger,
            memory,
        } => triggers::save(tx, rule, *trigger, memory),
        Change::RulePaused {
            rule,
            reason,
            by_rule,
            at,
        } => triggers::pause(tx, rule, (reason, *by_rule), *at),
        Change::RuleResumed { rule, counted_from } => triggers::resume(tx, rule, *counted_from),
        Change::History { of, history } => history::save(tx, state, (of, history)),
        Change::HistoryOver { of } => history::forget(tx, of),
        Change::Input { reading, .. } => inputs::save(tx, state, reading),
        Change::CallWaits(call) => calls::put(tx, call),
        Change::CallOver { id } => calls::forget(tx, id),
        Change::Kept { device, kept } => leases::keep(tx, device, kept),
        Change::Released { device } => leases::release(tx, device),
        Change::ForeignOrder { device, at } => leases::note_foreign(tx, device, *at),
        // The outbox has the orders; what runs and calls ask is asked again at a start.
        Change::Ordered { .. }
        | Change::Settled { .. }
        | Change::NotRead { .. }
        | Change::Asked { .. }
        | Change::RunAsks { .. } => Ok(()),
        Change::RunEnded { run, end, at } => {
            tx.prepare(
                "UPDATE runs SET state = ?2, reason = ?3, ended_at = ?4, waiting_for = NULL,
                     wait = NULL, wait_until = NULL
                 WHERE id = ?1",
            )?
            .execute(rusqlite::params![
                run.as_str(),
                end.name(),
                end.reason(),
                stamp(*at)
            ])?;
            Ok(())
        }
    }
}

fn insert_run(tx: &Tx<'_>, run: &Run) -> Result<(), Error> {
    let version = run.program.version.as_str();
    if !tx
        .prepare("SELECT 1 FROM programs WHERE version = ?1")?
        .exists([version])?
    {
        let program = serde_json::to_string(&*run.program)?;
        tx.prepare("INSERT INTO programs (version, program) VALUES (?1, ?2)")?
            .execute([version, &program])?;
    }
    let n_rows = tx
        .prepare(
        "INSERT INTO runs
             (id, rule, version, cause, position, waiting_for, state, started_at, trigger_fields, memory,
              wait, wait_until, parent, run_key, depth, chain, began_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'running', ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15,
             ?7 - (SELECT set_by FROM clock))
         ON CONFLICT (id) DO NOTHING",
    )?
    .execute(rusqlite::params![
        run.id.as_str(),
        run.rule.as_str(),
        version,
        run.cause.as_str(),
        stored(run.position),
        awaited_command(run),
        stamp(run.started_at),
        serde_json::to_string(&run.trigger)?,
        serde_json::to_string(&run.memory)?,
        wait(run)?,
        run.until.map(stamp),
        run.parent.as_ref().map(RunId::as_str),
        run.key,
        stored(run.chain.len()),
        chain(run)?,
    ])?;
    // The engine has two runs then, and the tables one.
    if n_rows == 0 {
        return Err(Error::Broken(format!(
            "the run {} is there already",
            run.id
        )));
    }
    Ok(())
}

fn update_run(tx: &Tx<'_>, run: &Run) -> Result<(), Error> {
    tx.prepare(
        "UPDATE runs SET position = ?2, waiting_for = ?3, memory = ?4, wait = ?5, wait_until = ?6
         WHERE id = ?1",
    )?
    .execute(rusqlite::params![
        run.id.as_str(),
        stored(run.position),
        awaited_command(run),
        serde_json::to_string(&run.memory)?,
        wait(run)?,
        run.until.map(stamp),
    ])?;
    Ok(())
}

fn awaited_command(run: &Run) -> Option<&str> {
    let wait = run.wait.as_ref()?;
    wait.command().map(CommandId::as_str)
}

fn wait(run: &Run) -> Result<Option<String>, Error> {
    Ok(run.wait.as_ref().map(serde_json::to_string).transpose()?)
}

fn chain(run: &Run) -> Result<Option<String>, Error> {
    let is_there = !run.chain.is_empty();
    Ok(is_there
        .then(|| serde_json::to_string(&run.chain))
        .transpose()?)
}

/// How exactly it is written down how lately a value was heard that does not change.
const HEARD_EXACTNESS_SECONDS: i64 = 600;

/// The same for all moments between which it is not written down again that a value was heard.
fn heard_mark(at: Timestamp) -> i64 {
    at.as_second().div_euclid(HEARD_EXACTNESS_SECONDS)
}

/// Values that are the same are written again only now and then: homes run from SD cards.
pub(super) fn is_worth_a_row(before: &Reading, now: &Reading) -> bool {
    before.value != now.value
        || before.origin != now.origin
        || heard_mark(before.taken_at) < heard_mark(now.taken_at)
}

fn save_readings(tx: &Tx<'_>, state: &State, readings: &Readings) -> Result<(), Error> {
    for (attribute, value) in &readings.values {
        let reading = Reading {
            value: value.clone(),
            taken_at: readings.taken_at,
            origin: readings.origin,
        };
        let known = state.reading(&readings.device, attribute);
        if known.is_some_and(|it| readings.taken_at < it.taken_at || !is_worth_a_row(it, &reading))
        {
            continue;
        }
        save_reading(tx, &readings.device, attribute, &reading)?;
    }
    Ok(())
}

fn save_reading(
    tx: &Tx<'_>,
    device: &DeviceId,
    attribute: &str,
    reading: &Reading,
) -> Result<(), Error> {
    tx.prepare(
        "INSERT INTO readings (device_id, attribute, reading) VALUES (?1, ?2, ?3)
         ON CONFLICT (device_id, attribute) DO UPDATE SET reading = excluded.reading",
    )?
    .execute([device.as_str(), attribute, &serde_json::to_string(reading)?])?;
    Ok(())
}

pub(super) fn move_readings(tx: &Tx<'_>, by: SignedDuration) -> Result<(), Error> {
    for of_device in load_readings(tx)? {
        for (attribute, value) in of_device.values {
            let reading = Reading {
                value,
                taken_at: moved(of_device.taken_at, by),
                origin: of_device.origin,
            };
            save_reading(tx, &of_device.device, &attribute, &reading)?;
        }
    }
    Ok(())
}

/// One entry a value, since each has a moment of its own. A value that cannot be read is not known.
fn load_readings(tx: &Tx<'_>) -> Result<Vec<Readings>, Error> {
    let mut statement = tx.prepare("SELECT device_id, attribute, reading FROM readings")?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let Ok(reading) = serde_json::from_str::<Reading>(&row.get::<_, String>(2)?) else {
            continue;
        };
        found.push(Readings {
            device: DeviceId::new(row.get::<_, String>(0)?),
            taken_at: reading.taken_at,
            origin: reading.origin,
            values: BTreeMap::from([(row.get(1)?, reading.value)]),
        });
    }
    Ok(found)
}

fn load_remembered(tx: &Tx<'_>) -> Result<Vec<Change>, Error> {
    let mut statement = tx.prepare("SELECT rule, name, value, set_at FROM rule_state")?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(Change::Remembered {
            rule: RuleId::new(row.get::<_, String>(0)?),
            name: row.get(1)?,
            value: serde_json::from_str(&row.get::<_, String>(2)?)?,
            at: moment(row.get(3)?),
        });
    }
    Ok(found)
}

/// A run whose program cannot be read any more has failed; the others go on.
fn load_running(tx: &Tx<'_>) -> Result<Vec<Run>, Error> {
    let mut statement = tx.prepare(
        "SELECT runs.id, rule, cause, position, waiting_for,
             coalesce(began_at, started_at) + (SELECT set_by FROM clock), program, trigger_fields, memory, wait, wait_until, parent, run_key, chain
         FROM runs LEFT JOIN programs USING (version) WHERE state = 'running' ORDER BY seq",
    )?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let id = RunId::new(row.get::<_, String>(0)?);
        let program = row.get::<_, Option<String>>(6)?.unwrap_or_default();
        let Ok(program) = serde_json::from_str::<Program>(&program) else {
            give_up(tx, &id)?;
            continue;
        };
        let trigger = row.get::<_, Option<String>>(7)?;
        let trigger = trigger.map(|it| serde_json::from_str(&it)).transpose()?;
        found.push(Run {
            id,
            rule: RuleId::new(row.get::<_, String>(1)?),
            program: Arc::new(program),
            position: usize::try_from(row.get::<_, i64>(3)?).unwrap_or_default(),
            wait: read_wait(row)?,
            until: row.get::<_, Option<i64>>(10)?.map(moment),
            parent: row.get::<_, Option<String>>(11)?.map(RunId::new),
            key: row.get(12)?,
            chain: match row.get::<_, Option<String>>(13)? {
                Some(chain) => serde_json::from_str(&chain)?,
                None => Vec::new(),
            },
            cause: EventId::new(row.get::<_, String>(2)?),
            trigger: trigger.unwrap_or_default(),
            started_at: moment(row.get(5)?),
            memory: match row.get::<_, Option<String>>(8)? {
                Some(memory) => serde_json::from_str(&memory)?,
                None => Memory::default(),
            },
        });
    }
    Ok(found)
}

/// A run that began before waits were written down waits for a command, if for anything.
fn read_wait(row: &Row<'_>) -> Result<Option<Wait>, Error> {
    if let Some(wait) = row.get::<_, Option<String>>(9)? {
        return Ok(Some(serde_json::from_str(&wait)?));
    }
    let command = row.get::<_, Option<String>>(4)?.map(CommandId::new);
    Ok(command.map(|command| Wait::Command {
        command,
        earlier: 0,
    }))
}

fn give_up(tx: &Tx<'_>, run: &RunId) -> Result<(), Error> {
    tracing::error!(%run, "the actions that this run began with cannot be read; it has failed");
    tx.prepare("UPDATE runs SET state = 'failed', reason = ?2, waiting_for = NULL WHERE id = ?1")?
        .execute([
            run.as_str(),
            "the actions that it began with cannot be read any more",
        ])?;
    Ok(())
}

/// The rule of the run that began last.
#[cfg(test)]
pub(crate) fn newest_rule(tx: &Tx<'_>) -> Result<String, Error> {
    let mut statement = tx.prepare("SELECT rule FROM runs ORDER BY seq DESC LIMIT 1")?;
    Ok(statement.query_row([], |row| row.get(0))?)
}

pub(super) fn stored(position: usize) -> i64 {
    i64::try_from(position).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::domain::value::{Origin, Value};
    use crate::store::Store;

    #[tokio::test]
    async fn a_value_that_a_device_no_longer_confirms_is_stored_as_such() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::start(dir.path(), Vec::new()).unwrap().store;
        let work = |tx: &Tx<'_>| {
            let mut state = State::default();
            for origin in [Origin::Live, Origin::Fallback] {
                let read = Change::Read(Readings {
                    device: DeviceId::new("dev_1"),
                    taken_at: Timestamp::UNIX_EPOCH,
                    origin,
                    values: BTreeMap::from([("level".to_owned(), Value::Number(50.0))]),
                });
                save(tx, &state, &read)?;
                state.apply(&read);
            }
            let stored = load(tx)?;
            let device = DeviceId::new("dev_1");
            let level = |state: &State| state.reading(&device, "level").cloned();
            assert_eq!(level(&stored), level(&state));
            Ok(())
        };
        store.write(work).await.unwrap();
    }

    #[tokio::test]
    async fn a_rule_that_is_paused_twice_is_paused_for_the_first_reason() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::start(dir.path(), Vec::new()).unwrap().store;
        let work = |tx: &Tx<'_>| {
            let mut state = State::default();
            for reason in ["somebody paused it", "another rule paused it"] {
                let paused = paused(reason);
                save(tx, &state, &paused)?;
                state.apply(&paused);
            }
            assert_eq!(
                state.paused(&RuleId::new("rule")),
                Some("somebody paused it")
            );
            assert_eq!(load(tx)?, state);
            Ok(())
        };
        store.write(work).await.unwrap();
    }

    #[tokio::test]
    async fn from_when_on_the_runs_of_a_rule_are_counted_is_known_while_it_is_paused_again() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::start(dir.path(), Vec::new()).unwrap().store;
        let resumed = |counted_from| Change::RuleResumed {
            rule: RuleId::new("rule"),
            counted_from,
        };
        let set = Change::ClockSet {
            by: SignedDuration::from_hours(2),
        };
        let work = move |tx: &Tx<'_>| {
            let mut state = State::default();
            let changes = [
                resumed(Some(Timestamp::UNIX_EPOCH)),
                paused("it was not paused before"),
                resumed(Some(Timestamp::UNIX_EPOCH)),
                paused("once more"),
                set.clone(),
                resumed(None),
                paused("a rule did it"),
                paused("and again"),
                paused("a rule did it later"),
            ];
            for change in changes {
                save(tx, &state, &change)?;
                state.apply(&change);
                assert_eq!(load(tx)?, state, "after {change:?}");
            }
            Ok(())
        };
        store.write(work).await.unwrap();
    }

    fn paused(reason: &str) -> Change {
        Change::RulePaused {
            rule: RuleId::new("rule"),
            reason: reason.to_owned(),
            by_rule: reason.contains("a rule"),
            at: Timestamp::UNIX_EPOCH,
        }
    }
}
