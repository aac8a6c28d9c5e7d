//! What is sent when an action ends or a device comes and goes (`webhooks.md` §1.2–§3).

use serde_json::{Value, json};

use amps_rules::domain::secret::Secret;
use amps_rules::intake::signature::Rejection;
use amps_rules::simulator::WebhookTarget;

use super::{BATTERY, HVAC, House, SECRET, command};

fn attempts(webhook: &Value) -> Vec<(&str, &Value)> {
    let attempts = webhook["attempts"].as_array().unwrap().iter();
    attempts
        .map(|it| (it["at"].as_str().unwrap(), &it["status"]))
        .collect()
}

#[tokio::test]
async fn section_1_3_a_completed_push_is_reported_and_signed() {
    let (house, endpoint) = House::heard(|_| {}).await;
    let action =
        json!({"command": "heat", "parameters": {"target": {"value": 21, "unit": "celsius"}}});
    let id = house.push(HVAC, json!({"action": action})).await;
    house.wind(10.0);
    let received = endpoint.first(1).await.remove(0);
    assert_eq!(
        received.json(),
        json!({
            "actionId": id,
            "deviceId": "dev_hvac01",
            "deviceType": "hvac",
            "command": "heat",
            "parameters": {"target": {"value": 21, "unit": "celsius"}},
            "result": {"success": true, "message": "command accepted"},
            "completedAt": "2026-06-10T08:00:10.000Z",
        })
    );
    assert_eq!(received.path, "/hook");
    assert_eq!(received.header("svix-timestamp"), "1781078410");
    assert_eq!(received.header("content-type"), "application/json");
    assert_eq!(
        received.verified("2026-06-10T08:00:10Z"),
        Ok(received.id().to_owned())
    );
    let (prefix, rest) = received.id().split_at(4);
    assert_eq!((prefix, rest.len()), ("msg_", 27));
    assert!(rest.bytes().all(|it| it.is_ascii_alphanumeric()), "{rest}");
}

#[tokio::test]
async fn section_1_3_a_failed_push_also_carries_a_result() {
    let (house, endpoint) = House::heard(|_| {}).await;
    let fault = json!({"kind": "fail", "code": "DEVICE_OFFLINE", "message": "no response"});
    house
        .control(
            "/faults/actions",
            json!({"device": "dev_abc123", "fault": fault}),
        )
        .await;
    let id = house.push(BATTERY, command("idle")).await;
    house.wind(10.0);
    assert_eq!(
        endpoint.first(1).await[0].json(),
        json!({
            "actionId": id,
            "deviceId": "dev_abc123",
            "deviceType": "battery",
            "command": "idle",
            "parameters": null,
            "errorCode": "DEVICE_OFFLINE",
            "errorMessage": "no response",
            "result": {"success": false, "message": "no response"},
            "failedAt": "2026-06-10T08:00:10.000Z",
        })
    );
    let action = house.action(&id).await;
    assert_eq!(
        (
            &action["state"],
            &action["errorCode"],
            &action["errorMessage"]
        ),
        (
            &json!("failed"),
            &json!("DEVICE_OFFLINE"),
            &json!("no response")
        )
    );
}

#[tokio::test]
async fn section_1_3_connections_are_told_apart_by_address_only() {
    let (house, endpoint) = House::heard(|_| {}).await;
    let target = WebhookTarget {
        url: endpoint.url.clone(),
        secret: Secret::new(SECRET),
        path_per_event: true,
    };
    house.simulator.set_target(target).unwrap();
    for (n, event) in ["connected", "reconnected", "disconnected"]
        .iter()
        .enumerate()
    {
        house
            .control("/devices/dev_pv01/events", json!({"event": event}))
            .await;
        let received = endpoint.first(n + 1).await.remove(n);
        assert_eq!(received.path, format!("/hook/device.{event}"));
        let mut expected = json!({
            "deviceId": "dev_pv01",
            "deviceType": "solar_inverter",
            "timestamp": "2026-06-10T08:00:00.000Z",
        });
        if *event == "disconnected" {
            expected["reconnectionUrl"] = json!("https://auth.amps.ai/simulated?token=not-a-token");
        }
        assert_eq!(received.json(), expected);
    }
}

#[tokio::test]
async fn section_3_a_failed_delivery_is_signed_anew_under_the_same_id() {
    let (house, endpoint) = House::heard(|_| {}).await;
    endpoint.answer_next(500, &[]);
    house.push(BATTERY, command("idle")).await;
    house.wind(10.0);
    house
        .webhooks(|it| it[0]["attempts"].as_array().unwrap().len() == 1)
        .await;
    house.wind(5.0);
    let received = endpoint.first(2).await;
    assert_eq!(received[0].id(), received[1].id());
    assert_eq!(received[0].header("svix-timestamp"), "1781078410");
    assert_eq!(received[1].header("svix-timestamp"), "1781078415");
    assert_ne!(
        received[0].header("svix-signature"),
        received[1].header("svix-signature")
    );
    let id = received[1].id().to_owned();
    assert_eq!(received[1].verified("2026-06-10T08:00:15Z"), Ok(id));
    let webhooks = house.webhooks(|it| it[0]["state"] == "delivered").await;
    assert_eq!(
        attempts(&webhooks[0]),
        [
            ("2026-06-10T08:00:10.000Z", &json!(500)),
            ("2026-06-10T08:00:15.000Z", &json!(200)),
        ]
    );
}

#[tokio::test]
async fn section_3_eight_attempts_are_made_in_27_hours_and_then_none() {
    let (house, endpoint) = House::heard(|it| it.speed = 1000.0).await;
    house
        .control("/devices/dev_ev001/events", json!({"event": "connected"}))
        .await;
    // The first is answered 200 by default, so the next one is watched.
    endpoint.first(1).await;
    for _ in 0..8 {
        endpoint.answer_next(410, &[]);
    }
    house
        .control("/devices/dev_ev001/events", json!({"event": "connected"}))
        .await;
    for (n, seconds) in [5, 300, 1800, 7200, 18_000, 36_000, 36_000]
        .iter()
        .enumerate()
    {
        let made = |it: &[Value]| it[1]["attempts"].as_array().unwrap().len() == n + 1;
        house.webhooks(made).await;
        house.wind(f64::from(*seconds) / 1000.0);
    }
    let webhooks = house.webhooks(|it| it[1]["state"] == "exhausted").await;
    let times: Vec<&str> = attempts(&webhooks[1]).iter().map(|(at, _)| *at).collect();
    assert_eq!(
        times,
        [
            "2026-06-10T08:00:00.000Z",
            "2026-06-10T08:00:00.005Z",
            "2026-06-10T08:00:00.305Z",
            "2026-06-10T08:00:02.105Z",
            "2026-06-10T08:00:09.305Z",
            "2026-06-10T08:00:27.305Z",
            "2026-06-10T08:01:03.305Z",
            "2026-06-10T08:01:39.305Z",
        ]
    );
}

#[tokio::test]
async fn section_3_retry_after_is_honoured_and_a_redirect_is_a_failure() {
    let (house, endpoint) = House::heard(|_| {}).await;
    endpoint.answer_next(503, &[("retry-after", "8")]);
    endpoint.answer_next(302, &[("location", "/elsewhere")]);
    house
        .control("/devices/dev_ev001/events", json!({"event": "connected"}))
        .await;
    house
        .webhooks(|it| it[0]["attempts"].as_array().unwrap().len() == 1)
        .await;
    house.wind(8.0);
    house
        .webhooks(|it| it[0]["attempts"].as_array().unwrap().len() == 2)
        .await;
    house.wind(300.0);
    let webhooks = house.webhooks(|it| it[0]["state"] == "delivered").await;
    assert_eq!(
        attempts(&webhooks[0]),
        [
            ("2026-06-10T08:00:00.000Z", &json!(503)),
            ("2026-06-10T08:00:08.000Z", &json!(302)),
            ("2026-06-10T08:05:08.000Z", &json!(200)),
        ]
    );
    assert!(endpoint.received().iter().all(|it| it.path == "/hook"));
}

#[tokio::test]
async fn a_webhook_can_be_doubled_dropped_broken_and_forged() {
    let (house, endpoint) = House::heard(|_| {}).await;
    for kind in ["duplicate", "drop", "garbage", "forge"] {
        house
            .control("/faults/webhooks", json!({"fault": {"kind": kind}}))
            .await;
    }
    let announce = async || {
        let event = json!({"event": "connected"});
        let answer = house.control("/devices/dev_ev001/events", event).await;
        answer["message"].as_str().unwrap().to_owned()
    };
    let now = "2026-06-10T08:00:00Z";
    let doubled = announce().await;
    let both = endpoint.first(2).await;
    assert_eq!([both[0].id(), both[1].id()], [&*doubled, &doubled]);
    announce().await;
    let broken = announce().await;
    let received = endpoint.first(3).await.remove(2);
    assert_eq!(received.verified(now), Ok(broken));
    assert_eq!(&received.body[..], "{\"actionId\": \u{fffd}".as_bytes());
    announce().await;
    let forged = endpoint.first(4).await.remove(3);
    assert_eq!(forged.verified(now), Err(Rejection::NoMatchingSignature));
    assert_eq!(forged.json()["deviceId"], "dev_ev001");
    let webhooks = house.webhooks(|it| it.len() == 4).await;
    assert_eq!(webhooks[1]["state"], "dropped");
}

#[tokio::test]
async fn webhooks_can_be_held_released_and_turned_round() {
    let (house, endpoint) = House::heard(|_| {}).await;
    let announce = async |device: &str| {
        let path = format!("/devices/{device}/events");
        house.control(&path, json!({"event": "connected"})).await;
    };
    house.control("/webhooks/hold", json!({})).await;
    announce("dev_ev001").await;
    announce("dev_pv01").await;
    let held = house.webhooks(|it| it.len() == 2).await;
    assert_eq!(
        (&held[0]["state"], &held[1]["state"]),
        (&json!("held"), &json!("held"))
    );
    assert_eq!(
        house.control("/webhooks/release", json!({})).await,
        json!({"released": 2})
    );
    let devices = async |n: usize| -> Vec<Value> {
        let received = endpoint.first(n).await;
        received
            .iter()
            .map(|it| it.json()["deviceId"].take())
            .collect()
    };
    assert_eq!(devices(2).await, ["dev_ev001", "dev_pv01"]);
    let fault = json!({"times": 3, "fault": {"kind": "reverse"}});
    house.control("/faults/webhooks", fault).await;
    for device in ["dev_ev001", "dev_pv01", "dev_car01"] {
        announce(device).await;
    }
    assert_eq!(
        devices(5).await[2..],
        ["dev_car01", "dev_pv01", "dev_ev001"]
    );
}
