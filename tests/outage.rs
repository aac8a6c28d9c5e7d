//! While Amps does not answer, nothing is lost, and it is said what waits.

use std::net::TcpListener;
use std::time::Duration;

use amps_rules::clock::{Clock, Winder};
use amps_rules::domain::secret::Secret;
use amps_rules::simulator::{Settings, Simulator};
use amps_rules::store::view::{AmpsLinkRow, View};
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::cli::said;
use crate::home::{API_KEY, CAR_AFTER_BATTERY, House, battery_charged, post, until};

fn link(house: &House) -> AmpsLinkRow {
    let view = View::open(house.dir.path()).unwrap().unwrap();
    view.amps_link(Clock::System.now()).unwrap()
}

async fn wind_until<T>(winder: &Winder, what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    until(what, || {
        let found = found();
        if found.is_none() {
            winder.advance(Duration::from_secs(5));
        }
        found
    })
    .await
}

/// What `doctor` says of Amps.
fn of_amps(house: &House) -> Value {
    let output = house.cli(&["doctor", "--json"]);
    let findings: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let mut findings = findings.into_iter();
    findings.find(|it| it["check"] == "amps").unwrap()
}

/// `status` and `doctor` say since when Amps does not answer, why, and what to do.
fn outage_is_told(house: &House, down: &AmpsLinkRow) {
    let since = down.silent_since.unwrap();
    let shown = since.to_zoned(TimeZone::get("Europe/London").unwrap());
    let shown = shown.strftime("%Y-%m-%d %H:%M:%S");
    let text = format!("does not answer since {shown}: Connection refused (os error 111)");
    let status = house.cli(&["status"]);
    let lines: Vec<&str> = said(&status.stdout).lines().collect();
    assert!(
        lines.contains(&format!("  amps      {text}").as_str()),
        "{lines:#?}"
    );
    assert_eq!(
        house.json(&["status"])["amps"],
        json!({
            "silent_since": since, "error": "Connection refused (os error 111)",
            "key_refused_since": null, "pause_until": null, "commands_waiting": 1,
        })
    );
    assert_eq!(
        of_amps(house),
        json!({
            "check": "amps", "verdict": "problem", "text": text,
            "remedy": "look whether this machine reaches the internet, and whether the API key is right; \
                       orders wait meanwhile",
        })
    );
    assert_eq!(house.cli(&["doctor"]).status.code(), Some(1));
}

/// A home whose Amps is at an address where nobody listens.
async fn alone(address: &str) -> House {
    let house = House::without_engine(CAR_AFTER_BATTERY).await;
    let amps = house.amps.url();
    house.edit("home.yaml", |text| text.replacen(&amps, address, 1));
    house
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_waits_for_amps_and_leaves_when_it_is_back() {
    // Free when this is dropped, and nobody else's so soon.
    let listen = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let house = alone(&format!("http://{listen}")).await;
    let (clock, winder) = Clock::simulated(Clock::System.now());
    let start = clock.now();
    let app = house.engine_here(clock.clone()).await;
    let webhooks = format!("http://{}/webhooks/amps", app.address());
    let body = battery_charged("act_1").to_string();
    let answer = post(&webhooks, "msg_1", body.as_bytes()).await;
    assert_eq!(answer.status(), 200, "the engine stays ready");

    let down = wind_until(&winder, "the outage is on record", || {
        Some(link(&house)).filter(|it| it.silent_since.is_some())
    })
    .await;
    assert_eq!(down.commands_waiting, 1);
    assert_eq!(
        down.error.as_deref(),
        Some("Connection refused (os error 111)")
    );
    assert!(start <= down.silent_since.unwrap() && down.silent_since.unwrap() <= clock.now());
    outage_is_told(&house, &down);

    // Longer than three attempts take.
    let later = clock.now() + jiff::SignedDuration::from_mins(30);
    wind_until(&winder, "half an hour passes", || {
        (later <= clock.now()).then_some(())
    })
    .await;
    assert_eq!(house.command_in("queued").await["attempts"], 0);
    assert_eq!(link(&house).silent_since, down.silent_since);

    // The next start remembers.
    app.stop().await.unwrap();
    let app = house.engine_here(clock.clone()).await;
    assert_eq!(link(&house).silent_since, down.silent_since);

    let settings = Settings {
        listen,
        clock: clock.clone(),
        api_key: Secret::new(API_KEY),
        ..Settings::house()
    };
    let amps = Simulator::start(settings).await.unwrap();
    let command = wind_until(&winder, "the order is carried out", || {
        house.command().filter(|it| it["state"] == "completed")
    })
    .await;
    assert_eq!(command["attempts"], 1);
    let pushes = amps.requests().into_iter().filter(|it| it.method == "POST");
    assert_eq!(pushes.count(), 1);
    let up = AmpsLinkRow {
        silent_since: None,
        error: None,
        key_refused_since: None,
        pause_until: None,
        commands_waiting: 0,
    };
    until("the end of the outage is on record", || {
        (link(&house) == up).then_some(())
    })
    .await;
    let status = house.cli(&["status"]);
    assert!(said(&status.stdout).contains("\n  amps      answers\n"));
    assert_eq!(
        of_amps(&house),
        json!({"check": "amps", "verdict": "ok", "text": "answers", "remedy": null})
    );
    app.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_nobody_knows_is_an_outage_like_any_other() {
    let house = alone("https://amps.invalid").await;
    let (clock, winder) = Clock::simulated(Clock::System.now());
    let app = house.engine_here(clock).await;
    let webhooks = format!("http://{}/webhooks/amps", app.address());
    let body = battery_charged("act_1").to_string();
    let answer = post(&webhooks, "msg_1", body.as_bytes()).await;
    assert_eq!(answer.status(), 200);
    let down = wind_until(&winder, "the outage is on record", || {
        Some(link(&house)).filter(|it| it.silent_since.is_some())
    })
    .await;
    assert_eq!(down.commands_waiting, 1);
    assert_eq!(house.command_in("queued").await["attempts"], 0);
    app.stop().await.unwrap();
}

/// What Amps answers to everything, for so many requests.
fn fault(house: &House, method: &str, code: &str, times: u32) {
    let answer = json!({
        "kind": "answer", "status": 401, "code": code, "message": "Authentication failed",
        "retry_after_seconds": null,
    });
    let rule = json!({"method": method, "times": times, "fault": answer});
    house.fault("requests", &rule);
}

async fn tell(house: &House) {
    let webhooks = &house.engine().webhooks;
    let body = battery_charged("act_1").to_string();
    let answer = post(webhooks, "msg_1", body.as_bytes()).await;
    assert_eq!(answer.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_has_worked_in_an_earlier_life_is_not_given_up() {
    let mut house = House::start(CAR_AFTER_BATTERY).await;
    let print = |house: &House| {
        let database = amps_rules::store::database_path(house.dir.path());
        let database = rusqlite::Connection::open(database).unwrap();
        let sql = "SELECT key_print FROM amps_link";
        let print = database.query_row(sql, [], |row| row.get::<_, Option<String>>(0));
        print.ok().flatten()
    };
    let kept = until("the key has worked", || print(&house)).await;
    assert_eq!(kept.len(), 16);
    assert!(!API_KEY.contains(&kept));
    house.kill_engine();

    // As many as the two readings of a start and the push.
    fault(&house, "GET", "UNAUTHORIZED", 2);
    fault(&house, "POST", "UNAUTHORIZED", 1);
    house.start_engine();
    tell(&house).await;
    assert_eq!(house.command_in("completed").await["attempts"], 1);
    assert_eq!((house.pushes().len(), house.accepted_pushes()), (2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_has_worked_and_is_refused_is_an_outage_and_no_attempt() {
    let (clock, winder) = Clock::simulated(Clock::System.now());
    let house = House::on_clock(CAR_AFTER_BATTERY, clock.clone()).await;
    let app = house.engine_here(clock.clone()).await;
    until("a device is read", || {
        let requests = house.amps.requests();
        requests.iter().any(|it| it.status.is_some()).then_some(())
    })
    .await;
    // More than the three attempts of the rule.
    fault(&house, "POST", "UNAUTHORIZED", 6);
    let begin = clock.now();
    let webhooks = format!("http://{}/webhooks/amps", app.address());
    let body = battery_charged("act_1").to_string();
    assert_eq!(
        post(&webhooks, "msg_1", body.as_bytes()).await.status(),
        200
    );
    let since = until("the key is refused", || link(&house).key_refused_since).await;
    assert_eq!(since, begin);
    let shown = since.to_zoned(TimeZone::get("Europe/London").unwrap());
    let shown = shown.strftime("%Y-%m-%d %H:%M:%S");
    let text = format!("refuses the key since {shown}: check `api_key` below `amps` in home.yaml");
    let status = house.cli(&["status"]);
    assert!(said(&status.stdout).contains(&format!("  amps      {text}\n")));
    assert_eq!(of_amps(&house)["text"], text);
    let waiting = house.command_in("queued").await;
    assert_eq!(waiting["attempts"], 0);
    let story = house.json(&["commands", "show", waiting["id"].as_str().unwrap()]);
    let told = story["steps"][1]["detail"].as_str().unwrap();
    assert!(
        told.starts_with(
            "UNAUTHORIZED, Authentication failed; check `api_key` below `amps` in home.yaml"
        ),
        "{told}"
    );

    let command = wind_until(&winder, "the order is carried out", || {
        house.command().filter(|it| it["state"] == "completed")
    })
    .await;
    assert_eq!(command["attempts"], 1);
    assert_eq!((house.pushes().len(), house.accepted_pushes()), (7, 1));
    assert_eq!(link(&house).key_refused_since, None);
    app.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_setting_that_is_refused_for_the_manufacturers_key_says_so() {
    let rules = CAR_AFTER_BATTERY.replace(
        "      - command: charge\n        device: car_charger\n",
        "      - setting: max_charge_rate\n        device: car_charger\n        value: 7 kW\n",
    );
    let begin = async || {
        let house = House::start(&rules).await;
        until("the devices are read", || {
            (house.amps.requests().len() == 2).then_some(())
        })
        .await;
        fault(&house, "POST", "INVALID_API_KEY", 1);
        house
    };
    let house = begin().await;
    tell(&house).await;
    let run = house.run_in("failed").await;
    let reason = run["reason"].as_str().unwrap();
    let key = "the manufacturer does not take it: link the device again in Amps";
    assert!(
        reason.ends_with(&format!("Authentication failed; {key}")),
        "{reason}"
    );
    // Where nothing else is taken, it is the home's, which has worked: it is waited for.
    let house = begin().await;
    fault(&house, "GET", "INVALID_API_KEY", 1);
    tell(&house).await;
    house.run_in("completed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_never_worked_is_given_up_with_a_word_on_where_it_stands() {
    let mut house = House::without_engine(CAR_AFTER_BATTERY).await;
    fault(&house, "GET", "UNAUTHORIZED", 100);
    fault(&house, "POST", "UNAUTHORIZED", 100);
    house.start_engine();
    tell(&house).await;
    let command = house.command_in("failed").await;
    assert_eq!(
        command["failure"],
        json!({
            "code": "UNAUTHORIZED",
            "message": "Authentication failed; check `api_key` below `amps` in home.yaml",
        })
    );
    assert_eq!(house.pushes().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_refused_for_one_device_is_the_manufacturers() {
    let house = House::start(CAR_AFTER_BATTERY).await;
    fault(&house, "POST", "INVALID_API_KEY", 1);
    tell(&house).await;
    let command = house.command_in("failed").await;
    assert_eq!(
        command["failure"]["message"],
        "Authentication failed; the manufacturer does not take it: link the device again in Amps"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_refused_for_everything_is_the_homes() {
    let house = House::start(CAR_AFTER_BATTERY).await;
    until("the devices are read", || {
        let requests = house.amps.requests();
        (requests.len() == 2).then_some(())
    })
    .await;
    fault(&house, "POST", "INVALID_API_KEY", 1);
    fault(&house, "GET", "INVALID_API_KEY", 1);
    tell(&house).await;
    // It has worked, and the order waits until it does again.
    let command = house.command_in("completed").await;
    assert_eq!(house.pushes().len(), 2);
    let shown = house.cli(&["commands", "show", command["id"].as_str().unwrap()]);
    let shown = said(&shown.stdout);
    assert!(
        shown.contains("check `api_key` below `amps` in home.yaml"),
        "{shown}"
    );
}

/// `status`, `doctor` and the order say that Amps wants a pause, and for how long.
async fn pause_is_told(house: &House) {
    let until_when = until("the pause is on record", || link(house).pause_until).await;
    let shown = until_when.to_zoned(TimeZone::get("Europe/London").unwrap());
    let shown = shown.strftime("%Y-%m-%d %H:%M:%S");
    let text = format!("asks for fewer requests: nothing is sent before {shown}");
    let status = house.cli(&["status"]);
    let told = said(&status.stdout);
    assert!(told.contains(&format!("  amps      {text}\n")), "{told}");
    let waits = "waits for another attempt at ";
    let order = told.lines().find(|it| it.contains(waits)).unwrap();
    assert!(
        order.ends_with(": turned away: RATE_LIMIT_EXCEEDED, slow down"),
        "{order}"
    );
    assert_eq!(
        house.json(&["status"])["amps"]["pause_until"],
        json!(until_when)
    );
    assert_eq!(
        (&of_amps(house)["text"], &of_amps(house)["verdict"]),
        (&json!(text), &json!("warning"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_asks_while_amps_wants_a_pause() {
    let (clock, winder) = Clock::simulated(Clock::System.now());
    let house = House::on_clock(CAR_AFTER_BATTERY, clock.clone()).await;
    let app = house.engine_here(clock.clone()).await;
    until("the devices are read", || {
        winder.advance(Duration::from_secs(1));
        let requests = house.amps.requests();
        (requests.len() == 2).then_some(())
    })
    .await;
    let answer = json!({
        "kind": "answer", "status": 429, "code": "RATE_LIMIT_EXCEEDED", "message": "slow down",
        "retry_after_seconds": 120,
    });
    house.fault_push(answer);
    let asked_at = clock.now();
    let webhooks = format!("http://{}/webhooks/amps", app.address());
    let body = battery_charged("act_1").to_string();
    assert_eq!(
        post(&webhooks, "msg_1", body.as_bytes()).await.status(),
        200
    );
    until("the push is turned away", || {
        house.command().filter(|it| it["state"] == "queued")
    })
    .await;
    pause_is_told(&house).await;
    // Nothing is asked in the next 119 seconds, neither pushed nor read.
    winder.advance(Duration::from_secs(118));
    until("the second push", || {
        if house.amps.requests().len() == 3 {
            winder.advance(Duration::from_millis(100));
        }
        (house.pushes().len() == 2).then_some(())
    })
    .await;
    let waited = clock.now().duration_since(asked_at);
    assert!(120 <= waited.as_secs(), "{waited}");
    wind_until(&winder, "the end", || {
        house.command().filter(|it| it["state"] == "completed")
    })
    .await;
    app.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_that_amps_asked_for_outlives_a_restart() {
    let (clock, winder) = Clock::simulated(Clock::System.now());
    let house = House::on_clock(CAR_AFTER_BATTERY, clock.clone()).await;
    let app = house.engine_here(clock.clone()).await;
    house.fault_push(json!({
        "kind": "answer", "status": 429, "code": "RATE_LIMIT_EXCEEDED", "message": null,
        "retry_after_seconds": 600,
    }));
    let webhooks = format!("http://{}/webhooks/amps", app.address());
    let body = battery_charged("act_1").to_string();
    let answer = post(&webhooks, "msg_1", body.as_bytes()).await;
    assert_eq!(answer.status(), 200);
    house.command_in("queued").await;
    app.stop().await.unwrap();
    let (asked, paused_at) = (house.amps.requests().len(), clock.now());

    let app = house.engine_here(clock.clone()).await;
    wind_until(&winder, "the order is taken", || {
        house.command().filter(|it| it["state"] == "completed")
    })
    .await;
    let requests = house.amps.requests();
    let next: jiff::Timestamp = requests[asked].at.parse().unwrap();
    let waited = next.duration_since(paused_at);
    assert!(
        jiff::SignedDuration::from_secs(590) < waited,
        "{:?} after {waited:?}",
        requests[asked]
    );
    app.stop().await.unwrap();
}

/// A home whose Amps does not know the key, told `code` for everything.
async fn with_a_key_that_is_refused(code: &str) -> House {
    let mut house = House::without_engine(CAR_AFTER_BATTERY).await;
    fault(&house, "GET", code, 1000);
    fault(&house, "POST", code, 1000);
    house.start_engine();
    house
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_never_worked_and_is_refused_is_told() {
    for code in ["UNAUTHORIZED", "INVALID_API_KEY", "EXPIRED_TOKEN"] {
        let house = with_a_key_that_is_refused(code).await;
        let since = until("the key is refused", || link(&house).key_refused_since).await;
        let shown = since.to_zoned(TimeZone::get("Europe/London").unwrap());
        let shown = shown.strftime("%Y-%m-%d %H:%M:%S");
        let text =
            format!("refuses the key since {shown}: check `api_key` below `amps` in home.yaml");
        let status = house.cli(&["status"]);
        assert!(said(&status.stdout).contains(&format!("  amps      {text}\n")));
        assert_eq!(of_amps(&house)["text"], text);
        assert_eq!(of_amps(&house)["verdict"], "problem");
        assert_eq!(house.cli(&["doctor"]).status.code(), Some(1));
        let failure = format!("{code}, Authentication failed");
        until("no device can be read", || {
            let devices = house.json(&["devices"]);
            let devices = devices.as_array().unwrap();
            let is_told = |it: &Value| it["not_read"]["reason"] == failure;
            devices.iter().all(is_told).then_some(())
        })
        .await;
        let status = house.cli(&["status"]);
        let line = format!(": {failure}\n");
        assert_eq!(said(&status.stdout).matches(&line).count(), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_can_no_longer_be_read_says_since_when_and_why() {
    let (clock, winder) = Clock::simulated(Clock::System.now());
    let house = House::on_clock(CAR_AFTER_BATTERY, clock.clone()).await;
    let app = house.engine_here(clock.clone()).await;
    wind_until(&winder, "the devices are read", || {
        let devices = house.json(&["devices"]);
        let devices = devices.as_array().unwrap();
        let heard = devices.iter().filter(|it| it["heard_at"].is_string());
        (heard.count() == 2).then_some(())
    })
    .await;
    let charger = |house: &House| house.json(&["devices"])[0].clone();
    assert_eq!(charger(&house)["not_read"], Value::Null);
    let refused = json!({
        "kind": "answer", "status": 401, "code": "INVALID_API_KEY", "message": "unknown key",
        "retry_after_seconds": null,
    });
    let rule = json!({"method": "GET", "path": "/ev-charger", "times": 1, "fault": refused});
    house.fault("requests", &rule);
    winder.advance(Duration::from_mins(61));
    let unread = until("a reading failed", || {
        Some(charger(&house)["not_read"].clone()).filter(|it| !it.is_null())
    })
    .await;
    assert_eq!(unread["reason"], "INVALID_API_KEY, unknown key");
    // The list of actions was answered: it is the manufacturer's key.
    assert_eq!(link(&house).key_refused_since, None);
    let requests = house.amps.requests().into_iter();
    assert_eq!(
        requests
            .filter(|it| it.path.starts_with("/actions"))
            .count(),
        1
    );
    winder.advance(Duration::from_mins(61));
    until("it is read again", || {
        charger(&house)["not_read"].is_null().then_some(())
    })
    .await;
    app.stop().await.unwrap();
}
