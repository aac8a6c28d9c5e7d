//! From what the clocks show to moments, across the changes of the clocks.
//!
//! The calendars in [`time`](super::time) and [`pattern`](super::pattern) know neither zones nor
//! gaps. They are handed in as a function: the first wall time that is not before a given one.

use jiff::civil::{DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp};

/// How many changes of the clocks are looked at for one tick: 40 years of the zones that change
/// four times a year.
const CHANGES_MAX: usize = 160;

const SECOND: SignedDuration = SignedDuration::from_secs(1);

/// The first moment after `after` at which the clocks arrive at a wall time of `first`, or jump over
/// it. What they arrive at again, when they have been put back, does not count.
pub(in crate::engine) fn pass(
    zone: &TimeZone,
    after: Timestamp,
    first: impl Fn(DateTime) -> Option<DateTime>,
) -> Option<Timestamp> {
    let mut from = next_second_shown(zone.to_datetime(after))?;
    for _ in 0..CHANGES_MAX {
        let wall = first(from)?;
        let arrival = arrival(zone, wall)?;
        if after < arrival.at {
            return Some(arrival.at);
        }
        // The clocks have been put back, and show for the second time what has fired at the first.
        from = match arrival.shown_twice_until {
            Some(until) => until,
            None => wall.checked_add(SECOND).ok()?,
        };
    }
    None
}

/// The first moment after `after` at which the clocks show a wall time of `first`, whether or not they
/// have shown it before.
pub(in crate::engine) fn show(
    zone: &TimeZone,
    after: Timestamp,
    first: impl Fn(DateTime) -> Option<DateTime>,
) -> Option<Timestamp> {
    let mut from = next_second(after)?;
    for _ in 0..CHANGES_MAX {
        let offset = zone.to_offset(from);
        let at = offset.to_timestamp(first(offset.to_datetime(from))?).ok()?;
        let mut changes = zone.following(from).map(|it| it.timestamp());
        match changes.next() {
            Some(change) if change <= at => from = change,
            Some(_) | None => return Some(at),
        }
    }
    None
}

struct Arrival {
    at: Timestamp,
    /// For a wall time that the clocks show twice: the first one after it that they show once.
    shown_twice_until: Option<DateTime>,
}

/// When the clocks first show `wall`, or something later because they jump over it.
fn arrival(zone: &TimeZone, wall: DateTime) -> Option<Arrival> {
    match zone.to_ambiguous_timestamp(wall).offset() {
        AmbiguousOffset::Unambiguous { offset } => Some(Arrival {
            at: offset.to_timestamp(wall).ok()?,
            shown_twice_until: None,
        }),
        AmbiguousOffset::Gap { after, .. } => {
            // With the later offset, a wall time inside the gap lies before the change.
            let before = after.to_timestamp(wall).ok()?;
            let mut changes = zone.following(before).take(CHANGES_MAX);
            let change = changes.find(|it| it.offset() == after)?;
            Some(Arrival {
                at: change.timestamp(),
                shown_twice_until: None,
            })
        }
        AmbiguousOffset::Fold { before, after } => {
            let at = before.to_timestamp(wall).ok()?;
            let mut changes = zone.following(at).take(CHANGES_MAX);
            let change = changes.find(|it| it.offset() == after)?;
            Some(Arrival {
                at,
                shown_twice_until: Some(before.to_datetime(change.timestamp())),
            })
        }
    }
}

/// The first whole second after `wall`.
fn next_second_shown(wall: DateTime) -> Option<DateTime> {
    let time = wall.time();
    let whole = Time::new(time.hour(), time.minute(), time.second(), 0).ok()?;
    wall.date().to_datetime(whole).checked_add(SECOND).ok()
}

/// The first whole second after `moment`.
fn next_second(moment: Timestamp) -> Option<Timestamp> {
    let second = moment.as_second();
    // Before 1970, the seconds are cut off towards the later one.
    let is_later_one = moment.subsec_nanosecond() < 0;
    Timestamp::from_second(second + i64::from(!is_later_one)).ok()
}
