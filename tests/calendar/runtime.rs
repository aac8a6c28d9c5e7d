//! A cursor that is stored and wound back and forth, the bounds of catching up, and clocks that are wrong.

use super::*;
use amps_rules::engine::schedule::catch_up::{LEFT_OUT_MAX, TICKS_MAX};
use amps_rules::engine::schedule::plausible::{EARLIEST, PUT_BACK_MAX, is_sane};
use jiff::SignedDuration;

const NANOSECOND: SignedDuration = SignedDuration::from_nanos(1);

fn due(cursor: &Cursor, schedule: &Schedule<'_>, now: &str) -> Vec<String> {
    let ticks = cursor.due(schedule, moment(now));
    ticks.at.into_iter().map(|it| it.to_string()).collect()
}

#[test]
fn a_tick_is_due_until_it_is_dealt_with_and_then_never_again() {
    let rules = home("Europe/London", None, "{trigger: time, at: \"07:00\"}");
    let schedule = schedule(&rules);
    let mut cursor = Cursor::new(moment("2026-01-10T06:00Z"));
    let tick = "2026-01-10T07:00:00Z";
    assert_eq!(cursor.next(&schedule), Some(moment(tick)));
    assert_eq!(due(&cursor, &schedule, "2026-01-10T06:59:59Z"), [""; 0]);
    for _ in 0..2 {
        assert_eq!(due(&cursor, &schedule, tick), [tick]);
    }
    cursor.advance(moment(tick));
    assert_eq!(due(&cursor, &schedule, tick), [""; 0]);
    let tomorrow = moment("2026-01-11T07:00Z");
    assert_eq!(cursor.next(&schedule), Some(tomorrow));

    // The clock is put back over the tick, and comes to it again.
    cursor.advance(moment("2026-01-10T06:30Z"));
    assert_eq!(due(&cursor, &schedule, "2026-01-10T06:30:00Z"), [""; 0]);
    assert_eq!(due(&cursor, &schedule, "2026-01-10T07:00:01Z"), [""; 0]);
    assert_eq!(cursor.next(&schedule), Some(tomorrow));
}

#[test]
fn a_clock_that_jumps_ahead_has_missed_what_it_jumped_over() {
    let rules = home("Europe/London", None, "{trigger: time, at: \"07:00\"}");
    let schedule = schedule(&rules);
    let mut cursor = Cursor::new(moment("2026-01-10T06:59Z"));
    assert_eq!(
        due(&cursor, &schedule, "2026-01-10T07:10:00Z"),
        ["2026-01-10T07:00:00Z"]
    );
    cursor.advance(moment("2026-01-12T12:00Z"));
    assert_eq!(
        cursor.next(&schedule),
        Some(moment("2026-01-13T07:00Z")),
        "what was passed over does not come later"
    );
}

#[test]
fn a_trigger_that_is_edited_does_not_fire_for_what_is_over() {
    let seven = home("Europe/London", None, "{trigger: time, at: \"07:00\"}");
    let five_past = home("Europe/London", None, "{trigger: time, at: \"07:05\"}");
    let mut cursor = Cursor::new(moment("2026-01-10T06:00Z"));
    let now = "2026-01-10T07:10:00Z";
    assert_eq!(due(&cursor, &schedule(&seven), now).len(), 1);
    cursor.advance(moment(now));
    assert_eq!(due(&cursor, &schedule(&five_past), now), [""; 0]);
}

#[test]
fn a_cursor_survives_being_stored() {
    let mut cursor = Cursor::new(moment("2026-01-10T06:00Z"));
    cursor.advance(moment("2026-01-10T06:00:00.000000001Z"));
    let stored = serde_json::to_string(&cursor).unwrap();
    assert_eq!(
        stored,
        "{\"dealt_with_until\":\"2026-01-10T06:00:00.000000001Z\"}"
    );
    assert_eq!(serde_json::from_str::<Cursor>(&stored).unwrap(), cursor);
}

#[test]
fn not_more_than_so_many_are_caught_up_and_so_many_counted() {
    let every_minute = "{trigger: cron, expression: \"* * * * *\", catch_up: all, within: 7d}";
    let rules = home("UTC", None, every_minute);
    let begin = moment("2026-01-10T00:00Z");
    let missed = |minutes: usize| {
        let minutes = SignedDuration::from_mins(i64::try_from(minutes).unwrap());
        let Ticks { at, left_out } = schedule(&rules).missed(begin, begin + minutes);
        assert_eq!(at.last(), Some(&(begin + minutes)));
        let first = at[0].duration_since(begin).as_mins();
        (at.len(), usize::try_from(first).unwrap(), left_out)
    };
    assert_eq!(missed(TICKS_MAX), (TICKS_MAX, 1, 0));
    assert_eq!(missed(TICKS_MAX + 1), (TICKS_MAX, 2, 1));
    let all_counted = TICKS_MAX + LEFT_OUT_MAX;
    let first = LEFT_OUT_MAX + 1;
    assert_eq!(missed(all_counted), (TICKS_MAX, first, LEFT_OUT_MAX));
    assert_eq!(
        missed(all_counted + 1),
        (TICKS_MAX, first + 1, LEFT_OUT_MAX)
    );
}

#[test]
fn a_year_of_seconds_that_nobody_wants_costs_nothing() {
    let every_second = "{trigger: cron, expression: \"* * * * * *\", within: 366d}";
    let rules = home("UTC", None, every_second);
    let (begin, end) = (moment("2026-01-10T00:00Z"), moment("2027-01-10T00:00Z"));
    let Ticks { at, left_out } = schedule(&rules).missed(begin, end);
    assert_eq!((at, left_out), (vec![end], LEFT_OUT_MAX));
}

#[test]
fn a_clock_from_before_this_program_or_from_before_the_last_moment_is_wrong() {
    assert!(is_sane(EARLIEST, None));
    assert!(!is_sane(EARLIEST - NANOSECOND, None));
    assert!(!is_sane(moment("1970-01-01T00:00:10Z"), None));
    let last_seen = moment("2026-06-01T12:00Z");
    let put_back = last_seen - PUT_BACK_MAX;
    assert!(is_sane(
        last_seen + SignedDuration::from_hours(9000),
        Some(last_seen)
    ));
    assert!(is_sane(last_seen, Some(last_seen)));
    assert!(is_sane(put_back, Some(last_seen)));
    assert!(!is_sane(put_back - NANOSECOND, Some(last_seen)));
}
