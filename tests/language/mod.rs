//! What rule text means: the checked rules, by value; and that no text at all can upset the checker.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::civil::{Time, Weekday, time};

use amps_rules::document::render::{self, Style};
use amps_rules::document::source::SourceFile;
use amps_rules::domain::command::RetryPolicy;
use amps_rules::domain::device::{Device, DeviceType};
use amps_rules::domain::event::ConnectionChange;
use amps_rules::domain::id::{DeviceAlias, DeviceId, NotifierName, RuleId};
use amps_rules::domain::unit::Unit;
use amps_rules::domain::value::{Quantity, Value};
use amps_rules::rules;
use amps_rules::rules::expr::template::{Piece, Template};
use amps_rules::rules::operation::{Amount, CommandOptions};
use amps_rules::rules::rule::{
    CommandOperation, CommandSource, CommandTrigger, Condition, DeviceTrigger, IfUnknown, Level,
    LogOperation, NotifyOperation, NumericTest, On, Operation, OperationKind, Place, ResultKind,
    Rule, StateTest, Subject, Test, TimeTest, Trigger,
};

use crate::diagnostics::names;

/// The catalogue of words, and the reference that is written from it.
mod catalog;
/// `home.yaml` by value.
mod home;
/// What becomes of whole files, and of homes with very many rules.
mod loading;
/// Texts that nobody would write.
pub(crate) mod mutation;
/// What the store and old files hold.
mod stored;
/// Words beyond the plainest.
mod words;

/// The one rule of `text`, which has nothing wrong with it.
#[track_caller]
fn only(text: &str) -> Rule {
    let source = SourceFile::new("rules/a.yaml", text);
    let mut loaded = rules::load(std::slice::from_ref(&source), &names());
    let complaints = render::text(&loaded.diagnostics, &[source], Style::Plain);
    assert_eq!(complaints, "");
    assert_eq!(loaded.rules.rules.len(), 1);
    loaded.rules.rules.remove(0)
}

/// A rule with these triggers, conditions and actions, each as its YAML text in one line.
fn rule_text(triggers: &str, conditions: &str, actions: &str) -> String {
    format!(
        "version: 1\nrules:\n  - id: a\n    triggers: {triggers}\n    conditions: {conditions}\n    actions: {actions}\n"
    )
}

const TRIGGER: &str = "{trigger: device, device: roof, event: any}";
const CONDITION: &str = "{condition: time, after: '22:00'}";
const ACTION: &str = "{log: x}";

fn trigger(text: &str) -> On {
    let mut rule = only(&rule_text(text, CONDITION, ACTION));
    assert_eq!(rule.triggers.len(), 1);
    rule.triggers.remove(0).on
}

fn condition(text: &str) -> Condition {
    let mut rule = only(&rule_text(TRIGGER, text, ACTION));
    assert_eq!(rule.conditions.len(), 1);
    rule.conditions.remove(0)
}

fn operations(text: &str) -> Vec<OperationKind> {
    let rule = only(&rule_text(TRIGGER, CONDITION, text));
    let operations = rule.program.operations.iter();
    operations.map(|it| it.kind.clone()).collect()
}

fn device(alias: &str) -> Device {
    let (device_type, id) = match alias {
        "house_battery" => (DeviceType::Battery, "dev_abc123"),
        "car_charger" => (DeviceType::EvCharger, "dev_ev001"),
        "hall_heating" => (DeviceType::Hvac, "dev_hvac01"),
        "roof" => (DeviceType::SolarInverter, "dev_pv01"),
        _ => (DeviceType::Vehicle, "dev_car01"),
    };
    Device {
        alias: DeviceAlias::new(alias),
        device_type,
        id: DeviceId::new(id),
    }
}

fn place(line: usize) -> Place {
    Place {
        file: "rules/a.yaml".to_owned(),
        line,
    }
}

fn texts(words: &[&str]) -> Vec<String> {
    words.iter().map(|it| (*it).to_owned()).collect()
}

const STORY: &str = "version: 1
rules:
  - id: car-after-battery
    alias: Car after battery
    description: The story.
    triggers:
      - trigger: command
        id: charged
        device: house_battery
        command: charge
    conditions:
      - condition: state
        alias: plugged in
        device: family_car
        attribute: plugged
        is: true
        if_unknown: allow
    actions:
      - command: charge
        alias: the car
        device: car_charger
      - notify: phone
        message: The car charges.
";

#[test]
fn a_whole_rule_becomes_triggers_and_conditions() {
    let rule = only(STORY);
    assert_eq!(rule.id, RuleId::new("car-after-battery"));
    assert_eq!(rule.alias, "Car after battery");
    assert_eq!(rule.description.as_deref(), Some("The story."));
    assert_eq!((rule.enabled, &rule.place), (true, &place(3)));
    assert_eq!(
        rule.triggers,
        [Trigger {
            id: Some("charged".to_owned()),
            enabled: true,
            place: place(7),
            variables: vec![],
            on: On::Command(CommandTrigger {
                devices: vec![device("house_battery")],
                of_type: None,
                commands: texts(&["charge"]),
                results: vec![ResultKind::Completed],
                error_codes: vec![],
                source: CommandSource::Any,
            }),
        }]
    );
    assert_eq!(
        rule.conditions,
        [Condition {
            alias: Some("plugged in".to_owned()),
            enabled: true,
            if_unknown: IfUnknown::Allow,
            place: place(12),
            test: Test::State(StateTest {
                subject: Subject {
                    device: device("family_car"),
                    attribute: "plugged".to_owned(),
                    max_age: Duration::from_mins(15),
                },
                is: vec![Value::Bool(true)],
                is_not: vec![],
                held_for: None,
            }),
        }]
    );
}

#[test]
fn the_actions_of_a_whole_rule_become_its_program() {
    let rule = only(STORY);
    let charge = OperationKind::Command(CommandOperation {
        device: device("car_charger"),
        command: "charge".to_owned(),
        step: None,
        parameters: BTreeMap::new(),
        retry: RetryPolicy::DEFAULT,
        options: CommandOptions::default(),
    });
    let notify = OperationKind::Notify(NotifyOperation {
        notifiers: vec![NotifierName::new("phone")],
        title: None,
        message: Template::Plain("The car charges.".to_owned()),
        level: Level::Info,
    });
    let operation = |line, alias: Option<&str>, kind| Operation {
        place: place(line),
        alias: alias.map(str::to_owned),
        kind,
    };
    assert_eq!(
        rule.program.operations,
        [
            operation(19, Some("the car"), charge),
            operation(22, None, notify),
        ]
    );
}

#[test]
fn a_rule_without_an_alias_is_called_by_its_id() {
    assert_eq!(only(&rule_text(TRIGGER, CONDITION, ACTION)).alias, "a");
}

#[test]
fn triggers_on_commands_say_whose_what_and_how_it_ended() {
    use ResultKind::{Cancelled, Completed, Expired, Failed};
    let on = |devices: &[&str], commands: &[&str], results: &[ResultKind]| CommandTrigger {
        devices: devices.iter().map(|it| device(it)).collect(),
        of_type: None,
        commands: texts(commands),
        results: results.to_vec(),
        error_codes: vec![],
        source: CommandSource::Any,
    };
    for (text, expected) in [
        (
            "{trigger: command, device: car_charger}",
            on(&["car_charger"], &[], &[Completed]),
        ),
        (
            "{trigger: command, device: {type: battery}, command: [charge, idle, charge]}",
            CommandTrigger {
                of_type: Some(DeviceType::Battery),
                ..on(&["house_battery"], &["charge", "idle"], &[Completed])
            },
        ),
        (
            "{trigger: command, device: [car_charger, house_battery, car_charger], result: any}",
            on(&["car_charger", "house_battery"], &[], &[]),
        ),
        (
            "{trigger: command, device: car_charger, result: [failed, expired, failed, cancelled]}",
            on(&["car_charger"], &[], &[Failed, Expired, Cancelled]),
        ),
        (
            "{trigger: command, device: car_charger, result: [failed, any]}",
            on(&["car_charger"], &[], &[]),
        ),
        (
            "{trigger: command, device: car_charger, result: failed, error_code: DEVICE_OFFLINE, source: own}",
            CommandTrigger {
                error_codes: texts(&["DEVICE_OFFLINE"]),
                source: CommandSource::Own,
                ..on(&["car_charger"], &[], &[Failed])
            },
        ),
    ] {
        assert_eq!(trigger(text), On::Command(expected), "{text}");
    }
}

#[test]
fn triggers_on_devices_say_which_change() {
    use ConnectionChange::{Connected, Disconnected, Reconnected};
    for (event, changes) in [
        ("connected", vec![Connected]),
        ("disconnected", vec![Disconnected]),
        ("[reconnected, connected]", vec![Reconnected, Connected]),
        ("any", vec![]),
    ] {
        let devices = vec![device("roof")];
        assert_eq!(
            trigger(&format!(
                "{{trigger: device, device: roof, event: {event}}}"
            )),
            On::Device(DeviceTrigger {
                devices,
                of_type: None,
                changes,
                held: None,
            }),
        );
    }
}

#[test]
fn a_condition_on_the_time_has_a_window_and_days() {
    let at = |text: &str| -> Option<Time> { text.parse().ok() };
    for (text, after, before, weekdays) in [
        (
            "after: '22:30', before: '06:00:15'",
            at("22:30"),
            at("06:00:15"),
            vec![],
        ),
        ("before: 06:00", None, at("06:00"), vec![]),
        (
            "after: '00:00', weekday: [sun, mon, sun]",
            Some(time(0, 0, 0, 0)),
            None,
            vec![Weekday::Sunday, Weekday::Monday],
        ),
        ("weekday: fri", None, None, vec![Weekday::Friday]),
    ] {
        let expected = Test::Time(TimeTest {
            after,
            before,
            weekdays,
        });
        assert_eq!(
            condition(&format!("{{condition: time, {text}}}")).test,
            expected
        );
    }
}

fn state(device_and_attribute: &str, rest: &str) -> (Vec<Value>, Vec<Value>) {
    let text = format!("{{condition: state, {device_and_attribute}, {rest}}}");
    let Test::State(it) = condition(&text).test else {
        panic!("{text}");
    };
    (it.is, it.is_not)
}

#[test]
fn a_condition_on_a_state_knows_the_kind_of_value() {
    let text = |it: &str| Value::Text(it.to_owned());
    let battery = "device: house_battery, attribute: status";
    assert_eq!(
        state(battery, "is: [idle, charging], is_not: discharging"),
        (
            vec![text("idle"), text("charging")],
            vec![text("discharging")]
        )
    );
    let plugged = "device: family_car, attribute: plugged";
    assert_eq!(
        state(plugged, "is_not: true"),
        (vec![], vec![Value::Bool(true)])
    );
    let level = "device: house_battery, attribute: level";
    assert_eq!(
        state(level, "is: 90 %"),
        (vec![Value::Number(90.0)], vec![])
    );
}

#[test]
fn numbers_are_compared_in_the_unit_of_the_attribute() {
    let test = |attribute: &str, rest: &str| {
        let text = format!(
            "{{condition: numeric_state, device: house_battery, attribute: {attribute}, {rest}}}"
        );
        let Test::NumericState(it) = condition(&text).test else {
            panic!("{text}");
        };
        it
    };
    let none = |attribute: &str| NumericTest {
        subject: Subject {
            device: device("house_battery"),
            attribute: attribute.to_owned(),
            max_age: Duration::from_mins(15),
        },
        above: None,
        below: None,
        at_least: None,
        at_most: None,
        held_for: None,
    };
    assert_eq!(
        test("chargeRate", "above: 7400 W, below: 11"),
        NumericTest {
            above: Some(7.4),
            below: Some(11.0),
            ..none("chargeRate")
        }
    );
    assert_eq!(
        test(
            "level",
            "at_least: 20%, at_most: {value: 80, unit: percent}"
        ),
        NumericTest {
            at_least: Some(20.0),
            at_most: Some(80.0),
            ..none("level")
        }
    );
    let mut fresh = none("capacity");
    fresh.subject.max_age = Duration::from_secs(90);
    fresh.above = Some(-0.5);
    assert_eq!(test("capacity", "above: -500 Wh, max_age: 1m30s"), fresh);
}

#[test]
fn commands_carry_parameters_in_the_units_of_the_catalogue() {
    let text = "
      - command: charge
        device: house_battery
        parameters: {target: 10 %, power: 7400 W, reserve: {value: 100, unit: percent}}
        retry: {attempts: 20, backoff: 15m}
      - command: heat
        device: hall_heating
        parameters: {target: 68 °F}
        retry: {attempts: 1, backoff: {seconds: 5}, max_backoff: '00:00:05'}
      - {command: idle, device: car_charger, enabled: false}
      - {log: done, level: warning}";
    let percent = |value| Quantity {
        value,
        unit: Unit::Percent,
    };
    let kilowatt = Quantity {
        value: 7.4,
        unit: Unit::Kilowatt,
    };
    let parameters = [
        ("target", percent(10.0)),
        ("power", kilowatt),
        ("reserve", percent(100.0)),
    ];
    let seen = operations(text);
    assert_eq!(
        seen[0],
        OperationKind::Command(CommandOperation {
            device: device("house_battery"),
            command: "charge".to_owned(),
            step: None,
            parameters: parameters
                .map(|(name, it)| (name.to_owned(), Amount::Fixed(it)))
                .into(),
            retry: RetryPolicy {
                attempts: 20,
                backoff: Duration::from_mins(15),
                max_backoff: Duration::from_mins(15),
            },
            options: CommandOptions::default(),
        })
    );
    let OperationKind::Command(heat) = &seen[1] else {
        panic!("{:?}", seen[1]);
    };
    let Amount::Fixed(target) = &heat.parameters["target"] else {
        panic!("{heat:?}");
    };
    assert!((target.value - 20.0).abs() < 1e-9);
    assert_eq!(
        heat.retry,
        RetryPolicy {
            attempts: 1,
            backoff: Duration::from_secs(5),
            max_backoff: Duration::from_secs(5),
        }
    );
    let log = OperationKind::Log(LogOperation {
        text: Template::Plain("done".to_owned()),
        level: Level::Warning,
    });
    assert_eq!(seen[2..], [log]);
}

#[test]
fn a_condition_in_braces_becomes_an_expression() {
    let text = "\"{{ house_battery.level>80 and trigger.event == 'connected' }}\"";
    let Test::Expression(checked) = condition(text).test else {
        panic!("{text}");
    };
    assert_eq!(
        checked.text,
        "house_battery.level > 80 and trigger.event == \"connected\""
    );
}

#[test]
fn texts_for_people_may_have_expressions_in_them() {
    let text = "
      - {notify: phone, message: 'It is {{ now() }}.', title: '{{ trigger.device }}'}
      - {log: 'no {} here'}";
    let pieces = |template: &Template| -> Vec<String> {
        let Template::Pieces(pieces) = template else {
            panic!("{template:?}");
        };
        pieces
            .iter()
            .map(|it| match it {
                Piece::Text(text) => format!("`{text}`"),
                Piece::Expression(checked) => checked.text.clone(),
            })
            .collect()
    };
    match &operations(text)[..] {
        [OperationKind::Notify(notify), OperationKind::Log(log)] => {
            assert_eq!(pieces(&notify.message), ["`It is `", "now()", "`.`"]);
            assert_eq!(
                notify.title.as_ref().map(pieces),
                Some(texts(&["trigger.device"]))
            );
            assert_eq!(log.text, Template::Plain("no {} here".to_owned()));
        }
        other => panic!("{other:?}"),
    }
}
