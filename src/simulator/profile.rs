//! The sandbox's day: what devices show by the time of day alone, in UTC (`amps-api.md` §6).
//!
//! The windows and their shares are documented; what lies between them is a straight line, our assumption.

use crate::simulator::devices::Kind;

/// A stretch of the day, from one hour to another, in which a share goes from one percentage to another.
/// Hours past 24 are those of the next morning.
type Stretch = ((f64, f64), (f64, f64));

const BATTERY: &[Stretch] = &[
    ((6.0, 9.0), (70.0, 46.0)),
    ((9.0, 15.0), (50.0, 92.0)),
    ((15.0, 21.0), (90.0, 30.0)),
    // "Idle or slow charge": slow, to where the morning begins.
    ((21.0, 30.0), (30.0, 70.0)),
];

const CAR: &[Stretch] = &[
    ((6.0, 9.0), (80.0, 95.0)),
    ((9.0, 17.0), (95.0, 71.0)),
    ((17.0, 21.0), (70.0, 50.0)),
    ((21.0, 30.0), (50.0, 82.0)),
];

const SUN: &[Stretch] = &[
    ((6.0, 9.0), (0.0, 100.0)),
    ((9.0, 15.0), (100.0, 100.0)),
    ((15.0, 18.0), (100.0, 0.0)),
];

/// The hours in which the car is away. From 17 to 21 it is "maybe plugged"; here it is plugged and waits.
const AWAY: std::ops::Range<f64> = 9.0..17.0;
const WAITS: std::ops::Range<f64> = 9.0..21.0;

/// "Less in winter months": half of it, in these months. Our assumption.
const WINTER: &[i8] = &[11, 12, 1, 2];
const WINTER_SHARE: f64 = 0.5;

/// Makes the device show what it is to show at `hour` of the day in `month`. Rooms have no profile.
pub(crate) fn show(kind: &mut Kind, hour: f64, month: i8) {
    match kind {
        Kind::Battery(it) => {
            let (level, slope) = at(BATTERY, hour);
            it.level = level;
            it.rate_kw = slope / 100.0 * it.capacity_kwh;
        }
        Kind::EvCharger(it) => {
            let (level, slope) = at(CAR, hour);
            it.plugged = !AWAY.contains(&hour);
            it.car.level = level;
            // As full as the profile ever makes it.
            it.car.limit = 95.0;
            it.power_kw = if WAITS.contains(&hour) {
                0.0
            } else {
                slope / 100.0 * it.car.capacity_kwh
            };
        }
        Kind::SolarInverter(it) => {
            let season = if WINTER.contains(&month) {
                WINTER_SHARE
            } else {
                1.0
            };
            it.power_kw = at(SUN, hour).0 / 100.0 * it.peak_kw * season;
        }
        Kind::Hvac(_) | Kind::Vehicle(_) => {}
    }
}

/// The share at `hour`, and how much it changes in an hour; nothing outside of all stretches.
fn at(day: &[Stretch], hour: f64) -> (f64, f64) {
    let stretches = day
        .iter()
        .flat_map(|(hours, shares)| [hour, hour + 24.0].map(|hour| (hour, *hours, *shares)));
    for (hour, (begin, end), (first, last)) in stretches {
        if (begin..end).contains(&hour) {
            let slope = (last - first) / (end - begin);
            return (first + slope * (hour - begin), slope);
        }
    }
    (0.0, 0.0)
}
