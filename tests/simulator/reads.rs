//! Keys, envelopes, lists and reads (`amps-api.md` §1–§3.2, §4).

use amps_rules::simulator::Environment;
use serde_json::{Value, json};

use super::{BATTERY, CHARGER, HVAC, House, KEY, answer, command};

#[tokio::test]
async fn section_1_a_request_needs_the_key_in_one_header_or_the_other() {
    let house = House::new().await;
    let bare = answer(house.request("GET", BATTERY)).await;
    assert_eq!(
        (bare.0, &bare.1["error"]["code"]),
        (401, &json!("UNAUTHORIZED"))
    );
    let wrong = house
        .request("GET", BATTERY)
        .header("x-api-key", "sk_test_x");
    let wrong = answer(wrong).await;
    assert_eq!(
        (wrong.0, &wrong.1["error"]["code"]),
        (401, &json!("INVALID_API_KEY"))
    );
    let bearer = house.request("GET", BATTERY).bearer_auth(KEY);
    assert_eq!(answer(bearer).await.0, 200);
}

#[tokio::test]
async fn section_2_success_and_error_have_these_envelopes() {
    let house = House::new().await;
    let (_, mut good) = house.get("/vehicle?limit=50").await;
    assert!(
        good["meta"]["requestId"]
            .take()
            .as_str()
            .unwrap()
            .starts_with("req_")
    );
    good["data"].take();
    assert_eq!(
        good,
        json!({
            "success": true,
            "data": null,
            "meta": {
                "requestId": null,
                "environment": "sandbox",
                "timestamp": "2026-06-10T08:00:00.000Z",
                "latencyMs": 0,
            },
        })
    );
    let (status, mut bad) = house.get("/battery/dev_other?expedite=true").await;
    assert!(
        bad["meta"]["requestId"]
            .take()
            .as_str()
            .unwrap()
            .starts_with("req_")
    );
    assert_eq!(status, 404);
    assert_eq!(
        bad,
        json!({
            "success": false,
            "error": {"code": "DEVICE_NOT_FOUND", "message": "device not found"},
            "meta": {
                "requestId": null,
                "timestamp": "2026-06-10T08:00:00.000Z",
                "path": "/battery/dev_other",
                "latencyMs": 0,
            },
        })
    );
}

#[tokio::test]
async fn section_3_1_a_list_is_cut_into_pages() {
    let house = House::with(|settings| {
        for n in 1..=3 {
            let mut another = settings.devices[0].clone();
            another.id = format!("dev_more{n}");
            another.user_id = "user_other".to_owned();
            settings.devices.push(another);
        }
    })
    .await;
    let ids = |data: &Value| -> Vec<String> {
        let items = data["items"].as_array().unwrap().iter();
        items
            .map(|it| it["id"].as_str().unwrap().to_owned())
            .collect()
    };
    let page = house.data("/battery?limit=2&offset=1").await;
    assert_eq!(ids(&page), ["dev_more1", "dev_more2"]);
    assert_eq!(
        page["pagination"],
        json!({"limit": 2, "offset": 1, "total": 4, "hasMore": true})
    );
    assert_eq!(page["items"][0].get("settings"), None);
    let last = house.data("/battery?limit=2&offset=2").await;
    assert_eq!(last["pagination"]["hasMore"], false);
    let mine = house.data("/battery?userId=user_home").await;
    assert_eq!(ids(&mine), ["dev_abc123"]);
    assert_eq!(mine["pagination"]["limit"], 10);
    for query in ["limit=0", "limit=51", "limit=x", "offset=-1"] {
        let (status, body) = house.get(&format!("/battery?{query}")).await;
        let code = &body["error"]["code"];
        assert_eq!((status, code), (400, &json!("INVALID_REQUEST")), "{query}");
    }
    assert_eq!(house.get("/battery?limit=50").await.0, 200);
}

#[tokio::test]
async fn section_3_2_a_battery_reads_like_this() {
    let house = House::new().await;
    let percent = |min| json!({"unit": "percent", "min": min, "max": 100});
    let setting = |value, unit, max| json!({"value": value, "unit": unit, "min": 0, "max": max});
    let power = json!({"unit": "kw", "min": 0, "max": 5});
    let any = json!(["immediate", "scheduled", "windowed"]);
    let plain = json!({"parameters": {}, "execution": ["immediate", "scheduled"]});
    let expected = json!({
        "id": "dev_abc123",
        "vendor": "Simulated Storage",
        "sync": {"available": true, "lastPulledAt": "2026-06-10T08:00:00.000Z"},
        "metadata": {"model": "SB-10", "source": "projection"},
        "state": {
            "status": "idle",
            "capacity": 10,
            "level": 62,
            "chargeRate": 0,
            "dischargeLimit": 10,
            "currentMode": "idle",
        },
        "commands": {
            "charge": {
                "parameters": {"target": percent(10), "power": power, "reserve": percent(0)},
                "execution": any,
            },
            "discharge": {
                "parameters": {"target": percent(0), "power": power, "reserve": percent(0)},
                "execution": any,
            },
            "idle": plain,
            "auto.balanced": plain,
            "auto.reserve": plain,
            "auto.export": plain,
        },
        "conflictStrategies": ["cancel_and_replace", "queue_after"],
        "settings": {
            "safety_reserve": setting(5, "percent", 100),
            "discharge_floor": setting(10, "percent", 100),
            "charge_ceiling": setting(100, "percent", 100),
            "export_limit": setting(5000, "watts", 10_000),
            "max_charge_rate": setting(32, "amps", 1000),
            "max_discharge_rate": setting(32, "amps", 1000),
            "scheduler_enabled": {"value": false},
        },
        "lastAction": null,
        "currentSchedule": null,
    });
    assert_eq!(house.data(BATTERY).await, expected);
}

#[tokio::test]
async fn section_3_2_the_last_action_is_shown() {
    let house = House::new().await;
    let id = house.push(BATTERY, command("auto.balanced")).await;
    house.wind(10.0);
    assert_eq!(
        house.data(BATTERY).await["lastAction"],
        json!({
            "id": id,
            "command": "auto.balanced",
            "state": "completed",
            "createdAt": "2026-06-10T08:00:00.000Z",
            "updatedAt": "2026-06-10T08:00:10.000Z",
            "links": {"self": format!("/actions/{id}")},
        })
    );
}

#[tokio::test]
async fn section_3_2_live_reads_are_cached_for_15_minutes_and_for_one_with_expedite() {
    let house = House::with(|settings| settings.switches.environment = Environment::Live).await;
    let source = async |query: &str| {
        let data = house.data(&format!("{HVAC}{query}")).await;
        data["metadata"]["source"].as_str().unwrap().to_owned()
    };
    assert_eq!(source("").await, "live");
    house.wind(59.0);
    assert_eq!(source("?expedite=true").await, "cache");
    house.wind(1.0);
    assert_eq!(source("").await, "cache");
    assert_eq!(source("?expedite=true").await, "live");
    house.wind(899.0);
    assert_eq!(source("?expedite=false").await, "cache");
    house.wind(1.0);
    assert_eq!(source("?expedite=false").await, "live");
    house
        .control("/devices/dev_hvac01", json!({"oem_error": "TIMEOUT"}))
        .await;
    let data = house.data(HVAC).await;
    assert_eq!(data["metadata"]["source"], "fallback");
    assert_eq!(data["sync"]["available"], false);
}

#[tokio::test]
async fn section_4_2_a_charger_and_section_4_3_a_room_read_like_this() {
    let house = House::new().await;
    let charger = house.data(CHARGER).await;
    assert_eq!(
        charger["state"],
        json!({
            "status": "available",
            "isConnected": true,
            "isCharging": false,
            "currentPower": 0,
            "maxCurrent": 32,
            "powerRateLimit": 11,
        })
    );
    assert_eq!(charger["conflictStrategies"], json!(["cancel_and_replace"]));
    let limit = json!({"max_charge_rate": {"value": 11, "unit": "kw", "min": 0, "max": 50}});
    assert_eq!(charger["settings"], limit);
    let room = house.data(HVAC).await;
    assert_eq!(
        room["state"],
        json!({
            "temperature": 20,
            "active": false,
            "heatSetpoint": 20,
            "coolSetpoint": 26,
            "holdType": "follow_schedule",
            "mode": "auto",
        })
    );
    let celsius = json!({"unit": "celsius", "min": 10, "max": 35});
    assert_eq!(
        room["commands"]["heat"]["parameters"],
        json!({"target": celsius})
    );
    let immediate = json!({"parameters": {}, "execution": ["immediate"]});
    assert_eq!(room["commands"]["follow_schedule"], immediate);
}

#[tokio::test]
async fn section_4_4_panels_and_section_4_5_the_car_are_read_only() {
    let house = House::new().await;
    let roof = house.data("/solar-inverter/dev_pv01").await;
    let keys: Vec<&String> = roof.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["id", "metadata", "state", "sync", "vendor"]);
    assert_eq!(
        roof["state"],
        json!({"status": "producing", "currentPower": 3.25, "producing": true, "energyTotal": 12_480})
    );
    assert_eq!(
        house.state("/vehicle/dev_car01").await,
        json!({
            "batteryLevel": 48,
            "range": 173,
            "plugged": true,
            "charging": false,
            "fullyCharged": false,
            "batteryCapacity": 60,
            "chargeLimit": 80,
            "chargeRate": 0,
            "chargeTimeRemaining": 0,
            "maxCurrent": 32,
        })
    );
    for path in ["/solar-inverter/dev_pv01", "/vehicle/dev_car01"] {
        let (status, body) = house.post(path, command("charge")).await;
        let code = &body["error"]["code"];
        assert_eq!((status, code), (422, &json!("DIRECT_ACTION_UNSUPPORTED")));
    }
}

#[tokio::test]
async fn section_4_the_car_fills_while_it_charges_and_not_without_a_cable() {
    let house = House::new().await;
    house.push(CHARGER, command("charge")).await;
    house.wind(10.0);
    assert_eq!(house.state(CHARGER).await["currentPower"], 11);
    house.wind(3600.0);
    let car = house.state("/vehicle/dev_car01").await;
    assert_eq!(car["batteryLevel"], 66.33);
    assert_eq!(car["charging"], true);
    house
        .control("/devices/dev_ev001", json!({"plugged": false, "level": 97}))
        .await;
    house.wind(3600.0);
    let car = house.state("/vehicle/dev_car01").await;
    assert_eq!(car["batteryLevel"], 97);
    assert_eq!(car["plugged"], false);
    assert_eq!(house.state(CHARGER).await["isConnected"], false);
}

#[tokio::test]
async fn section_4_physics_run_as_much_faster_as_the_house_does() {
    let house = House::with(|settings| settings.speed = 3600.0).await;
    house
        .push(
            BATTERY,
            json!({"action": {"command": "charge", "parameters":
        {"power": {"value": 2, "unit": "kw"}, "target": {"value": 90, "unit": "percent"}}}}),
        )
        .await;
    house.wind(0.5);
    // Half an hour, less the ten seconds until the order was taken, at 2 kW of 10 kWh.
    assert_eq!(house.state(BATTERY).await["level"], 71.94);
    house.wind(2.0);
    let state = house.state(BATTERY).await;
    assert_eq!(
        (&state["level"], &state["status"]),
        (&json!(90), &json!("idle"))
    );
    assert_eq!(
        house.data(BATTERY).await["sync"]["lastPulledAt"],
        "2026-06-10T08:00:02.500Z"
    );
}

#[tokio::test]
async fn section_4_the_devices_share_one_house() {
    let house = House::new().await;
    house
        .control("/devices/dev_pv01", json!({"currentPower": 4}))
        .await;
    house.push(BATTERY, command("auto.balanced")).await;
    house.wind(10.0);
    // The household takes half a kilowatt of the four.
    assert_eq!(house.state(BATTERY).await["chargeRate"], 3.5);
    house.push(CHARGER, command("charge")).await;
    house.wind(10.0);
    // The car takes eleven; the battery helps with all it has.
    assert_eq!(house.state(BATTERY).await["chargeRate"], -5);
    // 32 % of 60 kWh at 11 kW.
    let car = house.state("/vehicle/dev_car01").await;
    assert_eq!(car["chargeTimeRemaining"], 105);
}
