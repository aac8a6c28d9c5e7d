//! Orders of a replay on their way: those of then go by the record, new ones by a small model of Amps.
//!
//! As in the outbox, a device has one push under way at a time, one that is planned for later included; new orders
//! behind it stand in line.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::clock::later;
use crate::domain::command::Command;
use crate::domain::event::{NotCancelled, Payload, Report, Settled, Source};
use crate::domain::id::{ActionId, CommandId, DeviceId, EventId, RuleId};
use crate::domain::lifecycle::{Failure, Outcome};
use crate::replay::deed::{End, is_same_order};
use crate::replay::past::{Past, PastCommand};
use crate::replay::planned::{Fate, Planned};
use crate::replay::twins::{EXACT, Twins, moved};
use crate::replay::{ASSUMED_ANSWER, ASSUMED_REACTION};

/// What Amps said then of an order that was to be cancelled is its answer now for so long.
const CANCEL_WAIT: Duration = Duration::from_mins(15);

#[derive(Debug)]
pub(super) struct Orders<'w> {
    past: &'w Past,
    fate: Fate,
    twins: Twins,
    /// By order of then: the events that tell of it, by their places. They are shown when it is given now.
    kept_back: BTreeMap<usize, Vec<usize>>,
    /// Whose orders there are: the rules of the runs that led to each.
    chains: BTreeMap<CommandId, Vec<RuleId>>,
    actions: BTreeMap<ActionId, CommandId>,
    /// The order that is over with each report.
    settled: BTreeMap<EventId, Settled>,
    given: BTreeMap<CommandId, Given>,
    /// Those that are not over, in the order in which they were given.
    line: BTreeMap<DeviceId, Vec<CommandId>>,
    /// Pushes that nobody has seen.
    n_actions: usize,
    /// What is on record of orders that are called off now.
    n_void: usize,
}

/// An order that the rules give now.
#[derive(Debug)]
struct Given {
    command: Command,
    leaves: Leaves,
    action: Option<ActionId>,
    end: Option<End>,
    is_off: bool,
    /// Rules did not want it any more then, and it went on to its end.
    was_not_cancelled: bool,
    /// What is on record of its being called off.
    answers: Vec<Planned>,
}

/// When the push leaves.
#[derive(Clone, Copy, Debug)]
enum Leaves {
    /// At this moment, whoever is before it.
    At(Timestamp),
    /// When nobody is before it any more, and not earlier.
    InLine { not_before: Timestamp },
    /// As far as the record tells, never.
    Never,
}

impl<'w> Orders<'w> {
    pub(super) fn new(past: &'w Past, fate: Fate) -> Self {
        let mut actions = BTreeMap::new();
        for it in &past.commands {
            let of_command = it.actions.iter();
            actions.extend(of_command.map(|action| (action.clone(), it.command.id.clone())));
        }
        Self {
            past,
            fate,
            twins: Twins::default(),
            kept_back: BTreeMap::new(),
            chains: BTreeMap::new(),
            actions,
            settled: BTreeMap::new(),
            given: BTreeMap::new(),
            line: BTreeMap::new(),
            n_actions: 0,
            n_void: 0,
        }
    }

    /// The order of then with this index may find its like.
    pub(super) fn expect(&mut self, index: usize) {
        self.twins.add(self.past.commands[index].created_at, index);
        self.kept_back.insert(index, Vec::new());
    }

    pub(super) fn is_expected(&self, index: usize) -> bool {
        self.kept_back.contains_key(&index)
    }

    /// An order that is there whatever the rules do.
    pub(super) fn stands(&mut self, command: &Command, is_over: bool) {
        self.chains
            .insert(command.id.clone(), command.chain_below());
        if !is_over {
            self.join(command);
        }
    }

    fn join(&mut self, command: &Command) {
        let line = self.line.entry(command.device.id.clone()).or_default();
        line.push(command.id.clone());
    }

    /// Keeps what is at `place` back, if it tells of an order that may find its like.
    pub(super) fn keep(&mut self, index: usize, place: usize) -> bool {
        let kept_back = self.kept_back.get_mut(&index);
        kept_back.map(|it| it.push(place)).is_some()
    }

    pub(super) fn note_settled(&mut self, settled: &Settled) {
        if let Some(cause) = settled.cause.clone() {
            self.settled.insert(cause, settled.clone());
        }
    }

    pub(super) fn pushed_as(&self, action: &ActionId) -> Option<&CommandId> {
        self.actions.get(action)
    }

    pub(super) fn chain(&self, command: &CommandId) -> Option<&Vec<RuleId>> {
        self.chains.get(command)
    }

    /// The order that is over with this report.
    pub(super) fn settled_by(&self, report: &EventId) -> Option<&Settled> {
        self.settled.get(report)
    }

    /// How it ended, as far as is known or assumed.
    pub(super) fn end(&self, command: &CommandId) -> Option<&End> {
        self.given.get(command)?.end.as_ref()
    }

    /// The rules give `command`. Returns what tells of it.
    pub(super) fn give(&mut self, command: &Command, now: Timestamp) -> Vec<Planned> {
        self.stands(command, false);
        let given = Given {
            command: command.clone(),
            leaves: Leaves::InLine { not_before: now },
            action: None,
            end: None,
            is_off: false,
            was_not_cancelled: false,
            answers: Vec::new(),
        };
        let then = |index: usize| &self.past.commands[index].command;
        let twin = self.twins.take(
            now,
            |it| then(it).id == command.id,
            |it| is_same_order(then(it), command),
        );
        if let Some(index) = twin {
            return self.as_recorded(index, given, now);
        }
        self.given.insert(command.id.clone(), given);
        self.leave(now)
    }

    fn as_recorded(&mut self, index: usize, mut given: Given, now: Timestamp) -> Vec<Planned> {
        let then = &self.past.commands[index];
        let moved = |at: Timestamp| moved(at, then.created_at, now);
        let id = given.command.id.clone();
        for action in &then.actions {
            self.actions.insert(action.clone(), id.clone());
        }
        given.action = then.actions.last().cloned();
        // It goes by the record, whoever is before it.
        given.leaves = then
            .left_at
            .map_or(Leaves::Never, |it| Leaves::At(moved(it)));
        let places = self.kept_back.remove(&index).unwrap_or_default();
        let is_called_off = self.was_called_off(then, &places);
        given.was_not_cancelled = then.is_unwanted && !is_called_off;
        let mut planned = Vec::new();
        for place in places {
            let mut event = self.past.events[place].clone();
            event.received_at = moved(event.received_at);
            if let Payload::Settled(settled) = &mut event.payload {
                settled.command = id.clone();
                self.note_settled(settled);
            } else if let Payload::Accepted(of)
            | Payload::NotCancelled(NotCancelled { order: of, .. }) = &mut event.payload
            {
                *of = given.command.named();
            }
            let is_answer = is_answer(&event.payload, is_called_off);
            let told = Planned::recorded(event, place);
            if is_answer {
                given.answers.push(told);
            } else {
                planned.push(told.unless_off(&id));
            }
        }
        let accepted_at = then.accepted_at.map(moved);
        if let (Some(at), None, Some(accepted)) = (
            accepted_at,
            then.command.acceptance(),
            given.command.acceptance(),
        ) {
            let event = (EventId::accepted(&id), Source::Engine);
            let told = Planned::certain(event, at, Payload::Accepted(accepted));
            planned.push(told.unless_off(&id));
        }
        if !is_called_off {
            given.end = then.end.as_ref().map(|(at, outcome)| End::Known {
                at: moved(*at),
                outcome: outcome.clone(),
            });
        } else if let Some(at) = accepted_at.filter(|_| given.command.is_planned()) {
            // What would have become of it, nobody has seen.
            planned.extend(self.assumed_end(&mut given, at));
        } else {
            let off_at = then.end.as_ref().map_or(now, |(at, _)| moved(*at));
            let not_before = off_at.checked_add(EXACT).unwrap_or(off_at);
            given.leaves = Leaves::InLine { not_before };
        }
        self.given.insert(id, given);
        planned
    }

    /// Whether rules did not want it any more, and it ended with that.
    fn was_called_off(&self, then: &PastCommand, places: &[usize]) -> bool {
        let is_cancelled = |it: &Outcome| *it == Outcome::Cancelled;
        let ended_so = then.end.as_ref().is_some_and(|(_, it)| is_cancelled(it));
        let mut told = places.iter().map(|it| &self.past.events[*it].payload);
        // Without a report, it ended before it left.
        let is_withdrawn = |it: &Payload| matches!(it, Payload::Settled(it) if it.cause.is_none());
        ended_so && (then.is_unwanted || told.any(is_withdrawn))
    }

    /// Amps takes the new orders that are first in line, and tells of their ends a while later.
    pub(super) fn leave(&mut self, now: Timestamp) -> Vec<Planned> {
        let mut planned = Vec::new();
        let firsts = self.line.values().filter_map(|it| it.first());
        let firsts: Vec<CommandId> = firsts.cloned().collect();
        for id in firsts {
            let is_due = |it: &Given| it.in_line().is_some_and(|it| it <= now);
            if !self.given.get(&id).is_some_and(is_due) {
                continue;
            }
            let Some(mut given) = self.given.remove(&id) else {
                continue;
            };
            given.leaves = Leaves::At(now);
            let accepted = given.command.acceptance();
            if let Some(accepted) = accepted.filter(|_| self.fate == Fate::Completed) {
                let event = (EventId::accepted(&id), Source::Engine);
                let told = Planned::assumed(event, now, Payload::Accepted(accepted));
                planned.push(told.unless_off(&id));
            }
            planned.extend(self.assumed_end(&mut given, now));
            self.given.insert(id, given);
        }
        planned
    }

    /// When one leaves that waits for nobody.
    pub(super) fn next_leaves(&self) -> Option<Timestamp> {
        let firsts = self.line.values().filter_map(|it| it.first());
        let firsts = firsts.filter_map(|it| self.given.get(it));
        firsts.filter_map(Given::in_line).min()
    }

    /// The end of an order that Amps has from `taken_at` on: a while after it begins.
    fn assumed_end(&mut self, given: &mut Given, taken_at: Timestamp) -> [Planned; 2] {
        let outcome = match self.fate {
            Fate::Completed => Outcome::Completed,
            Fate::Failed => Outcome::Failed(Failure::new(Some("DEVICE_OFFLINE"), "assumed")),
        };
        let start = given.command.timing.start;
        let at = later(
            start.map_or(taken_at, |it| it.max(taken_at)),
            ASSUMED_REACTION,
        );
        let cause = EventId::derive("assumed", given.command.id.as_str());
        let planned = self.over(given, (cause, Source::Webhook), at, outcome);
        let id = &given.command.id;
        planned.map(|it| it.unless_off(id))
    }

    /// What tells that nobody has seen this end.
    fn over(
        &mut self,
        given: &mut Given,
        (cause, source): (EventId, Source),
        at: Timestamp,
        outcome: Outcome,
    ) -> [Planned; 2] {
        let command = &given.command;
        let action = given.action.get_or_insert_with(|| {
            self.n_actions += 1;
            ActionId::new(format!("act_assumed_{}", self.n_actions))
        });
        self.actions.insert(action.clone(), command.id.clone());
        let report = Report {
            action: action.clone(),
            device: command.device.id.clone(),
            device_type: Some(command.device.device_type),
            command: Some(command.name.clone()),
            outcome: outcome.clone(),
            ended_at: Some(at),
        };
        let settled = settled(command, (1, Some(cause.clone())), outcome.clone());
        self.note_settled(&settled);
        given.end = Some(End::Assumed { at, outcome });
        let over = (EventId::settled(&command.id), Source::Engine);
        [
            Planned::assumed((cause, source), at, Payload::Report(report)),
            Planned::assumed(over, at, Payload::Settled(settled)),
        ]
    }

    /// The rules do not want `command` any more; whoever `hears` waits to know what becomes of that. Returns what
    /// tells of it.
    pub(super) fn call_off(&mut self, id: &CommandId, hears: bool, now: Timestamp) -> Vec<Planned> {
        let Some(mut given) = self.given.remove(id).filter(|it| !it.is_off) else {
            return Vec::new();
        };
        let planned = self.try_call_off(&mut given, hears, now);
        self.given.insert(id.clone(), given);
        planned
    }

    /// The order is not sent any more; one that has left is left to its end. Returns what tells of it.
    pub(super) fn abandon(&mut self, id: &CommandId, now: Timestamp) -> Vec<Planned> {
        let given = self.given.get(id);
        if given.is_some_and(|it| it.has_left(now)) {
            return Vec::new();
        }
        self.call_off(id, false, now)
    }

    fn try_call_off(&mut self, given: &mut Given, hears: bool, now: Timestamp) -> Vec<Planned> {
        let soon = now..=later(now, CANCEL_WAIT);
        let is_no = |it: &Planned| matches!(it.event.payload, Payload::NotCancelled(_));
        let (soon, rest): (Vec<_>, Vec<_>) = given
            .answers
            .drain(..)
            .partition(|it| soon.contains(&it.at));
        if let Some(last) = soon.last() {
            given.answers = rest;
            given.is_off = !soon.iter().all(is_no);
            if given.is_off {
                given.end = Some(End::Known {
                    at: last.at,
                    outcome: Outcome::Cancelled,
                });
            }
            return soon;
        }
        given.answers = rest;
        let command = &given.command;
        if !given.has_left(now) {
            given.is_off = true;
            let outcome = Outcome::Cancelled;
            let settled = settled(command, (0, None), outcome.clone());
            given.end = Some(End::Known { at: now, outcome });
            let event = (EventId::settled(&command.id), Source::Engine);
            return vec![Planned::certain(event, now, Payload::Settled(settled))];
        }
        let no = (
            EventId::derive("not_cancelled", &format!("{} {now}", command.id)),
            Source::Engine,
        );
        let refused = Payload::NotCancelled(NotCancelled {
            order: command.named(),
            failure: None,
        });
        if given.was_not_cancelled && given.ends_after(now) {
            return Vec::new();
        }
        let is_to_begin = command.timing.start.is_some_and(|it| now < it);
        let answered = later(now, ASSUMED_ANSWER);
        match (is_to_begin, self.fate) {
            (true, Fate::Completed) => {
                given.is_off = true;
                let cause = EventId::derive("assumed cancelled", command.id.as_str());
                let word = (cause, Source::LookUp);
                self.over(given, word, answered, Outcome::Cancelled)
                    .to_vec()
            }
            (true, Fate::Failed) if hears => vec![Planned::assumed(no, answered, refused)],
            (false, _) if hears => vec![Planned::certain(no, now, refused)],
            (true, Fate::Failed) | (false, _) => Vec::new(),
        }
    }

    /// Whether it tells of an order that was called off meanwhile.
    pub(super) fn drops(&mut self, planned: &Planned) -> bool {
        let order = planned.unless_off.as_ref();
        let is_void = order.is_some_and(|it| self.given.get(it).is_some_and(|it| it.is_off));
        self.n_void += usize::from(is_void && planned.place.is_some());
        is_void
    }

    /// The order is over: the next in line leaves.
    pub(super) fn over_with(&mut self, settled: &Settled, now: Timestamp) -> Vec<Planned> {
        if let Some(line) = self.line.get_mut(&settled.device) {
            line.retain(|it| *it != settled.command);
        }
        self.leave(now)
    }

    /// How many events were kept back to the end.
    pub(super) fn n_left(&self) -> usize {
        let kept_back = self.kept_back.values().map(Vec::len).sum::<usize>();
        let answers = self.given.values().map(|it| it.answers.len());
        kept_back + answers.sum::<usize>() + self.n_void
    }
}

impl Given {
    fn has_left(&self, now: Timestamp) -> bool {
        matches!(self.leaves, Leaves::At(at) if at <= now)
    }

    /// On record is an end of its own that is still to come.
    fn ends_after(&self, now: Timestamp) -> bool {
        match &self.end {
            Some(End::Known { at, outcome }) => now < *at && *outcome != Outcome::Cancelled,
            Some(End::Assumed { .. }) | None => false,
        }
    }

    /// In line, and until when at least.
    fn in_line(&self) -> Option<Timestamp> {
        match self.leaves {
            Leaves::InLine { not_before } => Some(not_before),
            Leaves::At(_) | Leaves::Never => None,
        }
    }
}

/// Whether it tells what became of it when rules did not want the order any more.
#[expect(clippy::wildcard_enum_match_arm, reason = "three kinds are about ends")]
fn is_answer(payload: &Payload, was_called_off: bool) -> bool {
    let end = match payload {
        Payload::NotCancelled(_) => return true,
        Payload::Settled(settled) => &settled.outcome,
        Payload::Report(report) => &report.outcome,
        _ => return false,
    };
    was_called_off && *end == Outcome::Cancelled
}

fn settled(
    command: &Command,
    (attempts, cause): (u32, Option<EventId>),
    outcome: Outcome,
) -> Settled {
    Settled {
        command: command.id.clone(),
        device: command.device.id.clone(),
        name: command.name.clone(),
        outcome,
        attempts,
        cause,
    }
}
