//! Triggers that remember nothing: does what happened fit?

use serde_json::Value as Json;

use crate::domain::event::{ConnectionChange, EngineChange, Event};
use crate::domain::lifecycle::Outcome;
use crate::engine::facts::TriggerFields;
use crate::engine::trigger::Happening;
use crate::engine::trigger::happening::{self, put, put_device};
use crate::rules::expr::value::Value;
use crate::rules::rule::{CommandSource, CommandTrigger, DeviceTrigger, On, ResultKind, Trigger};

/// Why `happening` is not what the trigger waits for; none when it is.
pub(super) fn mismatch(on: &On, happening: &Happening<'_>) -> Option<String> {
    let elsewhere = || Some("it waits for something else".to_owned());
    match (on, happening) {
        (
            On::Command(trigger),
            Happening::Ended {
                device,
                command,
                outcome,
                own,
            },
        ) if trigger.devices.iter().any(|it| it.id == **device) => {
            command_mismatch(trigger, *command, outcome, *own)
        }
        (On::Device(trigger), Happening::Connection { device, change })
            if trigger.devices.iter().any(|it| it.id == **device) =>
        {
            device_mismatch(trigger, *change)
        }
        (On::Webhook(name), Happening::Hook(hook)) if hook.name == *name => None,
        (On::Engine(trigger), Happening::Engine(change)) => match change {
            EngineChange::Started if trigger.started => None,
            EngineChange::Reloaded if trigger.reloaded => None,
            EngineChange::Started => Some("the engine was started".to_owned()),
            EngineChange::Reloaded => Some("the rules were read again".to_owned()),
        },
        _ => elsewhere(),
    }
}

/// What `trigger` saw, for expressions.
pub(super) fn fields(trigger: &Trigger, happening: &Happening<'_>, event: &Event) -> TriggerFields {
    let text = |text: Option<&str>| text.map_or(Value::Unknown, Value::text);
    match (&trigger.on, happening) {
        (
            On::Command(it),
            Happening::Ended {
                device,
                command,
                outcome,
                own,
            },
        ) => {
            let mut fields = happening::fields(trigger, "command", event);
            let failure = outcome.failure();
            let code = failure.and_then(|it| it.code.as_deref());
            put_device(&mut fields, &it.devices, device);
            put(&mut fields, "command", text(*command));
            put(&mut fields, "result", Value::text(outcome.name()));
            put(&mut fields, "error_code", text(code));
            let message = failure.map(|it| it.message.as_str());
            put(&mut fields, "message", text(message));
            put(&mut fields, "own", Value::Bool(*own));
            fields
        }
        (On::Device(it), Happening::Connection { device, change }) => {
            let mut fields = happening::fields(trigger, "device", event);
            put_device(&mut fields, &it.devices, device);
            put(&mut fields, "event", Value::text(change_name(*change)));
            fields
        }
        (On::Webhook(_), Happening::Hook(hook)) => {
            let mut fields = happening::fields(trigger, "webhook", event);
            put(&mut fields, "name", Value::text(&hook.name));
            put(&mut fields, "json", shown(&hook.json));
            let mut parts = TriggerFields::new();
            put_parts(&mut parts, "json", &hook.json);
            fields.extend(parts);
            fields
        }
        (On::Engine(_), Happening::Engine(change)) => {
            let mut fields = happening::fields(trigger, "engine", event);
            let name = match change {
                EngineChange::Started => "started",
                EngineChange::Reloaded => "reloaded",
            };
            put(&mut fields, "event", Value::text(name));
            fields
        }
        _ => TriggerFields::new(),
    }
}

/// How many parts of a body expressions can name; more are left out.
pub const PARTS_MAX: usize = 200;

/// The parts of a body of a webhook for which there is no name: those after the first [`PARTS_MAX`].
pub fn n_parts_left_out(body: &Json) -> usize {
    n_parts(body).saturating_sub(PARTS_MAX)
}

/// What is nothing is no part.
fn n_parts(json: &Json) -> usize {
    let of = |part: &Json| usize::from(!part.is_null()) + n_parts(part);
    match json {
        Json::Object(map) => map.values().map(of).sum(),
        Json::Array(items) => items.iter().map(of).sum(),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => 0,
    }
}

/// What a body is made of, each part by its path: `json.button`, `json.items.0.name`.
fn put_parts(fields: &mut TriggerFields, path: &str, json: &Json) {
    let parts: Vec<(String, &Json)> = match json {
        Json::Object(map) => map.iter().map(|(key, it)| (key.clone(), it)).collect(),
        Json::Array(items) => {
            let items = items.iter().enumerate();
            items.map(|(index, it)| (index.to_string(), it)).collect()
        }
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => Vec::new(),
    };
    for (name, part) in parts {
        if PARTS_MAX <= fields.len() {
            return;
        }
        let path = format!("{path}.{name}");
        put(fields, &path, shown(part));
        put_parts(fields, &path, part);
    }
}

/// A part as expressions see it; what has parts itself is shown as its JSON.
fn shown(json: &Json) -> Value {
    match json {
        Json::Null => Value::Unknown,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => number.as_f64().map_or(Value::Unknown, Value::number),
        Json::String(text) => Value::text(text),
        Json::Array(_) | Json::Object(_) => Value::text(json.to_string()),
    }
}

pub(super) fn change_name(change: ConnectionChange) -> &'static str {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_parts_of_a_body_have_a_name_and_the_others_are_counted() {
        let body = |n: usize| {
            let items: Vec<usize> = (0..n).collect();
            serde_json::json!({"nothing": null, "items": items})
        };
        let named = |n| {
            let mut fields = TriggerFields::new();
            put_parts(&mut fields, "json", &body(n));
            (fields.len(), n_parts_left_out(&body(n)))
        };
        // The list is a part as well.
        assert_eq!(named(PARTS_MAX - 1), (PARTS_MAX, 0));
        assert_eq!(named(PARTS_MAX + 2), (PARTS_MAX, 3));
    }
}
