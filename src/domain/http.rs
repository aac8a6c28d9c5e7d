//! A request that a rule makes of a host over HTTP, and what becomes of it.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::command::RetryPolicy;
use crate::domain::id::{EventId, RequestId, RuleId, RunId};
use crate::domain::lifecycle::Failure;

/// The most of an answer that a run keeps: it is written down with each step of the run.
pub const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Not a byte of the request left: no such host, no connection.
pub const NOT_REACHED: &str = "NOT_REACHED";
/// The request left, at least in part, and no whole answer came.
pub const NO_ANSWER: &str = "NO_ANSWER";
/// The answer is longer than a run keeps.
pub const ANSWER_TOO_LONG: &str = "ANSWER_TOO_LONG";
/// home.yaml does not name the host.
pub const HOST_NOT_ALLOWED: &str = "HOST_NOT_ALLOWED";
/// A header names a secret that is not found, or not for rules.
pub const UNKNOWN_SECRET: &str = "UNKNOWN_SECRET";
/// Address or headers are such that no request can be made of them.
pub const BAD_REQUEST: &str = "BAD_REQUEST";

/// What is asked of a host. Secrets are in it by their names alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HttpRequest {
    pub id: RequestId,
    pub method: Method,
    /// The whole address.
    pub url: String,
    /// Of the address: the host, with its port where one is written.
    pub host: String,
    pub headers: BTreeMap<String, HeaderText<String>>,
    /// The body.
    pub json: Option<serde_json::Value>,
    /// For each attempt, the answer included.
    pub timeout: Duration,
    pub retry: RetryPolicy,
    /// Whether it is sent again when it may have arrived and the answer was lost.
    pub is_repeatable: bool,
    /// Whether the run wants to know what the answer says.
    pub is_saved: bool,
    pub rule: RuleId,
    pub run: RunId,
    /// The event whose evaluation asked for it.
    pub cause: EventId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

/// What stands behind the name of a header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum HeaderText<T> {
    /// The secret of this name.
    Secret {
        secret: String,
    },
    Text(T),
}

/// What came of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    Answered {
        status: u16,
        retry_after: Option<Duration>,
        body: Vec<u8>,
    },
    NotReached {
        reason: String,
    },
    NoAnswer {
        reason: String,
    },
}

/// Where a request stands after an attempt.
#[derive(Clone, Debug, PartialEq)]
pub enum Progress {
    /// It is sent again.
    Again {
        at: Timestamp,
        failure: Failure,
    },
    Over(HttpResult),
}

/// The end of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum HttpResult {
    Answered {
        /// 200 to 299.
        status: u16,
        /// None when the run does not want it.
        body: Option<String>,
    },
    Failed(Failure),
}

/// A request is over; the run that waits for it goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpOver {
    pub request: RequestId,
    pub run: RunId,
    pub host: String,
    pub result: HttpResult,
    /// How often it was sent.
    pub attempts: u32,
}

impl Method {
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    /// Whether doing it twice is the same as doing it once, by what HTTP says of the method.
    pub fn is_idempotent(self) -> bool {
        match self {
            Self::Get | Self::Put | Self::Delete => true,
            Self::Post | Self::Patch => false,
        }
    }
}

impl HttpRequest {
    /// What it is, for people, without what stands behind `?`: that may be a key.
    pub fn shown(&self) -> String {
        let path = self.url.split(['?', '#']).next().unwrap_or_default();
        format!("{} {path}", self.method.name())
    }

    /// What follows from the `reply` to the last of `attempts`.
    pub fn after(&self, reply: Reply, attempts: u32, now: Timestamp) -> Progress {
        let host = &self.host;
        match reply {
            Reply::Answered {
                status: status @ 200..=299,
                body,
                ..
            } => Progress::Over(self.answered(status, &body)),
            Reply::Answered {
                status,
                retry_after,
                ..
            } => {
                let message = format!("{host} answered with status {status}");
                let failure = Failure::new(Some(&status.to_string()), &message);
                let may_pass = matches!(status, 429 | 500..=599);
                self.failed(failure, (may_pass, retry_after), attempts, now)
            }
            Reply::NotReached { reason } => {
                let message = format!("{host} cannot be reached: {reason}");
                let failure = Failure::new(Some(NOT_REACHED), &message);
                self.failed(failure, (true, None), attempts, now)
            }
            Reply::NoAnswer { reason } => {
                let message = format!("{host} did not answer: {reason}");
                let failure = Failure::new(Some(NO_ANSWER), &message);
                self.failed(failure, (self.is_repeatable, None), attempts, now)
            }
        }
    }

    /// What follows when the program ended while the last of `attempts` was under way: nobody knows whether
    /// it arrived. That is no fault of the host, so that the attempt does not count.
    pub fn after_interruption(&self, now: Timestamp) -> Progress {
        let message = format!(
            "the program ended before {} could answer; it may have arrived",
            self.host
        );
        let failure = Failure::new(Some(NO_ANSWER), &message);
        if self.is_repeatable {
            return Progress::Again { at: now, failure };
        }
        Progress::Over(HttpResult::Failed(failure))
    }

    /// The word that it is over.
    pub fn over(&self, result: HttpResult, attempts: u32) -> HttpOver {
        HttpOver {
            request: self.id.clone(),
            run: self.run.clone(),
            host: self.host.clone(),
            result,
            attempts,
        }
    }

    fn answered(&self, status: u16, body: &[u8]) -> HttpResult {
        if !self.is_saved {
            return HttpResult::Answered { status, body: None };
        }
        if ANSWER_BYTES_MAX < body.len() {
            let message = format!(
                "the answer of {} has {} bytes, and {ANSWER_BYTES_MAX} can be saved",
                self.host,
                body.len()
            );
            return HttpResult::Failed(Failure::new(Some(ANSWER_TOO_LONG), &message));
        }
        let body = Some(String::from_utf8_lossy(body).into_owned());
        HttpResult::Answered { status, body }
    }

    fn failed(
        &self,
        failure: Failure,
        (may_pass, asked): (bool, Option<Duration>),
        attempts: u32,
        now: Timestamp,
    ) -> Progress {
        match self.retry.next_attempt_as_asked(asked, attempts, now) {
            Some(at) if may_pass => Progress::Again { at, failure },
            Some(_) | None => Progress::Over(HttpResult::Failed(failure)),
        }
    }
}

impl HttpOver {
    /// How it ended, for people.
    pub fn said(&self) -> String {
        let said = match &self.result {
            HttpResult::Answered { status, .. } => {
                format!("{} answered with status {status}", self.host)
            }
            HttpResult::Failed(failure) => failure.message.clone(),
        };
        if 1 < self.attempts {
            return format!("{said} ({} attempts)", self.attempts);
        }
        said
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: Method) -> HttpRequest {
        HttpRequest {
            id: RequestId::new("req_1"),
            method,
            url: "https://panel.example/a?key=1#b".to_owned(),
            host: "panel.example".to_owned(),
            headers: BTreeMap::new(),
            json: None,
            timeout: Duration::from_secs(10),
            retry: RetryPolicy::DEFAULT,
            is_repeatable: method.is_idempotent(),
            is_saved: true,
            rule: RuleId::new("rule"),
            run: RunId::new("run_1"),
            cause: EventId::new("evt_1"),
        }
    }

    fn answered(status: u16, retry_after: Option<u64>, body: &str) -> Reply {
        Reply::Answered {
            status,
            retry_after: retry_after.map(Duration::from_secs),
            body: body.as_bytes().to_vec(),
        }
    }

    /// In how many seconds it is sent again, or the code of its failure, or its answer.
    fn after(method: Method, reply: Reply, attempts: u32) -> Result<i64, String> {
        match request(method).after(reply, attempts, Timestamp::UNIX_EPOCH) {
            Progress::Again { at, .. } => Ok(at.as_second()),
            Progress::Over(HttpResult::Failed(failure)) => Err(failure.code.unwrap()),
            Progress::Over(HttpResult::Answered { status, body }) => {
                Err(format!("{status}: {}", body.unwrap()))
            }
        }
    }

    #[test]
    fn every_reply_has_its_consequence() {
        use Method::{Get, Post, Put};
        let lost = || Reply::NoAnswer {
            reason: "late".to_owned(),
        };
        let closed = || Reply::NotReached {
            reason: "refused".to_owned(),
        };
        let failed = |code: &str| Err(code.to_owned());
        for (method, reply, attempts, expected) in [
            (Get, answered(200, None, "x"), 1, failed("200: x")),
            (Get, answered(204, None, ""), 1, failed("204: ")),
            (Get, answered(301, None, ""), 1, failed("301")),
            (Get, answered(404, None, ""), 1, failed("404")),
            (Post, answered(503, None, ""), 1, Ok(30)),
            (Post, answered(503, None, ""), 2, Ok(60)),
            (Post, answered(503, None, ""), 3, failed("503")),
            (Get, answered(429, Some(7), ""), 1, Ok(30)),
            (Get, answered(429, Some(700), ""), 1, Ok(700)),
            (Get, answered(429, Some(7), ""), 3, failed("429")),
            (Post, closed(), 1, Ok(30)),
            (Post, closed(), 3, failed(NOT_REACHED)),
            (Put, lost(), 1, Ok(30)),
            (Post, lost(), 1, failed(NO_ANSWER)),
        ] {
            let told = format!("{method:?} {reply:?} {attempts}");
            assert_eq!(after(method, reply, attempts), expected, "{told}");
        }
    }

    #[test]
    fn an_answer_is_kept_up_to_its_bound_and_only_where_somebody_wants_it() {
        let long = "a".repeat(ANSWER_BYTES_MAX);
        let kept = after(Method::Get, answered(200, None, &long), 1);
        assert_eq!(kept, Err(format!("200: {long}")));
        let longer = after(Method::Get, answered(200, None, &(long + "a")), 1);
        assert_eq!(longer, Err(ANSWER_TOO_LONG.to_owned()));
        let unwanted = HttpRequest {
            is_saved: false,
            ..request(Method::Get)
        };
        assert_eq!(
            unwanted.after(answered(200, None, "a"), 1, Timestamp::UNIX_EPOCH),
            Progress::Over(HttpResult::Answered {
                status: 200,
                body: None
            })
        );
    }

    #[test]
    fn what_may_be_a_key_is_not_shown() {
        assert_eq!(request(Method::Get).shown(), "GET https://panel.example/a");
    }
}
