//! Which generation Amps speaks is learned from its answers: an order for a far moment means the same in each.

use std::time::Duration;

use amps_rules::clock::Clock;
use serde_json::{Value, json};

use crate::home::{API_KEY, CAR_AFTER_BATTERY, House, battery_charged, client, post, until};

const BATTERY: &str = "/battery/dev_abc123";

/// Two orders for thirty hours ahead, an hour apart; the device is read before each.
const PLANS: &str = "\
version: 1
rules:
  - id: plans
    triggers: {trigger: engine, event: started}
    actions:
      - {read: house_battery, max_age: 1s}
      - {command: charge, device: house_battery, start: 30h, end: 40h, wait_for: accepted}
      - cancel: {device: house_battery}
      - {notify: phone, message: called off}
      - {delay: 1h}
      - {read: house_battery, max_age: 1s}
      - {command: charge, device: house_battery, start: 30h, wait_for: accepted}
";

/// What the orders to the battery said of when, and how each was answered.
fn said(house: &House) -> Vec<(Value, Value, u16)> {
    let requests = house.amps.requests().into_iter();
    let pushes = requests.filter(|it| it.method == "POST" && it.path == BATTERY);
    pushes
        .map(|it| {
            let body: Value = serde_json::from_str(&it.body).unwrap();
            let action = &body["action"];
            let status = it.status.unwrap();
            (action["start"].clone(), action["end"].clone(), status)
        })
        .collect()
}

fn speak(house: &House, generation: &str) {
    let switches = json!({"generation": generation});
    house.amps.control("POST", "/switches", &switches).unwrap();
}

/// When the newest orders begin and end, as Amps has it; 0 is the last one.
async fn planned(house: &House, index: usize) -> (Value, Value) {
    let commands = house.json(&["commands"]);
    let action = commands[index]["action"].as_str().unwrap();
    let url = format!("{}/actions/{action}", house.amps.url());
    let answer = client().get(url).header("x-api-key", API_KEY).send().await;
    let body: Value = serde_json::from_str(&answer.unwrap().text().await.unwrap()).unwrap();
    let action = body.get("data").unwrap_or(&body);
    (action["start"].clone(), action["end"].clone())
}

/// Plays [`PLANS`] from 9 o'clock in summer, at an Amps that speaks one generation and then the other.
async fn plays(first: &str, second: &str) -> [(Value, Value, u16); 2] {
    let (clock, winder) = Clock::simulated("2026-06-10T08:00:00Z".parse().unwrap());
    let house = House::on_clock(PLANS, clock.clone()).await;
    speak(&house, first);
    let app = house.engine_here(clock).await;
    until("the first is called off", || house.phone().pop()).await;
    speak(&house, second);
    winder.advance(Duration::from_hours(1));
    until("the second is planned", || {
        let commands = house.json(&["commands"]);
        (commands[0]["state"] == "acknowledged" && commands[1]["state"] == "cancelled")
            .then_some(())
    })
    .await;
    let text = |it: &str| json!(format!("{it}:00.000Z"));
    let former = (text("2026-06-11T14:00"), text("2026-06-12T00:00"));
    assert_eq!(planned(&house, 1).await, former);
    let last = (text("2026-06-11T15:00"), Value::Null);
    assert_eq!(planned(&house, 0).await, last);
    app.stop().await.unwrap();
    said(&house).try_into().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn from_the_newest_to_the_one_before() {
    assert_eq!(
        plays("c", "b").await,
        [
            (
                json!("2026-06-11T15:00:00"),
                json!("2026-06-12T01:00:00"),
                202
            ),
            (json!("2026-06-11T15:00:00Z"), Value::Null, 202),
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn from_the_one_before_to_the_newest() {
    assert_eq!(
        plays("b", "c").await,
        [
            (
                json!("2026-06-11T14:00:00Z"),
                json!("2026-06-12T00:00:00Z"),
                202
            ),
            (json!("2026-06-11T16:00:00"), Value::Null, 202),
        ]
    );
}

const CAR: &str = "\
version: 1
rules:
  - id: car
    triggers: {trigger: engine, event: started}
    actions:
      - {read: house_battery, max_age: 1s}
      - {command: charge, device: car_charger}
";

#[tokio::test(flavor = "multi_thread")]
async fn a_charger_is_ordered_in_the_words_of_the_generation_before() {
    let mut house = House::without_engine(CAR).await;
    speak(&house, "b");
    house.start_engine();
    house.command_in("completed").await;
    assert_eq!(house.pushes()[0].body, r#"{"action":"start_charging"}"#);
}

const LOST: &str = "\
version: 1
rules:
  - id: lost
    triggers: {trigger: engine, event: started}
    actions:
      - {command: charge, device: house_battery, force: true}
";

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_push_is_found_in_the_generation_before() {
    let mut house = House::without_engine(LOST).await;
    speak(&house, "b");
    let fault = json!({"kind": "drop_answer"});
    let lost = json!({"method": "POST", "path": BATTERY, "fault": fault});
    house.fault("requests", &lost);
    house.start_engine();
    house.command_in("completed").await;
    let pushes = house.amps.requests().into_iter();
    let pushes = pushes.filter(|it| it.method == "POST" && it.path == BATTERY);
    assert_eq!(pushes.count(), 1);
}

const FAR: &str = "\
version: 1
rules:
  - id: far
    triggers: {trigger: engine, event: started}
    actions:
      - {command: charge, device: house_battery, start: 30h, wait_for: accepted}
";

/// When the only order begins, as Amps was told.
async fn far_start(house: &House) -> Value {
    house.command_in("acknowledged").await;
    let [(start, _, _)]: [_; 1] = said(house).try_into().unwrap();
    start
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_far_start_of_all_is_said_as_amps_wants_it() {
    let (clock, _winder) = Clock::simulated("2026-06-10T08:00:00Z".parse().unwrap());
    let house = House::on_clock(FAR, clock.clone()).await;
    speak(&house, "b");
    let app = house.engine_here(clock).await;
    assert_eq!(far_start(&house).await, json!("2026-06-11T14:00:00Z"));
    app.stop().await.unwrap();
}

const SAY: &str = "\
version: 1
rules:
  - id: say
    triggers: {trigger: engine, event: started}
    actions:
      - {read: house_battery, max_age: 1s}
      - {notify: phone, message: it is read}
";

#[tokio::test(flavor = "multi_thread")]
async fn the_generation_is_known_after_a_restart() {
    let (clock, _winder) = Clock::simulated("2026-06-10T08:00:00Z".parse().unwrap());
    let house = House::on_clock(SAY, clock.clone()).await;
    speak(&house, "b");
    let app = house.engine_here(clock.clone()).await;
    until("the battery is read", || house.phone().pop()).await;
    app.stop().await.unwrap();

    let unread =
        json!({"kind": "answer", "status": 404, "code": "DEVICE_NOT_FOUND", "message": null});
    let unread = json!({"method": "GET", "times": 20, "fault": unread});
    house.fault("requests", &unread);
    house.edit("rules/rules.yaml", |_| FAR.to_owned());
    let app = house.engine_here(clock).await;
    assert_eq!(far_start(&house).await, json!("2026-06-11T14:00:00Z"));
    app.stop().await.unwrap();
}

async fn charged(house: &House) {
    let body = battery_charged("act_1").to_string();
    let answer = post(&house.engine().webhooks, "msg_1", body.as_bytes()).await;
    assert_eq!(answer.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_amps_does_not_understand_is_said_once_more_as_a_reading_shows() {
    let flat = r#"{"action":"start_charging"}"#;
    let envelope = r#"{"action":{"command":"charge"}}"#;
    for (first, second, said) in [("c", "b", [envelope, flat]), ("b", "c", [flat, envelope])] {
        let mut house = House::without_engine(CAR_AFTER_BATTERY).await;
        speak(&house, first);
        house.start_engine();
        until("the devices are read", || {
            (house.amps.requests().len() == 2).then_some(())
        })
        .await;
        speak(&house, second);
        charged(&house).await;
        assert_eq!(house.command_in("completed").await["attempts"], 1);
        let pushes = house.pushes().into_iter();
        let pushes: Vec<_> = pushes.map(|it| (it.body, it.status)).collect();
        let expected = [
            (said[0].to_owned(), Some(400)),
            (said[1].to_owned(), Some(202)),
        ];
        assert_eq!(pushes, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_is_understood_in_no_form_is_said_once() {
    let house = House::start(CAR_AFTER_BATTERY).await;
    let refused = json!({
        "kind": "answer", "status": 400, "code": "INVALID_REQUEST", "message": "no sense",
        "retry_after_seconds": null,
    });
    let rule = json!({"method": "POST", "times": 100, "fault": refused});
    house.fault("requests", &rule);
    charged(&house).await;
    let command = house.command_in("failed").await;
    assert_eq!(command["failure"]["message"], "no sense");
    assert_eq!(house.pushes().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_setting_that_the_generation_before_does_not_have_is_not_sent() {
    let rules = CAR_AFTER_BATTERY.replace(
        "      - command: charge\n        device: car_charger\n",
        "      - setting: max_charge_rate\n        device: car_charger\n        value: 7 kW\n",
    );
    let mut house = House::without_engine(&rules).await;
    speak(&house, "b");
    house.start_engine();
    charged(&house).await;
    let run = house.run_in("failed").await;
    let reason = run["reason"].as_str().unwrap();
    let expected = "not sent: Amps answers in its older form, in which a charger has no settings that can be written";
    assert!(reason.ends_with(expected), "{reason}");
}
