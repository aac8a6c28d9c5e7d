//! Somebody set the clock of the machine: what waits for a duration waits as long as before, and what goes by
//! the clocks of the home goes by the new time.
//!
//! Each moment that is remembered, and what becomes of it:
//!
//! | of | moves, since a duration is counted from it or until it | stays |
//! |---|---|---|
//! | readings | `taken_at` | |
//! | inputs | `taken_at` | what is foretold, and the value that is read off that: shown anew |
//! | the past of values | all of it | what is foretold |
//! | contacts | when devices were heard and asked | |
//! | runs | the end of a wait, `started_at`, a place in line, the memories of triggers that are awaited | moments in variables: a person wrote them |
//! | terms of command steps | the end of `timeout`, and starts and ends that are durations | times of the day, unless the clock was wrong by a day or more |
//! | calls that wait | `since`, `until` | `received_at`, from which the id of the run comes |
//! | triggers | `held`, `silent`, `partial` | schedules (`cursor`, `next_tick`), and what was seen |
//! | orders | when they were given, completed, failed, also by others; windows of limits | |
//! | starts | of cooldowns, limits and `last_ran_within` | |
//! | leases | those for a time | those until a time of the day, unless the clock was wrong by a day or more |
//! | `state.…` of rules | | moments that a person wrote |
//! | when a run asks its conditions again | | found anew |
//! | paused rules | | since when: told, and not counted |
//!
//! The rows of all that are moved with it; those of orders and messages that are open, too (`store::clock_set`).

use jiff::SignedDuration;

use crate::clock::moved;
use crate::engine::Scene;
use crate::engine::call::WaitingCall;
use crate::engine::decision::{Change, Decision, FollowUp};
use crate::engine::run::Run;
use crate::engine::state::Wakeful;
use crate::engine::trigger::hear;
use crate::engine::wait::Wait;
use crate::engine::{arming, begin, go_on};

/// The clock was set by `by`, to the time of the scene.
pub(super) fn decide(scene: Scene<'_>, by: SignedDuration, decision: &mut Decision) {
    decision.changes.push(Change::ClockSet { by });
    for run in scene.state.every_run() {
        let run = moved_run(scene, run, by);
        decision.changes.push(Change::RunMoved(run));
    }
    for call in scene.state.calls() {
        decision.changes.push(Change::CallWaits(WaitingCall {
            since: moved(call.since, by),
            until: moved(call.until, by),
            ..call.clone()
        }));
    }
    for (id, index, memory) in scene.state.triggers() {
        let trigger = begin::rule(scene, id).and_then(|it| Some((it, it.triggers.get(index)?)));
        if let Some((rule, trigger)) = trigger {
            let mut memory = memory.clone();
            hear::clock_set(scene, trigger, &mut memory, by);
            arming::remember(scene, rule, (index, memory), decision);
        }
    }
    for (of, history) in scene.state.histories() {
        decision.changes.push(Change::History {
            of: of.clone(),
            history: history.clock_set(by, scene.now),
        });
    }
    // Schedules that were held while the clock could not be right have no memory yet.
    arming::arm_new(scene, decision);
    let inputs = scene.state.inputs_with_series();
    let turns = inputs.map(|it| FollowUp::Wake(Wakeful::Input(it.clone())));
    decision.follow_ups.extend(turns);
    // What a window of the day is asked for may be another answer now.
    let asking = scene.state.asking().map(|it| FollowUp::Ask(it.id.clone()));
    decision.follow_ups.extend(asking);
}

fn moved_run(scene: Scene<'_>, run: &Run, by: SignedDuration) -> Run {
    let mut run = run.clone();
    run.started_at = moved(run.started_at, by);
    run.until = run.until.map(|it| moved(it, by));
    if let Some(terms) = &mut run.memory.terms {
        terms.moved(by);
    }
    let triggers = go_on::awaited(&run).to_vec();
    match &mut run.wait {
        Some(Wait::Triggers { memories }) => {
            for (trigger, memory) in triggers.iter().zip(memories) {
                hear::clock_set(scene, trigger, memory, by);
            }
        }
        Some(Wait::Device { since, .. } | Wait::Verify { since, .. }) => *since = moved(*since, by),
        Some(
            Wait::Command { .. }
            | Wait::Delay
            | Wait::Conditions
            | Wait::Branches { .. }
            | Wait::Turn
            | Wait::Readings { .. }
            | Wait::Http { .. }
            | Wait::Cancel { .. }
            | Wait::Setting { .. },
        )
        | None => {}
    }
    run
}
