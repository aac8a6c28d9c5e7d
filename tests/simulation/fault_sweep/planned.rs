//! An order that Amps keeps until its start: alone, and with an end.

use std::time::Duration;

use serde_json::json;

use super::Life;
use super::immediate::pushes;
use super::play::{
    BATTERY_ACTIONS, DOWN, EACH, Play, Thing, fails, fates, hours, minutes, play, seconds,
};
use crate::simulation::network::{At, Fate};

/// So long after the order the action begins, and ends where it has an end.
const START: Duration = Duration::from_hours(2);
const END: Duration = Duration::from_hours(4);

fn rules(timing: &str) -> String {
    format!(
        "\
version: 1
rules:
  - id: order
    triggers: {{trigger: command, device: hall_heating, command: cool}}
    actions:
      - {{command: charge, device: house_battery, parameters: {{target: 90 %}}, {timing}, retry: {{attempts: 3, backoff: 20s}}}}
"
    )
}

pub(super) fn life() -> Life {
    Life {
        name: "planned",
        about: "an order that begins in two hours",
        rules: rules("start: 2h"),
        tells: &[],
        plays: plays(false),
    }
}

pub(super) fn windowed() -> Life {
    Life {
        name: "windowed",
        about: "an order that begins in two hours and ends in four",
        rules: rules("start: 2h, end: 4h"),
        tells: &[],
        plays: plays(true),
    }
}

fn plays(is_windowed: bool) -> Vec<Play> {
    let mut plays = vec![play("none", "nothing goes wrong")];
    if is_windowed {
        let it = play("none", "Amps reports at the end of the window");
        plays.push(it.switch("window_completes", "end"));
    }
    plays.extend(pushes(&fates()));
    let it = play("the push", "it cannot be sent, each time");
    plays.push(it.befalls(At::Push, Fate::NotSent, EACH));
    let it = play("the push", "its answer is lost, and no look-up is answered");
    let it = it.befalls(At::Push, Fate::LostAfter, 1);
    plays.push(it.befalls(At::List, Fate::LostBefore, EACH));
    for (name, fate) in fates() {
        let it = play("the hourly look-up of the plan", name);
        plays.push(it.befalls(At::Action, fate, 1));
    }
    let it = play(
        "the hourly look-up of the plan",
        "lost on its way, each time",
    );
    plays.push(it.befalls(At::Action, Fate::LostBefore, EACH));
    for (name, fate) in fates() {
        let it = play("look-up at its time, in place of a report", name).webhook("drop");
        let it = it.wait(START.saturating_sub(minutes(1)));
        plays.push(it.then(Thing::Befalls(At::Action, fate, 1)));
    }
    let it = play(
        "look-up at its time, in place of a report",
        "lost on its way, each time",
    );
    let it = it.webhook("drop").wait(minutes(119));
    plays.push(it.then(Thing::Befalls(At::Action, Fate::LostBefore, EACH)));
    plays.extend(reports("the report", is_windowed, ""));
    if is_windowed {
        plays.extend(reports("the report", is_windowed, "end"));
    }
    plays.extend(elsewhere());
    plays.extend(power_cuts());
    plays
}

/// The report, which comes at the start of a window or at its end.
fn reports(step: &'static str, is_windowed: bool, at_end: &str) -> Vec<Play> {
    let begin = |name: &str| match at_end {
        "" => play(step, name),
        end => play("the report at the end", name).switch("window_completes", end),
    };
    let mut plays = Vec::new();
    for (kind, name) in [
        ("duplicate", "comes twice"),
        ("drop", "never comes"),
        ("garbage", "cannot be read"),
        ("forge", "is signed by a stranger"),
    ] {
        plays.push(begin(name).webhook(kind));
    }
    let over = if at_end.is_empty() { START } else { END };
    let release = Thing::Control("/webhooks/release", json!({}));
    for late in [minutes(10), hours(2)] {
        let it = begin(&format!("comes {} minutes late", late.as_secs() / 60));
        let it = it.webhook("hold").wait(over + late);
        plays.push(it.then(release.clone()));
    }
    let it = begin("comes when nothing was heard in time").webhook("hold");
    let it = it.befalls(At::Action, Fate::LostBefore, EACH);
    plays.push(it.wait(over + hours(3)).then(release));
    let it = begin("killed when it was taken in").wait(over.saturating_sub(seconds(5)));
    plays.push(it.then(Thing::UntilWebhook).then(Thing::Kill(DOWN)));
    plays.push(begin("comes at once").action(json!({"kind": "complete_first"})));
    plays.push(begin("never comes, and it never ends").action(json!({"kind": "never_end"})));
    for code in ["DEVICE_OFFLINE", "SCHEDULER_ACTIVE", "INVALID_CREDENTIALS"] {
        plays.push(begin(&format!("tells of {code}")).action(fails(code)));
    }
    let each = json!({"fault": fails("DEVICE_OFFLINE"), "times": 99});
    let it = begin("tells of DEVICE_OFFLINE, each time");
    plays.push(it.with("/faults/actions", each));
    for (kind, name) in [
        ("duplicate", "of a failure comes twice"),
        ("drop", "of a failure never comes"),
    ] {
        plays.push(begin(name).action(fails("DEVICE_OFFLINE")).webhook(kind));
    }
    let first = "of the first attempt comes after that of the second";
    let both = json!({"times": 2, "fault": {"kind": "reverse"}});
    let it = begin(first).action(fails("DEVICE_OFFLINE"));
    plays.push(it.with("/faults/webhooks", both));
    if is_windowed {
        let it = begin("of the manufacturer's own schedule");
        plays.push(it.with("/devices/dev_abc123", json!({"scheduler_active": true})));
    }
    plays
}

/// Somebody else deals with what is planned, and Amps tells of that only who asks.
fn elsewhere() -> Vec<Play> {
    let mut plays = Vec::new();
    for (step, thing) in [
        ("cancelled by somebody else", Thing::CancelledElsewhere),
        ("replaced by somebody else", Thing::ReplacedElsewhere),
    ] {
        let done = |fault: &str| play(step, fault).wait(minutes(30)).then(thing.clone());
        plays.push(done("before the first look-up"));
        plays.push(done("the look-up is lost").befalls(At::Action, Fate::LostBefore, 1));
        let it = done("no look-up until its time is answered");
        plays.push(it.befalls(At::Action, Fate::LostBefore, 4));
        let it = play(step, "a minute before its start").wait(minutes(119));
        plays.push(it.then(thing.clone()));
        plays.push(done("gone for an hour afterwards").then(Thing::Kill(hours(1))));
        plays.push(done("gone for a day afterwards").then(Thing::Kill(hours(26))));
        let it = play(step, "before its lost push is looked up");
        let it = it.befalls(At::Push, Fate::LostAfter, 1);
        plays.push(it.wait(Duration::from_millis(500)).then(thing));
    }
    plays
}

/// The program is not there: before the start, over it, over the whole window, for a day.
fn power_cuts() -> Vec<Play> {
    let mut plays = Vec::new();
    let cut = |fault: &str, from, time| {
        let it = play("planned", fault).wait(from);
        it.then(Thing::Kill(time))
    };
    plays.push(cut("gone before the start", minutes(30), minutes(10)));
    plays.push(cut("gone over the start", minutes(115), minutes(10)));
    plays.push(cut("gone over the whole window", minutes(115), hours(4)));
    plays.push(cut("gone for a day", minutes(30), hours(26)));
    let times = [
        (hours(3), "gone until after the start"),
        (hours(6), "gone until after the end"),
    ];
    for (time, name) in times {
        let away = Thing::Kill(time);
        let it = play("queued", name).befalls(At::Push, Fate::Refused(429, ""), 1);
        plays.push(it.wait(seconds(5)).then(away.clone()));
        let it = play("blocked", name).action(json!({"kind": "never_end"}));
        let it = it.with(BATTERY_ACTIONS, json!({"command": "discharge"}));
        plays.push(it.wait(seconds(2)).then(away.clone()));
        let it = play("blocked", format!("{name}, and nothing is in the way then"));
        let it = it.with(BATTERY_ACTIONS, json!({"command": "discharge"}));
        plays.push(it.wait(seconds(2)).then(away.clone()));
        for (fate, what) in [
            (Fate::KilledBefore, "the push never arrives"),
            (Fate::KilledAfter, "the push arrives"),
        ] {
            let it = play("sending", format!("{name}; {what}"));
            plays.push(it.befalls(At::Push, fate, 1).gone_for(time));
        }
        for (fate, what) in [
            (Fate::LostBefore, "the push never arrived"),
            (Fate::LostAfter, "the push arrived"),
        ] {
            let it = play("in doubt", format!("{name}; {what}"));
            let it = it.befalls(At::Push, fate, 1);
            plays.push(it.wait(Duration::from_millis(500)).then(away.clone()));
        }
        let it = play("queued for another attempt", name).action(fails("DEVICE_OFFLINE"));
        let it = it.wait(START + seconds(15));
        plays.push(it.then(away));
    }
    plays
}
