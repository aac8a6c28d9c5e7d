//! Settings that rules write: what is written, and how a run goes on when that is over.

use crate::domain::id::RequestId;
use crate::domain::value::Quantity;
use crate::domain::writing::{SettingWrite, WriteOver, WriteResult};
use crate::engine::decision::Decision;
use crate::engine::go_on::step_over;
use crate::engine::memory::StepFailure;
use crate::engine::order::{Bounds, within};
use crate::engine::run::Run;
use crate::engine::wait::Wait;
use crate::engine::walk::view;
use crate::engine::{Scene, capabilities};
use crate::rules::operation::SettingOperation;
use crate::rules::rule::OperationKind;

/// Makes the write of the step, for which the run then waits; what to say of it, or why it fails.
pub(super) fn write(
    scene: Scene<'_>,
    run: &mut Run,
    operation: &SettingOperation,
    decision: &mut Decision,
) -> Result<String, Box<StepFailure>> {
    let SettingOperation {
        device, setting, ..
    } = operation;
    let Some(spec) = device.device_type.setting(setting) else {
        let reason = format!("`{}` has no `{setting}` any more", device.alias);
        return Err(Box::new(StepFailure::of_step(reason)));
    };
    let bounds = Bounds {
        unit: spec.unit,
        min: spec.min,
        max: spec.max,
    };
    let what = format!("`{setting}` of `{}`", device.alias);
    let view = view(scene, run, decision);
    let value = within(&operation.value, &what, bounds, view);
    let write = SettingWrite {
        id: RequestId::derive_in_round(&run.id, run.position, &run.memory.rounds()),
        device: device.clone(),
        setting: setting.clone(),
        value: Quantity {
            value: value.map_err(|it| Box::new(StepFailure::of_step(it)))?,
            unit: spec.unit,
        },
        retry: operation.retry,
        rule: run.rule.clone(),
        run: run.id.clone(),
        cause: scene.event.id.clone(),
    };
    if let Some(failure) = capabilities::refuse_setting(scene, &write) {
        return Err(Box::new(failure));
    }
    run.wait = Some(Wait::Setting {
        write: write.id.clone(),
    });
    run.until = None;
    let note = format!("writes {what}: {}", write.value);
    decision.writes.push(write);
    Ok(note)
}

/// The write that a run waits for is over.
pub(super) fn over(scene: Scene<'_>, over: &WriteOver, decision: &mut Decision) {
    let waits =
        |run: &&Run| matches!(&run.wait, Some(Wait::Setting { write }) if *write == over.write);
    let Some(run) = scene.state.run(&over.run).filter(waits) else {
        return;
    };
    let said = over.said();
    let failure = match &over.result {
        WriteResult::Confirmed | WriteResult::Unreported => None,
        WriteResult::Failed { outcome, failure } => Some(StepFailure {
            outcome: outcome.clone(),
            device: match run.operation().map(|it| &it.kind) {
                Some(OperationKind::Setting(it)) => Some(it.device.alias.clone()),
                Some(_) | None => None,
            },
            ..StepFailure::of_request(failure, over.attempts, said.clone())
        }),
    };
    step_over(scene, run.clone(), (said, failure), decision);
}
