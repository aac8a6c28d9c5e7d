//! What happened, as triggers see it, and what they saw in it.

use crate::domain::device::Device;
use crate::domain::event::{
    ConnectionChange, EngineChange, Event, Hook, InputReading, Payload, Readings,
};
use crate::domain::id::DeviceId;
use crate::domain::lifecycle::Outcome;
use crate::engine::facts::TriggerFields;
use crate::rules::expr::value::Value;
use crate::rules::rule::{Topic, Trigger};

#[derive(Clone, Copy, Debug)]
pub(in crate::engine) enum Happening<'a> {
    /// An action on a device ended.
    Ended {
        device: &'a DeviceId,
        command: Option<&'a str>,
        outcome: &'a Outcome,
        own: bool,
    },
    Connection {
        device: &'a DeviceId,
        change: ConnectionChange,
    },
    /// Values came in; what was known before is still in the state.
    Read(&'a Readings),
    Input(&'a InputReading),
    Hook(&'a Hook),
    Engine(EngineChange),
}

impl Happening<'_> {
    pub(in crate::engine) fn topic(&self) -> Topic {
        match self {
            Self::Ended { device, .. } => Topic::Command((*device).clone()),
            Self::Connection { device, .. } => Topic::Device((*device).clone()),
            Self::Read(readings) => Topic::Value(readings.device.clone()),
            Self::Input(reading) => Topic::Input(reading.input.clone()),
            Self::Hook(hook) => Topic::Hook(hook.name.clone()),
            Self::Engine(_) => Topic::Engine,
        }
    }
}

/// What every trigger saw: its own id, its kind, and when it was.
pub(super) fn fields(trigger: &Trigger, kind: &str, event: &Event) -> TriggerFields {
    let at = match &event.payload {
        Payload::Report(it) => it.ended_at,
        Payload::Connection(it) => Some(it.at),
        Payload::Readings(it) => Some(it.taken_at),
        Payload::Input(it) => Some(it.taken_at),
        Payload::Capabilities(it) => Some(it.at),
        Payload::Settled(_)
        | Payload::Accepted(_)
        | Payload::NotCancelled(_)
        | Payload::Hook(_)
        | Payload::Tick
        | Payload::Engine(_)
        | Payload::ClockSet { .. }
        | Payload::Request(_)
        | Payload::NotRead { .. }
        | Payload::Http(_)
        | Payload::Written(_)
        | Payload::Unknown => None,
    };
    let mut fields = TriggerFields::new();
    if let Some(id) = &trigger.id {
        put(&mut fields, "id", Value::text(id));
    }
    put(&mut fields, "type", Value::text(kind));
    put(
        &mut fields,
        "at",
        Value::Moment(at.unwrap_or(event.received_at)),
    );
    fields
}

/// What is unknown is not there.
pub(super) fn put(fields: &mut TriggerFields, name: &str, value: Value) {
    if value != Value::Unknown {
        fields.insert(name.to_owned(), value);
    }
}

/// The name by which rules call `device`.
pub(super) fn put_device(fields: &mut TriggerFields, devices: &[Device], device: &DeviceId) {
    let known = devices.iter().find(|it| it.id == *device);
    let alias = known.map_or(Value::Unknown, |it| Value::text(it.alias.as_str()));
    put(fields, "device", alias);
}
