//! How orders and requests end in a replay: as it is on record where they were made then too, else as assumed.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::clock::{earlier, later};
use crate::domain::command::Command;
use crate::domain::event::{Event, Payload, Report, Settled, Source};
use crate::domain::http::{HttpOver, HttpRequest, HttpResult};
use crate::domain::id::{ActionId, CommandId, DeviceId, EventId, RequestId, RuleId};
use crate::domain::lifecycle::{Failure, Outcome};
use crate::replay::deed::{End, is_same_order, is_same_request};
use crate::replay::past::{Past, PastCommand};
use crate::replay::{ASSUMED_ANSWER, ASSUMED_REACTION, NEAR, Span, opening};

/// Within this, what happened then and what happens now are at the same moment: real programs take their time.
const EXACT: SignedDuration = SignedDuration::from_secs(1);

/// How it ends what nobody has seen end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Completed,
    Failed,
}

/// Something that will be shown to the rules.
#[derive(Clone, Debug)]
pub(super) struct Planned {
    pub(super) at: Timestamp,
    /// Its place on record; what is not on record stands behind that.
    pub(super) place: usize,
    pub(super) event: Event,
    pub(super) is_assumed: bool,
}

#[derive(Debug)]
pub(super) struct Reactions<'w> {
    past: &'w Past,
    until: Timestamp,
    fate: Fate,
    commands: Twins,
    requests: Twins,
    /// By order of then: the events that tell of it, by their places. They are shown when it is given now.
    reports: BTreeMap<usize, Vec<usize>>,
    answers: BTreeMap<RequestId, usize>,
    /// Whose orders there are: the rules of the runs that led to each.
    chains: BTreeMap<CommandId, Vec<RuleId>>,
    actions: BTreeMap<ActionId, CommandId>,
    /// The order that is over with each report.
    settled: BTreeMap<EventId, Settled>,
    /// When each device is done with the orders that it has.
    free_from: BTreeMap<DeviceId, Timestamp>,
    /// When those leave whose end is assumed.
    leaving: BTreeMap<CommandId, Timestamp>,
    called_off: BTreeSet<CommandId>,
    pub(super) n_assumed: usize,
}

/// What was done then and has not found its like.
#[derive(Debug, Default)]
struct Twins {
    by_time: BTreeSet<(Timestamp, usize)>,
}

impl Twins {
    /// The nearest one of about that moment that fits, or the one that is preferred.
    fn take(
        &mut self,
        now: Timestamp,
        is_preferred: impl Fn(usize) -> bool,
        fits: impl Fn(usize) -> bool,
    ) -> Option<usize> {
        let near = (earlier(now, NEAR), 0)..=(later(now, NEAR), usize::MAX);
        let near = self.by_time.range(near).copied();
        let fitting = near.filter(|(_, index)| fits(*index));
        let best = fitting.min_by_key(|(at, index)| {
            let distance = now.duration_since(*at).abs();
            (!is_preferred(*index), distance, *index)
        })?;
        self.by_time.remove(&best);
        Some(best.1)
    }
}

impl<'w> Reactions<'w> {
    /// Also the places of the events that happened whatever the rules are.
    pub(super) fn new(past: &'w Past, span: Span, fate: Fate) -> (Self, Vec<usize>) {
        let apart = opening::left_out(past, span);
        let may_be_given =
            |it: &PastCommand| span.since <= it.created_at && !apart.contains(&it.command.run);
        let mut it = Self {
            past,
            until: span.until,
            fate,
            commands: Twins::default(),
            requests: Twins::default(),
            reports: BTreeMap::new(),
            answers: BTreeMap::new(),
            chains: BTreeMap::new(),
            actions: BTreeMap::new(),
            settled: BTreeMap::new(),
            free_from: BTreeMap::new(),
            leaving: BTreeMap::new(),
            called_off: BTreeSet::new(),
            n_assumed: 0,
        };
        for (index, command) in past.commands.iter().enumerate() {
            for action in &command.actions {
                let id = command.command.id.clone();
                it.actions.insert(action.clone(), id);
            }
            if may_be_given(command) {
                it.commands.by_time.insert((command.created_at, index));
                it.reports.insert(index, Vec::new());
            } else {
                let chain = command.command.chain_below();
                it.chains.insert(command.command.id.clone(), chain);
            }
        }
        let mut asked = BTreeMap::new();
        for (index, (at, request)) in past.requests.iter().enumerate() {
            if !apart.contains(&request.run) {
                it.requests.by_time.insert((*at, index));
                asked.insert(&request.id, index);
            }
        }
        let outer = it.sort_out(&asked);
        (it, outer)
    }

    /// Orders of the span that runs gave which are not played, in the order of time.
    pub(super) fn given_otherwise(&self, span: Span) -> Vec<usize> {
        let commands = self.past.commands.iter().enumerate();
        let of_span = commands.filter(|(_, it)| span.since <= it.created_at);
        let others = of_span.filter(|(index, _)| !self.reports.contains_key(index));
        others.map(|(index, _)| index).collect()
    }

    /// Keeps back what tells of orders and requests of the span. Returns the places of the rest.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the others happened whatever the rules are"
    )]
    fn sort_out(&mut self, asked: &BTreeMap<&RequestId, usize>) -> Vec<usize> {
        let past = self.past;
        let commands = past.commands.iter().enumerate();
        let indices: BTreeMap<&CommandId, usize> = commands
            .map(|(index, it)| (&it.command.id, index))
            .collect();
        let mut outer = Vec::new();
        for (place, event) in past.events.iter().enumerate() {
            let command = match &event.payload {
                Payload::Report(report) => self.actions.get(&report.action),
                Payload::Settled(settled) => Some(&settled.command),
                // What is due is found anew.
                Payload::Tick => continue,
                Payload::Http(over) if asked.contains_key(&over.request) => {
                    self.answers.insert(over.request.clone(), place);
                    continue;
                }
                _ => None,
            };
            let index = command.and_then(|it| indices.get(it));
            if let Some(of_command) = index.and_then(|it| self.reports.get_mut(it)) {
                of_command.push(place);
                continue;
            }
            if let Payload::Settled(settled) = &event.payload {
                self.note_settled(settled.clone());
            }
            outer.push(place);
        }
        outer
    }

    fn note_settled(&mut self, settled: Settled) {
        if let Some(cause) = settled.cause.clone() {
            self.settled.insert(cause, settled);
        }
    }

    /// Of a report and of what is settled: the rules whose order it was, if it was one of ours, and the order
    /// that is over with it.
    #[expect(clippy::wildcard_enum_match_arm, reason = "two kinds are about orders")]
    pub(super) fn about(&self, event: &Event) -> (Option<Vec<RuleId>>, Option<Settled>) {
        let command = match &event.payload {
            Payload::Report(report) => self.actions.get(&report.action),
            Payload::Settled(settled) => Some(&settled.command),
            _ => None,
        };
        let own = command.and_then(|it| self.chains.get(it)).cloned();
        (own, self.settled.get(&event.id).cloned())
    }

    /// The rules give `command`. Returns how it ends, if it does, and what tells of that.
    pub(super) fn order(
        &mut self,
        command: &Command,
        now: Timestamp,
    ) -> (Option<End>, Vec<Planned>) {
        let chain = command.chain_below();
        self.chains.insert(command.id.clone(), chain);
        let past = self.past;
        let then = |index: usize| &past.commands[index].command;
        let twin = self.commands.take(
            now,
            |it| then(it).id == command.id,
            |it| is_same_order(then(it), command),
        );
        match twin {
            Some(index) => self.as_recorded(index, command, now),
            None => self.as_assumed(command, now),
        }
    }

    fn as_recorded(
        &mut self,
        index: usize,
        command: &Command,
        now: Timestamp,
    ) -> (Option<End>, Vec<Planned>) {
        let then = &self.past.commands[index];
        let moved = |at: Timestamp| moved(at, then.created_at, now);
        for action in &then.actions {
            self.actions.insert(action.clone(), command.id.clone());
        }
        let mut planned = Vec::new();
        for place in self.reports.remove(&index).unwrap_or_default() {
            let mut event = self.past.events[place].clone();
            event.received_at = moved(event.received_at);
            if let Payload::Settled(settled) = &mut event.payload {
                settled.command = command.id.clone();
                let settled = settled.clone();
                self.note_settled(settled);
            }
            planned.push(Planned {
                at: event.received_at,
                place,
                event,
                is_assumed: false,
            });
        }
        let end = then.end.as_ref().filter(|(at, _)| *at <= self.until);
        let end = end.map(|(at, outcome)| End::Known {
            at: moved(*at),
            outcome: outcome.clone(),
        });
        if let Some(End::Known { at, .. } | End::Assumed { at }) = &end {
            let free_from = self.free_from.entry(command.device.id.clone());
            let free_from = free_from.or_insert(*at);
            *free_from = (*at).max(*free_from);
        }
        (end, planned)
    }

    /// Amps takes it when the device has no other order, and tells of its end a while later.
    fn as_assumed(&mut self, command: &Command, now: Timestamp) -> (Option<End>, Vec<Planned>) {
        self.n_assumed += 1;
        let device = &command.device;
        let free_from = self.free_from.get(&device.id);
        let leaves = free_from.map_or(now, |it| now.max(*it));
        let at = later(leaves, ASSUMED_REACTION);
        self.free_from.insert(device.id.clone(), at);
        self.leaving.insert(command.id.clone(), leaves);
        let outcome = match self.fate {
            Fate::Completed => Outcome::Completed,
            Fate::Failed => Outcome::Failed(Failure::new(Some("DEVICE_OFFLINE"), "assumed")),
        };
        let action = ActionId::new(format!("act_assumed_{}", self.n_assumed));
        self.actions.insert(action.clone(), command.id.clone());
        let cause = EventId::derive("assumed", command.id.as_str());
        let settled = Settled {
            command: command.id.clone(),
            device: device.id.clone(),
            name: command.name.clone(),
            outcome: outcome.clone(),
            attempts: 1,
            cause: Some(cause.clone()),
        };
        self.note_settled(settled.clone());
        let report = Report {
            action,
            device: device.id.clone(),
            device_type: Some(device.device_type),
            command: Some(command.name.clone()),
            outcome,
            ended_at: Some(at),
        };
        let over = EventId::settled(&command.id);
        let planned = vec![
            assumed(cause, Source::Webhook, at, Payload::Report(report)),
            assumed(over, Source::Engine, at, Payload::Settled(settled)),
        ];
        (Some(End::Assumed { at }), planned)
    }

    /// The rules do not want `command` any more. Returns the word of it when it has not left yet.
    pub(super) fn call_off(
        &mut self,
        command: &CommandId,
        device: &DeviceId,
        name: &str,
        now: Timestamp,
    ) -> Option<Planned> {
        self.leaving
            .remove(command)
            .filter(|leaves| now < *leaves)?;
        self.called_off.insert(command.clone());
        let settled = Settled {
            command: command.clone(),
            device: device.clone(),
            name: name.to_owned(),
            outcome: Outcome::Cancelled,
            attempts: 0,
            cause: None,
        };
        let id = EventId::settled(command);
        Some(assumed(id, Source::Engine, now, Payload::Settled(settled)))
    }

    /// Whether it tells of an order that was called off meanwhile.
    pub(super) fn is_void(&self, planned: &Planned) -> bool {
        let is_off = |it: &Settled| self.called_off.contains(&it.command);
        if let Payload::Settled(settled) = &planned.event.payload {
            return settled.cause.is_some() && is_off(settled);
        }
        self.settled.get(&planned.event.id).is_some_and(is_off)
    }

    /// The rules make `request`. Returns what tells of its end.
    pub(super) fn ask(&mut self, request: &HttpRequest, now: Timestamp) -> Option<Planned> {
        let past = self.past;
        let then = |index: usize| &past.requests[index].1;
        let twin = self.requests.take(
            now,
            |it| then(it).id == request.id,
            |it| is_same_request(then(it), request),
        );
        let Some(index) = twin else {
            self.n_assumed += 1;
            let result = match self.fate {
                Fate::Completed => HttpResult::Answered {
                    status: 200,
                    body: request.is_saved.then(String::new),
                },
                Fate::Failed => HttpResult::Failed(Failure::new(Some("500"), "assumed")),
            };
            let id = EventId::answered(&request.id);
            let over = Payload::Http(request.over(result, 1));
            let at = later(now, ASSUMED_ANSWER);
            return Some(assumed(id, Source::Engine, at, over));
        };
        let place = self.answers.remove(&then(index).id)?;
        let mut event = past.events[place].clone();
        event.received_at = moved(event.received_at, past.requests[index].0, now);
        if let Payload::Http(over) = &mut event.payload {
            *over = HttpOver {
                request: request.id.clone(),
                run: request.run.clone(),
                ..over.clone()
            };
        }
        Some(Planned {
            at: event.received_at,
            place,
            event,
            is_assumed: false,
        })
    }

    /// How many events were kept back to the end.
    pub(super) fn n_left_out(&self) -> usize {
        self.reports.values().map(Vec::len).sum::<usize>() + self.answers.len()
    }
}

fn assumed(id: EventId, source: Source, at: Timestamp, payload: Payload) -> Planned {
    Planned {
        at,
        place: usize::MAX,
        event: Event {
            id,
            source,
            received_at: at,
            payload,
        },
        is_assumed: true,
    }
}

/// When what came at `at` comes, now that what led to it is done at `now` and not at `then`.
fn moved(at: Timestamp, then: Timestamp, now: Timestamp) -> Timestamp {
    let shift = now.duration_since(then);
    let moved = if shift.abs() < EXACT {
        at
    } else {
        at.checked_add(shift).unwrap_or(at)
    };
    moved.max(now)
}
