//! Steps that do more with a device than order and wait for the end, from outside.

use serde_json::json;

use crate::home::{House, battery_charged, post, until};

/// The battery is charged: the rule begins.
async fn begin(house: &House) {
    let body = battery_charged("act_1").to_string();
    let answer = post(&house.engine().webhooks, "msg_act_1", body.as_bytes()).await;
    assert_eq!(answer.status(), 200);
}

/// A rule with these actions.
fn rule(actions: &str) -> String {
    format!(
        "version: 1
rules:
  - id: a-rule
    triggers: {{trigger: command, device: house_battery, command: charge}}
    actions:
{actions}"
    )
}

const ACCEPTED: &str = "      - {command: charge, device: car_charger, wait_for: accepted}
      - {notify: phone, message: Amps has it}
";

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_waits_for_acceptance_is_over_before_the_order_is() {
    let house = House::start(&rule(ACCEPTED)).await;
    house.fault(
        "webhooks",
        &json!({"event": "push.completed", "fault": {"kind": "drop"}}),
    );
    let never = json!({"device": "dev_ev001", "fault": {"kind": "never_end"}});
    house.fault("actions", &never);
    begin(&house).await;

    house.run_in("completed").await;
    assert_eq!(house.command().unwrap()["state"], "acknowledged");
    let heard = until("the phone rings", || house.phone().pop()).await;
    assert_eq!(heard["message"], "Amps has it");
}

#[tokio::test(flavor = "multi_thread")]
async fn acceptance_whose_answer_was_lost_is_found_after_a_kill() {
    let mut house = House::start(&rule(ACCEPTED)).await;
    house.fault_push(json!({"kind": "drop_answer"}));
    begin(&house).await;
    until("the push has arrived", || {
        (house.accepted_pushes() == 1).then_some(())
    })
    .await;
    house.kill_engine();
    house.start_engine();

    house.run_in("completed").await;
    assert_eq!(house.accepted_pushes(), 1);
}
