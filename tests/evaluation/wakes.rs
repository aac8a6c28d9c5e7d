//! What wakes a rule, and what does not.

use amps_rules::domain::event::{
    Connection, ConnectionChange, EngineChange, Event, Payload, Report, Source,
};
use amps_rules::domain::id::{ActionId, DeviceId, EventId, RuleId, RunId};
use amps_rules::domain::lifecycle::Outcome;

use amps_rules::engine::Input;

use super::{Engine, NOW, ON_CHARGED, failed, report, taken, telling};

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
fn two_schedules_that_come_due_together_make_two_runs_with_ids_and_messages_of_their_own() {
    let mut engine = Engine::with(
        "version: 1
rules:
  - id: r
    triggers:
      - {trigger: time, at: \"22:35\", id: first}
      - {trigger: cron, expression: \"35 22 * * *\", id: second}
    actions: {notify: phone, message: \"{{ trigger.id }}\"}
",
    );
    engine.sees(Payload::Engine(EngineChange::Started), false);
    engine.pass(5);
    let event = Event {
        id: EventId::new("tick"),
        source: Source::Engine,
        received_at: engine.now,
        payload: Payload::Tick,
    };
    let input = Input {
        event: &event,
        own: None,
        settled: None,
    };
    let decision = taken(&engine.rules, &mut engine.state, input, engine.now);
    let messages = decision.notifications.iter();
    let messages: Vec<_> = messages.map(|it| it.message.as_str()).collect();
    assert_eq!(messages, ["first", "second"]);
    let id = |occasion| {
        let id = RunId::derive_on(&RuleId::new("r"), &event.id, engine.now, occasion);
        id.as_str().to_owned()
    };
    let runs = decision.notifications.iter().map(|it| it.run.as_str());
    assert_eq!(runs.collect::<Vec<_>>(), [id(""), id("1")]);
    let ids: std::collections::BTreeSet<_> =
        decision.notifications.iter().map(|it| &it.id).collect();
    assert_eq!(ids.len(), 2);
}

#[test]
fn an_absence_that_is_over_counts_though_what_was_missed_comes_before_the_clock_is_looked_at() {
    let mut engine = Engine::with(&telling(
        "    triggers:
      - trigger: absence
        of: {trigger: device, device: house_battery, event: connected}
        absent_for: 1h
",
    ));
    engine.sees(Payload::Engine(EngineChange::Started), false);
    let connects = |engine: &mut Engine| {
        let connection = Connection {
            device: DeviceId::new("dev_b"),
            device_type: None,
            change: ConnectionChange::Connected,
            at: engine.now,
        };
        engine.sees(Payload::Connection(connection), false)
    };
    engine.pass(59);
    assert_eq!(connects(&mut engine), ["r: not all of it has come"]);
    // The program was gone over the moment, and the webhook is the first that it hears.
    engine.pass(61);
    assert_eq!(connects(&mut engine), ["r: started", "phone: hello"]);
    // And it counts from there.
    engine.pass(59);
    assert_eq!(engine.sees(Payload::Tick, false), [""; 0]);
    engine.pass(1);
    assert_eq!(
        engine.sees(Payload::Tick, false),
        ["r: started", "phone: hello"]
    );
}
