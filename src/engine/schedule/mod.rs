//! When clocks and the sun make a trigger fire: times of day, crontab patterns, sunrise and sunset.
//!
//! Pure: a moment goes in, the next one comes out. Nothing here knows what time it is, and nothing
//! remembers what has fired already; for that there is a [`Cursor`](cursor::Cursor).

pub mod catch_up;
pub mod cursor;
pub mod daylight;
mod pattern;
pub mod plausible;
mod sun;
mod time;
pub(super) mod wall_clock;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::config::home::Location;
use crate::rules::rule::{On, RuleSet};
use crate::rules::trigger::{Missed, Pattern, SunEvent, TimeTrigger};

static UTC: TimeZone = TimeZone::UTC;

/// The moments at which a trigger fires in a home: its *ticks*.
#[derive(Clone, Copy, Debug)]
pub struct Schedule<'a> {
    when: When<'a>,
    missed: Missed,
    zone: &'a TimeZone,
    location: Option<Location>,
}

#[derive(Clone, Copy, Debug)]
enum When<'a> {
    Time(&'a TimeTrigger),
    Pattern(&'a Pattern),
    Sun(SunEvent, SignedDuration),
}

impl<'a> Schedule<'a> {
    /// The schedule of a trigger; none for triggers that wait for something else than the time.
    pub fn of(on: &'a On, rules: &'a RuleSet) -> Option<Self> {
        let (when, missed) = match on {
            On::Time(it) => (When::Time(it), it.missed),
            On::Cron(it) => (When::Pattern(&it.pattern), it.missed),
            On::Sun(it) => (When::Sun(it.event, it.offset), it.missed),
            On::Command(_)
            | On::Device(_)
            | On::State(_)
            | On::NumericState(_)
            | On::Webhook(_)
            | On::Engine(_)
            | On::AllOf(_)
            | On::Sequence(_)
            | On::Absence(_)
            | On::Count(_) => return None,
        };
        Some(Self {
            when,
            missed,
            zone: zone(rules),
            location: rules.location,
        })
    }

    /// The first tick strictly after `after`.
    ///
    /// A time of day that the clocks skip fires at the first moment after the gap, together with
    /// whatever else falls there: one tick. One that they show twice fires once, at the first. A
    /// pattern with a rhythm fires whenever the clocks show what it says.
    ///
    /// None when nothing comes any more: no place on the earth is known for the sun, the sun has no
    /// such event for a year, the date is not in the calendar for 40 years, or the years end.
    pub fn next(&self, after: Timestamp) -> Option<Timestamp> {
        match self.when {
            When::Time(it) => wall_clock::pass(self.zone, after, |from| time::first(it, from)),
            When::Pattern(it) if it.is_rhythm => {
                wall_clock::show(self.zone, after, |from| pattern::first(it, from))
            }
            When::Pattern(it) => {
                wall_clock::pass(self.zone, after, |from| pattern::first(it, from))
            }
            When::Sun(event, offset) => {
                let after = after.checked_sub(offset).ok()?;
                let next = sun::next(event, self.location?, after)?;
                next.checked_add(offset).ok()
            }
        }
    }

    /// All ticks strictly after `after`, in order.
    pub fn ticks(self, after: Timestamp) -> impl Iterator<Item = Timestamp> {
        std::iter::successors(self.next(after), move |it| self.next(*it))
    }
}

/// The zone of all wall-clock times.
pub(super) fn zone(rules: &RuleSet) -> &TimeZone {
    rules.timezone.as_ref().unwrap_or(&UTC)
}
