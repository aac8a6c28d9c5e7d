//! What a rule keeps of a device beyond its step: to the end of a window, and as long as `lease:` says.

use jiff::Timestamp;

use crate::engine::Scene;
use crate::engine::arbitration::lease::Kept;
use crate::engine::decision::{Change, Decision};
use crate::engine::run::Run;
use crate::engine::timing;
use crate::engine::trace::{StepTrace, Trace, Verdict, clock_time};
use crate::engine::walk::view;
use crate::rules::rule::{CommandOperation, OperationKind};

/// Until when a device is kept.
#[derive(Clone, Copy)]
pub(super) struct Until {
    at: Timestamp,
    by_clock: bool,
}

/// Until when the step keeps its device if its order were over now, if it asks for that; or why nobody can say.
pub(super) fn until(
    scene: Scene<'_>,
    run: &Run,
    order: &CommandOperation,
    decision: &Decision,
) -> Result<Option<Until>, String> {
    let terms = run.memory.terms.as_ref();
    let (at, counts) = match terms.and_then(|it| it.lease_until) {
        Some(at) => (Some(at), false),
        None => timing::lease(&order.options, view(scene, run, decision))?,
    };
    let by_clock = !counts;
    Ok(at.map(|at| Until { at, by_clock }))
}

/// The rule keeps the device beyond the step at which `run` stands, if the step asks for that. Where the
/// end has passed meanwhile or is not known any more, the run's story says so.
pub(in crate::engine) fn keep(scene: Scene<'_>, run: &Run, decision: &mut Decision) {
    keep_at_least(scene, run, None, decision);
}

/// The same of an order that is completed. Nobody knows whether Amps calls an order with an end completed when it
/// has begun or when it is over: the device is kept until that end in either case.
pub(in crate::engine) fn keep_to_end(scene: Scene<'_>, run: &Run, decision: &mut Decision) {
    let timing = run.memory.terms.as_ref().map(|it| it.timing);
    let window = timing.and_then(|it| {
        Some(Until {
            at: it.end?,
            by_clock: !it.end_counts,
        })
    });
    let window = window.filter(|it| scene.now < it.at);
    keep_at_least(scene, run, window, decision);
}

fn keep_at_least(scene: Scene<'_>, run: &Run, window: Option<Until>, decision: &mut Decision) {
    let Some(operation) = run.operation() else {
        return;
    };
    let OperationKind::Command(order) = &operation.kind else {
        return;
    };
    let asked = until(scene, run, order, decision);
    let lease = asked.as_ref().ok().copied().flatten();
    let lease = lease.filter(|it| scene.now < it.at);
    if let Some(until) = lease.into_iter().chain(window).max_by_key(|it| it.at) {
        let kept = Kept {
            rule: run.rule.clone(),
            run: run.id.clone(),
            until: until.at,
            by_clock: until.by_clock,
        };
        let device = order.device.id.clone();
        decision.changes.push(Change::Kept { device, kept });
    }
    let why_not = match asked {
        Ok(Some(until)) if until.at <= scene.now => {
            let until = clock_time(scene, until.at);
            format!("the end of the lease is {until}, which has passed")
        }
        Ok(_) => return,
        Err(reason) => reason,
    };
    let mut trace = Trace::of_run(run, scene.event, scene.now);
    let said = format!("does not keep `{}`: {why_not}", order.device.alias);
    trace.verdict = Verdict::Noted;
    trace.steps.push(StepTrace::new(operation, said));
    decision.traces.push(trace);
}
