//! What a device says it takes, and what of an order it therefore does not (`amps-api.md` §3.2, §5.1). Pure.
//!
//! The catalogue has what the documents show for any device; one may do less. What a device does not tell is not
//! held against an order.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::domain::command::{Command, Timing};
use crate::domain::id::DeviceId;
use crate::domain::lifecycle::Failure;
use crate::domain::setting::Form;
use crate::domain::unit::Unit;
use crate::domain::value::Quantity;
use crate::domain::writing::SettingWrite;

/// Words of the catalogue that a device takes; others are of no use here.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Capabilities {
    /// One that is absent is not taken.
    pub commands: BTreeMap<String, Takes>,
    /// None where the device does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategies: Option<Vec<Strategy>>,
    /// None where the device does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<BTreeMap<String, Range>>,
}

/// How a command is taken.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Takes {
    /// None where the device does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<BTreeMap<String, Range>>,
    /// In their order; none where the device does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution: Option<Vec<Form>>,
}

/// A number that is taken, both bounds included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Range {
    /// None where the device does not tell, or names one that is not known here; then the bounds say nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<Unit>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
}

/// What is to become of another action that holds the device (`amps-api.md` §5.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// It is cancelled. Works only while it is scheduled.
    CancelAndReplace,
    /// It goes on, and the new one begins at its end. Works only where it has one.
    QueueAfter,
}

/// What a read says of all that.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Declaration {
    pub device: DeviceId,
    /// When the device said so.
    pub at: Timestamp,
    /// None when it says nothing of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<Capabilities>,
}

/// What a device said last, and since when it has said nothing else.
#[derive(Clone, Debug, PartialEq)]
pub struct Declared {
    pub since: Timestamp,
    pub capabilities: Capabilities,
}

/// By whose clock a moment is told.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    pub now: Timestamp,
    pub zone: &'a TimeZone,
}

impl Strategy {
    pub const ALL: [Self; 2] = [Self::CancelAndReplace, Self::QueueAfter];

    /// As the API writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::CancelAndReplace => "cancel_and_replace",
            Self::QueueAfter => "queue_after",
        }
    }
}

impl Declared {
    /// Why the device would not take `command`, with the code that Amps has for that.
    pub fn refuse_command(&self, command: &Command, reader: Reader<'_>) -> Option<Failure> {
        let (name, alias) = (&command.name, &command.device.alias);
        let says = self.says(reader);
        let Some(takes) = self.capabilities.commands.get(name) else {
            let others = list(&self.capabilities.commands);
            return Some(Failure::new(
                Some("UNSUPPORTED_MODE"),
                format!(
                    "`{alias}` does not take `{name}`: {says} {others}; write a command that it takes"
                ),
            ));
        };
        for (parameter, quantity) in &command.parameters {
            if let Some(failure) = refuse_parameter(takes, (parameter, *quantity), command, &says) {
                return Some(failure);
            }
        }
        let form = form(&command.timing, reader.now);
        let forms = takes.execution.as_ref()?;
        (!forms.contains(&form)).then(|| {
            let offered: Vec<_> = forms.iter().map(|it| form_words(*it)).collect();
            let remedy = match form {
                Form::Immediate => "write when the order is to begin",
                Form::Scheduled => "leave `start` out",
                Form::Windowed => "leave `end` out",
            };
            Failure::new(
                Some("EXECUTION_NOT_SUPPORTED"),
                format!(
                    "`{alias}` does not take `{name}` {}: {says} it {}; {remedy}",
                    form_words(form),
                    offered.join(" or "),
                ),
            )
        })
    }

    /// The same of a setting.
    pub fn refuse_setting(&self, write: &SettingWrite, reader: Reader<'_>) -> Option<Failure> {
        let settings = self.capabilities.settings.as_ref()?;
        let (name, alias, says) = (&write.setting, &write.device.alias, self.says(reader));
        let Some(range) = settings.get(name) else {
            let others = list(settings);
            return Some(Failure::new(
                Some("UNSUPPORTED_SETTING"),
                format!(
                    "`{alias}` has no setting `{name}`: {says} {others}; write a setting that it has"
                ),
            ));
        };
        let what = format!("`{name}` of `{alias}`");
        let codes = ("UNSUPPORTED_UNIT", "SETTING_OUT_OF_RANGE");
        range.refuse(&what, write.value, codes, &says)
    }

    /// `since 09:12 the device says that it takes`
    fn says(&self, reader: Reader<'_>) -> String {
        let (since, now) = (
            self.since.to_zoned(reader.zone.clone()),
            reader.now.to_zoned(reader.zone.clone()),
        );
        let format = if since.date() == now.date() {
            "%H:%M"
        } else {
            "%-d %b %Y %H:%M"
        };
        let since = since.strftime(format);
        format!("since {since} the device says that it takes")
    }
}

fn refuse_parameter(
    takes: &Takes,
    (name, quantity): (&String, Quantity),
    command: &Command,
    says: &str,
) -> Option<Failure> {
    let known = takes.parameters.as_ref()?;
    let what = format!(
        "`{name}` of `{}` for `{}`",
        command.name, command.device.alias
    );
    let Some(range) = known.get(name) else {
        let others = list(known);
        return Some(Failure::new(
            Some("UNSUPPORTED_PARAMETER"),
            format!("{what} is not taken: {says} {others}; leave `{name}` out"),
        ));
    };
    let codes = ("UNSUPPORTED_UNIT", "PARAMETER_OUT_OF_RANGE");
    range.refuse(&what, quantity, codes, says)
}

impl Range {
    fn refuse(
        &self,
        what: &str,
        quantity: Quantity,
        (wrong_unit, out_of_range): (&str, &str),
        says: &str,
    ) -> Option<Failure> {
        let unit = self.unit?;
        if unit != quantity.unit {
            return Some(Failure::new(
                Some(wrong_unit),
                format!(
                    "{what} is sent in {}: {says} {}; leave it out",
                    quantity.unit.symbol(),
                    unit.symbol()
                ),
            ));
        }
        let is_below = self.min.is_some_and(|min| quantity.value < min);
        let is_above = self.max.is_some_and(|max| max < quantity.value);
        (is_below || is_above).then(|| {
            Failure::new(
                Some(out_of_range),
                format!("{what} is {quantity}: {says} {self}; write a number that it takes"),
            )
        })
    }
}

/// `0 to 5 kW`
impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(unit) = self.unit.map(Unit::symbol) else {
            return f.write_str("a number");
        };
        match (self.min, self.max) {
            (Some(min), Some(max)) => write!(f, "{min} to {max} {unit}"),
            (Some(min), None) => write!(f, "{min} {unit} and more"),
            (None, Some(max)) => write!(f, "{max} {unit} and less"),
            (None, None) => write!(f, "a number in {unit}"),
        }
    }
}

/// As it is at `now`: what should have begun begins at once.
fn form(timing: &Timing, now: Timestamp) -> Form {
    if timing.end.is_some() {
        Form::Windowed
    } else if timing.start.is_some_and(|start| now < start) {
        Form::Scheduled
    } else {
        Form::Immediate
    }
}

/// How a command is given, as people say it.
pub fn form_words(form: Form) -> &'static str {
    match form {
        Form::Immediate => "at once",
        Form::Scheduled => "with a `start`",
        Form::Windowed => "with an `end`",
    }
}

/// `a`, `b`, `c`
fn list<T>(names: &BTreeMap<String, T>) -> String {
    let names: Vec<_> = names.keys().map(|it| format!("`{it}`")).collect();
    if names.is_empty() {
        return "nothing".to_owned();
    }
    names.join(", ")
}
