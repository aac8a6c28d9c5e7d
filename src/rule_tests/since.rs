//! What happened since a test looked last, and what the rules were shown meanwhile.

use jiff::Timestamp;

use crate::domain::event::{Event, Payload, Source};
use crate::domain::id::{EventId, RunId};
use crate::engine::trace::Trace;
use crate::rule_tests::expected::Happened;

/// What happened since the test looked.
#[derive(Debug, Default)]
pub(super) struct Since {
    pub(super) happened: Vec<Happened>,
    /// Runs that began or ended, each with how it stands.
    pub(super) runs: Vec<(RunId, Happened)>,
    pub(super) looks: Vec<Look>,
}

/// Something that the rules were shown, and what they made of it.
#[derive(Debug)]
pub(super) struct Look {
    event: EventId,
    pub(super) at: Timestamp,
    pub(super) payload: Payload,
    pub(super) source: Source,
    pub(super) traces: Vec<Trace>,
}

impl Since {
    /// A device that was read and nobody listened says nothing worth telling; nor does the clock.
    pub(super) fn look(&mut self, event: Event, now: Timestamp, traces: Vec<Trace>) {
        let is_quiet = event.source == Source::Poll || event.payload == Payload::Tick;
        // What waited for a reading belongs to what it was woken by.
        let mut own = Vec::new();
        for trace in traces {
            let mut looks = self.looks.iter_mut();
            match looks.find(|it| it.event == trace.event) {
                Some(look) => look.traces.push(trace),
                None => own.push(trace),
            }
        }
        let traces = own;
        if !is_quiet || !traces.is_empty() {
            self.looks.push(Look {
                event: event.id,
                at: now,
                payload: event.payload,
                source: event.source,
                traces,
            });
        }
    }
}
