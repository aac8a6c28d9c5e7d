//! What is known at the beginning of the span, and what of the record stands on the side of then.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::clock::earlier;
use crate::domain::event::{EngineChange, Payload, Settled};
use crate::domain::id::{RuleId, RunId};
use crate::engine;
use crate::engine::decision::Change;
use crate::engine::state::State;
use crate::replay::deed::{Deed, End, What};
use crate::replay::past::Past;
use crate::replay::{DOWN, Span};

/// From when on the rules are there: from before the record that is read, or from the first start of all.
pub(super) fn begin(past: &Past, span: Span) -> Timestamp {
    let first = past.events.first();
    let first_start = first.filter(|it| it.payload == Payload::Engine(EngineChange::Started));
    first_start.map_or(span.warm(), |it| it.received_at.max(span.warm()))
}

/// When the engine is taken to have been down: from each beginning to the end that is its key.
pub(super) fn down(past: &Past) -> BTreeMap<Timestamp, Timestamp> {
    let mut found = BTreeMap::new();
    let mut last = Timestamp::MIN;
    for event in &past.events {
        let at = event.received_at;
        if event.payload == Payload::Engine(EngineChange::Started) && last < at {
            found.insert(at, last.max(earlier(at, DOWN)));
        }
        last = at.max(last);
    }
    found
}

/// Runs that were under way when the span began, branches included.
pub(super) fn left_out(past: &Past, span: Span) -> BTreeSet<RunId> {
    let mut found = BTreeSet::new();
    // Branches begin after the run that they are of.
    for run in &past.runs {
        let is_over = run.end.as_ref().is_some_and(|(at, _)| *at < span.since);
        let goes_on = run.started_at < span.since && !is_over;
        let of_other = run.parent.as_ref().is_some_and(|it| found.contains(it));
        if goes_on || of_other {
            found.insert(run.id.clone());
        }
    }
    found
}

/// The same runs, branches aside, with their rules.
pub(super) fn waiting(past: &Past, span: Span) -> Vec<(RuleId, RunId)> {
    let left_out = left_out(past, span);
    let runs = past.runs.iter();
    let runs = runs.filter(|it| it.parent.is_none() && left_out.contains(&it.id));
    runs.map(|it| (it.rule.clone(), it.id.clone())).collect()
}

/// What rules did in the span, by runs that began in it.
pub(super) fn deeds(past: &Past, span: Span) -> Vec<Deed> {
    let apart = left_out(past, span);
    let is_in = |at| span.since <= at && at <= span.until;
    let deed = |at, what| Deed {
        at,
        what,
        is_assumed: false,
    };
    let runs = past.runs.iter();
    let runs = runs.filter(|it| it.parent.is_none() && is_in(it.started_at));
    let mut deeds: Vec<_> = runs
        .map(|it| {
            let end = it.end.clone().filter(|(at, _)| *at <= span.until);
            let what = What::Run {
                id: it.id.clone(),
                rule: it.rule.clone(),
                trigger: it.trigger.clone(),
                end,
            };
            deed(it.started_at, what)
        })
        .collect();
    for it in past.commands.iter().filter(|it| is_in(it.created_at)) {
        let end = it.end.clone().filter(|(at, _)| *at <= span.until);
        let end = end.map(|(at, outcome)| End::Known { at, outcome });
        let command = it.command.clone();
        if !apart.contains(&command.run) {
            deeds.push(deed(it.created_at, What::Command { command, end }));
        }
    }
    let told = past.notifications.iter();
    for (at, it) in told.filter(|(at, it)| is_in(*at) && !apart.contains(&it.run)) {
        deeds.push(deed(*at, What::Notification(it.clone())));
    }
    let asked = past.requests.iter();
    for (at, it) in asked.filter(|(at, it)| is_in(*at) && !apart.contains(&it.run)) {
        deeds.push(deed(*at, What::Request(it.clone())));
    }
    let written = past.writes.iter();
    for (at, it) in written.filter(|(at, it)| is_in(*at) && !apart.contains(&it.run)) {
        deeds.push(deed(*at, What::Setting(it.clone())));
    }
    deeds
}

/// What the engine knows at the beginning of the span: `remembered` of the time before, and what rows tell of
/// orders, runs, pauses and who keeps devices.
pub(super) fn state(past: &Past, span: Span, remembered: &[(Timestamp, Change)]) -> State {
    let mut state = State::default();
    for (at, change) in remembered {
        // The runs that it was paused for are not played: that it was paused is seen by this alone.
        if let Change::RuleResumed { rule, .. } = change {
            state.apply(&Change::RulePaused {
                rule: rule.clone(),
                reason: String::new(),
                by_rule: true,
                at: *at,
            });
        }
        state.apply(change);
    }
    for it in &past.remembered {
        state.apply(&Change::Remembered {
            rule: it.rule.clone(),
            name: it.name.clone(),
            value: it.value.clone(),
            at: it.at,
        });
    }
    let is_resumed = |rule: &RuleId, since: Timestamp| {
        let mut later = remembered.iter().filter(|(at, _)| since <= *at);
        later.any(|(_, it)| matches!(it, Change::RuleResumed { rule: of, .. } if of == rule))
    };
    let seen_paused = past.seen_paused.iter();
    let still_paused = seen_paused.filter(|(at, rule, _)| !is_resumed(rule, *at));
    for (at, rule, reason) in past.paused.iter().chain(still_paused) {
        state.apply(&Change::RulePaused {
            rule: rule.clone(),
            reason: reason.clone(),
            by_rule: engine::is_reason_of_rule(reason),
            at: *at,
        });
    }
    for (device, kept) in &past.leases {
        let (device, kept) = (device.clone(), kept.clone());
        state.apply(&Change::Kept { device, kept });
    }
    for run in past.runs.iter().filter(|it| it.parent.is_none()) {
        if run.started_at < span.since {
            state.note_start(&run.rule, run.key.as_deref(), run.started_at);
        }
    }
    orders(past, span, &mut state);
    state
}

/// The orders that were given before the span, ours and those of others.
fn orders(past: &Past, span: Span, state: &mut State) {
    // In the order in which they were given and ended.
    let mut of_orders = BTreeMap::new();
    let mut is_ours = BTreeSet::new();
    for (index, it) in past.commands.iter().enumerate() {
        is_ours.extend(&it.actions);
        if it.created_at < span.since {
            let ordered = Change::Ordered {
                command: it.command.clone(),
                at: it.created_at,
            };
            of_orders.insert((it.created_at, index, false), ordered);
        }
        if let Some((at, outcome)) = it.end.as_ref().filter(|(at, _)| *at < span.since) {
            let settled = Settled {
                command: it.command.id.clone(),
                device: it.command.device.id.clone(),
                name: it.command.name.clone(),
                outcome: outcome.clone(),
                attempts: 1,
                cause: None,
            };
            of_orders.insert((*at, index, true), Change::Settled { settled, at: *at });
        }
    }
    for event in past.events.iter().filter(|it| it.received_at < span.since) {
        let report = event.payload.report();
        if let Some(report) = report.filter(|it| !is_ours.contains(&it.action)) {
            state.apply(&Change::ForeignOrder {
                device: report.device.clone(),
                at: event.received_at,
            });
        }
    }
    for change in of_orders.values() {
        state.apply(change);
    }
}

/// Whether a change of the time before the span is still so when it begins: what was read, what devices take, what triggers remember,
/// who keeps which device, and which rules were let go on. Runs of that time are not played; what one keeps counts when it is on record.
pub(super) fn is_memory(past: &Past, change: &Change) -> bool {
    if let Change::Kept { kept, .. } = change {
        return past.runs.iter().any(|it| it.id == kept.run);
    }
    matches!(
        change,
        Change::Read(_)
            | Change::Declared(_)
            | Change::Input { .. }
            | Change::History { .. }
            | Change::HistoryOver { .. }
            | Change::Trigger { .. }
            | Change::Released { .. }
            | Change::RuleResumed { .. }
    )
}
