//! Words of triggers, conditions and actions beyond the plainest, by value.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::SignedDuration;
use jiff::civil::{Weekday, time};

use amps_rules::config::home::Location;
use amps_rules::document::source::SourceFile;
use amps_rules::domain::http::HeaderText;
use amps_rules::domain::id::{InputName, RuleId, StepId};
use amps_rules::domain::unit::Unit;
use amps_rules::domain::value::Value;
use amps_rules::rules::condition::{
    CommandState, CommandTest, InputQuestion, InputTest, RuleTest, SunTest,
};
use amps_rules::rules::expr::kind::Measure;
use amps_rules::rules::expr::template::Template;
use amps_rules::rules::expr::value::Value as Kept;
use amps_rules::rules::expression::Expression;
use amps_rules::rules::operation::{
    Awaited, CancelOperation, CommandOptions, Goal, Handler, Json, Moment, OnConflict, Rounds,
    RuleVerb, VerifyTest,
};
use amps_rules::rules::rule::{Mode, On, OperationKind, Rule, Settings, Test};
use amps_rules::rules::trigger::{
    CatchUp, Held, Missed, NumericTrigger, StateTrigger, SunEvent, SunTrigger, TimeTrigger, Watched,
};
use amps_rules::rules::{self, Loaded};

use super::{ACTION, CONDITION, TRIGGER, device, operations, rule_text};
use crate::diagnostics::names;

fn load(text: &str) -> Loaded {
    let mut names = names();
    names.location = Some(Location {
        latitude: 51.45,
        longitude: -2.59,
    });
    rules::load(&[SourceFile::new("rules/a.yaml", text)], &names)
}

/// The one rule of `text`, of which there is at most advice.
#[track_caller]
pub(super) fn only(text: &str) -> Rule {
    let mut loaded = load(text);
    let errors: Vec<&str> = loaded
        .diagnostics
        .iter()
        .filter(|it| it.is_error())
        .map(|it| it.message.as_str())
        .collect();
    assert_eq!(errors, [""; 0]);
    loaded.rules.rules.remove(0)
}

fn trigger(text: &str) -> On {
    only(&rule_text(text, CONDITION, ACTION))
        .triggers
        .remove(0)
        .on
}

fn test(text: &str) -> Test {
    only(&rule_text(TRIGGER, text, ACTION))
        .conditions
        .remove(0)
        .test
}

pub(super) fn operation(text: &str) -> OperationKind {
    let rule = only(&rule_text(TRIGGER, CONDITION, text));
    rule.program.operations[0].kind.clone()
}

fn level() -> Watched {
    Watched::Attribute {
        devices: vec![device("house_battery")],
        of_type: None,
        attribute: "level".to_owned(),
    }
}

const MISSED: Missed = Missed {
    catch_up: CatchUp::Latest,
    within: Duration::from_mins(15),
};

#[test]
fn triggers_on_values_are_in_the_unit_of_what_they_watch() {
    assert_eq!(
        trigger(
            "{trigger: numeric_state, device: house_battery, attribute: level, above: 98 %, reset: 95, for: 5m}"
        ),
        On::NumericState(NumericTrigger {
            watched: level(),
            above: Some(98.0),
            below: None,
            reset: Some(95.0),
            fires_from_unknown: false,
            held: Some(Held {
                duration: Duration::from_mins(5),
                gap_tolerance: Duration::from_mins(30),
            }),
        })
    );
    let On::NumericState(price) = trigger(
        "{trigger: numeric_state, input: grid_price, below: 0.2 GBP/kWh, from_unknown: fire}",
    ) else {
        panic!("another trigger");
    };
    assert_eq!(price.watched, Watched::Input(InputName::new("grid_price")));
    assert_eq!((price.below, price.fires_from_unknown), (Some(0.2), true));
    assert_eq!(
        trigger(
            "{trigger: state, device: car_charger, attribute: isConnected, from: false, not_to: false}"
        ),
        On::State(StateTrigger {
            watched: Watched::Attribute {
                devices: vec![device("car_charger")],
                of_type: None,
                attribute: "isConnected".to_owned(),
            },
            from: vec![Value::Bool(false)],
            to: vec![],
            not_from: vec![],
            not_to: vec![Value::Bool(false)],
            held: None,
        })
    );
}

#[test]
fn triggers_on_moments_say_when_and_what_is_caught_up() {
    assert_eq!(
        trigger("{trigger: time, at: ['22:30', '06:00', '22:30'], weekday: [fri, sat]}"),
        On::Time(TimeTrigger {
            at: vec![time(6, 0, 0, 0), time(22, 30, 0, 0)],
            weekdays: vec![Weekday::Friday, Weekday::Saturday],
            missed: MISSED,
        })
    );
    assert_eq!(
        trigger("{trigger: sun, event: sunset, offset: -30m, catch_up: all, within: 1h}"),
        On::Sun(SunTrigger {
            event: SunEvent::Sunset,
            offset: SignedDuration::from_mins(-30),
            missed: Missed {
                catch_up: CatchUp::All,
                within: Duration::from_hours(1),
            },
        })
    );
    let On::Cron(cron) = trigger("{trigger: cron, expression: '*/20 7 * * 1-5', catch_up: none}")
    else {
        panic!("another trigger");
    };
    assert_eq!(cron.pattern.minutes, [0, 20, 40]);
    assert_eq!(cron.pattern.weekdays.len(), 5);
    assert_eq!(cron.missed.catch_up, CatchUp::None);
}

#[test]
fn triggers_of_triggers_hold_whole_triggers() {
    let On::Absence(absence) = trigger(
        "{trigger: absence, of: {trigger: webhook, name: door-bell}, absent_for: 10m, after: {trigger: engine, event: [started, reloaded]}}",
    ) else {
        panic!("another trigger");
    };
    assert_eq!(absence.of.on, On::Webhook("door-bell".to_owned()));
    assert_eq!(absence.absent_for, Duration::from_mins(10));
    let Some(On::Engine(after)) = absence.after.map(|it| it.on) else {
        panic!("another trigger");
    };
    assert_eq!((after.started, after.reloaded), (true, true));
    let On::Count(count) =
        trigger("{trigger: count, of: {trigger: webhook, name: a}, count: 3, within: 1h}")
    else {
        panic!("another trigger");
    };
    assert_eq!((count.count, count.within), (3, Duration::from_hours(1)));
    let On::Sequence(sequence) = trigger(
        "{trigger: sequence, within: 5m, triggers: [{trigger: webhook, name: a}, {trigger: webhook, name: b}]}",
    ) else {
        panic!("another trigger");
    };
    assert_eq!(sequence.triggers.len(), 2);
}

#[test]
fn conditions_ask_the_sun_orders_rules_and_inputs() {
    assert_eq!(
        test("{condition: sun, after: sunset, before: sunrise, before_offset: 1h}"),
        Test::Sun(SunTest {
            after: Some((SunEvent::Sunset, SignedDuration::ZERO)),
            before: Some((SunEvent::Sunrise, SignedDuration::from_hours(1))),
        })
    );
    assert_eq!(
        test(
            "{condition: command, device: car_charger, command: charge, state: {completed_within: 10m}}"
        ),
        Test::Command(CommandTest {
            device: device("car_charger"),
            command: Some("charge".to_owned()),
            state: CommandState::CompletedWithin(Duration::from_mins(10)),
        })
    );
    assert_eq!(
        test("{condition: rule, rule: a, last_ran_within: 1h}"),
        Test::Rule(RuleTest {
            rule: RuleId::new("a"),
            running: None,
            last_ran_within: Some(Duration::from_hours(1)),
        })
    );
    assert_eq!(
        test("{condition: numeric_state, input: grid_price, at_most: 0.2}"),
        Test::Input(InputTest {
            input: InputName::new("grid_price"),
            max_age: Duration::from_mins(45),
            held_for: None,
            asks: InputQuestion::Number {
                above: None,
                below: None,
                at_least: None,
                at_most: Some(0.2),
            },
        })
    );
}

#[test]
fn a_command_step_carries_what_it_asks_beyond_the_order() {
    let OperationKind::Command(order) = operation(
        "{command: charge, device: house_battery, start: '22:30', end: 2h, on_conflict: replace, wait_for: completed, timeout: 30m, force: true, lease: {until: '06:00'}, verify: {attribute: level, at_least: 80 %, within: 1h}}",
    ) else {
        panic!("another operation");
    };
    let verify = order.options.verify.clone().unwrap();
    assert_eq!(
        order.options,
        CommandOptions {
            start: Some(Moment::At(time(22, 30, 0, 0))),
            end: Some(Moment::In(Duration::from_hours(2))),
            on_conflict: OnConflict::Replace,
            wait_for: Goal::Completed,
            timeout: Some(Duration::from_mins(30)),
            verify: order.options.verify.clone(),
            force: true,
            lease_until: Some(Moment::At(time(6, 0, 0, 0))),
        }
    );
    let VerifyTest::Number(number) = verify.test else {
        panic!("another test");
    };
    assert_eq!(
        (number.at_least, verify.within),
        (Some(80.0), Duration::from_hours(1))
    );
}

#[test]
fn an_order_names_its_step_and_cancel_names_it_too() {
    let steps = operations(
        "{id: later, command: idle, device: car_charger, start: 1h, on_failure: {cancel: {step: later}}}",
    );
    let later = StepId::new("later");
    let OperationKind::Command(order) = &steps[0] else {
        panic!("another operation");
    };
    assert_eq!(order.step.as_ref(), Some(&later));
    let cancelled = OperationKind::Cancel(CancelOperation::Step(later));
    assert!(steps.contains(&cancelled), "{steps:?}");
}

#[test]
fn other_steps_say_what_they_do() {
    let OperationKind::Setting(setting) =
        operation("{setting: export_limit, device: house_battery, value: 3 kW}")
    else {
        panic!("another operation");
    };
    assert_eq!(
        (setting.setting.as_str(), setting.unit),
        ("export_limit", Unit::Watt)
    );
    assert_eq!(setting.value, Expression::Literal(Kept::Number(3000.0)));
    let OperationKind::Http(http) = operation(
        "{http: {url: 'https://panel.example/a', method: POST, headers: {X-Key: b}, json: {on: [1, true, x]}, save: answer}}",
    ) else {
        panic!("another operation");
    };
    assert_eq!(
        http.url,
        Template::Plain("https://panel.example/a".to_owned())
    );
    let body = serde_json::json!({"on": [1, true, "x"]});
    assert_eq!(http.json, Some(Json::Fixed(body)));
    assert_eq!(http.save.as_deref(), Some("answer"));
    let key = HeaderText::Text(Template::Plain("b".to_owned()));
    assert_eq!(http.headers, BTreeMap::from([("X-Key".to_owned(), key)]));
    for (written, expected) in [
        ("method: GET", true),
        ("method: PUT", true),
        ("method: DELETE", true),
        ("method: POST", false),
        ("method: PATCH", false),
        ("method: POST, retry: {attempts: 3}", true),
    ] {
        let written = format!("{{http: {{url: 'https://panel.example/a', {written}}}}}");
        let OperationKind::Http(http) = operation(&written) else {
            panic!("another operation");
        };
        assert_eq!(http.is_repeatable, expected, "{written}");
    }
    let OperationKind::Delay(delay) = operation("{delay: {minutes: 5}}") else {
        panic!("another operation");
    };
    let five = Kept::Duration(SignedDuration::from_mins(5));
    assert_eq!(delay.duration, Expression::Literal(five));
    let OperationKind::Wait(wait) = operation(
        "{wait_for_trigger: {trigger: device, device: roof, event: any}, timeout: 1h, continue_on_timeout: false}",
    ) else {
        panic!("another operation");
    };
    assert_eq!(
        (wait.timeout, wait.continue_on_timeout),
        (Some(Duration::from_hours(1)), false)
    );
    assert!(matches!(wait.until, Awaited::Triggers(triggers) if triggers.len() == 1));
    let OperationKind::Rule(rule) = operation("{pause_rule: a}") else {
        panic!("another operation");
    };
    assert_eq!((rule.rule.as_str(), rule.verb), ("a", RuleVerb::Pause));
    let OperationKind::Parallel(parallel) =
        operation("{parallel: [{log: a}, [{log: b}, {log: c}], {sequence: {log: d}}]}")
    else {
        panic!("another operation");
    };
    let lengths = parallel.branches.iter().map(|it| it.operations.len());
    assert_eq!(lengths.collect::<Vec<_>>(), [1, 2, 1]);
}

pub(super) fn quantity(value: f64, unit: Unit) -> Kept {
    let unit = Measure::Unit(unit);
    Kept::Quantity { value, unit }
}

#[test]
fn values_keep_their_units_and_kinds() {
    let OperationKind::Variables { values } = operation(
        "{variables: {a: 80 %, b: 5m, c: night, d: [1 kW, 500 W], e: 3, f: \"22:30\", g: \"{{ 2 * 40 % }}\"}}",
    ) else {
        panic!("another operation");
    };
    let values: Vec<Kept> = values
        .into_iter()
        .map(|it| match it.value {
            Expression::Literal(value) => value,
            Expression::Computed(checked) => panic!("{checked:?}"),
        })
        .collect();
    assert_eq!(
        values,
        [
            quantity(80.0, Unit::Percent),
            Kept::Duration(SignedDuration::from_mins(5)),
            Kept::Text("night".to_owned()),
            Kept::List(vec![
                quantity(1.0, Unit::Kilowatt),
                quantity(0.5, Unit::Kilowatt)
            ]),
            Kept::Number(3.0),
            Kept::Time(time(22, 30, 0, 0)),
            quantity(80.0, Unit::Percent),
        ]
    );
}

#[test]
fn a_rule_says_how_its_runs_get_along() {
    let text = rule_text(TRIGGER, CONDITION, ACTION).replace(
        "  - id: a\n",
        "  - id: a\n    mode: queued\n    max: 3\n    max_exceeded: silent\n    per: trigger.device\n    cooldown: 30m\n    priority: 80\n",
    );
    let rule = only(&text);
    let Some(Expression::Computed(per)) = &rule.settings.per else {
        panic!("{:?}", rule.settings.per);
    };
    assert_eq!(per.text, "trigger.device");
    assert_eq!(
        rule.settings,
        Settings {
            mode: Mode::Queued(3),
            is_silent: true,
            per: rule.settings.per.clone(),
            cooldown: Some(Duration::from_mins(30)),
            priority: 80,
        }
    );
}

#[test]
fn steps_inside_steps_become_jumps() {
    let rule = only(&rule_text(
        TRIGGER,
        CONDITION,
        "[{repeat: {count: 2, sequence: {log: a}}, continue_on_failure: true}, {log: b}]",
    ));
    let operations = &rule.program.operations;
    let OperationKind::Repeat(repeat) = &operations[0].kind else {
        panic!("{:?}", operations[0]);
    };
    assert_eq!(
        repeat.rounds,
        Rounds::Count(Expression::Literal(Kept::Number(2.0)))
    );
    assert_eq!((repeat.max, repeat.end), (100, 3));
    assert_eq!(operations[2].kind, OperationKind::Jump { to: 0 });
    assert_eq!(operations.len(), 4);
    assert_eq!(
        rule.program.handlers,
        [Handler {
            from: 0,
            to: 3,
            target: 3,
            loops: 0
        }]
    );
}

#[test]
fn a_rule_may_name_one_that_comes_later_or_is_broken() {
    let loaded = load(
        "version: 1
rules:
  - {id: a, triggers: {trigger: device, device: roof, event: any}, conditions: {condition: rule, rule: b, running: false}, actions: {log: x}}
  - {id: b, triggers: [], actions: {log: x}}
",
    );
    let codes: Vec<&str> = loaded.diagnostics.iter().map(|it| it.code.name).collect();
    assert_eq!(codes, ["E501"]);
}
