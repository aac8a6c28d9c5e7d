//! Past events against other rules: a night that really happened, played again.

use std::fs;
use std::path::Path;
use std::process::Output;

use amps_rules::app::App;
use amps_rules::clock::{Clock, Winder};
use amps_rules::config::environment::Environment;
use amps_rules::config::names::Names;
use amps_rules::domain::secret::Secret;
use amps_rules::intake::signature::{self, Key};
use amps_rules::{config, rules};
use jiff::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::cli::{at, said};
use crate::home::{House, WEBHOOK_SECRET, battery_charged, client, until};

/// Two rules: one gives an order and waits until after midnight, one watches a limit.
const RULES: &str = "version: 1
rules:
  - id: car-after-battery
    triggers:
      - {id: battery, trigger: command, device: house_battery, command: charge}
    conditions:
      - {condition: numeric_state, input: grid_price, below: 0.20}
    actions:
      - {command: charge, device: car_charger}
      - delay: 20m
      - {notify: phone, message: the car is charging}
  - id: price-is-high
    triggers:
      - {id: price, trigger: numeric_state, input: grid_price, above: 0.30}
    actions:
      - {notify: phone, message: \"it costs {{ input.grid_price }}\"}
";

const SPAN: [&str; 4] = ["--since", "2025-01-10 22:00", "--until", "2025-01-11 06:00"];

/// A home whose engine lives on a clock that is wound by hand.
struct Night {
    house: House,
    app: App,
    winder: Winder,
    now: Timestamp,
}

impl Night {
    /// It is nine in the evening.
    async fn begin() -> Self {
        let house = House::without_engine(RULES).await;
        house.edit("home.yaml", |text| {
            text + "inputs:
  grid_price: {type: number, unit: GBP/kWh, max_age: 12h}
hooks:
  grid_price: {secrets: [!secret amps_webhook_secret]}
"
        });
        let never = json!({"device": "dev_ev001", "fault": {"kind": "never_end"}});
        house.fault("actions", &never);
        let environment = Environment::default();
        let home = config::load(house.dir.path(), &environment).home.unwrap();
        let (files, _) = config::rule_files(&home.dir);
        let loaded = rules::load(&files, &Names::of(&home));
        assert_eq!(loaded.diagnostics, []);
        let now = moment("2025-01-10T21:00:00Z");
        let (clock, winder) = Clock::simulated(now);
        let app = App::start(&home, loaded, clock).await.unwrap();
        let mut night = Self {
            house,
            app,
            winder,
            now,
        };
        // They are read one after the other.
        night.wind("2025-01-10T21:00:05Z");
        until("both devices are read", || {
            let readings = night.events("readings");
            let is_read = |id| readings.iter().any(|it| it["payload"]["device"] == id);
            (is_read("dev_abc123") && is_read("dev_ev001")).then_some(())
        })
        .await;
        night
    }

    /// The whole night, up to a quarter to one.
    async fn lived() -> Self {
        let mut night = Self::begin().await;
        night.wind("2025-01-10T22:00:10Z");
        night.price("msg_price_1", 0.10).await;
        night.wind("2025-01-10T23:45:00Z");
        night.webhook("msg_charged", battery_charged("act_1")).await;
        let taken = night.house.command_in("acknowledged").await;
        night.wind("2025-01-10T23:45:30Z");
        let mut report = battery_charged(taken["action"].as_str().unwrap());
        report["deviceId"] = json!("dev_ev001");
        report["deviceType"] = json!("ev_charger");
        night.webhook("msg_reported", report).await;
        night.house.command_in("completed").await;
        night.wind("2025-01-11T00:05:30Z");
        night.house.run_in("completed").await;
        night.wind("2025-01-11T00:30:00Z");
        night.price("msg_price_2", 0.35).await;
        until("the phone rang twice", || {
            (night.house.phone().len() == 2).then_some(())
        })
        .await;
        night
    }

    fn wind(&mut self, to: &str) {
        self.now = moment(to);
        self.winder.set(self.now);
    }

    fn events(&self, kind: &str) -> Vec<Value> {
        let events = self.house.json(&["events"]);
        let events = events.as_array().unwrap().iter();
        events.filter(|it| it["kind"] == kind).cloned().collect()
    }

    async fn price(&self, id: &str, price: f64) {
        self.post("/hooks/grid_price", id, json!({"value": price}))
            .await;
    }

    async fn webhook(&self, id: &str, body: Value) {
        self.post("/webhooks/amps", id, body).await;
    }

    async fn post(&self, path: &str, id: &str, body: Value) {
        let body = body.to_string();
        let second = self.now.as_second();
        let key = Key::parse(&Secret::new(WEBHOOK_SECRET)).unwrap();
        let answer = client()
            .post(format!("http://{}{path}", self.app.address()))
            .header("svix-id", id)
            .header("svix-timestamp", second)
            .header(
                "svix-signature",
                signature::sign(&key, id, second, body.as_bytes()),
            )
            .body(body)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 200);
    }

    fn dir(&self) -> &Path {
        self.house.dir.path()
    }

    /// Plays the night with these rules.
    fn replay(&self, edited: &str, more: &[&str]) -> Output {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("rules.yaml"), edited).unwrap();
        let rules = ["--rules", folder.path().to_str().unwrap()];
        at(self.dir(), &[&["replay"], &SPAN[..], &rules, more].concat())
    }
}

fn moment(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[track_caller]
fn assert_output(output: &Output, code: i32, expected: &str) {
    let found = (output.status.code(), said(&output.stdout));
    assert_eq!(found, (Some(code), expected), "{}", said(&output.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_night() {
    let night = Night::lived().await;
    let new = RULES.replace(
        "version: 1\nrules:\n",
        "version: 1
rules:
  - id: battery-too
    triggers: {trigger: numeric_state, input: grid_price, above: 0.30}
    actions:
      - {command: discharge, device: house_battery}
      - {notify: phone, message: the battery helps}
",
    );
    for (rules, more) in [
        (RULES.to_owned(), &[][..]),
        (RULES.replace("0.20", "0.05"), &[]),
        (new.clone(), &[]),
        (new, &["--json"]),
    ] {
        let output = night.replay(&rules, more);
        println!(
            "{:?}\n{}{}",
            output.status.code(),
            said(&output.stdout),
            said(&output.stderr)
        );
    }
    night.app.stop().await.unwrap();
}
