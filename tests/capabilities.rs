//! What a device says it takes is what it is ordered: the rest is refused before anything leaves.

use std::time::Duration;

use amps_rules::app::App;
use amps_rules::clock::{Clock, Winder};
use amps_rules::simulator::ledger::RequestRecord;
use serde_json::{Value, json};

use crate::home::{House, battery_charged, post, until};

/// The battery is told `step` when its charge is over, and the phone hears why it was not.
fn told(step: &str) -> String {
    format!(
        "\
version: 1
rules:
  - id: told
    triggers: {{trigger: command, device: house_battery, command: charge, source: foreign}}
    actions:
      - {step}
        device: house_battery
        retry: {{attempts: 3, backoff: 1s}}
        on_failure:
          - notify: phone
            message: \"{{{{ failure.code }}}} after {{{{ failure.attempts }}}}: {{{{ failure.message }}}}\"
"
    )
}

struct Scene {
    house: House,
    app: App,
    winder: Winder,
}

impl Scene {
    /// A home whose battery is as `changes` say.
    async fn begin(rules: &str, changes: &Value) -> Self {
        let (clock, winder) = Clock::simulated(Clock::System.now());
        let house = House::on_clock(rules, clock.clone()).await;
        house.edit("home.yaml", |text| text.replace("poll: 1h", "poll: 1m"));
        let scene = Self {
            app: house.engine_here(clock).await,
            house,
            winder,
        };
        scene.change(changes).await;
        scene
    }

    fn takes(&self) -> Value {
        self.house.json(&["devices", "show", "house_battery"])["takes"].take()
    }

    /// The battery changes, and is read.
    async fn change(&self, changes: &Value) {
        let device = "/devices/dev_abc123";
        self.house.amps.control("POST", device, changes).unwrap();
        let n_before = self.reads();
        until("the battery is read anew", || {
            let is_read = n_before + 1 < self.reads();
            if !is_read {
                self.winder.advance(Duration::from_secs(20));
            }
            is_read.then_some(())
        })
        .await;
    }

    fn reads(&self) -> usize {
        let requests = self.house.amps.requests().into_iter();
        let reads = requests.filter(|it| it.method == "GET" && it.path == "/battery/dev_abc123");
        reads.filter(|it| it.status.is_some()).count()
    }

    fn posts(&self) -> Vec<RequestRecord> {
        let requests = self.house.amps.requests().into_iter();
        requests.filter(|it| it.method == "POST").collect()
    }

    async fn charged(&self, id: &str) {
        let webhooks = format!("http://{}/webhooks/amps", self.app.address());
        let body = battery_charged(id).to_string();
        let answer = post(&webhooks, id, body.as_bytes()).await;
        assert_eq!(answer.status(), 200);
    }

    /// What the phone heard, but for the time.
    async fn heard(&self) -> String {
        let heard = until("the phone rings", || self.house.phone().pop()).await;
        let heard = heard["message"].as_str().unwrap();
        let (before, after) = heard.split_once("since ").unwrap();
        let (since, after) = after.split_once(" the device").unwrap();
        assert!(since.len() == "09:12".len(), "{since}");
        format!("{before}since the device{after}")
    }
}

/// What is refused with `code`, and how that is told.
async fn is_refused(step: &str, changes: Value, message: &str) {
    let scene = Scene::begin(&told(step), &changes).await;
    scene.charged("act_1").await;
    assert_eq!(scene.heard().await, message);
    assert_eq!(scene.posts().len(), 0);
    assert_eq!(scene.house.json(&["commands"]), json!([]));
    scene.house.run_in("failed").await;
    scene.app.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_the_device_does_not_have_is_not_sent() {
    is_refused(
        "command: auto.export",
        json!({"lacks": ["auto.export", "auto.reserve", "charge"]}),
        "UNSUPPORTED_MODE after 0: `house_battery` does not take `auto.export`: since the device says that it \
         takes `auto.balanced`, `discharge`, `idle`; write a command that it takes",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_the_device_does_not_take_is_not_sent() {
    is_refused(
        "command: discharge\n        parameters: {power: 7 kW}",
        json!({}),
        "PARAMETER_OUT_OF_RANGE after 0: `power` of `discharge` for `house_battery` is 7 kW: since the device says \
         that it takes 0 to 5 kW; write a number that it takes",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_with_an_end_is_not_sent_to_a_device_that_knows_none() {
    is_refused(
        "command: discharge\n        start: 1h\n        end: 2h",
        json!({"lacks": ["discharge:windowed"]}),
        "EXECUTION_NOT_SUPPORTED after 0: `house_battery` does not take `discharge` with an `end`: since the device \
         says that it takes it at once or with a `start`; leave `end` out",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_setting_that_the_device_does_not_take_is_not_written() {
    is_refused(
        "setting: export_limit\n        value: 20 kW",
        json!({}),
        "SETTING_OUT_OF_RANGE after 0: `export_limit` of `house_battery` is 20000 W: since the device says that it \
         takes 0 to 10000 W; write a number that it takes",
    )
    .await;
}

/// Only a word that the device takes back by itself is believed, and the next one counts at once.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_device_takes_again_is_sent_again() {
    let lacks = json!({"lacks": ["auto.export"]});
    let scene = Scene::begin(&told("command: auto.export"), &lacks).await;
    let rows = |scene: &Scene| scene.house.json(&["events"]).as_array().unwrap().len();
    let (before, n_before) = (scene.takes(), rows(&scene));
    assert_eq!(before["commands"]["auto.export"], Value::Null);
    assert_eq!(
        before["commands"]["charge"],
        json!({
            "parameters": {
                "power": {"unit": "kw", "min": 0.0, "max": 5.0},
                "reserve": {"unit": "percent", "min": 0.0, "max": 100.0},
                "target": {"unit": "percent", "min": 10.0, "max": 100.0},
            },
            "execution": ["immediate", "scheduled", "windowed"],
        })
    );
    assert_eq!(
        before["strategies"],
        json!(["cancel_and_replace", "queue_after"])
    );
    // What is only repeated says nothing, whatever it says, and what is said again is no row.
    scene
        .change(&json!({"lacks": [], "oem_error": "TIMEOUT"}))
        .await;
    assert_eq!(scene.takes(), before);
    let n_said = rows(&scene) - n_before;
    scene.change(&json!({})).await;
    scene.change(&json!({})).await;
    assert_eq!(rows(&scene) - n_before, n_said);

    scene.change(&json!({"oem_error": null})).await;
    assert_ne!(scene.takes()["since"], before["since"]);
    // The clock is not that of this machine any more: the webhook comes from the pretend Amps.
    let path = "/devices/dev_abc123/actions";
    let charge = json!({"command": "charge"});
    scene.house.amps.control("POST", path, &charge).unwrap();
    scene.winder.advance(Duration::from_secs(11));
    scene.house.command_in("acknowledged").await;
    assert_eq!(
        scene.posts()[0].body,
        r#"{"action":{"command":"auto.export"}}"#
    );
    scene.app.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_stood_in_line_is_held_against_what_the_device_says_by_then() {
    let waits = json!({"lacks": ["cancel_and_replace", "queue_after"]});
    let scene = Scene::begin(&told("command: auto.export"), &waits).await;
    let window = json!({"command": "discharge", "start": "2m", "end": "10m"});
    let path = "/devices/dev_abc123/actions";
    scene.house.amps.control("POST", path, &window).unwrap();
    scene.charged("act_1").await;
    scene.house.command_in("blocked").await;
    let lacks = json!({"lacks": ["auto.export", "cancel_and_replace", "queue_after"]});
    scene.change(&lacks).await;
    let told = until("the order is over", || {
        let phone = scene.house.phone().pop();
        if phone.is_none() {
            scene.winder.advance(Duration::from_secs(10));
        }
        phone
    })
    .await;
    let told = told["message"].as_str().unwrap();
    assert!(told.contains("does not take `auto.export`"), "{told}");
    let command = scene.house.command_in("failed").await;
    assert_eq!(command["failure"]["code"], "UNSUPPORTED_MODE");
    assert_eq!(
        scene.posts().len(),
        1,
        "the one that found the device taken"
    );
    scene.app.stop().await.unwrap();
}

/// The battery is charged when its discharge is over.
const AFTER_WINDOW: &str = "\
version: 1
rules:
  - id: told
    triggers: {trigger: command, device: house_battery, command: charge, source: foreign}
    actions: {command: charge, device: house_battery, force: true, on_conflict: replace}
";

/// How the pushes to a battery that lacks `lacks` say what is to become of a planned action in the way.
async fn past_a_window(lacks: Value) -> Vec<Value> {
    let scene = Scene::begin(AFTER_WINDOW, &json!({"lacks": lacks})).await;
    let window = json!({"command": "discharge", "start": "2m", "end": "10m"});
    let path = "/devices/dev_abc123/actions";
    scene.house.amps.control("POST", path, &window).unwrap();
    scene.charged("act_1").await;
    until("the order is taken or waits", || {
        let state = scene.house.command()?["state"].clone();
        (state == "blocked" || state == "acknowledged").then_some(())
    })
    .await;
    let pushes = scene.posts().into_iter();
    let pushes = pushes.filter(|it| it.path == "/battery/dev_abc123");
    let strategies = pushes.map(|it| {
        let body: Value = serde_json::from_str(&it.body).unwrap();
        body["onConflict"].clone()
    });
    let strategies = strategies.collect();
    scene.app.stop().await.unwrap();
    strategies
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_the_device_offers_is_asked_of_what_stands_in_the_way() {
    let replaces = [Value::Null, json!("cancel_and_replace")];
    assert_eq!(past_a_window(json!(["queue_after"])).await, replaces);
    let queues = [Value::Null, json!("queue_after")];
    assert_eq!(past_a_window(json!(["cancel_and_replace"])).await, queues);
    let neither = json!(["cancel_and_replace", "queue_after"]);
    assert_eq!(past_a_window(neither).await, [Value::Null]);
}
