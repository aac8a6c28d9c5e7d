//! Runs that wait for their orders.

use amps_rules::domain::id::CommandId;
use amps_rules::domain::lifecycle::Outcome;
use amps_rules::domain::value::{Origin, Value};

use super::{Engine, failed, first_command, first_command_at, telling};

const CAR: &str = "version: 1
rules:
  - id: car
    triggers: {trigger: command, device: house_battery, command: charge}
    actions:
      - {command: charge, device: car_charger}
      - {notify: phone, message: done}
";

#[test]
fn a_run_waits_for_its_command_and_goes_on_when_it_is_over() {
    let mut engine = Engine::with(CAR);
    assert_eq!(
        engine.battery("charge", Outcome::Completed),
        ["car: started", "car_charger charge"]
    );
    assert_eq!(
        engine.battery("charge", Outcome::Completed),
        ["car: already_running"]
    );
    let command = first_command("car");
    let other = CommandId::new("cmd_of_somebody");
    assert_eq!(engine.settles(&other, Outcome::Completed, 1), [""; 0]);
    assert_eq!(
        engine.settles(&command, Outcome::Completed, 1),
        ["car: completed", "phone: done"]
    );
    assert_eq!(engine.settles(&command, Outcome::Completed, 1), [""; 0]);
    assert_eq!(
        engine.battery("charge", Outcome::Completed),
        ["car: started", "car_charger charge"]
    );
}

#[test]
fn a_command_that_fails_ends_the_run_and_says_why() {
    for (outcome, attempts, expected) in [
        (
            failed("DEVICE_OFFLINE"),
            3,
            "car: failed `charge` failed: DEVICE_OFFLINE, no answer (3 attempts)",
        ),
        (Outcome::Cancelled, 1, "car: failed `charge` cancelled"),
        (Outcome::Expired, 1, "car: failed `charge` expired"),
    ] {
        let mut engine = Engine::with(CAR);
        engine.battery("charge", Outcome::Completed);
        assert_eq!(
            engine.settles(&first_command("car"), outcome, attempts),
            [expected]
        );
    }
}

#[test]
fn an_order_of_ours_that_ended_without_a_report_is_told_to_the_rules() {
    let mut engine = Engine::with(&telling(
        "    triggers: {trigger: command, device: car_charger, result: [expired, failed]}\n",
    ));
    let command = CommandId::new("cmd_1");
    let told = ["r: started", "phone: hello"];
    assert_eq!(engine.ends_unreported(&command, Outcome::Expired), told);
    assert_eq!(
        engine.ends_unreported(&command, failed("COMMAND_NOT_SUPPORTED")),
        told
    );
    // The report itself has been shown to the rules.
    assert_eq!(
        engine.settles(&command, failed("DEVICE_OFFLINE"), 1),
        [""; 0]
    );
}

#[test]
fn a_run_keeps_the_actions_that_it_began_with() {
    let mut engine = Engine::with(CAR);
    engine.battery("charge", Outcome::Completed);
    let edited = Engine::with(&CAR.replace("message: done", "message: edited"));
    engine.rules = edited.rules;
    assert_eq!(
        engine.settles(&first_command("car"), Outcome::Completed, 1),
        ["car: completed", "phone: done"]
    );
}

#[test]
fn a_message_is_made_when_its_step_runs_and_knows_what_the_trigger_saw() {
    let mut engine = Engine::with(
        "version: 1
rules:
  - id: r
    triggers: {trigger: command, id: lost, device: house_battery, result: any}
    actions:
      - notify: phone
        message: \"{{ trigger.device }} {{ trigger.command }} {{ trigger.result }} {{ trigger.error_code }} at {{ time(now()) }}\"
      - {command: charge, device: car_charger}
      - {log: \"{{ trigger.id }}\"}
      - notify: phone
        message: \"{{ trigger.result }}, {{ house_battery.level }} at {{ time(now()) }}, {{ trigger.at }}\"
",
    );
    assert_eq!(
        engine.battery("discharge", failed("TIMEOUT")),
        [
            "r: started",
            "car_charger charge",
            "phone: house_battery discharge failed TIMEOUT at 22:30"
        ]
    );
    engine.pass(5);
    engine.reads("level", Value::Number(55.0), Origin::Live);
    assert_eq!(
        engine.settles(&first_command_at("r", 1), Outcome::Completed, 1),
        [
            "r: completed",
            "phone: failed, 55 % at 22:35, 2026-01-10 22:30:00"
        ]
    );
}
