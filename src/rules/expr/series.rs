//! Values of an input for moments past and to come, as prices of the day: which is low, and when it is cheapest.
//!
//! A value holds until the next one begins, or until it says; the last that does not say holds as long as
//! the one before it.
//! "Today" is the day of the home's calendar, so that the cheapest hours of a day stay the same all day.

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

use super::eval::Facts;
use super::functions::Function;
use super::value::Value;
use crate::domain::value::Point;

/// More than this is not looked at: ten days in quarters of an hour.
pub const POINTS_MAX: usize = 1000;

/// How long the value of a series holds that has but one.
const LONELY: SignedDuration = SignedDuration::from_hours(1);

/// A value, from when until when.
#[derive(Clone, Copy)]
struct Stretch {
    start: Timestamp,
    end: Timestamp,
    /// What the series itself says of it.
    said_end: Option<Timestamp>,
    value: f64,
}

/// What a function says of the series of `input`.
pub(super) fn ask(
    function: Function,
    facts: &dyn Facts,
    input: &str,
    arguments: &[Value],
) -> Value {
    let stretches = stretches(facts.series(input));
    let (now, zone) = (facts.now(), facts.zone());
    let answer = match (function, arguments) {
        (Function::Lowest, [Value::Number(n)]) => lowest(today(&stretches, now, zone), *n),
        (Function::Rank, []) => rank(&stretches, now, zone),
        (Function::Percentile, [Value::Number(p)]) => percentile(today(&stretches, now, zone), *p),
        (Function::Cheapest, [Value::Duration(duration), before]) => {
            return deadline(before, now, zone)
                .and_then(|before| cheapest(&stretches, *duration, now, before))
                .map_or(Value::Unknown, Value::Moment);
        }
        _ => None,
    };
    answer.map_or(Value::Unknown, Value::number)
}

/// Those that follow each other in time; the rest is left out.
fn stretches(points: &[Point]) -> Vec<Stretch> {
    let mut stretches: Vec<Stretch> = Vec::new();
    let mut length = LONELY;
    for point in points.iter().take(POINTS_MAX) {
        if !point.value.is_finite() {
            continue;
        }
        if let Some(last) = stretches.last_mut() {
            if point.start <= last.start {
                continue;
            }
            last.end = last.said_end.unwrap_or(point.start).min(point.start);
            length = point.start.duration_since(last.start);
        }
        let said_end = point.end.map(|it| it.max(point.start));
        let end = point.start.saturating_add(length);
        stretches.push(Stretch {
            start: point.start,
            end: said_end.unwrap_or(end.unwrap_or(point.start)),
            said_end,
            value: point.value,
        });
    }
    stretches
}

/// The values that begin today, lowest first.
fn today(stretches: &[Stretch], now: Timestamp, zone: &TimeZone) -> Vec<f64> {
    let date = |moment: Timestamp| moment.to_zoned(zone.clone()).date();
    let today = date(now);
    let of_today = stretches.iter().filter(|it| date(it.start) == today);
    let mut values: Vec<f64> = of_today.map(|it| it.value).collect();
    values.sort_by(f64::total_cmp);
    values
}

/// The value at the place `rank`, from 1, among sorted ones; the last when there are fewer.
fn at_rank(sorted: &[f64], rank: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rank is at least 1, and a cast beyond the end saturates"
    )]
    let position = (rank >= 1.0).then(|| rank as usize - 1)?;
    sorted.get(position.min(last)).copied()
}

fn lowest(sorted: Vec<f64>, n: f64) -> Option<f64> {
    at_rank(&sorted, n.round())
}

fn rank(stretches: &[Stretch], now: Timestamp, zone: &TimeZone) -> Option<f64> {
    let present = stretches
        .iter()
        .find(|it| it.start <= now && now < it.end)?;
    let sorted = today(stretches, now, zone);
    let lower = sorted.partition_point(|it| *it < present.value);
    Some(f64::from(u32::try_from(lower).ok()?) + 1.0)
}

fn percentile(sorted: Vec<f64>, p: f64) -> Option<f64> {
    if !(0.0..=100.0).contains(&p) {
        return None;
    }
    let count = f64::from(u32::try_from(sorted.len()).ok()?);
    at_rank(&sorted, (p / 100.0 * count).ceil().max(1.0))
}

/// The moment itself, or the next time that the clock shows it.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "every other value is one that the checker does not let through"
)]
fn deadline(before: &Value, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    match before {
        Value::Moment(moment) => Some(*moment),
        Value::Time(time) => next(*time, now, zone),
        _ => None,
    }
}

fn next(time: Time, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let today = now.to_zoned(zone.clone()).date();
    [Some(today), today.checked_add(1.day()).ok()]
        .into_iter()
        .flatten()
        .filter_map(|date| date.to_datetime(time).to_zoned(zone.clone()).ok())
        .map(|it| it.timestamp())
        .find(|it| now < *it)
}

/// When to begin, between `now` and `before`, what takes `duration`. The first of several that cost the same.
fn cheapest(
    stretches: &[Stretch],
    duration: SignedDuration,
    now: Timestamp,
    before: Timestamp,
) -> Option<Timestamp> {
    let (first, last) = (stretches.first()?, stretches.last()?);
    let earliest = now.max(first.start);
    let latest = before.min(last.end).checked_sub(duration).ok()?;
    if !duration.is_positive() || first.start > now || latest < earliest {
        return None;
    }
    // The cost changes its slope only where the begin or the end meets a new value.
    let begins = stretches.iter().map(|it| it.start);
    let ends = stretches.iter().map(|it| it.end);
    let aligned = ends.filter_map(|it| it.checked_sub(duration).ok());
    let mut candidates: Vec<Timestamp> = begins
        .chain(aligned)
        .chain([earliest, latest])
        .filter(|it| (earliest..=latest).contains(it))
        .collect();
    candidates.sort_unstable();
    let sums = sums(stretches, |it| it.value);
    let known = self::sums(stretches, |_| 1.0);
    let mut best: Option<(f64, Timestamp)> = None;
    for start in candidates {
        let end = start.checked_add(duration).ok()?;
        let between = |sums: &[f64], of: fn(&Stretch) -> f64| {
            sum_until(stretches, (sums, of), end) - sum_until(stretches, (sums, of), start)
        };
        // Nobody knows what it costs where the series has a hole.
        if between(&known, |_| 1.0) < duration.as_secs_f64() - 1e-6 {
            continue;
        }
        let cost = between(&sums, |it| it.value);
        // What differs by less than this differs by calculation only.
        let is_less = best.is_none_or(|(least, _)| cost < least - 1e-9 * least.abs().max(1.0));
        if is_less {
            best = Some((cost, start));
        }
    }
    best.map(|(_, start)| start)
}

/// What is asked `of` each stretch times its seconds, from the first begin to the begin of each.
fn sums(stretches: &[Stretch], of: fn(&Stretch) -> f64) -> Vec<f64> {
    let mut sum = 0.0;
    let mut sums = Vec::with_capacity(stretches.len());
    for stretch in stretches {
        sums.push(sum);
        let length = stretch.end.duration_since(stretch.start);
        sum += of(stretch) * length.as_secs_f64();
    }
    sums
}

/// The same from the first begin to `moment`, which is inside.
fn sum_until(
    stretches: &[Stretch],
    (sums, of): (&[f64], fn(&Stretch) -> f64),
    moment: Timestamp,
) -> f64 {
    let position = stretches.partition_point(|it| it.start <= moment);
    let Some(position) = position.checked_sub(1) else {
        return 0.0;
    };
    let (Some(stretch), Some(sum)) = (stretches.get(position), sums.get(position)) else {
        return 0.0;
    };
    let length = moment.min(stretch.end).duration_since(stretch.start);
    sum + of(stretch) * length.as_secs_f64()
}
