//! Triggers of the clock: `time`, `cron` and `sun`.

use jiff::{SignedDuration, Timestamp};

use crate::clock::later;
use crate::engine::Scene;
use crate::engine::breaker::CAUGHT_UP;
use crate::engine::facts::TriggerFields;
use crate::engine::schedule::Schedule;
use crate::engine::schedule::cursor::{Cursor, LATE_MAX};
use crate::engine::schedule::plausible::EARLIEST;
use crate::engine::trigger::happening::{self, put};
use crate::engine::trigger::hear::{Firing, Heard, Occasion};
use crate::engine::trigger::memory::TriggerMemory;
use crate::rules::expr::value::Value;
use crate::rules::rule::{On, Trigger};

/// Its moment has come: it fires for what is due, and for what was missed as far as `catch_up:` wants it.
pub(super) fn tick(
    scene: Scene<'_>,
    (index, trigger): (usize, &Trigger),
    memory: &mut TriggerMemory,
    occasion: Occasion<'_>,
) -> Heard {
    let is_due = memory.next_tick.is_some_and(|it| it <= scene.now);
    let schedule = Schedule::of(&trigger.on, scene.rules);
    let (Occasion::Time, true, Some(schedule), Some(cursor)) =
        (occasion, is_due, schedule, &mut memory.cursor)
    else {
        return Heard::default();
    };
    let due = cursor.due(&schedule, scene.now);
    cursor.advance(scene.now);
    memory.next_tick = cursor.next(&schedule);
    let mut heard = Heard::default();
    heard.firings.extend(due.at.into_iter().map(|at| Firing {
        trigger: index,
        fields: fields(scene, trigger, at),
    }));
    if due.left_out > 0 {
        let because = format!("{} times that were missed are over", due.left_out);
        heard.mismatches.push(because);
    }
    heard
}

/// It counts from the moment that it is there. A clock that cannot be right moves nothing: the trigger is
/// armed when it has been set.
pub(super) fn arm(scene: Scene<'_>, trigger: &Trigger, memory: &mut TriggerMemory) {
    if scene.now < EARLIEST {
        memory.next_tick = None;
        return;
    }
    if let Some(schedule) = Schedule::of(&trigger.on, scene.rules) {
        let cursor = *memory.cursor.get_or_insert(Cursor::new(scene.now));
        memory.next_tick = cursor.next(&schedule);
    }
}

/// A clock that is put back by less than this shows times once more that have fired; one that is put back
/// by more was wrong, and what it made fire belonged to other days.
const PUT_BACK_MAX: SignedDuration = SignedDuration::from_hours(24);

/// The clock was set by `by`: it goes by the new time. What the clock was put over counts as missed.
pub(super) fn clock_set(
    scene: Scene<'_>,
    trigger: &Trigger,
    memory: &mut TriggerMemory,
    by: SignedDuration,
) {
    if by <= -PUT_BACK_MAX {
        let further = memory.cursor.take().max(memory.former);
        memory.former = further;
    }
    if let Some(former) = memory.former.filter(|it| it.is_reached(scene.now)) {
        memory.former = None;
        memory.cursor = memory.cursor.max(Some(former));
    }
    arm(scene, trigger, memory);
}

fn fields(scene: Scene<'_>, trigger: &Trigger, at: Timestamp) -> TriggerFields {
    let kind = if matches!(trigger.on, On::Time(_)) {
        "time"
    } else if matches!(trigger.on, On::Cron(_)) {
        "cron"
    } else {
        "sun"
    };
    let mut fields = happening::fields(trigger, kind, scene.event);
    put(&mut fields, "at", Value::Moment(at));
    if later(at, LATE_MAX) < scene.now {
        put(&mut fields, CAUGHT_UP, Value::Bool(true));
    }
    if let On::Sun(sun) = &trigger.on {
        put(&mut fields, "event", Value::text(sun.event.name()));
    }
    fields
}
