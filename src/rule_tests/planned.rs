//! When an order begins and ends: as a test expects it, and as the order says.

use std::fmt;
use std::time::Duration;

use jiff::{Timestamp, Zoned};

use crate::clock::later;
use crate::document::duration::display;
use crate::domain::command::Timing;
use crate::engine::next_time_of_day;
use crate::rules::check::given::FixedMoment;

/// As a test expects it. What it leaves open is not compared.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Planned {
    pub(super) start: Option<FixedMoment>,
    pub(super) end: Option<FixedMoment>,
}

impl Planned {
    /// Whether an order that was `given` then says the same. As in rules, durations count from there, and a time of
    /// day is the next one: for an end, the next one after the start.
    pub(super) fn fits(self, timing: &Timing, given: &Zoned) -> bool {
        let zone = given.time_zone().clone();
        let from = timing
            .start
            .map_or_else(|| given.clone(), |it| it.to_zoned(zone));
        fits(self.start, timing.start, (given, given)) && fits(self.end, timing.end, (given, &from))
    }
}

fn fits(
    expected: Option<FixedMoment>,
    said: Option<Timestamp>,
    (given, from): (&Zoned, &Zoned),
) -> bool {
    let expected = match expected {
        None => return true,
        Some(FixedMoment::In(duration)) => Some(later(given.timestamp(), duration)),
        Some(FixedMoment::At(time)) => next_time_of_day(time, from),
    };
    said.is_some() && said == expected
}

impl fmt::Display for Planned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (word, moment) in [("start", self.start), ("end", self.end)] {
            match moment {
                None => {}
                Some(FixedMoment::In(duration)) => write!(f, ", {word} {}", display(duration))?,
                Some(FixedMoment::At(time)) => {
                    write!(f, ", {word} {}", time.strftime(clock(time.second())))?;
                }
            }
        }
        Ok(())
    }
}

/// What an order says that was `given` then: `, start Sun 22:00 (in 1d2h)`.
pub(super) fn shown(timing: &Timing, given: &Zoned) -> String {
    let moments = [("start", timing.start), ("end", timing.end)];
    let said = moments.into_iter().filter_map(|(word, at)| {
        let at = at?.to_zoned(given.time_zone().clone());
        let day = if at.date() == given.date() {
            String::new()
        } else {
            at.strftime("%a ").to_string()
        };
        let ahead = Duration::try_from(at.duration_since(given)).unwrap_or_default();
        let time = at.strftime(clock(at.second()));
        Some(format!(", {word} {day}{time} (in {})", display(ahead)))
    });
    said.collect()
}

/// Seconds are shown where there are any.
fn clock(second: i8) -> &'static str {
    if second == 0 { "%H:%M" } else { "%H:%M:%S" }
}
