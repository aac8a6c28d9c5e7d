//! What a rule keeps of a device beyond its step (`lease:`), and until when.

use jiff::Timestamp;

use crate::engine::Scene;
use crate::engine::arbitration::lease::Kept;
use crate::engine::decision::{Change, Decision};
use crate::engine::run::Run;
use crate::engine::timing;
use crate::engine::trace::{StepTrace, Trace, Verdict, clock_time};
use crate::engine::walk::view;
use crate::rules::rule::{CommandOperation, OperationKind};

/// The end of a lease.
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
    const WHAT: &str = "the end of the lease";
    let asked = order.options.lease_until.as_ref();
    let (at, counts) = timing::moment(asked, (WHAT, scene.now), view(scene, run, decision))?;
    let by_clock = !counts;
    Ok(at.map(|at| Until { at, by_clock }))
}

/// The rule keeps the device beyond the step at which `run` stands, if the step asks for that. Where the
/// end has passed meanwhile or is not known any more, the run's story says so.
pub(in crate::engine) fn keep(scene: Scene<'_>, run: &Run, decision: &mut Decision) {
    let Some(operation) = run.operation() else {
        return;
    };
    let OperationKind::Command(order) = &operation.kind else {
        return;
    };
    let why_not = match until(scene, run, order, decision) {
        Ok(None) => return,
        Ok(Some(until)) if scene.now < until.at => {
            let kept = Kept {
                rule: run.rule.clone(),
                run: run.id.clone(),
                until: until.at,
                by_clock: until.by_clock,
            };
            let device = order.device.id.clone();
            return decision.changes.push(Change::Kept { device, kept });
        }
        Ok(Some(until)) => {
            let until = clock_time(scene, until.at);
            format!("the end of the lease is {until}, which has passed")
        }
        Err(reason) => reason,
    };
    let mut trace = Trace::of_run(run, scene.event, scene.now);
    let said = format!("does not keep `{}`: {why_not}", order.device.alias);
    trace.verdict = Verdict::Noted;
    trace.steps.push(StepTrace::new(operation, said));
    decision.traces.push(trace);
}
