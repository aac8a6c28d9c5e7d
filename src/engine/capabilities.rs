//! What devices say they take, held against what rules order of them.

use jiff::tz::TimeZone;

use crate::domain::capabilities::{Declaration, Reader};
use crate::domain::command::Command;
use crate::domain::device::Device;
use crate::domain::lifecycle::Failure;
use crate::domain::writing::SettingWrite;
use crate::engine::Scene;
use crate::engine::decision::{Change, Decision};
use crate::engine::memory::StepFailure;

/// A device was read. What it has said all along is no news, and what the platform had kept from before is older
/// than what is known.
pub(super) fn declared(scene: Scene<'_>, said: &Declaration, decision: &mut Decision) {
    // A word from the future would never be replaced: some clock was ahead.
    let at = said.at.min(scene.now);
    let known = scene.state.declared(&said.device);
    let is_known = known.map(|it| &it.capabilities) == said.capabilities.as_ref();
    let is_older = known.is_some_and(|it| at < it.since);
    if !is_known && !is_older {
        decision
            .changes
            .push(Change::Declared(Declaration { at, ..said.clone() }));
    }
}

/// Why the device would not take `command`, by what it said last.
pub(super) fn refuse_command(scene: Scene<'_>, command: &Command) -> Option<StepFailure> {
    let declared = scene.state.declared(&command.device.id)?;
    let failure = with_reader(scene, |it| declared.refuse_command(command, it))?;
    Some(step_failure(&command.device, failure))
}

/// The same of a setting.
pub(super) fn refuse_setting(scene: Scene<'_>, write: &SettingWrite) -> Option<StepFailure> {
    let declared = scene.state.declared(&write.device.id)?;
    let failure = with_reader(scene, |it| declared.refuse_setting(write, it))?;
    Some(step_failure(&write.device, failure))
}

fn with_reader<T>(scene: Scene<'_>, work: impl FnOnce(Reader<'_>) -> T) -> T {
    let zone = scene.rules.timezone.clone().unwrap_or(TimeZone::UTC);
    work(Reader {
        now: scene.now,
        zone: &zone,
    })
}

/// Nothing was sent.
fn step_failure(device: &Device, failure: Failure) -> StepFailure {
    let reason = format!("not sent: {failure}");
    StepFailure {
        code: failure.code,
        message: failure.message,
        attempts: 0,
        device: Some(device.alias.clone()),
        ..StepFailure::of_step(reason)
    }
}
