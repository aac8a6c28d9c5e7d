//! What a home knows of its own orders, and of when its rules ran.

use amps_rules::domain::event::{Connection, ConnectionChange, Payload};
use amps_rules::domain::id::DeviceId;
use amps_rules::domain::lifecycle::Outcome;

use super::{Engine, failed, first_command};

/// `give` orders `charge` of the car charger when the battery was charged; `ask` tells the phone, when
/// the battery is connected and `condition` holds.
fn asking(condition: &str) -> Engine {
    Engine::with(&format!(
        "version: 1
rules:
  - id: give
    triggers: {{trigger: command, device: house_battery, command: charge}}
    actions: {{command: charge, device: car_charger}}
  - id: ask
    triggers: {{trigger: device, device: house_battery, event: connected}}
    conditions: {condition}
    actions: {{notify: phone, message: it holds}}
"
    ))
}

fn gives(engine: &mut Engine) {
    assert_eq!(
        engine.battery("charge", Outcome::Completed),
        ["give: started", "car_charger charge"]
    );
}

fn asks(engine: &mut Engine) -> Vec<String> {
    let connection = Connection {
        device: DeviceId::new("dev_b"),
        device_type: None,
        change: ConnectionChange::Connected,
        at: engine.now,
    };
    engine.sees(Payload::Connection(connection), false)
}

const HOLDS: [&str; 2] = ["ask: started", "phone: it holds"];

#[test]
fn an_order_is_under_way_from_when_it_is_given_until_it_is_over() {
    let mut idle =
        asking("{condition: command, device: car_charger, command: charge, state: idle}");
    let mut pending = asking("{condition: command, device: car_charger, state: pending}");
    assert_eq!(asks(&mut idle), HOLDS);
    assert_eq!(
        asks(&mut pending),
        ["ask: our orders to car_charger: pending, found none is under way"]
    );
    // The first event has passed.
    for engine in [&mut idle, &mut pending] {
        engine.events = 0;
        gives(engine);
    }
    assert_eq!(
        asks(&mut idle),
        ["ask: our `charge` to car_charger: idle, found one is under way"]
    );
    assert_eq!(asks(&mut pending), HOLDS);
    for engine in [&mut idle, &mut pending] {
        engine.settles(&first_command("give"), Outcome::Expired, 1);
    }
    assert_eq!(asks(&mut idle), HOLDS);
    assert_eq!(
        asks(&mut pending),
        ["ask: our orders to car_charger: pending, found none is under way"]
    );
}

#[test]
fn an_order_of_another_command_does_not_count_where_one_is_named() {
    let mut engine =
        asking("{condition: command, device: car_charger, command: idle, state: pending}");
    gives(&mut engine);
    assert_eq!(
        asks(&mut engine),
        ["ask: our `idle` to car_charger: pending, found none is under way"]
    );
    let mut engine = asking(
        "{condition: command, device: car_charger, command: idle, state: {sent_within: 1h}}",
    );
    gives(&mut engine);
    assert_eq!(
        asks(&mut engine),
        ["ask: our `idle` to car_charger: sent within 1h, found none that was sent is known"]
    );
}

#[test]
fn a_moment_is_within_a_duration_up_to_its_last_instant() {
    let within = |word: &str| {
        asking(&format!(
            "{{condition: command, device: car_charger, state: {{{word}: 10m}}}}"
        ))
    };
    let mut sent = within("sent_within");
    gives(&mut sent);
    sent.pass(10);
    assert_eq!(asks(&mut sent), HOLDS);
    sent.pass(1);
    assert_eq!(
        asks(&mut sent),
        ["ask: our orders to car_charger: sent within 10m, found the last one sent 11m ago"]
    );

    let mut completed = within("completed_within");
    gives(&mut completed);
    assert_eq!(
        asks(&mut completed),
        [
            "ask: our orders to car_charger: completed within 10m, found none that was completed is known"
        ]
    );
    completed.pass(30);
    completed.settles(&first_command("give"), Outcome::Completed, 1);
    completed.pass(10);
    assert_eq!(asks(&mut completed), HOLDS);
    completed.pass(1);
    assert_eq!(
        asks(&mut completed),
        [
            "ask: our orders to car_charger: completed within 10m, found the last one completed 11m ago"
        ]
    );
}

#[test]
fn failed_means_every_end_but_completion() {
    for (outcome, is_failure) in [
        (failed("TIMEOUT"), true),
        (Outcome::Cancelled, true),
        (Outcome::Expired, true),
        (Outcome::Completed, false),
    ] {
        let mut engine =
            asking("{condition: command, device: car_charger, state: {failed_within: 10m}}");
        gives(&mut engine);
        engine.settles(&first_command("give"), outcome.clone(), 1);
        assert_eq!(asks(&mut engine) == HOLDS, is_failure, "{outcome:?}");
    }
}

#[test]
fn a_run_that_goes_on_knows_that_its_order_is_over() {
    let mut engine = Engine::with(
        "version: 1
rules:
  - id: r
    triggers: {trigger: command, device: house_battery, command: charge}
    actions:
      - {command: charge, device: car_charger}
      - if:
          - {condition: command, device: car_charger, state: idle}
          - {condition: command, device: car_charger, command: charge, state: {completed_within: 1s}}
        then: {notify: phone, message: charged}
        else: {notify: phone, message: not yet}
",
    );
    engine.battery("charge", Outcome::Completed);
    engine.pass(5);
    assert_eq!(
        engine.settles(&first_command("r"), Outcome::Completed, 1),
        ["r: completed", "phone: charged"]
    );
}

#[test]
fn a_rule_ran_when_its_last_run_began_and_not_when_its_conditions_refused_it() {
    let mut engine = asking("{condition: rule, rule: give, last_ran_within: 30m}");
    assert_eq!(
        asks(&mut engine),
        ["ask: rule give last ran within 30m, found no run is known"]
    );
    engine.events = 0;
    gives(&mut engine);
    engine.pass(20);
    // It runs still; a trigger that it lets pass is no run.
    assert_eq!(
        engine.battery("charge", Outcome::Completed),
        ["give: already_running"]
    );
    engine.settles(&first_command("give"), Outcome::Completed, 1);
    engine.pass(10);
    assert_eq!(asks(&mut engine), HOLDS);
    engine.pass(1);
    assert_eq!(
        asks(&mut engine),
        ["ask: rule give last ran within 30m, found last ran 31m ago"]
    );
}

#[test]
fn whether_a_rule_runs_and_when_it_ran_can_be_asked_at_once() {
    let mut engine = asking("{condition: rule, rule: give, running: false, last_ran_within: 30m}");
    gives(&mut engine);
    assert_eq!(
        asks(&mut engine),
        [
            "ask: rule give is not running and last ran within 30m, found is running, last ran 0s ago"
        ]
    );
    engine.settles(&first_command("give"), Outcome::Completed, 1);
    assert_eq!(asks(&mut engine), HOLDS);
}

#[test]
fn a_rule_may_ask_when_it_ran_itself_before_a_run_and_inside_one() {
    let mut engine = Engine::with(
        "version: 1
rules:
  - id: r
    triggers: {trigger: command, device: house_battery, command: charge}
    conditions: {not: {condition: rule, rule: r, last_ran_within: 30m}}
    actions:
      - if: {condition: rule, rule: r, last_ran_within: 1s}
        then: {notify: phone, message: just now}
",
    );
    assert_eq!(
        engine.battery("charge", Outcome::Completed),
        ["r: started", "phone: just now"]
    );
    engine.pass(30);
    assert_eq!(
        engine.battery("charge", Outcome::Completed),
        ["r: none of (rule r last ran within 30m), found (last ran 30m ago)"]
    );
    engine.pass(1);
    assert_eq!(
        engine.battery("charge", Outcome::Completed),
        ["r: started", "phone: just now"]
    );
}
