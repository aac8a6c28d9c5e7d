//! Conditions beyond the time and the values of devices.

use std::time::Duration;

use jiff::SignedDuration;

use crate::document::code;
use crate::document::decode::{Fields, boolean, word, wrong_type};
use crate::document::diagnostic::{Findings, shown};
use crate::document::duration::{DURATION_MAX, bounded};
use crate::document::node::{Kind, Node};
use crate::document::suggest::closest;
use crate::rules::catalog::choices::{STATES, STATES_WITHIN, SUN_EDGES};
use crate::rules::check::{Scope, device, rule_named, schedule, watched};
use crate::rules::condition::{CommandState, CommandTest, RuleTest, SunTest};
use crate::rules::parse::step::one_device;
use crate::rules::parse::{name, names};
use crate::rules::rule::Test;
use crate::rules::trigger::SunEvent;

const WITHIN_MIN: Duration = Duration::from_secs(1);

/// What the condition `name` asks.
pub(super) fn question(
    name: &str,
    fields: &Fields<'_>,
    scope: &Scope<'_>,
    findings: &mut Findings<'_>,
) -> Option<Test> {
    Some(match name {
        "state" => Test::Input(watched::input_test(false, fields, scope, findings)?),
        "numeric_state" => Test::Input(watched::input_test(true, fields, scope, findings)?),
        "sun" => Test::Sun(sun(fields, scope, findings)?),
        "trigger" => Test::Trigger(trigger(fields, scope, findings)?),
        "command" => Test::Command(command(fields, scope, findings)?),
        _ => Test::Rule(rule(fields, scope, findings)?),
    })
}

type SunMoment = (SunEvent, SignedDuration);

fn sun(fields: &Fields<'_>, scope: &Scope<'_>, findings: &mut Findings<'_>) -> Option<SunTest> {
    let offset = fields.maybe("offset", findings, schedule::offset);
    let (after, before) = (fields.get("after"), fields.get("before"));
    if after.is_none() && before.is_none() {
        findings
            .report(
                code::NEVER_TRUE,
                fields.head(),
                "the condition does not say when",
            )
            .help("add `after: sunset` or `before: sunrise`");
        return None;
    }
    if let (Some(_), Some(_), Some(entry)) = (after, before, fields.entry("offset")) {
        findings
            .report(
                code::WHICH_ONE,
                entry.key.span,
                "`offset` could belong to `after` or to `before`",
            )
            .help("write `after_offset:` or `before_offset:`");
        return None;
    }
    let offset = offset?;
    let mut moment = |key: &str, offset_key: &str| -> Option<Option<SunMoment>> {
        let own = fields.maybe(offset_key, findings, schedule::offset)?;
        let event = fields.maybe(key, findings, |it, findings| {
            word(it, "what the sun does", SUN_EDGES, findings)
        })?;
        Some(event.map(|event| (event, own.or(offset).unwrap_or_default())))
    };
    let (after, before) = (
        moment("after", "after_offset"),
        moment("before", "before_offset"),
    );
    let (after, before) = (after?, before?);
    if after.is_some() && after == before {
        findings
            .report(
                code::NEVER_TRUE,
                fields.head(),
                "`after` and `before` are the same moment, so that nothing lies between",
            )
            .help("leave one of them out, or give them different offsets");
        return None;
    }
    schedule::check_location(fields.head(), scope, findings)?;
    Some(SunTest { after, before })
}

/// Ids of triggers of this very rule.
fn trigger(
    fields: &Fields<'_>,
    scope: &Scope<'_>,
    findings: &mut Findings<'_>,
) -> Option<Vec<String>> {
    let node = fields.require("id", findings)?;
    let written = names(node, "the id of a trigger", findings)?;
    let mark = findings.mark();
    for id in &written {
        if scope.triggers.contains(id.value) {
            continue;
        }
        let near = closest(id.value, scope.triggers.iter().copied());
        let message = format!("unknown trigger `{}`", shown(id.value));
        let diagnostic = findings
            .report(code::UNKNOWN_TRIGGER, id.span, message)
            .label("no trigger of this rule has this id")
            .did_you_mean(near);
        if near.is_none() {
            diagnostic.help("give the trigger an `id:`");
        }
    }
    let ids = written.iter().map(|it| it.value.to_owned()).collect();
    (!findings.has_errors_since(mark)).then_some(ids)
}

fn command(
    fields: &Fields<'_>,
    scope: &Scope<'_>,
    findings: &mut Findings<'_>,
) -> Option<CommandTest> {
    let on = fields
        .require("device", findings)
        .and_then(|it| one_device(it, findings));
    let named = fields.maybe("command", findings, |it, findings| {
        name(it, "a command", findings)
    });
    let state = fields
        .require("state", findings)
        .and_then(|it| command_state(it, findings));
    let on = on?;
    let device = device::named(on, scope.names, findings)?;
    if !device::takes_commands(&device, on.span, findings) {
        return None;
    }
    let command = match named? {
        Some(written) => Some(device::command(written, &device, findings)?.name.to_owned()),
        None => None,
    };
    Some(CommandTest {
        device,
        command,
        state: state?,
    })
}

/// A word, or one of the words that have a duration behind them.
fn command_state(node: &Node, findings: &mut Findings<'_>) -> Option<CommandState> {
    let Kind::Map(entries) = &node.kind else {
        let written = node.as_key().unwrap_or_default();
        if STATES_WITHIN.iter().any(|(word, _)| *word == written) {
            wrong_type(node, &format!("`{{{written}: 10m}}`"), findings);
            return None;
        }
        return word(node, "a state of a command", STATES, findings);
    };
    let [entry] = &entries[..] else {
        wrong_type(
            node,
            "one line, for example `completed_within: 10m`",
            findings,
        );
        return None;
    };
    let state = word(&entry.key, "a state of a command", STATES_WITHIN, findings)?;
    let within = bounded(&entry.value, WITHIN_MIN, DURATION_MAX, findings)?;
    Some(state(within))
}

fn rule(fields: &Fields<'_>, scope: &Scope<'_>, findings: &mut Findings<'_>) -> Option<RuleTest> {
    let written = fields
        .require("rule", findings)
        .and_then(|it| name(it, "the id of a rule", findings));
    let running = fields.maybe("running", findings, boolean);
    let last_ran_within = fields.maybe("last_ran_within", findings, |it, findings| {
        bounded(it, WITHIN_MIN, DURATION_MAX, findings)
    });
    let rule = rule_named(written?, scope, findings)?;
    let (running, last_ran_within) = (running?, last_ran_within?);
    if running.is_none() && last_ran_within.is_none() {
        findings
            .report(
                code::NEVER_TRUE,
                fields.head(),
                "the condition does not say what it wants to know of the rule",
            )
            .help("add `running:` or `last_ran_within:`");
        return None;
    }
    Some(RuleTest {
        rule,
        running,
        last_ran_within,
    })
}
