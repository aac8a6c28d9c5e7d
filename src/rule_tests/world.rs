//! The home that a test happens in: the pure engine, and a small model of everything around it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::convert::Infallible;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::clock::later;
use crate::config::names::Names;
use crate::domain::device::Device;
use crate::domain::event::{EngineChange, Event, Payload, Readings, Report, Settled, Source};
use crate::domain::http::Reply;
use crate::domain::id::{ActionId, DeviceId, EventId, InputName, RuleId, RunId};
use crate::domain::lifecycle::Outcome;
use crate::domain::value::{Origin, Value};
use crate::engine::decision::{Change, Decision, ReadRequest};
use crate::engine::run::RunEnd;
use crate::engine::state::State;
use crate::engine::trace::Trace;
use crate::engine::{self, Input};
use crate::rule_tests::coverage::{Coverage, find};
use crate::rule_tests::expected::Happened;
use crate::rule_tests::inputs::Inputs;
use crate::rule_tests::outbox::Outbox;
use crate::rule_tests::rows::Rows;
use crate::rule_tests::since::Since;
use crate::rule_tests::test::{Setting, Shows};
use crate::rule_tests::web::{Heard, Web};
use crate::rule_tests::writes::{WriteEnd, Writes};
use crate::rules::rule::{Rule, RuleSet};

/// How often a device is read, as `poll:` is when nobody sets it.
const POLL: Duration = Duration::from_mins(5);

/// How often the engine is woken for what is due at one moment.
const RINGS_MAX: usize = 1000;

pub(super) struct World<'w> {
    rules: &'w RuleSet,
    /// Those before reloads, by which runs may still go.
    former: Vec<&'w RuleSet>,
    coverage: &'w mut Coverage,
    now: Timestamp,
    state: State,
    rows: Rows,
    pub(super) outbox: Outbox,
    web: Web,
    writes: Writes,
    devices: BTreeMap<DeviceId, Shown>,
    inputs: Inputs<'w>,
    next_poll: Timestamp,
    n_events: u32,
    n_foreign: u32,
    /// The same end of the same action counts once.
    counted: BTreeSet<(ActionId, &'static str)>,
    /// Devices that the rules want to know of, and were not read yet.
    wanted: VecDeque<ReadRequest>,
    /// The step that each run did last. When it goes on, that one is told of again first.
    positions: BTreeMap<RunId, usize>,
    pub(super) since: Since,
}

/// What a device answers when it is read.
#[derive(Debug, Default)]
struct Shown {
    values: BTreeMap<String, Value>,
    is_silent: bool,
}

impl<'w> World<'w> {
    pub(super) fn new(
        (rules, names): (&'w RuleSet, &'w Names),
        coverage: &'w mut Coverage,
        now: Timestamp,
    ) -> Self {
        let mut state = State::default();
        // A test begins in the middle of life: the triggers of the clock have been there for long.
        let event = Event {
            id: EventId::new("evt_0"),
            source: Source::Engine,
            received_at: now,
            payload: Payload::Tick,
        };
        let input = Input {
            event: &event,
            own: None,
            settled: None,
        };
        let mut rows = Rows::default();
        for change in &engine::arm(rules, &state.clone(), input, now).changes {
            rows.save(&state, change);
            state.apply(change);
        }
        Self {
            rules,
            former: Vec::new(),
            coverage,
            now,
            state,
            rows,
            outbox: Outbox::default(),
            web: Web::default(),
            writes: Writes::default(),
            devices: BTreeMap::new(),
            inputs: Inputs::new(names),
            next_poll: later(now, POLL),
            n_events: 0,
            n_foreign: 0,
            counted: BTreeSet::new(),
            wanted: VecDeque::new(),
            positions: BTreeMap::new(),
            since: Since::default(),
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.now
    }

    pub(super) fn timezone(&self) -> TimeZone {
        self.rules.timezone.clone().unwrap_or(TimeZone::UTC)
    }

    /// The device or input shows something else, and is read at once.
    pub(super) fn set(&mut self, setting: &Setting) {
        match setting {
            Setting::Device { device, shows } => self.set_device(&device.id, shows),
            Setting::Input { input, shows } => {
                self.inputs.set(input, shows);
                self.read_input(input);
            }
        }
    }

    fn read_input(&mut self, input: &InputName) {
        if let Some(reading) = self.inputs.reading(input, self.now) {
            self.happens(Source::Poll, Payload::Input(reading));
        }
    }

    fn set_device(&mut self, id: &DeviceId, shows: &Shows) {
        let device = self.devices.entry(id.clone()).or_default();
        match shows {
            Shows::Silent => device.is_silent = true,
            Shows::Values(values) => {
                device.is_silent = false;
                device.values.extend(values.clone());
                self.read(id);
            }
        }
    }

    fn read(&mut self, device: &DeviceId) {
        if let Some(readings) = self.readings(device) {
            self.happens(Source::Poll, Payload::Readings(readings));
        }
    }

    /// What the device answers; none when it does not.
    fn readings(&self, device: &DeviceId) -> Option<Readings> {
        let shown = self.devices.get(device).filter(|it| !it.is_silent)?;
        Some(Readings {
            device: device.clone(),
            taken_at: self.now,
            origin: Origin::Live,
            values: shown.values.clone(),
        })
    }

    fn read_all(&mut self) {
        let devices: Vec<_> = self.devices.keys().cloned().collect();
        for device in &devices {
            self.read(device);
        }
        for input in &self.inputs.polled() {
            self.read_input(input);
        }
    }

    /// Somebody else's order, another one each time, ended at `device`.
    pub(super) fn foreign(&mut self, device: &Device, command: &str, outcome: &Outcome) {
        self.n_foreign += 1;
        let report = Report {
            action: ActionId::new(format!("act_foreign_{}", self.n_foreign)),
            device: device.id.clone(),
            device_type: Some(device.device_type),
            command: Some(command.to_owned()),
            outcome: outcome.clone(),
            ended_at: Some(self.now),
        };
        self.happens(Source::Webhook, Payload::Report(report));
    }

    /// Shows it to the rules, and what follows from it at this moment.
    pub(super) fn happens(&mut self, source: Source, payload: Payload) {
        let mut queue = VecDeque::from([(source, payload)]);
        while let Some((source, payload)) = queue.pop_front() {
            let settled = self.take(source, payload).into_iter();
            queue.extend(self.accepted());
            queue.extend(settled.map(|it| (Source::Engine, Payload::Settled(it))));
            // Whoever is asked answers at once.
            let wanted = std::mem::take(&mut self.wanted);
            queue.extend(wanted.into_iter().map(|it| {
                let payload = match self.readings(&it.device) {
                    Some(readings) => Payload::Readings(readings),
                    None => Payload::NotRead { device: it.device },
                };
                (Source::Poll, payload)
            }));
        }
    }

    /// What Amps has taken, as the runs hear it that wait for no more.
    fn accepted(&mut self) -> Vec<(Source, Payload)> {
        let accepted = self.outbox.take_accepted().into_iter();
        let accepted = accepted.map(Payload::Accepted);
        let too_late = self.outbox.take_not_cancelled().into_iter();
        let told = accepted.chain(too_late.map(Payload::NotCancelled));
        told.map(|it| (Source::Engine, it)).collect()
    }

    /// As the stages take an event: tracking first, then the rules. What is settled is an event of its own.
    fn take(&mut self, source: Source, payload: Payload) -> Vec<Settled> {
        self.n_events += 1;
        let event = Event {
            id: EventId::new(format!("evt_{}", self.n_events)),
            source,
            received_at: self.now,
            payload,
        };
        let mut own = None;
        let mut settled = None;
        if let Payload::Report(report) = &event.payload {
            let counts_as = (report.action.clone(), report.outcome.name());
            if !self.counted.insert(counts_as) {
                return Vec::new();
            }
            own = self.outbox.chain(&report.action).map(<[_]>::to_vec);
            settled = self.outbox.settle_by_report(report, &event.id, self.now);
        }
        if let Payload::Settled(it) = &event.payload {
            own = self.outbox.chain_of(&it.command).map(<[_]>::to_vec);
        }
        let input = Input {
            event: &event,
            own: own.as_deref(),
            settled: settled.as_ref(),
        };
        let mut state = std::mem::take(&mut self.state);
        let mut traces = Vec::new();
        let mut withdrawn = Vec::new();
        let now = self.now;
        let done = engine::take(self.rules, &mut state, input, now, |state, decision| {
            withdrawn.extend(self.carry_out(state, decision));
            traces.extend(decision.traces.iter().cloned());
            Ok::<(), Infallible>(())
        });
        // What is left undone would be missing in what the test sees.
        let Ok(_left) = done;
        self.state = state;
        self.since.look(event, self.now, traces);
        settled.into_iter().chain(withdrawn).collect()
    }

    /// Returns the orders that are over with that.
    fn carry_out(&mut self, state: &State, decision: &Decision) -> Vec<Settled> {
        for change in &decision.changes {
            self.note_run(state, change);
            self.rows.save(state, change);
        }
        for command in &decision.commands {
            self.outbox.enqueue(command, self.now);
        }
        for request in &decision.requests {
            self.web.enqueue(request, self.now);
        }
        for write in &decision.writes {
            self.writes.enqueue(write, self.now);
        }
        self.wanted.extend(decision.reads.iter().cloned());
        let withdrawn = self.outbox.call_off(decision, self.now);
        self.note_sent();
        let messages = decision.notifications.iter().cloned();
        self.since.happened.extend(messages.map(Happened::Notify));
        for trace in &decision.traces {
            self.note_steps(trace);
        }
        withdrawn
    }

    fn note_sent(&mut self) {
        let zone = self.timezone();
        let sent = self.outbox.take_sent().into_iter();
        let sent = sent.map(|it| it.happened(&zone));
        self.since.happened.extend(sent);
        let written = self.writes.take_sent().into_iter();
        self.since
            .happened
            .extend(written.map(|(write, attempt)| Happened::Setting { write, attempt }));
        let asked = self.web.take_sent().into_iter();
        self.since
            .happened
            .extend(asked.map(|(request, attempt)| Happened::Http { request, attempt }));
    }

    /// The host answers a request of ours.
    pub(super) fn answer(&mut self, url: Option<&str>, reply: Reply) -> Heard {
        let heard = self.web.answer(url, reply, self.now);
        if let Heard::Over(over) = &heard {
            self.happens(Source::Engine, Payload::Http(over.clone()));
        }
        heard
    }

    /// The device shows the setting, or the write failed. Otherwise when it is written again, where it is.
    pub(super) fn written(
        &mut self,
        device: &DeviceId,
        setting: &str,
        end: &WriteEnd,
    ) -> Result<(), Option<Timestamp>> {
        let over = self.writes.end((device, setting), end, self.now)?;
        self.note_sent();
        if let Some(over) = over {
            self.happens(Source::Engine, Payload::Written(over));
        }
        Ok(())
    }

    /// The rule of a run that is no branch of another.
    fn rule_of(&self, state: &State, run: &RunId) -> Option<RuleId> {
        if let Some(known) = state.run(run) {
            return known.parent.is_none().then(|| known.rule.clone());
        }
        // One that began in this very decision.
        let mut runs = self.since.runs.iter();
        match runs.find(|(id, _)| id == run) {
            Some((_, Happened::Run { rule, .. })) => Some(rule.clone()),
            Some(_) | None => None,
        }
    }

    fn note_run(&mut self, state: &State, change: &Change) {
        let (id, rule, end) = if let Change::RunStarted(run) = change
            && run.parent.is_none()
        {
            (&run.id, run.rule.clone(), None)
        } else if let Change::RunEnded { run, end, .. } = change
            && let Some(rule) = self.rule_of(state, run)
        {
            (run, rule, Some(end))
        } else {
            return;
        };
        let stands = Happened::Run {
            rule,
            outcome: end.map_or("running", RunEnd::name),
            reason: end.and_then(RunEnd::reason).map(str::to_owned),
        };
        match self.since.runs.iter_mut().find(|(known, _)| known == id) {
            Some((_, known)) => *known = stands,
            None => self.since.runs.push((id.clone(), stands)),
        }
    }

    fn note_steps(&mut self, trace: &Trace) {
        self.coverage.note(self.rules, trace);
        let newest_first = self.former.iter().rev().copied();
        let rules: Vec<&Rule> = std::iter::once(self.rules)
            .chain(newest_first)
            .filter_map(|it| it.rule(&trace.rule))
            .collect();
        let mut from = trace
            .run
            .as_ref()
            .and_then(|it| self.positions.get(it).copied());
        for step in &trace.steps {
            let mut versions = rules.iter();
            let found = versions.find_map(|rule| find(rule, from.unwrap_or_default(), step));
            let Some((rule, index, is_log)) = found else {
                continue;
            };
            self.coverage.reach(rule, index);
            if is_log {
                self.since.happened.push(Happened::Log(step.did.clone()));
            }
            from = Some(index + 1);
            if let Some(run) = &trace.run {
                self.positions.insert(run.clone(), index);
            }
        }
    }

    /// Lets time pass, with everything that it brings.
    pub(super) fn wind_to(&mut self, moment: Timestamp) {
        while let Some(next) = self.next_moment().filter(|it| *it <= moment) {
            self.now = self.now.max(next);
            if self.next_poll <= self.now {
                self.next_poll = later(self.now, POLL);
                self.read_all();
            }
            while let Some(settled) = self.outbox.expire(self.now) {
                self.note_sent();
                self.happens(Source::Engine, Payload::Settled(settled));
            }
            while let Some(over) = self.web.time_over(self.now) {
                self.happens(Source::Engine, Payload::Http(over));
            }
            while let Some(over) = self.writes.time_over(self.now) {
                self.happens(Source::Engine, Payload::Written(over));
            }
            self.outbox.send_due(self.now);
            for (source, payload) in self.accepted() {
                self.happens(source, payload);
            }
            self.ask_again();
            self.ring();
        }
        self.now = self.now.max(moment);
    }

    /// Sends requests again whose moment has come.
    fn ask_again(&mut self) {
        let state = &self.state;
        self.web.drop_unwanted(|run| state.run(run).is_some());
        self.web.send_due(self.now);
        self.writes.drop_unwanted(|run| state.run(run).is_some());
        self.writes.send_due(self.now);
        self.note_sent();
    }

    fn next_moment(&self) -> Option<Timestamp> {
        let is_read =
            !self.inputs.polled().is_empty() || self.devices.values().any(|it| !it.is_silent);
        let poll = is_read.then_some(self.next_poll);
        let moments = [
            poll,
            self.outbox.next_due(),
            self.web.next_due(),
            self.writes.next_due(),
            self.state.next_alarm(),
        ];
        moments.into_iter().flatten().min()
    }

    /// Lets go on what is due.
    fn ring(&mut self) {
        for _ in 0..RINGS_MAX {
            if self.state.next_alarm().is_none_or(|at| self.now < at) {
                return;
            }
            self.happens(Source::Engine, Payload::Tick);
        }
    }

    /// The engine is stopped, and after `down` started: it knows what the rows hold, and reads the devices.
    /// What came due meanwhile is dealt with then.
    pub(super) fn restart(&mut self, down: Duration) {
        self.now = later(self.now, down);
        self.state = self.rows.load();
        self.outbox.restart();
        self.writes.restart();
        for over in self.web.restart(self.now) {
            self.happens(Source::Engine, Payload::Http(over));
        }
        let started = Payload::Engine(EngineChange::Started);
        self.happens(Source::Engine, started);
        self.ask_again();
        self.ring();
        self.next_poll = later(self.now, POLL);
        self.read_all();
        self.wind_to(self.now);
    }

    /// The files were edited, and the engine takes `rules` over; the same as before when there are none.
    pub(super) fn reload(&mut self, rules: Option<&'w RuleSet>) {
        if let Some(rules) = rules {
            self.former.push(std::mem::replace(&mut self.rules, rules));
        }
        let reloaded = Payload::Engine(EngineChange::Reloaded);
        self.happens(Source::Engine, reloaded);
        self.ring();
    }
}
