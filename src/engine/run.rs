//! A run of a rule: it begins when a trigger fires and the conditions hold, goes through its
//! operations, and stands still wherever it waits for a command.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::event::Settled;
use crate::domain::id::{CommandId, EventId, RuleId, RunId};
use crate::domain::lifecycle::Outcome;
use crate::engine::condition::View;
use crate::engine::decision::{Change, Decision};
use crate::engine::facts::TriggerFields;
use crate::engine::memory::{Memory, StepFailure};
use crate::engine::trace::{StepTrace, Trace, Verdict, place};
use crate::engine::trigger::{self, Happening};
use crate::engine::walk::{Progress, advance, fail};
use crate::engine::{Scene, condition};
use crate::rules::rule::{Listener, Program, Rule, Trigger};

/// A run that has not ended: plain data, so that a row can hold it.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    pub id: RunId,
    pub rule: RuleId,
    /// What it began with; a later edit of the rule does not touch it.
    pub program: Arc<Program>,
    /// The operation it stands at.
    pub position: usize,
    /// The command it waits for.
    pub waiting_for: Option<CommandId>,
    /// The event that started it.
    pub cause: EventId,
    /// What the trigger saw in it.
    pub trigger: TriggerFields,
    pub started_at: Timestamp,
    pub memory: Memory,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "end", rename_all = "snake_case")]
pub enum RunEnd {
    Completed,
    Failed { reason: String },
}

impl RunEnd {
    /// One word, as lists show it and the store keeps it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Failed { .. } => "failed",
        }
    }

    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Completed => None,
            Self::Failed { reason } => Some(reason),
        }
    }
}

/// Asks one rule what it makes of `happening`, and starts its run if it wants one.
pub(super) fn consider(
    scene: Scene<'_>,
    listeners: &[Listener],
    happening: &Happening<'_>,
    decision: &mut Decision,
) {
    let Some(first) = listeners.first() else {
        return;
    };
    let rule = &scene.rules.rules[first.rule];
    let mut trace = Trace::of(rule, scene.event, scene.now);
    let mut memory = Memory::default();
    let fired = fired(rule, listeners, happening);
    let fields = match &fired {
        Ok(trigger) => trigger::fields(trigger, happening, scene.event),
        Err(_) => TriggerFields::new(),
    };
    trace.verdict = verdict(scene, rule, fired, &fields, &mut trace, &mut memory);
    if trace.verdict == Verdict::Started {
        start(scene, rule, (fields, memory), &mut trace, decision);
    }
    decision.traces.push(trace);
}

/// The first trigger that fits, or why none does.
fn fired<'r>(
    rule: &'r Rule,
    listeners: &[Listener],
    happening: &Happening<'_>,
) -> Result<&'r Trigger, String> {
    let mut mismatches = Vec::new();
    for listener in listeners {
        let trigger = &rule.triggers[listener.trigger];
        match trigger::mismatch(&trigger.on, happening) {
            None => return Ok(trigger),
            Some(mismatch) => mismatches.push(mismatch),
        }
    }
    Err(mismatches.join("; "))
}

fn verdict(
    scene: Scene<'_>,
    rule: &Rule,
    fired: Result<&Trigger, String>,
    fields: &TriggerFields,
    trace: &mut Trace,
    memory: &mut Memory,
) -> Verdict {
    let fired = match fired {
        Ok(fired) => fired,
        Err(because) => return Verdict::NotTriggered { because },
    };
    trace.trigger = Some(fired.id.clone().unwrap_or_else(|| place(&fired.place)));
    if let Some(run) = scene.state.run_of(&rule.id) {
        return Verdict::AlreadyRunning { run: run.clone() };
    }
    memory.trigger.clone_from(&fired.id);
    memory.define(&rule.variables);
    memory.define(&fired.variables);
    let view = View {
        scene,
        trigger: fields,
        memory,
        running: None,
    };
    for condition in rule.conditions.iter().filter(|it| it.enabled) {
        let answer = condition::check(view, condition);
        let holds = answer.holds;
        trace.conditions.push(answer);
        if !holds {
            return Verdict::ConditionNotMet;
        }
    }
    Verdict::Started
}

fn start(
    scene: Scene<'_>,
    rule: &Rule,
    (trigger, memory): (TriggerFields, Memory),
    trace: &mut Trace,
    decision: &mut Decision,
) {
    let mut run = Run {
        id: RunId::derive(&rule.id, &scene.event.id),
        rule: rule.id.clone(),
        program: Arc::clone(&rule.program),
        position: 0,
        waiting_for: None,
        cause: scene.event.id.clone(),
        trigger,
        started_at: scene.now,
        memory,
    };
    trace.run = Some(run.id.clone());
    let id = run.id.clone();
    match advance(scene, &mut run, trace, decision) {
        Progress::Waits(command) => {
            run.waiting_for = Some(command);
            decision.changes.push(Change::RunStarted(run));
        }
        Progress::Ended(end) => {
            decision.changes.push(Change::RunStarted(run));
            decision.changes.push(Change::RunEnded {
                run: id,
                end,
                at: scene.now,
            });
        }
    }
}

/// Lets the run that waits for the command that `settled` go on.
pub(super) fn resume(scene: Scene<'_>, settled: &Settled, decision: &mut Decision) {
    let Some(run) = scene.state.run_waiting_for(&settled.command) else {
        return;
    };
    let mut run = run.clone();
    let mut trace = Trace::of_run(&run, scene.event, scene.now);
    let operation = run.program.operations.get(run.position);
    trace
        .steps
        .extend(operation.map(|it| StepTrace::new(it, settlement(settled))));
    let end = match &settled.outcome {
        Outcome::Completed => {
            run.position += 1;
            None
        }
        Outcome::Failed(_) | Outcome::Cancelled | Outcome::Expired => {
            let failure = StepFailure::of_command(settled, settlement(settled));
            fail(&mut run, failure)
        }
    };
    let progress = match end {
        Some(end) => Progress::Ended(end),
        None => advance(scene, &mut run, &mut trace, decision),
    };
    decision.changes.push(match progress {
        Progress::Waits(command) => Change::RunWaits {
            run: run.id,
            position: run.position,
            command,
            memory: run.memory,
        },
        Progress::Ended(end) => {
            trace.verdict = Verdict::Ended { end: end.clone() };
            Change::RunEnded {
                run: run.id,
                end,
                at: scene.now,
            }
        }
    });
    decision.traces.push(trace);
}

/// How a command ended, for people: the command, the outcome, why, and after how many attempts.
fn settlement(settled: &Settled) -> String {
    let why = settled
        .outcome
        .failure()
        .map(|failure| format!(": {failure}"));
    let attempts = (1 < settled.attempts).then(|| format!(" ({} attempts)", settled.attempts));
    format!(
        "`{}` {}{}{}",
        settled.name,
        settled.outcome.name(),
        why.unwrap_or_default(),
        attempts.unwrap_or_default(),
    )
}
