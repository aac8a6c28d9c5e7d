//! A setting that a rule writes: the write, and the reads that show whether the device has it.

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
      - {setting: safety_reserve, device: house_battery, value: 25 %, retry: {attempts: 3, backoff: 20s}}
";

pub(super) fn life() -> Life {
    Life {
        name: "setting",
        about: "a setting that is written, and was 5 % before (pushes are writes here)",
        rules: RULES.to_owned(),
        tells: &["order"],
        plays: plays(),
    }
}

fn plays() -> Vec<Play> {
    let mut plays = vec![play("none", "nothing goes wrong")];
    let mut all = fates();
    for (status, code) in [
        (422, "UNSUPPORTED_SETTING"),
        (422, "SETTING_OUT_OF_RANGE"),
        (409, "SCHEDULER_ACTIVE"),
    ] {
        all.push((format!("{status} {code}"), Fate::Refused(status, code)));
    }
    for (name, fate) in &all {
        plays.push(play("the write", name).befalls(At::Setting, *fate, 1));
    }
    for (name, fate) in &all {
        if !matches!(fate, Fate::KilledBefore | Fate::KilledAfter) {
            plays.push(play("each write", name).befalls(At::Setting, *fate, EACH));
        }
    }
    for (status, code) in [(500, "INTERNAL_ERROR"), (503, ""), (401, "UNKNOWN_ERROR")] {
        let name = format!("carried out, and answered with {status} {code}");
        let fate = Fate::RefusedAfter(status, code);
        let it = play("the write", name.trim_end());
        plays.push(it.befalls(At::Setting, fate, 1));
        let it = play("each write", name.trim_end());
        plays.push(it.befalls(At::Setting, fate, EACH));
    }
    for (name, fate) in fates() {
        plays.push(play("the read", name).befalls(At::Read, fate, 1));
    }
    for (name, fate) in fates() {
        if !matches!(fate, Fate::KilledBefore | Fate::KilledAfter) {
            plays.push(play("each read", name).befalls(At::Read, fate, EACH));
        }
    }
    plays.extend(devices());
    plays
}

/// What the device does with it, and a program that is not there.
fn devices() -> Vec<Play> {
    let mut plays = Vec::new();
    let ignores = json!({"ignores_settings": true});
    let offline = |is_offline: bool| Thing::Control(BATTERY, json!({"offline": is_offline}));
    plays.push(play("the device", "does not do it").with(BATTERY, ignores.clone()));
    let it = play("the device", "does it at the second time").with(BATTERY, ignores);
    let it = it.wait(minutes(5));
    plays.push(it.then(Thing::Control(BATTERY, json!({"ignores_settings": false}))));
    let it = play(
        "the device",
        "is out of reach for ten minutes, once it is written",
    );
    let it = it
        .wait(std::time::Duration::from_millis(60))
        .then(offline(true));
    plays.push(it.wait(minutes(10)).then(offline(false)));
    let it = play("the device", "is out of reach from before the write on").before(offline(true));
    plays.push(it);
    for (name, time) in [("killed", DOWN), ("gone for three hours", hours(3))] {
        let it = play("read until it shows it", name).befalls(At::Read, Fate::LostBefore, 1);
        plays.push(it.wait(seconds(3)).then(Thing::Kill(time)));
        for (fate, what) in [
            (Fate::KilledBefore, "never arrives"),
            (Fate::KilledAfter, "arrives"),
        ] {
            let it = play("under way", format!("{name}; the write {what}"));
            plays.push(it.befalls(At::Setting, fate, 1).gone_for(time));
        }
    }
    plays
}
