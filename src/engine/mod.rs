//! The evaluator: rules, state, input and now lead to a decision. Pure.
//!
//! No I/O, no async, no clock, no log, no randomness, no hash order: the same arguments give the same
//! decision, byte for byte. Rule tests, replay and crash recovery all rest on this.

pub mod condition;
pub mod decision;
pub mod facts;
pub mod memory;
pub mod run;
pub mod state;
pub mod trace;
pub mod trigger;
pub mod walk;

use jiff::Timestamp;

use crate::domain::event::{Event, Payload, Readings};
use crate::domain::id::DeviceId;
use crate::engine::decision::{Change, Decision};
use crate::engine::state::State;
use crate::engine::trigger::Happening;
use crate::rules::rule::RuleSet;

/// Everything that can wake the engine.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    pub event: &'a Event,
    /// For a report: whether the action that ended was a push of ours.
    pub own: bool,
}

/// What a decision is made from; handed down whole.
#[derive(Clone, Copy, Debug)]
struct Scene<'a> {
    rules: &'a RuleSet,
    state: &'a State,
    event: &'a Event,
    now: Timestamp,
}

/// What `input`, happening at `now`, leads to. Changes nothing.
pub fn step(rules: &RuleSet, state: &State, input: Input<'_>, now: Timestamp) -> Decision {
    let scene = Scene {
        rules,
        state,
        event: input.event,
        now,
    };
    let mut decision = Decision::default();
    match &input.event.payload {
        Payload::Report(report) => {
            let happening = Happening::Ended {
                command: report.command.as_deref(),
                outcome: &report.outcome,
                own: input.own,
            };
            wake(scene, &report.device, &happening, &mut decision);
        }
        Payload::Connection(connection) => {
            let happening = Happening::Connection(connection.change);
            wake(scene, &connection.device, &happening, &mut decision);
        }
        Payload::Readings(readings) => {
            // A value from the future would never be replaced: some clock was ahead.
            let taken_at = readings.taken_at.min(now);
            decision.changes.push(Change::Read(Readings {
                taken_at,
                ..readings.clone()
            }));
        }
        Payload::Settled(settled) => {
            run::resume(scene, settled, &mut decision);
            // A report has been shown to the rules already; an order that Amps never took, or that
            // nothing was heard of, ended without one.
            if settled.cause.is_none() {
                let happening = Happening::Ended {
                    command: Some(&settled.name),
                    outcome: &settled.outcome,
                    own: true,
                };
                wake(scene, &settled.device, &happening, &mut decision);
            }
        }
        Payload::Unknown => {}
    }
    decision
}

/// Shows `happening` to each rule that listens to it, once a rule.
fn wake(scene: Scene<'_>, device: &DeviceId, happening: &Happening<'_>, decision: &mut Decision) {
    let Some(listeners) = scene
        .rules
        .listeners
        .get(&(device.clone(), happening.topic()))
    else {
        return;
    };
    for of_one_rule in listeners.chunk_by(|a, b| a.rule == b.rule) {
        run::consider(scene, of_one_rule, happening, decision);
    }
}
