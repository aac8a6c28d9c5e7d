//! What tests of rules write about devices and people, checked as rules are.

use crate::config::home::Input;
use crate::config::names::Names;
use crate::document::decode::text;
use crate::document::diagnostic::Findings;
use crate::document::node::{Entry, Node};
use crate::domain::catalogue::CommandSpec;
use crate::domain::device::Device;
use crate::domain::id::{InputName, NotifierName};
use crate::domain::setting::SettingSpec;
use crate::domain::value::{Quantity, Value};
pub(crate) use crate::rules::check::order::FixedMoment;
use crate::rules::check::order::fixed_moment;
use crate::rules::check::quantity::{Wanted, quantity};
use crate::rules::check::{action, condition, device, step, watched};
use crate::rules::syntax::Written;

const NAME_CHARACTERS_MAX: usize = 128;

/// The device that `node` names.
pub(crate) fn device(node: &Node, names: &Names, findings: &mut Findings<'_>) -> Option<Device> {
    let written = written(node, "the name of a device", findings)?;
    device::named(written, names, findings)
}

/// The value that `entry` gives to an attribute of `device`, in the attribute's unit.
pub(crate) fn reading(
    entry: &Entry,
    device: &Device,
    findings: &mut Findings<'_>,
) -> Option<(String, Value)> {
    let name = written(&entry.key, "an attribute of the device", findings)?;
    let attribute = device::attribute(name, device, findings)?;
    let value = condition::value(&entry.value, attribute, findings)?;
    Some((attribute.name.to_owned(), value))
}

/// The input that `node` names: `input.grid_price`.
pub(crate) fn input<'h>(
    node: &Node,
    names: &'h Names,
    findings: &mut Findings<'_>,
) -> Option<(InputName, &'h Input)> {
    let written = written(node, "the name of an input", findings)?;
    let bare = Written {
        value: written.value.trim_start_matches("input."),
        span: written.span,
    };
    watched::named_input(bare, names, findings)
}

/// A value of `input`, in its unit.
pub(crate) fn input_value(
    node: &Node,
    input: &Input,
    findings: &mut Findings<'_>,
) -> Option<Value> {
    watched::input_value(node, input, findings)
}

/// The command of `device` that `node` names.
pub(crate) fn command(
    node: &Node,
    device: &Device,
    findings: &mut Findings<'_>,
) -> Option<&'static CommandSpec> {
    let written = written(node, "a command", findings)?;
    device::takes_commands(device, node.span, findings)
        .then(|| device::command(written, device, findings))
        .flatten()
}

/// The parameter of `command` that `entry` gives, in the unit of the catalogue.
pub(crate) fn parameter(
    entry: &Entry,
    command: &CommandSpec,
    findings: &mut Findings<'_>,
) -> Option<(String, Quantity)> {
    let name = written(&entry.key, "a parameter", findings)?;
    let quantity = step::parameter(command, name, &entry.value, findings)?;
    Some((name.value.to_owned(), quantity))
}

/// When an order begins or ends.
pub(crate) fn moment(node: &Node, findings: &mut Findings<'_>) -> Option<FixedMoment> {
    fixed_moment(node, findings)
}

/// The setting of `device` that `node` names.
pub(crate) fn setting(
    node: &Node,
    device: &Device,
    findings: &mut Findings<'_>,
) -> Option<&'static SettingSpec> {
    let written = written(node, "a setting", findings)?;
    action::setting_named(written, device, findings)
}

/// A value of a setting, in the unit of the catalogue.
pub(crate) fn setting_value(
    node: &Node,
    setting: &SettingSpec,
    findings: &mut Findings<'_>,
) -> Option<Quantity> {
    let wanted = Wanted {
        name: setting.name,
        unit: Some(setting.unit),
    };
    let value = quantity(node, wanted, findings)?;
    let unit = setting.unit;
    Some(Quantity { value, unit })
}

/// The notifier that `node` names.
pub(crate) fn notifier(
    node: &Node,
    names: &Names,
    findings: &mut Findings<'_>,
) -> Option<NotifierName> {
    let written = written(node, "the name of a notifier", findings)?;
    step::notifiers(&[written], names, findings).pop()
}

fn written<'n>(
    node: &'n Node,
    what: &str,
    findings: &mut Findings<'_>,
) -> Option<Written<&'n str>> {
    let value = text(node, what, NAME_CHARACTERS_MAX, findings)?;
    let span = node.span;
    Some(Written { value, span })
}
