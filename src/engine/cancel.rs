//! `cancel`: our orders to a device, or of one step, are called off, those that Amps has planned included.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::clock::later;
use crate::domain::answers::ACTION_NOT_CANCELLABLE;
use crate::domain::command::Command;
use crate::domain::id::{CommandId, DeviceAlias, RuleId};
use crate::domain::lifecycle::{Failure, Outcome};
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
    let open = open(scene, &run.rule, operation, decision);
    if open.is_empty() {
        return Step::Over("there is nothing to cancel".to_owned());
    }
    decision.cancelled.extend(open.iter().cloned());
    run.wait = Some(Wait::Cancel { open });
    run.until = Some(later(scene.now, ANSWER_WAIT));
    Step::Stands
}

/// The orders that are meant and not over, those that the run gave a moment ago included.
fn open(
    scene: Scene<'_>,
    rule: &RuleId,
    operation: &CancelOperation,
    decision: &Decision,
) -> BTreeSet<CommandId> {
    let mut open = BTreeSet::new();
    match operation {
        CancelOperation::Device(device) => {
            let known = scene.state.orders(&device.id).into_iter();
            open.extend(known.flat_map(|it| it.open().cloned()));
        }
        CancelOperation::Step(step) => {
            let known = scene.state.all_orders();
            open.extend(known.flat_map(|it| it.of_step(rule, step).cloned()));
        }
    }
    let is_meant = |it: &&Command| match operation {
        CancelOperation::Device(device) => it.device.id == device.id,
        CancelOperation::Step(step) => it.rule == *rule && it.step.as_ref() == Some(step),
    };
    let just_now = decision.commands.iter().filter(is_meant);
    open.extend(just_now.map(|it| it.id.clone()));
    open
}

/// The device whose order it is, as the home calls it.
fn alias(scene: Scene<'_>, run: &Run) -> Option<DeviceAlias> {
    let Some(OperationKind::Cancel(operation)) = run.operation().map(|it| &it.kind) else {
        return None;
    };
    match operation {
        CancelOperation::Device(device) => Some(device.alias.clone()),
        // The step may stand in another branch than this one.
        CancelOperation::Step(step) => {
            let rule = scene.rules.rule(&run.rule)?;
            let operations = rule.program.every_operation().into_iter();
            let mut orders = operations.filter_map(|it| {
                if let OperationKind::Command(order) = &it.kind {
                    Some(order)
                } else {
                    None
                }
            });
            let order = orders.find(|it| it.step.as_ref() == Some(step))?;
            Some(order.device.alias.clone())
        }
    }
}

/// An order is over, or is not called off (why, where it is not just too late): who waits for that goes on.
pub(super) fn heard(
    scene: Scene<'_>,
    command: &CommandId,
    end: Result<&Outcome, Option<&Failure>>,
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
        if end != Ok(&Outcome::Cancelled) {
            let (code, said) = match end {
                Err(Some(failure)) => (
                    failure.code.clone(),
                    format!("Amps does not cancel the order: {failure}"),
                ),
                Ok(_) | Err(None) => (
                    Some(ACTION_NOT_CANCELLABLE.to_owned()),
                    "too late: the order had begun".to_owned(),
                ),
            };
            let failure = StepFailure {
                outcome: "refused".to_owned(),
                code,
                device: alias(scene, &run),
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
