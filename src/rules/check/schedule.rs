//! Moments: times of day, crontab patterns, the sun.

use std::time::Duration;

use jiff::SignedDuration;

use crate::document::code;
use crate::document::decode::{Fields, text, word};
use crate::document::diagnostic::{Findings, shown};
use crate::document::duration::{DURATION_MAX, bounded, duration, parse, time_of_day};
use crate::document::node::{Kind, Node};
use crate::document::source::Span;
use crate::rules::catalog::bounds::PATTERN_CHARACTERS_MAX;
use crate::rules::catalog::choices::{CATCH_UP, SUN_EVENTS};
use crate::rules::check::{Scope, cron};
use crate::rules::parse::condition::weekdays;
use crate::rules::parse::some_items;
use crate::rules::trigger::{CatchUp, CronTrigger, Missed, SunTrigger, TimeTrigger};

const WITHIN_DEFAULT: Duration = Duration::from_mins(15);
const WITHIN_MIN: Duration = Duration::from_secs(1);
const OFFSET_MAX: Duration = Duration::from_hours(12);

fn missed(fields: &Fields<'_>, findings: &mut Findings<'_>) -> Option<Missed> {
    let catch_up = fields.maybe("catch_up", findings, |it, findings| {
        word(it, "a way to catch up", CATCH_UP, findings)
    });
    let within = fields.maybe("within", findings, |it, findings| {
        bounded(it, WITHIN_MIN, DURATION_MAX, findings)
    });
    let (catch_up, within) = (catch_up?.unwrap_or(CatchUp::Latest), within?);
    if let (CatchUp::None, Some(entry)) = (catch_up, fields.entry("within")) {
        findings
            .report(
                code::NO_EFFECT,
                entry.key.span,
                "with `catch_up: none` nothing is caught up, however young it is",
            )
            .help("leave `within:` out");
    }
    Some(Missed {
        catch_up,
        within: within.unwrap_or(WITHIN_DEFAULT),
    })
}

pub(super) fn time(fields: &Fields<'_>, findings: &mut Findings<'_>) -> Option<TimeTrigger> {
    let mark = findings.mark();
    let weekdays = weekdays(fields, findings);
    let missed = missed(fields, findings);
    let node = fields.require("at", findings)?;
    let mut at = Vec::new();
    for item in some_items(node, "a time of day", findings)? {
        at.extend(time_of_day(item, findings));
    }
    at.sort_unstable();
    at.dedup();
    if findings.has_errors_since(mark) {
        return None;
    }
    Some(TimeTrigger {
        at,
        weekdays,
        missed: missed?,
    })
}

pub(super) fn cron(fields: &Fields<'_>, findings: &mut Findings<'_>) -> Option<CronTrigger> {
    let missed = missed(fields, findings);
    let node = fields.require("expression", findings)?;
    let written = text(node, "a pattern", PATTERN_CHARACTERS_MAX, findings)?;
    match cron::pattern(written) {
        Ok(pattern) => Some(CronTrigger {
            pattern,
            missed: missed?,
        }),
        Err(complaint) => {
            findings
                .report(code::BAD_CRON, node.span, complaint.message)
                .help(complaint.help);
            None
        }
    }
}

pub(super) fn sun(
    fields: &Fields<'_>,
    scope: &Scope<'_>,
    findings: &mut Findings<'_>,
) -> Option<SunTrigger> {
    let missed = missed(fields, findings);
    let offset = fields.maybe("offset", findings, offset);
    let event = fields.require("event", findings)?;
    let event = word(event, "what the sun does", SUN_EVENTS, findings);
    check_location(fields.head(), scope, findings)?;
    Some(SunTrigger {
        event: event?,
        offset: offset?.unwrap_or_default(),
        missed: missed?,
    })
}

/// Without a place on the earth, the sun has no times.
pub(super) fn check_location(
    span: Span,
    scope: &Scope<'_>,
    findings: &mut Findings<'_>,
) -> Option<()> {
    if scope.names.location.is_none() {
        findings
            .report(
                code::NO_LOCATION,
                span,
                "the sun needs to know where the home is",
            )
            .help("add `location: {latitude: …, longitude: …}` below `home:` in home.yaml");
    }
    scope.names.location.map(|_| ())
}

/// A duration that may be before: `-30m`, `"-00:30:00"`.
pub(super) fn offset(node: &Node, findings: &mut Findings<'_>) -> Option<SignedDuration> {
    let negative = match &node.kind {
        Kind::Text(text) => text.trim().strip_prefix('-').and_then(parse),
        Kind::Null
        | Kind::Bool(_)
        | Kind::Number { .. }
        | Kind::List(_)
        | Kind::Map(_)
        | Kind::Secret(_) => None,
    };
    let (length, is_before) = match negative {
        Some(milliseconds) => (Duration::from_millis(milliseconds), true),
        None => (duration(node, findings)?, false),
    };
    if length > OFFSET_MAX {
        let message = format!(
            "`{}` is out of bounds: up to 12h before or after is allowed",
            shown(findings.source.slice(node.span))
        );
        findings.report(code::OUT_OF_RANGE, node.head(), message);
        return None;
    }
    let length = SignedDuration::try_from(length).unwrap_or_default();
    Some(if is_before { -length } else { length })
}
