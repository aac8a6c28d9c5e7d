//! Killed between any two steps and started again: one accepted push, the right end, nothing lost.
//!
//! The process is real and the signal is SIGKILL. Each moment is held open from outside: Amps cannot be
//! reached, answers late, keeps its webhooks back, or the database is locked by somebody else.

use std::time::Duration;

use amps_rules::clock::{Clock, Winder};
use amps_rules::store::database_path;
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::home::{CAR_AFTER_BATTERY, House, battery_charged, post, until};

/// A webhook that starts the story, answered.
async fn begin(house: &House, action: &str) {
    let body = battery_charged(action).to_string();
    let answer = post(
        &house.engine().webhooks,
        &format!("msg_{action}"),
        body.as_bytes(),
    )
    .await;
    assert_eq!(answer.status(), 200);
}

/// After the restart: everything that was asked for has happened, once.
async fn ends_well(house: &House) {
    let command = house.command_in("completed").await;
    house.run_in("completed").await;
    until("the phone rings", || house.phone().pop()).await;
    assert_eq!(house.accepted_pushes(), 1);
    assert_eq!(house.phone().len(), 1);
    let action = command["action"].as_str();
    assert!(
        house
            .pushes()
            .iter()
            .any(|it| it.accepted_action.as_deref() == action)
    );
}

/// Holds the database's write lock until it is dropped.
fn lock(house: &House) -> Connection {
    let connection = Connection::open(database_path(house.dir.path())).unwrap();
    connection.busy_timeout(Duration::from_secs(5)).unwrap();
    connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    connection
}

async fn accepted(house: &House) {
    until("Amps has the push", || {
        (house.accepted_pushes() == 1).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_the_answer_to_the_webhook_and_the_push() {
    let mut house = House::without_engine(CAR_AFTER_BATTERY).await;
    let amps = house.amps.url();
    house.edit("home.yaml", |text| {
        text.replace(&amps, "http://127.0.0.1:1")
    });
    house.start_engine();
    begin(&house, "act_1").await;
    house.command_in("queued").await;
    house.kill_engine();
    assert_eq!(house.pushes().len(), 0);

    house.edit("home.yaml", |text| {
        text.replace("http://127.0.0.1:1", &amps)
    });
    house.start_engine();
    ends_well(&house).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_right_after_the_answer_to_the_webhook() {
    let mut house = House::start(CAR_AFTER_BATTERY).await;
    begin(&house, "act_1").await;
    house.kill_engine();

    house.start_engine();
    ends_well(&house).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_the_push_and_its_arrival() {
    let mut house = House::start(CAR_AFTER_BATTERY).await;
    house.fault_push(json!({"kind": "delay_before", "ms": 600}));
    begin(&house, "act_1").await;
    until("the push is under way", || house.pushes().pop()).await;
    house.kill_engine();
    assert_eq!(house.accepted_pushes(), 0);

    house.start_engine();
    ends_well(&house).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_the_push_and_its_answer() {
    let mut house = House::start(CAR_AFTER_BATTERY).await;
    house.fault_push(json!({"kind": "delay_after", "ms": 5000}));
    begin(&house, "act_1").await;
    accepted(&house).await;
    house.kill_engine();

    house.start_engine();
    ends_well(&house).await;
    assert_eq!(house.pushes().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_again_while_a_lost_push_is_looked_up() {
    let mut house = House::start(CAR_AFTER_BATTERY).await;
    house.fault_push(json!({"kind": "delay_after", "ms": 5000}));
    house.hold_webhooks();
    begin(&house, "act_1").await;
    accepted(&house).await;
    house.kill_engine();

    let late = json!({"kind": "delay_after", "ms": 5000});
    let look = json!({"method": "GET", "path": "/actions", "times": 2, "fault": late});
    house.fault("requests", &look);
    for n in 1..=2 {
        house.start_engine();
        until("it is looked up", || {
            let requests = house.amps.requests().into_iter();
            let looks = requests.filter(|it| it.path.starts_with("/actions"));
            (looks.count() == n).then_some(())
        })
        .await;
        assert_eq!(house.command().unwrap()["state"], "in_doubt");
        house.kill_engine();
    }
    house.release_webhooks();

    house.start_engine();
    ends_well(&house).await;
    assert_eq!(house.pushes().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_the_answer_to_the_push_and_its_record() {
    let mut house = House::start(CAR_AFTER_BATTERY).await;
    house.fault_push(json!({"kind": "delay_after", "ms": 500}));
    house.hold_webhooks();
    begin(&house, "act_1").await;
    accepted(&house).await;
    let lock = lock(&house);
    until("the push is answered", || {
        house.pushes()[0].status.filter(|it| *it == 202)
    })
    .await;
    house.kill_engine();
    drop(lock);
    house.release_webhooks();
    assert_eq!(house.command_in("sending").await["attempts"], 1);

    house.start_engine();
    ends_well(&house).await;
    assert_eq!(house.pushes().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_the_record_of_the_answer_and_the_report() {
    let mut house = House::start(CAR_AFTER_BATTERY).await;
    house.hold_webhooks();
    begin(&house, "act_1").await;
    house.command_in("acknowledged").await;
    house.kill_engine();
    house.release_webhooks();

    house.start_engine();
    ends_well(&house).await;
    assert_eq!(house.pushes().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_the_report_waits_to_be_recorded() {
    let mut house = House::start(CAR_AFTER_BATTERY).await;
    house.hold_webhooks();
    begin(&house, "act_1").await;
    house.command_in("acknowledged").await;
    let lock = lock(&house);
    house.release_webhooks();
    until("Amps is told to come again", || {
        let webhooks = json!(house.amps.webhooks());
        webhooks.to_string().contains("503").then_some(())
    })
    .await;
    house.kill_engine();
    drop(lock);

    house.start_engine();
    ends_well(&house).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_the_report_and_the_message_to_the_phone() {
    let mut house = House::without_engine(CAR_AFTER_BATTERY).await;
    let phone = format!("{}/_simulator/phone", house.amps.url());
    house.edit("home.yaml", |text| {
        text.replace(&phone, "http://127.0.0.1:1/phone")
    });
    house.start_engine();
    begin(&house, "act_1").await;
    house.run_in("completed").await;
    house.kill_engine();
    assert_eq!(house.phone().len(), 0);

    house.edit("home.yaml", |text| {
        text.replace("http://127.0.0.1:1/phone", &phone)
    });
    house.start_engine();
    ends_well(&house).await;
}

/// Three orders in three rounds, each inside of a way; the phone rings behind the last.
const THREE_ROUNDS: &str = "\
version: 1
rules:
  - id: three-rounds
    variables: {who: everybody}
    triggers: {trigger: command, device: house_battery, command: charge}
    actions:
      - repeat:
          count: 3
          sequence:
            - if: {not: {condition: rule, rule: three-rounds, running: false}}
              then: {command: charge, device: car_charger}
              else: {stop: it forgot that it runs, failed: true}
      - {notify: phone, message: three rounds}
";

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_a_run_waits_inside_a_loop() {
    let mut house = House::without_engine(THREE_ROUNDS).await;
    house.start_engine();
    house.hold_webhooks();
    begin(&house, "act_1").await;
    house.command_in("acknowledged").await;
    house.kill_engine();
    house.release_webhooks();

    house.start_engine();
    house.run_in("completed").await;
    until("the phone rings", || house.phone().pop()).await;
    assert_eq!(house.accepted_pushes(), 3, "one for each round");
    assert_eq!(house.phone().len(), 1);
}

/// Tells whether the car was charged lately, and whether its rule ran lately.
const ASKS: &str = "
  - id: asks
    triggers: {trigger: command, device: house_battery, command: discharge}
    conditions:
      - {condition: command, device: car_charger, state: idle}
      - {condition: command, device: car_charger, command: charge, state: {completed_within: 1h}}
      - {condition: rule, rule: car-after-battery, running: false, last_ran_within: 1h}
    actions: {notify: phone, message: The car was charged lately.}
";

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_an_order_was_completed() {
    let mut house = House::start(&format!("{CAR_AFTER_BATTERY}{ASKS}")).await;
    begin(&house, "act_1").await;
    ends_well(&house).await;
    house.kill_engine();

    house.start_engine();
    let mut body = battery_charged("act_2");
    body["command"] = json!("discharge");
    let body = body.to_string();
    let answer = post(&house.engine().webhooks, "msg_act_2", body.as_bytes()).await;
    assert_eq!(answer.status(), 200);
    until("the phone rings again", || house.phone().get(1).cloned()).await;
}

/// Kills at moments that nobody has thought of.
#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_moment() {
    const STORIES: u64 = 8;
    const LATEST_MS: u64 = 260;
    // The car charges already from the second story on.
    let always = CAR_AFTER_BATTERY.replace(
        "command: charge\n        device: car_charger\n",
        "command: charge\n        device: car_charger\n        force: true\n",
    );
    assert_ne!(always, CAR_AFTER_BATTERY);
    let mut house = House::start(&always).await;
    let mut seed: u64 = 0x5EED_0001;
    for story in 1..=STORIES {
        begin(&house, &format!("act_{story}")).await;
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        Clock::System
            .sleep(Duration::from_millis(seed % LATEST_MS))
            .await;
        house.kill_engine();
        house.start_engine();
        let cause = format!("msg_act_{story}");
        until(&format!("story {story} ends"), || {
            let newest = house.json(&["runs"])[0].clone();
            (newest["cause"] == *cause && newest["state"] == "completed").then_some(())
        })
        .await;
        assert_eq!(house.accepted_pushes() as u64, story, "seed {seed:#x}");
    }
    let commands = house.json(&["commands"]);
    assert!(
        commands
            .as_array()
            .unwrap()
            .iter()
            .all(|it| it["state"] == "completed")
    );
    assert_eq!(commands.as_array().unwrap().len() as u64, STORIES);
}

#[tokio::test(flavor = "multi_thread")]
async fn told_to_stop_while_an_answer_is_out() {
    let mut house = House::without_engine(CAR_AFTER_BATTERY).await;
    house.fault_push(json!({"kind": "delay_after", "ms": 60_000}));
    house.edit("home.yaml", |text| {
        text.replace("request_timeout: 1s", "request_timeout: 60s")
    });
    house.start_engine();
    begin(&house, "act_1").await;
    accepted(&house).await;
    assert_eq!(
        house.stop_engine().await,
        Some(0),
        "it does not wait for an answer that does not come"
    );

    house.edit("home.yaml", |text| {
        text.replace("request_timeout: 60s", "request_timeout: 1s")
    });
    house.start_engine();
    ends_well(&house).await;
    assert_eq!(house.pushes().len(), 1);
}

/// The machine was without power for three hours, and is up before its router: Amps does not hear its first requests.
/// Returns the end of the order that was `state` when the power went.
async fn ends_after_a_power_cut(
    house: &House,
    clock: &Clock,
    winder: &Winder,
    state: &str,
) -> Value {
    let app = house.engine_here(clock.clone()).await;
    let url = format!("http://{}/webhooks/amps", app.address());
    let body = battery_charged("act_1").to_string();
    let answer = post(&url, "msg_act_1", body.as_bytes()).await;
    assert_eq!(answer.status(), 200);
    house.command_in(state).await;
    app.stop().await.unwrap();
    winder.advance(Duration::from_hours(3));
    let fault = json!({"kind": "drop_connection"});
    let unheard = json!({"method": "GET", "times": 3, "fault": fault});
    house.fault("requests", &unheard);
    let app = house.engine_here(clock.clone()).await;
    let command = until("the order is over", || {
        winder.advance(Duration::from_secs(1));
        let is_over = |it: &Value| it["state"] == "completed" || it["state"] == "expired";
        house.command().filter(is_over)
    })
    .await;
    app.stop().await.unwrap();
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_not_given_up_unasked_after_a_long_time_without_power() {
    let (clock, winder) = Clock::simulated(Clock::System.now());
    let house = House::on_clock(CAR_AFTER_BATTERY, clock.clone()).await;
    house.hold_webhooks();
    let command = ends_after_a_power_cut(&house, &clock, &winder, "acknowledged").await;
    assert_eq!(command["state"], "completed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doubt_is_not_given_up_unasked_after_a_long_time_without_power() {
    let (clock, winder) = Clock::simulated(Clock::System.now());
    let house = House::on_clock(CAR_AFTER_BATTERY, clock.clone()).await;
    house.edit("home.yaml", |text| {
        text.replace("in_doubt_for: 2s", "in_doubt_for: 10m")
    });
    house.hold_webhooks();
    house.fault_push(json!({"kind": "drop_answer"}));
    let command = ends_after_a_power_cut(&house, &clock, &winder, "in_doubt").await;
    assert_eq!(command["state"], "completed");
    assert_eq!(house.accepted_pushes(), 1);
}

/// The verdicts of all traces, in order.
fn verdicts(database: &Connection) -> Vec<String> {
    let mut statement = database
        .prepare("SELECT verdict FROM traces ORDER BY seq")
        .unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cooldown_outlasts_the_row_of_the_run_that_began_it() {
    let quarterly = "version: 1
rules:
  - id: quarterly
    cooldown: 90d
    triggers: {trigger: engine, event: started}
    actions: {log: clean the filter}
";
    let mut house = House::without_engine(quarterly).await;
    house.edit("home.yaml", |text| {
        format!("{text}retention: {{events: 30d}}\n")
    });
    house.start_engine();
    house.run_in("completed").await;
    house.stop_engine().await;
    let database = Connection::open(database_path(house.dir.path())).unwrap();
    let forty_days: i64 = 40 * 24 * 60 * 60 * 1_000_000;
    let aged = database.execute(
        "UPDATE runs SET started_at = started_at - ?1, began_at = began_at - ?1, ended_at = ended_at - ?1",
        [forty_days],
    );
    assert_eq!(aged, Ok(1));

    house.start_engine();
    until("the row of the run is gone", || {
        let n_runs = database.query_row("SELECT count(*) FROM runs", [], |row| row.get(0));
        (n_runs == Ok(0)).then_some(())
    })
    .await;
    house.stop_engine().await;
    house.start_engine();
    let last = until("three starts are on record", || {
        let verdicts = verdicts(&database);
        (verdicts.len() == 3).then_some(verdicts)
    });
    assert_eq!(last.await, ["started", "cooling_down", "cooling_down"]);
}
