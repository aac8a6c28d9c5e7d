//! What the engine remembers, as rows: runs, their programs, last known values, traces.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::event::Readings;
use crate::domain::id::{CommandId, DeviceId, EventId, RuleId, RunId};
use crate::domain::value::Reading;
use crate::engine::decision::Change;
use crate::engine::memory::Memory;
use crate::engine::run::Run;
use crate::engine::state::State;
use crate::engine::trace::Trace;
use crate::rules::rule::Program;
use crate::store::error::Error;
use crate::store::writer::Tx;
use crate::store::{moment, stamp};

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
        state.apply(&Change::RunStarted(run));
    }
    Ok(state)
}

/// Writes `change` down. `state` is the state before it.
pub(crate) fn save(tx: &Tx<'_>, state: &State, change: &Change) -> Result<(), Error> {
    match change {
        Change::Read(readings) => save_readings(tx, state, readings),
        Change::RunStarted(run) => insert_run(tx, run),
        Change::RunWaits {
            run,
            position,
            command,
            memory,
        } => {
            tx.prepare(
                "UPDATE runs SET position = ?2, waiting_for = ?3, memory = ?4 WHERE id = ?1",
            )?
            .execute(rusqlite::params![
                run.as_str(),
                stored(*position),
                command.as_str(),
                serde_json::to_string(memory)?,
            ])?;
            Ok(())
        }
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
        Change::RunEnded { run, end, at } => {
            tx.prepare(
                "UPDATE runs SET state = ?2, reason = ?3, ended_at = ?4, waiting_for = NULL
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

pub(crate) fn add_trace(tx: &Tx<'_>, trace: &Trace) -> Result<(), Error> {
    tx.prepare(
        "INSERT INTO traces (event_id, rule, run, at, verdict, trace) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(rusqlite::params![
        trace.event.as_str(),
        trace.rule.as_str(),
        trace.run.as_ref().map(RunId::as_str),
        stamp(trace.at),
        trace.verdict.name(),
        serde_json::to_string(trace)?,
    ])?;
    Ok(())
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
    tx.prepare(
        "INSERT INTO runs
             (id, rule, version, cause, position, waiting_for, state, started_at, trigger_fields, memory)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'running', ?7, ?8, ?9) ON CONFLICT (id) DO NOTHING",
    )?
    .execute(rusqlite::params![
        run.id.as_str(),
        run.rule.as_str(),
        version,
        run.cause.as_str(),
        stored(run.position),
        run.waiting_for.as_ref().map(CommandId::as_str),
        stamp(run.started_at),
        serde_json::to_string(&run.trigger)?,
        serde_json::to_string(&run.memory)?,
    ])?;
    Ok(())
}

/// Values that are the same are not written again: homes run from SD cards.
fn save_readings(tx: &Tx<'_>, state: &State, readings: &Readings) -> Result<(), Error> {
    for (attribute, value) in &readings.values {
        let known = state.reading(&readings.device, attribute);
        if known.is_some_and(|it| it.value == *value || readings.taken_at < it.taken_at) {
            continue;
        }
        let reading = Reading {
            value: value.clone(),
            taken_at: readings.taken_at,
            origin: readings.origin,
        };
        tx.prepare(
            "INSERT INTO readings (device_id, attribute, reading) VALUES (?1, ?2, ?3)
             ON CONFLICT (device_id, attribute) DO UPDATE SET reading = excluded.reading",
        )?
        .execute([
            readings.device.as_str(),
            attribute,
            &serde_json::to_string(&reading)?,
        ])?;
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
        "SELECT runs.id, rule, cause, position, waiting_for, started_at, program, trigger_fields, memory
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
            waiting_for: row.get::<_, Option<String>>(4)?.map(CommandId::new),
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

fn give_up(tx: &Tx<'_>, run: &RunId) -> Result<(), Error> {
    tracing::error!(%run, "the actions that this run began with cannot be read; it has failed");
    tx.prepare("UPDATE runs SET state = 'failed', reason = ?2, waiting_for = NULL WHERE id = ?1")?
        .execute([
            run.as_str(),
            "the actions that it began with cannot be read any more",
        ])?;
    Ok(())
}

fn stored(position: usize) -> i64 {
    i64::try_from(position).unwrap_or(i64::MAX)
}
