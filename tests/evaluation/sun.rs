//! Conditions that ask for the sun, and what the trace says of them.

use super::*;

fn asking(condition: &str) -> Engine {
    Engine::with(&telling(&format!(
        "{ON_CHARGED}    conditions: {{condition: sun, {condition}}}\n"
    )))
}

fn charged(engine: &mut Engine, now: &str) -> Vec<String> {
    engine.now = now.parse().unwrap();
    engine.battery("charge", Outcome::Completed)
}

const STARTED: [&str; 2] = ["r: started", "phone: hello"];

#[test]
fn a_rule_may_run_by_night_only_and_says_when_the_sun_rises_and_sets() {
    let mut engine = asking("after: sunset, before: sunrise");
    assert_eq!(charged(&mut engine, "2026-01-10T22:30:00Z"), STARTED);
    assert_eq!(charged(&mut engine, "2026-01-11T08:11:50Z"), STARTED);
    assert_eq!(
        charged(&mut engine, "2026-01-10T12:00:00Z"),
        [
            "r: sun after sunset before sunrise, found Sat 12:00:00; sunset Sat 16:23:31; sunrise Sat 08:12:38"
        ]
    );
}

#[test]
fn an_offset_is_in_what_is_asked_and_found() {
    let mut engine = asking("after: sunset, offset: -1h30m");
    assert_eq!(
        charged(&mut engine, "2026-06-21T18:00:00Z"),
        ["r: sun after sunset -1h30m, found Sun 19:00:00; sunset -1h30m Sun 20:01:08"]
    );
    assert_eq!(charged(&mut engine, "2026-06-21T19:01:30Z"), STARTED);
    let mut engine = asking("before: sunrise, offset: 1h");
    assert_eq!(charged(&mut engine, "2026-01-10T09:12:00Z"), STARTED);
    assert_eq!(
        charged(&mut engine, "2026-01-10T09:13:00Z"),
        ["r: sun before sunrise +1h, found Sat 09:13:00; sunrise +1h Sat 09:12:38"]
    );
}

#[test]
fn where_the_sun_does_not_set_it_is_unknown_whether_it_has() {
    let in_the_north = |condition: &str| {
        let mut engine = asking(condition);
        engine.rules.location = Some(Location {
            latitude: 69.65,
            longitude: 18.96,
        });
        charged(&mut engine, "2026-06-21T12:00:00Z")
    };
    assert_eq!(
        in_the_north("after: sunset"),
        ["r: sun after sunset, found Sun 13:00:00; no sunset in these days"]
    );
    assert_eq!(in_the_north("after: sunset, if_unknown: allow"), STARTED);
}

#[test]
fn a_home_that_has_lost_its_place_knows_nothing_of_the_sun() {
    let mut engine = asking("after: sunset");
    engine.rules.location = None;
    assert_eq!(
        charged(&mut engine, "2026-01-10T22:30:00Z"),
        ["r: sun after sunset, found Sat 22:30:00; no sunset, the home has no location"]
    );
}
