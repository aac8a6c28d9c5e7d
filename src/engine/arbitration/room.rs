//! How many orders the home allows, and when there is room for one more.

use std::time::Duration;

use jiff::Timestamp;

use crate::domain::device::Device;
use crate::engine::Scene;
use crate::engine::decision::Decision;
use crate::engine::recent::Keep;
use crate::engine::trace::clock_time;

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// The orders to a device that are remembered: those that the longest and largest limit counts.
pub(in crate::engine) const OF_DEVICE: Keep = Keep {
    within: DAY,
    most: 10_000,
};

/// The same of orders to all devices.
pub(in crate::engine) const OF_HOME: Keep = Keep {
    within: MINUTE,
    most: 60_000,
};

/// Why there is no room for an order to `device`; none when there is.
pub(super) fn full(scene: Scene<'_>, device: &Device, decision: &Decision) -> Option<String> {
    let allowance = &scene.rules.allowance;
    let of_device = allowance.devices.get(&device.id).copied();
    let of_device = of_device.unwrap_or_default().limits;
    let given = scene.state.given(&device.id);
    let pending = decision.commands.iter();
    let n_pending = pending.filter(|it| it.device.id == device.id).count();
    for (most, within, key, in_time) in [
        (of_device.per_hour, HOUR, "per_hour", "an hour"),
        (of_device.per_day, DAY, "per_day", "a day"),
    ] {
        let Some(most) = most else {
            continue;
        };
        if let Some(at) = given.and_then(|it| it.room_at((most, within), n_pending, scene.now)) {
            let whose = format!(
                "`{}` takes {most} {} in {in_time}",
                device.alias,
                orders(most)
            );
            return Some(sentence(scene, &whose, key, at));
        }
    }
    let most = allowance.limits.commands_per_minute;
    let pending = decision.commands.len();
    let at = scene
        .state
        .given_to_all()
        .room_at((most, MINUTE), pending, scene.now)?;
    let whose = format!("the home gives {most} {} in a minute", orders(most));
    Some(sentence(scene, &whose, "commands_per_minute", at))
}

fn orders(most: u32) -> &'static str {
    if most == 1 { "order" } else { "orders" }
}

fn sentence(scene: Scene<'_>, whose: &str, key: &str, at: Timestamp) -> String {
    let at = clock_time(scene, at);
    format!("{whose} at most (`{key}` in home.yaml); there is room again at {at}")
}
