//! Does what happened fit a trigger?

use crate::domain::event::{ConnectionChange, Event, Payload};
use crate::domain::lifecycle::Outcome;
use crate::engine::facts::TriggerFields;
use crate::rules::expr::value::Value;
use crate::rules::rule::{
    CommandSource, CommandTrigger, DeviceTrigger, On, ResultKind, Topic, Trigger,
};

/// What happened on a device, as triggers see it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Happening<'a> {
    /// An action ended.
    Ended {
        command: Option<&'a str>,
        outcome: &'a Outcome,
        own: bool,
    },
    Connection(ConnectionChange),
}

impl Happening<'_> {
    pub(super) fn topic(&self) -> Topic {
        match self {
            Self::Ended { .. } => Topic::Command,
            Self::Connection(_) => Topic::Device,
        }
    }
}

/// Why `happening` is not what the trigger waits for; none when it is.
pub(super) fn mismatch(on: &On, happening: &Happening<'_>) -> Option<String> {
    match (on, happening) {
        (
            On::Command(trigger),
            Happening::Ended {
                command,
                outcome,
                own,
            },
        ) => command_mismatch(trigger, *command, outcome, *own),
        (On::Device(trigger), Happening::Connection(change)) => device_mismatch(trigger, *change),
        (
            On::Command(_)
            | On::Device(_)
            | On::State(_)
            | On::NumericState(_)
            | On::Time(_)
            | On::Cron(_)
            | On::Sun(_)
            | On::Webhook(_)
            | On::Engine(_)
            | On::AllOf(_)
            | On::Sequence(_)
            | On::Absence(_)
            | On::Count(_),
            Happening::Connection(_) | Happening::Ended { .. },
        ) => unreachable!("the index leads each topic to its own triggers"),
    }
}

/// What `trigger` saw, for expressions.
pub(super) fn fields(trigger: &Trigger, happening: &Happening<'_>, event: &Event) -> TriggerFields {
    let (device, at) = match &event.payload {
        Payload::Report(it) => (Some(&it.device), it.ended_at),
        Payload::Connection(it) => (Some(&it.device), Some(it.at)),
        Payload::Settled(it) => (Some(&it.device), None),
        Payload::Readings(it) => (Some(&it.device), Some(it.taken_at)),
        Payload::Unknown => (None, None),
    };
    let devices = match &trigger.on {
        On::Command(it) => &it.devices,
        On::Device(it) => &it.devices,
        On::State(_)
        | On::NumericState(_)
        | On::Time(_)
        | On::Cron(_)
        | On::Sun(_)
        | On::Webhook(_)
        | On::Engine(_)
        | On::AllOf(_)
        | On::Sequence(_)
        | On::Absence(_)
        | On::Count(_) => &Vec::new(),
    };
    let alias = devices.iter().find(|it| Some(&it.id) == device);
    let text = |text: Option<&str>| text.map_or(Value::Unknown, Value::text);
    let mut fields = vec![
        ("id", text(trigger.id.as_deref())),
        ("at", Value::Moment(at.unwrap_or(event.received_at))),
        ("device", text(alias.map(|it| it.alias.as_str()))),
    ];
    match happening {
        Happening::Ended {
            command,
            outcome,
            own,
        } => {
            let failure = outcome.failure();
            fields.extend([
                ("type", Value::text("command")),
                ("command", text(*command)),
                ("result", Value::text(outcome.name())),
                (
                    "error_code",
                    text(failure.and_then(|it| it.code.as_deref())),
                ),
                ("message", text(failure.map(|it| it.message.as_str()))),
                ("own", Value::Bool(*own)),
            ]);
        }
        Happening::Connection(change) => fields.extend([
            ("type", Value::text("device")),
            ("event", Value::text(change_name(*change))),
        ]),
    }
    fields
        .into_iter()
        .filter(|(_, value)| *value != Value::Unknown)
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

fn change_name(change: ConnectionChange) -> &'static str {
    match change {
        ConnectionChange::Connected => "connected",
        ConnectionChange::Reconnected => "reconnected",
        ConnectionChange::Disconnected => "disconnected",
        ConnectionChange::Unclear => "unclear",
    }
}

fn command_mismatch(
    trigger: &CommandTrigger,
    command: Option<&str>,
    outcome: &Outcome,
    own: bool,
) -> Option<String> {
    let named = command.unwrap_or("a command without a name");
    if !trigger.commands.is_empty() && !trigger.commands.iter().any(|it| Some(&**it) == command) {
        return Some(format!(
            "it was `{named}`, not `{}`",
            trigger.commands.join("` or `")
        ));
    }
    if !trigger.results.is_empty() && !trigger.results.contains(&result(outcome)) {
        return Some(format!("`{named}` ended as {}", outcome.name()));
    }
    let code = outcome
        .failure()
        .and_then(|failure| failure.code.as_deref());
    if !trigger.error_codes.is_empty() && !trigger.error_codes.iter().any(|it| Some(&**it) == code)
    {
        return Some(format!(
            "the error was {}",
            code.unwrap_or("without a code")
        ));
    }
    match trigger.source {
        CommandSource::Own if !own => Some("the command was not one of ours".to_owned()),
        CommandSource::Foreign if own => Some("the command was one of ours".to_owned()),
        CommandSource::Any | CommandSource::Own | CommandSource::Foreign => None,
    }
}

fn device_mismatch(trigger: &DeviceTrigger, change: ConnectionChange) -> Option<String> {
    let fits = trigger.changes.is_empty() || trigger.changes.contains(&change);
    (!fits).then(|| match change {
        ConnectionChange::Connected => "the device was connected".to_owned(),
        ConnectionChange::Reconnected => "the device was reconnected".to_owned(),
        ConnectionChange::Disconnected => "the device was disconnected".to_owned(),
        ConnectionChange::Unclear => {
            "the webhook does not tell whether the device came or went; give each event an address of its own".to_owned()
        }
    })
}

fn result(outcome: &Outcome) -> ResultKind {
    match outcome {
        Outcome::Completed => ResultKind::Completed,
        Outcome::Failed(_) => ResultKind::Failed,
        Outcome::Cancelled => ResultKind::Cancelled,
        Outcome::Expired => ResultKind::Expired,
    }
}
