//! Triggers, with the devices they listen to.

use std::time::Duration;

use crate::config::names::Names;
use crate::document::code;
use crate::document::decode::{Fields, whole_number};
use crate::document::diagnostic::{Findings, shown};
use crate::document::duration::{DURATION_MAX, bounded};
use crate::document::node::Node;
use crate::document::source::Span;
use crate::document::suggest::closest;
use crate::domain::device::Device;
use crate::domain::id::InputName;
use crate::rules::catalog::bounds::{COUNT_MAX, COUNT_MIN, TRIGGERS_MAX, WEBHOOK_CHARACTERS_MAX};
use crate::rules::catalog::choices::ENGINE_EVENTS;
use crate::rules::check::{Scope, device, place, schedule, variables, watched};
use crate::rules::expression::Variable;
use crate::rules::parse::name;
use crate::rules::parse::trigger::{any_of, trigger as parse};
use crate::rules::rule::{CommandTrigger, DeviceTrigger, On, Trigger};
use crate::rules::syntax::{self, Written};
use crate::rules::trigger::{AbsenceTrigger, CountTrigger, EngineTrigger, GroupTrigger};

const WITHIN_MIN: Duration = Duration::from_secs(1);

/// A trigger that stands inside something else.
pub(super) fn trigger(
    written: &syntax::Trigger<'_>,
    scope: &Scope<'_>,
    findings: &mut Findings<'_>,
) -> Option<Trigger> {
    let on = on(written, scope, findings)?;
    let variables = variables(&written.variables, scope, findings);
    Some(of(written, on, variables, findings))
}

/// The trigger that waits for `on`.
pub(super) fn of(
    written: &syntax::Trigger<'_>,
    on: On,
    variables: Vec<Variable>,
    findings: &Findings<'_>,
) -> Trigger {
    Trigger {
        id: written.id.map(str::to_owned),
        enabled: written.enabled,
        place: place(written.head, findings),
        variables,
        on,
    }
}

/// What a trigger waits for.
pub(super) fn on(
    written: &syntax::Trigger<'_>,
    scope: &Scope<'_>,
    findings: &mut Findings<'_>,
) -> Option<On> {
    let names = scope.names;
    Some(match &written.on {
        syntax::On::Command {
            devices,
            commands,
            results,
            error_codes,
            source,
        } => {
            let of_type = devices.of_type();
            let devices = device::all(devices, names, findings);
            check_commands(&devices, commands, findings);
            On::Command(CommandTrigger {
                devices: without_places(devices)?,
                of_type,
                commands: each_once(commands.iter().map(|it| it.value).collect()),
                results: results.clone(),
                error_codes: each_once(error_codes.clone()),
                source: *source,
            })
        }
        syntax::On::Device {
            devices,
            changes,
            held,
        } => {
            let of_type = devices.of_type();
            let devices = device::all(devices, names, findings);
            On::Device(DeviceTrigger {
                devices: without_places(devices)?,
                of_type,
                changes: changes.clone(),
                held: *held,
            })
        }
        syntax::On::Of(word, fields) => other(word.name, fields, scope, findings)?,
    })
}

fn other(
    name: &str,
    fields: &Fields<'_>,
    scope: &Scope<'_>,
    findings: &mut Findings<'_>,
) -> Option<On> {
    Some(match name {
        "state" => On::State(watched::state(fields, scope, findings)?),
        "numeric_state" => On::NumericState(watched::numeric(fields, scope, findings)?),
        "time" => On::Time(schedule::time(fields, findings)?),
        "cron" => On::Cron(schedule::cron(fields, findings)?),
        "sun" => On::Sun(schedule::sun(fields, scope, findings)?),
        "webhook" => On::Webhook(webhook(fields, scope, findings)?),
        "engine" => On::Engine(engine(fields, findings)?),
        "all_of" => On::AllOf(group(fields, scope, findings)?),
        "sequence" => On::Sequence(group(fields, scope, findings)?),
        "absence" => On::Absence(absence(fields, scope, findings)?),
        _ => On::Count(count(fields, scope, findings)?),
    })
}

fn webhook(fields: &Fields<'_>, scope: &Scope<'_>, findings: &mut Findings<'_>) -> Option<String> {
    let node = fields.require("name", findings)?;
    let written = name(node, "the name of a webhook", findings)?;
    let allowed = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || b"-_".contains(&it);
    let is_fine =
        written.value.bytes().all(allowed) && written.value.len() <= WEBHOOK_CHARACTERS_MAX;
    if !is_fine {
        let message = format!("`{}` cannot be the name of a webhook", shown(written.value));
        findings
            .report(code::BAD_NAME, written.span, message)
            .help("it becomes a part of an address: use small letters, digits, `-` and `_`");
    } else if scope.is_enabled {
        heard_by_nobody(written, scope.names, findings);
    }
    is_fine.then(|| written.value.to_owned())
}

/// Advice on a webhook that never comes, or that tells an input its value instead.
fn heard_by_nobody(written: Written<&str>, names: &Names, findings: &mut Findings<'_>) {
    let hook = written.value;
    if names.inputs.contains_key(&InputName::new(hook)) {
        let message = format!("what is posted to `/hooks/{hook}` is the value of an input");
        findings
            .report(code::NO_SUCH_HOOK, written.span, message)
            .label("so that this trigger never hears of it")
            .help(format!(
                "listen to its value, `trigger: state` with `input: {hook}`, or choose another name"
            ));
    } else if !names.hooks.contains(hook) {
        let near = closest(hook, names.hooks.iter().map(String::as_str));
        let diagnostic = findings
            .report(
                code::NO_SUCH_HOOK,
                written.span,
                format!("nobody may post to `/hooks/{hook}`"),
            )
            .label("no hook of this home has this name")
            .did_you_mean(near);
        if near.is_none() {
            diagnostic.help(format!(
                "add it to home.yaml under `hooks:`, with a secret of its own: `{hook}: {{secrets: !secret NAME}}`"
            ));
        }
    }
}

fn engine(fields: &Fields<'_>, findings: &mut Findings<'_>) -> Option<EngineTrigger> {
    let node = fields.require("event", findings)?;
    let events = any_of(node, "an event of the engine", ENGINE_EVENTS, findings)?;
    Some(EngineTrigger {
        started: events.contains(&true),
        reloaded: events.contains(&false),
    })
}

fn within(key: &str, fields: &Fields<'_>, findings: &mut Findings<'_>) -> Option<Duration> {
    let node = fields.require(key, findings)?;
    bounded(node, WITHIN_MIN, DURATION_MAX, findings)
}

/// A trigger inside a trigger.
fn inner(node: &Node, scope: &Scope<'_>, findings: &mut Findings<'_>) -> Option<Trigger> {
    let written = parse(node, findings)?;
    if let Some((name, _)) = written.variables.first() {
        findings
            .report(
                code::NO_EFFECT,
                name.span,
                "a trigger inside another trigger has no variables of its own",
            )
            .label("it only adds to the trigger around it")
            .help("write `variables:` beside the `trigger:` around it, or in the rule");
        return None;
    }
    trigger(&written, scope, findings)
}

fn group(
    fields: &Fields<'_>,
    scope: &Scope<'_>,
    findings: &mut Findings<'_>,
) -> Option<GroupTrigger> {
    let within = within("within", fields, findings);
    let node = fields.require("triggers", findings)?;
    let items = node.items();
    if items.len() < 2 || items.len() > TRIGGERS_MAX {
        let message = format!(
            "`triggers` has {} here, and 2 to {TRIGGERS_MAX} are allowed",
            items.len()
        );
        findings.report(code::TOO_MANY, node.head(), message);
        return None;
    }
    let triggers: Vec<Option<Trigger>> =
        items.iter().map(|it| inner(it, scope, findings)).collect();
    Some(GroupTrigger {
        triggers: triggers.into_iter().collect::<Option<_>>()?,
        within: within?,
    })
}

fn absence(
    fields: &Fields<'_>,
    scope: &Scope<'_>,
    findings: &mut Findings<'_>,
) -> Option<AbsenceTrigger> {
    let of = fields
        .require("of", findings)
        .and_then(|it| inner(it, scope, findings));
    let absent_for = within("absent_for", fields, findings);
    let after = fields.maybe("after", findings, |it, findings| inner(it, scope, findings));
    Some(AbsenceTrigger {
        of: Box::new(of?),
        absent_for: absent_for?,
        after: after?.map(Box::new),
    })
}

fn count(
    fields: &Fields<'_>,
    scope: &Scope<'_>,
    findings: &mut Findings<'_>,
) -> Option<CountTrigger> {
    let of = fields
        .require("of", findings)
        .and_then(|it| inner(it, scope, findings));
    let count = fields
        .require("count", findings)
        .and_then(|it| whole_number(it, COUNT_MIN, COUNT_MAX, findings));
    let within = within("within", fields, findings);
    Some(CountTrigger {
        of: Box::new(of?),
        count: count?,
        within: within?,
    })
}

/// A device that never does what the trigger waits for is a slip of the pen.
fn check_commands(
    devices: &[(Device, Span)],
    commands: &[Written<&str>],
    findings: &mut Findings<'_>,
) {
    for (device, span) in devices {
        if !device::takes_commands(device, *span, findings) {
            continue;
        }
        for command in commands {
            if device::command(*command, device, findings).is_none() {
                return;
            }
        }
    }
}

fn without_places(devices: Vec<(Device, Span)>) -> Option<Vec<Device>> {
    let devices: Vec<Device> = devices.into_iter().map(|(device, _)| device).collect();
    (!devices.is_empty()).then_some(devices)
}

fn each_once(words: Vec<&str>) -> Vec<String> {
    let mut each: Vec<String> = Vec::new();
    for word in words {
        if each.iter().all(|it| it != word) {
            each.push(word.to_owned());
        }
    }
    each
}
