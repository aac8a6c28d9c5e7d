//! A run of a rule: it begins when a trigger fires and the conditions hold, goes through its
//! operations, and stands still wherever it waits for a command.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::command::Command;
use crate::domain::event::Settled;
use crate::domain::id::{CommandId, EventId, NotificationId, NotifierName, RuleId, RunId};
use crate::domain::lifecycle::Outcome;
use crate::engine::decision::{Change, Decision, Notification};
use crate::engine::facts::{Known, TriggerFields};
use crate::engine::trace::{StepTrace, Trace, Verdict, place};
use crate::engine::trigger::{self, Happening};
use crate::engine::{Scene, condition};
use crate::rules::rule::{
    CommandOperation, Listener, NotifyOperation, OperationKind, Program, Rule, Trigger,
};

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
    let fired = fired(rule, listeners, happening);
    let fields = match &fired {
        Ok(trigger) => trigger::fields(trigger, happening, scene.event),
        Err(_) => TriggerFields::new(),
    };
    trace.verdict = verdict(scene, rule, fired, &fields, &mut trace);
    if trace.verdict == Verdict::Started {
        start(scene, rule, fields, &mut trace, decision);
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
) -> Verdict {
    let fired = match fired {
        Ok(fired) => fired,
        Err(because) => return Verdict::NotTriggered { because },
    };
    trace.trigger = Some(fired.id.clone().unwrap_or_else(|| place(&fired.place)));
    if let Some(run) = scene.state.run_of(&rule.id) {
        return Verdict::AlreadyRunning { run: run.clone() };
    }
    for condition in rule.conditions.iter().filter(|it| it.enabled) {
        let answer = condition::check(scene, fields, condition);
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
    trigger: TriggerFields,
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
    };
    trace.run = Some(run.id.clone());
    let progress = advance(scene, &run, 0, trace, decision);
    if let Progress::Waits { position, command } = &progress {
        run.position = *position;
        run.waiting_for = Some(command.clone());
    }
    let id = run.id.clone();
    decision.changes.push(Change::RunStarted(run));
    if let Progress::Ended(end) = progress {
        decision.changes.push(Change::RunEnded {
            run: id,
            end,
            at: scene.now,
        });
    }
}

/// Lets the run that waits for the command that `settled` go on.
pub(super) fn resume(scene: Scene<'_>, settled: &Settled, decision: &mut Decision) {
    let Some(run) = scene.state.run_waiting_for(&settled.command) else {
        return;
    };
    let mut trace = Trace::of_run(run, scene.event, scene.now);
    let operation = run.program.operations.get(run.position);
    trace
        .steps
        .extend(operation.map(|it| StepTrace::new(it, settlement(settled))));
    let progress = match &settled.outcome {
        Outcome::Completed => advance(scene, run, run.position + 1, &mut trace, decision),
        Outcome::Failed(_) | Outcome::Cancelled | Outcome::Expired => {
            Progress::Ended(RunEnd::Failed {
                reason: settlement(settled),
            })
        }
    };
    let run = run.id.clone();
    decision.changes.push(match progress {
        Progress::Waits { position, command } => Change::RunWaits {
            run,
            position,
            command,
        },
        Progress::Ended(end) => {
            trace.verdict = Verdict::Ended { end: end.clone() };
            Change::RunEnded {
                run,
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

/// How far a run came.
enum Progress {
    Waits { position: usize, command: CommandId },
    Ended(RunEnd),
}

/// Runs operations from `position` on, until one has to wait or none is left.
fn advance(
    scene: Scene<'_>,
    run: &Run,
    position: usize,
    trace: &mut Trace,
    decision: &mut Decision,
) -> Progress {
    let known = Known::new(scene, &run.trigger);
    for (position, operation) in run.program.operations.iter().enumerate().skip(position) {
        let note = match &operation.kind {
            OperationKind::Command(order) => {
                let command = ordered(run, position, order, &scene.event.id);
                let note = format!("ordered `{}` of `{}`", command.name, command.device.alias);
                trace.steps.push(StepTrace::new(operation, note));
                let waits = Progress::Waits {
                    position,
                    command: command.id.clone(),
                };
                decision.commands.push(command);
                return waits;
            }
            OperationKind::Notify(notify) => {
                let sent = messages(run, position, notify, &known, &scene.event.id);
                let names: Vec<_> = notify.notifiers.iter().map(NotifierName::as_str).collect();
                let text = sent.first().map(|it| it.message.as_str());
                let note = format!("told {}: {}", names.join(", "), text.unwrap_or_default());
                decision.notifications.extend(sent);
                note
            }
            OperationKind::Log(log) => log.text.render(&known),
        };
        trace.steps.push(StepTrace::new(operation, note));
    }
    Progress::Ended(RunEnd::Completed)
}

fn ordered(run: &Run, position: usize, order: &CommandOperation, cause: &EventId) -> Command {
    Command {
        id: CommandId::derive(&run.id, position),
        device: order.device.clone(),
        name: order.command.clone(),
        parameters: order.parameters.clone(),
        retry: order.retry,
        rule: run.rule.clone(),
        run: run.id.clone(),
        cause: cause.clone(),
    }
}

fn messages(
    run: &Run,
    position: usize,
    notify: &NotifyOperation,
    known: &Known<'_>,
    cause: &EventId,
) -> Vec<Notification> {
    let title = notify.title.as_ref().map(|it| it.render(known));
    let message = notify.message.render(known);
    let to = |notifier: &NotifierName| Notification {
        id: NotificationId::derive(&run.id, position, notifier),
        notifier: notifier.clone(),
        title: title.clone(),
        message: message.clone(),
        level: notify.level,
        rule: run.rule.clone(),
        run: run.id.clone(),
        cause: cause.clone(),
    };
    notify.notifiers.iter().map(to).collect()
}
