//! A part of the day by the sun.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::config::home::Location;
use crate::engine::schedule::sun;
use crate::rules::condition::SunTest;
use crate::rules::trigger::SunEvent;

/// Whether `now` is in the part of the day that `test` asks for.
///
/// With both `after` and `before`, which of the two came last decides, so that the part may go over
/// midnight, and an offset too. With one of them, the day of the calendar ends it: `after: sunset` is
/// from today's sunset to midnight, `before: sunset` from midnight to today's sunset. The moment of
/// `after` belongs to the part, that of `before` does not.
///
/// None, which is unknown, when the home is nowhere, and when the sun has not had such an event for
/// two days and will not for two more, as in the summer of the far north.
pub fn holds(
    test: &SunTest,
    zone: &TimeZone,
    location: Option<Location>,
    now: Timestamp,
) -> Option<bool> {
    let location = location?;
    let near = |(event, offset)| Near::of(event, offset, location, now);
    match (test.after.map(near), test.before.map(near)) {
        (None, None) => Some(true),
        (Some(after), None) => after?.has_come_today(zone, now),
        (None, Some(before)) => before?.has_come_today(zone, now).map(|it| !it),
        (Some(after), Some(before)) => {
            let (after, before) = (after?.last(now), before?.last(now));
            (after.is_some() || before.is_some()).then(|| before <= after)
        }
    }
}

/// The moment of an event on the day of `now`, or else the last before it, or else the next after it.
pub fn moment(
    (event, offset): (SunEvent, SignedDuration),
    zone: &TimeZone,
    location: Option<Location>,
    now: Timestamp,
) -> Option<Timestamp> {
    let Near(moments) = Near::of(event, offset, location?, now)?;
    let today = zone.to_datetime(now).date();
    let is_today = |it: &Timestamp| zone.to_datetime(*it).date() == today;
    let of_today = moments.iter().copied().find(is_today);
    let last = moments.iter().copied().rfind(|it| *it <= now);
    of_today.or(last).or_else(|| moments.first().copied())
}

/// The moments of one event around `now`, in order; at least one.
struct Near(Vec<Timestamp>);

impl Near {
    fn of(
        event: SunEvent,
        offset: SignedDuration,
        location: Location,
        now: Timestamp,
    ) -> Option<Self> {
        let moments = sun::around(event, location, now.checked_sub(offset).ok()?);
        let moved = moments.into_iter().map(|it| it.checked_add(offset).ok());
        let moments: Vec<Timestamp> = moved.collect::<Option<_>>()?;
        (!moments.is_empty()).then_some(Self(moments))
    }

    fn last(&self, now: Timestamp) -> Option<Timestamp> {
        self.0.iter().copied().rfind(|it| *it <= now)
    }

    fn has_come_today(&self, zone: &TimeZone, now: Timestamp) -> Option<bool> {
        let midnight = now.to_zoned(zone.clone()).start_of_day().ok()?.timestamp();
        Some(self.0.iter().any(|it| (midnight..=now).contains(it)))
    }
}
