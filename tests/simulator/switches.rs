//! Each switch of `amps-api.md` §13, and what else the documents leave open (§12).

use amps_rules::simulator::Environment;
use amps_rules::simulator::switches::Switches;
use serde_json::{Map, Value, json};

use super::{BATTERY, CHARGER, HVAC, House, KEY, answer, command, error};

async fn turn(house: &House, name: &str, value: impl Into<Value>) {
    let mut switches = Map::new();
    switches.insert(name.to_owned(), value.into());
    house.control("/switches", switches.into()).await;
}

fn started(start: &str) -> Value {
    json!({"action": {"command": "charge", "start": start}})
}

#[tokio::test]
async fn section_7_requests_beyond_the_rate_are_answered_in_one_of_three_ways() {
    let house = House::new().await;
    turn(&house, "requests_per_minute", 2).await;
    turn(&house, "retry_after_seconds", 30).await;
    let status = async || {
        let request = house.request("GET", BATTERY).header("x-api-key", KEY);
        let response = request.send().await.unwrap();
        let retry_after = response.headers().get("retry-after").cloned();
        let retry_after = retry_after.map(|it| it.to_str().unwrap().to_owned());
        let status = response.status().as_u16();
        let body: Value = response.json().await.unwrap();
        (status, body["error"]["code"].clone(), retry_after)
    };
    let thirty = Some("30".to_owned());
    assert_eq!(status().await, (200, Value::Null, None));
    assert_eq!(status().await, (200, Value::Null, None));
    let limited = json!("RATE_LIMIT_EXCEEDED");
    assert_eq!(status().await, (429, limited.clone(), thirty.clone()));
    // As the older generation has it, unless a switch says otherwise.
    turn(&house, "generation", "b").await;
    assert_eq!(status().await, (401, limited.clone(), thirty.clone()));
    turn(&house, "generation", "c").await;
    turn(&house, "rate_limit_reply", "401 RATE_LIMIT_EXCEEDED").await;
    assert_eq!(status().await, (401, limited, thirty.clone()));
    turn(&house, "rate_limit_reply", "401 UNAUTHORIZED").await;
    turn(&house, "retry_after_seconds", Value::Null).await;
    assert_eq!(status().await, (401, json!("UNAUTHORIZED"), None));
    house.wind(59.0);
    assert_eq!(status().await.0, 401);
    house.wind(1.0);
    assert_eq!(status().await.0, 200);
}

#[tokio::test]
async fn section_1_a_key_can_be_revoked_expired_or_weak() {
    let house = House::new().await;
    let code = async |method: &str| {
        let request = house.request(method, BATTERY).header("x-api-key", KEY);
        let (status, body) = answer(request.body(command("idle").to_string())).await;
        (status, body["error"]["code"].clone())
    };
    turn(&house, "key", "revoked").await;
    assert_eq!(code("GET").await, (401, json!("INVALID_API_KEY")));
    turn(&house, "key", "expired").await;
    assert_eq!(code("GET").await, (401, json!("EXPIRED_TOKEN")));
    turn(&house, "key", "unprivileged").await;
    assert_eq!(code("GET").await, (200, Value::Null));
    assert_eq!(code("POST").await, (403, json!("INSUFFICIENT_PERMISSIONS")));
    turn(&house, "key", "valid").await;
    assert_eq!(code("POST").await.0, 202);
}

#[tokio::test]
async fn section_1_live_access_is_asked_of_live_keys_only() {
    let house = House::new().await;
    turn(&house, "live_access", false).await;
    assert_eq!(house.get(BATTERY).await.0, 200);
    turn(&house, "environment", "live").await;
    let (status, body) = house.get(BATTERY).await;
    assert_eq!((status, error(&body).0), (403, "LIVE_ACCESS_DISABLED"));
}

#[test]
fn section_1_a_key_tells_its_environment() {
    for (key, environment) in [
        ("sk_test_abc", Some(Environment::Sandbox)),
        ("sk_live_abc", Some(Environment::Live)),
        ("amps_sk_test_abc", Some(Environment::Sandbox)),
        ("amps_sk_live_abc", Some(Environment::Live)),
        ("sk_sandbox_abc", None),
        ("secret", None),
    ] {
        assert_eq!(Environment::of_key(key), environment, "{key}");
    }
}

#[tokio::test]
async fn section_13_actions_take_as_long_as_live_the_sandbox_or_the_cookbook() {
    let house = House::new().await;
    let mut seen = Vec::new();
    for kind in ["live", "sandbox", "cookbook"] {
        turn(&house, "completion", kind).await;
        for path in [BATTERY, HVAC] {
            let id = house.push(path, command("idle")).await;
            house.wind(200.0);
            let action = house.action(&id).await;
            let second = |key: &str| {
                let at: jiff::Timestamp = action[key].as_str().unwrap().parse().unwrap();
                let created: jiff::Timestamp =
                    action["createdAt"].as_str().unwrap().parse().unwrap();
                at.duration_since(created).as_secs()
            };
            seen.push((second("acknowledgedAt"), second("completedAt")));
        }
    }
    assert_eq!(seen, [(0, 10), (0, 10), (0, 180), (0, 180), (1, 4), (1, 2)]);
}

#[tokio::test]
async fn section_13_a_windowed_action_completes_at_its_start_or_at_its_end() {
    let house = House::new().await;
    let window = json!({"action": {"command": "charge", "start": "1m", "end": "10m"}});
    for (kind, at) in [
        ("start", "2026-06-10T08:01:10.000Z"),
        ("end", "2026-06-10T08:44:20.000Z"),
    ] {
        turn(&house, "window_completes", kind).await;
        let id = house.push(BATTERY, window.clone()).await;
        house.wind(2000.0);
        assert_eq!(house.action(&id).await["completedAt"], at, "{kind}");
    }
}

#[tokio::test]
async fn section_12_8_the_code_for_an_action_that_is_not_there_is_a_switch() {
    let house = House::new().await;
    for code in ["NOT_FOUND", "ACTION_NOT_FOUND"] {
        turn(&house, "missing_action_code", code).await;
        for answer in [
            house.get("/actions/act_other").await,
            house.post("/actions/act_other/cancel", json!({})).await,
        ] {
            assert_eq!((answer.0, error(&answer.1).0), (404, code));
        }
    }
}

#[tokio::test]
async fn section_4_1_how_settings_are_answered_is_a_switch() {
    let house = House::new().await;
    let path = format!("{BATTERY}/settings");
    turn(&house, "settings_are_202", true).await;
    let floor = json!({"discharge_floor": {"value": 20, "unit": "percent"}});
    assert_eq!(house.post(&path, floor).await.0, 202);
    turn(&house, "read_only_setting_code", "UNSUPPORTED_SETTING").await;
    let scheduler = json!({"scheduler_enabled": {"value": 1, "unit": "kw"}});
    let (status, body) = house.post(&path, scheduler).await;
    assert_eq!((status, error(&body).0), (422, "UNSUPPORTED_SETTING"));
}

#[tokio::test]
async fn section_13_each_device_has_a_time_zone_whose_clocks_change() {
    let house = House::new().await;
    let zone = json!({"timezone": "America/New_York"});
    house.control("/devices/dev_abc123", zone).await;
    let (_, body) = house.post(BATTERY, started("2026-06-10T10:00:00")).await;
    assert_eq!(body["data"]["start"], "2026-06-10T14:00:00.000Z");
    let (_, body) = house.post(CHARGER, started("2026-06-10T10:00:00")).await;
    assert_eq!(body["data"]["start"], "2026-06-10T09:00:00.000Z");
    let refused =
        house
            .simulator
            .control("POST", "/devices/dev_abc123", &json!({"timezone": "Mars"}));
    assert_eq!(refused.unwrap_err().message, "no time zone `Mars`");
    // London, a few days before its clocks go back: the day after is an hour later in UTC.
    house.wind(3600.0 * 24.0 * 135.0);
    for (day, shown) in [
        ("2026-10-24T10:00:00", "2026-10-24T09:00:00.000Z"),
        ("2026-10-25T10:00:00", "2026-10-25T10:00:00.000Z"),
        // What comes twice is the first of the two: our assumption.
        ("2026-10-25T01:30:00", "2026-10-25T00:30:00.000Z"),
    ] {
        let mut body = started(day);
        body["onConflict"] = json!("cancel_and_replace");
        let (status, body) = house.post(CHARGER, body).await;
        assert_eq!((status, &body["data"]["start"]), (202, &json!(shown)));
    }
}

#[tokio::test]
async fn section_4_1_a_device_may_lack_a_command_or_one_of_its_timings() {
    let house = House::new().await;
    let lacks = json!({"lacks": ["charge:windowed", "auto.export"]});
    house.control("/devices/dev_abc123", lacks).await;
    let commands = house.data(BATTERY).await["commands"].take();
    assert_eq!(commands.get("auto.export"), None);
    assert_eq!(
        commands["charge"]["execution"],
        json!(["immediate", "scheduled"])
    );
    let window = json!({"action": {"command": "charge", "start": "1h", "end": "2h"}});
    let (status, body) = house.post(BATTERY, window).await;
    assert_eq!((status, error(&body).0), (422, "EXECUTION_NOT_SUPPORTED"));
}

#[tokio::test]
async fn section_3_2_what_the_manufacturer_says_is_passed_on_or_bridged() {
    let house = House::new().await;
    turn(&house, "environment", "live").await;
    let answers = async |code: &str| {
        let error = json!({"oem_error": code});
        house.control("/devices/dev_abc123", error).await;
        house.get(BATTERY).await
    };
    // Nothing was ever captured.
    let (status, body) = answers("TIMEOUT").await;
    assert_eq!((status, error(&body).0), (404, "DEVICE_NOT_FOUND"));
    let none = json!({"oem_error": null});
    house.control("/devices/dev_abc123", none).await;
    assert_eq!(house.data(BATTERY).await["metadata"]["source"], "live");
    for code in [
        "NETWORK_ERROR",
        "RATE_LIMITED",
        "SERVICE_UNAVAILABLE",
        "TIMEOUT",
        "UNKNOWN_ERROR",
    ] {
        let (status, body) = answers(code).await;
        assert_eq!(status, 200, "{code}");
        assert_eq!(
            body["data"]["metadata"],
            json!({"model": "SB-10", "source": "fallback"})
        );
        assert_eq!(body["data"]["sync"]["available"], false);
    }
    let (status, body) = answers("DEVICE_OFFLINE").await;
    assert_eq!((status, error(&body).0), (503, "DEVICE_OFFLINE"));
    // A push is taken, and fails.
    house.push(BATTERY, command("charge")).await;
}

#[tokio::test]
async fn section_13_unknown_fields_can_be_turned_on_while_it_runs() {
    let house = House::new().await;
    turn(&house, "extra_fields", true).await;
    let (_, body) = house.get(BATTERY).await;
    assert_eq!(body["data"]["unannounced"], json!({"since": "tomorrow"}));
}

#[tokio::test]
async fn switches_are_turned_together_or_not_at_all() {
    let house = House::new().await;
    let refused = |body: Value| {
        let refused = house.simulator.control("POST", "/switches", &body);
        refused.unwrap_err().message
    };
    assert_eq!(
        refused(json!({"generation": "b", "colour": "red"})),
        "there is no switch `colour`"
    );
    assert_eq!(
        refused(json!({"generation": "d"})),
        "`generation`: unknown variant `d`, expected `b` or `c`"
    );
    let (_, shown) = answer(house.request("GET", "/_simulator/switches")).await;
    assert_eq!(shown, json!(Switches::default()));
}

/// The first column of the table below `heading` in the simulator's page.
fn rows(heading: &str) -> Vec<&'static str> {
    let page = include_str!("../../src/simulator/README.md");
    let (_, below) = page.split_once(&format!("\n## {heading}\n")).unwrap();
    let (section, _) = below.split_once("\n## ").unwrap_or((below, ""));
    let cells = section.lines().filter_map(|line| line.strip_prefix("| `"));
    cells
        .filter_map(|cell| cell.split_once('`').map(|(name, _)| name))
        .collect()
}

#[test]
fn the_page_has_the_switches_that_there_are() {
    let switches = json!(Switches::default());
    let mut expected: Vec<&str> = switches
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    let mut found = rows("Switches");
    expected.sort_unstable();
    found.sort_unstable();
    assert_eq!(found, expected);
}

#[test]
fn the_page_has_the_codes_that_there_are() {
    let mut expected: Vec<&str> = amps_rules::domain::answers::CODES
        .iter()
        .map(|it| it.name)
        .collect();
    let mut found = rows("Codes");
    expected.sort_unstable();
    found.sort_unstable();
    assert_eq!(found, expected);
}
