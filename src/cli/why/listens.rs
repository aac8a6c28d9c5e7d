//! What would wake a rule: its triggers, with the values that they watch as they are now.

use jiff::Timestamp;
use serde::Serialize;

use crate::cli::standing::unit;
use crate::cli::why::Known;
use crate::domain::device::Device;
use crate::domain::id::RuleId;
use crate::engine::trace::place;
use crate::rules::rule::{On, Trigger};
use crate::rules::trigger::{NumericTrigger, Watched};
use crate::store::view::{KnownInput, KnownValue, Timer, Unreadable, View};

/// A trigger of the rule.
#[derive(Debug, Serialize)]
pub(super) struct Listens {
    /// As in `trigger: command`.
    trigger: &'static str,
    file: String,
    line: usize,
    /// In one line.
    pub(super) text: String,
    /// What it watches, as it is now.
    pub(super) values: Vec<String>,
    /// When time alone makes something of it.
    due_at: Option<Timestamp>,
}

/// What is known now.
struct Now {
    values: Vec<KnownValue>,
    inputs: Vec<KnownInput>,
    timers: Vec<Timer>,
}

pub(super) fn of(known: &Known, id: &RuleId) -> Result<Vec<Listens>, Unreadable> {
    let rule = known.standing.rules.get(id);
    let Some(rule) = rule.and_then(|it| it.rule.as_ref()) else {
        return Ok(Vec::new());
    };
    let view = known.view.as_ref();
    let now = Now {
        values: view.map_or_else(|| Ok(Vec::new()), View::values)?,
        inputs: view.map_or_else(|| Ok(Vec::new()), View::inputs)?,
        timers: view.map_or_else(|| Ok(Vec::new()), View::timers)?,
    };
    let triggers = rule.triggers.iter().enumerate();
    let enabled = triggers.filter(|(_, it)| it.enabled);
    Ok(enabled
        .map(|(index, trigger)| {
            let mut timers = now.timers.iter();
            let timer = timers.find(|it| it.rule == *id && it.trigger == index);
            let due_at = timer.map(|it| it.due_at);
            listens(known, trigger, &now, due_at)
        })
        .collect())
}

fn listens(known: &Known, trigger: &Trigger, now: &Now, due_at: Option<Timestamp>) -> Listens {
    let due = due_at.map(|it| format!(", next at {}", known.words.time(it)));
    let due = due.unwrap_or_default();
    let place = place(&trigger.place);
    Listens {
        trigger: trigger.on.word(),
        file: trigger.place.file.clone(),
        line: trigger.place.line,
        text: format!("{}{due}  ({place})", describe(&trigger.on)),
        values: trigger
            .on
            .watched()
            .map_or_else(Vec::new, |it| values(known, it, now)),
        due_at,
    }
}

fn describe(on: &On) -> String {
    match on {
        On::Command(it) => format!("the end of an order to {}", aliases(&it.devices)),
        On::Device(it) => format!("{} to come or go", aliases(&it.devices)),
        On::State(it) => format!("{} to change", subject(&it.watched)),
        On::NumericState(it) => format!("{} to come {}", subject(&it.watched), limits(it)),
        On::Time(_) => "a time of day".to_owned(),
        On::Cron(_) => "a time of its pattern".to_owned(),
        On::Sun(_) => "the sun".to_owned(),
        On::Webhook(name) => format!("a signed POST to /hooks/{name}"),
        On::Engine(_) => "the engine to start or to take over rules".to_owned(),
        On::AllOf(_) => "several things, in any order".to_owned(),
        On::Sequence(_) => "several things, one after the other".to_owned(),
        On::Absence(_) => "something to stay out".to_owned(),
        On::Count(_) => "something to come often".to_owned(),
    }
}

fn limits(on: &NumericTrigger) -> String {
    let symbol = symbol(&on.watched);
    let limits = [("above", on.above), ("below", on.below)];
    let limits: Vec<_> = limits
        .iter()
        .filter_map(|(word, limit)| limit.map(|it| format!("{word} {it}{symbol}")))
        .collect();
    limits.join(" and ")
}

fn aliases(devices: &[Device]) -> String {
    let aliases: Vec<&str> = devices.iter().map(|it| it.alias.as_str()).collect();
    aliases.join(" or ")
}

fn subject(watched: &Watched) -> String {
    match watched {
        Watched::Attribute {
            devices, attribute, ..
        } => {
            let subjects: Vec<_> = devices
                .iter()
                .map(|it| format!("{}.{attribute}", it.alias))
                .collect();
            subjects.join(" or ")
        }
        Watched::Input(input) => format!("input.{input}"),
    }
}

/// The unit of what is watched, with a space before it.
fn symbol(watched: &Watched) -> String {
    match watched {
        Watched::Attribute {
            devices, attribute, ..
        } => devices
            .first()
            .map_or_else(String::new, |it| unit(it, attribute)),
        Watched::Input(_) => String::new(),
    }
}

/// `house_battery.level is 78 %, 4m old, live from the device`
fn values(known: &Known, watched: &Watched, now: &Now) -> Vec<String> {
    let words = &known.words;
    match watched {
        Watched::Attribute {
            devices, attribute, ..
        } => devices
            .iter()
            .map(|device| {
                let mut values = now.values.iter();
                let found = values.find(|it| it.device == device.id && it.attribute == *attribute);
                let symbol = unit(device, attribute);
                let found = found.map(|it| words.reading(&it.reading, &symbol));
                let found =
                    found.map_or_else(|| "has never been read".to_owned(), |it| format!("is {it}"));
                format!("{}.{attribute} {found}", device.alias)
            })
            .collect(),
        Watched::Input(input) => {
            let found = now.inputs.iter().find(|it| it.name == *input);
            let reading = found.and_then(|it| it.reading.as_ref());
            let found = reading.map_or_else(
                || "has no value".to_owned(),
                |it| format!("is {}, {} old", it.value, words.ago(it.taken_at)),
            );
            vec![format!("input.{input} {found}")]
        }
    }
}
