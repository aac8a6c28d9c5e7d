//! What may go wrong on demand: on requests, on actions, on webhooks.
//!
//! Faults of one kind stand in a line; the first that fits is used, one at a time.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::simulator::envelope::ApiError;

/// Faults that may wait, of each kind.
pub const FAULTS_MAX: usize = 100;

/// For the next `times` requests that fit.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestRule {
    /// Any, if absent.
    pub method: Option<String>,
    /// What the path begins with; any, if absent.
    pub path: Option<String>,
    #[serde(default = "once")]
    pub times: u32,
    pub fault: RequestFault,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum RequestFault {
    /// The request takes effect, and the connection ends without an answer.
    DropAnswer,
    /// The connection ends, and nothing has happened.
    DropConnection,
    /// An error is answered, and nothing has happened.
    Answer(ErrorAnswer),
    /// The request takes effect, and an error is answered all the same.
    AnswerAfter(ErrorAnswer),
    /// The request waits before it takes effect. Wall clock.
    DelayBefore { ms: u64 },
    /// The request takes effect, and the answer waits. Wall clock.
    DelayAfter { ms: u64 },
}

/// What is answered in place of the truth.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErrorAnswer {
    /// From 400 to 599.
    pub status: u16,
    /// Without one it is not Amps that answers, but something on the way, in plain text.
    pub code: Option<String>,
    pub message: Option<String>,
    pub retry_after_seconds: Option<u64>,
}

/// For the next `times` actions of a device.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActionRule {
    /// A device id; any, if absent.
    pub device: Option<String>,
    #[serde(default = "once")]
    pub times: u32,
    pub fault: Fate,
}

/// How an action ends.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fate {
    #[default]
    Complete,
    Fail {
        code: String,
        message: Option<String>,
    },
    /// It stays acknowledged.
    NeverEnd,
    /// Its webhook arrives before the push is answered.
    CompleteFirst,
}

/// For the next `times` webhooks of an event.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookRule {
    /// `push.completed` and so on; any, if absent.
    pub event: Option<String>,
    #[serde(default = "once")]
    pub times: u32,
    pub fault: WebhookFault,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum WebhookFault {
    /// Sent twice under one id.
    Duplicate,
    /// Kept until `times` of them are there, then sent last one first.
    Reverse,
    /// Kept until released.
    Hold,
    /// Never sent.
    Drop,
    /// Correctly signed, and not JSON.
    Garbage,
    /// The right body, signed with a key that is not ours.
    Forge,
}

impl RequestFault {
    /// Its `kind`.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::DropAnswer => "drop_answer",
            Self::DropConnection => "drop_connection",
            Self::Answer(_) => "answer",
            Self::AnswerAfter(_) => "answer_after",
            Self::DelayBefore { .. } => "delay_before",
            Self::DelayAfter { .. } => "delay_after",
        }
    }
}

impl ErrorAnswer {
    pub(crate) fn error(&self) -> ApiError {
        let message = self.message.as_deref().unwrap_or("simulated");
        let mut error = ApiError::new(
            self.status,
            self.code.as_deref().unwrap_or_default(),
            message,
        );
        error.retry_after_seconds = self.retry_after_seconds;
        error
    }
}

fn once() -> u32 {
    1
}

/// Why a fault was not taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotAdded {
    /// There are [`FAULTS_MAX`] already.
    TooMany,
    /// It answers with a status that is no error.
    NoErrorStatus,
}

#[derive(Debug, Default, Serialize)]
pub(crate) struct Faults {
    requests: VecDeque<RequestRule>,
    actions: VecDeque<ActionRule>,
    webhooks: VecDeque<WebhookRule>,
}

impl Faults {
    pub(crate) fn add_request(&mut self, rule: RequestRule) -> Result<(), NotAdded> {
        if let RequestFault::Answer(answer) | RequestFault::AnswerAfter(answer) = &rule.fault
            && !(400..=599).contains(&answer.status)
        {
            return Err(NotAdded::NoErrorStatus);
        }
        add(&mut self.requests, rule)
    }

    pub(crate) fn add_action(&mut self, rule: ActionRule) -> Result<(), NotAdded> {
        add(&mut self.actions, rule)
    }

    pub(crate) fn add_webhook(&mut self, rule: WebhookRule) -> Result<(), NotAdded> {
        add(&mut self.webhooks, rule)
    }

    pub(crate) fn on_request(&mut self, method: &str, path: &str) -> Option<RequestFault> {
        let fits = |rule: &RequestRule| {
            rule.method.as_ref().is_none_or(|it| it == method)
                && rule
                    .path
                    .as_ref()
                    .is_none_or(|it| path.starts_with(it.as_str()))
        };
        use_one(&mut self.requests, fits, |rule| &mut rule.times).map(|rule| rule.fault)
    }

    pub(crate) fn on_action(&mut self, device: &str) -> Fate {
        let fits = |rule: &ActionRule| rule.device.as_ref().is_none_or(|it| it == device);
        use_one(&mut self.actions, fits, |rule| &mut rule.times)
            .map(|rule| rule.fault)
            .unwrap_or_default()
    }

    /// The fault, and whether it was its last time.
    pub(crate) fn on_webhook(&mut self, event: &str) -> Option<(WebhookFault, bool)> {
        let fits = |rule: &WebhookRule| rule.event.as_ref().is_none_or(|it| it == event);
        use_one(&mut self.webhooks, fits, |rule| &mut rule.times)
            .map(|rule| (rule.fault, rule.times == 0))
    }
}

fn add<T>(line: &mut VecDeque<T>, rule: T) -> Result<(), NotAdded> {
    if line.len() >= FAULTS_MAX {
        return Err(NotAdded::TooMany);
    }
    line.push_back(rule);
    Ok(())
}

/// The first rule that fits, with one time less; it leaves the line when none is left.
fn use_one<T: Clone>(
    line: &mut VecDeque<T>,
    fits: impl Fn(&T) -> bool,
    times: impl Fn(&mut T) -> &mut u32,
) -> Option<T> {
    let index = line.iter().position(fits)?;
    let rule = line.get_mut(index)?;
    let left = times(rule);
    *left = left.saturating_sub(1);
    let spent = *left == 0;
    let used = rule.clone();
    if spent {
        line.remove(index);
    }
    Some(used)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_used_as_often_as_it_says_and_only_where_it_fits() {
        let mut faults = Faults::default();
        let rule = RequestRule {
            method: Some("POST".to_owned()),
            path: Some("/battery".to_owned()),
            times: 2,
            fault: RequestFault::DropAnswer,
        };
        assert_eq!(faults.add_request(rule), Ok(()));
        assert_eq!(faults.on_request("GET", "/battery/x"), None);
        assert_eq!(faults.on_request("POST", "/hvac/x"), None);
        for _ in 0..2 {
            let fault = faults.on_request("POST", "/battery/x");
            assert_eq!(fault, Some(RequestFault::DropAnswer));
        }
        assert_eq!(faults.on_request("POST", "/battery/x"), None);
    }

    #[test]
    fn a_hundred_faults_may_wait_and_no_more() {
        let mut faults = Faults::default();
        let rule = ActionRule {
            device: None,
            times: 1,
            fault: Fate::NeverEnd,
        };
        for _ in 0..FAULTS_MAX {
            assert_eq!(faults.add_action(rule.clone()), Ok(()));
        }
        assert_eq!(faults.add_action(rule), Err(NotAdded::TooMany));
    }
}
