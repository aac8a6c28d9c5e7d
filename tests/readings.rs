//! What is read before a rule decides, inputs that an address tells, and webhooks of the home's own.

use std::collections::BTreeSet;

use amps_rules::clock::Clock;
use amps_rules::domain::secret::Secret;
use amps_rules::intake::signature::{self, Key};
use serde_json::{Value, json};

use crate::home::{House, WEBHOOK_SECRET, battery_charged, client, post, until};
use crate::scripted_server::Server;

const HOOK_SECRET: &str = "whsec_ZG9vcmJlbGwtb2YtUm9zZS1Db3R0YWdl";

/// A charged battery wakes the rules `strict` and `lenient`, which ask for its level.
const LEVEL: &str = "version: 1
rules:
  - id: lenient
    triggers: {trigger: command, device: house_battery, command: charge}
    conditions:
      - {condition: numeric_state, device: house_battery, attribute: level, at_least: 0, max_age: 10m, if_unknown: allow}
    actions: {notify: phone, message: not known to be otherwise}
  - id: strict
    triggers: {trigger: command, device: house_battery, command: charge}
    conditions:
      - {condition: numeric_state, device: house_battery, attribute: level, at_least: 0, max_age: 10m}
    actions: {notify: phone, message: known}
";

/// How the battery was read so far: the status, and whether young values were asked for.
fn reads(house: &House) -> Vec<(Option<u16>, bool)> {
    let requests = house.amps.requests().into_iter();
    let reads = requests.filter(|it| it.method == "GET" && it.path == "/battery/dev_abc123");
    reads
        .map(|it| {
            let is_expedite =
                |(name, value): &(String, String)| name == "expedite" && value == "true";
            (it.status, it.query.iter().any(is_expedite))
        })
        .collect()
}

/// What the phone heard, in the order of the alphabet.
fn heard(house: &House) -> Vec<String> {
    let messages = house.phone().into_iter();
    let mut texts: Vec<String> = messages
        .map(|it| it["message"].as_str().unwrap().to_owned())
        .collect();
    texts.sort();
    texts
}

async fn charged(house: &House, id: &str) {
    let body = battery_charged("act_of_somebody").to_string();
    let answer = post(&house.engine().webhooks, id, body.as_bytes()).await;
    assert_eq!(answer.status(), 200);
}

fn answered(status: u16, code: &str, retry_after: Option<u64>) -> Value {
    json!({
        "method": "GET", "path": "/battery",
        "fault": {"kind": "answer", "status": status, "code": code, "message": null, "retry_after_seconds": retry_after},
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_is_not_known_is_read_before_the_condition_is_decided() {
    let mut house = House::without_engine(LEVEL).await;
    house.fault("requests", &answered(503, "SERVICE_UNAVAILABLE", None));
    house.start_engine();
    until("the first read failed", || {
        (reads(&house) == [(Some(503), false)]).then_some(())
    })
    .await;
    charged(&house, "msg_1").await;
    until("both rules ran", || {
        (heard(&house) == ["known", "not known to be otherwise"]).then_some(())
    })
    .await;
    // Both waited for one read, and for young values.
    assert_eq!(reads(&house), [(Some(503), false), (Some(200), true)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_the_platform_only_repeats_is_asked_for_again_and_stays_unknown() {
    let mut house = House::start(LEVEL).await;
    until("the battery is read", || {
        (reads(&house) == [(Some(200), false)]).then_some(())
    })
    .await;
    house.stop_engine().await;
    let offline = json!({"oem_error": "TIMEOUT"});
    let device = "/devices/dev_abc123";
    house.amps.control("POST", device, &offline).unwrap();
    house.start_engine();
    // Not before the engine has the answer: a read that is under way would be waited for.
    until("the engine knows that the battery is out of reach", || {
        let events = house.json(&["events"]);
        let mut events = events.as_array().unwrap().iter();
        let is_it = |it: &Value| {
            it["payload"]["device"] == "dev_abc123" && it["payload"]["origin"] == "fallback"
        };
        events.any(is_it).then_some(())
    })
    .await;
    charged(&house, "msg_1").await;
    until("the lenient rule ran", || {
        (heard(&house) == ["not known to be otherwise"]).then_some(())
    })
    .await;
    assert_eq!(
        reads(&house),
        [(Some(200), false), (Some(200), false), (Some(200), true)]
    );
    assert_eq!(house.json(&["runs"]).as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_asked_while_amps_wants_to_be_left_alone() {
    let mut house = House::without_engine(LEVEL).await;
    house.fault(
        "requests",
        &answered(429, "RATE_LIMIT_EXCEEDED", Some(3600)),
    );
    house.start_engine();
    until("Amps said that it was too fast", || {
        (reads(&house) == [(Some(429), false)]).then_some(())
    })
    .await;
    charged(&house, "msg_1").await;
    until("it is decided without a read", || {
        (heard(&house) == ["not known to be otherwise"]).then_some(())
    })
    .await;
    assert_eq!(reads(&house), [(Some(429), false)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_input_is_read_where_the_home_says() {
    let prices = r#"{"results": [{"valid_from": "2020-01-01T00:00:00Z", "price": "0.05"}]}"#;
    let server = Server::answering("200 OK", prices).await;
    let mut house = House::without_engine(
        "version: 1
rules:
  - id: cheap
    triggers: {trigger: command, device: house_battery, command: charge}
    conditions: {condition: numeric_state, input: price, below: 0.1, if_unknown: wait}
    actions: {notify: phone, message: cheap}
  - id: crossed
    triggers: {trigger: numeric_state, input: price, below: 0.1, from_unknown: fire}
    actions: {notify: phone, message: a low price}
",
    )
    .await;
    house.edit("home.yaml", |text| {
        format!(
            "{text}http_allow: {address}
inputs:
  price: {{type: number, unit: GBP/kWh, source: {{http: {{url: \"http://{address}/prices\", pointer: /results/0/price}}}}}}
",
            address = server.address
        )
    });
    house.start_engine();
    charged(&house, "msg_1").await;
    until("the price is known", || {
        (heard(&house) == ["a low price", "cheap"]).then_some(())
    })
    .await;
    assert_eq!(server.lines(), ["GET /prices"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_input_foretells_is_known_until_it_says() {
    let prices = r#"{"results": [
        {"valid_from": "2000-01-01T00:00:00Z", "valid_to": "2001-01-01T00:00:00Z", "price": 0.3},
        {"valid_from": "2020-01-01T00:00:00Z", "valid_to": "2120-01-01T00:00:00Z", "price": 0.05},
        {"valid_from": "2120-01-01T00:00:00Z", "valid_to": null, "price": 0.2}]}"#;
    let server = Server::answering("200 OK", prices).await;
    let mut house = House::without_engine(
        "version: 1
rules:
  - id: cheap
    triggers: {trigger: numeric_state, input: price, below: 0.1, from_unknown: fire}
    actions: {notify: phone, message: cheap}
",
    )
    .await;
    house.edit("home.yaml", |text| {
        let source = format!(
            "{{http: {{url: \"http://{}/\", pointer: /results, from: valid_from, to: valid_to, value: price}}}}",
            server.address
        );
        format!(
            "{text}http_allow: {}\ninputs: {{price: {{type: number, source: {source}}}}}\n",
            server.address
        )
    });
    house.start_engine();
    until("the price is known", || {
        (heard(&house) == ["cheap"]).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_storm_warning_of_the_starter_rules_comes_in_by_the_hook_of_the_home() {
    let mut house = House::without_engine(include_str!("../rules/ready-for-a-storm.yaml")).await;
    house.edit("home.yaml", |text| {
        text + "hooks: {storm-warning: {secrets: !secret storm_warning}}\n"
    });
    house.edit("secrets.yaml", |text| {
        format!("{text}storm_warning: {HOOK_SECRET}\n")
    });
    house.start_engine();
    let sender = ("msg_1", HOOK_SECRET);
    assert_eq!(hook(&house, "storm-warning", sender, "{}").await, 200);
    until("the phone heard of the storm", || {
        let text = "A storm is coming. The battery keeps its energy for a day.";
        (heard(&house) == [text]).then_some(())
    })
    .await;
    assert_eq!(
        house.command_in("completed").await["command"],
        "auto.reserve"
    );
}

const HOOKS: &str = "version: 1
rules:
  - id: bell
    triggers: {trigger: webhook, name: doorbell}
    conditions: \"{{ text(trigger.json.button) == 'front' }}\"
    actions: {notify: phone, message: \"{{ trigger.json.times }} times\"}
  - id: dry
    triggers: {trigger: numeric_state, input: moisture, below: 20}
    actions: {notify: phone, message: the garden is dry}
";

/// Posts `body` to the hook `name`, and returns the status.
async fn hook(house: &House, name: &str, (id, secret): (&str, &str), body: &str) -> u16 {
    let url = house.engine().webhooks.replace("/webhooks/amps", "/hooks/");
    let now = Clock::System.now().as_second();
    let key = Key::parse(&Secret::new(secret)).unwrap();
    let signature = signature::sign(&key, id, now, body.as_bytes());
    let request = client()
        .post(url + name)
        .header("webhook-id", id)
        .header("webhook-timestamp", now)
        .header("webhook-signature", signature)
        .body(body.to_owned());
    request.send().await.unwrap().status().as_u16()
}

/// So many values that are foretold, the first of which holds.
fn foretold(n: u32) -> String {
    let from = |it| match it {
        0 => 1_600_000_000,
        _ => 4_000_000_000 + 3600 * it,
    };
    let item = |it: u32| json!({"from": from(it), "value": it});
    (0..n).map(item).collect::<Value>().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_there_is_no_room_for_is_told_once_with_what_to_do() {
    let server = Server::answering("200 OK", &foretold(1002)).await;
    let mut house = House::without_engine(HOOKS).await;
    house.edit("home.yaml", |text| {
        format!(
            "{text}http_allow: {address}
inputs:
  moisture: {{type: number}}
  price: {{type: number, source: {{http: {{url: \"http://{address}/\"}}}}}}
hooks:
  doorbell: {{secrets: !secret doorbell}}
  moisture: {{secrets: !secret doorbell}}
",
            address = server.address
        )
    });
    house.edit("secrets.yaml", |text| {
        format!("{text}doorbell: {HOOK_SECRET}\n")
    });
    house.start_engine();
    let parts = |n: u32| {
        let parts = (0..n).map(|it| (format!("part_{it:03}"), Value::from(it)));
        parts.collect::<Value>().to_string()
    };
    for (id, name, body) in [
        ("msg_1", "moisture", foretold(1000)),
        ("msg_2", "moisture", foretold(1001)),
        ("msg_3", "moisture", foretold(1001)),
        ("msg_4", "doorbell", parts(200)),
        ("msg_5", "doorbell", parts(203)),
        ("msg_6", "doorbell", parts(203)),
    ] {
        assert_eq!(hook(&house, name, (id, HOOK_SECRET), &body).await, 200);
    }
    until("the prices are known", || {
        let inputs = house.json(&["inputs"]);
        let price = inputs.as_array()?.iter().find(|it| it["name"] == "price")?;
        (price["value"] == 0.0).then_some(())
    })
    .await;
    let log = house.stop_engine_for_its_log();
    let told: BTreeSet<&str> = log
        .lines()
        .filter(|it| it.contains("left_out") || it.contains("left out"))
        .filter_map(|it| it.split_once("WARN ").map(|it| it.1))
        .collect();
    assert_eq!(log.matches("left_out=").count(), 3, "{log}");
    let series =
        "more than 1000 values are foretold, and the last ones are left out: ask for fewer days";
    let parts =
        "the JSON has more than 200 parts, and rules can name the first ones only: send less";
    let expected = [
        format!("{series} input=price left_out=2"),
        format!("{series} input=moisture left_out=1"),
        format!("{parts} hook=\"doorbell\" left_out=3"),
    ];
    let expected: BTreeSet<&str> = expected.iter().map(String::as_str).collect();
    assert_eq!(told, expected, "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_of_the_home_wakes_rules_and_gives_inputs_their_values() {
    let mut house = House::without_engine(HOOKS).await;
    house.edit("home.yaml", |text| {
        text + "inputs:
  moisture: {type: number}
hooks:
  doorbell: {secrets: !secret doorbell}
  moisture: {secrets: [!secret doorbell]}
"
    });
    house.edit("secrets.yaml", |text| {
        format!("{text}doorbell: {HOOK_SECRET}\n")
    });
    house.start_engine();
    let ring = r#"{"button": "front", "times": 2}"#;
    let sender = |id| (id, HOOK_SECRET);
    // Amps has another secret, and nobody knows this name.
    let foreign = ("msg_1", WEBHOOK_SECRET);
    assert_eq!(hook(&house, "doorbell", foreign, ring).await, 400);
    assert_eq!(hook(&house, "backdoor", sender("msg_1"), ring).await, 404);
    for _ in 0..2 {
        assert_eq!(hook(&house, "doorbell", sender("msg_1"), ring).await, 200);
    }
    let back = r#"{"button": "back", "times": 1}"#;
    assert_eq!(hook(&house, "doorbell", sender("msg_2"), back).await, 200);
    for (id, body) in [("msg_1", "40"), ("msg_2", r#"{"value": 12.5}"#)] {
        assert_eq!(hook(&house, "moisture", sender(id), body).await, 200);
    }
    until("the phone heard of both", || {
        (heard(&house) == ["2 times", "the garden is dry"]).then_some(())
    })
    .await;
    assert_eq!(hook(&house, "moisture", sender("msg_3"), "wet").await, 200);
    let letters = house.json(&["dead-letters"]);
    let reasons: Vec<&str> = letters
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["reason"].as_str().unwrap())
        .collect();
    assert_eq!(
        reasons,
        ["the body is not JSON: expected value at line 1 column 1"]
    );
}
