//! Somebody set the clock of the machine: what waits for a duration waits as long as before, and what goes by
//! the clocks of the home goes by the new time.

use jiff::SignedDuration;

use crate::clock::moved;
use crate::engine::Scene;
use crate::engine::decision::{Change, Decision, FollowUp};
use crate::engine::run::Run;
use crate::engine::trigger::hear;
use crate::engine::wait::Wait;
use crate::engine::{arming, begin, go_on};

/// The clock was set by `by`; the scene's event was received by the new time.
pub(super) fn decide(scene: Scene<'_>, by: SignedDuration, decision: &mut Decision) {
    let scene = Scene {
        now: scene.event.received_at,
        ..scene
    };
    decision.changes.push(Change::ClockSet { by });
    for run in scene.state.every_run() {
        let moved = moved_run(scene, run, by);
        if moved != *run {
            decision.changes.push(Change::RunMoved(moved));
        }
    }
    for (id, index, memory) in scene.state.triggers() {
        let trigger = begin::rule(scene, id).and_then(|it| Some((it, it.triggers.get(index)?)));
        if let Some((rule, trigger)) = trigger {
            let mut memory = memory.clone();
            hear::clock_set(scene, trigger, &mut memory, by);
            arming::remember(scene, rule, (index, memory), decision);
        }
    }
    // Schedules that were held while the clock could not be right have no memory yet.
    arming::arm_new(scene, decision);
    // What a window of the day is asked for may be another answer now.
    let asking = scene.state.asking().map(|it| FollowUp::Ask(it.id.clone()));
    decision.follow_ups.extend(asking);
}

fn moved_run(scene: Scene<'_>, run: &Run, by: SignedDuration) -> Run {
    let mut run = run.clone();
    run.until = run.until.map(|it| moved(it, by));
    let triggers = go_on::awaited(&run).to_vec();
    if let Some(Wait::Triggers { memories }) = &mut run.wait {
        for (trigger, memory) in triggers.iter().zip(memories) {
            hear::clock_set(scene, trigger, memory, by);
        }
    }
    run
}
