//! A 200 means "on the disk", whatever becomes of the disk or the program.

use std::collections::BTreeSet;
use std::process::Command;

use rusqlite::Connection;
use serde_json::json;

use crate::home::{CAR_AFTER_BATTERY, House, battery_charged};
use crate::intake::wire::{NOT_NOW, RECORDED, Webhook, Wire, ask, assert_healthy, received};

/// Holds the database of `house`, so that nobody else can write to it, until it is dropped.
fn lock(house: &House, how: &str) -> Connection {
    let database = house.dir.path().join("state/amps-rules.db");
    let connection = Connection::open(database).unwrap();
    connection.execute_batch(how).unwrap();
    connection
}

/// A webhook that leads to nothing.
fn news(id: &str) -> Webhook {
    Webhook::new(id, json!({"news": id}).to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_database_is_locked_nothing_is_taken_in_and_later_it_is_once() {
    let house = House::start(CAR_AFTER_BATTERY).await;
    let charged = Webhook::new("msg_1", battery_charged("act_1").to_string());
    let unreadable = Webhook::new("msg_2", "[]");
    let locked = lock(&house, "BEGIN IMMEDIATE");
    let mut wires = [Wire::to(&house), Wire::to(&house)];
    for (wire, webhook) in wires.iter_mut().zip([&charged, &unreadable]) {
        wire.send(&webhook.bytes());
    }
    assert_eq!(wires.map(|mut wire| wire.answer()), [NOT_NOW, NOT_NOW]);
    assert_healthy(&house);
    drop(locked);

    // As Svix does: the same delivery again, and again after the answer was lost.
    for webhook in [&charged, &unreadable, &charged, &unreadable] {
        assert_eq!(ask(&house, &webhook.bytes()), RECORDED);
    }
    assert_eq!(received(&house)[..2], ["msg_1", "msg_2"]);
    house.run_in("completed").await;
    assert_eq!(house.json(&["runs"]).as_array().unwrap().len(), 1);
    assert_eq!(house.json(&["dead-letters"]).as_array().unwrap().len(), 1);
    assert_eq!(house.accepted_pushes(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_lock_is_waited_for() {
    let house = House::start(CAR_AFTER_BATTERY).await;
    let locked = lock(&house, "BEGIN EXCLUSIVE");
    let mut wire = Wire::to(&house);
    wire.send(&news("msg_1").bytes());
    wire.expect_silence();
    drop(locked);
    assert_eq!(wire.answer(), RECORDED);
    assert_eq!(received(&house), ["msg_1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_full_disk_only_what_was_written_down_is_answered_with_success() {
    let mut house = House::without_engine(CAR_AFTER_BATTERY).await;
    // No file may grow beyond 1 MiB; a signal would end the program where a full disk does not.
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; ulimit -f 2048; exec \"$0\" \"$@\""]);
    command
        .arg(env!("CARGO_BIN_EXE_amps-rules"))
        .args(["run", "--home"])
        .arg(house.dir.path());
    house.start_engine_as(command);

    // Large ones until the first does not fit, then small ones into what is left, and large ones again.
    let large = |n| {
        Webhook::new(
            &format!("msg_{n}"),
            json!({"n": n, "x": "x".repeat(9000)}).to_string(),
        )
    };
    let small = |n| news(&format!("msg_{n}"));
    let mut webhooks: Vec<_> = (0..60).map(large).collect();
    webhooks.extend((60..140).map(small));
    webhooks.extend((140..160).map(large));
    let (mut recorded, mut refused) = (Vec::new(), Vec::new());
    // Four at once, so that they share commits.
    for webhooks in webhooks.chunks(4) {
        let mut wires: Vec<_> = webhooks.iter().map(|_| Wire::to(&house)).collect();
        for (wire, webhook) in wires.iter_mut().zip(webhooks) {
            wire.send(&webhook.bytes());
        }
        for (wire, webhook) in wires.iter_mut().zip(webhooks) {
            match wire.answer().as_str() {
                RECORDED => recorded.push(webhook.clone()),
                NOT_NOW => refused.push(webhook.clone()),
                other => panic!("{other}"),
            }
        }
    }
    let n_recorded = recorded.len();
    assert!((5..140).contains(&n_recorded), "{n_recorded} of 160");
    assert_healthy(&house);
    house.kill_engine();

    house.start_engine();
    let ids = |webhooks: &[Webhook]| webhooks.iter().map(|it| it.id.clone()).collect::<Vec<_>>();
    let on_disk: BTreeSet<_> = received(&house).into_iter().collect();
    let missing: Vec<_> = ids(&recorded)
        .into_iter()
        .filter(|it| !on_disk.contains(it))
        .collect();
    assert_eq!(missing, [] as [&str; 0]);
    for webhook in &refused {
        assert_eq!(ask(&house, &webhook.bytes()), RECORDED);
    }
    let mut all = received(&house);
    all.sort();
    let mut expected = [ids(&recorded), ids(&refused)].concat();
    expected.sort();
    assert_eq!(all, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_with_success_survives_the_death_of_the_program() {
    let mut house = House::start(CAR_AFTER_BATTERY).await;
    let ids: Vec<_> = (0..20).map(|n| format!("msg_{n}")).collect();
    for (n, id) in ids.iter().enumerate() {
        assert_eq!(ask(&house, &news(id).bytes()), RECORDED);
        // Every fifth answer is the last that this program gives.
        if n % 5 == 4 {
            house.kill_engine();
            assert_eq!(received(&house), ids[..=n]);
            house.start_engine();
        }
    }
    assert_eq!(received(&house), ids);
    for id in &ids {
        assert_eq!(ask(&house, &news(id).bytes()), RECORDED);
    }
    assert_eq!(received(&house), ids);
}
