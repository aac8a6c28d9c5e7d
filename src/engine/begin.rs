//! A rule is woken: may it run, and how does a run of it begin?

use std::sync::Arc;

use jiff::Timestamp;

use crate::clock::later;
use crate::domain::id::{EventId, RuleId, RunId};
use crate::engine::arming::shape;
use crate::engine::begun::Begun;
use crate::engine::call::{UNKNOWN_WAIT_MAX, WaitingCall};
use crate::engine::crowd::{crowded, give_way, meet, outdated, withdraw};
use crate::engine::decision::{Change, Decision, FollowUp};
use crate::engine::facts::{TriggerFields, View};
use crate::engine::memory::{Memory, evaluate};
use crate::engine::run::{Run, RunEnd};
use crate::engine::state::VALUES_MAX;
use crate::engine::trace::{Miss, StepTrace, Trace, Truth, Verdict, place};
use crate::engine::trigger::hear::Heard;
use crate::engine::wait::Wait;
use crate::engine::{Scene, begun, breaker, condition, freshness, go_on, listening, pause, seen};
use crate::rules::expr::value::Value;
use crate::rules::rule::{Mode, Rule, Trigger};

/// One time that a rule was woken.
pub(super) struct Call<'a> {
    pub(super) rule: &'a Rule,
    /// None when its triggers are not asked: another run or a person wants it.
    pub(super) trigger: Option<&'a Trigger>,
    /// The place of the trigger among those of the rule.
    pub(super) index: usize,
    pub(super) fields: TriggerFields,
    /// Tells it from other calls of the same rule that the same event makes; empty for the first.
    pub(super) occasion: String,
    /// The runs that came of those.
    pub(super) begun: Vec<Begun>,
    /// Time alone made it.
    pub(super) is_timed: bool,
    /// The rules of the runs that led here.
    pub(super) chain: Vec<RuleId>,
    /// The event that woke it.
    pub(super) cause: EventId,
    /// When that was received.
    pub(super) received_at: Timestamp,
}

/// What the triggers of `rule` made of something: each that fired calls the rule, once what is known of
/// it is written down. With the triggers that did not fire, where that is worth a trace.
pub(super) fn heard(
    scene: Scene<'_>,
    rule: &Rule,
    (heard, misses): (Heard, Option<Vec<Miss>>),
    decision: &mut Decision,
) {
    if let Some(misses) = misses.filter(|_| heard.firings.is_empty()) {
        let mut trace = Trace::of(rule, scene.event, scene.now);
        let because = heard.mismatches.join("; ");
        trace.verdict = Verdict::NotTriggered { because };
        trace.misses = misses;
        decision.traces.push(trace);
    }
    let calls = heard.firings.into_iter();
    decision.follow_ups.extend(calls.map(|mut it| {
        name(&mut it.fields, &rule.triggers[it.trigger]);
        FollowUp::Fired {
            rule: rule.id.clone(),
            trigger: it.trigger,
            fields: it.fields,
            nth: 0,
            begun: Vec::new(),
        }
    }));
}

/// Lets the run begin that `call` asks for, if it may, and tells of it.
pub(super) fn answer(scene: Scene<'_>, call: Call<'_>, decision: &mut Decision) {
    decide(scene, call, None, decision);
}

/// What a call waits for may have come, or its time is over.
pub(super) fn ask_again(scene: Scene<'_>, waiting: &WaitingCall, decision: &mut Decision) {
    let Some(rule) = rule(scene, &waiting.rule) else {
        // Nobody is there any more who wants to know.
        let id = waiting.id.clone();
        return decision.changes.push(Change::CallOver { id });
    };
    let Some((index, trigger)) = trigger_of(rule, waiting) else {
        let why = "the trigger that woke the rule is no longer there, or was edited, before the conditions could be answered";
        return withdraw(scene, rule, (waiting, why), decision);
    };
    if !is_late(scene, waiting) && freshness::is_open(scene, &waiting.devices) {
        return;
    }
    let mut fields = waiting.fields.clone();
    name(&mut fields, trigger);
    let call = Call {
        rule,
        trigger: Some(trigger),
        index,
        fields,
        occasion: waiting.occasion.clone(),
        begun: Vec::new(),
        is_timed: waiting.is_timed,
        chain: waiting.chain.clone(),
        cause: waiting.cause.clone(),
        received_at: waiting.received_at,
    };
    decide(scene, call, Some(waiting), decision);
}

/// The trigger of `rule` that made the call, wherever it stands now; none when it is there no more.
pub(super) fn trigger_of<'r>(rule: &'r Rule, call: &WaitingCall) -> Option<(usize, &'r Trigger)> {
    let is_it = |it: &Trigger| it.enabled && (call.shape.is_empty() || shape(it) == call.shape);
    let in_place = rule.triggers.get(call.trigger).filter(|it| is_it(it));
    if let Some(trigger) = in_place {
        return Some((call.trigger, trigger));
    }
    let mut triggers = rule.triggers.iter().enumerate();
    triggers.find(|(_, it)| !call.shape.is_empty() && is_it(it))
}

/// What a trigger saw is told under the name that it has now: it may have had another when it began to see it.
fn name(fields: &mut TriggerFields, trigger: &Trigger) {
    match &trigger.id {
        Some(id) => {
            fields.insert("id".to_owned(), Value::text(id));
        }
        None => {
            fields.remove("id");
        }
    }
}

fn is_late(scene: Scene<'_>, waiting: &WaitingCall) -> bool {
    waiting.until <= scene.now
}

/// After a start, calls and runs that wait for readings have their time once more: nobody could answer
/// meanwhile. Calls that are older than any call gets are decided with what is known.
pub(super) fn wait_on(scene: Scene<'_>, decision: &mut Decision) {
    let until = later(scene.now, freshness::READING_WAIT_MAX);
    for call in scene.state.calls().filter(|it| !it.is_for_the_unknown()) {
        if scene.now < later(call.since, UNKNOWN_WAIT_MAX) {
            let call = call.clone();
            let call = WaitingCall { until, ..call };
            decision.changes.push(Change::CallWaits(call));
        }
    }
    for run in scene.state.every_run() {
        if let Some(Wait::Readings { .. }) = run.wait {
            let mut run = run.clone();
            run.until = Some(until);
            decision.changes.push(Change::RunMoved(run));
        }
    }
}

/// `before` is what the call waited for until now.
fn decide(scene: Scene<'_>, call: Call<'_>, before: Option<&WaitingCall>, decision: &mut Decision) {
    let rule = call.rule;
    let mut trace = Trace::of(rule, scene.event, scene.now);
    trace.event = call.cause.clone();
    trace.trigger = call.trigger.map(trigger_name);
    let mut memory = Memory {
        trigger: call.trigger.and_then(|it| it.id.clone()),
        ..Memory::default()
    };
    let key = key(scene, &call, &decision.changes, &mut memory);
    let since = before.map_or(scene.now, |it| it.since);
    trace.before = seen::before(view(scene, &call, &memory, &decision.changes));
    let outdated = outdated(scene, &call, (key.as_deref(), since));
    trace.verdict = match refusal(scene, &call, key.as_deref()) {
        Some(verdict) => verdict,
        // Somebody who names the rule has decided.
        None if call.trigger.is_none() => Verdict::Started,
        None => {
            if let Some(waiting) = reads_first(scene, (&call, before), &memory, decision) {
                let untils = outdated.iter().filter(|it| !it.is_for_the_unknown());
                let until = untils
                    .map(|it| it.until)
                    .fold(waiting.until, Timestamp::min);
                let waiting = WaitingCall {
                    key,
                    until,
                    ..waiting
                };
                give_way(scene, rule, &outdated, decision);
                return decision.changes.push(Change::CallWaits(waiting));
            }
            judge((scene, &decision.changes), &call, &memory, &mut trace)
        }
    };
    if matches!(trace.verdict, Verdict::Waits { .. }) {
        give_way(scene, rule, &outdated, decision);
        return wait(scene, (call, key, before), trace, decision);
    }
    if let Some(waiting) = before {
        let id = waiting.id.clone();
        decision.changes.push(Change::CallOver { id });
    }
    if trace.verdict == Verdict::Started
        && let Some(reason) = breaker::tripped(scene, rule, (&call.chain, &call.fields))
    {
        pause::pause(scene, &rule.id, (reason.clone(), false), decision);
        trace.verdict = Verdict::Paused { because: reason };
    }
    let is_quiet = matches!(
        trace.verdict,
        Verdict::AlreadyRunning { .. } | Verdict::AlreadyCalled { .. } | Verdict::TooMany { .. }
    ) && rule.settings.is_silent;
    if trace.verdict != Verdict::Started {
        if !is_quiet {
            decision.traces.push(trace);
        }
        return;
    }
    give_way(scene, rule, &outdated, decision);
    trace.steps.extend(forgotten(scene, rule, key.as_deref()));
    let run = run_id(&call);
    let outdone = begun::outdone(scene, &call, (key.as_deref(), &run));
    let trigger = trace.trigger.clone().unwrap_or_default();
    start(scene, (call, key), memory, &mut trace, decision);
    decision.traces.push(trace);
    let verdict = Verdict::AlreadyCalled { run, trigger };
    begun::over(scene, rule, (&outdone, &verdict), decision);
}

/// The value that the run would be one of (`per:`), once the variables of the run are there.
fn key(
    scene: Scene<'_>,
    call: &Call<'_>,
    changes: &[Change],
    memory: &mut Memory,
) -> Option<String> {
    let nothing = Memory::default();
    let view = view(scene, call, &nothing, changes);
    let of_trigger = call.trigger.into_iter().flat_map(|it| &it.variables);
    for variable in call.rule.variables.iter().chain(of_trigger) {
        let value = evaluate(&variable.value, View { memory, ..view });
        memory.variables.insert(variable.name.clone(), value);
    }
    let view = View { memory, ..view };
    let per = call.rule.settings.per.as_ref();
    per.map(|it| view.shown(&evaluate(it, view)))
}

/// Why no run can begin now, whatever the conditions say.
fn refusal(scene: Scene<'_>, call: &Call<'_>, key: Option<&str>) -> Option<Verdict> {
    let rule = call.rule;
    if let Some(because) = scene.state.paused(&rule.id) {
        let because = because.to_owned();
        return Some(Verdict::Paused { because });
    }
    if let Some(verdict) = begun::refusal(call, key) {
        return Some(verdict);
    }
    let last = scene.state.last_started(&rule.id, key);
    if let (Some(cooldown), Some(last)) = (rule.settings.cooldown, last) {
        let until = later(last, cooldown);
        if scene.now < until && call.trigger.is_some() {
            return Some(Verdict::CoolingDown { until });
        }
    }
    crowded(scene, rule, (key, &run_id(call)))
}

/// The call as it waits for fresh values, if it has to. What waited already is decided with what is known.
fn reads_first(
    scene: Scene<'_>,
    (call, before): (&Call<'_>, Option<&WaitingCall>),
    memory: &Memory,
    decision: &mut Decision,
) -> Option<WaitingCall> {
    let needs = freshness::needs(
        view(scene, call, memory, &decision.changes),
        &call.rule.conditions,
    );
    let devices = match before {
        Some(before) if !before.is_for_the_unknown() => return None,
        Some(_) | None => freshness::request(scene, &needs, decision),
    };
    if before.is_some() || devices.is_empty() {
        return None;
    }
    Some(WaitingCall {
        until: later(scene.now, freshness::READING_WAIT_MAX),
        topics: freshness::topics(&devices),
        devices,
        ..waiting(scene, call)
    })
}

fn view<'a>(
    scene: Scene<'a>,
    call: &'a Call<'_>,
    memory: &'a Memory,
    changes: &'a [Change],
) -> View<'a> {
    View {
        scene,
        rule: &call.rule.id,
        changes,
        trigger: &call.fields,
        memory,
        running: None,
    }
}

/// What the conditions say.
fn judge(
    (scene, changes): (Scene<'_>, &[Change]),
    call: &Call<'_>,
    memory: &Memory,
    trace: &mut Trace,
) -> Verdict {
    let view = view(scene, call, memory, changes);
    for condition in call.rule.conditions.iter().filter(|it| it.enabled) {
        let answer = condition::check(view, condition);
        let (holds, truth) = (answer.holds, answer.answer);
        trace.conditions.push(answer);
        if !holds && truth == Truth::Unknown && condition::waits(view, condition) {
            let until = later(scene.now, UNKNOWN_WAIT_MAX);
            return Verdict::Waits { until };
        }
        if !holds {
            return Verdict::ConditionNotMet;
        }
    }
    Verdict::Started
}

/// Lets the call wait until more is known, as one of its conditions asks; for so long and no longer.
fn wait(
    scene: Scene<'_>,
    (call, key, before): (Call<'_>, Option<String>, Option<&WaitingCall>),
    mut trace: Trace,
    decision: &mut Decision,
) {
    if let Some(before) = before.filter(|it| it.is_for_the_unknown()) {
        if is_late(scene, before) {
            let id = before.id.clone();
            decision.changes.push(Change::CallOver { id });
            trace.verdict = Verdict::ConditionNotMet;
            decision.traces.push(trace);
        }
        return;
    }
    let since = before.map_or(scene.now, |it| it.since);
    let until = later(since, UNKNOWN_WAIT_MAX);
    let mut topics = std::collections::BTreeSet::new();
    for condition in &call.rule.conditions {
        listening::of_condition(condition, &call.rule.id, &mut topics);
    }
    let waiting = WaitingCall {
        key,
        since,
        until,
        topics,
        ..waiting(scene, &call)
    };
    decision.changes.push(Change::CallWaits(waiting));
    trace.verdict = Verdict::Waits { until };
    decision.traces.push(trace);
}

/// The call as plain data, which waits for nothing yet.
fn waiting(scene: Scene<'_>, call: &Call<'_>) -> WaitingCall {
    WaitingCall {
        id: run_id(call),
        rule: call.rule.id.clone(),
        trigger: call.index,
        shape: call.trigger.map(shape).unwrap_or_default(),
        fields: call.fields.clone(),
        occasion: call.occasion.clone(),
        is_timed: call.is_timed,
        chain: call.chain.clone(),
        key: None,
        cause: call.cause.clone(),
        received_at: call.received_at,
        since: scene.now,
        until: scene.now,
        devices: std::collections::BTreeSet::new(),
        topics: std::collections::BTreeSet::new(),
    }
}

/// How traces call it: its id, or its place.
pub(super) fn trigger_name(trigger: &Trigger) -> String {
    let id = trigger.id.clone();
    id.unwrap_or_else(|| place(&trigger.place))
}

pub(super) fn run_id(call: &Call<'_>) -> RunId {
    RunId::derive_on(&call.rule.id, &call.cause, call.received_at, &call.occasion)
}

fn start(
    scene: Scene<'_>,
    (call, key): (Call<'_>, Option<String>),
    memory: Memory,
    trace: &mut Trace,
    decision: &mut Decision,
) {
    let rule = call.rule;
    let others: Vec<&Run> = scene
        .state
        .runs_of(&rule.id)
        .filter(|it| meet(it.key.as_deref(), key.as_deref()))
        .collect();
    let mut run = Run {
        id: run_id(&call),
        rule: rule.id.clone(),
        program: Arc::clone(&rule.program),
        position: 0,
        wait: None,
        until: None,
        parent: None,
        key,
        chain: call.chain,
        cause: call.cause,
        trigger: call.fields,
        started_at: scene.now,
        memory,
    };
    trace.run = Some(run.id.clone());
    if rule.settings.mode == Mode::Restart {
        // First, so that the new run finds the devices of the old one free.
        for other in &others {
            let planned = scene
                .state
                .all_orders()
                .flat_map(|it| it.planned_by(&other.id));
            decision.withdrawn.extend(planned.cloned());
            let reason = "the rule began anew".to_owned();
            go_on::end(scene, other, RunEnd::Stopped { reason }, decision);
        }
    }
    if matches!(rule.settings.mode, Mode::Queued(_)) && !others.is_empty() {
        run.wait = Some(Wait::Turn);
        run.until = Some(later(scene.now, go_on::TURN_MAX));
        go_on::began(run, decision);
        return;
    }
    go_on::begin(scene, run, trace, decision);
}

/// What is to be said of a cooldown that is forgotten with a run for one value too many.
fn forgotten(scene: Scene<'_>, rule: &Rule, key: Option<&str>) -> Option<StepTrace> {
    let cooldown = rule.settings.cooldown?;
    let (value, last) = scene.state.crowded_out(&rule.id, key?)?;
    (scene.now < later(last, cooldown)).then(|| StepTrace {
        place: rule.place.clone(),
        alias: None,
        did: format!(
            "forgets the cooldown for `{value}`: with `per`, those of {VALUES_MAX} values are remembered"
        ),
    })
}

/// The rule with this id, if the home has one that runs.
pub(super) fn rule<'r>(scene: Scene<'r>, id: &RuleId) -> Option<&'r Rule> {
    scene.rules.rule(id).filter(|it| it.listens())
}

/// Why the rule with this id cannot run, whoever wants it to; none when it can.
pub(super) fn silent(scene: Scene<'_>, id: &RuleId) -> Option<&'static str> {
    match scene.rules.rule(id) {
        Some(rule) if rule.listens() => None,
        Some(_) => Some("it is switched off (`enabled: false`)"),
        None => Some("the home has no such rule that is right"),
    }
}
