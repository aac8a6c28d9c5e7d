//! Durations and times of day as people write them: `90s`, `1h30m`, `"00:05:00"`, `{minutes: 5}`, `"22:30"`.

use std::time::Duration;

use jiff::civil::Time;

use super::code;
use super::decode::Fields;
use super::diagnostic::{Findings, shown};
use super::node::{Kind, Node};
use super::vocabulary::durations::MAP;

/// The longest duration that can be written.
pub const DURATION_MAX: Duration = Duration::from_hours(366 * 24);

/// In milliseconds, in ascending order.
pub(super) const UNITS: &[(&str, u64)] = &[
    ("ms", 1),
    ("s", 1000),
    ("m", 60_000),
    ("min", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
];

/// What the keys of [`MAP`] count, in milliseconds.
const MAP_UNITS: [u64; 5] = [86_400_000, 3_600_000, 60_000, 1000, 1];

/// The duration that `node` says; none, and a finding, when it says none.
pub fn duration(node: &Node, findings: &mut Findings<'_>) -> Option<Duration> {
    let milliseconds = match &node.kind {
        Kind::Text(text) => {
            let milliseconds = parse(text);
            if milliseconds.is_none() {
                let message = format!("`{}` is not a duration", shown(text));
                findings
                    .report(code::BAD_DURATION, node.span, message)
                    .help("write for example `90s`, `5m`, `1h30m`, `2d` or `\"00:05:00\"`");
            }
            milliseconds?
        }
        Kind::Number { text, .. } => {
            let text = shown(text);
            findings
                .report(
                    code::BAD_DURATION,
                    node.span,
                    format!("`{text}` does not say of what: seconds or minutes?"),
                )
                .help(format!("write `{text}s` or `{text}m`"));
            return None;
        }
        Kind::Map(_) => of_map(node, findings)?,
        Kind::Null | Kind::Bool(_) | Kind::List(_) | Kind::Secret(_) => {
            let found = node.kind.name();
            findings
                .report(
                    code::WRONG_TYPE,
                    node.span,
                    format!("expected a duration, found {found}"),
                )
                .help("write for example `90s` or `5m`");
            return None;
        }
    };
    let duration = Duration::from_millis(milliseconds);
    if duration > DURATION_MAX {
        findings.report(
            code::OUT_OF_RANGE,
            node.span,
            "the duration is longer than a year",
        );
        return None;
    }
    Some(duration)
}

/// The duration that `node` says, which must be within `least..=most`.
pub fn bounded(
    node: &Node,
    least: Duration,
    most: Duration,
    findings: &mut Findings<'_>,
) -> Option<Duration> {
    let duration = duration(node, findings)?;
    check_bounds(duration, node, (least, most), findings)
}

/// The duration that stands at `node`, which must be within the bounds.
pub fn check_bounds(
    duration: Duration,
    node: &Node,
    (least, most): (Duration, Duration),
    findings: &mut Findings<'_>,
) -> Option<Duration> {
    if (least..=most).contains(&duration) {
        return Some(duration);
    }
    let (least, most) = (display(least), display(most));
    let message = format!(
        "`{}` is out of bounds: from {least} to {most} is allowed",
        display(duration)
    );
    findings.report(code::OUT_OF_RANGE, node.head(), message);
    None
}

/// As people write it: `1h30m`.
pub fn display(duration: Duration) -> String {
    let mut rest = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let mut text = String::new();
    for (name, size) in [
        ("d", 86_400_000),
        ("h", 3_600_000),
        ("m", 60_000),
        ("s", 1000),
        ("ms", 1),
    ] {
        let n = rest / size;
        rest %= size;
        if n > 0 {
            text.push_str(&n.to_string());
            text.push_str(name);
        }
    }
    if text.is_empty() {
        text.push_str("0s");
    }
    text
}

/// In milliseconds.
pub(crate) fn parse(text: &str) -> Option<u64> {
    if text.contains(':') {
        return of_clock(text);
    }
    let mut rest = text.trim();
    let mut total: u64 = 0;
    let mut smallest = u64::MAX;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let n: u64 = rest[..digits].parse().ok()?;
        rest = rest[digits..].trim_start();
        let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (_, size) = UNITS.iter().find(|(name, _)| *name == &rest[..letters])?;
        // `30m1h` is more likely a slip than a wish.
        if *size >= smallest {
            return None;
        }
        smallest = *size;
        total = total.checked_add(n.checked_mul(*size)?)?;
        rest = rest[letters..].trim_start();
    }
    (smallest < u64::MAX).then_some(total)
}

/// `HH:MM:SS`; two parts alone could be hours or minutes, and are refused.
fn of_clock(text: &str) -> Option<u64> {
    let parts: Vec<u64> = text
        .split(':')
        .map(|part| {
            let is_number = part.len() <= 4 && part.bytes().all(|it| it.is_ascii_digit());
            part.parse().ok().filter(|_| is_number)
        })
        .collect::<Option<_>>()?;
    match parts[..] {
        [hours, minutes @ 0..60, seconds @ 0..60] => {
            Some((hours * 3600 + minutes * 60 + seconds) * 1000)
        }
        _ => None,
    }
}

fn of_map(node: &Node, findings: &mut Findings<'_>) -> Option<u64> {
    let fields = Fields::of(node, &MAP, findings)?;
    let mut total: u64 = 0;
    let mut is_whole = true;
    for (key, size) in MAP.each_key().zip(MAP_UNITS) {
        let name = key.name;
        let Some(part) = fields.get(name) else {
            continue;
        };
        let count = match &part.kind {
            Kind::Number { text, .. } => text.parse::<u64>().ok(),
            Kind::Null
            | Kind::Bool(_)
            | Kind::Text(_)
            | Kind::List(_)
            | Kind::Map(_)
            | Kind::Secret(_) => None,
        };
        let sum = count.and_then(|it| total.checked_add(it.checked_mul(size)?));
        if sum.is_none() {
            is_whole = false;
            let message = format!("`{name}` must be a whole number");
            findings.report(code::BAD_DURATION, part.span, message);
        }
        total = sum.unwrap_or(total);
    }
    is_whole.then_some(total)
}

/// The time of day that `node` says.
pub fn time_of_day(node: &Node, findings: &mut Findings<'_>) -> Option<Time> {
    if let Kind::Text(text) = &node.kind
        && let Some(time) = clock(text)
    {
        return Some(time);
    }
    let found = match node.as_key() {
        Some(text) => format!("`{}` is not a time of day", shown(text)),
        None => format!("expected a time of day, found {}", node.kind.name()),
    };
    findings
        .report(code::BAD_TIME, node.span, found)
        .help("write it in quotes, from `\"00:00\"` to `\"23:59:59\"`");
    None
}

/// `22:30` or `22:30:15`, two digits each.
pub fn clock(text: &str) -> Option<Time> {
    let part = |part: &str| -> Option<i8> {
        let is_number = part.len() == 2 && part.bytes().all(|it| it.is_ascii_digit());
        part.parse().ok().filter(|_| is_number)
    };
    let mut parts = text.split(':');
    let (hour, minute) = (part(parts.next()?)?, part(parts.next()?)?);
    let second = parts.next().map_or(Some(0), part)?;
    match parts.next() {
        None => Time::new(hour, minute, second, 0).ok(),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, seconds) in [
            ("90s", 90),
            ("5m", 300),
            ("5 min", 300),
            ("1h30m", 5400),
            ("1h 30m", 5400),
            ("2d", 172_800),
            ("00:05:00", 300),
            ("36:00:00", 129_600),
        ] {
            assert_eq!(parse(text), Some(seconds * 1000), "{text}");
        }
        for text in [
            "",
            "5",
            "m",
            "30m1h",
            "1h1h",
            "5 parsecs",
            "1.5h",
            "00:60:00",
            "05:00",
            "-5m",
            "5m:",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(parse("99999999999999999999d"), None);
    }

    #[test]
    fn a_duration_is_shown_as_it_would_be_written() {
        assert_eq!(display(Duration::from_mins(90)), "1h30m");
        assert_eq!(display(Duration::ZERO), "0s");
    }

    #[test]
    fn times_of_day_have_two_digits_each() {
        assert_eq!(clock("22:30"), Some(Time::constant(22, 30, 0, 0)));
        assert_eq!(clock("22:30:15"), Some(Time::constant(22, 30, 15, 0)));
        for text in ["24:00", "7:30", "22", "22:30:15:00", "+1:30", "22:60"] {
            assert_eq!(clock(text), None, "{text}");
        }
    }
}
