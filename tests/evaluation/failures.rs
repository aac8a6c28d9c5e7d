//! Steps that fail: what is done then, and what it knows.

use amps_rules::domain::lifecycle::Outcome;
use amps_rules::domain::value::{Origin, Value};

use super::failed;
use super::flow::{charged, doing};

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
