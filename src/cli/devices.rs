//! `devices` and `inputs`: what is known of them, read from the database, with the engine or without it.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::cli::Exit;
use crate::cli::arguments::{NowArguments, ShowCommand};
use crate::cli::check::count;
use crate::cli::console::Console;
use crate::cli::standing::{self, Standing};
use crate::cli::takes::TakesRow;
use crate::cli::words::{Words, origin_words};
use crate::clock::Clock;
use crate::config::home::Input;
use crate::config::names::Names;
use crate::document::duration::display;
use crate::document::suggest::closest;
use crate::domain::capabilities::Declaration;
use crate::domain::device::Device;
use crate::domain::id::{DeviceAlias, InputName, RuleId, RunId};
use crate::domain::value::{Origin, Value};
use crate::engine::wait::Wait;
use crate::store::view::{
    KnownInput, KnownValue, Observed, OpenCommand, Spread, UnreadDevice, Unreadable, View,
};

/// A device of `home.yaml`.
#[derive(Debug, Serialize)]
pub(super) struct DeviceRow {
    pub(super) alias: String,
    id: String,
    #[serde(rename = "type")]
    device_type: &'static str,
    /// The youngest of its values; none when it was never read.
    pub(super) heard_at: Option<Timestamp>,
    pub(super) age_seconds: Option<u64>,
    pub(super) origin: Option<Origin>,
    /// Since when it cannot be read, and why; none when the last reading succeeded.
    pub(super) not_read: Option<UnreadDevice>,
    /// The first of our orders to it that is not over.
    order: Option<OrderRow>,
    /// The rule that has it.
    held_by: Option<Holder>,
}

#[derive(Debug, Serialize)]
struct OrderRow {
    id: String,
    command: String,
    state: String,
    rule: String,
    created_at: Timestamp,
}

#[derive(Debug, Serialize)]
struct Holder {
    rule: RuleId,
    run: RunId,
    /// None while its order is under way.
    until: Option<Timestamp>,
}

/// A device with its values.
#[derive(Debug, Serialize)]
struct DeviceStory {
    #[serde(flatten)]
    row: DeviceRow,
    observed: ObservedRow,
    /// None when it never said.
    takes: Option<TakesRow>,
    values: Vec<ValueRow>,
}

/// How long its last orders took.
#[derive(Debug, Serialize)]
struct ObservedRow {
    acknowledge: SpreadRow,
    completion: SpreadRow,
}

#[derive(Debug, Serialize)]
struct SpreadRow {
    orders: usize,
    p50_seconds: Option<f64>,
    p95_seconds: Option<f64>,
    #[serde(skip)]
    spread: Spread,
}

#[derive(Debug, Serialize)]
struct ValueRow {
    attribute: String,
    value: Value,
    /// As people write it; empty for values without one.
    unit: String,
    taken_at: Timestamp,
    age_seconds: u64,
    origin: Origin,
}

/// An input of `home.yaml`.
#[derive(Debug, Serialize)]
pub(super) struct InputRow {
    pub(super) name: InputName,
    pub(super) value: Option<Value>,
    taken_at: Option<Timestamp>,
    pub(super) age_seconds: Option<u64>,
    /// Older than `max_age`: rules take it for unknown.
    pub(super) is_too_old: bool,
}

/// What rows are made from.
pub(super) struct Sources<'s> {
    pub(super) names: &'s Names,
    pub(super) words: &'s Words,
    pub(super) standing: &'s Standing,
    pub(super) values: Vec<KnownValue>,
    pub(super) inputs: Vec<KnownInput>,
    pub(super) commands: Vec<OpenCommand>,
    pub(super) unread: Vec<UnreadDevice>,
}

impl<'s> Sources<'s> {
    pub(super) fn read(
        view: Option<&View>,
        names: &'s Names,
        words: &'s Words,
        standing: &'s Standing,
    ) -> Result<Self, Unreadable> {
        Ok(Self {
            names,
            words,
            standing,
            values: view.map_or_else(|| Ok(Vec::new()), View::values)?,
            inputs: view.map_or_else(|| Ok(Vec::new()), View::inputs)?,
            commands: view.map_or_else(|| Ok(Vec::new()), View::open_commands)?,
            unread: view.map_or_else(|| Ok(Vec::new()), View::unread_devices)?,
        })
    }

    fn age(&self, at: Timestamp) -> u64 {
        let seconds = self.words.now.duration_since(at).as_secs();
        u64::try_from(seconds).unwrap_or_default()
    }

    pub(super) fn devices(&self) -> Vec<DeviceRow> {
        self.names
            .devices
            .values()
            .map(|it| self.device(it))
            .collect()
    }

    fn device(&self, device: &Device) -> DeviceRow {
        let values = self.values.iter().filter(|it| it.device == device.id);
        let youngest = values.max_by_key(|it| it.reading.taken_at);
        let heard_at = youngest.map(|it| it.reading.taken_at);
        let alias = device.alias.to_string();
        let order = self.commands.iter().find(|it| it.row.device == alias);
        DeviceRow {
            id: device.id.to_string(),
            device_type: device.device_type.name(),
            heard_at,
            age_seconds: heard_at.map(|it| self.age(it)),
            origin: youngest.map(|it| it.reading.origin),
            not_read: self
                .unread
                .iter()
                .find(|it| it.device == device.id)
                .cloned(),
            order: order.map(|it| OrderRow {
                id: it.row.id.clone(),
                command: it.row.command.clone(),
                state: it.row.state.clone(),
                rule: it.row.rule.clone(),
                created_at: it.row.created_at,
            }),
            held_by: self.holder(device),
            alias,
        }
    }

    fn holder(&self, device: &Device) -> Option<Holder> {
        let mut runs = self.standing.runs.iter();
        let run = runs.find(|it| {
            let is_device = it.device.as_ref().is_some_and(|it| it.id == device.id);
            is_device && matches!(it.wait, Some(Wait::Command { .. }))
        });
        if let Some(run) = run {
            return Some(Holder {
                rule: run.rule.clone(),
                run: run.id.clone(),
                until: None,
            });
        }
        let lease = self.standing.lease(&device.id, self.words.now)?;
        Some(Holder {
            rule: lease.rule.clone(),
            run: lease.run.clone(),
            until: Some(lease.until),
        })
    }

    fn story(&self, device: &Device, observed: Observed, declared: &[Declaration]) -> DeviceStory {
        let mut declared = declared.iter();
        let declared = declared.find(|it| it.device == device.id);
        let values = self.values.iter().filter(|it| it.device == device.id);
        let values = values.map(|it| ValueRow {
            unit: standing::unit(device, &it.attribute).trim().to_owned(),
            attribute: it.attribute.clone(),
            value: it.reading.value.clone(),
            taken_at: it.reading.taken_at,
            age_seconds: self.age(it.reading.taken_at),
            origin: it.reading.origin,
        });
        DeviceStory {
            values: values.collect(),
            observed: ObservedRow {
                acknowledge: observed.acknowledge.into(),
                completion: observed.completion.into(),
            },
            takes: declared.and_then(TakesRow::of),
            row: self.device(device),
        }
    }

    pub(super) fn inputs(&self) -> Vec<InputRow> {
        let inputs = self.names.inputs.iter();
        inputs.map(|(name, it)| self.input(name, it)).collect()
    }

    fn input(&self, name: &InputName, input: &Input) -> InputRow {
        let found = self.inputs.iter().find(|it| it.name == *name);
        let reading = found.and_then(|it| it.reading.as_ref());
        let age_seconds = reading.map(|it| self.age(it.taken_at));
        InputRow {
            name: name.clone(),
            value: reading.map(|it| it.value.clone()),
            taken_at: reading.map(|it| it.taken_at),
            is_too_old: age_seconds.is_some_and(|it| input.max_age.as_secs() < it),
            age_seconds,
        }
    }
}

pub(super) fn devices(
    dir: &Path,
    arguments: &NowArguments,
    console: &mut Console,
) -> anyhow::Result<Exit> {
    let view = View::open(dir)?;
    let (words, names) = standing::words(dir, Clock::System.now());
    let standing = Standing::read(dir, &names, view.as_ref())?;
    let sources = Sources::read(view.as_ref(), &names, &words, &standing)?;
    let Some(ShowCommand::Show { id }) = &arguments.show else {
        let rows = sources.devices();
        if arguments.json {
            console.json(&rows)?;
        } else if rows.is_empty() {
            writeln!(console.err, "home.yaml names no devices")?;
        } else {
            let headings = ["device", "type", "id", "heard", "order", "held by"];
            let cells: Vec<_> = rows.iter().map(|it| it.cells(&words)).collect();
            console.table(&headings, &cells)?;
        }
        return Ok(Exit::Done);
    };
    let mut known = names.devices.values();
    let Some(device) = known.find(|it| it.alias.as_str() == id || it.id.as_str() == id) else {
        writeln!(console.err, "error: home.yaml names no device `{id}`")?;
        let aliases = names.devices.keys().map(DeviceAlias::as_str);
        if let Some(near) = closest(id, aliases) {
            writeln!(console.err, "  = help: did you mean `{near}`?")?;
        }
        return Ok(Exit::Usage);
    };
    let observed = view
        .as_ref()
        .map(|it| it.observed(&device.id))
        .transpose()?;
    let declared = view.as_ref().map(View::declared).transpose()?;
    let declared = declared.unwrap_or_default();
    let story = sources.story(device, observed.unwrap_or_default(), &declared);
    if arguments.json {
        console.json(&story)?;
    } else {
        story.write(&words, console)?;
    }
    Ok(Exit::Done)
}

pub(super) fn inputs(dir: &Path, as_json: bool, console: &mut Console) -> anyhow::Result<Exit> {
    let view = View::open(dir)?;
    let (words, names) = standing::words(dir, Clock::System.now());
    let standing = Standing::read(dir, &names, view.as_ref())?;
    let rows = Sources::read(view.as_ref(), &names, &words, &standing)?.inputs();
    if as_json {
        console.json(&rows)?;
    } else if rows.is_empty() {
        writeln!(console.err, "home.yaml names no inputs")?;
    } else {
        let cells: Vec<_> = rows.iter().map(|it| it.cells(&words)).collect();
        console.table(&["input", "value", "age"], &cells)?;
    }
    Ok(Exit::Done)
}

impl DeviceRow {
    /// `4m ago, live from the device`
    pub(super) fn heard(&self, words: &Words) -> String {
        let not_read = self.not_read.as_ref().map(|it| {
            let since = words.time(it.since);
            format!("; cannot be read since {since}: {}", it.reason)
        });
        let not_read = not_read.unwrap_or_default();
        let (Some(at), Some(origin)) = (self.heard_at, self.origin) else {
            return format!("never read{not_read}");
        };
        let origin = origin_words(origin.into());
        format!("{} ago, {origin}{not_read}", words.ago(at))
    }

    fn cells(&self, words: &Words) -> Vec<String> {
        let order = self.order.as_ref();
        let order = order.map(|it| format!("{}, {}", it.command, it.state));
        let holder = self.held_by.as_ref().map(|it| it.describe(words));
        vec![
            self.alias.clone(),
            self.device_type.to_owned(),
            self.id.clone(),
            self.heard(words),
            order.unwrap_or_default(),
            holder.unwrap_or_default(),
        ]
    }
}

impl Holder {
    fn describe(&self, words: &Words) -> String {
        match self.until {
            Some(until) => format!("{} until {}", self.rule, words.time(until)),
            None => self.rule.to_string(),
        }
    }
}

impl DeviceStory {
    fn write(&self, words: &Words, console: &mut Console) -> anyhow::Result<()> {
        let row = &self.row;
        let out = &mut console.out;
        writeln!(out, "{}  ({}, {})", row.alias, row.device_type, row.id)?;
        if let Some(order) = &row.order {
            let since = words.time(order.created_at);
            let (command, state) = (&order.command, &order.state);
            writeln!(
                out,
                "our order `{command}` is {state} since {since}, by {} ({})",
                order.rule, order.id
            )?;
        }
        if let Some(holder) = &row.held_by {
            writeln!(out, "held by rule {}", holder.describe(words))?;
        }
        let ObservedRow {
            acknowledge,
            completion,
        } = &self.observed;
        writeln!(
            out,
            "how soon Amps takes an order: {}",
            acknowledge.describe()
        )?;
        writeln!(out, "how soon an order is over: {}", completion.describe())?;
        let cells: Vec<_> = self.values.iter().map(|it| it.cells(words)).collect();
        if let Some(unread) = &row.not_read {
            let since = words.time(unread.since);
            writeln!(out, "cannot be read since {since}: {}", unread.reason)?;
        }
        if cells.is_empty() {
            writeln!(out, "never read")?;
            return Ok(());
        }
        console.table(&["attribute", "value", "age", "origin"], &cells)?;
        if let Some(takes) = &self.takes {
            writeln!(console.out)?;
            takes.write(words, console)?;
        }
        Ok(())
    }
}

impl From<Spread> for SpreadRow {
    fn from(spread: Spread) -> Self {
        let seconds = |it: Option<Duration>| it.map(|it| it.as_secs_f64());
        Self {
            orders: spread.orders,
            p50_seconds: seconds(spread.p50),
            p95_seconds: seconds(spread.p95),
            spread,
        }
    }
}

impl SpreadRow {
    /// `half of 24 orders within 140ms, 95 % within 1s200ms`
    fn describe(&self) -> String {
        let (Some(half), Some(most)) = (self.spread.p50, self.spread.p95) else {
            return "unknown".to_owned();
        };
        let (half, most) = (display(half), display(most));
        let orders = count(self.orders, "order");
        format!("half of {orders} within {half}, 95 % within {most}")
    }
}

impl ValueRow {
    fn cells(&self, words: &Words) -> Vec<String> {
        vec![
            self.attribute.clone(),
            format!("{} {}", self.value, self.unit).trim().to_owned(),
            words.ago(self.taken_at),
            origin_words(self.origin.into()).to_owned(),
        ]
    }
}

impl InputRow {
    pub(super) fn cells(&self, words: &Words) -> Vec<String> {
        let age = self.taken_at.map(|it| words.ago(it)).unwrap_or_default();
        let note = if self.is_too_old { ", too old" } else { "" };
        vec![
            self.name.to_string(),
            self.value
                .as_ref()
                .map_or_else(|| "none".to_owned(), ToString::to_string),
            age + note,
        ]
    }
}
