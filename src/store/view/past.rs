//! A stretch of time as it is on record, for playing it again.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::domain::event::{Event, Source};
use crate::domain::id::{ActionId, DeviceId, EventId, RuleId, RunId};
use crate::domain::lifecycle::Lifecycle;
use crate::engine::arbitration::lease::Kept;
use crate::engine::run::RunEnd;
use crate::replay::Span;
use crate::replay::past::{Past, PastCommand, PastRun, Remembered};
use crate::store::stamp;
use crate::store::view::{Unreadable, View, json, limit, maybe_moment, moment};

/// What took effect between two moments; before that, the last word of each device and input.
const EVENTS: &str = "SELECT id, source, received_at, payload FROM events
     WHERE state = 'done' AND payload IS NOT NULL
         AND (received_at BETWEEN ?1 AND ?2
             OR seq IN (
                 SELECT max(seq) FROM events
                 WHERE kind IN ('readings', 'input', 'capabilities') AND state = 'done' AND received_at < ?1
                 GROUP BY kind, coalesce(payload ->> '$.device', payload ->> '$.input')))
     ORDER BY seq LIMIT ?3";

const RUNS: &str = "SELECT id, rule, parent, run_key, state, reason, started_at, ended_at,
         (SELECT trace ->> '$.trigger' FROM traces
          WHERE run = runs.id AND trace ->> '$.trigger' IS NOT NULL ORDER BY seq LIMIT 1)
     FROM runs WHERE started_at <= ?2 AND (ended_at IS NULL OR ?1 <= ended_at) ORDER BY seq";

const COMMANDS: &str =
    "SELECT id, command, lifecycle, created_at, updated_at, cancel_at IS NOT NULL FROM commands
     WHERE created_at <= ?2 AND (is_open = 1 OR ?1 <= updated_at) ORDER BY seq";

/// A run that is over keeps what it kept then; one whose row is gone was over long before.
const LEASES: &str = "SELECT device_id, leases.rule, run, until, by_clock
     FROM leases LEFT JOIN runs ON runs.id = leases.run
     WHERE ?1 < until AND (runs.id IS NULL OR runs.ended_at < ?1) ORDER BY device_id";

/// With `max`, SQLite takes the other columns from the row that has it.
const SEEN_PAUSED: &str = "SELECT max(at), rule, trace ->> '$.verdict.because' FROM traces
     WHERE ?1 <= at AND at < ?2 AND trace ->> '$.verdict.verdict' = 'paused' GROUP BY rule ORDER BY rule";

/// When pushes left, and what Amps made of them.
const PUSHES: &str = "SELECT command_id, at, action_id FROM command_steps
     WHERE (action_id IS NOT NULL OR state = 'sending') AND at <= ?1 ORDER BY seq";

/// Of one command.
#[derive(Clone, Default)]
struct Pushes {
    left_at: Option<Timestamp>,
    accepted_at: Option<Timestamp>,
    actions: Vec<ActionId>,
}

impl View {
    /// What is on record of `span`; none when there are more than `events_max` events.
    pub fn past(&self, span: &Span, events_max: usize) -> Result<Option<Past>, Unreadable> {
        // All lists as they are at one moment, whatever the engine writes meanwhile.
        let _snapshot = self.connection.unchecked_transaction()?;
        let (warm, since, until) = (stamp(span.warm()), stamp(span.since), stamp(span.until));
        let most = limit(events_max.saturating_add(1));
        let events = self.list(EVENTS, [warm, until, most], |row| {
            Ok(Event {
                id: EventId::new(row.get::<_, String>(0)?),
                source: source(&row.get::<_, String>(1)?),
                received_at: moment(row, 2)?,
                payload: json(row, 3)?,
            })
        })?;
        if events_max < events.len() {
            return Ok(None);
        }
        let told = "SELECT created_at, notification FROM notifications
             WHERE created_at BETWEEN ?1 AND ?2 ORDER BY seq";
        let asked = "SELECT created_at, request FROM http_requests
             WHERE created_at BETWEEN ?1 AND ?2 ORDER BY seq";
        let written = "SELECT created_at, write FROM setting_writes
             WHERE created_at BETWEEN ?1 AND ?2 ORDER BY seq";
        let paused = "SELECT paused_at, rule, reason FROM paused_rules
             WHERE paused_at < ?1 AND is_over = 0 ORDER BY rule";
        let remembered = "SELECT rule, name, value, set_at FROM rule_state
             WHERE set_at < ?1 ORDER BY rule, name";
        Ok(Some(Past {
            events,
            declared: {
                let declared = self.declared()?.into_iter();
                declared.filter(|it| it.at < span.warm()).collect()
            },
            runs: self.past_runs(warm, until)?,
            commands: self.past_commands(warm, until)?,
            notifications: self.list(told, [since, until], |row| {
                Ok((moment(row, 0)?, json(row, 1)?))
            })?,
            requests: self.list(asked, [since, until], |row| {
                Ok((moment(row, 0)?, json(row, 1)?))
            })?,
            writes: self.list(written, [since, until], |row| {
                Ok((moment(row, 0)?, json(row, 1)?))
            })?,
            remembered: self.list(remembered, [since], |row| {
                Ok(Remembered {
                    rule: RuleId::new(row.get::<_, String>(0)?),
                    name: row.get(1)?,
                    value: json(row, 2)?,
                    at: moment(row, 3)?,
                })
            })?,
            seen_paused: self.list(SEEN_PAUSED, [warm, since], |row| {
                let rule = RuleId::new(row.get::<_, String>(1)?);
                Ok((moment(row, 0)?, rule, row.get(2)?))
            })?,
            leases: self.list(LEASES, [since], |row| {
                let device = DeviceId::new(row.get::<_, String>(0)?);
                let kept = Kept {
                    rule: RuleId::new(row.get::<_, String>(1)?),
                    run: RunId::new(row.get::<_, String>(2)?),
                    until: moment(row, 3)?,
                    by_clock: row.get(4)?,
                };
                Ok((device, kept))
            })?,
            paused: self.list(paused, [since], |row| {
                let rule = RuleId::new(row.get::<_, String>(1)?);
                Ok((moment(row, 0)?, rule, row.get(2)?))
            })?,
        }))
    }

    fn past_runs(&self, warm: i64, until: i64) -> Result<Vec<PastRun>, Unreadable> {
        self.list(RUNS, [warm, until], |row| {
            let state: String = row.get(4)?;
            let reason = row.get::<_, Option<String>>(5)?.unwrap_or_default();
            let end = match state.as_str() {
                "running" => None,
                "completed" => Some(RunEnd::Completed),
                "failed" => Some(RunEnd::Failed { reason }),
                _ => Some(RunEnd::Stopped { reason }),
            };
            let started_at = moment(row, 6)?;
            let ended_at = maybe_moment(row, 7)?.unwrap_or(started_at);
            Ok(PastRun {
                id: RunId::new(row.get::<_, String>(0)?),
                rule: RuleId::new(row.get::<_, String>(1)?),
                parent: row.get::<_, Option<String>>(2)?.map(RunId::new),
                key: row.get(3)?,
                trigger: row.get(8)?,
                started_at,
                end: end.map(|it| (ended_at, it)),
            })
        })
    }

    fn past_commands(&self, warm: i64, until: i64) -> Result<Vec<PastCommand>, Unreadable> {
        let mut pushes: BTreeMap<String, Pushes> = BTreeMap::new();
        for (command, at, action) in self.list(PUSHES, [until], |row| {
            let action = row.get::<_, Option<String>>(2)?;
            Ok((row.get::<_, String>(0)?, moment(row, 1)?, action))
        })? {
            let of_command = pushes.entry(command).or_default();
            of_command.left_at.get_or_insert(at);
            if let Some(action) = action {
                of_command.accepted_at.get_or_insert(at);
                of_command.actions.push(ActionId::new(action));
            }
        }
        self.list(COMMANDS, [warm, until], |row| {
            let updated_at = moment(row, 4)?;
            let end = match json(row, 2)? {
                Lifecycle::Settled { outcome } => Some((updated_at, outcome)),
                Lifecycle::Queued { .. }
                | Lifecycle::Sending { .. }
                | Lifecycle::Blocked { .. }
                | Lifecycle::InDoubt { .. }
                | Lifecycle::Acknowledged { .. } => None,
            };
            let id: String = row.get(0)?;
            let pushes = pushes.get(&id).cloned().unwrap_or_default();
            Ok(PastCommand {
                command: json(row, 1)?,
                created_at: moment(row, 3)?,
                left_at: pushes.left_at,
                accepted_at: pushes.accepted_at,
                is_unwanted: row.get(5)?,
                actions: pushes.actions,
                end,
            })
        })
    }
}

/// A word of a newer program is one of the engine's own.
fn source(name: &str) -> Source {
    let known = [
        Source::Webhook,
        Source::LookUp,
        Source::Poll,
        Source::Person,
    ];
    let mut known = known.into_iter();
    known.find(|it| it.name() == name).unwrap_or(Source::Engine)
}
