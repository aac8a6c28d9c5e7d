//! When an order begins and ends, found when its run comes to the step, and what is left of that later.

use std::time::Duration;

use jiff::Timestamp;

use crate::clock::later;
use crate::domain::command::Timing;
use crate::engine::Scene;
use crate::engine::facts::View;
use crate::engine::memory::demand;
use crate::engine::trace::clock_time;
use crate::engine::waiting::next_after;
use crate::rules::catalog::bounds::PLANNED_AHEAD_MAX;
use crate::rules::expr::value::Value;
use crate::rules::operation::{CommandOptions, Moment};

/// Of the order of a step to which a run comes now; or why it cannot be given.
pub(super) fn of(options: &CommandOptions, view: View<'_>) -> Result<Timing, String> {
    let now = view.scene.now;
    let (start, start_counts) = moment(options.start.as_ref(), ("the start", now), view)?;
    // A time of day is the next one after the start.
    let (end, end_counts) = moment(
        options.end.as_ref(),
        ("the end", start.unwrap_or(now)),
        view,
    )?;
    if let Some(start) = start {
        if start <= now {
            let start = clock_time(view.scene, start);
            return Err(format!("the start is {start}, which has passed"));
        }
        if later(now, PLANNED_AHEAD_MAX) < start {
            return Err(
                "the start is more than 30 days ahead, and Amps plans no further".to_owned(),
            );
        }
    }
    if let Some(end) = end.filter(|it| *it <= start.unwrap_or(now)) {
        let end = clock_time(view.scene, end);
        return Err(format!("the end is {end}, which is not after the start"));
    }
    Ok(Timing {
        start,
        end,
        start_counts,
        end_counts,
    })
}

/// What is left of `timing` when the order is given: a start that has passed meanwhile is at once. Or that nothing is.
pub(super) fn left(timing: Timing, scene: Scene<'_>) -> Result<Timing, String> {
    if let Some(end) = timing.end.filter(|it| *it <= scene.now) {
        let end = clock_time(scene, end);
        return Err(match timing.start {
            Some(start) => format!("its window {}–{end} is over", clock_time(scene, start)),
            None => format!("it was to end at {end}, which has passed"),
        });
    }
    Ok(match timing.start {
        Some(start) if start <= scene.now => Timing {
            start: None,
            start_counts: false,
            ..timing
        },
        Some(_) | None => timing,
    })
}

/// The end of the lease that a step asks for, if its order were over now, and whether it is a duration.
pub(super) fn lease(
    options: &CommandOptions,
    view: View<'_>,
) -> Result<(Option<Timestamp>, bool), String> {
    let asked = options.lease_until.as_ref();
    moment(asked, ("the end of the lease", view.scene.now), view)
}

/// A duration counts from now on, a time of day is the next one after `from`. Also whether it is a duration.
fn moment(
    moment: Option<&Moment>,
    (what, from): (&str, Timestamp),
    view: View<'_>,
) -> Result<(Option<Timestamp>, bool), String> {
    let now = view.scene.now;
    Ok(match moment {
        None => (None, false),
        Some(Moment::In(duration)) => (Some(later(now, *duration)), true),
        Some(Moment::At(time)) => (next_after(view.scene, from, *time), false),
        Some(Moment::Computed(expression)) => match demand(expression, what, view)? {
            Value::Moment(moment) => (Some(moment), false),
            Value::Time(time) => (next_after(view.scene, from, time), false),
            Value::Duration(duration) => {
                let duration = Duration::try_from(duration).unwrap_or_default();
                (Some(later(now, duration)), true)
            }
            other @ (Value::Unknown
            | Value::Bool(_)
            | Value::Number(_)
            | Value::Quantity { .. }
            | Value::Text(_)
            | Value::List(_)) => {
                let other = view.shown(&other);
                return Err(format!("{what} is `{other}`, which is no time"));
            }
        },
    })
}
