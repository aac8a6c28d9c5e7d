//! What conditions ask, as sets of values.

use jiff::civil::{Time, Weekday};

use crate::domain::catalogue::AttributeKind;
use crate::domain::device::Device;
use crate::domain::unit::Unit;
use crate::domain::value::Value;
use crate::rules::expr::eval::constant;
use crate::rules::expr::program::Checked;
use crate::rules::expr::value;
use crate::rules::lint::region::{Interval, Region};
use crate::rules::rule::{NumericTest, StateTest};

const DAY_SECONDS: f64 = 86_400.0;

pub(super) fn bounds_of(test: &NumericTest) -> Interval {
    bounds(test.above, test.below, test.at_least, test.at_most)
}

pub(super) fn bounds(
    above: Option<f64>,
    below: Option<f64>,
    at_least: Option<f64>,
    at_most: Option<f64>,
) -> Interval {
    let bounds = [
        above.map(Interval::above),
        below.map(Interval::below),
        at_least.map(Interval::at_least),
        at_most.map(Interval::at_most),
    ];
    let bounds = bounds.into_iter().flatten();
    bounds.fold(Interval::ALL, Interval::and)
}

pub(super) fn values_of(test: &StateTest) -> Region<'_> {
    values(&test.is, &test.is_not)
}

pub(super) fn values<'r>(is: &'r [Value], is_not: &'r [Value]) -> Region<'r> {
    let unwanted = values_among(is_not).not();
    if is.is_empty() {
        return unwanted;
    }
    let wanted = values_among(is);
    if is_not.is_empty() {
        return wanted;
    }
    wanted.and(&unwanted)
}

fn values_among(values: &[Value]) -> Region<'_> {
    let numbers = values.iter().filter_map(|it| match it {
        Value::Number(number) => Some(Interval::point(*number)),
        Value::Bool(_) | Value::Text(_) => None,
    });
    let numbers: Vec<_> = numbers.collect();
    if !numbers.is_empty() {
        return Region::numbers(numbers);
    }
    Region::only(values.iter().filter_map(|it| match it {
        Value::Text(text) => Some(text.as_str()),
        Value::Bool(value) => Some(if *value { "true" } else { "false" }),
        Value::Number(_) => None,
    }))
}

/// What an attribute can be at all: a share is from 0 % to 100 %. None when anything.
pub(super) fn natural(device: &Device, attribute: &str) -> Option<Region<'static>> {
    match device.device_type.attribute(attribute)?.kind {
        AttributeKind::Number(Some(Unit::Percent)) => {
            let share = Interval::at_least(0.0).and(Interval::at_most(100.0));
            Some(Region::number(share))
        }
        AttributeKind::Bool => Some(Region::only(["false", "true"])),
        // The documents do not close the list of words.
        AttributeKind::Number(_) | AttributeKind::Text(_) => None,
    }
}

/// The seconds of the day that a window covers; it may wrap midnight.
pub(super) fn window(after: Option<Time>, before: Option<Time>) -> Region<'static> {
    let seconds = |time: Time| {
        f64::from(time.hour()) * 3600.0 + f64::from(time.minute()) * 60.0 + f64::from(time.second())
    };
    let from = after.map_or(Interval::ALL, |it| Interval::at_least(seconds(it)));
    let to = before.map_or(Interval::ALL, |it| Interval::below(seconds(it)));
    match (after, before) {
        (Some(after), Some(before)) if before <= after => Region::numbers([from, to]),
        (Some(_) | None, Some(_) | None) => Region::number(from.and(to)),
    }
}

/// All seconds of the day.
pub(super) fn day() -> Region<'static> {
    Region::number(Interval::at_least(0.0).and(Interval::below(DAY_SECONDS)))
}

pub(super) fn days(days: &[Weekday]) -> Region<'static> {
    Region::only(days.iter().map(|it| weekday_name(*it)))
}

pub(super) fn every_day() -> Region<'static> {
    days(&[
        Weekday::Monday,
        Weekday::Tuesday,
        Weekday::Wednesday,
        Weekday::Thursday,
        Weekday::Friday,
        Weekday::Saturday,
        Weekday::Sunday,
    ])
}

fn weekday_name(day: Weekday) -> &'static str {
    match day {
        Weekday::Monday => "mon",
        Weekday::Tuesday => "tue",
        Weekday::Wednesday => "wed",
        Weekday::Thursday => "thu",
        Weekday::Friday => "fri",
        Weekday::Saturday => "sat",
        Weekday::Sunday => "sun",
    }
}

/// The answer of an expression that looks at nothing.
pub(super) fn fixed_answer(checked: &Checked) -> Option<&'static str> {
    let answer = constant(checked)?;
    Some(if answer == value::Value::Bool(true) {
        "true"
    } else if answer == value::Value::Bool(false) {
        "false"
    } else {
        "unknown"
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_that_ends_before_it_begins_goes_over_midnight() {
        let at = |hour| Some(Time::constant(hour, 0, 0, 0));
        let night = window(at(22), at(6)).and(&day());
        let seconds = |from: f64, to: f64| {
            Interval::at_least(from * 3600.0).and(Interval::below(to * 3600.0))
        };
        assert_eq!(
            night,
            Region::Numbers(vec![seconds(0.0, 6.0), seconds(22.0, 24.0)])
        );
        let most = window(at(5), at(23)).and(&night);
        assert_eq!(
            most,
            Region::Numbers(vec![seconds(5.0, 6.0), seconds(22.0, 23.0)])
        );
        assert!(
            window(at(6), at(22)).and(&night).is_empty(),
            "a window ends before its end"
        );
    }
}
