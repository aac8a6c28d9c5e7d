//! Values from outside Amps: what an input shows now, also by what was foretold of it.

use jiff::{SignedDuration, Timestamp};

use crate::domain::event::InputReading;
use crate::domain::id::InputName;
use crate::domain::value::{Point, Value};
use crate::engine::decision::{Change, Decision};
use crate::engine::history::{self, Told};
use crate::engine::trigger::Happening;
use crate::engine::{Scene, wake};
use crate::rules::condition::HeldSubject;
use crate::rules::expr::series::POINTS_MAX;

/// How long the value of a series holds that has but one.
const LONELY: SignedDuration = SignedDuration::from_hours(1);

/// What was learned of an input, at `now`.
pub(super) fn learned(scene: Scene<'_>, reading: &InputReading, decision: &mut Decision) {
    // A value from the future would stay fresh for long: some clock was ahead.
    let taken_at = reading.taken_at.min(scene.now);
    let mut series = reading.series.clone();
    series.truncate(POINTS_MAX);
    if series.is_empty() {
        let value = reading.value.clone();
        let reading = InputReading {
            taken_at,
            value,
            series,
            input: reading.input.clone(),
        };
        return show(scene, reading, None, decision);
    }
    show_point(scene, &reading.input, series, decision);
}

/// The moment has come at which another value of a series begins, or the last one ends.
pub(super) fn turns(scene: Scene<'_>, input: &InputName, decision: &mut Decision) {
    let series = scene.state.series(input).to_vec();
    if !series.is_empty() {
        show_point(scene, input, series, decision);
    }
}

/// A value of a series is true until the next one begins, and is as young as can be until then.
fn show_point(scene: Scene<'_>, input: &InputName, series: Vec<Point>, decision: &mut Decision) {
    let present = present(&series, scene.now);
    let next = series.iter().map(|it| it.start).find(|it| scene.now < *it);
    let reading = InputReading {
        input: input.clone(),
        taken_at: present.map_or(scene.now, |(_, end)| end),
        value: present.map(|(value, _)| Value::Number(value)),
        series,
    };
    let turns_at = present.map(|(_, end)| end).or(next);
    show(scene, reading, turns_at, decision);
}

fn show(
    scene: Scene<'_>,
    reading: InputReading,
    turns_at: Option<Timestamp>,
    decision: &mut Decision,
) {
    let told = reading
        .value
        .as_ref()
        .map_or(Told::Nothing, |value| Told::Value {
            value,
            at: reading.taken_at.min(scene.now),
            until: reading.taken_at,
        });
    let of = HeldSubject::Input(reading.input.clone());
    history::note(scene, of, told, decision);
    decision.changes.push(Change::Input {
        reading: reading.clone(),
        turns_at,
    });
    wake(scene, &Happening::Input(&reading), decision);
}

/// The value that holds at `now`, and until when. The last holds as long as the one before it, unless it
/// says until when itself.
fn present(series: &[Point], now: Timestamp) -> Option<(f64, Timestamp)> {
    let index = series
        .partition_point(|it| it.start <= now)
        .checked_sub(1)?;
    let point = series[index];
    let next = series.get(index + 1).map(|it| it.start);
    let end = point.end.into_iter().chain(next).min();
    let end = end.unwrap_or_else(|| {
        let before = index.checked_sub(1).map(|it| series[it]);
        let length = before.map_or(LONELY, |it| point.start.duration_since(it.start));
        point.start.saturating_add(length).unwrap_or(point.start)
    });
    (now < end).then_some((point.value, end))
}
