//! The car of a charger, seen as a device of its own, read only (`amps-api.md` §4.5).

use serde_json::{Value, json};

use crate::simulator::devices::ev_charger::EvCharger;
use crate::simulator::devices::number;

/// Kilometres on a kilowatt-hour. The documents do not give the unit of `range`; this is ours.
const RANGE_PER_KWH: f64 = 6.0;

#[derive(Clone, Debug)]
pub struct Vehicle {
    /// The id of the charger that it is plugged into, or would be.
    pub charger: String,
}

/// What the car of `charger` says of itself.
pub(crate) fn state(charger: &EvCharger) -> Value {
    let car = &charger.car;
    let missing_kwh = (car.limit - car.level).max(0.0) / 100.0 * car.capacity_kwh;
    let minutes = if charger.power_kw > 0.0 {
        (missing_kwh / charger.power_kw * 60.0).ceil()
    } else {
        0.0
    };
    json!({
        "batteryLevel": number(car.level),
        "range": number((car.level / 100.0 * car.capacity_kwh * RANGE_PER_KWH).round()),
        "plugged": charger.plugged,
        "charging": charger.power_kw > 0.0,
        "fullyCharged": car.level >= car.limit,
        "batteryCapacity": number(car.capacity_kwh),
        "chargeLimit": number(car.limit),
        "chargeRate": number(charger.power_kw),
        "chargeTimeRemaining": number(minutes),
        "maxCurrent": number(charger.max_current_amps),
    })
}
