//! The client of the device API against a server that says exactly what the test wants, or breaks off.

use std::collections::BTreeMap;
use std::time::Duration;

use amps_rules::clock::Clock;
use amps_rules::config::home::Amps;
use amps_rules::device_api::DeviceApi;
use amps_rules::device_api::answer::{Answer, Refusal};
use amps_rules::device_api::wire::{Action, ActionState};
use amps_rules::domain::command::{Claim, Command, RetryPolicy, Timing};
use amps_rules::domain::device::{Device, DeviceType};
use amps_rules::domain::id::{ActionId, CommandId, DeviceAlias, DeviceId, EventId, RuleId, RunId};
use amps_rules::domain::secret::Secret;
use amps_rules::domain::unit::Unit;
use amps_rules::domain::value::Quantity;
use jiff::Timestamp;

use crate::scripted_server::{Reply, Request, Server, response};

const ENVELOPED_PUSH: &str = r#"{"success": true, "data": {"id": "act_1", "deviceId": "dev_1",
    "deviceType": "battery", "command": "charge", "state": "acknowledged",
    "parameters": {"target": {"value": 90, "unit": "percent"}},
    "createdAt": "2026-06-10T08:00:00.000Z", "start": null, "links": {"self": "/actions/act_1"}},
    "meta": {"requestId": "req_1", "environment": "sandbox", "latencyMs": 9}}"#;

fn amps(base_url: String) -> Amps {
    Amps {
        base_url,
        api_key: Secret::new("sk_test_1"),
        request_timeout: Duration::from_secs(5),
        look_up_after: Duration::from_secs(30),
        in_doubt_for: Duration::from_mins(1),
    }
}

pub(crate) fn api(server: &Server) -> DeviceApi {
    DeviceApi::try_new(&amps(server.url("http"))).unwrap()
}

/// A client that waits 200 ms for an answer.
fn hasty(base_url: String) -> DeviceApi {
    let request_timeout = Duration::from_millis(200);
    DeviceApi::try_new(&Amps {
        request_timeout,
        ..amps(base_url)
    })
    .unwrap()
}

pub(crate) fn device(device_type: DeviceType) -> Device {
    Device {
        alias: DeviceAlias::new("thing"),
        device_type,
        id: DeviceId::new("dev_1"),
    }
}

pub(crate) fn command(name: &str, parameters: &[(&str, f64, Unit)]) -> Command {
    let parameters = parameters.iter();
    Command {
        id: CommandId::new("cmd_1"),
        device: device(DeviceType::Battery),
        name: name.to_owned(),
        parameters: parameters
            .map(|&(name, value, unit)| (name.to_owned(), Quantity { value, unit }))
            .collect(),
        retry: RetryPolicy::DEFAULT,
        rule: RuleId::new("a-rule"),
        run: RunId::new("run_1"),
        whole: None,
        step: None,
        cause: EventId::new("msg_1"),
        chain: Vec::new(),
        claim: Claim::default(),
        timing: Timing::default(),
        tells_acceptance: false,
    }
}

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// An action of which only this is known.
pub(crate) fn bare(id: &str, state: ActionState) -> Action {
    Action {
        id: ActionId::new(id),
        device: None,
        command: None,
        parameters: BTreeMap::new(),
        state,
        created_at: None,
        start: None,
        end: None,
        ended_at: None,
        failure: None,
    }
}

fn enveloped_push() -> Action {
    let target = Quantity {
        value: 90.0,
        unit: Unit::Percent,
    };
    Action {
        device: Some(DeviceId::new("dev_1")),
        command: Some(String::from("charge")),
        parameters: BTreeMap::from([(String::from("target"), target)]),
        created_at: Some(at("2026-06-10T08:00:00Z")),
        ..bare("act_1", ActionState::Acknowledged)
    }
}

pub(crate) fn lost<T>(reason: &str) -> Answer<T> {
    Answer::Lost {
        reason: reason.to_owned(),
        is_answered: false,
    }
}

pub(crate) fn not_understood<T>(reason: &str) -> Answer<T> {
    Answer::Lost {
        reason: reason.to_owned(),
        is_answered: true,
    }
}

fn not_sent<T>(reason: &str) -> Answer<T> {
    Answer::NotSent {
        reason: reason.to_owned(),
    }
}

pub(crate) async fn answer_to_push(status: &str, body: &str) -> Answer<Action> {
    let server = Server::answering(status, body).await;
    let answer = api(&server).push(&command("idle", &[])).await;
    assert_eq!(server.lines(), ["POST /battery/dev_1"]);
    answer
}

#[tokio::test]
async fn a_push_is_written_as_the_newest_generation_has_it() {
    let server = Server::answering("202 Accepted", ENVELOPED_PUSH).await;
    let parameters = [
        ("target", 90.0, Unit::Percent),
        ("power", 2.5, Unit::Kilowatt),
    ];
    let answer = api(&server).push(&command("charge", &parameters)).await;
    assert_eq!(answer, Answer::Ok(enveloped_push()));
    let body = r#"{"action":{"command":"charge","parameters":{"power":{"value":2.5,"unit":"kw"},"target":{"value":90,"unit":"percent"}}}}"#;
    let headers = [
        ("accept", "application/json"),
        ("content-length", &body.len().to_string()),
        ("content-type", "application/json"),
        ("host", &server.address.to_string()),
        (
            "user-agent",
            concat!("amps-rules/", env!("CARGO_PKG_VERSION")),
        ),
        ("x-api-key", "sk_test_1"),
    ];
    assert_eq!(
        server.request(),
        Request {
            connection: 1,
            line: String::from("POST /battery/dev_1"),
            headers: headers
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            body: body.to_owned(),
        }
    );
}

#[tokio::test]
async fn a_push_without_parameters_leaves_them_out() {
    let server = Server::answering("202 Accepted", ENVELOPED_PUSH).await;
    api(&server).push(&command("auto.balanced", &[])).await;
    assert_eq!(
        server.request().body,
        r#"{"action":{"command":"auto.balanced"}}"#
    );
}

#[tokio::test]
async fn ids_cannot_break_out_of_their_place_in_the_address() {
    let page = r#"{"items": []}"#;
    let server = Server::start(vec![
        Reply::Answer(response("202 Accepted", "", ENVELOPED_PUSH)),
        Reply::Answer(response("200 OK", "", ENVELOPED_PUSH)),
        Reply::Answer(response("200 OK", "", page)),
    ])
    .await;
    let api = api(&server);
    let mut charger = command("charge", &[]);
    charger.device = Device {
        id: DeviceId::new("a/b?c#d e"),
        ..device(DeviceType::EvCharger)
    };
    api.push(&charger).await;
    api.action(&ActionId::new("../battery")).await;
    let other = Device {
        id: DeviceId::new("a&limit=50"),
        ..device(DeviceType::EvCharger)
    };
    api.actions(&other, 20, 10).await;
    assert_eq!(
        server.lines(),
        [
            "POST /ev-charger/a%2Fb%3Fc%23d%20e",
            "GET /actions/..%2Fbattery",
            "GET /actions?deviceId=a%26limit%3D50&offset=20&limit=10",
        ]
    );
}

#[tokio::test]
async fn requests_share_a_connection() {
    let answer = || Reply::Answer(response("200 OK", "", ENVELOPED_PUSH));
    let server = Server::start(vec![answer(), answer()]).await;
    let api = api(&server);
    for _ in 0..2 {
        api.action(&ActionId::new("act_1")).await;
    }
    let connections: Vec<_> = server.requests().iter().map(|it| it.connection).collect();
    assert_eq!(connections, [1, 1]);
}

#[tokio::test]
async fn a_page_is_asked_for_within_the_limits_of_the_api() {
    let page = || Reply::Answer(response("200 OK", "", r#"{"data": {"items": []}}"#));
    let server = Server::start(vec![page(), page()]).await;
    let api = api(&server);
    for limit in [0, 51] {
        api.actions(&device(DeviceType::Battery), 0, limit).await;
    }
    assert_eq!(
        server.lines(),
        [
            "GET /actions?deviceId=dev_1&offset=0&limit=1",
            "GET /actions?deviceId=dev_1&offset=0&limit=50",
        ]
    );
}

#[tokio::test]
async fn an_address_that_one_generation_does_not_know_is_that_of_the_other() {
    let missing =
        r#"{"success": false, "error": {"code": "NOT_FOUND", "message": "path not found"}}"#;
    let missing = || Reply::Answer(response("404 Not Found", "", missing));
    let page = || Reply::Answer(response("200 OK", "", r#"{"items": []}"#));
    let server = Server::start(vec![missing(), page(), page(), missing(), missing()]).await;
    let api = api(&server);
    let mut found = Vec::new();
    for _ in 0..3 {
        let answer = api.actions(&device(DeviceType::Battery), 0, 10).await;
        found.push(matches!(answer, Answer::Ok(_)));
    }
    assert_eq!(found, [true, true, false]);
    let (newest, older) = (
        "GET /actions?deviceId=dev_1&offset=0&limit=10",
        "GET /battery/dev_1/actions?offset=0&limit=10",
    );
    assert_eq!(server.lines(), [newest, older, older, older, newest]);
}

#[tokio::test]
async fn a_fresh_reading_is_asked_for_in_the_address() {
    let server = Server::answering("200 OK", r#"{"state": {}}"#).await;
    let inverter = device(DeviceType::SolarInverter);
    api(&server).state(&inverter, true, &Clock::System).await;
    assert_eq!(server.lines(), ["GET /solar-inverter/dev_1?expedite=true"]);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let headers = "location: /elsewhere\r\n";
    let reply = Reply::Answer(response("307 Temporary Redirect", headers, ""));
    let server = Server::start(vec![reply]).await;
    assert_eq!(
        api(&server).push(&command("idle", &[])).await,
        Answer::Refused(Refusal {
            status: 307,
            message: String::from("status 307, and no word on why"),
            ..Refusal::default()
        })
    );
    assert_eq!(server.lines(), ["POST /battery/dev_1"]);
}

#[tokio::test]
async fn a_success_that_cannot_be_understood_may_still_have_taken_effect() {
    for (body, what) in [
        ("", "it is not JSON, or nested too deeply"),
        ("<html>", "it is not JSON, or nested too deeply"),
        ("[]", "it is not a JSON object"),
        (r#"{"success": true, "data": null}"#, "it has no action id"),
        (r#"{"id": 7}"#, "it has no action id"),
        (r#"{"id": ""}"#, "it has no action id"),
        (r#"{"success": false, "error": {}}"#, "it has no action id"),
        (&"[".repeat(1000), "it is not JSON, or nested too deeply"),
    ] {
        let reason = format!("the answer with status 202 cannot be understood: {what}");
        assert_eq!(
            answer_to_push("202 Accepted", body).await,
            not_understood(&reason)
        );
    }
}

#[tokio::test]
async fn a_push_that_found_nobody_was_not_sent() {
    // Nothing listens on port 1 of loopback.
    let api = DeviceApi::try_new(&amps(String::from("http://127.0.0.1:1"))).unwrap();
    assert_eq!(
        api.push(&command("idle", &[])).await,
        not_sent("Connection refused (os error 111)")
    );
}

#[tokio::test]
async fn a_push_to_someone_who_does_not_prove_who_he_is_was_not_sent() {
    let greeting = Reply::Greeting(String::from("220 mail.example.org ESMTP\r\n"));
    let server = Server::start(vec![greeting]).await;
    let api = DeviceApi::try_new(&amps(server.url("https"))).unwrap();
    assert_eq!(
        api.push(&command("idle", &[])).await,
        not_sent("received corrupt message of type InvalidContentType")
    );
    assert_eq!(server.lines(), Vec::<String>::new());
}

#[tokio::test]
async fn time_that_runs_out_before_the_handshake_is_over_leaves_nothing_sent() {
    let server = Server::start(vec![]).await;
    let api = hasty(server.url("https"));
    assert_eq!(
        api.push(&command("idle", &[])).await,
        not_sent("no answer in time")
    );
}

#[tokio::test]
async fn time_that_runs_out_after_the_request_leaves_it_in_doubt() {
    let server = Server::start(vec![Reply::Silence]).await;
    let api = hasty(server.url("http"));
    assert_eq!(
        api.push(&command("idle", &[])).await,
        lost("no answer in time")
    );
    assert_eq!(server.lines(), ["POST /battery/dev_1"]);
}

#[tokio::test]
async fn an_answer_that_stops_in_the_middle_leaves_it_in_doubt() {
    let head = "HTTP/1.1 202 Accepted\r\ncontent-length: 100\r\n\r\n{\"id\"";
    let server = Server::start(vec![
        Reply::Last(head.to_owned()),
        Reply::Answer(head.to_owned()),
    ])
    .await;
    let api = hasty(server.url("http"));
    assert_eq!(
        api.push(&command("idle", &[])).await,
        lost("end of file before message length reached")
    );
    assert_eq!(
        api.push(&command("idle", &[])).await,
        lost("no answer in time")
    );
}

#[tokio::test]
async fn a_connection_that_ends_without_an_answer_leaves_it_in_doubt() {
    let server = Server::start(vec![Reply::HangUp]).await;
    assert_eq!(
        api(&server).push(&command("idle", &[])).await,
        lost("connection closed before message completed")
    );
    assert_eq!(server.lines(), ["POST /battery/dev_1"]);
}

#[tokio::test]
async fn a_kept_connection_that_ends_without_an_answer_is_not_tried_again() {
    let server = Server::start(vec![
        Reply::Answer(response("200 OK", "", ENVELOPED_PUSH)),
        Reply::HangUp,
    ])
    .await;
    let api = api(&server);
    api.action(&ActionId::new("act_1")).await;
    assert_eq!(
        api.push(&command("idle", &[])).await,
        lost("connection closed before message completed")
    );
    assert_eq!(
        server.lines(),
        ["GET /actions/act_1", "POST /battery/dev_1"]
    );
}

#[tokio::test]
async fn an_answer_that_is_no_http_leaves_it_in_doubt() {
    let server = Server::start(vec![Reply::Last(String::from("garbage\r\n\r\n"))]).await;
    assert_eq!(
        api(&server).push(&command("idle", &[])).await,
        lost("invalid HTTP version parsed")
    );
}

#[tokio::test]
async fn an_answer_is_read_up_to_its_bound_and_not_a_byte_further() {
    const BYTES_MAX: usize = 1024 * 1024;
    let padded =
        |length: usize| ENVELOPED_PUSH.to_owned() + &" ".repeat(length - ENVELOPED_PUSH.len());
    assert_eq!(
        answer_to_push("202 Accepted", &padded(BYTES_MAX)).await,
        Answer::Ok(enveloped_push())
    );
    assert_eq!(
        answer_to_push("202 Accepted", &padded(BYTES_MAX + 1)).await,
        lost("the answer is longer than 1048576 bytes")
    );
}

#[test]
fn settings_that_cannot_work_are_refused_with_what_is_wrong() {
    let refused = |amps| DeviceApi::try_new(&amps).unwrap_err().to_string();
    assert_eq!(
        refused(amps(String::from("api.amps.ai"))),
        "`amps.base_url` is not an http or https address"
    );
    assert_eq!(
        refused(Amps {
            api_key: Secret::new("sk\n1"),
            ..amps(String::from("https://api.amps.ai"))
        }),
        "the API key has characters that no HTTP header can have"
    );
}

#[test]
fn a_client_does_not_print_its_key() {
    let api = DeviceApi::try_new(&amps(String::from("https://api.amps.ai"))).unwrap();
    assert!(!format!("{api:?}").contains("sk_test_1"), "{api:?}");
}
