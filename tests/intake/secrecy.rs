//! What must be seen nowhere: keys, secrets, signatures, and links that carry a token.

use std::process::Command;

use serde_json::{Value, json};

use crate::home::{API_KEY, CAR_AFTER_BATTERY, House, WEBHOOK_SECRET, battery_charged, contents};
use crate::intake::wire::{RECORDED, REFUSED, Webhook, ask};

/// Part of a link by which anybody can take over the connection to a device.
const TOKEN: &str = "tok_5up3r53cr37";

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_seen_in_the_log_or_in_what_the_commands_say() {
    let mut house = House::without_engine(CAR_AFTER_BATTERY).await;
    let mut command = Command::new(env!("CARGO_BIN_EXE_amps-rules"));
    command
        .args(["--log", "debug", "run", "--home"])
        .arg(house.dir.path());
    house.start_engine_as(command);

    let charged = Webhook::new("msg_charged", battery_charged("act_1").to_string());
    let lost = json!({
        "deviceId": "dev_abc123", "deviceType": "battery", "timestamp": "2026-06-10T08:00:00Z",
        "reconnectionUrl": format!("https://connect.example/?token={TOKEN}"),
    });
    let lost = Webhook::new("msg_lost", lost.to_string());
    let unreadable = Webhook::new("msg_unreadable", "[]");
    let mut signatures = Vec::new();
    for webhook in [&charged, &lost, &unreadable] {
        let mut headers = webhook.headers();
        signatures.push(headers[2].1.replace("v1,", ""));
        assert_eq!(ask(&house, &webhook.bytes_with(&headers)), RECORDED);
        headers[0].1 += "_forged";
        assert_eq!(ask(&house, &webhook.bytes_with(&headers)), REFUSED);
    }
    house.run_in("completed").await;

    let mut said = what_the_commands_say(&house);
    let log = house.stop_engine_for_its_log();
    assert_eq!(
        log.matches("a webhook was refused").count(),
        3,
        "the log was looked at"
    );
    said.push(("the log".to_owned(), log));
    let key = WEBHOOK_SECRET.strip_prefix("whsec_").unwrap();
    let secrets = [key, API_KEY, TOKEN].map(str::to_owned);
    for (place, text) in said {
        for secret in secrets.iter().chain(&signatures) {
            assert_eq!(text.find(secret), None, "{place}: {secret}");
        }
    }
    // What we looked for was there to be found: the body is kept as it came, and nothing else is.
    let kept = contents(&house.dir.path().join("state"));
    let is_kept = |secret: &str| kept.windows(secret.len()).any(|it| it == secret.as_bytes());
    assert!(is_kept(TOKEN));
    assert_eq!(
        signatures.iter().map(|it| is_kept(it)).collect::<Vec<_>>(),
        [false; 3]
    );
    assert_eq!([is_kept(key), is_kept(API_KEY)], [false; 2]);
}

/// The output of each command that shows something of the home, with what was asked.
fn what_the_commands_say(house: &House) -> Vec<(String, String)> {
    let mut asked: Vec<Vec<String>> = vec![
        vec!["check".to_owned()],
        vec!["webhook".to_owned(), "send".to_owned()],
    ];
    for list in ["events", "runs", "commands", "dead-letters"] {
        asked.push(vec![list.to_owned()]);
        let rows: Value = house.json(&[list]);
        asked.push(vec![list.to_owned(), "--json".to_owned()]);
        for row in rows.as_array().unwrap() {
            let id = row["id"].as_str().unwrap();
            asked.push([list, "show", id].map(str::to_owned).to_vec());
            asked.push([list, "show", id, "--json"].map(str::to_owned).to_vec());
        }
    }
    let say = |arguments: Vec<String>| {
        let words: Vec<_> = ["--log", "debug"]
            .into_iter()
            .chain(arguments.iter().map(String::as_str))
            .collect();
        let output = house.cli(&words);
        let said = [output.stdout, output.stderr].concat();
        (arguments.join(" "), String::from_utf8(said).unwrap())
    };
    asked.into_iter().map(say).collect()
}
