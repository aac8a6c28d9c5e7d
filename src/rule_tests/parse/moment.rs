//! Moments: `"2026-01-10T23:10:00"` by the clocks of the home, with an offset, or a time of day.

use std::ops::RangeInclusive;

use jiff::Timestamp;
use jiff::civil::{DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};

use crate::document::code;
use crate::document::diagnostic::{Findings, shown};
use crate::document::node::Node;
use crate::rule_tests::test::Moment;

/// When tests can happen: far from where the calendar of the program ends, whatever they `advance`.
const YEARS: RangeInclusive<i16> = 2000..=2199;

/// A day and a time.
pub(super) fn absolute(
    node: &Node,
    timezone: Option<&TimeZone>,
    findings: &mut Findings<'_>,
) -> Option<Timestamp> {
    let moment = node.as_key().and_then(|it| of_text(it, timezone));
    if moment.is_none() {
        refuse(node, timezone, findings);
    }
    let year = moment?.to_zoned(TimeZone::UTC).year();
    if YEARS.contains(&year) {
        return moment;
    }
    let (first, last) = (YEARS.start(), YEARS.end());
    findings.report(
        code::OUT_OF_RANGE,
        node.span,
        format!("the year {year} is out of bounds: from {first} to {last} is allowed"),
    );
    None
}

/// The same, or a time of day alone.
pub(super) fn moment(
    node: &Node,
    timezone: Option<&TimeZone>,
    findings: &mut Findings<'_>,
) -> Option<Moment> {
    let text = node.as_key().unwrap_or_default();
    if text.len() <= "23:59:59".len()
        && let Ok(time) = text.parse::<Time>()
    {
        return Some(Moment::TimeOfDay(time));
    }
    absolute(node, timezone, findings).map(Moment::Absolute)
}

/// What exists twice, in autumn, is the first of the two.
pub(super) fn of_text(text: &str, timezone: Option<&TimeZone>) -> Option<Timestamp> {
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Some(moment);
    }
    let zone = timezone.cloned().unwrap_or(TimeZone::UTC);
    let ambiguous = zone.into_ambiguous_zoned(wall_clock(text)?);
    match ambiguous.offset() {
        AmbiguousOffset::Gap { .. } => None,
        AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => {
            ambiguous.earlier().ok().map(|it| it.timestamp())
        }
    }
}

/// A day without a time is read as midnight by the library, and is meant as something else by people.
fn wall_clock(text: &str) -> Option<DateTime> {
    text.contains(':').then(|| text.parse().ok()).flatten()
}

fn refuse(node: &Node, timezone: Option<&TimeZone>, findings: &mut Findings<'_>) {
    let Some(text) = node.as_key() else {
        let message = format!("expected a moment, found {}", node.kind.name());
        findings.report(code::BAD_MOMENT, node.head(), message);
        return;
    };
    let is_gap = wall_clock(text).is_some();
    let diagnostic = findings.report(
        code::BAD_MOMENT,
        node.span,
        format!("`{}` is not a moment", shown(text)),
    );
    if is_gap {
        let zone = timezone.and_then(|it| it.iana_name()).unwrap_or("the home");
        diagnostic.label(format!(
            "the clocks of {zone} go forward then, and never show this"
        ));
    } else {
        diagnostic.help("write day and time in quotes: `\"2026-01-10T23:10:00\"`");
    }
}
