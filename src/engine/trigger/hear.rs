//! One trigger hears of something, or its time has come: does it fire, and what does it remember?

use jiff::SignedDuration;

use crate::engine::Scene;
use crate::engine::facts::TriggerFields;
use crate::engine::trigger::memory::{Holding, TriggerMemory};
use crate::engine::trigger::{Happening, each, group, held, plain, schedule, value};
use crate::rules::rule::{On, Trigger};

/// Why a trigger is asked.
#[derive(Clone, Copy, Debug)]
pub enum Occasion<'a> {
    #[expect(
        private_interfaces,
        reason = "made and looked into inside the engine alone"
    )]
    Happening(&'a Happening<'a>),
    /// A moment has come for which it waited.
    Time,
}

/// What triggers made of an occasion.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Heard {
    pub firings: Vec<Firing>,
    /// Why those that did not fire did not, in sentences for people.
    pub mismatches: Vec<String>,
}

/// A trigger fired.
#[derive(Clone, Debug, PartialEq)]
pub struct Firing {
    /// Its place among the triggers.
    pub trigger: usize,
    pub fields: TriggerFields,
}

impl Heard {
    pub(super) fn silence(because: impl Into<String>) -> Self {
        Self {
            firings: Vec::new(),
            mismatches: vec![because.into()],
        }
    }

    pub(super) fn fires(index: usize, fields: TriggerFields) -> Self {
        let trigger = index;
        Self {
            firings: vec![Firing { trigger, fields }],
            mismatches: Vec::new(),
        }
    }

    pub(in crate::engine) fn add(&mut self, other: Self) {
        self.firings.extend(other.firings);
        self.mismatches.extend(other.mismatches);
    }
}

/// Shows `occasion` to the trigger, which is the one at the index; its memory afterwards is in `memory`.
pub(in crate::engine) fn hear(
    scene: Scene<'_>,
    (index, trigger): (usize, &Trigger),
    memory: &mut TriggerMemory,
    occasion: Occasion<'_>,
) -> Heard {
    match each::devices(&trigger.on) {
        Some(devices) => each::hear(scene, (index, trigger, devices), memory, occasion),
        None => hear_as_one(scene, (index, trigger), memory, occasion),
    }
}

/// The same, whatever devices it names.
pub(super) fn hear_as_one(
    scene: Scene<'_>,
    (index, trigger): (usize, &Trigger),
    memory: &mut TriggerMemory,
    occasion: Occasion<'_>,
) -> Heard {
    let on = &trigger.on;
    match on {
        On::Command(_) | On::Webhook(_) | On::Engine(_) => match occasion {
            Occasion::Happening(it) => match plain::mismatch(on, it) {
                None => Heard::fires(index, plain::fields(trigger, it, scene.event)),
                Some(because) => Heard::silence(because),
            },
            Occasion::Time => Heard::default(),
        },
        On::Device(it) => held::device(scene, (index, trigger, it), memory, occasion),
        On::State(it) => value::state(scene, (index, trigger, it), memory, occasion),
        On::NumericState(it) => value::numeric(scene, (index, trigger, it), memory, occasion),
        On::Time(_) | On::Cron(_) | On::Sun(_) => {
            schedule::tick(scene, (index, trigger), memory, occasion)
        }
        On::AllOf(it) => group::all_of(scene, (index, trigger, it), memory, occasion),
        On::Sequence(it) => group::sequence(scene, (index, trigger, it), memory, occasion),
        On::Count(it) => group::count(scene, (index, trigger, it), memory, occasion),
        On::Absence(it) => group::absence(scene, (index, trigger, it), memory, occasion),
    }
}

/// What the trigger has to remember from the moment it is there.
pub(in crate::engine) fn arm(scene: Scene<'_>, trigger: &Trigger, memory: &mut TriggerMemory) {
    let Some(devices) = each::devices(&trigger.on) else {
        return arm_as_one(scene, trigger, memory);
    };
    memory.split(devices);
    for device in devices {
        let of_one = memory.of_device(device.alias.as_str());
        arm_as_one(scene, trigger, of_one);
    }
}

fn arm_as_one(scene: Scene<'_>, trigger: &Trigger, memory: &mut TriggerMemory) {
    if let Some(devices) = value::devices(&trigger.on) {
        memory.keep_only(devices);
    }
    if let On::Time(_) | On::Cron(_) | On::Sun(_) = &trigger.on {
        schedule::arm(scene, trigger, memory);
        return;
    }
    if let On::Absence(it) = &trigger.on {
        group::arm_absence(scene, it, memory);
    }
    for (index, part) in trigger.on.inner().into_iter().enumerate() {
        if part.enabled {
            arm(scene, part, memory.part(index));
        }
    }
}

/// A fact that had begun to hold for the trigger that stood here before an edit, for `subject`: where it is
/// what this one waits for as well, and holds by all that is known, its time begins to count now.
pub(in crate::engine) fn begin_anew(
    scene: Scene<'_>,
    trigger: &Trigger,
    memory: &mut TriggerMemory,
    (subject, before): (&str, &Holding),
) {
    let memory = match each::devices(&trigger.on) {
        Some(devices) if devices.iter().any(|it| it.alias.as_str() == subject) => {
            memory.of_device(subject)
        }
        Some(_) => return,
        None => memory,
    };
    held::begin_anew(scene, &trigger.on, memory, (subject, before));
    for (index, part) in trigger.on.inner().into_iter().enumerate() {
        if part.enabled {
            begin_anew(scene, part, memory.part(index), (subject, before));
        }
    }
}

/// The clock was set by `by`.
pub(in crate::engine) fn clock_set(
    scene: Scene<'_>,
    trigger: &Trigger,
    memory: &mut TriggerMemory,
    by: SignedDuration,
) {
    memory.moved(by);
    if let On::Time(_) | On::Cron(_) | On::Sun(_) = &trigger.on {
        schedule::clock_set(scene, trigger, memory, by);
    }
    for memory in memory.devices.values_mut() {
        clock_set(scene, trigger, memory, by);
    }
    for (part, memory) in trigger.on.inner().into_iter().zip(&mut memory.parts) {
        clock_set(scene, part, memory, by);
    }
}
