//! An order at an Amps of generation B: bodies without an envelope, and a list of actions for batteries only.

use serde_json::json;

use super::Life;
use super::immediate::pushes;
use super::play::{EACH, Play, Thing, fails, fates, minutes, play, seconds};
use crate::simulation::network::{At, Fate};

fn rules(order: &str) -> String {
    format!(
        "\
version: 1
rules:
  - id: order
    triggers: {{trigger: command, device: hall_heating, command: cool}}
    actions:
      - {{{order}, retry: {{attempts: 3, backoff: 20s}}}}
"
    )
}

pub(super) fn battery() -> Life {
    Life {
        name: "generation_b_battery",
        about: "an order that begins at once, in generation B",
        rules: rules("command: charge, device: house_battery, parameters: {target: 90 %}"),
        tells: &[],
        plays: plays(true),
    }
}

pub(super) fn charger() -> Life {
    Life {
        name: "generation_b_charger",
        about: "an order to a charger in generation B, which has no list of its actions",
        rules: rules("command: charge, device: car_charger"),
        tells: &[],
        plays: plays(false),
    }
}

pub(super) fn heating() -> Life {
    Life {
        name: "generation_b_heating",
        about: "an order to a heating in generation B, which has no list of its actions",
        rules: rules("command: heat, device: hall_heating, parameters: {target: 21 °C}"),
        tells: &[],
        plays: plays(false),
    }
}

fn plays(has_list: bool) -> Vec<Play> {
    let mut plays = vec![play("none", "nothing goes wrong")];
    let pushes = pushes(&fates()).into_iter();
    plays.extend(pushes.filter(|it| has_list || it.step == "the push"));
    let it = play("the push", "lost on its way, each time");
    plays.push(it.befalls(At::Push, Fate::LostBefore, EACH));
    for (name, fate) in fates() {
        let it = play("look-up in place of a report", name).webhook("drop");
        plays.push(it.befalls(At::Action, fate, 1));
    }
    for code in ["DEVICE_OFFLINE", "INVALID_CREDENTIALS"] {
        plays.push(play("the report", format!("tells of {code}")).action(fails(code)));
    }
    let early = json!({"kind": "complete_first"});
    let it = play("the report", "comes before the 202, which is lost").action(early);
    plays.push(it.befalls(At::Push, Fate::LostAfter, 1));
    let it = play("the report", "comes twice").webhook("duplicate");
    plays.push(it);
    let it = play("the report", "never comes, and it never ends");
    plays.push(it.action(json!({"kind": "never_end"})));
    plays.into_iter().map(in_generation_b).collect()
}

/// The devices are read before the order, so that it is known which generation answers.
fn in_generation_b(mut play: Play) -> Play {
    let generation = Thing::Control("/switches", json!({"generation": "b"}));
    let learned = [generation, Thing::Wait(minutes(61) + seconds(10))];
    play.before.splice(0..0, learned);
    play
}
