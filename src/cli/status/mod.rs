//! `status`: how the home is, in one look. The engine is asked whether it runs; the rest is in the database.

pub(super) mod text;

use std::path::Path;

use jiff::Timestamp;
use serde::Serialize;

use crate::cli::console::Console;
use crate::cli::devices::{DeviceRow, InputRow, Sources};
use crate::cli::standing::{self, Reason, Standing};
use crate::cli::words::Words;
use crate::cli::{Exit, engine};
use crate::clock::Clock;
use crate::config;
use crate::config::environment::Environment;
use crate::control::{Done, Wish};
use crate::domain::id::{RuleId, RunId};
use crate::domain::lifecycle::Lifecycle;
use crate::store::view::{AmpsLinkRow, EventRow, OpenCommand, Unreadable, View, file_bytes};

/// The moments to come that are shown.
const NEXT_MAX: usize = 5;

#[derive(Debug, Serialize)]
struct Status {
    engine: EngineNow,
    /// `home.yaml` can be used.
    is_home_sound: bool,
    rules: Vec<RuleNow>,
    commands: Vec<CommandNow>,
    /// Whether Amps answers; none while no engine of this version has run.
    amps: Option<AmpsLinkRow>,
    last_webhook: Option<EventRow>,
    devices: Vec<DeviceRow>,
    inputs: Vec<InputRow>,
    /// What comes next by the time alone, the first first.
    next: Vec<Next>,
    dead_letters: u64,
    database: Option<Database>,
}

#[derive(Debug, Serialize)]
struct EngineNow {
    is_running: bool,
    /// Why it cannot be reached.
    problem: Option<String>,
    version: Option<String>,
    since: Option<Timestamp>,
}

#[derive(Debug, Serialize)]
struct RuleNow {
    rule: RuleId,
    file: String,
    line: usize,
    /// As in `why`; empty for a rule that nothing keeps from running.
    now: Vec<Reason>,
}

/// An order that is not over.
#[derive(Debug, Serialize)]
struct CommandNow {
    id: String,
    device: String,
    command: String,
    state: String,
    rule: String,
    created_at: Timestamp,
    age_seconds: u64,
    /// In one line.
    waits_for: String,
}

#[derive(Debug, Serialize)]
struct Next {
    at: Timestamp,
    rule: RuleId,
    /// None for a trigger.
    run: Option<RunId>,
}

#[derive(Debug, Serialize)]
struct Database {
    /// The file, and what is written beside it.
    bytes: u64,
    /// What rows take of it.
    bytes_used: u64,
    /// As `database_max` in home.yaml has it, which bounds the rows.
    bytes_max: Option<u64>,
}

pub(super) fn status(dir: &Path, as_json: bool, console: &mut Console) -> anyhow::Result<Exit> {
    let engine = engine_now(dir)?;
    let view = View::open(dir)?;
    let (words, names) = standing::words(dir, Clock::System.now());
    let standing = Standing::read(dir, &names, view.as_ref())?;
    let home = config::load(dir, &Environment::of_process()).home;
    let sources = Sources::read(view.as_ref(), &names, &words, &standing)?;
    let view = view.as_ref();
    let status = Status {
        is_home_sound: home.is_some(),
        rules: rules(&standing, view, &words)?,
        commands: commands(&sources.commands, &words),
        // A database that was not brought up to date yet has no such table.
        amps: view.and_then(|it| it.amps_link(words.now).ok()),
        last_webhook: view.map_or(Ok(None), View::last_webhook)?,
        devices: sources.devices(),
        inputs: sources.inputs(),
        next: next(&standing, view, words.now)?,
        dead_letters: view.map_or(Ok(0), View::dead_letters_count)?,
        database: match (view, file_bytes(dir)) {
            (Some(view), Some(bytes)) => Some(Database {
                bytes,
                bytes_used: view.bytes_used()?,
                bytes_max: home.map(|it| it.retention.database_max),
            }),
            (None, _) | (_, None) => None,
        },
        engine,
    };
    if as_json {
        console.json(&status)?;
    } else {
        status.write(&words, &mut console.out)?;
    }
    Ok(if status.engine.is_running {
        Exit::Done
    } else {
        Exit::Unreachable
    })
}

fn engine_now(dir: &Path) -> std::io::Result<EngineNow> {
    let mut now = EngineNow {
        is_running: false,
        problem: None,
        version: None,
        since: None,
    };
    match engine::asked(dir, &Wish::About)? {
        Ok(Ok(Done::About(about))) => {
            now.is_running = true;
            now.version = Some(about.version);
            now.since = Some(about.since);
        }
        Ok(Ok(_)) => now.problem = Some("the engine gave another answer".to_owned()),
        Ok(Err(refusal)) => now.problem = Some(refusal.error),
        Err(unanswered) => now.problem = Some(unanswered.to_string()),
    }
    Ok(now)
}

fn rules(
    standing: &Standing,
    view: Option<&View>,
    words: &Words,
) -> Result<Vec<RuleNow>, Unreadable> {
    let mut found = Vec::new();
    for (id, known) in &standing.rules {
        let last = match view {
            Some(view) => view.last_run_of(id.as_str(), Timestamp::MAX)?,
            None => None,
        };
        let last = last.map(|it| it.started_at);
        found.push(RuleNow {
            rule: id.clone(),
            file: known.file.clone(),
            line: known.line,
            now: standing.reasons(id, last, words),
        });
    }
    Ok(found)
}

fn commands(open: &[OpenCommand], words: &Words) -> Vec<CommandNow> {
    let commands = open.iter().enumerate().map(|(index, it)| {
        let row = &it.row;
        let before = open[..index].iter().rev();
        let ahead = before.map(|it| &it.row).find(|it| it.device == row.device);
        let age = words.now.duration_since(row.created_at).as_secs();
        CommandNow {
            id: row.id.clone(),
            device: row.device.clone(),
            command: row.command.clone(),
            state: row.state.clone(),
            rule: row.rule.clone(),
            created_at: row.created_at,
            age_seconds: u64::try_from(age).unwrap_or_default(),
            waits_for: waits_for(it, ahead.map(|it| it.id.as_str()), words),
        }
    });
    commands.collect()
}

/// What an order waits for that is behind the order `ahead`.
fn waits_for(open: &OpenCommand, ahead: Option<&str>, words: &Words) -> String {
    match (&open.lifecycle, ahead) {
        (Lifecycle::Queued { .. }, Some(ahead)) => {
            let until = open
                .turn_by
                .map(|it| format!("; given up at {}", words.time(it)));
            format!("its turn, behind {ahead}{}", until.unwrap_or_default())
        }
        (Lifecycle::Queued { due, .. }, None) => {
            // When, it tells in the time of Amps.
            let told = open
                .told
                .as_deref()
                .and_then(|it| it.split("; again at ").next());
            let why = told.map(|it| format!(": {it}")).unwrap_or_default();
            format!("another attempt at {}{why}", words.time(*due))
        }
        (Lifecycle::Blocked { hold, .. }, _) => format!(
            "another action that holds the device: looked up at {}, given up at {}",
            words.time(hold.look_up_at),
            words.time(hold.deadline)
        ),
        (Lifecycle::Sending { .. }, _) => "the answer of Amps".to_owned(),
        (Lifecycle::InDoubt { doubt, .. }, _) => format!(
            "whether Amps has it: looked up at {}, given up at {}",
            words.time(doubt.look_up_at),
            words.time(doubt.deadline)
        ),
        (
            Lifecycle::Acknowledged {
                look_up_at,
                deadline,
                ..
            },
            _,
        ) => match open.cancel_at {
            Some(at) => format!("its end: Amps is asked to cancel it at {}", words.time(at)),
            None => format!(
                "the report of Amps: looked up at {}, given up at {}",
                words.time(*look_up_at),
                words.time(*deadline)
            ),
        },
        (Lifecycle::Settled { .. }, _) => "nothing".to_owned(),
    }
}

fn next(standing: &Standing, view: Option<&View>, now: Timestamp) -> Result<Vec<Next>, Unreadable> {
    let timers = view.map_or_else(|| Ok(Vec::new()), View::timers)?;
    let timers = timers.into_iter().map(|it| Next {
        at: it.due_at,
        rule: it.rule,
        run: None,
    });
    let runs = standing.runs.iter().filter_map(|it| {
        Some(Next {
            at: it.until?,
            rule: it.rule.clone(),
            run: Some(it.id.clone()),
        })
    });
    let mut next: Vec<Next> = timers.chain(runs).filter(|it| now <= it.at).collect();
    next.sort_by_key(|it| it.at);
    next.truncate(NEXT_MAX);
    Ok(next)
}
