//! An order that finds the device taken: it replaces a plan, goes in line behind a window, or displaces a plan of ours.

use std::time::Duration;

use serde_json::{Value, json};

use super::Life;
use super::play::{BATTERY_ACTIONS, DOWN, EACH, Play, Thing, fates, hours, minutes, play, seconds};
use crate::simulation::network::{At, Fate};

fn rules(options: &str) -> String {
    format!(
        "\
version: 1
rules:
  - id: order
    priority: 90
    triggers: {{trigger: command, device: hall_heating, command: cool}}
    actions:
      - {{command: charge, device: house_battery, parameters: {{target: 90 %}}, {options}retry: {{attempts: 3, backoff: 20s}}}}
  - id: plan
    triggers: {{trigger: command, device: hall_heating, command: heat}}
    actions:
      - {{command: discharge, device: house_battery, parameters: {{target: 20 %}}, start: 3h, wait_for: accepted}}
"
    )
}

/// What stands in the way.
fn plan() -> Thing {
    Thing::Control(
        BATTERY_ACTIONS,
        json!({"command": "discharge", "start": "3h"}),
    )
}

fn window() -> Thing {
    let window: Value = json!({"command": "discharge", "start": "5m", "end": "55m"});
    Thing::Control(BATTERY_ACTIONS, window)
}

pub(super) fn replaces() -> Life {
    Life {
        name: "replaces",
        about: "an order that takes the place of what somebody else has planned",
        rules: rules("on_conflict: replace, "),
        tells: &[],
        plays: plays(&[plan()], true),
    }
}

pub(super) fn queues() -> Life {
    Life {
        name: "queues",
        about: "an order that goes in line behind somebody else's window of an hour",
        rules: rules(""),
        tells: &[],
        plays: plays(&[window()], false),
    }
}

pub(super) fn displaces() -> Life {
    Life {
        name: "displaces",
        about: "an order that matters more than one of this home that is planned",
        rules: rules(""),
        tells: &[],
        plays: ours(),
    }
}

fn plays(in_the_way: &[Thing], is_looked_up: bool) -> Vec<Play> {
    let begin = |step, fault: &str| {
        let it = play(step, fault);
        in_the_way
            .iter()
            .fold(it, |it, thing| it.before(thing.clone()))
    };
    let mut plays = vec![begin("none", "nothing goes wrong")];
    for (name, fate) in fates() {
        let it = begin("the look at what is in the way", &name);
        plays.push(it.befalls(At::Action, fate, 1));
    }
    let pushed_past = |it: Play, fate, times| {
        let it = it.befalls(At::Push, Fate::Answered, 1);
        it.befalls(At::Push, fate, times)
    };
    for (name, fate) in fates() {
        let it = begin("the push past it", &name);
        plays.push(pushed_past(it, fate, 1));
    }
    for (status, code) in [(500, "INTERNAL_ERROR"), (503, "")] {
        let name = format!("carried out, and answered with {status} {code}");
        let it = begin("the push past it", name.trim_end());
        plays.push(pushed_past(it, Fate::RefusedAfter(status, code), 1));
    }
    for (name, fate) in [
        ("409 CONFLICT, each time", Fate::Refused(409, "CONFLICT")),
        ("429, each time", Fate::Refused(429, "RATE_LIMIT_EXCEEDED")),
        ("lost on its way, each time", Fate::LostBefore),
    ] {
        let it = begin("the push past it", name);
        plays.push(pushed_past(it, fate, EACH));
    }
    for (name, lost) in [
        (
            "look-up of a lost push past it that arrived",
            Fate::LostAfter,
        ),
        (
            "look-up of a push past it that never arrived",
            Fate::LostBefore,
        ),
    ] {
        for (fault, fate) in fates().into_iter().filter(|_| is_looked_up) {
            let it = begin(name, &fault).befalls(At::List, fate, 1);
            plays.push(pushed_past(it, lost, 1));
        }
    }
    plays.extend(races(&begin));
    plays
}

/// Our own plan is called off at Amps before the order leaves.
fn ours() -> Vec<Play> {
    let begin = |step, fault: &str| {
        let it = play(step, fault).befalls(At::Push, Fate::Answered, 1);
        it.before(Thing::Rule("plan"))
            .before(Thing::Wait(minutes(1)))
    };
    let step = "the cancellation of the plan";
    let mut plays = vec![play("none", "nothing goes wrong").before(Thing::Rule("plan"))];
    let mut all = fates();
    all.push((
        "409 ACTION_NOT_CANCELLABLE".to_owned(),
        Fate::Refused(409, "ACTION_NOT_CANCELLABLE"),
    ));
    for (name, fate) in &all {
        plays.push(begin(step, name).befalls(At::Cancel, *fate, 1));
    }
    for (name, fate) in &all {
        if !matches!(fate, Fate::KilledBefore | Fate::KilledAfter) {
            let name = format!("{name}, each time");
            plays.push(begin(step, &name).befalls(At::Cancel, *fate, EACH));
        }
    }
    for (name, fate) in fates() {
        plays.push(begin("the push", &name).befalls(At::Push, fate, 1));
    }
    let elsewhere = begin(step, "somebody else has cancelled it already");
    plays.push(elsewhere.before(Thing::CancelledElsewhere));
    plays
}

/// What is in the way goes on while it is looked at.
fn races(begin: &dyn Fn(&'static str, &str) -> Play) -> Vec<Play> {
    let mut plays = Vec::new();
    let gone = |it: Play, thing| it.wait(Duration::from_millis(90)).then(thing);
    let it = begin("between look and push", "somebody else cancels it");
    plays.push(gone(it, Thing::CancelledElsewhere));
    let it = begin("between look and push", "somebody else replaces it");
    plays.push(gone(it, Thing::ReplacedElsewhere));
    let it = begin("between look and push", "killed");
    plays.push(gone(it, Thing::Kill(DOWN)));
    let it = begin("between look and push", "gone for five hours");
    plays.push(gone(it, Thing::Kill(hours(5))));
    for (name, time) in [("killed", DOWN), ("gone for five hours", hours(5))] {
        let it = begin("taken by Amps", name).wait(seconds(1));
        plays.push(it.then(Thing::Kill(time)));
    }
    plays
}
