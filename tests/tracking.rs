//! What is waited for has a deadline: on a clock that is wound by hand.

use std::time::Duration;

use amps_rules::app::App;
use amps_rules::clock::Clock;
use amps_rules::config::environment::Environment;
use amps_rules::config::names::Names;
use amps_rules::{config, rules};
use serde_json::json;

use crate::home::{CAR_AFTER_BATTERY, House, battery_charged, post, until};

/// The engine of `house` inside this process, on `clock`.
async fn engine(house: &House, clock: Clock) -> App {
    let home = config::load(house.dir.path(), &Environment::default())
        .home
        .unwrap();
    let (files, _) = config::rule_files(&home.dir);
    let loaded = rules::load(&files, &Names::of(&home));
    assert_eq!(loaded.diagnostics, []);
    App::start(&home, loaded, clock).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_nothing_is_heard_of_expires_after_a_quarter_of_an_hour() {
    let house = House::without_engine(CAR_AFTER_BATTERY).await;
    house.fault(
        "actions",
        &json!({"device": "dev_ev001", "fault": {"kind": "never_end"}}),
    );
    let (clock, winder) = Clock::simulated(Clock::System.now());
    let app = engine(&house, clock).await;
    let webhooks = format!("http://{}/webhooks/amps", app.address());
    let body = battery_charged("act_1").to_string();
    assert_eq!(
        post(&webhooks, "msg_1", body.as_bytes()).await.status(),
        200
    );
    house.command_in("acknowledged").await;

    let due_at = |house: &House| house.command().unwrap()["due_at"].clone();
    let first = due_at(&house);
    winder.advance(Duration::from_secs(15 * 60 - 1));
    until("the look-up is on record", || {
        (due_at(&house) != first).then_some(())
    })
    .await;
    assert_eq!(house.command().unwrap()["state"], "acknowledged");

    winder.advance(Duration::from_secs(1));
    house.command_in("expired").await;
    assert_eq!(house.run_in("failed").await["reason"], "`charge` expired");
    assert_eq!(house.accepted_pushes(), 1);
    app.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_engine_on_the_same_home_is_refused() {
    let house = House::start(CAR_AFTER_BATTERY).await;
    let second = house.cli(&["run"]);
    assert_eq!(second.status.code(), Some(2));
    assert_eq!(
        String::from_utf8(second.stderr).unwrap(),
        "error: another engine is running on this home; stop it first\n"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_home_without_devices_is_a_home_all_the_same() {
    let mut house = House::without_engine("version: 1\nrules: []\n").await;
    house.edit("home.yaml", |text| {
        let (before, rest) = text.split_once("devices:\n").unwrap();
        let (_, after) = rest.split_once("notifiers:").unwrap();
        format!("{before}devices: {{}}\nnotifiers:{after}")
    });
    house.start_engine();
    let body = battery_charged("act_1").to_string();
    let answer = post(&house.engine().webhooks, "msg_1", body.as_bytes()).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(house.stop_engine().await, Some(0));
}
