//! Days that are played again: with the rules of then, replay does what was done, at the moments when it was.

use std::time::Duration;

use jiff::Timestamp;

use super::day::Day;
use super::{home, in_virtual_time, script};
use crate::clock::{earlier, later};
use crate::replay::compare::{Row, Side};
use crate::replay::deed::What;
use crate::replay::{EVENTS_MAX, Pace, Replay, Span, bounded, replay};
use crate::rules::rule::RuleSet;
use crate::store::view::View;

const SEEDS: u64 = 2;

const THINGS: u32 = 60;

const PAUSE_MAX: Duration = Duration::from_mins(22);

/// A day on which the program is never down for long: when it was is not on record.
async fn live(mut day: Day) -> Day {
    day.network.lock().is_calm = true;
    for _ in 0..THINGS {
        let pause = day.chance.between(Duration::ZERO, PAUSE_MAX);
        day.pass(pause).await;
        script::happen_at_home(&mut day).await;
    }
    day.pass(PAUSE_MAX).await;
    day
}

fn play_again(day: &Day, since: Timestamp, rules: &RuleSet) -> Replay {
    let span = Span {
        since,
        until: day.home_now(),
    };
    let view = View::open(day.dir.path()).unwrap().unwrap();
    let past = view.past(&span, EVENTS_MAX).unwrap().unwrap();
    let devices = day.plan.home.devices.values();
    let pace = Pace {
        devices: devices.map(|it| (it.device.id.clone(), it.poll)).collect(),
        ..Pace::default()
    };
    replay(rules, &past, span, &pace)
}

fn different(replay: &Replay) -> Vec<&Row> {
    let rows = replay.rows.iter();
    rows.filter(|it| it.side() != Side::Both).collect()
}

/// Lives through a day for each seed, and hands it on with the moment when it began.
fn each_day(look: impl Fn(&Day, Timestamp)) {
    for seed in 0..SEEDS {
        in_virtual_time(async {
            let day = Day::new(seed);
            let begin = day.home_now();
            look(&live(day).await, begin);
        });
    }
}

/// Moments of the day at which no run is under way, an hour apart at least.
fn quiet_moments(whole: &Replay, begin: Timestamp) -> Vec<Timestamp> {
    let runs: Vec<(Timestamp, Timestamp)> = whole
        .rows
        .iter()
        .filter_map(|it| match &it.then.as_ref()?.what {
            What::Run { end, .. } => {
                let end = end.as_ref().map_or(Timestamp::MAX, |(at, _)| *at);
                Some((it.at(), end))
            }
            What::Command { .. } | What::Notification(_) | What::Request(_) | What::Setting(_) => {
                None
            }
        })
        .collect();
    let is_quiet = |at: Timestamp| !runs.iter().any(|(from, to)| *from <= at && at <= *to);
    let mut found = Vec::new();
    let mut at = later(begin, Duration::from_hours(2));
    let last = runs.iter().map(|(from, _)| *from).max().unwrap();
    while at < last {
        if is_quiet(at) {
            found.push(at);
            at = later(at, Duration::from_hours(1));
        }
        at = later(at, Duration::from_mins(1));
    }
    found
}

#[test]
fn with_the_rules_of_then_a_replay_does_what_was_done() {
    each_day(|day, begin| {
        let rules = &day.plan.rules;
        let whole = play_again(day, earlier(begin, Duration::from_secs(1)), rules);
        assert_eq!(different(&whole).len(), 0, "{:#?}", different(&whole));
        assert!(100 < whole.rows.len(), "{}", whole.rows.len());
        // From a moment on at which no run is under way, rows tell all that rules knew; runs that are under way
        // are left out, and in this home one order leads to the next.
        let moments = quiet_moments(&whole, begin);
        assert!(2 <= moments.len(), "{moments:?}");
        for since in moments {
            let part = play_again(day, since, rules);
            assert_eq!(part.waiting, [], "{since}");
            assert_eq!(
                different(&part).len(),
                0,
                "{since}: {:#?}",
                different(&part)
            );
            assert!(20 < part.rows.len(), "{since}: {}", part.rows.len());
        }
    });
}

#[test]
fn a_replay_is_bounded_and_says_so() {
    each_day(|day, begin| {
        let (since, until) = (begin, day.home_now());
        let span = Span { since, until };
        let view = View::open(day.dir.path()).unwrap().unwrap();
        let past = |events_max| view.past(&span, events_max).unwrap();
        let n_events = past(EVENTS_MAX).unwrap().events.len();
        assert!(past(n_events - 1).is_none());
        let past = past(n_events).unwrap();
        // Alarms, and readings that bring nothing new, are shown too.
        let (rules, pace) = (&day.plan.rules, Pace::default());
        let bounded = |shown_max| bounded(rules, &past, (span, &pace), shown_max);
        let short = bounded(100);
        let stopped_at = short.stopped_at.unwrap();
        assert!(since < stopped_at && stopped_at < until, "{stopped_at}");
        assert!(short.rows.iter().all(|it| it.at() <= stopped_at));
        assert_eq!(bounded(100_000).stopped_at, None);
    });
}

#[test]
fn a_replay_of_edited_rules_is_the_same_each_time() {
    each_day(|day, begin| {
        let edited = home::edited(|it| it.replace("above: 80, reset: 70", "above: 60, reset: 50"));
        let [first, again] = [(); 2].map(|()| play_again(day, begin, &edited));
        assert_ne!(different(&first).len(), 0);
        assert_eq!(format!("{first:?}"), format!("{again:?}"));
    });
}
