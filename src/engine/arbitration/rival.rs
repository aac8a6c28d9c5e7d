//! Those who stand between a run and the device that it wants.

use jiff::Timestamp;

use crate::domain::command::Command;
use crate::domain::device::Device;
use crate::domain::id::{CommandId, RuleId, RunId};
use crate::engine::Scene;
use crate::engine::decision::Decision;
use crate::engine::run::Run;
use crate::engine::trace::{StepTrace, Trace, Verdict, clock_time};
use crate::engine::wait::Wait;
use crate::rules::rule::Settings;

/// Another run that has the device, keeps it, or comes first.
#[derive(Clone, Debug)]
pub(super) struct Rival {
    pub(super) run: RunId,
    pub(super) rule: RuleId,
    pub(super) priority: u32,
    pub(super) claim: RivalClaim,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RivalClaim {
    /// Its step's order is under way.
    Has,
    Keeps(Timestamp),
    /// It has stood in line for longer, or matters more.
    WaitsFirst,
}

/// What the rule weighs when two want a device.
pub(super) fn priority(scene: Scene<'_>, rule: &RuleId) -> u32 {
    let found = scene.rules.rule(rule);
    found.map_or(Settings::PRIORITY_DEFAULT, |it| it.settings.priority)
}

/// Those that have `device` or keep it, `run` itself aside.
pub(super) fn holders(
    scene: Scene<'_>,
    run: &Run,
    device: &Device,
    decision: &Decision,
) -> Vec<Rival> {
    let leases = scene.state.leases();
    let known = leases
        .held(&device.id)
        .filter(|it| !decision.moved_on.contains(it));
    let known = known.filter_map(|it| scene.state.run(it));
    let known = known.map(|it| (&it.id, &it.rule));
    // Those that got it a moment ago, in this very decision.
    let just_now = decision
        .commands
        .iter()
        .filter(|it| it.device.id == device.id && !decision.moved_on.contains(&it.run));
    let just_now = just_now.map(|it| (&it.run, &it.rule));
    let held = known.chain(just_now).filter(|(id, _)| **id != run.id);
    let mut rivals: Vec<Rival> = held
        .map(|(id, rule)| Rival {
            run: id.clone(),
            rule: rule.clone(),
            priority: priority(scene, rule),
            claim: RivalClaim::Has,
        })
        .collect();
    let kept = leases.kept(&device.id);
    let kept = kept.filter(|it| scene.now < it.until && it.rule != run.rule);
    rivals.extend(kept.map(|it| Rival {
        run: it.run.clone(),
        rule: it.rule.clone(),
        priority: priority(scene, &it.rule),
        claim: RivalClaim::Keeps(it.until),
    }));
    rivals
}

/// The first of those in line for `device` that come before `run`.
pub(super) fn ahead(
    scene: Scene<'_>,
    run: &Run,
    device: &Device,
    decision: &Decision,
) -> Option<Rival> {
    let own = place(scene, run);
    let line = scene.state.leases().line(&device.id);
    let others = line.filter(|it| **it != run.id && !decision.moved_on.contains(it));
    let others = others.filter_map(|it| scene.state.run(it));
    let first = others.min_by_key(|it| place(scene, it))?;
    (place(scene, first) < own).then(|| Rival {
        run: first.id.clone(),
        rule: first.rule.clone(),
        priority: priority(scene, &first.rule),
        claim: RivalClaim::WaitsFirst,
    })
}

/// Orders to the device of `command` that are only planned, and that it takes the place of. Whoever planned them
/// does not have the device any more.
pub(super) fn plans_that_give_way(scene: Scene<'_>, command: &Command) -> Vec<CommandId> {
    let orders = scene.state.orders(&command.device.id).into_iter();
    let plans = orders.flat_map(|it| it.giving_way(command.claim, scene.now));
    plans.cloned().collect()
}

/// The place in line: by priority, then by arrival. Who has not stood in it yet comes behind all of its like.
pub(super) fn place<'r>(
    scene: Scene<'_>,
    run: &'r Run,
) -> (std::cmp::Reverse<u32>, bool, Option<Timestamp>, &'r RunId) {
    let since = match &run.wait {
        Some(Wait::Device { since, .. }) => Some(*since),
        Some(_) | None => None,
    };
    let priority = priority(scene, &run.rule);
    (std::cmp::Reverse(priority), since.is_none(), since, &run.id)
}

impl Rival {
    /// As in: the rule `a` (priority 50) has `car_charger`.
    pub(super) fn describe(&self, scene: Scene<'_>, device: &Device) -> String {
        let (rule, device) = (self.name(), &device.alias);
        match self.claim {
            RivalClaim::Has => format!("{rule} has `{device}`"),
            RivalClaim::Keeps(until) => {
                let until = clock_time(scene, until);
                format!("{rule} keeps `{device}` until {until}")
            }
            RivalClaim::WaitsFirst => format!("{rule} is next for `{device}`"),
        }
    }

    pub(super) fn name(&self) -> String {
        named(&self.rule, self.priority)
    }

    /// Tells the rival in a trace of its own that somebody else wanted the device.
    pub(super) fn tell(&self, scene: Scene<'_>, said: String, decision: &mut Decision) {
        let run = scene.state.run(&self.run);
        let mut trace = match (run, scene.rules.rule(&self.rule)) {
            (Some(run), _) => {
                let mut trace = Trace::of_run(run, scene.event, scene.now);
                let step = run.operation().map(|it| StepTrace::new(it, said));
                trace.steps.extend(step);
                trace
            }
            // Its run is over, or began a moment ago.
            (None, Some(rule)) => {
                let mut trace = Trace::of(rule, scene.event, scene.now);
                trace.run = Some(self.run.clone());
                trace.steps.push(StepTrace {
                    place: rule.place.clone(),
                    alias: None,
                    did: said,
                });
                trace
            }
            (None, None) => return,
        };
        trace.verdict = Verdict::Noted;
        decision.traces.push(trace);
    }
}

/// `the rule `a` (priority 50)`
pub(super) fn named(rule: &RuleId, priority: u32) -> String {
    format!("the rule `{rule}` (priority {priority})")
}
