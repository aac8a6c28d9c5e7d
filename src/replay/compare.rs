//! What was done then beside what is done now: the same about the same moment stands in one row.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::clock::{earlier, later};
use crate::replay::NEAR;
use crate::replay::deed::{Deed, What};

/// One thing that was done then, now, or both; never neither.
#[derive(Clone, Debug)]
pub struct Row {
    pub then: Option<Deed>,
    pub now: Option<Deed>,
    /// It stands or falls with an end that is assumed.
    pub is_assumed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Both,
    Then,
    Now,
}

impl Row {
    pub fn side(&self) -> Side {
        match (&self.then, &self.now) {
            (Some(_), Some(_)) => Side::Both,
            (Some(_), None) => Side::Then,
            (None, _) => Side::Now,
        }
    }

    /// When it was done: then, if it was.
    pub fn at(&self) -> Timestamp {
        self.any().map_or(Timestamp::MAX, |it| it.at)
    }

    /// The deed of then, or else that of now.
    pub fn any(&self) -> Option<&Deed> {
        self.then.as_ref().or(self.now.as_ref())
    }
}

/// Rows in the order of time; each thing is in one of them.
pub(super) fn compare(then: &[Deed], now: &[Deed]) -> Vec<Row> {
    let mut free: BTreeSet<(Timestamp, usize)> = now
        .iter()
        .enumerate()
        .map(|(index, it)| (it.at, index))
        .collect();
    let mut pairs: BTreeMap<usize, usize> = BTreeMap::new();
    // What has the same cause belongs together before what only looks the same.
    for by_id in [true, false] {
        for (index, deed) in then.iter().enumerate() {
            if pairs.contains_key(&index) {
                continue;
            }
            let near = (earlier(deed.at, NEAR), 0)..=(later(deed.at, NEAR), usize::MAX);
            let fitting = free.range(near).copied().filter(|(_, it)| {
                let other = &now[*it];
                deed.is_same(other) && (!by_id || deed.id() == other.id())
            });
            let nearest = fitting.min_by_key(|(at, it)| (deed.at.duration_since(*at).abs(), *it));
            if let Some(found) = nearest {
                free.remove(&found);
                pairs.insert(index, found.1);
            }
        }
    }
    let both = then.iter().enumerate().map(|(index, deed)| {
        let now = pairs.get(&index).map(|it| now[*it].clone());
        row(Some(deed.clone()), now)
    });
    let alone = free.iter().map(|(_, it)| row(None, Some(now[*it].clone())));
    let mut rows: Vec<Row> = both.chain(alone).collect();
    rows.sort_by_key(|it| (it.at(), it.any().map(|it| rank(&it.what))));
    rows
}

fn row(then: Option<Deed>, now: Option<Deed>) -> Row {
    let is_assumed = now.as_ref().is_some_and(|it| it.is_assumed);
    Row {
        then,
        now,
        is_assumed,
    }
}

/// A run stands before what it does at that moment.
fn rank(what: &What) -> u8 {
    match what {
        What::Run { .. } => 0,
        What::Command { .. } => 1,
        What::Setting(_) => 2,
        What::Request(_) => 3,
        What::Notification(_) => 4,
    }
}

/// Marks the rows that are not among the `other` ones, which were made with other assumed ends.
pub(super) fn mark(rows: &mut [Row], other: &[Row]) {
    let mut done: BTreeMap<Timestamp, Vec<&Deed>> = BTreeMap::new();
    for deed in other.iter().filter_map(|it| it.now.as_ref()) {
        done.entry(deed.at).or_default().push(deed);
    }
    let other_pairs = other.iter().filter(|it| it.side() == Side::Both);
    let paired: BTreeSet<&str> = other_pairs
        .filter_map(|it| it.then.as_ref().map(Deed::id))
        .collect();
    for row in rows {
        row.is_assumed |= match (&row.then, &row.now) {
            (_, Some(now)) => {
                let mut same = done.get(&now.at).into_iter().flatten();
                !same.any(|it| it.is_same(now))
            }
            (Some(then), None) => paired.contains(then.id()),
            (None, None) => false,
        };
    }
}
