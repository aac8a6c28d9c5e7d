//! Crontab patterns as sets of numbers. The `cron` crate reads the fields; the calendar is ours.

use std::str::FromStr;

use ::cron::{Schedule, TimeUnitSpec};
use jiff::civil::Weekday;

use crate::rules::trigger::Pattern;

/// What is wrong with a pattern, and what to write.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Complaint {
    pub(super) message: String,
    pub(super) help: &'static str,
}

const FIELDS: &str = "write minute, hour, day, month and weekday: `30 22 * * mon-fri`";

/// As the crate calls them; it counts Sunday as 1, which nobody else does.
const DAY_NAMES: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

const HOURS: usize = 24;

const MINUTES: u8 = 60;

const MONTH_DAYS: [u8; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

fn complaint(message: impl Into<String>, help: &'static str) -> Complaint {
    Complaint {
        message: message.into(),
        help,
    }
}

/// The sets that `text` stands for: five fields, or six with seconds first.
pub(super) fn pattern(text: &str) -> Result<Pattern, Complaint> {
    if text.trim_start().starts_with('@') {
        return Err(complaint("names like `@daily` are not known here", FIELDS));
    }
    let mut fields: Vec<&str> = text.split_whitespace().collect();
    if fields.len() == 5 {
        fields.insert(0, "0");
    }
    let [second, minute, hour, day, month, weekday] = fields[..] else {
        let message = format!(
            "a pattern has five or six fields, and this has {}",
            fields.len()
        );
        return Err(complaint(message, FIELDS));
    };
    let days = weekday_names(weekday).ok_or_else(|| {
        complaint(
            format!("`{weekday}` names no weekday"),
            "write `0` to `7` or `sun` to `sat`, where 0 and 7 are Sunday",
        )
    })?;
    let line = format!("{second} {minute} {hour} {day} {month} {days}");
    let schedule = Schedule::from_str(&line).map_err(|_| {
        complaint(
            format!("`{text}` is not a pattern: {}", blamed(&fields)),
            FIELDS,
        )
    })?;
    let is_either_day = !day.starts_with(['*', '?']) && !weekday.starts_with(['*', '?']);
    let (hours, minutes) = (numbers(schedule.hours()), numbers(schedule.minutes()));
    let pattern = Pattern {
        seconds: numbers(schedule.seconds()),
        is_rhythm: goes_round(&minutes) || hours.len() == HOURS,
        minutes,
        hours,
        days: numbers(schedule.days_of_month()),
        months: numbers(schedule.months()),
        weekdays: schedule
            .days_of_week()
            .iter()
            .filter_map(weekday_of)
            .collect(),
        is_either_day,
    };
    if !is_either_day && !comes_ever(&pattern) {
        let message = format!("`{text}` never comes: no such month has that day");
        return Err(complaint(
            message,
            "the 29th, 30th and 31st are not in every month",
        ));
    }
    Ok(pattern)
}

fn numbers(unit: &impl TimeUnitSpec) -> Vec<u8> {
    unit.iter().filter_map(|it| u8::try_from(it).ok()).collect()
}

/// Whether these are the minutes of some `*/n`, however they were written.
fn goes_round(minutes: &[u8]) -> bool {
    let step = minutes.get(1).copied().unwrap_or(MINUTES);
    minutes.len() > 1
        && (0..MINUTES)
            .step_by(step.into())
            .eq(minutes.iter().copied())
}

/// The crate's Sunday is 1.
fn weekday_of(ordinal: u32) -> Option<Weekday> {
    let offset = i8::try_from(ordinal).ok()?.checked_sub(1)?;
    Weekday::from_sunday_zero_offset(offset).ok()
}

fn comes_ever(pattern: &Pattern) -> bool {
    pattern.months.iter().any(|month| {
        let most = MONTH_DAYS.get(usize::from(month.saturating_sub(1)));
        most.is_some_and(|most| pattern.days.iter().any(|day| day <= most))
    })
}

/// The first field that cannot be read by itself.
fn blamed(fields: &[&str]) -> String {
    const NAMES: [&str; 6] = ["second", "minute", "hour", "day", "month", "weekday"];
    let stands_alone = |index: usize, field: &str| {
        let mut line = ["0", "0", "0", "*", "*", "*"];
        line[index] = field;
        Schedule::from_str(&line.join(" ")).is_ok()
    };
    let first = fields
        .iter()
        .take(5)
        .enumerate()
        .find(|(index, field)| !stands_alone(*index, field));
    match first {
        Some((index, field)) => format!("`{field}` is no {}", NAMES[index]),
        None => "the weekday cannot be read".to_owned(),
    }
}

/// The field with numbers and ranges spelled out as names; none when it names no day.
fn weekday_names(field: &str) -> Option<String> {
    let parts: Option<Vec<String>> = field.split(',').map(weekday_part).collect();
    Some(parts?.join(","))
}

fn weekday_part(part: &str) -> Option<String> {
    let (range, step) = match part.split_once('/') {
        Some((range, step)) => (range, step.parse::<usize>().ok().filter(|it| *it > 0)?),
        None => (part, 1),
    };
    if range == "*" || range == "?" {
        return Some(part.replace('?', "*"));
    }
    let (first, last) = match range.split_once('-') {
        Some((first, last)) => (day_index(first)?, day_index(last)?),
        None if step > 1 => (day_index(range)?, 6),
        None => (day_index(range)?, day_index(range)?),
    };
    // `fri-mon` and `5-7` go over the end of the week.
    let length = (last + 7 - first) % 7;
    let names: Vec<&str> = (0..=length)
        .step_by(step)
        .map(|it| DAY_NAMES[(first + it) % 7])
        .collect();
    Some(names.join(","))
}

/// From Sunday, which is 0 and 7.
fn day_index(text: &str) -> Option<usize> {
    let lower = text.to_ascii_lowercase();
    let named = DAY_NAMES.iter().position(|it| lower.starts_with(it));
    match named {
        Some(index) => Some(index),
        None => text
            .parse()
            .ok()
            .filter(|it| *it <= 7)
            .map(|it: usize| it % 7),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(field: &str) -> Vec<i8> {
        let pattern = pattern(&format!("0 0 * * {field}")).unwrap();
        let mut days: Vec<i8> = pattern
            .weekdays
            .iter()
            .map(|it| it.to_monday_one_offset())
            .collect();
        days.sort_unstable();
        days
    }

    #[test]
    fn weekdays_count_from_sunday_and_seven_is_sunday_again() {
        assert_eq!(days("1-5"), [1, 2, 3, 4, 5]);
        assert_eq!(days("0"), [7]);
        assert_eq!(days("7"), [7]);
        assert_eq!(days("5-7"), [5, 6, 7]);
        assert_eq!(days("fri-mon"), [1, 5, 6, 7]);
        assert_eq!(days("MON,3"), [1, 3]);
        assert_eq!(days("1-5/2"), [1, 3, 5]);
        assert_eq!(days("*"), [1, 2, 3, 4, 5, 6, 7]);
    }

    #[test]
    fn five_fields_begin_at_the_full_minute_and_six_with_the_second() {
        let five = pattern("*/15 6-8 * * *").unwrap();
        assert_eq!(
            (&five.seconds[..], &five.minutes[..]),
            (&[0][..], &[0, 15, 30, 45][..])
        );
        assert_eq!((&five.hours[..], five.is_rhythm), (&[6, 7, 8][..], true));
        let six = pattern("30 0 1,3 * 2 *").unwrap();
        assert_eq!((&six.seconds[..], &six.hours[..]), (&[30][..], &[1, 3][..]));
        assert_eq!((&six.months[..], six.is_rhythm), (&[2][..], false));
    }

    #[test]
    fn only_what_repeats_within_the_hour_or_at_every_hour_is_a_rhythm() {
        for (text, is_rhythm) in [
            ("* * * * *", true),
            ("*/15 6 * * *", true),
            ("20 * * * *", true),
            ("20 0-23 * * *", true),
            ("0 */2 * * *", false),
            ("*/20 1 * * *", true),
            ("0,20,40 1 * * *", true),
            ("0-59/20 1 * * *", true),
            ("0-40/20 1 * * *", true),
            ("0,30 1,3 * * *", true),
            ("*/7 1 * * *", true),
            ("0,20 1 * * *", false),
            ("5,35 1 * * *", false),
            ("0 1 * * *", false),
            ("*/45 1 * * *", true),
        ] {
            assert_eq!(pattern(text).unwrap().is_rhythm, is_rhythm, "{text}");
        }
    }

    #[test]
    fn a_day_and_a_weekday_are_either_enough_unless_one_begins_with_a_star() {
        for both in ["0 6 */2 * mon", "0 6 1 * */2", "0 6 * * mon"] {
            assert!(!pattern(both).unwrap().is_either_day, "{both}");
        }
        assert!(pattern("0 0 13 * fri").unwrap().is_either_day);
        assert!(!pattern("0 0 13 * *").unwrap().is_either_day);
    }

    #[test]
    fn what_never_comes_is_refused() {
        for text in ["0 0 31 2 *", "0 0 30 2 *", "0 0 31 4,6 *"] {
            assert!(
                pattern(text).unwrap_err().message.contains("never comes"),
                "{text}"
            );
        }
        assert!(pattern("0 0 29 2 *").is_ok());
        assert!(pattern("0 0 31 2,3 *").is_ok());
    }

    #[test]
    fn a_pattern_that_cannot_be_read_blames_its_field() {
        for (text, message) in [
            (
                "0 25 * * *",
                "`0 25 * * *` is not a pattern: `25` is no hour",
            ),
            (
                "61 0 * * *",
                "`61 0 * * *` is not a pattern: `61` is no minute",
            ),
            ("0 0 * * someday", "`someday` names no weekday"),
            (
                "0 0 * *",
                "a pattern has five or six fields, and this has 4",
            ),
            ("@daily", "names like `@daily` are not known here"),
        ] {
            assert_eq!(pattern(text).unwrap_err().message, message);
        }
    }
}
