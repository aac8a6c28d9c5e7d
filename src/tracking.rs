//! Acknowledged to settled: by report, by look-up when no report comes, or by deadline.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;

use crate::clock::{Clock, later};
use crate::device_api::answer::{Answer, Refusal};
use crate::device_api::gate::Gate;
use crate::device_api::wire::{Action, ActionState};
use crate::domain::answers::{self, Meaning};
use crate::domain::command::Command;
use crate::domain::event::Event;
use crate::domain::lifecycle::{Failure, Lifecycle, OUTAGE_MAX, Step};
use crate::domain::retry::{PLANNED_LOOK_UP, next_look_up};
use crate::store::Store;
use crate::store::cancelling;
use crate::store::error::Error;
use crate::store::inbox::{self, Recorded};
use crate::store::open::Open;
use crate::store::outbox::{self, Waiting};
use crate::store::signal::News;
use crate::store::writer::{Consumer, Tx};
use crate::worker::{self, Next, Stage};

/// Settles our commands by the reports that come in, in the transaction that records them.
#[derive(Debug)]
pub(crate) struct Reports {
    clock: Clock,
}

impl Reports {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock }
    }
}

impl Consumer for Reports {
    fn consume(&mut self, tx: &Tx<'_>, event: &Event) -> Result<(), Error> {
        match event.payload.report() {
            Some(report) => outbox::settle_by_report(tx, &event.id, report, self.clock.now()),
            None => Ok(()),
        }
    }

    fn forget(&mut self) {}
}

/// Looks up actions whose report is late.
#[derive(Clone, Debug)]
pub(crate) struct Tracking {
    pub(crate) store: Store,
    pub(crate) api: Gate,
    pub(crate) clock: Clock,
    pub(crate) look_up_after: Duration,
}

/// Tracks until `stop`.
pub(crate) async fn run(mut tracking: Tracking, stop: CancellationToken, news: News) {
    let clock = tracking.clock.clone();
    worker::run(&mut tracking, clock, stop, news).await;
}

impl Stage for Tracking {
    const NAME: &'static str = "tracking";

    async fn work(&mut self) -> Result<Next, Error> {
        let now = self.clock.now();
        let unwanted = self.store.write(move |tx| cancelling::due(tx, now)).await?;
        if let Some(open) = unwanted {
            self.cancel(open).await?;
            return Ok(Next::Again);
        }
        let next = self
            .store
            .write(|tx| {
                let look_up = outbox::next_due(tx, Waiting::Acknowledged, Timestamp::MIN)?;
                let cancel = cancelling::next_due(tx)?;
                Ok(look_up.into_iter().chain(cancel).min())
            })
            .await?;
        if next.is_none_or(|at| now < at) {
            return Ok(Next::at(next));
        }
        let clock = self.clock.clone();
        let (due, set) = self
            .store
            .write(move |tx| {
                let due = outbox::due(tx, Waiting::Acknowledged, clock.now())?;
                Ok((due, clock.taken_over()))
            })
            .await?;
        if let Some(open) = due.into_iter().next() {
            self.look_up(open, set).await?;
        }
        Ok(Next::Again)
    }
}

impl Tracking {
    /// Asks Amps to cancel what it has planned.
    async fn cancel(&self, open: Open) -> Result<(), Error> {
        let Lifecycle::Acknowledged { action, .. } = &open.lifecycle else {
            return Ok(());
        };
        let command = open.command.clone();
        let answer = self.api.cancel(&command.device.id, action).await;
        tracing::info!(command = %command.id, %action, ?answer, "asked to cancel");
        let is_looked_at = match &answer {
            Answer::Refused(refusal) => is_over_or_begun(refusal),
            Answer::Lost { .. } => true,
            Answer::Ok(_) | Answer::NotSent { .. } => false,
        };
        let seen = if is_looked_at {
            // Amps may have cancelled it already, and that answer was lost.
            Some(self.api.action(&command.device.id, action).await)
        } else {
            None
        };
        let clock = self.clock.clone();
        self.store
            .write(move |tx| {
                let now = clock.now();
                match Word::of(&answer, seen.as_ref(), &command, now) {
                    Word::Ended(event) => match inbox::record(tx, *event, None)? {
                        Recorded::New => Ok(()),
                        Recorded::Repeat | Recorded::Known => {
                            cancelling::ask_again(tx, &command, None, now)
                        }
                    },
                    Word::No(failure) => cancelling::not_cancelled(tx, &command, failure, now),
                    Word::Unclear { wait } => cancelling::ask_again(tx, &command, wait, now),
                }
            })
            .await
    }

    /// The command was read when the clock had been set by `set`.
    async fn look_up(&self, open: Open, set: SignedDuration) -> Result<(), Error> {
        let Lifecycle::Acknowledged { action, .. } = &open.lifecycle else {
            return Ok(());
        };
        let device = &open.command.device;
        let answer = self.api.action(&device.id, action).await;
        tracing::info!(command = %open.command.id, %action, ?answer, "looked up");
        let (clock, look_up_after) = (self.clock.clone(), self.look_up_after);
        // Time in which nobody could ask does not count.
        let is_told = matches!(
            answer,
            Answer::Ok(_) | Answer::Refused(Refusal { status: 404, .. })
        );
        self.store
            .write(move |tx| {
                let now = clock.now();
                let open = open.clone().moved(clock.taken_over() - set);
                let ended = match &answer {
                    Answer::Ok(action) => action.ended(&open.command.device, now),
                    Answer::Refused(_) | Answer::NotSent { .. } | Answer::Lost { .. } => None,
                };
                // Like a report: the consumers settle the command and show the end to the rules.
                if let Some(event) = ended
                    && inbox::record(tx, event, None)? == Recorded::New
                {
                    return Ok(());
                }
                let planned = match &answer {
                    Answer::Ok(action) => action.start.filter(|it| now < *it),
                    Answer::Refused(_) | Answer::NotSent { .. } | Answer::Lost { .. } => None,
                };
                let step = match planned {
                    Some(start) => Step::StillWaiting {
                        look_up_at: later(start, look_up_after).min(later(now, PLANNED_LOOK_UP)),
                    },
                    None => not_ended(&open, is_told, look_up_after, now),
                };
                outbox::advance(tx, &open.command.id, step, None, now).map(drop)
            })
            .await
    }
}

/// What Amps says of an order that it is to cancel.
enum Word {
    Ended(Box<Event>),
    /// It goes on: it is too late, or there is another reason.
    No(Option<Failure>),
    /// Asked again, after so long a wait at least.
    Unclear {
        wait: Option<Duration>,
    },
}

impl Word {
    /// By the `answer`, and by what a look at the action showed where there was one.
    fn of(
        answer: &Answer<Action>,
        seen: Option<&Answer<Action>>,
        command: &Command,
        now: Timestamp,
    ) -> Self {
        let unclear = Self::Unclear { wait: None };
        match (answer, seen) {
            (Answer::Ok(action), _) => match action.ended(&command.device, now) {
                Some(event) => Self::Ended(Box::new(event)),
                None => unclear,
            },
            (_, Some(Answer::Ok(action))) => match action.ended(&command.device, now) {
                Some(event) => Self::Ended(Box::new(event)),
                // There is time left, whatever was answered.
                None if action.state == ActionState::Scheduled => unclear,
                None => Self::No(None),
            },
            (
                _,
                Some(Answer::Refused(Refusal {
                    status: 404, code, ..
                })),
            ) => Self::No(Some(Failure::new(code.as_deref(), UNKNOWN_TO_AMPS))),
            (Answer::Refused(refusal), None) => Self::of_refusal(refusal),
            (
                Answer::Refused(_),
                Some(Answer::Refused(_) | Answer::NotSent { .. } | Answer::Lost { .. }),
            )
            | (Answer::NotSent { .. } | Answer::Lost { .. }, _) => unclear,
        }
    }

    fn of_refusal(refusal: &Refusal) -> Self {
        let code = refusal.code.as_deref();
        match answers::meaning(refusal.status, code) {
            Meaning::GiveUp => {
                let known = code.and_then(answers::known);
                // Whose key it is, nobody has asked.
                let known = known.filter(|it| it.name != answers::INVALID_API_KEY);
                let failure = Failure::new(code, &refusal.message);
                Self::No(Some(failure.with_remedy(known.and_then(|it| it.remedy))))
            }
            Meaning::Retry | Meaning::Unauthorized | Meaning::InDoubt | Meaning::Wait => {
                Self::Unclear {
                    wait: refusal.retry_after,
                }
            }
        }
    }
}

/// Why an order is not cancelled that Amps has taken and does not find.
const UNKNOWN_TO_AMPS: &str = "Amps does not find the order any more";

/// Whether Amps does not cancel it since it is over or has begun, or since it does not know it.
fn is_over_or_begun(refusal: &Refusal) -> bool {
    matches!(refusal.status, 404 | 409 | 422)
}

/// The step for an action that is not over, as far as is known; `is_told` when Amps said so.
fn not_ended(open: &Open, is_told: bool, look_up_after: Duration, now: Timestamp) -> Step {
    // A plan has been under way since its start.
    let start = open.command.timing.start.filter(|it| *it <= now);
    let began = start.max(open.sent_at).unwrap_or(open.began_at);
    let next = next_look_up(began, look_up_after, now);
    let Lifecycle::Acknowledged { deadline, .. } = &open.lifecycle else {
        return Step::StillWaiting { look_up_at: next };
    };
    let end = if is_told {
        *deadline
    } else {
        later(*deadline, OUTAGE_MAX)
    };
    if end <= now {
        return Step::TimePassed;
    }
    let decides = Some(*deadline).filter(|it| now < *it);
    Step::StillWaiting {
        look_up_at: decides.map_or(next, |it| next.min(it)),
    }
}
