//! A run goes on: what it waited for has come, or its time is over.

use std::time::Duration;

use crate::domain::event::{Accepted, Settled};
use crate::domain::id::{DeviceAlias, RunId};
use crate::domain::lifecycle::Outcome;
use crate::engine::Scene;
use crate::engine::arbitration;
use crate::engine::decision::{Change, Decision, FollowUp};
use crate::engine::facts::TriggerFields;
use crate::engine::memory::{StepFailure, Waited, evaluate};
use crate::engine::run::{Run, RunEnd};
use crate::engine::trace::{StepTrace, Trace, Verdict};
use crate::engine::trigger::hear::{Firing, Occasion, hear};
use crate::engine::wait::Wait;
use crate::engine::walk::{Progress, advance, fail, view};
use crate::engine::{freshness, verify, waiting};
use crate::rules::expr::value::Value;
use crate::rules::operation::{Awaited, Goal};
use crate::rules::rule::{On, OperationKind, Topic, Trigger};

/// How long a run stands in line behind others of its rule. Whatever waits has an end.
pub(super) const TURN_MAX: Duration = Duration::from_hours(7 * 24);

/// Lets a new run go as far as it can.
pub(super) fn begin(scene: Scene<'_>, mut run: Run, trace: &mut Trace, decision: &mut Decision) {
    let progress = advance(scene, (&mut run, 0), trace, decision);
    began(run.clone(), decision);
    match progress {
        Progress::Waits => {}
        Progress::Ended(end) => ended(scene, &run, end, decision),
        Progress::Stopped(end) => stopped(scene, &run, end, decision),
    }
}

/// `run` is over, and with it the run that it is a branch of.
fn stopped(scene: Scene<'_>, run: &Run, end: RunEnd, decision: &mut Decision) {
    // Where the row of a branch does not say, what stands directly above it is known.
    let above = run.memory.whole.as_ref().or(run.parent.as_ref());
    let Some(above) = above else {
        return ended(scene, run, end, decision);
    };
    // It may have begun with this very decision.
    decision.follow_ups.push(FollowUp::End {
        run: above.clone(),
        end: end.clone(),
    });
    over(scene, run, end, decision);
}

/// A run is there now, wherever it stands.
pub(super) fn began(run: Run, decision: &mut Decision) {
    decision.changes.push(Change::RunStarted(run));
}

/// A run is over: whoever waits for that may go on.
pub(super) fn ended(scene: Scene<'_>, run: &Run, end: RunEnd, decision: &mut Decision) {
    // Branches of a run that is over have nobody to report to. At once, so that nobody finds a device
    // taken by one of them.
    for branch in scene.state.branches_of(run) {
        let reason = "the run that it is a branch of is over".to_owned();
        self::end(scene, branch, RunEnd::Stopped { reason }, decision);
    }
    over(scene, run, end.clone(), decision);
    match &run.parent {
        Some(parent) => decision.follow_ups.push(FollowUp::BranchOver {
            run: parent.clone(),
            branch: run.id.clone(),
            end,
        }),
        None => decision.follow_ups.push(FollowUp::NextInLine {
            rule: run.rule.clone(),
            key: run.key.clone(),
        }),
    }
}

fn over(scene: Scene<'_>, run: &Run, end: RunEnd, decision: &mut Decision) {
    decision.moved_on.push(run.id.clone());
    decision.changes.push(Change::RunEnded {
        run: run.id.clone(),
        end,
        at: scene.now,
    });
}

/// Lets the run that waits for the command that `settled` go on.
pub(super) fn settled(scene: Scene<'_>, settled: &Settled, decision: &mut Decision) {
    let Some(run) = scene.state.run_waiting_for(&settled.command) else {
        return;
    };
    let said = settlement(settled);
    let failure = match &settled.outcome {
        Outcome::Completed if verify::begin(scene, run, settled, &said, decision) => return,
        Outcome::Completed => {
            arbitration::keep_to_end(scene, run, decision);
            None
        }
        Outcome::Failed(_) | Outcome::Cancelled | Outcome::Expired => {
            let device = run.operation().and_then(|it| device_of(&it.kind));
            Some(StepFailure::of_command(settled, device, said.clone()))
        }
    };
    step_over(scene, run.clone(), (said, failure), decision);
}

/// Lets the run that waits until Amps has taken its order go on.
pub(super) fn accepted(scene: Scene<'_>, accepted: &Accepted, decision: &mut Decision) {
    let Some(run) = scene.state.run_waiting_for(&accepted.command) else {
        return;
    };
    let waits = matches!(
        run.operation().map(|it| &it.kind),
        Some(OperationKind::Command(order)) if order.options.wait_for == Goal::Accepted
    );
    if waits {
        arbitration::keep(scene, run, decision);
        let said = format!("Amps has taken `{}`", accepted.name);
        step_over(scene, run.clone(), (said, None), decision);
    }
}

/// The moment of `run` has come.
pub(super) fn time_over(scene: Scene<'_>, run: &Run, decision: &mut Decision) {
    if run.until.is_none_or(|until| scene.now < until) {
        return match &run.wait {
            Some(Wait::Triggers { .. }) => listen(scene, run, Occasion::Time, decision),
            Some(_) | None => ask(scene, run, decision),
        };
    }
    let Some(wait) = &run.wait else {
        return;
    };
    if came_in_time(scene, run, decision) {
        return;
    }
    let mut run = run.clone();
    let over = match wait {
        Wait::Delay => ("waited long enough".to_owned(), None),
        Wait::Triggers { .. } | Wait::Conditions => {
            let goes_on = match run.operation().map(|it| &it.kind) {
                Some(OperationKind::Wait(wait)) => wait.continue_on_timeout,
                Some(_) | None => true,
            };
            run.memory.waited = Some(Waited::default());
            let said = "the time was over before it came".to_owned();
            let failure = (!goes_on).then(|| StepFailure::of_timeout(said.clone()));
            (said, failure)
        }
        Wait::Turn => {
            let reason = "its turn did not come in time".to_owned();
            return end(scene, &run, RunEnd::Failed { reason }, decision);
        }
        Wait::Readings { .. } => return read(scene, run, decision),
        Wait::Verify { .. } => return verify::time_over(scene, &run, decision),
        Wait::Device { .. } => {
            let said = arbitration::waited_in_vain(scene, &run, decision);
            (said.clone(), Some(StepFailure::of_timeout(said)))
        }
        Wait::Cancel { .. } => {
            let said = "nobody could say in time whether it is cancelled".to_owned();
            (said.clone(), Some(StepFailure::of_timeout(said)))
        }
        Wait::Command { command, .. } => {
            // Its run says that it failed: what has not left must not do the opposite later.
            decision.abandoned.push(command.clone());
            let said = "it was not over in time; what Amps has of it is left to its end".to_owned();
            (said.clone(), Some(StepFailure::of_timeout(said)))
        }
        // Each of them has a deadline of its own.
        Wait::Branches { .. } | Wait::Http { .. } | Wait::Setting { .. } => return,
    };
    step_over(scene, run, over, decision);
}

/// Lets `run` go on with the first of its triggers that was due before the time of the step was over: both may
/// be past when nobody was there to look.
fn came_in_time(scene: Scene<'_>, run: &Run, decision: &mut Decision) -> bool {
    let (Some(Wait::Triggers { memories }), Some(until)) = (&run.wait, run.until) else {
        return false;
    };
    for (index, trigger) in awaited(run).iter().enumerate().filter(|(_, it)| it.enabled) {
        let mut memory = memories[index].clone();
        if memory.due().is_none_or(|due| until < due) {
            continue;
        }
        let is_schedule = matches!(trigger.on, On::Time(_) | On::Cron(_) | On::Sun(_));
        // Whether a moment that was missed still counts, `catch_up` and `within` say, and as of now. What
        // came of it behind the time of the step does not.
        let as_of = if is_schedule { scene.now } else { until };
        let as_of = Scene {
            now: as_of,
            ..scene
        };
        let heard = hear(as_of, (index, trigger), &mut memory, Occasion::Time);
        let is_in_time = |it: &Firing| match it.fields.get("at") {
            Some(Value::Moment(at)) => !is_schedule || *at <= until,
            Some(_) | None => true,
        };
        if let Some(firing) = heard.firings.into_iter().find(is_in_time) {
            decision.follow_ups.push(FollowUp::Came {
                run: run.id.clone(),
                trigger: index,
                fields: firing.fields,
            });
            return true;
        }
    }
    false
}

/// Shows `occasion` to the triggers that `run` waits for.
pub(super) fn listen(scene: Scene<'_>, run: &Run, occasion: Occasion<'_>, decision: &mut Decision) {
    let Some(Wait::Triggers { memories }) = &run.wait else {
        return;
    };
    let mut run = run.clone();
    let mut memories = memories.clone();
    let triggers = awaited(&run).to_vec();
    for (index, trigger) in triggers.iter().enumerate().filter(|(_, it)| it.enabled) {
        let heard = hear(scene, (index, trigger), &mut memories[index], occasion);
        if let Some(firing) = heard.firings.into_iter().next() {
            // With the values as they are once this is written down.
            decision.follow_ups.push(FollowUp::Came {
                run: run.id,
                trigger: index,
                fields: firing.fields,
            });
            return;
        }
    }
    let wait = Wait::Triggers { memories };
    if run.wait.as_ref() != Some(&wait) {
        run.wait = Some(wait);
        decision.changes.push(Change::RunMoved(run));
    }
}

pub(super) fn awaited(run: &Run) -> &[Trigger] {
    if let Some(OperationKind::Wait(wait)) = run.operation().map(|it| &it.kind)
        && let Awaited::Triggers(triggers) = &wait.until
    {
        return triggers;
    }
    &[]
}

/// The trigger at the index fired, for which `run` waits: the run has its variables from now on.
pub(super) fn came(
    scene: Scene<'_>,
    run: &Run,
    (index, fields): (usize, &TriggerFields),
    decision: &mut Decision,
) {
    if !matches!(run.wait, Some(Wait::Triggers { .. })) {
        return;
    }
    let mut run = run.clone();
    run.memory.waited = Some(Waited {
        completed: true,
        trigger: fields.clone(),
    });
    let trigger = awaited(&run).get(index).cloned();
    for variable in trigger.into_iter().flat_map(|it| it.variables) {
        let value = evaluate(&variable.value, view(scene, &run, decision));
        run.memory.variables.insert(variable.name, value);
    }
    let said = "it came".to_owned();
    step_over(scene, run, (said, None), decision);
}

/// Every device has answered, or there is no more time: the step is done with what is known then.
fn read(scene: Scene<'_>, mut run: Run, decision: &mut Decision) {
    if let Some(OperationKind::Read(operation)) = run.operation().map(|it| &it.kind) {
        let over = waiting::has_read(scene, operation);
        return step_over(scene, run, over, decision);
    }
    run.wait = None;
    let mut trace = Trace::of_run(&run, scene.event, scene.now);
    resume(scene, run, &mut trace, decision);
    decision.traces.push(trace);
}

/// Asks again what `run` waits for: conditions, or whether devices have answered.
pub(super) fn ask(scene: Scene<'_>, run: &Run, decision: &mut Decision) {
    match &run.wait {
        Some(Wait::Conditions) => waiting::read_before(scene, run, decision),
        Some(Wait::Readings { devices }) if freshness::is_open(scene, devices) => return,
        Some(Wait::Readings { .. }) => return read(scene, run.clone(), decision),
        Some(Wait::Device { .. }) => return arbitration::ask(scene, run, decision),
        Some(Wait::Verify { .. }) => return verify::ask(scene, run, decision),
        Some(
            Wait::Command { .. }
            | Wait::Http { .. }
            | Wait::Setting { .. }
            | Wait::Cancel { .. }
            | Wait::Delay
            | Wait::Triggers { .. }
            | Wait::Branches { .. }
            | Wait::Turn,
        )
        | None => return,
    }
    let (holds, found) = waiting::conditions(scene, run, decision);
    if holds {
        let mut run = run.clone();
        run.memory.waited = Some(Waited {
            completed: true,
            trigger: TriggerFields::new(),
        });
        return step_over(scene, run, (found, None), decision);
    }
    decision.changes.push(Change::RunAsks {
        run: run.id.clone(),
        at: waiting::next_ask(scene, run),
    });
}

/// A branch of `run` is over.
pub(super) fn branch_over(
    scene: Scene<'_>,
    run: &Run,
    (branch, end): (&RunId, &RunEnd),
    decision: &mut Decision,
) {
    let Some(Wait::Branches { open, failure }) = &run.wait else {
        return;
    };
    let (mut open, mut failure) = (open.clone(), failure.clone());
    if !open.remove(branch) {
        return;
    }
    if let RunEnd::Failed { reason } | RunEnd::Stopped { reason } = end {
        failure.get_or_insert_with(|| StepFailure::of_step(reason.clone()));
    }
    let mut run = run.clone();
    if open.is_empty() {
        let said = "every branch is over".to_owned();
        return step_over(scene, run, (said, failure), decision);
    }
    run.wait = Some(Wait::Branches { open, failure });
    decision.changes.push(Change::RunMoved(run));
}

/// The first of the runs that stand in line goes on, if nobody is before it any more.
pub(super) fn next_in_line(scene: Scene<'_>, run: &Run, decision: &mut Decision) {
    let mut trace = Trace::of_run(run, scene.event, scene.now);
    resume(scene, run.clone(), &mut trace, decision);
    decision.traces.push(trace);
}

/// Ends `run` from outside.
pub(super) fn end(scene: Scene<'_>, run: &Run, end: RunEnd, decision: &mut Decision) {
    let mut trace = Trace::of_run(run, scene.event, scene.now);
    trace.verdict = Verdict::Ended { end: end.clone() };
    decision.traces.push(trace);
    ended(scene, run, end, decision);
}

/// `run` stands elsewhere within its step, as `said` tells.
pub(super) fn stands(scene: Scene<'_>, run: Run, said: String, decision: &mut Decision) {
    decision.traces.push(told(scene, &run, said));
    decision.changes.push(Change::RunMoved(run));
}

/// What `said` tells of the step at which `run` stands.
fn told(scene: Scene<'_>, run: &Run, said: String) -> Trace {
    let mut trace = Trace::of_run(run, scene.event, scene.now);
    let step = run.operation().map(|it| StepTrace::new(it, said));
    trace.steps.extend(step);
    trace
}

/// The step at which `run` waited is over, as `said` tells, and failed where there is a failure.
pub(super) fn step_over(
    scene: Scene<'_>,
    mut run: Run,
    (said, failure): (String, Option<StepFailure>),
    decision: &mut Decision,
) {
    decision.moved_on.push(run.id.clone());
    let mut trace = told(scene, &run, said);
    run.memory.terms = None;
    let end = match failure {
        None => {
            run.position += 1;
            None
        }
        Some(failure) => fail(&mut run, failure),
    };
    match end {
        None => resume(scene, run, &mut trace, decision),
        Some(end) => {
            trace.verdict = Verdict::Ended { end: end.clone() };
            ended(scene, &run, end, decision);
        }
    }
    decision.traces.push(trace);
}

/// The rule that `run` has run is under way or over: the run goes on behind that, after so many operations.
pub(super) fn called(scene: Scene<'_>, run: &Run, done: usize, decision: &mut Decision) {
    let mut trace = Trace::of_run(run, scene.event, scene.now);
    resume_after(done, (scene, run.clone()), &mut trace, decision);
    decision.traces.push(trace);
}

fn resume(scene: Scene<'_>, mut run: Run, trace: &mut Trace, decision: &mut Decision) {
    run.wait = None;
    run.until = None;
    resume_after(0, (scene, run), trace, decision);
}

fn resume_after(
    done: usize,
    (scene, mut run): (Scene<'_>, Run),
    trace: &mut Trace,
    decision: &mut Decision,
) {
    match advance(scene, (&mut run, done), trace, decision) {
        Progress::Waits => decision.changes.push(Change::RunMoved(run)),
        Progress::Ended(end) => {
            trace.verdict = Verdict::Ended { end: end.clone() };
            ended(scene, &run, end, decision);
        }
        Progress::Stopped(end) => {
            trace.verdict = Verdict::Ended { end: end.clone() };
            stopped(scene, &run, end, decision);
        }
    }
}

/// The device that a step orders something of.
pub(super) fn device_of(step: &OperationKind) -> Option<DeviceAlias> {
    if let OperationKind::Command(order) = step {
        return Some(order.device.alias.clone());
    }
    None
}

/// How a command ended, for people: the command, the outcome, why, and after how many attempts.
fn settlement(settled: &Settled) -> String {
    let why = settled
        .outcome
        .failure()
        .map(|failure| format!(": {failure}"));
    let attempts = (1 < settled.attempts).then(|| format!(" ({} attempts)", settled.attempts));
    format!(
        "`{}` {}{}{}",
        settled.name,
        settled.outcome.name(),
        why.unwrap_or_default(),
        attempts.unwrap_or_default(),
    )
}

/// Shows what happened on `topic` to the runs that wait to hear of it.
pub(super) fn tell(
    scene: Scene<'_>,
    topic: &Topic,
    occasion: Occasion<'_>,
    decision: &mut Decision,
) {
    for run in scene.state.listening(topic) {
        match &run.wait {
            Some(Wait::Triggers { .. }) => listen(scene, run, occasion, decision),
            // With the values as they are once this is written down.
            Some(_) | None => decision.follow_ups.push(FollowUp::Ask(run.id.clone())),
        }
    }
}
