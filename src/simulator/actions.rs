//! Actions as Amps keeps them, and how they are shown (`amps-api.md` §3.3–§3.5, §5.2).

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::domain::device::DeviceType;
use crate::simulator::devices::Order;
use crate::simulator::envelope::iso;
use crate::simulator::faults::Fate;
use crate::simulator::flat;
use crate::simulator::switches::Generation;
use crate::simulator::when::shown;

#[derive(Clone, Debug)]
pub(crate) struct Action {
    pub(crate) id: String,
    pub(crate) device: String,
    pub(crate) user: String,
    pub(crate) device_type: DeviceType,
    pub(crate) order: Order,
    pub(crate) parameters: Option<Map<String, Value>>,
    pub(crate) state: ActionState,
    pub(crate) result: Option<Value>,
    pub(crate) error: Option<Failure>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    pub(crate) acknowledged_at: Option<Timestamp>,
    pub(crate) completed_at: Option<Timestamp>,
    pub(crate) start: Option<Timestamp>,
    pub(crate) end: Option<Timestamp>,
    pub(crate) timing: Timing,
    pub(crate) fate: Fate,
}

/// When the simulator has to do something about an action; on the wall clock, speed counted in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Timing {
    /// Fires if it is scheduled, is settled if it is acknowledged; never, if there is none.
    pub(crate) due: Option<Timestamp>,
    pub(crate) ends_at: Option<Timestamp>,
    /// What the device did before; it goes back to that at the end.
    pub(crate) reverts_to: Option<Order>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ActionState {
    Scheduled,
    Acknowledged,
    Completed,
    Failed,
    Cancelled,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) code: String,
    pub(crate) message: String,
}

impl ActionState {
    const ALL: [Self; 5] = [
        Self::Scheduled,
        Self::Acknowledged,
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Acknowledged => "acknowledged",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }

    pub(crate) fn is_terminal(self) -> bool {
        match self {
            Self::Scheduled | Self::Acknowledged => false,
            Self::Completed | Self::Failed | Self::Cancelled => true,
        }
    }
}

impl Action {
    fn links(&self) -> Value {
        json!({"self": format!("/actions/{}", self.id)})
    }

    /// `data` of a push; `end` is there only for a window (§3.3).
    pub(crate) fn pushed(&self, generation: Generation) -> Value {
        if generation == Generation::B {
            return flat::pushed(self);
        }
        let mut data = json!({
            "id": self.id,
            "deviceId": self.device,
            "deviceType": self.device_type.name(),
            "command": self.order.command,
            "parameters": self.parameters,
            "state": self.state.name(),
            "createdAt": iso(self.created_at),
            "start": shown(self.start),
            "links": self.links(),
        });
        if self.end.is_some() {
            data["end"] = shown(self.end);
        }
        data
    }

    /// `data` of a look-up (§3.4).
    pub(crate) fn whole(&self, generation: Generation) -> Value {
        if generation == Generation::B {
            return flat::whole(self);
        }
        let error = self.error.as_ref();
        json!({
            "id": self.id,
            "deviceId": self.device,
            "deviceType": self.device_type.name(),
            "command": self.order.command,
            "parameters": self.parameters,
            "state": self.state.name(),
            "result": self.result,
            "errorCode": error.map(|it| &it.code),
            "errorMessage": error.map(|it| &it.message),
            "createdAt": iso(self.created_at),
            "updatedAt": iso(self.updated_at),
            "acknowledgedAt": shown(self.acknowledged_at),
            "completedAt": shown(self.completed_at),
            "start": shown(self.start),
            "end": shown(self.end),
            "links": self.links(),
        })
    }

    /// `lastAction` of a device read (§3.2).
    pub(crate) fn brief(&self) -> Value {
        json!({
            "id": self.id,
            "command": self.order.command,
            "state": self.state.name(),
            "createdAt": iso(self.created_at),
            "updatedAt": iso(self.updated_at),
            "links": self.links(),
        })
    }

    /// The webhook on its end: event and body (`webhooks.md` §1.3).
    pub(crate) fn report(&self, generation: Generation) -> (&'static str, Value) {
        if generation == Generation::B {
            return flat::report(self);
        }
        let mut body = json!({
            "actionId": self.id,
            "deviceId": self.device,
            "deviceType": self.device_type.name(),
            "command": self.order.command,
            "parameters": self.parameters,
            "result": self.result,
        });
        let Some(error) = &self.error else {
            body["completedAt"] = shown(self.completed_at);
            return ("push.completed", body);
        };
        body["errorCode"] = json!(error.code);
        body["errorMessage"] = json!(error.message);
        body["failedAt"] = shown(self.completed_at);
        ("push.failed", body)
    }
}
