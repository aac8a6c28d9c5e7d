//! The bounds of a body, and bodies that are not what their head says.

use serde_json::json;

use crate::home::{CAR_AFTER_BATTERY, House, battery_charged};
use crate::intake::wire::{
    BODY_TOO_LARGE, NOT_HTTP, RECORDED, REFUSED, Webhook, Wire, ask, assert_healthy, received,
};

/// The largest body: 512 KiB.
const BYTES_MAX: usize = 512 * 1024;

fn header(name: &str, value: impl ToString) -> (String, String) {
    (name.to_owned(), value.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_largest_body_is_taken_and_one_byte_more_is_not() {
    let house = House::start(CAR_AFTER_BATTERY).await;
    let fits = |id| Webhook::new(id, vec![b' '; BYTES_MAX]);
    let exceeds = |id| Webhook::new(id, vec![b' '; BYTES_MAX + 1]);
    let cases = [
        ("fits, by its length", fits("msg_1").bytes(), RECORDED),
        (
            "fits, in chunks",
            fits("msg_2").bytes_in_chunks(10_000),
            RECORDED,
        ),
        (
            "fits, in one chunk",
            fits("msg_3").bytes_in_chunks(BYTES_MAX),
            RECORDED,
        ),
        (
            "exceeds, by its length",
            exceeds("msg_4").bytes(),
            BODY_TOO_LARGE,
        ),
        (
            "exceeds, in chunks",
            exceeds("msg_5").bytes_in_chunks(10_000),
            BODY_TOO_LARGE,
        ),
        (
            "exceeds, in one chunk",
            exceeds("msg_6").bytes_in_chunks(BYTES_MAX + 1),
            BODY_TOO_LARGE,
        ),
    ];
    for (name, bytes, answer) in cases {
        assert_eq!(ask(&house, &bytes), answer, "{name}");
    }
    let letters = house.json(&["dead-letters"]);
    let kept = |n: usize| {
        json!([
            letters[n]["id"],
            letters[n]["content"].as_str().unwrap().len()
        ])
    };
    assert_eq!(letters.as_array().unwrap().len(), 3);
    assert_eq!(
        [kept(0), kept(1), kept(2)],
        [
            json!(["msg_3", BYTES_MAX]),
            json!(["msg_2", BYTES_MAX]),
            json!(["msg_1", BYTES_MAX])
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_without_an_end_is_not_read_for_ever() {
    let house = House::start(CAR_AFTER_BATTERY).await;
    let webhook = Webhook::new("msg_1", []);
    let heads = [
        webhook.head(&[header("transfer-encoding", "chunked")]),
        webhook.head(&[header("content-length", u64::MAX)]),
    ];
    for head in heads {
        let mut wire = Wire::to(&house);
        wire.send(&head);
        // 64 KiB each, 1 GiB at most: far more than sockets hold between them.
        let chunk = [b"10000\r\n".as_slice(), &vec![b' '; 0x1_0000], b"\r\n"].concat();
        let taken = (0..16_384).take_while(|_| wire.try_send(&chunk)).count();
        assert!(taken < 16_384, "all of it was read");
        assert_healthy(&house);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_refusal_of_a_body_reaches_a_sender_that_is_still_sending() {
    let house = House::start(CAR_AFTER_BATTERY).await;
    for bytes in [
        Webhook::new("msg_1", vec![b' '; 8 * BYTES_MAX]).bytes(),
        Webhook::new("msg_1", vec![b' '; 8 * BYTES_MAX]).bytes_in_chunks(10_000),
    ] {
        let mut wire = Wire::to(&house);
        wire.send(&bytes);
        assert_eq!(wire.answer(), BODY_TOO_LARGE);
        wire.expect_end();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_asks_first_is_told_to_go_on_or_not() {
    let house = House::start(CAR_AFTER_BATTERY).await;
    let webhook = Webhook::new("msg_1", battery_charged("act_1").to_string());
    let head = |length: usize| {
        let asks = [
            header("content-length", length),
            header("expect", "100-continue"),
        ];
        webhook.head(&[webhook.headers(), asks.to_vec()].concat())
    };
    let mut wire = Wire::to(&house);
    wire.send(&head(webhook.body.len()));
    wire.expect(b"HTTP/1.1 100 Continue\r\n\r\n");
    wire.send(&webhook.body);
    assert_eq!(wire.answer(), RECORDED);

    let mut wire = Wire::to(&house);
    wire.send(&head(BYTES_MAX + 1));
    assert_eq!(wire.answer(), BODY_TOO_LARGE);
    wire.expect_end();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_length_that_lies_is_no_webhook() {
    let house = House::start(CAR_AFTER_BATTERY).await;
    let webhook = Webhook::new("msg_1", battery_charged("act_1").to_string());
    let says = |length: usize| {
        let headers = [webhook.headers(), vec![header("content-length", length)]].concat();
        [webhook.head(&headers), webhook.body.clone()].concat()
    };
    let mut wire = Wire::to(&house);
    wire.send(&says(webhook.body.len() - 1));
    assert_eq!(wire.answer(), REFUSED);

    let mut wire = Wire::to(&house);
    wire.send(&says(0));
    assert_eq!(wire.answer(), REFUSED);
    assert_eq!(
        wire.answer(),
        NOT_HTTP,
        "the body is taken for the next request"
    );
    wire.expect_end();

    let mut wire = Wire::to(&house);
    wire.send(&says(webhook.body.len() + 1));
    wire.end();
    assert_eq!(wire.answer(), REFUSED);
    wire.expect_end();
    assert_eq!(received(&house), [] as [&str; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_breaks_off_leaves_no_mark_and_can_come_again() {
    let house = House::start(CAR_AFTER_BATTERY).await;
    let webhook = Webhook::new("msg_1", battery_charged("act_1").to_string());
    for bytes in [webhook.bytes(), webhook.bytes_in_chunks(16)] {
        let mut wire = Wire::to(&house);
        wire.send(&bytes[..bytes.len() - 7]);
        wire.end();
        assert_eq!(wire.answer(), REFUSED);
        wire.expect_end();
    }
    assert_eq!(received(&house), [] as [&str; 0]);
    assert_eq!(ask(&house, &webhook.bytes()), RECORDED);
    assert_eq!(received(&house), ["msg_1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn rubbish_behind_a_webhook_does_not_undo_it() {
    let house = House::start(CAR_AFTER_BATTERY).await;
    let webhook = Webhook::new("msg_1", json!({"news": 1}).to_string());
    let mut wire = Wire::to(&house);
    wire.send(&[webhook.bytes(), b"\x00rubbish\xff\r\n\r\n".to_vec()].concat());
    assert_eq!(wire.answer(), RECORDED);
    assert_eq!(wire.answer(), NOT_HTTP);
    wire.expect_end();
    assert_eq!(received(&house), ["msg_1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_one_behind_the_other_on_a_connection_are_answered_in_order() {
    let house = House::start(CAR_AFTER_BATTERY).await;
    let webhook = |id| Webhook::new(id, json!({"news": 1}).to_string());
    let forged = webhook("msg_2").bytes_with(&[]);
    let bytes = [
        webhook("msg_1").bytes(),
        forged,
        webhook("msg_3").bytes_in_chunks(3),
    ];
    let mut wire = Wire::to(&house);
    wire.send(&bytes.concat());
    assert_eq!(
        [wire.answer(), wire.answer(), wire.answer()],
        [RECORDED, REFUSED, RECORDED]
    );
    assert_eq!(received(&house), ["msg_1", "msg_3"]);
}
