//! What a command step asks beyond the order itself.

use std::time::Duration;

use jiff::civil::Time;

use crate::document::code;
use crate::document::decode::{Fields, boolean, word};
use crate::document::diagnostic::Findings;
use crate::document::duration::{DURATION_MAX, bounded, check_bounds, display, parse, time_of_day};
use crate::document::node::{Kind, Node};
use crate::domain::catalogue::CommandSpec;
use crate::domain::device::Device;
use crate::domain::setting::Form;
use crate::rules::catalog::blocks;
use crate::rules::catalog::bounds::PLANNED_AHEAD_MAX;
use crate::rules::catalog::choices::{GOALS, ON_CONFLICT, VERIFY_IF_UNKNOWN};
use crate::rules::check::{Scope, condition, device};
use crate::rules::expression::{Wanted, compile_as, is_computed};
use crate::rules::operation::{CommandOptions, Goal, Moment, Verify, VerifyTest};
use crate::rules::parse;
use crate::rules::rule::{IfUnknown, Subject};

/// The least that a moment can be ahead.
const SECOND: Duration = Duration::from_secs(1);
const TIMEOUT_MIN: Duration = Duration::from_secs(10);
/// For a minute Amps hands out again what it read before (`amps-api.md` §3.2), and that says nothing of the order: the
/// device has to be asked once after that.
const WITHIN_MIN: Duration = Duration::from_mins(2);
const WITHIN_DEFAULT: Duration = Duration::from_mins(10);

pub(super) fn options(
    fields: &Fields<'_>,
    on: &Device,
    spec: &CommandSpec,
    scope: &Scope<'_>,
    findings: &mut Findings<'_>,
) -> Option<CommandOptions> {
    let moment =
        |it: &Node, findings: &mut Findings<'_>| -> Option<Moment> { moment(it, scope, findings) };
    let start = fields.maybe("start", findings, moment);
    let end = fields.maybe("end", findings, moment);
    let on_conflict = fields.maybe("on_conflict", findings, |it, findings| {
        word(it, "what to do in a conflict", ON_CONFLICT, findings)
    });
    let wait_for = fields.maybe("wait_for", findings, |it, findings| {
        word(it, "what to wait for", GOALS, findings)
    });
    let timeout = fields.maybe("timeout", findings, |it, findings| {
        bounded(it, TIMEOUT_MIN, DURATION_MAX, findings)
    });
    let verify = fields.maybe("verify", findings, |it, findings| verify(it, on, findings));
    let force = fields.maybe("force", findings, boolean);
    let lease_until = fields.maybe("lease", findings, |it, findings| {
        let fields = Fields::of(it, &blocks::LEASE, findings)?;
        let until = fields.require("until", findings)?;
        moment(until, findings)
    });
    check_form(fields, spec, findings);
    let is_planned = check_window(fields, (start.as_ref(), end.as_ref()), findings);
    if let Some(Some(Goal::Accepted | Goal::Nothing)) = wait_for
        && let Some(entry) = fields.entry("verify")
    {
        findings
            .report(
                code::WHICH_ONE,
                entry.key.span,
                "`verify` begins when the order is completed, and this step does not wait for that",
            )
            .help("leave out `wait_for:`, or `verify:`");
        return None;
    }
    is_planned?;
    Some(CommandOptions {
        start: start?,
        end: end?,
        on_conflict: on_conflict?.unwrap_or_default(),
        wait_for: wait_for?.unwrap_or_default(),
        timeout: timeout?,
        verify: verify?.map(Box::new),
        force: force?.unwrap_or_default(),
        lease_until: lease_until?,
    })
}

/// Not every command can begin later or end by itself.
fn check_form(fields: &Fields<'_>, spec: &CommandSpec, findings: &mut Findings<'_>) {
    for (key, needed, what) in [
        ("start", Form::Scheduled, "begin later"),
        ("end", Form::Windowed, "end by itself"),
    ] {
        if let Some(entry) = fields.entry(key)
            && spec.form() < needed
        {
            findings
                .report(
                    code::WRONG_FORM,
                    entry.key.span,
                    format!("the command `{}` cannot {what}", spec.name),
                )
                .help("leave it out, and order it in a rule that begins at that time");
        }
    }
}

/// What is written out and could never be ordered. Computed moments and times of day are looked at when the
/// order is given.
fn check_window(
    fields: &Fields<'_>,
    (start, end): (Option<&Option<Moment>>, Option<&Option<Moment>>),
    findings: &mut Findings<'_>,
) -> Option<()> {
    let mut fixed = |key, moment: Option<&Option<Moment>>, most| {
        let (Some(node), Some(Some(Moment::In(duration)))) = (fields.get(key), moment) else {
            return Some(None);
        };
        let duration = check_bounds(*duration, node, (SECOND, most), findings)?;
        Some(Some((node, duration)))
    };
    let start = fixed("start", start, PLANNED_AHEAD_MAX);
    let end = fixed("end", end, DURATION_MAX);
    let (Some((_, start)), Some((node, end))) = (start?, end?) else {
        return Some(());
    };
    if start < end {
        return Some(());
    }
    let sum = display(start.saturating_add(end));
    let (start, end) = (display(start), display(end));
    findings
        .report(
            code::OUT_OF_RANGE,
            node.head(),
            format!("the order would end {end} from now, and begin {start} from now"),
        )
        .help(format!(
            "`end` counts from now on, as `start` does: for {end} of it write `end: {sum}`"
        ));
    None
}

/// A duration from now, a time of day, or an expression.
fn moment(node: &Node, scope: &Scope<'_>, findings: &mut Findings<'_>) -> Option<Moment> {
    if is_computed(node) {
        let expression = compile_as(Wanted::Moment, node, &scope.values, findings);
        return expression.map(Moment::Computed);
    }
    Some(match fixed_moment(node, findings)? {
        FixedMoment::In(duration) => Moment::In(duration),
        FixedMoment::At(time) => Moment::At(time),
    })
}

/// A moment that is written out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum FixedMoment {
    /// From now.
    In(Duration),
    /// The next such time of day, in the home's zone.
    At(Time),
}

/// A duration from now, or a time of day.
pub(super) fn fixed_moment(node: &Node, findings: &mut Findings<'_>) -> Option<FixedMoment> {
    if let Kind::Text(text) = &node.kind {
        // `22:30` is a time of day, and so is `22:30:15`: a duration here is written with letters.
        if text.contains(':') {
            return time_of_day(node, findings).map(FixedMoment::At);
        }
        if let Some(milliseconds) = parse(text) {
            let duration = Duration::from_millis(milliseconds);
            if duration <= DURATION_MAX {
                return Some(FixedMoment::In(duration));
            }
        }
    }
    let duration = bounded(node, Duration::from_secs(1), DURATION_MAX, findings)?;
    Some(FixedMoment::In(duration))
}

fn verify(node: &Node, on: &Device, findings: &mut Findings<'_>) -> Option<Verify> {
    let fields = Fields::of(node, &blocks::VERIFY, findings)?;
    let within = fields.maybe("within", findings, |it, findings| {
        bounded(it, WITHIN_MIN, DURATION_MAX, findings)
    });
    let if_unknown = fields.maybe("if_unknown", findings, |it, findings| {
        word(
            it,
            "what an unknown value counts as",
            VERIFY_IF_UNKNOWN,
            findings,
        )
    });
    let named = fields.require("attribute", findings)?;
    let named = parse::name(named, "an attribute of the device", findings)?;
    let attribute = device::attribute(named, on, findings)?;
    let within = within?.unwrap_or(WITHIN_DEFAULT);
    let subject = Subject {
        device: on.clone(),
        attribute: attribute.name.to_owned(),
        // What counts is that it is younger than the order.
        max_age: DURATION_MAX,
    };
    let is_state = fields.get("is").or(fields.get("is_not")).is_some();
    let has_bounds = ["above", "below", "at_least", "at_most"]
        .iter()
        .any(|it| fields.get(it).is_some());
    if is_state && has_bounds {
        findings
            .report(
                code::WHICH_ONE,
                fields.head(),
                "`verify` compares with values and with bounds at once",
            )
            .help("write `is:` for words, or `above:` and `below:` for numbers");
        return None;
    }
    let test = if has_bounds {
        let bounds = parse::condition::bounds(&fields, findings)?;
        let head = fields.head();
        VerifyTest::Number(condition::numeric(
            subject, attribute, head, &bounds, findings,
        )?)
    } else {
        let values = parse::condition::values(&fields, findings)?;
        VerifyTest::State(condition::state(
            subject, attribute, values, None, findings,
        )?)
    };
    Some(Verify {
        test,
        within,
        if_unknown: if_unknown?.unwrap_or(IfUnknown::Block),
    })
}
