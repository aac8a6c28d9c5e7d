//! The evaluator: rules, state, input and now lead to a decision. Pure.
//!
//! No I/O, no async, no clock, no log, no randomness, no hash order: the same arguments give the same
//! decision, byte for byte. Rule tests, replay and crash recovery all rest on this.

pub mod arbitration;
pub mod call;
pub mod condition;
pub mod decision;
pub mod facts;
pub mod freshness;
pub mod history;
pub mod memory;
mod order;
pub mod orders;
pub mod recent;
mod rounds;
pub mod run;
pub mod schedule;
pub mod state;
pub mod trace;
pub mod trigger;
pub mod wait;
pub mod walk;

pub mod arming;
mod begin;
pub mod begun;
mod breaker;
mod cancel;
mod capabilities;
mod clock_set;
mod crowd;
mod daytime;
mod follow_up;
mod go_on;
mod http;
mod inputs;
mod listening;
mod pause;
mod seen;
mod setting;
mod terms;
mod timing;
mod turns;
mod values;
mod verify;
mod waiting;

use jiff::{SignedDuration, Timestamp};

use crate::domain::event::{EngineChange, Event, Payload, Readings, Settled};
use crate::domain::id::{DeviceId, RuleId};
use crate::domain::value::Origin;
use crate::engine::begun::Calls;
use crate::engine::decision::{Change, Decision, FollowUp};
use crate::engine::history::Told;
use crate::engine::orders::Orders;
pub(crate) use crate::engine::pause::is_reason_of_rule;
use crate::engine::state::{State, Wakeful};
use crate::engine::trace::Miss;
use crate::engine::trigger::Happening;
use crate::engine::trigger::hear::{Heard, Occasion, hear};
use crate::engine::turns::Turns;
pub(crate) use crate::engine::waiting::next_time_of_day;
use crate::rules::condition::HeldSubject;
use crate::rules::rule::{Listener, RuleSet};

/// Everything that can wake the engine.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    pub event: &'a Event,
    /// For a report and for what settled: the rules of the runs that caused each other, down to the one
    /// whose order it was; none when it was not one of ours.
    pub own: Option<&'a [RuleId]>,
    /// For a report: the order of ours that it ended. Its own event comes later, and rules that hear the
    /// report know already that the order is over.
    pub settled: Option<&'a Settled>,
}

/// What a decision is made from; handed down whole.
#[derive(Clone, Copy, Debug)]
struct Scene<'a> {
    rules: &'a RuleSet,
    state: &'a State,
    event: &'a Event,
    /// The order of ours that is over with this event.
    settled: Option<&'a Settled>,
    now: Timestamp,
    /// The rules of the runs that led to the event.
    chain: &'a [RuleId],
}

/// What follows from one input at most. Far more than the rules of a home can want: it ends what would never end.
pub const FOLLOW_UPS_MAX: usize = 1_000_000;

/// How much that is due is done in one go; the rest is due still.
const DUE_MAX: usize = 256;

/// Decides what `input`, happening at `now`, leads to, and all that follows from it at once. Each decision
/// is handed to `write`, with the state as it is before, and then made true in `state`.
///
/// # Errors
///
/// The first failure of `write`; the state is then no longer what the rows say.
pub fn take<E>(
    rules: &RuleSet,
    state: &mut State,
    input: Input<'_>,
    now: Timestamp,
    write: impl FnMut(&State, &Decision) -> Result<(), E>,
) -> Result<Left, E> {
    take_at_most(FOLLOW_UPS_MAX, (rules, state), input, now, write)
}

/// How much of what follows was left undone: none, but for what would never end.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left(pub usize);

/// [`take`], with so many follow-ups at most.
///
/// # Errors
///
/// As there.
pub fn take_at_most<E>(
    follow_ups_max: usize,
    (rules, state): (&RuleSet, &mut State),
    input: Input<'_>,
    now: Timestamp,
    mut write: impl FnMut(&State, &Decision) -> Result<(), E>,
) -> Result<Left, E> {
    // When the clock is set, all is decided by the new time.
    let is_set = matches!(input.event.payload, Payload::ClockSet { .. });
    let now = if is_set { input.event.received_at } else { now };
    let mut turns = Turns::new();
    let mut calls = Calls::default();
    let mut decision = step(rules, state, input, now);
    for n_done in 0.. {
        write(state, &decision)?;
        let freed = arbitration::freed(state, &decision);
        for change in &decision.changes {
            state.apply(change);
        }
        let follow_ups = decision.follow_ups.into_iter().chain(freed);
        turns.add(decision.at_once, follow_ups);
        if n_done == follow_ups_max {
            break;
        }
        let Some(next) = turns.next() else {
            break;
        };
        let next = calls.counted(next);
        decision = follow_up::decide(scene(rules, state, input, now), &next);
        calls.note(&next, &decision);
    }
    Ok(Left(turns.count()))
}

fn scene<'a>(rules: &'a RuleSet, state: &'a State, input: Input<'a>, now: Timestamp) -> Scene<'a> {
    Scene {
        rules,
        state,
        event: input.event,
        settled: input.settled,
        now,
        chain: input.own.unwrap_or_default(),
    }
}

impl Scene<'_> {
    /// Our own orders to `device`, as they stand with this event.
    fn orders(&self, device: &DeviceId) -> Orders {
        let mut orders = self.state.orders(device).cloned().unwrap_or_default();
        if let Some(settled) = self.settled.filter(|it| it.device == *device) {
            orders.end(settled, self.event.received_at);
        }
        orders
    }
}

/// Lets every trigger begin to count that counts from the moment it is there, and fires none.
pub fn arm(rules: &RuleSet, state: &State, input: Input<'_>, now: Timestamp) -> Decision {
    let mut decision = Decision::default();
    arming::arm(scene(rules, state, input, now), &mut decision);
    decision
}

/// What `input`, happening at `now`, leads to, but for what follows up. Changes nothing.
#[expect(clippy::too_many_lines, reason = "an arm for each kind")]
pub fn step(rules: &RuleSet, state: &State, input: Input<'_>, now: Timestamp) -> Decision {
    let scene = scene(rules, state, input, now);
    let mut decision = Decision::default();
    match &input.event.payload {
        Payload::Report(report) => {
            if input.own.is_none() {
                let device = &report.device;
                decision.changes.extend(foreign_order(scene, device));
            }
            let happening = Happening::Ended {
                device: &report.device,
                command: report.command.as_deref(),
                outcome: &report.outcome,
                own: input.own.is_some(),
            };
            wake(scene, &happening, &mut decision);
        }
        Payload::Connection(connection) => {
            let happening = Happening::Connection {
                device: &connection.device,
                change: connection.change,
            };
            wake(scene, &happening, &mut decision);
        }
        Payload::Readings(readings) => read(scene, readings, &mut decision),
        Payload::Capabilities(it) => capabilities::declared(scene, it, &mut decision),
        Payload::Settled(settled) => {
            decision.changes.push(Change::Settled {
                settled: settled.clone(),
                at: input.event.received_at,
            });
            // A report has been shown to the rules already; an order that Amps never took, or that
            // nothing was heard of, ended without one.
            if settled.cause.is_none() {
                let happening = Happening::Ended {
                    device: &settled.device,
                    command: Some(&settled.name),
                    outcome: &settled.outcome,
                    own: true,
                };
                wake(scene, &happening, &mut decision);
            }
            // After the calls: a rule does not call itself while its run is under way.
            let over = FollowUp::CommandOver(settled.clone());
            decision.follow_ups.push(over);
        }
        Payload::Accepted(accepted) => {
            let accepted = FollowUp::CommandAccepted(accepted.clone());
            decision.follow_ups.push(accepted);
        }
        Payload::NotCancelled(told) => {
            let told = FollowUp::NotCancelled(told.clone());
            decision.follow_ups.push(told);
        }
        Payload::Input(reading) => inputs::learned(scene, reading, &mut decision),
        Payload::Hook(hook) => wake(scene, &Happening::Hook(hook), &mut decision),
        Payload::Tick => {
            let due = state.due(now, DUE_MAX).into_iter();
            decision.follow_ups.extend(due.map(FollowUp::Wake));
        }
        Payload::Engine(change) => {
            arming::arm(scene, &mut decision);
            arming::retire(scene, &mut decision);
            history::arm(scene, &mut decision);
            let due = state.asking().map(|it| FollowUp::Ask(it.id.clone()));
            decision.follow_ups.extend(due);
            if *change == EngineChange::Started {
                let turns = state.inputs_with_series();
                let turns = turns.map(|it| FollowUp::Wake(Wakeful::Input(it.clone())));
                decision.follow_ups.extend(turns);
                begin::wait_on(scene, &mut decision);
                freshness::ask_anew(scene, &mut decision);
            }
            wake(scene, &Happening::Engine(*change), &mut decision);
        }
        Payload::ClockSet { by_ms, .. } => {
            clock_set::decide(scene, SignedDuration::from_millis(*by_ms), &mut decision);
        }
        Payload::Request(request) => follow_up::request(scene, request, &mut decision),
        // Once it is written down that it was heard: whoever watches the rule asks again then.
        Payload::Written(over) => decision.follow_ups.push(FollowUp::WriteOver(over.clone())),
        Payload::Http(over) => decision.follow_ups.push(FollowUp::HttpOver(over.clone())),
        Payload::NotRead { device } => freshness::not_read(scene, device, &mut decision),
        Payload::Unknown => {}
    }
    decision
}

/// Somebody else's order to `device` is over: what ours came to may not be in force any more. Once is enough.
fn foreign_order(scene: Scene<'_>, device: &DeviceId) -> Option<Change> {
    let completed = scene.state.orders(device)?.completed()?.at;
    let known = scene.state.foreign_order(device);
    known
        .is_none_or(|it| it < completed)
        .then(|| Change::ForeignOrder {
            device: device.clone(),
            at: scene.event.received_at,
        })
}

/// A device was read.
fn read(scene: Scene<'_>, readings: &Readings, decision: &mut Decision) {
    // A value from the future would never be replaced: some clock was ahead.
    let taken_at = readings.taken_at.min(scene.now);
    decision.changes.push(Change::Read(Readings {
        taken_at,
        ..readings.clone()
    }));
    let heard = readings.values.iter();
    for (attribute, value) in heard.filter(|_| readings.origin != Origin::Fallback) {
        let of = HeldSubject::Attribute(readings.device.clone(), attribute.clone());
        history::note(scene, of, Told::now(value, taken_at), decision);
    }
    wake(scene, &Happening::Read(readings), decision);
}

/// Shows `happening` to each rule that listens to it, once a rule, and to each run that waits for it.
fn wake(scene: Scene<'_>, happening: &Happening<'_>, decision: &mut Decision) {
    let topic = happening.topic();
    let listeners = scene.rules.listeners.get(&topic);
    for of_one_rule in listeners
        .into_iter()
        .flat_map(|it| it.chunk_by(|a, b| a.rule == b.rule))
    {
        consider(scene, of_one_rule, happening, decision);
    }
    go_on::tell(scene, &topic, Occasion::Happening(happening), decision);
    let calls = scene.state.calls_hearing(&topic);
    let calls = calls.map(|it| FollowUp::Call(it.id.clone()));
    decision.follow_ups.extend(calls);
}

/// Asks the triggers of one rule what they make of `happening`.
fn consider(
    scene: Scene<'_>,
    listeners: &[Listener],
    happening: &Happening<'_>,
    decision: &mut Decision,
) {
    let Some(first) = listeners.first() else {
        return;
    };
    let rule = &scene.rules.rules[first.rule];
    let (mut heard, mut misses) = (Heard::default(), Vec::new());
    // Values come all the time; that nothing came of them is not worth a trace, unless something that
    // has to stay so for a while began to be so, or no longer is.
    let mut is_told = !matches!(happening, Happening::Read(_) | Happening::Input(_));
    for listener in listeners {
        let index = listener.trigger;
        let known = scene.state.trigger(&rule.id, index);
        let mut memory = known.cloned().unwrap_or_default();
        let trigger = (index, &rule.triggers[index]);
        let of_one = hear(scene, trigger, &mut memory, Occasion::Happening(happening));
        misses.extend(of_one.mismatches.iter().map(|because| Miss {
            place: trigger.1.place.clone(),
            because: because.clone(),
        }));
        heard.add(of_one);
        is_told |= memory.holds_other_than(known);
        arming::remember(scene, rule, (index, memory), decision);
    }
    begin::heard(scene, rule, (heard, is_told.then_some(misses)), decision);
}
