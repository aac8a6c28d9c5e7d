//! What commits together, and what a failure leaves behind.

use std::sync::{Arc, mpsc};

use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;

use crate::domain::command::Command;
use crate::domain::event::{Event, Payload, Report, Source};
use crate::domain::id::{
    ActionId, CommandId, DeviceId, EventId, InputName, RuleId, RuleVersion, RunId, StepId,
};
use crate::domain::lifecycle::{Failure, Outcome, Step};
use crate::engine::decision::Change;
use crate::engine::history::History;
use crate::engine::memory::Memory;
use crate::engine::run::Run;
use crate::engine::state::State;
use crate::engine::wait::Wait;
use crate::rules::condition::HeldSubject;
use crate::rules::expr::value::Value;
use crate::rules::rule::Program;
use crate::store::error::Error;
use crate::store::inbox::{self, Recorded};
use crate::store::retention::Limits;
use crate::store::view::View;
use crate::store::writer::{Consumer, Tx};
use crate::store::{Store, outbox, retention, runs};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn event(id: &str) -> Event {
    Event {
        id: EventId::new(id),
        source: Source::Webhook,
        received_at: NOW,
        payload: Payload::Unknown,
    }
}

/// A clock that was put back shows the same moments again.
#[tokio::test]
async fn what_happens_at_a_moment_that_comes_twice_is_two_events() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _forgotten) = start(&dir, |_| Ok(()));
    let happened = store.write(|tx| {
        inbox::happen(tx, event("tick"))?;
        inbox::happen(tx, event("tick"))?;
        let mut statement = tx.prepare("SELECT count(DISTINCT id) FROM events")?;
        Ok(statement.query_row([], |row| row.get::<_, i64>(0))?)
    });
    assert_eq!(happened.await.unwrap(), 2);
}

#[tokio::test]
async fn what_a_value_was_is_there_again_until_nobody_asks_for_it() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _forgotten) = start(&dir, |_| Ok(()));
    let of = HeldSubject::Input(InputName::new("grid_price"));
    let history: History = serde_json::from_value(serde_json::json!({
        "gap": {"secs": 1800, "nanos": 0},
        "stretches": [{"from": NOW, "heard": NOW, "low": 0.1, "high": 0.3}, {"from": NOW, "heard": NOW, "low": 0.2}],
    }))
    .unwrap();
    let write = async |change: Change| {
        let written = store.write(move |tx| {
            runs::save(tx, &State::default(), &change)?;
            runs::load(tx)
        });
        written.await.unwrap()
    };
    let known = Change::History {
        of: of.clone(),
        history: history.clone(),
    };
    assert_eq!(write(known).await.history(&of), Some(&history));
    let over = Change::HistoryOver { of: of.clone() };
    assert_eq!(write(over).await.history(&of), None);
}

#[tokio::test]
async fn the_row_of_an_order_names_the_step_that_gave_it() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _forgotten) = start(&dir, |_| Ok(()));
    let written = store.write(|tx| {
        let without = Command::example("cmd_1", "dev_1");
        let with = Command {
            step: Some(StepId::new("later")),
            ..Command::example("cmd_2", "dev_1")
        };
        for command in [without, with] {
            outbox::enqueue(tx, &command, NOW)?;
        }
        let mut statement = tx.prepare("SELECT step FROM commands ORDER BY seq")?;
        let steps = statement.query_map([], |row| row.get::<_, Option<String>>(0))?;
        Ok(steps.collect::<Result<Vec<_>, _>>()?)
    });
    assert_eq!(written.await.unwrap(), [None, Some("later".to_owned())]);
}

#[tokio::test]
async fn a_run_remembers_what_its_trigger_saw() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _forgotten) = start(&dir, |_| Ok(()));
    let run = example_run();
    let change = Change::RunStarted(run.clone());
    let state = store
        .write(move |tx| {
            runs::save(tx, &State::default(), &change)?;
            runs::load(tx)
        })
        .await
        .unwrap();
    assert_eq!(state.run(&run.id), Some(&run));
}

#[tokio::test]
async fn a_run_whose_id_is_taken_is_no_run_and_that_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _forgotten) = start(&dir, |_| Ok(()));
    let change = Change::RunStarted(example_run());
    let twice = store.write(move |tx| {
        runs::save(tx, &State::default(), &change)?;
        runs::save(tx, &State::default(), &change)
    });
    let error = twice.await.unwrap_err();
    assert_eq!(error.to_string(), "the run run_1 is there already");
}

fn example_run() -> Run {
    let trigger = [
        ("device", Value::text("house_battery")),
        ("at", Value::Moment(NOW)),
        ("own", Value::Bool(true)),
    ];
    Run {
        id: RunId::new("run_1"),
        rule: RuleId::new("rule"),
        program: Arc::new(Program {
            version: RuleVersion::of("rule"),
            operations: Vec::new(),
            handlers: Vec::new(),
        }),
        position: 0,
        wait: Some(Wait::Delay),
        until: Some(NOW),
        parent: None,
        key: Some("house_battery".to_owned()),
        chain: vec![RuleId::new("a"), RuleId::new("b")],
        cause: EventId::new("msg_1"),
        trigger: trigger.map(|(name, it)| (name.to_owned(), it)).into(),
        started_at: NOW,
        memory: Memory {
            trigger: Some("night".to_owned()),
            ..Memory::default()
        },
    }
}

/// Puts a command in line for each event it sees, and then does as it is told.
struct Clerk {
    then: fn(&Event) -> Result<(), Error>,
    forgot: mpsc::Sender<()>,
}

impl Consumer for Clerk {
    fn consume(&mut self, tx: &Tx<'_>, event: &Event) -> Result<(), Error> {
        if event.payload == Payload::Unknown {
            outbox::enqueue(
                tx,
                &Command::example(&format!("cmd_{}", event.id), "dev_1"),
                NOW,
            )?;
        }
        (self.then)(event)
    }

    fn forget(&mut self) {
        self.forgot.send(()).unwrap();
    }
}

fn start(dir: &TempDir, then: fn(&Event) -> Result<(), Error>) -> (Store, mpsc::Receiver<()>) {
    let (forgot, forgotten) = mpsc::channel();
    let clerk = Box::new(Clerk { then, forgot });
    (
        Store::start(dir.path(), vec![clerk]).unwrap().store,
        forgotten,
    )
}

async fn record(store: &Store, id: &str) -> Result<Recorded, Error> {
    let event = event(id);
    store
        .write(move |tx| inbox::record(tx, event.clone(), None))
        .await
}

/// Ids of the events and commands on record, newest first.
fn on_record(dir: &TempDir) -> (Vec<String>, Vec<String>) {
    let view = View::open(dir.path()).unwrap().unwrap();
    (
        view.events(99)
            .unwrap()
            .into_iter()
            .map(|it| it.id)
            .collect(),
        view.commands(99)
            .unwrap()
            .into_iter()
            .map(|it| it.id)
            .collect(),
    )
}

#[tokio::test]
async fn an_event_and_what_it_leads_to_commit_together() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _forgotten) = start(&dir, |_| Ok(()));
    assert_eq!(record(&store, "msg_1").await.unwrap(), Recorded::New);
    assert_eq!(
        on_record(&dir),
        (vec!["msg_1".to_owned()], vec!["cmd_msg_1".to_owned()])
    );
    assert_eq!(record(&store, "msg_1").await.unwrap(), Recorded::Known);
    assert_eq!(on_record(&dir).1.len(), 1);
}

#[tokio::test]
async fn an_event_that_breaks_its_consumer_is_a_dead_letter_and_leaves_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let (store, forgotten) = start(&dir, |event| match event.id.as_str() {
        "msg_bad" => Err(Error::Broken("a bug".to_owned())),
        _ => Ok(()),
    });
    assert_eq!(record(&store, "msg_bad").await.unwrap(), Recorded::New);
    assert_eq!(record(&store, "msg_good").await.unwrap(), Recorded::New);
    assert_eq!(
        on_record(&dir),
        (
            vec!["msg_good".to_owned(), "msg_bad".to_owned()],
            vec!["cmd_msg_good".to_owned()]
        )
    );
    let letter = View::open(dir.path())
        .unwrap()
        .unwrap()
        .dead_letter("msg_bad")
        .unwrap();
    assert_eq!(letter.unwrap().reason, "a bug");
    assert_ne!(forgotten.try_iter().count(), 0);
}

#[tokio::test]
async fn a_failure_of_the_medium_undoes_the_whole_batch_and_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let (store, forgotten) = start(&dir, |event| match event.id.as_str() {
        "msg_bad" => Err(Error::Unavailable("the disk is full".to_owned())),
        _ => Ok(()),
    });
    let refused = record(&store, "msg_bad").await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the database cannot be written now: the disk is full"
    );
    assert_eq!(on_record(&dir), (Vec::new(), Vec::new()));
    assert_eq!(forgotten.try_iter().count(), 1);
    assert_eq!(record(&store, "msg_good").await.unwrap(), Recorded::New);
}

#[tokio::test]
async fn a_job_that_fails_leaves_no_mark_and_its_neighbours_stand() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _forgotten) = start(&dir, |_| Ok(()));
    let failing = store.write(|tx| {
        inbox::record(tx, event("msg_failing"), None)?;
        Err::<(), _>(Error::Broken("not this one".to_owned()))
    });
    let (failed, first, second) =
        tokio::join!(failing, record(&store, "msg_1"), record(&store, "msg_2"));
    assert_eq!(failed.unwrap_err().to_string(), "not this one");
    assert_eq!(
        (first.unwrap(), second.unwrap()),
        (Recorded::New, Recorded::New)
    );
    let (events, commands) = on_record(&dir);
    assert_eq!(events, ["msg_2", "msg_1"]);
    assert_eq!(commands, ["cmd_msg_2", "cmd_msg_1"]);
}

/// Ids of the commands whose push is under way.
async fn under_way(store: &Store) -> Vec<String> {
    let sending = store.write(outbox::sending).await.unwrap();
    sending
        .into_iter()
        .map(|it| it.command.id.to_string())
        .collect()
}

#[tokio::test]
async fn a_device_gets_one_push_at_a_time_in_the_order_they_were_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _forgotten) = start(&dir, |_| Ok(()));
    for id in ["1", "2", "3"] {
        record(&store, id).await.unwrap();
    }
    assert_eq!(under_way(&store).await, ["cmd_1"]);
    let end = |id: &'static str, retry_at| {
        store.write(move |tx| {
            let failure = Failure::new(None, "no");
            let step = Step::Refused { failure, retry_at };
            outbox::advance(tx, &CommandId::new(id), step, None, NOW).map(drop)
        })
    };
    end("cmd_1", None).await.unwrap();
    assert_eq!(under_way(&store).await, ["cmd_2"]);
    // The second waits for another attempt; the third stays behind it.
    let later = NOW + SignedDuration::from_secs(60);
    end("cmd_2", Some(later)).await.unwrap();
    assert_eq!(under_way(&store).await, [""; 0]);
    store
        .write(move |tx| outbox::promote_due(tx, later))
        .await
        .unwrap();
    assert_eq!(under_way(&store).await, ["cmd_2"]);
}

#[tokio::test]
async fn what_is_over_is_removed_when_it_is_old_and_what_is_not_stays() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _forgotten) = start(&dir, |_| Ok(()));
    record(&store, "1").await.unwrap();
    record(&store, "2").await.unwrap();
    let limit = NOW + SignedDuration::from_secs(1);
    let prune = |limit| {
        let limits = Limits {
            traces: limit,
            events: limit,
            starts: NOW,
        };
        store.write(move |tx| retention::prune(tx, limits, 100))
    };
    assert_eq!(
        prune(limit).await.unwrap(),
        0,
        "nothing is newer: a clock far ahead"
    );
    let newer = Event {
        received_at: limit,
        ..event("3")
    };
    store
        .write(move |tx| inbox::record(tx, newer.clone(), None).map(drop))
        .await
        .unwrap();
    assert_eq!(
        prune(NOW).await.unwrap(),
        0,
        "what is as old as the limit stays"
    );
    prune(limit).await.unwrap();
    let (events, commands) = on_record(&dir);
    assert_eq!(events, ["3"]);
    assert_eq!(commands, ["cmd_3", "cmd_2", "cmd_1"]);
}

/// Amps has taken the push of `id` as `action`.
async fn acknowledged(store: &Store, id: &'static str, action: &'static str) {
    let taken = store.write(move |tx| {
        let action = ActionId::new(action);
        let step = Step::Acknowledged {
            action: action.clone(),
            look_up_at: NOW,
            deadline: NOW + SignedDuration::from_mins(15),
        };
        outbox::acknowledge(tx, &CommandId::new(id), step, &action, NOW)
    });
    taken.await.unwrap();
}

async fn report(store: &Store, action: &'static str, outcome: Outcome) {
    let settled = store.write(move |tx| {
        let report = Report {
            action: ActionId::new(action),
            device: DeviceId::new("dev_1"),
            device_type: None,
            command: Some("charge".to_owned()),
            outcome: outcome.clone(),
            ended_at: None,
        };
        outbox::settle_by_report(tx, &EventId::new("msg"), &report, NOW)
    });
    settled.await.unwrap();
}

#[tokio::test]
async fn a_late_report_on_an_earlier_attempt_says_nothing_about_the_present_one() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _forgotten) = start(&dir, |_| Ok(()));
    record(&store, "1").await.unwrap();
    let state = || {
        View::open(dir.path())
            .unwrap()
            .unwrap()
            .commands(1)
            .unwrap()[0]
            .state
            .clone()
    };
    acknowledged(&store, "cmd_1", "act_1").await;
    let offline = Failure::new(Some("DEVICE_OFFLINE"), "no answer");
    report(&store, "act_1", Outcome::Failed(offline)).await;
    assert_eq!(state(), "queued");
    let again = NOW + SignedDuration::from_secs(30);
    store
        .write(move |tx| outbox::promote_due(tx, again))
        .await
        .unwrap();
    acknowledged(&store, "cmd_1", "act_2").await;

    report(&store, "act_1", Outcome::Completed).await;
    assert_eq!(state(), "acknowledged");
    report(&store, "act_2", Outcome::Completed).await;
    assert_eq!(state(), "completed");
    report(&store, "act_2", Outcome::Cancelled).await;
    assert_eq!(state(), "completed");
}

#[tokio::test]
async fn claims_that_no_push_was_begun_for_can_be_given_back() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _forgotten) = start(&dir, |_| Ok(()));
    record(&store, "1").await.unwrap();
    let give_back = store.write(|tx| {
        outbox::advance(tx, &CommandId::new("cmd_1"), Step::GivenBack, None, NOW).map(drop)
    });
    give_back.await.unwrap();
    let view = View::open(dir.path()).unwrap().unwrap();
    let command = view.commands(1).unwrap().remove(0);
    assert_eq!((command.state.as_str(), command.attempts), ("queued", 0));
}
