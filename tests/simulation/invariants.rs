//! What is true after every step, whatever has happened (`src/README.md`, invariants).

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use jiff::Timestamp;
use rusqlite::Connection;

use super::engine::Engine;
use super::findings::Findings;
use super::network::Push;
use crate::clock::Clock;
use crate::engine::run::Run;
use crate::engine::state::State;
use crate::engine::wait::Wait;
use crate::rules::rule::{Mode, RuleSet};
use crate::store::error::Error;
use crate::store::runs;
use crate::store::writer::Tx;

/// Another one after each commit of the engine.
pub(super) fn version(database: &Connection) -> i64 {
    let version = database.query_row("PRAGMA data_version", [], |row| row.get(0));
    version.unwrap()
}

/// What was due has been dealt with.
pub(super) fn check_alarm(engine: &Engine, clock: &Clock, findings: &Findings) {
    let (at, now) = (engine.alarms.borrow().at, clock.now());
    findings.expect(at.is_none_or(|at| now < at), || {
        format!("what was due at {at:?} is due still at {now}")
    });
}

/// Looks at the memory, and compares it with the tables where that is asked for. All that is under way stands
/// still meanwhile.
pub(super) async fn check(engine: &Engine, is_compared: bool, findings: &Findings) {
    let (evaluation, alarms) = (Arc::clone(&engine.evaluation), engine.alarms.clone());
    let look = move |tx: &Tx<'_>| {
        let mut evaluation = evaluation.lock().unwrap_or_else(PoisonError::into_inner);
        let remembered = evaluation.remembered(tx)?.clone();
        let stored = if is_compared {
            let mut stored = runs::load(tx)?;
            stored.keep_later_readings(&remembered);
            Some(stored)
        } else {
            None
        };
        Ok((remembered, stored, alarms.borrow().at, evaluation.rules()))
    };
    match engine.store.write(look).await {
        Ok((remembered, stored, told, rules)) => {
            findings.expect(remembered.next_alarm() == told, || {
                let next = remembered.next_alarm();
                format!("the alarm is told to ring at {told:?}, and {next:?} is next")
            });
            check_state(&remembered, &rules, findings);
            if let Some(stored) = stored {
                compare(remembered, stored, findings);
            }
        }
        Err(Error::Unavailable(_)) => {}
        Err(error) => findings.add(format!("the store cannot be read: {error}")),
    }
}

fn compare(remembered: State, stored: State, findings: &Findings) {
    let (remembered, stored) = (remembered.without_asks(), stored.without_asks());
    findings.expect(remembered == stored, || {
        let difference = difference(&remembered, &stored);
        format!("remembered (-) and stored (+) differ: {difference}")
    });
}

/// The first lines in which they differ.
pub(super) fn difference(one: &impl std::fmt::Debug, other: &impl std::fmt::Debug) -> String {
    const LINES_SHOWN: usize = 40;
    let (one, other) = (format!("{one:#?}"), format!("{other:#?}"));
    let (one, other): (Vec<_>, Vec<_>) = (one.lines().collect(), other.lines().collect());
    let same = one.iter().zip(&other).take_while(|(a, b)| a == b).count();
    let from = same.saturating_sub(LINES_SHOWN / 2);
    let lines = |sign: &str, of: &[&str]| -> String {
        let shown = of.iter().skip(from).take(LINES_SHOWN);
        let shown: Vec<_> = shown.map(|it| format!("{sign} {it}")).collect();
        format!("\n{}", shown.join("\n"))
    };
    lines("-", &one) + &lines("+", &other)
}

fn check_state(state: &State, rules: &RuleSet, findings: &Findings) {
    for rule in &rules.rules {
        let mut n_runs_of: BTreeMap<_, usize> = BTreeMap::new();
        for run in state.runs_of(&rule.id) {
            *n_runs_of.entry(&run.key).or_default() += 1;
        }
        let n_runs = n_runs_of.values().copied().max().unwrap_or_default();
        let most = match rule.settings.mode {
            Mode::Single | Mode::Restart => 1,
            Mode::Queued(max) | Mode::Parallel(max) => usize::try_from(max).unwrap(),
        };
        findings.expect(n_runs <= most, || {
            format!("`{}` has {n_runs} runs, {most} at most", rule.id)
        });
        let first = state.runs_of(&rule.id).next();
        findings.expect(first.is_none_or(|it| it.wait != Some(Wait::Turn)), || {
            format!("`{}`: nobody is before the first in line", rule.id)
        });
        for run in state.runs_of(&rule.id) {
            check_run(state, run, findings);
        }
    }
}

/// Whatever waits has a deadline.
fn check_run(state: &State, run: &Run, findings: &Findings) {
    let has_end = match &run.wait {
        // That the command or request is open is seen in the tables.
        Some(Wait::Command { .. } | Wait::Http { .. } | Wait::Setting { .. }) => true,
        Some(Wait::Branches { open, .. }) => {
            !open.is_empty() && open.iter().all(|it| state.run(it).is_some())
        }
        Some(
            Wait::Delay
            | Wait::Triggers { .. }
            | Wait::Conditions
            | Wait::Turn
            | Wait::Readings { .. }
            | Wait::Device { .. }
            | Wait::Cancel { .. }
            | Wait::Verify { .. },
        ) => run.until.is_some(),
        None => false,
    };
    findings.expect(has_end, || format!("nothing ends the wait of {run:#?}"));
    for branch in state.branches_of(run) {
        check_run(state, branch, findings);
    }
}

/// Each must find nothing, after every step.
const OPEN: &[(&str, &str)] = &[
    (
        "a run waits for a command that is over",
        "SELECT runs.id FROM runs LEFT JOIN commands ON commands.id = waiting_for
         WHERE runs.state = 'running' AND waiting_for IS NOT NULL AND coalesce(is_open, 0) = 0",
    ),
    (
        "a command waits without a deadline",
        "SELECT id FROM commands WHERE is_open = 1 AND state <> 'sending' AND due_at IS NULL",
    ),
    (
        "a run waits for a request over HTTP that is over",
        "SELECT runs.id FROM runs LEFT JOIN http_requests
             ON http_requests.id = json_extract(wait, '$.request')
         WHERE runs.state = 'running' AND json_extract(wait, '$.for') = 'http'
             AND coalesce(http_requests.state, '') NOT IN ('queued', 'sending')",
    ),
    (
        "a request over HTTP waits without a deadline",
        "SELECT id FROM http_requests WHERE state = 'queued' AND due_at IS NULL",
    ),
    (
        "a device has two open pushes",
        "SELECT device_id FROM commands WHERE is_open = 1 AND state <> 'queued'
         GROUP BY device_id HAVING count(*) > 1",
    ),
    (
        "a branch goes on without its run",
        "SELECT id FROM runs AS branch WHERE state = 'running' AND parent IS NOT NULL AND NOT EXISTS
             (SELECT 1 FROM runs WHERE runs.id = branch.parent AND state = 'running')",
    ),
];

/// Each must find nothing either; what it would find stays to be found, since it is about rows that nobody
/// removes within days.
const LASTING: &[(&str, &str)] = &[
    (
        "an action belongs to two commands",
        "SELECT action_id FROM command_steps WHERE action_id IS NOT NULL
         GROUP BY action_id HAVING count(DISTINCT command_id) > 1",
    ),
    (
        "a webhook started a rule twice",
        "SELECT cause || ' ' || rule FROM runs JOIN events ON events.id = cause
         WHERE parent IS NULL AND source = 'webhook' GROUP BY cause, rule HAVING count(*) > 1",
    ),
    (
        "an end of an action counts twice",
        "SELECT counts_as FROM events WHERE counts_as IS NOT NULL GROUP BY counts_as HAVING count(*) > 1",
    ),
    (
        "an event could not be handled",
        "SELECT id || ': ' || coalesce(reason, '') FROM events WHERE state = 'dead' AND kind <> 'unreadable'",
    ),
];

/// Everything was over so long before.
const OVER: &[(&str, &str)] = &[
    (
        "a run never ends",
        "SELECT format('%s %s, since %s, until %s: %s', id, rule, datetime(started_at / 1000000, 'unixepoch'),
             datetime(wait_until / 1000000, 'unixepoch'), wait)
         FROM runs WHERE state = 'running' AND started_at < ?1",
    ),
    (
        "a command never ends",
        "SELECT id || ' ' || lifecycle FROM commands WHERE is_open = 1 AND created_at < ?1",
    ),
    (
        "a request over HTTP is never over",
        "SELECT id || ' ' || state FROM http_requests
         WHERE state IN ('queued', 'sending') AND created_at < ?1",
    ),
    (
        "a message never leaves",
        "SELECT id FROM notifications WHERE state = 'queued' AND created_at < ?1",
    ),
];

/// How commands ended that are over; settled is final.
#[derive(Debug, Default)]
pub(super) struct Ends(BTreeMap<String, String>);

/// What is under way.
pub(super) fn check_open(database: &Connection, findings: &Findings) {
    expect_none(database, OPEN, findings);
}

fn expect_none(database: &Connection, of: &[(&str, &str)], findings: &Findings) {
    for (what, sql) in of {
        for found in texts(database, sql, []) {
            findings.add(format!("{what}: {found}"));
        }
    }
}

/// What is over.
pub(super) fn check_tables(database: &Connection, ends: &mut Ends, findings: &Findings) {
    expect_none(database, LASTING, findings);
    let mut statement = database
        .prepare_cached("SELECT id, lifecycle FROM commands WHERE is_open = 0")
        .unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    for row in rows.unwrap() {
        let (id, end): (String, String) = row.unwrap();
        match ends.0.get(&id) {
            None => drop(ends.0.insert(id, end)),
            Some(before) => {
                findings.expect(*before == end, || {
                    format!("{id} was settled as {before}, and is {end} now")
                });
            }
        }
    }
}

/// After a long quiet time: what began before `limit` is over, and every push is accounted for.
pub(super) fn check_end(
    database: &Connection,
    (limit, pushes): (Timestamp, &[Push]),
    findings: &Findings,
) {
    for (what, sql) in OVER {
        for found in texts(database, sql, [limit.as_microsecond()]) {
            findings.add(format!("{what}: {found}"));
        }
    }
    for push in pushes {
        let known = "SELECT command_id FROM command_steps WHERE action_id = ?1
             UNION SELECT id FROM commands WHERE id = ?2 AND state = 'expired'";
        let owners = texts(database, known, [&push.action, &push.command]);
        if is_mistaken(database, &push.command, pushes, MISTAKES_MAX) {
            continue;
        }
        findings.expect(owners.contains(&push.command), || {
            let story =
                "SELECT datetime(at / 1000000, 'unixepoch') || ' ' || detail FROM command_steps
                 WHERE command_id = ?1 ORDER BY seq";
            let story = texts(database, story, [&push.command]);
            format!("nobody knows of {push:?}; {owners:?} do; its story is {story:#?}")
        });
    }
}

/// Orders in a row that each have taken the push of the one before for their own.
const MISTAKES_MAX: u32 = 3;

/// Whether somebody else gave the same order while a push was late, and theirs was taken for it: nothing in
/// Amps tells them apart (`src/README.md`). Or that has happened to another order of ours, whose push was then
/// taken for this one's.
fn is_mistaken(database: &Connection, command: &str, pushes: &[Push], n_left: u32) -> bool {
    let took =
        "SELECT action_id FROM command_steps WHERE command_id = ?1 AND action_id IS NOT NULL";
    let took = texts(database, took, [command]);
    took.iter().any(|action| {
        let pushed_by = pushes.iter().find(|it| it.action == *action);
        pushed_by.is_none_or(|it| {
            it.command != command
                && 0 < n_left
                && is_mistaken(database, &it.command, pushes, n_left - 1)
        })
    })
}

pub(super) fn texts(
    database: &Connection,
    sql: &str,
    parameters: impl rusqlite::Params,
) -> Vec<String> {
    let mut statement = database.prepare_cached(sql).unwrap();
    let rows = statement.query_map(parameters, |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}
