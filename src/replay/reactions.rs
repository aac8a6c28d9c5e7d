//! How the world reacts in a replay: as is on record of what was done then too, else as assumed.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::clock::later;
use crate::domain::event::{Event, Payload, Settled, Source};
use crate::domain::http::{HttpOver, HttpRequest, HttpResult};
use crate::domain::id::{CommandId, EventId, RuleId};
use crate::domain::lifecycle::Failure;
use crate::domain::writing::{SettingWrite, WriteOver, WriteResult};
use crate::replay::answers::{Answer, Answers};
use crate::replay::orders::Orders;
use crate::replay::past::{Past, PastCommand};
use crate::replay::planned::{Fate, Planned};
use crate::replay::twins::moved;
use crate::replay::{ASSUMED_ANSWER, ASSUMED_REACTION, Span, opening};

#[derive(Debug)]
pub(super) struct Reactions<'w> {
    past: &'w Past,
    fate: Fate,
    pub(super) orders: Orders<'w>,
    requests: Answers<'w, HttpRequest>,
    writes: Answers<'w, SettingWrite>,
}

impl<'w> Reactions<'w> {
    /// Also the places of the events that happened whatever the rules are.
    pub(super) fn new(past: &'w Past, span: Span, fate: Fate) -> (Self, Vec<usize>) {
        let apart = opening::left_out(past, span);
        let mut it = Self {
            past,
            fate,
            orders: Orders::new(past, fate),
            requests: Answers::new(&past.requests, &apart),
            writes: Answers::new(&past.writes, &apart),
        };
        let may_be_given =
            |it: &PastCommand| span.since <= it.created_at && !apart.contains(&it.command.run);
        for (index, command) in past.commands.iter().enumerate() {
            if may_be_given(command) {
                it.orders.expect(index);
            } else {
                // Those of the span join the line when their moment comes.
                let is_over = command.end.as_ref().is_some_and(|(at, _)| *at < span.since);
                let is_apart = is_over || span.since <= command.created_at;
                it.orders.stands(&command.command, is_apart);
            }
        }
        let outer = it.sort_out();
        (it, outer)
    }

    /// Orders of the span that runs gave which are not played, in the order of time.
    pub(super) fn given_otherwise(&self, span: Span) -> Vec<usize> {
        let commands = self.past.commands.iter().enumerate();
        let of_span = commands.filter(|(_, it)| span.since <= it.created_at);
        let others = of_span.filter(|(index, _)| !self.orders.is_expected(*index));
        others.map(|(index, _)| index).collect()
    }

    /// Keeps back what tells of orders, requests and settings of the span. Returns the places of the rest.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the others happened whatever the rules are"
    )]
    fn sort_out(&mut self) -> Vec<usize> {
        let past = self.past;
        let commands = past.commands.iter().enumerate();
        let indices: BTreeMap<&CommandId, usize> = commands
            .map(|(index, it)| (&it.command.id, index))
            .collect();
        let mut outer = Vec::new();
        for (place, event) in past.events.iter().enumerate() {
            let command = match &event.payload {
                Payload::Report(report) => self.orders.pushed_as(&report.action),
                Payload::Settled(settled) => Some(&settled.command),
                Payload::Accepted(of) => Some(&of.command),
                Payload::NotCancelled(told) => Some(&told.order.command),
                // What is due is found anew.
                Payload::Tick => continue,
                Payload::Http(over) if self.requests.keep(&over.request, place) => continue,
                Payload::Written(over) if self.writes.keep(&over.write, place) => continue,
                _ => None,
            };
            let index = command.and_then(|it| indices.get(it));
            if index.is_some_and(|it| self.orders.keep(*it, place)) {
                continue;
            }
            if let Payload::Settled(settled) = &event.payload {
                self.orders.note_settled(settled);
            }
            outer.push(place);
        }
        outer
    }

    /// Of a report and of what is settled: the rules whose order it was, if it was one of ours, and the order
    /// that is over with it.
    #[expect(clippy::wildcard_enum_match_arm, reason = "two kinds are about orders")]
    pub(super) fn about(&self, event: &Event) -> (Option<Vec<RuleId>>, Option<Settled>) {
        let command = match &event.payload {
            Payload::Report(report) => self.orders.pushed_as(&report.action),
            Payload::Settled(settled) => Some(&settled.command),
            _ => None,
        };
        let own = command.and_then(|it| self.orders.chain(it)).cloned();
        (own, self.orders.settled_by(&event.id).cloned())
    }

    /// The rules make `request`. Returns what tells of its end.
    pub(super) fn ask(&mut self, request: &HttpRequest, now: Timestamp) -> Option<Planned> {
        let (then, place) = match self.requests.take(request, now) {
            Answer::OfThen { then, place } => (then, place?),
            Answer::Nothing => {
                let result = match self.fate {
                    Fate::Completed => HttpResult::Answered {
                        status: 200,
                        body: request.is_saved.then(String::new),
                    },
                    Fate::Failed => HttpResult::Failed(Failure::new(Some("500"), "assumed")),
                };
                let event = (EventId::answered(&request.id), Source::Engine);
                let over = Payload::Http(request.over(result, 1));
                return Some(Planned::assumed(event, later(now, ASSUMED_ANSWER), over));
            }
        };
        let mut event = self.recorded(place, then, now);
        if let Payload::Http(over) = &mut event.payload {
            *over = HttpOver {
                request: request.id.clone(),
                run: request.run.clone(),
                ..over.clone()
            };
        }
        Some(Planned::recorded(event, place))
    }

    /// The rules write a setting. Returns what tells of its end.
    pub(super) fn write(&mut self, write: &SettingWrite, now: Timestamp) -> Option<Planned> {
        let (then, place) = match self.writes.take(write, now) {
            Answer::OfThen { then, place } => (then, place?),
            Answer::Nothing => {
                let result = match self.fate {
                    Fate::Completed => WriteResult::Confirmed,
                    Fate::Failed => WriteResult::Failed {
                        outcome: "failed".to_owned(),
                        failure: Failure::new(Some("DEVICE_OFFLINE"), "assumed"),
                    },
                };
                let event = (EventId::answered(&write.id), Source::Engine);
                let over = Payload::Written(write.over(result, 1));
                return Some(Planned::assumed(event, later(now, ASSUMED_REACTION), over));
            }
        };
        let mut event = self.recorded(place, then, now);
        if let Payload::Written(over) = &mut event.payload {
            *over = WriteOver {
                write: write.id.clone(),
                run: write.run.clone(),
                ..over.clone()
            };
        }
        Some(Planned::recorded(event, place))
    }

    /// The event at `place`, which followed from what was done at `then` and is done at `now`.
    fn recorded(&self, place: usize, then: Timestamp, now: Timestamp) -> Event {
        let mut event = self.past.events[place].clone();
        event.received_at = moved(event.received_at, then, now);
        event
    }

    /// How many events were kept back to the end.
    pub(super) fn n_left_out(&self) -> usize {
        self.orders.n_left() + self.requests.n_left() + self.writes.n_left()
    }
}
