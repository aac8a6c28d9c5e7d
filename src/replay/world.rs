//! A home in virtual time: the pure engine, shown what is on record, and a small model of everything around it.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::ops::Bound;

use jiff::Timestamp;

use crate::clock::later;
use crate::domain::event::{
    ConnectionChange, Event, InputReading, Payload, Readings, Settled, Source,
};
use crate::domain::id::{DeviceId, EventId, InputName, RunId};
use crate::engine::decision::{Change, Decision};
use crate::engine::freshness::READING_WAIT_MAX;
use crate::engine::state::State;
use crate::engine::{self, Input};
use crate::replay::deed::{Deed, What};
use crate::replay::done::Done;
use crate::replay::past::Past;
use crate::replay::planned::{Fate, Planned};
use crate::replay::reactions::Reactions;
use crate::replay::{POLL, Pace, Span, opening};
use crate::rules::rule::RuleSet;

/// What playing a span came to.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) done: Vec<Deed>,
    pub(super) n_left_out: usize,
    /// Ends and answers that are assumed.
    pub(super) n_assumed: usize,
    /// What is on record of the span and was shown.
    pub(super) n_events: usize,
    pub(super) stopped_at: Option<Timestamp>,
}

pub(super) struct World<'w> {
    rules: &'w RuleSet,
    past: &'w Past,
    pace: &'w Pace,
    now: Timestamp,
    state: State,
    reactions: Reactions<'w>,
    /// By moment and place on record; the last number keeps apart what has none.
    coming: BTreeMap<(Timestamp, usize, usize), Coming>,
    down: BTreeMap<Timestamp, Timestamp>,
    /// Orders of runs that are not played: they were given all the same.
    given: VecDeque<usize>,
    devices: BTreeMap<DeviceId, Shown>,
    inputs: BTreeMap<InputName, (InputReading, Timestamp)>,
    /// Before the span: what is kept of that time. None in the span.
    remembered: Option<Vec<(Timestamp, Change)>>,
    done: Done,
    /// Devices that the rules want to know of, and that had told nothing new then.
    wanted: VecDeque<DeviceId>,
    n_planned: usize,
    shown_max: usize,
    n_shown: usize,
    n_events: usize,
    n_assumed: usize,
}

enum Coming {
    /// Of the record, by its place.
    Recorded(usize),
    Reaction(Box<Planned>),
}

/// What a device said last.
struct Shown {
    readings: Readings,
    /// When it is read again, and says the same.
    next: Timestamp,
    is_lost: bool,
}

impl<'w> World<'w> {
    pub(super) fn play(
        rules: &'w RuleSet,
        past: &'w Past,
        (span, pace, shown_max): (Span, &'w Pace, usize),
        fate: Fate,
    ) -> Outcome {
        let (reactions, outer) = Reactions::new(past, span, fate);
        let mut world = Self {
            rules,
            past,
            pace,
            now: opening::begin(past, span),
            state: State::default(),
            given: reactions.given_otherwise(span).into(),
            reactions,
            coming: BTreeMap::new(),
            down: opening::down(past),
            devices: BTreeMap::new(),
            inputs: BTreeMap::new(),
            remembered: Some(Vec::new()),
            done: Done::default(),
            wanted: VecDeque::new(),
            n_planned: 0,
            shown_max,
            n_shown: 0,
            n_events: 0,
            n_assumed: 0,
        };
        let mut at = world.now;
        for place in outer {
            // In the order of the record, whatever the clock did.
            at = past.events[place].received_at.max(at);
            let coming = Coming::Recorded(place);
            world.coming.insert((at, place, 0), coming);
        }
        world.declare();
        world.arm();
        let mut stopped = world.wind(|it| it < span.since);
        world.begin(span);
        if !stopped {
            stopped = world.wind(|it| it <= span.until);
        }
        let until = span.until;
        Outcome {
            done: world
                .done
                .finish(until, |it| world.reactions.orders.end(it)),
            n_left_out: world.reactions.n_left_out(),
            n_assumed: world.n_assumed,
            n_events: world.n_events,
            stopped_at: stopped.then_some(world.now),
        }
    }

    /// Devices have said for long what they take.
    fn declare(&mut self) {
        for it in &self.past.declared {
            let change = Change::Declared(it.clone());
            self.state.apply(&change);
            if let Some(remembered) = &mut self.remembered {
                remembered.push((it.at, change));
            }
        }
    }

    /// The triggers of the clock have been there for long.
    fn arm(&mut self) {
        let event = self.event(Source::Engine, Payload::Tick);
        let input = Input {
            event: &event,
            own: None,
            settled: None,
        };
        let decision = engine::arm(self.rules, &self.state, input, self.now);
        self.remember(&event, &decision);
        for change in &decision.changes {
            self.state.apply(change);
        }
    }

    /// From here on, what rules do counts.
    fn begin(&mut self, span: Span) {
        self.now = self.now.max(span.since);
        let remembered = self.remembered.take().unwrap_or_default();
        self.state = opening::state(self.past, span, &remembered);
    }

    fn event(&mut self, source: Source, payload: Payload) -> Event {
        self.n_shown += 1;
        Event {
            id: EventId::derive("replayed", &self.n_shown.to_string()),
            source,
            received_at: self.now,
            payload,
        }
    }

    /// Lets time pass for as long as the next moment is one that `goes`. Whether there was too much of it.
    fn wind(&mut self, goes: impl Fn(Timestamp) -> bool) -> bool {
        while let Some(next) = self.next_moment().filter(|it| goes(*it)) {
            if self.shown_max <= self.n_shown {
                return true;
            }
            self.now = self.now.max(next);
            self.note_given();
            let leaving = self.reactions.orders.leave(self.now);
            self.plan(leaving);
            if let Some(device) = self.wanted.pop_front() {
                self.read(&device);
            } else if !(self.next_comes() || self.next_is_read()) {
                let tick = self.event(Source::Engine, Payload::Tick);
                self.show(&tick, false);
            }
        }
        false
    }

    fn next_moment(&self) -> Option<Timestamp> {
        if !self.wanted.is_empty() {
            return Some(self.now);
        }
        let coming = self.coming.keys().next().map(|(at, _, _)| *at);
        let devices = self.devices.values().filter(|it| !it.is_lost);
        let polls = devices.map(|it| it.next);
        let inputs = self.inputs.values().map(|(_, next)| *next);
        let leaves = self.reactions.orders.next_leaves();
        let own = polls.chain(inputs).chain(self.state.next_alarm());
        let own = own.chain(leaves).min().map(|it| self.when_up(it));
        coming.into_iter().chain(own).min()
    }

    /// `moment`, or that of the start where the engine was down.
    fn when_up(&self, moment: Timestamp) -> Timestamp {
        let later = (Bound::Excluded(moment), Bound::Unbounded);
        match self.down.range(later).next() {
            Some((up, down)) if *down < moment => *up,
            Some(_) | None => moment,
        }
    }

    /// Runs that are not played gave orders: devices have them.
    fn note_given(&mut self) {
        while let Some(index) = self.given.front() {
            let given = &self.past.commands[*index];
            if self.now < given.created_at {
                return;
            }
            self.reactions.orders.stands(&given.command, false);
            self.state.apply(&Change::Ordered {
                command: given.command.clone(),
                at: given.created_at,
            });
            self.given.pop_front();
        }
    }

    /// Shows what came then, or what comes now; whether there was something.
    fn next_comes(&mut self) -> bool {
        let Some(next) = self.coming.first_entry() else {
            return false;
        };
        if self.now < next.key().0 {
            return false;
        }
        match next.remove() {
            Coming::Recorded(place) => {
                self.n_shown += 1;
                self.n_events += usize::from(self.remembered.is_none());
                let past = self.past;
                self.show(&past.events[place], false);
            }
            Coming::Reaction(planned) if self.reactions.orders.drops(&planned) => {}
            Coming::Reaction(planned) => {
                self.n_shown += 1;
                self.n_events += usize::from(planned.place.is_some());
                self.n_assumed += usize::from(planned.is_assumed);
                self.show(&planned.event, planned.is_assumed);
            }
        }
        true
    }

    /// Reads the first device or input whose time has come; whether there was one. An answer on record that comes
    /// soon is that to this reading.
    fn next_is_read(&mut self) -> bool {
        let now = self.now;
        let mut devices = self.devices.iter();
        let is_due = |(_, it): &(&DeviceId, &Shown)| !it.is_lost && it.next <= now;
        if let Some((device, _)) = devices.find(is_due) {
            let device = device.clone();
            if self.is_read_soon(&device) {
                let next = self.next_reading(&device);
                if let Some(shown) = self.devices.get_mut(&device) {
                    shown.next = next;
                }
            } else {
                self.read(&device);
            }
            return true;
        }
        let mut inputs = self.inputs.values();
        let Some((reading, _)) = inputs.find(|(_, next)| *next <= now) else {
            return false;
        };
        let reading = InputReading {
            taken_at: now,
            ..reading.clone()
        };
        let event = self.event(Source::Poll, Payload::Input(reading));
        self.show(&event, false);
        true
    }

    fn next_reading(&self, device: &DeviceId) -> Timestamp {
        let every = self.pace.devices.get(device).copied();
        later(self.now, every.unwrap_or(POLL))
    }

    /// The device says what it said last; nothing, if it never said anything or is lost.
    fn read(&mut self, device: &DeviceId) {
        let shown = self.devices.get(device).filter(|it| !it.is_lost);
        let payload = match shown {
            Some(Shown { readings, .. }) => Payload::Readings(Readings {
                taken_at: self.now,
                ..readings.clone()
            }),
            None => Payload::NotRead {
                device: device.clone(),
            },
        };
        let event = self.event(Source::Poll, payload);
        self.show(&event, false);
    }

    /// Shows `event` to the rules, and what follows from it at this moment.
    fn show(&mut self, event: &Event, is_assumed: bool) {
        self.note_shown(&event.payload);
        let (own, settled) = self.reactions.about(event);
        let over = about_end(event, settled.as_ref());
        // As in the outbox: before the rules hear that the device is free, the next in line has left.
        let leaving = over.map(|it| self.reactions.orders.over_with(it, self.now));
        self.plan(leaving.into_iter().flatten());
        let input = Input {
            event,
            own: own.as_deref(),
            settled: settled.as_ref(),
        };
        let mut wanted = Vec::new();
        let mut state = std::mem::take(&mut self.state);
        let now = self.now;
        let done = engine::take(self.rules, &mut state, input, now, |state, decision| {
            wanted.extend(decision.reads.iter().map(|it| it.device.clone()));
            if self.remembered.is_some() {
                self.remember(event, decision);
            } else {
                self.carry_out(state, decision, is_assumed);
            }
            Ok::<(), Infallible>(())
        });
        let Ok(_left) = done;
        self.state = state;
        // The answer of then is waited for; without one, nothing had changed.
        wanted.retain(|it| !self.is_read_soon(it));
        self.wanted.extend(wanted);
    }

    fn note_shown(&mut self, payload: &Payload) {
        if let Payload::Readings(readings) = payload {
            let device = readings.device.clone();
            let shown = Shown {
                readings: readings.clone(),
                next: self.next_reading(&device),
                is_lost: false,
            };
            self.devices.insert(device, shown);
        } else if let Payload::Input(reading) = payload {
            if let Some(every) = self.pace.inputs.get(&reading.input) {
                let next = later(self.now, *every);
                self.inputs
                    .insert(reading.input.clone(), (reading.clone(), next));
            }
        } else if let Payload::Connection(connection) = payload
            && let Some(shown) = self.devices.get_mut(&connection.device)
        {
            shown.is_lost = connection.change == ConnectionChange::Disconnected;
        }
    }

    /// Whether the record has an answer of the device within the time that it is waited for.
    fn is_read_soon(&self, device: &DeviceId) -> bool {
        let end = (later(self.now, READING_WAIT_MAX), usize::MAX, usize::MAX);
        let soon = self.coming.range(..=end);
        let mut recorded = soon.filter_map(|(_, it)| match it {
            Coming::Recorded(place) => Some(&self.past.events[*place].payload),
            Coming::Reaction(_) => None,
        });
        recorded.any(|it| {
            matches!(it, Payload::Readings(Readings { device: of, .. }) | Payload::NotRead { device: of } if of == device)
        })
    }

    /// Keeps what is still so when the span begins.
    fn remember(&mut self, event: &Event, decision: &Decision) {
        let by_hand = matches!(event.payload, Payload::Request(_));
        let is_kept = |it: &&Change| {
            let is_pause = matches!(it, Change::RulePaused { .. });
            opening::is_memory(self.past, it) || by_hand && is_pause
        };
        if let Some(remembered) = &mut self.remembered {
            let kept = decision.changes.iter().filter(is_kept).cloned();
            remembered.extend(kept.map(|it| (self.now, it)));
        }
    }

    fn carry_out(&mut self, state: &State, decision: &Decision, is_assumed: bool) {
        self.done.note_runs(state, decision, (self.now, is_assumed));
        let follows = |done: &Done, run: &RunId| is_assumed || done.assumed.contains(run);
        for command in &decision.commands {
            if self.done.is_new(command.id.as_str()) {
                let reports = self.reactions.orders.give(command, self.now);
                self.plan(reports);
                let is_assumed = follows(&self.done, &command.run);
                let (command, end) = (command.clone(), None);
                let what = What::Command { command, end };
                self.done.add(self.now, what, is_assumed);
            }
        }
        let withdrawn = decision.withdrawn.iter().map(|it| (it, false));
        for (id, hears) in withdrawn.chain(decision.cancelled.iter().map(|it| (it, true))) {
            let answers = self.reactions.orders.call_off(id, hears, self.now);
            self.plan(answers);
        }
        for id in &decision.abandoned {
            let answers = self.reactions.orders.abandon(id, self.now);
            self.plan(answers);
        }
        for notification in &decision.notifications {
            if self.done.is_new(notification.id.as_str()) {
                let is_assumed = follows(&self.done, &notification.run);
                let what = What::Notification(notification.clone());
                self.done.add(self.now, what, is_assumed);
            }
        }
        for request in &decision.requests {
            if self.done.is_new(request.id.as_str()) {
                let answer = self.reactions.ask(request, self.now);
                self.plan(answer);
                let is_assumed = follows(&self.done, &request.run);
                let what = What::Request(request.clone());
                self.done.add(self.now, what, is_assumed);
            }
        }
        for write in &decision.writes {
            if self.done.is_new(write.id.as_str()) {
                let answer = self.reactions.write(write, self.now);
                self.plan(answer);
                let is_assumed = follows(&self.done, &write.run);
                let what = What::Setting(write.clone());
                self.done.add(self.now, what, is_assumed);
            }
        }
    }

    fn plan(&mut self, planned: impl IntoIterator<Item = Planned>) {
        for it in planned {
            self.n_planned += 1;
            let key = (it.at, it.place.unwrap_or(usize::MAX), self.n_planned);
            self.coming.insert(key, Coming::Reaction(Box::new(it)));
        }
    }
}

/// The order that is over with `event`, which a report says before it is told.
fn about_end<'e>(event: &'e Event, settled: Option<&'e Settled>) -> Option<&'e Settled> {
    if let Payload::Settled(settled) = &event.payload {
        return Some(settled);
    }
    settled
}
