//! Inbox to engine to outbox: what an event leads to, in the transaction that records the event.

use std::sync::Arc;

use crate::clock::Clock;
use crate::domain::event::{Event, Payload};
use crate::engine::decision::Decision;
use crate::engine::state::State;
use crate::engine::{self, Input};
use crate::rules::rule::RuleSet;
use crate::store::error::Error;
use crate::store::writer::{Consumer, Tx};
use crate::store::{notifications, outbox, runs};

/// The engine with its memory. The memory is what the tables say; when in doubt it is read again.
#[derive(Debug)]
pub(crate) struct Evaluation {
    rules: Arc<RuleSet>,
    clock: Clock,
    memory: Memory,
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
    pub(crate) fn new(rules: Arc<RuleSet>, clock: Clock) -> Self {
        Self {
            rules,
            clock,
            memory: Memory::Unsure(State::default()),
        }
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
        let own = match &event.payload {
            Payload::Report(report) => outbox::is_ours(tx, report)?,
            Payload::Connection(_)
            | Payload::Readings(_)
            | Payload::Settled(_)
            | Payload::Unknown => false,
        };
        let now = self.clock.now();
        let decision = engine::step(&self.rules, state, Input { event, own }, now);
        for change in &decision.changes {
            runs::save(tx, state, change)?;
            state.apply(change);
        }
        let Decision {
            commands,
            notifications,
            traces,
            changes: _,
        } = &decision;
        commands
            .iter()
            .try_for_each(|it| outbox::enqueue(tx, it, now))?;
        notifications
            .iter()
            .try_for_each(|it| notifications::enqueue(tx, it, now))?;
        traces.iter().try_for_each(|it| runs::add_trace(tx, it))
    }

    fn forget(&mut self) {
        self.memory.doubt();
    }
}
