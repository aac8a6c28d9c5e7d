//! Moments, ages, verdicts and values in words for a homeowner.

use std::io::{self, Write};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::cli::lists::{DeviceNames, about};
use crate::document::duration::display;
use crate::domain::value::Reading;
use crate::engine::trace::{ConditionTrace, Seen, SeenOrigin, Trace, Truth, Verdict, place};
use crate::store::view::EventRow;

/// How the home tells the time, and what it calls its devices.
pub(super) struct Words {
    pub(super) zone: TimeZone,
    pub(super) names: DeviceNames,
    pub(super) now: Timestamp,
}

impl Words {
    pub(super) fn time(&self, at: Timestamp) -> String {
        let at = at.to_zoned(self.zone.clone());
        at.strftime("%Y-%m-%d %H:%M:%S").to_string()
    }

    /// `4m`, in whole seconds.
    pub(super) fn ago(&self, at: Timestamp) -> String {
        let seconds = self.now.duration_since(at).as_secs();
        display(std::time::Duration::from_secs(
            u64::try_from(seconds).unwrap_or_default(),
        ))
    }

    /// `charge on house_battery completed (webhook msg_1)`
    pub(super) fn event(&self, event: &EventRow) -> String {
        let what = event.payload.as_ref();
        let what = what.map_or_else(|| event.kind.clone(), |it| about(it, &self.names));
        let source = match event.source.as_str() {
            "look_up" => "looked up",
            "poll" => "reading",
            source => source,
        };
        format!("{what} ({source} {})", event.id)
    }

    /// `97, 4m old, live from the device`
    pub(super) fn reading(&self, reading: &Reading, symbol: &str) -> String {
        let (value, age) = (&reading.value, self.ago(reading.taken_at));
        let origin = origin_words(reading.origin.into());
        format!("{value}{symbol}, {age} old, {origin}")
    }

    /// Why no run came of what the rule looked at, in one line.
    pub(super) fn refusal(&self, trace: &Trace) -> String {
        match &trace.verdict {
            Verdict::NotTriggered { because } => format!("no trigger fits: {because}"),
            Verdict::AlreadyRunning { run } => format!("it was running already ({run})"),
            Verdict::AlreadyCalled { run, trigger } => {
                format!("it was called already by this event, by the trigger `{trigger}` ({run})")
            }
            Verdict::TooMany { max } => format!("{max} runs of it were under way already"),
            Verdict::CoolingDown { until } => {
                format!("it was cooling down until {}", self.time(*until))
            }
            Verdict::Paused { because } => format!("it was paused: {because}"),
            Verdict::ConditionNotMet => match trace.conditions.last().map(|it| it.answer) {
                Some(Truth::Unknown) => "a condition could not be answered".to_owned(),
                Some(Truth::True | Truth::False) | None => "a condition was not met".to_owned(),
            },
            Verdict::Waits { until } => format!(
                "a condition could not be answered, and it waited for that until {} at most",
                self.time(*until)
            ),
            Verdict::Started | Verdict::WentOn | Verdict::Noted | Verdict::Ended { .. } => {
                trace.verdict.name().replace('_', " ")
            }
        }
    }

    /// The triggers and conditions of the trace, each with its word: `yes`, `no`, `unknown`.
    pub(super) fn clauses(&self, trace: &Trace) -> Vec<(&'static str, String)> {
        let mut lines = Vec::new();
        if let Some(trigger) = &trace.trigger {
            lines.push(("trigger", trigger.clone()));
        }
        let before = trace.before.as_ref().and_then(Seen::told_before);
        lines.extend(before.map(|it| ("", it)));
        for miss in &trace.misses {
            let place = place(&miss.place);
            lines.push(("no", format!("trigger: {}  ({place})", miss.because)));
        }
        for condition in &trace.conditions {
            self.condition(condition, &mut lines);
        }
        lines
    }

    fn condition(&self, it: &ConditionTrace, lines: &mut Vec<(&'static str, String)>) {
        let word = match (it.answer, it.holds) {
            (Truth::True, _) => "yes",
            (Truth::False, _) => "no",
            (Truth::Unknown, true) => "allowed",
            (Truth::Unknown, false) => "unknown",
        };
        lines.push((word, format!("{}  ({})", it.asked, place(&it.place))));
        lines.push(("", format!("found {}", it.found)));
        let origins = it.values.iter().filter_map(|it| self.origin(it));
        lines.extend(origins.map(|it| ("", it)));
    }

    fn origin(&self, seen: &Seen) -> Option<String> {
        let origin = origin_words(seen.origin?);
        let at = seen.taken_at.map(|it| format!(", of {}", self.time(it)));
        Some(format!("{}: {origin}{}", seen.name, at.unwrap_or_default()))
    }
}

/// The width of the first column of what is told in lines.
const COLUMN: usize = 10;

/// A word, and what there is to say; what belongs to the line before has no word.
pub(super) fn line(out: &mut dyn Write, word: &str, text: &str) -> io::Result<()> {
    writeln!(out, "  {word:<COLUMN$}{text}")
}

/// Of bytes: `1.2 MiB`.
#[expect(
    clippy::cast_precision_loss,
    reason = "one digit behind the point is shown"
)]
pub(super) fn size(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / (1024.0 * 1024.0))
}

pub(super) fn origin_words(origin: SeenOrigin) -> &'static str {
    match origin {
        SeenOrigin::Live => "live from the device",
        SeenOrigin::Cache => "as Amps last knew it (cache)",
        SeenOrigin::Fallback => "old: Amps could not reach the device (fallback)",
        SeenOrigin::Input => "an input of the home",
        SeenOrigin::Event => "from the event",
        SeenOrigin::Rule => "from the rule itself",
    }
}
