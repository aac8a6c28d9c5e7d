//! The keys of a rule that say how its runs get along with others.

use std::time::Duration;

use crate::document::code;
use crate::document::decode::{Fields, whole_number, word};
use crate::document::diagnostic::Findings;
use crate::document::duration::{DURATION_MAX, bounded};
use crate::rules::catalog::bounds::{PRIORITY_MAX, RUNS_MAX, RUNS_MIN};
use crate::rules::catalog::choices::{EXCEEDED, MODES};
use crate::rules::rule::{Mode, Settings};

const MAX_DEFAULT: u32 = 10;
const COOLDOWN_MIN: Duration = Duration::from_secs(1);

pub(super) fn settings(fields: &Fields<'_>, findings: &mut Findings<'_>) -> Option<Settings> {
    let mode = mode(fields, findings);
    let is_silent = fields.maybe("max_exceeded", findings, |it, findings| {
        word(it, "what happens to one too many", EXCEEDED, findings)
    });
    let cooldown = fields.maybe("cooldown", findings, |it, findings| {
        bounded(it, COOLDOWN_MIN, DURATION_MAX, findings)
    });
    let priority = fields.maybe("priority", findings, |it, findings| {
        whole_number(it, 0, PRIORITY_MAX, findings)
    });
    let is_silent = is_silent?.unwrap_or_default();
    let priority = priority?.unwrap_or(Settings::PRIORITY_DEFAULT);
    Some(Settings {
        mode: mode?,
        is_silent,
        per: None,
        cooldown: cooldown?,
        priority,
    })
}

fn mode(fields: &Fields<'_>, findings: &mut Findings<'_>) -> Option<Mode> {
    let max = fields.maybe("max", findings, |it, findings| {
        whole_number(it, RUNS_MIN, RUNS_MAX, findings)
    });
    let mode = match fields.get("mode") {
        Some(node) => word(node, "a mode", MODES, findings)?,
        None => |_| Mode::Single,
    };
    let mode = mode(max?.unwrap_or(MAX_DEFAULT));
    if let (Mode::Single | Mode::Restart, Some(entry)) = (mode, fields.entry("max")) {
        findings
            .report(
                code::NO_EFFECT,
                entry.key.span,
                "`max` has a meaning only with `mode: queued` and `mode: parallel`",
            )
            .help("add one of them, or leave it out");
    }
    Some(mode)
}
