//! A run goes through its operations until it has to wait or none is left.

use std::sync::Arc;

use crate::domain::command::Command;
use crate::domain::id::{CommandId, NotificationId, NotifierName};
use crate::engine::Scene;
use crate::engine::condition::{self, View};
use crate::engine::decision::{Change, Decision, FollowUp, Notification};
use crate::engine::facts::Known;
use crate::engine::memory::{Memory, Round, StepFailure, evaluate};
use crate::engine::run::{Run, RunEnd};
use crate::engine::trace::{StepTrace, Trace};
use crate::engine::wait::Wait;
use crate::engine::waiting::{self, Step};
use crate::rules::expression::{Literal, Variable};
use crate::rules::operation::{RepeatOperation, Rounds, RuleOperation, RuleVerb};
use crate::rules::rule::{CommandOperation, Condition, NotifyOperation, Operation, OperationKind};

/// How much a run may do before it waits: a loop that waits for nothing ends here. One step of a
/// run is one transaction and one trace, and both have to stay small.
pub const OPERATIONS_PER_STEP_MAX: usize = 2000;

/// How far a run came; the run itself says where it stands.
pub(super) enum Progress {
    Waits,
    Ended(RunEnd),
}

/// What one operation leads to.
enum Next {
    Following,
    At(usize),
    /// The run says for what.
    Wait,
    Fail(StepFailure),
    End(RunEnd),
}

/// Lets `run` go on from where it stands.
pub(super) fn advance(
    scene: Scene<'_>,
    run: &mut Run,
    trace: &mut Trace,
    decision: &mut Decision,
) -> Progress {
    let program = Arc::clone(&run.program);
    for _ in 0..OPERATIONS_PER_STEP_MAX {
        let Some(operation) = program.operations.get(run.position) else {
            return Progress::Ended(RunEnd::Completed);
        };
        match perform(scene, run, operation, trace, decision) {
            Next::Following => run.position += 1,
            Next::At(position) => run.position = position,
            Next::Wait => return Progress::Waits,
            Next::End(end) => return Progress::Ended(end),
            Next::Fail(failure) => {
                trace
                    .steps
                    .push(StepTrace::new(operation, failure.reason.as_str()));
                if let Some(end) = fail(run, failure) {
                    return Progress::Ended(end);
                }
            }
        }
    }
    Progress::Ended(RunEnd::Failed {
        reason: format!("it did {OPERATIONS_PER_STEP_MAX} things without waiting for any"),
    })
}

/// Leads the run to the nearest place that handles `failure`; its end when nothing does.
pub(super) fn fail(run: &mut Run, failure: StepFailure) -> Option<RunEnd> {
    let mut handlers = run.program.handlers.iter();
    let handler = handlers.find(|it| (it.from..it.to).contains(&run.position));
    let Some(handler) = handler else {
        let reason = failure.reason;
        return Some(RunEnd::Failed { reason });
    };
    run.position = handler.target;
    run.memory.loops.truncate(handler.loops);
    run.memory.failure = Some(failure);
    None
}

fn perform(
    scene: Scene<'_>,
    run: &mut Run,
    operation: &Operation,
    trace: &mut Trace,
    decision: &mut Decision,
) -> Next {
    let (note, next) = match &operation.kind {
        OperationKind::Command(order) => {
            let command = ordered(run, order, scene);
            let note = format!("ordered `{}` of `{}`", command.name, command.device.alias);
            run.wait = Some(Wait::Command {
                command: command.id.clone(),
            });
            decision.order(command, scene.now);
            (note, Next::Wait)
        }
        OperationKind::Notify(notify) => (tell(scene, run, notify, decision), Next::Following),
        OperationKind::Log(log) => {
            let known = Known::new(scene, &run.trigger);
            (log.text.render(&known), Next::Following)
        }
        OperationKind::Test(test) => {
            let (holds, note) = ask(scene, run, &test.conditions);
            let next = if holds {
                Next::Following
            } else {
                Next::At(test.otherwise)
            };
            (note, next)
        }
        OperationKind::Jump { to } => return Next::At(*to),
        OperationKind::Repeat(repeat) => match another_round(scene, run, repeat) {
            (_, fail @ Next::Fail(_)) => return fail,
            round => round,
        },
        OperationKind::Variables { values } => {
            run.memory.define(values);
            (listed("", values), Next::Following)
        }
        OperationKind::Set { values } => {
            decision.changes.extend(remembered(scene, run, values));
            (listed("state.", values), Next::Following)
        }
        OperationKind::Stop(stop) => {
            let end = if stop.failed {
                let reason = stop.text.clone();
                RunEnd::Failed { reason }
            } else {
                RunEnd::Completed
            };
            (format!("stopped: {}", stop.text), Next::End(end))
        }
        OperationKind::End => return Next::End(RunEnd::Completed),
        OperationKind::Fail => return Next::End(failed(&run.memory)),
        OperationKind::Delay(delay) => stood(waiting::delay(scene, run, delay), run),
        OperationKind::Wait(wait) => stood(waiting::wait(scene, run, wait, decision), run),
        OperationKind::Parallel(parallel) => {
            let step = waiting::branch(scene, run, parallel, (trace, decision));
            stood(step, run)
        }
        OperationKind::Rule(other) => (about_rule(scene, run, other, decision), Next::Following),
        OperationKind::Setting(_)
        | OperationKind::Cancel(_)
        | OperationKind::Read(_)
        | OperationKind::Http(_) => {
            let reason = "this version cannot do this step".to_owned();
            return Next::Fail(StepFailure::of_step(reason));
        }
    };
    if let Next::Fail(failure) = next {
        return Next::Fail(failure);
    }
    trace.steps.push(StepTrace::new(operation, note));
    next
}

fn tell(scene: Scene<'_>, run: &Run, notify: &NotifyOperation, decision: &mut Decision) -> String {
    let sent = messages(run, notify, scene);
    let names: Vec<_> = notify.notifiers.iter().map(NotifierName::as_str).collect();
    let text = sent.first().map(|it| it.message.as_str());
    let note = format!("told {}: {}", names.join(", "), text.unwrap_or_default());
    decision.notifications.extend(sent);
    note
}

/// What a step that may have to wait leads to, and what to say of it.
fn stood(step: Step, run: &Run) -> (String, Next) {
    match step {
        Step::Stands => {
            let until = run.until.map(|it| format!(", until {it} at the latest"));
            (format!("waits{}", until.unwrap_or_default()), Next::Wait)
        }
        Step::Over(note) => (note, Next::Following),
        Step::Fails(failure) => (String::new(), Next::Fail(failure)),
    }
}

/// Lets another rule run, or be quiet.
fn about_rule(
    scene: Scene<'_>,
    run: &Run,
    operation: &RuleOperation,
    decision: &mut Decision,
) -> String {
    let rule = operation.rule.clone();
    match operation.verb {
        RuleVerb::Run => {
            let note = format!("runs `{rule}`");
            let by = Some(run.id.clone());
            decision.follow_ups.push(FollowUp::Run { rule, by });
            note
        }
        RuleVerb::Pause => {
            let note = format!("pauses `{rule}`");
            decision.changes.push(Change::RulePaused {
                rule,
                reason: format!("the rule `{}` paused it", run.rule),
                at: scene.now,
            });
            note
        }
        RuleVerb::Resume => {
            let note = format!("lets `{rule}` go on");
            decision.changes.push(Change::RuleResumed { rule });
            note
        }
    }
}

/// The end of a run whose failure was handled, and is one all the same.
fn failed(memory: &Memory) -> RunEnd {
    let reason = memory.failure.as_ref().map(|it| it.reason.clone());
    RunEnd::Failed {
        reason: reason.unwrap_or_default(),
    }
}

/// Whether all of `conditions` hold inside the run, and what was found.
pub(super) fn ask(scene: Scene<'_>, run: &Run, conditions: &[Condition]) -> (bool, String) {
    let view = View {
        scene,
        trigger: &run.trigger,
        memory: &run.memory,
        running: Some(run),
    };
    let mut found = Vec::new();
    for condition in conditions.iter().filter(|it| it.enabled) {
        let answer = condition::check(view, condition);
        let line = format!("{}, found {}", answer.asked, answer.found);
        if !answer.holds {
            return (false, format!("no: {line}"));
        }
        found.push(line);
    }
    (true, format!("yes: {}", found.join("; ")))
}

/// Into the next round of the loop at the run's position, or behind the loop.
fn another_round(scene: Scene<'_>, run: &mut Run, repeat: &RepeatOperation) -> (String, Next) {
    let position = run.position;
    let is_inside = run
        .memory
        .loops
        .last()
        .is_some_and(|it| it.position == position);
    if !is_inside {
        run.memory.loops.push(Round {
            position,
            index: 0,
            item: None,
        });
    }
    let done = run.memory.loops.last().map_or(0, |it| it.index);
    let (goes_on, item, why) = wants_more(scene, run, &repeat.rounds, done);
    if !goes_on {
        run.memory.loops.pop();
        return (format!("{done} rounds{why}"), Next::At(repeat.end));
    }
    if repeat.max <= done {
        let reason = format!("it wanted more than {} rounds", repeat.max);
        return (String::new(), Next::Fail(StepFailure::of_step(reason)));
    }
    if let Some(round) = run.memory.loops.last_mut() {
        round.index = done + 1;
        round.item = item;
    }
    (format!("round {}{why}", done + 1), Next::Following)
}

/// Whether there is another round after `done`, with which item, and why.
fn wants_more(
    scene: Scene<'_>,
    run: &Run,
    rounds: &Rounds,
    done: u32,
) -> (bool, Option<Literal>, String) {
    match rounds {
        Rounds::Count(count) => {
            let more = matches!(evaluate(count), Literal::Number(count) if f64::from(done) < count);
            (more, None, String::new())
        }
        Rounds::ForEach(list) => {
            let item = match evaluate(list) {
                Literal::List(items) => usize::try_from(done)
                    .ok()
                    .and_then(|it| items.get(it).cloned()),
                Literal::Bool(_)
                | Literal::Number(_)
                | Literal::Quantity(_)
                | Literal::Duration(_)
                | Literal::Text(_) => None,
            };
            let why = item.as_ref().map(|it| format!(": {it}"));
            (item.is_some(), item, why.unwrap_or_default())
        }
        Rounds::While(conditions) => {
            let (holds, found) = ask(scene, run, conditions);
            (holds, None, format!(": {found}"))
        }
        Rounds::Until(_) if done == 0 => (true, None, String::new()),
        Rounds::Until(conditions) => {
            let (holds, found) = ask(scene, run, conditions);
            (!holds, None, format!(": {found}"))
        }
    }
}

fn listed(prefix: &str, values: &[Variable]) -> String {
    let lines: Vec<_> = values
        .iter()
        .map(|it| format!("{prefix}{} = {}", it.name, evaluate(&it.value)))
        .collect();
    lines.join(", ")
}

fn remembered(scene: Scene<'_>, run: &Run, values: &[Variable]) -> impl Iterator<Item = Change> {
    let rule = run.rule.clone();
    values.iter().map(move |it| Change::Remembered {
        rule: rule.clone(),
        name: it.name.clone(),
        value: evaluate(&it.value),
        at: scene.now,
    })
}

fn ordered(run: &Run, order: &CommandOperation, scene: Scene<'_>) -> Command {
    Command {
        id: CommandId::derive_in_round(&run.id, run.position, &run.memory.rounds()),
        device: order.device.clone(),
        name: order.command.clone(),
        parameters: order.parameters.clone(),
        retry: order.retry,
        rule: run.rule.clone(),
        run: run.id.clone(),
        cause: scene.event.id.clone(),
        depth: run.depth,
    }
}

fn messages(run: &Run, notify: &NotifyOperation, scene: Scene<'_>) -> Vec<Notification> {
    let known = Known::new(scene, &run.trigger);
    let title = notify.title.as_ref().map(|it| it.render(&known));
    let message = notify.message.render(&known);
    let rounds = run.memory.rounds();
    let to = |notifier: &NotifierName| Notification {
        id: NotificationId::derive_in_round(&run.id, run.position, &rounds, notifier),
        notifier: notifier.clone(),
        title: title.clone(),
        message: message.clone(),
        level: notify.level,
        rule: run.rule.clone(),
        run: run.id.clone(),
        cause: scene.event.id.clone(),
    };
    notify.notifiers.iter().map(to).collect()
}
