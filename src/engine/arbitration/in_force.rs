//! Whether an order would change nothing: the same was taken last, and a fresh look at the device agrees.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::domain::catalogue::{Shown, Sign};
use crate::domain::command::{Command, Timing};
use crate::domain::value::{Origin, Quantity, Reading, Value};
use crate::engine::Scene;
use crate::engine::condition::show;
use crate::rules::expr::eval::age;

/// How old the look may be.
const FRESH: Duration = Duration::from_mins(15);

/// How far a number may be off: devices round.
const NUMBER_DIFFERENCE_MAX: f64 = 0.05;

/// What shows that `command` is in force already; none when it has to be sent.
pub(super) fn in_force(scene: Scene<'_>, command: &Command) -> Option<String> {
    let device = &command.device;
    let signs = device.device_type.command(&command.name)?.signs;
    let first = signs.first()?;
    let orders = scene.state.orders(&device.id)?;
    let completed = orders.completed()?;
    let same = completed.order.name == command.name
        && are_alike(&completed.order.parameters, &command.parameters);
    // What failed may have had its effect all the same; so may somebody else's order.
    let later_failure = orders.last(None).failed.filter(|it| completed.at <= *it);
    let foreign = scene.state.foreign_order(&device.id);
    let is_last = orders.n_open(None) == 0
        && later_failure.is_none()
        && foreign.is_none_or(|it| it < completed.at);
    // One that begins later or ends by itself changes what is to come; so does one after an order that does.
    let is_plain = command.timing == Timing::default() && !completed.order.ends_by_itself;
    if !same || !is_last || !is_plain {
        return None;
    }
    let reading = |sign: &Sign| scene.state.reading(&device.id, sign.attribute);
    let agrees = |sign: &Sign| {
        reading(sign).is_some_and(|it| {
            let is_fresh = completed.at < it.taken_at
                && age(it.taken_at, scene.now) <= FRESH
                && it.origin != Origin::Fallback;
            is_fresh && shows(sign, it, command)
        })
    };
    if !signs.iter().all(agrees) {
        return None;
    }
    let seen = reading(first)?;
    Some(format!(
        "unchanged: `{}` of `{}` is in force already, `{}` was {} {} ago",
        command.name,
        device.alias,
        first.attribute,
        seen.value,
        show(age(seen.taken_at, scene.now)),
    ))
}

/// Whether both are the same parameters: a number that is converted and calculated may differ in its last digits.
fn are_alike(known: &BTreeMap<String, Quantity>, asked: &BTreeMap<String, Quantity>) -> bool {
    let mut pairs = known.iter().zip(asked);
    known.len() == asked.len()
        && pairs.all(|((name, known), (other, asked))| {
            name == other && known.unit == asked.unit && is_near(known.value, asked.value)
        })
}

fn is_near(one: f64, other: f64) -> bool {
    (one - other).abs() <= NUMBER_DIFFERENCE_MAX
}

fn shows(sign: &Sign, reading: &Reading, command: &Command) -> bool {
    match (sign.shown, &reading.value) {
        (Shown::Word(word), Value::Text(text)) => text == word,
        (Shown::Flag(flag), Value::Bool(value)) => *value == flag,
        (Shown::Parameter(name), Value::Number(number)) => command
            .parameters
            .get(name)
            .is_none_or(|it| is_near(it.value, *number)),
        (Shown::Word(_) | Shown::Flag(_) | Shown::Parameter(_), _) => false,
    }
}
