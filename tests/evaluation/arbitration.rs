//! Who gets a device, what a home allows, and what is stopped: with what the traces say.

use amps_rules::domain::event::Request;

use super::*;

const RULES: &str = "version: 1
rules:
  - id: high
    priority: 80
    triggers: {trigger: command, device: house_battery, command: idle}
    actions: {command: charge, device: car_charger}
  - id: plain
    triggers: {trigger: command, device: house_battery, command: charge}
    actions: {command: charge, device: car_charger}
  - id: refused
    triggers: {trigger: command, device: house_battery, command: discharge}
    actions: {command: idle, device: car_charger, on_conflict: fail}
  - id: waits
    triggers: {trigger: command, device: house_battery, command: auto.export}
    actions: {command: idle, device: car_charger}
";

impl Engine {
    /// Shows it to the engine: each trace of a rule that did something, a line for each step.
    fn tells(&mut self, payload: Payload) -> (Vec<String>, Decision) {
        self.events += 1;
        let event = Event {
            id: EventId::new(format!("msg_{}", self.events)),
            source: Source::Webhook,
            received_at: self.now,
            payload,
        };
        let input = Input {
            event: &event,
            own: None,
            settled: None,
        };
        let decision = taken(&self.rules, &mut self.state, input, self.now);
        let mut lines = Vec::new();
        for trace in &decision.traces {
            if let Verdict::Paused { because } = &trace.verdict {
                lines.push(format!("{}: paused: {because}", trace.rule));
            }
            for step in &trace.steps {
                let verdict = trace.verdict.name();
                lines.push(format!("{} {verdict}: {}", trace.rule, step.did));
            }
        }
        (lines, decision)
    }

    fn hears(&mut self, command: &str) -> Vec<String> {
        self.tells(report(command, Outcome::Completed)).0
    }
}

#[test]
fn a_refusal_names_the_other_rule_and_is_in_both_traces() {
    let mut engine = Engine::with(RULES);
    assert_eq!(
        engine.hears("charge"),
        ["plain started: ordered `charge` of `car_charger`"]
    );
    assert_eq!(
        engine.hears("discharge"),
        [
            "plain noted: the rule `refused` (priority 50) wants `car_charger` and fails",
            "refused started: `idle` was not ordered: the rule `plain` (priority 50) has `car_charger`",
        ]
    );
    assert_eq!(
        engine.hears("auto.export"),
        [
            "plain noted: the rule `waits` (priority 50) wants `car_charger` and waits",
            "waits started: waits for `car_charger`: the rule `plain` (priority 50) has `car_charger`; until 22:45:00 at the latest",
        ]
    );
    engine.pass(15);
    assert_eq!(
        engine.tells(Payload::Tick).0,
        [
            "waits ended: the device did not become free in time: the rule `plain` (priority 50) has `car_charger`"
        ]
    );
}

#[test]
fn who_loses_a_device_is_told_by_whom_and_its_order_is_called_off() {
    let mut engine = Engine::with(RULES);
    engine.hears("charge");
    let (told, decision) = engine.tells(report("idle", Outcome::Completed));
    assert_eq!(
        told,
        [
            "high started: ordered `charge` of `car_charger`; took it over from the rule `plain` (priority 50)",
            "plain ended: displaced: the rule `high` (priority 80) took `car_charger` over",
        ]
    );
    assert_eq!(decision.commands.len(), 1);
    assert_eq!(decision.withdrawn, [first_command("plain")]);
}

#[test]
fn who_waits_gets_the_device_when_it_is_free() {
    let mut engine = Engine::with(RULES);
    engine.hears("charge");
    engine.hears("auto.export");
    let told = engine.settles(&first_command("plain"), Outcome::Completed, 1);
    assert_eq!(
        told,
        ["plain: completed", "waits: went_on", "car_charger idle"]
    );
}

#[test]
fn a_device_that_is_not_kept_since_the_moment_has_passed_is_told() {
    let mut engine = Engine::with(
        "version: 1
rules:
  - id: keeps
    triggers: {trigger: command, device: house_battery, command: charge}
    actions: {command: charge, device: car_charger, wait_for: nothing, lease: {until: \"{{ now() }}\"}}
",
    );
    assert_eq!(
        engine.hears("charge"),
        [
            "keeps noted: does not keep `car_charger`: the end of the lease is 22:30:00, which has passed",
            "keeps started: ordered `charge` of `car_charger`; does not wait for the end",
        ]
    );
}

#[test]
fn a_rule_that_begins_too_often_says_so_once_and_is_let_go_on_by_hand() {
    let mut engine = Engine::with(&telling(ON_CHARGED));
    for _ in 0..20 {
        assert_eq!(engine.hears("charge").len(), 1);
    }
    let reason = "it began more than 20 times within 1m (`runs_per_rule` in home.yaml); no other rule took part; `resume` lets it run again";
    let paused = [format!("r: paused: {reason}")];
    assert_eq!(engine.hears("charge"), paused);
    engine.pass(60);
    assert_eq!(engine.hears("charge"), paused);
    let rule = RuleId::new("r");
    assert_eq!(engine.state.paused(&rule), Some(reason));
    let resume = Payload::Request(Request::Resume { rule });
    assert_eq!(engine.tells(resume).0, [""; 0]);
    assert_eq!(engine.hears("charge"), ["r started: told phone: hello"]);
}

#[test]
fn after_a_resume_the_runs_of_before_do_not_count() {
    let mut engine = Engine::with(&telling(ON_CHARGED));
    for _ in 0..20 {
        engine.hears("charge");
    }
    let paused = engine.hears("charge");
    let rule = RuleId::new("r");
    engine.tells(Payload::Request(Request::Resume { rule }));
    engine.now += SignedDuration::from_secs(1);
    for _ in 0..20 {
        assert_eq!(engine.hears("charge"), ["r started: told phone: hello"]);
    }
    assert_eq!(engine.hears("charge"), paused);
}

#[test]
fn a_rule_that_lets_itself_go_on_does_not_begin_to_count_anew() {
    let mut engine = Engine::with(
        "version: 1
rules:
  - id: r
    triggers: {trigger: command, device: house_battery, command: charge}
    actions: [{pause_rule: r}, {resume_rule: r}]
",
    );
    for _ in 0..20 {
        engine.hears("charge");
    }
    let paused = engine.hears("charge").concat();
    assert!(
        paused.starts_with("r: paused: it began more than 20 times"),
        "{paused}"
    );
}

#[test]
fn a_cooldown_that_is_forgotten_for_want_of_room_is_told() {
    let mut engine = Engine::with(
        "version: 1
rules:
  - id: r
    per: now()
    cooldown: 30d
    triggers: {trigger: command, device: house_battery, command: charge}
    actions: {log: hello}
",
    );
    for _ in 0..1000 {
        assert_eq!(engine.hears("charge"), ["r started: hello"]);
        engine.pass(1);
    }
    assert_eq!(
        engine.hears("charge"),
        [
            "r started: forgets the cooldown for `2026-01-10 22:30:00`: with `per`, those of 1000 values are remembered",
            "r started: hello",
        ]
    );
}

#[test]
fn rules_that_call_each_other_are_stopped_and_named() {
    let mut engine = Engine::with(
        "version: 1
rules:
  - id: a
    triggers: {trigger: command, device: house_battery, command: charge}
    actions: {run_rule: b}
  - id: b
    triggers: {trigger: command, device: house_battery, command: idle}
    actions: {run_rule: a}
",
    );
    let told = engine.hears("charge");
    let mut expected = ["a started: runs `b`", "b started: runs `a`"].repeat(4);
    expected.push("a started: runs `b`");
    expected.push(
        "b: paused: runs caused runs, more than 8 deep; rules that took part: `a`, `b`; `resume` lets it run again",
    );
    assert_eq!(told, expected);
}

#[test]
fn stop_all_ends_every_run_calls_off_what_is_not_sent_and_frees_every_device() {
    let mut engine = Engine::with(
        "version: 1
rules:
  - id: keeps
    triggers: {trigger: command, device: house_battery, command: charge}
    actions: {command: charge, device: car_charger, lease: {until: 2h}}
  - id: wants
    triggers: {trigger: command, device: house_battery, command: idle}
    actions: {command: idle, device: car_charger}
",
    );
    engine.hears("charge");
    engine.settles(&first_command("keeps"), Outcome::Completed, 1);
    engine.hears("charge");
    engine.hears("idle");
    let (_, decision) = engine.tells(Payload::Request(Request::StopAll));
    assert_eq!(decision.withdrawn.len(), 1);
    let ended = decision.traces.iter().map(|it| it.verdict.name());
    assert_eq!(ended.collect::<Vec<_>>(), ["ended", "ended"]);
    for rule in ["keeps", "wants"] {
        let rule = RuleId::new(rule);
        assert_eq!(engine.state.paused(&rule), Some("somebody paused it"));
    }
    let rule = RuleId::new("wants");
    engine.tells(Payload::Request(Request::Resume { rule }));
    assert_eq!(
        engine.hears("idle"),
        ["wants started: ordered `idle` of `car_charger`"]
    );
}

#[test]
fn stop_all_ends_calls_that_wait_for_an_answer() {
    let mut engine = Engine::with(
        "version: 1
rules:
  - id: careful
    triggers: {trigger: command, device: house_battery, command: charge}
    conditions: {condition: numeric_state, device: house_battery, attribute: level, above: 30, if_unknown: wait}
    actions: {notify: phone, message: hello}
",
    );
    engine.hears("charge");
    engine.hears("charge");
    let (told, _) = engine.tells(Payload::Request(Request::StopAll));
    assert_eq!(told, ["careful: paused: somebody paused it"; 2]);
    let rule = RuleId::new("careful");
    engine.tells(Payload::Request(Request::Resume { rule }));
    engine.pass(20);
    let (told, _) = engine.tells(Payload::Tick);
    assert_eq!(told, [""; 0], "nobody waits any more");
}

#[test]
fn stop_all_calls_off_orders_that_no_run_waits_for() {
    let mut engine = Engine::with(
        "version: 1
rules:
  - id: careless
    triggers: {trigger: command, device: house_battery, command: charge}
    actions: {command: charge, device: car_charger, wait_for: nothing}
  - id: hasty
    triggers: {trigger: command, device: house_battery, command: idle}
    actions: {command: idle, device: house_battery, timeout: 5m}
",
    );
    engine.hears("charge");
    let (_, ordered) = engine.tells(report("idle", Outcome::Completed));
    engine.pass(5);
    engine.tells(Payload::Tick);
    let (_, decision) = engine.tells(Payload::Request(Request::StopAll));
    assert_eq!(decision.traces, []);
    assert_eq!(
        decision.withdrawn,
        [ordered.commands[0].id.clone(), first_command("careless")]
    );
}

#[test]
fn a_rule_that_is_switched_off_does_not_run_for_another_and_both_say_so() {
    let mut engine = Engine::with(
        "version: 1
rules:
  - id: resting
    enabled: false
    triggers: {trigger: command, device: house_battery, command: idle}
    actions: {notify: phone, message: rested}
  - id: wakes
    triggers: {trigger: command, device: house_battery, command: charge}
    actions: [{run_rule: resting}, {notify: phone, message: on with it}]
",
    );
    assert_eq!(
        engine.hears("charge"),
        [
            "wakes started: does not run `resting`: it is switched off (`enabled: false`)",
            "wakes started: told phone: on with it",
            "resting: paused: it is switched off (`enabled: false`)",
        ]
    );
}
