//! A push that did not leave, or was not let in.

use std::time::Duration;

use super::{WAITS, at, open_at};
use crate::delivery::verdict::{Verdict, shut_out};
use crate::domain::lifecycle::{Failure, Step};

#[test]
fn what_does_not_leave_costs_no_attempt_for_an_hour() {
    let why = || "Amps cannot be reached: no route".to_owned();
    let verdict = || Verdict::Unsent { why: why() };
    assert_eq!(
        WAITS.step(verdict(), &open_at(at(0)), at(3599)),
        Step::PutBack {
            why: why(),
            retry_at: at(3604)
        }
    );
    assert_eq!(
        WAITS.step(verdict(), &open_at(at(0)), at(3600)),
        Step::Refused {
            failure: Failure::new(None, why()),
            retry_at: Some(at(3630))
        }
    );
    // Nobody asks before an outage may be over.
    assert_eq!(
        shut_out(
            &open_at(at(0)),
            Failure::new(None, why()),
            at(3900),
            at(3600)
        ),
        Step::Refused {
            failure: Failure::new(None, why()),
            retry_at: Some(at(3900))
        }
    );
}

#[test]
fn a_key_that_has_worked_and_is_refused_costs_no_attempt_for_an_hour() {
    let failure = Failure::new(Some("UNAUTHORIZED"), "no");
    let verdict = |after| Verdict::NotLetIn {
        failure: failure.clone(),
        after,
    };
    let asked = Some(Duration::from_mins(1));
    assert_eq!(
        WAITS.step(verdict(asked), &open_at(at(0)), at(3599)),
        Step::PutBack {
            why: "UNAUTHORIZED, no".to_owned(),
            retry_at: at(3659)
        }
    );
    assert_eq!(
        WAITS.step(verdict(None), &open_at(at(0)), at(3600)),
        Step::Refused {
            failure: failure.clone(),
            retry_at: Some(at(3630))
        }
    );
}
