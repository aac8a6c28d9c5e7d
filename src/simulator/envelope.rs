//! Requests as the routes see them, and the envelope around every answer (`amps-api.md` §2).

use std::time::Duration;

use jiff::{Timestamp, Unit};
use serde_json::{Map, Value, json};

use crate::simulator::Environment;
use crate::simulator::switches::Generation;

/// A request, read to its end.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    /// Selected headers; see [`HEADERS_SEEN`].
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// The headers that are read; all others are ignored.
pub(crate) const HEADERS_SEEN: &[&str] = &[
    "x-api-key",
    "authorization",
    "content-type",
    "user-agent",
    "x-user-id",
];

/// What a request leads to when all is well.
#[derive(Debug, PartialEq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) data: Value,
    /// The action that the request created.
    pub(crate) accepted: Option<String>,
    /// A webhook that has to arrive before this is answered.
    pub(crate) awaits: Option<String>,
}

/// What a request leads to when it is turned away.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ApiError {
    pub(crate) status: u16,
    /// Empty when it is not Amps that answers but something on the way, in words of its own.
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) details: Option<Value>,
    pub(crate) retry_after_seconds: Option<u64>,
}

/// The facts of an answer that are not its content.
#[derive(Debug)]
pub(crate) struct Meta<'a> {
    pub(crate) request_id: String,
    pub(crate) environment: Environment,
    pub(crate) generation: Generation,
    pub(crate) now: Timestamp,
    pub(crate) latency: Duration,
    pub(crate) path: &'a str,
    pub(crate) extra_fields: bool,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

impl Reply {
    pub(crate) fn ok(data: Value) -> Self {
        Self {
            status: 200,
            data,
            accepted: None,
            awaits: None,
        }
    }
}

impl ApiError {
    pub(crate) fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            code: code.to_owned(),
            message: message.into(),
            details: None,
            retry_after_seconds: None,
        }
    }

    pub(crate) fn with(mut self, details: Value) -> Self {
        self.details = Some(details);
        self
    }

    /// Not a request of this API. The name of the 400 code is cut in the documents; this one is our assumption.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "INVALID_REQUEST", message)
    }

    pub(crate) fn not_found(what: &str) -> Self {
        Self::new(404, "NOT_FOUND", format!("{what} not found"))
    }
}

/// The body of the answer.
pub(crate) fn enveloped(answer: &Result<Reply, ApiError>, meta: &Meta<'_>) -> Value {
    let mut about = Map::new();
    about.insert("requestId".to_owned(), json!(meta.request_id));
    about.insert("timestamp".to_owned(), json!(iso(meta.now)));
    let latency = u64::try_from(meta.latency.as_millis()).unwrap_or(u64::MAX);
    about.insert("latencyMs".to_owned(), json!(latency));
    let mut body = match answer {
        Ok(reply) => {
            about.insert("environment".to_owned(), json!(meta.environment.name()));
            let mut data = reply.data.clone();
            if meta.extra_fields {
                add_extra_field(&mut data);
            }
            if meta.generation == Generation::B {
                return data;
            }
            json!({"success": true, "data": data, "meta": about})
        }
        Err(error) => {
            about.insert("path".to_owned(), json!(meta.path));
            let mut told = json!({"code": error.code, "message": error.message});
            if let Some(details) = &error.details {
                told["details"] = details.clone();
            }
            json!({"success": false, "error": told, "meta": about})
        }
    };
    if meta.extra_fields {
        add_extra_field(&mut body);
    }
    body
}

/// Adds a field that no document names; clients have to live with such (`amps-api.md` §13).
pub(crate) fn add_extra_field(body: &mut Value) {
    if let Value::Object(fields) = body {
        fields.insert("unannounced".to_owned(), json!({"since": "tomorrow"}));
    }
}

/// ISO 8601, UTC, with milliseconds and `Z` (`amps-api.md` §2).
pub(crate) fn iso(moment: Timestamp) -> String {
    let whole = moment.round(Unit::Millisecond).unwrap_or(moment);
    format!("{whole:.3}")
}
