//! `http`: the request that a step makes, and how the run goes on when it is over.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::{Map, Number, Value as JsonValue};

use crate::config::address::{ADDRESS_CHARACTERS_MAX, authority_of};
use crate::domain::http::{HeaderText, HttpOver, HttpRequest, HttpResult, Method};
use crate::domain::id::RequestId;
use crate::engine::Scene;
use crate::engine::decision::Decision;
use crate::engine::facts::{Known, View};
use crate::engine::go_on::step_over;
use crate::engine::memory::{StepFailure, evaluate};
use crate::engine::run::Run;
use crate::engine::wait::Wait;
use crate::engine::walk::view;
use crate::rules::expr::value::Value;
use crate::rules::operation::{HttpOperation, Json};
use crate::rules::rule::OperationKind;

/// The longest body of a request, as it is sent.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// Makes the request of the step, for which the run then waits; what to say of it, or why there is none.
pub(super) fn send(
    scene: Scene<'_>,
    run: &mut Run,
    operation: &HttpOperation,
    decision: &mut Decision,
) -> Result<String, String> {
    let request = request(run, operation, view(scene, run, decision))?;
    run.wait = Some(Wait::Http {
        request: request.id.clone(),
    });
    run.until = None;
    let note = format!("asks `{}`", request.shown());
    decision.requests.push(request);
    Ok(note)
}

fn request(run: &Run, operation: &HttpOperation, view: View<'_>) -> Result<HttpRequest, String> {
    let known = Known::of(view);
    let url = operation.url.render_each(&known, |it| escaped(&it));
    if ADDRESS_CHARACTERS_MAX < url.chars().count() {
        return Err(format!(
            "the address came to more than {ADDRESS_CHARACTERS_MAX} characters"
        ));
    }
    let mut headers = BTreeMap::new();
    for (name, text) in &operation.headers {
        let text = match text {
            HeaderText::Secret { secret } => HeaderText::Secret {
                secret: secret.clone(),
            },
            HeaderText::Text(template) => {
                let text = template.render(&known);
                if !text.bytes().all(|it| matches!(it, b'\t' | b' '..=b'~')) {
                    return Err(format!(
                        "the header `{name}` came to a text that no header can have"
                    ));
                }
                HeaderText::Text(text)
            }
        };
        headers.insert(name.clone(), text);
    }
    let json = match (operation.method, &operation.json) {
        (Method::Get, _) | (_, None) => None,
        (_, Some(json)) => Some(body(json, view)),
    };
    if json
        .as_ref()
        .is_some_and(|it| BODY_BYTES_MAX < it.to_string().len())
    {
        return Err(format!("the body came to more than {BODY_BYTES_MAX} bytes"));
    }
    Ok(HttpRequest {
        id: RequestId::derive_in_round(&run.id, run.position, &run.memory.rounds()),
        method: operation.method,
        host: authority_of(&url).to_ascii_lowercase(),
        url,
        headers,
        json,
        timeout: operation.timeout,
        retry: operation.retry,
        is_repeatable: operation.is_repeatable,
        is_saved: operation.save.is_some(),
        rule: run.rule.clone(),
        run: run.id.clone(),
        cause: view.scene.event.id.clone(),
    })
}

/// The request that a run waits for is over.
pub(super) fn over(scene: Scene<'_>, over: &HttpOver, decision: &mut Decision) {
    let waits =
        |run: &&Run| matches!(&run.wait, Some(Wait::Http { request }) if *request == over.request);
    let Some(run) = scene.state.run(&over.run).filter(waits) else {
        return;
    };
    let mut run = run.clone();
    let said = over.said();
    let (said, failure) = match &over.result {
        HttpResult::Failed(failure) => {
            let failure = StepFailure::of_request(failure, over.attempts, said.clone());
            (said, Some(failure))
        }
        HttpResult::Answered { body, .. } => {
            let save = match run.operation().map(|it| &it.kind) {
                Some(OperationKind::Http(http)) => http.save.clone(),
                Some(_) | None => None,
            };
            let saved = save.as_ref().map(|it| format!(", saved as `{it}`"));
            if let (Some(name), Some(body)) = (save, body) {
                run.memory.variables.insert(name, answer(body));
            }
            (said + &saved.unwrap_or_default(), None)
        }
    };
    step_over(scene, run, (said, failure), decision);
}

/// What an answer says. A block of names and values is kept as its text, like `trigger.json`; what is no JSON
/// is text; an empty answer says nothing.
fn answer(body: &str) -> Value {
    let body = body.trim();
    match serde_json::from_str(body) {
        Ok(JsonValue::Object(_)) => Value::text(body),
        Ok(json) => Value::of_json(&json),
        Err(_) if body.is_empty() => Value::Unknown,
        Err(_) => Value::text(body),
    }
}

/// What is unknown is `null`, and a number goes without its unit.
fn body(json: &Json, view: View<'_>) -> JsonValue {
    match json {
        Json::Fixed(value) => value.clone(),
        Json::Computed(expression) => to_json(&evaluate(expression, view), view),
        Json::List(items) => items.iter().map(|it| body(it, view)).collect(),
        Json::Object(values) => {
            let values = values.iter();
            let values = values.map(|(name, it)| (name.clone(), body(it, view)));
            JsonValue::Object(values.collect::<Map<_, _>>())
        }
    }
}

fn to_json(value: &Value, view: View<'_>) -> JsonValue {
    match value {
        Value::Unknown => JsonValue::Null,
        Value::Bool(value) => JsonValue::Bool(*value),
        Value::Number(value) | Value::Quantity { value, .. } => number(*value),
        Value::Text(text) => JsonValue::String(text.clone()),
        Value::Moment(moment) => JsonValue::String(moment.to_string()),
        Value::Duration(_) | Value::Time(_) => JsonValue::String(view.shown(value)),
        Value::List(values) => values.iter().map(|it| to_json(it, view)).collect(),
    }
}

/// `3` is sent as `3`, not as `3.0`.
fn number(value: f64) -> JsonValue {
    let whole = format!("{value}").parse::<i64>().map(Number::from).ok();
    let number = whole.or_else(|| Number::from_f64(value));
    number.map_or(JsonValue::Null, JsonValue::Number)
}

/// `text` as it stands inside of an address, so that no value leads elsewhere or adds a parameter.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            escaped.push(char::from(byte));
        } else {
            write!(escaped, "%{byte:02X}").expect("writing to a string cannot fail");
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_json_where_it_can_be_and_text_where_not() {
        for (body, expected) in [
            ("{\"a\": 1}\n", Value::text("{\"a\": 1}")),
            ("12.5", Value::Number(12.5)),
            ("\"on\"", Value::text("on")),
            ("true", Value::Bool(true)),
            (
                "[1, \"b\"]",
                Value::List(vec![Value::Number(1.0), Value::text("b")]),
            ),
            ("null", Value::Unknown),
            ("", Value::Unknown),
            (" \n", Value::Unknown),
            ("off peak", Value::text("off peak")),
            ("{\"a\": ", Value::text("{\"a\":")),
        ] {
            assert_eq!(answer(body), expected, "{body}");
        }
    }

    #[test]
    fn whole_numbers_are_sent_as_such() {
        for (value, text) in [(3.0, "3"), (-2.0, "-2"), (0.5, "0.5"), (1e20, "1e+20")] {
            assert_eq!(number(value).to_string(), text);
        }
    }

    #[test]
    fn a_value_stays_within_its_part_of_an_address() {
        assert_eq!(escaped("a-1.5_~"), "a-1.5_~");
        assert_eq!(escaped("../a?b&c=1 %ü"), "..%2Fa%3Fb%26c%3D1%20%25%C3%BC");
    }
}
