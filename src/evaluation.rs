//! Inbox to engine to outbox: what an event leads to, in the transaction that records the event.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::watch;

use crate::clock::Clock;
use crate::domain::event::{Event, Payload};
use crate::engine::decision::Decision;
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
    /// Also what tells when something is due next.
    pub(crate) fn new(rules: Arc<RuleSet>, clock: Clock) -> (Self, watch::Receiver<Alarm>) {
        let (alarm, alarms) = watch::channel(Alarm::default());
        let evaluation = Self {
            rules,
            clock,
            memory: Memory::Unsure(State::default()),
            alarm,
        };
        (evaluation, alarms)
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
        let own = depth(tx, &event.payload)?;
        let now = self.clock.now();
        // A tick that nothing comes of is no row.
        let mut is_kept = event.payload != Payload::Tick;
        let input = Input { event, own };
        engine::take(&self.rules, state, input, now, |state, decision| {
            if !is_kept && !decision.is_empty() {
                inbox::keep(tx, event)?;
                is_kept = true;
            }
            write(tx, state, decision, now)
        })?;
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
    }
}

/// How deep the run stands in the chain of runs whose order this is about; none when it is about none of ours.
#[expect(clippy::wildcard_enum_match_arm, reason = "two kinds are about orders")]
fn depth(tx: &Tx<'_>, payload: &Payload) -> Result<Option<u32>, Error> {
    match payload {
        Payload::Report(report) => outbox::depth_of_action(tx, report),
        Payload::Settled(settled) => outbox::depth(tx, &settled.command),
        _ => Ok(None),
    }
}

fn write(tx: &Tx<'_>, state: &State, decision: &Decision, now: Timestamp) -> Result<(), Error> {
    let Decision {
        changes,
        commands,
        notifications,
        traces,
        reads: _,
        follow_ups: _,
    } = decision;
    changes
        .iter()
        .try_for_each(|it| runs::save(tx, state, it))?;
    commands
        .iter()
        .try_for_each(|it| outbox::enqueue(tx, it, now))?;
    notifications
        .iter()
        .try_for_each(|it| notifications::enqueue(tx, it, now))?;
    traces.iter().try_for_each(|it| runs::add_trace(tx, it))
}
