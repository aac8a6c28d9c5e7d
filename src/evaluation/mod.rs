//! Inbox to engine to outbox: what an event leads to, in the transaction that records the event.
//!
//! New rules come into force with the event that tells of them: for it and for all later ones, and not at
//! all when its transaction does not stand.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, watch};

use crate::clock::Clock;
use crate::domain::event::{Event, Payload};
use crate::domain::id::{EventId, RuleId};
use crate::engine::decision::ReadRequest;
use crate::engine::state::State;
use crate::engine::{self, FOLLOW_UPS_MAX, Input, Left};
use crate::rules::rule::RuleSet;
use crate::store::clock_set::FollowingClock;
use crate::store::error::Error;
use crate::store::traces::Traces;
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
    /// There was no room for the last request to read, which was told then.
    are_reads_lost: bool,
    traces: Traces,
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

/// Has a device read, if there is room. Who waits for an answer has a deadline.
fn ask(reads: &mpsc::Sender<ReadRequest>, request: ReadRequest, are_lost: &mut bool) {
    match reads.try_send(request) {
        Ok(()) => *are_lost = false,
        Err(TrySendError::Full(request)) => {
            // Once for as long as it lasts.
            if !std::mem::replace(are_lost, true) {
                tracing::warn!(
                    device = %request.device,
                    "more than {READS_WAITING_MAX} devices wait to be read, and this one is left out: \
                     rules decide with what is known; give values that may be older a longer `max_age`"
                );
            }
        }
        Err(TrySendError::Closed(request)) => {
            tracing::debug!(device = %request.device, "a device is not read: the engine stops");
        }
    }
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
            are_reads_lost: false,
            traces: Traces::default(),
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

    /// Those in force.
    #[cfg(test)]
    pub(crate) fn rules(&self) -> Arc<RuleSet> {
        Arc::clone(&self.rules.rules)
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
        let traces = &mut self.traces;
        let Left(n_left) =
            engine::take(&self.rules.rules, state, input, now, |state, decision| {
                if !is_kept && !decision.is_empty() {
                    inbox::keep(tx, event)?;
                    is_kept = true;
                }
                reads.extend(decision.reads.iter().cloned());
                decisions::write(tx, state, decision, now)?;
                traces.add(tx, &decision.traces)
            })?;
        if 0 < n_left {
            let reason = format!("more than {FOLLOW_UPS_MAX} things follow from it");
            return Err(Error::Broken(reason));
        }
        for request in reads {
            ask(&self.reads, request, &mut self.are_reads_lost);
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
        Payload::Tick
            | Payload::Readings(_)
            | Payload::Capabilities(_)
            | Payload::Input(_)
            | Payload::NotRead { .. }
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
mod tests;
