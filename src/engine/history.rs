//! Since when a value is as it is, and what it was before: for conditions that ask for how long it has been so.
//!
//! Bounded: numbers that are long past are kept as the least and the greatest of a stretch of time.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::clock::{earlier, moved};
use crate::domain::value::{Origin, Value};
use crate::engine::Scene;
use crate::engine::decision::{Change, Decision};
use crate::engine::trace::Truth;
use crate::engine::values::Question;
use crate::rules::condition::HeldSubject;
use crate::rules::held;
use crate::rules::trigger::Held;

/// Stretches that are kept of each value; older ones are put together.
pub const STRETCHES_MAX: usize = 64;

/// Of these, the newest stay as they are.
const NEWEST: usize = 16;

/// How often, in the time of one gap, it is written down that a value was heard. After a start, a gap may
/// seem longer by one such part than it was.
const NOTES_PER_GAP: u32 = 4;

/// It is not written down more seldom than this, so that a start finds it young.
const NOTED_WITHIN: Duration = Duration::from_mins(10);

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// The shortest silence that somebody counts as a break; shorter ones are not kept.
    gap: Duration,
    /// In the order of time.
    stretches: Vec<Stretch>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Stretch {
    from: Timestamp,
    /// When it was last heard to be so. Still to come for a value that was foretold.
    heard: Timestamp,
    /// The value; of several numbers, the least.
    low: Value,
    /// The greatest, where there were several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    high: Option<Value>,
}

impl History {
    /// Takes in what was heard, if anything; what is older than what is known is left out.
    fn note(&mut self, told: Told<'_>, now: Timestamp) {
        if let Some(last) = self.stretches.last_mut() {
            // What was foretold is over when something else is heard.
            last.heard = last.heard.min(now);
        }
        let Told::Value { value, at, until } = told else {
            return;
        };
        if let Some(last) = self.stretches.last_mut() {
            if at < last.heard {
                return;
            }
            let has_no_gap = !is_longer(at.duration_since(last.heard), self.gap);
            if last.high.is_none() && last.low == *value && has_no_gap {
                last.heard = until;
                return;
            }
        }
        self.stretches.push(Stretch {
            from: at,
            heard: until,
            low: value.clone(),
            high: None,
        });
        if STRETCHES_MAX < self.stretches.len() {
            self.shorten();
        }
    }

    /// As it is after the clock was set by `by`, to `now`. What is foretold goes by the clock.
    pub(super) fn clock_set(&self, by: SignedDuration, now: Timestamp) -> Self {
        let mut history = self.clone();
        for stretch in &mut history.stretches {
            let heard = moved(stretch.heard, by);
            if heard <= now {
                stretch.from = moved(stretch.from, by);
                stretch.heard = heard;
            }
        }
        history
    }

    /// Puts the two neighbours together that then cover the least time, or forgets the oldest.
    fn shorten(&mut self) {
        let old = self.stretches.len().saturating_sub(NEWEST);
        let pairs = self.stretches[..old].windows(2).enumerate();
        let joined =
            pairs.filter_map(|(index, pair)| Some((index, pair[0].joined(&pair[1], self.gap)?)));
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
        held: Held,
        now: Timestamp,
        question: Question<'_>,
    ) -> (Truth, Option<Timestamp>) {
        let begins = earlier(now, held.duration);
        let mut since: Option<Timestamp> = None;
        for stretch in self.stretches.iter().rev() {
            let silence = since.unwrap_or(now).duration_since(stretch.heard);
            if is_longer(silence, held.gap_tolerance) {
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

    /// Whether it is written down again: something changed, or it was heard a good part of a gap later.
    pub fn is_worth_a_row(&self, before: &Self) -> bool {
        let shape = |it: &Self| -> Vec<(Timestamp, Value, Option<Value>)> {
            let stretches = it.stretches.iter();
            stretches
                .map(|it| (it.from, it.low.clone(), it.high.clone()))
                .collect()
        };
        let part = (self.gap / NOTES_PER_GAP).min(NOTED_WITHIN).as_secs();
        let part = i64::try_from(part).unwrap_or(i64::MAX).max(1);
        let heard = |it: &Self| {
            let last = it.stretches.last();
            last.map(|it| it.heard.as_second().div_euclid(part))
        };
        self.gap != before.gap || shape(self) != shape(before) || heard(self) != heard(before)
    }
}

fn is_longer(silence: SignedDuration, gap: Duration) -> bool {
    SignedDuration::try_from(gap).is_ok_and(|gap| gap < silence)
}

impl Stretch {
    /// Both as one; none when they are not numbers, or nothing was heard for long between them.
    fn joined(&self, next: &Self, gap: Duration) -> Option<Self> {
        if is_longer(next.from.duration_since(self.heard), gap) {
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

/// What was heard of a value.
#[derive(Clone, Copy, Debug)]
pub(super) enum Told<'a> {
    Value {
        value: &'a Value,
        at: Timestamp,
        /// Later than `at` for a value that was foretold.
        until: Timestamp,
    },
    /// That there is none.
    Nothing,
}

impl<'a> Told<'a> {
    pub(super) fn now(value: &'a Value, at: Timestamp) -> Self {
        Self::Value {
            value,
            at,
            until: at,
        }
    }
}

/// Keeps what was heard of a value, where a rule asks for how long it has been so.
pub(super) fn note(scene: Scene<'_>, of: HeldSubject, told: Told<'_>, decision: &mut Decision) {
    let known = scene.state.history(&of);
    // A run may go on with what an edited rule said before.
    let gap = scene.rules.held.get(&of).copied();
    let Some(gap) = gap.or_else(|| known.map(|it| it.gap)) else {
        return;
    };
    let mut history = known.cloned().unwrap_or_default();
    history.gap = gap;
    history.note(told, scene.now);
    decision.changes.push(Change::History { of, history });
}

/// After a start or other rules: begins with what is known of values that are new here, and forgets those
/// that nobody asks of any more.
pub(super) fn arm(scene: Scene<'_>, decision: &mut Decision) {
    let mut asked = scene.rules.held.clone();
    for run in scene.state.all_runs() {
        held::of_program(&run.program, &mut asked);
    }
    let known = scene.state.histories();
    let known = known.map(|(of, _)| of);
    let over = known.filter(|it| !asked.contains_key(it));
    let over = over.map(|it| Change::HistoryOver { of: it.clone() });
    decision.changes.extend(over);
    for of in scene.rules.held.keys() {
        if scene.state.history(of).is_some() {
            continue;
        }
        let reading = match of {
            HeldSubject::Attribute(device, attribute) => scene.state.reading(device, attribute),
            HeldSubject::Input(input) => scene.state.input(input),
        };
        if let Some(reading) = reading.filter(|it| it.origin != Origin::Fallback) {
            let told = Told::Value {
                value: &reading.value,
                at: reading.taken_at.min(scene.now),
                until: reading.taken_at,
            };
            note(scene, of.clone(), told, decision);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(minute * 60).unwrap()
    }

    fn history(numbers: impl IntoIterator<Item = (i64, f64)>) -> History {
        let mut history = empty();
        for (minute, number) in numbers {
            history.note(Told::now(&Value::Number(number), at(minute)), at(minute));
        }
        history
    }

    fn empty() -> History {
        History {
            gap: Duration::from_mins(30),
            stretches: Vec::new(),
        }
    }

    fn asked(minutes: u64) -> Held {
        Held {
            duration: Duration::from_mins(minutes),
            gap_tolerance: Duration::from_mins(30),
        }
    }

    const ABOVE_80: Question<'_> = Question::Number {
        above: Some(80.0),
        below: None,
        at_least: None,
        at_most: None,
    };

    fn held(history: &History, minutes: u64, now: i64) -> Truth {
        history.held(asked(minutes), at(now), ABOVE_80).0
    }

    #[test]
    fn a_number_that_moves_beyond_a_limit_has_been_there_since_it_crossed() {
        let history = history([(0, 79.0), (5, 81.0), (10, 85.0), (15, 90.0)]);
        assert_eq!(held(&history, 10, 15), Truth::True);
        assert_eq!(held(&history, 11, 15), Truth::False);
        let since = history.held(asked(10), at(15), ABOVE_80).1;
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
        // The silence goes on.
        assert_eq!(held(&short, 30, 60), Truth::True);
        assert_eq!(held(&short, 30, 61), Truth::Unknown);
    }

    #[test]
    fn each_condition_has_its_own_longest_silence() {
        let mut history = empty();
        history.gap = Duration::from_mins(5);
        for minute in [0, 10, 15] {
            history.note(Told::now(&Value::Number(81.0), at(minute)), at(minute));
        }
        let held = |gap| {
            let held = Held {
                duration: Duration::from_mins(15),
                gap_tolerance: Duration::from_mins(gap),
            };
            history.held(held, at(15), ABOVE_80).0
        };
        assert_eq!(held(10), Truth::True);
        assert_eq!(held(9), Truth::Unknown);
    }

    #[test]
    fn what_was_foretold_is_heard_until_it_is_over_or_something_else_is_heard() {
        let foretold = |history: &mut History, number, now, until| {
            let told = Told::Value {
                value: &Value::Number(number),
                at: at(now),
                until: at(until),
            };
            history.note(told, at(now));
        };
        let mut prices = empty();
        foretold(&mut prices, 90.0, 0, 120);
        foretold(&mut prices, 85.0, 120, 240);
        assert_eq!(held(&prices, 239, 239), Truth::True);
        // A new forecast says otherwise before the old one was over.
        foretold(&mut prices, 70.0, 180, 240);
        assert_eq!(held(&prices, 0, 200), Truth::False);
        prices.note(Told::Nothing, at(190));
        foretold(&mut prices, 90.0, 221, 240);
        assert_eq!(held(&prices, 30, 230), Truth::Unknown);
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
        let mut history = empty();
        for minute in 0..200 {
            let value = Value::Bool(minute % 2 == 0);
            history.note(Told::now(&value, at(minute)), at(minute));
        }
        assert_eq!(history.stretches.len(), STRETCHES_MAX);
        let any = Question::Values {
            is: &[],
            is_not: &[],
        };
        let held = |minutes| history.held(asked(minutes), at(199), any).0;
        assert_eq!(held(63), Truth::True);
        assert_eq!(held(64), Truth::Unknown);
    }
}
