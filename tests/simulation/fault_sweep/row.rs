//! What came of a play, as the tables have it, and what must hold of it whatever the table of the sweep says.

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;

use super::Life;
use super::play::Play;
use crate::domain::lifecycle::{Lifecycle, Outcome};
use crate::simulation::day::Day;
use crate::simulation::invariants::texts;
use crate::simulator::in_memory::Kept;

/// What came of it.
pub(super) struct Row {
    pub(super) step: &'static str,
    pub(super) fault: String,
    pub(super) outcome: String,
    /// Seconds from the order to its end.
    pub(super) took: i64,
    pub(super) n_accepted: usize,
    pub(super) told: String,
}

/// An order of the rule `order`, or of another.
struct Order {
    id: String,
    rule: String,
    lifecycle: Lifecycle,
    began: Timestamp,
    ended: Timestamp,
}

impl Row {
    pub(super) async fn read(day: &Day, life: &Life, play: &Play) -> Self {
        let mut row = if life.name == "setting" {
            Self::of_setting(day, play).await
        } else {
            Self::of_orders(day, life, play)
        };
        row.told = with_names(row.told, day);
        if life.name == "called_off" {
            check_called_off(day, &row);
        }
        row
    }

    /// The same of a setting: what is told is how the run of its rule ended.
    async fn of_setting(day: &Day, play: &Play) -> Self {
        let (n_accepted, (began, ended), state, reason) = {
            let between = day.network.lock();
            let sql = "SELECT created_at, updated_at FROM setting_writes";
            let moment = |at: i64| Timestamp::from_microsecond(at).unwrap();
            let both = between.database.query_row(sql, [], |row| {
                Ok((moment(row.get(0)?), moment(row.get(1)?)))
            });
            let said = texts(&between.database, "SELECT reason FROM setting_writes", []);
            let state = texts(&between.database, "SELECT state FROM runs", []);
            (
                between.n_settings,
                both.unwrap(),
                state.join(" "),
                said.join(" "),
            )
        };
        check_setting(day, &reason).await;
        Self {
            step: play.step,
            fault: play.fault.clone(),
            outcome: state,
            took: ended.duration_since(began).as_secs(),
            n_accepted,
            told: reason,
        }
    }

    fn of_orders(day: &Day, life: &Life, play: &Play) -> Self {
        let between = day.network.lock();
        let orders = orders(&between.database);
        let ours: Vec<&Order> = orders.iter().filter(|it| it.rule == "order").collect();
        let began = ours.first().unwrap().began;
        let mut told = Vec::new();
        for order in &orders {
            let story = story(&between.database, &order.id);
            let story = since(&story, began);
            let story = folded(&story).join("; ");
            if order.rule == "order" {
                told.push(story);
            } else {
                let ended = order.ended.duration_since(began).as_secs();
                let outcome = outcome(&order.lifecycle);
                told.push(format!("{}: {story}; {outcome} at {ended} s", order.rule));
            }
        }
        for rule in life.tells {
            told.extend(end_of_run(&between.database, rule, began));
        }
        let last = ours.last().unwrap();
        let accepted = between.pushes.iter();
        let accepted = accepted.filter(|it| ours.iter().any(|order| order.id == it.command));
        let accepted: Vec<String> = accepted.map(|it| it.action.clone()).collect();
        drop(between);
        check_pushes(day, &accepted, ours.len());
        Self {
            step: play.step,
            fault: play.fault.clone(),
            outcome: outcome(&last.lifecycle),
            took: last.ended.duration_since(began).as_secs(),
            n_accepted: accepted.len(),
            told: told.join(" | "),
        }
    }
}

fn orders(database: &Connection) -> Vec<Order> {
    let sql = "SELECT id, command ->> '$.rule', lifecycle, created_at, updated_at FROM commands ORDER BY seq";
    let mut statement = database.prepare(sql).unwrap();
    let moment = |at: i64| Timestamp::from_microsecond(at).unwrap();
    let rows = statement.query_map([], |row| {
        let lifecycle: String = row.get(2)?;
        Ok(Order {
            id: row.get(0)?,
            rule: row.get(1)?,
            lifecycle: serde_json::from_str(&lifecycle).unwrap(),
            began: moment(row.get(3)?),
            ended: moment(row.get(4)?),
        })
    });
    rows.unwrap().map(Result::unwrap).collect()
}

fn outcome(lifecycle: &Lifecycle) -> String {
    let Lifecycle::Settled { outcome } = lifecycle else {
        panic!("not over: {lifecycle:?}");
    };
    match outcome {
        Outcome::Completed => "completed".to_owned(),
        Outcome::Cancelled => "cancelled".to_owned(),
        Outcome::Expired => "expired".to_owned(),
        Outcome::Failed(failure) => {
            let code = failure.code.as_deref().unwrap_or("without a code");
            format!("failed {code}")
        }
    }
}

/// No push of an order was taken while another stood.
fn check_pushes(day: &Day, accepted: &[String], n_orders: usize) {
    let actions = day.amps.actions();
    let failed = actions.iter().filter(|it| accepted.contains(&it.id));
    let failed = failed.filter(|it| it.has_failed()).count();
    let n_accepted = accepted.len();
    assert!(
        n_accepted <= n_orders + failed,
        "{n_accepted} pushes were taken, {failed} of them failed"
    );
}

/// What is said of a setting is what the device has. Nobody is told that it has not the value, if it has.
async fn check_setting(day: &Day, told: &str) {
    let request = ("GET", "/battery/dev_abc123");
    let answer = day.amps.ask(request, Vec::new(), Vec::new()).await.unwrap();
    let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    let value = body["data"]["settings"]["safety_reserve"]["value"].as_f64();
    let is_there = value == Some(25.0);
    if told.contains("the device shows it") {
        assert!(is_there, "{told}, and it is {value:?}");
    } else if told.contains("and the device shows") || !told.contains("nobody") {
        assert!(!is_there, "{told}, and it is {value:?}");
    }
}

/// Where the action of an order that was called off came to its end, who called it off was told.
fn check_called_off(day: &Day, row: &Row) {
    let ours: Vec<String> = {
        let between = day.network.lock();
        between.pushes.iter().map(|it| it.action.clone()).collect()
    };
    let actions = day.amps.actions();
    let mut ours = actions.iter().filter(|it| ours.contains(&it.id));
    let ran = ours.any(|it| !it.has_failed());
    let is_told = row.told.contains("failed at");
    assert!(
        !ran || is_told,
        "it ran to its end, and nobody was told: {}",
        row.told
    );
    assert!(
        !ran || row.outcome != "cancelled",
        "it was not cancelled: {}",
        row.told
    );
}

fn story(database: &Connection, command: &str) -> Vec<String> {
    let sql = "SELECT detail FROM command_steps WHERE command_id = ?1 ORDER BY seq";
    texts(database, sql, [command])
}

/// How the run of `rule` ended, if there was one.
fn end_of_run(database: &Connection, rule: &str, began: Timestamp) -> Option<String> {
    let sql = "SELECT format('%s %d %s', state, ended_at, coalesce(reason, '')) FROM runs
        WHERE rule = ?1 AND parent IS NULL ORDER BY seq";
    let end = texts(database, sql, [rule]).pop()?;
    let mut words = end.splitn(3, ' ');
    let (state, at) = (words.next()?, words.next()?);
    let at = Timestamp::from_microsecond(at.parse().unwrap()).unwrap();
    let seconds = at.duration_since(began).as_secs();
    let reason = words.next().unwrap_or_default();
    let said = since(&[reason.to_owned()], began).join("");
    let said = if said.is_empty() {
        said
    } else {
        format!(": {said}")
    };
    Some(format!("the rule `{rule}` {state} at {seconds} s{said}"))
}

/// Actions by numbers, in the order in which Amps took them, and whether they are ours.
fn with_names(mut told: String, day: &Day) -> String {
    let ours: Vec<String> = {
        let between = day.network.lock();
        between.pushes.iter().map(|it| it.action.clone()).collect()
    };
    for (n, action) in ours.iter().enumerate() {
        told = told.replace(action.as_str(), &format!("act_{}", n + 1));
    }
    for Kept { id, .. } in day.amps.actions() {
        told = told.replace(&id, "another's action");
    }
    told
}

/// With moments counted from the beginning of the order.
fn since(told: &[String], began: Timestamp) -> Vec<String> {
    told.iter().map(|it| since_in(it, began)).collect()
}

fn since_in(told: &str, began: Timestamp) -> String {
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
        let ahead = at.timestamp().duration_since(began);
        // A time of the day after.
        let is_past = ahead < -SignedDuration::from_secs(60);
        let ahead = if is_past {
            ahead + SignedDuration::from_hours(24)
        } else {
            ahead
        };
        let seconds = ahead.as_secs_f64().ceil();
        told.push(format!("{seconds} s{}", zone.trim_start_matches("UTC")));
    }
    told.join(" ")
}

/// So often may the same be told before it is folded into one.
const REPEATS_MAX: usize = 3;
const PERIOD_MAX: usize = 6;

/// What repeats itself is told once, with how often.
fn folded(story: &[String]) -> Vec<String> {
    let shapes: Vec<String> = story.iter().map(|it| shape(it)).collect();
    let mut told = Vec::new();
    let mut at = 0;
    while at < story.len() {
        let repeats = |period: usize| {
            let block = shapes.get(at..at + period)?;
            let same = shapes[at..].chunks(period).take_while(|it| *it == block);
            Some((same.count(), period)).filter(|(n, _)| REPEATS_MAX < *n)
        };
        let found = (1..=PERIOD_MAX).find_map(repeats);
        let Some((n, period)) = found else {
            told.push(story[at].clone());
            at += 1;
            continue;
        };
        let last = at + (n - 1) * period;
        told.extend_from_slice(&story[at..at + period]);
        told.push(format!("… the same {} times …", n - 2));
        told.extend_from_slice(&story[last..last + period]);
        at = last + period;
    }
    told
}

/// Without the moments in it.
fn shape(told: &str) -> String {
    let is_number = |it: &&str| it.parse::<f64>().is_err();
    told.split(' ')
        .filter(is_number)
        .collect::<Vec<_>>()
        .join(" ")
}
