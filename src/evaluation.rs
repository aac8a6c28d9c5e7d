//! Inbox to engine to outbox: what an event leads to, in the transaction that records the event.
//!
//! New rules come into force with the event that tells of them: for it and for all later ones, and not at
//! all when its transaction does not stand.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};

use crate::clock::Clock;
use crate::domain::event::{Event, Payload};
use crate::domain::id::{EventId, RuleId};
use crate::engine::decision::ReadRequest;
use crate::engine::state::State;
use crate::engine::{self, Input};
use crate::rules::rule::RuleSet;
use crate::store::clock_set::FollowingClock;
use crate::store::error::Error;
use crate::store::writer::{Consumer, Tx};
use crate::store::{decisions, inbox, outbox, rules, runs};
use crate::worker::Alarm;

/// The engine with its memory. The memory is what the tables say; when in doubt it is read again.
#[derive(Debug)]
pub(crate) struct Evaluation {
    rules: Generation,
    /// Those before, until it is sure that they are not needed again.
    former: Option<Generation>,
    offered: watch::Receiver<Option<Offer>>,
    clock: FollowingClock,
    memory: Memory,
    alarm: watch::Sender<Alarm>,
    reads: mpsc::Sender<ReadRequest>,
}

/// How many requests to read may wait; of one more, nothing comes, and who waits for it goes on without.
const READS_WAITING_MAX: usize = 256;

/// What others do for the engine; all of it hints.
#[derive(Debug)]
pub(crate) struct Hints {
    /// When something is due next.
    pub(crate) alarms: watch::Receiver<Alarm>,
    /// Devices that are to be read at once.
    pub(crate) reads: mpsc::Receiver<ReadRequest>,
}

/// Rules that are to come into force with `event`. One at a time: the next is offered when it is known
/// what became of this one.
#[derive(Clone, Debug)]
pub(crate) struct Offer {
    pub(crate) event: EventId,
    pub(crate) rules: Arc<RuleSet>,
}

/// Rules, and the event with which they came into force; none for those of the start.
#[derive(Debug)]
struct Generation {
    event: Option<EventId>,
    rules: Arc<RuleSet>,
}

/// What is remembered of the state.
#[derive(Debug)]
enum Memory {
    /// As the tables have it.
    Sure(State),
    /// Perhaps not as the tables have it. What was read stays true: the tables do not hold how lately.
    Unsure(State),
}

impl Evaluation {
    /// Begins with `rules`, and takes over those that are `offered`. Also what tells when something is due next.
    pub(crate) fn new(
        rules: Arc<RuleSet>,
        offered: watch::Receiver<Option<Offer>>,
        clock: Clock,
    ) -> (Self, Hints) {
        let (alarm, alarms) = watch::channel(Alarm::default());
        let (reads, wanted) = mpsc::channel(READS_WAITING_MAX);
        let evaluation = Self {
            rules: Generation { event: None, rules },
            former: None,
            offered,
            clock: FollowingClock::new(clock),
            memory: Memory::Unsure(State::default()),
            alarm,
            reads,
        };
        let reads = wanted;
        (evaluation, Hints { alarms, reads })
    }

    /// What it takes for true before the next event.
    #[cfg(test)]
    pub(crate) fn remembered(&mut self, tx: &Tx<'_>) -> Result<&State, Error> {
        self.recall(tx)?;
        Ok(self.memory.state())
    }

    /// Makes sure that memory is what the tables say, the rules included.
    fn recall(&mut self, tx: &Tx<'_>) -> Result<(), Error> {
        let Memory::Unsure(before) = &self.memory else {
            return Ok(());
        };
        let mut state = runs::load(tx)?;
        // What was remembered may have moved with a clock that was set in vain.
        if !self.clock.put_right(tx)? {
            state.keep_later_readings(before);
        }
        let in_force = rules::in_force(tx)?;
        if let Some(former) = self.former.as_mut() {
            let is_named = |it: &Generation| in_force.is_some() && it.event == in_force;
            // A reload that nobody here knows of was one of an earlier engine.
            let is_former = is_named(former) || (former.event.is_none() && !is_named(&self.rules));
            if is_former {
                std::mem::swap(former, &mut self.rules);
            }
        }
        self.memory = Memory::Sure(state);
        Ok(())
    }

    /// The rules that come into force with `event` take the place of the old ones.
    fn take_over(&mut self, tx: &Tx<'_>, event: &Event) -> Result<(), Error> {
        let offer = self.offered.borrow().clone();
        if let Some(Offer { rules, .. }) = offer.filter(|it| it.event == event.id) {
            let event = Some(event.id.clone());
            let former = std::mem::replace(&mut self.rules, Generation { event, rules });
            self.former = Some(former);
        }
        let Generation { event, rules } = &self.rules;
        rules::put_in_force(tx, rules, event.as_ref(), self.clock.now())
    }
}

impl Memory {
    fn doubt(&mut self) {
        if let Self::Sure(state) = self {
            *self = Self::Unsure(std::mem::take(state));
        }
    }

    fn state(&mut self) -> &mut State {
        match self {
            Self::Sure(state) | Self::Unsure(state) => state,
        }
    }
}

impl Consumer for Evaluation {
    fn consume(&mut self, tx: &Tx<'_>, event: &Event) -> Result<(), Error> {
        self.recall(tx)?;
        if let Payload::Engine(_) = event.payload {
            self.take_over(tx, event)?;
        }
        let now = self.clock.at(event, tx)?;
        let state = self.memory.state();
        let own = chain(tx, &event.payload)?;
        let settled = match event.payload.report() {
            Some(report) => outbox::settled_by(tx, &event.id, report)?,
            None => None,
        };
        let mut is_kept = is_on_record(&event.payload);
        let mut reads = Vec::new();
        let input = Input {
            event,
            own: own.as_deref(),
            settled: settled.as_ref(),
        };
        engine::take(&self.rules.rules, state, input, now, |state, decision| {
            if !is_kept && !decision.is_empty() {
                inbox::keep(tx, event)?;
                is_kept = true;
            }
            reads.extend(decision.reads.iter().cloned());
            decisions::write(tx, state, decision, now)
        })?;
        for request in reads {
            // Who waits for an answer has a deadline.
            if let Err(error) = self.reads.try_send(request) {
                tracing::debug!(%error, "a device is not read at once");
            }
        }
        let at = state.next_alarm();
        let is_tick = event.payload == Payload::Tick;
        self.alarm.send_if_modified(|alarm| {
            let next = Alarm {
                at,
                ticks: alarm.ticks + u64::from(is_tick),
            };
            std::mem::replace(alarm, next) != next
        });
        Ok(())
    }

    fn forget(&mut self) {
        self.memory.doubt();
        // What was said of the next moment may be undone: a tick finds it anew.
        self.alarm
            .send_modify(|alarm| alarm.at = Some(Timestamp::MIN));
    }
}

/// Whether events of this kind are recorded before they are shown. A tick, and a reading that brings
/// nothing new, are rows only when something comes of them.
fn is_on_record(payload: &Payload) -> bool {
    !matches!(
        payload,
        Payload::Tick | Payload::Readings(_) | Payload::Input(_) | Payload::NotRead { .. }
    )
}

/// The rules of the runs that caused each other, down to the one whose order this is about; none when it
/// is about none of ours.
#[expect(clippy::wildcard_enum_match_arm, reason = "two kinds are about orders")]
fn chain(tx: &Tx<'_>, payload: &Payload) -> Result<Option<Vec<RuleId>>, Error> {
    match payload {
        Payload::Report(report) => outbox::chain_of_action(tx, report),
        Payload::Settled(settled) => outbox::chain(tx, &settled.command),
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Mutex;
    use std::time::Duration;

    use jiff::Timestamp;

    use super::*;
    use crate::config::names::Names;
    use crate::document::source::SourceFile;
    use crate::domain::device::{Device, DeviceType};
    use crate::domain::event::{EngineChange, Report, Source};
    use crate::domain::id::{ActionId, DeviceAlias, DeviceId, EventId};
    use crate::domain::lifecycle::{Failure, Outcome, Step};
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
        Event {
            id: EventId::new(id),
            source: Source::Webhook,
            received_at: at,
            payload: Payload::Report(Report {
                action: ActionId::new(action),
                device: DeviceId::new("dev_1"),
                device_type: None,
                command: Some("charge".to_owned()),
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
";

    #[tokio::test]
    async fn after_a_transaction_that_failed_the_next_moment_is_found_anew() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::start(dir.path(), Vec::new()).unwrap().store;
        let rings = |tx: &Tx<'_>| {
            let now = Timestamp::UNIX_EPOCH;
            let (clock, _winder) = Clock::simulated(now);
            let (_, nothing_offered) = watch::channel(None);
            let rules = Arc::new(rule_set(PATIENT));
            let (mut evaluation, hints) = Evaluation::new(rules, nothing_offered, clock);
            let alarms = hints.alarms;
            let begins = ended("begins", "act_1", Outcome::Completed, now);
            evaluation.consume(tx, &begins)?;
            let over = crate::clock::later(now, Duration::from_mins(5));
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
}
