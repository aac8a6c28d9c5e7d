//! Sets of values: stretches of numbers, and words.

use std::collections::BTreeSet;

/// Numbers from `low` to `high`; a bound that is `open` is not in it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Interval {
    pub(super) low: f64,
    pub(super) low_open: bool,
    pub(super) high: f64,
    pub(super) high_open: bool,
}

impl Interval {
    pub(super) const ALL: Self = Self {
        low: f64::NEG_INFINITY,
        low_open: true,
        high: f64::INFINITY,
        high_open: true,
    };

    pub(super) fn above(low: f64) -> Self {
        Self { low, ..Self::ALL }
    }

    pub(super) fn at_least(low: f64) -> Self {
        Self {
            low,
            low_open: false,
            ..Self::ALL
        }
    }

    pub(super) fn below(high: f64) -> Self {
        Self { high, ..Self::ALL }
    }

    pub(super) fn at_most(high: f64) -> Self {
        Self {
            high,
            high_open: false,
            ..Self::ALL
        }
    }

    pub(super) fn point(at: f64) -> Self {
        Self::at_least(at).and(Self::at_most(at))
    }

    pub(super) fn and(self, other: Self) -> Self {
        let (low, low_open) = if self.low < other.low {
            (other.low, other.low_open)
        } else if other.low < self.low {
            (self.low, self.low_open)
        } else {
            (self.low, self.low_open || other.low_open)
        };
        let (high, high_open) = if self.ends_before(other) {
            (self.high, self.high_open)
        } else {
            (other.high, other.high_open)
        };
        Self {
            low,
            low_open,
            high,
            high_open,
        }
    }

    fn ends_before(self, other: Self) -> bool {
        // Equal to the bit: both bounds were written by a person, or come out of the catalogue.
        let meets = self.high.total_cmp(&other.high).is_eq();
        self.high < other.high || (meets && self.high_open)
    }

    fn is_empty(self) -> bool {
        let meets = self.low.total_cmp(&self.high).is_eq();
        self.high < self.low || (meets && (self.low_open || self.high_open))
    }
}

/// The values that something may have.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Region<'r> {
    /// In order; none of them meets another.
    Numbers(Vec<Interval>),
    Only(BTreeSet<&'r str>),
    AllBut(BTreeSet<&'r str>),
}

impl<'r> Region<'r> {
    pub(super) fn number(interval: Interval) -> Self {
        Self::numbers([interval])
    }

    /// In any order, also with some that meet.
    pub(super) fn numbers<I: IntoIterator<Item = Interval>>(intervals: I) -> Self {
        let outside = intervals
            .into_iter()
            .fold(vec![Interval::ALL], |left, it| meet(&left, &around(it)));
        Self::Numbers(outside).not()
    }

    pub(super) fn only<I: IntoIterator<Item = &'r str>>(words: I) -> Self {
        Self::Only(words.into_iter().collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Numbers(intervals) => intervals.is_empty(),
            Self::Only(words) => words.is_empty(),
            Self::AllBut(_) => false,
        }
    }

    /// The values that are not in it.
    #[must_use]
    pub(super) fn not(&self) -> Self {
        match self {
            Self::Numbers(intervals) => {
                let start = vec![Interval::ALL];
                let left = intervals
                    .iter()
                    .fold(start, |left, it| meet(&left, &around(*it)));
                Self::Numbers(left)
            }
            Self::Only(words) => Self::AllBut(words.clone()),
            Self::AllBut(words) => Self::Only(words.clone()),
        }
    }

    /// The values that are in both; numbers and words are never asked of one thing.
    #[must_use]
    pub(super) fn and(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Numbers(a), Self::Numbers(b)) => Self::Numbers(meet(a, b)),
            (Self::Only(a), Self::Only(b)) => Self::Only(a & b),
            (Self::Only(only), Self::AllBut(but)) | (Self::AllBut(but), Self::Only(only)) => {
                Self::Only(only - but)
            }
            (Self::AllBut(a), Self::AllBut(b)) => Self::AllBut(a | b),
            (Self::Numbers(_), Self::Only(_) | Self::AllBut(_))
            | (Self::Only(_) | Self::AllBut(_), Self::Numbers(_)) => self.clone(),
        }
    }
}

/// Everything outside of `interval`.
fn around(interval: Interval) -> Vec<Interval> {
    let before = Interval {
        high: interval.low,
        high_open: !interval.low_open,
        ..Interval::ALL
    };
    let behind = Interval {
        low: interval.high,
        low_open: !interval.high_open,
        ..Interval::ALL
    };
    // What has no end has nothing behind it.
    let is_there = |it: &Interval| it.low.is_finite() || it.high.is_finite();
    [before, behind].into_iter().filter(is_there).collect()
}

fn meet(a: &[Interval], b: &[Interval]) -> Vec<Interval> {
    let (mut a, mut b) = (a.iter().peekable(), b.iter().peekable());
    let mut both = Vec::new();
    while let (Some(one), Some(other)) = (a.peek(), b.peek()) {
        both.push(one.and(**other));
        if one.ends_before(**other) {
            a.next();
        } else {
            b.next();
        }
    }
    both.retain(|it| !it.is_empty());
    both
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_meet_at_a_bound_only_when_both_hold_it() {
        let met = |a: Interval, b: Interval| Region::number(a).and(&Region::number(b));
        let (to, before) = (Interval::at_most(50.0), Interval::below(50.0));
        let (from, after) = (Interval::at_least(50.0), Interval::above(50.0));
        assert_eq!(met(to, from), Region::number(Interval::point(50.0)));
        assert!(met(before, from).is_empty());
        assert!(met(to, after).is_empty());
        assert_eq!(met(before, Interval::ALL), Region::number(before));
    }

    #[test]
    fn what_is_not_in_a_region_is_all_the_rest() {
        let middle = Interval::at_least(20.0).and(Interval::below(80.0));
        let region = Region::numbers([Interval::point(5.0), middle]);
        let expected = vec![
            Interval::below(5.0),
            Interval::above(5.0).and(Interval::below(20.0)),
            Interval::at_least(80.0),
        ];
        assert_eq!(region.not(), Region::Numbers(expected));
        assert_eq!(region.not().not(), region);
        assert!(region.and(&region.not()).is_empty());
        assert!(Region::number(Interval::ALL).not().is_empty());
    }

    #[test]
    fn stretches_that_meet_are_one() {
        let up_to = |high| Interval::at_least(0.0).and(Interval::below(high));
        let seen = Region::numbers([Interval::at_least(40.0), up_to(50.0)]);
        assert_eq!(seen, Region::number(Interval::at_least(0.0)));
    }

    #[test]
    fn words_are_these_or_all_but_these() {
        let only = Region::only(["charging", "idle"]);
        let not_idle = Region::only(["idle"]).not();
        assert_eq!(only.and(&not_idle), Region::only(["charging"]));
        assert_eq!(not_idle.and(&only), Region::only(["charging"]));
        assert!(only.and(&only.not()).is_empty());
        assert!(!not_idle.and(&only.not()).is_empty());
    }
}
