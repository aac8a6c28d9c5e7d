//! Webhooks that are signed as they should be, whatever they say: taken in once, and shown for what they are.

use std::fs;

use serde_json::json;

use crate::home::{CAR_AFTER_BATTERY, House, battery_charged};
use crate::intake::wire::{RECORDED, REFUSED, Webhook, ask, received};

/// `whsec_` and the base64 of `the next one`.
const NEXT_SECRET: &str = "whsec_dGhlIG5leHQgb25l";

const NOT_JSON: &str = "the body cannot be read: it is not JSON, or nested too deeply";
const NO_OBJECT: &str = "the body cannot be read: it is not a JSON object";

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_cannot_be_read_is_kept_with_the_reason() {
    let house = House::start(CAR_AFTER_BATTERY).await;
    let deep = [b"{\"a\":".repeat(200), b"1".to_vec(), b"}".repeat(200)].concat();
    let cases: [(&str, Vec<u8>, &str); 9] = [
        ("no_text", b"{\"a\": \"\xff\xfe\"}".to_vec(), NOT_JSON),
        ("no_json", b"deviceId=dev_abc123".to_vec(), NOT_JSON),
        ("deep", deep, NOT_JSON),
        (
            "array",
            b"[{\"deviceId\": \"dev_abc123\"}]".to_vec(),
            NO_OBJECT,
        ),
        ("null", b"null".to_vec(), NO_OBJECT),
        ("empty", b"".to_vec(), NOT_JSON),
        ("two", b"{} {}".to_vec(), NOT_JSON),
        ("mark", b"\xef\xbb\xbf{}".to_vec(), NOT_JSON),
        (
            "fields",
            br#"{"actionId": 7}"#.to_vec(),
            "the body cannot be read: `actionId` is not a text",
        ),
    ];
    for (id, body, reason) in &cases {
        assert_eq!(
            ask(&house, &Webhook::new(id, body.clone()).bytes()),
            RECORDED,
            "{id}"
        );
        let letter = house.json(&["dead-letters", "show", id]);
        let content = String::from_utf8_lossy(body);
        assert_eq!(
            json!([
                letter["id"],
                letter["kind"],
                letter["reason"],
                letter["content"]
            ]),
            json!([id, "event", reason, content])
        );
        let event = house.json(&["events", "show", id]);
        assert_eq!(
            json!([
                event["kind"],
                event["state"],
                event["source"],
                event["payload"]
            ]),
            json!(["unreadable", "dead", "webhook", null])
        );
    }
    // The same delivery again is known, and no second letter.
    let (id, body, _) = &cases[0];
    assert_eq!(
        ask(&house, &Webhook::new(id, body.clone()).bytes()),
        RECORDED
    );
    let all: Vec<_> = cases.iter().map(|(id, ..)| *id).collect();
    assert_eq!(received(&house), all);
    let letters = house.json(&["dead-letters"]);
    let letters: Vec<_> = letters
        .as_array()
        .unwrap()
        .iter()
        .rev()
        .map(|it| &it["id"])
        .collect();
    assert_eq!(letters, all);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_an_unknown_kind_is_kept_and_has_no_effect() {
    let house = House::start(CAR_AFTER_BATTERY).await;
    let schedule = json!({"scheduleId": "sch_1", "deviceId": "dev_abc123"});
    let cases = [
        ("msg_1", "/webhooks/amps/schedule.created", schedule.clone()),
        ("msg_2", "/webhooks/amps", schedule),
        (
            "msg_3",
            "/webhooks/amps/no.such.event",
            json!({"what": "ever"}),
        ),
        ("msg_4", "/webhooks/amps/%ff", json!({})),
    ];
    for (id, path, body) in cases {
        let webhook = Webhook {
            path: path.to_owned(),
            ..Webhook::new(id, body.to_string())
        };
        assert_eq!(ask(&house, &webhook.bytes()), RECORDED, "{path}");
        let event = house.json(&["events", "show", id]);
        assert_eq!(
            json!([event["kind"], event["state"], event["payload"]]),
            json!(["unknown", "done", {"kind": "unknown"}]),
            "{path}"
        );
    }
    assert_eq!(house.json(&["dead-letters"]), json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_address_tells_what_the_body_of_a_device_event_leaves_open() {
    let house = House::start(CAR_AFTER_BATTERY).await;
    let plain = json!({
        "deviceId": "dev_abc123", "deviceType": "battery", "timestamp": "2026-06-10T08:00:00Z",
    });
    let mut lost = plain.clone();
    lost["reconnectionUrl"] = json!("https://connect.example/?token=abc");
    let cases = [
        ("/device.connected", &plain, "connected"),
        ("/device.reconnected", &plain, "reconnected"),
        ("/device.disconnected", &plain, "disconnected"),
        ("/push.completed", &plain, "unclear"),
        ("?event=device.connected", &plain, "unclear"),
        ("", &plain, "unclear"),
        ("", &lost, "disconnected"),
        // What the body says is signed, the address is not.
        ("/device.connected", &lost, "disconnected"),
    ];
    for (n, (path, body, change)) in cases.into_iter().enumerate() {
        let webhook = Webhook {
            path: format!("/webhooks/amps{path}"),
            ..Webhook::new(&format!("msg_{n}"), body.to_string())
        };
        assert_eq!(ask(&house, &webhook.bytes()), RECORDED);
        let payload = house.json(&["events", "show", &webhook.id])["payload"].clone();
        assert_eq!(
            payload,
            json!({
                "kind": "connection", "device": "dev_abc123", "device_type": "battery",
                "change": change, "at": "2026-06-10T08:00:00Z",
            }),
            "{path}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_of_either_family_will_do() {
    let house = House::start(CAR_AFTER_BATTERY).await;
    for family in ["svix", "webhook", "Svix", "WEBHOOK"] {
        let body = battery_charged(family).to_string();
        let webhook = Webhook {
            family,
            ..Webhook::new(family, body)
        };
        assert_eq!(ask(&house, &webhook.bytes()), RECORDED, "{family}");
        assert_eq!(house.json(&["events", "show", family])["kind"], "report");
    }
    // Both at once: the first family decides, whatever the other one says.
    let webhook = Webhook::new("msg_both", "{}");
    let mut headers = webhook.headers();
    headers.push(("webhook-signature".to_owned(), "v1,x".to_owned()));
    assert_eq!(ask(&house, &webhook.bytes_with(&headers)), RECORDED);
    let webhook = Webhook {
        family: "webhook",
        ..Webhook::new("msg_other", "{}")
    };
    let mut headers = webhook.headers();
    headers.extend(
        Webhook {
            secret: NEXT_SECRET.to_owned(),
            ..Webhook::new("m", "{}")
        }
        .headers(),
    );
    assert_eq!(ask(&house, &webhook.bytes_with(&headers)), REFUSED);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_secret_changes_the_old_and_the_new_one_hold() {
    let mut house = House::without_engine(CAR_AFTER_BATTERY).await;
    let edit = |file: &str, change: &dyn Fn(String) -> String| {
        let path = house.dir.path().join(file);
        fs::write(&path, change(fs::read_to_string(&path).unwrap())).unwrap();
    };
    edit("secrets.yaml", &|text| {
        format!("{text}next: {NEXT_SECRET}\n")
    });
    edit("home.yaml", &|text| {
        text.replace(
            "[!secret amps_webhook_secret]",
            "[!secret next, !secret amps_webhook_secret]",
        )
    });
    house.start_engine();
    let old = Webhook::new("msg_old", "{}");
    let next = Webhook {
        secret: NEXT_SECRET.to_owned(),
        ..Webhook::new("msg_next", "{}")
    };
    assert_eq!(ask(&house, &old.bytes()), RECORDED);
    assert_eq!(ask(&house, &next.bytes()), RECORDED);

    // While it changes, Svix signs with both.
    let both = Webhook::new("msg_both", "{}");
    let mut headers = both.headers();
    let other = Webhook {
        secret: NEXT_SECRET.to_owned(),
        ..both.clone()
    };
    let entry = other.signature(headers[1].1.parse().unwrap());
    headers[2].1 = format!("{entry} {}", headers[2].1);
    assert_eq!(ask(&house, &both.bytes_with(&headers)), RECORDED);
    headers[0].1 = "msg_neither".to_owned();
    assert_eq!(ask(&house, &both.bytes_with(&headers)), REFUSED);
}
