//! What is not over: runs and where they stand, rules that are paused or not decided, devices that are kept.

use jiff::Timestamp;
use rusqlite::Row;

use crate::domain::device::Device;
use crate::domain::id::{DeviceId, RuleId, RunId};
use crate::engine::call::WaitingCall;
use crate::engine::wait::Wait;
use crate::rules::rule::{OperationKind, Place, Program};
use crate::store::view::{Unreadable, View, json, maybe_moment, moment};

/// A run that is not over.
#[derive(Debug)]
pub struct OpenRun {
    pub id: RunId,
    pub rule: RuleId,
    /// The run of which it is a branch.
    pub parent: Option<RunId>,
    pub started_at: Timestamp,
    /// None while it is on its way, and for runs of older programs.
    pub wait: Option<Wait>,
    /// When the time of that is over.
    pub until: Option<Timestamp>,
    /// The step at which it stands.
    pub place: Option<Place>,
    /// The device that this step orders something of.
    pub device: Option<Device>,
}

/// A rule that is not to run for now.
#[derive(Debug)]
pub struct PausedRule {
    pub rule: RuleId,
    pub reason: String,
    pub since: Timestamp,
}

/// A device that a rule keeps beyond its step.
#[derive(Debug)]
pub struct Lease {
    pub device: DeviceId,
    pub rule: RuleId,
    pub run: RunId,
    pub until: Timestamp,
}

impl View {
    /// In the order in which they began, branches among them.
    pub fn open_runs(&self) -> Result<Vec<OpenRun>, Unreadable> {
        let sql = "SELECT runs.id, rule, parent, started_at, wait, wait_until, position, program
             FROM runs LEFT JOIN programs USING (version) WHERE state = 'running' ORDER BY seq";
        self.list(sql, [], open_run)
    }

    /// In the order of their ids.
    pub fn paused_rules(&self) -> Result<Vec<PausedRule>, Unreadable> {
        let sql =
            "SELECT rule, reason, paused_at FROM paused_rules WHERE is_over = 0 ORDER BY rule";
        self.list(sql, [], |row| {
            Ok(PausedRule {
                rule: RuleId::new(row.get::<_, String>(0)?),
                reason: row.get(1)?,
                since: moment(row, 2)?,
            })
        })
    }

    /// Rules that were woken, and of which it is not decided whether they may run.
    pub fn waiting_calls(&self) -> Result<Vec<WaitingCall>, Unreadable> {
        let sql = "SELECT call FROM waiting_calls ORDER BY until, run";
        self.list(sql, [], |row| json(row, 0))
    }

    /// In the order of the devices.
    pub fn leases(&self) -> Result<Vec<Lease>, Unreadable> {
        let sql = "SELECT device_id, rule, run, until FROM leases ORDER BY device_id";
        self.list(sql, [], |row| {
            Ok(Lease {
                device: DeviceId::new(row.get::<_, String>(0)?),
                rule: RuleId::new(row.get::<_, String>(1)?),
                run: RunId::new(row.get::<_, String>(2)?),
                until: moment(row, 3)?,
            })
        })
    }
}

/// What an older program wrote in a way that cannot be read is left out.
fn open_run(row: &Row<'_>) -> Result<OpenRun, Unreadable> {
    let wait = row.get::<_, Option<String>>(4)?;
    let program = row.get::<_, Option<String>>(7)?.unwrap_or_default();
    let program: Option<Program> = serde_json::from_str(&program).ok();
    let position = usize::try_from(row.get::<_, i64>(6)?).unwrap_or_default();
    let step = program.and_then(|it| it.operations.into_iter().nth(position));
    let place = step.as_ref().map(|it| it.place.clone());
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "one kind of step has a device"
    )]
    let device = step.and_then(|it| match it.kind {
        OperationKind::Command(order) => Some(order.device),
        _ => None,
    });
    Ok(OpenRun {
        id: RunId::new(row.get::<_, String>(0)?),
        rule: RuleId::new(row.get::<_, String>(1)?),
        parent: row.get::<_, Option<String>>(2)?.map(RunId::new),
        started_at: moment(row, 3)?,
        wait: wait.and_then(|it| serde_json::from_str(&it).ok()),
        until: maybe_moment(row, 5)?,
        place,
        device,
    })
}
