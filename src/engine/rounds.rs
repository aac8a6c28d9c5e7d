//! Loops of a run: whether there is another round, and with what.

use crate::engine::Scene;
use crate::engine::decision::Decision;
use crate::engine::facts::View;
use crate::engine::memory::{Plan, Round, demand};
use crate::engine::run::Run;
use crate::engine::walk::{Next, ask, view};
use crate::rules::expr::value::Value;
use crate::rules::operation::{RepeatOperation, Rounds};
use crate::rules::rule::Condition;

/// Into the next round of the loop at the run's position, or behind the loop; or why the step fails.
pub(super) fn another(
    scene: Scene<'_>,
    run: &mut Run,
    repeat: &RepeatOperation,
    decision: &Decision,
) -> Result<(String, Next), String> {
    let position = run.position;
    let inside = run.memory.loops.pop_if(|it| it.position == position);
    let mut round = inside.unwrap_or(Round {
        position,
        index: 0,
        item: None,
        plan: Plan::Open,
    });
    // How often, or over what, is asked once: what changes meanwhile does not change the loop.
    if round.plan == Plan::Open {
        round.plan = plan(repeat, view(scene, run, decision))?;
    }
    let done = round.index;
    let (goes_on, why) = match &repeat.rounds {
        Rounds::Count(_) | Rounds::ForEach(_) => of_plan(&mut round),
        Rounds::While(conditions) => {
            // Asked of the round that would follow, as in Home Assistant.
            round.index = done.saturating_add(1);
            ask_inside(scene, run, &round, conditions, decision)
        }
        Rounds::Until(_) if done == 0 => (true, String::new()),
        Rounds::Until(conditions) => {
            let (holds, found) = ask_inside(scene, run, &round, conditions, decision);
            (!holds, found)
        }
    };
    if !goes_on {
        return Ok((format!("{done} rounds{why}"), Next::At(repeat.end)));
    }
    if repeat.max <= done {
        return Err(format!("it wanted more than {} rounds", repeat.max));
    }
    round.index = done.saturating_add(1);
    let note = format!("round {}{why}", round.index);
    run.memory.loops.push(round);
    Ok((note, Next::Following))
}

/// Whether there is a round left, and over what.
fn of_plan(round: &mut Round) -> (bool, String) {
    match &round.plan {
        Plan::Count(count) => (round.index < *count, String::new()),
        Plan::Items(items) => {
            let next = usize::try_from(round.index).ok();
            round.item = next.and_then(|it| items.get(it).cloned());
            (round.item.is_some(), String::new())
        }
        Plan::Open => (false, String::new()),
    }
}

/// The answer of `conditions`, with the loop around them.
fn ask_inside(
    scene: Scene<'_>,
    run: &mut Run,
    round: &Round,
    conditions: &[Condition],
    decision: &Decision,
) -> (bool, String) {
    run.memory.loops.push(round.clone());
    let (holds, found) = ask(view(scene, run, decision), conditions);
    run.memory.loops.pop();
    (holds, format!(": {found}"))
}

fn plan(repeat: &RepeatOperation, view: View<'_>) -> Result<Plan, String> {
    match &repeat.rounds {
        Rounds::Count(count) => {
            let count = demand(count, "how often to repeat", view)?;
            rounds(&count, repeat.max, view).map(Plan::Count)
        }
        Rounds::ForEach(list) => {
            let what = "the list to repeat over";
            let list = demand(list, what, view)?;
            let Value::List(items) = list else {
                let found = view.shown(&list);
                return Err(format!("{what} is no list, but `{found}`"));
            };
            let max = usize::try_from(repeat.max).unwrap_or(usize::MAX);
            if max < items.len() {
                return Err(too_many(&items.len().to_string(), repeat.max));
            }
            Ok(Plan::Items(items))
        }
        Rounds::While(_) | Rounds::Until(_) => Ok(Plan::Open),
    }
}

fn rounds(count: &Value, max: u32, view: View<'_>) -> Result<u32, String> {
    let found = view.shown(count);
    // A number is shown without a fraction when it has none, and as itself when it is not too large.
    match (count, found.parse::<u32>()) {
        (Value::Number(_), Ok(count)) if count <= max => Ok(count),
        (Value::Number(number), _) if f64::from(max) < *number => Err(too_many(&found, max)),
        (_, _) => Err(format!(
            "it wanted `{found}` rounds, which is no number of rounds"
        )),
    }
}

fn too_many(found: &str, max: u32) -> String {
    format!("it wanted {found} rounds, and `max` allows {max}")
}
