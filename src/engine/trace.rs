//! Why a rule did or did not do something: one trace for each rule that looked at an event.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::document::duration::display;
use crate::domain::event::Event;
use crate::domain::id::{EventId, RuleId, RuleVersion, RunId};
use crate::domain::value::Origin;
use crate::engine::Scene;
use crate::engine::run::{Run, RunEnd};
use crate::rules::rule::{Operation, Place, Rule};

/// What one rule made of one event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trace {
    pub event: EventId,
    pub at: Timestamp,
    pub rule: RuleId,
    pub version: RuleVersion,
    /// The run that was started or went on.
    pub run: Option<RunId>,
    pub verdict: Verdict,
    /// The trigger that fired: its id, or its place.
    pub trigger: Option<String>,
    /// The value that it compared with, as old as it was when the new one came; where that was long before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Seen>,
    /// Why each of the triggers that were asked did not fire; empty when one did.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub misses: Vec<Miss>,
    /// Those that were asked, in order; the first that does not hold is the last.
    pub conditions: Vec<ConditionTrace>,
    pub steps: Vec<StepTrace>,
}

/// A trigger that was asked and did not fire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Miss {
    pub place: Place,
    pub because: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// No trigger of the rule fits the event.
    NotTriggered {
        because: String,
    },
    /// The rule has a run already, and has one at a time.
    AlreadyRunning {
        run: RunId,
    },
    /// The same event has called the rule already, by another of its triggers, and a run began.
    AlreadyCalled {
        run: RunId,
        /// That one: its id, or its place.
        trigger: String,
    },
    /// As many runs as the rule may have are under way.
    TooMany {
        max: u32,
    },
    /// Its last run began too short a while ago.
    CoolingDown {
        until: Timestamp,
    },
    /// The rule is not to run for now.
    Paused {
        because: String,
    },
    ConditionNotMet,
    /// A condition cannot be answered yet and wants to wait (`if_unknown: wait`).
    Waits {
        until: Timestamp,
    },
    Started,
    /// A run went on and waits again.
    WentOn,
    /// Something is worth a line, and changed nothing for the run.
    Noted,
    Ended {
        end: RunEnd,
    },
}

impl Verdict {
    /// One word, as lists show it and the store keeps it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::NotTriggered { .. } => "not_triggered",
            Self::AlreadyRunning { .. } => "already_running",
            Self::AlreadyCalled { .. } => "already_called",
            Self::TooMany { .. } => "too_many",
            Self::CoolingDown { .. } => "cooling_down",
            Self::Paused { .. } => "paused",
            Self::ConditionNotMet => "condition_not_met",
            Self::Waits { .. } => "waits",
            Self::Started => "started",
            Self::WentOn => "went_on",
            Self::Noted => "noted",
            Self::Ended { .. } => "ended",
        }
    }
}

/// What a condition answered, with what it looked at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConditionTrace {
    pub place: Place,
    /// What was asked: `house_battery.level above 80 %`.
    pub asked: String,
    /// What was found: `97 %, 4 min old`.
    pub found: String,
    pub answer: Truth,
    /// Whether the run may go on; an unknown answer is decided by `if_unknown`.
    pub holds: bool,
    /// The values that it asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<Seen>,
}

/// A value that a condition asked, as it was then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// As expressions call it: `house_battery.level`, `input.grid_price`, `trigger.result`.
    pub name: String,
    /// With its unit; none while it has none.
    pub value: Option<String>,
    /// When it was true, where that is known.
    pub taken_at: Option<Timestamp>,
    pub age_seconds: Option<u64>,
    /// None while it has no value.
    pub origin: Option<SeenOrigin>,
}

impl Seen {
    /// The value that a trigger compared with: `from 50 %, which was 5h old`.
    pub fn told_before(&self) -> Option<String> {
        let (value, age) = (self.value.as_ref()?, self.age_seconds?);
        let age = display(Duration::from_secs(age));
        Some(format!("from {value}, which was {age} old"))
    }
}

/// Where a value came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SeenOrigin {
    /// The platform asked the device.
    Live,
    /// The platform knew it.
    Cache,
    /// The platform could not reach the device, and repeated what it knew.
    Fallback,
    /// An input of the home.
    Input,
    /// The event that woke the rule.
    Event,
    /// The rule or the run itself: a variable, what it remembers, a failure.
    Rule,
}

impl From<Origin> for SeenOrigin {
    fn from(origin: Origin) -> Self {
        match origin {
            Origin::Live => Self::Live,
            Origin::Cache => Self::Cache,
            Origin::Fallback => Self::Fallback,
        }
    }
}

/// Kleene's three answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Truth {
    True,
    False,
    Unknown,
}

impl From<bool> for Truth {
    fn from(truth: bool) -> Self {
        if truth { Self::True } else { Self::False }
    }
}

/// What a step of a run did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepTrace {
    pub place: Place,
    pub alias: Option<String>,
    pub did: String,
}

impl Trace {
    pub(super) fn of(rule: &Rule, event: &Event, now: Timestamp) -> Self {
        Self {
            event: event.id.clone(),
            at: now,
            rule: rule.id.clone(),
            version: rule.program.version.clone(),
            run: None,
            verdict: Verdict::Started,
            trigger: None,
            before: None,
            misses: Vec::new(),
            conditions: Vec::new(),
            steps: Vec::new(),
        }
    }

    pub(super) fn of_run(run: &Run, event: &Event, now: Timestamp) -> Self {
        Self {
            event: event.id.clone(),
            at: now,
            rule: run.rule.clone(),
            version: run.program.version.clone(),
            run: Some(run.id.clone()),
            verdict: Verdict::WentOn,
            trigger: None,
            before: None,
            misses: Vec::new(),
            conditions: Vec::new(),
            steps: Vec::new(),
        }
    }
}

impl StepTrace {
    pub(super) fn new(operation: &Operation, did: impl Into<String>) -> Self {
        Self {
            place: operation.place.clone(),
            alias: operation.alias.clone(),
            did: did.into(),
        }
    }
}

/// A moment of these days, as the clock of the home shows it: `22:30:00`, `Sun 06:00:00`.
pub(super) fn clock_time(scene: Scene<'_>, at: Timestamp) -> String {
    let zone = scene.rules.timezone.clone().unwrap_or(TimeZone::UTC);
    let now = scene.now.to_zoned(zone.clone());
    let at = at.to_zoned(zone);
    let format = if now.date() == at.date() {
        "%H:%M:%S"
    } else {
        "%a %H:%M:%S"
    };
    at.strftime(format).to_string()
}

/// `rules/car.yaml:3`
pub fn place(place: &Place) -> String {
    format!("{}:{}", place.file, place.line)
}
