//! A setting of a device that a rule writes, and what becomes of it. Doing it twice is doing it once.

#[cfg(test)]
mod tests;

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::command::RetryPolicy;
use crate::domain::device::Device;
use crate::domain::id::{EventId, RequestId, RuleId, RunId};
use crate::domain::lifecycle::{Failure, OUTAGE_MAX};
use crate::domain::retry::later;
use crate::domain::value::Quantity;

/// How long the device is read until it shows the new value.
pub const SHOWN_WITHIN: Duration = Duration::from_mins(5);

/// Between two reads of the device, and between two tries of what did not leave.
const READ_EVERY: Duration = Duration::from_secs(15);

/// The same number, in the words of two machines.
const TOLERANCE: f64 = 1e-3;

/// The device shows another value.
pub const CONTRADICTED: &str = "contradicted";
/// Nobody could be asked what the device shows.
pub const UNKNOWN: &str = "unknown";

/// What is written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SettingWrite {
    pub id: RequestId,
    pub device: Device,
    /// A setting of the catalogue: `safety_reserve`.
    pub setting: String,
    /// In the unit of the catalogue.
    pub value: Quantity,
    pub retry: RetryPolicy,
    pub rule: RuleId,
    pub run: RunId,
    /// The event whose evaluation asked for it.
    pub cause: EventId,
}

/// What is to be done next.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub enum Stage {
    #[default]
    Write,
    /// Amps has taken it, or may have: the device is read until it shows the value.
    Read {
        /// A value from before tells nothing.
        since: Timestamp,
        deadline: Timestamp,
        /// The device showed this, taken after the write.
        shown: Option<String>,
        /// Since when the device could not be asked; none when it could at the last try.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        silent_since: Option<Timestamp>,
        /// What was answered to the last attempt, where that was no word on whether it was carried out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        doubt: Option<Failure>,
    },
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// Amps has taken the write; its clock may have been told.
    Taken { amps_time: Option<Timestamp> },
    /// It was turned away.
    Refused {
        failure: Failure,
        may_pass: bool,
        after: Option<Duration>,
    },
    /// It may have been carried out or not. Made again, it does no harm.
    InDoubt {
        failure: Failure,
        after: Option<Duration>,
    },
    /// Not a byte of it left, or the home's key, which has worked, was not let in.
    ShutOut {
        failure: Failure,
        after: Option<Duration>,
    },
    /// The device was read.
    Shown(Showing),
    /// The device was read, and left the setting out, which it is known to have.
    LeftOut,
    /// The device could not be read.
    NotShown,
}

/// What a device that was read says of one setting.
#[derive(Clone, Debug, PartialEq)]
pub struct Showing {
    /// None where the device does not report the setting.
    pub value: Option<Quantity>,
    /// When it was true; none when at the time of the read.
    pub taken_at: Option<Timestamp>,
    /// It is not what the platform had kept.
    pub is_live: bool,
}

/// What came of a read that did not show the value.
enum Read {
    /// The device shows this, taken after the write; none where it told nothing newer.
    Answered(Option<String>),
    Silent,
}

/// Where the write stands after a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Progress {
    Again {
        at: Timestamp,
        stage: Stage,
        attempts: u32,
        /// Why, where something went wrong.
        why: Option<String>,
    },
    Over(WriteResult),
}

/// The end of a write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum WriteResult {
    /// The device shows the value.
    Confirmed,
    /// Amps has taken it; the device does not report this setting.
    Unreported,
    Failed {
        /// `failed`, `contradicted` or `unknown`.
        outcome: String,
        failure: Failure,
    },
}

/// A write is over; the run that waits for it goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WriteOver {
    pub write: RequestId,
    pub run: RunId,
    /// What was written, for people: `safety_reserve of house_battery`.
    pub what: String,
    pub result: WriteResult,
    /// How often it was written.
    pub attempts: u32,
}

impl Stage {
    /// The device has shown the setting since it was written.
    fn has_shown(&self) -> bool {
        match self {
            Self::Write => false,
            Self::Read { shown, .. } => shown.is_some(),
        }
    }
}

impl SettingWrite {
    /// What follows from `reply` to the request of `stage`, after so many `attempts` to write, the present one
    /// included. It was asked for at `created_at`.
    pub fn after(
        &self,
        (stage, attempts): (&Stage, u32),
        reply: Reply,
        created_at: Timestamp,
        now: Timestamp,
    ) -> Progress {
        match reply {
            Reply::Taken { amps_time } => {
                // Amps tells whole seconds.
                let since = amps_time.map_or(now, |it| later(it, Duration::from_secs(1)));
                again(now, read_since(since, None, now), attempts, None)
            }
            Reply::InDoubt { failure, after } => {
                if let Some(at) = self.retry.next_attempt_as_asked(after, attempts, now) {
                    return again(at, Stage::Write, attempts, Some(failure.to_string()));
                }
                // What the device shows decides.
                let why = Some(failure.to_string());
                again(now, read_since(now, Some(failure), now), attempts, why)
            }
            Reply::ShutOut { failure, after } if now < later(created_at, OUTAGE_MAX) => {
                let attempts = attempts.saturating_sub(1);
                let wait = after.unwrap_or_default().max(READ_EVERY);
                let why = Some(failure.to_string());
                again(later(now, wait), Stage::Write, attempts, why)
            }
            Reply::ShutOut { failure, after } => {
                self.failed("failed", failure, (true, after), (attempts, now))
            }
            Reply::Refused {
                failure,
                may_pass,
                after,
            } => self.failed("failed", failure, (may_pass, after), (attempts, now)),
            // It has shown the setting before: without it, a read proves nothing.
            Reply::Shown(Showing { value: None, .. }) if stage.has_shown() => {
                self.not_shown(stage, Read::Answered(None), attempts, now)
            }
            Reply::Shown(Showing { value: None, .. }) => Progress::Over(WriteResult::Unreported),
            Reply::LeftOut => self.not_shown(stage, Read::Answered(None), attempts, now),
            Reply::Shown(Showing {
                value: Some(value),
                taken_at,
                is_live,
            }) => {
                let Stage::Read { since, .. } = stage else {
                    return again(now, Stage::Write, attempts.saturating_sub(1), None);
                };
                let is_later = is_live || taken_at.is_none_or(|it| *since <= it);
                if is_later && self.is_written(value) {
                    return Progress::Over(WriteResult::Confirmed);
                }
                let shown = is_later.then(|| value.to_string());
                self.not_shown(stage, Read::Answered(shown), attempts, now)
            }
            Reply::NotShown => self.not_shown(stage, Read::Silent, attempts, now),
        }
    }

    /// What follows when the program ended while a request was under way: it is made again, and does not count.
    pub fn after_interruption(stage: &Stage, attempts: u32, now: Timestamp) -> Progress {
        let attempts = match stage {
            Stage::Write => attempts.saturating_sub(1),
            Stage::Read { .. } => attempts,
        };
        again(now, stage.clone(), attempts, None)
    }

    /// The word that it is over.
    pub fn over(&self, result: WriteResult, attempts: u32) -> WriteOver {
        WriteOver {
            write: self.id.clone(),
            run: self.run.clone(),
            what: self.shown(),
            result,
            attempts,
        }
    }

    /// What is written, for people.
    pub fn shown(&self) -> String {
        format!("`{}` of `{}`", self.setting, self.device.alias)
    }

    fn is_written(&self, value: Quantity) -> bool {
        let value = value.unit.convert(value.value, self.value.unit);
        value.is_some_and(|it| (it - self.value.value).abs() < TOLERANCE)
    }

    /// The device does not show the value, or not yet.
    fn not_shown(&self, stage: &Stage, read: Read, attempts: u32, now: Timestamp) -> Progress {
        let Stage::Read {
            since,
            deadline,
            shown,
            silent_since,
            doubt,
        } = stage
        else {
            return again(now, Stage::Write, attempts.saturating_sub(1), None);
        };
        let (seen, silent_since) = match read {
            Read::Answered(seen) => (seen, None),
            Read::Silent => (None, silent_since.or(Some(now))),
        };
        let shown = seen.or_else(|| shown.clone());
        // The time in which nobody could ask does not count.
        let waits = shown.is_none() && silent_since.is_some_and(|it| now < later(it, OUTAGE_MAX));
        if now < *deadline || waits {
            let next = later(now, READ_EVERY);
            let at = if waits { next } else { next.min(*deadline) };
            let stage = Stage::Read {
                since: *since,
                deadline: *deadline,
                shown,
                silent_since,
                doubt: doubt.clone(),
            };
            return again(at, stage, attempts, None);
        }
        let value = self.value;
        if let Some(doubt) = doubt {
            return Progress::Over(in_doubt(doubt, shown));
        }
        if let Some(shown) = shown {
            let message = format!("it was written as {value}, and the device shows {shown}");
            let failure = Failure::new(None, message);
            return self.failed(CONTRADICTED, failure, (true, None), (attempts, now));
        }
        let since = match silent_since {
            Some(_) => "nobody could ask the device since",
            None => "the device has not shown it since",
        };
        let failure = Failure::new(None, format!("it was written as {value}, and {since}"));
        self.failed(UNKNOWN, failure, (false, None), (attempts, now))
    }

    fn failed(
        &self,
        outcome: &str,
        failure: Failure,
        (may_pass, asked): (bool, Option<Duration>),
        (attempts, now): (u32, Timestamp),
    ) -> Progress {
        let next = self.retry.next_attempt_as_asked(asked, attempts, now);
        let Some(at) = next.filter(|_| may_pass) else {
            let outcome = outcome.to_owned();
            return Progress::Over(WriteResult::Failed { outcome, failure });
        };
        again(at, Stage::Write, attempts, Some(failure.to_string()))
    }
}

/// The device is read from now on; values from before `since` tell nothing.
fn read_since(since: Timestamp, doubt: Option<Failure>, now: Timestamp) -> Stage {
    Stage::Read {
        since,
        deadline: later(now, SHOWN_WITHIN),
        shown: None,
        silent_since: None,
        doubt,
    }
}

/// The end of a write that may never have been carried out: the device shows another value, or did not tell.
fn in_doubt(doubt: &Failure, shown: Option<String>) -> WriteResult {
    let (outcome, seen) = match shown {
        Some(shown) => ("failed", format!("the device shows {shown}")),
        None => (UNKNOWN, "nobody could ask the device since".to_owned()),
    };
    WriteResult::Failed {
        outcome: outcome.to_owned(),
        failure: Failure {
            code: doubt.code.clone(),
            message: format!("{}; {seen}", doubt.message),
        },
    }
}

fn again(at: Timestamp, stage: Stage, attempts: u32, why: Option<String>) -> Progress {
    Progress::Again {
        at,
        stage,
        attempts,
        why,
    }
}

impl WriteOver {
    /// How it ended, for people.
    pub fn said(&self) -> String {
        let said = match &self.result {
            WriteResult::Confirmed => format!("{} is written, and the device shows it", self.what),
            WriteResult::Unreported => {
                format!("{} is written; the device does not report it", self.what)
            }
            WriteResult::Failed { failure, .. } => format!("{}: {failure}", self.what),
        };
        if 1 < self.attempts {
            return format!("{said} ({} attempts)", self.attempts);
        }
        said
    }
}
