//! A push, and what is done about its answer.

use jiff::Timestamp;
use tokio::sync::SemaphorePermit;

use crate::clock::moved;
use crate::delivery::conflict::{self, Holder, Owner, Seen, Way};
use crate::delivery::key::key;
use crate::delivery::verdict::{Verdict, shut_out};
use crate::delivery::{Delivery, PAGE_ACTIONS, Read, ours, taken};
use crate::device_api::answer::{Answer, Refusal};
use crate::device_api::gate::Pushed;
use crate::device_api::wire::Action;
use crate::domain::capabilities::{Reader, Strategy};
use crate::domain::id::ActionId;
use crate::domain::lifecycle::{Failure, Step};
use crate::store::error::Error;
use crate::store::open::Open;
use crate::store::outbox;
use crate::store::writer::Tx;

/// Actions in the way that are looked at; Amps has one at a time on each device (`amps-api.md` §5.3).
const HOLDERS_MAX: usize = 10;

impl Delivery {
    /// True when the turn is over.
    pub(super) async fn push(&self, read: Read, place: SemaphorePermit<'_>) -> bool {
        if let Some(failure) = self.unfit(&read) {
            drop(place);
            return self
                .advance(read, move |_, _| Step::Refused {
                    failure: failure.clone(),
                    retry_at: None,
                })
                .await;
        }
        match self.push_once(&read.open, None).await {
            PushAnswer::Stopped => true,
            PushAnswer::Held { until, why } => {
                drop(place);
                self.put_back(read, until, why).await
            }
            PushAnswer::Came(answer, verdict) => {
                if let (Answer::Refused(refusal), Verdict::Blocked(_)) = (&*answer, &verdict) {
                    return self.blocked(read, refusal, verdict, place).await;
                }
                drop(place);
                self.conclude(read, *answer, verdict, None).await
            }
        }
    }

    /// Why the order is not to leave, which may have waited for long.
    fn unfit(&self, read: &Read) -> Option<Failure> {
        let (command, now) = (&read.open.command, self.clock.now());
        if command.timing.end.is_some_and(|it| it <= now) {
            let message = "the time for which it was ordered has passed";
            return Some(Failure::new(None, message));
        }
        let zone = self.api.zone();
        let declared = read.declared.as_ref()?;
        declared.refuse_command(command, Reader { now, zone })
    }

    async fn push_once(&self, open: &Open, strategy: Option<Strategy>) -> PushAnswer {
        let answer = match self.api.push(&open.command, strategy).await {
            Pushed::Answered(answer) => *answer,
            Pushed::Held { until, why } => return PushAnswer::Held { until, why },
            Pushed::Stopped => return PushAnswer::Stopped,
        };
        let verdict = Verdict::of(
            &answer,
            key(&self.api, &open.command.device, refusal_of(&answer)).await,
        );
        tracing::info!(
            command = %open.command.id, device = %open.command.device.alias, ?strategy, ?verdict, "pushed"
        );
        PushAnswer::Came(Box::new(answer), verdict)
    }

    /// Writes down what the answer led to.
    async fn conclude(
        &self,
        read: Read,
        answer: Answer<Action>,
        verdict: Verdict,
        strategy: Option<Strategy>,
    ) -> bool {
        let (waits, clock) = (self.waits, self.clock.clone());
        self.record(move |tx| {
            let (open, now) = (read.now(&clock), clock.now());
            let step = waits.step(verdict.clone(), &open, now);
            match &answer {
                Answer::Ok(action) => taken(tx, &open, (&step, strategy), action, now),
                Answer::Refused(_) | Answer::NotSent { .. } | Answer::Lost { .. } => {
                    outbox::advance(tx, &open.command.id, step, None, now).map(drop)
                }
            }
        })
        .await
    }

    /// Writes down the step that is the right one at that moment.
    async fn advance<S>(&self, read: Read, step: S) -> bool
    where
        S: Fn(&Open, Timestamp) -> Step + Clone + Send + 'static,
    {
        let clock = self.clock.clone();
        self.record(move |tx| {
            let (open, now) = (read.now(&clock), clock.now());
            outbox::advance(tx, &open.command.id, step(&open, now), None, now).map(drop)
        })
        .await
    }

    /// The push did not leave; `until` is by the time that nobody sets.
    async fn put_back(&self, read: Read, until: Timestamp, why: String) -> bool {
        let clock = self.clock.clone();
        self.advance(read, move |open, now| {
            let failure = Failure::new(None, why.clone());
            shut_out(open, failure, moved(until, clock.taken_over()), now)
        })
        .await
    }

    /// Another action holds the device.
    async fn blocked(
        &self,
        read: Read,
        refusal: &Refusal,
        verdict: Verdict,
        place: SemaphorePermit<'_>,
    ) -> bool {
        // It may be an earlier attempt of ours that was taken for lost, or this very push, where something between
        // Amps and us sent it twice.
        let is_again = read.open.lifecycle.attempts().is_some_and(|it| 1 < it);
        let mut listed = self.list_since(&read).await.ok();
        let is_unclear = is_again && listed.as_ref().is_none_or(|it| it.is_unclear);
        if let Some(listed) = listed.as_mut().filter(|_| !is_again) {
            listed.only_of_last_push(&refusal.conflicting);
        }
        if let Some(listed) = listed {
            let (asked, clock) = (read.clone(), self.clock.clone());
            let found = self.read(move |tx| Ok(ours(tx, &asked.now(&clock), &listed)?.cloned()));
            if let Some(action) = found.await.flatten() {
                drop(place);
                let verdict = Verdict::Acknowledged(Box::new(action.clone()));
                return self.conclude(read, Answer::Ok(action), verdict, None).await;
            }
        }
        let holders = self.holders(&read.open, &refusal.conflicting).await;
        let declared = read.declared.as_ref();
        let offered = declared.and_then(|it| it.capabilities.strategies.as_deref());
        let command = (&read.open.command, offered);
        match conflict::way(command, &holders, self.clock.now()) {
            Way::Again => {
                drop(place);
                let waits = self.waits;
                self.advance(read, move |open, now| {
                    waits.step(verdict.clone(), open, now)
                })
                .await
            }
            Way::Push(strategy) if !is_unclear => {
                self.push_past(read, holders, strategy, place).await
            }
            Way::Push(_) | Way::Wait => {
                drop(place);
                self.wait_for(read, holders).await
            }
        }
    }

    /// Pushes once more, with what is to become of the others. Should they have gone on meanwhile, Amps
    /// says so, and the command waits.
    async fn push_past(
        &self,
        read: Read,
        holders: Vec<Holder>,
        strategy: Strategy,
        place: SemaphorePermit<'_>,
    ) -> bool {
        let answer = self.push_once(&read.open, Some(strategy)).await;
        drop(place);
        match answer {
            PushAnswer::Stopped => true,
            PushAnswer::Held { until, why } => self.put_back(read, until, why).await,
            PushAnswer::Came(_, Verdict::Blocked(_)) => self.wait_for(read, holders).await,
            PushAnswer::Came(answer, verdict) => {
                self.conclude(read, *answer, verdict, Some(strategy)).await
            }
        }
    }

    async fn wait_for(&self, read: Read, holders: Vec<Holder>) -> bool {
        self.advance(read, move |open, now| Step::Blocked {
            hold: conflict::hold(open, &holders, now),
        })
        .await
    }

    /// Looks whether what holds the device of the command, those `actions`, is over.
    pub(super) async fn look_at_hold(
        &self,
        read: Read,
        actions: &[ActionId],
        place: SemaphorePermit<'_>,
    ) -> bool {
        let holders = self.holders(&read.open, actions).await;
        drop(place);
        tracing::info!(command = %read.open.command.id, ?holders, "looked at what holds the device");
        self.advance(read, move |open, now| {
            conflict::after_look(&open.lifecycle, &holders, now)
        })
        .await
    }

    /// The actions that hold the device: those named, or, where Amps named none, those that a list has.
    async fn holders(&self, open: &Open, named: &[ActionId]) -> Vec<Holder> {
        let device = &open.command.device;
        let mut seen = Vec::new();
        if named.is_empty() {
            if let Answer::Ok(page) = self.api.actions(device, 0, PAGE_ACTIONS).await {
                let pending = page.actions.into_iter().filter(Action::is_pending);
                let pending = pending.take(HOLDERS_MAX);
                seen.extend(pending.map(|it| (it.id.clone(), Seen::Pending(Box::new(it)))));
            }
        } else {
            for id in named.iter().take(HOLDERS_MAX) {
                let found = match self.api.action(&device.id, id).await {
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
    Came(Box<Answer<Action>>, Verdict),
    /// It did not leave, and is not to until then, by the time that nobody sets.
    Held {
        until: Timestamp,
        why: String,
    },
    /// The program stops, and it did not leave.
    Stopped,
}

fn refusal_of(answer: &Answer<Action>) -> Option<&Refusal> {
    match answer {
        Answer::Refused(refusal) => Some(refusal),
        Answer::Ok(_) | Answer::NotSent { .. } | Answer::Lost { .. } => None,
    }
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
