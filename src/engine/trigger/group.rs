//! Triggers made of triggers: all of them, in order, so many times, or none for so long.
//!
//! What has come so far is kept as long as it can still become whole: of a sequence one match for each
//! number of parts that have come, and so never more than it has parts.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;

use crate::clock::later;
use crate::engine::Scene;
use crate::engine::facts::TriggerFields;
use crate::engine::trigger::happening;
use crate::engine::trigger::hear::{Firing, Heard, Occasion, hear};
use crate::engine::trigger::memory::{Partial, TriggerMemory};
use crate::rules::expr::value::Value as Shown;
use crate::rules::rule::Trigger;
use crate::rules::trigger::{AbsenceTrigger, CountTrigger, GroupTrigger};

/// The most comings that `count` keeps.
const COUNTED_MAX: usize = 1000;

/// Shows `occasion` to the parts. Their firings carry the index of the part.
fn parts(
    scene: Scene<'_>,
    triggers: &[(usize, &Trigger)],
    memory: &mut TriggerMemory,
    occasion: Occasion<'_>,
) -> Heard {
    let mut heard = Heard::default();
    for (index, trigger) in triggers {
        let part = memory.part(*index);
        if !trigger.enabled {
            // Nobody asks it, so that a moment of its own would be due for ever.
            *part = TriggerMemory::default();
            continue;
        }
        heard.add(hear(scene, (*index, trigger), part, occasion));
    }
    heard
}

fn numbered(on: &GroupTrigger) -> Vec<(usize, &Trigger)> {
    on.triggers.iter().enumerate().collect()
}

/// Each of them within the time, in any order.
pub(super) fn all_of(
    scene: Scene<'_>,
    (index, trigger, on): (usize, &Trigger, &GroupTrigger),
    memory: &mut TriggerMemory,
    occasion: Occasion<'_>,
) -> Heard {
    forget(scene, memory, on.within);
    let heard = parts(scene, &numbered(on), memory, occasion);
    let mut firings = Vec::new();
    for firing in heard.firings {
        if memory.partial.is_empty() {
            memory.partial.push(Partial { came: Vec::new() });
        }
        let came = &mut memory.partial[0].came;
        came.retain(|(part, _)| *part != firing.trigger);
        came.push((firing.trigger, scene.now));
        let n_enabled = on.triggers.iter().filter(|it| it.enabled).count();
        if came.len() == n_enabled {
            memory.partial.clear();
            firings.push(whole((index, trigger), firing.fields, "all_of"));
        }
    }
    told(firings, heard.mismatches)
}

/// All of them within the time, one after the other.
pub(super) fn sequence(
    scene: Scene<'_>,
    (index, trigger, on): (usize, &Trigger, &GroupTrigger),
    memory: &mut TriggerMemory,
    occasion: Occasion<'_>,
) -> Heard {
    let expires = |it: &Partial| it.came.first().map(|(_, at)| later(*at, on.within));
    memory
        .partial
        .retain(|it| expires(it).is_some_and(|it| scene.now <= it));
    let heard = parts(scene, &numbered(on), memory, occasion);
    let enabled: Vec<usize> = (0..on.triggers.len())
        .filter(|it| on.triggers[*it].enabled)
        .collect();
    let mut firings = Vec::new();
    // The last part first: one coming is one step of each match, even where parts wait for the same.
    for firing in heard.firings.into_iter().rev() {
        let Some(step) = enabled.iter().position(|it| *it == firing.trigger) else {
            continue;
        };
        for partial in &mut memory.partial {
            if partial.came.len() == step {
                partial.came.push((firing.trigger, scene.now));
            }
        }
        if step == 0 {
            let came = vec![(firing.trigger, scene.now)];
            memory.partial.push(Partial { came });
        }
        keep_youngest(&mut memory.partial);
        if memory
            .partial
            .iter()
            .any(|it| it.came.len() == enabled.len())
        {
            memory.partial.clear();
            firings.push(whole((index, trigger), firing.fields, "sequence"));
        }
    }
    told(firings, heard.mismatches)
}

/// Of the matches that have come as far as each other, the one that began last can do all that the others
/// can, and for longer. Matches stand in the order in which they began.
fn keep_youngest(matches: &mut Vec<Partial>) {
    let mut lengths = BTreeSet::new();
    matches.reverse();
    matches.retain(|it| lengths.insert(it.came.len()));
    matches.reverse();
}

/// So many times within the time. Then it counts anew.
pub(super) fn count(
    scene: Scene<'_>,
    (index, trigger, on): (usize, &Trigger, &CountTrigger),
    memory: &mut TriggerMemory,
    occasion: Occasion<'_>,
) -> Heard {
    forget(scene, memory, on.within);
    let heard = parts(scene, &[(0, &*on.of)], memory, occasion);
    let mut firings = Vec::new();
    for firing in heard.firings {
        if memory.partial.is_empty() {
            memory.partial.push(Partial { came: Vec::new() });
        }
        let came = &mut memory.partial[0].came;
        came.push((0, scene.now));
        let n_over = came.len().saturating_sub(COUNTED_MAX);
        came.drain(..n_over);
        if usize::try_from(on.count).is_ok_and(|count| count <= came.len()) {
            memory.partial.clear();
            firings.push(whole((index, trigger), firing.fields, "count"));
        }
    }
    told(firings, heard.mismatches)
}

/// Forgets what came too long ago to matter.
fn forget(scene: Scene<'_>, memory: &mut TriggerMemory, within: Duration) {
    for partial in &mut memory.partial {
        partial
            .came
            .retain(|(_, at)| scene.now <= later(*at, within));
    }
    memory.partial.retain(|it| !it.came.is_empty());
}

/// `of` is part 0, `after` part 1.
pub(super) fn absence(
    scene: Scene<'_>,
    (index, trigger, on): (usize, &Trigger, &AbsenceTrigger),
    memory: &mut TriggerMemory,
    occasion: Occasion<'_>,
) -> Heard {
    let after = on.after.as_deref().map(|it| (1, it));
    let both: Vec<_> = std::iter::once((0, &*on.of)).chain(after).collect();
    let heard = parts(scene, &both, memory, occasion);
    let came = |part| heard.firings.iter().any(|it| it.trigger == part);
    // First: the time can have run out while nobody looked, and what comes now is too late.
    let is_over = memory.silent_until.is_some_and(|until| until <= scene.now);
    let since = memory.silent_since.filter(|_| is_over);
    if is_over {
        wait(memory, None, on.absent_for);
    }
    if came(0) {
        // It begins to count anew: at once, or when the other one comes again.
        let since = on.after.is_none().then_some(scene.now);
        wait(memory, since, on.absent_for);
    }
    if came(1) {
        wait(memory, Some(scene.now), on.absent_for);
    }
    let Some(since) = since else {
        return told(Vec::new(), heard.mismatches);
    };
    let mut fields = happening::fields(trigger, "absence", scene.event);
    happening::put(&mut fields, "since", Shown::Moment(since));
    Heard::fires(index, fields)
}

/// An absence that counts from the beginning does so from the moment the trigger is there.
pub(super) fn arm_absence(scene: Scene<'_>, on: &AbsenceTrigger, memory: &mut TriggerMemory) {
    if on.after.is_none() && memory.silent_since.is_none() {
        wait(memory, Some(scene.now), on.absent_for);
    }
}

fn wait(memory: &mut TriggerMemory, since: Option<Timestamp>, absent_for: Duration) {
    memory.silent_since = since;
    memory.silent_until = since.map(|it| later(it, absent_for));
}

/// The group is whole: what its last part saw, under the group's own kind and name.
fn whole((index, trigger): (usize, &Trigger), mut fields: TriggerFields, kind: &str) -> Firing {
    let id = trigger.id.as_ref();
    happening::put(&mut fields, "type", Shown::text(kind));
    fields.remove("id");
    happening::put(&mut fields, "id", id.map_or(Shown::Unknown, Shown::text));
    let trigger = index;
    Firing { trigger, fields }
}

fn told(firings: Vec<Firing>, mut mismatches: Vec<String>) -> Heard {
    if firings.is_empty() && mismatches.is_empty() {
        mismatches.push("not all of it has come".to_owned());
    }
    Heard {
        firings,
        mismatches,
    }
}
