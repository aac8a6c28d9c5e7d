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
    state: Option<State>,
}

impl Evaluation {
    pub(crate) fn new(rules: Arc<RuleSet>, clock: Clock) -> Self {
        Self {
            rules,
            clock,
            state: None,
        }
    }
}

impl Consumer for Evaluation {
    fn consume(&mut self, tx: &Tx<'_>, event: &Event) -> Result<(), Error> {
        let state = match &mut self.state {
            Some(state) => state,
            forgotten => forgotten.insert(runs::load(tx)?),
        };
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
        self.state = None;
    }
}
