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

/// What depends on answers that nobody has seen.
mod assumed;

/// Two rules: one gives an order and waits until after midnight, one watches a limit.
const RULES: &str = "version: 1
rules:
  - id: car-after-battery
    triggers:
      - {id: battery, trigger: command, device: house_battery, command: charge}
    conditions:
      - {condition: numeric_state, input: grid_price, below: 0.20}
      - {condition: numeric_state, device: house_battery, attribute: level, at_least: 5}
    actions:
      - {command: charge, device: car_charger}
      - set: {state.car: charged}
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
    async fn begin() -> Self {
        Self::begin_with(RULES).await
    }

    /// It is nine in the evening.
    async fn begin_with(rules: &str) -> Self {
        let house = House::without_engine(rules).await;
        house.edit("home.yaml", |text| {
            // Never read by itself: the rule has to ask, and the answer is on record.
            text.replace("poll: 1h", "poll: 24h")
                + "inputs:
  grid_price: {type: number, unit: GBP/kWh, max_age: 12h}
hooks:
  grid_price: {secrets: [!secret amps_webhook_secret]}
http_allow: panel.invalid
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
        let to = moment(to);
        let passed = to.duration_since(std::mem::replace(&mut self.now, to));
        self.winder.advance(passed.unsigned_abs());
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
        let span = if more.contains(&"--since") {
            &SPAN[2..]
        } else {
            &SPAN[..]
        };
        at(self.dir(), &[&["replay"], span, &rules, more].concat())
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

/// The foot of every page.
const UNKNOWN: &str = "not known at the beginning: what rules remembered then and have set anew since (state.NAME), and what lay more than a day back\n";

#[tokio::test(flavor = "multi_thread")]
async fn with_the_rules_of_then_nothing_is_different_with_the_engine_or_without_it() {
    let night = Night::lived().await;
    let arguments = [&["replay"], &SPAN[..]].concat();
    let page = format!(
        "\
Fri 10 Jan 2025 22:00:00 to Sat 11 Jan 2025 06:00:00

Fri 10 Jan 2025
    time      then                                        now
=   23:45:00  run car-after-battery (battery): completed  run car-after-battery (battery): completed
=   23:45:00  command car_charger charge: completed       command car_charger charge: completed

Sat 11 Jan 2025
    time      then                                        now
=   00:05:30  notify phone \"the car is charging\"          notify phone \"the car is charging\"
=   00:30:00  run price-is-high (price): completed        run price-is-high (price): completed
=   00:30:00  notify phone \"it costs 0.35 GBP/kWh\"        notify phone \"it costs 0.35 GBP/kWh\"

6 events played: 5 the same (=), 0 only then (-), 0 only now (+)
{UNKNOWN}"
    );
    let n_rows = |night: &Night| night.house.json(&["events"]).as_array().unwrap().len();
    let (n_before, n_pushes) = (n_rows(&night), night.house.pushes().len());
    assert_output(&at(night.dir(), &arguments), 0, &page);
    assert_eq!(n_rows(&night), n_before);
    assert_eq!(night.house.pushes().len(), n_pushes);
    night.app.stop().await.unwrap();
    assert_output(&at(night.house.dir.path(), &arguments), 0, &page);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_limit_takes_away_an_order_and_all_that_came_of_it() {
    let night = Night::lived().await;
    let output = night.replay(&RULES.replace("0.20", "0.05"), &[]);
    let page = format!(
        "\
Fri 10 Jan 2025 22:00:00 to Sat 11 Jan 2025 06:00:00

Fri 10 Jan 2025
    time      then                                        now
-   23:45:00  run car-after-battery (battery): completed
-   23:45:00  command car_charger charge: completed

Sat 11 Jan 2025
    time      then                                        now
-   00:05:30  notify phone \"the car is charging\"
=   00:30:00  run price-is-high (price): completed        run price-is-high (price): completed
=   00:30:00  notify phone \"it costs 0.35 GBP/kWh\"        notify phone \"it costs 0.35 GBP/kWh\"

4 events played: 2 the same (=), 3 only then (-), 0 only now (+)
left out: 2 events that followed from orders, requests or settings which are not made now; what devices showed is as it was then
{UNKNOWN}"
    );
    assert_output(&output, 1, &page);
    night.app.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_delay_moves_what_stands_behind_it_over_midnight() {
    let night = Night::lived().await;
    let output = night.replay(&RULES.replace("20m", "10m"), &["--json"]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output.stderr));
    let page: Value = serde_json::from_slice(&output.stdout).unwrap();
    let rows = page["rows"].as_array().unwrap().iter();
    let moment = |side: &Value| side["at"].as_str().map(|it| it[11..19].to_owned());
    let rows: Vec<_> = rows
        .filter(|it| it["then"]["rule"] != "price-is-high")
        .map(|it| {
            (
                it["kind"].as_str().unwrap(),
                moment(&it["then"]),
                moment(&it["now"]),
            )
        })
        .collect();
    let at = |it: &str| Some(it.to_owned());
    assert_eq!(
        rows,
        [
            ("run", at("23:45:00"), None),
            ("run", None, at("23:45:00")),
            ("command", at("23:45:00"), at("23:45:00")),
            ("notification", None, at("23:55:30")),
            ("notification", at("00:05:30"), None),
        ]
    );
    assert_eq!(page["only_then"], 2);
    // The order is the same, and its end is on record: nothing is assumed.
    let assumed = |it: &&Value| it["assumed"] == true;
    assert_eq!(
        page["rows"]
            .as_array()
            .unwrap()
            .iter()
            .filter(assumed)
            .count(),
        0
    );
    night.app.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_rule_remembered_before_the_beginning_is_known() {
    let night = Night::lived().await;
    let asks = "version: 1
rules:
  - id: car-after-battery
    triggers: [{id: high, trigger: numeric_state, input: grid_price, above: 0.30}]
    actions:
      - {notify: phone, message: \"{{ state.car }}\"}
      - set: {state.car: full}
";
    let told = |since| {
        let output = night.replay(asks, &["--since", since, "--json"]);
        let page: Value = serde_json::from_slice(&output.stdout).unwrap();
        let mut rows = page["rows"].as_array().unwrap().iter();
        let row = rows.find(|it| it["side"] == "only_now" && it["kind"] == "notification");
        row.unwrap()["now"]["message"].clone()
    };
    assert_eq!(told("2025-01-11 00:10"), "charged");
    assert_eq!(told("2025-01-10 23:00"), "unknown");
    night.app.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_was_under_way_at_the_beginning_is_named_and_on_neither_side() {
    let night = Night::lived().await;
    let run = night.house.json(&["runs"])[1]["id"].clone();
    let output = night.replay(RULES, &["--since", "2025-01-10 23:50"]);
    let page = format!(
        "\
Fri 10 Jan 2025 23:50:00 to Sat 11 Jan 2025 06:00:00

Sat 11 Jan 2025
    time      then                                  now
=   00:30:00  run price-is-high (price): completed  run price-is-high (price): completed
=   00:30:00  notify phone \"it costs 0.35 GBP/kWh\"  notify phone \"it costs 0.35 GBP/kWh\"

1 event played: 2 the same (=), 0 only then (-), 0 only now (+)
left out: {} of car-after-battery, which was under way at the beginning, and all it did
{UNKNOWN}",
        run.as_str().unwrap()
    );
    assert_output(&output, 0, &page);
    night.app.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_played_is_refused_with_the_reason() {
    let night = Night::begin().await;
    let dir = night.dir();
    let replay = |more: &[&str]| at(dir, &[&["replay"], more].concat());
    for (arguments, reason) in [
        (
            &["--since", "yesterday"][..],
            "error: `yesterday` is no moment; write for example `2026-01-10 22:00`, `22:00` or `24h`\n",
        ),
        (
            &["--since", "2025-01-10 22:00", "--until", "2025-01-10 22:00"],
            "error: the beginning is not before the end\n",
        ),
        (
            &["--since", "2999-01-01"],
            "error: the beginning is not before the end\n",
        ),
    ] {
        let output = replay(arguments);
        assert_eq!(
            (output.status.code(), said(&output.stderr)),
            (Some(2), reason)
        );
        assert_eq!(said(&output.stdout), "");
    }
    let broken = night.replay(&RULES.replace("car_charger", "car_chargr"), &[]);
    assert_eq!((broken.status.code(), said(&broken.stdout)), (Some(2), ""));
    let errors = said(&broken.stderr);
    assert!(errors.contains("unknown device `car_chargr`"), "{errors}");
    assert!(
        errors.ends_with("error: the rules are broken; nothing was played\n"),
        "{errors}"
    );
    night.app.stop().await.unwrap();

    let asleep = House::without_engine(RULES.split("  - id: price").next().unwrap()).await;
    asleep.edit("home.yaml", |text| {
        text + "inputs: {grid_price: {type: number}}\n"
    });
    let output = asleep.cli(&["replay", "--since", "1h"]);
    let reason = "error: this home has no record yet: no engine has ever run on it\n";
    assert_eq!(
        (output.status.code(), said(&output.stderr)),
        (Some(2), reason)
    );
    asleep.edit("home.yaml", |text| {
        text.replace("Europe/London", "Europe/Lundon")
    });
    let output = asleep.cli(&["replay", "--since", "1h"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        said(&output.stderr).contains("Europe/Lundon"),
        "{}",
        said(&output.stderr)
    );
}
