//! Past events against other rules: what rules did then beside what edited rules would have done.
//!
//! What is on record is shown to the pure engine in virtual time; nothing is sent, nothing is written. Devices and
//! hosts have answered then what they have answered: an order that was given then too gets the end that is on
//! record. One that is new gets an assumed end, and all that stands or falls with that is marked.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::clock::earlier;
use crate::domain::event::{EngineChange, Payload};
use crate::domain::id::{DeviceId, InputName, RuleId, RunId};
use crate::replay::compare::{Row, Side};
use crate::replay::past::Past;
use crate::replay::planned::Fate;
use crate::replay::world::{Outcome, World};
use crate::rules::rule::RuleSet;

mod answers;
pub mod compare;
pub mod deed;
mod done;
mod opening;
mod orders;
pub mod past;
mod planned;
mod reactions;
mod twins;
mod world;

/// The most events of one replay: weeks of a busy home.
pub const EVENTS_MAX: usize = 100_000;

/// The most that is shown to the rules, readings that bring nothing new and alarms included.
pub const SHOWN_MAX: usize = 3_000_000;

/// What is done at moments further apart than this is not the same.
pub const NEAR: Duration = Duration::from_secs(30);

/// An order that nobody gave then is taken to have been completed after this long, one that is planned for later so
/// long after its start; and a setting that nobody wrote then, to be shown by its device.
pub const ASSUMED_REACTION: Duration = Duration::from_secs(10);

/// A request that nobody made then is taken to have been answered (200, nothing said) after this long; and a planned
/// order that nobody called off then, to be cancelled.
pub const ASSUMED_ANSWER: Duration = Duration::from_secs(1);

/// For how long before the span the record is read, to know values, sides of thresholds and the like.
pub const WARM_UP: Duration = Duration::from_hours(24);

/// Of the silence before a start of the engine, so much is taken for time in which it was down. It is not on record
/// when it ended; what is due in a silence before a start would have left a row.
pub const DOWN: Duration = Duration::from_mins(15);

/// How often a device is read where nobody says so.
pub const POLL: Duration = Duration::from_mins(5);

/// The time that is played again; both ends belong to it.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    pub since: Timestamp,
    pub until: Timestamp,
}

impl Span {
    /// From when on the record is read.
    pub fn warm(&self) -> Timestamp {
        earlier(self.since, WARM_UP)
    }
}

/// How often devices and inputs are read: what they show stays confirmed although no row says so.
#[derive(Clone, Debug, Default)]
pub struct Pace {
    /// [`POLL`] for those that are not here.
    pub devices: BTreeMap<DeviceId, Duration>,
    /// Those that are not here are never read.
    pub inputs: BTreeMap<InputName, Duration>,
}

/// What was done then, beside what would be done now.
#[derive(Debug)]
pub struct Replay {
    /// In the order of time.
    pub rows: Vec<Row>,
    /// Runs that were under way when the span began; with all they did, they are on neither side.
    pub waiting: Vec<(RuleId, RunId)>,
    /// Events that followed from orders and requests which the rules do not make now.
    pub n_left_out: usize,
    /// Events of the span that were shown to the rules.
    pub n_events: usize,
    /// How often the engine was started in the span.
    pub n_starts: usize,
    /// How often rules were taken over in the span.
    pub n_reloads: usize,
    /// Where the replay stopped, since it came to more than [`SHOWN_MAX`].
    pub stopped_at: Option<Timestamp>,
}

impl Replay {
    pub fn is_same(&self) -> bool {
        self.rows.iter().all(|it| it.side() == Side::Both)
    }

    /// How many rows there are of this kind.
    pub fn count(&self, side: Side) -> usize {
        self.rows.iter().filter(|it| it.side() == side).count()
    }
}

/// Plays `span` of the `past` against `rules`.
pub fn replay(rules: &RuleSet, past: &Past, span: Span, pace: &Pace) -> Replay {
    bounded(rules, past, (span, pace), SHOWN_MAX)
}

/// The same with as much as `shown_max` shown to the rules.
pub(crate) fn bounded(
    rules: &RuleSet,
    past: &Past,
    (span, pace): (Span, &Pace),
    shown_max: usize,
) -> Replay {
    let play = |span, fate| World::play(rules, past, (span, pace, shown_max), fate);
    let Outcome {
        done,
        n_left_out,
        n_assumed,
        n_events,
        stopped_at,
    } = play(span, Fate::Completed);
    let span = Span {
        until: stopped_at.unwrap_or(span.until),
        ..span
    };
    let then = opening::deeds(past, span);
    let mut rows = compare::compare(&then, &done);
    if 0 < n_assumed {
        // What is other when the assumed ends are other depends on them, whatever way that took.
        let other = play(span, Fate::Failed);
        compare::mark(&mut rows, &compare::compare(&then, &other.done));
    }
    let n_changes = |change| {
        let of_span = past.events.iter().filter(|it| span.since <= it.received_at);
        of_span
            .filter(|it| it.payload == Payload::Engine(change))
            .count()
    };
    Replay {
        rows,
        waiting: opening::waiting(past, span),
        n_left_out,
        n_events,
        n_starts: n_changes(EngineChange::Started),
        n_reloads: n_changes(EngineChange::Reloaded),
        stopped_at,
    }
}
