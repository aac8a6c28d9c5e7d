//! Conditions: windows of the day, numbers, ages, expressions.

use amps_rules::domain::lifecycle::Outcome;
use amps_rules::domain::value::{Origin, Value};

use super::{Engine, ON_CHARGED, telling};

#[test]
fn a_time_window_may_wrap_midnight_and_is_in_the_zone_of_the_home() {
    let mut engine = Engine::with(&telling(&format!(
        "{ON_CHARGED}    conditions: {{condition: time, after: \"22:30\", before: \"06:00\"}}\n"
    )));
    let asked = "r: time after 22:30:00 before 06:00:00, found";
    // 22:30 belongs to the window, 06:00 does not.
    assert_eq!(
        engine.battery("charge", Outcome::Completed),
        ["r: started", "phone: hello"]
    );
    engine.pass(7 * 60 + 29);
    assert_eq!(
        engine.battery("charge", Outcome::Completed),
        ["r: started", "phone: hello"]
    );
    engine.pass(1);
    assert_eq!(
        engine.battery("charge", Outcome::Completed),
        [format!("{asked} Sun 06:00:00")]
    );
    // In summer, London is an hour ahead of UTC.
    engine.now = "2026-07-10T21:29:59Z".parse().unwrap();
    assert_eq!(
        engine.battery("charge", Outcome::Completed),
        [format!("{asked} Fri 22:29:59")]
    );
    engine.now = "2026-07-10T21:30:00Z".parse().unwrap();
    assert_eq!(
        engine.battery("charge", Outcome::Completed),
        ["r: started", "phone: hello"]
    );
}

#[test]
fn a_weekday_is_that_of_the_home() {
    let mut engine = Engine::with(&telling(&format!(
        "{ON_CHARGED}    conditions: {{condition: time, weekday: [sat]}}\n"
    )));
    assert_eq!(
        engine.battery("charge", Outcome::Completed),
        ["r: started", "phone: hello"]
    );
    engine.pass(90);
    assert_eq!(
        engine.battery("charge", Outcome::Completed),
        ["r: time on sat, found Sun 00:00:00"]
    );
}

#[test]
fn a_number_is_asked_strictly_by_above_and_not_by_at_least() {
    for (key, value, holds) in [
        ("above", 80.0, false),
        ("above", 80.1, true),
        ("at_least", 80.0, true),
        ("at_least", 79.9, false),
        ("below", 80.0, false),
        ("below", 79.9, true),
        ("at_most", 80.0, true),
        ("at_most", 80.1, false),
    ] {
        let mut engine = Engine::with(&telling(&format!(
            "{ON_CHARGED}    conditions: {{condition: numeric_state, device: house_battery, attribute: level, {key}: 80 %}}\n"
        )));
        engine.reads("level", Value::Number(value), Origin::Live);
        let word = key.replace('_', " ");
        let expected = if holds {
            vec!["r: started".to_owned(), "phone: hello".to_owned()]
        } else {
            vec![format!(
                "r: house_battery.level {word} 80 %, found {value} %, 0s old"
            )]
        };
        assert_eq!(
            engine.battery("charge", Outcome::Completed),
            expected,
            "{key} {value}"
        );
    }
}

#[test]
fn a_value_older_than_max_age_is_unknown_and_unknown_blocks_unless_allowed() {
    let conditions = "    conditions: {condition: state, device: house_battery, attribute: status, is: idle, max_age: 10m";
    let mut blocks = Engine::with(&telling(&format!("{ON_CHARGED}{conditions}}}\n")));
    let mut allows = Engine::with(&telling(&format!(
        "{ON_CHARGED}{conditions}, if_unknown: allow}}\n"
    )));
    let asked = "r: house_battery.status is idle, found";
    assert_eq!(
        blocks.battery("charge", Outcome::Completed),
        [format!("{asked} never read")]
    );
    assert_eq!(
        allows.battery("charge", Outcome::Completed),
        ["r: started", "phone: hello"]
    );

    blocks.reads("status", Value::Text("idle".to_owned()), Origin::Cache);
    blocks.pass(10);
    assert_eq!(
        blocks.battery("charge", Outcome::Completed),
        ["r: started", "phone: hello"]
    );
    blocks.pass(1);
    assert_eq!(
        blocks.battery("charge", Outcome::Completed),
        [format!("{asked} idle, 11m old, more than 10m")]
    );
    blocks.reads("status", Value::Text("idle".to_owned()), Origin::Fallback);
    assert_eq!(
        blocks.battery("charge", Outcome::Completed),
        [format!(
            "{asked} idle, 0s old, the platform could not reach the device"
        )]
    );
    // Known and contrary is a no, whatever `if_unknown` says.
    allows.reads("status", Value::Text("charging".to_owned()), Origin::Live);
    assert_eq!(
        allows.battery("charge", Outcome::Completed),
        [format!("{asked} charging, 0s old")]
    );
}

#[test]
fn an_older_reading_does_not_replace_a_newer_one() {
    let mut engine = Engine::with(&telling(&format!(
        "{ON_CHARGED}    conditions: {{condition: numeric_state, device: house_battery, attribute: level, above: 50 %}}\n"
    )));
    engine.reads("level", Value::Number(90.0), Origin::Live);
    engine.pass(-1);
    engine.reads("level", Value::Number(10.0), Origin::Live);
    assert_eq!(
        engine.battery("charge", Outcome::Completed),
        ["r: started", "phone: hello"]
    );
}

#[test]
fn an_expression_as_condition_says_what_it_asked_and_what_it_found() {
    let mut engine = Engine::with(&telling(&format!(
        "{ON_CHARGED}    conditions:\n      - \"{{{{ house_battery.level > 80 % and trigger.command == 'charge' }}}}\"\n"
    )));
    let asked = "r: house_battery.level > 80 % and trigger.command == \"charge\"";
    let done = || Outcome::Completed;
    assert_eq!(
        engine.battery("charge", done()),
        [format!(
            "{asked}, found house_battery.level never read; trigger.command charge"
        )]
    );
    engine.reads("level", Value::Number(80.0), Origin::Live);
    engine.pass(4);
    assert_eq!(
        engine.battery("charge", done()),
        [format!(
            "{asked}, found house_battery.level 80 %, 4m old; trigger.command charge"
        )]
    );
    engine.reads("level", Value::Number(80.5), Origin::Live);
    engine.pass(15);
    assert_eq!(
        engine.battery("charge", done()),
        ["r: started", "phone: hello"]
    );
    engine.pass(1);
    assert_eq!(
        engine.battery("charge", done()),
        [format!(
            "{asked}, found house_battery.level 80.5 %, 16m old, more than 15m; trigger.command charge"
        )]
    );
}

#[test]
fn the_trace_of_an_expression_names_the_time_once_and_an_empty_look() {
    let conditions = |text: &str| format!("{ON_CHARGED}    conditions:\n      - \"{text}\"\n");
    let mut engine = Engine::with(&telling(&conditions(
        "{{ hour(now()) >= 23 or minute(now()) == age(house_battery.level) / 1m }}",
    )));
    engine.reads("level", Value::Number(80.0), Origin::Live);
    engine.pass(20);
    assert_eq!(
        engine.battery("charge", Outcome::Completed),
        [
            "r: hour(now()) >= 23 or minute(now()) == age(house_battery.level) / 1m, found now Sat 22:50:00; house_battery.level 80 %, 20m old, more than 15m"
        ]
    );
    let mut engine = Engine::with(&telling(&conditions("{{ 1 > 2 }}")));
    assert_eq!(
        engine.battery("charge", Outcome::Completed),
        ["r: 1 > 2, found nothing to look at"]
    );
}
