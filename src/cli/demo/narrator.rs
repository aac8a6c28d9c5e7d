//! The timeline: what happened, as lines that a person enjoys reading.

use std::collections::BTreeMap;
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use jiff::Timestamp;
use serde_json::Value;

use crate::cli::console::Console;
use crate::cli::lists::{connection_change, ended};
use crate::config::home::Home;
use crate::domain::command::Command;
use crate::domain::event::Payload;
use crate::domain::id::DeviceId;
use crate::engine::run::RunEnd;
use crate::engine::trace::{Trace, Verdict};
use crate::store::view::timeline::{Happened, Moment};

const DIM: Style = Style::new().dimmed();
const BOLD: Style = Style::new().bold();
const OUTSIDE: Style = AnsiColor::Magenta.on_default();
const IN: Style = AnsiColor::Cyan.on_default();
const RULE: Style = AnsiColor::Yellow.on_default();
const OUT: Style = AnsiColor::Blue.on_default();
const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();

/// Tells what happens, and remembers how far the story has come.
#[derive(Debug)]
pub(super) struct Narrator {
    began_at: Timestamp,
    names: BTreeMap<DeviceId, String>,
    has_completed: bool,
    /// Messages of the phone that were told.
    messages_told: usize,
}

impl Narrator {
    pub(super) fn new(home: &Home, began_at: Timestamp) -> Self {
        let names = home
            .devices
            .values()
            .map(|it| (it.device.id.clone(), it.device.alias.to_string()));
        Self {
            began_at,
            names: names.collect(),
            has_completed: false,
            messages_told: 0,
        }
    }

    /// Whether the run has completed and the phone has heard of it.
    pub(super) fn has_told_all(&self) -> bool {
        self.has_completed && 0 < self.messages_told
    }

    pub(super) fn introduce(
        amps: &str,
        webhooks: &str,
        speed: f64,
        console: &mut Console,
    ) -> io::Result<()> {
        let out = &mut console.out;
        writeln!(
            out,
            "{BOLD}Rose Cottage{BOLD:#}: a battery, a charger with a car, one rule; {speed} times faster than life"
        )?;
        writeln!(out, "{DIM}pretend Amps   {amps}{DIM:#}")?;
        writeln!(out, "{DIM}this home      {webhooks}{DIM:#}")?;
        writeln!(out)
    }

    pub(super) fn tell(&mut self, moment: &Moment, console: &mut Console) -> io::Result<()> {
        match &moment.what {
            Happened::CameIn { id, payload } => {
                self.came_in(moment.at, id, payload.as_ref(), console)
            }
            Happened::Judged(trace) => self.judged(moment.at, trace, console),
            Happened::Command {
                command,
                state,
                detail,
            } => {
                let style = match state.as_str() {
                    "completed" => GOOD,
                    "failed" | "expired" | "cancelled" => BAD,
                    _ => OUT,
                };
                let text = format!("{} {}: {detail}", command.device.alias, order(command));
                self.line(moment.at, "→ command", style, &text, console)
            }
            Happened::Told(notification) => {
                let text = format!("to {}: {}", notification.notifier, notification.message);
                self.line(moment.at, "→ message", OUT, &text, console)
            }
        }
    }

    fn came_in(
        &self,
        at: Timestamp,
        id: &str,
        payload: Option<&Payload>,
        console: &mut Console,
    ) -> io::Result<()> {
        let (text, id) = match payload {
            Some(Payload::Report(report)) => {
                let command = report.command.as_deref().unwrap_or("a command");
                (
                    format!(
                        "{} {command}: {}",
                        self.name(&report.device),
                        ended(&report.outcome)
                    ),
                    id,
                )
            }
            Some(Payload::Connection(it)) => (
                format!("{} {}", self.name(&it.device), connection_change(it.change)),
                id,
            ),
            Some(Payload::Unknown) => ("of a kind not known here".to_owned(), id),
            None => ("unreadable; kept as a dead letter".to_owned(), id),
            // The charger and the battery are read all the time, and what settled was just reported.
            Some(
                Payload::Readings(_)
                | Payload::Capabilities(_)
                | Payload::Settled(_)
                | Payload::Accepted(_)
                | Payload::NotCancelled(_)
                | Payload::Input(_)
                | Payload::Hook(_)
                | Payload::Tick
                | Payload::Engine(_)
                | Payload::ClockSet { .. }
                | Payload::Request(_)
                | Payload::NotRead { .. }
                | Payload::Http(_)
                | Payload::Written(_),
            ) => return Ok(()),
        };
        let text = format!("{text}  {DIM}{id}, signature verified{DIM:#}");
        self.line(at, "← webhook", IN, &text, console)
    }

    fn judged(&mut self, at: Timestamp, trace: &Trace, console: &mut Console) -> io::Result<()> {
        let text = match &trace.verdict {
            Verdict::Started => "starts".to_owned(),
            Verdict::WentOn => "goes on".to_owned(),
            Verdict::Noted => "stands where it stood".to_owned(),
            Verdict::Ended {
                end: RunEnd::Completed,
            } => {
                self.has_completed = true;
                "is done".to_owned()
            }
            Verdict::Ended {
                end: RunEnd::Failed { reason },
            } => format!("has failed: {reason}"),
            Verdict::Ended {
                end: RunEnd::Stopped { reason },
            } => format!("was ended: {reason}"),
            Verdict::Paused { because } => format!("is paused: {because}"),
            Verdict::Waits { .. } => "waits for values that are not known".to_owned(),
            Verdict::CoolingDown { .. } => "ran a short while ago".to_owned(),
            Verdict::TooMany { max } => format!("has {max} runs already"),
            Verdict::NotTriggered { because } => format!("does not care: {because}"),
            Verdict::AlreadyRunning { .. } => "is running already".to_owned(),
            Verdict::AlreadyCalled { .. } => "was called by this already".to_owned(),
            Verdict::ConditionNotMet => {
                let last = trace.conditions.last();
                let unmet = last.map(|it| format!("{} ({})", it.asked, it.found));
                format!("does not run: not {}", unmet.unwrap_or_default())
            }
        };
        let text = format!("{} {text}", trace.rule);
        self.line(at, "  rule", RULE, &text, console)
    }

    /// Tells messages that have arrived on the phone since the last time.
    pub(super) fn phone(
        &mut self,
        phone: &Value,
        now: Timestamp,
        console: &mut Console,
    ) -> io::Result<()> {
        let messages = phone["messages"].as_array().into_iter().flatten();
        for message in messages.skip(self.messages_told) {
            let text = message["message"].as_str().unwrap_or_default();
            self.line(now, "☏ phone", GOOD, &format!("“{text}”"), console)?;
            self.messages_told += 1;
        }
        Ok(())
    }

    /// Tells something that happened in the world, past this home.
    pub(super) fn outside(
        &self,
        what: &str,
        now: Timestamp,
        console: &mut Console,
    ) -> io::Result<()> {
        self.line(now, "  outside", OUTSIDE, what, console)
    }

    pub(super) fn well(how: &str, console: &mut Console) -> io::Result<()> {
        writeln!(console.out, "\n{GOOD}done{GOOD:#}: {how}")
    }

    pub(super) fn go_on(amps: &str, console: &mut Console) -> io::Result<()> {
        let out = &mut console.out;
        writeln!(
            out,
            "\nThe home goes on; Ctrl-C ends it. In another terminal:"
        )?;
        let devices = format!("{amps}/_simulator/devices");
        writeln!(
            out,
            "  curl -d '{{\"command\":\"charge\"}}' {devices}/dev_abc123/actions   {DIM}# once more{DIM:#}"
        )?;
        writeln!(
            out,
            "  curl -d '{{\"event\":\"disconnected\"}}' {devices}/dev_ev001/events {DIM}# the charger is gone{DIM:#}"
        )?;
        writeln!(
            out,
            "  curl {amps}/_simulator/requests                                {DIM}# what was asked of Amps{DIM:#}\n"
        )
    }

    fn line(
        &self,
        at: Timestamp,
        word: &str,
        style: Style,
        text: &str,
        console: &mut Console,
    ) -> io::Result<()> {
        let since = at.duration_since(self.began_at).as_secs_f64().max(0.0);
        writeln!(
            console.out,
            "{DIM}{since:7.3} s{DIM:#}  {style}{word:<9}{style:#}  {text}"
        )?;
        console.out.flush()
    }

    fn name<'a>(&'a self, device: &'a DeviceId) -> &'a str {
        self.names
            .get(device)
            .map_or(device.as_str(), String::as_str)
    }
}

/// `charge to 90 %`
fn order(command: &Command) -> String {
    let parameters: Vec<_> = command
        .parameters
        .iter()
        .map(|(name, quantity)| format!("{name} {quantity}"))
        .collect();
    [command.name.clone(), parameters.join(", ")]
        .join(" ")
        .trim_end()
        .to_owned()
}
