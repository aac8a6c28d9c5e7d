//! Steps at which a run stands still: what it waits for when it comes there, and when it asks again.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use crate::clock::later;
use crate::domain::device::Device;
use crate::domain::id::{DeviceId, RunId};
use crate::engine::Scene;
use crate::engine::decision::{Decision, FollowUp};
use crate::engine::memory::{Memory, Plan, Round, StepFailure, demand};
use crate::engine::run::Run;
use crate::engine::schedule::wall_clock;
use crate::engine::trace::Trace;
use crate::engine::trigger::hear::arm;
use crate::engine::trigger::memory::TriggerMemory;
use crate::engine::wait::Wait;
use crate::engine::walk::{ask, view};
use crate::engine::{freshness, go_on};
use crate::rules::condition::Block;
use crate::rules::expr::program::{Read, Source};
use crate::rules::expr::value::Value;
use crate::rules::operation::{
    Awaited, DelayOperation, ParallelOperation, ReadOperation, WaitOperation,
};
use crate::rules::rule::{Condition, IfUnknown, OperationKind, Test, TimeTest};

/// The longest that a run waits for anything; a step that names no time waits this long.
pub(super) const WAIT_MAX: Duration = Duration::from_hours(366 * 24);

/// What a step leads to that may have to wait.
pub(super) enum Step {
    Stands,
    /// It need not wait.
    Over(String),
    Fails(StepFailure),
}

/// `delay:`. What is over already does not wait.
pub(super) fn delay(
    scene: Scene<'_>,
    run: &mut Run,
    delay: &DelayOperation,
    decision: &Decision,
) -> Step {
    let what = "the time to wait";
    let view = view(scene, run, decision);
    let duration = match demand(&delay.duration, what, view) {
        Ok(Value::Duration(duration)) => duration,
        Ok(other) => {
            let reason = format!("{what} is `{}`, which is no time", view.shown(&other));
            return Step::Fails(StepFailure::of_step(reason));
        }
        Err(reason) => return Step::Fails(StepFailure::of_step(reason)),
    };
    let duration = Duration::try_from(duration).unwrap_or_default();
    if duration.is_zero() {
        return Step::Over("there is nothing to wait for".to_owned());
    }
    stand(run, Wait::Delay, later(scene.now, duration.min(WAIT_MAX)));
    Step::Stands
}

fn stand(run: &mut Run, wait: Wait, until: Timestamp) {
    run.wait = Some(wait);
    run.until = Some(until);
}

/// `wait_for_trigger:` and `wait_until:`. Conditions that hold already are not waited for.
pub(super) fn wait(
    scene: Scene<'_>,
    run: &mut Run,
    wait: &WaitOperation,
    decision: &mut Decision,
) -> Step {
    run.memory.waited = None;
    let until = later(scene.now, wait.timeout.unwrap_or(WAIT_MAX).min(WAIT_MAX));
    match &wait.until {
        Awaited::Triggers(triggers) => {
            let armed = triggers.iter().map(|trigger| {
                let mut memory = TriggerMemory::default();
                if trigger.enabled {
                    arm(scene, trigger, &mut memory);
                }
                memory
            });
            let memories = armed.collect();
            stand(run, Wait::Triggers { memories }, until);
        }
        Awaited::Conditions(_) => {
            stand(run, Wait::Conditions, until);
            // Asked at once, and by itself: it may hold already.
            let follow_up = FollowUp::Ask(run.id.clone());
            decision.follow_ups.push(follow_up);
        }
    }
    Step::Stands
}

/// `read:`. Devices whose values are young enough are not asked.
pub(super) fn read(
    scene: Scene<'_>,
    run: &mut Run,
    operation: &ReadOperation,
    decision: &mut Decision,
) -> Step {
    let needs = freshness::unheard(scene, &operation.devices, operation.max_age);
    let devices = freshness::request_in_time(scene, &needs, decision);
    if stand_for_readings(scene, run, devices) {
        return Step::Stands;
    }
    match has_read(scene, operation) {
        (said, None) => Step::Over(said),
        (_, Some(failure)) => Step::Fails(failure),
    }
}

/// Whether there is something to wait for.
fn stand_for_readings(scene: Scene<'_>, run: &mut Run, devices: BTreeSet<DeviceId>) -> bool {
    if devices.is_empty() {
        return false;
    }
    let until = later(scene.now, freshness::READING_WAIT_MAX);
    stand(run, Wait::Readings { devices }, until);
    true
}

/// What came of `read:`; a device that has no young values makes it fail.
pub(super) fn has_read(
    scene: Scene<'_>,
    operation: &ReadOperation,
) -> (String, Option<StepFailure>) {
    let aliases = |devices: Vec<&Device>| {
        let aliases: Vec<_> = devices.iter().map(|it| it.alias.as_str()).collect();
        aliases.join(", ")
    };
    let needs = freshness::unheard(scene, &operation.devices, operation.max_age);
    let devices = operation.devices.iter();
    let (old, fresh): (Vec<_>, Vec<_>) = devices.partition(|it| needs.contains_key(&it.id));
    if old.is_empty() {
        return (format!("{} read", aliases(fresh)), None);
    }
    let reason = format!("no fresh values of {}", aliases(old));
    (reason.clone(), Some(StepFailure::of_step(reason)))
}

/// Lets be read what the conditions look at that `run` is about to ask, and says whether to wait for that.
pub(super) fn reads_first(
    scene: Scene<'_>,
    run: &mut Run,
    conditions: &[Condition],
    decision: &mut Decision,
) -> bool {
    let needs = freshness::needs(view(scene, run, decision), conditions);
    let devices = freshness::request(scene, &needs, decision);
    stand_for_readings(scene, run, devices)
}

/// The same of `wait_until:`, which asks again by itself.
pub(super) fn read_before(scene: Scene<'_>, run: &Run, decision: &mut Decision) {
    if let Some(block) = block(run) {
        let needs = freshness::needs(view(scene, run, decision), &block.conditions);
        freshness::request(scene, &needs, decision);
    }
}

/// `parallel:`. Each branch is a run of its own with what the run carries along.
pub(super) fn branch(
    scene: Scene<'_>,
    run: &mut Run,
    parallel: &ParallelOperation,
    (trace, decision): (&mut Trace, &mut Decision),
) -> Step {
    let rounds = run.memory.rounds();
    // Of the plan of that loop, the branch has no use.
    let around = run.memory.round().map(|it| Round {
        plan: Plan::Open,
        ..it.clone()
    });
    let mut open = BTreeSet::new();
    let mut branches = Vec::new();
    for (number, program) in parallel.branches.iter().enumerate() {
        let id = RunId::derive_branch(&run.id, run.position, &rounds, number);
        open.insert(id.clone());
        branches.push(Run {
            id,
            rule: run.rule.clone(),
            program: std::sync::Arc::new(program.clone()),
            position: 0,
            wait: None,
            until: None,
            parent: Some(run.id.clone()),
            key: run.key.clone(),
            chain: run.chain.clone(),
            cause: scene.event.id.clone(),
            trigger: run.trigger.clone(),
            started_at: scene.now,
            memory: Memory {
                loops: Vec::new(),
                around: around.clone(),
                whole: Some(run.whole().clone()),
                ..run.memory.clone()
            },
        });
    }
    if open.is_empty() {
        return Step::Over("there is no branch".to_owned());
    }
    run.wait = Some(Wait::Branches {
        open,
        failure: None,
    });
    run.until = None;
    for branch in branches {
        let mut of_branch = Trace::of_run(&branch, scene.event, scene.now);
        go_on::begin(scene, branch, &mut of_branch, decision);
        trace.steps.append(&mut of_branch.steps);
        // One of them has stopped everything: those behind it do not begin.
        let whole = run.whole();
        let mut ending = decision.follow_ups.iter();
        if ending.any(|it| matches!(it, FollowUp::End { run, .. } if run == whole)) {
            break;
        }
    }
    Step::Stands
}

/// Whether the conditions hold that `run` waits for, and what was found.
pub(super) fn conditions(scene: Scene<'_>, run: &Run, decision: &Decision) -> (bool, String) {
    match block(run) {
        Some(block) => ask(view(scene, run, decision), &[whole(block)]),
        None => (true, "there is nothing to ask".to_owned()),
    }
}

/// The block as the condition that it is.
fn whole(block: &Block) -> Condition {
    Condition {
        alias: None,
        enabled: true,
        if_unknown: IfUnknown::Block,
        place: crate::rules::rule::Place {
            file: String::new(),
            line: 0,
        },
        test: Test::Block(block.clone()),
    }
}

fn block(run: &Run) -> Option<&Block> {
    if let Some(OperationKind::Wait(wait)) = run.operation().map(|it| &it.kind)
        && let Awaited::Conditions(block) = &wait.until
    {
        return Some(block);
    }
    None
}

/// When time alone may change the answer to what `run` waits for: the next edge of a window of the day,
/// the next minute where an expression looks at the clock or a value has to have held for a while.
pub(super) fn next_ask(scene: Scene<'_>, run: &Run) -> Option<Timestamp> {
    let zone = scene.rules.timezone.clone().unwrap_or(TimeZone::UTC);
    let now = scene.now.to_zoned(zone);
    block(run)?
        .conditions
        .iter()
        .filter_map(|it| changes(it, &now))
        .min()
}

fn changes(condition: &Condition, now: &Zoned) -> Option<Timestamp> {
    // A value that grows old is unknown, and that may be what is waited for.
    if condition.if_unknown == IfUnknown::Allow {
        return next_minute(now);
    }
    match &condition.test {
        Test::Time(test) => edge(test, now),
        Test::Block(block) => {
            let parts = block.conditions.iter();
            parts.filter_map(|it| changes(it, now)).min()
        }
        Test::State(test) => test.held_for.and_then(|_| next_minute(now)),
        Test::NumericState(test) => test.held_for.and_then(|_| next_minute(now)),
        Test::Input(test) => test.held_for.and_then(|_| next_minute(now)),
        Test::Expression(checked) => {
            let by_clock = |it: Read<'_>| match it {
                Read::Now | Read::Age { .. } | Read::Series { .. } => true,
                Read::Value { source, .. } => match source {
                    Source::Attribute { .. } | Source::Input { .. } => true,
                    Source::Field { .. } => false,
                },
            };
            checked.reads().any(by_clock).then(|| next_minute(now))?
        }
        Test::Sun(_) | Test::Command(_) => next_minute(now),
        Test::Rule(test) => test.last_ran_within.and_then(|_| next_minute(now)),
        Test::Trigger(_) => None,
    }
}

fn next_minute(now: &Zoned) -> Option<Timestamp> {
    let minute = now.timestamp().as_second().div_euclid(60) + 1;
    Timestamp::from_second(minute * 60).ok()
}

/// The next moment at which the window begins or ends, or the day changes.
fn edge(test: &TimeTest, now: &Zoned) -> Option<Timestamp> {
    let midnight = (!test.weekdays.is_empty()).then_some(Time::midnight());
    let edges = [test.after, test.before, midnight];
    edges
        .into_iter()
        .flatten()
        .filter_map(|time| next_time_of_day(time, now))
        .min()
}

/// The next time after `from` at which the clocks of the home show `time`.
pub(super) fn next_after(scene: Scene<'_>, from: Timestamp, time: Time) -> Option<Timestamp> {
    let zone = scene.rules.timezone.clone().unwrap_or(TimeZone::UTC);
    next_time_of_day(time, &from.to_zoned(zone))
}

/// When the clocks show `time` next, for the first or the second time, or jump over it.
pub(crate) fn next_time_of_day(time: Time, now: &Zoned) -> Option<Timestamp> {
    let first = |from: DateTime| {
        let today = from.date().to_datetime(time);
        if from <= today {
            return Some(today);
        }
        Some(from.date().tomorrow().ok()?.to_datetime(time))
    };
    let (zone, now) = (now.time_zone(), now.timestamp());
    let moments = [
        wall_clock::pass(zone, now, first),
        wall_clock::show(zone, now, first),
    ];
    moments.into_iter().flatten().min()
}
