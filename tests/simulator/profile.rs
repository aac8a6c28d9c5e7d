//! The sandbox's day (`amps-api.md` §6): what devices show by the time of day alone.

use amps_rules::clock::Clock;
use amps_rules::simulator::switches::States;
use serde_json::{Value, json};

use super::{BATTERY, CHARGER, House};

const CAR: &str = "/vehicle/dev_car01";
const ROOF: &str = "/solar-inverter/dev_pv01";

/// A house on the sandbox's day that begins at `start`.
async fn house_at(start: &str) -> House {
    let (clock, winder) = Clock::simulated(start.parse().unwrap());
    let mut house = House::with(|it| {
        it.clock = clock;
        it.switches.states = States::TimeOfDay;
    })
    .await;
    house.winder = winder;
    house
}

/// The values of those names.
async fn values(house: &House, path: &str, names: &[&str]) -> Value {
    let state = house.state(path).await;
    names.iter().map(|name| state[*name].clone()).collect()
}

#[tokio::test]
async fn section_6_the_battery_follows_the_hours() {
    let house = house_at("2026-06-10T06:00:00Z").await;
    let mut seen = Vec::new();
    for hours in [0, 2, 1, 3, 3, 3, 3, 3, 6] {
        house.wind(f64::from(hours) * 3600.0);
        seen.push(values(&house, BATTERY, &["level", "status"]).await);
    }
    assert_eq!(
        json!(seen),
        json!([
            [70, "discharging"],
            [54, "discharging"],
            [50, "charging"],
            [71, "charging"],
            [90, "discharging"],
            [60, "discharging"],
            [30, "charging"],
            [43.33, "charging"],
            // Six o'clock of the next morning.
            [70, "discharging"],
        ])
    );
}

#[tokio::test]
async fn section_6_the_car_is_away_by_day_and_full_in_the_morning() {
    let house = house_at("2026-06-10T06:00:00Z").await;
    let names = ["batteryLevel", "plugged", "charging", "fullyCharged"];
    let mut seen = Vec::new();
    for hours in [0, 3, 4, 4, 2, 2, 8] {
        house.wind(f64::from(hours) * 3600.0);
        seen.push(values(&house, CAR, &names).await);
    }
    assert_eq!(
        json!(seen),
        json!([
            [80, true, true, false],
            [95, false, false, true],
            [83, false, false, false],
            [70, true, false, false],
            [60, true, false, false],
            [50, true, true, false],
            [78.44, true, true, false],
        ])
    );
    assert_eq!(house.state(CHARGER).await["isConnected"], true);
}

#[tokio::test]
async fn section_6_the_sun_shines_from_6_to_18_and_less_in_winter() {
    let mut seen = Vec::new();
    for day in ["2026-06-10", "2026-12-10"] {
        for hour in ["05:59", "07:30", "09:00", "12:00", "16:30", "18:00"] {
            let house = house_at(&format!("{day}T{hour}:00Z")).await;
            seen.push(house.state(ROOF).await["currentPower"].take());
        }
    }
    assert_eq!(
        json!(seen),
        json!([0, 3.25, 6.5, 6.5, 3.25, 0, 0, 1.63, 3.25, 3.25, 1.63, 0])
    );
}

#[tokio::test]
async fn section_6_the_same_moment_shows_the_same() {
    let now = "2026-06-10T13:37:00Z";
    let late = house_at(now).await;
    let early = house_at("2026-06-10T09:30:00Z").await;
    early.wind(4.0 * 3600.0 + 7.0 * 60.0);
    for path in [BATTERY, CAR] {
        assert_eq!(late.state(path).await, early.state(path).await);
    }
}
