//! Each step from each place that matters, and those that cannot be taken.

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn acknowledged() -> Lifecycle {
    Lifecycle::Acknowledged {
        attempts: 1,
        action: ActionId::new("act_1"),
        look_up_at: at(30),
        deadline: at(900),
    }
}

fn doubt(cause: DoubtCause) -> Doubt {
    Doubt {
        cause,
        answered: None,
        look_up_at: at(1),
        settles_at: at(60),
        deadline: at(900),
    }
}

fn in_doubt(cause: DoubtCause) -> Lifecycle {
    Lifecycle::InDoubt {
        attempts: 1,
        doubt: doubt(cause),
    }
}

#[test]
fn what_never_arrived_counts_as_an_attempt_unless_the_program_ended_in_between() {
    for (cause, attempts) in [(DoubtCause::AnswerLost, 1), (DoubtCause::Interrupted, 0)] {
        assert_eq!(
            in_doubt(cause).after(
                Step::NeverArrived {
                    retry_at: Some(at(70))
                },
                at(70)
            ),
            Ok(Lifecycle::Queued {
                attempts,
                due: at(70)
            })
        );
    }
}

#[test]
fn a_doubt_ends_at_its_deadline_and_not_a_second_before() {
    let state = in_doubt(DoubtCause::AnswerLost);
    assert!(state.clone().after(Step::TimePassed, at(899)).is_err());
    assert_eq!(
        state.after(Step::TimePassed, at(900)),
        Ok(Lifecycle::Settled {
            outcome: Outcome::Expired
        })
    );
}

#[test]
fn a_command_is_claimed_when_it_is_due_and_not_before() {
    let queued = Lifecycle::Queued {
        attempts: 0,
        due: at(10),
    };
    assert!(queued.clone().after(Step::Claimed, at(9)).is_err());
    assert_eq!(
        queued.after(Step::Claimed, at(10)),
        Ok(Lifecycle::Sending { attempts: 1 })
    );
}

#[test]
fn what_may_have_arrived_is_not_claimed_again() {
    for state in [in_doubt(DoubtCause::AnswerLost), acknowledged()] {
        let refused = state.clone().after(Step::Claimed, at(1000)).unwrap_err();
        assert_eq!(refused.from, state);
    }
}

#[test]
fn what_has_not_been_sent_can_be_called_off_and_what_has_cannot() {
    let queued = Lifecycle::Queued {
        attempts: 1,
        due: at(10),
    };
    assert_eq!(
        queued.after(Step::Withdrawn, at(9)),
        Ok(Lifecycle::Settled {
            outcome: Outcome::Cancelled
        })
    );
    assert_eq!(
        blocked(12).after(Step::Withdrawn, at(9)),
        Ok(Lifecycle::Settled {
            outcome: Outcome::Cancelled
        })
    );
    for sent in [
        Lifecycle::Sending { attempts: 1 },
        in_doubt(DoubtCause::AnswerLost),
        acknowledged(),
    ] {
        assert!(sent.after(Step::Withdrawn, at(9)).is_err());
    }
}

#[test]
fn settled_is_final() {
    let settled = Lifecycle::Settled {
        outcome: Outcome::Completed,
    };
    let steps = [
        Step::Claimed,
        Step::Reported {
            outcome: Outcome::Cancelled,
            retry_at: None,
        },
        Step::AnswerLost {
            doubt: doubt(DoubtCause::AnswerLost),
        },
        Step::TimePassed,
    ];
    for step in steps {
        let refused = settled.clone().after(step, at(9)).unwrap_err();
        assert_eq!(refused.from, settled);
    }
}

#[test]
fn an_acknowledged_command_expires_at_its_deadline_and_not_a_second_before() {
    assert!(acknowledged().after(Step::TimePassed, at(899)).is_err());
    assert_eq!(
        acknowledged().after(Step::TimePassed, at(900)),
        Ok(Lifecycle::Settled {
            outcome: Outcome::Expired
        })
    );
}

fn hold(look_up_at: i64) -> Hold {
    Hold {
        actions: vec![ActionId::new("act_9")],
        since: at(1),
        look_up_at: at(look_up_at),
        deadline: at(901),
    }
}

fn blocked(look_up_at: i64) -> Lifecycle {
    Lifecycle::Blocked {
        attempts: 1,
        hold: hold(look_up_at),
    }
}

#[test]
fn a_blocked_push_does_not_count_as_an_attempt_and_waits_for_the_end() {
    let sending = Lifecycle::Sending { attempts: 2 };
    let step = Step::Blocked { hold: hold(6) };
    assert_eq!(sending.after(step, at(1)), Ok(blocked(6)));
    let look_up_at = at(12);
    assert_eq!(
        blocked(6).after(Step::StillWaiting { look_up_at }, at(6)),
        Ok(blocked(12))
    );
    let freed = Step::Freed { retry_at: at(12) };
    assert_eq!(
        blocked(12).after(freed, at(12)),
        Ok(Lifecycle::Queued {
            attempts: 1,
            due: at(12)
        })
    );
    assert!(blocked(12).after(Step::Claimed, at(12)).is_err());
}

#[test]
fn a_blocked_command_fails_at_its_deadline_and_not_a_second_before() {
    assert!(blocked(900).after(Step::HeldTooLong, at(900)).is_err());
    let failure = Failure::new(Some("CONFLICT"), "act_9 held the device for too long");
    assert_eq!(
        blocked(900).after(Step::HeldTooLong, at(901)),
        Ok(Lifecycle::Settled {
            outcome: Outcome::Failed(failure)
        })
    );
}

#[test]
fn what_never_left_does_not_count_as_an_attempt() {
    let sending = Lifecycle::Sending { attempts: 2 };
    let put_back = Step::PutBack {
        why: "no route".to_owned(),
        retry_at: at(5),
    };
    assert_eq!(
        sending.after(put_back, at(1)),
        Ok(Lifecycle::Queued {
            attempts: 1,
            due: at(5)
        })
    );
}

#[test]
fn a_failure_that_may_pass_queues_again_and_a_final_one_settles() {
    let failure = Failure::new(Some("DEVICE_OFFLINE"), "no answer");
    let outcome = Outcome::Failed(failure);
    let again = Step::Reported {
        outcome: outcome.clone(),
        retry_at: Some(at(60)),
    };
    assert_eq!(
        acknowledged().after(again, at(9)),
        Ok(Lifecycle::Queued {
            attempts: 1,
            due: at(60)
        })
    );
    let last = Step::Reported {
        outcome: outcome.clone(),
        retry_at: None,
    };
    assert_eq!(
        acknowledged().after(last, at(9)),
        Ok(Lifecycle::Settled { outcome })
    );
}
