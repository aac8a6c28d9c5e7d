//! Who gets a device that more than one run wants, and when.
//!
//! A run at a command step has the device at the priority of its rule until the step is over. Another
//! run takes it over, waits in line, goes on without it, or fails. Nothing of this is a row of its own:
//! the runs say where they stand. Only what a rule keeps beyond its step is.

pub mod lease;
pub(super) mod room;

mod again;
mod in_force;
mod keep;
mod rival;

use std::time::Duration;

use jiff::Timestamp;

pub(super) use crate::engine::arbitration::again::order_again;
pub(super) use crate::engine::arbitration::keep::{keep, keep_to_end};

use crate::clock::later;
use crate::config::home::DeviceAllowance;
use crate::document::duration::display;
use crate::domain::command::Command;
use crate::domain::device::Device;
use crate::domain::id::{DeviceId, RunId};
use crate::engine::arbitration::rival::{
    Rival, RivalClaim, ahead, holders, named, place, priority,
};
use crate::engine::decision::{Change, Decision, FollowUp};
use crate::engine::go_on::{device_of, stands, step_over};
use crate::engine::memory::StepFailure;
use crate::engine::order;
use crate::engine::orders::Orders;
use crate::engine::run::Run;
use crate::engine::state::State;
use crate::engine::terms::Terms;
use crate::engine::trace::clock_time;
use crate::engine::wait::Wait;
use crate::engine::walk::view;
use crate::engine::{Scene, capabilities};
use crate::rules::operation::{Goal, OnConflict};
use crate::rules::rule::{CommandOperation, OperationKind};

/// How long a step waits for its device when it does not say.
const WAIT_DEFAULT: Duration = Duration::from_mins(15);

/// What a command step comes to for now; each with what to say of it.
pub(super) enum Ordered {
    /// The run stands: its order is under way, or it waits for the device.
    Stands(String),
    Over(String),
    Fails(StepFailure),
}

/// What a run finds that wants a device.
enum Claim {
    /// It has it. Those from whom it takes it yield.
    Has(Vec<Rival>),
    Waits(Obstacle),
    /// It goes on without.
    Skips(Rival),
    /// A rival has it, and the step does not wait.
    Refused(Rival),
    Fails(StepFailure),
}

/// Why a run has to wait.
struct Obstacle {
    why: String,
    rival: Option<Rival>,
    /// When time alone may change that.
    until: Option<Timestamp>,
}

/// Gives the order of the step at which `run` stands, if it may have the device now.
pub(super) fn order(
    scene: Scene<'_>,
    run: &mut Run,
    order: &CommandOperation,
    decision: &mut Decision,
) -> Ordered {
    if run.wait.is_none() || run.memory.terms.is_none() {
        match Terms::fix(&order.options, view(scene, run, decision)) {
            Ok(terms) => run.memory.terms = Some(Box::new(terms)),
            Err(reason) => return Ordered::Fails(StepFailure::of_step(reason)),
        }
    }
    let ordered = get(scene, run, order, decision);
    if !matches!(ordered, Ordered::Stands(_)) {
        run.memory.terms = None;
    }
    ordered
}

/// Gets the device for the order, on the terms of the run.
fn get(
    scene: Scene<'_>,
    run: &mut Run,
    order: &CommandOperation,
    decision: &mut Decision,
) -> Ordered {
    let command = match order::command(run, order, view(scene, run, decision)) {
        Ok(command) => command,
        Err(reason) => return Ordered::Fails(StepFailure::of_step(reason)),
    };
    // Whoever asks to keep the device counts on having it.
    if let Err(reason) = keep::until(scene, run, order, decision) {
        return Ordered::Fails(StepFailure::of_step(reason));
    }
    let unchanged = (!order.options.force)
        .then(|| in_force::in_force(scene, &command))
        .flatten();
    // What changes nothing takes the device from nobody, unless it is to be kept.
    if let (Some(unchanged), None) = (&unchanged, &order.options.lease_until) {
        return Ordered::Over(unchanged.clone());
    }
    // Before anybody yields to it or is waited for.
    if unchanged.is_none()
        && let Some(failure) = capabilities::refuse_command(scene, &command)
    {
        return Ordered::Fails(failure);
    }
    let taken = match claim(scene, run, order, unchanged.is_none(), decision) {
        Claim::Has(taken) => taken,
        Claim::Waits(obstacle) => return stand_in_line(scene, run, order, obstacle, decision),
        Claim::Skips(rival) => {
            told_in_vain(
                scene,
                run,
                &rival,
                "and goes on without it",
                order,
                decision,
            );
            let why = rival.describe(scene, &order.device);
            return Ordered::Over(format!("skipped: {why}"));
        }
        Claim::Refused(rival) => {
            told_in_vain(scene, run, &rival, "and fails", order, decision);
            let why = rival.describe(scene, &order.device);
            let reason = format!("`{}` was not ordered: {why}", order.command);
            return Ordered::Fails(refused(reason));
        }
        Claim::Fails(failure) => return Ordered::Fails(failure),
    };
    let mut note = match &unchanged {
        Some(unchanged) => unchanged.clone(),
        None => ordered(scene, &command),
    };
    for rival in &taken {
        note.push_str("; took it over from ");
        note.push_str(&rival.name());
    }
    take_over(scene, run, &order.device, taken, decision);
    if unchanged.is_some() {
        keep(scene, run, decision);
        return Ordered::Over(note);
    }
    give(scene, run, order, command, note, decision)
}

/// What is said of an order that is given.
fn ordered(scene: Scene<'_>, command: &Command) -> String {
    let Command { device, timing, .. } = command;
    let time = |word, at: Option<Timestamp>| {
        at.map(|it| format!(", {word} {}", clock_time(scene, it)))
            .unwrap_or_default()
    };
    let (from, to) = (time("from", timing.start), time("to", timing.end));
    format!("ordered `{}` of `{}`{from}{to}", command.name, device.alias)
}

/// The order leaves; whether the run waits for its end, its options say.
fn give(
    scene: Scene<'_>,
    run: &mut Run,
    order: &CommandOperation,
    command: Command,
    mut note: String,
    decision: &mut Decision,
) -> Ordered {
    let id = command.id.clone();
    let plans = rival::plans_that_give_way(scene, &command);
    if !plans.is_empty() {
        note.push_str("; calls off what was planned for it");
    }
    decision.withdrawn.extend(plans);
    decision.order(command, scene.now);
    match order.options.wait_for {
        Goal::Nothing => {
            keep(scene, run, decision);
            Ordered::Over(format!("{note}; does not wait for the end"))
        }
        Goal::Completed | Goal::Accepted => {
            // A step that waited for the device has a part of its time left.
            let left = run.until.filter(|_| run.wait.is_some());
            let full = order.options.timeout.map(|it| later(scene.now, it));
            run.until = full.map(|it| left.unwrap_or(it));
            if let Some(terms) = &mut run.memory.terms {
                terms.deadline = run.until;
            }
            run.wait = Some(Wait::Command {
                command: id,
                earlier: 0,
            });
            Ordered::Stands(note)
        }
    }
}

fn stand_in_line(
    scene: Scene<'_>,
    run: &mut Run,
    order: &CommandOperation,
    obstacle: Obstacle,
    decision: &mut Decision,
) -> Ordered {
    if matches!(run.wait, Some(Wait::Device { .. })) {
        return Ordered::Stands(obstacle.why);
    }
    let device = &order.device;
    run.wait = Some(Wait::Device {
        device: device.id.clone(),
        since: scene.now,
    });
    // Nobody has to name a time that is longer than what the device itself asks for.
    let free_at = held_until(scene, device, decision).unwrap_or(scene.now);
    let until = match order.options.timeout {
        Some(timeout) => later(scene.now, timeout),
        None => later(free_at.max(scene.now), WAIT_DEFAULT),
    };
    run.until = Some(until);
    if let Some(rival) = &obstacle.rival {
        told_in_vain(scene, run, rival, "and waits", order, decision);
    }
    // By itself, since it may be free once all of this is true.
    decision.follow_ups.push(FollowUp::Ask(run.id.clone()));
    Ordered::Stands(format!(
        "waits for `{}`: {}; until {} at the latest",
        device.alias,
        obstacle.why,
        clock_time(scene, until)
    ))
}

/// Whether `run` gets the device of its step now. An order that would change nothing (`sends` is false)
/// needs no room.
fn claim(
    scene: Scene<'_>,
    run: &Run,
    order: &CommandOperation,
    sends: bool,
    decision: &Decision,
) -> Claim {
    let device = &order.device;
    let own = priority(scene, &run.rule);
    let floor = allowance(scene, device).priority_floor;
    if own < floor {
        return Claim::Fails(refused(format!(
            "`{}` takes orders of rules with priority {floor} and more (`priority_floor` in home.yaml), and {} has less",
            device.alias,
            named(&run.rule, own),
        )));
    }
    let holders = holders(scene, run, device, decision);
    let on_conflict = order.options.on_conflict;
    let stands =
        |it: &Rival| own < it.priority || own == it.priority && on_conflict != OnConflict::Replace;
    let strongest = holders.iter().max_by_key(|it| it.priority).cloned();
    let strongest = strongest.filter(stands);
    // Behind a holder that yields, somebody may wait who comes first.
    let first = || ahead(scene, run, device, decision).filter(stands);
    if let Some(rival) = strongest.or_else(first) {
        match on_conflict {
            OnConflict::Wait => return Claim::Waits(Obstacle::of(scene, device, rival)),
            OnConflict::Skip => return Claim::Skips(rival),
            OnConflict::Replace | OnConflict::Fail => return Claim::Refused(rival),
        }
    }
    if let Some(until) = held_until(scene, device, decision).filter(|_| sends) {
        let hold = allowance(scene, device).min_hold.unwrap_or_default();
        return Claim::Waits(Obstacle {
            why: format!(
                "it takes an order every {} at most, the next at {}",
                display(hold),
                clock_time(scene, until)
            ),
            rival: None,
            until: Some(until),
        });
    }
    if sends && let Some(reason) = room::full(scene, device, decision) {
        return Claim::Fails(StepFailure {
            outcome: "limited".to_owned(),
            ..StepFailure::of_step(reason)
        });
    }
    Claim::Has(holders)
}

impl Obstacle {
    fn of(scene: Scene<'_>, device: &Device, rival: Rival) -> Self {
        let until = match rival.claim {
            RivalClaim::Keeps(until) => Some(until),
            RivalClaim::Has | RivalClaim::WaitsFirst => None,
        };
        Self {
            why: rival.describe(scene, device),
            rival: Some(rival),
            until,
        }
    }
}

fn allowance(scene: Scene<'_>, device: &Device) -> DeviceAllowance {
    let found = scene.rules.allowance.devices.get(&device.id);
    found.copied().unwrap_or_default()
}

/// Until when the device takes no further order (`min_hold`); none when it takes one now.
fn held_until(scene: Scene<'_>, device: &Device, decision: &Decision) -> Option<Timestamp> {
    let hold = allowance(scene, device).min_hold?;
    let mut pending = decision.commands.iter();
    let just_now = pending.any(|it| it.device.id == device.id);
    let given = scene.state.orders(&device.id).map(|it| it.last(None));
    let given = if just_now {
        Some(scene.now)
    } else {
        given.and_then(|it| it.given)
    };
    given.map(|it| later(it, hold)).filter(|it| scene.now < *it)
}

fn refused(reason: String) -> StepFailure {
    StepFailure {
        outcome: "refused".to_owned(),
        ..StepFailure::of_step(reason)
    }
}

/// Writes into the rival's story that `run` wanted its device.
fn told_in_vain(
    scene: Scene<'_>,
    run: &Run,
    rival: &Rival,
    what_then: &str,
    order: &CommandOperation,
    decision: &mut Decision,
) {
    let who = named(&run.rule, priority(scene, &run.rule));
    let said = format!("{who} wants `{}` {what_then}", order.device.alias);
    rival.tell(scene, said, decision);
}

/// Those who had the device lose it.
fn take_over(
    scene: Scene<'_>,
    run: &Run,
    device: &Device,
    taken: Vec<Rival>,
    decision: &mut Decision,
) {
    for rival in taken {
        let by = named(&run.rule, priority(scene, &run.rule));
        let reason = format!("displaced: {by} took `{}` over", device.alias);
        match rival.claim {
            RivalClaim::Has => decision.follow_ups.push(FollowUp::Displace {
                run: rival.run,
                reason,
            }),
            RivalClaim::Keeps(_) => {
                rival.tell(scene, reason, decision);
                let device = device.id.clone();
                decision.changes.push(Change::Released { device });
            }
            RivalClaim::WaitsFirst => {}
        }
    }
}

/// The run has lost its device: what it ordered is called off if it has not been sent.
pub(super) fn displace(scene: Scene<'_>, run: &RunId, reason: &str, decision: &mut Decision) {
    let Some(run) = scene.state.run(run) else {
        return;
    };
    match &run.wait {
        Some(Wait::Command { command, .. }) => decision.withdrawn.push(command.clone()),
        Some(Wait::Verify { .. }) => {}
        Some(_) | None => return,
    }
    let failure = StepFailure {
        outcome: "displaced".to_owned(),
        device: run.operation().and_then(|it| device_of(&it.kind)),
        ..StepFailure::of_step(reason.to_owned())
    };
    step_over(
        scene,
        run.clone(),
        (reason.to_owned(), Some(failure)),
        decision,
    );
}

/// Asks again for the device that `run` waits for.
pub(super) fn ask(scene: Scene<'_>, run: &Run, decision: &mut Decision) {
    let Some(OperationKind::Command(wanted)) = run.operation().map(|it| &it.kind) else {
        return;
    };
    let before = run;
    let mut run = before.clone();
    match order(scene, &mut run, wanted, decision) {
        Ordered::Stands(said) if run.wait != before.wait => stands(scene, run, said, decision),
        Ordered::Stands(_) => decision.changes.push(Change::RunAsks {
            run: run.id.clone(),
            at: next_ask(scene, before, decision),
        }),
        Ordered::Over(said) => step_over(scene, run, (said, None), decision),
        Ordered::Fails(failure) => {
            let said = failure.reason.clone();
            step_over(scene, run, (said, Some(failure)), decision);
        }
    }
}

/// When time alone may change something for a run in line: the device is free, or its window is over.
fn next_ask(scene: Scene<'_>, run: &Run, decision: &Decision) -> Option<Timestamp> {
    let free = obstacle(scene, run, decision).and_then(|it| it.until);
    let over = run.memory.terms.as_ref().and_then(|it| it.timing.end);
    free.into_iter().chain(over).min()
}

/// What `run` waits for at a device.
fn obstacle(scene: Scene<'_>, run: &Run, decision: &Decision) -> Option<Obstacle> {
    let Some(OperationKind::Command(order)) = run.operation().map(|it| &it.kind) else {
        return None;
    };
    match claim(scene, run, order, true, decision) {
        Claim::Waits(obstacle) => Some(obstacle),
        Claim::Has(_) | Claim::Skips(_) | Claim::Refused(_) | Claim::Fails(_) => None,
    }
}

/// Why the device has not become free in time.
pub(super) fn waited_in_vain(scene: Scene<'_>, run: &Run, decision: &Decision) -> String {
    let why = obstacle(scene, run, decision).map(|it| format!(": {}", it.why));
    format!(
        "the device did not become free in time{}",
        why.unwrap_or_default()
    )
}

/// The first in line for the device asks for it.
pub(super) fn next(scene: Scene<'_>, device: &DeviceId, decision: &mut Decision) {
    let line = scene.state.leases().line(device);
    let runs = line.filter_map(|it| scene.state.run(it));
    if let Some(first) = runs.min_by_key(|it| place(scene, it)) {
        ask(scene, first, decision);
    }
}

/// The devices that somebody waits for and that `decision` sets free.
pub(super) fn freed(state: &State, decision: &Decision) -> Vec<FollowUp> {
    let moved_on = decision.moved_on.iter().filter_map(|it| state.run(it));
    let mut devices: Vec<&DeviceId> = moved_on.filter_map(lease::device).collect();
    devices.extend(decision.changes.iter().filter_map(released));
    devices.dedup();
    let leases = state.leases();
    let wanted = devices
        .into_iter()
        .filter(|it| leases.line(it).next().is_some());
    let device_free = |device: &DeviceId| FollowUp::DeviceFree {
        device: device.clone(),
    };
    wanted.map(device_free).collect()
}

#[expect(clippy::wildcard_enum_match_arm, reason = "one kind is asked for")]
fn released(change: &Change) -> Option<&DeviceId> {
    match change {
        Change::Released { device } => Some(device),
        _ => None,
    }
}

/// Every device is anybody's again, and no order leaves that has not left yet.
pub(super) fn stop_all(scene: Scene<'_>, decision: &mut Decision) {
    // Those too that no run waits for.
    let open = scene.state.all_orders().flat_map(Orders::open);
    decision.withdrawn.extend(open.cloned());
    let kept = scene.state.leases().each_kept().cloned();
    let released = kept.map(|device| Change::Released { device });
    decision.changes.extend(released);
}
