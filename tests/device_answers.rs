//! What answers say, in each generation they have been seen in.

use std::collections::BTreeMap;
use std::time::Duration;

use amps_rules::clock::Clock;
use amps_rules::device_api::answer::{Answer, Refusal};
use amps_rules::device_api::state::Shown;
use amps_rules::device_api::wire::{Action, ActionState, Page};
use amps_rules::domain::capabilities::{Capabilities, Range, Strategy, Takes};
use amps_rules::domain::device::DeviceType;
use amps_rules::domain::event::Readings;
use amps_rules::domain::id::{ActionId, DeviceId};
use amps_rules::domain::lifecycle::{Failure, Outcome};
use amps_rules::domain::setting::Form;
use amps_rules::domain::unit::Unit;
use amps_rules::domain::value::{Origin, Quantity, Value};

use crate::device_api::{answer_to_push, api, at, bare, command, device, not_understood};
use crate::scripted_server::{Reply, Server, response};

async fn answer_to_look_up(body: &str) -> Answer<Action> {
    let server = Server::answering("200 OK", body).await;
    let answer = api(&server).action(&ActionId::new("act_1")).await;
    assert_eq!(server.lines(), ["GET /actions/act_1"]);
    answer
}

#[tokio::test]
async fn the_answer_of_the_older_generation_is_read_in_the_words_of_today() {
    let answer = answer_to_push(
        "202 Accepted",
        r#"{"actionId": "act_1", "state": "scheduled", "type": "battery:set_operation_mode",
            "parameters": {"mode": "discharge", "target": {"value": 35, "unit": "percent"}, "maxPower": 7},
            "createdAt": "2026-05-10T08:00:00.000Z", "start": "2026-05-10T09:00:00.000Z"}"#,
    );
    let target = Quantity {
        value: 35.0,
        unit: Unit::Percent,
    };
    assert_eq!(
        answer.await,
        Answer::Ok(Action {
            command: Some(String::from("discharge")),
            parameters: BTreeMap::from([(String::from("target"), target)]),
            created_at: Some(at("2026-05-10T08:00:00Z")),
            start: Some(at("2026-05-10T09:00:00Z")),
            ..bare("act_1", ActionState::Scheduled)
        })
    );
}

#[tokio::test]
async fn a_looked_up_action_tells_how_it_ended_in_both_generations() {
    let no_reason = Failure::new(None, "no reason was given");
    let offline = Failure::new(Some("DEVICE_OFFLINE"), "no answer in 30 s");
    let cases = [
        (
            r#"{"success": true, "data": {"id": "act_1", "state": "completed", "parameters": null, "result": {"success": true},
                "errorCode": null, "updatedAt": "2026-06-10T08:00:09Z", "completedAt": "2026-06-10T08:00:05Z"}}"#,
            "2026-06-10T08:00:05Z",
            Outcome::Completed,
        ),
        (
            r#"{"data": {"id": "act_1", "state": "failed", "errorCode": "DEVICE_OFFLINE", "errorMessage": "no answer in 30 s",
                "completedAt": "2026-06-10T08:00:32Z", "result": {"success": false, "message": "vendor words"}}}"#,
            "2026-06-10T08:00:32Z",
            Outcome::Failed(offline.clone()),
        ),
        (
            r#"{"id": "act_1", "state": "failed", "error": {"code": "DEVICE_OFFLINE", "message": "no answer in 30 s"},
                "failedAt": "2026-05-10T08:00:32Z", "result": null}"#,
            "2026-05-10T08:00:32Z",
            Outcome::Failed(offline),
        ),
        (
            r#"{"id": "act_1", "state": "failed", "result": {"success": false, "message": "vendor words"},
                "completedAt": "2026-05-10T08:00:32Z"}"#,
            "2026-05-10T08:00:32Z",
            Outcome::Failed(Failure::new(None, "vendor words")),
        ),
        (
            r#"{"id": "act_1", "state": "failed", "errorMessage": "", "completedAt": "2026-05-10T08:00:32Z"}"#,
            "2026-05-10T08:00:32Z",
            Outcome::Failed(no_reason),
        ),
        (
            r#"{"id": "act_1", "state": "cancelled", "completedAt": null, "updatedAt": "2026-05-10T08:01:00Z"}"#,
            "2026-05-10T08:01:00Z",
            Outcome::Cancelled,
        ),
    ];
    for (body, ended_at, outcome) in cases {
        let Answer::Ok(action) = answer_to_look_up(body).await else {
            panic!("{body} is not understood");
        };
        assert_eq!(action.outcome(), Some(outcome), "{body}");
        assert_eq!(action.ended_at, Some(at(ended_at)), "{body}");
    }
}

#[tokio::test]
async fn an_action_in_a_state_nobody_knows_has_not_ended() {
    let body = r#"{"data": {"id": "act_1", "state": "paused", "updatedAt": "2026-06-10T08:00:09Z",
        "deviceId": 7, "command": null, "parameters": [1], "createdAt": "yesterday", "news": {"a": []}}}"#;
    let expected = bare("act_1", ActionState::Unknown(String::from("paused")));
    assert_eq!(expected.outcome(), None);
    assert_eq!(answer_to_look_up(body).await, Answer::Ok(expected));
    let stateless = bare("act_1", ActionState::Unknown(String::new()));
    assert_eq!(
        answer_to_look_up(r#"{"id": "act_1"}"#).await,
        Answer::Ok(stateless)
    );
}

#[tokio::test]
async fn a_list_of_actions_is_read_in_both_generations() {
    let items =
        r#"[{"id": "act_2", "state": "acknowledged"}, {"id": "act_1", "state": "completed"}]"#;
    let actions = vec![
        bare("act_2", ActionState::Acknowledged),
        bare("act_1", ActionState::Completed),
    ];
    let cases = [
        (
            format!(
                r#"{{"success": true, "data": {{"items": {items}, "pagination": {{"hasMore": true}}}}}}"#
            ),
            10,
            true,
        ),
        (
            format!(
                r#"{{"items": {items}, "pagination": {{"limit": 2, "total": 2, "hasMore": false}}}}"#
            ),
            2,
            false,
        ),
        (format!(r#"{{"items": {items}}}"#), 2, true),
        (format!(r#"{{"items": {items}}}"#), 3, false),
    ];
    for (body, limit, has_more) in cases {
        let server = Server::answering("200 OK", &body).await;
        let device = device(DeviceType::Battery);
        let answer = api(&server).actions(&device, 0, limit).await;
        let actions = actions.clone();
        assert_eq!(
            answer,
            Answer::Ok(Page {
                actions,
                has_more,
                amps_time: None
            }),
            "{body}"
        );
    }
}

#[tokio::test]
async fn a_page_with_an_item_that_cannot_be_read_is_not_half_believed() {
    let server = Server::answering("200 OK", r#"{"items": [{"id": "act_1"}, {"ID": "act_2"}]}"#);
    let answer = api(&server.await)
        .actions(&device(DeviceType::Battery), 0, 10)
        .await;
    assert_eq!(
        answer,
        not_understood("the answer with status 200 cannot be understood: it has no action id")
    );
}

async fn read(device_type: DeviceType, body: &str) -> Answer<Readings> {
    let server = Server::answering("200 OK", body).await;
    let (clock, _) = Clock::simulated(at("2026-06-10T12:00:00Z"));
    let device = device(device_type);
    readings_of(api(&server).state(&device, false, &clock).await)
}

fn readings_of(answer: Answer<Shown>) -> Answer<Readings> {
    match answer {
        Answer::Ok(shown) => Answer::Ok(shown.readings),
        Answer::Refused(refusal) => Answer::Refused(refusal),
        Answer::NotSent { reason } => Answer::NotSent { reason },
        Answer::Lost {
            reason,
            is_answered,
        } => Answer::Lost {
            reason,
            is_answered,
        },
    }
}

fn readings(taken_at: &str, origin: Origin, values: &[(&str, Value)]) -> Answer<Readings> {
    let values = values.iter();
    Answer::Ok(Readings {
        device: DeviceId::new("dev_1"),
        taken_at: at(taken_at),
        origin,
        values: values
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect(),
    })
}

#[tokio::test]
async fn a_device_is_read_by_the_attributes_of_the_catalogue() {
    let battery = r#"{"success": true, "data": {"id": "dev_1", "vendor": "Volta",
        "sync": {"available": true, "lastPulledAt": "2026-06-10T11:59:00.000Z"},
        "metadata": {"model": "V2", "source": "live"},
        "state": {"status": "charging", "capacity": 10.4, "level": 80, "chargeRate": -1.8, "dischargeLimit": null, "colour": "red"},
        "commands": {}, "currentSchedule": null}}"#;
    let expected = [
        ("status", Value::Text(String::from("charging"))),
        ("capacity", Value::Number(10.4)),
        ("level", Value::Number(80.0)),
        ("chargeRate", Value::Number(-1.8)),
    ];
    assert_eq!(
        read(DeviceType::Battery, battery).await,
        readings("2026-06-10T11:59:00Z", Origin::Live, &expected)
    );
    let vehicle = r#"{"id": "dev_1", "state": {"plugged": true, "charging": "yes", "range": "far", "batteryLevel": 61.5, "chargeTimeRemaining": true}}"#;
    let expected = [
        ("plugged", Value::Bool(true)),
        ("batteryLevel", Value::Number(61.5)),
    ];
    assert_eq!(
        read(DeviceType::Vehicle, vehicle).await,
        readings("2026-06-10T12:00:00Z", Origin::Cache, &expected)
    );
}

#[tokio::test]
async fn a_reading_is_of_a_moment_by_our_clock() {
    for (date, expected) in [
        ("Wed, 10 Jun 2026 12:00:05 GMT", "2026-06-10T11:55:59Z"),
        ("Wed, 10 Jun 2026 12:04:00 GMT", "2026-06-10T11:51:59Z"),
        ("Wed, 10 Jun 2026 11:59:55 GMT", "2026-06-10T11:55:59Z"),
        ("Wed, 10 Jun 2026 11:56:00 GMT", "2026-06-10T11:59:59Z"),
        // It cannot be later than now.
        ("Wed, 10 Jun 2026 11:55:00 GMT", "2026-06-10T12:00:00Z"),
    ] {
        let body = r#"{"sync": {"lastPulledAt": "2026-06-10T11:55:59Z"}, "state": {}}"#;
        let answer = response("200 OK", &format!("date: {date}\r\n"), body);
        let server = Server::start(vec![Reply::Answer(answer)]).await;
        let (clock, _) = Clock::simulated(at("2026-06-10T12:00:00Z"));
        let device = device(DeviceType::Battery);
        let answer = readings_of(api(&server).state(&device, false, &clock).await);
        assert_eq!(answer, readings(expected, Origin::Cache, &[]), "{date}");
    }
}

#[tokio::test]
async fn a_reading_knows_where_it_comes_from() {
    for (available, source, expected) in [
        ("true", "live", Origin::Live),
        ("true", "projection", Origin::Live),
        ("true", "cache", Origin::Cache),
        ("true", "fallback", Origin::Fallback),
        ("false", "live", Origin::Fallback),
        ("null", "satellite", Origin::Cache),
    ] {
        let body = format!(
            r#"{{"sync": {{"available": {available}}}, "metadata": {{"source": "{source}"}}, "state": {{}}}}"#
        );
        assert_eq!(
            read(DeviceType::Hvac, &body).await,
            readings("2026-06-10T12:00:00Z", expected, &[]),
            "{body}"
        );
    }
}

/// What a battery says it takes, with `fields` beside its state; empty where that proves nothing.
async fn declared(fields: &str) -> Vec<Option<Capabilities>> {
    let body = format!(r#"{{"success": true, "data": {{"state": {{}}, {fields}}}}}"#);
    let server = Server::answering("200 OK", &body).await;
    let (clock, _) = Clock::simulated(at("2026-06-10T12:00:00Z"));
    let device = device(DeviceType::Battery);
    let Answer::Ok(shown) = api(&server).state(&device, false, &clock).await else {
        panic!("it can be read");
    };
    let said = shown.declaration.into_iter().map(|it| {
        assert_eq!(it.at, at("2026-06-10T12:00:00Z"));
        it.capabilities
    });
    said.collect()
}

#[tokio::test]
async fn what_a_device_takes_is_read_as_far_as_it_tells() {
    let idle = |execution: Option<Vec<Form>>| {
        let takes = Takes {
            parameters: None,
            execution,
        };
        let commands = BTreeMap::from([("idle".to_owned(), takes)]);
        Capabilities {
            commands,
            ..Capabilities::default()
        }
    };
    let power = |range| {
        let mut said = idle(None);
        let parameters = BTreeMap::from([("power".to_owned(), range)]);
        let takes = Takes {
            parameters: Some(parameters),
            execution: None,
        };
        said.commands.insert("charge".to_owned(), takes);
        vec![Some(said)]
    };
    let bounds = Range {
        unit: Some(Unit::Kilowatt),
        min: Some(0.0),
        max: Some(5.0),
    };
    let unsure = Range::default();
    for (fields, expected) in [
        (r#""commands": {"idle": {}}"#, vec![Some(idle(None))]),
        (
            r#""commands": {"idle": {"type": "set_operation_mode", "execution": ["windowed", "someday", "immediate"]}, "fly": {}}"#,
            vec![Some(idle(Some(vec![Form::Immediate, Form::Windowed])))],
        ),
        (
            r#""commands": {"idle": {"execution": []}}"#,
            vec![Some(idle(None))],
        ),
        (
            r#""commands": {"idle": {}, "charge": {"parameters": {"power": {"unit": "kw", "min": 0, "max": 5}, "speed": {}}}}"#,
            power(bounds),
        ),
        (
            r#""commands": {"idle": {}, "charge": {"parameters": {"power": {"unit": "horses", "min": 6, "max": 5}}}}"#,
            power(unsure),
        ),
        (
            r#""commands": {"idle": {}}, "conflictStrategies": ["queue_after"], "settings": {"export_limit": {"value": 1, "unit": "watts", "max": 9}, "scheduler_enabled": true}"#,
            vec![Some(Capabilities {
                strategies: Some(vec![Strategy::QueueAfter]),
                settings: Some(BTreeMap::from([(
                    "export_limit".to_owned(),
                    Range {
                        unit: Some(Unit::Watt),
                        min: None,
                        max: Some(9.0),
                    },
                )])),
                ..idle(None)
            })],
        ),
    ] {
        assert_eq!(declared(fields).await, expected, "{fields}");
    }
}

#[tokio::test]
async fn what_cannot_be_all_that_a_device_takes_is_not_believed() {
    for (fields, expected) in [
        // Older generations have no word on it, or other names.
        (r#""lastAction": null"#, vec![None]),
        (
            r#""commands": {"idle": {}, "set_operation_mode": {}}"#,
            vec![None],
        ),
        // That cannot be all, or is only repeated.
        (r#""commands": {}"#, Vec::new()),
        (
            r#""commands": {"idle": {}}, "sync": {"available": false}"#,
            Vec::new(),
        ),
        (
            r#""commands": {"idle": {}}, "metadata": {"source": "fallback"}"#,
            Vec::new(),
        ),
    ] {
        assert_eq!(declared(fields).await, expected, "{fields}");
    }
}

#[tokio::test]
async fn the_capacity_of_a_battery_is_in_kilowatt_hours_whichever_unit_was_sent() {
    for (sent, read_as) in [("1000", 1000.0), ("1001", 1.001), ("10400", 10.4)] {
        let body = format!(r#"{{"state": {{"capacity": {sent}}}}}"#);
        assert_eq!(
            read(DeviceType::Battery, &body).await,
            readings(
                "2026-06-10T12:00:00Z",
                Origin::Cache,
                &[("capacity", Value::Number(read_as))]
            )
        );
    }
}

#[tokio::test]
async fn an_error_of_amps_is_told_with_its_code_and_what_stands_in_the_way() {
    let body = r#"{"success": false, "error": {"code": "CONFLICT", "message": "another action is under way",
        "details": {"reason": "no_strategy_supplied", "conflictingActionIds": ["act_1", 7, "act_2"]}},
        "meta": {"requestId": "req_1"}}"#;
    let headers = "retry-after: 1.5\r\n";
    let reply = Reply::Answer(response("409 Conflict", headers, body));
    let server = Server::start(vec![reply]).await;
    assert_eq!(
        api(&server).push(&command("idle", &[])).await,
        Answer::Refused(Refusal {
            status: 409,
            code: Some(String::from("CONFLICT")),
            message: String::from("another action is under way"),
            conflicting: vec![ActionId::new("act_1"), ActionId::new("act_2")],
            retry_after: Some(Duration::from_millis(1500)),
        })
    );
}

#[tokio::test]
async fn a_refusal_without_an_error_of_amps_keeps_its_status() {
    let bare = |status| {
        Answer::Refused(Refusal {
            status,
            message: format!("status {status}, and no word on why"),
            ..Refusal::default()
        })
    };
    assert_eq!(
        answer_to_push("502 Bad Gateway", "<html>oops</html>").await,
        bare(502)
    );
    assert_eq!(answer_to_push("404 Not Found", "").await, bare(404));
    assert_eq!(
        answer_to_push("401 Unauthorized", r#"{"error": "no"}"#).await,
        bare(401)
    );
    let cut = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 100\r\n\r\n{";
    let server = Server::start(vec![Reply::Last(cut.to_owned())]).await;
    assert_eq!(api(&server).push(&command("idle", &[])).await, bare(503));
}
