//! Every case of `webhook-vectors.json`, and the bounds.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::Value;

use amps_rules::domain::id::EventId;
use amps_rules::domain::secret::Secret;
use amps_rules::intake::signature::{
    ID_CHARACTERS_MAX, InvalidSecret, Key, Rejection, SIGNATURE_ENTRIES_MAX, TOLERANCE_SECONDS,
    sign, verify,
};

const VECTORS: &str = include_str!("webhook-vectors.json");
const N_VECTORS: usize = 110;

const NOW: i64 = 1_780_000_000;
const BODY: &[u8] = b"{\"actionId\":\"act_1\"}";

#[test]
fn every_case_of_the_contract_is_decided_as_it_says() {
    let cases: Vec<Value> = serde_json::from_str(VECTORS).unwrap();
    assert_eq!(cases.len(), N_VECTORS);
    let mismatches: Vec<String> = cases.iter().filter_map(mismatch).collect();
    assert!(mismatches.is_empty(), "\n{}\n", mismatches.join("\n"));
}

/// What is wrong with the decision on `case`; none when it is right.
fn mismatch(case: &Value) -> Option<String> {
    let expected = match case["expected"].as_str().unwrap() {
        "accept" => "accept",
        "reject" => case["error"].as_str().unwrap(),
        other => panic!("{other}"),
    };
    let decision = decide(case);
    (decision != expected).then(|| format!("{}: {decision}, not {expected}", case["name"]))
}

fn decide(case: &Value) -> &'static str {
    assert_eq!(case["tolerance_seconds"], TOLERANCE_SECONDS);
    let texts = case["secrets"].as_array().unwrap();
    let keys: Result<Vec<Key>, InvalidSecret> = texts
        .iter()
        .map(|text| Key::parse(&Secret::new(text.as_str().unwrap())))
        .collect();
    let Ok(keys) = keys else {
        return "config_invalid_secret";
    };
    let headers: Vec<(&str, &[u8])> = case["headers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|pair| {
            (
                pair[0].as_str().unwrap(),
                pair[1].as_str().unwrap().as_bytes(),
            )
        })
        .collect();
    #[expect(
        clippy::cast_possible_truncation,
        reason = "milliseconds of this century"
    )]
    let now = (case["now"].as_f64().unwrap() * 1000.0) as i64;
    let now = Timestamp::from_millisecond(now).unwrap();
    match verify(headers, &body(case), &keys, now) {
        Ok(_) => "accept",
        Err(rejection) => error_kind(rejection),
    }
}

fn body(case: &Value) -> Vec<u8> {
    if let Some(text) = case.get("body") {
        return text.as_str().unwrap().as_bytes().to_vec();
    }
    if let Some(text) = case.get("body_base64") {
        return STANDARD.decode(text.as_str().unwrap()).unwrap();
    }
    let repeat = &case["body_repeat"];
    let count = usize::try_from(repeat["count"].as_u64().unwrap()).unwrap();
    repeat["char"].as_str().unwrap().repeat(count).into_bytes()
}

/// The name of the contract for a rejection.
fn error_kind(rejection: Rejection) -> &'static str {
    match rejection {
        Rejection::MissingHeader => "missing_header",
        Rejection::DuplicateHeader => "duplicate_header",
        Rejection::InvalidHeader => "invalid_header",
        Rejection::InvalidTimestamp => "invalid_timestamp",
        Rejection::TimestampTooOld => "timestamp_too_old",
        Rejection::TimestampTooNew => "timestamp_too_new",
        Rejection::NoMatchingSignature => "no_matching_signature",
    }
}

fn key() -> Key {
    Key::parse(&Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")).unwrap()
}

/// The decision on `BODY`, sent as `id` at `timestamp` with the header `signatures`.
fn decision(id: &str, timestamp: i64, signatures: &str) -> Result<EventId, Rejection> {
    let timestamp = timestamp.to_string();
    let headers = [
        ("svix-id", id.as_bytes()),
        ("svix-timestamp", timestamp.as_bytes()),
        ("svix-signature", signatures.as_bytes()),
    ];
    let now = Timestamp::from_second(NOW).unwrap();
    verify(headers, BODY, &[key()], now)
}

#[test]
fn the_published_vector_is_signed_as_published() {
    let signature = sign(
        &key(),
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1_614_265_330,
        b"{\"test\": 2432232314}",
    );
    assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

#[test]
fn the_last_entry_within_the_bound_counts_and_the_next_does_not() {
    let valid = sign(&key(), "msg_1", NOW, BODY);
    let others = |n: usize| "v1,AAAA ".repeat(n);
    let at_bound = others(SIGNATURE_ENTRIES_MAX - 1) + &valid;
    assert_eq!(decision("msg_1", NOW, &at_bound), Ok(EventId::new("msg_1")));
    let past_bound = others(SIGNATURE_ENTRIES_MAX) + &valid;
    assert_eq!(
        decision("msg_1", NOW, &past_bound),
        Err(Rejection::NoMatchingSignature)
    );
}

#[test]
fn an_id_may_have_256_characters_and_no_more() {
    let longest = "x".repeat(ID_CHARACTERS_MAX);
    let signature = sign(&key(), &longest, NOW, BODY);
    assert_eq!(
        decision(&longest, NOW, &signature),
        Ok(EventId::new(longest.as_str()))
    );
    let longer = "x".repeat(ID_CHARACTERS_MAX + 1);
    let signature = sign(&key(), &longer, NOW, BODY);
    assert_eq!(
        decision(&longer, NOW, &signature),
        Err(Rejection::InvalidHeader)
    );
}

#[test]
fn five_minutes_ahead_pass_and_a_second_more_does_not() {
    let ahead = |seconds: i64| {
        let signature = sign(&key(), "msg_1", NOW + seconds, BODY);
        decision("msg_1", NOW + seconds, &signature)
    };
    assert_eq!(ahead(300), Ok(EventId::new("msg_1")));
    assert_eq!(ahead(301), Err(Rejection::TimestampTooNew));
    assert_eq!(ahead(-300), Ok(EventId::new("msg_1")));
    assert_eq!(ahead(-301), Err(Rejection::TimestampTooOld));
}

#[test]
fn an_id_with_a_dot_is_refused_since_it_would_shift_the_boundary() {
    let signature = sign(&key(), "msg.1", NOW, BODY);
    assert_eq!(
        decision("msg.1", NOW, &signature),
        Err(Rejection::InvalidHeader)
    );
}

#[test]
fn without_a_key_nothing_fits() {
    let signature = sign(&key(), "msg_1", NOW, BODY);
    let timestamp = NOW.to_string();
    let headers = [
        ("svix-id", "msg_1".as_bytes()),
        ("svix-timestamp", timestamp.as_bytes()),
        ("svix-signature", signature.as_bytes()),
    ];
    let now = Timestamp::from_second(NOW).unwrap();
    assert_eq!(
        verify(headers, BODY, &[], now),
        Err(Rejection::NoMatchingSignature)
    );
}

#[test]
fn a_key_does_not_print_itself() {
    assert_eq!(format!("{:?}", key()), "Key(…)");
}
