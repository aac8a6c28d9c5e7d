//! `cancel`: our orders to a device are called off, those that Amps has planned included.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::clock::later;
use crate::domain::answers::ACTION_NOT_CANCELLABLE;
use crate::domain::id::CommandId;
use crate::domain::lifecycle::Outcome;
use crate::engine::Scene;
use crate::engine::decision::{Change, Decision};
use crate::engine::go_on::step_over;
use crate::engine::memory::StepFailure;
use crate::engine::run::Run;
use crate::engine::wait::Wait;
use crate::engine::waiting::Step;
use crate::rules::operation::CancelOperation;
use crate::rules::rule::OperationKind;

/// How long a step waits for Amps to say whether an order is called off.
const ANSWER_WAIT: Duration = Duration::from_mins(15);

/// Calls off what is open, and lets the run wait for what becomes of that.
pub(super) fn cancel(
    scene: Scene<'_>,
    run: &mut Run,
    operation: &CancelOperation,
    decision: &mut Decision,
) -> Step {
    let CancelOperation::Device(device) = operation else {
        let reason = "this version cannot cancel the order of one step".to_owned();
        return Step::Fails(StepFailure::of_step(reason));
    };
    let known = scene.state.orders(&device.id).into_iter();
    let mut open: BTreeSet<CommandId> = known.flat_map(|it| it.open().cloned()).collect();
    // Given a moment ago, by this very run.
    let just_now = decision.commands.iter();
    let just_now = just_now.filter(|it| it.device.id == device.id);
    open.extend(just_now.map(|it| it.id.clone()));
    if open.is_empty() {
        return Step::Over("there is nothing to cancel".to_owned());
    }
    decision.cancelled.extend(open.iter().cloned());
    run.wait = Some(Wait::Cancel { open });
    run.until = Some(later(scene.now, ANSWER_WAIT));
    Step::Stands
}

/// An order is over, or is not to be called off any more (no outcome): who waits for that goes on.
pub(super) fn heard(
    scene: Scene<'_>,
    command: &CommandId,
    outcome: Option<&Outcome>,
    decision: &mut Decision,
) {
    for run in scene.state.every_run() {
        let Some(Wait::Cancel { open }) = &run.wait else {
            continue;
        };
        let mut open = open.clone();
        if !open.remove(command) {
            continue;
        }
        let mut run = run.clone();
        if outcome != Some(&Outcome::Cancelled) {
            let said = "too late: the order had begun".to_owned();
            let failure = StepFailure {
                outcome: "refused".to_owned(),
                code: Some(ACTION_NOT_CANCELLABLE.to_owned()),
                device: match run.operation().map(|it| &it.kind) {
                    Some(OperationKind::Cancel(CancelOperation::Device(device))) => {
                        Some(device.alias.clone())
                    }
                    Some(_) | None => None,
                },
                ..StepFailure::of_step(said.clone())
            };
            step_over(scene, run, (said, Some(failure)), decision);
        } else if open.is_empty() {
            step_over(scene, run, ("cancelled".to_owned(), None), decision);
        } else {
            run.wait = Some(Wait::Cancel { open });
            decision.changes.push(Change::RunMoved(run));
        }
    }
}
