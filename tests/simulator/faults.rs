//! What goes wrong on demand, and what is remembered of it.

use amps_rules::clock::Clock;
use amps_rules::simulator::ledger::{KeySeen, RequestRecord};
use amps_rules::simulator::webhooks::WEBHOOKS_MAX;
use amps_rules::simulator::{Settings, Simulator};
use serde_json::{Value, json};

use super::{BATTERY, CHARGER, House, KEY, answer, command, error, eventually};

/// The ledger, once `enough` says so of it.
async fn requests(house: &House, enough: impl Fn(&[RequestRecord]) -> bool) -> Vec<RequestRecord> {
    eventually(async || Some(house.simulator.requests()).filter(|it| enough(it))).await
}

async fn send(house: &House, body: Value) -> Result<reqwest::Response, reqwest::Error> {
    let request = house.request("POST", BATTERY).header("x-api-key", KEY);
    request.body(body.to_string()).send().await
}

#[tokio::test]
async fn section_5_4_an_answer_can_be_lost_after_the_push_was_taken() {
    let house = House::new().await;
    let fault = json!({"method": "POST", "path": "/battery/", "fault": {"kind": "drop_answer"}});
    house.control("/faults/requests", fault).await;
    let lost = send(&house, command("charge")).await.unwrap_err();
    assert_eq!(lost.status(), None);
    let actions = house.data("/actions").await;
    assert_eq!(actions["pagination"]["total"], 1);
    let ledger = house.simulator.requests();
    assert_eq!(ledger[0].status, None);
    assert_eq!(
        ledger[0].accepted_action.as_deref(),
        actions["items"][0]["id"].as_str()
    );
    assert_eq!(ledger[0].fault.as_deref(), Some("drop_answer"));
    // It was for one request only.
    let (status, body) = house.post(BATTERY, command("charge")).await;
    assert_eq!((status, error(&body).0), (409, "CONFLICT"));
}

#[tokio::test]
async fn section_13_a_connection_can_be_lost_before_the_push_was_taken() {
    let house = House::new().await;
    let fault = json!({"times": 2, "fault": {"kind": "drop_connection"}});
    house.control("/faults/requests", fault).await;
    for _ in 0..2 {
        let lost = send(&house, command("charge")).await.unwrap_err();
        assert_eq!(lost.status(), None);
    }
    assert_eq!(house.data("/actions").await["pagination"]["total"], 0);
    house.push(BATTERY, command("charge")).await;
}

#[tokio::test]
async fn section_7_any_error_can_be_answered_in_place_of_the_truth() {
    let house = House::new().await;
    let fault = json!({"kind": "answer", "status": 429, "code": "RATE_LIMIT_EXCEEDED",
        "message": "slow down", "retry_after_seconds": 7});
    house
        .control("/faults/requests", json!({"path": BATTERY, "fault": fault}))
        .await;
    let response = send(&house, command("charge")).await.unwrap();
    assert_eq!(response.status(), 429);
    assert_eq!(response.headers()["retry-after"], "7");
    let body: Value = response.json().await.unwrap();
    assert_eq!(
        body["error"],
        json!({"code": "RATE_LIMIT_EXCEEDED", "message": "slow down"})
    );
    assert_eq!(house.data("/actions").await["pagination"]["total"], 0);
    let fault = json!({"kind": "answer", "status": 200, "code": "X"});
    let refused = house
        .simulator
        .control("POST", "/faults/requests", &json!({"fault": fault}));
    assert_eq!(refused.unwrap_err().status, 400);
}

#[tokio::test]
async fn section_5_4_a_push_can_be_taken_and_answered_with_an_error() {
    let house = House::new().await;
    let fault = json!({"kind": "answer_after", "status": 503, "code": "SERVICE_UNAVAILABLE",
        "retry_after_seconds": 7});
    house
        .control("/faults/requests", json!({"path": BATTERY, "fault": fault}))
        .await;
    let response = send(&house, command("charge")).await.unwrap();
    assert_eq!(response.status(), 503);
    assert_eq!(response.headers()["retry-after"], "7");
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["error"]["code"], "SERVICE_UNAVAILABLE");
    let actions = house.data("/actions").await;
    assert_eq!(actions["pagination"]["total"], 1);
    let ledger = house.simulator.requests();
    assert_eq!(
        (ledger[0].status, ledger[0].accepted_action.as_deref()),
        (Some(503), actions["items"][0]["id"].as_str())
    );
    let fault = json!({"kind": "answer_after", "status": 200, "code": null});
    let refused = house
        .simulator
        .control("POST", "/faults/requests", &json!({"fault": fault}));
    assert_eq!(refused.unwrap_err().status, 400);
}

#[tokio::test]
async fn section_13_a_push_can_be_late_on_its_way_in() {
    let house = House::new().await;
    let fault = json!({"method": "POST", "fault": {"kind": "delay_before", "ms": 3000}});
    house.control("/faults/requests", fault).await;
    let late = async {
        requests(&house, |it| it.len() == 1).await;
        assert_eq!(house.data("/actions").await["pagination"]["total"], 0);
        house.wind(3.0);
    };
    let (answer, ()) = tokio::join!(house.post(BATTERY, command("charge")), late);
    assert_eq!(answer.0, 202);
    assert_eq!(answer.1["data"]["createdAt"], "2026-06-10T08:00:03.000Z");
    assert_eq!(answer.1["meta"]["latencyMs"], 3000);
}

#[tokio::test]
async fn section_13_an_answer_can_be_late_on_its_way_out() {
    let house = House::new().await;
    let fault = json!({"method": "POST", "fault": {"kind": "delay_after", "ms": 3000}});
    house.control("/faults/requests", fault).await;
    let late = async {
        requests(&house, |it| {
            it[..].iter().any(|it| it.accepted_action.is_some())
        })
        .await;
        assert_eq!(
            house.data("/actions").await["items"][0]["state"],
            "acknowledged"
        );
        house.wind(3.0);
    };
    let (answer, ()) = tokio::join!(house.post(BATTERY, command("charge")), late);
    assert_eq!(answer.0, 202);
    assert_eq!(answer.1["data"]["createdAt"], "2026-06-10T08:00:00.000Z");
    assert_eq!(answer.1["meta"]["timestamp"], "2026-06-10T08:00:03.000Z");
}

#[tokio::test]
async fn section_5_2_an_action_can_stay_acknowledged_for_ever() {
    let house = House::new().await;
    let fault = json!({"device": "dev_abc123", "fault": {"kind": "never_end"}});
    house.control("/faults/actions", fault).await;
    let id = house.push(BATTERY, command("charge")).await;
    house.wind(1_000_000.0);
    assert_eq!(house.action(&id).await["state"], "acknowledged");
    assert_eq!(house.post(BATTERY, command("charge")).await.0, 409);
}

#[tokio::test]
async fn section_13_a_webhook_can_overtake_the_202() {
    let (house, endpoint) = House::heard(|_| {}).await;
    house
        .control(
            "/faults/actions",
            json!({"fault": {"kind": "complete_first"}}),
        )
        .await;
    let (status, body) = house.post(BATTERY, command("charge")).await;
    let received = endpoint.received();
    assert_eq!((status, received.len()), (202, 1));
    assert_eq!(received[0].json()["actionId"], body["data"]["id"]);
    assert_eq!(
        received[0].json()["completedAt"],
        "2026-06-10T08:00:00.000Z"
    );
    assert_eq!(body["data"]["state"], "acknowledged");
    let id = body["data"]["id"].as_str().unwrap();
    assert_eq!(house.action(id).await["state"], "completed");
}

#[tokio::test]
async fn section_5_3_the_vendors_scheduler_fails_windows_and_nothing_else() {
    let house = House::new().await;
    let changes = json!({"scheduler_active": true});
    house.control("/devices/dev_abc123", changes).await;
    let action = json!({"command": "charge", "start": "1m", "end": "1h"});
    let windowed = house.push(BATTERY, json!({"action": action})).await;
    house.wind(70.0);
    assert_eq!(
        house.action(&windowed).await["errorCode"],
        "SCHEDULER_ACTIVE"
    );
    assert_eq!(house.state(BATTERY).await["currentMode"], "idle");
    let immediate = house.push(BATTERY, command("charge")).await;
    house.wind(10.0);
    assert_eq!(house.action(&immediate).await["state"], "completed");
}

#[tokio::test]
async fn section_8_a_device_out_of_reach_fails_its_actions() {
    let house = House::new().await;
    house
        .control("/devices/dev_ev001", json!({"offline": true}))
        .await;
    let id = house.push(CHARGER, command("charge")).await;
    house.wind(10.0);
    let action = house.action(&id).await;
    assert_eq!(action["errorCode"], "DEVICE_OFFLINE");
    let result = json!({"success": false, "message": "no response from the device"});
    assert_eq!(action["result"], result);
    let back = json!({"offline": false});
    house.control("/devices/dev_ev001", back).await;
    assert_eq!(house.state(CHARGER).await["isCharging"], false);
}

#[tokio::test]
async fn somebody_else_can_order_through_amps_and_past_it() {
    let (house, endpoint) = House::heard(|_| {}).await;
    let past = json!({"command": "auto.reserve"});
    house.control("/devices/dev_abc123/owner", past).await;
    assert_eq!(house.state(BATTERY).await["currentMode"], "auto.reserve");
    assert_eq!(house.data("/actions").await["pagination"]["total"], 0);
    let through = json!({"command": "discharge"});
    let answer = house.control("/devices/dev_abc123/actions", through).await;
    let (status, body) = house.post(BATTERY, command("charge")).await;
    assert_eq!(status, 409);
    assert_eq!(
        error(&body).1["conflictingActionIds"],
        json!([answer["action"]])
    );
    house.wind(10.0);
    assert_eq!(
        endpoint.first(1).await[0].json()["actionId"],
        answer["action"]
    );
}

#[tokio::test]
async fn the_ledger_shows_what_was_asked_and_never_the_key() {
    let house = House::new().await;
    let body = command("charge");
    house.post(BATTERY, body.clone()).await;
    answer(
        house
            .request("GET", "/hvac?limit=3")
            .bearer_auth("sk_live_wrong"),
    )
    .await;
    answer(house.request("GET", "/hvac").header("x-user-id", "user_1")).await;
    let (_, shown) = answer(house.request("GET", "/_simulator/requests")).await;
    assert!(!shown.to_string().contains("sk_"), "{shown}");
    let shown = shown["requests"].as_array().unwrap();
    assert_eq!(shown.len(), 3);
    assert_eq!(
        shown[0],
        json!({
            "number": 1,
            "at": "2026-06-10T08:00:00.000Z",
            "method": "POST",
            "path": BATTERY,
            "query": [],
            "headers": [],
            "key": "valid",
            "body": body.to_string(),
            "status": 202,
            "accepted_action": house.data("/actions").await["items"][0]["id"],
            "fault": null,
        })
    );
    assert_eq!(shown[1]["key"], "invalid");
    assert_eq!(shown[1]["query"], json!([["limit", "3"]]));
    assert_eq!(shown[1]["status"], 401);
    assert_eq!(shown[2]["headers"], json!([["x-user-id", "user_1"]]));
    assert_eq!(house.simulator.requests()[2].key, KeySeen::Absent);
}

#[tokio::test]
async fn a_change_by_hand_is_whole_or_refused() {
    let house = House::new().await;
    let control = |path: &str, body: Value| house.simulator.control("POST", path, &body);
    let refused = control("/devices/dev_abc123", json!({"level": 97, "colour": "red"}));
    let refused = refused.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "`colour` cannot be changed here; there are `level` and `capacity` (400)"
    );
    assert_eq!(house.state(BATTERY).await["level"], 62);
    let changed = control("/devices/dev_abc123", json!({"level": 97})).unwrap();
    assert_eq!(changed["state"]["level"], 97);
    assert_eq!(
        control("/devices/dev_other", json!({})).unwrap_err().status,
        404
    );
    assert_eq!(
        control("/devices/dev_abc123", json!({"level": 101}))
            .unwrap_err()
            .status,
        400
    );
    let target = json!({"url": "http://127.0.0.1:1/", "secret": "whsec_"});
    assert_eq!(control("/target", target).unwrap_err().status, 400);
}

#[tokio::test]
async fn a_body_may_have_64_kilobytes_and_no_more() {
    let house = House::new().await;
    let padded = |bytes: usize| {
        let body = command("charge").to_string();
        let padding = " ".repeat(bytes - body.len());
        let request = house.request("POST", BATTERY).header("x-api-key", KEY);
        answer(request.body(body + &padding))
    };
    assert_eq!(padded(64 * 1024).await.0, 202);
    assert_eq!(padded(64 * 1024 + 1).await.0, 413);
}

#[tokio::test]
async fn a_stopped_simulator_is_gone() {
    let (house, _endpoint) = House::heard(|_| {}).await;
    house.push(BATTERY, command("charge")).await;
    let House {
        simulator, http, ..
    } = house;
    let url = simulator.url();
    simulator.stop().await;
    let refused = http.get(url).send().await.unwrap_err();
    assert!(refused.is_connect(), "{refused}");
}

#[tokio::test]
async fn section_13_answers_and_webhooks_may_carry_fields_that_nobody_announced() {
    let (house, endpoint) = House::heard(|it| it.switches.extra_fields = true).await;
    let (_, body) = house.post(BATTERY, command("charge")).await;
    let extra = json!({"since": "tomorrow"});
    assert_eq!(body["unannounced"], extra);
    assert_eq!(body["data"]["unannounced"], extra);
    house.wind(10.0);
    assert_eq!(endpoint.first(1).await[0].json()["unannounced"], extra);
}

#[tokio::test]
async fn the_strings_are_not_pulled_by_web_pages() {
    let house = House::new().await;
    let request = house.request("GET", "/_simulator/devices");
    let (status, _) = answer(request.header("origin", "https://example.org")).await;
    assert_eq!(status, 403);
    let (status, body) = answer(house.request("GET", "/_simulator/devices")).await;
    assert_eq!((status, &body["devices"][4]["name"]), (200, &json!("car")));
}

#[tokio::test]
async fn the_same_seed_gives_the_same_ids_and_another_seed_others() {
    let id = async |seed: u64| {
        let house = House::with(|it| it.seed = seed).await;
        house.push(BATTERY, command("charge")).await
    };
    assert_eq!(id(7).await, id(7).await);
    assert_ne!(id(7).await, id(8).await);
}

#[tokio::test]
async fn a_simulator_keeps_real_time_without_being_wound() {
    let (house, endpoint) = House::heard(|it| {
        it.clock = Clock::System;
        it.speed = 1000.0;
    })
    .await;
    let id = house.push(BATTERY, command("charge")).await;
    let now = Clock::System.now().to_string();
    let report = endpoint.first(1).await.remove(0);
    assert_eq!(report.json()["actionId"], json!(id));
    assert_eq!(report.verified(&now), Ok(report.id().to_owned()));
}

#[tokio::test]
async fn a_thousand_webhooks_are_remembered_and_then_the_oldest_goes() {
    let house = House::new().await;
    let announce = || {
        let event = json!({"event": "connected"});
        let path = "/devices/dev_pv01/events";
        house.simulator.control("POST", path, &event).unwrap()["message"].take()
    };
    let first = announce();
    let second = announce();
    for _ in 2..WEBHOOKS_MAX {
        announce();
    }
    assert_eq!(json!(house.simulator.webhooks()[0].id), first);
    announce();
    let kept = house.simulator.webhooks();
    assert_eq!((kept.len(), json!(kept[0].id)), (WEBHOOKS_MAX, second));
}

#[tokio::test]
async fn a_house_of_settings_that_cannot_be_does_not_start() {
    let refusal = async |change: fn(&mut Settings)| {
        let mut settings = Settings::house();
        change(&mut settings);
        Simulator::start(settings).await.unwrap_err().to_string()
    };
    assert_eq!(
        refusal(|it| it.speed = 0.0).await,
        "the speed must be a positive number"
    );
    assert_eq!(
        refusal(|it| it.devices[0].timezone = "Mars/Olympus".to_owned()).await,
        "no time zone `Mars/Olympus`"
    );
    let car_alone = refusal(|it| drop(it.devices.remove(1))).await;
    assert_eq!(car_alone, "no charger `dev_ev001`");
    let crowd = refusal(|it| it.devices = vec![it.devices[0].clone(); 101]).await;
    assert_eq!(crowd, "at most 100 devices");
}
