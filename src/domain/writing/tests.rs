//! What follows from each reply to a write or a read.

use super::*;
use crate::domain::command::Command;
use crate::domain::unit::Unit;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn percent(value: f64) -> Quantity {
    Quantity {
        value,
        unit: Unit::Percent,
    }
}

fn write() -> SettingWrite {
    let Command { device, run, .. } = Command::example("cmd_1", "dev_1");
    SettingWrite {
        id: RequestId::new("req_1"),
        device,
        setting: "safety_reserve".to_owned(),
        value: percent(20.0),
        retry: RetryPolicy::DEFAULT,
        rule: RuleId::new("rule"),
        run,
        cause: EventId::new("msg_1"),
    }
}

fn read(shown: Option<&str>) -> Stage {
    Stage::Read {
        since: at(10),
        deadline: at(310),
        shown: shown.map(str::to_owned),
        silent_since: None,
        doubt: None,
    }
}

fn shows(value: f64, taken_at: i64) -> Reply {
    Reply::Shown(Showing {
        value: Some(percent(value)),
        taken_at: Some(at(taken_at)),
        is_live: false,
    })
}

fn after(stage: &Stage, reply: Reply, now: i64) -> Progress {
    write().after((stage, 1), reply, at(0), at(now))
}

#[test]
fn only_a_value_from_after_the_write_confirms_or_contradicts_it() {
    let wait = |shown| again(at(26), read(shown), 1, None);
    assert_eq!(after(&read(None), shows(20.0, 9), 11), wait(None));
    assert_eq!(after(&read(None), shows(30.0, 9), 11), wait(None));
    assert_eq!(after(&read(None), shows(30.0, 10), 11), wait(Some("30 %")));
    let confirmed = Progress::Over(WriteResult::Confirmed);
    assert_eq!(after(&read(Some("30 %")), shows(20.0, 10), 11), confirmed);
}

#[test]
fn a_setting_that_was_shown_and_is_left_out_is_read_again() {
    let left_out = || {
        Reply::Shown(Showing {
            value: None,
            taken_at: Some(at(20)),
            is_live: true,
        })
    };
    let never_shown = after(&read(None), left_out(), 20);
    assert_eq!(never_shown, Progress::Over(WriteResult::Unreported));
    let wait = |shown| again(at(35), read(shown), 1, None);
    assert_eq!(
        after(&read(Some("30 %")), left_out(), 20),
        wait(Some("30 %"))
    );
    assert_eq!(after(&read(None), Reply::LeftOut, 20), wait(None));
    let Progress::Over(WriteResult::Failed { outcome, failure }) =
        after(&read(None), Reply::LeftOut, 310)
    else {
        panic!("it is over");
    };
    let message = "it was written as 20 %, and the device has not shown it since";
    assert_eq!(
        (outcome.as_str(), failure.message.as_str()),
        (UNKNOWN, message)
    );
}

#[test]
fn at_the_deadline_what_was_seen_decides() {
    let contradicted = after(&read(Some("30 %")), Reply::NotShown, 310);
    let Progress::Again {
        at: when, stage, ..
    } = contradicted
    else {
        panic!("it is written again: {contradicted:?}");
    };
    assert_eq!((when, stage), (at(340), Stage::Write));
    let unknown = after(&read(None), shows(30.0, 9), 310);
    let Progress::Over(WriteResult::Failed { outcome, .. }) = unknown else {
        panic!("it is over: {unknown:?}");
    };
    assert_eq!(outcome, UNKNOWN);
}

#[test]
fn the_time_in_which_nobody_could_ask_does_not_count_for_an_hour() {
    let mut stage = read(None);
    let reads = (0..).map(|n| 300 + 15 * n);
    let unknown = reads
        .into_iter()
        .find_map(|now| match after(&stage, Reply::NotShown, now) {
            Progress::Again {
                stage: next,
                at: when,
                ..
            } => {
                assert_eq!(when, at(now + 15));
                stage = next;
                None
            }
            Progress::Over(result) => Some((now, result)),
        });
    let failure = Failure::new(
        None,
        "it was written as 20 %, and nobody could ask the device since",
    );
    let result = WriteResult::Failed {
        outcome: UNKNOWN.to_owned(),
        failure,
    };
    assert_eq!(unknown, Some((3900, result.clone())));
    assert_eq!(
        write().over(result, 1).said(),
        "`safety_reserve` of `car_charger`: it was written as 20 %, and nobody could ask the device since"
    );
    assert_eq!(
        after(&stage, shows(20.0, 3899), 3899),
        Progress::Over(WriteResult::Confirmed)
    );
}

#[test]
fn what_did_not_leave_counts_only_when_that_lasts() {
    let unsent = || Reply::ShutOut {
        failure: Failure::new(None, "no route"),
        after: None,
    };
    let attempts = |now| match after(&Stage::Write, unsent(), now) {
        Progress::Again { attempts, .. } => attempts,
        over @ Progress::Over(_) => panic!("it is sent again: {over:?}"),
    };
    assert_eq!((attempts(5), attempts(3600)), (0, 1));
}
