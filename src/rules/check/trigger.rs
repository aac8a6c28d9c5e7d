//! Triggers, with the devices they listen to.

use crate::config::names::Names;
use crate::document::diagnostic::Findings;
use crate::document::source::Span;
use crate::domain::device::Device;
use crate::rules::check::{device, place};
use crate::rules::rule::{CommandTrigger, DeviceTrigger, On, Trigger};
use crate::rules::syntax::{self, Written};

pub(super) fn trigger(
    written: &syntax::Trigger<'_>,
    names: &Names,
    findings: &mut Findings<'_>,
) -> Option<Trigger> {
    let on = match &written.on {
        syntax::On::Command {
            devices,
            commands,
            results,
            error_codes,
            source,
        } => {
            let devices = device::all(devices, names, findings);
            check_commands(&devices, commands, findings);
            On::Command(CommandTrigger {
                devices: without_places(devices)?,
                commands: each_once(commands.iter().map(|it| it.value).collect()),
                results: results.clone(),
                error_codes: each_once(error_codes.clone()),
                source: *source,
            })
        }
        syntax::On::Device { devices, changes } => {
            let devices = device::all(devices, names, findings);
            On::Device(DeviceTrigger {
                devices: without_places(devices)?,
                changes: changes.clone(),
            })
        }
    };
    Some(Trigger {
        id: written.id.map(str::to_owned),
        enabled: written.enabled,
        place: place(written.head, findings),
        on,
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
