//! What the rules made of what they were shown, in words.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::config::names::Names;
use crate::domain::event::{ConnectionChange, EngineChange, Payload, Source};
use crate::domain::id::DeviceId;
use crate::domain::lifecycle::Outcome;
use crate::engine::trace::{ConditionTrace, Seen, Trace, Truth, Verdict};
use crate::rule_tests::since::Look;

/// The most events that are told; of more, the last ones.
const LOOKS_MAX: usize = 20;

/// The story of `looks`, a line each; indented by what belongs to what.
pub(super) fn lines(looks: &[Look], names: &Names, timezone: &TimeZone) -> Vec<String> {
    let mut lines = Vec::new();
    let n_left_out = looks.len().saturating_sub(LOOKS_MAX);
    if 0 < n_left_out {
        lines.push(format!("(earlier events that are left out: {n_left_out})"));
    }
    for look in &looks[n_left_out..] {
        let what = about(&look.payload, look.source, names);
        lines.push(format!("{}  {what}", clock(look.at, timezone)));
        if look.traces.is_empty() {
            lines.extend(silence(&look.payload));
        }
        for trace in &look.traces {
            of_rule(trace, &mut lines);
        }
    }
    if lines.is_empty() {
        lines.push("nothing was shown to the rules since the last `expect`".to_owned());
    }
    lines
}

fn clock(at: Timestamp, timezone: &TimeZone) -> String {
    at.to_zoned(timezone.clone())
        .strftime("%H:%M:%S")
        .to_string()
}

/// Nobody is expected to listen to a device that was read, or to the end of an order that was reported.
fn silence(payload: &Payload) -> Option<String> {
    let is_news = matches!(payload, Payload::Report(_) | Payload::Connection(_));
    is_news.then(|| "  no rule listens to this".to_owned())
}

fn of_rule(trace: &Trace, lines: &mut Vec<String>) {
    lines.push(format!("  {}: {}", trace.rule, verdict(&trace.verdict)));
    if let Some(trigger) = &trace.trigger {
        lines.push(format!("    woken by   {trigger}"));
    }
    if let Some(before) = trace.before.as_ref().and_then(Seen::told_before) {
        lines.push(format!("    {:11}{before}", ""));
    }
    for condition in &trace.conditions {
        lines.push(format!("    condition  {}", asked(condition)));
    }
    for step in &trace.steps {
        let alias = step.alias.as_ref().map(|it| format!(" \"{it}\""));
        lines.push(format!(
            "    step       {} ({}:{}{})",
            step.did,
            step.place.file,
            step.place.line,
            alias.unwrap_or_default(),
        ));
    }
}

/// A verdict that is not told apart here says all in its name.
fn verdict(verdict: &Verdict) -> String {
    if let Verdict::NotTriggered { because } = verdict {
        format!("was not woken, {because}")
    } else if let Verdict::AlreadyRunning { .. } = verdict {
        "was woken and is running already".to_owned()
    } else if let Verdict::AlreadyCalled { trigger, .. } = verdict {
        format!("was woken and was called already by this event, by the trigger `{trigger}`")
    } else if *verdict == Verdict::ConditionNotMet {
        "did not run, a condition does not hold".to_owned()
    } else if *verdict == Verdict::Started {
        "ran".to_owned()
    } else if let Verdict::Waits { .. } = verdict {
        "waits until more is known".to_owned()
    } else if let Verdict::Ended { end } = verdict {
        let reason = end.reason().map(|it| format!(", {it}"));
        format!("ended as {}{}", end.name(), reason.unwrap_or_default())
    } else if let Verdict::Paused { because } = verdict {
        format!("did not run, it is paused: {because}")
    } else if *verdict == Verdict::Noted {
        "stands where it stood".to_owned()
    } else {
        verdict.name().replace('_', " ")
    }
}

fn asked(condition: &ConditionTrace) -> String {
    let answer = match (condition.answer, condition.holds) {
        (Truth::True, _) => "yes",
        (Truth::False, _) => "no",
        (Truth::Unknown, true) => "unknown, which is allowed",
        (Truth::Unknown, false) => "unknown, which counts as no",
    };
    format!(
        "{}? {answer}: {} ({}:{})",
        condition.asked, condition.found, condition.place.file, condition.place.line
    )
}

/// An event that is not told apart here is called by its kind.
fn about(payload: &Payload, source: Source, names: &Names) -> String {
    if *payload == Payload::Tick {
        return "the clock".to_owned();
    }
    if let Payload::Engine(change) = payload {
        return match change {
            EngineChange::Started => "the engine was started".to_owned(),
            EngineChange::Reloaded => "the rules were read again".to_owned(),
        };
    }
    if let Payload::Http(over) = payload {
        return format!("our request: {}", over.said());
    }
    if let Payload::Written(over) = payload {
        return over.said();
    }
    let how = match source {
        Source::Webhook => "webhook",
        Source::LookUp => "looked up",
        Source::Poll => "read",
        Source::Engine => "our order",
        Source::Person => "by hand",
    };
    let what = if let Payload::Report(report) = payload {
        let command = report.command.as_deref().unwrap_or("a command");
        let device = name(&report.device, names);
        format!("{device} {command} {}", ended(&report.outcome))
    } else if let Payload::Connection(connection) = payload {
        let device = name(&connection.device, names);
        format!("{device} {}", change(connection.change))
    } else if let Payload::Readings(readings) = payload {
        let values = readings.values.iter();
        let values: Vec<_> = values
            .map(|(name, value)| format!("{name} {value}"))
            .collect();
        format!("{} {}", name(&readings.device, names), values.join(", "))
    } else if let Payload::Settled(settled) = payload {
        let device = name(&settled.device, names);
        format!("{device} {} {}", settled.name, ended(&settled.outcome))
    } else if let Payload::Accepted(accepted) = payload {
        let device = name(&accepted.device, names);
        format!("{device} {}, Amps has it", accepted.name)
    } else if let Payload::Input(reading) = payload
        && let Some(value) = &reading.value
    {
        format!("input.{} {value}", reading.input)
    } else {
        payload.kind().to_owned()
    };
    format!("{how}: {what}")
}

fn name(device: &DeviceId, names: &Names) -> String {
    let known = names.devices.values().find(|it| it.id == *device);
    known.map_or_else(|| device.to_string(), |it| it.alias.to_string())
}

fn ended(outcome: &Outcome) -> String {
    match outcome.failure() {
        Some(failure) => format!("failed, {failure}"),
        None => outcome.name().to_owned(),
    }
}

fn change(change: ConnectionChange) -> &'static str {
    match change {
        ConnectionChange::Connected => "was connected",
        ConnectionChange::Reconnected => "was reconnected",
        ConnectionChange::Disconnected => "was disconnected",
        ConnectionChange::Unclear => "came or went",
    }
}
