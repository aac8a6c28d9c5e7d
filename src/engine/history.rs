//! Since when a value is as it is, and what it was before: for conditions that ask for how long it has been so.
//!
//! Bounded: numbers that are long past are kept as the least and the greatest of a stretch of time.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::clock::earlier;
use crate::domain::value::Value;
use crate::engine::Scene;
use crate::engine::decision::{Change, Decision};
use crate::engine::trace::Truth;
use crate::engine::values::Question;
use crate::rules::condition::HeldSubject;

/// Stretches that are kept of each value; older ones are put together.
pub const STRETCHES_MAX: usize = 64;

/// Of these, the newest stay as they are.
const NEWEST: usize = 16;

/// How long nothing may be heard without it being a break, as for triggers.
const GAP_MAX: SignedDuration = SignedDuration::from_mins(30);

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// In the order of time.
    stretches: Vec<Stretch>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Stretch {
    from: Timestamp,
    /// When it was last heard to be so.
    heard: Timestamp,
    /// The value; of several numbers, the least.
    low: Value,
    /// The greatest, where there were several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    high: Option<Value>,
}

impl History {
    /// Takes a value in that was true at `at`; what is older than what is known is left out.
    fn note(&mut self, value: &Value, at: Timestamp) {
        if let Some(last) = self.stretches.last_mut() {
            if at < last.heard {
                return;
            }
            let has_no_gap = at.duration_since(last.heard) <= GAP_MAX;
            if last.high.is_none() && last.low == *value && has_no_gap {
                last.heard = at;
                return;
            }
        }
        self.stretches.push(Stretch {
            from: at,
            heard: at,
            low: value.clone(),
            high: None,
        });
        if STRETCHES_MAX < self.stretches.len() {
            self.shorten();
        }
    }

    /// Puts the two neighbours together that then cover the least time, or forgets the oldest.
    fn shorten(&mut self) {
        let old = self.stretches.len().saturating_sub(NEWEST);
        let pairs = self.stretches[..old].windows(2).enumerate();
        let joined = pairs.filter_map(|(index, pair)| Some((index, pair[0].joined(&pair[1])?)));
        let best = joined.min_by_key(|(_, it)| it.heard.duration_since(it.from));
        match best {
            Some((index, joined)) => {
                self.stretches[index] = joined;
                self.stretches.remove(index + 1);
            }
            None => {
                self.stretches.remove(0);
            }
        }
    }

    /// Whether the answer was yes for so long, with what is known of since when it was.
    pub(super) fn held(
        &self,
        held_for: Duration,
        now: Timestamp,
        question: Question<'_>,
    ) -> (Truth, Option<Timestamp>) {
        let begins = earlier(now, held_for);
        let mut since: Option<Timestamp> = None;
        for stretch in self.stretches.iter().rev() {
            if since.is_some_and(|it| GAP_MAX < it.duration_since(stretch.heard)) {
                return (Truth::Unknown, since);
            }
            let answer = match &stretch.high {
                Some(high) => question.ask_all(&stretch.low, high),
                None => question.ask(&stretch.low),
            };
            // Of several numbers, the contrary one may lie before the time in question.
            let is_sure = stretch.high.is_none() || begins <= stretch.from;
            match answer {
                Truth::True => {}
                Truth::False if is_sure => return (Truth::False, since),
                Truth::False | Truth::Unknown => return (Truth::Unknown, since),
            }
            since = Some(stretch.from);
            if stretch.from <= begins {
                return (Truth::True, since);
            }
        }
        (Truth::Unknown, since)
    }

    /// Whether it is written down again: something changed, or it was heard in another of the stretches
    /// of time that `mark` tells apart.
    pub fn is_worth_a_row(&self, before: &Self, mark: impl Fn(Timestamp) -> i64) -> bool {
        let shape = |it: &Self| -> Vec<(Timestamp, Value, Option<Value>)> {
            let stretches = it.stretches.iter();
            stretches
                .map(|it| (it.from, it.low.clone(), it.high.clone()))
                .collect()
        };
        let heard = |it: &Self| it.stretches.last().map(|it| mark(it.heard));
        shape(self) != shape(before) || heard(self) != heard(before)
    }
}

impl Stretch {
    /// Both as one; none when they are not numbers, or nothing was heard for long between them.
    fn joined(&self, next: &Self) -> Option<Self> {
        if GAP_MAX < next.from.duration_since(self.heard) {
            return None;
        }
        let numbers = [
            Some(&self.low),
            self.high.as_ref(),
            Some(&next.low),
            next.high.as_ref(),
        ];
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in numbers.into_iter().flatten() {
            let Value::Number(number) = value else {
                return None;
            };
            (low, high) = (low.min(*number), high.max(*number));
        }
        Some(Self {
            from: self.from,
            heard: next.heard,
            low: Value::Number(low),
            high: Some(Value::Number(high)),
        })
    }
}

/// Keeps what was heard of a value, where a rule asks for how long it has been so.
pub(super) fn note(
    scene: Scene<'_>,
    of: HeldSubject,
    (value, at): (&Value, Timestamp),
    decision: &mut Decision,
) {
    if !scene.rules.held.contains(&of) {
        return;
    }
    let mut history = scene.state.history(&of).cloned().unwrap_or_default();
    history.note(value, at);
    decision.changes.push(Change::History { of, history });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(minute * 60).unwrap()
    }

    fn history(numbers: impl IntoIterator<Item = (i64, f64)>) -> History {
        let mut history = History::default();
        for (minute, number) in numbers {
            history.note(&Value::Number(number), at(minute));
        }
        history
    }

    const ABOVE_80: Question<'_> = Question::Number {
        above: Some(80.0),
        below: None,
        at_least: None,
        at_most: None,
    };

    fn held(history: &History, minutes: u64, now: i64) -> Truth {
        let held_for = Duration::from_mins(minutes);
        history.held(held_for, at(now), ABOVE_80).0
    }

    #[test]
    fn a_number_that_moves_beyond_a_limit_has_been_there_since_it_crossed() {
        let history = history([(0, 79.0), (5, 81.0), (10, 85.0), (15, 90.0)]);
        assert_eq!(held(&history, 10, 15), Truth::True);
        assert_eq!(held(&history, 11, 15), Truth::False);
        let since = history.held(Duration::from_mins(10), at(15), ABOVE_80).1;
        assert_eq!(since, Some(at(5)));
    }

    #[test]
    fn what_reaches_not_far_enough_back_is_unknown() {
        let history = history([(0, 81.0), (5, 81.0)]);
        assert_eq!(held(&history, 5, 5), Truth::True);
        assert_eq!(held(&history, 6, 5), Truth::Unknown);
        assert_eq!(held(&History::default(), 1, 5), Truth::Unknown);
    }

    #[test]
    fn a_long_silence_is_a_break_and_a_short_one_is_none() {
        let short = history([(0, 81.0), (30, 82.0)]);
        assert_eq!(held(&short, 30, 30), Truth::True);
        let long = history([(0, 81.0), (31, 81.0)]);
        assert_eq!(held(&long, 31, 31), Truth::Unknown);
        assert_eq!(held(&long, 0, 31), Truth::True);
    }

    #[test]
    fn old_numbers_are_put_together_and_answer_all_the_same() {
        let minutes = i64::try_from(STRETCHES_MAX).unwrap() * 10;
        let moving = (0..=minutes).map(|it| {
            let wave = if it % 2 == 0 { 85.0 } else { 90.0 };
            (it, if it == 0 { 10.0 } else { wave })
        });
        let history = history(moving);
        assert_eq!(history.stretches.len(), STRETCHES_MAX);
        let whole = u64::try_from(minutes).unwrap();
        // The contrary value at the very beginning is not forgotten.
        assert_eq!(held(&history, whole - 300, minutes), Truth::True);
        assert_ne!(held(&history, whole, minutes), Truth::True);
    }

    #[test]
    fn other_values_are_kept_as_they_were_and_the_oldest_go() {
        let mut history = History::default();
        for minute in 0..200 {
            history.note(&Value::Bool(minute % 2 == 0), at(minute));
        }
        assert_eq!(history.stretches.len(), STRETCHES_MAX);
        let any = Question::Values {
            is: &[],
            is_not: &[],
        };
        let asked = |minutes| history.held(Duration::from_mins(minutes), at(199), any).0;
        assert_eq!(asked(63), Truth::True);
        assert_eq!(asked(64), Truth::Unknown);
    }
}
