//! Where a command stands, and the only steps it can take from there.
//!
//! Settled is final: whatever comes later is refused as a value and changes nothing.

use std::fmt;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::domain::id::ActionId;

/// How long a report may stay out before a command is expired (`rule-language.md` §7.5).
pub const REPORT_DEADLINE: Duration = Duration::from_mins(15);

/// Where a command stands. Every waiting state says until when (`architecture.md`, invariant 5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Lifecycle {
    /// Waiting for its device to be free, or for another attempt.
    Queued { attempts: u32, due: Timestamp },
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

/// What is known of a push whose answer was lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Doubt {
    pub cause: DoubtCause,
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
            (Self::Sending { attempts }, Step::Blocked { retry_at }) => Self::Queued {
                attempts: attempts.saturating_sub(1),
                due: retry_at,
            },
            (Self::Sending { attempts }, Step::GivenBack) => Self::Queued {
                attempts: attempts.saturating_sub(1),
                due: now,
            },
            (Self::Queued { .. }, Step::Withdrawn) => Self::Settled {
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
            (Self::InDoubt { attempts, doubt }, Step::NeverArrived { retry_at }) => {
                let uncounted = u32::from(doubt.cause == DoubtCause::Interrupted);
                let outcome = Outcome::Failed(Failure::never_arrived());
                Self::again(attempts.saturating_sub(uncounted), retry_at, outcome)
            }
            (Self::InDoubt { doubt, .. }, Step::TimePassed) if doubt.deadline <= now => {
                Self::Settled {
                    outcome: Outcome::Expired,
                }
            }
            (Self::Acknowledged { attempts, .. }, Step::Reported { outcome, retry_at }) => {
                Self::again(attempts, retry_at, outcome)
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
            Self::InDoubt { attempts, doubt } => Self::InDoubt {
                attempts,
                doubt: Doubt {
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

    fn never_arrived() -> Self {
        Self::new(None, "the push was lost on its way each time")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn acknowledged() -> Lifecycle {
        Lifecycle::Acknowledged {
            attempts: 1,
            action: ActionId::new("act_1"),
            look_up_at: at(30),
            deadline: at(900),
        }
    }

    fn doubt(cause: DoubtCause) -> Doubt {
        Doubt {
            cause,
            look_up_at: at(1),
            settles_at: at(60),
            deadline: at(900),
        }
    }

    fn in_doubt(cause: DoubtCause) -> Lifecycle {
        Lifecycle::InDoubt {
            attempts: 1,
            doubt: doubt(cause),
        }
    }

    #[test]
    fn what_never_arrived_counts_as_an_attempt_unless_the_program_ended_in_between() {
        for (cause, attempts) in [(DoubtCause::AnswerLost, 1), (DoubtCause::Interrupted, 0)] {
            assert_eq!(
                in_doubt(cause).after(
                    Step::NeverArrived {
                        retry_at: Some(at(70))
                    },
                    at(70)
                ),
                Ok(Lifecycle::Queued {
                    attempts,
                    due: at(70)
                })
            );
        }
    }

    #[test]
    fn a_doubt_ends_at_its_deadline_and_not_a_second_before() {
        let state = in_doubt(DoubtCause::AnswerLost);
        assert!(state.clone().after(Step::TimePassed, at(899)).is_err());
        assert_eq!(
            state.after(Step::TimePassed, at(900)),
            Ok(Lifecycle::Settled {
                outcome: Outcome::Expired
            })
        );
    }

    #[test]
    fn a_command_is_claimed_when_it_is_due_and_not_before() {
        let queued = Lifecycle::Queued {
            attempts: 0,
            due: at(10),
        };
        assert!(queued.clone().after(Step::Claimed, at(9)).is_err());
        assert_eq!(
            queued.after(Step::Claimed, at(10)),
            Ok(Lifecycle::Sending { attempts: 1 })
        );
    }

    #[test]
    fn what_may_have_arrived_is_not_claimed_again() {
        for state in [in_doubt(DoubtCause::AnswerLost), acknowledged()] {
            let refused = state.clone().after(Step::Claimed, at(1000)).unwrap_err();
            assert_eq!(refused.from, state);
        }
    }

    #[test]
    fn what_has_not_been_sent_can_be_called_off_and_what_has_cannot() {
        let queued = Lifecycle::Queued {
            attempts: 1,
            due: at(10),
        };
        assert_eq!(
            queued.after(Step::Withdrawn, at(9)),
            Ok(Lifecycle::Settled {
                outcome: Outcome::Cancelled
            })
        );
        for sent in [
            Lifecycle::Sending { attempts: 1 },
            in_doubt(DoubtCause::AnswerLost),
            acknowledged(),
        ] {
            assert!(sent.after(Step::Withdrawn, at(9)).is_err());
        }
    }

    #[test]
    fn settled_is_final() {
        let settled = Lifecycle::Settled {
            outcome: Outcome::Completed,
        };
        let steps = [
            Step::Claimed,
            Step::Reported {
                outcome: Outcome::Cancelled,
                retry_at: None,
            },
            Step::AnswerLost {
                doubt: doubt(DoubtCause::AnswerLost),
            },
            Step::TimePassed,
        ];
        for step in steps {
            let refused = settled.clone().after(step, at(9)).unwrap_err();
            assert_eq!(refused.from, settled);
        }
    }

    #[test]
    fn an_acknowledged_command_expires_at_its_deadline_and_not_a_second_before() {
        assert!(acknowledged().after(Step::TimePassed, at(899)).is_err());
        assert_eq!(
            acknowledged().after(Step::TimePassed, at(900)),
            Ok(Lifecycle::Settled {
                outcome: Outcome::Expired
            })
        );
    }

    #[test]
    fn a_blocked_push_does_not_count_as_an_attempt() {
        let sending = Lifecycle::Sending { attempts: 2 };
        assert_eq!(
            sending.after(Step::Blocked { retry_at: at(5) }, at(1)),
            Ok(Lifecycle::Queued {
                attempts: 1,
                due: at(5)
            })
        );
    }

    #[test]
    fn a_failure_that_may_pass_queues_again_and_a_final_one_settles() {
        let failure = Failure::new(Some("DEVICE_OFFLINE"), "no answer");
        let outcome = Outcome::Failed(failure);
        let again = Step::Reported {
            outcome: outcome.clone(),
            retry_at: Some(at(60)),
        };
        assert_eq!(
            acknowledged().after(again, at(9)),
            Ok(Lifecycle::Queued {
                attempts: 1,
                due: at(60)
            })
        );
        let last = Step::Reported {
            outcome: outcome.clone(),
            retry_at: None,
        };
        assert_eq!(
            acknowledged().after(last, at(9)),
            Ok(Lifecycle::Settled { outcome })
        );
    }
}
