//! A planned order that its own rule calls off after half an hour, or another rule at another moment.

use std::time::Duration;

use serde_json::json;

use super::Life;
use super::play::{
    BATTERY_ACTIONS, DOWN, EACH, Play, Thing, fails, fates, hours, minutes, play, seconds,
};
use crate::simulation::network::{At, Fate};

const RULES: &str = "\
version: 1
rules:
  - id: order
    triggers: {trigger: command, device: hall_heating, command: cool}
    actions:
      - {id: plan, command: charge, device: house_battery, parameters: {target: 90 %}, start: 2h, wait_for: accepted, retry: {attempts: 3, backoff: 20s}}
      - {delay: 30m}
      - cancel: {step: plan}
  - id: call-off
    triggers: {trigger: command, device: hall_heating, command: heat}
    actions:
      - cancel: {device: house_battery}
";

pub(super) fn life() -> Life {
    Life {
        name: "called_off",
        about: "an order that begins in two hours and is called off after half an hour",
        rules: RULES.to_owned(),
        tells: &["call-off", "order"],
        plays: plays(),
    }
}

/// What Amps answers to a cancellation, besides what it answers to everything.
const ANSWERS: &[(u16, &str)] = &[
    (404, "NOT_FOUND"),
    (404, "ACTION_NOT_FOUND"),
    (409, "ACTION_NOT_CANCELLABLE"),
    (422, "ACTION_NOT_CANCELLABLE"),
];

fn plays() -> Vec<Play> {
    let mut plays = vec![play("none", "nothing goes wrong")];
    let mut all = fates();
    all.extend(
        ANSWERS
            .iter()
            .map(|(status, code)| (format!("{status} {code}"), Fate::Refused(*status, code))),
    );
    for (name, fate) in &all {
        plays.push(play("the cancellation", name).befalls(At::Cancel, *fate, 1));
    }
    for (status, code) in [
        (500, "INTERNAL_ERROR"),
        (503, ""),
        (409, "ACTION_NOT_CANCELLABLE"),
    ] {
        let name = format!("carried out, and answered with {status} {code}");
        let it = play("the cancellation", name.trim_end());
        plays.push(it.befalls(At::Cancel, Fate::RefusedAfter(status, code), 1));
    }
    for (name, fate) in &all {
        if !matches!(fate, Fate::KilledBefore | Fate::KilledAfter) {
            let it = play("each cancellation", name);
            plays.push(it.befalls(At::Cancel, *fate, EACH));
        }
    }
    for (name, fate) in fates() {
        let it = play("the look after a 409, when it is planned still", name);
        let it = it.befalls(At::Cancel, Fate::Refused(409, "ACTION_NOT_CANCELLABLE"), 1);
        plays.push(it.befalls(At::Action, fate, 1));
    }
    for (name, fate) in fates() {
        let it = play(
            "the look after a 409, when somebody else has cancelled it",
            name,
        );
        let it = it.befalls(At::Action, fate, 1).wait(minutes(20));
        plays.push(it.then(Thing::CancelledElsewhere));
    }
    plays.extend(begins_meanwhile());
    plays.extend(moments());
    plays.extend(begun());
    plays
}

/// Amps cannot be asked until the action begins, or is over.
fn begins_meanwhile() -> Vec<Play> {
    let step = "it begins meanwhile";
    let mut plays = Vec::new();
    for (from, name) in [
        (minutes(29), "before the cancellation"),
        (minutes(30), "with it"),
    ] {
        let it = play(step, format!("gone from {name} on, until after the start"));
        plays.push(it.wait(from).then(Thing::Kill(hours(2))));
    }
    for (fate, name) in [
        (
            Fate::KilledBefore,
            "killed before the cancellation arrives, gone until after the start",
        ),
        (
            Fate::KilledAfter,
            "killed before its answer, gone until after the start",
        ),
    ] {
        let it = play(step, name).befalls(At::Cancel, fate, 1);
        plays.push(it.gone_for(hours(2)));
    }
    let late = play(step, "called off as it begins").wait(Duration::from_millis(7_200_020));
    plays.push(
        late.then(Thing::Rule("call-off"))
            .befalls(At::Cancel, Fate::Refused(503, ""), 1),
    );
    let it = play(
        step,
        "it begins within the cancellation that is answered late",
    );
    let it = it.befalls(At::Cancel, Fate::LateBefore, 1).wait(seconds(1));
    plays.push(it);
    plays
}

/// Called off by another rule, wherever the order stands.
fn moments() -> Vec<Play> {
    let mut plays = Vec::new();
    let off = Thing::Rule("call-off");
    let mut add = |play: Play, after: Duration| {
        plays.push(play.wait(after).then(off.clone()));
    };
    let soon = Duration::from_millis(500);
    let it = play("called off while queued", "after a 429");
    add(it.befalls(At::Push, Fate::Refused(429, ""), 1), seconds(5));
    let it = play(
        "called off while blocked",
        "another's action holds the device",
    );
    add(
        it.with(BATTERY_ACTIONS, json!({"command": "discharge"})),
        seconds(2),
    );
    for (name, fate) in [
        ("the push is answered late", Fate::LateAfter),
        ("the push arrives late", Fate::LateBefore),
    ] {
        let it = play("called off while sending", name);
        add(it.befalls(At::Push, fate, 1), seconds(1));
    }
    for (name, fate) in [
        ("the push never arrived", Fate::LostBefore),
        ("the push arrived", Fate::LostAfter),
    ] {
        let it = play("called off while in doubt", name);
        add(it.befalls(At::Push, fate, 1), soon);
        let it = play(
            "called off while in doubt",
            format!("{name}; the look-up is lost"),
        );
        let it = it.befalls(At::List, Fate::LostBefore, 1);
        add(it.befalls(At::Push, fate, 1), soon);
    }
    add(
        play("called off while planned", "by another rule"),
        minutes(10),
    );
    let it = play("called off while planned", "while somebody else cancels it");
    add(
        it.wait(minutes(10)).then(Thing::CancelledElsewhere),
        seconds(1),
    );
    let it = play("called off while planned", "twice").wait(minutes(10));
    add(it.then(off.clone()), seconds(0));
    for (fate, name) in [
        (Fate::LostBefore, "never arrives"),
        (Fate::LostAfter, "arrives"),
    ] {
        let it = play(
            "called off, and killed at once",
            format!("the cancellation {name}"),
        );
        let it = it
            .befalls(At::Cancel, fate, 1)
            .wait(minutes(10))
            .then(off.clone());
        plays.push(it.wait(soon).then(Thing::Kill(DOWN)));
    }
    plays
}

/// Called off by another rule, once it has begun.
fn begun() -> Vec<Play> {
    // Its own rule is not to call it off before.
    let off = Thing::Rule("call-off");
    let stays = |name: &str| {
        let it = play("called off once it has begun", name);
        let it = it.befalls(At::Cancel, Fate::LostBefore, EACH);
        it.wait(hours(2)).wait(seconds(5)).then(off.clone())
    };
    let failing = stays("before the report of a failure that may pass");
    vec![
        stays("before its report"),
        failing.action(fails("DEVICE_OFFLINE")),
    ]
}
