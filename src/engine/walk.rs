//! A run goes through its operations until it has to wait or none is left.

use std::sync::Arc;

use crate::domain::id::{NotificationId, NotifierName, RuleId};
use crate::engine::arbitration::Ordered;
use crate::engine::decision::{Change, Decision, FollowUp, Notification};
use crate::engine::facts::{Known, View};
use crate::engine::memory::{Memory, StepFailure, evaluate};
use crate::engine::run::{Run, RunEnd};
use crate::engine::trace::{StepTrace, Trace};
use crate::engine::waiting::{self, Step};
use crate::engine::{Scene, arbitration, begin, cancel, condition, http, pause, rounds, setting};
use crate::rules::expression::Variable;
use crate::rules::operation::{Rounds, RuleOperation, RuleVerb};
use crate::rules::rule::{Condition, NotifyOperation, Operation, OperationKind};

/// How much a run may do before it waits: a loop that waits for nothing ends here. One step of a
/// run is one transaction and one trace, and both have to stay small.
pub const OPERATIONS_PER_STEP_MAX: usize = 2000;

/// How far a run came; the run itself says where it stands.
pub(super) enum Progress {
    Waits,
    Ended(RunEnd),
    /// A step ends all of it: the run that this one is a branch of, too.
    Stopped(RunEnd),
}

/// What one operation leads to.
pub(super) enum Next {
    Following,
    At(usize),
    /// The run says for what.
    Wait,
    /// Another rule is to run first.
    Call,
    Fail(StepFailure),
    End(RunEnd),
    Stop(RunEnd),
}

/// Lets `run` go on from where it stands, after so many operations since it last waited.
pub(super) fn advance(
    scene: Scene<'_>,
    (run, done): (&mut Run, usize),
    trace: &mut Trace,
    decision: &mut Decision,
) -> Progress {
    let program = Arc::clone(&run.program);
    for n_done in done..OPERATIONS_PER_STEP_MAX {
        let Some(operation) = program.operations.get(run.position) else {
            return Progress::Ended(RunEnd::Completed);
        };
        match perform(scene, run, operation, trace, decision) {
            Next::Following => run.position += 1,
            Next::At(position) => run.position = position,
            Next::Wait => return Progress::Waits,
            Next::Call => {
                run.position += 1;
                decision.at_once.push(FollowUp::GoOn {
                    run: run.id.clone(),
                    done: n_done + 1,
                });
                return Progress::Waits;
            }
            Next::End(end) => return Progress::Ended(end),
            Next::Stop(end) => return Progress::Stopped(end),
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

/// From where the run asks.
pub(super) fn view<'a>(scene: Scene<'a>, run: &'a Run, decision: &'a Decision) -> View<'a> {
    View {
        scene,
        rule: &run.rule,
        running: Some(run),
        trigger: &run.trigger,
        memory: &run.memory,
        changes: &decision.changes,
    }
}

fn perform(
    scene: Scene<'_>,
    run: &mut Run,
    operation: &Operation,
    trace: &mut Trace,
    decision: &mut Decision,
) -> Next {
    if waiting::reads_first(scene, run, asks(run, operation), decision) {
        return Next::Wait;
    }
    let (note, next) = match &operation.kind {
        OperationKind::Command(order) => match arbitration::order(scene, run, order, decision) {
            Ordered::Stands(note) => (note, Next::Wait),
            Ordered::Over(note) => (note, Next::Following),
            Ordered::Fails(failure) => return Next::Fail(failure),
        },
        OperationKind::Notify(notify) => (tell(scene, run, notify, decision), Next::Following),
        OperationKind::Log(log) => {
            let known = Known::of(view(scene, run, decision));
            (log.text.render(&known), Next::Following)
        }
        OperationKind::Test(test) => {
            let (holds, note) = ask(view(scene, run, decision), &test.conditions);
            let next = if holds {
                Next::Following
            } else {
                Next::At(test.otherwise)
            };
            (note, next)
        }
        OperationKind::Jump { to } => return Next::At(*to),
        OperationKind::Repeat(repeat) => match rounds::another(scene, run, repeat, decision) {
            Ok(round) => round,
            Err(reason) => return Next::Fail(StepFailure::of_step(reason)),
        },
        OperationKind::Variables { values } => {
            (define(scene, run, values, decision), Next::Following)
        }
        OperationKind::Set { values } => (set(scene, run, values, decision), Next::Following),
        OperationKind::Stop(stop) => {
            let text = stop.text.render(&Known::of(view(scene, run, decision)));
            let note = format!("stopped: {text}");
            let end = if stop.failed {
                RunEnd::Failed { reason: text }
            } else {
                RunEnd::Completed
            };
            (note, Next::Stop(end))
        }
        OperationKind::End => return Next::End(RunEnd::Completed),
        OperationKind::Fail => return Next::End(failed(&run.memory)),
        OperationKind::Delay(delay) => stood(waiting::delay(scene, run, delay, decision), run),
        OperationKind::Wait(wait) => stood(waiting::wait(scene, run, wait, decision), run),
        OperationKind::Parallel(parallel) => {
            let step = waiting::branch(scene, run, parallel, (trace, decision));
            stood(step, run)
        }
        OperationKind::Rule(other) => about_rule(scene, run, other, decision),
        OperationKind::Read(read) => stood(waiting::read(scene, run, read, decision), run),
        OperationKind::Http(http) => match http::send(scene, run, http, decision) {
            Ok(note) => (note, Next::Wait),
            Err(reason) => return Next::Fail(StepFailure::of_step(reason)),
        },
        OperationKind::Setting(it) => match setting::write(scene, run, it, decision) {
            Ok(note) => (note, Next::Wait),
            Err(failure) => return Next::Fail(*failure),
        },
        OperationKind::Cancel(it) => stood(cancel::cancel(scene, run, it, decision), run),
    };
    if let Next::Fail(failure) = next {
        return Next::Fail(failure);
    }
    trace.steps.push(StepTrace::new(operation, note));
    next
}

/// The conditions that the operation asks at this moment.
fn asks<'o>(run: &Run, operation: &'o Operation) -> &'o [Condition] {
    #[expect(clippy::wildcard_enum_match_arm, reason = "two kinds ask")]
    match &operation.kind {
        OperationKind::Test(test) => &test.conditions,
        OperationKind::Repeat(repeat) => match &repeat.rounds {
            Rounds::While(conditions) => conditions,
            Rounds::Until(conditions) if is_inside(run) => conditions,
            Rounds::Until(_) | Rounds::Count(_) | Rounds::ForEach(_) => &[],
        },
        _ => &[],
    }
}

/// Whether the run has been round the loop that it stands at.
fn is_inside(run: &Run) -> bool {
    let innermost = run.memory.loops.last();
    innermost.is_some_and(|it| it.position == run.position)
}

fn tell(scene: Scene<'_>, run: &Run, notify: &NotifyOperation, decision: &mut Decision) -> String {
    let sent = messages(run, notify, view(scene, run, decision));
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
) -> (String, Next) {
    let rule = operation.rule.clone();
    let note = match operation.verb {
        RuleVerb::Run => return run_rule(scene, run, rule, decision),
        RuleVerb::Pause => pause::by_rule(scene, run, &rule, decision),
        RuleVerb::Resume => pause::resume_by_rule(scene, run, &rule, decision),
    };
    (note, Next::Following)
}

/// Lets another rule run as far as it can, before anything else is done: the next step finds what it did.
fn run_rule(scene: Scene<'_>, run: &Run, rule: RuleId, decision: &mut Decision) -> (String, Next) {
    let silent = begin::silent(scene, &rule);
    // A run with nothing left to do does not stand in the way of the other.
    let next = if silent.is_some() || is_last(run) {
        Next::Following
    } else {
        Next::Call
    };
    let note = match silent {
        Some(because) => format!("does not run `{rule}`: {because}"),
        None => format!("runs `{rule}`"),
    };
    let by = run.id.occasion(run.position, &run.memory.rounds());
    let chain = run.chain_below();
    decision.at_once.push(FollowUp::Run { rule, by, chain });
    (note, next)
}

/// Whether nothing is left to do behind the operation at which `run` stands.
fn is_last(run: &Run) -> bool {
    let operations = &run.program.operations;
    let mut position = run.position + 1;
    for _ in operations {
        match operations.get(position).map(|it| &it.kind) {
            Some(OperationKind::Jump { to }) => position = *to,
            None | Some(OperationKind::End | OperationKind::Fail) => return true,
            Some(_) => return false,
        }
    }
    false
}

/// The end of a run whose failure was handled, and is one all the same.
fn failed(memory: &Memory) -> RunEnd {
    let reason = memory.failure.as_ref().map(|it| it.reason.clone());
    RunEnd::Failed {
        reason: reason.unwrap_or_default(),
    }
}

/// Whether all of `conditions` hold inside the run, and what was found.
pub(super) fn ask(view: View<'_>, conditions: &[Condition]) -> (bool, String) {
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

/// Takes variables into the run; says what they are now.
fn define(scene: Scene<'_>, run: &mut Run, variables: &[Variable], decision: &Decision) -> String {
    let mut lines = Vec::new();
    for variable in variables {
        let view = view(scene, run, decision);
        let value = evaluate(&variable.value, view);
        lines.push(format!("{} = {}", variable.name, view.shown(&value)));
        run.memory.variables.insert(variable.name.clone(), value);
    }
    lines.join(", ")
}

/// Lets the rule remember values; says what they are now.
fn set(scene: Scene<'_>, run: &Run, values: &[Variable], decision: &mut Decision) -> String {
    let mut lines = Vec::new();
    for variable in values {
        let view = view(scene, run, decision);
        let value = evaluate(&variable.value, view);
        lines.push(format!("state.{} = {}", variable.name, view.shown(&value)));
        decision.changes.push(Change::Remembered {
            rule: run.rule.clone(),
            name: variable.name.clone(),
            value,
            at: scene.now,
        });
    }
    lines.join(", ")
}

fn messages(run: &Run, notify: &NotifyOperation, view: View<'_>) -> Vec<Notification> {
    let known = Known::of(view);
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
        cause: view.scene.event.id.clone(),
    };
    notify.notifiers.iter().map(to).collect()
}
