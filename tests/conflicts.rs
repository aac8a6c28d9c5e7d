//! A device that somebody else's action holds is waited for, and nothing is cancelled that may not be.

use std::time::Duration;

use amps_rules::app::App;
use amps_rules::clock::{Clock, Winder};
use serde_json::{Value, json};

use crate::home::{API_KEY, CAR_AFTER_BATTERY, House, battery_charged, client, post, until};

/// The same, and the car has precedence over what others have planned.
fn car_replaces() -> String {
    let rules = CAR_AFTER_BATTERY.replace(
        "device: car_charger\n",
        "device: car_charger\n        on_conflict: replace\n",
    );
    assert_ne!(rules, CAR_AFTER_BATTERY);
    rules
}

/// The battery is charged when its discharge is over.
const BATTERY_AFTER_BATTERY: &str = "\
version: 1
rules:
  - id: battery-after-battery
    triggers: {trigger: command, device: house_battery, command: charge, source: foreign}
    actions: {command: charge, device: house_battery, force: true}
";

struct Scene {
    house: House,
    app: App,
    winder: Winder,
}

impl Scene {
    /// Somebody else's action is on `device`, and then the rule wants it.
    async fn begin(rules: &str, device: &str, foreign: Value) -> (Self, String) {
        let (clock, winder) = Clock::simulated(Clock::System.now());
        let house = House::on_clock(rules, clock.clone()).await;
        let action = house
            .amps
            .control("POST", &format!("/devices/{device}/actions"), &foreign)
            .unwrap();
        let action = action["action"].as_str().unwrap().to_owned();
        let app = house.engine_here(clock).await;
        let scene = Self { house, app, winder };
        (scene, action)
    }

    async fn charged(&self) {
        let webhooks = format!("http://{}/webhooks/amps", self.app.address());
        let body = battery_charged("act_1").to_string();
        let answer = post(&webhooks, "msg_1", body.as_bytes()).await;
        assert_eq!(answer.status(), 200);
    }

    /// Lets time pass, ten seconds after ten seconds, until the command is in `state`.
    async fn wind_until(&self, state: &str) -> Value {
        until(&format!("the command is {state}"), || {
            let command = self.house.command();
            let found = command.filter(|command| command["state"] == state);
            if found.is_none() {
                self.winder.advance(Duration::from_secs(10));
            }
            found
        })
        .await
    }

    /// What the pushes to `path` said of conflicts, and how each was answered.
    fn pushes(&self, path: &str) -> Vec<(Value, u16)> {
        let requests = self.house.amps.requests().into_iter();
        requests
            .filter(|it| it.method == "POST" && it.path == path)
            .map(|it| {
                let body: Value = serde_json::from_str(&it.body).unwrap();
                (body["onConflict"].clone(), it.status.unwrap())
            })
            .collect()
    }

    async fn state_of(&self, action: &str) -> Value {
        let url = format!("{}/actions/{action}", self.house.amps.url());
        let answer = client().get(url).header("x-api-key", API_KEY).send().await;
        let body = answer.unwrap().text().await.unwrap();
        let body: Value = serde_json::from_str(&body).unwrap();
        body["data"]["state"].clone()
    }
}

const CHARGER: &str = "/ev-charger/dev_ev001";

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_else_has_planned_is_waited_for_and_then_the_push_goes_through() {
    let planned = json!({"command": "charge", "start": "5m"});
    let (scene, foreign) = Scene::begin(CAR_AFTER_BATTERY, "dev_ev001", planned).await;
    scene.charged().await;
    let blocked = scene.house.command_in("blocked").await;
    assert_eq!(blocked["attempts"], 0);
    let story = scene
        .house
        .json(&["commands", "show", blocked["id"].as_str().unwrap()]);
    let told = story["steps"][1]["detail"].as_str().unwrap();
    assert_eq!(
        told.split(';').next().unwrap(),
        format!("{foreign} holds the device")
    );

    let command = scene.wind_until("completed").await;
    assert_eq!(command["attempts"], 1);
    assert_eq!(
        scene.pushes(CHARGER),
        [(Value::Null, 409), (Value::Null, 202)]
    );
    assert_eq!(scene.state_of(&foreign).await, "completed");
    scene.app.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_else_has_planned_is_replaced_where_the_rule_says_so() {
    let planned = json!({"command": "charge", "start": "30m"});
    let (scene, foreign) = Scene::begin(&car_replaces(), "dev_ev001", planned).await;
    scene.charged().await;
    let command = scene.wind_until("completed").await;
    assert_eq!(command["attempts"], 1);
    assert_eq!(
        scene.pushes(CHARGER),
        [(Value::Null, 409), (json!("cancel_and_replace"), 202)]
    );
    assert_eq!(scene.state_of(&foreign).await, "cancelled");
    scene.app.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_begun_is_never_cancelled_and_not_waited_for_without_end() {
    let (clock, winder) = Clock::simulated(Clock::System.now());
    let house = House::on_clock(&car_replaces(), clock.clone()).await;
    house.fault(
        "actions",
        &json!({"device": "dev_ev001", "fault": {"kind": "never_end"}}),
    );
    let order = json!({"command": "charge"});
    let foreign = house
        .amps
        .control("POST", "/devices/dev_ev001/actions", &order)
        .unwrap();
    let foreign = foreign["action"].as_str().unwrap().to_owned();
    // The same order of somebody else at the very moment of ours would be taken for ours.
    winder.advance(Duration::from_secs(2));
    let app = house.engine_here(clock).await;
    let scene = Scene { house, app, winder };
    scene.charged().await;
    scene.house.command_in("blocked").await;

    let failed = scene.wind_until("failed").await;
    assert_eq!(
        failed["failure"],
        json!({"code": "CONFLICT", "message": format!("{foreign} held the device for too long")})
    );
    assert_eq!(scene.pushes(CHARGER), [(Value::Null, 409)]);
    assert_eq!(scene.state_of(&foreign).await, "acknowledged");
    scene.app.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_begins_between_the_look_and_the_push_is_waited_for() {
    let planned = json!({"command": "charge", "start": "1m"});
    let (scene, foreign) = Scene::begin(&car_replaces(), "dev_ev001", planned).await;
    let look = format!("/actions/{foreign}");
    let late = json!({"kind": "delay_after", "ms": 600});
    let rule = json!({"method": "GET", "path": look, "fault": late});
    scene.house.fault("requests", &rule);
    scene.charged().await;
    // The look has shown it as planned; before its answer is there, the time comes.
    until("the look is made", || {
        let requests = scene.house.amps.requests();
        requests.into_iter().find(|it| it.path == look)
    })
    .await;
    scene.winder.advance(Duration::from_secs(61));
    scene.house.command_in("blocked").await;
    assert_eq!(
        scene.pushes(CHARGER),
        [(Value::Null, 409), (json!("cancel_and_replace"), 409)]
    );

    scene.wind_until("completed").await;
    assert_eq!(scene.state_of(&foreign).await, "completed");
    assert_eq!(scene.pushes(CHARGER).len(), 3);
    scene.app.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_battery_is_queued_for_behind_a_window() {
    let window = json!({"command": "discharge", "start": "2m", "end": "10m"});
    let (scene, foreign) = Scene::begin(BATTERY_AFTER_BATTERY, "dev_abc123", window).await;
    scene.charged().await;
    let waiting = scene.house.command_in("acknowledged").await;
    assert_eq!(
        scene.pushes("/battery/dev_abc123"),
        [(Value::Null, 409), (json!("queue_after"), 202)]
    );
    let action = waiting["action"].as_str().unwrap();
    assert_eq!(scene.state_of(action).await, "scheduled");

    scene.wind_until("completed").await;
    assert_eq!(scene.state_of(&foreign).await, "completed");
    assert_eq!(scene.pushes("/battery/dev_abc123").len(), 2);
    scene.app.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_charger_is_waited_for_although_its_window_has_an_end() {
    let window = json!({"command": "charge", "start": "2m", "end": "10m"});
    let (scene, _) = Scene::begin(CAR_AFTER_BATTERY, "dev_ev001", window).await;
    scene.charged().await;
    scene.house.command_in("blocked").await;
    scene.wind_until("completed").await;
    assert_eq!(
        scene.pushes(CHARGER),
        [(Value::Null, 409), (Value::Null, 202)]
    );
    scene.app.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_that_names_nobody_is_looked_for_in_the_list() {
    let planned = json!({"command": "charge", "start": "5m"});
    let (scene, foreign) = Scene::begin(CAR_AFTER_BATTERY, "dev_ev001", planned).await;
    let busy = json!({
        "kind": "answer", "status": 409, "code": "CONFLICT", "message": "busy",
        "retry_after_seconds": null,
    });
    scene.house.fault_push(busy);
    scene.charged().await;
    let blocked = scene.house.command_in("blocked").await;
    let story = scene
        .house
        .json(&["commands", "show", blocked["id"].as_str().unwrap()]);
    let told = story["steps"][1]["detail"].as_str().unwrap();
    assert_eq!(
        told.split(';').next().unwrap(),
        format!("{foreign} holds the device")
    );
    scene.wind_until("completed").await;
    assert_eq!(
        scene.pushes(CHARGER),
        [(Value::Null, 409), (Value::Null, 202)]
    );
    scene.app.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_goes_on_waiting_for_what_holds_the_device() {
    let planned = json!({"command": "charge", "start": "5m"});
    let (scene, _) = Scene::begin(CAR_AFTER_BATTERY, "dev_ev001", planned).await;
    scene.charged().await;
    scene.house.command_in("blocked").await;
    let Scene { house, app, winder } = scene;
    app.stop().await.unwrap();
    assert_eq!(house.command().unwrap()["state"], "blocked");

    let (clock, rewound) = Clock::simulated(Clock::System.now());
    drop(winder);
    let app = house.engine_here(clock).await;
    let looks = || {
        let requests = house.amps.requests().into_iter();
        requests
            .filter(|it| it.method == "GET" && it.path.starts_with("/actions/"))
            .count()
    };
    until("it is looked up at once", || (looks() == 2).then_some(())).await;
    assert_eq!(house.command().unwrap()["state"], "blocked");
    drop(rewound);
    app.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_that_was_carried_out_and_is_answered_with_its_own_action_is_not_sent_again() {
    let (clock, winder) = Clock::simulated(Clock::System.now());
    let house = House::on_clock(CAR_AFTER_BATTERY, clock.clone()).await;
    let app = house.engine_here(clock).await;
    let scene = Scene { house, app, winder };
    scene.house.fault_push(json!({
        "kind": "answer_after", "status": 409, "code": "CONFLICT", "message": null,
        "retry_after_seconds": null,
    }));
    scene.charged().await;
    let command = scene.wind_until("completed").await;
    assert_eq!(command["attempts"], 1);
    assert_eq!(scene.pushes(CHARGER), [(Value::Null, 409)]);
    scene.app.stop().await.unwrap();
}
