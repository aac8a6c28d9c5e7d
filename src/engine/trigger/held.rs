//! Facts that have to hold for a while (`for:`). The wait is a row with the moment at which it is over.

use std::time::Duration;

use jiff::Timestamp;

use crate::clock::later;
use crate::domain::event::ConnectionChange;
use crate::domain::value::Reading;
use crate::engine::Scene;
use crate::engine::facts::TriggerFields;
use crate::engine::trigger::hear::{Firing, Heard, Occasion};
use crate::engine::trigger::memory::{Holding, Side, TriggerMemory};
use crate::engine::trigger::value::News;
use crate::engine::trigger::{Happening, plain, value};
use crate::rules::expr::value::Value as Shown;
use crate::rules::rule::{DeviceTrigger, On, Trigger};
use crate::rules::trigger::{Held, Watched};

/// How often, in the time of one gap, it is noted that a fact was heard to hold. After a start, a gap
/// may seem longer by one such part than it was.
const NOTES_PER_GAP: u32 = 4;

/// The fact begins to hold: it fires at once, or when it has held for long enough.
pub(super) fn begin(
    memory: &mut TriggerMemory,
    (index, held): (usize, Option<Held>),
    news: &News<'_>,
    fields: TriggerFields,
) -> Heard {
    let Some(held) = held else {
        return Heard::fires(index, fields);
    };
    hold(memory, held, (&news.subject, news.at), fields)
}

fn hold(
    memory: &mut TriggerMemory,
    held: Held,
    (subject, since): (&str, Timestamp),
    fields: TriggerFields,
) -> Heard {
    let holding = Holding {
        since,
        until: later(since, held.duration),
        heard_at: Some(since),
        fields,
    };
    memory.held.insert(subject.to_owned(), holding);
    Heard::silence("it has to stay so for a while")
}

/// A further value: the fact ends when the value is contrary, or when nothing was heard for too long.
/// Whether it ended before it had held for long enough.
pub(super) fn keep(
    memory: &mut TriggerMemory,
    held: Held,
    news: &News<'_>,
    goes_on: impl Fn(&News<'_>) -> bool,
) -> bool {
    if !goes_on(news) {
        return memory.held.remove(&news.subject).is_some();
    }
    let Some(holding) = memory.held.get_mut(&news.subject) else {
        return false;
    };
    let gap_ends = news
        .heard_at
        .max(holding.heard_at)
        .map(|it| later(it, held.gap_tolerance));
    if gap_ends.is_some_and(|it| it < news.at) {
        // Nobody knows how it was meanwhile: the time is counted anew.
        holding.since = news.at;
        holding.until = later(news.at, held.duration);
    }
    let noted = holding.heard_at.unwrap_or(holding.since);
    if later(noted, held.gap_tolerance / NOTES_PER_GAP) <= news.at {
        holding.heard_at = Some(news.at);
    }
    false
}

/// The fact `before` began to hold for another trigger in this place. Where `on` waits for the same, and it
/// holds by all that is known, it is counted from now on.
pub(super) fn begin_anew(
    scene: Scene<'_>,
    on: &On,
    memory: &mut TriggerMemory,
    (subject, before): (&str, &Holding),
) {
    let Some(held) = on.held().filter(|_| !memory.held.contains_key(subject)) else {
        return;
    };
    let is_of = |key: &str, wanted: &str| before.fields.get(key) == Some(&Shown::text(wanted));
    let value = on.watched().and_then(|it| known(scene, it, subject));
    let is_same = is_of("type", on.word())
        && match on.watched() {
            Some(Watched::Attribute { attribute, .. }) => is_of("attribute", attribute),
            Some(Watched::Input(_)) | None => true,
        };
    let holds = is_same
        && match on {
            On::State(it) => {
                value.is_some_and(|value| value::state_holds(it, before, &value.value))
            }
            On::NumericState(it) => {
                let holds = value.is_some_and(|value| value::number_holds(it, &value.value));
                if holds {
                    memory.sides.insert(subject.to_owned(), Side::Beyond);
                }
                holds
            }
            On::Device(it) => {
                let mut changes = it.changes.iter();
                it.devices.iter().any(|it| it.alias.as_str() == subject)
                    && (it.changes.is_empty()
                        || changes.any(|it| is_of("event", plain::change_name(*it))))
            }
            On::Command(_)
            | On::Time(_)
            | On::Cron(_)
            | On::Sun(_)
            | On::Webhook(_)
            | On::Engine(_)
            | On::AllOf(_)
            | On::Sequence(_)
            | On::Absence(_)
            | On::Count(_) => false,
        };
    if holds {
        let holding = Holding {
            since: scene.now,
            until: later(scene.now, held.duration),
            ..before.clone()
        };
        memory.held.insert(subject.to_owned(), holding);
    }
}

/// What was read last of the subject; none when it is none of those that are watched.
fn known<'s>(scene: Scene<'s>, watched: &Watched, subject: &str) -> Option<&'s Reading> {
    match watched {
        Watched::Attribute {
            devices, attribute, ..
        } => {
            let mut devices = devices.iter();
            let device = devices.find(|it| it.alias.as_str() == subject)?;
            scene.state.reading(&device.id, attribute)
        }
        Watched::Input(input) if format!("input.{input}") == subject => scene.state.input(input),
        Watched::Input(_) => None,
    }
}

/// The moment has come at which a fact may have held for long enough.
pub(super) fn over(
    scene: Scene<'_>,
    (index, held, watched): (usize, Option<Held>, &Watched),
    memory: &mut TriggerMemory,
) -> Heard {
    let gap = held.map(|it| it.gap_tolerance).unwrap_or_default();
    due(scene, (index, held, gap), memory, |subject, holding| {
        let reading = known(scene, watched, subject);
        reading.map(|it| it.taken_at).max(holding.heard_at)
    })
}

/// Takes out what is due, and fires for each that was heard of within `gap`, and so has surely held. For the
/// others the time is counted anew, which is told when they were still heard of as it began: once, then.
fn due(
    scene: Scene<'_>,
    (index, held, gap): (usize, Option<Held>, Duration),
    memory: &mut TriggerMemory,
    heard_at: impl Fn(&str, &Holding) -> Option<Timestamp>,
) -> Heard {
    let (over, young) = std::mem::take(&mut memory.held)
        .into_iter()
        .partition(|(_, it)| it.until <= scene.now);
    memory.held = young;
    let mut heard = Heard::default();
    let over: std::collections::BTreeMap<String, Holding> = over;
    for (subject, holding) in over {
        let known_until = heard_at(&subject, &holding).map(|it| later(it, gap));
        if known_until.is_some_and(|it| scene.now <= it) {
            heard.firings.push(Firing {
                trigger: index,
                fields: holding.fields,
            });
        } else {
            if known_until.is_some_and(|it| holding.since <= it) {
                let because = format!("nothing was heard of {subject} for too long to be sure");
                heard.mismatches.push(because);
            }
            let since = scene.now;
            let until = held.map_or(Timestamp::MAX, |it| later(since, it.duration));
            let holding = Holding {
                since,
                until,
                ..holding
            };
            memory.held.insert(subject, holding);
        }
    }
    heard
}

/// The connection of a device changed, and stays so.
pub(super) fn device(
    scene: Scene<'_>,
    (index, trigger, on): (usize, &Trigger, &DeviceTrigger),
    memory: &mut TriggerMemory,
    occasion: Occasion<'_>,
) -> Heard {
    let happening = match occasion {
        Occasion::Happening(happening) => happening,
        // A connection changes by webhooks alone: silence is no news.
        Occasion::Time => {
            let gap = Duration::ZERO;
            return due(scene, (index, on.held, gap), memory, |_, _| Some(scene.now));
        }
    };
    let mismatch = plain::mismatch(&trigger.on, happening);
    let device = happening.connection(&on.devices);
    if let Some((subject, change)) = device
        && mismatch.is_some()
        && change != ConnectionChange::Unclear
    {
        memory.held.remove(subject);
    }
    if let Some(because) = mismatch {
        return Heard::silence(because);
    }
    let fields = plain::fields(trigger, happening, scene.event);
    match (on.held, device) {
        (Some(held), Some((subject, _))) => {
            if memory.held.contains_key(subject) {
                return Heard::silence("it was so already");
            }
            hold(memory, held, (subject, scene.event.received_at), fields)
        }
        (Some(_) | None, _) => Heard::fires(index, fields),
    }
}

impl Happening<'_> {
    /// The device of these whose connection changed, by its name.
    #[expect(clippy::wildcard_enum_match_arm, reason = "one kind is asked for")]
    fn connection<'d>(
        &self,
        devices: &'d [crate::domain::device::Device],
    ) -> Option<(&'d str, ConnectionChange)> {
        match self {
            Self::Connection { device, change } => {
                let device = devices.iter().find(|it| it.id == **device)?;
                Some((device.alias.as_str(), *change))
            }
            _ => None,
        }
    }
}
