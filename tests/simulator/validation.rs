//! What is turned away, with which code and which details (`amps-api.md` §2, §4.1, §5.6, §8).

use amps_rules::simulator::switches::LackingCode;
use serde_json::{Value, json};

use super::{BATTERY, CHARGER, HVAC, House, answer, command, error};

/// Path, body, status, code, details.
type Case = (&'static str, Value, u16, &'static str, Value);

async fn check(house: &House, cases: Vec<Case>) {
    let mut mismatches = Vec::new();
    for (path, body, status, code, details) in cases {
        let found = house.post(path, body.clone()).await;
        let (found_code, found_details) = error(&found.1);
        if (found.0, found_code, found_details) != (status, code, &details) {
            mismatches.push(format!("{path} {body}: {} {}", found.0, found.1["error"]));
        }
    }
    assert!(mismatches.is_empty(), "\n{}\n", mismatches.join("\n"));
    let actions = house.data("/actions").await;
    assert_eq!(actions["items"], json!([]));
}

fn charge_with(parameters: Value) -> Value {
    json!({"action": {"command": "charge", "parameters": parameters}})
}

fn quantity(value: impl Into<Value>, unit: &str) -> Value {
    json!({"value": value.into(), "unit": unit})
}

#[tokio::test]
async fn section_8_a_body_outside_the_vocabulary_is_400() {
    let house = House::new().await;
    let invalid = |path, body| (path, body, 400, "INVALID_REQUEST", Value::Null);
    let charge = json!({"command": "charge"});
    check(
        &house,
        vec![
            invalid(BATTERY, json!([])),
            invalid(BATTERY, json!({})),
            invalid(BATTERY, json!({"action": "charge"})),
            invalid(BATTERY, json!({"action": {"command": 1}})),
            invalid(BATTERY, command("fly")),
            invalid(CHARGER, command("discharge")),
            invalid(BATTERY, json!({"action": charge, "deferUntil": "1h"})),
            invalid(
                BATTERY,
                json!({"action": {"command": "charge", "mode": "x"}}),
            ),
            invalid(BATTERY, json!({"action": charge, "onConflict": "wait"})),
            invalid(BATTERY, json!({"action": charge, "sandbox": true})),
            invalid(
                BATTERY,
                json!({"action": {"command": "charge", "start": 5}}),
            ),
            invalid(BATTERY, charge_with(json!([]))),
            invalid(BATTERY, charge_with(json!({"target": 90}))),
            invalid(
                BATTERY,
                charge_with(json!({"target": quantity("90", "percent")})),
            ),
            invalid(
                BATTERY,
                charge_with(json!({"target": quantity(90, "parsec")})),
            ),
        ],
    )
    .await;
    let broken = house
        .request("POST", BATTERY)
        .header("x-api-key", super::KEY);
    let (status, _) = answer(broken.body("{")).await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn section_8_a_command_or_timing_that_a_device_lacks_is_422() {
    let house = House::with(|it| it.devices[0].lacks = vec!["auto.export".to_owned()]).await;
    let supported = [
        "charge",
        "discharge",
        "idle",
        "auto.balanced",
        "auto.reserve",
    ];
    let window = json!({"action": {"command": "idle", "start": "1h", "end": "2h"}});
    let later = json!({"action": {"command": "follow_schedule", "start": "1h"}});
    let execution = |path, body, requested, supported: &[&str]| {
        let details = json!({"requestedExecution": requested, "supportedExecution": supported});
        (path, body, 422, "EXECUTION_NOT_SUPPORTED", details)
    };
    check(
        &house,
        vec![
            (
                BATTERY,
                command("auto.export"),
                422,
                "COMMAND_NOT_SUPPORTED",
                json!({"deviceCapabilities": {"supportedModes": supported}}),
            ),
            execution(BATTERY, window, "windowed", &["immediate", "scheduled"]),
            execution(HVAC, later, "scheduled", &["immediate"]),
        ],
    )
    .await;
    let commands = house.data(BATTERY).await["commands"].take();
    assert_eq!(commands.get("auto.export"), None);
}

#[tokio::test]
async fn section_12_7_the_code_for_a_lacking_command_is_a_switch() {
    let house = House::with(|it| {
        it.devices[0].lacks = vec!["idle".to_owned()];
        it.switches.lacking_command_code = Some(LackingCode::UnsupportedMode);
    })
    .await;
    let (status, body) = house.post(BATTERY, command("idle")).await;
    assert_eq!((status, error(&body).0), (422, "UNSUPPORTED_MODE"));
}

#[tokio::test]
async fn section_8_parameters_are_known_in_their_unit_and_within_bounds() {
    let house = House::new().await;
    let range = |value: Value| {
        let details = json!({"parameter": "target", "value": value, "min": 10, "max": 100,
            "unit": "percent"});
        let body = charge_with(json!({"target": quantity(value, "percent")}));
        (BATTERY, body, 422, "PARAMETER_OUT_OF_RANGE", details)
    };
    check(
        &house,
        vec![
            (
                BATTERY,
                charge_with(json!({"speed": quantity(1, "kw"), "target": quantity(90, "percent")})),
                422,
                "UNSUPPORTED_PARAMETER",
                json!({
                    "unsupportedParameters": ["speed"],
                    "deviceCapabilities": {"supportedParameters": ["target", "power", "reserve"]},
                }),
            ),
            (
                BATTERY,
                charge_with(json!({"power": quantity(3, "percent")})),
                422,
                "UNSUPPORTED_UNIT",
                json!({"parameter": "power", "providedUnit": "percent", "supportedUnits": ["kw"]}),
            ),
            range(json!(9.5)),
            range(json!(101)),
        ],
    )
    .await;
    for edge in [10, 100] {
        let body = charge_with(json!({"target": quantity(edge, "percent")}));
        house.push(BATTERY, body).await;
        house.wind(10.0);
    }
}

#[tokio::test]
async fn section_8_times_are_naive_ahead_and_in_order() {
    let house = House::new().await;
    let starting = |start: &str| json!({"action": {"command": "charge", "start": start}});
    let window = |start: &str, end: &str| json!({"action": {"command": "charge", "start": start, "end": end}});
    let wrong = |body, reason: &str| {
        (
            BATTERY,
            body,
            422,
            "INVALID_TIME_WINDOW",
            json!({"reason": reason}),
        )
    };
    let past = |start: &str, shown: &str| {
        let details = json!({"parameter": "start", "value": shown});
        (BATTERY, starting(start), 422, "START_IN_PAST", details)
    };
    check(
        &house,
        vec![
            wrong(starting("2026-06-10T10:00:00Z"), "invalid_format"),
            wrong(starting("2026-06-10T10:00:00+01:00"), "invalid_format"),
            wrong(starting("2026-06-10T10:00"), "invalid_format"),
            wrong(starting("2026-02-30T10:00:00"), "invalid_format"),
            wrong(starting("soon"), "invalid_format"),
            wrong(
                json!({"action": {"command": "charge", "end": "2h"}}),
                "end_without_start",
            ),
            wrong(window("2h", "0m"), "end_not_after_start"),
            wrong(window("2h", "2026-06-10T11:00:00"), "end_not_after_start"),
            past("2026-06-10T09:00:00", "2026-06-10T08:00:00.000Z"),
            past("0m", "2026-06-10T08:00:00.000Z"),
            (
                BATTERY,
                starting("721h"),
                422,
                "START_OUT_OF_RANGE",
                json!({"parameter": "start", "value": "2026-07-10T09:00:00.000Z"}),
            ),
        ],
    )
    .await;
    house.push(BATTERY, starting("720h")).await;
}

#[tokio::test]
async fn section_4_1_a_setting_can_be_taken_and_change_nothing() {
    let house = House::new().await;
    let reserve = async || {
        let battery = house.data(BATTERY).await;
        battery["settings"]["safety_reserve"]["value"].clone()
    };
    house
        .control("/devices/dev_abc123", json!({"ignores_settings": true}))
        .await;
    let path = format!("{BATTERY}/settings");
    let write = json!({"safety_reserve": {"value": 35, "unit": "percent"}});
    let (status, body) = house.post(&path, write.clone()).await;
    assert_eq!(
        (status, &body["data"]["updated"]),
        (200, &json!(["safety_reserve"]))
    );
    assert_eq!(reserve().await, 5);
    let too_much = json!({"safety_reserve": {"value": 135, "unit": "percent"}});
    assert_eq!(house.post(&path, too_much).await.0, 422);
    house
        .control("/devices/dev_abc123", json!({"ignores_settings": false}))
        .await;
    assert_eq!(house.post(&path, write).await.0, 200);
    assert_eq!(reserve().await, 35);
}

#[tokio::test]
async fn section_4_1_settings_are_written_together_or_not_at_all() {
    let house = House::new().await;
    let path = format!("{BATTERY}/settings");
    let body =
        json!({"discharge_floor": quantity(20, "percent"), "export_limit": quantity(0, "watts")});
    let (status, answer) = house.post(&path, body).await;
    assert_eq!(status, 200);
    assert_eq!(
        answer["data"],
        json!({"deviceId": "dev_abc123", "updated": ["discharge_floor", "export_limit"]})
    );
    assert_eq!(house.state(BATTERY).await["dischargeLimit"], 20);
    let half = json!({"discharge_floor": quantity(30, "percent"), "volume": quantity(1, "kw")});
    let (status, answer) = house.post(&path, half).await;
    assert_eq!((status, error(&answer).0), (422, "UNSUPPORTED_SETTING"));
    assert_eq!(house.state(BATTERY).await["dischargeLimit"], 20);
    for (body, status, code) in [
        (json!({}), 400, "INVALID_REQUEST"),
        (
            json!({"scheduler_enabled": quantity(1, "kw")}),
            422,
            "READ_ONLY_SETTING",
        ),
        (
            json!({"max_charge_rate": quantity(5, "kw")}),
            422,
            "UNSUPPORTED_UNIT",
        ),
        (
            json!({"max_charge_rate": quantity(1001, "amps")}),
            422,
            "SETTING_OUT_OF_RANGE",
        ),
    ] {
        let (found, answer) = house.post(&path, body).await;
        assert_eq!((found, error(&answer).0), (status, code));
    }
}

#[tokio::test]
async fn section_4_2_a_charger_gives_no_more_than_its_setting() {
    let house = House::new().await;
    let path = format!("{CHARGER}/settings");
    let (status, _) = house
        .post(&path, json!({"max_charge_rate": quantity(50, "kw")}))
        .await;
    assert_eq!(status, 200);
    let (status, body) = house
        .post(&path, json!({"max_charge_rate": quantity(51, "kw")}))
        .await;
    let details =
        json!({"parameter": "max_charge_rate", "value": 51, "min": 0, "max": 50, "unit": "kw"});
    assert_eq!(
        (status, error(&body)),
        (422, ("SETTING_OUT_OF_RANGE", &details))
    );
    house
        .post(&path, json!({"max_charge_rate": quantity(7.4, "kw")}))
        .await;
    house.push(CHARGER, command("charge")).await;
    house.wind(10.0);
    let state = house.state(CHARGER).await;
    assert_eq!(
        (&state["currentPower"], &state["powerRateLimit"]),
        (&json!(7.4), &json!(7.4))
    );
}

#[tokio::test]
async fn section_5_6_schedules_are_not_there_yet() {
    let house = House::new().await;
    let schedule = format!("{BATTERY}/schedule");
    for (method, path, status, code) in [
        ("GET", "/schedules", 501, "NOT_IMPLEMENTED"),
        ("GET", "/schedules/sched_1", 404, "NOT_FOUND"),
        ("PUT", schedule.as_str(), 501, "NOT_IMPLEMENTED"),
        ("DELETE", schedule.as_str(), 501, "NOT_IMPLEMENTED"),
        (
            "DELETE",
            "/hvac/dev_other/schedule",
            404,
            "DEVICE_NOT_FOUND",
        ),
        ("GET", "/devices", 404, "NOT_FOUND"),
        ("GET", "/hvac/dev_abc123", 404, "DEVICE_NOT_FOUND"),
    ] {
        let request = house.request(method, path).header("x-api-key", super::KEY);
        let (found, body) = answer(request).await;
        assert_eq!((found, error(&body).0), (status, code), "{method} {path}");
    }
}
