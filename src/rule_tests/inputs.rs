//! What the inputs of the home show, and which of them are read again by themselves.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::config::names::Names;
use crate::domain::event::InputReading;
use crate::domain::id::InputName;
use crate::domain::value::{Point, Value};
use crate::rule_tests::test::InputShows;

#[derive(Debug)]
pub(super) struct Inputs<'w> {
    names: &'w Names,
    shown: BTreeMap<InputName, (Option<Value>, Vec<Point>)>,
}

impl<'w> Inputs<'w> {
    pub(super) fn new(names: &'w Names) -> Self {
        Self {
            names,
            shown: BTreeMap::new(),
        }
    }

    pub(super) fn set(&mut self, input: &InputName, shows: &InputShows) {
        let told = match shows {
            InputShows::Silent => {
                self.shown.remove(input);
                return;
            }
            InputShows::Value(value) => (Some(value.clone()), Vec::new()),
            InputShows::Series(series) => (None, series.clone()),
        };
        self.shown.insert(input.clone(), told);
    }

    /// What is read at `now`; none while it is silent.
    pub(super) fn reading(&self, input: &InputName, now: Timestamp) -> Option<InputReading> {
        let (value, series) = self.shown.get(input)?;
        Some(InputReading {
            input: input.clone(),
            taken_at: now,
            value: value.clone(),
            series: series.clone(),
        })
    }

    /// Those that have a source. What is only pushed grows old until it is pushed again.
    pub(super) fn polled(&self) -> Vec<InputName> {
        let has_source = |it: &&InputName| {
            let input = self.names.inputs.get(*it);
            input.is_some_and(|it| it.source.is_some())
        };
        self.shown.keys().filter(has_source).cloned().collect()
    }
}
