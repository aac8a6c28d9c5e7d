//! An order that begins at once.

use serde_json::json;

use super::Life;
use super::play::{
    BATTERY_ACTIONS, DOWN, EACH, Play, Thing, all_fates, fails, fates, hours, minutes, play,
    seconds,
};
use crate::simulation::network::{At, Fate};

const RULES: &str = "\
version: 1
rules:
  - id: order
    triggers: {trigger: command, device: hall_heating, command: cool}
    actions:
      - {command: charge, device: house_battery, parameters: {target: 90 %}, retry: {attempts: 3, backoff: 20s}}
";

pub(super) fn life() -> Life {
    Life {
        name: "immediate",
        about: "an order that begins at once",
        rules: RULES.to_owned(),
        tells: &[],
        plays: plays(),
    }
}

/// What may befall the push of any order, and its look-up.
pub(super) fn pushes(fates: &[(String, Fate)]) -> Vec<Play> {
    let mut plays = Vec::new();
    for (name, fate) in fates {
        plays.push(play("the push", name).befalls(At::Push, *fate, 1));
    }
    for (name, fate) in fates {
        let step = "look-up of a lost push that arrived";
        let it = play(step, name).befalls(At::Push, Fate::LostAfter, 1);
        plays.push(it.befalls(At::List, *fate, 1));
    }
    for (name, fate) in fates {
        let step = "look-up of a push that never arrived";
        let it = play(step, name).befalls(At::Push, Fate::LostBefore, 1);
        plays.push(it.befalls(At::List, *fate, 1));
    }
    plays
}

fn plays() -> Vec<Play> {
    let mut plays = vec![play("none", "nothing goes wrong")];
    plays.extend(pushes(&all_fates()));
    for (name, fate) in all_fates() {
        if matches!(fate, Fate::Refused(..) | Fate::LostBefore | Fate::NotSent) {
            let it = play("each push", name);
            plays.push(it.befalls(At::Push, fate, EACH));
        }
    }
    plays.extend(limited());
    plays.extend(answers());
    plays.extend(second_crash());
    plays.extend(reports());
    plays.extend(absences());
    for (name, fate) in all_fates() {
        let it = play("look-up in place of a report", name).webhook("drop");
        plays.push(it.befalls(At::Action, fate, 1));
    }
    for (name, fate) in all_fates() {
        let it = play("wait for another's action", name);
        let it = it.with(BATTERY_ACTIONS, json!({"command": "discharge"}));
        plays.push(it.befalls(At::Action, fate, 1));
    }
    for fault in [json!({"kind": "never_end"}), fails("DEVICE_OFFLINE")] {
        let kind = fault["kind"].as_str().unwrap();
        let it = play(
            "wait for another's action",
            format!("the other one: {kind}"),
        );
        let it = it.action(fault.clone());
        plays.push(it.with(BATTERY_ACTIONS, json!({"command": "discharge"})));
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
        plays.push(play(step, format!("{status} {name}")).befalls(At::Push, fate, 1));
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

/// A lost push whose first look-up fails, and then the plug is pulled.
fn second_crash() -> Vec<Play> {
    let mut plays = Vec::new();
    for (step, push) in [
        (
            "killed after the look-up of a lost push that arrived",
            Fate::LostAfter,
        ),
        (
            "killed after the look-up of a push that never arrived",
            Fate::LostBefore,
        ),
        ("killed twice, with a look-up between", Fate::KilledAfter),
    ] {
        for (name, fate) in fates() {
            let it = play(step, name).befalls(At::Push, push, 1);
            let it = it.befalls(At::List, fate, 1).wait(seconds(5));
            plays.push(it.then(Thing::Kill(DOWN)));
        }
    }
    plays
}

/// The program is gone for long while the order is open.
fn absences() -> Vec<Play> {
    let mut plays = Vec::new();
    for (time, name) in [
        (hours(3), "gone for three hours"),
        (hours(26), "gone for a day"),
    ] {
        let away = Thing::Kill(time);
        let it = play("queued", name).befalls(At::Push, Fate::Refused(429, ""), 1);
        plays.push(it.wait(seconds(5)).then(away.clone()));
        let it = play("blocked", name).with(BATTERY_ACTIONS, json!({"command": "discharge"}));
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
            let it = it.befalls(At::Push, fate, 1).wait(seconds(0));
            let it = it.wait(std::time::Duration::from_millis(500));
            plays.push(it.then(away.clone()));
        }
        let it = play("acknowledged", name).wait(seconds(2));
        plays.push(it.then(away.clone()));
        let it = play("acknowledged", format!("{name}; it never ends"));
        let it = it.action(json!({"kind": "never_end"})).wait(seconds(2));
        plays.push(it.then(away));
    }
    plays
}

/// The wait for the report, and the report itself.
fn reports() -> Vec<Play> {
    let step = "acknowledged";
    let report = "the report";
    let gone = |fault: &str, time| {
        let it = play(step, fault).wait(seconds(2));
        it.then(Thing::Kill(time))
    };
    let killed = play(step, "killed").wait(seconds(4));
    let mut plays = vec![
        killed.then(Thing::Kill(DOWN)),
        gone("gone while the report comes", minutes(2)),
        gone("gone for an hour", hours(1)),
        play(step, "it never ends").action(json!({"kind": "never_end"})),
    ];
    for code in ["DEVICE_OFFLINE", "INVALID_CREDENTIALS", "SOMETHING_ELSE"] {
        plays.push(play(step, format!("fails with {code}")).action(fails(code)));
    }
    let each = json!({"fault": fails("DEVICE_OFFLINE"), "times": 99});
    let it = play(step, "fails with DEVICE_OFFLINE, each time");
    plays.push(it.with("/faults/actions", each));
    let early = json!({"kind": "complete_first"});
    plays.push(play(report, "comes before the 202").action(early.clone()));
    let it = play(report, "comes before the 202, which is lost").action(early);
    plays.push(it.befalls(At::Push, Fate::LostAfter, 1));
    for (kind, name) in [
        ("duplicate", "comes twice"),
        ("drop", "never comes"),
        ("garbage", "cannot be read"),
        ("forge", "is signed by a stranger"),
    ] {
        plays.push(play(report, name).webhook(kind));
    }
    let release = Thing::Control("/webhooks/release", json!({}));
    let it = play(report, "comes ten minutes late").webhook("hold");
    plays.push(it.wait(minutes(10)).then(release.clone()));
    let it = play(report, "comes when the order has long expired").webhook("hold");
    let it = it.befalls(At::Action, Fate::LostBefore, EACH);
    plays.push(it.wait(hours(2)).then(release));
    let it = play(report, "killed when it was taken in").then(Thing::UntilWebhook);
    plays.push(it.then(Thing::Kill(DOWN)));
    for (kind, name) in [
        ("duplicate", "of a failure comes twice"),
        ("drop", "of a failure never comes"),
    ] {
        let it = play(report, name).action(fails("DEVICE_OFFLINE"));
        plays.push(it.webhook(kind));
    }
    let first = "of the first attempt comes after that of the second";
    let it = play(report, first).action(fails("DEVICE_OFFLINE"));
    let both = json!({"times": 2, "fault": {"kind": "reverse"}});
    plays.push(it.with("/faults/webhooks", both));
    plays
}
