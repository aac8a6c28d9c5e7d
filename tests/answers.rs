//! Every answer of Amps has one meaning: each code of the documents with each status that it may come with.

use amps_rules::domain::answers::Meaning::{self, GiveUp, InDoubt, Retry, Unauthorized, Wait};
use amps_rules::domain::answers::{CODES, may_pass, meaning, remedy_once_taken};

/// Each code of `amps-api.md` §8 with the statuses that it may come with, and what that means. Where the
/// documents have no status, every status that a refusal can have is in question: these stand below.
const DOCUMENTED: &[(&str, &[u16], Meaning)] = &[
    ("UNAUTHORIZED", &[401], Unauthorized),
    ("INVALID_API_KEY", &[401], GiveUp),
    ("EXPIRED_TOKEN", &[401], GiveUp),
    ("RATE_LIMIT_EXCEEDED", &[401, 429], Retry),
    ("INSUFFICIENT_PERMISSIONS", &[403], GiveUp),
    ("LIVE_ACCESS_DISABLED", &[403], GiveUp),
    ("DEVICE_NOT_FOUND", &[404], GiveUp),
    ("NOT_FOUND", &[404], GiveUp),
    ("CONFLICT", &[409], Wait),
    ("ACTION_NOT_CANCELLABLE", &[409], Wait),
    ("UNSUPPORTED_MODE", &[422], GiveUp),
    ("COMMAND_NOT_SUPPORTED", &[422], GiveUp),
    ("DIRECT_ACTION_UNSUPPORTED", &[422], GiveUp),
    ("UNSUPPORTED_PARAMETER", &[422], GiveUp),
    ("UNSUPPORTED_UNIT", &[422], GiveUp),
    ("PARAMETER_OUT_OF_RANGE", &[422], GiveUp),
    ("EXECUTION_NOT_SUPPORTED", &[422], GiveUp),
    ("START_IN_PAST", &[422], GiveUp),
    ("START_OUT_OF_RANGE", &[422], GiveUp),
    ("INVALID_TIME_WINDOW", &[422], GiveUp),
    ("UNSUPPORTED_SETTING", &[422], GiveUp),
    ("READ_ONLY_SETTING", &[422], GiveUp),
    ("SETTING_OUT_OF_RANGE", &[422], GiveUp),
    ("INTERNAL_ERROR", &[500], InDoubt),
    ("NOT_IMPLEMENTED", &[501], GiveUp),
    ("INVALID_CREDENTIALS", &[401], GiveUp),
    ("INVALID_MFA_CODE", &[403], GiveUp),
    ("MFA_REQUIRED", &[403], GiveUp),
    ("ACCOUNT_LOCKED", &[403], GiveUp),
    ("UNSUPPORTED_CREDENTIAL_TYPE", &[400], GiveUp),
    ("UNSUPPORTED_AUTH_PATH", &[400], GiveUp),
    ("CREDENTIAL_NOT_FOUND", &[404], GiveUp),
    ("DEVICE_OFFLINE", &[], Retry),
    ("SCHEDULER_ACTIVE", &[], Retry),
    ("NETWORK_ERROR", &[], InDoubt),
    ("RATE_LIMITED", &[], Retry),
    ("SERVICE_UNAVAILABLE", &[], InDoubt),
    ("TIMEOUT", &[], InDoubt),
    ("UNKNOWN_ERROR", &[], InDoubt),
];

#[test]
fn each_code_with_each_status_that_it_may_come_with_means_one_thing() {
    for (code, statuses, means) in DOCUMENTED {
        for status in *statuses {
            assert_eq!(meaning(*status, Some(code)), *means, "{status} {code}");
        }
    }
}

#[test]
fn an_action_that_was_taken_does_not_fail_for_our_own_key() {
    let link = Some("link the device again in Amps");
    for code in ["INVALID_API_KEY", "EXPIRED_TOKEN", "INVALID_CREDENTIALS"] {
        assert_eq!(remedy_once_taken(Some(code)), link, "{code}");
    }
    let locked = Some("unlock it at the manufacturer's, then link the device again in Amps");
    assert_eq!(remedy_once_taken(Some("ACCOUNT_LOCKED")), locked);
    for code in [Some("DEVICE_OFFLINE"), Some("SOMETHING_NEW"), None] {
        assert_eq!(remedy_once_taken(code), None, "{code:?}");
    }
}

#[test]
fn the_table_has_the_codes_of_the_documents_with_their_statuses_and_no_others() {
    let table: Vec<_> = CODES.iter().map(|it| (it.name, it.statuses)).collect();
    let documented: Vec<_> = DOCUMENTED
        .iter()
        .map(|(name, statuses, _)| (*name, *statuses))
        .collect();
    assert_eq!(table, documented);
}

#[test]
fn a_known_code_decides_beside_any_status_that_does_not_say_more() {
    for (code, statuses, means) in DOCUMENTED {
        for status in [400, 401, 403, 404, 409, 422] {
            if !statuses.contains(&status) {
                assert_eq!(meaning(status, Some(code)), *means, "{status} {code}");
            }
        }
        for status in [408, 500, 502, 503, 504] {
            assert_eq!(meaning(status, Some(code)), InDoubt, "{status} {code}");
        }
        assert_eq!(meaning(429, Some(code)), Retry, "429 {code}");
        assert_eq!(meaning(501, Some(code)), GiveUp, "501 {code}");
    }
}

/// At most one push of an order is taken: after an answer that leaves it open, nothing is sent before a look-up.
#[test]
fn only_an_answer_that_says_plainly_that_nothing_was_taken_is_sent_again_at_once() {
    let codes = CODES.iter().map(|it| Some(it.name));
    for code in codes.chain([Some("NEW_CODE"), None]) {
        for status in 500..=599 {
            let found = meaning(status, code);
            assert!(matches!(found, InDoubt | GiveUp), "{status} {code:?}");
        }
        for status in (400..=499).filter(|it| *it != 429) {
            let again = matches!(meaning(status, code), Retry | Unauthorized | Wait);
            let plain = [
                "UNAUTHORIZED",
                "RATE_LIMIT_EXCEEDED",
                "CONFLICT",
                "ACTION_NOT_CANCELLABLE",
                "DEVICE_OFFLINE",
                "SCHEDULER_ACTIVE",
                "RATE_LIMITED",
            ];
            let is_plain = code.is_some_and(|it| plain.contains(&it));
            let by_status = match status {
                401 | 409 => matches!(code, None | Some("NEW_CODE")),
                _ => false,
            };
            let expected = status != 408 && (is_plain || by_status);
            assert_eq!(again, expected, "{status} {code:?}");
        }
    }
}

#[test]
fn an_unknown_code_and_none_go_by_the_status() {
    for (status, unknown, none) in [
        (302, GiveUp, GiveUp),
        (400, GiveUp, GiveUp),
        (401, Unauthorized, Unauthorized),
        (403, GiveUp, GiveUp),
        (404, GiveUp, GiveUp),
        (408, InDoubt, InDoubt),
        (409, Wait, Wait),
        (410, GiveUp, GiveUp),
        (422, GiveUp, GiveUp),
        (429, Retry, Retry),
        (499, GiveUp, GiveUp),
        (500, InDoubt, InDoubt),
        (501, GiveUp, GiveUp),
        (502, InDoubt, InDoubt),
        (503, InDoubt, InDoubt),
        (504, InDoubt, InDoubt),
        (599, InDoubt, InDoubt),
        (600, GiveUp, GiveUp),
    ] {
        let found = (meaning(status, Some("NEW_CODE")), meaning(status, None));
        assert_eq!(found, (unknown, none), "{status}");
    }
}

#[test]
fn an_action_that_failed_is_tried_again_only_for_a_reason_that_passes() {
    let passing: Vec<_> = CODES
        .iter()
        .map(|it| it.name)
        .filter(|it| may_pass(Some(it)))
        .collect();
    assert_eq!(
        passing,
        [
            "RATE_LIMIT_EXCEEDED",
            "INTERNAL_ERROR",
            "DEVICE_OFFLINE",
            "SCHEDULER_ACTIVE",
            "NETWORK_ERROR",
            "RATE_LIMITED",
            "SERVICE_UNAVAILABLE",
            "TIMEOUT",
            "UNKNOWN_ERROR",
        ]
    );
    assert!(!may_pass(Some("NEW_CODE")));
    assert!(!may_pass(None));
}
