//! What an answer to a push means: the one place that judges. Pure.

use std::time::Duration;

use jiff::Timestamp;

use crate::clock::later;
use crate::delivery::conflict::BLOCKED_WAIT;
use crate::device_api::answer::{Answer, Refusal};
use crate::device_api::wire::Action;
use crate::domain::answers::{self, Meaning};
use crate::domain::command::{Command, Timing};
use crate::domain::lifecycle::{
    Doubt, DoubtCause, Failure, Lifecycle, OUTAGE_MAX, REPORT_DEADLINE, Step,
};
use crate::domain::retry::{PLANNED_LOOK_UP, next_look_up};
use crate::store::open::Open;

/// What is to be thought of a push.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Verdict {
    Acknowledged(Box<Action>),
    /// Not a byte of it left.
    Unsent {
        why: String,
    },
    /// The key has worked, and is not let in for now; Amps may have said for how long.
    NotLetIn {
        failure: Failure,
        after: Option<Duration>,
    },
    /// Turned away for now; Amps may have said for how long.
    Retry {
        failure: Failure,
        after: Option<Duration>,
        /// What a person can do about it. Told when no attempt is left.
        remedy: Option<&'static str>,
    },
    /// Another action holds the device (`amps-api.md` §5.3).
    Blocked(Failure),
    /// It may have arrived. Amps drops no repeats (§5.4), so it is looked up before it is sent again.
    InDoubt {
        /// What was answered, if anything was.
        answered: Option<Failure>,
        after: Option<Duration>,
    },
    /// No number of attempts would help.
    GiveUp(Failure),
}

impl Verdict {
    pub(super) fn of(answer: &Answer<Action>, key: Key) -> Self {
        match answer {
            Answer::Ok(action) => Self::Acknowledged(Box::new(action.clone())),
            Answer::NotSent { reason } => Self::Unsent {
                why: format!("Amps cannot be reached: {reason}"),
            },
            Answer::Lost { .. } => Self::InDoubt {
                answered: None,
                after: None,
            },
            Answer::Refused(refusal) => Self::of_refusal(refusal, key),
        }
    }

    /// By the table.
    pub(super) fn of_refusal(refusal: &Refusal, key: Key) -> Self {
        let code = refusal.code.as_deref();
        let meaning = answers::meaning(refusal.status, code);
        let again = |remedy| Self::Retry {
            failure: Failure::new(code, &refusal.message),
            after: refusal.retry_after,
            remedy,
        };
        match meaning {
            Meaning::Retry => again(remedy(code, key)),
            // A burst shows so too.
            Meaning::Unauthorized if key.has_worked => Self::not_let_in(refusal),
            // Where it is not the manufacturer's, it is the home's own, and orders wait for a new one.
            Meaning::GiveUp if key.has_worked && key.works_now == Some(false) => {
                Self::not_let_in(refusal)
            }
            Meaning::Unauthorized => {
                let failure = Failure::new(code, &refusal.message);
                Self::GiveUp(failure.with_remedy(Some(answers::KEY_REMEDY)))
            }
            Meaning::InDoubt => Self::InDoubt {
                answered: Some(Failure::new(code, &refusal.message)),
                after: refusal.retry_after,
            },
            Meaning::Wait => Self::Blocked(Failure::new(code, &refusal.message)),
            Meaning::GiveUp => {
                let failure = Failure::new(code, &refusal.message);
                Self::GiveUp(failure.with_remedy(remedy(code, key)))
            }
        }
    }

    /// Amps refuses the home's key, which has worked.
    fn not_let_in(refusal: &Refusal) -> Self {
        let failure = Failure::new(refusal.code.as_deref(), &refusal.message);
        Self::NotLetIn {
            failure: failure.with_remedy(Some(answers::KEY_REMEDY)),
            after: refusal.retry_after,
        }
    }
}

/// What is known of the home's key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Key {
    /// Amps has answered to it, now or in an earlier life of the program.
    pub(super) has_worked: bool,
    /// Amps answers to it right now; none where nobody could ask.
    pub(super) works_now: Option<bool>,
}

/// What a person can do about the code.
fn remedy(code: Option<&str>, key: Key) -> Option<&'static str> {
    let code = answers::known(code?)?;
    if code.name != answers::INVALID_API_KEY {
        return code.remedy;
    }
    Some(match key.works_now {
        Some(true) => "the manufacturer does not take it: link the device again in Amps",
        Some(false) => answers::KEY_REMEDY,
        None => {
            "check `api_key` below `amps` in home.yaml; if other devices work, link this one again in Amps"
        }
    })
}

/// How soon a push that did not leave is tried again. When more of them do not leave, nobody asks for a
/// while (`device_api::door`).
const UNSENT_WAIT: Duration = Duration::from_secs(5);

/// How long a command is put back while something holds its device that is over when one looks, or that
/// nobody can name; then each push counts as an attempt.
const BLOCKED_MAX: Duration = Duration::from_mins(15);

/// Before the first look-up of a push whose answer was lost: enough for it to be listed.
const LISTING_WAIT: Duration = Duration::from_secs(1);

/// How long this home waits for what (`home.yaml`).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waits {
    pub(crate) look_up_after: Duration,
    pub(crate) in_doubt_for: Duration,
}

impl Waits {
    /// The step that `verdict` means for the command, whose request has just ended.
    pub(super) fn step(self, verdict: Verdict, open: &Open, now: Timestamp) -> Step {
        let attempts = open.lifecycle.attempts().unwrap_or_default();
        let again = open.command.next_attempt(attempts, now);
        match verdict {
            Verdict::Acknowledged(action) => self.acknowledged(&open.command, &action, now),
            Verdict::Unsent { why } => {
                let failure = Failure::new(None, why);
                shut_out(open, failure, later(now, UNSENT_WAIT), now)
            }
            // How long nobody asks, the gate knows (`device_api::door`).
            Verdict::NotLetIn { failure, after } => {
                let retry_at = not_before(later(now, UNSENT_WAIT), after, now);
                shut_out(open, failure, retry_at, now)
            }
            Verdict::Retry {
                failure,
                after,
                remedy,
            } => {
                let retry_at = again.map(|at| not_before(at, after, now));
                let remedy = remedy.filter(|_| retry_at.is_none());
                let failure = failure.with_remedy(remedy);
                Step::Refused { failure, retry_at }
            }
            Verdict::Blocked(failure) if later(open.began_at, BLOCKED_MAX) <= now => {
                Step::Refused {
                    failure,
                    retry_at: again,
                }
            }
            Verdict::Blocked(_) => Step::PutBack {
                why: "another action held the device".to_owned(),
                retry_at: later(now, BLOCKED_WAIT),
            },
            Verdict::InDoubt { answered, after } => {
                let doubt = self.doubt(DoubtCause::AnswerLost, &open.command, now);
                // The look-up that decides comes when the order may be sent again.
                let again = again.filter(|_| answered.is_some());
                let again = again.map_or(doubt.settles_at, |at| not_before(at, after, now));
                let settles_at = doubt.settles_at.max(again);
                Step::AnswerLost {
                    doubt: Doubt {
                        answered,
                        settles_at,
                        deadline: doubt.deadline.max(later(settles_at, self.in_doubt_for)),
                        ..doubt
                    },
                }
            }
            Verdict::GiveUp(failure) => Step::Refused {
                failure,
                retry_at: None,
            },
        }
    }

    /// The report is due after the action has begun, or after it has ended: the documents do not say which
    /// (`amps-api.md` §12.12). Until it begins it is looked up now and then, since nobody tells of a cancellation.
    pub(super) fn acknowledged(self, command: &Command, action: &Action, now: Timestamp) -> Step {
        let Timing { start, end, .. } = command.timing;
        let begins = action.start.or(start).map_or(now, |start| start.max(now));
        let ends = action.end.or(end).map_or(begins, |end| end.max(begins));
        let deadline = later(ends, REPORT_DEADLINE);
        Step::Acknowledged {
            action: action.id.clone(),
            look_up_at: later(begins, self.look_up_after)
                .min(deadline)
                .min(later(now, PLANNED_LOOK_UP)),
            deadline,
        }
    }

    /// It is worth finding out until a report of it would be due.
    pub(super) fn doubt(self, cause: DoubtCause, command: &Command, now: Timestamp) -> Doubt {
        let begins = command.timing.start.map_or(now, |start| start.max(now));
        let deadline = later(now, self.in_doubt_for.saturating_mul(2));
        let deadline = deadline.max(later(begins, REPORT_DEADLINE));
        Doubt {
            cause,
            answered: None,
            look_up_at: later(now, LISTING_WAIT),
            settles_at: later(now, self.in_doubt_for),
            deadline,
        }
    }
}

/// `at`, or as long after `now` as Amps asked for.
fn not_before(at: Timestamp, after: Option<Duration>, now: Timestamp) -> Timestamp {
    after.map_or(at, |after| at.max(later(now, after)))
}

/// The step for a push that did not leave, or was not let in. While the order is young, or its start is ahead, that is
/// no attempt.
pub(super) fn shut_out(open: &Open, failure: Failure, retry_at: Timestamp, now: Timestamp) -> Step {
    let start = open.command.timing.start.unwrap_or(open.began_at);
    if now < later(open.began_at.max(start), OUTAGE_MAX) {
        let why = failure.to_string();
        return Step::PutBack { why, retry_at };
    }
    let attempts = open.lifecycle.attempts().unwrap_or_default();
    let again = open.command.next_attempt(attempts, now);
    Step::Refused {
        failure,
        retry_at: again.map(|at| at.max(retry_at)),
    }
}

/// The step for a push that a look-up, begun at `asked_at`, did not find.
pub(super) fn not_found(open: &Open, asked_at: Timestamp, now: Timestamp) -> Step {
    let Lifecycle::InDoubt { attempts, doubt } = &open.lifecycle else {
        return still_waiting(open, Told::Something, now);
    };
    if asked_at < doubt.settles_at {
        return still_waiting(open, Told::Something, now);
    }
    let is_left = match doubt.cause {
        DoubtCause::AnswerLost => *attempts < open.command.retry.attempts,
        DoubtCause::Interrupted => true,
    };
    // At once: what the look-up has shown is true now, and may not be later.
    Step::NeverArrived {
        retry_at: is_left.then_some(now),
    }
}

/// What a look-up was answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// Nothing certain about the push.
    Something,
    /// It could not be made, or was not answered: it proves nothing, and the time does not count.
    Nothing,
}

/// The step for a push that a look-up told nothing certain about.
pub(super) fn still_waiting(open: &Open, told: Told, now: Timestamp) -> Step {
    let next = next_look_up(open.sent_at.unwrap_or(open.began_at), LISTING_WAIT, now);
    let Lifecycle::InDoubt { doubt, .. } = &open.lifecycle else {
        return Step::StillWaiting { look_up_at: next };
    };
    let end = match told {
        Told::Something => doubt.deadline,
        Told::Nothing => later(doubt.deadline, OUTAGE_MAX),
    };
    if end <= now {
        return Step::TimePassed;
    }
    // The look-up that decides comes as soon as it can.
    let decides = [doubt.settles_at, doubt.deadline];
    let decides = decides.into_iter().filter(|at| now < *at).min();
    Step::StillWaiting {
        look_up_at: decides.map_or(next, |at| next.min(at)),
    }
}
