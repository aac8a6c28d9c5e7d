//! What expressions can ask of the engine, and from where they are asked.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::domain::device::Device;
use crate::domain::id::{InputName, RuleId};
use crate::domain::value::{Point, Reading};
use crate::engine::Scene;
use crate::engine::decision::Change;
use crate::engine::memory::Memory;
use crate::engine::run::Run;
use crate::rules::expr::eval::Facts;
use crate::rules::expr::scope::Root;
use crate::rules::expr::value::Value;

/// What a trigger saw, by the names behind `trigger`.
pub type TriggerFields = BTreeMap<String, Value>;

/// From where something is asked.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) scene: Scene<'a>,
    pub(super) rule: &'a RuleId,
    /// The run that asks; none before it has begun.
    pub(super) running: Option<&'a Run>,
    /// What the trigger saw.
    pub(super) trigger: &'a TriggerFields,
    pub(super) memory: &'a Memory,
    /// What has been decided so far, and the state does not know yet.
    pub(super) changes: &'a [Change],
}

impl<'a> View<'a> {
    /// What the rule remembers as `state.NAME`, from earlier runs or from this very decision.
    fn remembered(&self, wanted: &str) -> Option<&'a Value> {
        #[expect(clippy::wildcard_enum_match_arm, reason = "one kind is looked for")]
        let just_set = self.changes.iter().rev().find_map(|it| match it {
            Change::Remembered {
                rule, name, value, ..
            } => (rule == self.rule && name == wanted).then_some(value),
            _ => None,
        });
        just_set.or_else(|| self.scene.state.remembered(self.rule, wanted))
    }

    /// `value` as people read it.
    pub(super) fn shown(&self, value: &Value) -> String {
        value.show(None, Known::of(*self).zone())
    }
}

/// The engine's memory, and what the run in question knows.
pub(super) struct Known<'a> {
    view: View<'a>,
    zone: TimeZone,
}

impl<'a> Known<'a> {
    pub(super) fn of(view: View<'a>) -> Self {
        let zone = view.scene.rules.timezone.clone();
        Self {
            view,
            zone: zone.unwrap_or(TimeZone::UTC),
        }
    }
}

/// The value of this name, or the part of a value whose name is longer: `json.power` of the JSON `json`.
pub(super) fn named(values: &BTreeMap<String, Value>, name: &str) -> Option<Value> {
    if let Some(value) = values.get(name) {
        return Some(value.clone());
    }
    let dots = name.match_indices('.').map(|(at, _)| at);
    let (whole, rest) = dots
        .filter_map(|at| Some((values.get(&name[..at])?, &name[at + 1..])))
        .next_back()?;
    let Value::Text(json) = whole else {
        return None;
    };
    let json: serde_json::Value = serde_json::from_str(json).ok()?;
    let part = rest.split('.').try_fold(&json, |json, key| json.get(key))?;
    Some(Value::of_json(part))
}

impl Facts for Known<'_> {
    fn now(&self) -> Timestamp {
        self.view.scene.now
    }

    fn zone(&self) -> &TimeZone {
        &self.zone
    }

    fn attribute(&self, device: &Device, attribute: &str) -> Option<&Reading> {
        self.view.scene.state.reading(&device.id, attribute)
    }

    fn input(&self, name: &str) -> Option<&Reading> {
        self.view.scene.state.input(&InputName::new(name))
    }

    fn series(&self, name: &str) -> &[Point] {
        self.view.scene.state.series(&InputName::new(name))
    }

    fn field(&self, root: Root, name: &str) -> Value {
        let memory = self.view.memory;
        let value = match root {
            Root::Trigger => named(self.view.trigger, name),
            Root::Vars => named(&memory.variables, name),
            Root::State => self.view.remembered(name).cloned(),
            Root::Failure => memory.failure.as_ref().and_then(|it| it.field(name)),
            Root::Repeat => memory.round().and_then(|it| it.field(name)),
            Root::Wait => memory.waited.as_ref().and_then(|it| it.field(name)),
        };
        value.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_json_is_found_by_its_path() {
        let json = r#"{"grid": {"power": 1.5, "on": true}, "list": [1, "b"], "a.b": 1}"#;
        let values = [("json", json), ("note", "no JSON")];
        let values = values.map(|(name, text)| (name.to_owned(), Value::text(text)));
        let values = BTreeMap::from(values);
        let list = Value::List(vec![Value::Number(1.0), Value::text("b")]);
        for (name, expected) in [
            ("json", Some(Value::text(json))),
            ("json.grid.power", Some(Value::Number(1.5))),
            ("json.grid.on", Some(Value::Bool(true))),
            ("json.list", Some(list)),
            // A block is no value, and what is not there is none.
            ("json.grid", Some(Value::Unknown)),
            ("json.gird.power", None),
            ("json.list.0", None),
            ("note.part", None),
            ("other.part", None),
        ] {
            assert_eq!(named(&values, name), expected, "{name}");
        }
    }
}
