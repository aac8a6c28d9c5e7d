//! What JSON from elsewhere says of an input: a value, or a list of what is foretold. Pure.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value as Json;

use crate::config::home::{InputKind, SeriesKeys};
use crate::domain::event::InputReading;
use crate::domain::id::InputName;
use crate::domain::value::{Point, Value};

/// Values that are foretold, at most; what comes after them is left out.
const POINTS_MAX: usize = 1000;

/// What is said to people when there is no room for all that is foretold.
pub(crate) const NO_ROOM: &str =
    "more than 1000 values are foretold, and the last ones are left out: ask for fewer days";

/// Values that are over are kept for so long, for those who compare with the day.
const OVER_FOR: SignedDuration = SignedDuration::from_hours(48);

const TEXT_CHARACTERS_MAX: usize = 200;

/// Whose value it is, and how it is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'a> {
    pub(crate) input: &'a InputName,
    pub(crate) kind: &'a InputKind,
    pub(crate) keys: &'a SeriesKeys,
    /// Of moments that are written without one.
    pub(crate) timezone: &'a TimeZone,
}

/// What some JSON says of an input.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Said {
    pub(crate) reading: InputReading,
    /// Foretold values for which there was no room: the last ones.
    pub(crate) n_left_out: usize,
}

/// What `json`, which came at `now`, says; or why it says nothing, for people.
pub(crate) fn read(json: &Json, wanted: Wanted<'_>, now: Timestamp) -> Result<Said, String> {
    let (value, mut series) = match json {
        Json::Array(items) => (None, series(items, wanted, now)?),
        Json::Null => (None, Vec::new()),
        Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Object(_) => {
            (Some(value(json, wanted.kind)?), Vec::new())
        }
    };
    let n_left_out = series.len().saturating_sub(POINTS_MAX);
    series.truncate(POINTS_MAX);
    let reading = InputReading {
        input: wanted.input.clone(),
        taken_at: now,
        value,
        series,
    };
    Ok(Said {
        reading,
        n_left_out,
    })
}

fn value(json: &Json, kind: &InputKind) -> Result<Value, String> {
    match (kind, json) {
        (InputKind::Number(_), _) => number(json).map(Value::Number),
        (InputKind::Boolean, Json::Bool(value)) => Ok(Value::Bool(*value)),
        (InputKind::Text, Json::String(text)) if text.chars().count() <= TEXT_CHARACTERS_MAX => {
            Ok(Value::Text(text.clone()))
        }
        (InputKind::Text, Json::String(_)) => Err(format!(
            "the text has more than {TEXT_CHARACTERS_MAX} characters"
        )),
        (InputKind::Boolean, _) => Err(misfit(json, "`true` or `false`")),
        (InputKind::Text, _) => Err(misfit(json, "a text")),
    }
}

/// Many services write numbers in quotes.
fn number(json: &Json) -> Result<f64, String> {
    let number = match json {
        Json::String(text) => text.trim().parse().ok(),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_) => {
            json.as_f64()
        }
    };
    let number = number.filter(|it: &f64| it.is_finite());
    number.ok_or_else(|| misfit(json, "a number"))
}

fn misfit(json: &Json, wanted: &str) -> String {
    let what = match json {
        Json::Null => "nothing",
        Json::Bool(_) => "`true` or `false`",
        Json::Number(_) => "a number",
        Json::String(_) => "a text",
        Json::Array(_) => "a list",
        Json::Object(_) => "an object",
    };
    format!("{wanted} is wanted, and {what} is there")
}

/// In the order of time. What is over for long is left out.
fn series(items: &[Json], wanted: Wanted<'_>, now: Timestamp) -> Result<Vec<Point>, String> {
    if !matches!(wanted.kind, InputKind::Number(_)) {
        return Err("a list is there, and only numbers are foretold".to_owned());
    }
    let SeriesKeys { from, to, value } = wanted.keys;
    let mut points = Vec::new();
    for item in items {
        let part = |key: &str| {
            item.get(key)
                .ok_or_else(|| format!("an item has no `{key}`"))
        };
        let start = moment(part(from)?, wanted.timezone)
            .ok_or_else(|| format!("`{from}` of an item is no moment"))?;
        let end = match item.get(to) {
            None | Some(Json::Null) => None,
            Some(json) => Some(
                moment(json, wanted.timezone)
                    .ok_or_else(|| format!("`{to}` of an item is no moment"))?,
            ),
        };
        if end.is_some_and(|it| it <= start) {
            return Err(format!("`{to}` of an item is not after its `{from}`"));
        }
        let value = number(part(value)?)?;
        points.push(Point { start, end, value });
    }
    points.sort_by_key(|it| it.start);
    points.dedup_by_key(|it| it.start);
    let is_over = |at: usize, point: &Point| {
        let next = points.get(at + 1).map(|it| it.start);
        let end = point.end.into_iter().chain(next).min();
        end.is_some_and(|it| OVER_FOR <= now.duration_since(it))
    };
    let n_over = points.iter().enumerate();
    let n_over = n_over.take_while(|(at, it)| is_over(*at, it)).count();
    points.drain(..n_over);
    Ok(points)
}

/// `2026-01-10T22:30:00Z`, the same without an offset, or seconds since 1970.
fn moment(json: &Json, timezone: &TimeZone) -> Option<Timestamp> {
    match json {
        Json::String(text) => text.parse::<Timestamp>().ok().or_else(|| {
            let local = text.parse::<DateTime>().ok()?;
            let zoned = timezone.to_ambiguous_zoned(local).compatible().ok()?;
            Some(zoned.timestamp())
        }),
        Json::Number(number) => Timestamp::from_second(number.as_i64()?).ok(),
        Json::Null | Json::Bool(_) | Json::Array(_) | Json::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::home::InputUnit;

    /// A value, and what is foretold.
    type Seen = (Option<Value>, Vec<(String, f64)>);

    fn seen(kind: &InputKind, json: &Json) -> Result<Seen, String> {
        let wanted = Wanted {
            input: &InputName::new("price"),
            kind,
            keys: &SeriesKeys::default(),
            timezone: &TimeZone::get("Europe/London").unwrap(),
        };
        let now = "2026-06-10T12:00:00Z".parse().unwrap();
        let reading = read(json, wanted, now)?.reading;
        let series = reading.series.iter();
        let series = series.map(|it| (it.start.to_string(), it.value)).collect();
        Ok((reading.value, series))
    }

    #[test]
    fn of_what_is_foretold_there_is_room_for_the_first_values() {
        let number = InputKind::Number(InputUnit::None);
        let list = |n: usize| -> Json {
            let item = |it| json!({"from": 1_800_000_000 + it, "value": it});
            (0..n).rev().map(item).collect()
        };
        let wanted = Wanted {
            input: &InputName::new("price"),
            kind: &number,
            keys: &SeriesKeys::default(),
            timezone: &TimeZone::UTC,
        };
        let read = |n| read(&list(n), wanted, Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(read(POINTS_MAX).n_left_out, 0);
        let said = read(POINTS_MAX + 2);
        assert_eq!(
            (said.n_left_out, said.reading.series.len()),
            (2, POINTS_MAX)
        );
        let latest = said.reading.series.last().unwrap();
        assert_eq!(latest.start, Timestamp::from_second(1_800_000_999).unwrap());
    }

    #[test]
    fn a_value_is_read_in_the_kind_of_the_input() {
        let number = InputKind::Number(InputUnit::None);
        let found = |value| Ok((Some(value), Vec::new()));
        assert_eq!(seen(&number, &json!(0.25)), found(Value::Number(0.25)));
        assert_eq!(seen(&number, &json!(" 12 ")), found(Value::Number(12.0)));
        assert_eq!(seen(&number, &json!(null)), Ok((None, Vec::new())));
        assert_eq!(
            seen(&InputKind::Boolean, &json!(true)),
            found(Value::Bool(true))
        );
        assert_eq!(
            seen(&InputKind::Text, &json!("dry")),
            found(Value::Text("dry".to_owned()))
        );
        for (kind, json, why) in [
            (
                &number,
                json!("dear"),
                "a number is wanted, and a text is there",
            ),
            (
                &number,
                json!("inf"),
                "a number is wanted, and a text is there",
            ),
            (
                &InputKind::Boolean,
                json!(1),
                "`true` or `false` is wanted, and a number is there",
            ),
            (
                &InputKind::Text,
                json!({}),
                "a text is wanted, and an object is there",
            ),
            (
                &InputKind::Text,
                json!([]),
                "a list is there, and only numbers are foretold",
            ),
            (
                &number,
                json!([{"from": "now", "value": 1}]),
                "`from` of an item is no moment",
            ),
            (&number, json!([{"value": 1}]), "an item has no `from`"),
        ] {
            assert_eq!(seen(kind, &json), Err(why.to_owned()), "{json}");
        }
    }

    #[test]
    fn what_is_foretold_is_put_in_order_and_what_is_long_over_left_out() {
        let number = InputKind::Number(InputUnit::None);
        let list = json!([
            {"from": "2026-06-10T14:00:00+01:00", "to": "2026-06-10T13:30:00Z", "value": "0.2"},
            {"from": "2026-06-10T13:30:00", "value": 0.1},
            {"from": 1_781_092_800, "value": 0.3},
            {"from": "2026-06-08T12:00:00Z", "value": 9},
            {"from": "2026-06-08T11:00:00Z", "value": 8},
        ]);
        let (value, series) = seen(&number, &list).unwrap();
        assert_eq!(value, None);
        assert_eq!(
            series,
            [
                ("2026-06-08T12:00:00Z".to_owned(), 9.0),
                ("2026-06-10T12:00:00Z".to_owned(), 0.3),
                ("2026-06-10T12:30:00Z".to_owned(), 0.1),
                ("2026-06-10T13:00:00Z".to_owned(), 0.2),
            ]
        );
    }

    #[test]
    fn a_value_that_is_foretold_may_say_when_it_ends() {
        let ends = |to: Json| {
            let wanted = Wanted {
                input: &InputName::new("price"),
                kind: &InputKind::Number(InputUnit::None),
                keys: &SeriesKeys {
                    to: "valid_to".to_owned(),
                    ..SeriesKeys::default()
                },
                timezone: &TimeZone::UTC,
            };
            let from = "2026-06-10T13:00:00Z";
            let list = json!([{"from": from, "valid_to": to, "value": 1}]);
            let reading = read(&list, wanted, from.parse().unwrap())?.reading;
            Ok::<_, String>(reading.series[0].end.map(|it| it.to_string()))
        };
        let half_past = "2026-06-10T13:30:00Z";
        assert_eq!(ends(json!(half_past)), Ok(Some(half_past.to_owned())));
        assert_eq!(ends(json!(null)), Ok(None));
        let never = "`valid_to` of an item is no moment";
        assert_eq!(ends(json!("later")), Err(never.to_owned()));
        let before = "`valid_to` of an item is not after its `from`";
        let same = "2026-06-10T13:00:00Z";
        assert_eq!(ends(json!(same)), Err(before.to_owned()));
    }
}
