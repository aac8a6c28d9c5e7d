//! One test, from its first step to its last, or to the first that is not what it should be.

use jiff::Timestamp;

use crate::clock::later;
use crate::config::names::Names;
use crate::domain::device::Device;
use crate::domain::event::{Connection, Payload, Report, Source};
use crate::domain::http::Reply;
use crate::domain::id::ActionId;
use crate::domain::lifecycle::{Lifecycle, Outcome};
use crate::rule_tests::compare::compare;
use crate::rule_tests::coverage::Coverage;
use crate::rule_tests::expected::Happened;
use crate::rule_tests::outbox::ends_as;
use crate::rule_tests::report::{Failure, Row};
use crate::rule_tests::since::Since;
use crate::rule_tests::test::{Expectation, Moment, Step, StepKind, Test, Webhook};
use crate::rule_tests::trace;
use crate::rule_tests::web::Heard;
use crate::rule_tests::world::World;
use crate::rule_tests::writes::WriteEnd;
use crate::rules::rule::RuleSet;

/// Why a test cannot go on.
struct Problem {
    what: String,
    /// Expected beside actual; empty when the step itself could not be done.
    rows: Vec<Row>,
}

impl From<String> for Problem {
    fn from(what: String) -> Self {
        let rows = Vec::new();
        Self { what, rows }
    }
}

/// What is wrong; none when everything was as expected.
pub(super) fn run(
    test: &Test,
    rules: &RuleSet,
    names: &Names,
    coverage: &mut Coverage,
) -> Option<Failure> {
    let mut world = World::new((rules, names), coverage, test.at);
    for setting in &test.given {
        world.set(setting);
    }
    // What is given was so before the story begins.
    world.since = Since::default();
    for step in &test.steps {
        if let Err(problem) = take(step, &mut world) {
            let now = world.now().to_zoned(world.timezone());
            return Some(Failure {
                place: step.place.clone(),
                at: now.strftime("%a %-d %b %Y %H:%M:%S").to_string(),
                problem: problem.what,
                rows: problem.rows,
                trace: trace::lines(&world.since.looks, names, &world.timezone()),
            });
        }
    }
    None
}

fn take<'w>(step: &'w Step, world: &mut World<'w>) -> Result<(), Problem> {
    match &step.kind {
        StepKind::Set(settings) => settings.iter().for_each(|it| world.set(it)),
        StepKind::End { device, outcome } => end(device, outcome, world)?,
        StepKind::Lose(device) => {
            let (_, deadline) = under_way(device, "be lost", world)?;
            world.wind_to(deadline);
        }
        StepKind::Written {
            device,
            setting,
            end,
        } => written(device, setting, end, world)?,
        StepKind::Answer { url, reply } => answer(url.as_deref(), reply, world)?,
        StepKind::Webhook(webhook) => hear(webhook, world),
        StepKind::Advance(duration) => world.wind_to(later(world.now(), *duration)),
        StepKind::At(moment) => wind(*moment, world)?,
        StepKind::Restart(down) => world.restart(*down),
        StepKind::Reload(rules) => world.reload(rules.as_deref()),
        StepKind::Expect(expectation) => expect(expectation, world)?,
    }
    Ok(())
}

fn hear(webhook: &Webhook, world: &mut World<'_>) {
    match webhook {
        Webhook::Body(payload) => world.happens(Source::Webhook, payload.clone()),
        Webhook::Ended {
            device,
            command,
            outcome,
        } => world.foreign(device, command, outcome),
        Webhook::Hook(hook) => world.happens(Source::Webhook, Payload::Hook(hook.clone())),
        Webhook::Connection { device, change } => {
            let connection = Connection {
                device: device.id.clone(),
                device_type: Some(device.device_type),
                change: *change,
                at: world.now(),
            };
            world.happens(Source::Webhook, Payload::Connection(connection));
        }
    }
}

fn answer(url: Option<&str>, reply: &Reply, world: &mut World<'_>) -> Result<(), Problem> {
    let which = url.map(|it| format!(" to `{it}`")).unwrap_or_default();
    match world.answer(url, reply.clone()) {
        Heard::Over(_) | Heard::Again => Ok(()),
        Heard::Nobody(None) => Err(Problem::from(format!(
            "no request of ours{which} is under way that could be answered"
        ))),
        Heard::Nobody(Some(due)) => {
            let due = due.to_zoned(world.timezone()).strftime("%H:%M:%S");
            Err(Problem::from(format!(
                "the request{which} is not under way: it is sent again at {due}"
            )))
        }
    }
}

/// The setting that we wrote is shown, or fails.
fn written(
    device: &Device,
    setting: &str,
    end: &WriteEnd,
    world: &mut World<'_>,
) -> Result<(), Problem> {
    let alias = &device.alias;
    match world.written(&device.id, setting, end) {
        Ok(()) => Ok(()),
        Err(None) => Err(Problem::from(format!(
            "`{setting}` of `{alias}` is not being written"
        ))),
        Err(Some(due)) => {
            let due = due.to_zoned(world.timezone()).strftime("%H:%M:%S");
            Err(Problem::from(format!(
                "`{setting}` of `{alias}` is not under way: it is written again at {due}"
            )))
        }
    }
}

/// The order under way at `device` is over.
fn end(device: &Device, outcome: &Outcome, world: &mut World<'_>) -> Result<(), Problem> {
    let (action, _) = under_way(device, ends_as(outcome), world)?;
    let command = world
        .outbox
        .first(&device.id)
        .map(|it| it.command.name.clone());
    let report = Report {
        action,
        device: device.id.clone(),
        device_type: Some(device.device_type),
        command,
        outcome: outcome.clone(),
        ended_at: Some(world.now()),
    };
    // No webhook tells of a cancellation; it is found when the action is looked up.
    let source = match outcome {
        Outcome::Cancelled => Source::LookUp,
        Outcome::Completed | Outcome::Failed(_) | Outcome::Expired => Source::Webhook,
    };
    world.happens(source, Payload::Report(report));
    Ok(())
}

/// The order that Amps has at `device`, and when it is given up.
fn under_way(
    device: &Device,
    will: &str,
    world: &World<'_>,
) -> Result<(ActionId, Timestamp), Problem> {
    let alias = &device.alias;
    let Some(open) = world.outbox.first(&device.id) else {
        return Err(Problem::from(format!(
            "no order of ours is under way at `{alias}` that could {will}"
        )));
    };
    match &open.lifecycle {
        Lifecycle::Acknowledged {
            action, deadline, ..
        } => Ok((action.clone(), *deadline)),
        Lifecycle::Queued { due, .. } => {
            let due = due
                .to_zoned(world.timezone())
                .strftime("%H:%M:%S")
                .to_string();
            Err(Problem::from(format!(
                "`{}` of `{alias}` is not under way: it is sent again at {due}",
                open.command.name
            )))
        }
        Lifecycle::Blocked { .. }
        | Lifecycle::Sending { .. }
        | Lifecycle::InDoubt { .. }
        | Lifecycle::Settled { .. } => {
            unreachable!(
                "here, Amps takes every push at once and what is over is not first in line"
            )
        }
    }
}

fn wind(moment: Moment, world: &mut World<'_>) -> Result<(), Problem> {
    let now = world.now();
    let target = match moment {
        Moment::Absolute(moment) => moment,
        Moment::TimeOfDay(time) => {
            let zoned = now.to_zoned(world.timezone());
            let next = [Ok(zoned.date()), zoned.date().tomorrow()]
                .into_iter()
                .filter_map(|day| {
                    let wall_clock = day.ok()?.to_datetime(time);
                    let zoned = world.timezone().into_ambiguous_zoned(wall_clock);
                    Some(zoned.compatible().ok()?.timestamp())
                })
                .find(|it| now < *it);
            next.unwrap_or(now)
        }
    };
    if target <= now {
        let clock = now.to_zoned(world.timezone());
        return Err(Problem::from(format!(
            "the clock cannot go back: it is {} already",
            clock.strftime("%Y-%m-%dT%H:%M:%S")
        )));
    }
    world.wind_to(target);
    Ok(())
}

/// Compares with what happened since the last time, and forgets that.
fn expect(expectation: &Expectation, world: &mut World<'_>) -> Result<(), Problem> {
    let runs = std::mem::take(&mut world.since.runs);
    let mut happened = std::mem::take(&mut world.since.happened);
    happened.extend(runs.into_iter().map(|(_, it)| it));
    let rows = compare(expectation, &happened);
    if rows.iter().all(|it| it.is_same) {
        world.since = Since::default();
        return Ok(());
    }
    let what = match (expectation.items.is_empty(), happened.iter().any(is_outer)) {
        (true, _) => "nothing should have happened, and something did",
        (false, false) => "something should have happened, and nothing did",
        (false, true) => "something else happened than was expected",
    };
    let what = what.to_owned();
    Err(Problem { what, rows })
}

fn is_outer(it: &Happened) -> bool {
    !it.kind().is_inner()
}
