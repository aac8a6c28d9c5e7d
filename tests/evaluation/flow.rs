//! Runs that decide, repeat, remember and fail: what each leads to, a line each.

use amps_rules::domain::event::{
    Connection, ConnectionChange, EngineChange, Event, Payload, Readings, Source,
};
use amps_rules::domain::id::{DeviceId, EventId, RuleId, RunId};
use amps_rules::domain::lifecycle::Outcome;
use amps_rules::domain::value::{Origin, Value};
use amps_rules::engine::decision::Change;
use amps_rules::engine::{self, Input, Left};
use amps_rules::rules::expr::value::Value as Kept;

use super::{Engine, State, failed};

/// The rule `r`, which a charged battery wakes, with these keys besides.
fn rule(rest: &str) -> String {
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
fn doing(actions: &str) -> Engine {
    Engine::with(&rule(&format!("    actions:\n{actions}")))
}

const LEVEL_ABOVE_80: &str =
    "{condition: numeric_state, device: house_battery, attribute: level, above: 80 %}";

fn charged(engine: &mut Engine) -> Vec<String> {
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
fn the_nearest_steps_for_a_failure_are_done_and_the_run_fails_all_the_same() {
    let mut engine = doing(
        "      - command: charge
        device: car_charger
        on_failure: {notify: phone, message: near}
      - {notify: phone, message: behind}
    on_failure: {notify: phone, message: far}
",
    );
    charged(&mut engine);
    assert_eq!(
        engine.settles_in_round(0, &[], failed("DEVICE_OFFLINE")),
        [
            "r: failed `charge` failed: DEVICE_OFFLINE, no answer",
            "phone: near"
        ]
    );
}

#[test]
fn a_failure_that_nothing_nearer_handles_reaches_the_rule() {
    let mut engine = doing(
        "      - {command: charge, device: car_charger}
    on_failure:
      - {notify: phone, message: far}
      - {command: idle, device: car_charger}
      - {notify: phone, message: idle}
",
    );
    charged(&mut engine);
    assert_eq!(
        engine.settles_in_round(0, &[], Outcome::Cancelled),
        ["r: went_on", "car_charger idle", "phone: far"]
    );
    // The reason is that of what failed, not of what was done about it.
    assert_eq!(
        engine.settles_in_round(3, &[], Outcome::Completed),
        ["r: failed `charge` cancelled", "phone: idle"]
    );
}

#[test]
fn the_steps_for_failures_are_not_done_when_nothing_fails() {
    let mut engine = doing(
        "      - command: charge
        device: car_charger
        on_failure: {notify: phone, message: near}
    on_failure: {notify: phone, message: far}
",
    );
    charged(&mut engine);
    assert_eq!(
        engine.settles_in_round(0, &[], Outcome::Completed),
        ["r: completed"]
    );
}

#[test]
fn a_step_may_fail_without_the_run() {
    let mut engine = doing(
        "      - repeat:
          count: 2
          sequence:
            - command: charge
              device: car_charger
              continue_on_failure: true
              on_failure: {notify: phone, message: near}
            - {notify: phone, message: round}
",
    );
    charged(&mut engine);
    assert_eq!(
        engine.settles_in_round(1, &[1], Outcome::Expired),
        [
            "r: went_on",
            "car_charger charge",
            "phone: near",
            "phone: round"
        ]
    );
    assert_eq!(
        engine.settles_in_round(1, &[2], Outcome::Expired),
        ["r: completed", "phone: near", "phone: round"]
    );
}

#[test]
fn a_failure_inside_a_loop_leaves_the_loop() {
    let mut engine = doing(
        "      - repeat:
          count: 5
          sequence: {command: charge, device: car_charger}
        continue_on_failure: true
      - repeat: {count: 2, sequence: {notify: phone, message: other loop}}
",
    );
    charged(&mut engine);
    assert_eq!(
        engine.settles_in_round(1, &[1], Outcome::Expired),
        ["r: completed", "phone: other loop", "phone: other loop"]
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
fn a_failure_is_known_to_the_steps_for_it() {
    let mut engine = doing(
        "      - {command: charge, device: car_charger}
    on_failure:
      notify: phone
      message: \"{{ failure.device }} {{ failure.outcome }} {{ failure.code }} {{ failure.message }} {{ failure.attempts }}\"
",
    );
    charged(&mut engine);
    assert_eq!(
        engine.settles_in_round(0, &[], failed("DEVICE_OFFLINE")),
        [
            "r: failed `charge` failed: DEVICE_OFFLINE, no answer",
            "phone: car_charger failed DEVICE_OFFLINE no answer 1"
        ]
    );
}

/// Why the rule with this one action fails, when the battery is at 80 %.
fn reason(action: &str) -> String {
    let mut engine = doing(&format!(
        "      - {action}\n    on_failure: {{notify: phone, message: \"{{{{ failure.message }}}}\"}}\n"
    ));
    engine.reads("level", Value::Number(80.0), Origin::Live);
    let seen = charged(&mut engine);
    assert_eq!(seen.len(), 2, "{action}: {seen:?}");
    seen[1].replace("phone: ", "")
}

#[test]
fn a_step_fails_for_a_value_that_it_can_do_nothing_with() {
    let repeat = |how: &str| format!("repeat: {{{how}, sequence: {{log: x}}}}");
    let charge = |target: &str| {
        format!("{{command: charge, device: house_battery, parameters: {{target: \"{target}\"}}}}")
    };
    for (action, expected) in [
        (
            repeat("count: \"{{ number(house_battery.level) * 2 }}\""),
            "it wanted 160 rounds, and `max` allows 100",
        ),
        (
            repeat("count: \"{{ number(house_battery.level) / 60 }}\""),
            "it wanted `1.33333333333` rounds, which is no number of rounds",
        ),
        (
            repeat("count: \"{{ 0 - number(house_battery.level) }}\""),
            "it wanted `-80` rounds, which is no number of rounds",
        ),
        (
            repeat("count: \"{{ number(house_battery.status) }}\""),
            "how often to repeat is unknown: `number(house_battery.status)`, found house_battery.status never read",
        ),
        (
            charge("{{ house_battery.level * 2 }}"),
            "`target` of `charge` takes 10 % to 100 %, and this came to 160 %",
        ),
        (
            charge("{{ number(house_battery.status) }}"),
            "`target` of `charge` is unknown: `number(house_battery.status)`, found house_battery.status never read",
        ),
    ] {
        assert_eq!(reason(&action), expected, "{action}");
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
