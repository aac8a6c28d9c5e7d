//! Steps that do more with a device than order and wait for the end, from outside.

use std::time::Duration;

use amps_rules::clock::Clock;
use serde_json::{Value, json};

use crate::home::{House, battery_charged, post, until};

/// The battery is charged: the rule begins.
async fn begin(house: &House) {
    let body = battery_charged("act_1").to_string();
    let answer = post(&house.engine().webhooks, "msg_act_1", body.as_bytes()).await;
    assert_eq!(answer.status(), 200);
}

/// A rule with these actions.
fn rule(actions: &str) -> String {
    format!(
        "version: 1
rules:
  - id: a-rule
    triggers: {{trigger: command, device: house_battery, command: charge}}
    actions:
{actions}"
    )
}

const ACCEPTED: &str = "      - {command: charge, device: car_charger, wait_for: accepted}
      - {notify: phone, message: Amps has it}
";

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_waits_for_acceptance_is_over_before_the_order_is() {
    let house = House::start(&rule(ACCEPTED)).await;
    house.fault(
        "webhooks",
        &json!({"event": "push.completed", "fault": {"kind": "drop"}}),
    );
    let never = json!({"device": "dev_ev001", "fault": {"kind": "never_end"}});
    house.fault("actions", &never);
    begin(&house).await;

    house.run_in("completed").await;
    assert_eq!(house.command().unwrap()["state"], "acknowledged");
    let heard = until("the phone rings", || house.phone().pop()).await;
    assert_eq!(heard["message"], "Amps has it");
}

#[tokio::test(flavor = "multi_thread")]
async fn acceptance_whose_answer_was_lost_is_found_after_a_kill() {
    let mut house = House::start(&rule(ACCEPTED)).await;
    house.fault_push(json!({"kind": "drop_answer"}));
    begin(&house).await;
    until("the push has arrived", || {
        (house.accepted_pushes() == 1).then_some(())
    })
    .await;
    house.kill_engine();
    house.start_engine();

    house.run_in("completed").await;
    assert_eq!(house.accepted_pushes(), 1);
}

const SETTING: &str = "      - {setting: safety_reserve, device: house_battery, value: 35 %}
      - {notify: phone, message: written}
";

/// The bodies of the settings that were written, whatever was answered.
fn written(house: &House) -> Vec<String> {
    let requests = house.amps.requests().into_iter();
    let writes = requests.filter(|it| it.path == "/battery/dev_abc123/settings");
    writes.map(|it| it.body).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_setting_is_written_and_read_back() {
    let house = House::start(&rule(SETTING)).await;
    begin(&house).await;

    house.run_in("completed").await;
    assert_eq!(
        written(&house),
        [r#"{"safety_reserve":{"value":35,"unit":"percent"}}"#]
    );
    let reads = house.amps.requests().into_iter();
    let reads = reads.filter(|it| it.path.starts_with("/battery/dev_abc123") && it.method == "GET");
    assert!(0 < reads.count());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_setting_whose_answer_was_lost_is_written_again_after_a_kill() {
    let mut house = House::start(&rule(SETTING)).await;
    let fault = json!({"kind": "delay_before", "ms": 600});
    house.fault(
        "requests",
        &json!({"method": "POST", "path": "/battery", "fault": fault}),
    );
    begin(&house).await;
    until("the write is under way", || {
        house
            .json(&["events"])
            .as_array()
            .unwrap()
            .iter()
            .find(|it| it["id"] == "msg_act_1")
            .cloned()
    })
    .await;
    house.kill_engine();
    house.start_engine();

    house.run_in("completed").await;
    assert!(!written(&house).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_setting_that_amps_turns_away_for_good_fails_the_step() {
    let house = House::start(&rule(SETTING)).await;
    let fault = json!({
        "kind": "answer", "status": 422, "code": "SETTING_OUT_OF_RANGE", "message": "too much",
        "retry_after_seconds": null,
    });
    house.fault(
        "requests",
        &json!({"method": "POST", "path": "/battery/dev_abc123/settings", "fault": fault}),
    );
    begin(&house).await;

    let run = house.run_in("failed").await;
    assert_eq!(written(&house).len(), 1);
    assert!(
        run["reason"].as_str().unwrap().contains("too much"),
        "{run}"
    );
}

const CONTRADICTED: &str = "      - setting: safety_reserve
        device: house_battery
        value: 35 %
        retry: {attempts: 2, backoff: 1s}
        on_failure:
          - notify: phone
            message: \"{{ failure.outcome }}, {{ failure.attempts }}: {{ failure.message }}\"
";

/// Amps takes the write, and the device goes on showing what it had.
#[tokio::test(flavor = "multi_thread")]
async fn a_setting_that_the_device_does_not_show_is_written_again_and_then_contradicted() {
    let (clock, winder) = Clock::simulated(Clock::System.now());
    let house = House::on_clock(&rule(CONTRADICTED), clock.clone()).await;
    let deaf = json!({"ignores_settings": true});
    house
        .amps
        .control("POST", "/devices/dev_abc123", &deaf)
        .unwrap();
    let app = house.engine_here(clock).await;
    let webhooks = format!("http://{}/webhooks/amps", app.address());
    let body = battery_charged("act_1").to_string();
    let answer = post(&webhooks, "msg_1", body.as_bytes()).await;
    assert_eq!(answer.status(), 200);

    let heard = until("the phone rings", || {
        winder.advance(Duration::from_secs(5));
        house.phone().pop()
    })
    .await;
    assert_eq!(
        heard["message"],
        "contradicted, 2: it was written as 35 %, and the device shows 5 %"
    );
    assert_eq!(
        written(&house),
        [r#"{"safety_reserve":{"value":35,"unit":"percent"}}"#; 2]
    );
    app.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_verified_by_a_reading_after_a_kill_too() {
    let verified =
        "      - {command: charge, device: car_charger, verify: {attribute: isCharging, is: true}}
      - {notify: phone, message: it charges}
";
    let mut house = House::start(&rule(verified)).await;
    let down = json!({
        "kind": "answer", "status": 500, "code": "INTERNAL_ERROR", "message": null,
        "retry_after_seconds": null,
    });
    let no_reads =
        json!({"method": "GET", "path": "/ev-charger/dev_ev001", "fault": down, "times": 1});
    house.fault("requests", &no_reads);
    begin(&house).await;
    house.command_in("completed").await;
    house.kill_engine();
    house.start_engine();

    house.run_in("completed").await;
    assert_eq!(house.accepted_pushes(), 1);
    until("the phone rings", || house.phone().pop()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_for_later_is_planned_by_amps_and_followed_after_a_kill() {
    let later = "      - {command: charge, device: car_charger, start: 4m}
      - {notify: phone, message: it has begun}
";
    let mut house = House::start(&rule(later)).await;
    begin(&house).await;
    house.command_in("acknowledged").await;
    house.kill_engine();
    house.start_engine();

    house.run_in("completed").await;
    let pushes = house.pushes();
    assert_eq!(pushes.len(), 1);
    assert_eq!(
        pushes[0].body,
        r#"{"action":{"command":"charge","start":"4m"}}"#
    );
    until("the phone rings", || house.phone().pop()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_for_later_that_somebody_cancels_is_found_by_looking_it_up() {
    let later = "      - {command: charge, device: car_charger, start: 40h}\n";
    let mut house = House::start(&rule(later)).await;
    begin(&house).await;
    let command = house.command_in("acknowledged").await;
    let action = command["action"].as_str().unwrap();
    let url = format!("{}/actions/{action}/cancel", house.amps.url());
    let request = crate::home::client()
        .post(url)
        .header("x-api-key", crate::home::API_KEY);
    assert_eq!(request.send().await.unwrap().status(), 200);
    house.stop_engine().await;
    house.start_engine();

    house.command_in("cancelled").await;
    house.run_in("failed").await;
}

const CALLED_OFF: &str = "version: 1
rules:
  - id: plan
    triggers: {trigger: command, device: house_battery, command: charge}
    actions: {command: charge, device: car_charger, start: 40h, wait_for: accepted}
  - id: call-off
    triggers: {trigger: command, device: house_battery, command: idle}
    actions:
      - cancel: {device: car_charger}
      - {notify: phone, message: called off}
";

const STEP_CALLED_OFF: &str = "version: 1
rules:
  - id: plan
    triggers:
      - {trigger: command, id: plan, device: house_battery, command: charge}
      - {trigger: command, device: house_battery, command: idle}
    actions:
      if: {condition: trigger, id: plan}
      then: {id: later, command: charge, device: car_charger, start: 40h, wait_for: accepted}
      else:
        - cancel: {step: later}
        - {notify: phone, message: called off}
";

/// The battery idles: the plan is called off.
async fn call_off(house: &House) {
    let mut body = battery_charged("act_2");
    body["command"] = json!("idle");
    let answer = post(
        &house.engine().webhooks,
        "msg_2",
        body.to_string().as_bytes(),
    )
    .await;
    assert_eq!(answer.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_amps_has_planned_is_cancelled_there_after_a_kill_too() {
    is_called_off_after_a_kill(CALLED_OFF, &Value::Null).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_step_planned_is_cancelled_at_amps_after_a_kill_too() {
    is_called_off_after_a_kill(STEP_CALLED_OFF, &json!("later")).await;
}

async fn is_called_off_after_a_kill(rules: &str, step: &Value) {
    let mut house = House::start(rules).await;
    begin(&house).await;
    let planned = house.command_in("acknowledged").await;
    assert_eq!(planned["step"], *step);
    let down = json!({
        "kind": "answer", "status": 500, "code": "INTERNAL_ERROR", "message": null,
        "retry_after_seconds": null,
    });
    house.fault(
        "requests",
        &json!({"method": "POST", "path": "/actions", "fault": down}),
    );
    call_off(&house).await;
    until("it was asked once", || {
        let requests = house.amps.requests().into_iter();
        requests.into_iter().find(|it| it.path.ends_with("/cancel"))
    })
    .await;
    house.kill_engine();
    house.start_engine();

    house.command_in("cancelled").await;
    let heard = until("the phone rings", || house.phone().pop()).await;
    assert_eq!(heard["message"], "called off");
}

const RESTARTED: &str = "version: 1
rules:
  - id: plan
    mode: restart
    triggers: {trigger: command, device: house_battery, command: charge}
    actions: {command: charge, device: car_charger, start: 40h}
";

/// A new run takes the place of the old one, and its plan that of the old plan.
#[tokio::test(flavor = "multi_thread")]
async fn a_restart_cancels_what_amps_has_planned_for_the_run_before() {
    let house = House::start(RESTARTED).await;
    begin(&house).await;
    let first = house.command_in("acknowledged").await;
    let body = battery_charged("act_2").to_string();
    let answer = post(&house.engine().webhooks, "msg_act_2", body.as_bytes()).await;
    assert_eq!(answer.status(), 200);

    let commands = until("the second plan is made", || {
        let commands = house.json(&["commands"]);
        let has_two = commands.as_array().unwrap().len() == 2;
        (has_two && commands[0]["state"] == "acknowledged").then_some(commands)
    })
    .await;
    assert_eq!(
        json!([commands[1]["id"], commands[1]["state"]]),
        json!([first["id"], "cancelled"])
    );
    let runs = house.json(&["runs"]);
    assert_eq!(
        json!([
            runs[0]["state"],
            runs[0]["cause"],
            runs[1]["state"],
            runs[1]["cause"]
        ]),
        json!(["running", "msg_act_2", "stopped", "msg_act_1"])
    );
    let cancelled = house.amps.requests().into_iter();
    let cancelled: Vec<_> = cancelled
        .filter(|it| it.path.ends_with("/cancel"))
        .map(|it| (it.path, it.status))
        .collect();
    let action = first["action"].as_str().unwrap();
    assert_eq!(
        cancelled,
        [(format!("/actions/{action}/cancel"), Some(200))]
    );
    assert_eq!((house.pushes().len(), house.accepted_pushes()), (2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_setting_is_read_back_after_an_outage() {
    let (clock, winder) = Clock::simulated(Clock::System.now());
    let house = House::on_clock(&rule(SETTING), clock.clone()).await;
    let app = house.engine_here(clock.clone()).await;
    let fault = json!({"kind": "drop_connection"});
    let unheard = json!({"method": "GET", "times": 10, "fault": fault});
    house.fault("requests", &unheard);
    let url = format!("http://{}/webhooks/amps", app.address());
    let body = battery_charged("act_1").to_string();
    let answer = post(&url, "msg_act_1", body.as_bytes()).await;
    assert_eq!(answer.status(), 200);
    let run = until("the run is over", || {
        winder.advance(Duration::from_secs(5));
        let run = house.json(&["runs"])[0].clone();
        (run["state"] != "running").then_some(run)
    })
    .await;
    assert_eq!(run["state"], "completed", "{run:#}");
    app.stop().await.unwrap();
}

const VERIFIED: &str = "      - command: charge
        device: car_charger
        retry: {attempts: 1}
        verify: {attribute: isCharging, is: true, within: 2m}
";

/// The clock of the home is four minutes ahead of Amps'.
#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_verified_although_the_clocks_differ() {
    let now = Clock::System.now();
    let (amps_clock, amps_winder) = Clock::simulated(now);
    let (clock, winder) = Clock::simulated(now + jiff::SignedDuration::from_mins(4));
    let house = House::on_clock(&rule(VERIFIED), amps_clock).await;
    let app = house.engine_here(clock).await;
    let url = format!("http://{}/webhooks/amps", app.address());
    let body = battery_charged("act_1").to_string();
    let answer = post(&url, "msg_act_1", body.as_bytes()).await;
    assert_eq!(answer.status(), 200);
    let run = until("the run is over", || {
        amps_winder.advance(Duration::from_secs(2));
        winder.advance(Duration::from_secs(2));
        let run = house.json(&["runs"])[0].clone();
        (run["state"] != "running").then_some(run)
    })
    .await;
    assert_eq!(run["state"], "completed", "{run:#}");
    app.stop().await.unwrap();
}

const WINDOW: &str =
    "      - {command: charge, device: house_battery, end: 30h, force: true, wait_for: accepted}
";

#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_amps_understood_otherwise_is_told() {
    let now = Clock::System.now();
    let (clock, _winder) = Clock::simulated(now);
    let window = rule(WINDOW).replace("command: charge}", "command: charge, source: foreign}");
    let house = House::on_clock(&window, clock.clone()).await;
    house.edit("home.yaml", |text| text.replace("Europe/London", "Etc/UTC"));
    let tokyo = json!({"timezone": "Asia/Tokyo"});
    let path = "/devices/dev_abc123";
    house.amps.control("POST", path, &tokyo).unwrap();
    let app = house.engine_here(clock).await;
    let url = format!("http://{}/webhooks/amps", app.address());
    let body = battery_charged("act_1").to_string();
    let answer = post(&url, "msg_act_1", body.as_bytes()).await;
    assert_eq!(answer.status(), 200);
    house.run_in("completed").await;
    let shown = |hours| {
        let moment = now + jiff::SignedDuration::from_hours(hours);
        moment.strftime("%Y-%m-%d %H:%M:%S UTC")
    };
    let told = format!(
        "Amps understood otherwise: the end is {}, and not {}",
        shown(21),
        shown(30)
    );
    let id = house.command().unwrap()["id"].clone();
    let why = house.cli(&["why", id.as_str().unwrap()]);
    let why = String::from_utf8(why.stdout).unwrap();
    assert!(why.contains(&told), "{why}");
    let doctor = house.cli(&["doctor"]);
    let doctor = String::from_utf8(doctor.stdout).unwrap();
    assert!(
        doctor.contains(&format!("house_battery: {told}")),
        "{doctor}"
    );
    app.stop().await.unwrap();
}
