//! Times of day on a calendar without zones.

use jiff::civil::DateTime;

use crate::rules::trigger::TimeTrigger;

/// The same weekday comes again after so many days.
const DAYS_MAX: u32 = 7;

/// The first time of the trigger that is not before `from`.
pub(super) fn first(trigger: &TimeTrigger, from: DateTime) -> Option<DateTime> {
    let mut date = from.date();
    for _ in 0..=DAYS_MAX {
        if trigger.weekdays.is_empty() || trigger.weekdays.contains(&date.weekday()) {
            let mut times = trigger.at.iter().map(|it| date.to_datetime(*it));
            if let Some(first) = times.find(|it| from <= *it) {
                return Some(first);
            }
        }
        date = date.tomorrow().ok()?;
    }
    None
}
