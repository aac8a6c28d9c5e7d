//! Runs that decide, repeat and stop: what each leads to, a line each.

use amps_rules::domain::event::{EngineChange, Event, Payload, Source};
use amps_rules::domain::id::{EventId, RuleId, RunId};
use amps_rules::domain::lifecycle::Outcome;
use amps_rules::domain::value::{Origin, Value};
use amps_rules::engine::decision::Change;
use amps_rules::engine::{self, Input, Left};

use super::Engine;

/// The rule `r`, which a charged battery wakes, with these keys besides.
pub(super) fn rule(rest: &str) -> String {
    format!(
        "version: 1
rules:
  - id: r
    triggers:
      - {{trigger: command, id: charged, device: house_battery, command: charge, source: foreign}}
      - {{trigger: command, device: house_battery, command: discharge, source: foreign, variables: {{who: trigger}}}}
{rest}"
    )
}

/// The rule `r` with these actions.
pub(super) fn doing(actions: &str) -> Engine {
    Engine::with(&rule(&format!("    actions:\n{actions}")))
}

const LEVEL_ABOVE_80: &str =
    "{condition: numeric_state, device: house_battery, attribute: level, above: 80 %}";

pub(super) fn charged(engine: &mut Engine) -> Vec<String> {
    engine.battery("charge", Outcome::Completed)
}

#[test]
fn conditions_are_joined_by_kleenes_tables() {
    let yes = "{condition: time, after: \"22:00\"}";
    let no = "{condition: time, before: \"22:00\"}";
    let unknown = LEVEL_ABOVE_80;
    for (block, starts) in [
        (format!("and: [{yes}, {yes}]"), true),
        (format!("and: [{yes}, {no}]"), false),
        (format!("and: [{yes}, {unknown}]"), false),
        (format!("or: [{no}, {yes}]"), true),
        (format!("or: [{no}, {no}]"), false),
        (format!("or: [{unknown}, {yes}]"), true),
        (format!("or: [{unknown}, {no}]"), false),
        (format!("not: [{no}, {no}]"), true),
        (format!("not: [{no}, {yes}]"), false),
        // Unknown does not become a yes by being denied.
        (format!("not: {unknown}"), false),
        (format!("{{not: {unknown}, if_unknown: allow}}"), true),
        (format!("or: [{no}, {{and: [{yes}, {yes}]}}]"), true),
        (
            format!("{{condition: or, conditions: [{no}, {yes}]}}"),
            true,
        ),
        (format!("not: [{{not: {yes}}}]"), true),
    ] {
        let conditions = rule(&format!(
            "    conditions:\n      - {block}\n    actions: {{log: x}}\n"
        ));
        let mut engine = Engine::with(&conditions);
        let started = charged(&mut engine) == ["r: started"];
        assert_eq!(started, starts, "{block}");
    }
}

#[test]
fn a_block_of_conditions_says_what_it_found() {
    let mut engine = Engine::with(&rule(&format!(
        "    conditions: {{or: [{LEVEL_ABOVE_80}, {{condition: time, before: \"06:00\"}}]}}\n    actions: {{log: x}}\n"
    )));
    assert_eq!(
        charged(&mut engine),
        [
            "r: one of (house_battery.level above 80 %; time before 06:00:00), found (never read; Sat 22:30:00)"
        ]
    );
}

#[test]
fn a_run_knows_which_trigger_began_it() {
    let mut engine = doing(
        "      - if: {condition: trigger, id: charged}
        then: {notify: phone, message: charged}
        else: {notify: phone, message: other}
",
    );
    assert_eq!(charged(&mut engine), ["r: started", "phone: charged"]);
    let other = engine.battery("discharge", Outcome::Completed);
    assert_eq!(other, ["r: started", "phone: other"]);
}

#[test]
fn the_first_way_whose_conditions_hold_is_gone() {
    let choose = format!(
        "      - choose:
          - conditions: {LEVEL_ABOVE_80}
            sequence: {{notify: phone, message: full}}
          - conditions:
              - {{condition: numeric_state, device: house_battery, attribute: level, above: 20 %}}
            sequence: {{notify: phone, message: half}}
        default: {{notify: phone, message: empty}}
      - {{notify: phone, message: end}}
"
    );
    for (level, message) in [(90.0, "full"), (50.0, "half"), (10.0, "empty")] {
        let mut engine = doing(&choose);
        engine.reads("level", Value::Number(level), Origin::Live);
        let told = [
            "r: started".to_owned(),
            format!("phone: {message}"),
            "phone: end".to_owned(),
        ];
        assert_eq!(charged(&mut engine), told, "{level}");
    }
}

#[test]
fn a_step_that_is_switched_off_is_not_done_and_does_not_count() {
    let mut engine = doing(
        "      - {notify: phone, message: off, enabled: false}
      - {if: {condition: time, after: \"22:00\"}, then: {notify: phone, message: off}, enabled: false}
      - {notify: phone, message: on}
",
    );
    assert_eq!(charged(&mut engine), ["r: started", "phone: on"]);
}

#[test]
fn a_loop_goes_as_often_as_it_says() {
    for (repeat, rounds) in [
        ("{count: 3, sequence: {notify: phone, message: round}}", 3),
        (
            "{for_each: [a, b], sequence: {notify: phone, message: round}}",
            2,
        ),
        (
            "{while: {condition: time, after: \"23:00\"}, sequence: {notify: phone, message: round}}",
            0,
        ),
        (
            "{until: {condition: time, after: \"22:00\"}, sequence: {notify: phone, message: round}}",
            1,
        ),
        (
            "{count: 2, sequence: {repeat: {count: 3, sequence: {notify: phone, message: round}}}}",
            6,
        ),
    ] {
        let mut engine = doing(&format!("      - repeat: {repeat}\n"));
        let seen = charged(&mut engine);
        assert_eq!(seen.len(), rounds + 1, "{repeat}: {seen:?}");
    }
}

#[test]
fn a_loop_that_wants_more_rounds_than_it_may_have_fails() {
    let mut engine = doing(
        "      - repeat:
          while: {condition: time, after: \"22:00\"}
          max: 2
          sequence: {notify: phone, message: round}
        continue_on_failure: true
      - {notify: phone, message: behind}
",
    );
    assert_eq!(
        charged(&mut engine),
        [
            "r: started",
            "phone: round",
            "phone: round",
            "phone: behind"
        ]
    );
}

#[test]
fn a_run_that_waits_for_nothing_comes_to_an_end() {
    let mut engine = doing(
        "      - repeat:
          count: 1000
          max: 1000
          sequence:
            - repeat: {count: 1000, max: 1000, sequence: {log: again}}
      - {notify: phone, message: a million rounds}
    on_failure: {notify: phone, message: no step has failed}
",
    );
    assert_eq!(charged(&mut engine), ["r: started"]);
    let run = RunId::derive(&RuleId::new("r"), &EventId::new("msg_1"), engine.now);
    assert_eq!(engine.state.run(&run), None);
}

#[test]
fn a_run_waits_inside_a_way_inside_a_loop_and_goes_on_there() {
    let mut engine = doing(
        "      - repeat:
          count: 2
          sequence:
            - if: {condition: time, after: \"22:00\"}
              then:
                - {command: charge, device: car_charger}
                - {notify: phone, message: charged}
      - {notify: phone, message: end}
",
    );
    assert_eq!(charged(&mut engine), ["r: started", "car_charger charge"]);
    // Each round is an order of its own.
    assert_eq!(
        engine.settles_in_round(2, &[1], Outcome::Completed),
        ["r: went_on", "car_charger charge", "phone: charged"]
    );
    assert_eq!(
        engine.settles_in_round(2, &[1], Outcome::Completed),
        [""; 0]
    );
    assert_eq!(
        engine.settles_in_round(2, &[2], Outcome::Completed),
        ["r: completed", "phone: charged", "phone: end"]
    );
}

#[test]
fn a_run_stops_where_it_is_told_to() {
    let mut ends = doing("      - {stop: enough}\n      - {notify: phone, message: behind}\n");
    assert_eq!(charged(&mut ends), ["r: started"]);
    let mut fails = doing(
        "      - {command: charge, device: car_charger}
      - {stop: \"enough {{ trigger.id }}\", failed: true}
    on_failure: {notify: phone, message: far}
",
    );
    charged(&mut fails);
    assert_eq!(
        fails.settles_in_round(0, &[], Outcome::Completed),
        ["r: failed enough charged"]
    );
}

#[test]
fn a_rule_can_ask_whether_another_one_runs() {
    let mut engine = Engine::with(
        "version: 1
rules:
  - id: asks
    triggers: {trigger: command, device: house_battery, command: charge}
    conditions: {condition: rule, rule: waits, running: true}
    actions: {notify: phone, message: it runs}
  - id: waits
    triggers: {trigger: command, device: house_battery, command: charge}
    actions: {command: charge, device: car_charger}
",
    );
    assert_eq!(
        charged(&mut engine),
        [
            "asks: rule waits is running, found is not running",
            "waits: started",
            "car_charger charge"
        ]
    );
    assert_eq!(
        charged(&mut engine),
        ["asks: started", "waits: already_running", "phone: it runs"]
    );
}

#[test]
fn what_follows_beyond_the_bound_is_left_and_counted() {
    let three = "version: 1
rules:
  - {id: a, triggers: {trigger: engine, event: started}, actions: [{log: a}]}
  - {id: b, triggers: {trigger: engine, event: started}, actions: [{log: b}]}
  - {id: c, triggers: {trigger: engine, event: started}, actions: [{log: c}]}
";
    let event = Event {
        id: EventId::new("started"),
        source: Source::Engine,
        received_at: super::NOW.parse().unwrap(),
        payload: Payload::Engine(EngineChange::Started),
    };
    // Each of the three is asked, and after each that has run whoever waits for its turn.
    for (bound, left, n_runs) in [(6, 0, 3), (5, 1, 3), (2, 3, 2)] {
        let mut engine = Engine::with(three);
        let input = Input {
            event: &event,
            own: None,
            settled: None,
        };
        let mut begun = 0;
        let rules = (&engine.rules, &mut engine.state);
        let taken = engine::take_at_most(bound, rules, input, event.received_at, |_, decision| {
            let starts = |it: &&Change| matches!(it, Change::RunStarted(_));
            begun += decision.changes.iter().filter(starts).count();
            Ok::<(), std::convert::Infallible>(())
        });
        assert_eq!((taken, begun), (Ok(Left(left)), n_runs), "{bound}");
    }
}
