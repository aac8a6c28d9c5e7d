//! `status`, `doctor`, `devices` and `inputs`: how the home is, with the engine or without it.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use amps_rules::clock::Clock;
use serde_json::{Value, json};

use crate::cli::{at, said};
use crate::home::{CAR_AFTER_BATTERY, House, home, until};
use crate::why::{charged, masked};

/// What is said on standard output, and how it ends.
fn told(house: &House, arguments: &[&str]) -> (String, Option<i32>) {
    let output = house.cli(arguments);
    (masked(said(&output.stdout)), output.status.code())
}

/// The rule asks for the level of the battery, which is read for that.
fn asking() -> String {
    const LEVEL: &str = "    conditions: {condition: numeric_state, device: house_battery, attribute: level, below: 200}\n";
    CAR_AFTER_BATTERY.replace("    actions:", &format!("{LEVEL}    actions:"))
}

/// A home whose car has been told to charge, and whose report is out.
async fn charging() -> House {
    let mut house = House::without_engine(&asking()).await;
    // Nor is it looked up while the test looks.
    house.edit("home.yaml", |text| {
        text.replace("look_up_after: 1s", "look_up_after: 1m")
    });
    house.start_engine();
    house.hold_webhooks();
    charged(&house, "charge", "msg_1").await;
    house.command_in("acknowledged").await;
    house
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_tells_of_open_orders_and_what_they_wait_for() {
    let mut house = charging().await;
    let (text, code) = told(&house, &["status"]);
    let rest = "  rules     1 rule, 0 of them ready
            car-after-battery: running since DATE TIME (run_ID); one run at a time: waits for the end of its order to car_charger (cmd_ID)
  order     charge on car_charger (cmd_ID) is acknowledged for AGE; waits for the report of Amps: looked up at DATE TIME, given up at DATE TIME
  amps      answers
  webhooks  the last one AGE ago, at DATE TIME
  device    car_charger: AGE ago, live from the device
  device    house_battery: AGE ago, live from the device
";
    let version = env!("CARGO_PKG_VERSION");
    let running = format!("  engine    running since DATE TIME, version {version}\n{rest}");
    let (told_lines, database) = text.split_once("  database  ").unwrap();
    assert_eq!(told_lines, running);
    assert!(database.ends_with(" MiB of 512.0 MiB"), "{database}");
    assert_eq!(code, Some(0));

    house.stop_engine().await;
    let (text, code) = told(&house, &["status"]);
    let stopped = format!("  engine    no engine runs on this home\n{rest}");
    assert_eq!(text.split_once("  database  ").unwrap().0, stopped);
    assert_eq!(code, Some(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_as_json_has_every_part() {
    let house = charging().await;
    let status = house.json(&["status"]);
    let order = house.command().unwrap();
    assert_eq!(status["engine"]["is_running"], true);
    assert_eq!(status["engine"]["problem"], Value::Null);
    assert_eq!(status["is_home_sound"], true);
    assert_eq!(status["rules"][0]["now"][0]["is"], "running");
    assert_eq!(status["commands"][0]["id"], order["id"]);
    assert_eq!(status["commands"][0]["state"], "acknowledged");
    assert_eq!(status["last_webhook"]["id"], "msg_1");
    assert_eq!(status["inputs"], json!([]));
    assert_eq!(status["next"], json!([]));
    assert_eq!(status["dead_letters"], 0);
    assert_eq!(status["database"]["bytes_max"], 512 * 1024 * 1024);

    let devices = house.json(&["devices"]);
    assert_eq!(status["devices"], devices);
    let charger = &devices[0];
    assert_eq!(
        json!([
            charger["alias"],
            charger["id"],
            charger["type"],
            charger["origin"]
        ]),
        json!(["car_charger", "dev_ev001", "ev_charger", "live"])
    );
    assert_eq!(charger["order"]["id"], order["id"]);
    let holder = json!({"rule": "car-after-battery", "run": order["run"], "until": null});
    assert_eq!(charger["held_by"], holder);
    assert_eq!(devices[1]["order"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_is_shown_with_its_values() {
    let mut house = charging().await;
    let battery = house.json(&["devices", "show", "house_battery"]);
    let values = battery["values"].as_array().unwrap();
    let level = values.iter().find(|it| it["attribute"] == "level").unwrap();
    assert_eq!(
        json!([level["value"], level["unit"], level["origin"]]),
        json!([62.0, "%", "live"])
    );
    house.stop_engine().await;
    let (text, code) = told(&house, &["devices", "show", "car_charger"]);
    assert_eq!(code, Some(0));
    let (head, values) = text.split_once("\nattribute").unwrap();
    assert_eq!(
        head,
        "\
car_charger  (ev_charger, dev_ev001)
our order `charge` is acknowledged since DATE TIME, by car-after-battery (cmd_ID)
held by rule car-after-battery
how soon Amps takes an order: unknown
how soon an order is over: unknown"
    );
    let (values, takes) = values.split_once("\n\nwhat it takes, ").unwrap();
    assert!(values.contains("\nstatus "), "{values}");
    assert_eq!(
        takes,
        "\
as it says since DATE TIME:
  while another order holds it: cancel_and_replace
takes                    within      when
charge                               at once, with a `start`, with an `end`
idle                                 at once, with a `start`
setting max_charge_rate  0 to 50 kW"
    );
    let unknown = house.cli(&["devices", "show", "car_chargr"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert_eq!(
        said(&unknown.stderr),
        "error: home.yaml names no device `car_chargr`\n  = help: did you mean `car_charger`?\n"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn inputs_are_listed_also_before_they_have_a_value() {
    let house = House::without_engine(CAR_AFTER_BATTERY).await;
    let none = house.cli(&["inputs"]);
    assert_eq!(said(&none.stderr), "home.yaml names no inputs\n");
    house.edit("home.yaml", |text| {
        text + "inputs: {grid_price: {type: number, unit: GBP/kWh}}\n"
    });
    assert_eq!(
        house.json(&["inputs"]),
        json!([{"name": "grid_price", "value": null, "taken_at": null, "age_seconds": null, "is_too_old": false}])
    );
    assert_eq!(
        told(&house, &["inputs"]).0,
        "input       value  age\ngrid_price  none"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_orders_took_is_told_and_a_timeout_that_is_shorter_is_advised_against() {
    let impatient = "        force: true\n        timeout: 10s\n        retry:";
    let mut house = House::start(&CAR_AFTER_BATTERY.replace("        retry:", impatient)).await;
    let none = json!({"orders": 0, "p50_seconds": null, "p95_seconds": null});
    assert_eq!(
        house.json(&["devices", "show", "car_charger"])["observed"],
        json!({"acknowledge": none, "completion": none})
    );
    for n in 1..=5 {
        charged(&house, "charge", &format!("msg_{n}")).await;
        until("the run is over", || {
            let runs = house.json(&["runs"]);
            (runs.as_array().unwrap().len() == n && runs[0]["state"] == "completed").then_some(())
        })
        .await;
    }
    house.stop_engine().await;
    assert_eq!(timeouts(&house), Vec::<String>::new());

    // As slow as a day on which the manufacturer is.
    let database = amps_rules::store::database_path(house.dir.path());
    let database = rusqlite::Connection::open(database).unwrap();
    database
        .execute_batch(
            "UPDATE commands SET over_at = began_at + (10 + seq) * 1000000;
             UPDATE command_steps SET at = (SELECT at FROM command_steps AS sent
                     WHERE sent.command_id = command_steps.command_id AND sent.state = 'sending')
                 + 12250000 WHERE state = 'acknowledged';",
        )
        .unwrap();
    assert_eq!(
        house.json(&["devices", "show", "car_charger"])["observed"],
        json!({
            "acknowledge": {"orders": 5, "p50_seconds": 12.25, "p95_seconds": 12.25},
            "completion": {"orders": 5, "p50_seconds": 13.0, "p95_seconds": 15.0},
        })
    );
    let shown = house.cli(&["devices", "show", "car_charger"]);
    let text = said(&shown.stdout);
    for line in [
        "how soon Amps takes an order: half of 5 orders within 12s250ms, 95 % within 12s250ms",
        "how soon an order is over: half of 5 orders within 13s, 95 % within 15s",
    ] {
        assert!(text.lines().any(|it| it == line), "{line}\n{text}");
    }
    assert_eq!(
        timeouts(&house),
        [
            "warning  timeout    car-after-battery (rules/rules.yaml:9) waits 10s for `charge` on car_charger (`timeout:`); \
             95 % of the last 5 orders to it were over within 15s",
            "                    = help: write `timeout: 31s` or more there, or leave it out",
        ]
    );
    // Only as far as the step waits.
    house.edit("rules/rules.yaml", |text| {
        text.replace("timeout: 10s", "timeout: 15s")
    });
    house.start_engine();
    assert_eq!(timeouts(&house), Vec::<String>::new());
    house.stop_engine().await;
    house.edit("rules/rules.yaml", |text| {
        text.replace("timeout: 15s", "timeout: 12s\n        wait_for: accepted")
    });
    house.start_engine();
    assert_eq!(
        timeouts(&house),
        [
            "warning  timeout    car-after-battery (rules/rules.yaml:9) waits 12s for `charge` on car_charger (`timeout:`); \
             95 % of the last 5 orders to it were taken by Amps within 12s250ms",
            "                    = help: write `timeout: 25s` or more there, or leave it out",
        ]
    );
}

/// What `doctor` says of timeouts, with the help below each line.
fn timeouts(house: &House) -> Vec<String> {
    let output = house.cli(&["doctor"]);
    let mut lines = said(&output.stdout).lines().map(str::to_owned).peekable();
    let mut found = Vec::new();
    while let Some(line) = lines.next() {
        if line.contains(" timeout    ") {
            found.push(line);
            found.extend(lines.next_if(|it| it.contains("= help")));
        }
    }
    found
}

/// Each check with its verdict.
fn verdicts(house: &House) -> (Vec<String>, Option<i32>) {
    let output = house.cli(&["doctor", "--json"]);
    let findings: Value = serde_json::from_slice(&output.stdout).unwrap();
    let findings = findings.as_array().unwrap().iter();
    let verdicts = findings.filter(|it| it["check"] != "disk").map(|it| {
        format!(
            "{}: {}",
            it["check"].as_str().unwrap(),
            it["verdict"].as_str().unwrap()
        )
    });
    (verdicts.collect(), output.status.code())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_home_is_told_so_and_an_ill_one_what_to_do() {
    let mut house = House::start(&asking()).await;
    charged(&house, "charge", "msg_1").await;
    house.run_in("completed").await;
    house.stop_engine().await;
    house.start_engine();
    let healthy = [
        "home: ok",
        "secrets: ok",
        "rules: ok",
        "engine: ok",
        "database: ok",
        "database: ok",
        "clock: ok",
        "webhooks: ok",
        "amps: ok",
        "device: ok",
        "device: ok",
        "notifier: ok",
        "waiting: ok",
        "given up: ok",
    ];
    assert_eq!(
        verdicts(&house),
        (healthy.map(str::to_owned).to_vec(), Some(0))
    );

    house.stop_engine().await;
    let secrets = house.dir.path().join("secrets.yaml");
    fs::set_permissions(&secrets, fs::Permissions::from_mode(0o644)).unwrap();
    house.edit("rules/rules.yaml", |text| {
        text.replace("command: charge", "command: chrge")
    });
    let (text, code) = told(&house, &["doctor"]);
    assert_eq!(code, Some(1));
    let ill = [
        "problem  home       home.yaml cannot be used: ".to_owned(),
        "problem  secrets    others on this machine can open secrets.yaml (mode 644)".to_owned(),
        format!(
            "                    = help: chmod 600 {}",
            secrets.display()
        ),
        "problem  rules      broken: car-after-battery".to_owned(),
        "warning  engine     no engine runs on this home".to_owned(),
        "ok       waiting    nothing waits without a deadline".to_owned(),
    ];
    for line in ill {
        assert!(
            text.lines().any(|it| it.starts_with(&line)),
            "{line}\n{text}"
        );
    }
}

#[test]
fn a_home_that_never_ran_has_a_status_and_a_doctor() {
    let dir = home(crate::cli::SETTINGS, CAR_AFTER_BATTERY);
    let status = at(dir.path(), &["status"]);
    assert_eq!(status.status.code(), Some(3));
    assert_eq!(
        said(&status.stdout),
        "  engine    no engine runs on this home
  rules     1 rule, 0 of them ready
            car-after-battery: the engine has not taken it over yet: `amps-rules reload`, or start the engine
  orders    none is open
  webhooks  none was ever received
  device    car_charger: never read
  device    house_battery: never read
  database  none yet: no engine has run on this home
"
    );
    let doctor = at(dir.path(), &["doctor"]);
    assert_eq!(doctor.status.code(), Some(0), "{}", said(&doctor.stdout));
    assert!(
        said(&doctor.stdout)
            .contains("warning  database   there is none yet: no engine has run on this home\n")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_database_is_a_problem() {
    let mut house = House::start(CAR_AFTER_BATTERY).await;
    house.stop_engine().await;
    fs::write(
        house.dir.path().join("state/amps-rules.db"),
        "not a database, and long enough to be none",
    )
    .unwrap();
    let (text, code) = told(&house, &["doctor"]);
    assert_eq!(code, Some(1));
    let problem = "problem  database   it cannot be opened: ";
    assert!(text.lines().any(|it| it.starts_with(problem)), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_setting_that_waits_is_told_with_what_and_why() {
    let rules = CAR_AFTER_BATTERY.replace(
        "      - command: charge\n        device: car_charger\n",
        "      - setting: max_charge_rate\n        device: car_charger\n        value: 7 kW\n",
    );
    let (clock, _winder) = Clock::simulated(Clock::System.now());
    let house = House::on_clock(&rules, clock.clone()).await;
    let app = house.engine_here(clock).await;
    let busy = json!({
        "kind": "answer", "status": 429, "code": "RATE_LIMIT_EXCEEDED", "message": "slow down",
        "retry_after_seconds": 600,
    });
    house.fault("requests", &json!({"method": "POST", "fault": busy}));
    let webhooks = format!("http://{}/webhooks/amps", app.address());
    let body = crate::home::battery_charged("act_1").to_string();
    let answer = crate::home::post(&webhooks, "msg_1", body.as_bytes()).await;
    assert_eq!(answer.status(), 200);
    let waits = "waits for max_charge_rate of car_charger to be 7 kW (req_ID): written at DATE TIME: \
                 RATE_LIMIT_EXCEEDED, slow down";
    until("it waits", || {
        told(&house, &["status"]).0.contains(waits).then_some(())
    })
    .await;
    let run = &house.json(&["runs"])[0];
    let why = house.cli(&["why", run["id"].as_str().unwrap()]);
    let why = masked(said(&why.stdout));
    let setting = "setting   max_charge_rate of car_charger to be 7 kW (req_ID)";
    assert!(why.contains(setting), "{why}");
    let run_json = house.json(&["why", run["id"].as_str().unwrap()]);
    let link = &run_json["led_to"][0];
    assert_eq!(link["is"], "setting");
    let request = link["id"].as_str().unwrap();
    let why = house.cli(&["why", request]);
    let why = masked(said(&why.stdout));
    assert!(
        why.contains(setting) && why.contains("written at DATE TIME"),
        "{why}"
    );
    app.stop().await.unwrap();
}
