//! What a replay assumes of devices that nobody asked then: each such line is marked.

use serde_json::json;

use super::*;

/// One gives an order that nobody gave; the other asks later whether it was completed.
const MORE_RULES: &str = "version: 1
rules:
  - id: battery-too
    triggers: [{id: high, trigger: numeric_state, input: grid_price, above: 0.30}]
    actions:
      - {command: discharge, device: house_battery}
      - {notify: phone, message: the battery helps}
  - id: did-it-help
    triggers: [{id: later, trigger: numeric_state, input: grid_price, above: 0.40}]
    conditions: {condition: command, device: house_battery, command: discharge, state: {completed_within: 1h}}
    actions: {notify: phone, message: it did}
  - id: how-much
    triggers: [{id: later, trigger: numeric_state, input: grid_price, above: 0.40}]
    actions: {notify: phone, message: very much}
";

#[tokio::test(flavor = "multi_thread")]
async fn all_that_depends_on_an_answer_which_nobody_saw_is_marked() {
    let mut night = Night::lived().await;
    night.wind("2025-01-11T01:00:00Z");
    night.price("msg_price_3", 0.45).await;
    let output = night.replay(MORE_RULES, &["--since", "2025-01-11 00:10"]);
    let page = format!(
        "\
Sat 11 Jan 2025 00:10:00 to Sat 11 Jan 2025 06:00:00

Sat 11 Jan 2025
    time      then                                  now
-   00:30:00  run price-is-high (price): completed
+~  00:30:00                                        run battery-too (high): completed
+~  00:30:00                                        command house_battery discharge: assumed completed after 10s
-   00:30:00  notify phone \"it costs 0.35 GBP/kWh\"
+~  00:30:10                                        notify phone \"the battery helps\"
+~  01:00:00                                        run did-it-help (later): completed
+   01:00:00                                        run how-much (later): completed
+~  01:00:00                                        notify phone \"it did\"
+   01:00:00                                        notify phone \"very much\"

2 events played: 0 the same (=), 2 only then (-), 7 only now (+)
~ stands or falls with what nobody has seen: a new order is taken to be completed after 10s (a planned one, so long after its start), a new setting to be shown after 10s, a new request to be answered and a planned order to be cancelled after 1s (5)
{UNKNOWN}"
    );
    assert_output(&output, 1, &page);
    let again = night.replay(MORE_RULES, &["--since", "2025-01-11 00:10"]);
    assert_output(&again, 1, &page);
    night.app.stop().await.unwrap();
}

/// It asks a host that nobody asked then.
const ASKS: &str = "version: 1
rules:
  - id: asks-the-panel
    triggers: [{id: high, trigger: numeric_state, input: grid_price, above: 0.30}]
    actions:
      - {http: {url: \"https://panel.invalid/mode?key=hidden\"}}
      - {notify: phone, message: it answered}
    on_failure: [{notify: phone, message: it did not}]
";

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_nobody_made_is_not_made_now_and_taken_to_be_answered() {
    let night = Night::lived().await;
    let output = night.replay(ASKS, &["--since", "2025-01-11 00:10", "--json"]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output.stderr));
    assert!(!said(&output.stdout).contains("hidden"));
    let page: Value = serde_json::from_slice(&output.stdout).unwrap();
    let rows = page["rows"].as_array().unwrap().iter();
    let new: Vec<_> = rows
        .filter(|it| it["side"] == "only_now")
        .map(|it| json!([it["now"]["at"], it["now"]["text"], it["assumed"]]))
        .collect();
    assert_eq!(
        new,
        [
            json!([
                "2025-01-11T00:30:00Z",
                "run asks-the-panel (high): completed",
                true
            ]),
            json!([
                "2025-01-11T00:30:00Z",
                "http GET https://panel.invalid/mode",
                false
            ]),
            json!(["2025-01-11T00:30:01Z", "notify phone \"it answered\"", true]),
        ]
    );
    night.app.stop().await.unwrap();
}

/// One plans an order for the night, and thinks better of it.
const PLANS: &str = "version: 1
rules:
  - id: plans
    triggers: [{id: cheap, trigger: numeric_state, input: grid_price, below: 0.20}]
    actions:
      - {setting: safety_reserve, device: house_battery, value: 35 %}
      - {command: charge, device: car_charger, start: 3h, wait_for: accepted}
      - {notify: phone, message: it is planned}
      - delay: 10m
      - cancel: {device: car_charger}
      - {notify: phone, message: the night is over}
";

const CANCEL: &str = "      - cancel: {device: car_charger}\n";

impl Night {
    /// A night with a plan, up to ten minutes after it was made.
    async fn planned(rules: &str) -> Self {
        let mut night = Self::begin_with(rules).await;
        night.wind("2025-01-10T22:10:00Z");
        night.price("msg_price_1", 0.30).await;
        night.wind("2025-01-10T22:30:00Z");
        night.price("msg_price_2", 0.10).await;
        until("it is planned", || {
            (night.house.phone().len() == 1).then_some(())
        })
        .await;
        night.wind("2025-01-10T22:40:00Z");
        night.house.run_in("completed").await;
        night
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_planned_order_that_is_not_called_off_any_more_is_taken_to_begin() {
    let night = Night::planned(PLANS).await;
    night.house.command_in("cancelled").await;
    let same = format!(
        "\
Fri 10 Jan 2025 22:00:00 to Sat 11 Jan 2025 06:00:00

Fri 10 Jan 2025
    time      then                                                      now
=   22:30:00  run plans (cheap): completed                              run plans (cheap): completed
=   22:30:00  command car_charger charge, from Sat 01:30:00: cancelled  command car_charger charge, from Sat 01:30:00: cancelled
=   22:30:00  setting house_battery safety_reserve 35 %                 setting house_battery safety_reserve 35 %
=   22:30:00  notify phone \"it is planned\"                              notify phone \"it is planned\"
=   22:40:00  notify phone \"the night is over\"                          notify phone \"the night is over\"

6 events played: 5 the same (=), 0 only then (-), 0 only now (+)
{UNKNOWN}"
    );
    assert_output(&night.replay(PLANS, &[]), 0, &same);
    let kept = night.replay(&PLANS.replace(CANCEL, ""), &[]);
    let page = format!(
        "\
Fri 10 Jan 2025 22:00:00 to Sat 11 Jan 2025 06:00:00

Fri 10 Jan 2025
    time      then                                                      now
=   22:30:00  run plans (cheap): completed                              run plans (cheap): completed
-   22:30:00  command car_charger charge, from Sat 01:30:00: cancelled
+~  22:30:00                                                            command car_charger charge, from Sat 01:30:00: assumed completed 10s after its start
=   22:30:00  setting house_battery safety_reserve 35 %                 setting house_battery safety_reserve 35 %
=   22:30:00  notify phone \"it is planned\"                              notify phone \"it is planned\"
=   22:40:00  notify phone \"the night is over\"                          notify phone \"the night is over\"

4 events played: 4 the same (=), 1 only then (-), 1 only now (+)
~ stands or falls with what nobody has seen: a new order is taken to be completed after 10s (a planned one, so long after its start), a new setting to be shown after 10s, a new request to be answered and a planned order to be cancelled after 1s (1)
left out: 2 events that followed from orders, requests or settings which are not made now; what devices showed is as it was then
{UNKNOWN}"
    );
    assert_output(&kept, 1, &page);
    night.app.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_setting_and_a_plan_for_another_time_are_assumed() {
    let night = Night::planned(PLANS).await;
    night.house.command_in("cancelled").await;
    let output = night.replay(&PLANS.replace("35 %", "40 %").replace("3h", "4h"), &[]);
    let page = format!(
        "\
Fri 10 Jan 2025 22:00:00 to Sat 11 Jan 2025 06:00:00

Fri 10 Jan 2025
    time      then                                                      now
=~  22:30:00  run plans (cheap): completed                              run plans (cheap): completed
-   22:30:00  command car_charger charge, from Sat 01:30:00: cancelled
-   22:30:00  setting house_battery safety_reserve 35 %
+   22:30:00                                                            setting house_battery safety_reserve 40 %
=~  22:30:00  notify phone \"it is planned\"                              notify phone \"it is planned\"
+~  22:30:10                                                            command car_charger charge, from Sat 02:30:10: assumed cancelled
=~  22:40:00  notify phone \"the night is over\"                          notify phone \"the night is over\"

2 events played: 3 the same (=), 2 only then (-), 2 only now (+)
~ stands or falls with what nobody has seen: a new order is taken to be completed after 10s (a planned one, so long after its start), a new setting to be shown after 10s, a new request to be answered and a planned order to be cancelled after 1s (4)
left out: 4 events that followed from orders, requests or settings which are not made now; what devices showed is as it was then
{UNKNOWN}"
    );
    assert_output(&output, 1, &page);
    night.app.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_planned_order_that_is_called_off_now_does_not_begin() {
    let night = Night::planned(&PLANS.replace(CANCEL, "")).await;
    let page = format!(
        "\
Fri 10 Jan 2025 22:00:00 to Sat 11 Jan 2025 06:00:00

Fri 10 Jan 2025
    time      then                                                      now
=~  22:30:00  run plans (cheap): completed                              run plans (cheap): completed
-~  22:30:00  command car_charger charge, from Sat 01:30:00: under way
+~  22:30:00                                                            command car_charger charge, from Sat 01:30:00: assumed cancelled
=   22:30:00  setting house_battery safety_reserve 35 %                 setting house_battery safety_reserve 35 %
=   22:30:00  notify phone \"it is planned\"                              notify phone \"it is planned\"
=~  22:40:00  notify phone \"the night is over\"                          notify phone \"the night is over\"

4 events played: 4 the same (=), 1 only then (-), 1 only now (+)
~ stands or falls with what nobody has seen: a new order is taken to be completed after 10s (a planned one, so long after its start), a new setting to be shown after 10s, a new request to be answered and a planned order to be cancelled after 1s (4)
{UNKNOWN}"
    );
    assert_output(&night.replay(PLANS, &[]), 1, &page);
    night.app.stop().await.unwrap();
}
