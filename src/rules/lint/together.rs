//! Whether conditions can hold together: intervals of numbers and of the day, sets of words.
//!
//! What is not understood is taken to be possible, so that a finding is always right.

use std::collections::BTreeMap;

use jiff::civil::{Time, Weekday};

use crate::document::code;
use crate::document::diagnostic::Findings;
use crate::domain::catalogue::AttributeKind;
use crate::domain::unit::Unit;
use crate::domain::value::Value;
use crate::rules::rule::{
    Condition, IfUnknown, NumericTest, Rule, StateTest, Subject, Test, TimeTest,
};
use crate::rules::syntax;

/// Numbers from `low` to `high`; a bound that is `open` is not in it.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Interval {
    low: f64,
    low_open: bool,
    high: f64,
    high_open: bool,
}

impl Interval {
    const ALL: Self = Self {
        low: f64::NEG_INFINITY,
        low_open: true,
        high: f64::INFINITY,
        high_open: true,
    };

    fn of(test: &NumericTest) -> Self {
        let above = test.above.map(|low| Self {
            low,
            low_open: true,
            ..Self::ALL
        });
        let at_least = test.at_least.map(|low| Self {
            low,
            low_open: false,
            ..Self::ALL
        });
        let below = test.below.map(|high| Self {
            high,
            high_open: true,
            ..Self::ALL
        });
        let at_most = test.at_most.map(|high| Self {
            high,
            high_open: false,
            ..Self::ALL
        });
        [above, at_least, below, at_most]
            .into_iter()
            .flatten()
            .fold(Self::ALL, Self::and)
    }

    /// The numbers that an attribute can have at all: a share is from 0 % to 100 %.
    fn natural(subject: &Subject) -> Self {
        let attribute = subject.device.device_type.attribute(&subject.attribute);
        match attribute.map(|it| it.kind) {
            Some(AttributeKind::Number(Some(Unit::Percent))) => Self {
                low: 0.0,
                low_open: false,
                high: 100.0,
                high_open: false,
            },
            Some(AttributeKind::Number(_) | AttributeKind::Bool | AttributeKind::Text(_))
            | None => Self::ALL,
        }
    }

    fn and(self, other: Self) -> Self {
        let (low, low_open) = if self.low < other.low {
            (other.low, other.low_open)
        } else if other.low < self.low {
            (self.low, self.low_open)
        } else {
            (self.low, self.low_open || other.low_open)
        };
        let (high, high_open) = if self.high < other.high {
            (self.high, self.high_open)
        } else if other.high < self.high {
            (other.high, other.high_open)
        } else {
            (self.high, self.high_open || other.high_open)
        };
        Self {
            low,
            low_open,
            high,
            high_open,
        }
    }

    fn is_empty(self) -> bool {
        // Equal to the bit: both bounds were written by a person, or come out of the catalogue.
        let meets = self.low.total_cmp(&self.high).is_eq();
        self.high < self.low || (meets && (self.low_open || self.high_open))
    }
}

/// What is left possible for one attribute.
#[derive(Debug)]
struct Possible {
    numbers: Interval,
    /// Only these, if any condition named some.
    values: Option<Vec<Value>>,
    not: Vec<Value>,
}

impl Possible {
    fn is_empty(&self) -> bool {
        let values_left = self
            .values
            .as_ref()
            .is_none_or(|it| it.iter().any(|value| !self.not.contains(value)));
        self.numbers.is_empty() || !values_left
    }

    fn and_state(&mut self, test: &StateTest) {
        if !test.is.is_empty() {
            let left = match &self.values {
                Some(values) => values
                    .iter()
                    .filter(|it| test.is.contains(it))
                    .cloned()
                    .collect(),
                None => test.is.clone(),
            };
            self.values = Some(left);
        }
        self.not.extend(test.is_not.iter().cloned());
    }
}

/// Whether there is a moment at which all of `conditions` can hold.
pub(super) fn can_hold_together<'r, I>(conditions: I) -> bool
where
    I: Iterator<Item = &'r Condition>,
{
    let mut attributes: BTreeMap<(&str, &str), Possible> = BTreeMap::new();
    let mut seconds = Day::default();
    // What may be unknown and is allowed then excludes nothing.
    for condition in conditions.filter(|it| it.enabled && it.if_unknown == IfUnknown::Block) {
        match &condition.test {
            Test::Sun(_)
            | Test::Trigger(_)
            | Test::Command(_)
            | Test::Rule(_)
            | Test::Input(_)
            | Test::Block(_)
            | Test::Expression(_) => {}
            Test::Time(test) => seconds.and(test),
            Test::NumericState(test) => {
                let possible = attributes
                    .entry(key(&test.subject))
                    .or_insert_with(|| Possible {
                        numbers: Interval::natural(&test.subject),
                        values: None,
                        not: Vec::new(),
                    });
                possible.numbers = possible.numbers.and(Interval::of(test));
            }
            Test::State(test) => {
                let possible = attributes
                    .entry(key(&test.subject))
                    .or_insert_with(|| Possible {
                        numbers: Interval::ALL,
                        values: None,
                        not: Vec::new(),
                    });
                possible.and_state(test);
            }
        }
    }
    !seconds.is_empty() && !attributes.values().any(Possible::is_empty)
}

fn key(subject: &Subject) -> (&str, &str) {
    (subject.device.alias.as_str(), &subject.attribute)
}

const DAY_SECONDS: i32 = 24 * 3600;

/// The seconds of the day and the days of the week that are left.
#[derive(Debug)]
struct Day {
    /// From the first to before the second, in seconds since midnight.
    spans: Vec<(i32, i32)>,
    /// None means every day.
    weekdays: Option<Vec<Weekday>>,
}

impl Default for Day {
    fn default() -> Self {
        Self {
            spans: vec![(0, DAY_SECONDS)],
            weekdays: None,
        }
    }
}

impl Day {
    fn and(&mut self, test: &TimeTest) {
        let window = window(test.after, test.before);
        let meet = |one: &(i32, i32)| {
            let meets: Vec<_> = window
                .iter()
                .map(|other| (one.0.max(other.0), one.1.min(other.1)))
                .collect();
            meets
        };
        self.spans = self
            .spans
            .iter()
            .flat_map(meet)
            .filter(|(from, to)| from < to)
            .collect();
        if !test.weekdays.is_empty() {
            let left = match &self.weekdays {
                Some(days) => days
                    .iter()
                    .filter(|it| test.weekdays.contains(it))
                    .copied()
                    .collect(),
                None => test.weekdays.clone(),
            };
            self.weekdays = Some(left);
        }
    }

    fn is_empty(&self) -> bool {
        self.spans.is_empty() || self.weekdays.as_ref().is_some_and(Vec::is_empty)
    }
}

/// The parts of a day that a window covers; two when it wraps midnight.
fn window(after: Option<Time>, before: Option<Time>) -> Vec<(i32, i32)> {
    let seconds = |time: Time| {
        i32::from(time.hour()) * 3600 + i32::from(time.minute()) * 60 + i32::from(time.second())
    };
    match (after.map(seconds), before.map(seconds)) {
        (None, None) => vec![(0, DAY_SECONDS)],
        (Some(after), None) => vec![(after, DAY_SECONDS)],
        (None, Some(before)) => vec![(0, before)],
        (Some(after), Some(before)) if after < before => vec![(after, before)],
        (Some(after), Some(before)) => vec![(0, before), (after, DAY_SECONDS)],
    }
}

/// Conditions of one rule that exclude each other, and those that exclude nothing.
pub(super) fn never_and_always(
    written: &syntax::Rule<'_>,
    rule: &Rule,
    findings: &mut Findings<'_>,
) {
    let count = rule.conditions.len();
    let first_impossible = (1..=count).find(|n| !can_hold_together(rule.conditions[..*n].iter()));
    if let Some(n) = first_impossible {
        let head = written.conditions[n - 1].head;
        let earlier = (0..n - 1)
            .find(|it| {
                !can_hold_together([&rule.conditions[*it], &rule.conditions[n - 1]].into_iter())
            })
            .map(|it| findings.source.location(written.conditions[it].head));
        let diagnostic = findings.report(
            code::NEVER_TOGETHER,
            head,
            "these conditions can never hold together, so the rule never runs",
        );
        diagnostic.label("excludes what is asked above");
        if let Some(earlier) = earlier {
            diagnostic
                .label("excludes the other")
                .also(earlier, "this is asked too");
        }
        diagnostic.help("conditions in a list must all hold; write two rules if either is enough");
    }
    for (condition, written) in rule.conditions.iter().zip(&written.conditions) {
        if let Test::NumericState(test) = &condition.test {
            let natural = Interval::natural(&test.subject);
            if natural != Interval::ALL && natural.and(Interval::of(test)) == natural {
                findings
                    .report(
                        code::ALWAYS_HOLDS,
                        written.head,
                        format!("`{}` is always within these bounds", test.subject.attribute),
                    )
                    .help("leave the condition out, or ask for less");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interval(low: f64, low_open: bool, high: f64, high_open: bool) -> Interval {
        Interval {
            low,
            low_open,
            high,
            high_open,
        }
    }

    #[test]
    fn intervals_meet_at_a_bound_only_when_both_hold_it() {
        let up_to = |open| interval(0.0, false, 50.0, open);
        let from = |open| interval(50.0, open, 100.0, false);
        assert!(!up_to(false).and(from(false)).is_empty());
        assert!(up_to(true).and(from(false)).is_empty());
        assert!(up_to(false).and(from(true)).is_empty());
        assert_eq!(up_to(false).and(Interval::ALL), up_to(false));
    }

    #[test]
    fn windows_of_the_day_meet_around_midnight() {
        let at = |hour| Some(Time::constant(hour, 0, 0, 0));
        let window = |after, before| TimeTest {
            after,
            before,
            weekdays: Vec::new(),
        };
        let mut night = Day::default();
        night.and(&window(at(22), at(6)));
        assert_eq!(night.spans, [(0, 6 * 3600), (22 * 3600, DAY_SECONDS)]);
        night.and(&window(at(5), at(23)));
        assert_eq!(night.spans, [(5 * 3600, 6 * 3600), (22 * 3600, 23 * 3600)]);
        night.and(&window(at(6), at(22)));
        assert!(
            night.is_empty(),
            "the bounds do not meet: a window ends before its end"
        );
    }
}
