//! Rules, an event and a moment to a decision, through the pure engine alone.

use std::collections::BTreeMap;
use std::convert::Infallible;

use amps_rules::config::home::Location;
use amps_rules::config::names::Names;
use amps_rules::document::diagnostic::Diagnostic;
use amps_rules::document::source::SourceFile;
use amps_rules::domain::device::{Device, DeviceType};
use amps_rules::domain::event::{
    Connection, ConnectionChange, Event, Payload, Readings, Report, Settled, Source,
};
use amps_rules::domain::id::{
    ActionId, CommandId, DeviceAlias, DeviceId, EventId, NotifierName, RuleId, RunId,
};
use amps_rules::domain::lifecycle::{Failure, Outcome};
use amps_rules::domain::value::{Origin, Value};
use amps_rules::engine::decision::Decision;
use amps_rules::engine::state::State;
use amps_rules::engine::trace::Verdict;
use amps_rules::engine::{self, Input, Left};
use amps_rules::rules;
use amps_rules::rules::rule::RuleSet;
use jiff::{SignedDuration, Timestamp};

/// Who gets a device, what a home allows, and what is stopped: with what the traces say.
mod arbitration;
/// Ways, loops, variables, failures: what a run does besides ordering and telling.
mod flow;
/// What a home knows of its own orders and of when its rules ran.
mod orders;
/// Conditions that ask for the sun.
mod sun;
/// What a trace holds of what was looked at.
mod traces;

/// An evening in winter: 22:30 in London.
const NOW: &str = "2026-01-10T22:30:00Z";

/// An engine with its memory, and a clock that is wound by hand.
struct Engine {
    rules: RuleSet,
    state: State,
    now: Timestamp,
    events: u32,
}

/// All that comes of `input` at once, in one piece.
fn taken(rules: &RuleSet, state: &mut State, input: Input<'_>, now: Timestamp) -> Decision {
    let mut all = Decision::default();
    let Ok(left) = engine::take(rules, state, input, now, |_, decision| {
        all.changes.extend(decision.changes.iter().cloned());
        all.commands.extend(decision.commands.iter().cloned());
        all.withdrawn.extend(decision.withdrawn.iter().cloned());
        let notifications = decision.notifications.iter().cloned();
        all.notifications.extend(notifications);
        all.traces.extend(decision.traces.iter().cloned());
        all.reads.extend(decision.reads.iter().cloned());
        Ok::<(), Infallible>(())
    });
    assert_eq!(left, Left(0));
    all
}

impl Engine {
    fn with(rules: &str) -> Self {
        let device = |alias: &str, device_type, id: &str| {
            let alias = DeviceAlias::new(alias);
            (
                alias.clone(),
                Device {
                    alias,
                    device_type,
                    id: DeviceId::new(id),
                },
            )
        };
        let names = Names {
            devices: BTreeMap::from([
                device("house_battery", DeviceType::Battery, "dev_b"),
                device("car_charger", DeviceType::EvCharger, "dev_c"),
            ]),
            notifiers: [NotifierName::new("phone")].into(),
            timezone: Some(jiff::tz::TimeZone::get("Europe/London").unwrap()),
            location: Some(Location {
                latitude: 51.45,
                longitude: -2.59,
            }),
            ..Names::default()
        };
        let loaded = rules::load(&[SourceFile::new("rules/test.yaml", rules)], &names);
        // Advice is none of the engine's business.
        let mut errors = loaded.diagnostics;
        errors.retain(Diagnostic::is_error);
        assert_eq!(errors, []);
        Self {
            rules: loaded.rules,
            state: State::default(),
            now: NOW.parse().unwrap(),
            events: 0,
        }
    }

    /// Shows `payload` to the engine; what comes of it, a line each. No device that is asked answers.
    fn sees(&mut self, payload: Payload, own: bool) -> Vec<String> {
        let (mut lines, asked) = self.sees_alone(payload, own);
        for device in asked {
            let (of_silence, asked_again) = self.sees_alone(Payload::NotRead { device }, false);
            assert_eq!(asked_again, [], "a silent device is left alone");
            lines.extend(of_silence);
        }
        lines
    }

    /// The same, and which devices are asked for their values, which say nothing yet.
    fn sees_alone(&mut self, payload: Payload, own: bool) -> (Vec<String>, Vec<DeviceId>) {
        // What is asked has no number of its own: runs are named by what woke them.
        let is_answer = matches!(payload, Payload::NotRead { .. });
        self.events += u32::from(!is_answer);
        let id = if is_answer {
            EventId::new("silence")
        } else {
            EventId::new(format!("msg_{}", self.events))
        };
        let event = Event {
            id,
            source: Source::Webhook,
            received_at: self.now,
            payload,
        };
        let chain = [RuleId::new("somebody")];
        let own = own.then_some(&chain[..]);
        let input = Input {
            event: &event,
            own,
            settled: None,
        };
        let mut before = self.state.clone();
        let decision = taken(&self.rules, &mut self.state, input, self.now);
        assert_eq!(
            decision,
            taken(&self.rules, &mut before, input, self.now),
            "the same again"
        );
        let asked = decision.reads.iter().map(|it| it.device.clone()).collect();
        (told(&decision), asked)
    }

    fn battery(&mut self, command: &str, outcome: Outcome) -> Vec<String> {
        self.sees(report(command, outcome), false)
    }

    fn reads(&mut self, attribute: &str, value: Value, origin: Origin) {
        let readings = Readings {
            device: DeviceId::new("dev_b"),
            taken_at: self.now,
            origin,
            values: BTreeMap::from([(attribute.to_owned(), value)]),
        };
        assert_eq!(self.sees(Payload::Readings(readings), false), [""; 0]);
    }

    fn pass(&mut self, minutes: i64) {
        self.now += SignedDuration::from_mins(minutes);
    }

    /// A report has ended `command`.
    fn settles(&mut self, command: &CommandId, outcome: Outcome, attempts: u32) -> Vec<String> {
        let report = EventId::new("msg_report");
        self.ends(command, outcome, attempts, Some(report))
    }

    /// The command that the operation at `position` of the run gave, in these rounds of its loops.
    fn settles_in_round(
        &mut self,
        position: usize,
        rounds: &[u32],
        outcome: Outcome,
    ) -> Vec<String> {
        let run = RunId::derive(
            &RuleId::new("r"),
            &EventId::new("msg_1"),
            NOW.parse().unwrap(),
        );
        let command = CommandId::derive_in_round(&run, position, rounds);
        self.settles(&command, outcome, 1)
    }

    /// `command` is over, and no report has told of it.
    fn ends_unreported(&mut self, command: &CommandId, outcome: Outcome) -> Vec<String> {
        self.ends(command, outcome, 1, None)
    }

    fn ends(
        &mut self,
        command: &CommandId,
        outcome: Outcome,
        attempts: u32,
        cause: Option<EventId>,
    ) -> Vec<String> {
        let settled = Settled {
            command: command.clone(),
            device: DeviceId::new("dev_c"),
            name: "charge".to_owned(),
            outcome,
            attempts,
            cause,
        };
        self.sees(Payload::Settled(settled), true)
    }
}

/// What a decision tells, a line each.
fn told(decision: &Decision) -> Vec<String> {
    let traces = decision.traces.iter().map(|trace| match &trace.verdict {
        Verdict::NotTriggered { because } => format!("{}: {because}", trace.rule),
        Verdict::ConditionNotMet => {
            let last = trace.conditions.last().unwrap();
            format!("{}: {}, found {}", trace.rule, last.asked, last.found)
        }
        Verdict::Ended { end } => {
            format!(
                "{}: {} {}",
                trace.rule,
                end.name(),
                end.reason().unwrap_or_default()
            )
        }
        verdict @ (Verdict::Started
        | Verdict::WentOn
        | Verdict::Waits { .. }
        | Verdict::Noted
        | Verdict::TooMany { .. }
        | Verdict::Paused { .. }
        | Verdict::CoolingDown { .. }
        | Verdict::AlreadyRunning { .. }) => {
            format!("{}: {}", trace.rule, verdict.name())
        }
    });
    let commands = decision.commands.iter().map(|it| {
        let parameters = it.parameters.iter();
        let parameters = parameters.map(|(name, value)| format!(" {name}={value}"));
        let parameters: String = parameters.collect();
        format!("{} {}{parameters}", it.device.alias, it.name)
    });
    let messages = decision
        .notifications
        .iter()
        .map(|it| format!("{}: {}", it.notifier, it.message));
    traces
        .chain(commands)
        .chain(messages)
        .map(|line| line.trim_end().to_owned())
        .collect()
}

fn report(command: &str, outcome: Outcome) -> Payload {
    Payload::Report(Report {
        action: ActionId::new("act_1"),
        device: DeviceId::new("dev_b"),
        device_type: Some(DeviceType::Battery),
        command: Some(command.to_owned()),
        outcome,
        ended_at: None,
    })
}

fn failed(code: &str) -> Outcome {
    Outcome::Failed(Failure::new(Some(code), "no answer"))
}

/// The command of the first run of `rule`, started by the first event.
fn first_command(rule: &str) -> CommandId {
    first_command_at(rule, 0)
}

/// The same, of the step at `position`.
fn first_command_at(rule: &str, position: usize) -> CommandId {
    use amps_rules::domain::id::{RuleId, RunId};
    CommandId::derive(
        &RunId::derive(
            &RuleId::new(rule),
            &EventId::new("msg_1"),
            NOW.parse().unwrap(),
        ),
        position,
    )
}

/// One rule, `r`, with these triggers and conditions, that tells the phone.
fn telling(rest: &str) -> String {
    format!("version: 1\nrules:\n  - id: r\n{rest}    actions: {{notify: phone, message: hello}}\n")
}

const ON_CHARGED: &str =
    "    triggers: {trigger: command, device: house_battery, command: charge}\n";

#[test]
fn a_command_trigger_waits_for_its_command_and_for_completion() {
    let mut engine = Engine::with(&telling(ON_CHARGED));
    assert_eq!(
        engine.battery("charge", Outcome::Completed),
        ["r: started", "phone: hello"]
    );
    assert_eq!(
        engine.battery("discharge", Outcome::Completed),
        ["r: it was `discharge`, not `charge`"]
    );
    assert_eq!(
        engine.battery("charge", failed("DEVICE_OFFLINE")),
        ["r: `charge` ended as failed"]
    );
}

#[test]
fn a_command_trigger_tells_error_codes_and_whose_order_it_was() {
    let mut engine = Engine::with(&telling(
        "    triggers:
      - {trigger: command, device: house_battery, result: failed, error_code: TIMEOUT}
      - {trigger: command, device: house_battery, command: charge, source: own}
",
    ));
    assert_eq!(
        engine.battery("idle", failed("TIMEOUT")),
        ["r: started", "phone: hello"]
    );
    assert_eq!(
        engine.battery("charge", Outcome::Completed),
        ["r: `charge` ended as completed; the command was not one of ours"]
    );
    let ours = engine.sees(report("charge", Outcome::Completed), true);
    assert_eq!(ours, ["r: started", "phone: hello"]);
    assert_eq!(
        engine.battery("charge", failed("DEVICE_OFFLINE")),
        ["r: the error was DEVICE_OFFLINE; `charge` ended as failed"]
    );
}

#[test]
fn a_device_trigger_does_not_guess_what_the_webhook_leaves_open() {
    let mut engine = Engine::with(&telling(
        "    triggers: {trigger: device, device: house_battery, event: disconnected}\n",
    ));
    let mut sees = |change| {
        engine.sees(
            Payload::Connection(Connection {
                device: DeviceId::new("dev_b"),
                device_type: None,
                change,
                at: NOW.parse().unwrap(),
            }),
            false,
        )
    };
    assert_eq!(
        sees(ConnectionChange::Disconnected),
        ["r: started", "phone: hello"]
    );
    assert_eq!(
        sees(ConnectionChange::Reconnected),
        ["r: the device was reconnected"]
    );
    assert_eq!(
        sees(ConnectionChange::Unclear),
        [
            "r: the webhook does not tell whether the device came or went; give each event an address of its own"
        ]
    );
}

#[test]
fn an_event_on_a_device_that_no_rule_listens_to_leads_to_nothing() {
    let mut engine = Engine::with(&telling(ON_CHARGED));
    let elsewhere = Report {
        action: ActionId::new("act_1"),
        device: DeviceId::new("dev_of_somebody"),
        device_type: None,
        command: Some("charge".to_owned()),
        outcome: Outcome::Completed,
        ended_at: None,
    };
    assert_eq!(engine.sees(Payload::Report(elsewhere), false), [""; 0]);
    assert_eq!(engine.sees(Payload::Unknown, false), [""; 0]);
}

#[test]
fn a_rule_that_is_switched_off_does_not_look() {
    let mut engine = Engine::with(&telling(&format!("    enabled: false\n{ON_CHARGED}")));
    assert_eq!(engine.battery("charge", Outcome::Completed), [""; 0]);
}

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
