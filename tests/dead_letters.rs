//! Dead letters get another chance, or are put away, when a person says so.

use serde_json::{Value, json};

use crate::cli::said;
use crate::home::{CAR_AFTER_BATTERY, House, post, until};
use crate::why::charged;

/// The id of the only dead letter, once there is one.
async fn letter(house: &House) -> String {
    let letter = until("something is given up", || {
        house.json(&["dead-letters"]).get(0).cloned()
    });
    letter.await["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_was_given_up_can_be_sent_again() {
    let mut house = House::without_engine(CAR_AFTER_BATTERY).await;
    house.edit("home.yaml", |text| {
        text.replace("_simulator/phone", "_simulator/nowhere")
    });
    house.start_engine();
    charged(&house, "charge", "msg_1").await;
    let id = letter(&house).await;
    house.stop_engine().await;
    let off = house.cli(&["dead-letters", "retry", &id]);
    assert_eq!(off.status.code(), Some(3));

    house.edit("home.yaml", |text| {
        text.replace("_simulator/nowhere", "_simulator/phone")
    });
    house.start_engine();
    let retried = house.json(&["dead-letters", "retry", &id]);
    assert_eq!(
        retried,
        json!({"done": "dead_letter", "id": id, "became": "queued"})
    );
    let heard = until("the phone rings", || house.phone().pop()).await;
    assert_eq!(heard["message"], "the car is charging");
    assert_eq!(house.json(&["dead-letters"]), json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_cannot_be_read_can_only_be_put_away_and_has_no_effect_when_it_comes_again() {
    let house = House::start(CAR_AFTER_BATTERY).await;
    let webhooks = &house.engine().webhooks;
    assert_eq!(post(webhooks, "msg_odd", b"no JSON").await.status(), 200);
    assert_eq!(letter(&house).await, "msg_odd");

    let retry = house.cli(&["dead-letters", "retry", "msg_odd"]);
    assert_eq!(retry.status.code(), Some(2));
    assert_eq!(
        said(&retry.stderr),
        "error: the body of `msg_odd` cannot be read, now as then; `dead-letters drop` puts it away\n"
    );
    let dropped = house.cli(&["dead-letters", "drop", "msg_odd"]);
    assert_eq!(said(&dropped.stdout), "msg_odd is put away\n");
    assert_eq!(house.json(&["dead-letters"]), json!([]));
    assert_eq!(
        house.json(&["events", "show", "msg_odd"])["state"],
        "dropped"
    );

    assert_eq!(post(webhooks, "msg_odd", b"no JSON").await.status(), 200);
    assert_eq!(house.json(&["dead-letters"]), json!([]));
    let again = house.cli(&["dead-letters", "drop", "msg_odd"]);
    assert_eq!(again.status.code(), Some(2));
    assert_eq!(
        said(&again.stderr),
        "error: no dead letter has the id `msg_odd`\n"
    );
    assert_eq!(house.json(&["status"])["dead_letters"], Value::from(0));
}
