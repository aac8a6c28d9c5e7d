//! Lets a play happen, to the end of all that it brings.

use std::time::Duration;

use serde_json::json;

use super::Life;
use super::play::{Play, Thing};
use super::row::Row;
use crate::domain::event::{Event, Payload, Request, Source};
use crate::domain::id::{EventId, RuleId};
use crate::simulation::day::Day;
use crate::simulation::home::{BATTERY, Plan};
use crate::simulation::invariants::texts;
use crate::simulation::network::Script;
use crate::store::inbox;

/// Longer than a request is waited for, and shorter than a push counts as lost for good.
const LATE: Duration = Duration::from_secs(15);

/// Before the order: the engine starts, and reads its devices.
const BEGIN: Duration = Duration::from_secs(30);

/// How often it is looked whether all is over, and how long afterwards nothing more may come.
const LOOK: Duration = Duration::from_mins(4);
const AFTERWARDS: Duration = Duration::from_mins(20);

/// Each order is over by then.
const LONGEST: u32 = 15 * 60;

/// The day of `play`, and what came of it.
pub(super) async fn act(life: &Life, home: &'static Plan, play: &Play) -> Row {
    let mut day = Day::of(home, 7);
    day.network.lock().is_calm = true;
    day.pass(BEGIN).await;
    let mut n_given = 0;
    let order = Thing::Rule("order");
    for thing in play.before.iter().chain([&order]).chain(&play.after) {
        happen(&mut day, play, thing, &mut n_given).await;
    }
    let mut n_looks = 0;
    while !is_all_over(&day) {
        assert!(n_looks < LONGEST, "it never ends: {:#?}", day.all_steps());
        n_looks += 1;
        go_on(&mut day, play, LOOK).await;
    }
    let n_pushes = day.network.lock().pushes.len();
    go_on(&mut day, play, AFTERWARDS).await;
    let later = day.network.lock().pushes.len();
    assert_eq!(n_pushes, later, "something was pushed when all was over");
    let steps = day.all_steps();
    for script in &day.network.lock().scripts {
        assert!(
            0 < script.n_struck,
            "{:?} never struck: {steps:#?}",
            script.fate
        );
    }
    day.look_into_tables();
    let report = day.findings.report();
    assert!(report.is_none(), "{}", report.unwrap());
    Row::read(&day, life, play).await
}

async fn happen(day: &mut Day, play: &Play, thing: &Thing, n_given: &mut u32) {
    match thing {
        Thing::Wait(time) => go_on(day, play, *time).await,
        Thing::Control(path, body) => drop(day.amps.control(path, body).unwrap()),
        Thing::Befalls(at, fate, times) => day.network.lock().scripts.push(Script {
            at: *at,
            fate: *fate,
            times: *times,
            late: LATE,
            n_struck: 0,
        }),
        Thing::Rule(rule) => {
            *n_given += 1;
            give(day, rule, *n_given).await;
        }
        Thing::Kill(time) => day.kill(*time).await,
        Thing::UntilWebhook => {
            let before = day.n_acknowledged();
            for _ in 0..600 {
                go_on(day, play, Duration::from_millis(50)).await;
                if before < day.n_acknowledged() {
                    return;
                }
            }
            panic!("no webhook came: {:?}", day.all_steps());
        }
        Thing::CancelledElsewhere => {
            let planned = day.amps.actions().pop().unwrap();
            let path = format!("/actions/{}/cancel", planned.id);
            let answer = day.amps.ask(("POST", &path), Vec::new(), Vec::new()).await;
            assert_eq!(answer.unwrap().status, 200, "{play}");
        }
        Thing::ReplacedElsewhere => {
            let order = json!({"action": {"command": "idle"}, "onConflict": "cancel_and_replace"});
            let (path, body) = (
                format!("/battery/{BATTERY}"),
                order.to_string().into_bytes(),
            );
            let answer = day.amps.ask(("POST", &path), Vec::new(), body).await;
            assert_eq!(answer.unwrap().status, 202, "{play}");
        }
    }
}

/// Lets time pass, and pulls the plug where a fate says so.
async fn go_on(day: &mut Day, play: &Play, time: Duration) {
    let end = crate::clock::later(day.now(), time);
    loop {
        let left = Duration::try_from(end.duration_since(day.now())).unwrap_or_default();
        day.pass(left).await;
        if !std::mem::take(&mut day.network.lock().is_time_to_kill) {
            break;
        }
        day.kill(play.down).await;
    }
}

async fn give(day: &Day, rule: &str, nth: u32) {
    let event = Event {
        id: EventId::new(format!("req_{nth}")),
        source: Source::Person,
        received_at: day.home_now(),
        payload: Payload::Request(Request::Trigger {
            rule: RuleId::new(rule),
        }),
    };
    let engine = day.engine.as_ref().unwrap();
    let work = engine
        .store
        .write(move |tx| inbox::record(tx, event.clone(), None));
    work.await.unwrap();
}

/// Nothing is under way any more.
fn is_all_over(day: &Day) -> bool {
    const OPEN: &str = "
        SELECT id FROM commands WHERE is_open = 1
        UNION ALL SELECT id FROM runs WHERE state = 'running'
        UNION ALL SELECT id FROM setting_writes WHERE state IN ('waiting', 'under_way')";
    day.engine.is_some() && texts(&day.network.lock().database, OPEN, []).is_empty()
}
