//! What an expression may name where it stands.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::kind::{Conversion, Kind, Measure};
use crate::config::home::{self, InputKind, InputUnit};
use crate::config::names::Names;
use crate::domain::id::InputName;

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
    /// The devices and inputs of the home; attributes come from the catalogue.
    pub names: &'h Names,
    /// Beside those of the home.
    pub inputs: BTreeMap<String, Input>,
    /// A root that is not here cannot be used in this place.
    pub fields: BTreeMap<Root, Rc<Fields>>,
    /// How much of the rule comes before this place; fields that begin later are not known yet.
    pub at: usize,
    pub max_age: Duration,
}

/// The names behind a root, with points inside where there are some: `trigger.device` of `wait`.
pub type Fields = BTreeMap<String, Field>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    pub kind: Kind,
    /// All words that a text can be; empty when it can be any.
    pub words: &'static [&'static str],
    /// Two kinds that different places of the rule give, where these make the kind any.
    pub mixed: Option<Box<(Kind, Kind)>>,
    /// Between which places of the rule there can be a value; empty when everywhere.
    pub reach: Vec<Reach>,
}

/// From a place of the rule on, and to another; both belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    pub from: usize,
    pub to: usize,
}

/// A value from outside.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    pub kind: Kind,
    /// What makes its values so.
    pub conversion: Option<Conversion>,
    pub max_age: Option<Duration>,
    /// Whether it has values for moments to come.
    pub has_series: bool,
}

impl<'h> Scope<'h> {
    /// The devices and inputs alone.
    pub fn of_home(names: &'h Names) -> Self {
        Self {
            names,
            inputs: BTreeMap::new(),
            fields: BTreeMap::new(),
            at: 0,
            max_age: MAX_AGE_DEFAULT,
        }
    }

    /// With these names behind `root`.
    #[must_use]
    pub fn with(mut self, root: Root, fields: Fields) -> Self {
        self.fields.insert(root, Rc::new(fields));
        self
    }

    /// Takes a name in that is known from here on; one that is there already stays as it is.
    pub fn learn(&mut self, root: Root, name: &str, kind: impl FnOnce() -> Kind) {
        let fields = self.fields.entry(root).or_default();
        if !fields.contains_key(name) {
            Rc::make_mut(fields).insert(name.to_owned(), kind().into());
        }
    }

    /// The input of this name.
    pub fn input(&self, name: &str) -> Option<Input> {
        let of_home = || self.names.inputs.get(&InputName::new(name));
        let here = self.inputs.get(name).cloned();
        here.or_else(|| of_home().map(Input::of))
    }

    /// The names of all inputs.
    pub fn input_names(&self) -> impl Iterator<Item = &str> {
        let here = self.inputs.keys().map(String::as_str);
        here.chain(self.names.inputs.keys().map(InputName::as_str))
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
            Self::Wait => {
                "`wait.completed` is known after `wait_for_trigger:` and `wait_until:`, `wait.trigger.…` after `wait_for_trigger:`"
            }
            Self::Repeat => "`repeat.…` is known inside `repeat:`",
        }
    }
}

impl From<Kind> for Field {
    fn from(kind: Kind) -> Self {
        Self {
            kind,
            words: &[],
            mixed: None,
            reach: Vec::new(),
        }
    }
}

impl Field {
    /// Whether there can be a value at this place.
    pub fn is_known(&self, at: usize) -> bool {
        let holds = |it: &Reach| (it.from..=it.to).contains(&at);
        self.reach.is_empty() || self.reach.iter().any(holds)
    }
}

impl Input {
    /// As home.yaml declares it.
    pub fn of(input: &home::Input) -> Self {
        let (kind, conversion) = match &input.kind {
            InputKind::Text => (Kind::Text, None),
            InputKind::Boolean => (Kind::Bool, None),
            InputKind::Number(InputUnit::None) => (Kind::PLAIN, None),
            InputKind::Number(InputUnit::Known(unit)) => Kind::of_unit(*unit),
            InputKind::Number(InputUnit::Own(unit)) => {
                (Kind::Number(Measure::Own(unit.clone())), None)
            }
        };
        Self {
            kind,
            conversion,
            max_age: Some(input.max_age),
            has_series: matches!(input.kind, InputKind::Number(_)),
        }
    }
}

const RESULTS: &[&str] = &["completed", "failed", "cancelled", "expired"];
const CHANGES: &[&str] = &["connected", "reconnected", "disconnected", "unclear"];
const SUN: &[&str] = &["sunrise", "sunset", "dawn", "dusk"];
const ENGINE: &[&str] = &["started", "reloaded"];
const TRIGGERS: &[&str] = &[
    "command",
    "device",
    "state",
    "numeric_state",
    "time",
    "cron",
    "sun",
    "webhook",
    "engine",
    "all_of",
    "sequence",
    "absence",
    "count",
];

/// A trigger, as far as it decides what `trigger.…` has.
#[derive(Clone, Debug)]
pub struct Sight {
    /// As in `trigger: command`.
    pub word: &'static str,
    /// Of the values that `state` and `numeric_state` look at.
    pub kind: Kind,
}

impl From<&'static str> for Sight {
    fn from(word: &'static str) -> Self {
        let kind = Kind::Any;
        Self { word, kind }
    }
}

/// What `trigger.…` has in a rule with these triggers, those inside others included.
/// What only some of them bring is unknown with the others.
pub fn trigger_fields(triggers: &[Sight]) -> Fields {
    let mut all = fields(&[
        ("id", Kind::Text, &[]),
        ("type", Kind::Text, TRIGGERS),
        ("at", Kind::Moment, &[]),
    ]);
    for trigger in triggers {
        let kind = || trigger.kind.clone();
        let seen = match trigger.word {
            "command" => fields(&[
                ("device", Kind::Text, &[]),
                ("command", Kind::Text, &[]),
                ("result", Kind::Text, RESULTS),
                ("error_code", Kind::Text, &[]),
                ("message", Kind::Text, &[]),
                ("own", Kind::Bool, &[]),
            ]),
            "device" => fields(&[("device", Kind::Text, &[]), ("event", Kind::Text, CHANGES)]),
            "state" | "numeric_state" => fields(&[
                ("device", Kind::Text, &[]),
                ("attribute", Kind::Text, &[]),
                ("input", Kind::Text, &[]),
                ("from", kind(), &[]),
                ("from_at", Kind::Moment, &[]),
                ("to", kind(), &[]),
            ]),
            "sun" => fields(&[("event", Kind::Text, SUN)]),
            "absence" => fields(&[("since", Kind::Moment, &[])]),
            "webhook" => fields(&[("name", Kind::Text, &[]), ("json", Kind::Any, &[])]),
            "engine" => fields(&[("event", Kind::Text, ENGINE)]),
            _ => Fields::new(),
        };
        for (name, field) in seen {
            add(&mut all, name, field);
        }
    }
    all
}

/// A field that is there already is of either kind, wherever one of the two is known. Says whether it
/// is of another kind now.
pub fn add(all: &mut Fields, name: String, field: Field) -> bool {
    let Some(known) = all.get_mut(&name) else {
        all.insert(name, field);
        return false;
    };
    let before = known.kind.clone();
    if let Some((kind, _)) = known.kind.join(&field.kind) {
        known.kind = kind;
    } else {
        let first = std::mem::replace(&mut known.kind, Kind::Any);
        if first != Kind::Any {
            known.mixed = Some(Box::new((first, field.kind)));
        }
    }
    known.mixed = known.mixed.take().or(field.mixed);
    if known.reach.is_empty() || field.reach.is_empty() {
        known.reach.clear();
    }
    for reach in field.reach {
        let is_new = |it: &Reach| reach.from < it.from || it.to < reach.to;
        if !known.reach.is_empty() && known.reach.iter().all(is_new) {
            known.reach.push(reach);
        }
    }
    if known.words != field.words {
        // Several closed lists are no list that could be looked at as one.
        known.words = &[];
    }
    known.kind != before
}

/// How a step can fail: as its order or request ended, and before one left.
const OUTCOMES: &[&str] = &[
    "failed",
    "cancelled",
    "expired",
    "contradicted",
    "unknown",
    "refused",
    "limited",
    "displaced",
];

/// What `failure.…` has.
pub fn failure_fields() -> Fields {
    fields(&[
        ("outcome", Kind::Text, OUTCOMES),
        ("code", Kind::Text, &[]),
        ("message", Kind::Text, &[]),
        ("attempts", Kind::PLAIN, &[]),
        ("device", Kind::Text, &[]),
    ])
}

/// What `wait.…` has, after a wait for triggers with these fields; none of them after one for conditions.
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
        let field = Field {
            words,
            ..kind.clone().into()
        };
        ((*name).to_owned(), field)
    };
    of.iter().map(field).collect()
}
