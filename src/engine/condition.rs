//! May a run begin? Each condition answers yes, no or unknown, and says what it looked at.

use std::time::Duration;

use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::domain::catalogue::AttributeKind;
use crate::domain::value::{Origin, Value};
use crate::engine::Scene;
use crate::engine::trace::{ConditionTrace, Truth};
use crate::rules::rule::{Condition, IfUnknown, NumericTest, StateTest, Subject, Test, TimeTest};

/// A question, what was found, and the answer.
struct Examined {
    asked: String,
    found: String,
    answer: Truth,
}

pub(super) fn check(scene: Scene<'_>, condition: &Condition) -> ConditionTrace {
    let Examined {
        asked,
        found,
        answer,
    } = match &condition.test {
        Test::Time(test) => check_time(scene, test),
        Test::State(test) => check_state(scene, test),
        Test::NumericState(test) => check_number(scene, test),
    };
    let holds = match answer {
        Truth::True => true,
        Truth::False => false,
        Truth::Unknown => condition.if_unknown == IfUnknown::Allow,
    };
    ConditionTrace {
        place: condition.place.clone(),
        asked,
        found,
        answer,
        holds,
    }
}

fn check_time(scene: Scene<'_>, test: &TimeTest) -> Examined {
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

fn check_state(scene: Scene<'_>, test: &StateTest) -> Examined {
    let (value, found) = look(scene, &test.subject);
    let answer = value.map_or(Truth::Unknown, |value| {
        let is = test.is.is_empty() || test.is.contains(value);
        Truth::from(is && !test.is_not.contains(value))
    });
    let is = (!test.is.is_empty()).then(|| format!(" is {}", alternatives(&test.is)));
    let is_not =
        (!test.is_not.is_empty()).then(|| format!(" is not {}", alternatives(&test.is_not)));
    let asked = [Some(name(&test.subject)), is, is_not]
        .into_iter()
        .flatten()
        .collect();
    Examined {
        asked,
        found,
        answer,
    }
}

fn alternatives(values: &[Value]) -> String {
    let values: Vec<_> = values.iter().map(ToString::to_string).collect();
    values.join(" or ")
}

fn check_number(scene: Scene<'_>, test: &NumericTest) -> Examined {
    let (value, found) = look(scene, &test.subject);
    let answer = match value {
        Some(Value::Number(number)) => Truth::from(is_inside(*number, test)),
        Some(Value::Bool(_) | Value::Text(_)) | None => Truth::Unknown,
    };
    let symbol = unit_symbol(&test.subject);
    let bounds = [
        ("above", test.above),
        ("at least", test.at_least),
        ("at most", test.at_most),
        ("below", test.below),
    ];
    let mut asked = name(&test.subject);
    for (word, bound) in bounds {
        asked += &bound
            .map(|bound| format!(" {word} {bound}{symbol}"))
            .unwrap_or_default();
    }
    Examined {
        asked,
        found,
        answer,
    }
}

fn is_inside(number: f64, test: &NumericTest) -> bool {
    test.above.is_none_or(|above| above < number)
        && test.below.is_none_or(|below| number < below)
        && test.at_least.is_none_or(|at_least| at_least <= number)
        && test.at_most.is_none_or(|at_most| number <= at_most)
}

fn name(subject: &Subject) -> String {
    format!("{}.{}", subject.device.alias, subject.attribute)
}

fn unit_symbol(subject: &Subject) -> String {
    let attribute = subject.device.device_type.attribute(&subject.attribute);
    match attribute.map(|it| it.kind) {
        Some(AttributeKind::Number(Some(unit))) => format!(" {}", unit.symbol()),
        Some(AttributeKind::Number(None) | AttributeKind::Bool | AttributeKind::Text(_)) | None => {
            String::new()
        }
    }
}

/// The value, unless it is unknown, and what there was to see, for the trace.
fn look<'a>(scene: Scene<'a>, subject: &Subject) -> (Option<&'a Value>, String) {
    let Some(reading) = scene.state.reading(&subject.device.id, &subject.attribute) else {
        return (None, "never read".to_owned());
    };
    let age = age(reading.taken_at, scene.now);
    let mut found = format!(
        "{}{}, {} old",
        reading.value,
        unit_symbol(subject),
        show(age)
    );
    if reading.origin == Origin::Fallback {
        found += ", the platform could not reach the device";
        return (None, found);
    }
    if subject.max_age < age {
        return (
            None,
            format!("{found}, more than {}", show(subject.max_age)),
        );
    }
    (Some(&reading.value), found)
}

/// How long ago `then` was. A moment in the future, from a clock that is ahead, counts as now.
fn age(then: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(then)).unwrap_or(Duration::ZERO)
}

fn show(duration: Duration) -> String {
    let duration = SignedDuration::from_secs(i64::try_from(duration.as_secs()).unwrap_or(i64::MAX));
    format!("{duration:#}")
}
