//! Whole homes of `examples/`, each with the story that its README tells.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::cli::said;
use crate::home::{House, until};
use crate::why::masked;

fn example(file: &str) -> String {
    fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("examples")
            .join(file),
    )
    .unwrap()
}

/// The example as it is, but for the addresses, which are free ones here.
async fn rose_cottage() -> House {
    let mut house = rose_cottage_asleep().await;
    house.start_engine();
    house
}

/// The same, before its engine starts.
async fn rose_cottage_asleep() -> House {
    let house = House::without_engine(&example("rose-cottage/rules/car.yaml")).await;
    fs::write(
        house.dir.path().join("rules/trouble.yaml"),
        example("rose-cottage/rules/trouble.yaml"),
    )
    .unwrap();
    let settings = example("rose-cottage/home.yaml")
        .replace("http://127.0.0.1:8799", &house.amps.url())
        .replace("127.0.0.1:8787", "127.0.0.1:0");
    house.edit("home.yaml", |_| settings);
    house
}

fn charge_battery(house: &House) {
    let order = json!({"command": "charge"});
    house
        .amps
        .control("POST", "/devices/dev_abc123/actions", &order)
        .unwrap();
}

/// Waits until the readings that the rules ask for have come in.
async fn both_are_read(house: &House) {
    until("battery and charger are read", || {
        let events = house.json(&["events"]);
        let read = |device: &str| {
            events
                .as_array()
                .unwrap()
                .iter()
                .any(|it| it["payload"]["device"] == device)
        };
        (read("dev_abc123") && read("dev_ev001")).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn at_rose_cottage_the_car_charges_after_the_battery() {
    let house = rose_cottage().await;
    both_are_read(&house).await;
    charge_battery(&house);
    assert_eq!(house.run_in("completed").await["rule"], "car-after-battery");
    let heard = until("the phone rings", || house.phone().pop()).await;
    assert_eq!(heard["message"], "The car is charging.");
    assert_eq!(house.accepted_pushes(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn at_rose_cottage_the_last_hour_is_played_again() {
    let house = rose_cottage().await;
    both_are_read(&house).await;
    charge_battery(&house);
    house.run_in("completed").await;
    let same = house.json(&["replay", "--since", "1h"]);
    assert_eq!(
        [&same["same"], &same["only_then"], &same["only_now"]],
        [3, 0, 0],
        "{same:#}"
    );

    let tried_out = tempfile::TempDir::new().unwrap();
    let car = example("rose-cottage/rules/car.yaml");
    let edited = car.replace("at_least: 50 %", "at_least: 95 %");
    assert_ne!(edited, car);
    fs::write(tried_out.path().join("car.yaml"), edited).unwrap();
    let folder = tried_out.path().to_str().unwrap();
    let output = house.cli(&["replay", "--since", "1h", "--rules", folder, "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let edited: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        [&edited["same"], &edited["only_then"], &edited["only_now"]],
        [0, 3, 0],
        "{edited:#}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn at_rose_cottage_nothing_charges_without_a_car() {
    let mut house = rose_cottage_asleep().await;
    let unplugged = json!({"plugged": false});
    house
        .amps
        .control("POST", "/devices/dev_ev001", &unplugged)
        .unwrap();
    house.start_engine();
    both_are_read(&house).await;
    charge_battery(&house);
    let report = until("the battery's report has come", || {
        let events = house.json(&["events"]);
        events
            .as_array()
            .unwrap()
            .iter()
            .find(|it| it["kind"] == "report")
            .cloned()
    })
    .await;
    let story = house.json(&["events", "show", report["id"].as_str().unwrap()]);
    let trace = &story["traces"][0];
    assert_eq!(trace["verdict"], json!({"verdict": "condition_not_met"}));
    let unmet = trace["conditions"].as_array().unwrap().last().unwrap();
    assert_eq!(unmet["asked"], "car_charger.isConnected is true");
    let why = house.cli(&["why", "car-after-battery"]);
    let why = masked(said(&why.stdout));
    let (_, why) = why.split_once("\n\nat ").unwrap();
    let told: Vec<_> = why
        .lines()
        // How full the battery is, and which webhook it was, is another matter each time.
        .filter(|it| {
            let passing = ["house_battery.level", "found 6", "(webhook "];
            !passing.iter().any(|passing| it.contains(passing))
        })
        .collect();
    assert_eq!(
        told,
        [
            "DATE TIME, it did not run: a condition was not met",
            "  trigger   rules/rules.yaml:7",
            "  no        car_charger.isConnected is true  (rules/rules.yaml:15)",
            "            found false, AGE old",
            "            car_charger.isConnected: live from the device, of DATE TIME",
        ]
    );
    assert_eq!(house.pushes().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn at_rose_cottage_the_phone_hears_of_trouble() {
    let house = rose_cottage().await;
    let event = json!({"event": "disconnected"});
    house
        .amps
        .control("POST", "/devices/dev_ev001/events", &event)
        .unwrap();
    let heard = until("the phone rings", || house.phone().pop()).await;
    assert_eq!(heard["title"], "Car charger");
    assert_eq!(heard["level"], "warning");
}
