//! Checked rules: every name resolved, every number in its unit, nothing left to fail later.
//!
//! This is what the checker makes and the engine runs. A rule's actions are a flat list of
//! operations, so that a run is plain data: a position in the list and what it waits for.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::domain::command::RetryPolicy;
use crate::domain::device::Device;
use crate::domain::event::ConnectionChange;
use crate::domain::id::{DeviceId, NotifierName, RuleId, RuleVersion};
use crate::domain::value::{Quantity, Value};
use crate::rules::expr::program::Checked;
use crate::rules::expr::template::Template;

/// All rules of a home, with an index of who listens to what.
#[derive(Debug, Default)]
pub struct RuleSet {
    /// In the order of their ids.
    pub rules: Vec<Rule>,
    /// Which triggers an event on a device can wake. Work per event grows with these, not with `rules`.
    pub listeners: BTreeMap<(DeviceId, Topic), Vec<Listener>>,
    /// The zone of all wall-clock times; UTC when the home has none.
    pub timezone: Option<TimeZone>,
}

/// The kinds of event that triggers listen to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    /// An action on the device ended.
    Command,
    /// The device's connection changed.
    Device,
}

/// A trigger of a rule, by position: `rules[rule].triggers[trigger]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listener {
    pub rule: usize,
    pub trigger: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    pub id: RuleId,
    /// What people see; the id when the file gives none.
    pub alias: String,
    pub description: Option<String>,
    /// A rule that is not enabled is checked like any other and never listens.
    pub enabled: bool,
    /// Where it stands, for people: `rules/car.yaml:3`.
    pub place: Place,
    pub triggers: Vec<Trigger>,
    pub conditions: Vec<Condition>,
    /// Shared with the runs that began with this version.
    pub program: Arc<Program>,
}

/// A place in a rule file, for traces and lists.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// Relative to the home, with `/`.
    pub file: String,
    /// From 1.
    pub line: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Trigger {
    /// For people and for `condition: trigger`.
    pub id: Option<String>,
    /// A trigger that is not enabled is not in the index.
    pub enabled: bool,
    pub place: Place,
    pub on: On,
}

/// What a trigger waits for.
#[derive(Clone, Debug, PartialEq)]
pub enum On {
    Command(CommandTrigger),
    Device(DeviceTrigger),
}

/// An action on one of `devices` ended.
#[derive(Clone, Debug, PartialEq)]
pub struct CommandTrigger {
    /// At least one.
    pub devices: Vec<Device>,
    /// Any of these commands; empty means every command.
    pub commands: Vec<String>,
    /// Empty means any result.
    pub results: Vec<ResultKind>,
    /// Any of these codes; empty means every code, and none at all.
    pub error_codes: Vec<String>,
    pub source: CommandSource,
}

/// How an action can end, as rules say it (`result:`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResultKind {
    Completed,
    Failed,
    Cancelled,
    Expired,
}

/// Whose order ended (`source:`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandSource {
    Any,
    Own,
    Foreign,
}

/// The connection of one of `devices` changed.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceTrigger {
    /// At least one.
    pub devices: Vec<Device>,
    /// Any of these; empty means every change, the unclear ones included.
    pub changes: Vec<ConnectionChange>,
}

/// A condition. A list of them is *and*, three-valued.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    pub alias: Option<String>,
    /// A condition that is not enabled holds.
    pub enabled: bool,
    pub if_unknown: IfUnknown,
    pub place: Place,
    pub test: Test,
}

/// What an unknown answer counts as (`if_unknown:`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfUnknown {
    /// Like "no". The default.
    Block,
    /// Like "yes".
    Allow,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    Time(TimeTest),
    State(StateTest),
    NumericState(NumericTest),
    /// True or false.
    Expression(Checked),
}

/// A window of the day, in the home's zone. `after` is in it, `before` is not; they may wrap midnight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeTest {
    pub after: Option<Time>,
    pub before: Option<Time>,
    /// Empty means every day. For a window over midnight, the day is that of the moment asked about.
    pub weekdays: Vec<Weekday>,
}

/// The last known value of a device's attribute, and how old it may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    pub device: Device,
    /// A name of the catalogue.
    pub attribute: String,
    /// Older than this is unknown.
    pub max_age: Duration,
}

#[derive(Clone, Debug, PartialEq)]
pub struct StateTest {
    pub subject: Subject,
    /// Any of these; empty when only `is_not` is asked.
    pub is: Vec<Value>,
    /// None of these.
    pub is_not: Vec<Value>,
}

/// Bounds on a number, in the attribute's unit. All that are given must hold.
#[derive(Clone, Debug, PartialEq)]
pub struct NumericTest {
    pub subject: Subject,
    /// Strict.
    pub above: Option<f64>,
    /// Strict.
    pub below: Option<f64>,
    pub at_least: Option<f64>,
    pub at_most: Option<f64>,
}

/// The actions of one version of a rule, flat. A run is pinned to its program, which the store
/// keeps for as long as a run needs it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Program {
    /// The hash of `operations`' meaning and the rule's id.
    pub version: RuleVersion,
    /// Run in order; the run ends after the last.
    pub operations: Vec<Operation>,
}

/// One step of a run, with its place in the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Operation {
    pub place: Place,
    /// What people call the step; none when the file gives no alias.
    pub alias: Option<String>,
    pub kind: OperationKind,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum OperationKind {
    /// Orders it and waits for the end. A failed command ends the run as failed.
    Command(CommandOperation),
    Notify(NotifyOperation),
    Log(LogOperation),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CommandOperation {
    pub device: Device,
    pub command: String,
    /// In the units of the catalogue.
    pub parameters: BTreeMap<String, Quantity>,
    pub retry: RetryPolicy,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NotifyOperation {
    /// At least one.
    pub notifiers: Vec<NotifierName>,
    pub title: Option<Template>,
    pub message: Template,
    pub level: Level,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogOperation {
    pub text: Template,
    pub level: Level,
}

/// How much a message matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    Info,
    Warning,
    Error,
}
