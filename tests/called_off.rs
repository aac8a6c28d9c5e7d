//! What nobody wants any more is not sent, and what is planned gives way to what matters more.

use std::time::Duration;

use amps_rules::clock::{Clock, Winder};
use amps_rules::domain::secret::Secret;
use amps_rules::simulator::{Settings, Simulator};
use serde_json::{Value, json};

use crate::home::{API_KEY, House, battery_charged, post, until};

/// The battery does `command`: a rule begins.
async fn say(webhooks: &str, id: &str, command: &str) {
    let mut body = battery_charged(id);
    body["command"] = json!(command);
    let answer = post(webhooks, &format!("msg_{id}"), body.to_string().as_bytes()).await;
    assert_eq!(answer.status(), 200);
}

/// Winds the clock in steps of so many seconds until `found` finds something.
async fn wind<T>(
    winder: &Winder,
    what: &str,
    seconds: u64,
    mut found: impl FnMut() -> Option<T>,
) -> T {
    until(what, || {
        let found = found();
        if found.is_none() {
            winder.advance(Duration::from_secs(seconds));
        }
        found
    })
    .await
}

/// Winds the clock until so many hours are over.
async fn let_pass(clock: &Clock, winder: &Winder, hours: i64) {
    let end = clock.now() + jiff::SignedDuration::from_hours(hours);
    let step = u64::try_from(hours * 3600 / 50).unwrap();
    wind(winder, "the time is over", step, || {
        (end <= clock.now()).then_some(())
    })
    .await;
}

/// The newest run of `rule`.
fn run_of(house: &House, rule: &str) -> Option<Value> {
    let runs = house.json(&["runs"]);
    let runs = runs.as_array().unwrap();
    runs.iter().find(|it| it["rule"] == rule).cloned()
}

/// The same once it is over, while the clock is wound.
async fn over(house: &House, winder: &Winder, seconds: u64, rule: &str) -> Value {
    wind(winder, "the run is over", seconds, || {
        run_of(house, rule).filter(|it| it["state"] != "running")
    })
    .await
}

/// The orders of this home, the oldest first, and where they stand.
fn orders(house: &House) -> Value {
    let commands = house.json(&["commands"]);
    let commands = commands.as_array().unwrap().iter().rev();
    let told: Vec<Value> = commands
        .map(|it| json!([it["command"], it["state"]]))
        .collect();
    json!(told)
}

/// What was pushed.
fn pushed(house: &House) -> Vec<String> {
    house.pushes().into_iter().map(|it| it.body).collect()
}

const CHARGE: &str = r#"{"action":{"command":"charge"}}"#;
const IDLE: &str = r#"{"action":{"command":"idle"}}"#;

const IMPATIENT: &str = "version: 1
rules:
  - id: impatient
    triggers: {trigger: command, device: house_battery, command: charge}
    actions:
      - {command: charge, device: car_charger, timeout: 1m}
    on_failure:
      - {notify: phone, message: not charging}
";

#[tokio::test(flavor = "multi_thread")]
async fn an_order_whose_time_was_over_before_it_left_is_not_sent() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = listener.local_addr().unwrap();
    drop(listener);
    let house = House::without_engine(IMPATIENT).await;
    let amps = house.amps.url();
    house.edit("home.yaml", |text| {
        text.replacen(&amps, &format!("http://{listen}"), 1)
    });
    let (clock, winder) = Clock::simulated(Clock::System.now());
    let app = house.engine_here(clock.clone()).await;
    let webhooks = format!("http://{}/webhooks/amps", app.address());
    say(&webhooks, "act_1", "charge").await;
    let run = over(&house, &winder, 5, "impatient").await;
    assert_eq!(
        json!([run["state"], run["reason"]]),
        json!([
            "failed",
            "it was not over in time; what Amps has of it is left to its end"
        ])
    );
    assert_eq!(house.command_in("cancelled").await["attempts"], 0);

    let settings = Settings {
        listen,
        clock: clock.clone(),
        api_key: Secret::new(API_KEY),
        ..Settings::house()
    };
    let amps = Simulator::start(settings).await.unwrap();
    let_pass(&clock, &winder, 2).await;
    let requests = amps.requests().into_iter();
    let pushes: Vec<_> = requests.filter(|it| it.method == "POST").collect();
    assert_eq!(pushes.len(), 0, "{pushes:?}");
    app.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_whose_time_was_over_while_it_was_blocked_is_not_sent() {
    let (clock, winder) = Clock::simulated(Clock::System.now());
    let house = House::on_clock(IMPATIENT, clock.clone()).await;
    let plan = json!({"command": "charge", "start": "5h"});
    house
        .amps
        .control("POST", "/devices/dev_ev001/actions", &plan)
        .unwrap();
    let app = house.engine_here(clock.clone()).await;
    let webhooks = format!("http://{}/webhooks/amps", app.address());
    say(&webhooks, "act_1", "charge").await;
    house.command_in("blocked").await;
    over(&house, &winder, 5, "impatient").await;

    house.command_in("cancelled").await;
    let_pass(&clock, &winder, 7).await;
    assert_eq!(house.accepted_pushes(), 0);
    app.stop().await.unwrap();
}

/// A plan, and what calls it off.
fn called_off(start: &str) -> String {
    format!(
        "version: 1
rules:
  - id: plan
    triggers: {{trigger: command, device: house_battery, command: charge}}
    actions: {{command: charge, device: car_charger, start: {start}, wait_for: accepted}}
  - id: call-off
    triggers: {{trigger: command, device: house_battery, command: idle}}
    actions:
      - cancel: {{device: car_charger}}
      - {{notify: phone, message: called off}}
"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_called_off_while_in_doubt_is_not_pushed_again() {
    let (clock, winder) = Clock::simulated(Clock::System.now());
    let house = House::on_clock(&called_off("10m"), clock.clone()).await;
    house.edit("home.yaml", |text| {
        text.replace("in_doubt_for: 2s", "in_doubt_for: 10m")
    });
    let app = house.engine_here(clock.clone()).await;
    let webhooks = format!("http://{}/webhooks/amps", app.address());
    house.fault_push(json!({"kind": "drop_connection"}));
    say(&webhooks, "act_1", "charge").await;
    house.command_in("in_doubt").await;
    say(&webhooks, "act_2", "idle").await;

    let run = over(&house, &winder, 10, "call-off").await;
    assert_eq!(run["state"], "completed");
    assert_eq!(house.command().unwrap()["state"], "cancelled");
    assert_eq!((house.pushes().len(), house.accepted_pushes()), (1, 0));
    app.stop().await.unwrap();
}

const DISPLACED: &str = "version: 1
rules:
  - id: low
    triggers: {trigger: command, device: house_battery, command: charge}
    actions: {command: charge, device: car_charger}
  - id: high
    priority: 90
    triggers: {trigger: command, device: house_battery, command: idle}
    actions: {command: idle, device: car_charger}
";

#[tokio::test(flavor = "multi_thread")]
async fn a_displaced_order_that_fails_is_not_pushed_again() {
    let (clock, winder) = Clock::simulated(Clock::System.now());
    let house = House::on_clock(DISPLACED, clock.clone()).await;
    let app = house.engine_here(clock.clone()).await;
    let webhooks = format!("http://{}/webhooks/amps", app.address());
    let offline = json!({"kind": "fail", "code": "DEVICE_OFFLINE", "message": null});
    let fault = json!({"device": "dev_ev001", "fault": offline});
    house.fault("actions", &fault);
    say(&webhooks, "act_1", "charge").await;
    house.command_in("acknowledged").await;
    say(&webhooks, "act_2", "idle").await;

    let run = over(&house, &winder, 2, "high").await;
    assert_eq!(run["state"], "completed");
    assert_eq!(pushed(&house), [CHARGE, IDLE]);
    assert_eq!(
        orders(&house),
        json!([["charge", "cancelled"], ["idle", "completed"]])
    );
    app.stop().await.unwrap();
}

/// The statuses with which requests to cancel something were answered.
fn cancels(house: &House) -> Vec<Option<u16>> {
    let requests = house.amps.requests().into_iter();
    let cancels = requests.filter(|it| it.path.ends_with("/cancel"));
    cancels.map(|it| it.status).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_whose_answer_was_lost_is_known_to_have_worked() {
    let (clock, winder) = Clock::simulated(Clock::System.now());
    let house = House::on_clock(&called_off("40h"), clock.clone()).await;
    let app = house.engine_here(clock.clone()).await;
    let webhooks = format!("http://{}/webhooks/amps", app.address());
    say(&webhooks, "act_1", "charge").await;
    house.command_in("acknowledged").await;
    let lost = json!({"kind": "drop_answer"});
    let fault = json!({"method": "POST", "path": "/actions", "fault": lost});
    house.fault("requests", &fault);
    say(&webhooks, "act_2", "idle").await;

    let run = over(&house, &winder, 5, "call-off").await;
    assert_eq!(run["state"], "completed");
    assert_eq!(house.command().unwrap()["state"], "cancelled");
    assert_eq!(cancels(&house).len(), 1, "a look shows it");
    app.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_that_is_turned_away_for_good_is_asked_once_and_says_why() {
    let (clock, winder) = Clock::simulated(Clock::System.now());
    let house = House::on_clock(&called_off("40h"), clock.clone()).await;
    let app = house.engine_here(clock.clone()).await;
    let webhooks = format!("http://{}/webhooks/amps", app.address());
    say(&webhooks, "act_1", "charge").await;
    house.command_in("acknowledged").await;
    house
        .amps
        .control("POST", "/switches", &json!({"key": "unprivileged"}))
        .unwrap();
    say(&webhooks, "act_2", "idle").await;

    let run = over(&house, &winder, 15, "call-off").await;
    let_pass(&clock, &winder, 1).await;
    assert_eq!(cancels(&house), [Some(403)]);
    assert_eq!(
        run["reason"],
        "Amps does not cancel the order: INSUFFICIENT_PERMISSIONS, the API key may only read; \
         check `api_key` below `amps` in home.yaml"
    );
    app.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_that_amps_cannot_do_now_is_asked_ever_more_rarely_and_shown() {
    let (clock, winder) = Clock::simulated(Clock::System.now());
    let house = House::on_clock(&called_off("40h"), clock.clone()).await;
    let app = house.engine_here(clock.clone()).await;
    let webhooks = format!("http://{}/webhooks/amps", app.address());
    say(&webhooks, "act_1", "charge").await;
    house.command_in("acknowledged").await;
    let down = json!({
        "kind": "answer", "status": 500, "code": "INTERNAL_ERROR", "message": null,
        "retry_after_seconds": null,
    });
    let fault = json!({"method": "POST", "path": "/actions", "fault": down, "times": 100});
    house.fault("requests", &fault);
    let asked_at = clock.now();
    say(&webhooks, "act_2", "idle").await;
    for (times, seconds) in [(1, 0), (2, 15), (3, 15), (4, 30), (5, 60)] {
        winder.advance(Duration::from_secs(seconds));
        until("it is asked", || {
            let waits_for = house.json(&["status"])["commands"][0]["waits_for"].clone();
            let is_noted = waits_for
                .as_str()
                .unwrap()
                .starts_with("its end: Amps is asked to cancel it at ");
            (cancels(&house).len() == times && is_noted).then_some(())
        })
        .await;
    }
    assert_eq!(clock.now().duration_since(asked_at).as_secs(), 120);
    app.stop().await.unwrap();
}

/// A plan for in 40 hours, and an order that comes before that.
fn urgent(options: &str) -> String {
    format!(
        "version: 1
rules:
  - id: plan
    triggers: {{trigger: command, device: house_battery, command: charge}}
    actions: {{command: charge, device: car_charger, start: 40h, wait_for: accepted}}
  - id: urgent
    triggers: {{trigger: command, device: house_battery, command: idle}}
    actions:
      - {{command: idle, device: car_charger{options}}}
"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn what_we_have_planned_yields_to_a_rule_that_matters_more() {
    let rules = urgent("").replace("- id: urgent", "- id: urgent\n    priority: 90");
    plan_yields(&rules).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_we_have_planned_yields_to_a_rule_that_replaces_it() {
    plan_yields(&urgent(", on_conflict: replace")).await;
}

async fn plan_yields(rules: &str) {
    let house = House::start(rules).await;
    let webhooks = house.engine().webhooks.clone();
    say(&webhooks, "act_1", "charge").await;
    house.command_in("acknowledged").await;
    say(&webhooks, "act_2", "idle").await;
    let run = until("the run is over", || {
        run_of(&house, "urgent").filter(|it| it["state"] != "running")
    })
    .await;
    assert_eq!(run["state"], "completed");
    assert_eq!(
        orders(&house),
        json!([["charge", "cancelled"], ["idle", "completed"]])
    );
    assert_eq!(house.accepted_pushes(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_may_not_replace_a_plan_is_given_up_with_its_step() {
    let (clock, winder) = Clock::simulated(Clock::System.now());
    let house = House::on_clock(&urgent(", timeout: 10m"), clock.clone()).await;
    let app = house.engine_here(clock.clone()).await;
    let webhooks = format!("http://{}/webhooks/amps", app.address());
    say(&webhooks, "act_1", "charge").await;
    house.command_in("acknowledged").await;
    say(&webhooks, "act_2", "idle").await;
    let run = over(&house, &winder, 60, "urgent").await;
    assert_eq!(run["state"], "failed");
    assert_eq!(
        orders(&house),
        json!([["charge", "acknowledged"], ["idle", "cancelled"]])
    );
    let_pass(&clock, &winder, 42).await;
    assert_eq!(house.accepted_pushes(), 1, "the plan");
    app.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_behind_a_plan_has_a_deadline() {
    let (clock, winder) = Clock::simulated(Clock::System.now());
    let house = House::on_clock(&urgent(""), clock.clone()).await;
    let app = house.engine_here(clock.clone()).await;
    let webhooks = format!("http://{}/webhooks/amps", app.address());
    say(&webhooks, "act_1", "charge").await;
    let plan = house.command_in("acknowledged").await;
    say(&webhooks, "act_2", "idle").await;
    let waits_for = until("it is in line", || {
        let commands = house.json(&["status"])["commands"].clone();
        Some(commands.get(1)?["waits_for"].as_str()?.to_owned())
    })
    .await;
    let plan = plan["id"].as_str().unwrap();
    let (behind, until) = waits_for.split_once("; ").unwrap();
    assert_eq!(behind, format!("its turn, behind {plan}"));
    assert!(until.starts_with("given up at "), "{until}");

    let_pass(&clock, &winder, 23).await;
    assert_eq!(run_of(&house, "urgent").unwrap()["state"], "running");
    let run = over(&house, &winder, 600, "urgent").await;
    assert_eq!(
        run["reason"],
        "`idle` failed: CONFLICT, an earlier order of this home held the device for too long"
    );
    assert_eq!(house.accepted_pushes(), 1);
    app.stop().await.unwrap();
}

/// Nothing that is asked arrives, until the faults are taken away.
fn is_gone(house: &House) {
    let fault = json!({"times": 10000, "fault": {"kind": "drop_connection"}});
    house.fault("requests", &fault);
}

fn is_back(house: &House) {
    let back = house.amps.control("DELETE", "/faults", &Value::Null);
    back.unwrap();
}

fn silent_since(house: &House) -> Value {
    house.json(&["status"])["amps"]["silent_since"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_that_could_not_leave_leaves_in_time_when_amps_is_back() {
    let (clock, winder) = Clock::simulated(Clock::System.now());
    let house = House::on_clock(&called_off("90s"), clock.clone()).await;
    let app = house.engine_here(clock.clone()).await;
    let webhooks = format!("http://{}/webhooks/amps", app.address());
    let begin = clock.now();
    say(&webhooks, "act_1", "charge").await;
    house.command_in("acknowledged").await;
    is_gone(&house);
    say(&webhooks, "act_2", "idle").await;
    wind(&winder, "a minute is over", 1, || {
        let is_over = begin + jiff::SignedDuration::from_secs(60) <= clock.now();
        (is_over && silent_since(&house).is_string()).then_some(())
    })
    .await;
    is_back(&house);
    let run = over(&house, &winder, 1, "call-off").await;
    assert_eq!(run["state"], "completed");
    assert_eq!(house.command().unwrap()["state"], "cancelled");
    assert!(clock.now().duration_since(begin).as_secs() < 75);
    app.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_outage_has_put_off_is_done_as_soon_as_it_is_over() {
    let (clock, winder) = Clock::simulated(Clock::System.now());
    let house = House::on_clock(IMPATIENT, clock.clone()).await;
    house.edit("rules/rules.yaml", |text| text.replace(", timeout: 1m", ""));
    let app = house.engine_here(clock.clone()).await;
    let webhooks = format!("http://{}/webhooks/amps", app.address());
    house.hold_webhooks();
    say(&webhooks, "act_1", "charge").await;
    house.command_in("acknowledged").await;
    is_gone(&house);
    let back_at = clock.now() + jiff::SignedDuration::from_mins(6);
    wind(&winder, "six minutes are over", 5, || {
        (back_at <= clock.now() && silent_since(&house).is_string()).then_some(())
    })
    .await;
    is_back(&house);
    let n_before = house.amps.requests().len();
    wind(&winder, "the outage is over", 5, || {
        silent_since(&house).is_null().then_some(())
    })
    .await;
    // Not a second later: the clock stands.
    house.command_in("completed").await;
    let asked: Vec<String> = house
        .amps
        .requests()
        .into_iter()
        .skip(n_before)
        .map(|it| it.path)
        .collect();
    assert_eq!(asked[0], "/actions", "one asks first");
    app.stop().await.unwrap();
}
