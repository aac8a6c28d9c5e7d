//! What is on record of a stretch of time: what came in, and what rules did then.

use jiff::Timestamp;

use crate::domain::capabilities::Declaration;
use crate::domain::command::Command;
use crate::domain::event::Event;
use crate::domain::http::HttpRequest;
use crate::domain::id::{ActionId, DeviceId, RuleId, RunId};
use crate::domain::lifecycle::Outcome;
use crate::domain::writing::SettingWrite;
use crate::engine::arbitration::lease::Kept;
use crate::engine::decision::Notification;
use crate::engine::run::RunEnd;
use crate::rules::expr::value::Value;

/// Rows of the home, each list in the order in which they were written.
#[derive(Debug, Default)]
pub struct Past {
    /// What was shown to the rules and took effect, from [`Span::warm`](super::Span::warm) on, and the last word of
    /// each device and input before that.
    pub events: Vec<Event>,
    /// What devices had said before that of what they take, and have said since.
    pub declared: Vec<Declaration>,
    /// Those that were under way at some moment from `warm` on, branches included.
    pub runs: Vec<PastRun>,
    /// Those that were open at some moment from `warm` on.
    pub commands: Vec<PastCommand>,
    /// From the beginning of the span on.
    pub notifications: Vec<(Timestamp, Notification)>,
    /// From the beginning of the span on.
    pub requests: Vec<(Timestamp, HttpRequest)>,
    /// From the beginning of the span on.
    pub writes: Vec<(Timestamp, SettingWrite)>,
    /// What rules remembered before the span began and have not set anew since.
    pub remembered: Vec<Remembered>,
    /// Devices that runs from before the span keep beyond its beginning, as far as nobody has taken them since.
    pub leases: Vec<(DeviceId, Kept)>,
    /// Rules that were paused before the span began and are so still, each with the reason.
    pub paused: Vec<(Timestamp, RuleId, String)>,
    /// When each rule was last seen to be paused before the span began, each with the reason.
    pub seen_paused: Vec<(Timestamp, RuleId, String)>,
}

/// A value of `state.NAME`.
#[derive(Clone, Debug)]
pub struct Remembered {
    pub rule: RuleId,
    pub name: String,
    pub value: Value,
    pub at: Timestamp,
}

/// A run of that time.
#[derive(Clone, Debug)]
pub struct PastRun {
    pub id: RunId,
    pub rule: RuleId,
    /// The run of which it is a branch.
    pub parent: Option<RunId>,
    /// The value it is the run of (`per:`).
    pub key: Option<String>,
    /// The trigger that fired: its id, or its place.
    pub trigger: Option<String>,
    pub started_at: Timestamp,
    /// None when it is not over.
    pub end: Option<(Timestamp, RunEnd)>,
}

/// An order of that time.
#[derive(Clone, Debug)]
pub struct PastCommand {
    pub command: Command,
    pub created_at: Timestamp,
    /// When its first push left; none when none did.
    pub left_at: Option<Timestamp>,
    /// When Amps first took it, as far as it did.
    pub accepted_at: Option<Timestamp>,
    /// Rules did not want it any more when Amps had taken it.
    pub is_unwanted: bool,
    /// What Amps made of its pushes.
    pub actions: Vec<ActionId>,
    /// None when it is not over.
    pub end: Option<(Timestamp, Outcome)>,
}
