//! `events`, `commands`, `runs`, `dead-letters`: read from the database, with the engine or without it.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::cli::Exit;
use crate::cli::arguments::{ListArguments, ShowCommand};
use crate::cli::console::Console;
use crate::config;
use crate::config::environment::Environment;
use crate::config::names::Names;
use crate::domain::capabilities::Declaration;
use crate::domain::event::{ConnectionChange, EngineChange, NotCancelled, Payload, Request};
use crate::domain::id::{DeviceAlias, DeviceId};
use crate::domain::lifecycle::Outcome;
use crate::store::view::{
    CommandRow, CommandStory, DeadLetter, EventRow, EventStory, RunRow, RunStory, Unreadable, View,
};

/// Something that can be listed, and shown one by one.
pub(super) trait Listed: Serialize + Sized {
    const NOUN: &'static str;
    const HEADINGS: &'static [&'static str];
    /// One of them with everything that is known of it.
    type Story: Serialize;

    fn newest(view: &View, rows_max: usize) -> Result<Vec<Self>, Unreadable>;
    fn story(view: &View, id: &str) -> Result<Option<Self::Story>, Unreadable>;
    /// What the columns of the headings hold.
    fn cells(&self, names: &DeviceNames) -> Vec<String>;
}

/// Writes the list that was asked for, or the one thing.
pub(super) fn list<T: Listed>(
    dir: &Path,
    arguments: &ListArguments,
    console: &mut Console,
) -> anyhow::Result<Exit> {
    let view = View::open(dir)?;
    match &arguments.show {
        Some(ShowCommand::Show { id }) => {
            let story = view.map(|view| T::story(&view, id)).transpose()?.flatten();
            let Some(story) = story else {
                writeln!(console.err, "error: no {} has the id `{id}`", T::NOUN)?;
                return Ok(Exit::Usage);
            };
            if arguments.json {
                console.json(&story)?;
            } else {
                console.yaml(&story)?;
            }
        }
        None => {
            let rows = view
                .map(|view| T::newest(&view, arguments.limit))
                .transpose()?;
            let rows = rows.unwrap_or_default();
            if arguments.json {
                console.json(&rows)?;
            } else if rows.is_empty() {
                writeln!(console.err, "no {}s yet", T::NOUN)?;
            } else {
                let names = DeviceNames::of(dir);
                let cells: Vec<_> = rows.iter().map(|row| row.cells(&names)).collect();
                console.table(T::HEADINGS, &cells)?;
            }
        }
    }
    Ok(Exit::Done)
}

impl Listed for EventRow {
    const NOUN: &'static str = "event";
    const HEADINGS: &'static [&'static str] = &["received", "id", "source", "state", "what"];
    type Story = EventStory;

    fn newest(view: &View, rows_max: usize) -> Result<Vec<Self>, Unreadable> {
        view.events(rows_max)
    }

    fn story(view: &View, id: &str) -> Result<Option<EventStory>, Unreadable> {
        view.event(id)
    }

    fn cells(&self, names: &DeviceNames) -> Vec<String> {
        vec![
            time(self.received_at),
            self.id.clone(),
            self.source.clone(),
            self.state.clone(),
            self.payload
                .as_ref()
                .map_or_else(|| self.kind.clone(), |it| about(it, names)),
        ]
    }
}

impl Listed for CommandRow {
    const NOUN: &'static str = "command";
    const HEADINGS: &'static [&'static str] = &[
        "created", "id", "device", "command", "state", "attempts", "rule", "why",
    ];
    type Story = CommandStory;

    fn newest(view: &View, rows_max: usize) -> Result<Vec<Self>, Unreadable> {
        view.commands(rows_max)
    }

    fn story(view: &View, id: &str) -> Result<Option<CommandStory>, Unreadable> {
        view.command(id)
    }

    fn cells(&self, _names: &DeviceNames) -> Vec<String> {
        let why = self
            .failure
            .as_ref()
            .map(|it| it.code.clone().unwrap_or(it.message.clone()));
        vec![
            time(self.created_at),
            self.id.clone(),
            self.device.clone(),
            self.command.clone(),
            self.state.clone(),
            self.attempts.to_string(),
            self.rule.clone(),
            why.unwrap_or_default(),
        ]
    }
}

impl Listed for RunRow {
    const NOUN: &'static str = "run";
    const HEADINGS: &'static [&'static str] = &["started", "id", "rule", "state", "why"];
    type Story = RunStory;

    fn newest(view: &View, rows_max: usize) -> Result<Vec<Self>, Unreadable> {
        view.runs(rows_max)
    }

    fn story(view: &View, id: &str) -> Result<Option<RunStory>, Unreadable> {
        view.run(id)
    }

    fn cells(&self, _names: &DeviceNames) -> Vec<String> {
        vec![
            time(self.started_at),
            self.id.clone(),
            self.rule.clone(),
            self.state.clone(),
            self.reason.clone().unwrap_or_default(),
        ]
    }
}

impl Listed for DeadLetter {
    const NOUN: &'static str = "dead letter";
    const HEADINGS: &'static [&'static str] = &["at", "id", "kind", "reason"];
    type Story = DeadLetter;

    fn newest(view: &View, rows_max: usize) -> Result<Vec<Self>, Unreadable> {
        view.dead_letters(rows_max)
    }

    fn story(view: &View, id: &str) -> Result<Option<DeadLetter>, Unreadable> {
        view.dead_letter(id)
    }

    fn cells(&self, _names: &DeviceNames) -> Vec<String> {
        vec![
            time(self.at),
            self.id.clone(),
            self.kind.clone(),
            self.reason.clone(),
        ]
    }
}

/// What the devices of a home are called, as far as its `home.yaml` can be read.
pub(super) struct DeviceNames(BTreeMap<DeviceId, DeviceAlias>);

impl DeviceNames {
    fn of(dir: &Path) -> Self {
        Self::of_home(&config::load(dir, &Environment::default()).names)
    }

    pub(super) fn of_home(names: &Names) -> Self {
        let devices = names.devices.values();
        Self(
            devices
                .map(|it| (it.id.clone(), it.alias.clone()))
                .collect(),
        )
    }

    /// The device's own id where the home does not name it.
    pub(super) fn name<'a>(&'a self, device: &'a DeviceId) -> &'a str {
        self.0
            .get(device)
            .map_or(device.as_str(), DeviceAlias::as_str)
    }
}

/// In the zone of the machine that shows it.
pub(super) fn time(moment: Timestamp) -> String {
    moment
        .to_zoned(TimeZone::system())
        .strftime("%Y-%m-%d %H:%M:%S")
        .to_string()
}

/// An event in a few words.
pub(super) fn about(payload: &Payload, names: &DeviceNames) -> String {
    match payload {
        Payload::Report(report) => {
            let command = report.command.as_deref().unwrap_or("command");
            format!(
                "{command} on {} {}",
                names.name(&report.device),
                ended(&report.outcome)
            )
        }
        Payload::Connection(connection) => {
            format!(
                "{} {}",
                names.name(&connection.device),
                connection_change(connection.change)
            )
        }
        Payload::Readings(readings) => {
            let values: Vec<_> = readings
                .values
                .iter()
                .map(|(name, value)| format!("{name} {value}"))
                .collect();
            format!("{}: {}", names.name(&readings.device), values.join(", "))
        }
        Payload::Capabilities(it) => declared(it, names),
        Payload::Settled(settled) => {
            format!(
                "our {} on {} {}",
                settled.name,
                names.name(&settled.device),
                ended(&settled.outcome)
            )
        }
        Payload::NotCancelled(NotCancelled { order, failure }) => {
            let why = failure.as_ref().map_or_else(
                || "too late to cancel".to_owned(),
                |failure| format!("Amps does not cancel it: {failure}"),
            );
            format!("{} of {}: {why}", order.name, names.name(&order.device))
        }
        Payload::Accepted(accepted) => format!(
            "{} of {}: Amps has it",
            accepted.name,
            names.name(&accepted.device)
        ),
        Payload::Input(reading) => {
            let value = reading.value.as_ref().map(ToString::to_string);
            let value = value.as_deref().unwrap_or("no value");
            format!("{}: {value}", reading.input)
        }
        Payload::Hook(hook) => format!("/hooks/{}", hook.name),
        Payload::Tick => "a time has come".to_owned(),
        Payload::Engine(EngineChange::Started) => "the engine was started".to_owned(),
        Payload::Engine(EngineChange::Reloaded) => "the rules were read again".to_owned(),
        Payload::ClockSet { by_ms, .. } => {
            let by = SignedDuration::from_millis(*by_ms);
            let way = if by.is_negative() { "back" } else { "forward" };
            format!("the clock was put {way} by {:#}", by.abs())
        }
        Payload::Request(Request::Trigger { rule }) => format!("run {rule}"),
        Payload::Request(Request::Pause { rule, .. }) => format!("pause {rule}"),
        Payload::Request(Request::Resume { rule }) => format!("let {rule} go on"),
        Payload::Request(Request::StopAll) => "stop everything".to_owned(),
        Payload::NotRead { device } => format!("{} did not answer", names.name(device)),
        Payload::Http(over) => over.said(),
        Payload::Written(over) => over.said(),
        Payload::Unknown => "of a kind not known here".to_owned(),
    }
}

fn declared(it: &Declaration, names: &DeviceNames) -> String {
    let commands = it.capabilities.iter().flat_map(|it| it.commands.keys());
    let commands: Vec<_> = commands.map(String::as_str).collect();
    let takes = match commands.as_slice() {
        [] => "does not say what it takes".to_owned(),
        commands => format!("says that it takes {}", commands.join(", ")),
    };
    format!("{} {takes}", names.name(&it.device))
}

/// How an action ended: `completed`, `failed (DEVICE_OFFLINE)`.
pub(super) fn ended(outcome: &Outcome) -> String {
    match outcome.failure() {
        Some(failure) => {
            format!(
                "failed ({})",
                failure.code.as_deref().unwrap_or(&failure.message)
            )
        }
        None => outcome.name().to_owned(),
    }
}

pub(super) fn connection_change(change: ConnectionChange) -> &'static str {
    match change {
        ConnectionChange::Connected => "was connected",
        ConnectionChange::Reconnected => "was reconnected",
        ConnectionChange::Disconnected => "was disconnected",
        ConnectionChange::Unclear => "came or went",
    }
}
