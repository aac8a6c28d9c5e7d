//! What came back from Amps, or how nothing did.

use std::time::Duration;

use crate::device_api::wire;
use crate::domain::id::ActionId;
use crate::http_client::{Body, Exchange};

/// What became of a request. After `Lost` it may have taken effect; after `NotSent` it cannot have.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer<T> {
    Ok(T),
    /// A status that is not a success.
    Refused(Refusal),
    /// Not a byte of the request left: the host has no address, took no connection or failed the TLS handshake.
    NotSent {
        reason: String,
    },
    /// It may have arrived: no answer in time, a connection that broke, an answer that broke off, or a success
    /// that cannot be understood.
    Lost {
        reason: String,
        /// Amps did answer, with something that cannot be understood.
        is_answered: bool,
    },
}

/// A request that Amps turned down. What the status means is for the caller to judge (`amps-api.md` §7, §8):
/// a 5xx without a code may come from something between Amps and us, and a 401 may mean "too fast".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    pub status: u16,
    /// `error.code`; none when the body is not an error of Amps.
    pub code: Option<String>,
    pub message: String,
    /// The actions that hold the device, when another one does (`amps-api.md` §5.3).
    pub conflicting: Vec<ActionId>,
    /// How long to wait, at most an hour.
    pub retry_after: Option<Duration>,
}

impl<T> Answer<T> {
    /// `read` makes sense of the body of a success, or says why it cannot.
    pub(crate) fn of(
        exchange: Exchange,
        read: impl FnOnce(&[u8]) -> Result<T, &'static str>,
    ) -> Self {
        let (status, retry_after, body) = match exchange {
            Exchange::Answered {
                status,
                retry_after,
                body,
                ..
            } => (status, retry_after, body),
            Exchange::NotSent { reason } => return Self::NotSent { reason },
            Exchange::Lost { reason } => {
                return Self::Lost {
                    reason,
                    is_answered: false,
                };
            }
        };
        let success = (200..300).contains(&status);
        match body {
            Body::Whole(bytes) if success => match read(&bytes) {
                Ok(value) => Self::Ok(value),
                Err(what) => Self::Lost {
                    reason: format!("the answer with status {status} cannot be understood: {what}"),
                    is_answered: true,
                },
            },
            Body::Cut { reason } if success => Self::Lost {
                reason,
                is_answered: false,
            },
            // The status alone is an answer: what is missing of the body is only its wording.
            Body::Whole(bytes) => Self::Refused(wire::refusal(status, retry_after, &bytes)),
            Body::Cut { .. } => Self::Refused(wire::refusal(status, retry_after, &[])),
        }
    }
}
