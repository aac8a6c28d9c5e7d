//! `--at`: a moment, or a time of day in the zone of the home.

use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

/// The moment that `text` means, the latest one that is not after `now`; or what is wrong with it.
pub(super) fn parse(text: &str, zone: &TimeZone, now: Timestamp) -> Result<Timestamp, String> {
    let at = moment(text, zone, now).ok_or_else(|| {
        format!(
            "`{text}` is no moment: write a time of day (`22:30`), a date with one \
             (`2026-01-10 22:30`) or a moment with its zone (`2026-01-10T22:30:00Z`)"
        )
    })?;
    if now < at {
        return Err(format!("`{text}` has not come yet"));
    }
    Ok(at)
}

fn moment(text: &str, zone: &TimeZone, now: Timestamp) -> Option<Timestamp> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    let in_zone = |it: DateTime| it.to_zoned(zone.clone()).ok().map(|it| it.timestamp());
    // A date alone would be its midnight, which nobody means.
    if text.contains(':')
        && let Ok(at) = text.parse::<DateTime>()
    {
        return in_zone(at);
    }
    let time: Time = text.parse().ok()?;
    let today = now.to_zoned(zone.clone()).date();
    let at = in_zone(today.to_datetime(time))?;
    if at <= now {
        return Some(at);
    }
    in_zone(
        today
            .checked_sub(Span::new().days(1))
            .ok()?
            .to_datetime(time),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_day_is_the_last_one_and_a_moment_is_itself() {
        let zone = TimeZone::get("Europe/London").unwrap();
        // A quarter past ten in the morning, in summer.
        let now: Timestamp = "2026-06-10T09:15:00Z".parse().unwrap();
        for (text, expected) in [
            ("10:10", "2026-06-10T09:10:00Z"),
            ("10:15", "2026-06-10T09:15:00Z"),
            ("22:30", "2026-06-09T21:30:00Z"),
            ("22:30:15", "2026-06-09T21:30:15Z"),
            ("2026-01-10 22:30", "2026-01-10T22:30:00Z"),
            ("2026-06-01T22:30:00", "2026-06-01T21:30:00Z"),
            ("2026-06-01T22:30:00+05:00", "2026-06-01T17:30:00Z"),
        ] {
            assert_eq!(
                parse(text, &zone, now),
                Ok(expected.parse().unwrap()),
                "{text}"
            );
        }
        assert_eq!(
            parse("2026-06-10T09:15:01Z", &zone, now).unwrap_err(),
            "`2026-06-10T09:15:01Z` has not come yet"
        );
        for text in ["", "soon", "25:00", "2026-06-10", "yesterday 22:00"] {
            let error = parse(text, &zone, now).unwrap_err();
            assert!(error.starts_with(&format!("`{text}` is no moment: ")));
        }
    }
}
