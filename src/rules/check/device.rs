//! Names of devices, and what the devices can report and be told.

use crate::config::names::Names;
use crate::document::code;
use crate::document::diagnostic::{Findings, shown};
use crate::document::source::Span;
use crate::document::suggest::closest;
use crate::domain::catalogue::{Attribute, CommandSpec};
use crate::domain::device::Device;
use crate::domain::id::DeviceAlias;
use crate::rules::syntax::{Devices, Written};

/// The device of this name; none, and a finding, when the home has none.
pub(in crate::rules) fn named(
    written: Written<&str>,
    names: &Names,
    findings: &mut Findings<'_>,
) -> Option<Device> {
    let alias = DeviceAlias::new(written.value);
    let device = names.devices.get(&alias);
    if device.is_some() {
        return device.cloned();
    }
    let shown_name = shown(written.value);
    if names.broken_devices.contains(&alias) {
        findings
            .report(
                code::UNKNOWN_DEVICE,
                written.span,
                format!("the device `{shown_name}` cannot be used"),
            )
            .label("its entry in home.yaml has a mistake");
        return None;
    }
    let by_id = names
        .devices
        .values()
        .find(|it| it.id.as_str() == written.value)
        .map(|it| it.alias.as_str());
    let near = by_id.or_else(|| {
        let known = names.devices.keys().map(DeviceAlias::as_str);
        closest(written.value, known)
    });
    let diagnostic = findings
        .report(
            code::UNKNOWN_DEVICE,
            written.span,
            format!("unknown device `{shown_name}`"),
        )
        .label("no device of this home has this name")
        .did_you_mean(near);
    if near.is_none() {
        diagnostic.help("the devices are listed in home.yaml under `devices:`");
    }
    None
}

/// Every device that is meant, each once, with the place that means it.
pub(super) fn all(
    written: &Devices<'_>,
    names: &Names,
    findings: &mut Findings<'_>,
) -> Vec<(Device, Span)> {
    let mut devices: Vec<(Device, Span)> = Vec::new();
    match written {
        Devices::Named(written) => {
            for name in written {
                let device = named(*name, names, findings);
                let device = device.filter(|it| devices.iter().all(|(other, _)| other != it));
                devices.extend(device.map(|it| (it, name.span)));
            }
        }
        Devices::OfType(written) => {
            let of_type = names.devices.values();
            let of_type = of_type.filter(|it| it.device_type == written.value);
            devices.extend(of_type.map(|it| (it.clone(), written.span)));
            if devices.is_empty() {
                findings
                    .report(
                        code::UNKNOWN_DEVICE,
                        written.span,
                        format!("the home has no device of type `{}`", written.value),
                    )
                    .help("the devices are listed in home.yaml under `devices:`");
            }
        }
    }
    devices
}

/// Says whether the device takes commands at all; `span` names it.
pub(super) fn takes_commands(device: &Device, span: Span, findings: &mut Findings<'_>) -> bool {
    let takes = !device.device_type.commands().is_empty();
    if !takes {
        findings
            .report(
                code::READ_ONLY_DEVICE,
                span,
                format!("`{}` takes no commands", device.alias),
            )
            .label(format!(
                "a device of type `{}` can only be read",
                device.device_type
            ));
    }
    takes
}

/// What `device` does when told so.
pub(super) fn command(
    written: Written<&str>,
    device: &Device,
    findings: &mut Findings<'_>,
) -> Option<&'static CommandSpec> {
    let spec = device.device_type.command(written.value);
    if spec.is_none() {
        let commands = || device.device_type.commands().iter().map(|it| it.name);
        let known = commands().collect::<Vec<_>>().join("`, `");
        findings
            .report(
                code::UNKNOWN_COMMAND,
                written.span,
                format!(
                    "`{}` does not understand the command `{}`",
                    device.alias,
                    shown(written.value)
                ),
            )
            .did_you_mean(closest(written.value, commands()))
            .note(format!(
                "a device of type `{}` understands `{known}`",
                device.device_type
            ));
    }
    spec
}

/// What `device` reports under this name.
pub(in crate::rules) fn attribute(
    written: Written<&str>,
    device: &Device,
    findings: &mut Findings<'_>,
) -> Option<&'static Attribute> {
    let attribute = device.device_type.attribute(written.value);
    if attribute.is_none() {
        let attributes = || device.device_type.attributes().iter().map(|it| it.name);
        let known = attributes().collect::<Vec<_>>().join("`, `");
        findings
            .report(
                code::UNKNOWN_ATTRIBUTE,
                written.span,
                format!(
                    "`{}` does not report `{}`",
                    device.alias,
                    shown(written.value)
                ),
            )
            .did_you_mean(closest(written.value, attributes()))
            .note(format!(
                "a device of type `{}` reports `{known}`",
                device.device_type
            ));
    }
    attribute
}
