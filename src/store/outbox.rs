//! The outbox: orders to devices, and where each stands.
//!
//! A device has one open push at a time (`amps-api.md` §5.3); further commands for it wait in the order
//! they were given. A command is marked as sending in the transaction that makes it first in line, so its
//! intent is on the disk before its first byte leaves.

use jiff::{SignedDuration, Timestamp};
use rusqlite::OptionalExtension;

use crate::domain::command::Command;
use crate::domain::event::{Event, Payload, Report, Settled, Source};
use crate::domain::id::{ActionId, CommandId, DeviceId, EventId, RuleId};
use crate::domain::lifecycle::{Lifecycle, Outcome, Step};
use crate::store::clock_set::microseconds;
use crate::store::error::Error;
use crate::store::open::{COLUMNS, Open, read};
use crate::store::signal::Area;
use crate::store::writer::Tx;
use crate::store::{cancelling, inbox, line, moment, stamp, story};

/// Puts `command` in line for its device; where nobody is in line, its push starts at once. Doing it
/// twice is doing it once: the id is derived.
pub(crate) fn enqueue(tx: &Tx<'_>, command: &Command, now: Timestamp) -> Result<(), Error> {
    let queued = Lifecycle::Queued {
        attempts: 0,
        due: now,
    };
    let is_first = !tx
        .prepare("SELECT 1 FROM commands WHERE device_id = ?1 AND is_open = 1")?
        .exists([command.device.id.as_str()])?;
    let lifecycle = if is_first {
        let claimed = queued.after(Step::Claimed, now);
        claimed.expect("what is due now can be claimed now")
    } else {
        queued
    };
    let inserted = tx
        .prepare(
            "INSERT INTO commands (id, device_id, run, command, lifecycle, state, due_at, sent_at, attempts,
                 created_at, updated_at, began_at, life, is_open, turn_by)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8 - (SELECT set_by FROM clock), ?9, ?10, ?10,
                 ?10 - (SELECT set_by FROM clock), (SELECT lives FROM clock), 1, ?11)
             ON CONFLICT (id) DO NOTHING",
        )?
        .execute(rusqlite::params![
            command.id.as_str(),
            command.device.id.as_str(),
            command.run.as_str(),
            serde_json::to_string(command)?,
            serde_json::to_string(&lifecycle)?,
            lifecycle.name(),
            (!is_first).then_some(stamp(now)),
            is_first.then_some(stamp(now)),
            lifecycle.attempts(),
            stamp(now),
            (!is_first).then(|| stamp(line::turn_by(command, now))),
        ])?;
    if inserted == 1 && !is_first {
        tx.touch(Area::REQUESTS);
    }
    if inserted == 1 && is_first {
        let detail = story::describe(&Step::Claimed).unwrap_or_default();
        story::note(tx, &command.id, &lifecycle, &detail, now)?;
        tx.touch(Area::REQUESTS);
    }
    Ok(())
}

/// Takes `step` with the command: the one way its life cycle changes.
///
/// Returns where it stands now. A step that cannot be taken changes nothing and gives none: a report
/// that came twice, or late.
pub(crate) fn advance(
    tx: &Tx<'_>,
    id: &CommandId,
    step: Step,
    cause: Option<&EventId>,
    now: Timestamp,
) -> Result<Option<Lifecycle>, Error> {
    match open(tx, id)? {
        Some(open) => take(tx, open, step, cause, now),
        None => Ok(None),
    }
}

/// Takes `step` with a command as it was just read.
fn take(
    tx: &Tx<'_>,
    open: Open,
    step: Step,
    cause: Option<&EventId>,
    now: Timestamp,
) -> Result<Option<Lifecycle>, Error> {
    let id = &open.command.id;
    let detail = story::describe(&step);
    let attempts = open.lifecycle.attempts().unwrap_or_default();
    let Ok(lifecycle) = open.lifecycle.after(step, now) else {
        return Ok(None);
    };
    save(tx, id, &lifecycle, now)?;
    if let Some(detail) = detail {
        story::note(tx, id, &lifecycle, &detail, now)?;
    }
    let is_to_leave = matches!(
        lifecycle,
        Lifecycle::Queued { .. } | Lifecycle::Blocked { .. }
    );
    if is_to_leave && cancelling::is_unwanted(tx, id)? {
        return advance(tx, id, Step::Withdrawn, None, now);
    }
    match &lifecycle {
        Lifecycle::Settled { outcome } => {
            settled(tx, &open.command, outcome.clone(), attempts, cause, now)?;
            promote(tx, &open.command.device.id, now)?;
        }
        // The line stays in order: the one that waits for another attempt is still the first.
        Lifecycle::Queued { .. }
        | Lifecycle::Blocked { .. }
        | Lifecycle::Sending { .. }
        | Lifecycle::InDoubt { .. } => {
            tx.touch(Area::REQUESTS);
        }
        Lifecycle::Acknowledged { .. } => tx.touch(Area::REPORTS),
    }
    Ok(Some(lifecycle))
}

/// Amps has taken the push as `action`. A report that overtook this answer takes effect now.
pub(crate) fn acknowledge(
    tx: &Tx<'_>,
    id: &CommandId,
    step: Step,
    action: &ActionId,
    now: Timestamp,
) -> Result<(), Error> {
    let Some(open) = open(tx, id)? else {
        return Ok(());
    };
    let accepted = open.command.acceptance();
    if take(tx, open, step, None, now)?.is_none() {
        return Ok(());
    }
    if let Some(accepted) = accepted {
        let event = Event {
            id: EventId::accepted(id),
            source: Source::Engine,
            received_at: now,
            payload: Payload::Accepted(accepted),
        };
        inbox::record(tx, event, None)?;
    }
    match inbox::report_on(tx, action)? {
        Some((event, report)) => settle_by_report(tx, &event, &report, now),
        None => Ok(()),
    }
}

/// Lets `report` end the push of ours that it speaks of. A report on anything else changes nothing.
pub(crate) fn settle_by_report(
    tx: &Tx<'_>,
    event: &EventId,
    report: &Report,
    now: Timestamp,
) -> Result<(), Error> {
    let Some(id) = command_of(tx, &report.action)? else {
        return Ok(());
    };
    let Some(open) = open(tx, &id)? else {
        return Ok(());
    };
    let Lifecycle::Acknowledged {
        attempts,
        ref action,
        ..
    } = open.lifecycle
    else {
        return Ok(());
    };
    // An earlier attempt's report that comes late says nothing about the present one.
    if *action != report.action {
        return Ok(());
    }
    let retry_at = open.command.after_outcome(&report.outcome, attempts, now);
    let step = Step::Reported {
        outcome: report.outcome.clone(),
        retry_at,
    };
    take(tx, open, step, Some(event), now)?;
    Ok(())
}

/// The rules of the runs that caused each other, down to the one whose order the report speaks of; none
/// when the action is no push of ours, as far as can be known now.
///
/// While an answer is out, an action of the same command on the same device is taken for ours: Amps has
/// one at a time for each device, and the report may overtake the answer that names it.
pub(crate) fn chain_of_action(tx: &Tx<'_>, report: &Report) -> Result<Option<Vec<RuleId>>, Error> {
    let known = tx
        .prepare("SELECT command_id FROM command_steps WHERE action_id = ?1")?
        .query_row([report.action.as_str()], |row| row.get::<_, String>(0))
        .optional()?;
    if let Some(id) = known {
        return Ok(Some(chain(tx, &CommandId::new(id))?.unwrap_or_default()));
    }
    let waiting = open_where(
        tx,
        "device_id = ?1 AND is_open = 1 AND state IN ('sending', 'in_doubt')",
        [report.device.as_str()],
    )?;
    let ours = waiting
        .iter()
        .find(|open| Some(&open.command.name) == report.command.as_ref());
    Ok(ours.map(|it| it.command.chain_below()))
}

/// The rules of the runs that caused each other, down to the one whose order it is.
pub(crate) fn chain(tx: &Tx<'_>, id: &CommandId) -> Result<Option<Vec<RuleId>>, Error> {
    let found = open_where(tx, "id = ?1", [id.as_str()])?.pop();
    Ok(found.map(|it| it.command.chain_below()))
}

/// The command of ours that is over because of `report`, which came as `event`.
pub(crate) fn settled_by(
    tx: &Tx<'_>,
    event: &EventId,
    report: &Report,
) -> Result<Option<Settled>, Error> {
    let Some(command) = command_of(tx, &report.action)? else {
        return Ok(None);
    };
    let settled = inbox::settled(tx, &EventId::settled(&command))?;
    Ok(settled.filter(|it| it.cause.as_ref() == Some(event)))
}

/// The command of ours that was pushed as `action`.
fn command_of(tx: &Tx<'_>, action: &ActionId) -> Result<Option<CommandId>, Error> {
    let found = tx
        .prepare("SELECT command_id FROM command_steps WHERE action_id = ?1")?
        .query_row([action.as_str()], |row| row.get::<_, String>(0))
        .optional()?;
    Ok(found.map(CommandId::new))
}

/// The command of ours that was pushed as `action`, over or not.
pub(crate) fn pushed_as(tx: &Tx<'_>, action: &ActionId) -> Result<Option<Command>, Error> {
    let Some(id) = command_of(tx, action)? else {
        return Ok(None);
    };
    let found = open_where(tx, "id = ?1", [id.as_str()])?.pop();
    Ok(found.map(|it| it.command))
}

/// Looks up at once what is waited for, whatever was planned. Returns how many commands that are. Once, at
/// a start: much may have happened meanwhile.
pub(crate) fn hurry(tx: &Tx<'_>, now: Timestamp) -> Result<usize, Error> {
    let waiting = open_where(
        tx,
        "is_open = 1 AND state IN ('blocked', 'in_doubt', 'acknowledged')",
        [],
    )?;
    for open in &waiting {
        advance(tx, &open.command.id, Step::Resumed, None, now)?;
    }
    Ok(waiting.len())
}

/// Whether `action` was ever an answer to a push of ours.
pub(crate) fn is_known_action(tx: &Tx<'_>, action: &ActionId) -> Result<bool, Error> {
    Ok(tx
        .prepare("SELECT 1 FROM command_steps WHERE action_id = ?1")?
        .exists([action.as_str()])?)
}

/// Commands that are not over, in the order they were given.
pub(super) fn open_all(tx: &Tx<'_>) -> Result<Vec<Open>, Error> {
    open_where(tx, "is_open = 1 ORDER BY seq", [])
}

/// Commands whose push is under way, or was when the program stopped.
pub(crate) fn sending(tx: &Tx<'_>) -> Result<Vec<Open>, Error> {
    open_where(tx, "is_open = 1 AND state = 'sending'", [])
}

/// The clock was set: what is open waits as long as before.
pub(super) fn move_open(tx: &Tx<'_>, by: SignedDuration) -> Result<(), Error> {
    for open in open_all(tx)? {
        let open = open.moved(by);
        tx.prepare(
            "UPDATE commands SET lifecycle = ?2, due_at = due_at + ?3, cancel_at = cancel_at + ?3,
                 unwanted_at = unwanted_at + ?3, turn_by = turn_by + ?3, command = ?4
             WHERE id = ?1",
        )?
        .execute(rusqlite::params![
            open.command.id.as_str(),
            serde_json::to_string(&open.lifecycle)?,
            microseconds(by),
            serde_json::to_string(&open.command)?,
        ])?;
    }
    Ok(())
}

/// Commands handed out by one call of [`due`]; the rest comes with the next.
const DUE_MAX: usize = 256;

/// Commands in `state` that are first in line and about which something is to be done by `now`.
pub(crate) fn due(tx: &Tx<'_>, state: Waiting, now: Timestamp) -> Result<Vec<Open>, Error> {
    let condition = state.condition();
    open_where(
        tx,
        &format!("{condition} AND due_at <= ?2 ORDER BY due_at LIMIT {DUE_MAX}"),
        rusqlite::params![state.name(), stamp(now)],
    )
}

/// When the next command in `state` that is first in line is due, of those that are due after `after`.
pub(crate) fn next_due(
    tx: &Tx<'_>,
    state: Waiting,
    after: Timestamp,
) -> Result<Option<Timestamp>, Error> {
    let condition = state.condition();
    let next: Option<i64> = tx
        .prepare(&format!(
            "SELECT min(due_at) FROM commands WHERE {condition} AND ?2 < due_at"
        ))?
        .query_row(rusqlite::params![state.name(), stamp(after)], |row| {
            row.get(0)
        })?;
    Ok(next.map(moment))
}

/// A state in which a command waits for a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waiting {
    Queued,
    Blocked,
    InDoubt,
    Acknowledged,
}

impl Waiting {
    fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Blocked => "blocked",
            Self::InDoubt => "in_doubt",
            Self::Acknowledged => "acknowledged",
        }
    }

    /// In this state (`?1`), and first in line for its device: nothing else that is open came before.
    fn condition(self) -> &'static str {
        match self {
            Self::Queued => {
                "is_open = 1 AND state = ?1 AND NOT EXISTS (
                     SELECT 1 FROM commands AS earlier
                     WHERE earlier.is_open = 1 AND earlier.device_id = commands.device_id
                         AND earlier.seq < commands.seq)"
            }
            // Only the first in line is ever pushed, and it stays the first until it is over.
            Self::Blocked | Self::InDoubt | Self::Acknowledged => "is_open = 1 AND state = ?1",
        }
    }
}

/// Marks the first command in line for each device as sending, where it is due and nothing is open.
pub(crate) fn promote_due(tx: &Tx<'_>, now: Timestamp) -> Result<(), Error> {
    for open in due(tx, Waiting::Queued, now)? {
        promote(tx, &open.command.device.id, now)?;
    }
    Ok(())
}

/// Marks the first command in line for `device` as sending, if it is due and nothing is open before it.
fn promote(tx: &Tx<'_>, device: &DeviceId, now: Timestamp) -> Result<(), Error> {
    let first = tx
        .prepare(
            "SELECT id, state, due_at FROM commands
             WHERE device_id = ?1 AND is_open = 1 ORDER BY seq LIMIT 1",
        )?
        .query_row([device.as_str()], |row| {
            Ok((
                row.get::<_, String>(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, Option<i64>>(2)?,
            ))
        })
        .optional()?;
    if let Some((id, state, Some(due))) = first
        && state == Waiting::Queued.name()
    {
        if due <= stamp(now) {
            advance(tx, &CommandId::new(id), Step::Claimed, None, now)?;
        } else {
            // Its time is a deadline of those who push.
            tx.touch(Area::REQUESTS);
        }
    }
    Ok(())
}

pub(super) fn open(tx: &Tx<'_>, id: &CommandId) -> Result<Option<Open>, Error> {
    Ok(open_where(tx, "id = ?1 AND is_open = 1", [id.as_str()])?.pop())
}

pub(super) fn open_where(
    tx: &Tx<'_>,
    condition: &str,
    parameters: impl rusqlite::Params,
) -> Result<Vec<Open>, Error> {
    let mut statement = tx.prepare(&format!("SELECT {COLUMNS} FROM commands WHERE {condition}"))?;
    let mut rows = statement.query(parameters)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

fn save(tx: &Tx<'_>, id: &CommandId, lifecycle: &Lifecycle, now: Timestamp) -> Result<(), Error> {
    let (action, due, sent) = match lifecycle {
        Lifecycle::Queued { due, .. } => (None, Some(*due), None),
        Lifecycle::Sending { .. } => (None, None, Some(now)),
        Lifecycle::Blocked { hold, .. } => (None, Some(hold.look_up_at), None),
        Lifecycle::InDoubt { doubt, .. } => (None, Some(doubt.look_up_at), None),
        Lifecycle::Acknowledged {
            action, look_up_at, ..
        } => (Some(action), Some(*look_up_at), None),
        Lifecycle::Settled { .. } => (None, None, None),
    };
    let is_open = !matches!(lifecycle, Lifecycle::Settled { .. });
    tx.prepare(
        "UPDATE commands SET lifecycle = ?2, state = ?3, action_id = coalesce(?4, action_id),
             due_at = ?5, attempts = coalesce(?6, attempts),
             sent_at = coalesce(?7 - (SELECT set_by FROM clock), sent_at), updated_at = ?8, is_open = ?9,
             over_at = iif(?9, NULL, ?8 - (SELECT set_by FROM clock))
         WHERE id = ?1",
    )?
    .execute(rusqlite::params![
        id.as_str(),
        serde_json::to_string(lifecycle)?,
        lifecycle.name(),
        action.map(ActionId::as_str),
        due.map(stamp),
        lifecycle.attempts(),
        sent.map(stamp),
        stamp(now),
        is_open,
    ])?;
    Ok(())
}

/// Shows the end of commands again whose run still waits for it, and that Amps has taken them: the engine
/// could not handle it then, and a newer program may. Once, at a start.
pub(crate) fn hand_on_unheard(tx: &Tx<'_>) -> Result<(), Error> {
    let mut statement = tx.prepare(
        "SELECT waiting_for, is_open FROM runs JOIN commands ON commands.id = waiting_for
         WHERE runs.state = 'running'",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let command = CommandId::new(row.get::<_, String>(0)?);
        inbox::revive(tx, &EventId::accepted(&command))?;
        if !row.get::<_, bool>(1)? {
            inbox::revive(tx, &EventId::settled(&command))?;
        }
    }
    Ok(())
}

/// Records that `command` is over, so that the run that waits for it goes on.
fn settled(
    tx: &Tx<'_>,
    command: &Command,
    outcome: Outcome,
    attempts: u32,
    cause: Option<&EventId>,
    now: Timestamp,
) -> Result<(), Error> {
    let settled = Settled {
        command: command.id.clone(),
        device: command.device.id.clone(),
        name: command.name.clone(),
        outcome,
        attempts,
        cause: cause.cloned(),
    };
    let event = Event {
        id: EventId::settled(&command.id),
        source: Source::Engine,
        received_at: now,
        payload: Payload::Settled(settled),
    };
    inbox::record(tx, event, None)?;
    Ok(())
}
