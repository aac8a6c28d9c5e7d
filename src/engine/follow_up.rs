//! What is decided right after something else, with the state as it then is.

use crate::domain::event::Request;
use crate::domain::id::RuleId;
use crate::engine::begin::{self, Call};
use crate::engine::begun::is_clock;
use crate::engine::crowd::meet;
use crate::engine::decision::{Change, Decision, FollowUp};
use crate::engine::facts::TriggerFields;
use crate::engine::pause::BY_HAND;
use crate::engine::run::{Run, RunEnd};
use crate::engine::state::Wakeful;
use crate::engine::trace::{Miss, Trace, Verdict};
use crate::engine::trigger::hear::{Occasion, hear};
use crate::engine::trigger::memory::TriggerMemory;
use crate::engine::wait::Wait;
use crate::engine::{Scene, arbitration, arming, cancel, go_on, http, inputs, pause, setting};
use crate::rules::rule::Topic;

#[expect(clippy::too_many_lines, reason = "an arm for each kind")]
pub(super) fn decide(scene: Scene<'_>, follow_up: &FollowUp) -> Decision {
    let mut decision = Decision::default();
    match follow_up {
        FollowUp::Wake(Wakeful::Run(run)) => {
            if let Some(run) = scene.state.run(run) {
                go_on::time_over(scene, run, &mut decision);
            }
        }
        FollowUp::Wake(Wakeful::Trigger(rule, index)) => {
            trigger_due(scene, (rule, *index), &mut decision);
        }
        FollowUp::Wake(Wakeful::Input(input)) => inputs::turns(scene, input, &mut decision),
        FollowUp::Wake(Wakeful::Call(call)) | FollowUp::Call(call) => {
            if let Some(call) = scene.state.call(call) {
                begin::ask_again(scene, call, &mut decision);
            }
        }
        FollowUp::Fired {
            rule,
            trigger,
            fields,
            nth,
            begun,
        } => {
            if let Some(rule) = begin::rule(scene, rule) {
                let occasion = if *nth == 0 {
                    String::new()
                } else {
                    nth.to_string()
                };
                let call = Call {
                    rule,
                    trigger: rule.triggers.get(*trigger),
                    index: *trigger,
                    fields: fields.clone(),
                    occasion,
                    begun: begun.clone(),
                    is_timed: is_clock(scene.event),
                    cause: scene.event.id.clone(),
                    received_at: scene.event.received_at,
                    chain: scene.chain.to_vec(),
                };
                begin::answer(scene, call, &mut decision);
            }
        }
        FollowUp::Run { rule, by, chain } => {
            run_rule(scene, rule, (by, chain), &mut decision);
        }
        FollowUp::GoOn { run, done } => {
            // The rule that was run may have ended it, or begun it anew.
            if let Some(run) = scene.state.run(run) {
                go_on::called(scene, run, *done, &mut decision);
            }
        }
        FollowUp::WriteOver(over) => setting::over(scene, over, &mut decision),
        FollowUp::HttpOver(over) => http::over(scene, over, &mut decision),
        FollowUp::CommandOver(settled) => {
            let outcome = Ok(&settled.outcome);
            cancel::heard(scene, &settled.command, outcome, &mut decision);
            go_on::settled(scene, settled, &mut decision);
        }
        FollowUp::NotCancelled(told) => {
            let refusal = Err(told.failure.as_ref());
            cancel::heard(scene, &told.order.command, refusal, &mut decision);
        }
        FollowUp::CommandAccepted(accepted) => go_on::accepted(scene, accepted, &mut decision),
        FollowUp::BranchOver { run, branch, end } => {
            if let Some(run) = scene.state.run(run) {
                go_on::branch_over(scene, run, (branch, end), &mut decision);
            }
        }
        FollowUp::NextInLine { rule, key } => next_in_line(scene, (rule, key), &mut decision),
        FollowUp::Ask(run) => {
            if let Some(run) = scene.state.run(run) {
                go_on::ask(scene, run, &mut decision);
            }
        }
        FollowUp::Came {
            run,
            trigger,
            fields,
        } => {
            if let Some(run) = scene.state.run(run) {
                go_on::came(scene, run, (*trigger, fields), &mut decision);
            }
        }
        FollowUp::Displace { run, reason } => {
            arbitration::displace(scene, run, reason, &mut decision);
        }
        FollowUp::DeviceFree { device } => arbitration::next(scene, device, &mut decision),
        FollowUp::End { run, end } => {
            if let Some(run) = scene.state.run(run) {
                go_on::end(scene, run, end.clone(), &mut decision);
            }
        }
    }
    ask_who_watches(scene, &mut decision);
    decision
}

/// The moment has come for which a trigger waited.
fn trigger_due(scene: Scene<'_>, (rule, index): (&RuleId, usize), decision: &mut Decision) {
    let known = scene.state.trigger(rule, index);
    let found = begin::rule(scene, rule).and_then(|it| Some((it, it.triggers.get(index)?)));
    let (Some(memory), Some((rule, trigger))) = (known, found) else {
        // Nobody is there any more to hear of it.
        decision.changes.push(Change::Trigger {
            rule: rule.clone(),
            trigger: index,
            memory: TriggerMemory::default(),
        });
        return;
    };
    let is_held = !memory.held.is_empty();
    let mut memory = memory.clone();
    let heard = hear(scene, (index, trigger), &mut memory, Occasion::Time);
    arming::remember(scene, rule, (index, memory), decision);
    // What would have fired, if it had been heard of, is worth a line.
    let misses = heard.mismatches.iter().map(|because| Miss {
        place: trigger.place.clone(),
        because: because.clone(),
    });
    let misses: Vec<Miss> = misses.collect();
    let misses = Some(misses).filter(|it| is_held && !it.is_empty());
    begin::heard(scene, rule, (heard, misses), decision);
}

/// Another run or a person wants the rule to run; its triggers and conditions are not asked.
fn run_rule(
    scene: Scene<'_>,
    rule: &RuleId,
    (by, chain): (&str, &[RuleId]),
    decision: &mut Decision,
) {
    let Some(rule) = begin::rule(scene, rule) else {
        let known = scene.rules.rule(rule).zip(begin::silent(scene, rule));
        decision.traces.extend(known.map(|(rule, because)| {
            let mut trace = Trace::of(rule, scene.event, scene.now);
            let because = because.to_owned();
            trace.verdict = Verdict::Paused { because };
            trace
        }));
        return;
    };
    let call = Call {
        rule,
        trigger: None,
        index: 0,
        fields: TriggerFields::new(),
        occasion: by.to_owned(),
        begun: Vec::new(),
        is_timed: false,
        cause: scene.event.id.clone(),
        received_at: scene.event.received_at,
        chain: chain.to_vec(),
    };
    begin::answer(scene, call, decision);
}

/// Those that stand in line and have nobody before them any more go on. It is one, but for the end of a run
/// from before an edit of `per:`, behind which those of each value stood.
fn next_in_line(
    scene: Scene<'_>,
    (rule, key): (&RuleId, &Option<String>),
    decision: &mut Decision,
) {
    let runs: Vec<&Run> = scene.state.runs_of(rule).collect();
    let meets = |one: &Run, other: Option<&str>| meet(one.key.as_deref(), other);
    let turns = runs.iter().enumerate().filter(|(nth, run)| {
        let own = run.key.as_deref();
        let is_first = !runs[..*nth].iter().any(|it| meets(it, own));
        run.wait == Some(Wait::Turn) && meets(run, key.as_deref()) && is_first
    });
    for (nth, (_, run)) in turns.enumerate() {
        if nth == 0 {
            go_on::next_in_line(scene, run, decision);
        } else {
            // With the devices as they are once the first has gone on.
            decision.follow_ups.push(FollowUp::NextInLine {
                rule: rule.clone(),
                key: run.key.clone(),
            });
        }
    }
}

/// Runs and calls that wait for a rule to run, or not to, or to remember something, or for one of our orders to be
/// under way, ask again when that changes.
fn ask_who_watches(scene: Scene<'_>, decision: &mut Decision) {
    let mut asking = Vec::new();
    for change in &decision.changes {
        #[expect(clippy::wildcard_enum_match_arm, reason = "four kinds are looked for")]
        let topic = match change {
            Change::RunStarted(run) => Some(Topic::Rule(run.rule.clone())),
            Change::RunEnded { run, .. } => {
                let run = scene.state.run(run);
                run.map(|it| Topic::Rule(it.rule.clone()))
            }
            Change::Remembered { rule, .. } => Some(Topic::Rule(rule.clone())),
            Change::Ordered { command, .. } => Some(Topic::Command(command.device.id.clone())),
            _ => None,
        };
        let runs = topic.iter().flat_map(|it| scene.state.listening(it));
        asking.extend(runs.map(|it| FollowUp::Ask(it.id.clone())));
        let calls = topic.iter().flat_map(|it| scene.state.calls_hearing(it));
        asking.extend(calls.map(|it| FollowUp::Call(it.id.clone())));
    }
    decision.follow_ups.extend(asking);
}

/// What a person asks for.
pub(super) fn request(scene: Scene<'_>, request: &Request, decision: &mut Decision) {
    match request {
        Request::Trigger { rule } => {
            run_rule(scene, rule, ("", &[]), decision);
            ask_who_watches(scene, decision);
        }
        Request::Pause { rule, reason } => {
            // The first reason counts, but for that of a rule, which could let it go on.
            if scene.state.paused_for_a_person(rule).is_none() {
                let reason = reason.as_deref().unwrap_or(BY_HAND).to_owned();
                pause::pause(scene, rule, (reason, false), decision);
            }
        }
        Request::Resume { rule } => {
            decision.changes.push(Change::RuleResumed {
                rule: rule.clone(),
                counted_from: Some(scene.now),
            });
        }
        Request::StopAll => {
            let rules = scene.rules.rules.iter();
            for rule in rules.filter(|it| scene.state.paused_for_a_person(&it.id).is_none()) {
                pause::pause(scene, &rule.id, (BY_HAND.to_owned(), false), decision);
            }
            for call in scene.state.calls() {
                pause::end_calls(scene, &call.rule, BY_HAND, decision);
            }
            arbitration::stop_all(scene, decision);
            let ends = scene.state.all_runs().map(|it| FollowUp::End {
                run: it.id.clone(),
                end: RunEnd::Stopped {
                    reason: "somebody stopped everything".to_owned(),
                },
            });
            decision.follow_ups.extend(ends);
        }
    }
}
