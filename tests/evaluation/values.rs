//! Values in a run: where they come from, which of them win, and how long they last.

use amps_rules::domain::event::{Connection, ConnectionChange, Payload, Readings};
use amps_rules::domain::id::{DeviceId, EventId, RuleId, RunId};
use amps_rules::domain::lifecycle::Outcome;
use amps_rules::domain::value::{Origin, Value};
use amps_rules::rules::expr::value::Value as Kept;

use super::flow::{charged, doing};
use super::{Engine, State};

#[test]
fn variables_of_the_trigger_win_and_those_of_a_step_win_over_both() {
    let mut engine = doing(
        "      - variables: {goal: 80 %}
      - {command: charge, device: car_charger}
    variables: {who: rule, goal: 50 %}
",
    );
    let of_run = |engine: &Engine, event: &str| {
        let run = RunId::derive(&RuleId::new("r"), &EventId::new(event), engine.now);
        let variables = &engine.state.run(&run).unwrap().memory.variables;
        let lines = variables
            .iter()
            .map(|(name, value)| format!("{name} {}", value.show(None, &jiff::tz::TimeZone::UTC)));
        lines.collect::<Vec<_>>()
    };
    charged(&mut engine);
    assert_eq!(of_run(&engine, "msg_1"), ["goal 80 %", "who rule"]);
    engine.settles_in_round(1, &[], Outcome::Completed);
    engine.battery("discharge", Outcome::Completed);
    assert_eq!(of_run(&engine, "msg_3"), ["goal 80 %", "who trigger"]);
}

#[test]
fn a_rule_remembers_what_it_sets() {
    let mut engine = doing("      - set: {state.mode: night, state.count: 3}\n");
    charged(&mut engine);
    let rule = RuleId::new("r");
    assert_eq!(
        engine.state.remembered(&rule, "mode"),
        Some(&Kept::Text("night".to_owned()))
    );
    assert_eq!(
        engine.state.remembered(&rule, "count"),
        Some(&Kept::Number(3.0))
    );
    assert_eq!(engine.state.remembered(&RuleId::new("other"), "mode"), None);
}

#[test]
fn a_variable_may_use_what_was_said_before_it() {
    let mut engine = doing(
        "      - variables: {goal: \"{{ limit + 5 % }}\", half: \"{{ limit / 2 }}\"}
      - {notify: phone, message: \"{{ limit }} {{ vars.goal }} {{ half }} {{ who }} {{ house_battery.level > limit }}\"}
    variables: {limit: 80 %, who: \"{{ trigger.id }}\"}
",
    );
    engine.reads("level", Value::Number(81.0), Origin::Live);
    assert_eq!(
        charged(&mut engine),
        ["r: started", "phone: 80 % 85 % 40 % charged true"]
    );
    // Of the trigger, over those of the rule.
    let other = engine.battery("discharge", Outcome::Completed);
    assert_eq!(other, ["r: started", "phone: 80 % 85 % 40 % trigger true"]);
}

#[test]
fn a_variable_of_what_is_unknown_is_unknown() {
    let mut engine = doing(
        "      - variables: {level: \"{{ house_battery.level }}\"}
      - {notify: phone, message: \"{{ level }}, {{ default(level, 50 %) }}\"}
",
    );
    assert_eq!(charged(&mut engine), ["r: started", "phone: unknown, 50 %"]);
}

#[test]
fn a_rule_counts_from_run_to_run() {
    let mut engine = doing(
        "      - set: {state.count: \"{{ default(state.count, 0) + 1 }}\"}
      - {notify: phone, message: \"run {{ state.count }}\"}
",
    );
    for run in ["phone: run 1", "phone: run 2", "phone: run 3"] {
        assert_eq!(charged(&mut engine), ["r: started", run]);
    }
}

#[test]
fn a_loop_knows_its_round_and_what_it_is_over() {
    for (repeat, told) in [
        ("{count: \"{{ n }}\", S}", vec!["1", "2", "3"]),
        (
            "{for_each: [a, \"{{ who }}\"], S}",
            vec!["1 a", "2 charged"],
        ),
        (
            "{for_each: \"{{ [1 kW, 500 W] }}\", S}",
            vec!["1 1 kW", "2 0.5 kW"],
        ),
        ("{while: \"{{ repeat.index < n }}\", S}", vec!["1", "2"]),
        (
            "{until: \"{{ repeat.index == n }}\", S}",
            vec!["1", "2", "3"],
        ),
        // How often is asked once.
        (
            "{count: \"{{ n }}\", sequence: [{variables: {n: 1}}, {notify: phone, message: \"{{ repeat.index }}\"}]}",
            vec!["1", "2", "3"],
        ),
        (
            "{for_each: [a, b], sequence: {repeat: {count: 1, sequence: {notify: phone, message: \"{{ repeat.index }}\"}}}}",
            vec!["1", "1"],
        ),
        ("{count: \"{{ n - 3 }}\", S}", vec![]),
    ] {
        let shown = if repeat.contains("for_each") {
            "{{ repeat.index }} {{ repeat.item }}"
        } else {
            "{{ repeat.index }}"
        };
        let step = format!("sequence: {{notify: phone, message: \"{shown}\"}}");
        let repeat = repeat.replace(", S}", &format!(", {step}}}"));
        let mut engine = doing(&format!(
            "      - repeat: {repeat}\n    variables: {{n: 3, who: \"{{{{ trigger.id }}}}\"}}\n"
        ));
        let mut expected = vec!["r: started".to_owned()];
        expected.extend(told.iter().map(|it| format!("phone: {it}")));
        assert_eq!(charged(&mut engine), expected, "{repeat}");
    }
}

#[test]
fn a_parameter_is_what_it_is_when_the_order_is_given() {
    let mut engine = doing(
        "      - command: charge
        device: house_battery
        parameters: {target: \"{{ min(house_battery.level + 10 %, 95 %) }}\", power: \"{{ 2500 W }}\"}
",
    );
    for (level, target) in [(50.0, "60 %"), (90.0, "95 %")] {
        engine.state = State::default();
        engine.reads("level", Value::Number(level), Origin::Live);
        let order = format!("house_battery charge power=2.5 kW target={target}");
        assert_eq!(charged(&mut engine), ["r: started", &order]);
    }
}

#[test]
fn branches_know_the_loop_around_them_and_keep_to_themselves_what_they_find_out() {
    let mut engine = doing(
        "      - variables: {who: nobody}
      - repeat:
          for_each: [a, b]
          sequence:
            - parallel:
                - [{variables: {who: \"{{ repeat.item }}\"}}, {notify: phone, message: \"{{ who }} {{ repeat.index }}\"}]
                - {notify: phone, message: \"{{ who }}\"}
      - {notify: phone, message: \"{{ who }}\"}
",
    );
    assert_eq!(
        charged(&mut engine),
        [
            "r: started",
            "r: went_on",
            "r: completed",
            "phone: a 1",
            "phone: nobody",
            "phone: b 2",
            "phone: nobody",
            "phone: nobody"
        ]
    );
}

#[test]
fn what_a_wait_saw_is_known_behind_it() {
    let mut engine = doing(
        "      - wait_for_trigger: {trigger: device, device: car_charger, event: any}
        timeout: 10m
      - {notify: phone, message: \"{{ wait.completed }} {{ wait.trigger.event }} {{ trigger.command }}\"}
",
    );
    charged(&mut engine);
    let connection = Connection {
        device: DeviceId::new("dev_c"),
        device_type: None,
        change: ConnectionChange::Connected,
        at: engine.now,
    };
    assert_eq!(
        engine.sees(Payload::Connection(connection), false),
        ["r: completed", "phone: true connected charge"]
    );
    charged(&mut engine);
    engine.pass(10);
    assert_eq!(
        engine.sees(Payload::Tick, false),
        ["r: completed", "phone: false unknown charge"]
    );
}

#[test]
fn a_trigger_brings_what_it_saw_with_its_unit() {
    let mut engine = Engine::with(
        "version: 1
rules:
  - id: value
    triggers: {trigger: state, device: house_battery, attribute: level}
    actions: {notify: phone, message: \"{{ trigger.from }} to {{ trigger.to }}, {{ trigger.to - trigger.from > 5 % }}\"}
",
    );
    let level = |engine: &mut Engine, level| {
        let readings = Readings {
            device: DeviceId::new("dev_b"),
            taken_at: engine.now,
            origin: Origin::Live,
            values: [("level".to_owned(), Value::Number(level))].into(),
        };
        engine.sees(Payload::Readings(readings), false)
    };
    level(&mut engine, 80.0);
    assert_eq!(
        level(&mut engine, 90.0),
        ["value: started", "phone: 80 % to 90 %, true"]
    );
}
