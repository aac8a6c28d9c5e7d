//! What a stranger gets: the same answer whatever he tries, and a program that goes on.

use crate::home::{CAR_AFTER_BATTERY, House, battery_charged};
use crate::intake::wire::{
    HEAD_TOO_LARGE, NOT_HTTP, RECORDED, REFUSED, Webhook, Wire, ask, assert_healthy, received,
};

/// `whsec_` and the base64 of `somebody else's`.
const FOREIGN_SECRET: &str = "whsec_c29tZWJvZHkgZWxzZSdz";

type Headers = Vec<(String, String)>;
type Change = fn(&mut Headers);

fn webhook() -> Webhook {
    Webhook::new("msg_1", battery_charged("act_1").to_string())
}

fn header(name: &str, value: impl Into<String>) -> (String, String) {
    (name.to_owned(), value.into())
}

fn lines(times: usize, name: &str) -> impl Iterator<Item = (String, String)> {
    (0..times).map(move |n| header(name, n.to_string()))
}

/// A webhook as it should be, but for what `change` does to its headers.
fn with_headers(change: impl FnOnce(&mut Headers)) -> Vec<u8> {
    let webhook = webhook();
    let mut headers = webhook.headers();
    change(&mut headers);
    webhook.bytes_with(&headers)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_health_of_the_engine_is_asked_without_a_signature() {
    let house = House::start(CAR_AFTER_BATTERY).await;
    let mut wire = Wire::to(&house);
    wire.send(b"GET /healthz HTTP/1.1\r\nhost: h\r\n\r\n");
    assert_eq!(wire.answer(), RECORDED);
    wire.send(b"HEAD /healthz HTTP/1.1\r\nhost: h\r\n\r\n");
    assert_eq!(wire.answer_to_head(), RECORDED.trim_end_matches("ok\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn there_is_nothing_but_the_routes_that_are_written_down() {
    let house = House::start(CAR_AFTER_BATTERY).await;
    let not_found = "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n";
    for path in [
        "/",
        "/webhooks",
        "/webhooks/amps/",
        "/webhooks/amps/a/b",
        "/metrics",
        "*",
        "//x",
    ] {
        for method in ["GET", "POST", "OPTIONS"] {
            let request = format!("{method} {path} HTTP/1.1\r\nhost: h\r\n\r\n");
            assert_eq!(
                ask(&house, request.as_bytes()),
                not_found,
                "{method} {path}"
            );
        }
    }
    let not_allowed = |allow| {
        format!("HTTP/1.1 405 Method Not Allowed\r\nallow: {allow}\r\ncontent-length: 0\r\n\r\n")
    };
    for method in ["GET", "PUT", "DELETE", "OPTIONS", "BREW"] {
        for path in ["/webhooks/amps", "/webhooks/amps/device.connected"] {
            let request = format!("{method} {path} HTTP/1.1\r\nhost: h\r\n\r\n");
            assert_eq!(
                ask(&house, request.as_bytes()),
                not_allowed("POST"),
                "{method} {path}"
            );
        }
    }
    let request = b"POST /healthz HTTP/1.1\r\nhost: h\r\ncontent-length: 0\r\n\r\n";
    assert_eq!(ask(&house, request), not_allowed("GET,HEAD"));
}

/// What can be wrong with the id, the time and the signature of a webhook.
const WRONG_HEADERS: &[(&str, Change)] = &[
    ("unsigned", |it| it.clear()),
    ("no id", |it| drop(it.remove(0))),
    ("no time", |it| drop(it.remove(1))),
    ("no signature", |it| drop(it.remove(2))),
    ("empty signature", |it| it[2].1.clear()),
    ("time is no number", |it| it[1].1 = "soon".into()),
    ("time with a fraction", |it| it[1].1 += ".0"),
    ("time beyond all numbers", |it| it[1].1 = "9".repeat(40)),
    ("a signature without its end", |it| it[2].1.truncate(46)),
    ("a signature of nothing", |it| it[2].1.truncate(3)),
    ("a longer signature", |it| it[2].1 += "="),
    ("another version", |it| it[2].1.replace_range(..2, "v2")),
    ("another id", |it| it[0].1 += "x"),
    ("an id that shifts the boundary", |it| it[0].1 += ".1"),
    ("an id with a space", |it| it[0].1 = "msg 1".into()),
    ("an id of 60 kB", |it| it[0].1 = "v".repeat(60_000)),
    ("an id beyond ASCII", |it| it[0].1 = "msg_ä".into()),
    ("a signature beyond ASCII", |it| it[2].1 += "ß"),
    ("a signature of 60 kB", |it| it[2].1 = "v".repeat(60_000)),
    ("the id twice", |it| it.push(it[0].clone())),
    ("the time twice", |it| it.push(it[1].clone())),
    ("the signature twice", |it| it.push(it[2].clone())),
    ("a second signature", |it| {
        it.push(header("SVIX-Signature", "v1,x"));
    }),
    ("50 ids", |it| it.extend(lines(50, "svix-id"))),
    ("both families", |it| {
        it[1].0 = "webhook-timestamp".into();
    }),
    ("another name", |it| it[2].0 = "x-signature".into()),
    ("a name of 60 kB", |it| it[2].0 = "v".repeat(60_000)),
    ("10,000 signatures", |it| it[2].1 = "v1,x ".repeat(10_000)),
];

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_wrong_with_a_webhook_the_answer_is_the_same() {
    let house = House::start(CAR_AFTER_BATTERY).await;
    for (name, change) in WRONG_HEADERS {
        assert_eq!(ask(&house, &with_headers(*change)), REFUSED, "{name}");
        assert_healthy(&house);
    }
    let stale = Webhook {
        seconds_ahead: -310,
        ..webhook()
    };
    let early = Webhook {
        seconds_ahead: 310,
        ..webhook()
    };
    let foreign = Webhook {
        secret: FOREIGN_SECRET.to_owned(),
        ..webhook()
    };
    let named_at_length = Webhook {
        id: "x".repeat(257),
        ..webhook()
    };
    for webhook in [stale, early, foreign, named_at_length] {
        assert_eq!(ask(&house, &webhook.bytes()), REFUSED, "{webhook:?}");
    }
    let mut forged = webhook().bytes();
    let last = forged.len() - 1;
    forged[last] ^= 1;
    assert_eq!(ask(&house, &forged), REFUSED);
    for path in [
        "/webhooks/amps/%ff",
        "/webhooks/amps?event=device.connected",
    ] {
        assert_eq!(ask(&house, &unsigned(path)), REFUSED, "{path}");
    }
    assert_eq!(received(&house), [] as [&str; 0]);
    assert_eq!(ask(&house, &webhook().bytes()), RECORDED);
}

/// A webhook without a signature.
fn unsigned(path: &str) -> Vec<u8> {
    Webhook {
        path: path.to_owned(),
        ..webhook()
    }
    .bytes_with(&[])
}

/// Heads that nobody looks into.
const BAD_HEADS: &[(&str, Change, &str)] = &[
    (
        "65 lines",
        |it| it.extend(lines(60, "x-line")),
        HEAD_TOO_LARGE,
    ),
    (
        "5,000 lines",
        |it| it.extend(lines(5_000, "x-line")),
        HEAD_TOO_LARGE,
    ),
    (
        "5,000 ids",
        |it| it.extend(lines(5_000, "svix-id")),
        HEAD_TOO_LARGE,
    ),
    ("65 kB", |it| it[2].1 = "v".repeat(65_536), HEAD_TOO_LARGE),
    (
        "10,000 whole signatures",
        |it| it[2].1 = ENTRY.repeat(10_000),
        HEAD_TOO_LARGE,
    ),
    (
        "a name beyond ASCII",
        |it| it[0].0 = "svix-ïd".into(),
        NOT_HTTP,
    ),
    (
        "a name with a space",
        |it| it[0].0 = "svix id".into(),
        NOT_HTTP,
    ),
    ("a line that goes on", |it| it[0].1 += "\r\n msg", NOT_HTTP),
    ("a null byte", |it| it[0].1 += "\0", NOT_HTTP),
];

/// A signature that fits nothing, with a space behind it.
const ENTRY: &str = "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= ";

#[tokio::test(flavor = "multi_thread")]
async fn a_head_without_measure_is_refused_and_the_engine_goes_on() {
    let house = House::start(CAR_AFTER_BATTERY).await;
    for (name, change, answer) in BAD_HEADS {
        let mut wire = Wire::to(&house);
        // Who sees early that it is too much may not take the rest.
        let taken = wire.try_send(&with_headers(*change));
        assert!(taken || *answer == HEAD_TOO_LARGE, "{name}");
        assert_eq!(wire.answer(), *answer, "{name}");
        wire.expect_end();
        assert_healthy(&house);
    }
    let with_64_lines = with_headers(|it| it.extend(lines(59, "x-line")));
    assert_eq!(ask(&house, &with_64_lines), RECORDED);
    let behind =
        |n_others| move |it: &mut Headers| it[2].1.insert_str(0, &"v1,x ".repeat(n_others));
    assert_eq!(ask(&house, &with_headers(behind(511))), RECORDED);
    assert_eq!(ask(&house, &with_headers(behind(512))), REFUSED);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_http_is_turned_away_and_the_engine_goes_on() {
    let house = House::start(CAR_AFTER_BATTERY).await;
    let lengths = |first: &str, second: &str| {
        let lines = format!("content-length: {first}\r\ncontent-length: {second}\r\n");
        format!("POST /webhooks/amps HTTP/1.1\r\nhost: h\r\n{lines}\r\n{{}}").into_bytes()
    };
    let coded = |coding: &str| {
        let lines = format!("transfer-encoding: {coding}\r\n");
        format!("POST /webhooks/amps HTTP/1.1\r\nhost: h\r\n{lines}\r\n{{}}").into_bytes()
    };
    let mut every_byte: Vec<u8> = (0..=255).collect();
    every_byte.extend(b"\r\n\r\n");
    let cases = [
        (
            "a TLS greeting",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".to_vec(),
        ),
        ("HTTP/0.9", b"GET /healthz\r\n\r\n".to_vec()),
        ("every byte", every_byte),
        ("no method", b" /healthz HTTP/1.1\r\n\r\n".to_vec()),
        ("two lengths", lengths("2", "3")),
        ("a length below zero", lengths("-2", "-2")),
        (
            "a length beyond all numbers",
            lengths(&"9".repeat(40), &"9".repeat(40)),
        ),
        ("a coding that does not end", coded("chunked, gzip")),
    ];
    for (name, bytes) in cases {
        assert_eq!(ask(&house, &bytes), NOT_HTTP, "{name}");
        assert_healthy(&house);
    }
    let mut wire = Wire::to(&house);
    wire.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    wire.expect_end();
    // Chunks that are none are found after the head, when somebody reads the body.
    assert_eq!(ask(&house, &coded("chunked")), REFUSED);
    assert_healthy(&house);
}
