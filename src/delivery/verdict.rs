//! What an answer to a push means: the one place that judges. Pure.

use std::time::Duration;

use jiff::Timestamp;

use crate::clock::later;
use crate::device_api::answer::{Answer, Refusal};
use crate::device_api::wire::Action;
use crate::domain::id::ActionId;
use crate::domain::lifecycle::{Failure, Lifecycle, Step};
use crate::store::outbox::Open;

/// What is to be thought of a push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Acknowledged(ActionId),
    /// Turned away for now; Amps may have said for how long.
    Retry {
        failure: Failure,
        after: Option<Duration>,
    },
    /// Another action holds the device (`amps-api.md` §5.3).
    Blocked(Failure),
    /// It may have arrived. Amps drops no repeats (§5.4), so it is looked up before it is sent again.
    InDoubt,
    /// No number of attempts would help.
    GiveUp(Failure),
}

impl Verdict {
    pub(super) fn of(answer: &Answer<Action>) -> Self {
        match answer {
            Answer::Ok(action) => Self::Acknowledged(action.id.clone()),
            Answer::NotSent { reason } => Self::Retry {
                failure: Failure::new(None, format!("Amps cannot be reached: {reason}")),
                after: None,
            },
            Answer::Lost { .. } => Self::InDoubt,
            Answer::Refused(refusal) => Self::of_refusal(refusal),
        }
    }

    /// By code and status; what each means is in `amps-api.md` §7 and §8.
    fn of_refusal(refusal: &Refusal) -> Self {
        let Refusal {
            status,
            code,
            message,
            retry_after,
            ..
        } = refusal;
        let failure = Failure::new(code.as_deref(), message);
        match (status, code.as_deref()) {
            // A burst shows as 401, with either code.
            (429 | 503, _)
            | (_, Some("RATE_LIMIT_EXCEEDED" | "RATE_LIMITED"))
            | (401, Some("UNAUTHORIZED") | None) => Self::Retry {
                failure,
                after: *retry_after,
            },
            (409, _) => Self::Blocked(failure),
            // The request was read before this went wrong; it may have been carried out.
            (408 | 500..=599, _) if *status != 501 => Self::InDoubt,
            _ if failure.may_pass() => Self::Retry {
                failure,
                after: *retry_after,
            },
            _ => Self::GiveUp(failure),
        }
    }
}

/// How long a report may stay out before a command is expired (`rule-language.md` §7.5).
const REPORT_DEADLINE: Duration = Duration::from_mins(15);

/// How soon the device is tried again while another action holds it.
const BLOCKED_WAIT: Duration = Duration::from_secs(5);

/// How long a command waits for its device while other actions hold it.
const BLOCKED_MAX: Duration = Duration::from_mins(15);

/// Before the first look-up of a push whose answer was lost: enough for it to be listed.
const LISTING_WAIT: Duration = Duration::from_secs(1);

/// The step that `verdict` means for the command.
pub(super) fn step(verdict: Verdict, open: &Open, look_up_after: Duration, now: Timestamp) -> Step {
    let attempts = open.lifecycle.attempts().unwrap_or_default();
    match verdict {
        Verdict::Acknowledged(action) => acknowledged(action, look_up_after, now),
        Verdict::Retry { failure, after } => {
            let retry_at = open.command.retry.next_attempt(attempts, now);
            let asked = after.map(|after| later(now, after));
            Step::Refused {
                failure,
                retry_at: retry_at.map(|at| asked.map_or(at, |it| it.max(at))),
            }
        }
        Verdict::Blocked(failure) if later(open.created_at, BLOCKED_MAX) <= now => Step::Refused {
            failure,
            retry_at: None,
        },
        Verdict::Blocked(_) => Step::Blocked {
            retry_at: later(now, BLOCKED_WAIT),
        },
        Verdict::InDoubt => Step::AnswerLost {
            look_up_at: later(now, LISTING_WAIT),
        },
        Verdict::GiveUp(failure) => Step::Refused {
            failure,
            retry_at: None,
        },
    }
}

pub(super) fn acknowledged(action: ActionId, look_up_after: Duration, now: Timestamp) -> Step {
    Step::Acknowledged {
        action,
        look_up_at: later(now, look_up_after),
        deadline: later(now, REPORT_DEADLINE),
    }
}

/// Whether a push that a look-up did not find can no longer turn up: twice the time that a request may
/// take has passed since it left.
pub(super) fn has_surely_not_arrived(
    open: &Open,
    request_timeout: Duration,
    now: Timestamp,
) -> bool {
    let left = open.sent_at.unwrap_or(open.created_at);
    later(left, request_timeout.saturating_mul(2)) <= now
}

/// The step for a push that a look-up did not find.
pub(super) fn not_found(open: &Open, request_timeout: Duration, now: Timestamp) -> Step {
    let Lifecycle::InDoubt { attempts, .. } = open.lifecycle else {
        return Step::StillWaiting {
            look_up_at: later(now, LISTING_WAIT),
        };
    };
    if has_surely_not_arrived(open, request_timeout, now) {
        let left = attempts < open.command.retry.attempts;
        // At once: what the look-up has shown is true now, and may not be later.
        return Step::NeverArrived {
            retry_at: left.then_some(now),
        };
    }
    Step::StillWaiting {
        look_up_at: later(now, LISTING_WAIT),
    }
}
