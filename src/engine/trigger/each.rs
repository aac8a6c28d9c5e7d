//! Triggers made of triggers that all name the same devices: each device is looked at by itself.
//!
//! One battery that comes back says nothing of another that stays away. `count` counts over all of them.

use std::collections::BTreeSet;

use crate::domain::device::{Device, DeviceType};
use crate::engine::Scene;
use crate::engine::trigger::Happening;
use crate::engine::trigger::happening::put;
use crate::engine::trigger::hear::{Heard, Occasion, hear_as_one};
use crate::engine::trigger::memory::TriggerMemory;
use crate::rules::expr::value::Value;
use crate::rules::rule::{On, Trigger};
use crate::rules::trigger::Watched;

/// Devices as a trigger names them.
#[derive(Clone, Copy)]
struct Named<'t> {
    devices: &'t [Device],
    of_type: Option<DeviceType>,
}

impl Named<'_> {
    /// One device that is named by itself is nothing to tell apart; a type may have one device today.
    fn is_several(self) -> bool {
        self.of_type.is_some() || 1 < self.devices.len()
    }

    fn is_same(self, other: Self) -> bool {
        let names = |it: Self| -> BTreeSet<String> {
            let devices = it.devices.iter();
            devices.map(|it| it.alias.as_str().to_owned()).collect()
        };
        self.of_type == other.of_type && names(self) == names(other)
    }
}

/// The devices that a group looks at one by one; none when it is about one thing, or its parts are about
/// different ones.
pub(super) fn devices(on: &On) -> Option<&[Device]> {
    match on {
        On::AllOf(_) | On::Sequence(_) | On::Absence(_) => {
            named(on).filter(|it| it.is_several()).map(|it| it.devices)
        }
        On::Command(_)
        | On::Device(_)
        | On::State(_)
        | On::NumericState(_)
        | On::Time(_)
        | On::Cron(_)
        | On::Sun(_)
        | On::Webhook(_)
        | On::Engine(_)
        | On::Count(_) => None,
    }
}

fn named(on: &On) -> Option<Named<'_>> {
    match on {
        On::Command(it) => Some(Named {
            devices: &it.devices,
            of_type: it.of_type,
        }),
        On::Device(it) => Some(Named {
            devices: &it.devices,
            of_type: it.of_type,
        }),
        On::State(it) => of_watched(&it.watched),
        On::NumericState(it) => of_watched(&it.watched),
        On::AllOf(_) | On::Sequence(_) | On::Absence(_) => {
            let inner = on.inner().into_iter().filter(|it| it.enabled);
            let parts: Option<Vec<_>> = inner.map(|it| named(&it.on)).collect();
            let parts = parts?;
            let first = *parts.first()?;
            parts.iter().all(|it| it.is_same(first)).then_some(first)
        }
        On::Time(_) | On::Cron(_) | On::Sun(_) | On::Webhook(_) | On::Engine(_) | On::Count(_) => {
            None
        }
    }
}

fn of_watched(watched: &Watched) -> Option<Named<'_>> {
    match watched {
        Watched::Attribute {
            devices, of_type, ..
        } => Some(Named {
            devices,
            of_type: *of_type,
        }),
        Watched::Input(_) => None,
    }
}

/// Shows `occasion` to the trigger as it is for each of `devices`.
pub(super) fn hear(
    scene: Scene<'_>,
    (index, trigger, devices): (usize, &Trigger, &[Device]),
    memory: &mut TriggerMemory,
    occasion: Occasion<'_>,
) -> Heard {
    // What a run remembers that has waited since the group was looked at as one is no use any more.
    memory.split(devices);
    let asked: Vec<String> = match occasion {
        Occasion::Happening(happening) => devices
            .iter()
            .filter(|it| happening.is_about(it))
            .map(|it| it.alias.as_str().to_owned())
            .collect(),
        Occasion::Time => {
            let due = memory.devices.iter();
            due.filter(|(_, it)| it.due().is_some_and(|it| it <= scene.now))
                .map(|(name, _)| name.clone())
                .collect()
        }
    };
    let mut heard = Heard::default();
    for name in asked {
        let of_one = memory.of_device(&name);
        let mut of_one = hear_as_one(scene, (index, trigger), of_one, occasion);
        for firing in &mut of_one.firings {
            put(&mut firing.fields, "device", Value::text(&name));
        }
        heard.add(of_one);
    }
    heard
}

impl Happening<'_> {
    fn is_about(&self, device: &Device) -> bool {
        match self {
            Self::Ended { device: id, .. } | Self::Connection { device: id, .. } => {
                **id == device.id
            }
            Self::Read(readings) => readings.device == device.id,
            Self::Input(_) | Self::Hook(_) | Self::Engine(_) => false,
        }
    }
}
