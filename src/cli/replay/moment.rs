//! A moment as people type it: on the clock of the home, with an offset, or so long ago.

use jiff::civil::{DateTime, Time};
use jiff::{Span, Timestamp, Zoned};

/// The moment that `text` means at `now`; none when it means none.
pub(super) fn parse(text: &str, now: &Zoned) -> Option<Timestamp> {
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Some(moment);
    }
    let on_clock = |wall_clock: DateTime| {
        let zoned = now.time_zone().to_ambiguous_zoned(wall_clock);
        Some(zoned.compatible().ok()?.timestamp())
    };
    // Before times of day, which would be read out of them.
    if let Ok(wall_clock) = text.parse::<DateTime>() {
        return on_clock(wall_clock);
    }
    if let Ok(time) = text.parse::<Time>() {
        let today = on_clock(now.date().to_datetime(time))?;
        if today <= now.timestamp() {
            return Some(today);
        }
        return on_clock(now.date().yesterday().ok()?.to_datetime(time));
    }
    let ago = text.parse::<Span>().ok()?;
    Some(now.checked_sub(ago).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_read_as_it_is_meant_in_the_home() {
        let now: Zoned = "2026-01-11T10:00:00+00:00[Europe/London]".parse().unwrap();
        for (text, expected) in [
            ("2026-01-10T22:00:00Z", Some("2026-01-10T22:00:00Z")),
            ("2026-01-10T22:00:00+01:00", Some("2026-01-10T21:00:00Z")),
            ("2026-07-10 22:00", Some("2026-07-10T21:00:00Z")),
            ("2026-01-10T22:00:30", Some("2026-01-10T22:00:30Z")),
            ("2026-01-10", Some("2026-01-10T00:00:00Z")),
            ("09:30", Some("2026-01-11T09:30:00Z")),
            ("22:00", Some("2026-01-10T22:00:00Z")),
            ("24h", Some("2026-01-10T10:00:00Z")),
            ("1h30m", Some("2026-01-11T08:30:00Z")),
            ("2d", Some("2026-01-09T10:00:00Z")),
            ("yesterday", None),
            ("24", None),
            ("", None),
        ] {
            let expected = expected.map(|it| it.parse::<Timestamp>().unwrap());
            assert_eq!(parse(text, &now), expected, "{text}");
        }
    }
}
