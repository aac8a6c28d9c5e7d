//! Somebody sets the clock of the machine: what waits for a duration, and what goes by the time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use crate::clock::{Clock, SET_MIN, Winder, later};
use crate::clock_watch::{self, ClockWatch};
use crate::config::names::Names;
use crate::document::source::SourceFile;
use crate::domain::command::{Command, Timing};
use crate::domain::device::{Device, DeviceType};
use crate::domain::event::{EngineChange, Event, Payload, Readings, Report, Source};
use crate::domain::id::{ActionId, CommandId, DeviceAlias, DeviceId, EventId, RuleId};
use crate::domain::lifecycle::{Lifecycle, Outcome, Step};
use crate::domain::value::{Origin, Value};
use crate::evaluation::Evaluation;
use crate::rules;
use crate::store::error::Error;
use crate::store::outbox::{self, Waiting};
use crate::store::writer::{Consumer, Tx};
use crate::store::{Store, clock_set, inbox, runs};
use crate::worker::Alarm;

const RULES: &str = "version: 1
rules:
  - id: six
    triggers: {trigger: time, at: \"06:00\"}
    actions: {delay: 2d}
  - id: delayed
    triggers: {trigger: command, device: battery, command: charge}
    actions: {delay: 10m}
  - id: seldom
    triggers: {trigger: command, device: battery, command: charge}
    cooldown: 1h
    mode: parallel
    max: 9
    actions: {delay: 2d}
  - id: lasting
    triggers: {trigger: command, device: battery, command: discharge}
    conditions: {condition: numeric_state, device: battery, attribute: level, above: 50, for: 10m}
    actions: {delay: 2d}
";

/// Each event has an id of its own.
static N_EVENTS: AtomicU32 = AtomicU32::new(0);

/// Comes to be full when all of an event has been dealt with.
struct Disk(Arc<AtomicBool>);

impl Consumer for Disk {
    fn consume(&mut self, _tx: &Tx<'_>, _event: &Event) -> Result<(), Error> {
        if self.0.load(Ordering::Relaxed) {
            return Err(Error::Unavailable("the disk is full".to_owned()));
        }
        Ok(())
    }

    fn forget(&mut self) {}
}

struct Home {
    watch: ClockWatch,
    clock: Clock,
    winder: Winder,
    next: watch::Receiver<Alarm>,
    is_disk_full: Arc<AtomicBool>,
    dir: tempfile::TempDir,
}

impl Home {
    async fn started_at(moment: &str) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), moment).await
    }

    /// Stopped, and started again when the clock of the machine shows `moment`.
    async fn restarted_at(self, moment: &str) -> Self {
        let Self { watch, dir, .. } = self;
        drop(watch);
        Self::start_in(dir, moment).await
    }

    async fn start_in(dir: tempfile::TempDir, moment: &str) -> Self {
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
        let rules = rules::load(&[SourceFile::new("rules/r.yaml", RULES)], &names).rules;
        let (clock, winder) = Clock::simulated(moment.parse().unwrap());
        // These rules stay in force.
        let (_, nothing_offered) = watch::channel(None);
        let (evaluation, hints) = Evaluation::new(Arc::new(rules), nothing_offered, clock.clone());
        let is_disk_full = Arc::new(AtomicBool::new(false));
        let disk = Disk(Arc::clone(&is_disk_full));
        let consumers: Vec<Box<dyn Consumer>> = vec![Box::new(evaluation), Box::new(disk)];
        let store = Store::start(dir.path(), consumers).unwrap().store;
        let watch = ClockWatch {
            store,
            clock: clock.clone(),
        };
        let mut home = Self {
            watch,
            clock,
            winder,
            next: hints.alarms,
            is_disk_full,
            dir,
        };
        let now = home.clock.now();
        let look = move |tx: &Tx<'_>| clock_watch::look_at_start(tx, now);
        home.watch.store.write(look).await.unwrap();
        home.watch.store.write(clock_set::begin_life).await.unwrap();
        home.happens(Payload::Engine(EngineChange::Started)).await;
        home
    }

    async fn happens(&mut self, payload: Payload) {
        let number = N_EVENTS.fetch_add(1, Ordering::Relaxed);
        let event = Event {
            id: EventId::new(format!("evt_{number}")),
            source: Source::Engine,
            received_at: self.clock.now(),
            payload,
        };
        let record = move |tx: &Tx<'_>| inbox::record(tx, event.clone(), None).map(drop);
        self.watch.store.write(record).await.unwrap();
    }

    /// Somebody else's order is over.
    async fn charged(&mut self) {
        self.ended("charge").await;
    }

    async fn ended(&mut self, command: &str) {
        let number = N_EVENTS.fetch_add(1, Ordering::Relaxed);
        self.happens(Payload::Report(Report {
            action: ActionId::new(format!("act_{number}")),
            device: DeviceId::new("dev_1"),
            device_type: None,
            command: Some(command.to_owned()),
            outcome: Outcome::Completed,
            ended_at: None,
        }))
        .await;
    }

    async fn level_is_read(&mut self) {
        self.happens(Payload::Readings(Readings {
            device: DeviceId::new("dev_1"),
            taken_at: self.clock.now(),
            origin: Origin::Live,
            values: BTreeMap::from([("level".to_owned(), Value::Number(60.0))]),
        }))
        .await;
    }

    /// The wall clock shows `moment` now.
    async fn is_set_to(&mut self, moment: &str) {
        let moment: Timestamp = moment.parse().unwrap();
        self.winder
            .set_wall(moment.duration_since(self.clock.now()));
        self.watch.look().await.unwrap();
        assert_eq!(self.clock.now(), moment);
    }

    fn next_alarm(&self) -> String {
        let at = self.next.borrow().at;
        at.map_or_else(|| "never".to_owned(), |it| it.to_string())
    }

    async fn runs_of(&self, rule: &str) -> usize {
        let rule = RuleId::new(rule);
        let count = move |tx: &Tx<'_>| Ok(runs::load(tx)?.runs_of(&rule).count());
        self.watch.store.write(count).await.unwrap()
    }
}

#[tokio::test]
async fn what_waits_for_a_duration_waits_as_long_after_the_clock_was_set() {
    let mut home = Home::started_at("2026-03-01T22:00:00Z").await;
    home.charged().await;
    home.winder.advance(Duration::from_mins(4));
    home.is_set_to("2026-03-02T06:30:00Z").await;
    // Six o'clock was passed over, and is too long ago to be made up for.
    assert_eq!(home.next_alarm(), "2026-03-02T06:00:00Z");
    home.happens(Payload::Tick).await;
    assert_eq!(home.runs_of("six").await, 0);
    assert_eq!(home.next_alarm(), "2026-03-02T06:36:00Z");
    home.winder.advance(Duration::from_mins(6));
    home.happens(Payload::Tick).await;
    assert_eq!(home.runs_of("delayed").await, 0);
    assert_eq!(home.next_alarm(), "2026-03-03T06:00:00Z");
}

#[tokio::test]
async fn a_clock_that_is_put_back_fires_no_time_again_and_delays_nothing() {
    let mut home = Home::started_at("2026-03-02T05:59:00Z").await;
    home.winder.advance(Duration::from_mins(1));
    home.happens(Payload::Tick).await;
    assert_eq!(home.runs_of("six").await, 1);
    home.charged().await;
    home.is_set_to("2026-03-02T03:00:00Z").await;
    assert_eq!(home.next_alarm(), "2026-03-02T03:10:00Z");
    home.winder.advance(Duration::from_mins(10));
    home.happens(Payload::Tick).await;
    assert_eq!(home.runs_of("delayed").await, 0);
    assert_eq!(home.next_alarm(), "2026-03-03T06:00:00Z");
}

#[tokio::test]
async fn times_are_held_until_the_clock_can_be_right() {
    let mut home = Home::started_at("1970-01-01T00:00:10Z").await;
    assert_eq!(home.next_alarm(), "never");
    home.charged().await;
    home.is_set_to("2026-03-02T05:55:00Z").await;
    assert_eq!(home.next_alarm(), "2026-03-02T06:00:00Z");
    home.winder.advance(Duration::from_mins(5));
    home.happens(Payload::Tick).await;
    assert_eq!(home.runs_of("six").await, 1);
    assert_eq!(home.next_alarm(), "2026-03-02T06:05:00Z");
}

#[tokio::test]
async fn a_machine_that_starts_in_the_past_waits_no_longer_than_was_left() {
    let mut home = Home::started_at("2026-03-01T22:00:00Z").await;
    home.charged().await;
    home.winder.advance(Duration::from_mins(4));
    home.happens(Payload::Unknown).await;
    let mut home = home.restarted_at("1970-01-01T00:00:10Z").await;
    assert_eq!(home.next_alarm(), "1970-01-01T00:06:10Z");
    home.is_set_to("2026-03-02T05:55:00Z").await;
    home.happens(Payload::Tick).await;
    assert_eq!(home.next_alarm(), "2026-03-02T06:00:00Z");
    home.winder.advance(Duration::from_mins(5));
    home.happens(Payload::Tick).await;
    assert_eq!(home.runs_of("delayed").await, 1);
    assert_eq!(home.next_alarm(), "2026-03-02T06:01:00Z");
}

#[tokio::test]
async fn a_clock_that_is_kept_right_was_not_set() {
    let home = Home::started_at("2026-03-02T05:59:00Z").await;
    home.winder.set_wall(SET_MIN);
    assert_eq!(home.clock.set_by(), None);
    let ahead = SET_MIN + SignedDuration::from_millis(1);
    home.winder.set_wall(ahead);
    assert_eq!(home.clock.set_by(), Some(ahead));
}

/// What is looked up for a push is found by its time, by the clock as it is then.
#[tokio::test]
async fn an_order_that_is_open_began_as_long_ago_as_before() {
    let mut home = Home::started_at("2026-03-02T05:00:00Z").await;
    let now = home.clock.now();
    let ahead = later(now, Duration::from_hours(8));
    let planned = Command {
        timing: Timing {
            start: Some(ahead),
            end: Some(ahead),
            start_counts: true,
            end_counts: false,
        },
        ..Command::example("cmd_1", "dev_1")
    };
    let order = move |tx: &Tx<'_>| outbox::enqueue(tx, &planned, now);
    home.watch.store.write(order).await.unwrap();
    let taken = move |tx: &Tx<'_>| {
        let step = Step::Acknowledged {
            action: ActionId::new("act_1"),
            look_up_at: now,
            deadline: now,
        };
        outbox::advance(tx, &CommandId::new("cmd_1"), step, None, now).map(drop)
    };
    home.watch.store.write(taken).await.unwrap();
    home.winder.advance(Duration::from_mins(1));
    home.is_set_to("2026-03-02T09:01:00Z").await;
    let due = |tx: &Tx<'_>| outbox::due(tx, Waiting::Acknowledged, Timestamp::MAX);
    let open = home.watch.store.write(due).await.unwrap().remove(0);
    let expected: Timestamp = "2026-03-02T09:00:00Z".parse().unwrap();
    assert_eq!((open.began_at, open.sent_at), (expected, Some(expected)));
    assert_eq!(open.created_at, now);
    // A duration is as long as before, and a time of the day is that time.
    let set_by = Duration::from_hours(4);
    let timing = open.command.timing;
    assert_eq!(timing.start, Some(later(ahead, set_by)));
    assert_eq!(timing.end, Some(ahead));
    let Lifecycle::Acknowledged {
        look_up_at,
        deadline,
        ..
    } = open.lifecycle
    else {
        unreachable!("it was acknowledged");
    };
    assert_eq!((look_up_at, deadline), (expected, expected));
}

/// Nobody knows how long the machine was switched off when it wakes without the time.
#[tokio::test]
async fn an_order_of_an_earlier_life_may_be_older_than_what_was_counted() {
    let mut home = Home::started_at("2026-03-02T05:00:00Z").await;
    home.winder.advance(Duration::from_mins(1));
    home.happens(Payload::Unknown).await;
    let now = home.clock.now();
    let order = move |tx: &Tx<'_>| outbox::enqueue(tx, &Command::example("cmd_1", "dev_1"), now);
    home.watch.store.write(order).await.unwrap();
    let open = |tx: &Tx<'_>| Ok(outbox::sending(tx)?.remove(0));
    let before = home.watch.store.write(open).await.unwrap();
    assert!(!before.is_from_before);
    let home = home.restarted_at("1970-01-01T00:00:10Z").await;
    let after = home.watch.store.write(open).await.unwrap();
    assert_eq!(after.began_at, "1970-01-01T00:00:10Z".parse().unwrap());
    assert!(after.is_from_before);
}

#[tokio::test]
async fn a_cooldown_lasts_as_long_however_the_clock_is_set() {
    let mut home = Home::started_at("2026-03-02T12:00:00Z").await;
    home.charged().await;
    assert_eq!(home.runs_of("seldom").await, 1);
    for (wall, restarts) in [
        ("2026-03-02T20:00:00Z", false),
        ("2026-03-02T09:00:00Z", true),
        ("2026-03-02T15:00:00Z", true),
    ] {
        home.is_set_to(wall).await;
        if restarts {
            home = home.restarted_at(wall).await;
        }
        home.charged().await;
        assert_eq!(home.runs_of("seldom").await, 1, "{wall}");
    }
    home.winder.advance(Duration::from_hours(1));
    home.charged().await;
    assert_eq!(home.runs_of("seldom").await, 2);
}

#[tokio::test]
async fn how_long_a_value_has_been_so_goes_on_counting() {
    let mut home = Home::started_at("2026-03-02T12:00:00Z").await;
    home.level_is_read().await;
    home.winder.advance(Duration::from_mins(6));
    home.level_is_read().await;
    home.is_set_to("2026-03-02T17:00:00Z").await;
    home.winder.advance(Duration::from_mins(3));
    home.level_is_read().await;
    home.ended("discharge").await;
    assert_eq!(home.runs_of("lasting").await, 0);
    home = home.restarted_at("2026-03-02T17:04:00Z").await;
    home.level_is_read().await;
    home.ended("discharge").await;
    assert_eq!(home.runs_of("lasting").await, 1);
}

#[tokio::test]
async fn a_time_that_fired_before_the_clock_was_months_behind_does_not_fire_again() {
    let mut home = Home::started_at("2026-06-01T05:59:00Z").await;
    home.winder.advance(Duration::from_mins(1));
    home.happens(Payload::Tick).await;
    assert_eq!(home.runs_of("six").await, 1);
    let mut home = home.restarted_at("2026-02-01T00:00:00Z").await;
    assert_eq!(home.next_alarm(), "2026-02-01T06:00:00Z");
    home.is_set_to("2026-06-01T06:03:00Z").await;
    home.happens(Payload::Tick).await;
    assert_eq!(home.runs_of("six").await, 1);
    assert_eq!(home.next_alarm(), "2026-06-02T06:00:00Z");
}

#[tokio::test]
async fn a_time_that_was_missed_while_the_machine_had_no_clock_is_made_up_for() {
    let home = Home::started_at("2026-06-01T05:59:00Z").await;
    let mut home = home.restarted_at("1970-01-01T00:00:10Z").await;
    assert_eq!(home.next_alarm(), "never");
    home.is_set_to("2026-06-01T06:03:00Z").await;
    home.happens(Payload::Tick).await;
    assert_eq!(home.runs_of("six").await, 1);
}

#[tokio::test]
async fn while_the_new_time_cannot_be_written_down_everything_goes_by_the_old_one() {
    let mut home = Home::started_at("2026-03-02T12:00:00Z").await;
    home.charged().await;
    let noon = home.clock.now();
    for hours in [5, -5] {
        home.winder.set_wall(SignedDuration::from_hours(hours));
        home.is_disk_full.store(true, Ordering::Relaxed);
        home.watch.look().await.unwrap_err();
        assert_eq!(home.clock.now(), noon);
        home.is_disk_full.store(false, Ordering::Relaxed);
        home.happens(Payload::Unknown).await;
        assert_eq!(home.clock.now(), noon);
        assert_eq!(home.next_alarm(), "2026-03-02T12:10:00Z");
    }
    home.is_set_to("2026-03-02T17:00:00Z").await;
    assert_eq!(home.next_alarm(), "2026-03-02T17:10:00Z");
}

#[tokio::test]
async fn who_sleeps_for_a_while_sleeps_as_long_when_the_clock_is_set() {
    let (clock, winder) = Clock::simulated("2026-03-02T12:00:00Z".parse().unwrap());
    let mut sleep = std::pin::pin!(clock.sleep(Duration::from_mins(1)));
    let mut is_over = async || {
        tokio::select! {
            biased;
            () = &mut sleep => true,
            () = std::future::ready(()) => false,
        }
    };
    assert!(!is_over().await);
    for hours in [5, -5] {
        clock.take_over(SignedDuration::from_hours(hours));
        assert!(!is_over().await);
        winder.advance(Duration::from_secs(29));
        assert!(!is_over().await);
    }
    winder.advance(Duration::from_secs(2));
    assert!(is_over().await);
}
