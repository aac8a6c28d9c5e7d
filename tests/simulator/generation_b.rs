//! The older generation, which is flat (`amps-api.md` §0.1, §3.3–§3.6, §4, §5.3).

use amps_rules::simulator::switches::Generation;
use serde_json::{Value, json};

use super::{BATTERY, CHARGER, HVAC, House, KEY, answer, command, error};

async fn flat() -> House {
    House::with(|it| it.switches.generation = Generation::B).await
}

/// The body of an answer with 200.
async fn bare(house: &House, path: &str) -> Value {
    let (status, body) = house.get(path).await;
    assert_eq!(status, 200, "{body}");
    body
}

fn at(start: &str) -> Value {
    json!({"action": {"command": "charge", "start": start}})
}

#[tokio::test]
async fn section_0_1_b_bodies_have_no_envelope_and_errors_have_one() {
    let house = flat().await;
    let body = bare(&house, BATTERY).await;
    let keys: Vec<&String> = body.as_object().unwrap().keys().collect();
    let expected = [
        "commands", "id", "metadata", "settings", "state", "sync", "vendor",
    ];
    assert_eq!(keys, expected);
    assert_eq!(
        body["commands"]["auto.balanced"],
        json!({
            "type": "set_operation_mode",
            "parameters": {},
            "execution": ["immediate", "scheduled"],
        })
    );
    let list = bare(&house, "/battery").await;
    assert_eq!(list["items"][0]["id"], "dev_abc123");
    assert_eq!(list["pagination"]["total"], 1);
    let (status, body) = house.get("/battery/dev_other").await;
    assert_eq!((status, &body["success"]), (404, &json!(false)));
    assert_eq!(body["meta"]["path"], "/battery/dev_other");
}

#[tokio::test]
async fn section_0_1_b_actions_have_a_type_and_a_mode_among_their_parameters() {
    let house = flat().await;
    let target = json!({"value": 90, "unit": "percent"});
    let action = json!({"command": "charge", "parameters": {"target": target}});
    let (status, body) = house.post(BATTERY, json!({"action": action})).await;
    let id = body["actionId"].as_str().unwrap().to_owned();
    assert_eq!(status, 202);
    assert_eq!(
        body,
        json!({
            "actionId": id,
            "state": "acknowledged",
            "type": "battery:set_operation_mode",
            "createdAt": "2026-06-10T08:00:00.000Z",
            "start": null,
        })
    );
    house.wind(10.0);
    let done = json!({
        "id": id,
        "deviceId": "dev_abc123",
        "type": "battery:set_operation_mode",
        "state": "completed",
        "parameters": {"mode": "charge", "target": target},
        "result": {"success": true, "message": "command accepted"},
        "errorCode": null,
        "errorMessage": null,
        "createdAt": "2026-06-10T08:00:00.000Z",
        "updatedAt": "2026-06-10T08:00:10.000Z",
        "acknowledgedAt": "2026-06-10T08:00:00.000Z",
        "completedAt": "2026-06-10T08:00:10.000Z",
        "start": null,
        "end": null,
    });
    assert_eq!(bare(&house, &format!("/actions/{id}")).await, done);
    // There is a list for each battery, and none of all.
    let list = bare(&house, "/battery/dev_abc123/actions").await;
    assert_eq!(list["items"], json!([done]));
    assert_eq!(house.get("/actions").await.0, 404);
}

#[tokio::test]
async fn section_0_1_b_webhooks_have_an_error_in_place_of_its_parts() {
    let (house, endpoint) = House::heard(|it| it.switches.generation = Generation::B).await;
    let fault = json!({"kind": "fail", "code": "DEVICE_OFFLINE", "message": "no response"});
    house
        .control("/faults/actions", json!({"fault": fault}))
        .await;
    let (_, failing) = house.post(BATTERY, command("idle")).await;
    house.wind(10.0);
    let received = endpoint.first(1).await.remove(0).json();
    assert_eq!(
        received,
        json!({
            "actionId": failing["actionId"],
            "deviceId": "dev_abc123",
            "actionType": "battery:set_operation_mode",
            "parameters": {"mode": "idle"},
            "error": {"code": "DEVICE_OFFLINE", "message": "no response"},
            "failedAt": "2026-06-10T08:00:10.000Z",
        })
    );
    let id = failing["actionId"].as_str().unwrap();
    let action = bare(&house, &format!("/actions/{id}")).await;
    // §3.4: the older list sample has no result with a failure.
    assert_eq!(
        (&action["errorCode"], &action["result"]),
        (&json!("DEVICE_OFFLINE"), &Value::Null)
    );
}

#[tokio::test]
async fn section_3_3_b_a_start_must_name_its_zone() {
    let house = flat().await;
    let (status, body) = house.post(BATTERY, at("2026-06-10T10:00:00")).await;
    assert_eq!((status, error(&body).0), (422, "INVALID_TIME_WINDOW"));
    assert_eq!(error(&body).1["reason"], "invalid_format");
    let (status, body) = house.post(BATTERY, at("2026-06-10T12:00:00+02:00")).await;
    assert_eq!(
        (status, &body["state"], &body["start"]),
        (202, &json!("scheduled"), &json!("2026-06-10T10:00:00.000Z"))
    );
    let id = body["actionId"].as_str().unwrap();
    let (status, body) = house
        .post(&format!("/actions/{id}/cancel"), json!({}))
        .await;
    // §3.6: no `completedAt` in this generation.
    assert_eq!(
        (status, &body["state"], &body["completedAt"]),
        (200, &json!("cancelled"), &Value::Null)
    );
    assert_eq!(house.post(BATTERY, at("2h")).await.0, 202);
}

#[tokio::test]
async fn section_4_2_b_a_charger_is_told_in_words_and_has_no_commands() {
    let house = flat().await;
    let body = bare(&house, CHARGER).await;
    assert_eq!(body.get("commands"), None);
    assert_eq!(body.get("settings"), None);
    assert_eq!(body["state"].get("powerRateLimit"), None);
    let (status, body) = house
        .post(CHARGER, json!({"action": "start_charging"}))
        .await;
    assert_eq!(
        (status, &body["type"]),
        (202, &json!("ev-charger:start_charging"))
    );
    let limit = json!({"action": "set_max_power", "maxPower": 7.4});
    let (status, body) = house.post(CHARGER, limit).await;
    // §5.3: conflicts are told apart by the type of the action, too.
    assert_eq!(
        (status, &body["type"]),
        (202, &json!("ev-charger:set_max_power"))
    );
    house.wind(10.0);
    let state = bare(&house, CHARGER).await["state"].take();
    assert_eq!(state["currentPower"], 7.4);
    for wrong in [
        command("charge"),
        json!({"action": "fly"}),
        json!({"action": "set_max_power"}),
        json!({"action": "start_charging", "maxPower": 3}),
        json!({"action": "start_charging", "onConflict": "cancel_and_replace"}),
    ] {
        assert_eq!(house.post(CHARGER, wrong.clone()).await.0, 400, "{wrong}");
    }
    let settings = format!("{CHARGER}/settings");
    assert_eq!(house.post(&settings, json!({})).await.0, 404);
}

#[tokio::test]
async fn section_4_3_b_a_room_is_held_at_plain_numbers() {
    let house = flat().await;
    let hold = json!({"action": "set_permanent_hold", "mode": "heat", "heatSetpoint": 22});
    let (status, body) = house.post(HVAC, hold).await;
    assert_eq!(
        (status, &body["type"]),
        (202, &json!("hvac:set_permanent_hold"))
    );
    let id = body["actionId"].as_str().unwrap();
    let action = bare(&house, &format!("/actions/{id}")).await;
    assert_eq!(
        action["parameters"],
        json!({"mode": "heat", "heatSetpoint": 22})
    );
    house.wind(10.0);
    assert_eq!(bare(&house, HVAC).await["state"]["heatSetpoint"], 22);
    let off = json!({"action": "set_permanent_hold", "mode": "off"});
    assert_eq!(house.post(HVAC, off).await.0, 202);
    house.wind(10.0);
    assert_eq!(bare(&house, HVAC).await["state"]["mode"], "off");
    assert_eq!(
        house
            .post(HVAC, json!({"action": "follow_schedule"}))
            .await
            .0,
        202
    );
    house.wind(10.0);
    let state = bare(&house, HVAC).await["state"].take();
    assert_eq!(state["holdType"], "follow_schedule");
}

#[tokio::test]
async fn section_5_3_b_a_conflict_has_no_reason() {
    let house = flat().await;
    let (_, first) = house.post(BATTERY, command("charge")).await;
    let (status, body) = house.post(BATTERY, command("idle")).await;
    let details = json!({
        "conflictingActionIds": [first["actionId"]],
        "strategies": ["cancel_and_replace", "queue_after"],
    });
    assert_eq!((status, error(&body)), (409, ("CONFLICT", &details)));
}

#[tokio::test]
async fn section_5_6_b_schedules_are_made_elsewhere_and_not_yet() {
    let house = flat().await;
    let (status, body) = house.post("/schedules", json!({"slots": []})).await;
    assert_eq!((status, error(&body).0), (501, "NOT_IMPLEMENTED"));
    let path = format!("{BATTERY}/schedule");
    let put = house.request("PUT", &path).header("x-api-key", KEY);
    assert_eq!(answer(put).await.0, 404);
}

#[tokio::test]
async fn section_8_b_a_command_that_a_device_lacks_is_an_unsupported_mode() {
    let house = flat().await;
    let lacks =
        json!({"lacks": ["idle", "charge", "auto.balanced", "auto.reserve", "auto.export"]});
    house.control("/devices/dev_abc123", lacks).await;
    let (status, body) = house.post(BATTERY, command("idle")).await;
    let (code, details) = error(&body);
    assert_eq!((status, code), (422, "UNSUPPORTED_MODE"));
    assert_eq!(details["unsupportedModes"], json!(["idle"]));
    let commands = details["deviceCapabilities"]["commands"]
        .as_object()
        .unwrap();
    let commands: Vec<&String> = commands.keys().collect();
    assert_eq!(commands, ["discharge"]);
}
