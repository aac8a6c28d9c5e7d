//! Closed lists of words, each with what it means to the rest of the program: readers look words up here,
//! and the reference and editors offer the same.

use jiff::civil::Weekday;

use crate::domain::event::ConnectionChange;
use crate::domain::http::Method;
use crate::rules::condition::CommandState;
use crate::rules::operation::{Goal, OnConflict};
use crate::rules::rule::{CommandSource, IfUnknown, Level, Mode, ResultKind};
use crate::rules::trigger::{CatchUp, SunEvent};

/// A mode, made with the most runs.
type MakeMode = fn(u32) -> Mode;

type StateWithin = fn(std::time::Duration) -> CommandState;

pub(in crate::rules) const MODES: &[(&str, MakeMode)] = &[
    ("single", |_| Mode::Single),
    ("restart", |_| Mode::Restart),
    ("queued", Mode::Queued),
    ("parallel", Mode::Parallel),
];

/// Whether one too many is passed over in silence.
pub(in crate::rules) const EXCEEDED: &[(&str, bool)] = &[("warning", false), ("silent", true)];

pub(crate) const LEVELS: &[(&str, Level)] = &[
    ("info", Level::Info),
    ("warning", Level::Warning),
    ("error", Level::Error),
];

pub(in crate::rules) const IF_UNKNOWN: &[(&str, IfUnknown)] = &[
    ("block", IfUnknown::Block),
    ("allow", IfUnknown::Allow),
    ("wait", IfUnknown::Wait),
];

/// What `verify` can make of an unknown value: it waits in any case.
pub(in crate::rules) const VERIFY_IF_UNKNOWN: &[(&str, IfUnknown)] =
    &[("block", IfUnknown::Block), ("allow", IfUnknown::Allow)];

pub(in crate::rules) const WEEKDAYS: &[(&str, Weekday)] = &[
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

/// None is any of them.
pub(in crate::rules) const RESULTS: &[(&str, Option<ResultKind>)] = &[
    ("completed", Some(ResultKind::Completed)),
    ("failed", Some(ResultKind::Failed)),
    ("cancelled", Some(ResultKind::Cancelled)),
    ("expired", Some(ResultKind::Expired)),
    ("any", None),
];

pub(in crate::rules) const SOURCES: &[(&str, CommandSource)] = &[
    ("any", CommandSource::Any),
    ("own", CommandSource::Own),
    ("foreign", CommandSource::Foreign),
];

/// None is any of them.
pub(in crate::rules) const CHANGES: &[(&str, Option<ConnectionChange>)] = &[
    ("connected", Some(ConnectionChange::Connected)),
    ("disconnected", Some(ConnectionChange::Disconnected)),
    ("reconnected", Some(ConnectionChange::Reconnected)),
    ("any", None),
];

/// Whether the first known value crosses a limit.
pub(in crate::rules) const FROM_UNKNOWN: &[(&str, bool)] = &[("ignore", false), ("fire", true)];

pub(in crate::rules) const CATCH_UP: &[(&str, CatchUp)] = &[
    ("latest", CatchUp::Latest),
    ("all", CatchUp::All),
    ("none", CatchUp::None),
];

pub(in crate::rules) const SUN_EVENTS: &[(&str, SunEvent)] = &[
    ("sunrise", SunEvent::Sunrise),
    ("sunset", SunEvent::Sunset),
    ("dawn", SunEvent::Dawn),
    ("dusk", SunEvent::Dusk),
];

/// Between which a condition knows the parts of a day.
pub(in crate::rules) const SUN_EDGES: &[(&str, SunEvent)] =
    &[("sunrise", SunEvent::Sunrise), ("sunset", SunEvent::Sunset)];

/// Whether the engine started; otherwise its rules were read again.
pub(in crate::rules) const ENGINE_EVENTS: &[(&str, Option<bool>)] =
    &[("started", Some(true)), ("reloaded", Some(false))];

pub(in crate::rules) const STATES: &[(&str, CommandState)] = &[
    ("idle", CommandState::Idle),
    ("pending", CommandState::Pending),
];

/// States of a command that have a duration.
pub(in crate::rules) const STATES_WITHIN: &[(&str, StateWithin)] = &[
    ("completed_within", CommandState::CompletedWithin),
    ("failed_within", CommandState::FailedWithin),
    ("sent_within", CommandState::SentWithin),
];

pub(in crate::rules) const ON_CONFLICT: &[(&str, OnConflict)] = &[
    ("wait", OnConflict::Wait),
    ("skip", OnConflict::Skip),
    ("replace", OnConflict::Replace),
    ("fail", OnConflict::Fail),
];

pub(in crate::rules) const GOALS: &[(&str, Goal)] = &[
    ("completed", Goal::Completed),
    ("accepted", Goal::Accepted),
    ("nothing", Goal::Nothing),
];

pub(crate) const METHODS: &[(&str, Method)] = &[
    ("GET", Method::Get),
    ("POST", Method::Post),
    ("PUT", Method::Put),
    ("PATCH", Method::Patch),
    ("DELETE", Method::Delete),
];
