//! A push, and what is done about its answer.

use tokio::sync::SemaphorePermit;

use crate::delivery::conflict::{self, Holder, Owner, Seen, Way};
use crate::delivery::verdict::{Key, Verdict, unsent};
use crate::delivery::{Delivery, PAGE_ACTIONS, ours, taken};
use crate::device_api::answer::{Answer, Refusal};
use crate::device_api::gate::Pushed;
use crate::device_api::wire::{Action, Strategy};
use crate::domain::answers::INVALID_API_KEY;
use crate::domain::id::ActionId;
use crate::domain::lifecycle::{Hold, Step};
use crate::store::error::Error;
use crate::store::outbox::{self, Open};
use crate::store::writer::Tx;

/// Actions in the way that are looked at; Amps has one at a time on each device (`amps-api.md` §5.3).
const HOLDERS_MAX: usize = 10;

impl Delivery {
    /// True when the turn is over.
    pub(super) async fn push(&self, open: Open, place: SemaphorePermit<'_>) -> bool {
        let Some((answer, verdict)) = self.push_once(&open, None).await else {
            return true;
        };
        match (answer, verdict) {
            (PushAnswer::Held(step), _) => {
                drop(place);
                self.advance(open, step).await
            }
            (PushAnswer::Came(Answer::Refused(refusal)), verdict @ Verdict::Blocked(_)) => {
                self.blocked(open, &refusal, verdict, place).await
            }
            (PushAnswer::Came(answer), verdict) => {
                drop(place);
                self.conclude(open, answer, verdict).await
            }
        }
    }

    /// One request; none when the program stops before it left.
    async fn push_once(
        &self,
        open: &Open,
        strategy: Option<Strategy>,
    ) -> Option<(PushAnswer, Verdict)> {
        let answer = match self.api.push(&open.command, strategy).await {
            Pushed::Answered(answer) => *answer,
            Pushed::Held { until, why } => {
                let step = unsent(open, why.clone(), until, self.clock.now());
                return Some((PushAnswer::Held(step), Verdict::Unsent { why }));
            }
            Pushed::Stopped => return None,
        };
        let verdict = Verdict::of(&answer, self.key(open, &answer).await);
        tracing::info!(
            command = %open.command.id, device = %open.command.device.alias, ?strategy, ?verdict, "pushed"
        );
        Some((PushAnswer::Came(answer), verdict))
    }

    /// What is known of the home's key. When it is said not to be taken, Amps is asked something for which
    /// it needs nobody else's key.
    async fn key(&self, open: &Open, answer: &Answer<Action>) -> Key {
        let works_now = match answer {
            Answer::Refused(refusal) if refusal.code.as_deref() == Some(INVALID_API_KEY) => {
                match self.api.actions(&open.command.device.id, 0, 1).await {
                    Answer::Ok(_) => Some(true),
                    Answer::Refused(refusal) if refusal.status == 401 => Some(false),
                    Answer::Refused(_) | Answer::NotSent { .. } | Answer::Lost { .. } => None,
                }
            }
            Answer::Ok(_) | Answer::Refused(_) | Answer::NotSent { .. } | Answer::Lost { .. } => {
                None
            }
        };
        Key {
            has_worked: self.api.key_has_worked(),
            works_now,
        }
    }

    /// Writes down what the answer led to.
    async fn conclude(&self, open: Open, answer: Answer<Action>, verdict: Verdict) -> bool {
        let now = self.clock.now();
        let step = self.waits.step(verdict, &open, now);
        match answer {
            Answer::Ok(action) => {
                self.record(move |tx| taken(tx, &open, &step, &action, now))
                    .await
            }
            Answer::Refused(_) | Answer::NotSent { .. } | Answer::Lost { .. } => {
                self.advance(open, step).await
            }
        }
    }

    pub(super) async fn advance(&self, open: Open, step: Step) -> bool {
        let now = self.clock.now();
        self.record(move |tx| {
            outbox::advance(tx, &open.command.id, step.clone(), None, now).map(drop)
        })
        .await
    }

    /// Another action holds the device.
    async fn blocked(
        &self,
        open: Open,
        refusal: &Refusal,
        verdict: Verdict,
        place: SemaphorePermit<'_>,
    ) -> bool {
        // It may be an earlier attempt of ours that was taken for lost.
        let is_again = open.lifecycle.attempts().is_some_and(|it| 1 < it);
        let listed = if is_again {
            self.list_since(&open).await
        } else {
            None
        };
        let is_unclear = is_again && listed.as_ref().is_none_or(|it| it.is_unclear);
        if let Some(listed) = listed {
            let (asked, listed) = (open.clone(), listed.clone());
            let found = self.read(move |tx| Ok(ours(tx, &asked, &listed)?.cloned()));
            if let Some(action) = found.await.flatten() {
                drop(place);
                let verdict = Verdict::Acknowledged(Box::new(action.clone()));
                return self.conclude(open, Answer::Ok(action), verdict).await;
            }
        }
        let holders = self.holders(&open, &refusal.conflicting).await;
        let now = self.clock.now();
        match conflict::way(&open.command, &holders, now) {
            Way::Free => {
                drop(place);
                let step = self.waits.step(verdict, &open, now);
                self.advance(open, step).await
            }
            Way::Push(strategy) if !is_unclear => {
                self.push_past(open, holders, strategy, place).await
            }
            Way::Push(_) | Way::Wait => {
                drop(place);
                let hold = conflict::hold(&open, &holders, now);
                self.wait_for(open, hold).await
            }
        }
    }

    /// Pushes once more, with what is to become of the others. Should they have gone on meanwhile, Amps
    /// says so, and the command waits.
    async fn push_past(
        &self,
        open: Open,
        holders: Vec<Holder>,
        strategy: Strategy,
        place: SemaphorePermit<'_>,
    ) -> bool {
        let Some((answer, verdict)) = self.push_once(&open, Some(strategy)).await else {
            return true;
        };
        drop(place);
        match (answer, verdict) {
            (PushAnswer::Held(step), _) => self.advance(open, step).await,
            (PushAnswer::Came(Answer::Refused(_)), Verdict::Blocked(_)) => {
                let hold = conflict::hold(&open, &holders, self.clock.now());
                self.wait_for(open, hold).await
            }
            (PushAnswer::Came(answer), verdict) => self.conclude(open, answer, verdict).await,
        }
    }

    async fn wait_for(&self, open: Open, hold: Hold) -> bool {
        self.advance(open, Step::Blocked { hold }).await
    }

    /// Looks whether what holds the device of `open` is over.
    pub(super) async fn look_at_hold(
        &self,
        open: Open,
        hold: Hold,
        place: SemaphorePermit<'_>,
    ) -> bool {
        let holders = self.holders(&open, &hold.actions).await;
        drop(place);
        let now = self.clock.now();
        tracing::info!(command = %open.command.id, ?holders, "looked at what holds the device");
        let step = conflict::after_look(&hold, &holders, now);
        self.advance(open, step).await
    }

    /// The actions that hold the device: those named, or, where Amps named none, those that a list has.
    async fn holders(&self, open: &Open, named: &[ActionId]) -> Vec<Holder> {
        let device = &open.command.device.id;
        let mut seen = Vec::new();
        if named.is_empty() {
            if let Answer::Ok(page) = self.api.actions(device, 0, PAGE_ACTIONS).await {
                let pending = page.actions.into_iter().filter(Action::is_pending);
                let pending = pending.take(HOLDERS_MAX);
                seen.extend(pending.map(|it| (it.id.clone(), Seen::Pending(Box::new(it)))));
            }
        } else {
            for id in named.iter().take(HOLDERS_MAX) {
                let found = match self.api.action(device, id).await {
                    Answer::Ok(action) if action.is_pending() => Seen::Pending(Box::new(action)),
                    Answer::Ok(_) | Answer::Refused(Refusal { status: 404, .. }) => Seen::Over,
                    Answer::Refused(_) | Answer::NotSent { .. } | Answer::Lost { .. } => {
                        Seen::Nothing
                    }
                };
                seen.push((id.clone(), found));
            }
        }
        let asked = seen.clone();
        let found = self.read(move |tx| asked.iter().map(|(id, _)| owner(tx, id)).collect());
        match found.await {
            Some(owners) => holders_of(seen, owners),
            // Whose they are cannot be told now: they are waited for.
            None => holders_of(
                seen.into_iter()
                    .map(|(id, _)| (id, Seen::Nothing))
                    .collect(),
                Vec::new(),
            ),
        }
    }

    async fn read<T, W>(&self, work: W) -> Option<T>
    where
        T: Send + 'static,
        W: Fn(&Tx<'_>) -> Result<T, Error> + Send + 'static,
    {
        match self.store.write(work).await {
            Ok(found) => Some(found),
            Err(error) => {
                tracing::warn!(%error, "the database cannot be read");
                None
            }
        }
    }
}

/// What a push came to.
enum PushAnswer {
    Came(Answer<Action>),
    /// It did not leave.
    Held(Step),
}

fn owner(tx: &Tx<'_>, action: &ActionId) -> Result<Owner, Error> {
    let command = outbox::pushed_as(tx, action)?;
    Ok(command.map_or(Owner::Somebody, |it| Owner::Ours(it.claim)))
}

fn holders_of(seen: Vec<(ActionId, Seen)>, owners: Vec<Owner>) -> Vec<Holder> {
    let owners = owners.into_iter().chain(std::iter::repeat(Owner::Somebody));
    let both = seen.into_iter().zip(owners);
    both.map(|((id, seen), owner)| Holder { id, owner, seen })
        .collect()
}
