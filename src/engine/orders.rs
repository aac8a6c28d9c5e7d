//! Our own orders to one device: which are under way, and when the last of each kind was given and ended.
//!
//! A few moments for each command, however many orders there were: rules ask for the last one only.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::clock::moved;
use crate::domain::command::{Claim, Command, Timing};
use crate::domain::event::Settled;
use crate::domain::id::{CommandId, RuleId, RunId, StepId};
use crate::domain::lifecycle::Outcome;
use crate::domain::value::Quantity;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Orders {
    open: BTreeMap<CommandId, Given>,
    last: BTreeMap<String, Last>,
    completed: Option<Completed>,
}

/// What was asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Given {
    pub name: String,
    pub parameters: BTreeMap<String, Quantity>,
    /// The device goes back to what it did before when its time is over.
    pub ends_by_itself: bool,
    /// Of one that is planned for later.
    pub plan: Option<Plan>,
    /// The step that gave it, where it has an `id:`.
    pub step: Option<(RuleId, StepId)>,
}

/// What is known of an order that is planned for later.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The run that gave it, itself or in a branch.
    pub by: RunId,
    /// Where only its end is planned, it has begun.
    pub timing: Timing,
    pub claim: Claim,
}

/// When a command was last given, and when one last ended so or so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Last {
    /// A rule gave it; the push leaves at once unless another order holds the device.
    pub given: Option<Timestamp>,
    pub completed: Option<Timestamp>,
    /// Failed, cancelled or expired.
    pub failed: Option<Timestamp>,
}

/// The last order that the device's manufacturer took.
#[derive(Clone, Debug, PartialEq)]
pub struct Completed {
    pub order: Given,
    pub at: Timestamp,
}

impl Orders {
    /// Those that are under way, sent or still in line.
    pub fn open(&self) -> impl Iterator<Item = &CommandId> {
        self.open.keys()
    }

    /// Those of them that `run` planned for later.
    pub fn planned_by(&self, run: &RunId) -> impl Iterator<Item = &CommandId> {
        let open = self.open.iter();
        open.filter(|(_, it)| it.plan.as_ref().is_some_and(|it| it.by == *run))
            .map(|(id, _)| id)
    }

    /// Those of them that are planned, have not begun at `now`, and give way to an order with this claim.
    pub fn giving_way(&self, claim: Claim, now: Timestamp) -> impl Iterator<Item = &CommandId> {
        let gives_way =
            move |it: &Plan| it.timing.start.is_some_and(|it| now < it) && claim.beats(it.claim);
        let open = self.open.iter();
        open.filter(move |(_, it)| it.plan.as_ref().is_some_and(gives_way))
            .map(|(id, _)| id)
    }

    /// Those of them that this step of `rule` gave, in any of its runs.
    pub fn of_step(&self, rule: &RuleId, step: &StepId) -> impl Iterator<Item = &CommandId> {
        let gave = move |it: &Given| {
            let by = it.step.as_ref();
            by.is_some_and(|(of, id)| of == rule && id == step)
        };
        let open = self.open.iter();
        open.filter(move |(_, it)| gave(it)).map(|(id, _)| id)
    }

    /// How many are under way, sent or still in line: of `command`, or of all.
    pub fn n_open(&self, command: Option<&str>) -> usize {
        let open = self.open.values();
        open.filter(|it| command.is_none_or(|command| it.name == command))
            .count()
    }

    /// The last moments of `command`, or of all.
    pub fn last(&self, command: Option<&str>) -> Last {
        let of_command = self
            .last
            .iter()
            .filter(|(name, _)| command.is_none_or(|command| *name == command));
        let mut last = Last::default();
        for (_, other) in of_command {
            last.take(other);
        }
        last
    }

    /// None while none was completed, and when that was longer ago than rows are kept.
    pub fn completed(&self) -> Option<&Completed> {
        self.completed.as_ref()
    }

    /// A rule gave `command`.
    pub fn begin(&mut self, command: &Command, at: Timestamp) {
        let given = Given {
            name: command.name.clone(),
            parameters: command.parameters.clone(),
            ends_by_itself: command.timing.end.is_some(),
            plan: command.is_planned().then(|| Plan {
                by: command.of_run().clone(),
                timing: command.timing,
                claim: command.claim,
            }),
            step: command
                .step
                .clone()
                .map(|step| (command.rule.clone(), step)),
        };
        self.open.insert(command.id.clone(), given);
        self.remember(
            &command.name,
            &Last {
                given: Some(at),
                ..Last::default()
            },
        );
    }

    /// An order is over. Saying it twice is saying it once.
    pub fn end(&mut self, settled: &Settled, at: Timestamp) {
        let order = self.open.remove(&settled.command);
        let mut last = Last::default();
        match &settled.outcome {
            Outcome::Completed => {
                last.completed = Some(at);
                if let Some(mut order) = order {
                    // The rows of what is over do not tell, and nobody asks.
                    order.plan = None;
                    // As it is read off the outbox: which step it was counts only while it is open.
                    order.step = None;
                    self.remember_completed(Completed { order, at });
                }
            }
            Outcome::Failed(_) | Outcome::Cancelled | Outcome::Expired => last.failed = Some(at),
        }
        self.remember(&settled.name, &last);
    }

    /// The clock was set: all of it was as long ago as before.
    pub(super) fn moved(&mut self, by: SignedDuration) {
        for last in self.last.values_mut() {
            let moments = [&mut last.given, &mut last.completed, &mut last.failed];
            for moment in moments.into_iter().flatten() {
                *moment = moved(*moment, by);
            }
        }
        if let Some(completed) = &mut self.completed {
            completed.at = moved(completed.at, by);
        }
        for plan in self.open.values_mut().filter_map(|it| it.plan.as_mut()) {
            plan.timing = plan.timing.moved(by);
        }
    }

    /// Takes moments of `command` in, unless what is known is later.
    pub fn remember(&mut self, command: &str, last: &Last) {
        if let Some(known) = self.last.get_mut(command) {
            known.take(last);
        } else {
            self.last.insert(command.to_owned(), *last);
        }
    }

    /// Takes the completed order in, unless a later one is known.
    pub fn remember_completed(&mut self, completed: Completed) {
        if self
            .completed
            .as_ref()
            .is_none_or(|it| it.at <= completed.at)
        {
            self.completed = Some(completed);
        }
    }
}

impl Last {
    /// The later moments of both.
    fn take(&mut self, other: &Self) {
        self.given = self.given.max(other.given);
        self.completed = self.completed.max(other.completed);
        self.failed = self.failed.max(other.failed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::DeviceId;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn settled(id: &str, outcome: Outcome) -> Settled {
        Settled {
            command: CommandId::new(id),
            device: DeviceId::new("dev_1"),
            name: "charge".to_owned(),
            outcome,
            attempts: 1,
            cause: None,
        }
    }

    #[test]
    fn an_end_that_is_told_again_later_or_of_an_unknown_order_replaces_nothing_newer() {
        let mut orders = Orders::default();
        orders.begin(&Command::example("cmd_1", "dev_1"), at(1));
        orders.begin(&Command::example("cmd_2", "dev_1"), at(2));
        orders.end(&settled("cmd_1", Outcome::Completed), at(5));
        let before = orders.clone();
        orders.end(&settled("cmd_1", Outcome::Completed), at(4));
        assert_eq!(orders, before);
        orders.end(&settled("cmd_2", Outcome::Cancelled), at(6));
        let last = Last {
            given: Some(at(2)),
            completed: Some(at(5)),
            failed: Some(at(6)),
        };
        assert_eq!(orders.last(Some("charge")), last);
        assert_eq!(orders.last(None), last);
        assert_eq!(orders.last(Some("idle")), Last::default());
        assert_eq!(orders.n_open(None), 0);
        assert_eq!(orders.completed().map(|it| it.at), Some(at(5)));
    }
}
