//! What the engine remembers is what the tables say, whatever becomes of a transaction.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use jiff::Timestamp;

use super::*;
use crate::config::names::Names;
use crate::document::source::SourceFile;
use crate::domain::device::{Device, DeviceType};
use crate::domain::event::{EngineChange, InputReading, Report, Source};
use crate::domain::id::{ActionId, DeviceAlias, DeviceId, EventId, InputName};
use crate::domain::lifecycle::{Failure, Outcome, Step};
use crate::domain::value::Point;
use crate::rules;
use crate::store::Store;

const RULES: &str = "version: 1
rules:
  - id: r
    triggers: {trigger: command, device: battery, command: charge}
    actions:
      - {command: charge, device: battery, parameters: {target: 90 %}, retry: {attempts: 1}}
";

fn rule_set(rules: &str) -> RuleSet {
    let alias = DeviceAlias::new("battery");
    let battery = Device {
        alias: alias.clone(),
        device_type: DeviceType::Battery,
        id: DeviceId::new("dev_1"),
    };
    let names = Names {
        devices: BTreeMap::from([(alias, battery)]),
        ..Names::default()
    };
    rules::load(&[SourceFile::new("rules/r.yaml", rules)], &names).rules
}

fn ended(id: &str, action: &str, outcome: Outcome, at: Timestamp) -> Event {
    ended_of("charge", (id, action), outcome, at)
}

fn ended_of(command: &str, (id, action): (&str, &str), outcome: Outcome, at: Timestamp) -> Event {
    Event {
        id: EventId::new(id),
        source: Source::Webhook,
        received_at: at,
        payload: Payload::Report(Report {
            action: ActionId::new(action),
            device: DeviceId::new("dev_1"),
            device_type: None,
            command: Some(command.to_owned()),
            outcome,
            ended_at: None,
        }),
    }
}

/// Orders are given and end, each at a moment of its own; what the engine remembers of it is at each
/// moment what it would read from the tables.
fn remembers_what_the_tables_say(tx: &Tx<'_>) -> Result<(), Error> {
    let (clock, winder) = Clock::simulated(Timestamp::UNIX_EPOCH);
    let (_, nothing_offered) = watch::channel(None);
    let rules = Arc::new(rule_set(RULES));
    let mut evaluation = Evaluation::new(rules, nothing_offered, clock.clone()).0;
    let failure = Outcome::Failed(Failure::new(Some("DEVICE_OFFLINE"), "no answer"));
    let outcomes = [Outcome::Completed, failure, Outcome::Cancelled];
    for (nth, outcome) in outcomes.into_iter().enumerate() {
        let check = |evaluation: &mut Evaluation| -> Result<(), Error> {
            evaluation.recall(tx)?;
            let remembered = evaluation.memory.state().clone();
            assert_eq!(remembered, runs::load(tx)?);
            winder.advance(Duration::from_mins(1));
            Ok(())
        };
        let someone_elses = format!("act_{nth}");
        let begins = ended(
            &format!("begins_{nth}"),
            &someone_elses,
            Outcome::Completed,
            clock.now(),
        );
        evaluation.consume(tx, &begins)?;
        check(&mut evaluation)?;

        let open = outbox::sending(tx)?.remove(0);
        let action = ActionId::new(format!("act_own_{nth}"));
        let step = Step::Acknowledged {
            action: action.clone(),
            look_up_at: clock.now(),
            deadline: clock.now(),
        };
        outbox::acknowledge(tx, &open.command.id, step, &action, clock.now())?;
        let over = ended(
            &format!("ends_{nth}"),
            action.as_str(),
            outcome,
            clock.now(),
        );
        let Payload::Report(report) = &over.payload else {
            unreachable!("it was just made");
        };
        outbox::settle_by_report(tx, &over.id, report, clock.now())?;
        let settled = outbox::settled_by(tx, &over.id, report)?.unwrap();
        assert_eq!(settled.command, open.command.id);
        let settled = Event {
            id: EventId::new(format!("settled_{nth}")),
            source: Source::Engine,
            received_at: clock.now(),
            payload: Payload::Settled(settled),
        };
        evaluation.consume(tx, &settled)?;
        check(&mut evaluation)?;
    }
    Ok(())
}

const PATIENT: &str = "version: 1
rules:
  - id: r
    triggers: {trigger: command, device: battery, command: charge}
    actions: [{delay: 5m}, {log: x}]
  - id: s
    triggers: {trigger: command, device: battery, command: idle}
    actions: [{wait_until: '{{ 5 <= minute(now()) }}'}]
";

/// Two prices, of five minutes each.
fn foretold(id: &str, at: Timestamp) -> Event {
    let five_minutes = Duration::from_mins(5);
    let point = |start, value| Point {
        start,
        end: Some(crate::clock::later(start, five_minutes)),
        value,
    };
    let series = vec![
        point(at, 1.0),
        point(crate::clock::later(at, five_minutes), 2.0),
    ];
    Event {
        id: EventId::new(id),
        source: Source::Poll,
        received_at: at,
        payload: Payload::Input(InputReading {
            input: InputName::new("price"),
            value: None,
            taken_at: at,
            series,
        }),
    }
}

#[tokio::test]
async fn after_a_transaction_that_failed_the_next_moment_is_found_anew() {
    let now = Timestamp::UNIX_EPOCH;
    for (begins, minutes) in [
        (ended("begins", "act_1", Outcome::Completed, now), 5),
        // What it waits for is asked minute by minute.
        (
            ended_of("idle", ("begins", "act_1"), Outcome::Completed, now),
            1,
        ),
        (foretold("begins", now), 5),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::start(dir.path(), Vec::new()).unwrap().store;
        let rings = move |tx: &Tx<'_>| {
            let (clock, _winder) = Clock::simulated(now);
            let (_, nothing_offered) = watch::channel(None);
            let rules = Arc::new(rule_set(PATIENT));
            let (mut evaluation, hints) = Evaluation::new(rules, nothing_offered, clock);
            let alarms = hints.alarms;
            evaluation.consume(tx, &begins)?;
            let over = crate::clock::later(now, Duration::from_mins(minutes));
            assert_eq!(alarms.borrow().at, Some(over));
            evaluation.forget();
            assert_eq!(alarms.borrow().at, Some(Timestamp::MIN));
            let tick = Event {
                id: EventId::engine("tick", now),
                source: Source::Engine,
                received_at: now,
                payload: Payload::Tick,
            };
            evaluation.consume(tx, &tick)?;
            assert_eq!(alarms.borrow().at, Some(over));
            Ok(())
        };
        store.write(rings).await.unwrap();
    }
}

#[tokio::test]
async fn what_is_known_of_orders_and_runs_is_the_same_before_and_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::start(dir.path(), Vec::new()).unwrap().store;
    store.write(remembers_what_the_tables_say).await.unwrap();
}

/// Fails at reloads, in these ways, the last one first.
struct FailsAtReloads(Arc<Mutex<Vec<Error>>>);

impl Consumer for FailsAtReloads {
    fn consume(&mut self, _tx: &Tx<'_>, event: &Event) -> Result<(), Error> {
        let is_reload = event.payload == Payload::Engine(EngineChange::Reloaded);
        let failure = is_reload.then(|| self.0.lock().unwrap().pop()).flatten();
        failure.map_or(Ok(()), Err)
    }

    fn forget(&mut self) {}
}

/// Offers rules whose only rule has this id, and records the reload.
async fn reload(
    store: &Store,
    offers: &watch::Sender<Option<Offer>>,
    rule: &str,
) -> Result<(), Error> {
    let event = Event {
        id: EventId::new(format!("reload_{rule}")),
        source: Source::Engine,
        received_at: Timestamp::UNIX_EPOCH,
        payload: Payload::Engine(EngineChange::Reloaded),
    };
    let text = RULES.replace("id: r", &format!("id: {rule}"));
    offers.send_replace(Some(Offer {
        event: event.id.clone(),
        rules: Arc::new(rule_set(&text)),
    }));
    let record = move |tx: &Tx<'_>| inbox::record(tx, event.clone(), None).map(drop);
    store.write(record).await
}

/// Wakes the rule in force, and tells which it was.
async fn woken(store: &Store, nth: u32) -> String {
    let action = format!("act_{nth}");
    let event = ended(
        &format!("wakes_{nth}"),
        &action,
        Outcome::Completed,
        Timestamp::UNIX_EPOCH,
    );
    let record = move |tx: &Tx<'_>| inbox::record(tx, event.clone(), None).map(drop);
    store.write(record).await.unwrap();
    store.write(runs::newest_rule).await.unwrap()
}

#[tokio::test]
async fn new_rules_come_into_force_with_their_transaction_and_not_without_it() {
    let dir = tempfile::tempdir().unwrap();
    let (offers, offered) = watch::channel(None);
    let (clock, _winder) = Clock::simulated(Timestamp::UNIX_EPOCH);
    let evaluation = Evaluation::new(Arc::new(rule_set(RULES)), offered, clock).0;
    let failures = Arc::new(Mutex::new(Vec::new()));
    let fails = FailsAtReloads(Arc::clone(&failures));
    let consumers: Vec<Box<dyn Consumer>> = vec![Box::new(evaluation), Box::new(fails)];
    let store = Store::start(dir.path(), consumers).unwrap().store;
    let broken = || Error::Broken("on purpose".to_owned());
    let unavailable = || Error::Unavailable("on purpose".to_owned());

    // The whole transaction is undone.
    failures.lock().unwrap().push(unavailable());
    reload(&store, &offers, "a").await.unwrap_err();
    assert_eq!(woken(&store, 1).await, "r");
    // It is undone, and done again part by part.
    failures.lock().unwrap().push(broken());
    reload(&store, &offers, "b").await.unwrap();
    assert_eq!(woken(&store, 2).await, "b");
    // The second time it fails, too: the event is a dead letter.
    failures.lock().unwrap().extend([broken(), broken()]);
    reload(&store, &offers, "c").await.unwrap();
    assert_eq!(woken(&store, 3).await, "b");
    reload(&store, &offers, "d").await.unwrap();
    failures.lock().unwrap().push(unavailable());
    reload(&store, &offers, "e").await.unwrap_err();
    assert_eq!(woken(&store, 4).await, "d");
}

#[tokio::test]
async fn requests_to_read_for_which_there_is_no_room_are_left_out_until_there_is_some() {
    let (reads, mut wanted) = mpsc::channel(READS_WAITING_MAX);
    let mut are_lost = false;
    let mut ask_for = |nth: usize| {
        let device = DeviceId::new(format!("dev_{nth}"));
        let expedite = false;
        ask(
            &reads,
            ReadRequest {
                device,
                expedite,
                wait: Duration::ZERO,
            },
            &mut are_lost,
        );
        are_lost
    };
    for nth in 0..READS_WAITING_MAX {
        assert!(!ask_for(nth));
    }
    assert!(ask_for(1000));
    assert!(ask_for(1001));
    assert_eq!(wanted.recv().await.unwrap().device.as_str(), "dev_0");
    assert!(!ask_for(1002));
}
