//! Each answer of Amps and the step it leads to, in one table.

mod pages;
mod shut_out;
mod waking;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::config::home::Amps;
use crate::delivery::verdict::{Key, Told, Verdict, Waits, not_found, still_waiting};
use crate::delivery::{self, Delivery};
use crate::device_api::DeviceApi;
use crate::device_api::answer::{Answer, Refusal};
use crate::device_api::gate::{Gate, REQUESTS_MAX};
use crate::device_api::pace::Rate;
use crate::device_api::wire::{Action, ActionState};
use crate::domain::command::Command;
use crate::domain::id::ActionId;
use crate::domain::lifecycle::{Doubt, DoubtCause, Failure, Lifecycle, Step};
use crate::domain::secret::Secret;
use crate::store::Store;
use crate::store::open::Open;
use crate::store::outbox;
use crate::store::view::View;

/// A first push of `charge` that left at `moment`.
pub(super) fn open_at(moment: Timestamp) -> Open {
    Open {
        command: Command::example("cmd_1", "dev_1"),
        lifecycle: Lifecycle::Sending { attempts: 1 },
        created_at: moment,
        began_at: moment,
        sent_at: Some(moment),
        is_from_before: false,
    }
}

/// An action of which only this is known.
pub(super) fn action(id: &str) -> Action {
    Action {
        id: ActionId::new(id),
        device: None,
        command: None,
        parameters: BTreeMap::new(),
        state: ActionState::Acknowledged,
        created_at: None,
        start: None,
        end: None,
        ended_at: None,
        failure: None,
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

const WAITS: Waits = Waits {
    look_up_after: Duration::from_secs(30),
    in_doubt_for: Duration::from_mins(1),
};

fn amps(base_url: String) -> Amps {
    Amps {
        base_url,
        api_key: Secret::new("sk_test_1"),
        request_timeout: Duration::from_mins(1),
        look_up_after: WAITS.look_up_after,
        in_doubt_for: WAITS.in_doubt_for,
    }
}

fn refused(status: u16, code: Option<&str>) -> Answer<Action> {
    Answer::Refused(Refusal {
        status,
        code: code.map(str::to_owned),
        message: "no".to_owned(),
        ..Refusal::default()
    })
}

/// The table itself is held by the suite `answers`.
#[test]
fn the_meaning_of_an_answer_is_its_verdict() {
    let works = Key {
        has_worked: true,
        works_now: None,
    };
    let of = |status, code| Verdict::of(&refused(status, code), works);
    let failure = |code| Failure::new(code, "no");
    assert_eq!(
        of(500, Some("INTERNAL_ERROR")),
        Verdict::InDoubt {
            answered: Some(failure(Some("INTERNAL_ERROR"))),
            after: None
        }
    );
    assert_eq!(
        of(409, Some("CONFLICT")),
        Verdict::Blocked(failure(Some("CONFLICT")))
    );
    assert_eq!(
        of(422, Some("UNSUPPORTED_MODE")),
        Verdict::GiveUp(failure(Some("UNSUPPORTED_MODE")))
    );
    assert_eq!(
        of(429, None),
        Verdict::Retry {
            failure: failure(None),
            after: None,
            remedy: None
        }
    );
}

#[test]
fn a_key_that_has_worked_is_not_given_up_for_a_burst() {
    for (code, told) in [
        (
            Some("UNAUTHORIZED"),
            "no; check `api_key` below `amps` in home.yaml",
        ),
        (None, "no; check `api_key` below `amps` in home.yaml"),
    ] {
        let of = |has_worked| {
            let key = Key {
                has_worked,
                works_now: None,
            };
            Verdict::of(&refused(401, code), key)
        };
        let failure = Failure::new(code, told);
        assert_eq!(
            of(true),
            Verdict::NotLetIn {
                failure,
                after: None
            }
        );
        assert_eq!(of(false), Verdict::GiveUp(Failure::new(code, told)));
        // When no attempt is left, it is told all the same.
        let given_up = |attempts| {
            let mut open = open_at(at(0));
            open.lifecycle = Lifecycle::Sending { attempts };
            let step = WAITS.step(of(true), &open, at(3600));
            let Step::Refused { failure, retry_at } = step else {
                panic!("{step:?}");
            };
            (failure.message, retry_at)
        };
        assert_eq!(given_up(2), (told.to_owned(), Some(at(3660))));
        assert_eq!(given_up(3), (told.to_owned(), None));
    }
}

#[test]
fn a_key_that_is_not_taken_is_the_manufacturers_while_amps_answers_to_ours() {
    let told = |has_worked, works_now| {
        let key = Key {
            has_worked,
            works_now,
        };
        #[expect(clippy::wildcard_enum_match_arm, reason = "any other is wrong")]
        match Verdict::of(&refused(401, Some("INVALID_API_KEY")), key) {
            Verdict::GiveUp(failure) => failure.message,
            Verdict::NotLetIn { failure, after } => {
                assert_eq!(after, None);
                format!("waits: {}", failure.message)
            }
            verdict => panic!("{verdict:?}"),
        }
    };
    assert_eq!(
        told(true, Some(true)),
        "no; the manufacturer does not take it: link the device again in Amps"
    );
    let check = "check `api_key` below `amps` in home.yaml";
    assert_eq!(told(true, Some(false)), format!("waits: no; {check}"));
    assert_eq!(told(false, Some(false)), format!("no; {check}"));
    assert_eq!(
        told(true, None),
        format!("no; {check}; if other devices work, link this one again in Amps")
    );
}

#[test]
fn what_never_left_is_tried_again_and_what_may_have_arrived_is_in_doubt() {
    let reason = "connection refused".to_owned();
    assert_eq!(
        Verdict::of(
            &Answer::NotSent {
                reason: reason.clone()
            },
            Key::default()
        ),
        Verdict::Unsent {
            why: "Amps cannot be reached: connection refused".to_owned(),
        }
    );
    assert_eq!(
        Verdict::of(
            &Answer::Lost {
                reason,
                is_answered: false
            },
            Key::default()
        ),
        Verdict::InDoubt {
            answered: None,
            after: None
        }
    );
}

#[test]
fn what_may_have_been_taken_is_sent_again_no_sooner_than_amps_and_the_rule_say() {
    let doubt = |attempts, answered: Option<Failure>, after| {
        let mut open = open_at(at(0));
        open.lifecycle = Lifecycle::Sending { attempts };
        open.command.retry.backoff = Duration::from_secs(70);
        let after = Some(after).filter(|it| *it != 0).map(Duration::from_secs);
        let step = WAITS.step(Verdict::InDoubt { answered, after }, &open, at(10));
        let Step::AnswerLost { doubt } = step else {
            panic!("{step:?}");
        };
        assert_eq!(doubt.look_up_at, at(11), "it is looked up at once");
        (doubt.settles_at, doubt.deadline)
    };
    let answered = || Some(Failure::new(Some("SERVICE_UNAVAILABLE"), "no"));
    assert_eq!(doubt(1, answered(), 0), (at(80), at(910)));
    assert_eq!(doubt(1, answered(), 90), (at(100), at(910)));
    assert_eq!(doubt(1, answered(), 3600), (at(3610), at(3670)));
    // It is not sent again: what is known is told as soon as it is.
    assert_eq!(doubt(3, answered(), 90), (at(70), at(910)));
    assert_eq!(doubt(1, None, 0), (at(70), at(910)));
}

#[test]
fn a_retry_waits_as_long_as_the_rule_says_and_as_amps_asks() {
    let failure = Failure::new(None, "busy");
    let retry_at = |after, attempts| {
        let mut open = open_at(at(0));
        open.lifecycle = Lifecycle::Sending { attempts };
        let verdict = Verdict::Retry {
            failure: failure.clone(),
            after,
            remedy: None,
        };
        let step = WAITS.step(verdict, &open, at(100));
        let Step::Refused { retry_at, .. } = step else {
            panic!("{step:?}");
        };
        retry_at
    };
    assert_eq!(retry_at(None, 1), Some(at(130)));
    assert_eq!(retry_at(None, 2), Some(at(160)));
    assert_eq!(retry_at(Some(Duration::from_secs(5)), 1), Some(at(130)));
    assert_eq!(retry_at(Some(Duration::from_secs(90)), 1), Some(at(190)));
    assert_eq!(retry_at(None, 3), None, "three attempts are the default");
}

#[test]
fn a_device_that_nobody_can_be_seen_to_hold_costs_attempts_after_a_quarter_of_an_hour() {
    let blocked = || Verdict::Blocked(Failure::new(Some("CONFLICT"), "busy"));
    assert_eq!(
        WAITS.step(blocked(), &open_at(at(0)), at(899)),
        Step::PutBack {
            why: "another action held the device".to_owned(),
            retry_at: at(904)
        }
    );
    assert_eq!(
        WAITS.step(blocked(), &open_at(at(0)), at(900)),
        Step::Refused {
            failure: Failure::new(Some("CONFLICT"), "busy"),
            retry_at: Some(at(930))
        }
    );
}

#[test]
fn an_acknowledged_push_is_looked_up_and_has_a_deadline() {
    let action = action("act_1");
    let verdict = Verdict::of(&Answer::Ok(action), Key::default());
    assert_eq!(
        WAITS.step(verdict, &open_at(at(0)), at(1)),
        Step::Acknowledged {
            action: ActionId::new("act_1"),
            look_up_at: at(31),
            deadline: at(901),
        }
    );
}

#[test]
fn a_report_may_be_looked_up_late_and_expires_all_the_same() {
    let waits = Waits {
        look_up_after: Duration::from_hours(1),
        ..WAITS
    };
    assert_eq!(
        waits.acknowledged(&open_at(at(0)).command, &action("act_1"), at(0)),
        Step::Acknowledged {
            action: ActionId::new("act_1"),
            look_up_at: at(900),
            deadline: at(900)
        }
    );
}

/// A push whose answer was lost at 10.
fn in_doubt(cause: DoubtCause, attempts: u32) -> Open {
    let mut open = open_at(at(0));
    let doubt = WAITS.doubt(cause, &Command::example("cmd_1", "dev_1"), at(10));
    assert_eq!(
        doubt,
        Doubt {
            cause,
            answered: None,
            look_up_at: at(11),
            settles_at: at(70),
            deadline: at(910)
        }
    );
    open.lifecycle = Lifecycle::InDoubt { attempts, doubt };
    open
}

#[test]
fn a_look_up_proves_absence_only_when_it_began_after_the_push_could_arrive() {
    let open = in_doubt(DoubtCause::AnswerLost, 1);
    // Asked a moment too early, however late the answer came.
    assert_eq!(
        not_found(&open, at(69), at(200)),
        Step::StillWaiting {
            look_up_at: at(400)
        }
    );
    assert_eq!(
        not_found(&open, at(70), at(200)),
        Step::NeverArrived {
            retry_at: Some(at(200))
        }
    );
}

#[test]
fn what_was_lost_for_good_counts_as_an_attempt_and_an_interrupted_push_does_not() {
    let lost = in_doubt(DoubtCause::AnswerLost, 3);
    assert_eq!(
        not_found(&lost, at(70), at(70)),
        Step::NeverArrived { retry_at: None }
    );
    let interrupted = in_doubt(DoubtCause::Interrupted, 3);
    assert_eq!(
        not_found(&interrupted, at(70), at(70)),
        Step::NeverArrived {
            retry_at: Some(at(70))
        }
    );
}

#[test]
fn a_doubt_is_looked_up_ever_more_rarely_until_it_settles_or_expires() {
    let open = in_doubt(DoubtCause::AnswerLost, 1);
    let next = |now| {
        let step = still_waiting(&open, Told::Something, at(now));
        if let Step::StillWaiting { look_up_at } = step {
            return Some(look_up_at.as_second());
        }
        assert_eq!(step, Step::TimePassed);
        None
    };
    assert_eq!(next(11), Some(22));
    assert_eq!(
        next(50),
        Some(70),
        "the look-up that decides is not put off"
    );
    assert_eq!(next(70), Some(140));
    assert_eq!(next(800), Some(910), "nor is the end");
    assert_eq!(next(909), Some(910));
    assert_eq!(next(910), None);
}

#[test]
fn a_look_up_that_is_not_answered_does_not_end_the_doubt_for_another_hour() {
    let open = in_doubt(DoubtCause::AnswerLost, 1);
    let step = |now| still_waiting(&open, Told::Nothing, at(now));
    assert_eq!(
        step(910),
        Step::StillWaiting {
            look_up_at: at(1210)
        }
    );
    assert_eq!(
        step(4509),
        Step::StillWaiting {
            look_up_at: at(4809)
        }
    );
    assert_eq!(step(4510), Step::TimePassed);
}

#[test]
fn an_action_that_begins_later_owes_its_report_later() {
    let action = Action {
        start: Some(at(7200)),
        ..action("act_1")
    };
    assert_eq!(
        WAITS.acknowledged(&open_at(at(0)).command, &action, at(1)),
        Step::Acknowledged {
            action: ActionId::new("act_1"),
            look_up_at: at(3601),
            deadline: at(8100),
        }
    );
}

/// Seventeen devices, an Amps that takes connections and never answers, and a stop.
#[tokio::test]
async fn a_stop_gives_back_what_waited_for_a_place_and_leaves_what_was_begun_in_doubt() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let amps = amps(format!("http://{}", listener.local_addr().unwrap()));
    let dir = tempfile::tempdir().unwrap();
    let started = Store::start(dir.path(), Vec::new()).unwrap();
    let store = started.store.clone();
    let enqueue = store.write(|tx| {
        (0..=REQUESTS_MAX).try_for_each(|n| {
            let command = Command::example(&format!("cmd_{n}"), &format!("dev_{n}"));
            outbox::enqueue(tx, &command, at(0))
        })
    });
    enqueue.await.unwrap();
    let (clock, winder) = Clock::simulated(at(1));
    let delivery = Delivery {
        store: store.clone(),
        api: Gate::new(
            DeviceApi::try_new(&amps).unwrap(),
            Rate::of(30),
            clock.clone(),
        ),
        clock,
        waits: WAITS,
    };
    let stop = CancellationToken::new();
    let running = tokio::spawn(delivery::run(delivery, stop.clone(), started.news.requests));
    let mut connections = Vec::new();
    while connections.len() < REQUESTS_MAX {
        connections.push(listener.accept().await.unwrap());
    }
    stop.cancel();
    for _ in 0..1000 {
        if running.is_finished() {
            break;
        }
        winder.advance(Duration::from_secs(5));
        Clock::System.sleep(Duration::from_millis(5)).await;
    }
    running.await.unwrap();
    let commands = View::open(dir.path())
        .unwrap()
        .unwrap()
        .commands(99)
        .unwrap();
    let count = |state| commands.iter().filter(|it| it.state == state).count();
    assert_eq!((count("queued"), count("sending")), (1, REQUESTS_MAX));
}
