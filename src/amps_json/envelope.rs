//! The body of a verified webhook to what it says, in both generations (`webhooks.md` §1.3). Pure.
//!
//! No header names the kind of event, so that the body has to (`webhooks.md` §0.2). The address that it came to
//! is a hint where the body leaves a choice: it is not signed, and a subscription may point to a wrong one.
//! Therefore it never says how an action ended; what a push report leaves open stays open, and is looked up.

use jiff::Timestamp;

use crate::amps_json::fields::{self, Object};
use crate::domain::event::{Connection, ConnectionChange, Payload, Report};
use crate::domain::id::{ActionId, DeviceId};
use crate::domain::lifecycle::Outcome;

/// A body that is of no use: not JSON, or without what its kind must have. Never quotes the body, which may hold
/// a token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the body cannot be read: {reason}")]
pub struct Unreadable {
    pub reason: &'static str,
}

/// What `body` says; `hint` is the event that the address names, if it names one.
///
/// Of a link to reconnect an account only its presence is used: it carries a token.
pub fn read(body: &[u8], hint: Option<&str>) -> Result<Payload, Unreadable> {
    let object = fields::object(body)?;
    if fields::has(&object, "actionId") {
        return push(&object);
    }
    if hint.is_some_and(|it| it.starts_with("schedule.")) || fields::has(&object, "scheduleId") {
        return Ok(Payload::Unknown);
    }
    if fields::has(&object, "deviceId") && fields::has(&object, "timestamp") {
        return connection(&object, hint);
    }
    Ok(Payload::Unknown)
}

fn push(object: &Object) -> Result<Payload, Unreadable> {
    let action = fields::text(object, "actionId").ok_or("`actionId` is not a text")?;
    let device = fields::text(object, "deviceId").ok_or("`deviceId` is missing or not a text")?;
    let Some((outcome, ended_at)) = ending(object) else {
        return Ok(Payload::Unknown);
    };
    Ok(Payload::Report(Report {
        action: ActionId::new(action),
        device: DeviceId::new(device),
        device_type: fields::device_type(object),
        command: fields::command(object),
        outcome,
        ended_at,
    }))
}

/// How and when the action ended; none where the body does not tell or contradicts itself.
///
/// A failure is looked for first: the newer generation sends a `result` with it too (`webhooks.md` §0.3).
fn ending(object: &Object) -> Option<(Outcome, Option<Timestamp>)> {
    let success = fields::child(object, "result").and_then(|it| it.get("success")?.as_bool());
    let failed = fields::has(object, "failedAt")
        || fields::has(object, "errorCode")
        || fields::child(object, "error").is_some()
        || success == Some(false);
    let completed = fields::has(object, "completedAt") || success == Some(true);
    match (failed, completed) {
        (true, false) => {
            let outcome = Outcome::Failed(fields::failure(object));
            Some((outcome, fields::moment(object, "failedAt")))
        }
        (false, true) => {
            let ended_at = fields::moment(object, "completedAt");
            Some((Outcome::Completed, ended_at))
        }
        (true, true) | (false, false) => None,
    }
}

fn connection(object: &Object, hint: Option<&str>) -> Result<Payload, Unreadable> {
    let device = fields::text(object, "deviceId").ok_or("`deviceId` is not a text")?;
    let at = fields::moment(object, "timestamp").ok_or("`timestamp` is not a moment")?;
    Ok(Payload::Connection(Connection {
        device: DeviceId::new(device),
        device_type: fields::device_type(object),
        change: change(object, hint),
        at,
    }))
}

/// Only a disconnection can tell by its body, and not every one does (`webhooks.md` §0.4).
fn change(object: &Object, hint: Option<&str>) -> ConnectionChange {
    if fields::has(object, "reconnectionUrl") {
        return ConnectionChange::Disconnected;
    }
    match hint {
        Some("device.connected") => ConnectionChange::Connected,
        Some("device.reconnected") => ConnectionChange::Reconnected,
        Some("device.disconnected") => ConnectionChange::Disconnected,
        _ => ConnectionChange::Unclear,
    }
}

impl From<&'static str> for Unreadable {
    fn from(reason: &'static str) -> Self {
        Self { reason }
    }
}
