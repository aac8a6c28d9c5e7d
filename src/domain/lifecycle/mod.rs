//! Where a command stands, and the only steps it can take from there.
//!
//! Settled is final: whatever comes later is refused as a value and changes nothing.

#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::domain::answers;
use crate::domain::id::ActionId;

/// How long a report may stay out before a command is expired (`rule-language.md` §7.5).
pub const REPORT_DEADLINE: Duration = Duration::from_mins(15);

/// How much longer than its deadline a command waits while Amps cannot be asked, and how long one that has
/// not been sent waits for Amps before each try counts as an attempt.
pub const OUTAGE_MAX: Duration = Duration::from_hours(1);

/// Where a command stands. Every waiting state says until when (`architecture.md`, invariant 5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Lifecycle {
    /// Waiting for its device to be free, or for another attempt.
    Queued { attempts: u32, due: Timestamp },
    /// Another action holds the device: looked up until it is over, then pushed. The push that found out does
    /// not count as an attempt.
    Blocked { attempts: u32, hold: Hold },
    /// A push is under way. Found at a start of the program, it means in doubt.
    Sending { attempts: u32 },
    /// Sent, and the answer was lost: it may have arrived or not. Looked up before anything is sent again.
    InDoubt { attempts: u32, doubt: Doubt },
    /// Taken by Amps, which owes us a report; looked up when none came, given up at `deadline`.
    Acknowledged {
        attempts: u32,
        action: ActionId,
        look_up_at: Timestamp,
        deadline: Timestamp,
    },
    /// Over.
    Settled { outcome: Outcome },
}

/// What holds the device of a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Amps' records of it; ours or somebody else's.
    pub actions: Vec<ActionId>,
    pub since: Timestamp,
    pub look_up_at: Timestamp,
    /// When it is not over by then, the command fails.
    pub deadline: Timestamp,
}

/// What is known of a push whose answer was lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Doubt {
    pub cause: DoubtCause,
    /// What was answered, where it was no word on whether the push was carried out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered: Option<Failure>,
    pub look_up_at: Timestamp,
    /// From then on it can no longer turn up: a look-up that begins later and does not find it proves
    /// that it is not there.
    pub settles_at: Timestamp,
    /// When nothing has been found out by then, the command is expired.
    pub deadline: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DoubtCause {
    AnswerLost,
    /// The program ended while the push was under way, or before it left. If it never arrived, it does not
    /// count as an attempt.
    Interrupted,
}

/// The last word on a command or an action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// The manufacturer took the command. Not proof of what the device does (`amps-api.md` §5.2).
    Completed,
    Failed(Failure),
    Cancelled,
    /// Nothing was heard by the deadline. Our own word; Amps does not know it.
    Expired,
}

/// Why something failed, in the platform's words where it had any.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// A code of `amps-api.md` §8, or none.
    pub code: Option<String>,
    pub message: String,
}

/// What may happen to a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Its turn has come; the push is about to leave.
    Claimed,
    Acknowledged {
        action: ActionId,
        look_up_at: Timestamp,
        deadline: Timestamp,
    },
    /// Turned away; pushed again at `retry_at`, or never.
    Refused {
        failure: Failure,
        retry_at: Option<Timestamp>,
    },
    /// Another action holds the device. This does not count as an attempt.
    Blocked {
        hold: Hold,
    },
    /// Nothing holds the device any more.
    Freed {
        retry_at: Timestamp,
    },
    /// What holds the device is not over in time.
    HeldTooLong,
    /// Earlier orders of ours to the device were not over in time.
    TurnMissed,
    /// Nothing has left, or nothing has come of it. This does not count as an attempt.
    PutBack {
        why: String,
        retry_at: Timestamp,
    },
    AnswerLost {
        doubt: Doubt,
    },
    /// The program stops, and the push has not left. This does not count as an attempt.
    GivenBack,
    /// A look-up showed that the push is not there; pushed again at `retry_at`, or never.
    NeverArrived {
        retry_at: Option<Timestamp>,
    },
    /// A look-up told nothing; the next one is at `look_up_at`.
    StillWaiting {
        look_up_at: Timestamp,
    },
    /// The program starts, or Amps answers again: what is waited for is looked up or sent now. A deadline that has passed meanwhile counts from
    /// now, since nobody could ask; a look-up that is answered decides as ever.
    Resumed,
    /// The action ended; after a failure that may pass, pushed again at `retry_at`.
    Reported {
        outcome: Outcome,
        retry_at: Option<Timestamp>,
    },
    TimePassed,
    /// Nobody wants it any more, and no push of it is under way.
    Withdrawn,
}

/// A step that cannot be taken from where the command stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IllegalTransition {
    pub from: Lifecycle,
    pub step: Step,
}

impl Lifecycle {
    /// The state after `step`, taken at `now`.
    #[expect(clippy::too_many_lines, reason = "an arm for each kind")]
    pub fn after(self, step: Step, now: Timestamp) -> Result<Self, Box<IllegalTransition>> {
        Ok(match (self, step) {
            (Self::Queued { attempts, due }, Step::Claimed) if due <= now => Self::Sending {
                attempts: attempts + 1,
            },
            (
                Self::Sending { attempts } | Self::InDoubt { attempts, .. },
                Step::Acknowledged {
                    action,
                    look_up_at,
                    deadline,
                },
            )
            | (
                Self::Acknowledged {
                    attempts,
                    action,
                    deadline,
                    ..
                },
                Step::StillWaiting { look_up_at },
            ) => Self::Acknowledged {
                attempts,
                action,
                look_up_at,
                deadline,
            },
            (Self::Sending { attempts }, Step::Refused { failure, retry_at }) => {
                Self::again(attempts, retry_at, Outcome::Failed(failure))
            }
            (Self::Sending { attempts }, Step::Blocked { hold }) => Self::Blocked {
                attempts: attempts.saturating_sub(1),
                hold,
            },
            (Self::Blocked { attempts, hold }, Step::StillWaiting { look_up_at }) => {
                Self::Blocked {
                    attempts,
                    hold: Hold { look_up_at, ..hold },
                }
            }
            (Self::Blocked { attempts, .. }, Step::Freed { retry_at }) => Self::Queued {
                attempts,
                due: retry_at,
            },
            (Self::Blocked { hold, .. }, Step::HeldTooLong) if hold.deadline <= now => {
                Self::Settled {
                    outcome: Outcome::Failed(Failure::held_too_long(&hold)),
                }
            }
            (Self::Queued { .. }, Step::TurnMissed) => Self::Settled {
                outcome: Outcome::Failed(Failure::turn_missed()),
            },
            (Self::Sending { attempts }, Step::PutBack { retry_at, .. }) => Self::Queued {
                attempts: attempts.saturating_sub(1),
                due: retry_at,
            },
            (Self::Sending { attempts }, Step::GivenBack) => Self::Queued {
                attempts: attempts.saturating_sub(1),
                due: now,
            },
            (Self::Queued { .. } | Self::Blocked { .. }, Step::Withdrawn) => Self::Settled {
                outcome: Outcome::Cancelled,
            },
            (Self::Sending { attempts }, Step::AnswerLost { doubt }) => {
                Self::InDoubt { attempts, doubt }
            }
            (Self::InDoubt { attempts, doubt }, Step::StillWaiting { look_up_at }) => {
                Self::InDoubt {
                    attempts,
                    doubt: Doubt {
                        look_up_at,
                        ..doubt
                    },
                }
            }
            (
                Self::Acknowledged {
                    attempts,
                    action,
                    deadline,
                    ..
                },
                Step::Resumed,
            ) => Self::Acknowledged {
                attempts,
                action,
                look_up_at: now,
                deadline: deadline.max(now),
            },
            (Self::Queued { attempts, .. }, Step::Resumed) => Self::Queued { attempts, due: now },
            (Self::Blocked { attempts, hold }, Step::Resumed) => Self::Blocked {
                attempts,
                hold: Hold {
                    look_up_at: now,
                    deadline: hold.deadline.max(now),
                    ..hold
                },
            },
            (Self::InDoubt { attempts, doubt }, Step::Resumed) => Self::InDoubt {
                attempts,
                doubt: Doubt {
                    look_up_at: now,
                    deadline: doubt.deadline.max(now),
                    ..doubt
                },
            },
            (Self::InDoubt { attempts, doubt }, Step::NeverArrived { retry_at }) => {
                let uncounted = u32::from(doubt.cause == DoubtCause::Interrupted);
                let outcome = Outcome::Failed(Failure::never_arrived(doubt.answered));
                Self::again(attempts.saturating_sub(uncounted), retry_at, outcome)
            }
            (Self::InDoubt { doubt, .. }, Step::TimePassed) if doubt.deadline <= now => {
                Self::Settled {
                    outcome: Outcome::Expired,
                }
            }
            (Self::Acknowledged { attempts, .. }, Step::Reported { outcome, retry_at }) => {
                Self::again(attempts, retry_at, outcome.with_remedy())
            }
            (Self::Acknowledged { deadline, .. }, Step::TimePassed) if deadline <= now => {
                Self::Settled {
                    outcome: Outcome::Expired,
                }
            }
            (from, step) => return Err(Box::new(IllegalTransition { from, step })),
        })
    }

    /// The same after the clock was set by `by`: it waits as long as before.
    #[must_use]
    pub fn moved(self, by: SignedDuration) -> Self {
        let end = if by.is_negative() {
            Timestamp::MIN
        } else {
            Timestamp::MAX
        };
        let moved = |moment: Timestamp| moment.checked_add(by).unwrap_or(end);
        match self {
            Self::Queued { attempts, due } => Self::Queued {
                attempts,
                due: moved(due),
            },
            Self::Blocked { attempts, hold } => Self::Blocked {
                attempts,
                hold: Hold {
                    actions: hold.actions,
                    since: moved(hold.since),
                    look_up_at: moved(hold.look_up_at),
                    deadline: moved(hold.deadline),
                },
            },
            Self::InDoubt { attempts, doubt } => Self::InDoubt {
                attempts,
                doubt: Doubt {
                    answered: doubt.answered,
                    cause: doubt.cause,
                    look_up_at: moved(doubt.look_up_at),
                    settles_at: moved(doubt.settles_at),
                    deadline: moved(doubt.deadline),
                },
            },
            Self::Acknowledged {
                attempts,
                action,
                look_up_at,
                deadline,
            } => Self::Acknowledged {
                attempts,
                action,
                look_up_at: moved(look_up_at),
                deadline: moved(deadline),
            },
            it @ (Self::Sending { .. } | Self::Settled { .. }) => it,
        }
    }

    fn again(attempts: u32, retry_at: Option<Timestamp>, outcome: Outcome) -> Self {
        match retry_at {
            Some(due) => Self::Queued { attempts, due },
            None => Self::Settled { outcome },
        }
    }

    /// How many pushes have left so far.
    pub fn attempts(&self) -> Option<u32> {
        match self {
            Self::Queued { attempts, .. }
            | Self::Blocked { attempts, .. }
            | Self::Sending { attempts }
            | Self::InDoubt { attempts, .. }
            | Self::Acknowledged { attempts, .. } => Some(*attempts),
            Self::Settled { .. } => None,
        }
    }

    /// One word, as lists show it and the store keeps it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Queued { .. } => "queued",
            Self::Blocked { .. } => "blocked",
            Self::Sending { .. } => "sending",
            Self::InDoubt { .. } => "in_doubt",
            Self::Acknowledged { .. } => "acknowledged",
            Self::Settled { outcome } => outcome.name(),
        }
    }
}

impl Outcome {
    pub fn name(&self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Failed(_) => "failed",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }

    /// The same, and what a person can do about an action that Amps took and that failed.
    fn with_remedy(self) -> Self {
        match self {
            Self::Failed(failure) => {
                let remedy = answers::remedy_once_taken(failure.code.as_deref());
                Self::Failed(failure.with_remedy(remedy))
            }
            Self::Completed | Self::Cancelled | Self::Expired => self,
        }
    }

    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Failed(failure) => Some(failure),
            Self::Completed | Self::Cancelled | Self::Expired => None,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.code {
            Some(code) => write!(f, "{code}, {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl Failure {
    pub fn new(code: Option<&str>, message: impl Into<String>) -> Self {
        Self {
            code: code.map(str::to_owned),
            message: message.into(),
        }
    }

    /// The same, and what a person can do about it.
    #[must_use]
    pub fn with_remedy(mut self, remedy: Option<&str>) -> Self {
        if let Some(remedy) = remedy {
            self.message = format!("{}; {remedy}", self.message);
        }
        self
    }

    fn held_too_long(hold: &Hold) -> Self {
        let actions: Vec<&str> = hold.actions.iter().map(ActionId::as_str).collect();
        let message = match actions.as_slice() {
            [] => "another action held the device for too long".to_owned(),
            actions => format!("{} held the device for too long", actions.join(", ")),
        };
        Self::new(Some("CONFLICT"), message)
    }

    fn turn_missed() -> Self {
        let message = "an earlier order of this home held the device for too long";
        Self::new(Some("CONFLICT"), message)
    }

    /// By what was answered last, if anything was.
    fn never_arrived(answered: Option<Self>) -> Self {
        match answered {
            Some(Self { code, message }) => Self {
                code,
                message: format!("{message}; Amps does not have the order"),
            },
            None => Self::new(None, "the push was lost on its way each time"),
        }
    }
}
