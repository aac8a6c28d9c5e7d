//! An event that will be shown to the rules: of the record, or assumed.

use jiff::Timestamp;

use crate::domain::event::{Event, Payload, Source};
use crate::domain::id::{CommandId, EventId};

/// How what nobody has seen end ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Completed,
    Failed,
}

/// Something that will be shown to the rules.
#[derive(Clone, Debug)]
pub(super) struct Planned {
    pub(super) at: Timestamp,
    /// Its place on record; none when it is not on record.
    pub(super) place: Option<usize>,
    pub(super) event: Event,
    pub(super) is_assumed: bool,
    /// It does not come when this order is called off before.
    pub(super) unless_off: Option<CommandId>,
}

impl Planned {
    /// The event of the record at `place`, at its moment.
    pub(super) fn recorded(event: Event, place: usize) -> Self {
        Self {
            at: event.received_at,
            place: Some(place),
            event,
            is_assumed: false,
            unless_off: None,
        }
    }

    /// What is not on record, and follows without doubt.
    pub(super) fn certain(
        (id, source): (EventId, Source),
        at: Timestamp,
        payload: Payload,
    ) -> Self {
        Self {
            at,
            place: None,
            event: Event {
                id,
                source,
                received_at: at,
                payload,
            },
            is_assumed: false,
            unless_off: None,
        }
    }

    pub(super) fn assumed(event: (EventId, Source), at: Timestamp, payload: Payload) -> Self {
        Self {
            is_assumed: true,
            ..Self::certain(event, at, payload)
        }
    }

    pub(super) fn unless_off(self, order: &CommandId) -> Self {
        Self {
            unless_off: Some(order.clone()),
            ..self
        }
    }
}
