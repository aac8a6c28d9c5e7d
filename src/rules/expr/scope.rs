//! What an expression may name where it stands.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::kind::Kind;
use crate::config::names::Names;

/// An attribute older than this is unknown, unless the place says otherwise.
pub const MAX_AGE_DEFAULT: Duration = Duration::from_mins(15);

/// The first words of names that are neither devices nor inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Root {
    Trigger,
    Vars,
    State,
    Failure,
    Wait,
    Repeat,
}

/// The names, with the type of each.
#[derive(Clone, Debug)]
pub struct Scope<'h> {
    /// The devices of the home; attributes come from the catalogue.
    pub names: &'h Names,
    pub inputs: BTreeMap<String, Input>,
    /// A root that is not here cannot be used in this place.
    pub fields: BTreeMap<Root, Fields>,
    pub max_age: Duration,
}

/// The names behind a root, with points inside where there are some: `trigger.device` of `wait`.
pub type Fields = BTreeMap<String, Field>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    pub kind: Kind,
    /// All words that a text can be; empty when it can be any.
    pub words: &'static [&'static str],
}

/// A value from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    pub kind: Kind,
    pub max_age: Option<Duration>,
    /// Whether it has values for moments to come.
    pub has_series: bool,
}

impl<'h> Scope<'h> {
    /// The devices alone.
    pub fn of_home(names: &'h Names) -> Self {
        Self {
            names,
            inputs: BTreeMap::new(),
            fields: BTreeMap::new(),
            max_age: MAX_AGE_DEFAULT,
        }
    }

    /// With these names behind `root`.
    #[must_use]
    pub fn with(mut self, root: Root, fields: Fields) -> Self {
        self.fields.insert(root, fields);
        self
    }
}

impl Root {
    pub const ALL: [Self; 6] = [
        Self::Trigger,
        Self::Vars,
        Self::State,
        Self::Failure,
        Self::Wait,
        Self::Repeat,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Trigger => "trigger",
            Self::Vars => "vars",
            Self::State => "state",
            Self::Failure => "failure",
            Self::Wait => "wait",
            Self::Repeat => "repeat",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }

    /// Where it can be used.
    pub(super) fn home(self) -> &'static str {
        match self {
            Self::Trigger => "`trigger.…` is known in the conditions and actions of a rule",
            Self::Vars => "`vars.…` are the rule's `variables:`",
            Self::State => "`state.…` is what a `set:` of the rule has written down",
            Self::Failure => "`failure.…` is known below `on_failure:`",
            Self::Wait => "`wait.…` is known after `wait_for_trigger:` and `wait_until:`",
            Self::Repeat => "`repeat.…` is known inside `repeat:`",
        }
    }
}

impl From<Kind> for Field {
    fn from(kind: Kind) -> Self {
        Self { kind, words: &[] }
    }
}

const RESULTS: &[&str] = &["completed", "failed", "cancelled", "expired"];
const CHANGES: &[&str] = &["connected", "reconnected", "disconnected", "unclear"];

/// What `trigger.…` has in a rule whose triggers are of these kinds (`command`, `device`).
/// What only some of them bring is unknown with the others.
pub fn trigger_fields(triggers: &[&str]) -> Fields {
    let mut all = fields(&[
        ("id", Kind::Text, &[]),
        ("type", Kind::Text, &["command", "device"]),
        ("at", Kind::Moment, &[]),
    ]);
    for trigger in triggers {
        all.extend(match *trigger {
            "command" => fields(&[
                ("device", Kind::Text, &[]),
                ("command", Kind::Text, &[]),
                ("result", Kind::Text, RESULTS),
                ("error_code", Kind::Text, &[]),
                ("message", Kind::Text, &[]),
                ("own", Kind::Bool, &[]),
            ]),
            "device" => fields(&[("device", Kind::Text, &[]), ("event", Kind::Text, CHANGES)]),
            _ => Fields::new(),
        });
    }
    all
}

/// What `failure.…` has.
pub fn failure_fields() -> Fields {
    fields(&[
        ("outcome", Kind::Text, &["failed", "cancelled", "expired"]),
        ("code", Kind::Text, &[]),
        ("message", Kind::Text, &[]),
        ("attempts", Kind::PLAIN, &[]),
        ("device", Kind::Text, &[]),
    ])
}

/// What `wait.…` has, after a wait for triggers with these fields.
pub fn wait_fields(trigger: Fields) -> Fields {
    let mut fields = fields(&[("completed", Kind::Bool, &[])]);
    let below = |(name, field)| (format!("trigger.{name}"), field);
    fields.extend(trigger.into_iter().map(below));
    fields
}

/// What `repeat.…` has; `item` where the repetition is one over a list.
pub fn repeat_fields(item: Option<Kind>) -> Fields {
    let mut fields = fields(&[("index", Kind::PLAIN, &[])]);
    fields.extend(item.map(|kind| ("item".to_owned(), Field::from(kind))));
    fields
}

fn fields(of: &[(&str, Kind, &'static [&'static str])]) -> Fields {
    let field = |(name, kind, words): &(&str, Kind, &'static [&'static str])| {
        let kind = kind.clone();
        ((*name).to_owned(), Field { kind, words })
    };
    of.iter().map(field).collect()
}
