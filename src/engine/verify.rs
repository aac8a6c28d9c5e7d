//! `verify`: after an order is completed, the device is read until it says so too.
//!
//! Only what was true after the completion counts, however it came to be read.

use std::time::Duration;

use jiff::Timestamp;

use crate::clock::later;
use crate::domain::event::Settled;
use crate::domain::value::Origin;
use crate::engine::condition::Examined;
use crate::engine::decision::{Change, Decision, FollowUp};
use crate::engine::freshness::{ANSWERED_PAUSE, Needs, request};
use crate::engine::go_on::{stands, step_over};
use crate::engine::memory::StepFailure;
use crate::engine::run::Run;
use crate::engine::trace::{Truth, clock_time};
use crate::engine::values::{check_number, check_state};
use crate::engine::wait::Wait;
use crate::engine::{Scene, arbitration};
use crate::rules::operation::{Verify, VerifyTest};
use crate::rules::rule::{CommandOperation, IfUnknown, OperationKind, Subject};

/// How old the values may be that Amps hands out.
const MAX_AGE: Duration = Duration::from_mins(1);

/// The longest between two reads of the device.
const READ_WAIT_MAX: Duration = Duration::from_mins(5);

/// Later than that a time is found to be over only when the program was not there.
const OVERDUE: Duration = Duration::from_mins(1);

/// How long the device is read after that.
const MADE_UP: Duration = Duration::from_mins(2);

/// The order of the step at which `run` stands is completed: does it have to be verified? Then the run waits for
/// that, or goes on where there is nothing left to look at.
pub(super) fn begin(
    scene: Scene<'_>,
    run: &Run,
    settled: &Settled,
    said: &str,
    decision: &mut Decision,
) -> bool {
    let (Some((_, verify)), Some(Wait::Command { earlier, .. })) = (step(run), &run.wait) else {
        return false;
    };
    if let Some(end) = end(run).filter(|it| *it <= later(scene.now, MAX_AGE)) {
        let end = clock_time(scene, end);
        let said = format!("{said}; not verified, since the order had its end at {end}");
        confirmed(scene, run, said, decision);
        return true;
    }
    let mut run = run.clone();
    // The event tells when this home heard of it: values of before may still be from before the completion.
    let since = scene.event.received_at;
    run.wait = Some(Wait::Verify {
        since,
        attempts: earlier + settled.attempts,
        again: false,
        contrary: None,
    });
    let ends = [end(&run), deadline(&run)].into_iter().flatten();
    run.until = ends.chain([later(since, verify.within)]).min();
    decision.follow_ups.push(FollowUp::Ask(run.id.clone()));
    stands(scene, run, format!("{said}; is verified"), decision);
    true
}

/// When the order ends by itself: what the device says after that tells nothing of it.
fn end(run: &Run) -> Option<Timestamp> {
    run.memory.terms.as_ref()?.timing.end
}

/// The end of the step's `timeout`.
fn deadline(run: &Run) -> Option<Timestamp> {
    run.memory.terms.as_ref()?.deadline
}

/// The order counts as carried out: the run goes on.
fn confirmed(scene: Scene<'_>, run: &Run, said: String, decision: &mut Decision) {
    arbitration::keep_to_end(scene, run, decision);
    step_over(scene, run.clone(), (said, None), decision);
}

fn step(run: &Run) -> Option<(&CommandOperation, &Verify)> {
    match run.operation().map(|it| &it.kind) {
        Some(OperationKind::Command(order)) => Some((order, order.options.verify.as_deref()?)),
        Some(_) | None => None,
    }
}

/// Looks at what the device says; where nothing counts or it does not agree, it is read again a while later.
pub(super) fn ask(scene: Scene<'_>, run: &Run, decision: &mut Decision) {
    let (
        Some((order, verify)),
        Some(Wait::Verify {
            since,
            again: false,
            ..
        }),
    ) = (step(run), &run.wait)
    else {
        return;
    };
    let seen = seen(scene, run, verify, *since);
    match &seen {
        Some(seen) if seen.answer == Truth::True => {
            let said = format!("confirmed: {}, found {}", seen.asked, seen.found);
            return confirmed(scene, run, said, decision);
        }
        Some(seen) => note(scene, run, seen, decision),
        None => {}
    }
    let needs = Needs::from([(order.device.id.clone(), MAX_AGE)]);
    request(scene, &needs, decision);
    decision.changes.push(Change::RunAsks {
        run: run.id.clone(),
        at: Some(next(*since, scene.now)),
    });
}

/// The run keeps the first contrary thing that the device said.
fn note(scene: Scene<'_>, run: &Run, seen: &Examined, decision: &mut Decision) {
    let mut run = run.clone();
    if let Some(Wait::Verify { contrary, .. }) = &mut run.wait
        && contrary.is_none()
    {
        let at = clock_time(scene, scene.now);
        *contrary = Some(format!("{}, found {} at {at}", seen.asked, seen.found));
        decision.changes.push(Change::RunMoved(run));
    }
}

/// The longer it takes, the less often it is asked.
fn next(since: Timestamp, now: Timestamp) -> Timestamp {
    let waited = Duration::try_from(now.duration_since(since)).unwrap_or_default();
    later(now, (waited / 4).clamp(ANSWERED_PAUSE, READ_WAIT_MAX))
}

/// What the device said since, and before the end of the order, if anything.
fn seen(scene: Scene<'_>, run: &Run, verify: &Verify, since: Timestamp) -> Option<Examined> {
    let Subject {
        device, attribute, ..
    } = match &verify.test {
        VerifyTest::State(test) => &test.subject,
        VerifyTest::Number(test) => &test.subject,
    };
    let reading = scene.state.reading(&device.id, attribute)?;
    let is_late = end(run).is_some_and(|it| it <= reading.taken_at);
    if reading.taken_at < since || is_late || reading.origin == Origin::Fallback {
        return None;
    }
    let examined = match &verify.test {
        VerifyTest::State(test) => check_state(scene, test),
        VerifyTest::Number(test) => check_number(scene, test),
    };
    (examined.answer != Truth::Unknown).then_some(examined)
}

/// The time is over in which the device was to agree, or before the next attempt.
pub(super) fn time_over(scene: Scene<'_>, run: &Run, decision: &mut Decision) {
    let (
        Some((order, verify)),
        Some(Wait::Verify {
            since,
            attempts,
            again,
            contrary,
        }),
    ) = (step(run), &run.wait)
    else {
        return;
    };
    if *again {
        return arbitration::order_again(scene, run, (order, *attempts), decision);
    }
    let is_over = end(run).is_some_and(|it| it <= scene.now);
    let is_overdue = run.until.is_some_and(|it| later(it, OVERDUE) < scene.now);
    if is_overdue && !is_over {
        return make_up(scene, run.clone(), decision);
    }
    let seen = seen(scene, run, verify, *since);
    let seen = seen.map(|it| format!("{}, found {}", it.asked, it.found));
    let Some(seen) = seen.or_else(|| contrary.clone()) else {
        return unheard(scene, run, (order, verify), decision);
    };
    let name = &order.command;
    let said = format!("contradicted after `{name}` was completed: {seen}");
    let ends = [end(run), deadline(run)];
    let in_time = |at: &Timestamp| ends.iter().flatten().all(|end| at < end);
    let next = order.retry.next_attempt(*attempts, scene.now);
    if let Some(at) = next.filter(in_time) {
        let mut run = run.clone();
        run.wait = Some(Wait::Verify {
            since: *since,
            attempts: *attempts,
            again: true,
            contrary: None,
        });
        run.until = Some(at);
        return stands(scene, run, format!("{said}; ordered again"), decision);
    }
    let said = match next {
        Some(_) => format!("{said}; there is no time left to order it again"),
        None => said,
    };
    let failure = failure(order, "contradicted", *attempts, said.clone());
    step_over(scene, run.clone(), (said, Some(failure)), decision);
}

/// The time is over, and the device has not said anything.
fn unheard(
    scene: Scene<'_>,
    run: &Run,
    (order, verify): (&CommandOperation, &Verify),
    decision: &mut Decision,
) {
    let Some(Wait::Verify {
        since, attempts, ..
    }) = &run.wait
    else {
        return;
    };
    let name = &order.command;
    let had_its_time = later(*since, verify.within) <= scene.now;
    let is_over = end(run).is_some_and(|it| it <= scene.now);
    if is_over && !had_its_time {
        let said = "not verified: the order had its end before the device said anything";
        return confirmed(scene, run, said.to_owned(), decision);
    }
    let said = format!("nothing was heard of the device since `{name}` was completed");
    if verify.if_unknown == IfUnknown::Allow {
        return confirmed(scene, run, said, decision);
    }
    let outcome = if had_its_time { "unknown" } else { "timeout" };
    let failure = failure(order, outcome, *attempts, said.clone());
    step_over(scene, run.clone(), (said, Some(failure)), decision);
}

/// Nobody could ask the device while there was time: it is asked now.
fn make_up(scene: Scene<'_>, mut run: Run, decision: &mut Decision) {
    let until = later(scene.now, MADE_UP);
    run.until = Some(end(&run).map_or(until, |it| it.min(until)));
    decision.follow_ups.push(FollowUp::Ask(run.id.clone()));
    let said = "nobody could ask the device in time; it is asked now";
    stands(scene, run, said.to_owned(), decision);
}

fn failure(order: &CommandOperation, outcome: &str, attempts: u32, reason: String) -> StepFailure {
    StepFailure {
        outcome: outcome.to_owned(),
        attempts,
        device: Some(order.device.alias.clone()),
        ..StepFailure::of_step(reason)
    }
}
