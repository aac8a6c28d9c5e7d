//! The JSON of actions, in both generations: bare objects of old, `{success, data, meta}` of late
//! (`amps-api.md` §0.1, §2).

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Number, Value};

use crate::amps_json::fields::{self, Object};
use crate::device_api::answer::Refusal;
use crate::device_api::when::WireTiming;
use crate::domain::capabilities::Strategy;
use crate::domain::command::Command;
use crate::domain::id::{ActionId, DeviceId};
use crate::domain::lifecycle::{Failure, Outcome};
use crate::domain::value::Quantity;
use crate::domain::writing::SettingWrite;

/// The record that Amps keeps of a push (`amps-api.md` §3.3, §3.4).
#[derive(Clone, Debug, PartialEq)]
pub struct Action {
    pub id: ActionId,
    pub device: Option<DeviceId>,
    /// The verb of today, also where the answer is of the older generation.
    pub command: Option<String>,
    /// Those that could be read; the older generation has others.
    pub parameters: BTreeMap<String, Quantity>,
    pub state: ActionState,
    pub created_at: Option<Timestamp>,
    /// When it begins, where that was planned.
    pub start: Option<Timestamp>,
    /// When it is planned to end.
    pub end: Option<Timestamp>,
    /// When it ended, as far as the answer tells. None while it has not.
    pub ended_at: Option<Timestamp>,
    /// Only where the state is `Failed`.
    pub failure: Option<Failure>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ActionState {
    Scheduled,
    Acknowledged,
    Completed,
    Failed,
    Cancelled,
    /// A state that the documents do not have, as it was written; empty when there was none.
    Unknown(String),
}

/// A part of a list of actions, newest first.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    pub actions: Vec<Action>,
    /// There are older ones. Taken to be so where a full page does not tell.
    pub has_more: bool,
    /// What Amps' clock showed, in whole seconds, where the answer told.
    pub amps_time: Option<Timestamp>,
}

impl Action {
    /// The last word on the action; none while it has not ended.
    pub fn outcome(&self) -> Option<Outcome> {
        match self.state {
            ActionState::Completed => Some(Outcome::Completed),
            ActionState::Failed => {
                let failure = self.failure.clone();
                Some(Outcome::Failed(failure.unwrap_or_else(fields::no_reason)))
            }
            ActionState::Cancelled => Some(Outcome::Cancelled),
            ActionState::Scheduled | ActionState::Acknowledged | ActionState::Unknown(_) => None,
        }
    }
}

impl Action {
    /// It holds its device: it waits for its time, or is under way.
    pub fn is_pending(&self) -> bool {
        !self.state.is_final()
    }
}

impl ActionState {
    fn parse(text: &str) -> Self {
        match text {
            "scheduled" => Self::Scheduled,
            "acknowledged" => Self::Acknowledged,
            "completed" => Self::Completed,
            "failed" => Self::Failed,
            "cancelled" => Self::Cancelled,
            other => Self::Unknown(fields::clipped(other)),
        }
    }

    fn is_final(&self) -> bool {
        match self {
            Self::Completed | Self::Failed | Self::Cancelled => true,
            Self::Scheduled | Self::Acknowledged | Self::Unknown(_) => false,
        }
    }
}

/// The body of a push, as the newest generation has it (`amps-api.md` §3.3).
pub(crate) fn push_body(
    command: &Command,
    strategy: Option<Strategy>,
    timing: WireTiming,
) -> Vec<u8> {
    let body = PushBody {
        on_conflict: strategy,
        action: PushAction {
            command: &command.name,
            parameters: command
                .parameters
                .iter()
                .map(|(name, quantity)| (name.as_str(), PushQuantity::from(quantity)))
                .collect(),
            start: timing.start,
            end: timing.end,
        },
    };
    serde_json::to_vec(&body).expect("a map with text keys is JSON")
}

/// The body of a write of one setting (`amps-api.md` §4.1).
pub(crate) fn setting_body(write: &SettingWrite) -> Vec<u8> {
    let body = BTreeMap::from([(write.setting.as_str(), PushQuantity::from(&write.value))]);
    serde_json::to_vec(&body).expect("a map with text keys is JSON")
}

#[derive(Serialize)]
struct PushBody<'a> {
    action: PushAction<'a>,
    #[serde(rename = "onConflict", skip_serializing_if = "Option::is_none")]
    on_conflict: Option<Strategy>,
}

#[derive(Serialize)]
struct PushAction<'a> {
    command: &'a str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    parameters: BTreeMap<&'a str, PushQuantity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<String>,
}

#[derive(Serialize)]
struct PushQuantity {
    value: Option<Number>,
    unit: &'static str,
}

impl From<&Quantity> for PushQuantity {
    fn from(quantity: &Quantity) -> Self {
        Self {
            value: number(quantity.value),
            unit: quantity.unit.wire_name(),
        }
    }
}

/// The largest whole number up to which every other one has a floating-point number of its own.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

/// A whole number without `.0`, which a strict reader may take for another type.
pub(super) fn number(value: f64) -> Option<Number> {
    if value.fract() == 0.0 && value.abs() <= WHOLE_MAX {
        #[expect(clippy::cast_possible_truncation, reason = "whole and within bounds")]
        return Some(Number::from(value as i64));
    }
    Number::from_f64(value)
}

/// What a body says, without the envelope where it has one.
pub(crate) fn content(body: &[u8]) -> Result<Object, &'static str> {
    let mut object = fields::object(body)?;
    match object.remove("data") {
        Some(Value::Object(data)) => Ok(data),
        Some(_) | None => Ok(object),
    }
}

pub(crate) fn read_action(body: &[u8]) -> Result<Action, &'static str> {
    action(&content(body)?)
}

/// The page that `body` is; `limit` is what was asked for.
///
/// An item that cannot be read spoils the page: who looks for an action must not conclude that it is not there.
pub(crate) fn read_page(
    body: &[u8],
    limit: u32,
    amps_time: Option<Timestamp>,
) -> Result<Page, &'static str> {
    let content = content(body)?;
    let items = content.get("items").and_then(Value::as_array);
    let actions = items
        .ok_or("it has no `items`")?
        .iter()
        .map(|item| action(item.as_object().ok_or("an item is not an object")?))
        .collect::<Result<Vec<Action>, _>>()?;
    let has_more = fields::child(&content, "pagination")
        .and_then(|it| it.get("hasMore")?.as_bool())
        .unwrap_or(actions.len() >= limit as usize);
    Ok(Page {
        actions,
        has_more,
        amps_time,
    })
}

fn action(object: &Object) -> Result<Action, &'static str> {
    let id = fields::text(object, "id")
        .or_else(|| fields::text(object, "actionId"))
        .ok_or("it has no action id")?;
    let state = ActionState::parse(fields::text(object, "state").unwrap_or_default());
    Ok(Action {
        id: ActionId::new(id),
        device: fields::text(object, "deviceId").map(DeviceId::new),
        command: fields::command(object),
        parameters: fields::parameters(object),
        created_at: fields::moment(object, "createdAt"),
        start: fields::moment(object, "start"),
        end: fields::moment(object, "end"),
        ended_at: ended_at(object, &state),
        failure: (state == ActionState::Failed).then(|| fields::failure(object)),
        state,
    })
}

/// The older generation leaves `completedAt` null when an action is cancelled (`amps-api.md` §3.6).
fn ended_at(object: &Object, state: &ActionState) -> Option<Timestamp> {
    if !state.is_final() {
        return None;
    }
    ["completedAt", "failedAt", "updatedAt"]
        .into_iter()
        .find_map(|name| fields::moment(object, name))
}

/// The error envelope, which is the same in all generations (`amps-api.md` §2), or what can be said without one.
pub(crate) fn refusal(status: u16, retry_after: Option<Duration>, body: &[u8]) -> Refusal {
    let object = fields::object(body).unwrap_or_default();
    let error = fields::child(&object, "error");
    let text = |name| fields::text(error?, name);
    Refusal {
        status,
        code: text("code").map(fields::clipped),
        message: text("message").map_or_else(
            || format!("status {status}, and no word on why"),
            fields::clipped,
        ),
        conflicting: error.map(conflicting).unwrap_or_default(),
        retry_after,
    }
}

fn conflicting(error: &Object) -> Vec<ActionId> {
    let ids = fields::child(error, "details").and_then(|it| it.get("conflictingActionIds"));
    let ids = ids.and_then(Value::as_array).into_iter().flatten();
    ids.filter_map(Value::as_str).map(ActionId::new).collect()
}
