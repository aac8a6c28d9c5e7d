//! The main job from outside: HTTP in, HTTP out, and what the command line says of it.

use serde_json::json;

use crate::home::{CAR_AFTER_BATTERY, House, battery_charged, post, until};

/// The whole story by one webhook of our own making.
async fn tell(house: &House, action: &str) {
    let webhooks = &house.engine().webhooks;
    let body = battery_charged(action).to_string();
    let answer = post(webhooks, &format!("msg_{action}"), body.as_bytes()).await;
    assert_eq!(answer.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_charged_battery_makes_the_car_charge_and_the_phone_ring() {
    let house = House::start(CAR_AFTER_BATTERY).await;
    tell(&house, "act_1").await;

    let command = house.command_in("completed").await;
    assert_eq!(
        json!([
            command["device"],
            command["command"],
            command["attempts"],
            command["rule"]
        ]),
        json!(["car_charger", "charge", 1, "car-after-battery"])
    );
    assert_eq!(command["cause"], "msg_act_1");
    let pushes = house.pushes();
    assert_eq!(pushes.len(), 1);
    assert_eq!(pushes[0].body, r#"{"action":{"command":"charge"}}"#);
    assert_eq!(json!(pushes[0].key), "valid");
    assert_eq!(
        pushes[0].accepted_action.as_deref(),
        command["action"].as_str()
    );

    let run = house.run_in("completed").await;
    assert_eq!(run["cause"], "msg_act_1");
    let heard = until("the phone rings", || house.phone().pop()).await;
    assert_eq!(heard["message"], "the car is charging");
    assert_eq!(house.phone().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_that_comes_twice_has_its_effect_once() {
    let house = House::start(CAR_AFTER_BATTERY).await;
    tell(&house, "act_1").await;
    tell(&house, "act_1").await;
    house.run_in("completed").await;
    tell(&house, "act_1").await;

    assert_eq!(house.pushes().len(), 1);
    assert_eq!(house.json(&["runs"]).as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_end_under_another_delivery_id_has_no_effect() {
    let house = House::start(CAR_AFTER_BATTERY).await;
    tell(&house, "act_1").await;
    house.run_in("completed").await;
    let body = battery_charged("act_1").to_string();
    let answer = post(&house.engine().webhooks, "msg_again", body.as_bytes()).await;

    assert_eq!(answer.status(), 200);
    assert_eq!(
        house.json(&["events", "show", "msg_again"])["state"],
        "repeat"
    );
    assert_eq!(house.pushes().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_overtakes_the_answer_settles_the_command() {
    let house = House::start(CAR_AFTER_BATTERY).await;
    house.fault(
        "actions",
        &json!({"device": "dev_ev001", "fault": {"kind": "complete_first"}}),
    );
    tell(&house, "act_1").await;

    let command = house.command_in("completed").await;
    assert_eq!(command["attempts"], 1);
    assert_eq!(house.accepted_pushes(), 1);
    house.run_in("completed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_lost_is_looked_up_and_nothing_is_sent_twice() {
    let house = House::start(CAR_AFTER_BATTERY).await;
    house.fault_push(json!({"kind": "drop_answer"}));
    tell(&house, "act_1").await;

    let command = house.command_in("completed").await;
    assert_eq!(house.pushes().len(), 1);
    assert_eq!(
        house.pushes()[0].accepted_action.as_deref(),
        command["action"].as_str()
    );
    let story = house.json(&["commands", "show", command["id"].as_str().unwrap()]);
    let states: Vec<_> = story["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["state"])
        .collect();
    assert_eq!(states, ["sending", "in_doubt", "acknowledged", "completed"]);
}

/// A code is no proof that nothing was taken.
#[tokio::test(flavor = "multi_thread")]
async fn a_push_that_was_taken_and_answered_with_503_is_not_sent_twice() {
    let house = House::start(CAR_AFTER_BATTERY).await;
    house.fault_push(json!({
        "kind": "answer_after", "status": 503, "code": "SERVICE_UNAVAILABLE",
        "message": "try again", "retry_after_seconds": 1,
    }));
    tell(&house, "act_1").await;

    let command = house.command_in("completed").await;
    assert_eq!(command["attempts"], 1);
    assert_eq!((house.pushes().len(), house.accepted_pushes()), (1, 1));
    let story = house.json(&["commands", "show", command["id"].as_str().unwrap()]);
    let steps = story["steps"].as_array().unwrap();
    let states: Vec<_> = steps.iter().map(|it| &it["state"]).collect();
    assert_eq!(states, ["sending", "in_doubt", "acknowledged", "completed"]);
    assert_eq!(
        steps[1]["detail"],
        "Amps may have taken it, and answered: SERVICE_UNAVAILABLE, try again; \
         looking it up before anything is sent again"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_up_that_gets_no_answer_proves_nothing() {
    let house = House::start(CAR_AFTER_BATTERY).await;
    house.fault_push(json!({"kind": "drop_answer"}));
    let down = json!({
        "kind": "answer", "status": 500, "code": "INTERNAL_ERROR", "message": null,
        "retry_after_seconds": null,
    });
    // Longer than the push could still turn up.
    let list = json!({"method": "GET", "path": "/actions", "times": 3, "fault": down});
    house.fault("requests", &list);
    tell(&house, "act_1").await;

    assert_eq!(house.command_in("completed").await["attempts"], 1);
    assert_eq!(house.pushes().len(), 1);
}

/// What cannot be told apart is not guessed at: nothing is sent beside an action that looks like ours.
#[tokio::test(flavor = "multi_thread")]
async fn an_action_of_somebody_else_that_looks_like_a_lost_push_is_taken_for_it() {
    let house = House::start(CAR_AFTER_BATTERY).await;
    house.fault_push(json!({"kind": "drop_connection"}));
    tell(&house, "act_1").await;
    until("the push is lost", || house.pushes().pop()).await;
    let order = json!({"command": "charge"});
    let foreign = house
        .amps
        .control("POST", "/devices/dev_ev001/actions", &order)
        .unwrap();

    let command = house.command_in("completed").await;
    assert_eq!(command["action"], foreign["action"]);
    assert_eq!((house.pushes().len(), house.accepted_pushes()), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_action_of_somebody_else_with_another_command_is_not_taken_for_a_lost_push() {
    let house = House::start(CAR_AFTER_BATTERY).await;
    house.fault_push(json!({"kind": "drop_connection"}));
    tell(&house, "act_1").await;
    until("the push is lost", || house.pushes().pop()).await;
    let order = json!({"command": "idle"});
    let foreign = house
        .amps
        .control("POST", "/devices/dev_ev001/actions", &order)
        .unwrap();

    let command = house.command_in("completed").await;
    assert_ne!(command["action"], foreign["action"]);
    assert_eq!(
        (command["attempts"].clone(), house.accepted_pushes()),
        (json!(2), 1)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_that_never_arrived_is_sent_again() {
    let house = House::start(CAR_AFTER_BATTERY).await;
    house.fault_push(json!({"kind": "drop_connection"}));
    tell(&house, "act_1").await;

    let command = house.command_in("completed").await;
    assert_eq!(command["attempts"], 2);
    assert_eq!((house.pushes().len(), house.accepted_pushes()), (2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_without_a_webhook_is_found_by_looking_it_up() {
    let house = House::start(CAR_AFTER_BATTERY).await;
    house.fault(
        "webhooks",
        &json!({"event": "push.completed", "fault": {"kind": "drop"}}),
    );
    tell(&house, "act_1").await;

    house.command_in("completed").await;
    house.run_in("completed").await;
    let events = house.json(&["events"]);
    let found = events
        .as_array()
        .unwrap()
        .iter()
        .filter(|it| it["source"] == "look_up")
        .count();
    assert_eq!(found, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_is_offline_is_tried_again() {
    let house = House::start(CAR_AFTER_BATTERY).await;
    let offline = json!({"kind": "fail", "code": "DEVICE_OFFLINE", "message": "no answer"});
    house.fault("actions", &json!({"device": "dev_ev001", "fault": offline}));
    tell(&house, "act_1").await;

    let command = house.command_in("completed").await;
    assert_eq!(command["attempts"], 2);
    assert_eq!(house.accepted_pushes(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_action_that_fails_after_it_was_taken_says_what_to_do() {
    let house = House::start(CAR_AFTER_BATTERY).await;
    let failure =
        json!({"kind": "fail", "code": "INVALID_CREDENTIALS", "message": "wrong password"});
    house.fault("actions", &json!({"device": "dev_ev001", "fault": failure}));
    tell(&house, "act_1").await;

    let message = "wrong password; link the device again in Amps";
    let run = house.run_in("failed").await;
    assert_eq!(
        run["reason"],
        format!("`charge` failed: INVALID_CREDENTIALS, {message}")
    );
    let command = house.command_in("failed").await;
    assert_eq!(
        command["failure"],
        json!({"code": "INVALID_CREDENTIALS", "message": message})
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_final_refusal_fails_the_run_and_says_why() {
    let house = House::start(CAR_AFTER_BATTERY).await;
    let refusal = json!({
        "kind": "answer", "status": 422, "code": "COMMAND_NOT_SUPPORTED",
        "message": "not offered yet", "retry_after_seconds": null,
    });
    house.fault_push(refusal);
    tell(&house, "act_1").await;

    let run = house.run_in("failed").await;
    assert_eq!(
        run["reason"],
        "`charge` failed: COMMAND_NOT_SUPPORTED, not offered yet"
    );
    let command = house.command_in("failed").await;
    assert_eq!(
        command["failure"],
        json!({"code": "COMMAND_NOT_SUPPORTED", "message": "not offered yet"})
    );
    assert_eq!(house.pushes().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_another_action_holds_is_waited_for() {
    let house = House::start(CAR_AFTER_BATTERY).await;
    let busy = json!({
        "kind": "answer", "status": 409, "code": "CONFLICT", "message": "busy",
        "retry_after_seconds": null,
    });
    house.fault_push(busy);
    tell(&house, "act_1").await;

    let command = house.command_in("completed").await;
    assert_eq!(
        command["attempts"], 1,
        "a push that another action blocked is no attempt"
    );
    assert_eq!((house.pushes().len(), house.accepted_pushes()), (2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_engine_ends_in_good_order_when_it_is_told_to() {
    let mut house = House::start(CAR_AFTER_BATTERY).await;
    tell(&house, "act_1").await;
    house.command_in("completed").await;
    assert_eq!(house.stop_engine().await, Some(0));
    house.run_in("completed").await;
}
