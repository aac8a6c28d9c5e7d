//! Each fault at each step of an order's life, one order at a time: what came of it, in one table.
//!
//! The table is `fault_sweep.txt`; `UPDATE=1 cargo test --lib fault_sweep` writes it anew. Whatever the table says,
//! Amps never takes a push of an order while another push of it stands, and every order comes to an end.

use std::fmt::Write;
use std::time::Duration;

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::day::{Day, LONGEST_WAIT};
use super::home;
use super::network::{At, Fate, Script};
use crate::domain::event::{Event, Payload, Request, Source};
use crate::domain::id::{EventId, RuleId};
use crate::domain::lifecycle::{Lifecycle, Outcome};
use crate::store::inbox;

const TABLE: &str = "tests/simulation/fault_sweep.txt";

/// Longer than a request is waited for, and shorter than a push counts as lost for good.
const LATE: Duration = Duration::from_secs(15);

/// How long the program is gone after each kill.
const DOWN: Duration = Duration::from_secs(3);

/// Each order is over by then.
const LONG: Duration = LONGEST_WAIT;

/// The statuses that Amps documents, each with a code that it may come with.
const STATUSES: &[(u16, &str)] = &[
    (400, "INVALID_REQUEST"),
    (401, "UNAUTHORIZED"),
    (401, "INVALID_API_KEY"),
    (403, "INSUFFICIENT_PERMISSIONS"),
    (404, "DEVICE_NOT_FOUND"),
    (409, "CONFLICT"),
    (422, "UNSUPPORTED_MODE"),
    (429, "RATE_LIMIT_EXCEEDED"),
    (500, "INTERNAL_ERROR"),
    (501, "NOT_IMPLEMENTED"),
    (503, "SERVICE_UNAVAILABLE"),
];

/// What is played on an order, from its beginning on.
#[derive(Clone, Debug)]
struct Play {
    step: &'static str,
    fault: String,
    /// Control requests before the order is given.
    before: Vec<(&'static str, Value)>,
    script: Option<(At, Fate, u32)>,
    /// Before this one, the push meets this.
    first: Option<Fate>,
    /// What else happens.
    then: Then,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    Nothing,
    /// Killed so long after the order was given.
    KillAfter(Duration),
    /// Gone for so long from the moment at which the order is acknowledged.
    GoneFor(Duration),
    /// Killed right after the report was taken in.
    KillAfterReport,
    /// Webhooks that are held are let go after so long.
    ReleaseAfter(Duration),
}

/// Every time, as long as the order lives.
const EACH: u32 = u32::MAX;

/// What came of it.
struct Row {
    step: &'static str,
    fault: String,
    outcome: String,
    /// Seconds from the order to its end.
    took: i64,
    n_accepted: usize,
    told: String,
}

fn play(step: &'static str, fault: impl Into<String>) -> Play {
    Play {
        step,
        fault: fault.into(),
        before: Vec::new(),
        script: None,
        first: None,
        then: Then::Nothing,
    }
}

impl Play {
    fn scripted(mut self, at: At, fate: Fate, times: u32) -> Self {
        self.script = Some((at, fate, times));
        self
    }

    fn after(mut self, fate: Fate) -> Self {
        self.first = Some(fate);
        self
    }

    fn with(mut self, path: &'static str, body: Value) -> Self {
        self.before.push((path, body));
        self
    }

    fn then(mut self, then: Then) -> Self {
        self.then = then;
        self
    }
}

/// What may befall any request, and what it is called.
fn fates() -> Vec<(String, Fate)> {
    let mut fates = vec![
        ("it cannot be sent".to_owned(), Fate::NotSent),
        ("lost on its way there".to_owned(), Fate::LostBefore),
        ("its answer is lost".to_owned(), Fate::LostAfter),
        ("arrives after the timeout".to_owned(), Fate::LateBefore),
        ("answered after the timeout".to_owned(), Fate::LateAfter),
        ("killed before it arrives".to_owned(), Fate::KilledBefore),
        ("killed before its answer".to_owned(), Fate::KilledAfter),
    ];
    let mut last = 0;
    for (status, code) in STATUSES {
        fates.push((format!("{status} {code}"), Fate::Refused(*status, code)));
        if last != *status {
            fates.push((
                format!("{status} without a code"),
                Fate::Refused(*status, ""),
            ));
        }
        last = *status;
    }
    fates
}

fn plays() -> Vec<Play> {
    let mut plays = vec![play("none", "nothing goes wrong")];
    for (name, fate) in fates() {
        plays.push(play("the push", name).scripted(At::Push, fate, 1));
    }
    for (name, fate) in fates() {
        if matches!(fate, Fate::Refused(..) | Fate::LostBefore | Fate::NotSent) {
            plays.push(play("the push", format!("{name}, each time")).scripted(
                At::Push,
                fate,
                EACH,
            ));
        }
    }
    plays.extend(limited());
    plays.extend(answers());
    for (name, fate) in fates() {
        let step = "look-up of a lost push that arrived";
        let it = play(step, name).after(Fate::LostAfter);
        plays.push(it.scripted(At::List, fate, 1));
    }
    for (name, fate) in fates() {
        let step = "look-up of a push that never arrived";
        let it = play(step, name).after(Fate::LostBefore);
        plays.push(it.scripted(At::List, fate, 1));
    }
    plays.extend(reports());
    for (name, fate) in fates() {
        let it = play("look-up in place of a report", name);
        let it = it.with("/faults/webhooks", json!({"fault": {"kind": "drop"}}));
        plays.push(it.scripted(At::Action, fate, 1));
    }
    for (name, fate) in fates() {
        let it = play("wait for another's action", name);
        let it = it.with(
            "/devices/dev_abc123/actions",
            json!({"command": "discharge"}),
        );
        plays.push(it.scripted(At::Action, fate, 1));
    }
    for fault in ["never_end", "fail"] {
        let it = play(
            "wait for another's action",
            format!("the other one: {fault}"),
        );
        let mut ends = json!({"fault": {"kind": fault}});
        if fault == "fail" {
            ends["fault"]["code"] = json!("DEVICE_OFFLINE");
        }
        let it = it.with("/faults/actions", ends);
        let other = json!({"command": "discharge"});
        plays.push(it.with("/devices/dev_abc123/actions", other));
    }
    plays
}

/// Pushes that were carried out, and answered otherwise.
fn answers() -> Vec<Play> {
    let step = "the answer to a push that was taken";
    let mut plays = Vec::new();
    for (status, code) in [
        (500, "INTERNAL_ERROR"),
        (500, ""),
        (502, ""),
        (502, "RATE_LIMITED"),
        (503, ""),
        (503, "SERVICE_UNAVAILABLE"),
        (503, "SOMETHING_ELSE"),
        (504, ""),
        (401, "UNKNOWN_ERROR"),
        (409, "NETWORK_ERROR"),
        (422, "TIMEOUT"),
    ] {
        let name = if code.is_empty() {
            "without a code"
        } else {
            code
        };
        let fate = Fate::RefusedAfter(status, code);
        plays.push(play(step, format!("{status} {name}")).scripted(At::Push, fate, 1));
    }
    plays
}

/// Pushes that Amps wants later.
fn limited() -> Vec<Play> {
    let mut plays = Vec::new();
    for (status, code) in [
        (401, "RATE_LIMIT_EXCEEDED"),
        (429, "RATE_LIMIT_EXCEEDED"),
        (503, "SERVICE_UNAVAILABLE"),
    ] {
        let answer = json!({"kind": "answer", "status": status, "code": code,
            "retry_after_seconds": 90});
        let it = play("the push", format!("{status} {code}, Retry-After: 90"));
        let fault = json!({"method": "POST", "fault": answer});
        plays.push(it.with("/faults/requests", fault));
    }
    plays
}

/// The wait for the report, and the report itself.
fn reports() -> Vec<Play> {
    let action = |fault: Value| ("/faults/actions", json!({ "fault": fault }));
    let webhook = |kind: &str| ("/faults/webhooks", json!({"fault": {"kind": kind}}));
    let fails = |code: &str| action(json!({"kind": "fail", "code": code, "message": "no"}));
    let step = "acknowledged";
    let report = "the report";
    let mut plays = vec![
        play(step, "killed").then(Then::KillAfter(Duration::from_secs(4))),
        play(step, "gone while the report comes").then(Then::GoneFor(Duration::from_mins(2))),
        play(step, "gone for an hour").then(Then::GoneFor(Duration::from_hours(1))),
    ];
    let never = action(json!({"kind": "never_end"}));
    plays.push(play(step, "it never ends").with(never.0, never.1));
    for code in ["DEVICE_OFFLINE", "INVALID_CREDENTIALS", "SOMETHING_ELSE"] {
        let (path, body) = fails(code);
        plays.push(play(step, format!("fails with {code}")).with(path, body));
    }
    let (path, mut body) = fails("DEVICE_OFFLINE");
    body["times"] = json!(99);
    plays.push(play(step, "fails with DEVICE_OFFLINE, each time").with(path, body));
    let early = action(json!({"kind": "complete_first"}));
    plays.push(play(report, "comes before the 202").with(early.0, early.1.clone()));
    let it = play(report, "comes before the 202, which is lost").with(early.0, early.1);
    plays.push(it.scripted(At::Push, Fate::LostAfter, 1));
    for (kind, name) in [
        ("duplicate", "comes twice"),
        ("drop", "never comes"),
        ("garbage", "cannot be read"),
        ("forge", "is signed by a stranger"),
    ] {
        let (path, body) = webhook(kind);
        plays.push(play(report, name).with(path, body));
    }
    let (path, body) = webhook("hold");
    let it = play(report, "comes ten minutes late").with(path, body);
    plays.push(it.then(Then::ReleaseAfter(Duration::from_mins(10))));
    let (path, body) = webhook("hold");
    let it = play(report, "comes when the order has long expired").with(path, body);
    let it = it.with(early.0, json!({"fault": {"kind": "complete"}}));
    let it = it.scripted(At::Action, Fate::LostBefore, EACH);
    plays.push(it.then(Then::ReleaseAfter(Duration::from_hours(2))));
    plays.push(play(report, "killed when it was taken in").then(Then::KillAfterReport));
    for (kind, name) in [
        ("duplicate", "of a failure comes twice"),
        ("drop", "of a failure never comes"),
    ] {
        let (path, body) = fails("DEVICE_OFFLINE");
        let it = play(report, name).with(path, body);
        let (path, body) = webhook(kind);
        plays.push(it.with(path, body));
    }
    let (path, body) = fails("DEVICE_OFFLINE");
    let it = play(
        report,
        "of the first attempt comes after that of the second",
    )
    .with(path, body);
    let both = json!({"times": 2, "fault": {"kind": "reverse"}});
    plays.push(it.with("/faults/webhooks", both));
    plays
}

/// Lets it happen, to its end.
async fn act(play: &Play) -> Row {
    let mut day = Day::of(home::plan_of_one_order(), 7);
    day.network.lock().is_calm = true;
    // Everything begins: the engine starts, and reads its devices.
    day.pass(Duration::from_secs(30)).await;
    for (path, body) in &play.before {
        day.amps.control(path, body).unwrap();
    }
    set_script(&day, play);
    give_order(&day).await;
    if play.first.is_some() {
        // As long as it takes until the push is in doubt, and not yet looked up.
        day.pass(Duration::from_millis(900)).await;
        set_second_script(&day, play);
    }
    follow(&mut day, play).await;
    let left = day.network.lock().script.map(|it| it.times);
    let planned = play.script.map(|(_, _, times)| times);
    assert!(
        planned.is_none() || left < planned,
        "{}, {}: it never struck",
        play.step,
        play.fault
    );
    day.look_into_tables();
    let report = day.findings.report();
    assert!(
        report.is_none(),
        "{}, {}: {}",
        play.step,
        play.fault,
        report.unwrap()
    );
    read(&day, play)
}

fn script((at, fate, times): (At, Fate, u32)) -> Script {
    Script {
        at,
        fate,
        times,
        late: LATE,
        is_time_to_kill: false,
    }
}

fn set_script(day: &Day, play: &Play) {
    let first = play.first.map(|fate| (At::Push, fate, 1));
    day.network.lock().script = first.or(play.script).map(script);
}

fn set_second_script(day: &Day, play: &Play) {
    day.network.lock().script = play.script.map(script);
}

async fn give_order(day: &Day) {
    let event = Event {
        id: EventId::new("req_order"),
        source: Source::Person,
        received_at: day.home_now(),
        payload: Payload::Request(Request::Trigger {
            rule: RuleId::new("order"),
        }),
    };
    let engine = day.engine.as_ref().unwrap();
    let work = engine
        .store
        .write(move |tx| inbox::record(tx, event.clone(), None));
    work.await.unwrap();
}

async fn follow(day: &mut Day, play: &Play) {
    match play.then {
        Then::Nothing => {}
        Then::KillAfter(wait) => {
            day.pass(wait).await;
            day.kill(DOWN).await;
        }
        Then::GoneFor(time) => {
            day.pass(Duration::from_secs(2)).await;
            day.kill(time).await;
        }
        Then::KillAfterReport => {
            let before = day.n_acknowledged();
            for _ in 0..600 {
                day.pass(Duration::from_millis(50)).await;
                if before < day.n_acknowledged() {
                    break;
                }
            }
            assert!(before < day.n_acknowledged(), "no report came");
            day.kill(DOWN).await;
        }
        Then::ReleaseAfter(wait) => {
            day.pass(wait).await;
            day.amps.control("/webhooks/release", &json!({})).unwrap();
        }
    }
    let end = day.now() + SignedDuration::try_from(LONG).unwrap();
    loop {
        let left = Duration::try_from(end.duration_since(day.now())).unwrap_or_default();
        day.pass(left).await;
        let is_time = {
            let mut between = day.network.lock();
            let script = between.script.as_mut();
            script.is_some_and(|it| std::mem::take(&mut it.is_time_to_kill))
        };
        if !is_time {
            break;
        }
        day.kill(DOWN).await;
    }
}

/// What the tables say of the one order.
fn read(day: &Day, play: &Play) -> Row {
    let between = day.network.lock();
    let sql = "SELECT id, lifecycle, created_at, updated_at FROM commands";
    let (id, lifecycle, began, ended): (String, String, i64, i64) = between
        .database
        .query_row(sql, [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })
        .unwrap();
    let began = Timestamp::from_microsecond(began).unwrap();
    let ended = Timestamp::from_microsecond(ended).unwrap();
    let lifecycle: Lifecycle = serde_json::from_str(&lifecycle).unwrap();
    let Lifecycle::Settled { outcome } = lifecycle else {
        panic!("{}, {}: not over: {lifecycle:?}", play.step, play.fault);
    };
    let outcome = match outcome {
        Outcome::Completed => "completed".to_owned(),
        Outcome::Cancelled => "cancelled".to_owned(),
        Outcome::Expired => "expired".to_owned(),
        Outcome::Failed(failure) => {
            format!(
                "failed {}",
                failure.code.as_deref().unwrap_or("without a code")
            )
        }
    };
    let mut statement = between
        .database
        .prepare("SELECT detail FROM command_steps WHERE command_id = ?1 ORDER BY seq")
        .unwrap();
    let details = statement.query_map([&id], |row| row.get(0)).unwrap();
    let details: Vec<String> = details.map(Result::unwrap).collect();
    let accepted = between.pushes.iter().filter(|it| it.command == id);
    let accepted: Vec<String> = accepted.map(|it| it.action.clone()).collect();
    let mut told = since(&details.join("; "), began);
    for (n, action) in accepted.iter().enumerate() {
        told = told.replace(action.as_str(), &format!("act_{}", n + 1));
    }
    let actions = day.amps.actions();
    for it in &actions {
        told = told.replace(&it.id, "another's action");
    }
    let failed = actions
        .iter()
        .filter(|it| accepted.contains(&it.id) && it.has_failed());
    assert!(
        accepted.len() <= 1 + failed.count(),
        "{}, {}: {} pushes were taken",
        play.step,
        play.fault,
        accepted.len()
    );
    Row {
        step: play.step,
        fault: play.fault.clone(),
        outcome,
        took: ended.duration_since(began).as_secs(),
        n_accepted: accepted.len(),
        told,
    }
}

/// With moments counted from the beginning of the order.
fn since(told: &str, began: Timestamp) -> String {
    let mut words = told.split(' ').peekable();
    let mut told = Vec::new();
    while let Some(word) = words.next() {
        let zone = words.next_if(|next| next.starts_with("UTC"));
        let Some((zone, time)) = zone.zip(word.parse::<Time>().ok()) else {
            told.push(word.to_owned());
            told.extend(zone.map(str::to_owned));
            continue;
        };
        let day = began.to_zoned(TimeZone::UTC).date();
        let at = day.to_datetime(time).to_zoned(TimeZone::UTC).unwrap();
        let seconds = at.timestamp().duration_since(began).as_secs_f64().ceil();
        told.push(format!("{seconds} s{}", zone.trim_start_matches("UTC")));
    }
    told.join(" ")
}

fn table(rows: &[Row]) -> String {
    let width = |of: fn(&Row) -> &str| rows.iter().map(|it| of(it).len()).max().unwrap_or(0);
    let (fault, outcome) = (width(|it| &it.fault), width(|it| &it.outcome));
    let mut text = String::from(
        "Each fault at each step of an order's life: what befalls it | how the order ended | seconds from its\n\
         beginning | pushes that Amps took | its story, with moments in seconds from its beginning\n",
    );
    let mut step = "";
    for row in rows {
        if row.step != step {
            step = row.step;
            writeln!(text, "\n## {step}\n").unwrap();
        }
        writeln!(
            text,
            "{:fault$} | {:outcome$} | {:5} | {} | {}",
            row.fault, row.outcome, row.took, row.n_accepted, row.told
        )
        .unwrap();
    }
    text
}

#[test]
fn each_fault_at_each_step_ends_as_the_table_says() {
    let rows: Vec<Row> = plays().iter().map(run).collect();
    let found = table(&rows);
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(TABLE);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &found).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    let mut lines = expected.lines().zip(found.lines());
    let differs = lines.find(|(expected, found)| expected != found);
    assert!(
        expected == found,
        "the table is another one; first: {differs:#?}\nUPDATE=1 writes it anew"
    );
}

fn run(play: &Play) -> Row {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(act(play))
}
