//! Each code of `amps-api.md` §8 can be met, by a request or a switch of the control API and nothing else.

use std::collections::BTreeSet;

use amps_rules::domain::answers::CODES;
use serde_json::{Value, json};

use super::{BATTERY, CHARGER, HVAC, House, KEY, answer, command};

/// What has to be done before: path and body of a control request.
type Before = (&'static str, Value);

/// Method, path and body of the request that is answered so.
type Asked = (&'static str, String, Value);

#[derive(Clone)]
struct Case {
    code: &'static str,
    status: u16,
    before: Option<Before>,
    asked: Asked,
}

fn case(code: &'static str, status: u16, before: Option<Before>, asked: Asked) -> Case {
    Case {
        code,
        status,
        before,
        asked,
    }
}

fn get(path: &str) -> Asked {
    ("GET", path.to_owned(), Value::Null)
}

fn post(path: &str, body: Value) -> Asked {
    ("POST", path.to_owned(), body)
}

fn switch(name: &str, value: impl Into<Value>) -> Before {
    let mut switches = serde_json::Map::new();
    switches.insert(name.to_owned(), value.into());
    ("/switches", switches.into())
}

fn charge(action: Value) -> Asked {
    let mut action = action;
    action["command"] = json!("charge");
    post(BATTERY, json!({ "action": action }))
}

fn setting(name: &str, value: u32, unit: &str) -> Asked {
    let mut settings = serde_json::Map::new();
    settings.insert(name.to_owned(), json!({"value": value, "unit": unit}));
    post(&format!("{CHARGER}/settings"), settings.into())
}

/// What the platform says, whatever is asked of a device.
fn of_the_platform() -> Vec<Case> {
    let answered = json!({"fault": {"kind": "answer", "status": 500, "code": "INTERNAL_ERROR"}});
    vec![
        case(
            "RATE_LIMIT_EXCEEDED",
            429,
            Some(switch("requests_per_minute", 0)),
            get(BATTERY),
        ),
        case(
            "EXPIRED_TOKEN",
            401,
            Some(switch("key", "expired")),
            get(BATTERY),
        ),
        case(
            "INVALID_API_KEY",
            401,
            Some(switch("key", "revoked")),
            get(BATTERY),
        ),
        case(
            "INSUFFICIENT_PERMISSIONS",
            403,
            Some(switch("key", "unprivileged")),
            post(BATTERY, command("idle")),
        ),
        case("DEVICE_NOT_FOUND", 404, None, get("/battery/dev_other")),
        case("NOT_FOUND", 404, None, get("/schedules/sched_1")),
        case("UNSUPPORTED_SETTING", 422, None, setting("volume", 1, "kw")),
        case(
            "SETTING_OUT_OF_RANGE",
            422,
            None,
            setting("max_charge_rate", 51, "kw"),
        ),
        case(
            "READ_ONLY_SETTING",
            422,
            None,
            post(
                &format!("{BATTERY}/settings"),
                json!({"scheduler_enabled": {"value": 1, "unit": "kw"}}),
            ),
        ),
        case(
            "INTERNAL_ERROR",
            500,
            Some(("/faults/requests", answered)),
            get(BATTERY),
        ),
        case("NOT_IMPLEMENTED", 501, None, get("/schedules")),
    ]
}

/// What stands in the way of an action.
fn of_actions() -> Vec<Case> {
    let lacks = json!({"lacks": ["auto.export"]});
    let another = json!({"command": "charge"});
    let planned = json!({"command": "charge", "start": "1m"});
    vec![
        case(
            "CONFLICT",
            409,
            Some(("/devices/dev_abc123/actions", another)),
            post(BATTERY, command("idle")),
        ),
        case(
            "COMMAND_NOT_SUPPORTED",
            422,
            Some(switch("environment", "live")),
            post(HVAC, command("idle")),
        ),
        case(
            "UNSUPPORTED_MODE",
            422,
            Some(("/devices/dev_abc123", lacks)),
            post(BATTERY, command("auto.export")),
        ),
        case(
            "DIRECT_ACTION_UNSUPPORTED",
            422,
            None,
            post("/vehicle/dev_car01", command("charge")),
        ),
        case(
            "ACTION_NOT_CANCELLABLE",
            409,
            Some(("/devices/dev_abc123/actions", planned)),
            post("/actions/ACTION/cancel", Value::Null),
        ),
    ]
}

/// What is wrong with the words of a push.
fn of_words() -> Vec<Case> {
    vec![
        case(
            "UNSUPPORTED_PARAMETER",
            422,
            None,
            charge(json!({"parameters": {"speed": {"value": 1, "unit": "kw"}}})),
        ),
        case(
            "UNSUPPORTED_UNIT",
            422,
            None,
            charge(json!({"parameters": {"target": {"value": 50, "unit": "kw"}}})),
        ),
        case(
            "PARAMETER_OUT_OF_RANGE",
            422,
            None,
            charge(json!({"parameters": {"target": {"value": 5, "unit": "percent"}}})),
        ),
        case(
            "EXECUTION_NOT_SUPPORTED",
            422,
            None,
            post(
                HVAC,
                json!({"action": {"command": "follow_schedule", "start": "1h"}}),
            ),
        ),
        case("START_IN_PAST", 422, None, charge(json!({"start": "0m"}))),
        case(
            "START_OUT_OF_RANGE",
            422,
            None,
            charge(json!({"start": "721h"})),
        ),
        case(
            "INVALID_TIME_WINDOW",
            422,
            None,
            charge(json!({"start": "soon"})),
        ),
    ]
}

fn of_requests() -> Vec<Case> {
    [of_the_platform(), of_actions(), of_words()].concat()
}

/// What the manufacturer says of a device: to requests for it, or as the end of its actions.
fn of_manufacturers() -> Vec<Case> {
    let from = |code: &'static str, status| {
        let error = Some(("/devices/dev_abc123", json!({"oem_error": code})));
        case(code, status, error, post(BATTERY, command("idle")))
    };
    vec![
        from("INVALID_CREDENTIALS", 401),
        from("INVALID_API_KEY", 401),
        from("INVALID_MFA_CODE", 403),
        from("MFA_REQUIRED", 403),
        from("ACCOUNT_LOCKED", 403),
        from("UNSUPPORTED_CREDENTIAL_TYPE", 400),
        from("UNSUPPORTED_AUTH_PATH", 400),
        from("CREDENTIAL_NOT_FOUND", 404),
    ]
}

#[tokio::test]
async fn section_8_each_code_is_answered_with_its_status() {
    let mut mismatches = Vec::new();
    for it in of_requests().into_iter().chain(of_manufacturers()) {
        let house = House::new().await;
        if it.code == "UNSUPPORTED_MODE" {
            let generation = json!({"generation": "b"});
            house.control("/switches", generation).await;
        }
        let mut path = it.asked.1.clone();
        if let Some((before, body)) = it.before {
            let done = house.control(before, body).await;
            // What was planned has begun when it is to be cancelled.
            house.wind(61.0);
            path = path.replace("ACTION", done["action"].as_str().unwrap_or_default());
            if it.code == "CONFLICT" {
                let another = json!({"command": "charge"});
                house.control(before, another).await;
            }
        }
        let request = house.request(it.asked.0, &path).header("x-api-key", KEY);
        let (status, body) = answer(request.body(it.asked.2.to_string())).await;
        let found = (status, &body["error"]["code"]);
        if found != (it.status, &json!(it.code)) {
            mismatches.push(format!("{}: {status} {body}", it.code));
        }
    }
    assert!(mismatches.is_empty(), "\n{}\n", mismatches.join("\n"));
    let house = House::new().await;
    let (status, body) = answer(house.request("GET", BATTERY)).await;
    assert_eq!(
        (status, &body["error"]["code"]),
        (401, &json!("UNAUTHORIZED"))
    );
    let closed = json!({"live_access": false, "environment": "live"});
    house.control("/switches", closed).await;
    let (status, body) = house.get(BATTERY).await;
    let expected = json!("LIVE_ACCESS_DISABLED");
    assert_eq!((status, &body["error"]["code"]), (403, &expected));
}

#[tokio::test]
async fn section_8_each_code_of_a_manufacturer_ends_an_action_that_was_acknowledged() {
    let mut seen = BTreeSet::new();
    for it in CODES {
        let (house, endpoint) = House::heard(|_| {}).await;
        let fault = json!({"fault": {"kind": "fail", "code": it.name}});
        house.control("/faults/actions", fault).await;
        let id = house.push(BATTERY, command("idle")).await;
        house.wind(10.0);
        assert_eq!(house.action(&id).await["errorCode"], it.name);
        assert_eq!(endpoint.first(1).await[0].json()["errorCode"], it.name);
        seen.insert(it.name);
    }
    assert_eq!(seen.len(), CODES.len());
}

/// The two tests above and the vendor's scheduler meet all of them.
#[test]
fn section_8_no_code_is_left_out() {
    let cases = of_requests().into_iter().chain(of_manufacturers());
    let mut met: BTreeSet<&str> = cases.map(|it| it.code).collect();
    met.extend(["UNAUTHORIZED", "LIVE_ACCESS_DISABLED"]);
    for it in CODES {
        let has_status = !it.statuses.is_empty();
        assert_eq!(has_status, met.contains(it.name), "{}", it.name);
    }
}
