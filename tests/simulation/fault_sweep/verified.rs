//! An order whose effect is read off the device when it is completed.

use serde_json::json;

use super::Life;
use super::play::{BATTERY, DOWN, EACH, Play, Thing, fates, hours, minutes, play, seconds};
use crate::simulation::network::{At, Fate};

const RULES: &str = "\
version: 1
rules:
  - id: order
    triggers: {trigger: command, device: hall_heating, command: cool}
    actions:
      - {command: charge, device: house_battery, parameters: {target: 90 %}, retry: {attempts: 2, backoff: 20s}, verify: {attribute: status, is: charging, within: 5m}}
";

pub(super) fn life() -> Life {
    Life {
        name: "verified",
        about: "an order whose effect is read off the device",
        rules: RULES.to_owned(),
        tells: &["order"],
        plays: plays(),
    }
}

fn plays() -> Vec<Play> {
    let mut plays = vec![play("none", "nothing goes wrong")];
    for (name, fate) in fates() {
        plays.push(play("the read", name).befalls(At::Read, fate, 1));
    }
    for (name, fate) in fates() {
        if !matches!(fate, Fate::KilledBefore | Fate::KilledAfter) {
            plays.push(play("each read", name).befalls(At::Read, fate, EACH));
        }
    }
    let full = json!({"level": 95});
    plays.push(play("the device", "never agrees").with(BATTERY, full.clone()));
    let it = play("the device", "agrees at the second attempt").with(BATTERY, full);
    let empty = json!({"level": 40});
    plays.push(it.wait(minutes(5)).then(Thing::Control(BATTERY, empty)));
    let offline = |is_offline: bool| Thing::Control(BATTERY, json!({"offline": is_offline}));
    let done = std::time::Duration::from_millis(10_100);
    let it = play("the device", "is out of reach once it is done").wait(done);
    plays.push(it.then(offline(true)));
    let it = play("the device", "is out of reach for two minutes").wait(done);
    plays.push(it.then(offline(true)).wait(minutes(2)).then(offline(false)));
    let it =
        play("the device", "somebody else orders otherwise").befalls(At::Read, Fate::LostBefore, 1);
    let other = Thing::Control("/devices/dev_abc123/owner", json!({"command": "idle"}));
    plays.push(it.wait(seconds(15)).then(other));
    for (name, time) in [("killed", DOWN), ("gone for three hours", hours(3))] {
        let it = play("before it is confirmed", name).befalls(At::Read, Fate::LostBefore, 1);
        plays.push(it.wait(seconds(15)).then(Thing::Kill(time)));
    }
    plays
}
