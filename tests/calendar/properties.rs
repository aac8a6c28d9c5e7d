//! Laws that hold for every schedule, tried on very many. Seeded: a failure comes again.
//!
//! The calendar is compared with somebody who looks at the clock every minute, which knows nothing of
//! gaps and repetitions: a time of day comes when the clock shows it, or something later, for the first
//! time; a rhythm whenever the clock shows it.

use super::*;
use amps_rules::rules::rule::On;
use amps_rules::rules::trigger::CronTrigger;
use jiff::civil::DateTime;
use jiff::{SignedDuration, ToSpan};

const SEED: u64 = 0x5EED_0F7E_57DA_7E55;
const ROUNDS: usize = 400;
const PLACES: usize = 150;

const MINUTE: SignedDuration = SignedDuration::from_mins(1);
const WATCHED: SignedDuration = SignedDuration::from_hours(60);

/// Longer than what any clock here is put back by.
const BEFORE: SignedDuration = SignedDuration::from_hours(30);

const ZONES: &[&str] = &[
    "Europe/London",
    "Europe/Berlin",
    "America/New_York",
    "America/Sao_Paulo",
    "America/St_Johns", // changed at one minute past midnight until 2011
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Asia/Pyongyang", // by half an hour, in 2015 and 2018
    "Africa/Casablanca",
    "Pacific/Apia",
    "Pacific/Chatham",
    "Antarctica/Troll",
    "UTC",
];

struct Xorshift(u64);

impl Xorshift {
    fn below(&mut self, end: i64) -> i64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        i64::try_from(self.0 >> 33).unwrap() % end.max(1)
    }

    fn pick<'t>(&mut self, from: &[&'t str]) -> &'t str {
        from[usize::try_from(self.below(i64::try_from(from.len()).unwrap())).unwrap()]
    }

    /// A moment of 2008 to 2036, mostly one shortly before the clocks are changed.
    fn moment(&mut self, zone: &TimeZone) -> Timestamp {
        let second = 1_199_145_600 + self.below(28 * 365 * 86_400);
        let any = Timestamp::from_second(second).unwrap();
        match zone.following(any).next() {
            Some(change) if self.below(4) > 0 => {
                change.timestamp() - SignedDuration::from_secs(self.below(36 * 3600))
            }
            Some(_) | None => any,
        }
    }

    fn fraction(&mut self) -> f64 {
        f64::from(u32::try_from(self.below(1_000_001)).unwrap()) / 1e6
    }
}

fn trigger(random: &mut Xorshift) -> String {
    if random.below(3) == 0 {
        let times = [
            "00:00", "00:30", "01:30", "02:00", "02:15", "23:30", "23:59",
        ];
        let at: Vec<String> = (0..=random.below(3))
            .map(|_| format!("\"{}\"", random.pick(&times)))
            .collect();
        let days = ["", "", "", ", weekday: sun", ", weekday: [sat, mon]"];
        return format!(
            "{{trigger: time, at: [{}]{}}}",
            at.join(", "),
            random.pick(&days)
        );
    }
    let minute = random.pick(&["0", "30", "*/15", "*", "5,35", "59", "*/20", "0-40/10"]);
    let hour = random.pick(&["*", "*/2", "1", "2", "0", "23", "1-3", "0,2,23", "*/5"]);
    let day = random.pick(&["*", "*", "*", "1", "*/2", "30"]);
    let weekday = random.pick(&["*", "*", "*", "sun", "1-5", "*/2"]);
    format!("{{trigger: cron, expression: \"{minute} {hour} {day} * {weekday}\"}}")
}

fn has(numbers: &[u8], number: i8) -> bool {
    numbers.contains(&u8::try_from(number).unwrap())
}

/// Whether the trigger names this very minute.
fn names(on: &On, wall: DateTime) -> bool {
    let weekday = wall.weekday();
    if let On::Time(it) = on {
        let is_day = it.weekdays.is_empty() || it.weekdays.contains(&weekday);
        return is_day && it.at.contains(&wall.time());
    }
    let On::Cron(CronTrigger { pattern: it, .. }) = on else {
        panic!("{on:?}");
    };
    let (day, weekday) = (has(&it.days, wall.day()), it.weekdays.contains(&weekday));
    let is_day = if it.is_either_day {
        day || weekday
    } else {
        day && weekday
    };
    is_day
        && has(&it.minutes, wall.minute())
        && has(&it.hours, wall.hour())
        && has(&it.months, wall.month())
}

/// The ticks of [`WATCHED`], by looking at the clock.
fn watch(on: &On, zone: &TimeZone, after: Timestamp) -> Vec<Timestamp> {
    let is_rhythm = matches!(on, On::Cron(it) if it.pattern.is_rhythm);
    let begin = after - BEFORE;
    let mut now = begin
        - MINUTE
            .checked_add(SignedDuration::from_secs(begin.as_second() % 60))
            .unwrap();
    let mut furthest = zone.to_datetime(now);
    let mut ticks = Vec::new();
    while now <= after + WATCHED {
        let shown = zone.to_datetime(now);
        let mut fires = is_rhythm && names(on, shown);
        while furthest < shown {
            furthest += 1.minute();
            fires |= !is_rhythm && names(on, furthest);
        }
        if fires && after < now {
            ticks.push(now);
        }
        now += MINUTE;
    }
    ticks
}

#[test]
fn the_calendar_fires_when_somebody_who_watches_the_clock_would() {
    let mut random = Xorshift(SEED);
    let (mut n_ticks, mut n_changes) = (0, 0);
    for round in 0..ROUNDS {
        let zone_name = random.pick(ZONES);
        let text = trigger(&mut random);
        let rules = home(zone_name, None, &text);
        let zone = rules.timezone.as_ref().unwrap();
        let after = random.moment(zone);
        let expected = watch(&rules.rules[0].triggers[0].on, zone, after);
        let schedule = schedule(&rules);
        let until = after + WATCHED;
        let seen: Vec<_> = schedule
            .ticks(after)
            .take_while(|it| *it <= until)
            .collect();
        let what = format!("round {round}: {zone_name} {text} after {after}");
        assert_eq!(seen, expected, "{what}");
        assert!(seen.is_sorted_by(|a, b| a < b), "{what}");

        // From wherever it is asked between two ticks, the later one is next.
        let between = SignedDuration::from_millis(random.below(WATCHED.as_secs() * 1000));
        let asked = after + between;
        if let Some(next) = expected.iter().find(|it| asked < **it) {
            assert_eq!(
                schedule.next(asked),
                Some(*next),
                "{what}, asked at {asked}"
            );
        }
        n_ticks += seen.len();
        n_changes += usize::from(zone.to_offset(after) != zone.to_offset(until));
    }
    assert!(n_ticks > 10_000, "{n_ticks}");
    assert!(n_changes > 100, "{n_changes}");
}

#[test]
fn what_is_caught_up_are_the_last_ticks_of_all_that_came() {
    let mut random = Xorshift(SEED);
    for round in 0..ROUNDS {
        let zone_name = random.pick(ZONES);
        let text = trigger(&mut random);
        let within = random.below(48 * 60) + 1;
        let text = text.replace('}', &format!(", within: {within}m, catch_up: CATCH_UP}}"));
        let rules = |catch_up| home(zone_name, None, &text.replace("CATCH_UP", catch_up));
        let (all, latest) = (rules("all"), rules("latest"));
        let after = random.moment(all.timezone.as_ref().unwrap());
        let until = after + SignedDuration::from_secs(random.below(WATCHED.as_secs()));
        let oldest = until - SignedDuration::from_mins(within);

        let came: Vec<_> = schedule(&all)
            .ticks(after)
            .take_while(|it| *it <= until)
            .collect();
        let mut young: Vec<_> = came.iter().copied().filter(|it| oldest <= *it).collect();
        young = young.split_off(young.len().saturating_sub(100));
        let left_out = |kept: usize| (came.len() - kept).min(1000);
        let what = format!("round {round}: {zone_name} {text} {after} to {until}");
        let expected = Ticks {
            left_out: left_out(young.len()),
            at: young.clone(),
        };
        assert_eq!(schedule(&all).missed(after, until), expected, "{what}");
        let last: Vec<_> = young.last().copied().into_iter().collect();
        let expected = Ticks {
            left_out: left_out(last.len()),
            at: last,
        };
        assert_eq!(schedule(&latest).missed(after, until), expected, "{what}");
    }
}

#[test]
fn the_sun_goes_through_its_day_in_order_wherever_it_is() {
    const EVENTS: [&str; 4] = ["dawn", "sunrise", "sunset", "dusk"];
    let mut random = Xorshift(SEED);
    for _ in 0..PLACES {
        let location = Location {
            latitude: random.fraction() * 130.0 - 65.0,
            longitude: random.fraction() * 360.0 - 180.0,
        };
        let start = random.moment(&TimeZone::UTC);
        let of = |event: &str| {
            home(
                "UTC",
                Some(location),
                &format!("{{trigger: sun, event: {event}}}"),
            )
        };
        let [dawn, sunrise, sunset, dusk] = EVENTS.map(of);
        let rise = schedule(&sunrise).next(start).unwrap();
        let set = schedule(&sunset).next(rise).unwrap();
        let next_rise = schedule(&sunrise).next(rise).unwrap();
        let what = format!("{location:?} after {start}");
        assert!(rise < set && set < next_rise, "{what}");
        let day = next_rise.duration_since(rise);
        let difference = (day - SignedDuration::from_hours(24)).abs();
        assert!(difference < SignedDuration::from_mins(15), "{what}: {day}");
        // Asked at the tick itself, a nanosecond before, and anywhere between.
        let just_before = rise - SignedDuration::from_nanos(1);
        assert_eq!(schedule(&sunrise).next(just_before), Some(rise), "{what}");
        let between = rise + SignedDuration::from_secs(random.below(day.as_secs()));
        assert_eq!(schedule(&sunrise).next(between), Some(next_rise), "{what}");
        if location.latitude.abs() < 55.0 {
            let first_light = schedule(&dawn)
                .next(rise - SignedDuration::from_hours(6))
                .unwrap();
            let last_light = schedule(&dusk).next(set).unwrap();
            assert!(first_light < rise && last_light < next_rise, "{what}");
        }
    }
}

#[test]
fn in_the_far_north_and_south_the_sun_only_goes_forward() {
    let mut random = Xorshift(SEED);
    for _ in 0..PLACES / 5 {
        let south = random.below(2) == 0;
        let latitude = 65.0 + random.fraction() * 25.0;
        let location = Location {
            latitude: if south { -latitude } else { latitude },
            longitude: random.fraction() * 360.0 - 180.0,
        };
        let event = random.pick(&["dawn", "sunrise", "sunset", "dusk"]);
        let rules = home(
            "UTC",
            Some(location),
            &format!("{{trigger: sun, event: {event}}}"),
        );
        let start = random.moment(&TimeZone::UTC);
        let ticks: Vec<_> = schedule(&rules).ticks(start).take(100).collect();
        let what = format!("{event} at {location:?} after {start}");
        assert!(ticks.is_sorted_by(|a, b| a < b), "{what}");
        for tick in &ticks {
            let just_before = *tick - SignedDuration::from_nanos(1);
            assert_eq!(schedule(&rules).next(just_before), Some(*tick), "{what}");
        }
    }
}
