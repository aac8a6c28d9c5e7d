//! What expressions can ask of the engine.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::domain::device::Device;
use crate::domain::value::Point;
use crate::domain::value::Reading;
use crate::engine::Scene;
use crate::rules::expr::eval::Facts;
use crate::rules::expr::scope::Root;
use crate::rules::expr::value::Value;

/// What a trigger saw, by the names behind `trigger`.
pub type TriggerFields = BTreeMap<String, Value>;

/// The engine's memory, and what the run in question began with.
pub(super) struct Known<'a> {
    scene: Scene<'a>,
    zone: TimeZone,
    trigger: &'a TriggerFields,
}

impl<'a> Known<'a> {
    pub(super) fn new(scene: Scene<'a>, trigger: &'a TriggerFields) -> Self {
        Self {
            scene,
            zone: scene.rules.timezone.clone().unwrap_or(TimeZone::UTC),
            trigger,
        }
    }
}

impl Facts for Known<'_> {
    fn now(&self) -> Timestamp {
        self.scene.now
    }

    fn zone(&self) -> &TimeZone {
        &self.zone
    }

    fn attribute(&self, device: &Device, attribute: &str) -> Option<&Reading> {
        self.scene.state.reading(&device.id, attribute)
    }

    /// A home has no inputs yet, so that no expression can name one.
    fn input(&self, _: &str) -> Option<&Reading> {
        None
    }

    fn series(&self, _: &str) -> &[Point] {
        &[]
    }

    fn field(&self, root: Root, name: &str) -> Value {
        match root {
            Root::Trigger => self.trigger.get(name).cloned().unwrap_or_default(),
            Root::Vars | Root::State | Root::Failure | Root::Wait | Root::Repeat => Value::Unknown,
        }
    }
}
