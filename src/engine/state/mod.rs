//! What the engine remembers between two inputs. Lives in memory; the store holds the same as rows.

mod clock_set;
mod declared;
mod orders;
mod paused;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::domain::capabilities::Declared;
use crate::domain::event::{InputReading, Readings};
use crate::domain::id::{CommandId, DeviceId, InputName, RuleId, RunId};
use crate::domain::value::{Origin, Point, Reading};
use crate::engine::arbitration::lease::Leases;
use crate::engine::breaker;
use crate::engine::call::WaitingCall;
use crate::engine::decision::Change;
use crate::engine::freshness::Contacts;
use crate::engine::history::History;
use crate::engine::listening;
use crate::engine::orders::Orders;
use crate::engine::recent::Recent;
use crate::engine::run::Run;
use crate::engine::state::paused::Pause;
use crate::engine::trigger::memory::TriggerMemory;
use crate::engine::wait::Wait;
use crate::rules::condition::HeldSubject;
use crate::rules::expr::value::Value;
use crate::rules::rule::Topic;

/// Of how many values the last start is remembered, for rules with a run for each (`per:`).
pub const VALUES_MAX: usize = 1000;

/// Last known values, runs that have not ended, what is known of our own orders, and what waits for a moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    readings: BTreeMap<DeviceId, BTreeMap<String, Reading>>,
    /// What devices say they take.
    declared: BTreeMap<DeviceId, Declared>,
    inputs: BTreeMap<InputName, Reading>,
    /// What is foretold of inputs.
    series: BTreeMap<InputName, Vec<Point>>,
    /// When inputs show something else by that.
    turns: BTreeMap<InputName, Timestamp>,
    contacts: Contacts,
    histories: BTreeMap<HeldSubject, History>,
    runs: BTreeMap<RunId, Run>,
    /// Which run goes on when a command is over.
    waiting: BTreeMap<CommandId, RunId>,
    /// The runs of each rule, branches aside, in the order in which they began.
    running: BTreeMap<RuleId, Vec<RunId>>,
    /// Rules that were woken and are not decided, in the order of the runs that may begin.
    calls: BTreeMap<RunId, WaitingCall>,
    /// The runs that wait to hear of something.
    listening: BTreeMap<Topic, BTreeSet<RunId>>,
    /// When conditions are asked again that a run waits for.
    asks: BTreeMap<RunId, Timestamp>,
    /// What rules remember between their runs.
    remembered: BTreeMap<RuleId, BTreeMap<String, Value>>,
    triggers: BTreeMap<(RuleId, usize), TriggerMemory>,
    /// Why each paused rule is paused.
    paused: BTreeMap<RuleId, Pause>,
    /// From when on the breaker counts the runs of rules that were paused once and let go on.
    counted_from: BTreeMap<RuleId, Timestamp>,
    /// What waits for a moment, in the order of the moments.
    alarms: BTreeSet<(Timestamp, Wakeful)>,
    orders: BTreeMap<DeviceId, Orders>,
    /// Who has and who wants each device.
    leases: Leases,
    /// When our orders were given, to each device and to all of them.
    given: BTreeMap<DeviceId, Recent>,
    given_to_all: Recent,
    /// When somebody else's order to the device was last over, as far as it matters.
    foreign: BTreeMap<DeviceId, Timestamp>,
    /// When the last runs of each rule began.
    started: BTreeMap<RuleId, Recent>,
    /// Those of them that made up for missed ones.
    caught_up: BTreeMap<RuleId, Recent>,
    /// When the last run for each value began, of rules that have one for each (`per:`).
    started_for: BTreeMap<RuleId, BTreeMap<String, Timestamp>>,
}

/// Whose moment comes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wakeful {
    Run(RunId),
    Trigger(RuleId, usize),
    Call(RunId),
    Input(InputName),
}

impl State {
    pub fn reading(&self, device: &DeviceId, attribute: &str) -> Option<&Reading> {
        self.readings.get(device)?.get(attribute)
    }

    /// The last value of an input.
    pub fn input(&self, name: &InputName) -> Option<&Reading> {
        self.inputs.get(name)
    }

    /// What is foretold of an input, in the order of time.
    pub fn series(&self, name: &InputName) -> &[Point] {
        self.series.get(name).map(Vec::as_slice).unwrap_or_default()
    }

    pub(super) fn inputs_with_series(&self) -> impl Iterator<Item = &InputName> {
        self.series.keys()
    }

    /// What a value was, as far as a rule asks for it.
    pub fn history(&self, of: &HeldSubject) -> Option<&History> {
        self.histories.get(of)
    }

    /// Every value whose past is kept.
    pub(super) fn histories(&self) -> impl Iterator<Item = (&HeldSubject, &History)> {
        self.histories.iter()
    }

    pub(super) fn contacts(&self) -> &Contacts {
        &self.contacts
    }

    /// Every call that waits.
    pub(super) fn calls(&self) -> impl Iterator<Item = &WaitingCall> {
        self.calls.values()
    }

    pub(super) fn call(&self, id: &RunId) -> Option<&WaitingCall> {
        self.calls.get(id)
    }

    /// The calls of `rule` that wait.
    pub(super) fn calls_of(&self, rule: &RuleId) -> impl Iterator<Item = &WaitingCall> {
        self.calls.values().filter(move |it| it.rule == *rule)
    }

    /// The calls that wait to hear of `topic`, in the order in which they came.
    pub(super) fn calls_hearing(&self, topic: &Topic) -> impl Iterator<Item = &WaitingCall> {
        let calls = self.calls.values();
        let mut calls: Vec<_> = calls.filter(|it| it.topics.contains(topic)).collect();
        calls.sort_by_key(|it| it.order());
        calls.into_iter()
    }

    pub fn run(&self, id: &RunId) -> Option<&Run> {
        self.runs.get(id)
    }

    /// The runs of `rule` that are not over, in the order in which they began; branches are not among them.
    pub fn runs_of(&self, rule: &RuleId) -> impl DoubleEndedIterator<Item = &Run> {
        let ids = self.running.get(rule).into_iter().flatten();
        ids.filter_map(|it| self.runs.get(it))
    }

    /// Our orders, device by device.
    pub(super) fn all_orders(&self) -> impl Iterator<Item = &Orders> {
        self.orders.values()
    }

    /// Every run that is no branch of another.
    pub(super) fn all_runs(&self) -> impl Iterator<Item = &Run> {
        self.runs.values().filter(|it| it.parent.is_none())
    }

    /// Every run, branches included.
    pub(super) fn every_run(&self) -> impl Iterator<Item = &Run> {
        self.runs.values()
    }

    /// The branches of `run` that are not over.
    pub fn branches_of(&self, run: &Run) -> impl Iterator<Item = &Run> {
        let open = match &run.wait {
            Some(Wait::Branches { open, .. }) => Some(open),
            _ => None,
        };
        open.into_iter()
            .flatten()
            .filter_map(|it| self.runs.get(it))
    }

    pub fn run_waiting_for(&self, command: &CommandId) -> Option<&Run> {
        self.runs.get(self.waiting.get(command)?)
    }

    /// The runs that wait to hear of `topic`.
    pub(super) fn listening(&self, topic: &Topic) -> impl Iterator<Item = &Run> {
        let ids = self.listening.get(topic).into_iter().flatten();
        ids.filter_map(|it| self.runs.get(it))
    }

    /// What the trigger remembers; nothing when it is as new.
    pub(super) fn trigger(&self, rule: &RuleId, trigger: usize) -> Option<&TriggerMemory> {
        self.triggers.get(&(rule.clone(), trigger))
    }

    /// Each trigger that remembers something.
    pub(super) fn triggers(&self) -> impl Iterator<Item = (&RuleId, usize, &TriggerMemory)> {
        let triggers = self.triggers.iter();
        triggers.map(|((rule, trigger), memory)| (rule, *trigger, memory))
    }

    /// The runs that wait for conditions, for a device, or for what a device says.
    pub(super) fn asking(&self) -> impl Iterator<Item = &Run> {
        let waits = |run: &&Run| {
            matches!(
                run.wait,
                Some(Wait::Conditions | Wait::Device { .. } | Wait::Verify { .. })
            )
        };
        self.runs.values().filter(waits)
    }

    /// Nobody knows when they ask again: they do so at once.
    pub fn let_all_ask(&mut self) {
        let asking: Vec<_> = self.asking().map(|it| it.id.clone()).collect();
        for run in asking {
            self.ask(&run, Some(Timestamp::MIN));
        }
    }

    /// The next moment at which something is due that waits for one.
    pub fn next_alarm(&self) -> Option<Timestamp> {
        self.alarms.first().map(|(at, _)| *at)
    }

    /// What is due at `now`, in the order of the moments.
    pub(super) fn due(&self, now: Timestamp, most: usize) -> Vec<Wakeful> {
        let due = self.alarms.iter().take_while(|(at, _)| *at <= now);
        let mut due: Vec<_> = due.take(most).cloned().collect();
        // Their ids would put the calls of one moment into an order of their own.
        let is_call = |it: &Wakeful| matches!(it, Wakeful::Call(_));
        let is_same = |a: &(_, _), b: &(_, _)| a.0 == b.0 && is_call(&a.1) && is_call(&b.1);
        for of_one_moment in due.chunk_by_mut(is_same) {
            of_one_moment.sort_by_key(|(_, it)| match it {
                Wakeful::Call(id) => self.calls.get(id).map(WaitingCall::order),
                Wakeful::Run(_) | Wakeful::Trigger(..) | Wakeful::Input(_) => None,
            });
        }
        due.into_iter().map(|(_, it)| it).collect()
    }

    /// The same without the moments at which runs ask again, which are in no row.
    #[cfg(test)]
    pub(crate) fn without_asks(mut self) -> Self {
        for (run, at) in std::mem::take(&mut self.asks) {
            let is_due = self.runs.get(&run).and_then(Run::due) == Some(at);
            if !is_due {
                self.alarms.remove(&(at, Wakeful::Run(run)));
            }
        }
        self
    }

    /// Takes over what `other` has read later than this state knows of.
    pub fn keep_later_readings(&mut self, other: &Self) {
        self.contacts.keep_later(&other.contacts);
        keep_later(&mut self.inputs, &other.inputs);
        for (device, readings) in &other.readings {
            keep_later(self.readings.entry(device.clone()).or_default(), readings);
        }
    }

    /// What the rule remembers as `state.NAME`.
    pub fn remembered(&self, rule: &RuleId, name: &str) -> Option<&Value> {
        self.remembered.get(rule)?.get(name)
    }

    /// The state after `change`.
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::Read(readings) => self.read(readings),
            Change::Declared(declaration) => self.declare(declaration),
            Change::Input { reading, turns_at } => self.show(reading, *turns_at),
            Change::History { of, history } => {
                self.histories.insert(of.clone(), history.clone());
            }
            Change::HistoryOver { of } => {
                self.histories.remove(of);
            }
            Change::NotRead { device } => self.contacts.not_read(device),
            Change::Asked { request, at } => self.contacts.ask(request, *at),
            Change::CallWaits(call) => self.wait_for(call),
            Change::CallOver { id } => self.forget_call(id),
            Change::ClockSet { by } => self.clock_set(*by),
            Change::RunStarted(run) => {
                if run.parent.is_none() {
                    self.note_start(&run.rule, run.key.as_deref(), run.started_at);
                    if breaker::is_caught_up(&run.trigger) {
                        self.note_caught_up(&run.rule, run.started_at);
                    }
                }
                self.stand(run.clone());
            }
            Change::RunMoved(run) => {
                self.take(&run.id);
                self.put(run.clone());
            }
            Change::RunAsks { run, at } => self.ask(run, *at),
            Change::RunEnded { run, .. } => self.end(run),
            Change::Remembered {
                rule, name, value, ..
            } => {
                let of_rule = self.remembered.entry(rule.clone()).or_default();
                of_rule.insert(name.clone(), value.clone());
            }
            Change::Trigger {
                rule,
                trigger,
                memory,
            } => self.remember(rule, *trigger, memory),
            Change::RulePaused {
                rule,
                reason,
                by_rule,
                ..
            } => self.pause(rule, (reason, *by_rule)),
            Change::RuleResumed { rule, counted_from } => self.resume(rule, *counted_from),
            Change::Ordered { command, at } => {
                self.orders_mut(&command.device.id).begin(command, *at);
                self.note_given(&command.device.id, *at);
            }
            Change::Settled { settled, at } => self.orders_mut(&settled.device).end(settled, *at),
            Change::Kept { device, kept } => self.leases.keep(device, kept),
            Change::Released { device } => self.leases.release(device),
            Change::ForeignOrder { device, at } => {
                self.foreign.insert(device.clone(), *at);
            }
        }
    }

    /// A run is under way; when it began is known.
    pub fn stand(&mut self, run: Run) {
        if run.parent.is_none() {
            let of_rule = self.running.entry(run.rule.clone()).or_default();
            of_rule.push(run.id.clone());
        }
        self.put(run);
    }

    fn put(&mut self, run: Run) {
        if let Some(command) = run.wait.as_ref().and_then(Wait::command) {
            self.waiting.insert(command.clone(), run.id.clone());
        }
        self.leases.put(&run);
        for topic in listening::topics(&run) {
            self.listening
                .entry(topic)
                .or_default()
                .insert(run.id.clone());
        }
        if let Some(at) = run.due() {
            self.alarms.insert((at, Wakeful::Run(run.id.clone())));
        }
        self.runs.insert(run.id.clone(), run);
    }

    fn take(&mut self, id: &RunId) -> Option<Run> {
        let run = self.runs.remove(id)?;
        self.leases.take(&run);
        if let Some(command) = run.wait.as_ref().and_then(Wait::command) {
            self.waiting.remove(command);
        }
        for topic in listening::topics(&run) {
            if let Some(runs) = self.listening.get_mut(&topic) {
                runs.remove(id);
                if runs.is_empty() {
                    self.listening.remove(&topic);
                }
            }
        }
        let asks = self.asks.remove(id);
        for at in run.due().into_iter().chain(asks) {
            self.alarms.remove(&(at, Wakeful::Run(id.clone())));
        }
        Some(run)
    }

    fn end(&mut self, id: &RunId) {
        let Some(run) = self.take(id) else {
            return;
        };
        if let Some(of_rule) = self.running.get_mut(&run.rule) {
            of_rule.retain(|it| it != id);
            if of_rule.is_empty() {
                self.running.remove(&run.rule);
            }
        }
    }

    fn show(&mut self, reading: &InputReading, turns_at: Option<Timestamp>) {
        let name = &reading.input;
        match reading_of(reading) {
            Some(known) => self.inputs.insert(name.clone(), known),
            None => self.inputs.remove(name),
        };
        if reading.series.is_empty() {
            self.series.remove(name);
        } else {
            self.series.insert(name.clone(), reading.series.clone());
        }
        let wakeful = Wakeful::Input(name.clone());
        if let Some(before) = self.turns.remove(name) {
            self.alarms.remove(&(before, wakeful.clone()));
        }
        if let Some(at) = turns_at {
            self.turns.insert(name.clone(), at);
            self.alarms.insert((at, wakeful));
        }
    }

    fn wait_for(&mut self, call: &WaitingCall) {
        self.forget_call(&call.id);
        self.alarms
            .insert((call.until, Wakeful::Call(call.id.clone())));
        self.calls.insert(call.id.clone(), call.clone());
    }

    fn forget_call(&mut self, id: &RunId) {
        if let Some(call) = self.calls.remove(id) {
            self.alarms.remove(&(call.until, Wakeful::Call(call.id)));
        }
    }

    fn ask(&mut self, run: &RunId, at: Option<Timestamp>) {
        let Some(known) = self.runs.get(run) else {
            return;
        };
        let wakeful = Wakeful::Run(run.clone());
        let until = known.due();
        let before = self.asks.remove(run);
        if let Some(before) = before.filter(|it| Some(*it) != until) {
            self.alarms.remove(&(before, wakeful.clone()));
        }
        if let Some(at) = at {
            self.asks.insert(run.clone(), at);
            self.alarms.insert((at, wakeful));
        }
    }

    fn remember(&mut self, rule: &RuleId, trigger: usize, memory: &TriggerMemory) {
        let key = (rule.clone(), trigger);
        let wakeful = Wakeful::Trigger(rule.clone(), trigger);
        if let Some(at) = self.triggers.get(&key).and_then(TriggerMemory::due) {
            self.alarms.remove(&(at, wakeful.clone()));
        }
        if let Some(at) = memory.due() {
            self.alarms.insert((at, wakeful));
        }
        if *memory == TriggerMemory::default() {
            self.triggers.remove(&key);
        } else {
            self.triggers.insert(key, memory.clone());
        }
    }

    /// Takes values in, unless what is known is newer.
    fn read(&mut self, readings: &Readings) {
        self.contacts.read(readings);
        let known = self.readings.entry(readings.device.clone()).or_default();
        for (attribute, value) in &readings.values {
            let newer = known
                .get(attribute)
                .is_none_or(|it| it.taken_at <= readings.taken_at);
            if newer {
                let reading = Reading {
                    value: value.clone(),
                    taken_at: readings.taken_at,
                    origin: readings.origin,
                };
                known.insert(attribute.clone(), reading);
            }
        }
    }
}

/// The value of an input with what is known about it; none when it has none.
pub fn reading_of(reading: &InputReading) -> Option<Reading> {
    Some(Reading {
        value: reading.value.clone()?,
        taken_at: reading.taken_at,
        origin: Origin::Live,
    })
}

/// Takes in what `others` have from later.
fn keep_later<K: Clone + Ord>(known: &mut BTreeMap<K, Reading>, others: &BTreeMap<K, Reading>) {
    for (name, other) in others {
        let before = known.get(name);
        if before.is_none_or(|it| it.taken_at < other.taken_at) {
            known.insert(name.clone(), other.clone());
        }
    }
}
