//! Pushes, the life of an action, conflicts (`amps-api.md` §3.3–§3.6, §5).

use amps_rules::simulator::Environment;
use amps_rules::simulator::switches::WindowEnd;
use serde_json::{Value, json};

use super::{BATTERY, CHARGER, HVAC, House, command, error};

fn at(command: &str, start: &str) -> Value {
    json!({"action": {"command": command, "start": start}})
}

fn window(command: &str, start: &str, end: &str) -> Value {
    json!({"action": {"command": command, "start": start, "end": end}})
}

fn with_strategy(mut body: Value, strategy: &str) -> Value {
    body["onConflict"] = json!(strategy);
    body
}

#[tokio::test]
async fn section_3_3_an_immediate_push_is_acknowledged_with_202() {
    let house = House::new().await;
    let target = json!({"target": {"value": 90, "unit": "percent"}});
    let action = json!({"command": "charge", "parameters": target});
    let (status, body) = house
        .post(BATTERY, json!({"action": action, "sandbox": {}}))
        .await;
    let id = body["data"]["id"].as_str().unwrap();
    assert!(id.starts_with("act_"), "{id}");
    assert_eq!(status, 202);
    assert_eq!(
        body["data"],
        json!({
            "id": id,
            "deviceId": "dev_abc123",
            "deviceType": "battery",
            "command": "charge",
            "parameters": target,
            "state": "acknowledged",
            "createdAt": "2026-06-10T08:00:00.000Z",
            "start": null,
            "links": {"self": format!("/actions/{id}")},
        })
    );
}

#[tokio::test]
async fn section_3_4_an_action_completes_after_the_delay_and_not_before() {
    let house = House::new().await;
    let id = house.push(HVAC, command("idle")).await;
    house.wind(9.999);
    let action = house.action(&id).await;
    assert_eq!(
        (&action["state"], &action["result"]),
        (&json!("acknowledged"), &Value::Null)
    );
    house.wind(0.001);
    assert_eq!(
        house.action(&id).await,
        json!({
            "id": id,
            "deviceId": "dev_hvac01",
            "deviceType": "hvac",
            "command": "idle",
            "parameters": null,
            "state": "completed",
            "result": {"success": true, "message": "command accepted"},
            "errorCode": null,
            "errorMessage": null,
            "createdAt": "2026-06-10T08:00:00.000Z",
            "updatedAt": "2026-06-10T08:00:10.000Z",
            "acknowledgedAt": "2026-06-10T08:00:00.000Z",
            "completedAt": "2026-06-10T08:00:10.000Z",
            "start": null,
            "end": null,
            "links": {"self": format!("/actions/{id}")},
        })
    );
    assert_eq!(house.state(HVAC).await["mode"], "off");
    assert_eq!(house.get("/actions/act_other").await.0, 404);
}

#[tokio::test]
async fn section_3_3_a_start_is_the_plants_wall_clock_and_fires_then() {
    let house = House::new().await;
    // 10 o'clock in London is 9 o'clock UTC in June.
    let (_, body) = house
        .post(BATTERY, at("auto.export", "2026-06-10T10:00:00"))
        .await;
    let data = &body["data"];
    assert_eq!(
        (&data["state"], &data["start"], data.get("end")),
        (
            &json!("scheduled"),
            &json!("2026-06-10T09:00:00.000Z"),
            None
        )
    );
    let id = data["id"].as_str().unwrap();
    house.wind(3599.0);
    assert_eq!(house.action(id).await["state"], "scheduled");
    house.wind(1.0);
    let action = house.action(id).await;
    assert_eq!(
        (&action["state"], &action["acknowledgedAt"]),
        (&json!("acknowledged"), &json!("2026-06-10T09:00:00.000Z"))
    );
    house.wind(10.0);
    assert_eq!(house.action(id).await["state"], "completed");
    assert_eq!(house.state(BATTERY).await["currentMode"], "auto.export");
}

#[tokio::test]
async fn section_5_1_a_window_holds_the_device_and_then_gives_it_back() {
    let house = House::new().await;
    let (_, body) = house.post(BATTERY, window("discharge", "30m", "2h")).await;
    assert_eq!(body["data"]["start"], "2026-06-10T08:30:00.000Z");
    assert_eq!(body["data"]["end"], "2026-06-10T10:30:00.000Z");
    house.wind(1810.0);
    assert_eq!(house.state(BATTERY).await["currentMode"], "discharge");
    house.wind(7189.0);
    assert_eq!(house.state(BATTERY).await["currentMode"], "discharge");
    house.wind(1.0);
    assert_eq!(house.state(BATTERY).await["currentMode"], "idle");
}

#[tokio::test]
async fn section_5_1_a_window_does_not_take_back_what_was_ordered_since() {
    let house = House::new().await;
    house.push(BATTERY, window("charge", "1m", "10m")).await;
    house.wind(100.0);
    house.push(BATTERY, command("auto.reserve")).await;
    house.wind(700.0);
    assert_eq!(house.state(BATTERY).await["currentMode"], "auto.reserve");
}

#[tokio::test]
async fn section_5_1_a_window_that_ends_before_the_maker_took_it_changes_nothing() {
    let house = House::new().await;
    let id = house.push(BATTERY, window("charge", "1m", "0.1m")).await;
    house.wind(70.0);
    assert_eq!(house.action(&id).await["state"], "completed");
    assert_eq!(house.state(BATTERY).await["currentMode"], "idle");
}

#[tokio::test]
async fn section_12_12_a_window_may_be_set_to_complete_at_its_end() {
    let house = House::with(|it| it.switches.window_completes = WindowEnd::Whole).await;
    let id = house.push(BATTERY, window("charge", "1m", "10m")).await;
    house.wind(100.0);
    assert_eq!(house.action(&id).await["state"], "acknowledged");
    assert_eq!(house.state(BATTERY).await["currentMode"], "charge");
    house.wind(560.0);
    assert_eq!(
        house.action(&id).await["completedAt"],
        "2026-06-10T08:11:00.000Z"
    );
    assert_eq!(house.state(BATTERY).await["currentMode"], "idle");
}

#[tokio::test]
async fn section_5_3_a_second_push_conflicts_and_names_the_first() {
    let house = House::new().await;
    let first = house.push(BATTERY, command("charge")).await;
    let (status, body) = house.post(BATTERY, command("charge")).await;
    assert_eq!(status, 409);
    let details = json!({
        "reason": "no_strategy_supplied",
        "conflictingActionIds": [first],
        "strategies": ["cancel_and_replace", "queue_after"],
    });
    assert_eq!(error(&body), ("CONFLICT", &details));
    // Another device is free, and this one is when the action is over.
    house.push(CHARGER, command("charge")).await;
    house.wind(10.0);
    house.push(BATTERY, command("charge")).await;
}

#[tokio::test]
async fn section_5_3_cancel_and_replace_works_on_a_scheduled_action_only() {
    let house = House::new().await;
    let first = house.push(HVAC, at("cool", "2h")).await;
    let replace = with_strategy(command("heat"), "cancel_and_replace");
    let second = house.push(HVAC, replace.clone()).await;
    let cancelled = house.action(&first).await;
    assert_eq!(
        (&cancelled["state"], &cancelled["completedAt"]),
        (&json!("cancelled"), &json!("2026-06-10T08:00:00.000Z"))
    );
    let (status, body) = house.post(HVAC, replace).await;
    let details = json!({
        "reason": "action_in_flight",
        "conflictingActionIds": [second],
        "strategies": ["cancel_and_replace"],
    });
    assert_eq!((status, error(&body)), (409, ("CONFLICT", &details)));
    assert_eq!(house.action(&second).await["state"], "acknowledged");
}

#[tokio::test]
async fn section_5_3_queue_after_starts_at_the_end_of_the_other() {
    let house = House::new().await;
    house.push(BATTERY, window("discharge", "1h", "2h")).await;
    let queue = with_strategy(command("auto.balanced"), "queue_after");
    let (status, body) = house.post(BATTERY, queue).await;
    let data = &body["data"];
    assert_eq!(
        (status, &data["state"], &data["start"]),
        (202, &json!("scheduled"), &json!("2026-06-10T11:00:00.000Z"))
    );
    house.wind(3.0 * 3600.0 + 10.0);
    assert_eq!(house.state(BATTERY).await["currentMode"], "auto.balanced");
}

#[tokio::test]
async fn section_5_3_queue_after_needs_an_end_and_a_battery() {
    let house = House::new().await;
    house.push(BATTERY, at("discharge", "1h")).await;
    let queue = with_strategy(command("idle"), "queue_after");
    let (status, body) = house.post(BATTERY, queue.clone()).await;
    assert_eq!(
        (status, &error(&body).1["reason"]),
        (409, &json!("conflict_has_no_end"))
    );
    house.push(CHARGER, window("charge", "1h", "2h")).await;
    let (status, body) = house.post(CHARGER, queue).await;
    assert_eq!(
        (status, &error(&body).1["reason"]),
        (409, &json!("strategy_not_supported"))
    );
}

#[tokio::test]
async fn section_3_6_only_a_scheduled_action_can_be_cancelled() {
    let house = House::new().await;
    let id = house.push(BATTERY, at("charge", "1h")).await;
    house.wind(5.0);
    let (status, body) = house
        .post(&format!("/actions/{id}/cancel"), json!({}))
        .await;
    let data = &body["data"];
    assert_eq!(
        (
            status,
            &data["state"],
            &data["updatedAt"],
            &data["acknowledgedAt"]
        ),
        (
            200,
            &json!("cancelled"),
            &json!("2026-06-10T08:00:05.000Z"),
            &Value::Null
        )
    );
    assert_eq!(data["completedAt"], "2026-06-10T08:00:05.000Z");
    house.wind(7200.0);
    assert_eq!(house.action(&id).await["state"], "cancelled");
    let (status, body) = house
        .post(&format!("/actions/{id}/cancel"), json!({}))
        .await;
    assert_eq!(status, 409);
    assert_eq!(
        body["error"],
        json!({
            "code": "ACTION_NOT_CANCELLABLE",
            "message": "the action is cancelled and cannot be cancelled",
        })
    );
}

#[tokio::test]
async fn section_3_5_actions_are_listed_newest_first_and_filtered() {
    let house = House::new().await;
    let first = house.push(BATTERY, command("charge")).await;
    house.wind(10.0);
    let second = house.push(HVAC, at("heat", "1h")).await;
    let third = house.push(BATTERY, command("idle")).await;
    let list = async |query: &str| {
        let data = house.data(&format!("/actions?{query}")).await;
        let items = data["items"].as_array().unwrap().iter();
        items
            .map(|it| it["id"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(list("").await, [&*third, &second, &first]);
    assert_eq!(list("deviceId=dev_abc123").await, [&*third, &first]);
    assert_eq!(list("deviceType=hvac").await, [&*second]);
    assert_eq!(list("state=completed").await, [&*first]);
    assert_eq!(list("offset=1&limit=1").await, [&*second]);
    assert_eq!(list("userId=user_home&state=scheduled").await, [&*second]);
    let nobodys: [&str; 0] = [];
    assert_eq!(list("deviceId=dev_other").await, nobodys);
    assert_eq!(house.get("/actions?state=done").await.0, 400);
    assert_eq!(house.get("/actions?deviceType=ev-charger").await.0, 400);
}

#[tokio::test]
async fn section_4_2_live_takes_no_pushes_to_chargers_and_rooms() {
    let house = House::with(|it| it.switches.environment = Environment::Live).await;
    for path in [CHARGER, HVAC] {
        let (status, body) = house.post(path, command("idle")).await;
        assert_eq!((status, error(&body).0), (422, "COMMAND_NOT_SUPPORTED"));
    }
    house.push(BATTERY, command("idle")).await;
}

#[tokio::test]
async fn section_6_a_fast_house_completes_sooner_and_shows_the_wall_clock() {
    let house = House::with(|it| it.speed = 1000.0).await;
    let id = house.push(BATTERY, command("idle")).await;
    house.wind(0.01);
    let action = house.action(&id).await;
    assert_eq!(action["completedAt"], "2026-06-10T08:00:00.010Z");
    // An hour ahead is shown as such, and comes a thousand times sooner.
    let (_, body) = house.post(BATTERY, at("charge", "1h")).await;
    assert_eq!(body["data"]["start"], "2026-06-10T09:00:00.010Z");
    let id = body["data"]["id"].as_str().unwrap();
    house.wind(3.61);
    assert_eq!(house.action(id).await["state"], "completed");
}

#[tokio::test]
async fn a_thousand_actions_are_kept_and_one_more_only_when_another_is_over() {
    let house = House::new().await;
    let queued = with_strategy(window("charge", "1m", "1m"), "queue_after");
    let first = house.push(BATTERY, queued.clone()).await;
    for _ in 1..1000 {
        house.push(BATTERY, queued.clone()).await;
    }
    let (status, body) = house.post(BATTERY, queued.clone()).await;
    assert_eq!((status, error(&body).0), (503, "SERVICE_UNAVAILABLE"));
    house.wind(120.0);
    assert_eq!(house.action(&first).await["state"], "completed");
    house.push(BATTERY, queued).await;
    assert_eq!(house.get(&format!("/actions/{first}")).await.0, 404);
}
