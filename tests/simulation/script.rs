//! What chance does to a home.

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::json;

use super::day::Day;
use super::home::{BATTERY, CHARGER, HEATING};
use crate::clock::later;
use crate::domain::event::{Event, Payload, Request, Source};
use crate::domain::id::{EventId, RuleId};
use crate::store::inbox;

const HOUR: Duration = Duration::from_hours(1);

const RESTART: Duration = Duration::from_secs(3);

/// What people do and what happens to them, one thing.
pub(super) async fn happen(day: &mut Day) {
    match day.chance.below(100) {
        0..12 => level(day),
        12..20 => plug(day),
        20..44 => somebody_else(day),
        44..52 => failure(day),
        52..57 => connection(day),
        57..60 => offline(day),
        60..66 => request(day).await,
        66..78 => kill(day).await,
        78..83 => full_disk(day).await,
        83..87 => outage(day),
        87..91 => clock(day).await,
        91..95 => day.edit().await,
        _ => {}
    }
}

/// The same on a disk and a network that do their work, with restarts that take seconds.
pub(super) async fn happen_at_home(day: &mut Day) {
    match day.chance.below(100) {
        0..20 => level(day),
        20..35 => plug(day),
        35..75 => somebody_else(day),
        75..85 => failure(day),
        85..90 => connection(day),
        90..95 => day.kill(RESTART).await,
        _ => request(day).await,
    }
}

fn level(day: &mut Day) {
    let level = day.chance.below(101);
    day.told(&format!("the battery is at {level} %"));
    day.control(&format!("/devices/{BATTERY}"), &json!({ "level": level }));
}

fn plug(day: &mut Day) {
    let plugged = day.chance.percent(60);
    let level = day.chance.below(90);
    day.told(&format!("the car is plugged in: {plugged}"));
    let body = json!({"plugged": plugged, "level": level});
    day.control(&format!("/devices/{CHARGER}"), &body);
}

fn somebody_else(day: &mut Day) {
    let (device, command) = *day.chance.one_of(&[
        (BATTERY, "charge"),
        (BATTERY, "discharge"),
        (BATTERY, "idle"),
        (BATTERY, "auto.balanced"),
        (CHARGER, "charge"),
        (CHARGER, "charge"),
        (CHARGER, "idle"),
        (HEATING, "follow_schedule"),
    ]);
    day.told(&format!("somebody else orders {command} of {device}"));
    let target = 10 * (1 + day.chance.below(9));
    let body = match (device, command) {
        (BATTERY, "charge" | "discharge") => {
            json!({"command": command, "parameters": {"target": {"value": target, "unit": "percent"}}})
        }
        _ => json!({ "command": command }),
    };
    day.control(&format!("/devices/{device}/actions"), &body);
}

/// How the next action ends.
fn failure(day: &mut Day) {
    let fault = match day.chance.below(4) {
        0 => json!({"kind": "fail", "code": "DEVICE_OFFLINE"}),
        1 => json!({"kind": "fail", "code": "PARAMETER_OUT_OF_RANGE"}),
        2 => json!({"kind": "fail", "code": "TIMEOUT"}),
        _ => json!({"kind": "complete_first"}),
    };
    day.told(&format!("the next action: {fault}"));
    day.control("/faults/actions", &json!({"fault": fault, "times": 1}));
}

fn connection(day: &mut Day) {
    let event = *day
        .chance
        .one_of(&["connected", "disconnected", "disconnected", "reconnected"]);
    let device = *day.chance.one_of(&[BATTERY, CHARGER]);
    day.told(&format!("{device} is {event}"));
    let body = json!({ "event": event });
    day.control(&format!("/devices/{device}/events"), &body);
}

fn offline(day: &mut Day) {
    let device = *day.chance.one_of(&[BATTERY, CHARGER]);
    let offline = day.chance.percent(50);
    day.told(&format!("{device} is out of reach: {offline}"));
    let body = json!({ "offline": offline });
    day.control(&format!("/devices/{device}"), &body);
}

async fn request(day: &mut Day) {
    let rules = &day.plan.rules.rules;
    let rule: RuleId = day.chance.one_of(rules).id.clone();
    match day.chance.below(10) {
        0..5 => ask_for(day, Request::Trigger { rule }).await,
        5..7 => ask_for(day, Request::Pause { rule, reason: None }).await,
        7..9 => ask_for(day, Request::Resume { rule }).await,
        _ => ask_for(day, Request::StopAll).await,
    }
    // A house that stands still for the rest of the day would show nothing.
    let wait = day.chance.between(Duration::ZERO, HOUR / 2);
    day.pass(wait).await;
    day.told("somebody lets all rules go on");
    for rule in rules {
        let rule = rule.id.clone();
        ask_for(day, Request::Resume { rule }).await;
    }
}

async fn ask_for(day: &mut Day, request: Request) {
    if !matches!(request, Request::Resume { .. }) {
        day.told(&format!("somebody wants {request:?}"));
    }
    let event = Event {
        id: EventId::new(format!("req_{}", day.chance.draw())),
        source: Source::Person,
        received_at: day.home_now(),
        payload: Payload::Request(request),
    };
    if let Some(engine) = &day.engine {
        // A full disk turns it away; the person would see that.
        let work = engine
            .store
            .write(move |tx| inbox::record(tx, event.clone(), None));
        drop(work.await);
    }
}

/// At a moment at which something is under way, more often than not.
async fn kill(day: &mut Day) {
    if day.chance.percent(70) {
        somebody_else(day);
        // Ten seconds until the action is over and its webhook comes; then pushes follow.
        let longest = if day.chance.percent(50) {
            Duration::from_secs(13)
        } else {
            Duration::from_millis(300)
        };
        let wait = day.chance.between(Duration::ZERO, longest);
        day.pass(wait).await;
    }
    let longest = if day.chance.percent(70) {
        Duration::from_secs(3)
    } else {
        2 * HOUR
    };
    let down_for = day.chance.between(Duration::ZERO, longest);
    day.kill(down_for).await;
}

async fn full_disk(day: &mut Day) {
    day.fill_disk(true).await;
    if day.chance.percent(60) {
        somebody_else(day);
    }
    let wait = day
        .chance
        .between(Duration::from_secs(1), Duration::from_secs(90));
    day.pass(wait).await;
    if day.chance.percent(30) {
        day.kill(Duration::ZERO).await;
    } else {
        day.fill_disk(false).await;
    }
}

fn outage(day: &mut Day) {
    let wait = day
        .chance
        .between(Duration::from_secs(1), Duration::from_mins(40));
    day.told(&format!("Amps is out of reach for {wait:?}"));
    let until = later(day.now(), wait);
    day.network.lock().outage_until = until;
}

/// A machine without a clock of its own starts with a wrong one and learns the time; or somebody sets it.
async fn clock(day: &mut Day) {
    let minutes = i64::try_from(day.chance.below(16 * 60)).unwrap();
    let is_behind = day.chance.percent(75);
    let ahead = SignedDuration::from_mins(if is_behind { -minutes } else { minutes });
    if day.chance.percent(60) {
        day.kill(Duration::from_secs(20)).await;
    }
    day.set_clock(ahead);
    let longest = if day.chance.percent(80) {
        Duration::from_mins(3)
    } else {
        HOUR
    };
    let wait = day.chance.between(Duration::ZERO, longest);
    day.pass(wait).await;
    day.set_clock(SignedDuration::ZERO);
}
