//! The sun against an ephemeris, in the far north, and far from Greenwich.

use super::*;
use amps_rules::engine::schedule::daylight;
use amps_rules::rules::condition::SunTest;
use amps_rules::rules::rule::Test;
use jiff::SignedDuration;

const BRISTOL: Location = Location {
    latitude: 51.45,
    longitude: -2.59,
};

const TROMSO: Location = Location {
    latitude: 69.6492,
    longitude: 18.9553,
};

const EVENTS: [(&str, bool); 4] = [
    ("dawn", true),
    ("sunrise", true),
    ("sunset", false),
    ("dusk", false),
];

fn sun(location: Location, event: &str) -> RuleSet {
    home(
        "UTC",
        Some(location),
        &format!("{{trigger: sun, event: {event}}}"),
    )
}

#[test]
fn the_sun_is_where_an_ephemeris_has_it() {
    let text = file("sun.txt");
    let mut place = None;
    let mut n_compared = 0;
    for line in text
        .lines()
        .filter(|it| !it.starts_with('#') && !it.is_empty())
    {
        let fields: Vec<&str> = line.split_whitespace().collect();
        if let [name, latitude, longitude, allowed] = fields[..] {
            let location = Location {
                latitude: latitude.parse().unwrap(),
                longitude: longitude.parse().unwrap(),
            };
            place = Some((name, location, allowed.parse::<i64>().unwrap()));
            continue;
        }
        let (name, location, allowed) = place.unwrap();
        let ahead = SignedDuration::from_secs_f64(location.longitude * 240.0);
        // The mean sun is highest then; the sun itself up to 17 minutes before or after.
        let noon = moment(&format!("{}T12:00Z", fields[0])) - ahead;
        for ((event, is_morning), expected) in EVENTS.iter().zip(&fields[1..]) {
            let half = SignedDuration::from_mins(12 * 60 + 17);
            let after = noon
                - if *is_morning {
                    half
                } else {
                    SignedDuration::from_mins(17)
                };
            let seen = schedule(&sun(location, event)).next(after).unwrap();
            let what = format!("{event} at {name} on {}: {seen}, not {expected}", fields[0]);
            if *expected == "-" {
                assert!(half < seen.duration_since(after), "{what}");
            } else {
                let off = seen.duration_since(moment(expected)).as_secs().abs();
                assert!(off <= allowed, "{what}");
            }
            n_compared += 1;
        }
    }
    assert_eq!(n_compared, 4 * (12 * 7 + 14));
}

/// What several countries print in their almanacs, to the minute.
#[test]
fn an_almanac_agrees_to_the_minute() {
    let london = Location {
        latitude: 51.5074,
        longitude: -0.1278,
    };
    let midsummer = moment("2026-06-21T00:00Z");
    let minute = |event: &str| {
        let next = schedule(&sun(london, event)).next(midsummer).unwrap();
        next.strftime("%H:%M").to_string()
    };
    assert_eq!([minute("sunrise"), minute("sunset")], ["03:43", "20:21"]);
}

#[test]
fn where_the_sun_stays_up_or_down_the_next_day_that_has_the_event_counts() {
    for (event, after, expected) in [
        ("sunset", "2026-05-18T12:00Z", "2026-07-25"),
        ("sunrise", "2026-05-18T12:00Z", "2026-07-25"),
        ("sunrise", "2026-11-28T00:00Z", "2027-01-15"),
        ("sunset", "2026-11-28T00:00Z", "2027-01-15"),
        ("dusk", "2026-05-01T00:00Z", "2026-08-14"),
    ] {
        let next = schedule(&sun(TROMSO, event)).next(moment(after)).unwrap();
        assert_eq!(next.strftime("%F").to_string(), expected, "{event} {after}");
    }
}

/// The sun of July is some minutes late, so that it may set after midnight by the mean sun.
#[test]
fn a_sunset_just_after_midnight_is_not_passed_over() {
    let mut n_after_midnight = 0;
    for hundredths in 6600..6900_i16 {
        let location = Location {
            latitude: f64::from(hundredths) / 100.0,
            longitude: 0.0,
        };
        let rules = sun(location, "sunset");
        let july = moment("2026-07-01T12:00Z");
        for sunset in schedule(&rules).ticks(july).take(3) {
            let just_before = sunset - SignedDuration::from_nanos(1);
            assert_eq!(schedule(&rules).next(just_before), Some(sunset));
            n_after_midnight += usize::from(sunset.strftime("%H").to_string() == "00");
        }
    }
    assert!(n_after_midnight > 10, "{n_after_midnight}");
}

#[test]
fn at_a_pole_no_day_of_a_year_may_have_the_event_and_the_search_ends() {
    for latitude in [90.0, -90.0] {
        for (event, _) in EVENTS {
            let pole = Location {
                latitude,
                longitude: 0.0,
            };
            let rules = sun(pole, event);
            let from = moment("2026-01-01T00:00Z");
            let of_a_year = schedule(&rules)
                .ticks(from)
                .take_while(|it| *it < moment("2027-01-01T00:00Z"));
            assert!(of_a_year.count() <= 1, "{event} at {latitude}");
        }
    }
}

#[test]
fn an_offset_moves_the_event_also_over_midnight() {
    let from = moment("2026-01-10T00:00Z");
    let sunset = schedule(&sun(BRISTOL, "sunset")).next(from).unwrap();
    for (offset, moved) in [
        ("-30m", SignedDuration::from_mins(-30)),
        ("1h30m", SignedDuration::from_mins(90)),
        ("12h", SignedDuration::from_hours(12)),
        ("-12h", SignedDuration::from_hours(-12)),
    ] {
        let trigger = format!("{{trigger: sun, event: sunset, offset: {offset}}}");
        let rules = home("UTC", Some(BRISTOL), &trigger);
        let expected = sunset + moved;
        let before = expected - SignedDuration::from_secs(1);
        assert_eq!(schedule(&rules).next(before), Some(expected), "{offset}");
        let following = schedule(&rules).next(expected).unwrap();
        let days = following.duration_since(expected).as_secs_f64() / 86_400.0;
        assert!((0.99..1.01).contains(&days), "{offset}: {days}");
    }
}

#[test]
fn without_a_place_the_sun_has_no_times() {
    let mut rules = sun(BRISTOL, "sunset");
    rules.location = None;
    let from = moment("2026-01-10T00:00Z");
    assert_eq!(schedule(&rules).next(from), None);
    let test = sun_test("{after: sunset}");
    assert_eq!(daylight::holds(&test, &TimeZone::UTC, None, from), None);
}

/// `asked` as the condition of a rule.
fn sun_test(asked: &str) -> SunTest {
    let names = Names {
        location: Some(BRISTOL),
        ..Names::default()
    };
    let asked = asked.replacen('{', "{condition: sun, ", 1);
    let rule = format!(
        "version: 1\nrules:\n  - id: r\n    triggers: {{trigger: time, at: \"12:00\"}}\n    conditions: {asked}\n    actions: {{log: x}}\n"
    );
    let loaded = rules::load(&[SourceFile::new("rules/a.yaml", rule)], &names);
    assert_eq!(loaded.broken, [], "{asked}: {:?}", loaded.diagnostics);
    let condition = &loaded.rules.rules[0].conditions[0];
    let Test::Sun(test) = &condition.test else {
        panic!("{condition:?}");
    };
    test.clone()
}

/// Runs `daylight.txt`: a zone with a place, what is asked, and moments with the answer.
#[test]
fn a_part_of_the_day_by_the_sun_has_an_end_and_may_wrap_midnight() {
    let table = file("daylight.txt");
    let (mut home, mut test) = (None, None);
    let mut n_asked = 0;
    for line in table.lines().map(|it| it.split(" #").next().unwrap()) {
        let fields: Vec<&str> = line.split_whitespace().collect();
        match fields[..] {
            [] | ["#", ..] => {}
            ["home", zone, latitude, longitude] => {
                let location = Location {
                    latitude: latitude.parse().unwrap(),
                    longitude: longitude.parse().unwrap(),
                };
                home = Some((TimeZone::get(zone).unwrap(), location));
            }
            ["sun", ..] => test = Some(sun_test(line.strip_prefix("sun ").unwrap())),
            [date, time, expected] => {
                let (zone, location) = home.as_ref().unwrap();
                let wall = format!("{date}T{time}").parse().unwrap();
                let now = zone.to_timestamp(wall).unwrap();
                let holds = daylight::holds(test.as_ref().unwrap(), zone, Some(*location), now);
                let seen = match holds {
                    Some(true) => "yes",
                    Some(false) => "no",
                    None => "unknown",
                };
                assert_eq!(seen, expected, "{line}, {test:?}");
                n_asked += 1;
            }
            _ => panic!("what is `{line}`?"),
        }
    }
    assert_eq!(n_asked, 75);
}
