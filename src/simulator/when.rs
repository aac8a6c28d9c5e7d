//! `start` and `end` of an action: plant-local wall clock or relative (`amps-api.md` §3.3).

use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::clock::later;
use crate::simulator::envelope::{ApiError, iso};

/// How far ahead an action may start (`amps-api.md` §8, `START_OUT_OF_RANGE`).
const HORIZON: Duration = Duration::from_hours(30 * 24);

/// How a moment is written.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Grammar<'a> {
    /// Generation B: with a time zone, which must be there.
    Zoned,
    /// Generation C: the wall clock of the plant, which is in this zone.
    PlantLocal(&'a TimeZone),
}

/// When an action is to run. An end needs a start.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Window {
    pub(crate) start: Timestamp,
    pub(crate) end: Option<Timestamp>,
}

/// The window that `start` and `end` name at `now`; none without either.
pub(crate) fn window(
    start: Option<&str>,
    end: Option<&str>,
    grammar: Grammar<'_>,
    now: Timestamp,
) -> Result<Option<Window>, ApiError> {
    let Some(start) = start else {
        return match end {
            None => Ok(None),
            Some(_) => Err(invalid("end_without_start", "`end` requires `start`")),
        };
    };
    let start = moment(start, grammar, now)?;
    if start <= now {
        return Err(
            ApiError::new(422, "START_IN_PAST", "`start` must be in the future")
                .with(json!({"parameter": "start", "value": iso(start)})),
        );
    }
    if start > later(now, HORIZON) {
        return Err(ApiError::new(
            422,
            "START_OUT_OF_RANGE",
            "`start` is more than 30 days ahead",
        )
        .with(json!({"parameter": "start", "value": iso(start)})));
    }
    let end = end.map(|end| end_after(end, start, grammar)).transpose()?;
    Ok(Some(Window { start, end }))
}

/// The end that `text` names for a window from `start`. A relative one counts from there: our assumption.
pub(crate) fn end_after(
    text: &str,
    start: Timestamp,
    grammar: Grammar<'_>,
) -> Result<Timestamp, ApiError> {
    let end = moment(text, grammar, start)?;
    if end <= start {
        return Err(invalid(
            "end_not_after_start",
            "`end` must be after `start`",
        ));
    }
    Ok(end)
}

fn moment(text: &str, grammar: Grammar<'_>, base: Timestamp) -> Result<Timestamp, ApiError> {
    if let Some(ahead) = relative(text) {
        return Ok(later(base, ahead));
    }
    match grammar {
        Grammar::Zoned => text.parse().map_err(|_| {
            invalid(
                "invalid_format",
                "expected ISO 8601 with a time zone, or a duration such as `30m` or `1.5h`",
            )
        }),
        Grammar::PlantLocal(zone) => wall_clock(text)
            // A gap or a fold of the clock is undocumented; as in RFC 5545, our assumption.
            .and_then(|local| zone.to_timestamp(local).ok())
            .ok_or_else(|| {
                invalid(
                    "invalid_format",
                    "expected `YYYY-MM-DDTHH:MM:SS` in the plant's time zone, without `Z` or \
                     offset, or a duration such as `30m` or `1.5h`",
                )
            }),
    }
}

/// `30m`, `1.5h`: a number with at most two decimals and a unit.
fn relative(text: &str) -> Option<Duration> {
    let (number, seconds) = if let Some(number) = text.strip_suffix('m') {
        (number, 60)
    } else {
        (text.strip_suffix('h')?, 3600)
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|it| it.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || whole.len() > 6 || fraction.len() > 2 {
        return None;
    }
    let hundredths = format!("{fraction:0<2}").parse::<u64>().ok()?;
    let milliseconds = (whole.parse::<u64>().ok()? * 100 + hundredths) * seconds * 10;
    Some(Duration::from_millis(milliseconds))
}

fn wall_clock(text: &str) -> Option<DateTime> {
    const SHAPE: &[u8] = b"dddd-dd-ddTdd:dd:dd";
    let fits = text.len() == SHAPE.len()
        && text
            .bytes()
            .zip(SHAPE)
            .all(|(byte, expected)| match expected {
                b'd' => byte.is_ascii_digit(),
                _ => byte == *expected,
            });
    text.parse().ok().filter(|_| fits)
}

/// The values of `reason` are cut in the documents; ours say what is wrong.
fn invalid(reason: &str, message: &str) -> ApiError {
    ApiError::new(422, "INVALID_TIME_WINDOW", message).with(json!({"reason": reason}))
}

/// When something planned for `moment` happens in a world that runs `speed` times too fast.
pub(crate) fn hastened(moment: Timestamp, now: Timestamp, speed: f64) -> Timestamp {
    let left = Duration::try_from(moment.duration_since(now)).unwrap_or_default();
    later(now, shortened(left, speed))
}

/// How long `duration` takes on the wall clock in a world that runs `speed` times too fast.
pub(crate) fn shortened(duration: Duration, speed: f64) -> Duration {
    Duration::try_from_secs_f64(duration.as_secs_f64() / speed).unwrap_or(Duration::MAX)
}

/// The time that passed from `then` to `now`, in seconds; nothing if the clock went back.
pub(crate) fn seconds_between(then: Timestamp, now: Timestamp) -> f64 {
    now.duration_since(then)
        .max(SignedDuration::ZERO)
        .as_secs_f64()
}

/// A moment of an action as the API shows it.
pub(crate) fn shown(moment: Option<Timestamp>) -> Value {
    moment.map_or(Value::Null, |it| json!(iso(it)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn london() -> TimeZone {
        TimeZone::get("Europe/London").unwrap()
    }

    #[test]
    fn a_wall_clock_is_the_plants_own_in_summer_and_in_winter() {
        let now = at("2026-06-20T12:00:00Z");
        let summer = window(
            Some("2026-07-01T22:00:00"),
            None,
            Grammar::PlantLocal(&london()),
            now,
        )
        .unwrap();
        assert_eq!(summer.unwrap().start, at("2026-07-01T21:00:00Z"));
        let now = at("2026-10-30T12:00:00Z");
        let winter = window(
            Some("2026-11-01T22:00:00"),
            None,
            Grammar::PlantLocal(&london()),
            now,
        )
        .unwrap();
        assert_eq!(winter.unwrap().start, at("2026-11-01T22:00:00Z"));
    }

    #[test]
    fn a_wall_clock_that_a_plant_skips_is_the_hour_after() {
        let now = at("2026-03-28T12:00:00Z");
        let skipped = window(
            Some("2026-03-29T01:30:00"),
            None,
            Grammar::PlantLocal(&london()),
            now,
        )
        .unwrap();
        assert_eq!(skipped.unwrap().start, at("2026-03-29T01:30:00Z"));
    }

    #[test]
    fn relative_times_have_two_decimals_at_most() {
        for (text, seconds) in [("30m", 1800), ("1.5h", 5400), ("0.25h", 900), ("2h", 7200)] {
            assert_eq!(relative(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        for text in [
            "", "m", "1.h", ".5h", "1.555h", "-1h", "90", "90s", "1e3m", "30 m",
        ] {
            assert_eq!(relative(text), None, "{text}");
        }
    }

    #[test]
    fn thirty_days_ahead_pass_and_a_second_more_does_not() {
        let now = at("2026-06-01T00:00:00Z");
        let zone = TimeZone::UTC;
        let last = window(
            Some("2026-07-01T00:00:00"),
            None,
            Grammar::PlantLocal(&zone),
            now,
        )
        .unwrap();
        assert_eq!(last.unwrap().start, at("2026-07-01T00:00:00Z"));
        let past = window(
            Some("2026-07-01T00:00:01"),
            None,
            Grammar::PlantLocal(&zone),
            now,
        )
        .unwrap_err();
        assert_eq!(past.code, "START_OUT_OF_RANGE");
    }

    #[test]
    fn a_day_in_a_fast_world_is_short() {
        let now = at("2026-06-01T00:00:00Z");
        let day = at("2026-06-02T00:00:00Z");
        assert_eq!(hastened(day, now, 86_400.0), at("2026-06-01T00:00:01Z"));
    }
}
