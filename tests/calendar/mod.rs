//! When triggers by the time fire: tables of cases, and laws over very many.
//!
//! A table is read from the top. `zone` and `trigger` count until others stand there; the trigger is
//! written as in a rule. Each question has its whole answer indented below it:
//!
//! - `after MOMENT`: the ticks that come next, as many as are written; `never` when no more come.
//! - `missed MOMENT to MOMENT`: what is caught up, and how much is `left out`.
//! - `due MOMENT to MOMENT`: what a cursor that stands at the first moment gives at the second.
//!
//! A tick is written as the clocks of the zone show it. Behind `#` is a remark.

use std::fs;
use std::path::Path;

use amps_rules::config::home::Location;
use amps_rules::config::names::Names;
use amps_rules::document::source::SourceFile;
use amps_rules::engine::schedule::Schedule;
use amps_rules::engine::schedule::catch_up::Ticks;
use amps_rules::engine::schedule::cursor::Cursor;
use amps_rules::rules;
use amps_rules::rules::rule::RuleSet;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// What holds for all schedules, over very many of them.
mod properties;
/// Stored, wound back and forth, held.
mod runtime;
/// The sun against an ephemeris, and the conditions that ask for it.
mod sun;

fn file(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/calendar");
    fs::read_to_string(folder.join(name)).unwrap()
}

/// A home with one rule that has this trigger.
fn home(zone: &str, location: Option<Location>, trigger: &str) -> RuleSet {
    let names = Names {
        timezone: Some(TimeZone::get(zone).unwrap()),
        location,
        ..Names::default()
    };
    let text = format!(
        "version: 1\nrules:\n  - id: r\n    triggers: {trigger}\n    actions: {{log: x}}\n"
    );
    let loaded = rules::load(&[SourceFile::new("rules/a.yaml", text)], &names);
    assert_eq!(loaded.broken, [], "{trigger}: {:?}", loaded.diagnostics);
    loaded.rules
}

fn schedule(rules: &RuleSet) -> Schedule<'_> {
    Schedule::of(&rules.rules[0].triggers[0].on, rules).unwrap()
}

fn moment(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn shown(tick: Timestamp, zone: &TimeZone) -> String {
    let zoned = tick.to_zoned(zone.clone());
    zoned.strftime("%a %Y-%m-%d %H:%M:%S%:z").to_string()
}

/// What the table should say below `question`, with `n_lines` lines.
fn answer(rules: &RuleSet, question: &str, n_lines: usize) -> Vec<String> {
    let zone = rules.timezone.as_ref().unwrap();
    let schedule = schedule(rules);
    let (word, rest) = question.split_once(' ').unwrap();
    let ticks = match (word, rest.split_once(" to ")) {
        ("after", None) => {
            let ticks = schedule.ticks(moment(rest)).take(n_lines);
            let mut lines: Vec<String> = ticks.map(|it| shown(it, zone)).collect();
            if lines.len() < n_lines {
                lines.push("never".to_owned());
            }
            return lines;
        }
        ("missed", Some((after, until))) => schedule.missed(moment(after), moment(until)),
        ("due", Some((after, until))) => Cursor::new(moment(after)).due(&schedule, moment(until)),
        _ => panic!("what is `{question}`?"),
    };
    let Ticks { at, left_out } = ticks;
    let mut lines: Vec<String> = at.into_iter().map(|it| shown(it, zone)).collect();
    if left_out > 0 {
        lines.push(format!("left out {left_out}"));
    }
    lines
}

#[track_caller]
fn check(name: &str) {
    let text = file(name);
    let lines: Vec<&str> = text
        .lines()
        .map(|it| it.split(" #").next().unwrap().trim_end())
        .filter(|it| !it.is_empty() && !it.starts_with('#'))
        .collect();
    let (mut zone, mut trigger) = ("", "");
    let mut wrong = Vec::new();
    let mut questions = 0;
    for (number, line) in lines.iter().enumerate() {
        if let Some(name) = line.strip_prefix("zone ") {
            zone = name;
        } else if let Some(text) = line.strip_prefix("trigger ") {
            trigger = text;
        } else if !line.starts_with(' ') {
            let below = lines[number + 1..].iter();
            let expected: Vec<&str> = below
                .take_while(|it| it.starts_with(' '))
                .map(|it| it.trim())
                .collect();
            let rules = home(zone, None, trigger);
            let seen = answer(&rules, line, expected.len());
            questions += 1;
            if seen != expected {
                let (expected, seen) = (expected.join("\n  "), seen.join("\n  "));
                wrong.push(format!(
                    "{zone} {trigger}\n{line}\n  {expected}\nbut it is\n  {seen}\n"
                ));
            }
        }
    }
    assert!(questions > 0, "{name}");
    assert!(wrong.is_empty(), "{name}\n\n{}", wrong.join("\n"));
}

#[test]
fn times_of_day_survive_both_changes_of_the_clocks() {
    check("time.txt");
}

#[test]
fn patterns_survive_both_changes_of_the_clocks() {
    check("cron.txt");
}

#[test]
fn calendars_have_leap_days_ends_of_years_and_weeks() {
    check("dates.txt");
}

#[test]
fn what_was_missed_is_caught_up_as_far_as_the_rule_wants() {
    check("catch_up.txt");
}
