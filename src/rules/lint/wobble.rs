//! Values that go to and fro, and start a rule each time.
//!
//! A rule of thumb, so that it helps beginners and does not nag: only of values that are measured, only when the
//! rule orders something or tells somebody, and not when a `cooldown` bounds how often it can.
//! A lost connection is none of them: Amps tells of it when somebody has to sign in again.

use crate::config::home::{InputKind, InputUnit};
use crate::config::names::Names;
use crate::document::code;
use crate::document::diagnostic::Findings;
use crate::document::source::Span;
use crate::domain::catalogue::AttributeKind;
use crate::domain::id::NotifierName;
use crate::domain::unit::{Dimension, Unit};
use crate::rules::operation::RuleVerb;
use crate::rules::rule::{On, OperationKind, Program, Rule};
use crate::rules::syntax;
use crate::rules::trigger::{NumericTrigger, StateTrigger, Watched};

/// Numbers that are measured and go up and down; others are set by somebody, or only grow.
const MEASURED: &[&str] = &[
    "batteryLevel",
    "chargeRate",
    "currentPower",
    "level",
    "temperature",
];

/// What devices do on their own, and often for a moment only.
const FLEETING: &[&str] = &["active", "charging", "isCharging", "producing", "status"];

const LASTING_HELP: &str =
    "say how long it must last, `for: 5m`, or how often the rule may run, `cooldown: 30m`";

pub(super) fn wobble(
    written: &syntax::Rule<'_>,
    rule: &Rule,
    names: &Names,
    findings: &mut Findings<'_>,
) {
    if rule.settings.cooldown.is_some() {
        return;
    }
    let Some(deed) = first_deed(&rule.program) else {
        return;
    };
    let triggers = rule.triggers.iter().zip(&written.triggers);
    for (trigger, written) in triggers.filter(|(it, _)| it.enabled) {
        if let On::NumericState(on) = &trigger.on {
            limit(on, names, written.head, &deed, findings);
        } else if let On::State(on) = &trigger.on {
            moment(on, written.head, &deed, findings);
        }
    }
}

/// A limit that is crossed again as soon as the value comes back.
fn limit(on: &NumericTrigger, names: &Names, head: Span, deed: &str, findings: &mut Findings<'_>) {
    if on.reset.is_some() || on.held.is_some() {
        return;
    }
    let Some((name, unit)) = measured(&on.watched, names) else {
        return;
    };
    let symbol = unit.map_or(String::new(), |it| format!(" {}", it.symbol()));
    let message = match (on.above, on.below) {
        (Some(limit), None) | (None, Some(limit)) => {
            format!("each time `{name}` wobbles about {limit}{symbol}, this rule starts again")
        }
        (Some(_) | None, Some(_) | None) => {
            format!("each time `{name}` wobbles about one of its limits, this rule starts again")
        }
    };
    let reset = match (on.above, on.below) {
        (Some(above), None) => Some(resting(above, -1.0, unit)),
        (None, Some(below)) => Some(resting(below, 1.0, unit)),
        // One way back cannot belong to two limits.
        (Some(_), Some(_)) | (None, None) => None,
    };
    let diagnostic = findings
        .report(code::NO_HYSTERESIS, head, message)
        .label("neither `reset` nor `for`")
        .note(format!("it {deed} each time"));
    if let Some(reset) = reset {
        diagnostic.help(format!(
            "say how far it must go back before it counts again: `reset: {reset}{symbol}`"
        ));
    }
    diagnostic.help(LASTING_HELP);
}

/// A state that may be over in a moment.
fn moment(on: &StateTrigger, head: Span, deed: &str, findings: &mut Findings<'_>) {
    let Watched::Attribute { attribute, .. } = &on.watched else {
        return;
    };
    if on.held.is_some() || !FLEETING.contains(&attribute.as_str()) {
        return;
    }
    let message =
        format!("each time `{attribute}` changes for a moment only, this rule starts again");
    findings
        .report(code::NO_FOR, head, message)
        .label("no `for`")
        .note(format!("it {deed} each time"))
        .help(LASTING_HELP);
}

/// The name of a value that is measured, and its unit.
fn measured<'t>(watched: &'t Watched, names: &Names) -> Option<(&'t str, Option<Unit>)> {
    match watched {
        Watched::Attribute {
            devices, attribute, ..
        } => {
            let device_type = devices.first()?.device_type;
            let AttributeKind::Number(unit) = device_type.attribute(attribute)?.kind else {
                return None;
            };
            MEASURED
                .contains(&attribute.as_str())
                .then_some((attribute, unit))
        }
        // A price changes when it changes; what has one of these units comes from a meter.
        Watched::Input(name) => match names.inputs.get(name)?.kind {
            InputKind::Number(InputUnit::Known(unit)) => {
                is_of_a_meter(unit).then_some((name.as_str(), Some(unit)))
            }
            InputKind::Number(InputUnit::None | InputUnit::Own(_))
            | InputKind::Text
            | InputKind::Boolean => None,
        },
    }
}

fn is_of_a_meter(unit: Unit) -> bool {
    match unit.dimension() {
        Dimension::Power
        | Dimension::Current
        | Dimension::Voltage
        | Dimension::Temperature
        | Dimension::Share => true,
        Dimension::Energy | Dimension::Time => false,
    }
}

/// A value well on the other side of `limit`, to offer.
fn resting(limit: f64, direction: f64, unit: Option<Unit>) -> f64 {
    let is_share = unit == Some(Unit::Percent);
    let is_temperature = unit.is_some_and(|it| it.dimension() == Dimension::Temperature);
    let distance = if is_share {
        5.0
    } else if is_temperature || limit == 0.0 {
        1.0
    } else {
        limit.abs() / 10.0
    };
    let value = limit + direction * distance;
    let value = if is_share {
        value.clamp(0.0, 100.0)
    } else {
        value
    };
    (value * 100.0).round() / 100.0
}

/// The first thing that somebody would notice: an order, a message; none when there is no such thing.
fn first_deed(program: &Program) -> Option<String> {
    use OperationKind as K;
    program.operations.iter().find_map(|it| match &it.kind {
        K::Command(order) => Some(format!(
            "orders `{}` from {}",
            order.command, order.device.alias
        )),
        K::Setting(it) => Some(format!("sets `{}` of {}", it.setting, it.device.alias)),
        K::Notify(it) => {
            let names: Vec<_> = it.notifiers.iter().map(NotifierName::as_str).collect();
            Some(format!("sends a message to {}", names.join(", ")))
        }
        K::Http(_) => Some("calls another program".to_owned()),
        K::Rule(it) if it.verb == RuleVerb::Run => Some(format!("runs `{}`", it.rule)),
        K::Parallel(it) => it.branches.iter().find_map(first_deed),
        K::Log(_)
        | K::Test(_)
        | K::Jump { .. }
        | K::Repeat(_)
        | K::Variables { .. }
        | K::Set { .. }
        | K::Stop(_)
        | K::End
        | K::Fail
        | K::Cancel(_)
        | K::Read(_)
        | K::Delay(_)
        | K::Wait(_)
        | K::Rule(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_offered_is_well_on_the_other_side() {
        for (limit, direction, unit, expected) in [
            (20.0, 1.0, Some(Unit::Percent), 25.0),
            (98.0, 1.0, Some(Unit::Percent), 100.0),
            (3.0, -1.0, Some(Unit::Percent), 0.0),
            (19.5, -1.0, Some(Unit::Celsius), 18.5),
            (7.4, -1.0, Some(Unit::Kilowatt), 6.66),
            (-2.0, 1.0, Some(Unit::Kilowatt), -1.8),
            (0.0, -1.0, None, -1.0),
        ] {
            let offered = resting(limit, direction, unit);
            assert!((offered - expected).abs() < 1e-9, "{limit}: {offered}");
        }
    }
}
