//! Bodies of webhooks, and what each of them says.

use amps_rules::amps_json::envelope::{Unreadable, read};
use amps_rules::domain::device::DeviceType;
use amps_rules::domain::event::{Connection, ConnectionChange, Payload, Report};
use amps_rules::domain::id::{ActionId, DeviceId};
use amps_rules::domain::lifecycle::{Failure, Outcome};

/// Every hint an address can give, and none.
const HINTS: [Option<&str>; 8] = [
    None,
    Some("push.completed"),
    Some("push.failed"),
    Some("device.connected"),
    Some("device.reconnected"),
    Some("device.disconnected"),
    Some("schedule.created"),
    Some("something.else"),
];

fn unreadable(reason: &'static str) -> Result<Payload, Unreadable> {
    Err(Unreadable { reason })
}

/// The report that the push bodies below have in common.
fn report(outcome: Outcome) -> Report {
    Report {
        action: ActionId::new("act_1"),
        device: DeviceId::new("dev_1"),
        device_type: None,
        command: None,
        outcome,
        ended_at: None,
    }
}

fn failed(code: Option<&str>, message: &str) -> Outcome {
    Outcome::Failed(Failure::new(code, message))
}

/// A push body with `rest` after the ids.
fn push(rest: &str) -> String {
    format!(r#"{{"actionId": "act_1", "deviceId": "dev_1"{rest}}}"#)
}

#[test]
fn documented_pushes_are_read_in_both_generations_whatever_address_they_came_to() {
    let charge = |device_type, outcome, ended_at: &str| Report {
        device_type: Some(device_type),
        command: Some(String::from("charge")),
        ended_at: Some(ended_at.parse().unwrap()),
        ..report(outcome)
    };
    let (battery, charger) = (DeviceType::Battery, DeviceType::EvCharger);
    let offline = failed(Some("DEVICE_OFFLINE"), "no answer in 30 s");
    let cases = [
        (
            // The older generation.
            r#", "actionType": "battery:set_operation_mode", "parameters": {"mode": "charge", "target": {"value": 90, "unit": "percent"}},
                "result": {"success": true, "message": "Mode applied"}, "completedAt": "2026-05-08T22:00:05.000Z""#,
            charge(battery, Outcome::Completed, "2026-05-08T22:00:05Z"),
        ),
        (
            r#", "actionType": "ev-charger:start_charging", "parameters": {},
                "error": {"code": "DEVICE_OFFLINE", "message": "no answer in 30 s"}, "failedAt": "2026-05-08T22:00:32.000Z""#,
            charge(charger, offline.clone(), "2026-05-08T22:00:32Z"),
        ),
        (
            // The newer one.
            r#", "deviceType": "battery", "command": "charge", "parameters": {"power": {"value": 3, "unit": "kw"}},
                "result": {"success": true, "message": "Mode applied"}, "completedAt": "2026-05-28T20:26:39.000Z""#,
            charge(battery, Outcome::Completed, "2026-05-28T20:26:39Z"),
        ),
        (
            r#", "deviceType": "ev_charger", "command": "charge", "parameters": null, "errorCode": "DEVICE_OFFLINE", "errorMessage": "no answer in 30 s",
                "result": {"success": false, "vendor": {"retry": 3}}, "failedAt": "2026-05-28T20:26:39.000Z", "news": 1"#,
            charge(charger, offline, "2026-05-28T20:26:39Z"),
        ),
    ];
    for (rest, expected) in cases {
        for hint in HINTS {
            let payload = read(push(rest).as_bytes(), hint);
            assert_eq!(payload, Ok(Payload::Report(expected.clone())), "{hint:?}");
        }
    }
}

#[test]
fn each_sign_of_an_ending_is_enough_and_its_time_may_be_missing() {
    for (rest, outcome) in [
        (
            r#", "failedAt": "soon""#,
            failed(None, "no reason was given"),
        ),
        (
            r#", "errorCode": "TIMEOUT""#,
            failed(Some("TIMEOUT"), "no reason was given"),
        ),
        (
            r#", "error": {"code": "TIMEOUT", "message": "too late"}"#,
            failed(Some("TIMEOUT"), "too late"),
        ),
        (r#", "error": {}"#, failed(None, "no reason was given")),
        (
            r#", "result": {"success": false, "message": "vendor words"}"#,
            failed(None, "vendor words"),
        ),
        (r#", "completedAt": 1780000000"#, Outcome::Completed),
        (
            r#", "result": {"success": true}, "errorCode": null, "error": null, "failedAt": null"#,
            Outcome::Completed,
        ),
    ] {
        let payload = read(push(rest).as_bytes(), None);
        assert_eq!(payload, Ok(Payload::Report(report(outcome))), "{rest}");
    }
}

#[test]
fn a_push_that_contradicts_itself_or_does_not_tell_is_of_unknown_kind_whatever_address_it_came_to()
{
    for rest in [
        "",
        r#", "result": null"#,
        r#", "result": {"success": "true"}"#,
        r#", "error": "offline""#,
        r#", "state": "scheduled", "timestamp": "2026-05-28T20:26:39.000Z""#,
        r#", "completedAt": "2026-05-28T20:26:39.000Z", "errorCode": "TIMEOUT""#,
        r#", "failedAt": "2026-05-28T20:26:39.000Z", "result": {"success": true}"#,
    ] {
        for hint in HINTS {
            let payload = read(push(rest).as_bytes(), hint);
            assert_eq!(payload, Ok(Payload::Unknown), "{rest} {hint:?}");
        }
    }
}

#[test]
fn a_platforms_long_word_on_a_failure_is_cut() {
    let body = push(&format!(
        r#", "errorCode": "X", "errorMessage": "{}""#,
        "é".repeat(501)
    ));
    let expected = failed(Some("X"), &("é".repeat(500) + "…"));
    assert_eq!(
        read(body.as_bytes(), None),
        Ok(Payload::Report(report(expected)))
    );
}

fn connection(change: ConnectionChange, device_type: Option<DeviceType>) -> Payload {
    Payload::Connection(Connection {
        device: DeviceId::new("device_abc123"),
        device_type,
        change,
        at: "2026-05-28T20:26:30Z".parse().unwrap(),
    })
}

#[test]
fn a_device_event_that_fits_all_kinds_is_what_its_address_says() {
    use ConnectionChange::{Connected, Disconnected, Reconnected, Unclear};
    let body = r#"{"deviceId":"device_abc123","deviceType":"battery","timestamp":"2026-05-28T20:26:30.000Z","reconnectionUrl":null}"#;
    for (hint, change) in [
        (Some("device.connected"), Connected),
        (Some("device.reconnected"), Reconnected),
        (Some("device.disconnected"), Disconnected),
        (Some("push.completed"), Unclear),
        (Some("something.else"), Unclear),
        (None, Unclear),
    ] {
        assert_eq!(
            read(body.as_bytes(), hint),
            Ok(connection(change, Some(DeviceType::Battery))),
            "{hint:?}"
        );
    }
}

#[test]
fn a_link_to_reconnect_means_disconnected_and_is_not_kept() {
    let body = r#"{"deviceId":"device_abc123","deviceType":"toaster","timestamp":"2026-05-28T20:26:30.000Z","reconnectionUrl":"https://auth.amps.ai/?reconnect=true&token=abc"}"#;
    for hint in [None, Some("device.connected"), Some("device.disconnected")] {
        let payload = read(body.as_bytes(), hint).unwrap();
        assert_eq!(payload, connection(ConnectionChange::Disconnected, None));
        let kept = serde_json::to_string(&payload).unwrap();
        assert!(!kept.contains("token"), "{kept}");
    }
}

#[test]
fn what_is_of_no_kind_we_know_is_kept_as_unknown() {
    for (body, hint) in [
        (r#"{"test": 2432232314}"#, None),
        (r#"{"event_type":"ping","data":{"success":true}}"#, None),
        (
            r#"{"errorMessage":"Gerät offline 🔋","deviceId":"device_ü"}"#,
            None,
        ),
        (
            r#"{"actionId": null, "deviceId": "dev_1"}"#,
            Some("push.completed"),
        ),
        (
            r#"{"deviceId": "dev_1", "timestamp": "2026-05-28T20:26:30Z"}"#,
            Some("schedule.created"),
        ),
        (
            r#"{"scheduleId": "sched_1", "deviceId": "dev_1", "timestamp": "2026-05-28T20:26:30Z"}"#,
            None,
        ),
        ("{}", Some("device.connected")),
    ] {
        assert_eq!(read(body.as_bytes(), hint), Ok(Payload::Unknown), "{body}");
    }
}

#[test]
fn the_bodies_of_the_signature_cases_say_what_their_names_say() {
    let cases: Vec<serde_json::Value> =
        serde_json::from_str(include_str!("webhook-vectors.json")).unwrap();
    let body = |name: &str| {
        let case = cases.iter().find(|it| it["name"] == name).unwrap();
        case["body"].as_str().unwrap().to_owned()
    };
    let charged = |action: &str, device: &str, ended_at: &str| {
        Payload::Report(Report {
            action: ActionId::new(action),
            device: DeviceId::new(device),
            device_type: Some(DeviceType::Battery),
            command: Some(String::from("charge")),
            ended_at: Some(ended_at.parse().unwrap()),
            ..report(Outcome::Completed)
        })
    };
    let battery = Some(DeviceType::Battery);
    for (name, expected) in [
        (
            "valid-old-push-completed",
            charged("act_inflight_002", "dev_abc123", "2026-05-08T22:00:05Z"),
        ),
        (
            "valid-secret-32-bytes",
            charged(
                "act_2026052809a1b2c3",
                "device_abc123",
                "2026-05-28T20:26:39Z",
            ),
        ),
        (
            "valid-device-connected-or-reconnected",
            connection(ConnectionChange::Unclear, battery),
        ),
        (
            "valid-device-disconnected",
            connection(ConnectionChange::Disconnected, battery),
        ),
        ("published-svix-docs-test-vector", Payload::Unknown),
        ("body-unicode", Payload::Unknown),
    ] {
        assert_eq!(read(body(name).as_bytes(), None), Ok(expected), "{name}");
    }
}

#[test]
fn a_body_that_is_no_json_object_or_lacks_what_its_kind_must_have_is_unreadable() {
    let at = r#""timestamp": "2026-05-28T20:26:30Z""#;
    for (body, reason) in [
        ("", "it is not JSON, or nested too deeply"),
        ("hello", "it is not JSON, or nested too deeply"),
        ("{} {}", "it is not JSON, or nested too deeply"),
        ("[]", "it is not a JSON object"),
        ("null", "it is not a JSON object"),
        (
            r#"{"actionId": 7, "deviceId": "dev_1"}"#,
            "`actionId` is not a text",
        ),
        (
            r#"{"actionId": "", "deviceId": "dev_1"}"#,
            "`actionId` is not a text",
        ),
        (
            r#"{"actionId": "act_1"}"#,
            "`deviceId` is missing or not a text",
        ),
        (
            &format!(r#"{{"deviceId": [], {at}}}"#),
            "`deviceId` is not a text",
        ),
        (
            r#"{"deviceId": "dev_1", "timestamp": "noon"}"#,
            "`timestamp` is not a moment",
        ),
        (
            r#"{"deviceId": "dev_1", "timestamp": 5}"#,
            "`timestamp` is not a moment",
        ),
    ] {
        assert_eq!(read(body.as_bytes(), None), unreadable(reason), "{body}");
    }
    let not_text = b"{\"actionId\": \"\xff\"}";
    assert_eq!(
        read(not_text, None),
        unreadable("it is not JSON, or nested too deeply")
    );
}

#[test]
fn a_body_may_be_nested_to_a_bound_and_no_deeper() {
    // The object around them is the first of 127 levels.
    let nested = |levels: usize| {
        let (open, close) = ("[".repeat(levels), "]".repeat(levels));
        push(&format!(r#", "completedAt": "x", "news": {open}{close}"#))
    };
    assert_eq!(
        read(nested(126).as_bytes(), None),
        Ok(Payload::Report(report(Outcome::Completed)))
    );
    assert_eq!(
        read(nested(127).as_bytes(), None),
        unreadable("it is not JSON, or nested too deeply")
    );
}
