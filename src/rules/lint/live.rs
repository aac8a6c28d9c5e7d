//! Orders that the platform takes in its sandbox only.

use crate::config::names::Platform;
use crate::document::code;
use crate::document::diagnostic::Findings;
use crate::domain::device::DeviceType;
use crate::rules::lint::{Order, orders, spots};
use crate::rules::rule::Rule;
use crate::rules::syntax;

/// Said once for a rule, at its first such order.
pub(super) fn not_offered_yet(
    written: &syntax::Rule<'_>,
    rule: &Rule,
    platform: Platform,
    findings: &mut Findings<'_>,
) {
    if platform != Platform::Live {
        return;
    }
    let mut refused = orders(rule).filter(|it| !it.device.device_type.takes_live_commands());
    let Some(Order { device, place, .. }) = refused.next() else {
        return;
    };
    let mut lines: Vec<usize> = refused.map(|it| it.place.line).collect();
    lines.dedup();
    let span = spots::step(written, place, findings.source);
    let message = format!(
        "live, Amps does not take commands for {} yet",
        plural(device.device_type)
    );
    let diagnostic = findings
        .report(code::NOT_LIVE_YET, span, message)
        .label("is answered with COMMAND_NOT_SUPPORTED")
        .note("the API key of this home is a live one");
    if !lines.is_empty() {
        let word = if lines.len() == 1 { "line" } else { "lines" };
        let lines: Vec<_> = lines.iter().map(ToString::to_string).collect();
        diagnostic.note(format!("the same goes for {word} {}", lines.join(", ")));
    }
    diagnostic.help("try the rule with a sandbox key, or with `amps-rules simulator`");
}

fn plural(device_type: DeviceType) -> &'static str {
    match device_type {
        DeviceType::Battery => "batteries",
        DeviceType::EvCharger => "EV chargers",
        DeviceType::Hvac => "heating and cooling",
        DeviceType::SolarInverter => "solar inverters",
        DeviceType::Vehicle => "vehicles",
    }
}
