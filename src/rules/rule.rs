//! Checked rules: every name resolved, every number in its unit, nothing left to fail later.
//!
//! This is what the checker makes and the engine runs. A rule's actions are a flat list of
//! operations, so that a run is plain data: a position in the list and what it waits for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::config::home::{Allowance, Location};
use crate::domain::command::{Claim, RetryPolicy};
use crate::domain::device::{Device, DeviceType};
use crate::domain::event::ConnectionChange;
use crate::domain::id::{DeviceId, InputName, NotifierName, RuleId, RuleVersion, StepId};
use crate::domain::value::Value;
use crate::rules::condition::{
    Block, CommandTest, HeldSubject, InputTest, RuleTest, SunTest, weekdays,
};
use crate::rules::expr::program::Checked;
use crate::rules::expr::template::Template;
use crate::rules::expression::{Expression, Variable};
use crate::rules::operation::{
    Amount, CancelOperation, CommandOptions, DelayOperation, Handler, HttpOperation,
    ParallelOperation, ReadOperation, RepeatOperation, RuleOperation, SettingOperation,
    StopOperation, WaitOperation,
};
use crate::rules::trigger::{
    AbsenceTrigger, CountTrigger, CronTrigger, EngineTrigger, GroupTrigger, Held, NumericTrigger,
    StateTrigger, SunTrigger, TimeTrigger,
};

/// All rules of a home, with an index of who listens to what.
#[derive(Debug, Default)]
pub struct RuleSet {
    /// In the order of their ids.
    pub rules: Vec<Rule>,
    /// Which triggers an event can wake. Work per event grows with these, not with `rules`.
    pub listeners: BTreeMap<Topic, Vec<Listener>>,
    /// What conditions ask the past of.
    pub held: BTreeMap<HeldSubject, Duration>,
    /// The zone of all wall-clock times; UTC when the home has none.
    pub timezone: Option<TimeZone>,
    /// For the sun.
    pub location: Option<Location>,
    /// What rules may do with the devices, and how much at all.
    pub allowance: Allowance,
    /// Rules whose text is broken now. Those that were right before are among `rules`, as they were then.
    pub broken: BTreeSet<RuleId>,
}

impl RuleSet {
    /// The rule with this id.
    pub fn rule(&self, id: &RuleId) -> Option<&Rule> {
        let found = self.rules.binary_search_by(|it| it.id.cmp(id));
        found.ok().map(|it| &self.rules[it])
    }
}

/// What triggers listen to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// An action on the device ended.
    Command(DeviceId),
    /// The device's connection changed.
    Device(DeviceId),
    /// The device was read.
    Value(DeviceId),
    Input(InputName),
    /// A signed `POST /hooks/NAME` came.
    Hook(String),
    /// The engine was started, or the rules were read again.
    Engine,
    /// A run of the rule began or ended.
    Rule(RuleId),
}

/// A trigger of a rule, by position: `rules[rule].triggers[trigger]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listener {
    pub rule: usize,
    pub trigger: usize,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    pub id: RuleId,
    /// What people see; the id when the file gives none.
    pub alias: String,
    pub description: Option<String>,
    /// A rule that is not enabled is checked like any other and never listens.
    pub enabled: bool,
    /// Where it stands, for people: `rules/car.yaml:3`.
    pub place: Place,
    pub settings: Settings,
    /// For every run; those of the trigger that fired win.
    pub variables: Vec<Variable>,
    pub triggers: Vec<Trigger>,
    pub conditions: Vec<Condition>,
    /// Shared with the runs that began with this version.
    pub program: Arc<Program>,
}

impl Rule {
    /// Whether it takes part.
    pub fn listens(&self) -> bool {
        self.enabled
    }
}

/// How runs of a rule get along with each other and with other rules.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    pub mode: Mode,
    /// How a trigger that came too often is told (`max_exceeded:`).
    pub is_silent: bool,
    /// One run for each value of this, instead of one for the rule.
    pub per: Option<Expression>,
    /// From the start of the last run that passed its conditions.
    pub cooldown: Option<Duration>,
    /// For the lease of devices, 0 to 100.
    pub priority: u32,
}

/// What a trigger does while a run is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    Single,
    Restart,
    /// With the most runs, the running one included.
    Queued(u32),
    /// With the most runs at once.
    Parallel(u32),
}

impl Settings {
    pub const PRIORITY_DEFAULT: u32 = Claim::PRIORITY_DEFAULT;
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            mode: Mode::Single,
            is_silent: false,
            per: None,
            cooldown: None,
            priority: Self::PRIORITY_DEFAULT,
        }
    }
}

/// A place in a rule file, for traces and lists.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// Relative to the home, with `/`.
    pub file: String,
    /// From 1.
    pub line: usize,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trigger {
    /// For people and for `condition: trigger`.
    pub id: Option<String>,
    /// A trigger that is not enabled is not in the index.
    pub enabled: bool,
    pub place: Place,
    pub variables: Vec<Variable>,
    pub on: On,
}

/// What a trigger waits for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum On {
    Command(CommandTrigger),
    Device(DeviceTrigger),
    State(StateTrigger),
    NumericState(NumericTrigger),
    Time(TimeTrigger),
    Cron(CronTrigger),
    Sun(SunTrigger),
    /// The end of the address: `/hooks/NAME`.
    Webhook(String),
    Engine(EngineTrigger),
    AllOf(GroupTrigger),
    Sequence(GroupTrigger),
    Absence(AbsenceTrigger),
    Count(CountTrigger),
}

/// An action on one of `devices` ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CommandTrigger {
    /// At least one.
    pub devices: Vec<Device>,
    /// Written as `{type: …}`: `devices` are those of the type, however many the home has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of_type: Option<DeviceType>,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommandSource {
    Any,
    Own,
    Foreign,
}

/// The connection of one of `devices` changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeviceTrigger {
    /// At least one.
    pub devices: Vec<Device>,
    /// Written as `{type: …}`: `devices` are those of the type, however many the home has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of_type: Option<DeviceType>,
    /// Any of these; empty means every change, the unclear ones included.
    pub changes: Vec<ConnectionChange>,
    pub held: Option<Held>,
}

/// A condition. A list of them is *and*, three-valued.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Condition {
    pub alias: Option<String>,
    /// A condition that is not enabled holds.
    pub enabled: bool,
    pub if_unknown: IfUnknown,
    pub place: Place,
    pub test: Test,
}

/// What an unknown answer counts as (`if_unknown:`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IfUnknown {
    /// Like "no". The default.
    Block,
    /// Like "yes".
    Allow,
    /// Asked again when more is known.
    Wait,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Test {
    Time(TimeTest),
    State(StateTest),
    NumericState(NumericTest),
    Sun(SunTest),
    /// Any of these ids of triggers.
    Trigger(Vec<String>),
    Command(CommandTest),
    Rule(RuleTest),
    Input(InputTest),
    Block(Block),
    /// True or false.
    Expression(Checked),
}

/// A window of the day, in the home's zone. `after` is in it, `before` is not; they may wrap midnight.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeTest {
    pub after: Option<Time>,
    pub before: Option<Time>,
    /// Empty means every day. For a window over midnight, the day is that of the moment asked about.
    #[serde(with = "weekdays")]
    pub weekdays: Vec<Weekday>,
}

/// The last known value of a device's attribute, and how old it may be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    pub device: Device,
    /// A name of the catalogue.
    pub attribute: String,
    /// Older than this is unknown.
    pub max_age: Duration,
}

impl Subject {
    pub fn held(&self) -> HeldSubject {
        HeldSubject::Attribute(self.device.id.clone(), self.attribute.clone())
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StateTest {
    pub subject: Subject,
    /// Any of these; empty when only `is_not` is asked.
    pub is: Vec<Value>,
    /// None of these.
    pub is_not: Vec<Value>,
    /// It has been so for that long.
    pub held_for: Option<Held>,
}

/// Bounds on a number, in the attribute's unit. All that are given must hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NumericTest {
    pub subject: Subject,
    /// Strict.
    pub above: Option<f64>,
    /// Strict.
    pub below: Option<f64>,
    pub at_least: Option<f64>,
    pub at_most: Option<f64>,
    /// It has been so for that long.
    pub held_for: Option<Held>,
}

/// The actions of one version of a rule, flat. A run is pinned to its program, which the store
/// keeps for as long as a run needs it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Program {
    /// The hash of `operations`' meaning and the rule's id.
    pub version: RuleVersion,
    /// Run in order; the run ends after the last.
    pub operations: Vec<Operation>,
    /// Where to go on when an operation fails; the first that covers it counts.
    #[serde(default)]
    pub handlers: Vec<Handler>,
}

impl Program {
    /// Its operations, those of branches behind the operation that they are of.
    pub fn every_operation(&self) -> Vec<&Operation> {
        let mut all = Vec::new();
        for operation in &self.operations {
            all.push(operation);
            if let OperationKind::Parallel(parallel) = &operation.kind {
                let branches = parallel.branches.iter();
                all.extend(branches.flat_map(Self::every_operation));
            }
        }
        all
    }
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
    /// Goes on when the conditions hold, and elsewhere when they do not.
    Test(TestOperation),
    Jump {
        to: usize,
    },
    /// One more round, or out of the loop.
    Repeat(RepeatOperation),
    Variables {
        values: Vec<Variable>,
    },
    /// Remembered with the rule.
    Set {
        values: Vec<Variable>,
    },
    Stop(StopOperation),
    /// Ends the run as completed, before the steps for failures.
    End,
    /// Ends the run as failed, after the steps for a failure.
    Fail,
    Setting(SettingOperation),
    Cancel(CancelOperation),
    Read(ReadOperation),
    Http(HttpOperation),
    Delay(DelayOperation),
    Wait(WaitOperation),
    Parallel(ParallelOperation),
    Rule(RuleOperation),
}

impl OperationKind {
    /// Whether traces tell of it; what only leads elsewhere is no step that anybody wrote.
    pub fn is_told(&self) -> bool {
        !matches!(self, Self::Jump { .. } | Self::End | Self::Fail)
    }
}

/// A fork: the conditions are *and*, and what is unknown does not hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TestOperation {
    pub conditions: Vec<Condition>,
    /// Where to go when they do not hold.
    pub otherwise: usize,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CommandOperation {
    pub device: Device,
    pub command: String,
    /// The step's `id:`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<StepId>,
    /// In the units of the catalogue.
    pub parameters: BTreeMap<String, Amount>,
    pub retry: RetryPolicy,
    #[serde(default, skip_serializing_if = "CommandOptions::is_plain")]
    pub options: CommandOptions,
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
