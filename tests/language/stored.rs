//! What is written down of rules: read again by later versions, and the same while a rule means the same.

use amps_rules::domain::unit::Unit;
use amps_rules::engine::memory::{Memory, Plan};
use amps_rules::rules;
use amps_rules::rules::rule::OperationKind;

use super::words::{only, operation, quantity};
use super::{CONDITION, TRIGGER, rule_text};

#[test]
fn what_earlier_versions_have_stored_is_read_still() {
    for (stored, written) in [
        (
            r#"{"do":"variables","values":[
                {"name":"a","value":{"literal":{"quantity":{"value":80.0,"unit":"percent"}}}},
                {"name":"b","value":{"literal":{"duration":{"secs":300,"nanos":0}}}},
                {"name":"c","value":{"literal":{"list":[{"text":"x"},{"text":"y"}]}}},
                {"name":"d","value":{"literal":{"bool":true}}}]}"#,
            "{variables: {a: 80 %, b: 5m, c: [x, y], d: true}}",
        ),
        (
            r#"{"do":"repeat","rounds":{"count":{"literal":{"number":2.0}}},"max":100,"end":3}"#,
            "{repeat: {count: 2, sequence: {log: a}}}",
        ),
        (
            r#"{"do":"stop","text":"enough","failed":true}"#,
            "{stop: enough, failed: true}",
        ),
        (
            r#"{"do":"delay","duration":{"literal":{"duration":{"secs":300,"nanos":0}}}}"#,
            "{delay: 5m}",
        ),
    ] {
        let stored: OperationKind = serde_json::from_str(stored).unwrap();
        assert_eq!(stored, operation(written), "{written}");
    }
    let order = operation("{command: charge, device: house_battery, parameters: {target: 90 %}}");
    let json = serde_json::to_string(&order).unwrap();
    let parameters = r#""parameters":{"target":{"value":90.0,"unit":"percent"}}"#;
    assert!(json.contains(parameters), "{json}");
    let memory = r#"{"trigger":null,"variables":{"a":{"quantity":{"value":80.0,"unit":"percent"}}},
        "loops":[{"position":1,"index":2,"item":{"text":"x"}}],"failure":null}"#;
    let memory: Memory = serde_json::from_str(memory).unwrap();
    assert_eq!(memory.variables["a"], quantity(80.0, Unit::Percent));
    assert_eq!(memory.loops[0].plan, Plan::Open);
}

#[test]
fn what_is_calculated_survives_the_store() {
    for written in [
        "{variables: {a: \"{{ house_battery.level }}\", b: [x, \"{{ trigger.device }}\"], c: \"{{ now() }} o'clock\"}}",
        "{set: {state.price: \"{{ input.grid_price }}\", state.fixed: \"{{ 0.2 }}\"}}",
        "{repeat: {count: \"{{ number(house_battery.level) }}\", sequence: {log: a}}}",
        "{repeat: {for_each: [\"{{ trigger.device }}\", b], sequence: {log: a}}}",
        "{delay: \"{{ 1m * number(house_battery.level) }}\"}",
        "{setting: export_limit, device: house_battery, value: \"{{ 1 kW * number(house_battery.level) }}\"}",
        "{command: charge, device: house_battery, parameters: {target: \"{{ house_battery.level }}\"}, start: \"{{ now() + 5m }}\", end: \"{{ 22:30 }}\"}",
        "{stop: \"{{ now() }}\"}",
        "{http: {url: \"https://panel.example/a?{{ now() }}\", method: POST, headers: {X-A: \"{{ now() }}\", X-B: !secret key}, json: {a: [1, {b: \"{{ house_battery.level }}\"}], c: 3}}}",
    ] {
        let operation = operation(written);
        let stored = serde_json::to_string(&operation).unwrap();
        let read: OperationKind = serde_json::from_str(&stored).unwrap();
        assert_eq!(read, operation, "{written}");
    }
}

#[test]
fn a_program_comes_back_from_the_disk_as_it_was() {
    let actions = "
      - wait_until: {or: [{condition: time, weekday: [sat]}, {condition: sun, after: sunset, offset: -5m}]}
      - wait_for_trigger: [{trigger: time, at: '22:00'}, {trigger: numeric_state, input: grid_price, below: 0.2}]
      - {command: charge, device: house_battery, start: 5m, verify: {attribute: status, is: charging}}
      - repeat: {until: {condition: trigger, id: t}, sequence: {delay: 5m}}
    on_failure: {stop: x, failed: true}";
    let rule = only(&rule_text(
        "{trigger: device, id: t, device: roof, event: any}",
        CONDITION,
        actions,
    ));
    let text = serde_json::to_string(&*rule.program).unwrap();
    assert_eq!(
        serde_json::from_str::<rules::rule::Program>(&text).unwrap(),
        *rule.program
    );
}

#[test]
fn a_rule_that_moves_keeps_its_version_and_one_that_means_something_else_does_not() {
    let version = |text: &str| only(text).program.version.clone();
    let text = rule_text(
        TRIGGER,
        CONDITION,
        "{if: {condition: time, after: '22:00'}, then: {log: a}}",
    );
    let moved = text.replace("version: 1\n", "version: 1\n\n\n");
    assert_eq!(version(&text), version(&moved));
    assert_ne!(version(&text), version(&text.replace("22:00", "23:00")));
}

#[test]
fn a_rule_keeps_its_version_when_its_expressions_only_move() {
    let version = |text: &str| {
        only(&rule_text(TRIGGER, CONDITION, text))
            .program
            .version
            .clone()
    };
    let first = version("{log: '{{ now() }}'}");
    assert_eq!(first, version("\n      - log: \"{{now()}}\""));
    assert_ne!(first, version("{log: '{{ date(now()) }}'}"));
}
