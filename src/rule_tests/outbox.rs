//! Orders on their way, as the store's outbox, delivery and tracking treat them, without network or disk.
//!
//! Amps takes every push at once; what it reports, the test says.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::clock::later;
use crate::domain::command::{Command, Timing};
use crate::domain::event::{Accepted, NotCancelled, Report, Settled};
use crate::domain::id::{ActionId, CommandId, DeviceId, EventId, RuleId};
use crate::domain::lifecycle::{Lifecycle, Outcome, REPORT_DEADLINE, Step};
use crate::engine::decision::Decision;
use crate::rule_tests::expected::Happened;

#[derive(Debug, Default)]
pub(super) struct Outbox {
    /// In the order in which they were given. A device has one push under way at a time.
    open: Vec<Open>,
    /// Each order that was ever given, with the rules of the runs that led to it.
    known: BTreeMap<CommandId, Vec<RuleId>>,
    /// Whose push each action is.
    actions: BTreeMap<ActionId, CommandId>,
    /// Pushes that left and nobody has looked at.
    sent: Vec<Sent>,
    /// What Amps has taken and a run waits to hear of.
    accepted: Vec<Accepted>,
    /// What is too late to cancel.
    not_cancelled: Vec<NotCancelled>,
}

#[derive(Clone, Debug)]
pub(super) struct Open {
    pub(super) command: Command,
    pub(super) lifecycle: Lifecycle,
    given: Timestamp,
    /// Nobody wants it any more: it is not sent again.
    is_unwanted: bool,
}

/// A push that left.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    command: Command,
    attempt: u32,
    given: Timestamp,
}

impl Sent {
    /// The same, for a home in this zone.
    pub(super) fn happened(self, zone: &TimeZone) -> Happened {
        Happened::Command {
            command: self.command,
            attempt: self.attempt,
            given: self.given.to_zoned(zone.clone()),
        }
    }
}

impl Outbox {
    /// Puts `command` in line for its device. Doing it twice is doing it once: the id is derived.
    pub(super) fn enqueue(&mut self, command: &Command, now: Timestamp) {
        if self.known.contains_key(&command.id) {
            return;
        }
        self.known.insert(command.id.clone(), command.chain_below());
        self.open.push(Open {
            command: command.clone(),
            lifecycle: Lifecycle::Queued {
                attempts: 0,
                due: now,
            },
            given: now,
            is_unwanted: false,
        });
        self.promote(&command.device.id, now);
    }

    /// Does with the orders what `decision` says of those that nobody wants any more. Returns those that are over
    /// with that.
    pub(super) fn call_off(&mut self, decision: &Decision, now: Timestamp) -> Vec<Settled> {
        let mut over = Vec::new();
        over.extend(
            decision
                .withdrawn
                .iter()
                .filter_map(|it| self.withdraw(it, now)),
        );
        over.extend(
            decision
                .cancelled
                .iter()
                .filter_map(|it| self.cancel(it, now)),
        );
        over.extend(
            decision
                .abandoned
                .iter()
                .filter_map(|it| self.abandon(it, now)),
        );
        over
    }

    /// Calls the order off, unless it has begun.
    fn withdraw(&mut self, command: &CommandId, now: Timestamp) -> Option<Settled> {
        let index = self.open.iter().position(|it| it.command.id == *command)?;
        let open = &mut self.open[index];
        open.is_unwanted = true;
        let attempts = open.lifecycle.attempts().unwrap_or_default();
        let is_queued = matches!(open.lifecycle, Lifecycle::Queued { .. });
        let is_planned = open.command.timing.start.is_some_and(|it| now < it);
        let step = match (is_queued, is_planned) {
            (true, _) => Step::Withdrawn,
            (false, true) => Step::Reported {
                outcome: Outcome::Cancelled,
                retry_at: None,
            },
            (false, false) => return None,
        };
        self.advance(index, step, now);
        self.settled(index, attempts, None, now)
    }

    /// The order is not sent any more; one that has left is left to its end.
    fn abandon(&mut self, command: &CommandId, now: Timestamp) -> Option<Settled> {
        let mut open = self.open.iter_mut();
        let open = open.find(|it| it.command.id == *command)?;
        open.is_unwanted = true;
        let is_queued = matches!(open.lifecycle, Lifecycle::Queued { .. });
        is_queued.then(|| self.withdraw(command, now))?
    }

    /// Sends the first in line for `device`, if it is due.
    fn promote(&mut self, device: &DeviceId, now: Timestamp) {
        let first = self
            .open
            .iter()
            .position(|it| it.command.device.id == *device);
        let Some(index) = first else {
            return;
        };
        let is_due =
            matches!(&self.open[index].lifecycle, Lifecycle::Queued { due, .. } if *due <= now);
        if !is_due {
            return;
        }
        self.advance(index, Step::Claimed, now);
        let open = &self.open[index];
        self.sent.push(Sent {
            command: open.command.clone(),
            attempt: open.lifecycle.attempts().unwrap_or_default(),
            given: open.given,
        });
        let action = ActionId::new(format!("act_{}", self.actions.len() + 1));
        self.actions.insert(action.clone(), open.command.id.clone());
        self.accepted.extend(open.command.acceptance());
        let Timing { start, end, .. } = open.command.timing;
        let due = end.or(start).map_or(now, |it| it.max(now));
        let deadline = later(due, REPORT_DEADLINE);
        let taken = Step::Acknowledged {
            action,
            look_up_at: deadline,
            deadline,
        };
        self.advance(index, taken, now);
    }

    /// The one way a life cycle changes. What can be asked for here can be done: whoever asks has looked.
    fn advance(&mut self, index: usize, step: Step, now: Timestamp) {
        let open = &mut self.open[index];
        let lifecycle = open.lifecycle.clone().after(step, now);
        open.lifecycle = lifecycle.expect("the step was looked at before it was taken");
    }

    /// Lets `report` end the push of ours that it speaks of. A report on anything else changes nothing.
    pub(super) fn settle_by_report(
        &mut self,
        report: &Report,
        cause: &EventId,
        now: Timestamp,
    ) -> Option<Settled> {
        let index = self.open.iter().position(|it| {
            matches!(&it.lifecycle, Lifecycle::Acknowledged { action, .. } if *action == report.action)
        })?;
        let open = &self.open[index];
        let attempts = open.lifecycle.attempts().unwrap_or_default();
        let outcome = &report.outcome;
        let retry_at = open.command.after_outcome(outcome, attempts, now);
        let step = Step::Reported {
            outcome: outcome.clone(),
            retry_at,
        };
        self.advance(index, step, now);
        let open = &self.open[index];
        if open.is_unwanted && matches!(open.lifecycle, Lifecycle::Queued { .. }) {
            self.advance(index, Step::Withdrawn, now);
            return self.settled(index, attempts, None, now);
        }
        self.settled(index, attempts, Some(cause.clone()), now)
    }

    /// Gives up what nothing was heard of in time.
    pub(super) fn expire(&mut self, now: Timestamp) -> Option<Settled> {
        let index = self.open.iter().position(|it| {
            matches!(&it.lifecycle, Lifecycle::Acknowledged { deadline, .. } if *deadline <= now)
        })?;
        let attempts = self.open[index].lifecycle.attempts().unwrap_or_default();
        self.advance(index, Step::TimePassed, now);
        self.settled(index, attempts, None, now)
    }

    /// Takes the order out if it is over, and lets the next one in line go.
    fn settled(
        &mut self,
        index: usize,
        attempts: u32,
        cause: Option<EventId>,
        now: Timestamp,
    ) -> Option<Settled> {
        let Lifecycle::Settled { outcome } = self.open[index].lifecycle.clone() else {
            return None;
        };
        let Open { command, .. } = self.open.remove(index);
        self.promote(&command.device.id, now);
        Some(Settled {
            command: command.id,
            device: command.device.id,
            name: command.name,
            outcome,
            attempts,
            cause,
        })
    }

    /// Sends what has become due.
    pub(super) fn send_due(&mut self, now: Timestamp) {
        let devices: BTreeSet<_> = self.open.iter().map(|it| &it.command.device.id).collect();
        let devices: Vec<_> = devices.into_iter().cloned().collect();
        for device in devices {
            self.promote(&device, now);
        }
    }

    /// When something happens by itself: another attempt, or the end of waiting.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        let mut seen = BTreeSet::new();
        let firsts = self
            .open
            .iter()
            .filter(|it| seen.insert(&it.command.device.id));
        let dues = firsts.filter_map(|it| match &it.lifecycle {
            Lifecycle::Queued { due, .. } => Some(*due),
            Lifecycle::Acknowledged { deadline, .. } => Some(*deadline),
            Lifecycle::Blocked { .. }
            | Lifecycle::Sending { .. }
            | Lifecycle::InDoubt { .. }
            | Lifecycle::Settled { .. } => None,
        });
        dues.min()
    }

    /// The first in line for `device`.
    pub(super) fn first(&self, device: &DeviceId) -> Option<&Open> {
        self.open.iter().find(|it| it.command.device.id == *device)
    }

    /// The rules of the runs that led to the push that the action is; none when it is none of ours.
    pub(super) fn chain(&self, action: &ActionId) -> Option<&[RuleId]> {
        self.chain_of(self.actions.get(action)?)
    }

    /// The same of an order.
    pub(super) fn chain_of(&self, command: &CommandId) -> Option<&[RuleId]> {
        self.known.get(command).map(Vec::as_slice)
    }

    pub(super) fn take_sent(&mut self) -> Vec<Sent> {
        std::mem::take(&mut self.sent)
    }

    /// The same for a run that waits for what comes of it.
    fn cancel(&mut self, command: &CommandId, now: Timestamp) -> Option<Settled> {
        let settled = self.withdraw(command, now);
        if settled.is_none() {
            let begun = self.open.iter().find(|it| it.command.id == *command);
            self.not_cancelled.extend(begun.map(|it| NotCancelled {
                order: it.command.named(),
                failure: None,
            }));
        }
        settled
    }

    pub(super) fn take_not_cancelled(&mut self) -> Vec<NotCancelled> {
        std::mem::take(&mut self.not_cancelled)
    }

    pub(super) fn take_accepted(&mut self) -> Vec<Accepted> {
        std::mem::take(&mut self.accepted)
    }

    /// What is left after the program was stopped and started: what the rows hold.
    pub(super) fn restart(&mut self) {
        for open in &mut self.open {
            open.command = reread(&open.command);
            open.lifecycle = reread(&open.lifecycle);
        }
    }
}

/// `it` as it comes back from where it was written.
pub(super) fn reread<T>(it: &T) -> T
where
    T: serde::Serialize + serde::de::DeserializeOwned,
{
    let text = serde_json::to_string(it).expect("what rows hold can be written");
    serde_json::from_str(&text).expect("what was written can be read")
}

/// What a test says of an order that is not there to end.
pub(super) fn ends_as(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Completed => "complete",
        Outcome::Failed(_) => "fail",
        Outcome::Cancelled => "be cancelled",
        Outcome::Expired => "expire",
    }
}
