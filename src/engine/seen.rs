//! What a condition looked at, value by value: how old each was, and where it came from.

use std::time::Duration;

use crate::domain::id::InputName;
use crate::domain::value::Reading;
use crate::engine::facts::{Known, View};
use crate::engine::trace::{Seen, SeenOrigin};
use crate::engine::values::{name, unit_symbol};
use crate::rules::condition::Block;
use crate::rules::expr::eval::{Facts, age};
use crate::rules::expr::program::{Checked, Read, Source};
use crate::rules::expr::scope::Root;
use crate::rules::expr::value::Value;
use crate::rules::rule::{Condition, Subject, Test};

/// The most values that the trace of one condition holds; of more, the first ones.
const SEEN_MAX: usize = 20;

/// How old a value may be that a trigger compares with before it is worth a word: conditions ask for younger
/// ones, unless they say otherwise.
const BEFORE_MAX_AGE: Duration = Duration::from_mins(15);

/// The value that the trigger compared with, if that was long before the new one.
pub(super) fn before(view: View<'_>) -> Option<Seen> {
    let moment = |name: &str| match view.trigger.get(name) {
        Some(Value::Moment(at)) => Some(*at),
        Some(_) | None => None,
    };
    let (from, at) = (moment("from_at")?, moment("at")?);
    let age = age(from, at);
    (BEFORE_MAX_AGE < age).then(|| Seen {
        taken_at: Some(from),
        age_seconds: Some(age.as_secs()),
        ..field(view, Root::Trigger, "from")
    })
}

/// The values that `condition` asks, each once, in the order of the text.
pub(super) fn of_condition(view: View<'_>, condition: &Condition) -> Vec<Seen> {
    let mut seen = Vec::new();
    collect(view, condition, &mut seen);
    seen.truncate(SEEN_MAX);
    seen
}

fn collect(view: View<'_>, condition: &Condition, seen: &mut Vec<Seen>) {
    match &condition.test {
        Test::State(test) => add(attribute(view, &test.subject), seen),
        Test::NumericState(test) => add(attribute(view, &test.subject), seen),
        Test::Input(test) => add(input(view, &test.input), seen),
        Test::Expression(checked) => of_expression(view, checked, seen),
        Test::Block(Block { conditions, .. }) => {
            let asked = conditions.iter().filter(|it| it.enabled);
            asked.for_each(|it| collect(view, it, seen));
        }
        // They ask the clock, or what the engine itself did.
        Test::Time(_) | Test::Sun(_) | Test::Trigger(_) | Test::Rule(_) | Test::Command(_) => {}
    }
}

fn add(new: Seen, seen: &mut Vec<Seen>) {
    if seen.iter().all(|it| it.name != new.name) {
        seen.push(new);
    }
}

fn of_expression(view: View<'_>, checked: &Checked, seen: &mut Vec<Seen>) {
    for read in checked.reads() {
        let source = match read {
            Read::Now => continue,
            Read::Series { input: name } => {
                add(input(view, &InputName::new(name)), seen);
                continue;
            }
            Read::Value { source, .. } | Read::Age { source } => source,
        };
        add(of_source(view, source), seen);
    }
}

fn of_source(view: View<'_>, source: &Source) -> Seen {
    match source {
        Source::Attribute {
            device,
            attribute: name,
            max_age,
        } => attribute(
            view,
            &Subject {
                device: device.clone(),
                attribute: name.clone(),
                max_age: *max_age,
            },
        ),
        Source::Input { name, .. } => input(view, &InputName::new(name.as_str())),
        Source::Field { root, name } => field(view, *root, name),
    }
}

fn attribute(view: View<'_>, subject: &Subject) -> Seen {
    let symbol = unit_symbol(subject);
    let state = view.scene.state;
    let reading = state.reading(&subject.device.id, &subject.attribute);
    let origin = reading.map(|it| it.origin.into());
    read(view, name(subject), (reading, &symbol), origin)
}

fn input(view: View<'_>, input: &InputName) -> Seen {
    let reading = view.scene.state.input(input);
    let origin = reading.map(|_| SeenOrigin::Input);
    read(view, format!("input.{input}"), (reading, ""), origin)
}

fn read(
    view: View<'_>,
    name: String,
    (reading, symbol): (Option<&Reading>, &str),
    origin: Option<SeenOrigin>,
) -> Seen {
    let old = |it: &Reading| age(it.taken_at, view.scene.now);
    Seen {
        name,
        value: reading.map(|it| format!("{}{symbol}", it.value)),
        taken_at: reading.map(|it| it.taken_at),
        age_seconds: reading.map(old).map(|it: Duration| it.as_secs()),
        origin,
    }
}

/// What the trigger saw, or what the rule or the run carries along.
fn field(view: View<'_>, root: Root, name: &str) -> Seen {
    let value = Known::of(view).field(root, name);
    let is_known = value != Value::Unknown;
    let origin = match root {
        Root::Trigger => SeenOrigin::Event,
        Root::Vars | Root::State | Root::Failure | Root::Repeat | Root::Wait => SeenOrigin::Rule,
    };
    Seen {
        name: format!("{}.{name}", root.name()),
        value: is_known.then(|| view.shown(&value)),
        taken_at: None,
        age_seconds: None,
        origin: is_known.then_some(origin),
    }
}
