//! What the engine remembers between two inputs. Lives in memory; the store holds the same as rows.

use std::collections::BTreeMap;

use crate::domain::event::Readings;
use crate::domain::id::{CommandId, DeviceId, RuleId, RunId};
use crate::domain::value::Reading;
use crate::engine::decision::Change;
use crate::engine::run::Run;
use crate::rules::expression::Literal;

/// Last known values and runs that have not ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    readings: BTreeMap<DeviceId, BTreeMap<String, Reading>>,
    runs: BTreeMap<RunId, Run>,
    /// Which run goes on when a command is over.
    waiting: BTreeMap<CommandId, RunId>,
    /// The run of each rule that has one. A rule has one run at a time (`mode: single`).
    running: BTreeMap<RuleId, RunId>,
    /// What rules remember between their runs.
    remembered: BTreeMap<RuleId, BTreeMap<String, Literal>>,
}

impl State {
    pub fn reading(&self, device: &DeviceId, attribute: &str) -> Option<&Reading> {
        self.readings.get(device)?.get(attribute)
    }

    pub fn run(&self, id: &RunId) -> Option<&Run> {
        self.runs.get(id)
    }

    pub fn run_of(&self, rule: &RuleId) -> Option<&RunId> {
        self.running.get(rule)
    }

    pub fn run_waiting_for(&self, command: &CommandId) -> Option<&Run> {
        self.runs.get(self.waiting.get(command)?)
    }

    /// Takes over what `other` has read later than this state knows of.
    pub fn keep_later_readings(&mut self, other: &Self) {
        for (device, readings) in &other.readings {
            let known = self.readings.entry(device.clone()).or_default();
            for (attribute, reading) in readings {
                if known
                    .get(attribute)
                    .is_none_or(|it| it.taken_at < reading.taken_at)
                {
                    known.insert(attribute.clone(), reading.clone());
                }
            }
        }
    }

    /// What the rule remembers as `state.NAME`.
    pub fn remembered(&self, rule: &RuleId, name: &str) -> Option<&Literal> {
        self.remembered.get(rule)?.get(name)
    }

    /// The state after `change`.
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::Read(readings) => self.read(readings),
            Change::RunStarted(run) => self.begin(run.clone()),
            Change::RunWaits {
                run,
                position,
                command,
                memory,
            } => {
                self.stop_waiting(run);
                if let Some(run) = self.runs.get_mut(run) {
                    run.position = *position;
                    run.waiting_for = Some(command.clone());
                    run.memory.clone_from(memory);
                    self.waiting.insert(command.clone(), run.id.clone());
                }
            }
            Change::Remembered {
                rule, name, value, ..
            } => {
                let of_rule = self.remembered.entry(rule.clone()).or_default();
                of_rule.insert(name.clone(), value.clone());
            }
            Change::RunEnded { run, .. } => {
                self.stop_waiting(run);
                if let Some(run) = self.runs.remove(run) {
                    self.running.remove(&run.rule);
                }
            }
        }
    }

    fn begin(&mut self, run: Run) {
        self.running.insert(run.rule.clone(), run.id.clone());
        if let Some(command) = &run.waiting_for {
            self.waiting.insert(command.clone(), run.id.clone());
        }
        self.runs.insert(run.id.clone(), run);
    }

    fn stop_waiting(&mut self, run: &RunId) {
        if let Some(command) = self.runs.get(run).and_then(|run| run.waiting_for.as_ref()) {
            self.waiting.remove(command);
        }
    }

    /// Takes values in, unless what is known is newer.
    fn read(&mut self, readings: &Readings) {
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
