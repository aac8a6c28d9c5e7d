//! `start` and `end` of a push as Amps reads them (`amps-api.md` §3.3, §12.11). Pure.
//!
//! A start is a duration wherever it can be: every generation takes that, and it knows no zone. Further ahead, and
//! for an end, the generations want each what the other refuses: the newest the clock of the plant, which is taken
//! to be that of the home (where that clock shows the same twice, a duration again), the one before it a zone.

use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::domain::command::Timing;

/// A start nearer than this is a duration.
const NEAR: SignedDuration = SignedDuration::from_hours(24);

/// The nearest start: Amps wants one that is ahead when it comes to look.
const START_MIN: SignedDuration = SignedDuration::from_secs(15);

/// A duration has two decimals of a minute.
const HUNDREDTH: Duration = Duration::from_millis(600);

/// How a moment is written.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Form<'a> {
    /// With its zone, which must be there.
    Zoned,
    /// What the clocks of a plant in this zone show, without a zone.
    PlantLocal(&'a TimeZone),
}

/// How a push says when it begins and ends; nothing for one that begins at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WireTiming {
    pub(crate) start: Option<String>,
    pub(crate) end: Option<String>,
}

impl WireTiming {
    /// What Amps is told at `now`. An order whose start has passed begins at once, or, since an end needs a start,
    /// as soon as can be.
    pub(crate) fn of(timing: &Timing, form: Form<'_>, now: Timestamp) -> Self {
        let soonest = now.checked_add(START_MIN).unwrap_or(Timestamp::MAX);
        let start = match (timing.start, timing.end) {
            (Some(start), None) if start <= now => return Self::default(),
            (Some(start), _) => start.max(soonest),
            (None, Some(_)) => soonest,
            (None, None) => return Self::default(),
        };
        let ahead = start.duration_since(now);
        let near = (ahead < NEAR).then(|| relative(ahead));
        Self {
            start: near
                .or_else(|| form.write(start))
                .or_else(|| Some(relative(ahead))),
            // From the start: so the documents are read where they are silent.
            end: timing.end.map(|end| {
                form.write(end)
                    .unwrap_or_else(|| relative(end.duration_since(start)))
            }),
        }
    }
}

impl Form<'_> {
    /// To the second; none when it could mean two moments.
    fn write(self, moment: Timestamp) -> Option<String> {
        match self {
            Self::Zoned => Some(moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
            Self::PlantLocal(zone) => wall_clock(moment, zone),
        }
    }
}

/// `30m`, `1.25m`: rounded up.
fn relative(ahead: SignedDuration) -> String {
    let ahead = Duration::try_from(ahead).unwrap_or_default();
    let hundredths = ahead.as_millis().div_ceil(HUNDREDTH.as_millis());
    let (whole, fraction) = (hundredths / 100, hundredths % 100);
    if fraction == 0 {
        return format!("{whole}m");
    }
    format!("{whole}.{fraction:02}m")
}

/// What the clocks show then; none when they show it for the second time.
fn wall_clock(moment: Timestamp, zone: &TimeZone) -> Option<String> {
    // A second is as fine as it can be written.
    let shown = moment.to_zoned(zone.clone()).datetime();
    let shown = shown.with().subsec_nanosecond(0).build().ok()?;
    let read = zone.to_timestamp(shown).ok()?;
    let is_same = moment.duration_since(read).abs() < SignedDuration::from_secs(1);
    is_same.then(|| shown.strftime("%Y-%m-%dT%H:%M:%S").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(start: Option<&str>, end: Option<&str>, now: &str) -> [Option<String>; 2] {
        let zone = TimeZone::get("Europe/London").unwrap();
        told_as(Form::PlantLocal(&zone), start, end, now)
    }

    fn told_as(
        form: Form<'_>,
        start: Option<&str>,
        end: Option<&str>,
        now: &str,
    ) -> [Option<String>; 2] {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let timing = Timing {
            start: start.map(at),
            end: end.map(at),
            ..Timing::default()
        };
        let WireTiming { start, end } = WireTiming::of(&timing, form, at(now));
        [start, end]
    }

    #[test]
    fn a_near_start_is_a_duration_and_a_far_one_the_clock_of_the_home() {
        let now = "2026-06-10T20:00:00Z";
        for (start, expected) in [
            ("2026-06-10T20:30:00Z", "30m"),
            ("2026-06-10T20:01:15Z", "1.25m"),
            ("2026-06-10T20:00:01Z", "0.25m"),
            ("2026-06-11T19:59:00Z", "1439m"),
            ("2026-06-12T19:59:00Z", "2026-06-12T20:59:00"),
            ("2026-12-12T19:59:00Z", "2026-12-12T19:59:00"),
        ] {
            let expected = [Some(expected.to_owned()), None];
            assert_eq!(told(Some(start), None, now), expected, "{start}");
        }
        assert_eq!(told(Some(now), None, now), [None, None]);
        assert_eq!(told(None, None, now), [None, None]);
    }

    #[test]
    fn where_a_zone_must_be_there_no_hour_comes_twice() {
        let now = "2026-10-23T20:00:00Z";
        let text = |it: &str| Some(it.to_owned());
        let (first, second) = ("2026-10-25T00:30:00.9Z", "2026-10-25T01:30:00Z");
        assert_eq!(
            told_as(Form::Zoned, Some(first), Some(second), now),
            [text("2026-10-25T00:30:00Z"), text(second)]
        );
        let near = "2026-10-23T20:30:00Z";
        assert_eq!(
            told_as(Form::Zoned, Some(near), None, now),
            [text("30m"), None]
        );
    }

    #[test]
    fn an_end_has_a_start_and_an_hour_that_comes_twice_is_told_apart() {
        let now = "2026-10-24T20:00:00Z";
        let told = |start, end| told(start, Some(end), now);
        let text = |it: &str| Some(it.to_owned());
        let first = "2026-10-25T00:30:00Z";
        let second = "2026-10-25T01:30:00Z";
        assert_eq!(
            told(None, first),
            [text("0.25m"), text("2026-10-25T01:30:00")]
        );
        assert_eq!(told(Some(first), second), [text("270m"), text("60m")]);
    }
}
