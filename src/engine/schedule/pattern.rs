//! Crontab patterns on a calendar without zones.

use jiff::civil::{Date, DateTime, Time};

use crate::rules::trigger::Pattern;

/// A 29 February on a given weekday comes again after 28 years, and after 40 around a year like 2100
/// that has none. No date that exists is rarer.
const YEARS_MAX: i16 = 40;

/// The first moment of the pattern that is not before `from`, which is a whole second.
pub(super) fn first(pattern: &Pattern, from: DateTime) -> Option<DateTime> {
    let today = from.date();
    if fits(pattern, today)
        && let Some(time) = first_time(pattern, from.time())
    {
        return Some(today.to_datetime(time));
    }
    let time = first_time(pattern, Time::midnight())?;
    let last_year = from.year().saturating_add(YEARS_MAX);
    let mut date = today.tomorrow().ok()?;
    while date.year() <= last_year {
        if fits(pattern, date) {
            return Some(date.to_datetime(time));
        }
        date = if has(&pattern.months, date.month()) {
            date.tomorrow().ok()?
        } else {
            date.last_of_month().tomorrow().ok()?
        };
    }
    None
}

fn fits(pattern: &Pattern, date: Date) -> bool {
    let is_day = has(&pattern.days, date.day());
    let is_weekday = pattern.weekdays.contains(&date.weekday());
    let is_right_day = if pattern.is_either_day {
        is_day || is_weekday
    } else {
        is_day && is_weekday
    };
    is_right_day && has(&pattern.months, date.month())
}

/// The first time of the pattern that is not before `from`, on the same day.
fn first_time(pattern: &Pattern, from: Time) -> Option<Time> {
    let second = not_before(&pattern.seconds, from.second());
    let minute = |least: i8| not_before(&pattern.minutes, least);
    let hour = |least: i8| not_before(&pattern.hours, least);
    let (first_second, first_minute) = (not_before(&pattern.seconds, 0)?, minute(0)?);
    let (hour, minute, second) = if has(&pattern.hours, from.hour()) {
        let this_minute = has(&pattern.minutes, from.minute());
        match (second.filter(|_| this_minute), minute(from.minute() + 1)) {
            (Some(second), _) => (from.hour(), from.minute(), second),
            (None, Some(minute)) => (from.hour(), minute, first_second),
            (None, None) => (hour(from.hour() + 1)?, first_minute, first_second),
        }
    } else {
        (hour(from.hour())?, first_minute, first_second)
    };
    Time::new(hour, minute, second, 0).ok()
}

/// The first of `numbers`, which are in order, from `least` on.
fn not_before(numbers: &[u8], least: i8) -> Option<i8> {
    let mut numbers = numbers.iter().filter_map(|it| i8::try_from(*it).ok());
    numbers.find(|it| least <= *it)
}

fn has(numbers: &[u8], number: i8) -> bool {
    numbers.iter().any(|it| i8::try_from(*it) == Ok(number))
}
