//! An action that was found to be over is an event like the webhook that would have told of it.

use jiff::Timestamp;

use crate::device_api::wire::Action;
use crate::domain::device::Device;
use crate::domain::event::{Event, Payload, Report, Source};
use crate::domain::id::EventId;

impl Action {
    /// The event that this action of `device` ended; none while it has not.
    pub(crate) fn ended(&self, device: &Device, now: Timestamp) -> Option<Event> {
        let outcome = self.outcome()?;
        let subject = format!("{} {}", self.id, outcome.name());
        let report = Report {
            action: self.id.clone(),
            device: device.id.clone(),
            device_type: Some(device.device_type),
            command: self.command.clone(),
            outcome,
            ended_at: self.ended_at,
        };
        Some(Event {
            id: EventId::derive("found", &subject),
            source: Source::LookUp,
            received_at: now,
            payload: Payload::Report(report),
        })
    }
}
