//! `why`: the first clause that was not met, with value, age and origin; and the chain of causes, both ways.

use serde_json::{Value, json};

use crate::cli::said;
use crate::home::{House, battery_charged, post, until};

/// A charged battery makes the car charge, unless the battery is below its limit.
const CAR: &str = "\
version: 1
rules:
  - id: car-after-battery
    triggers:
      - {trigger: command, device: house_battery, command: charge}
    conditions:
      - {condition: numeric_state, device: house_battery, attribute: level, below: 200}
      - \"{{ trigger.own == false }}\"
    actions:
      - {command: charge, device: car_charger}
      - {notify: phone, message: the car is charging}
  - id: told
    triggers: {trigger: command, device: car_charger}
    actions: [{log: the car is done}]
  - id: strict
    triggers:
      - {trigger: command, device: house_battery, command: [charge, discharge]}
      - {trigger: numeric_state, device: house_battery, attribute: level, above: 300}
    conditions:
      - {condition: numeric_state, device: house_battery, attribute: level, below: 200}
      - {condition: state, device: house_battery, attribute: status, is: discharging}
    actions: [{log: never}]
";

/// The same text with ids, moments and ages of this one time out of it.
pub(crate) fn masked(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        let mut words = Vec::new();
        for word in line.split(' ') {
            let core = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
            let is_id = ["cmd_", "run_", "evt_", "act_", "req_"]
                .iter()
                .any(|it| core.starts_with(it) && 12 < core.len());
            let shape: String = core
                .chars()
                .map(|c| if c.is_ascii_digit() { '0' } else { c })
                .collect();
            let mask = match shape.as_str() {
                _ if is_id => Some(format!("{}ID", &core[..4])),
                "0000-00-00" => Some("DATE".to_owned()),
                "00:00:00" => Some("TIME".to_owned()),
                "0s" | "00s" => Some("AGE".to_owned()),
                _ => None,
            };
            words.push(mask.map_or_else(|| word.to_owned(), |it| word.replacen(core, &it, 1)));
        }
        lines.push(words.join(" "));
    }
    lines.join("\n")
}

pub(crate) async fn charged(house: &House, command: &str, id: &str) {
    let mut body = battery_charged(&format!("act_of_{id}"));
    body["command"] = json!(command);
    let answer = post(&house.engine().webhooks, id, body.to_string().as_bytes()).await;
    assert_eq!(answer.status(), 200);
}

/// A home in which the car was charged, and the battery was idle after; its engine is off.
async fn house() -> House {
    let mut house = House::start(CAR).await;
    charged(&house, "charge", "msg_1").await;
    house.command_in("completed").await;
    until("the phone rings", || house.phone().pop()).await;
    charged(&house, "idle", "msg_2").await;
    house.stop_engine().await;
    house
}

fn why(house: &House, arguments: &[&str]) -> String {
    let output = house.cli(&[&["why"], arguments].concat());
    assert_eq!(output.status.code(), Some(0), "{}", said(&output.stderr));
    masked(said(&output.stdout))
}

fn json_of(house: &House, arguments: &[&str]) -> Value {
    house.json(&[&["why"], arguments].concat())
}

/// What it says on standard error, when it ends with 2.
fn refused(house: &House, arguments: &[&str]) -> String {
    let output = house.cli(&[&["why"], arguments].concat());
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(said(&output.stdout), "");
    said(&output.stderr).to_owned()
}

const RAN: &str = "\
it ran at DATE TIME, completed
  because   charge on house_battery completed (webhook msg_1)
  trigger   rules/rules.yaml:5
  yes       house_battery.level below 200 %  (rules/rules.yaml:7)
            found 62 %, AGE old
            house_battery.level: live from the device, of DATE TIME
  yes       trigger.own == false  (rules/rules.yaml:8)
            found trigger.own false
            trigger.own: from the event
  run       run_ID";

/// The rule `strict`, woken by the charge.
const REFUSED: &str = "\
at DATE TIME, it did not run: a condition was not met
  because   charge on house_battery completed (webhook msg_1)
  trigger   rules/rules.yaml:17
  yes       house_battery.level below 200 %  (rules/rules.yaml:20)
            found 62 %, AGE old
            house_battery.level: live from the device, of DATE TIME
  no        house_battery.status is discharging  (rules/rules.yaml:21)
            found idle, AGE old
            house_battery.status: live from the device, of DATE TIME";

/// The same rule, which the idle battery is not for.
const MISSED: &str = "\
at DATE TIME, it did not run: no trigger fits: it was `idle`, not `charge` or `discharge`
  because   idle on house_battery completed (webhook msg_2)
  no        trigger: it was `idle`, not `charge` or `discharge`  (rules/rules.yaml:17)";

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_says_why_it_ran_or_which_clause_was_not_met_with_value_age_origin_and_place() {
    let house = house().await;
    assert_eq!(
        why(&house, &["car-after-battery"]),
        format!(
            "\
car-after-battery  (rules/rules.yaml:3)
  now       nothing keeps it from running
  waits for the end of an order to house_battery  (rules/rules.yaml:5)

{RAN}

at DATE TIME, it did not run: no trigger fits: it was `idle`, not `charge`
  because   idle on house_battery completed (webhook msg_2)
  no        trigger: it was `idle`, not `charge`  (rules/rules.yaml:5)

nothing has woken it since"
        )
    );
    assert_eq!(
        why(&house, &["strict"]),
        format!(
            "\
strict  (rules/rules.yaml:15)
  now       nothing keeps it from running
  waits for the end of an order to house_battery  (rules/rules.yaml:17)
  waits for house_battery.level to come above 300 %  (rules/rules.yaml:18)
            house_battery.level is 62 %, AGE old, live from the device

it has never run, as far as is on record

{REFUSED}

{MISSED}"
        )
    );
    let strict = json_of(&house, &["strict"]);
    let clause = &strict["last_refusal"]["trace"]["conditions"][1];
    assert_eq!(
        json!([
            strict["last_refusal"]["event"]["id"],
            clause["place"],
            clause["asked"],
            clause["answer"],
            clause["values"][0]["value"],
            clause["values"][0]["origin"],
        ]),
        json!([
            "msg_1",
            {"file": "rules/rules.yaml", "line": 21},
            "house_battery.status is discharging",
            "false",
            "idle",
            "live",
        ])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_has_a_chain_of_causes_and_of_what_came_of_it() {
    let house = house().await;
    let command = house.command().unwrap()["id"].as_str().unwrap().to_owned();
    let report = json_of(&house, &[&command])["led_to"][0]["id"].clone();
    assert_eq!(
        why(&house, &[&command]).replace(report.as_str().unwrap(), "MSG"),
        "\
DATE TIME  event     charge on house_battery completed (webhook msg_1)
DATE TIME  rule      car-after-battery ran, completed (run_ID)
                               trigger   rules/rules.yaml:5
                               yes       house_battery.level below 200 %  (rules/rules.yaml:7)
                                         found 62 %, AGE old
                                         house_battery.level: live from the device, of DATE TIME
                               yes       trigger.own == false  (rules/rules.yaml:8)
                                         found trigger.own false
                                         trigger.own: from the event
                               step      ordered `charge` of `car_charger`  (rules/rules.yaml:10)
                               step      `charge` completed  (rules/rules.yaml:10)
                               step      told phone: the car is charging  (rules/rules.yaml:11)
DATE TIME  command   charge on car_charger, completed after 1 attempt (cmd_ID)
                               TIME  sent
                               TIME  taken by Amps as act_ID
                               TIME  reported as completed

what came of it
DATE TIME  event     charge on car_charger completed (webhook MSG)
DATE TIME  rule      told ran, completed (run_ID)
                               trigger   rules/rules.yaml:13
                               step      the car is done  (rules/rules.yaml:14)"
    );
}

/// What each link is, and of which rule or with which id.
fn links(of: &Value) -> Vec<String> {
    let name = |it: &Value| match it["is"].as_str().unwrap() {
        "event" => format!("event {}", it["kind"].as_str().unwrap()),
        is @ "command" => format!("{is} {}", it["command"].as_str().unwrap()),
        is @ "message" => format!("{is} {}", it["notifier"].as_str().unwrap()),
        is => format!("{is} {}", it["rule"].as_str().unwrap()),
    };
    of.as_array().unwrap().iter().map(name).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_leads_to_runs_and_orders_and_a_run_comes_from_what_an_order_came_to() {
    let house = house().await;
    let event = json_of(&house, &["msg_1"]);
    assert_eq!(event["asked"], json!({"kind": "event", "id": "msg_1"}));
    assert_eq!(links(&event["because"]), ["event report"]);
    let all = [
        "refusal strict",
        "run car-after-battery",
        "message phone",
        "command charge",
        "event report",
        "run told",
    ];
    assert_eq!(links(&event["led_to"]), all);

    let run = house.json(&["runs"])[0]["id"].as_str().unwrap().to_owned();
    let told = json_of(&house, &[&run]);
    let way = [
        "event report",
        "run car-after-battery",
        "command charge",
        "event report",
        "run told",
    ];
    assert_eq!(links(&told["because"]), way);
    assert_eq!(told["led_to"], json!([]));
    let text = why(&house, &[&run]);
    assert_eq!(text.lines().last(), Some("nothing has come of it"));
}

#[tokio::test(flavor = "multi_thread")]
async fn at_a_moment_it_is_what_was_near_or_nothing_happened() {
    let house = house().await;
    let strict = json_of(&house, &["strict"]);
    let at = strict["last_miss"]["at"].as_str().unwrap();
    let near = why(&house, &["strict", "--at", at]);
    assert!(near.starts_with("strict  (rules/rules.yaml:15)\nat DATE TIME:\n\n"));
    assert!(near.ends_with(&format!("\n\n{MISSED}")), "{near}");

    assert_eq!(
        why(&house, &["strict", "--at", "2026-01-01 22:30"]),
        format!(
            "\
strict  (rules/rules.yaml:15)
at DATE TIME:
nothing that it listens to happened between DATE TIME and DATE TIME
(values that change nothing for it leave no mark)
the engine was started at DATE TIME, and may have been off before

after: {REFUSED}"
        )
    );
    // The home is in London, where it is summer.
    let summer = json_of(&house, &["strict", "--at", "2026-06-01 22:30"]);
    assert_eq!(summer["at"], "2026-06-01T21:30:00Z");
    assert_eq!(summer["before"], Value::Null);
    assert_eq!(summer["after"]["was"], "refusal");
    assert_eq!(
        summer["nothing_between"]["until"],
        strict["last_refusal"]["at"]
    );
    assert_eq!(
        refused(&house, &["strict", "--at", "2999-01-01 00:00"]),
        "error: `2999-01-01 00:00` has not come yet\n"
    );
    assert_eq!(
        refused(&house, &["msg_1", "--at", "22:30"]),
        "error: `--at` is for rules\n"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_id_is_answered_with_one_that_may_be_meant() {
    let house = house().await;
    assert_eq!(
        refused(&house, &["car-after-batery"]),
        "error: no rule, command, run or event has the id `car-after-batery`\n  = help: did you mean `car-after-battery`?\n"
    );
    assert_eq!(
        refused(&house, &["nothing-like-it"]),
        "error: no rule, command, run or event has the id `nothing-like-it`\n"
    );
}

/// Rules that stand still, each for a reason of its own.
const STILL: &str = "\
version: 1
rules:
  - id: first
    triggers: {trigger: command, device: house_battery, command: charge}
    actions: [{command: charge, device: car_charger}]
  - id: second
    triggers: {trigger: command, device: house_battery, command: charge}
    actions: [{command: idle, device: car_charger}]
  - id: sleeps
    triggers: {trigger: command, device: house_battery, command: discharge}
    actions: [{delay: 1h}]
  - id: cools
    cooldown: 1h
    triggers: {trigger: command, device: house_battery, command: discharge}
    actions: [{log: x}]
  - id: off
    enabled: false
    triggers: {trigger: command, device: house_battery, command: charge}
    actions: [{log: x}]
";

fn now(house: &House, rule: &str) -> Vec<String> {
    let answer = json_of(house, &[rule]);
    let reasons = answer["now"].as_array().unwrap().iter();
    reasons
        .map(|it| {
            let (is, text) = (it["is"].as_str().unwrap(), it["text"].as_str().unwrap());
            format!("{is}: {}", masked(text))
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_keeps_a_rule_from_running_is_told_with_what_to_do() {
    let mut house = House::start(STILL).await;
    house.hold_webhooks();
    house.cli(&["trigger", "first"]);
    house.command_in("acknowledged").await;
    house.cli(&["trigger", "second"]);
    charged(&house, "discharge", "msg_1").await;
    house.cli(&["pause", "off", "--reason", "we are away"]);

    assert_eq!(
        now(&house, "first"),
        [
            "running: running since DATE TIME (run_ID); one run at a time: waits for the end of its order to car_charger (cmd_ID)"
        ]
    );
    assert_eq!(
        now(&house, "second"),
        [
            "running: running since DATE TIME (run_ID); one run at a time: in line for car_charger behind rule first (run_ID), until DATE TIME at most"
        ]
    );
    assert_eq!(
        now(&house, "sleeps"),
        ["running: running since DATE TIME (run_ID); one run at a time: waits until DATE TIME"]
    );
    assert_eq!(
        now(&house, "cools"),
        ["cooling_down: cooling down until DATE TIME (`cooldown`)"]
    );
    assert_eq!(
        now(&house, "off"),
        [
            "disabled: switched off (`enabled: false`, rules/rules.yaml:16)",
            "paused: paused since DATE TIME: we are away; `amps-rules resume off` lets it go on"
        ]
    );
    house.stop_engine().await;
    house.edit("rules/rules.yaml", |text| {
        text.replace("log: x", "lok: x")
            .replace("id: sleeps", "id: dozes")
    });
    let broken = "broken: its text is broken (rules/rules.yaml:12), and it stays as it was when it was last right; `amps-rules check` tells more";
    assert_eq!(now(&house, "cools")[0], broken);
    assert_eq!(
        now(&house, "dozes"),
        [
            "not_taken_over: the engine has not taken it over yet: `amps-rules reload`, or start the engine"
        ]
    );
    assert_eq!(
        now(&house, "sleeps")[0],
        "removed: no file has it any more; the next start or reload removes it"
    );
}

/// Rules that are broken from the first, or wait.
const WAITING: &str = "\
version: 1
rules:
  - id: wrong
    triggers: {trigger: command, device: house_battery, command: charge}
    actions: [{lok: x}]
  - id: asks
    triggers: {trigger: command, device: house_battery, command: charge}
    conditions: {condition: numeric_state, device: house_battery, attribute: level, below: 200}
    actions: [{log: x}]
  - id: watches
    triggers: {trigger: command, device: house_battery, command: charge}
    actions:
      - wait_for_trigger: {trigger: device, device: car_charger, event: connected}
        timeout: 1h
  - id: lines-up
    mode: queued
    triggers: {trigger: command, device: house_battery, command: charge}
    actions: [{delay: 1h}]
";

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_never_was_right_or_that_waits_says_so() {
    let mut house = House::without_engine(WAITING).await;
    // As long as a value is waited for.
    let slow = json!({"kind": "delay_before", "ms": 20_000});
    house.fault(
        "requests",
        &json!({"method": "GET", "path": "/battery", "times": 9, "fault": slow}),
    );
    house.start_engine();
    charged(&house, "charge", "msg_1").await;
    assert_eq!(
        now(&house, "asks"),
        ["waiting: woken and not decided: reads house_battery first, until DATE TIME at most"]
    );
    charged(&house, "charge", "msg_2").await;
    assert_eq!(
        now(&house, "wrong"),
        ["broken: its text is broken (rules/rules.yaml:3); `amps-rules check` tells more"]
    );
    assert_eq!(
        why(&house, &["wrong"]),
        "\
wrong  (rules/rules.yaml:3)
  now       its text is broken (rules/rules.yaml:3); `amps-rules check` tells more

it has never run, as far as is on record

nothing has woken it"
    );
    assert_eq!(
        now(&house, "watches"),
        [
            "running: running since DATE TIME (run_ID); one run at a time: waits for something to happen, until DATE TIME at most"
        ]
    );
    assert_eq!(
        now(&house, "lines-up"),
        [
            "running: running since DATE TIME (run_ID): waits until DATE TIME",
            "running: running since DATE TIME (run_ID): in line behind another run of the rule, until DATE TIME at most"
        ]
    );
    house.kill_engine();
}
