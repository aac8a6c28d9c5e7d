//! Triggers on values of devices and inputs: a change, or a number that crosses a limit.
//!
//! Two values that were read are compared, however long lies between them: a device that was out of reach for
//! a while and then shows another value has changed, and a limit that was crossed in a gap of the data has been
//! crossed. Nobody misses a battery that became full while the internet was away. A gap alone is nothing: a value
//! on the side of the last one fires nothing, and neither does a first value (`from_unknown: fire` asks for that).
//! `trigger.from_at` and the trace tell how old the value before was.

use jiff::Timestamp;

use crate::domain::device::Device;
use crate::domain::value::{Origin, Value};
use crate::engine::Scene;
use crate::engine::facts::TriggerFields;
use crate::engine::trigger::hear::{Heard, Occasion};
use crate::engine::trigger::memory::{Holding, Side, TriggerMemory};
use crate::engine::trigger::{Happening, happening, held};
use crate::rules::expr::value::Value as Shown;
use crate::rules::rule::{On, Trigger};
use crate::rules::trigger::{NumericTrigger, StateTrigger, Watched};

/// A value that came in, beside the one that was known.
pub(super) struct News<'a> {
    /// Tells the subjects of one trigger apart.
    pub(super) subject: String,
    pub(super) from: Option<&'a Value>,
    /// When `from` was last heard.
    pub(super) heard_at: Option<Timestamp>,
    pub(super) to: &'a Value,
    pub(super) at: Timestamp,
}

/// What `happening` says of the subject that `watched` names; none when it says nothing of it.
fn news<'a>(
    scene: Scene<'a>,
    watched: &Watched,
    happening: &'a Happening<'a>,
) -> Result<News<'a>, &'static str> {
    const ELSEWHERE: &str = "it was about another value";
    match (watched, happening) {
        (
            Watched::Attribute {
                devices, attribute, ..
            },
            Happening::Read(readings),
        ) => {
            let device = devices.iter().find(|it| it.id == readings.device);
            let device = device.ok_or(ELSEWHERE)?;
            let to = readings.values.get(attribute).ok_or(ELSEWHERE)?;
            if readings.origin == Origin::Fallback {
                return Err("the platform could not reach the device");
            }
            let known = scene.state.reading(&device.id, attribute);
            if known.is_some_and(|it| readings.taken_at < it.taken_at) {
                return Err("a newer value is known");
            }
            Ok(News {
                subject: device.alias.as_str().to_owned(),
                from: known.map(|it| &it.value),
                heard_at: known.map(|it| it.taken_at),
                to,
                at: readings.taken_at.min(scene.now),
            })
        }
        (Watched::Input(input), Happening::Input(reading)) if reading.input == *input => {
            let to = reading.value.as_ref().ok_or("the input has no value now")?;
            let known = scene.state.input(input);
            Ok(News {
                subject: format!("input.{input}"),
                from: known.map(|it| &it.value),
                heard_at: known.map(|it| it.taken_at),
                to,
                at: reading.taken_at.min(scene.now),
            })
        }
        _ => Err(ELSEWHERE),
    }
}

fn fields(
    trigger: &Trigger,
    kind: &str,
    watched: &Watched,
    news: &News<'_>,
    scene: Scene<'_>,
) -> TriggerFields {
    let mut fields = happening::fields(trigger, kind, scene.event);
    let mut kind = None;
    match watched {
        Watched::Attribute {
            devices, attribute, ..
        } => {
            let spec = devices
                .first()
                .map(|it| it.device_type.attribute(attribute));
            kind = spec.flatten().map(|it| it.kind);
            happening::put(&mut fields, "device", Shown::text(&news.subject));
            happening::put(&mut fields, "attribute", Shown::text(attribute));
        }
        Watched::Input(input) => {
            happening::put(&mut fields, "input", Shown::text(input.as_str()));
        }
    }
    let shown = |value: &Value| match kind {
        Some(kind) => Shown::of_attribute(value, kind),
        None => Shown::of_reading(value),
    };
    happening::put(&mut fields, "from", news.from.map_or(Shown::Unknown, shown));
    let from_at = news.heard_at.map_or(Shown::Unknown, Shown::Moment);
    happening::put(&mut fields, "from_at", from_at);
    happening::put(&mut fields, "to", shown(news.to));
    happening::put(&mut fields, "at", Shown::Moment(news.at));
    fields
}

pub(super) fn state(
    scene: Scene<'_>,
    (index, trigger, on): (usize, &Trigger, &StateTrigger),
    memory: &mut TriggerMemory,
    occasion: Occasion<'_>,
) -> Heard {
    let happening = match occasion {
        Occasion::Happening(happening) => happening,
        Occasion::Time => return held::over(scene, (index, on.held, &on.watched), memory),
    };
    let news = match news(scene, &on.watched, happening) {
        Ok(news) => news,
        Err(because) => return Heard::silence(because),
    };
    let changed = news.from.is_some_and(|from| from != news.to);
    if let Some(held) = on.held {
        let goes_on = !changed || (is_about_values(on) && stays(on, news.to));
        held::keep(memory, held, &news, |_| goes_on);
    }
    let mismatch = match news.from {
        None => Some("it is the first value that is known".to_owned()),
        Some(from) if from == news.to => Some(format!("it is {} still", news.to)),
        Some(from) => state_mismatch(on, from, news.to),
    };
    if let Some(because) = mismatch {
        return Heard::silence(because);
    }
    if memory.held.contains_key(&news.subject) {
        return Heard::silence("it was so already, and has to stay so for a while");
    }
    let fields = fields(trigger, "state", &on.watched, &news, scene);
    held::begin(memory, (index, on.held), &news, fields)
}

fn state_mismatch(on: &StateTrigger, from: &Value, to: &Value) -> Option<String> {
    let fits = |wanted: &[Value], value| wanted.is_empty() || wanted.contains(value);
    if !fits(&on.from, from) || on.not_from.contains(from) {
        return Some(format!("it was {from} before"));
    }
    if !fits(&on.to, to) || on.not_to.contains(to) {
        return Some(format!("it became {to}"));
    }
    None
}

/// Whether `on` says what values it is about; otherwise it waits for that a value stays as it became.
fn is_about_values(on: &StateTrigger) -> bool {
    !(on.from.is_empty() && on.to.is_empty() && on.not_to.is_empty())
}

/// Whether what `on` waits for is so with `value` too, once it began to be so: one of `to`; without `to`, none
/// of `from` any more.
fn stays(on: &StateTrigger, value: &Value) -> bool {
    let fits = if on.to.is_empty() {
        !on.from.contains(value)
    } else {
        on.to.contains(value)
    };
    fits && !on.not_to.contains(value)
}

/// Whether what began to be so as `before` says is what `on` waits for, and is so with `value`.
pub(super) fn state_holds(on: &StateTrigger, before: &Holding, value: &Value) -> bool {
    let was = before.fields.get("from");
    let is = |it: &Value| was == Some(&Shown::of_reading(it));
    let began = on.from.is_empty() || on.from.iter().any(is);
    began && !on.not_from.iter().any(is) && stays(on, value)
}

/// Whether a number is beyond the limit.
pub(super) fn number_holds(on: &NumericTrigger, value: &Value) -> bool {
    side_of(on, value) == Some(Side::Beyond)
}

/// The devices whose past the trigger itself remembers.
pub(super) fn devices(on: &On) -> Option<&[Device]> {
    if let On::Device(it) = on {
        return Some(&it.devices);
    }
    match on.watched()? {
        Watched::Attribute { devices, .. } => Some(devices),
        Watched::Input(_) => None,
    }
}

pub(super) fn numeric(
    scene: Scene<'_>,
    (index, trigger, on): (usize, &Trigger, &NumericTrigger),
    memory: &mut TriggerMemory,
    occasion: Occasion<'_>,
) -> Heard {
    let happening = match occasion {
        Occasion::Happening(happening) => happening,
        Occasion::Time => return held::over(scene, (index, on.held, &on.watched), memory),
    };
    let news = match news(scene, &on.watched, happening) {
        Ok(news) => news,
        Err(because) => return Heard::silence(because),
    };
    let Value::Number(number) = *news.to else {
        return Heard::silence("it is no number");
    };
    let is_beyond = is_beyond(on, number);
    let has_ended = on
        .held
        .is_some_and(|held| held::keep(memory, held, &news, |_| is_beyond));
    let before = if has_ended {
        // It never fired, so that `reset` has nothing to keep apart.
        Some(Side::Armed)
    } else {
        memory.sides.get(&news.subject).copied()
    };
    let before = before.or_else(|| side_of(on, news.from?));
    let now = match (before, is_beyond) {
        (_, true) => Side::Beyond,
        (Some(Side::Beyond), false) if !is_reset(on, number) => Side::Beyond,
        (_, false) => Side::Armed,
    };
    memory.sides.insert(news.subject.clone(), now);
    let crosses = match before {
        Some(before) => before == Side::Armed && now == Side::Beyond,
        None => now == Side::Beyond && on.fires_from_unknown,
    };
    if !crosses {
        return Heard::silence(match (before, now) {
            (None, _) => format!("{number} is the first value that is known"),
            (_, Side::Armed) => format!("{number} is on this side of the limit"),
            (_, Side::Beyond) if is_beyond => format!("{number} is beyond the limit still"),
            (_, Side::Beyond) => format!("{number} is not yet back at `reset`"),
        });
    }
    let fields = fields(trigger, "numeric_state", &on.watched, &news, scene);
    held::begin(memory, (index, on.held), &news, fields)
}

/// Where a value is that was known before the trigger was there.
fn side_of(on: &NumericTrigger, value: &Value) -> Option<Side> {
    let Value::Number(number) = *value else {
        return None;
    };
    let side = if is_beyond(on, number) {
        Side::Beyond
    } else {
        Side::Armed
    };
    Some(side)
}

fn is_beyond(on: &NumericTrigger, number: f64) -> bool {
    on.above.is_none_or(|above| above < number) && on.below.is_none_or(|below| number < below)
}

/// Whether a number that is not beyond the limit any more arms the trigger again.
fn is_reset(on: &NumericTrigger, number: f64) -> bool {
    match (on.reset, on.above) {
        (None, _) => true,
        (Some(reset), Some(_)) => number <= reset,
        (Some(reset), None) => reset <= number,
    }
}
