//! Requests of rules from outside: the engine as a process, and a host that says what the test wants.

use std::collections::BTreeMap;

use crate::home::{House, battery_charged, contents, post, until};
use crate::scripted_server::{Reply, Request, Server, response};

const TOKEN: &str = "Bearer tk_of_the_panel";

/// A rule that asks `url` when the battery is charged, and tells the phone what came of it.
fn rule(http: &str) -> String {
    format!(
        "\
version: 1
rules:
  - id: asks
    triggers: {{trigger: command, device: house_battery, command: charge}}
    actions:
      - http: {{{http}, save: answer}}
      - notify: phone
        message: \"answered: {{{{ default(answer.mode, 'nothing') }}}}\"
    on_failure:
      - notify: phone
        message: \"{{{{ failure.code }}}} after {{{{ failure.attempts }}}}: {{{{ failure.message }}}}\"
"
    )
}

/// A home whose rules may call `server`, with its engine at work.
async fn house(server: &Server, http: &str) -> House {
    let mut house = House::without_engine(&rule(http)).await;
    allow(&house, server);
    house.start_engine();
    house
}

fn allow(house: &House, server: &Server) {
    let address = server.address;
    house.edit("home.yaml", |text| {
        format!("{text}http_allow: \"{address}\"\n")
    });
    house.edit("secrets.yaml", |text| {
        format!("{text}panel_token: {TOKEN}\n")
    });
}

async fn charge(house: &House) {
    let body = battery_charged("act_1").to_string();
    let answer = post(&house.engine().webhooks, "msg_1", body.as_bytes()).await;
    assert_eq!(answer.status(), 200);
}

/// What the phone hears.
async fn told(house: &House) -> String {
    let heard = until("the phone rings", || house.phone().pop()).await;
    heard["message"].as_str().unwrap().to_owned()
}

fn ok(body: &str) -> Reply {
    Reply::Answer(response("200 OK", "", body))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_sent_once_its_answer_is_saved_and_its_secret_is_nowhere() {
    let server = Server::answering("200 OK", r#"{"mode": "evening"}"#).await;
    let url = server.url("http") + "/lights?room=hall";
    let http = format!(
        "url: \"{url}\", method: POST, headers: {{Authorization: !secret panel_token, X-Room: hall}}, json: {{scene: evening}}"
    );
    let mut house = house(&server, &http).await;
    charge(&house).await;
    assert_eq!(told(&house).await, "answered: evening");
    let run = house.run_in("completed").await;

    let body = r#"{"scene":"evening"}"#;
    let (length, host) = (body.len().to_string(), server.address.to_string());
    let headers = [
        ("accept", "application/json"),
        ("authorization", TOKEN),
        ("content-length", &length),
        ("content-type", "application/json"),
        ("host", &host),
        (
            "user-agent",
            concat!("amps-rules/", env!("CARGO_PKG_VERSION")),
        ),
        ("x-room", "hall"),
    ];
    assert_eq!(
        server.request(),
        Request {
            connection: 1,
            line: "POST /lights?room=hall".to_owned(),
            headers: BTreeMap::from(headers.map(|(name, it)| (name.to_owned(), it.to_owned()))),
            body: body.to_owned(),
        }
    );

    let shown = house.cli(&["runs", "show", run["id"].as_str().unwrap()]);
    let shown = String::from_utf8(shown.stdout).unwrap();
    let host = server.address;
    assert!(
        shown.contains(&format!("asks `POST http://{host}/lights`")),
        "{shown}"
    );
    let lists = house.json(&["events"]).to_string() + &house.json(&["runs"]).to_string();
    let log = house.stop_engine_for_its_log();
    let stored = contents(&house.dir.path().join("state"));
    let everything = [shown.as_bytes(), lists.as_bytes(), log.as_bytes(), &stored].concat();
    let secret = b"tk_of_the_panel";
    assert!(!everything.windows(secret.len()).any(|it| it == secret));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_overloaded_is_asked_again() {
    let busy = |status| Reply::Answer(response(status, "retry-after: 0\r\n", ""));
    let server = Server::start([
        busy("503 Service Unavailable"),
        busy("429 Too Many Requests"),
        Reply::HangUp,
        ok(r#"{"mode": "late"}"#),
    ])
    .await;
    let url = server.url("http") + "/mode";
    let http = format!("url: \"{url}\", retry: {{attempts: 4, backoff: 1s, max_backoff: 1s}}");
    let house = house(&server, &http).await;
    charge(&house).await;
    assert_eq!(told(&house).await, "answered: late");
    assert_eq!(server.lines(), ["GET /mode"; 4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_home_yaml_names_no_longer_is_not_asked() {
    let server = Server::start([]).await;
    let url = server.url("http") + "/mode";
    let mut house = house(&server, &format!("url: \"{url}\"")).await;
    house.stop_engine().await;
    let allowed = format!("http_allow: \"{}\"\n", server.address);
    house.edit("home.yaml", |text| text.replace(&allowed, ""));
    // The rule is broken now, and stays as it was when it was last right.
    house.start_engine();
    charge(&house).await;
    assert_eq!(
        told(&house).await,
        "HOST_NOT_ALLOWED after 0: rules may not call 127.0.0.1: `http_allow` does not name it"
    );
    assert_eq!(server.requests(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_leads_nowhere() {
    let elsewhere = Server::start([]).await;
    let location = format!("location: {}\r\n", elsewhere.url("http"));
    let server = Server::start([Reply::Answer(response("302 Found", &location, ""))]).await;
    let url = server.url("http") + "/mode";
    let house = house(&server, &format!("url: \"{url}\"")).await;
    charge(&house).await;
    assert_eq!(
        told(&house).await,
        format!("302 after 1: {} answered with status 302", server.address)
    );
    house.run_in("failed").await;
    assert_eq!(server.lines(), ["GET /mode"]);
    assert_eq!(elsewhere.requests(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_is_not_found_keeps_the_request_back() {
    let server = Server::start([]).await;
    let url = server.url("http") + "/mode";
    let http = format!("url: \"{url}\", headers: {{x-key: !secret panel_tokn}}");
    let house = house(&server, &http).await;
    charge(&house).await;
    assert_eq!(
        told(&house).await,
        "UNKNOWN_SECRET after 0: the secret `panel_tokn` is not found"
    );
    assert_eq!(server.requests(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_under_way_at_a_kill_is_asked_again_and_never_ordered_again() {
    let server = Server::start([Reply::Silence, ok(r#"{"mode": "second"}"#)]).await;
    let url = server.url("http") + "/mode";
    let mut house = house(&server, &format!("url: \"{url}\", timeout: 1m")).await;
    charge(&house).await;
    until("it is asked", || server.requests().pop()).await;
    house.kill_engine();
    house.start_engine();
    assert_eq!(told(&house).await, "answered: second");
    assert_eq!(server.lines(), ["GET /mode"; 2]);

    let server = Server::start([Reply::Silence]).await;
    let url = server.url("http") + "/order";
    let http = format!("url: \"{url}\", method: POST, timeout: 1m");
    let mut house = self::house(&server, &http).await;
    charge(&house).await;
    until("it is ordered", || server.requests().pop()).await;
    house.kill_engine();
    house.start_engine();
    assert_eq!(
        told(&house).await,
        format!(
            "NO_ANSWER after 1: the program ended before {} could answer; it may have arrived",
            server.address
        )
    );
    assert_eq!(server.lines(), ["POST /order"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_too_long_is_not_saved() {
    let server = Server::answering("200 OK", &"x".repeat(64 * 1024 + 1)).await;
    let url = server.url("http") + "/all";
    let house = house(&server, &format!("url: \"{url}\"")).await;
    charge(&house).await;
    assert_eq!(
        told(&house).await,
        format!(
            "ANSWER_TOO_LONG after 1: the answer of {} has 65537 bytes, and 65536 can be saved",
            server.address
        )
    );
}
