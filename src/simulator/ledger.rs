//! What was asked of the simulator, for whoever has to know later.

use std::collections::VecDeque;

use jiff::Timestamp;
use serde::Serialize;

use crate::simulator::envelope::{Request, iso};

/// Requests that are remembered; older ones are forgotten.
pub const REQUESTS_MAX: usize = 1000;

/// Bytes of a body that are remembered.
pub const BODY_BYTES_KEPT: usize = 4096;

/// A request to the pretend API, in the order of arrival.
#[derive(Clone, Debug, Serialize)]
pub struct RequestRecord {
    pub number: u64,
    pub at: String,
    pub method: String,
    pub path: String,
    pub query: Vec<(String, String)>,
    /// Without the key; see `key`.
    pub headers: Vec<(String, String)>,
    pub key: KeySeen,
    /// As text, cut at [`BODY_BYTES_KEPT`].
    pub body: String,
    /// The status that was answered; none as long as there is no answer, and for good if it was dropped.
    pub status: Option<u16>,
    pub accepted_action: Option<String>,
    /// The fault that was played on it.
    pub fault: Option<String>,
}

/// What kind of key a request carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KeySeen {
    Absent,
    Valid,
    Invalid,
}

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    records: VecDeque<RequestRecord>,
    n_seen: u64,
}

impl Ledger {
    /// Notes a request; the number is for [`Ledger::record_mut`].
    pub(crate) fn note(&mut self, request: &Request, key: KeySeen, now: Timestamp) -> u64 {
        if self.records.len() >= REQUESTS_MAX {
            self.records.pop_front();
        }
        self.n_seen += 1;
        let secret = |name: &str| matches!(name, "x-api-key" | "authorization");
        let kept = request.body.len().min(BODY_BYTES_KEPT);
        self.records.push_back(RequestRecord {
            number: self.n_seen,
            at: iso(now),
            method: request.method.clone(),
            path: request.path.clone(),
            query: request.query.clone(),
            headers: request
                .headers
                .iter()
                .filter(|(name, _)| !secret(name))
                .cloned()
                .collect(),
            key,
            body: String::from_utf8_lossy(&request.body[..kept]).into_owned(),
            status: None,
            accepted_action: None,
            fault: None,
        });
        self.n_seen
    }

    pub(crate) fn record_mut(&mut self, number: u64) -> Option<&mut RequestRecord> {
        self.records.iter_mut().rev().find(|it| it.number == number)
    }

    pub(crate) fn records(&self) -> Vec<RequestRecord> {
        self.records.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_requests_are_remembered_and_then_the_oldest_goes() {
        let mut ledger = Ledger::default();
        let request = Request {
            method: "GET".to_owned(),
            path: "/battery".to_owned(),
            query: Vec::new(),
            headers: Vec::new(),
            body: vec![b'x'; BODY_BYTES_KEPT + 1],
        };
        for _ in 0..=REQUESTS_MAX {
            ledger.note(&request, KeySeen::Absent, Timestamp::UNIX_EPOCH);
        }
        let records = ledger.records();
        assert_eq!(records.len(), REQUESTS_MAX);
        assert_eq!(records[0].number, 2);
        assert_eq!(records[0].body.len(), BODY_BYTES_KEPT);
    }
}
