//! Conditions on the time of day: by the clock, and by the sun.

use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::document::duration::display;
use crate::engine::Scene;
use crate::engine::condition::Examined;
use crate::engine::schedule::{self, daylight};
use crate::engine::trace::Truth;
use crate::rules::condition::SunTest;
use crate::rules::rule::TimeTest;
use crate::rules::trigger::SunEvent;

pub(super) fn time(scene: Scene<'_>, test: &TimeTest) -> Examined {
    let zone = scene.rules.timezone.clone().unwrap_or(TimeZone::UTC);
    let now = scene.now.to_zoned(zone);
    let in_window = is_within(now.time(), test.after, test.before);
    let on_day = test.weekdays.is_empty() || test.weekdays.contains(&now.weekday());
    Examined {
        asked: describe_window(test),
        found: now.strftime("%a %H:%M:%S").to_string(),
        answer: Truth::from(in_window && on_day),
    }
}

/// `after` belongs to the window, `before` does not; a window whose end is not after its begin wraps midnight.
fn is_within(time: Time, after: Option<Time>, before: Option<Time>) -> bool {
    match (after, before) {
        (None, None) => true,
        (Some(after), None) => after <= time,
        (None, Some(before)) => time < before,
        (Some(after), Some(before)) if after < before => after <= time && time < before,
        (Some(after), Some(before)) => after <= time || time < before,
    }
}

fn describe_window(test: &TimeTest) -> String {
    let after = test
        .after
        .map(|it| format!("after {}", it.strftime("%H:%M:%S")));
    let before = test
        .before
        .map(|it| format!("before {}", it.strftime("%H:%M:%S")));
    let days: Vec<_> = test.weekdays.iter().copied().map(weekday_name).collect();
    let days = (!days.is_empty()).then(|| format!("on {}", days.join(", ")));
    let parts: Vec<_> = [after, before, days].into_iter().flatten().collect();
    format!("time {}", parts.join(" "))
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

pub(super) fn sun(scene: Scene<'_>, test: &SunTest) -> Examined {
    let (zone, location) = (schedule::zone(scene.rules), scene.rules.location);
    let show = |at: Timestamp| {
        let at = at.to_zoned(zone.clone());
        at.strftime("%a %H:%M:%S").to_string()
    };
    let mut asked = vec!["sun".to_owned()];
    let mut found = vec![show(scene.now)];
    for (word, bound) in [("after", test.after), ("before", test.before)] {
        let Some((event, offset)) = bound else {
            continue;
        };
        let name = sun_name(event, offset);
        let at = daylight::moment((event, offset), zone, location, scene.now);
        asked.push(format!("{word} {name}"));
        found.push(match at {
            Some(at) => format!("{name} {}", show(at)),
            None if location.is_none() => format!("no {name}, the home has no location"),
            None => format!("no {name} in these days"),
        });
    }
    let answer = daylight::holds(test, zone, location, scene.now);
    Examined {
        asked: asked.join(" "),
        found: found.join("; "),
        answer: answer.map_or(Truth::Unknown, Truth::from),
    }
}

fn sun_name(event: SunEvent, offset: SignedDuration) -> String {
    let event = event.name();
    if offset.is_zero() {
        return event.to_owned();
    }
    let sign = if offset.is_negative() { '-' } else { '+' };
    format!("{event} {sign}{}", display(offset.unsigned_abs()))
}
