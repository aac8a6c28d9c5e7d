//! A rule is woken: may it run, and how does a run of it begin?

use std::sync::Arc;

use crate::clock::later;
use crate::domain::event::Payload;
use crate::domain::id::{RuleId, RunId};
use crate::engine::decision::{Change, Decision, FollowUp};
use crate::engine::facts::{TriggerFields, View};
use crate::engine::memory::{Memory, evaluate};
use crate::engine::run::{Run, RunEnd};
use crate::engine::trace::{Trace, Verdict, place};
use crate::engine::trigger::hear::Heard;
use crate::engine::wait::Wait;
use crate::engine::{Scene, condition, go_on};
use crate::rules::rule::{Mode, Rule, Trigger};

/// One time that a rule was woken.
pub(super) struct Call<'a> {
    pub(super) rule: &'a Rule,
    /// None when its triggers are not asked: another run or a person wants it.
    pub(super) trigger: Option<&'a Trigger>,
    pub(super) fields: TriggerFields,
    /// Tells it from other calls of the same rule that the same event makes; empty for the first.
    pub(super) occasion: String,
    /// The depth of a run that begins.
    pub(super) depth: u32,
}

/// What the triggers of `rule` made of something: each that fired calls the rule, once what is known of
/// it is written down.
pub(super) fn heard(
    scene: Scene<'_>,
    rule: &Rule,
    (heard, silence_is_told): (Heard, bool),
    decision: &mut Decision,
) {
    if heard.firings.is_empty() && silence_is_told {
        let mut trace = Trace::of(rule, scene.event, scene.now);
        let because = heard.mismatches.join("; ");
        trace.verdict = Verdict::NotTriggered { because };
        decision.traces.push(trace);
    }
    // One event calls a rule once, however many of its triggers fit; a schedule may have missed several.
    let is_tick = matches!(scene.event.payload, Payload::Tick | Payload::Engine(_));
    let n_calls = if is_tick { heard.firings.len() } else { 1 };
    let calls = heard.firings.into_iter().take(n_calls).zip(0..);
    decision
        .follow_ups
        .extend(calls.map(|(it, nth)| FollowUp::Fired {
            rule: rule.id.clone(),
            trigger: it.trigger,
            fields: it.fields,
            nth,
        }));
}

/// Lets the run begin that `call` asks for, if it may, and tells of it.
pub(super) fn answer(scene: Scene<'_>, call: Call<'_>, decision: &mut Decision) {
    let rule = call.rule;
    let mut trace = Trace::of(rule, scene.event, scene.now);
    trace.trigger = call
        .trigger
        .map(|it| it.id.clone().unwrap_or_else(|| place(&it.place)));
    let mut memory = Memory {
        trigger: call.trigger.and_then(|it| it.id.clone()),
        ..Memory::default()
    };
    trace.verdict = verdict(scene, &call, &decision.changes, &mut memory, &mut trace);
    let is_quiet = matches!(
        trace.verdict,
        Verdict::AlreadyRunning { .. } | Verdict::TooMany { .. }
    ) && rule.settings.is_silent;
    if trace.verdict == Verdict::Started {
        start(scene, call, memory, &mut trace, decision);
    }
    if !is_quiet {
        decision.traces.push(trace);
    }
}

fn verdict(
    scene: Scene<'_>,
    call: &Call<'_>,
    changes: &[Change],
    memory: &mut Memory,
    trace: &mut Trace,
) -> Verdict {
    let rule = call.rule;
    if let Some(because) = scene.state.paused(&rule.id) {
        let because = because.to_owned();
        return Verdict::Paused { because };
    }
    let last = scene.state.last_started(&rule.id);
    if let (Some(cooldown), Some(last)) = (rule.settings.cooldown, last) {
        let until = later(last, cooldown);
        if scene.now < until && call.trigger.is_some() {
            return Verdict::CoolingDown { until };
        }
    }
    let view = View {
        scene,
        rule: &rule.id,
        running: None,
        trigger: &call.fields,
        memory: &Memory::default(),
        changes,
    };
    let of_trigger = call.trigger.into_iter().flat_map(|it| &it.variables);
    for variable in rule.variables.iter().chain(of_trigger) {
        let value = evaluate(&variable.value, View { memory, ..view });
        memory.variables.insert(variable.name.clone(), value);
    }
    if let Some(verdict) = crowded(scene, rule, None) {
        return verdict;
    }
    // Somebody who names the rule has decided.
    if call.trigger.is_none() {
        return Verdict::Started;
    }
    let view = View { memory, ..view };
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

/// Whether runs that are under way leave no room for another one.
fn crowded(scene: Scene<'_>, rule: &Rule, key: Option<&String>) -> Option<Verdict> {
    let mut runs = scene
        .state
        .runs_of(&rule.id)
        .filter(|it| it.key.as_ref() == key);
    match rule.settings.mode {
        Mode::Single => {
            let run = runs.next()?.id.clone();
            Some(Verdict::AlreadyRunning { run })
        }
        Mode::Restart => None,
        Mode::Queued(max) | Mode::Parallel(max) => {
            let is_full = usize::try_from(max).is_ok_and(|max| max <= runs.count());
            is_full.then_some(Verdict::TooMany { max })
        }
    }
}

fn start(
    scene: Scene<'_>,
    call: Call<'_>,
    memory: Memory,
    trace: &mut Trace,
    decision: &mut Decision,
) {
    let rule = call.rule;
    let others: Vec<RunId> = scene
        .state
        .runs_of(&rule.id)
        .map(|it| it.id.clone())
        .collect();
    let mut run = Run {
        id: RunId::derive_on(
            &rule.id,
            &scene.event.id,
            scene.event.received_at,
            &call.occasion,
        ),
        rule: rule.id.clone(),
        program: Arc::clone(&rule.program),
        position: 0,
        wait: None,
        until: None,
        parent: None,
        key: None,
        depth: call.depth,
        cause: scene.event.id.clone(),
        trigger: call.fields,
        started_at: scene.now,
        memory,
    };
    trace.run = Some(run.id.clone());
    if rule.settings.mode == Mode::Restart {
        let reason = "the rule began anew".to_owned();
        decision
            .follow_ups
            .extend(others.iter().map(|it| FollowUp::End {
                run: it.clone(),
                end: RunEnd::Stopped {
                    reason: reason.clone(),
                },
            }));
    }
    if matches!(rule.settings.mode, Mode::Queued(_)) && !others.is_empty() {
        run.wait = Some(Wait::Turn);
        run.until = Some(later(scene.now, go_on::TURN_MAX));
        go_on::began(run, decision);
        return;
    }
    go_on::begin(scene, run, trace, decision);
}

/// The rule with this id, if the home has one that runs.
pub(super) fn rule<'r>(scene: Scene<'r>, id: &RuleId) -> Option<&'r Rule> {
    scene.rules.rule(id).filter(|it| it.listens())
}
