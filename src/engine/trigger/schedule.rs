//! Triggers of the clock: `time`, `cron` and `sun`.

use crate::engine::Scene;
use crate::engine::trigger::hear::{Heard, Occasion};
use crate::engine::trigger::memory::TriggerMemory;
use crate::rules::rule::Trigger;

pub(super) fn tick(
    _scene: Scene<'_>,
    (_index, _trigger): (usize, &Trigger),
    _memory: &mut TriggerMemory,
    _occasion: Occasion<'_>,
) -> Heard {
    Heard::default()
}

pub(super) fn arm(_scene: Scene<'_>, _trigger: &Trigger, _memory: &mut TriggerMemory) {}
