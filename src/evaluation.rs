//! Inbox to engine to outbox: what an event leads to, in the transaction that records the event.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};

use crate::clock::Clock;
use crate::domain::event::{Event, Payload};
use crate::domain::id::RuleId;
use crate::engine::decision::{Change, Decision, ReadRequest};
use crate::engine::state::State;
use crate::engine::{self, Input};
use crate::rules::rule::RuleSet;
use crate::store::error::Error;
use crate::store::writer::{Consumer, Tx};
use crate::store::{inbox, notifications, outbox, runs};
use crate::worker::Alarm;

/// The engine with its memory. The memory is what the tables say; when in doubt it is read again.
#[derive(Debug)]
pub(crate) struct Evaluation {
    rules: Arc<RuleSet>,
    clock: Clock,
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

/// What is remembered of the state.
#[derive(Debug)]
enum Memory {
    /// As the tables have it.
    Sure(State),
    /// Perhaps not as the tables have it. What was read stays true: the tables do not hold how lately.
    Unsure(State),
}

impl Evaluation {
    pub(crate) fn new(rules: Arc<RuleSet>, clock: Clock) -> (Self, Hints) {
        let (alarm, alarms) = watch::channel(Alarm::default());
        let (reads, wanted) = mpsc::channel(READS_WAITING_MAX);
        let evaluation = Self {
            rules,
            clock,
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
        self.memory.recall(tx).map(|it| &*it)
    }
}

impl Memory {
    /// The state as the tables have it.
    fn recall(&mut self, tx: &Tx<'_>) -> Result<&mut State, Error> {
        if let Self::Unsure(before) = self {
            let mut state = runs::load(tx)?;
            state.keep_later_readings(before);
            *self = Self::Sure(state);
        }
        match self {
            Self::Sure(state) | Self::Unsure(state) => Ok(state),
        }
    }

    fn doubt(&mut self) {
        if let Self::Sure(state) = self {
            *self = Self::Unsure(std::mem::take(state));
        }
    }
}

impl Consumer for Evaluation {
    fn consume(&mut self, tx: &Tx<'_>, event: &Event) -> Result<(), Error> {
        let state = self.memory.recall(tx)?;
        let own = chain(tx, &event.payload)?;
        let settled = match event.payload.report() {
            Some(report) => outbox::settled_by(tx, &event.id, report)?,
            None => None,
        };
        let now = self.clock.now();
        let mut is_kept = is_on_record(&event.payload);
        let mut reads = Vec::new();
        let input = Input {
            event,
            own: own.as_deref(),
            settled: settled.as_ref(),
        };
        engine::take(&self.rules, state, input, now, |state, decision| {
            if !is_kept && !decision.is_empty() {
                inbox::keep(tx, event)?;
                is_kept = true;
            }
            reads.extend(decision.reads.iter().cloned());
            write(tx, state, decision, now)
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
        Payload::Tick | Payload::Readings(_) | Payload::Input(_) | Payload::NotRead(_)
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

fn write(tx: &Tx<'_>, state: &State, decision: &Decision, now: Timestamp) -> Result<(), Error> {
    let Decision {
        changes,
        commands,
        withdrawn,
        notifications,
        traces,
        reads: _,
        follow_ups: _,
        moved_on: _,
    } = decision;
    for change in changes {
        if let Change::RulePaused { rule, reason, .. } = change {
            tracing::warn!(%rule, reason, "a rule is paused");
        }
        runs::save(tx, state, change)?;
    }
    commands
        .iter()
        .try_for_each(|it| outbox::enqueue(tx, it, now))?;
    withdrawn
        .iter()
        .try_for_each(|it| outbox::withdraw(tx, it, now))?;
    notifications
        .iter()
        .try_for_each(|it| notifications::enqueue(tx, it, now))?;
    traces.iter().try_for_each(|it| runs::add_trace(tx, it))
}
#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use jiff::Timestamp;

    use super::*;
    use crate::config::names::Names;
    use crate::document::source::SourceFile;
    use crate::domain::device::{Device, DeviceType};
    use crate::domain::event::{Report, Source};
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
        let mut evaluation = Evaluation::new(Arc::new(rule_set(RULES)), clock.clone()).0;
        let failure = Outcome::Failed(Failure::new(Some("DEVICE_OFFLINE"), "no answer"));
        let outcomes = [Outcome::Completed, failure, Outcome::Cancelled];
        for (nth, outcome) in outcomes.into_iter().enumerate() {
            let check = |evaluation: &mut Evaluation| -> Result<(), Error> {
                let remembered = evaluation.memory.recall(tx)?.clone();
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
            let (mut evaluation, hints) = Evaluation::new(Arc::new(rule_set(PATIENT)), clock);
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
}
