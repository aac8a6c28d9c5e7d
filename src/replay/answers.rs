//! Requests and settings of a replay: each ends as one of then did, or as assumed.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::domain::http::HttpRequest;
use crate::domain::id::{RequestId, RunId};
use crate::domain::writing::SettingWrite;
use crate::replay::deed::{is_same_request, is_same_write};
use crate::replay::twins::Twins;

/// What a rule asks for, with one answer.
pub(super) trait Ask {
    fn id(&self) -> &RequestId;
    fn run(&self) -> &RunId;
    fn is_same(&self, other: &Self) -> bool;
}

impl Ask for HttpRequest {
    fn id(&self) -> &RequestId {
        &self.id
    }

    fn run(&self) -> &RunId {
        &self.run
    }

    fn is_same(&self, other: &Self) -> bool {
        is_same_request(self, other)
    }
}

impl Ask for SettingWrite {
    fn id(&self) -> &RequestId {
        &self.id
    }

    fn run(&self) -> &RunId {
        &self.run
    }

    fn is_same(&self, other: &Self) -> bool {
        is_same_write(self, other)
    }
}

/// What was asked for then, and the places of the answers.
#[derive(Debug)]
pub(super) struct Answers<'w, T> {
    then: &'w [(Timestamp, T)],
    twins: Twins,
    /// What may find its like.
    known: BTreeSet<&'w RequestId>,
    places: BTreeMap<RequestId, usize>,
}

/// What is known of how something ends.
pub(super) enum Answer {
    /// It was asked for at the moment `then` as well; the place of the answer, if there is one.
    OfThen {
        then: Timestamp,
        place: Option<usize>,
    },
    /// Nobody asked for it then.
    Nothing,
}

impl<'w, T: Ask> Answers<'w, T> {
    /// What runs of `apart` asked for does not find its like.
    pub(super) fn new(then: &'w [(Timestamp, T)], apart: &BTreeSet<RunId>) -> Self {
        let mut answers = Self {
            then,
            twins: Twins::default(),
            known: BTreeSet::new(),
            places: BTreeMap::new(),
        };
        for (index, (at, ask)) in then.iter().enumerate() {
            if !apart.contains(ask.run()) {
                answers.twins.add(*at, index);
                answers.known.insert(ask.id());
            }
        }
        answers
    }

    /// Keeps the answer at `place` back, if it is one to something that may find its like.
    pub(super) fn keep(&mut self, id: &RequestId, place: usize) -> bool {
        let is_known = self.known.contains(id);
        if is_known {
            self.places.insert(id.clone(), place);
        }
        is_known
    }

    pub(super) fn take(&mut self, ask: &T, now: Timestamp) -> Answer {
        let then = |index: usize| &self.then[index].1;
        let twin = self.twins.take(
            now,
            |it| then(it).id() == ask.id(),
            |it| then(it).is_same(ask),
        );
        twin.map_or(Answer::Nothing, |index| Answer::OfThen {
            then: self.then[index].0,
            place: self.places.remove(then(index).id()),
        })
    }

    /// How many answers were kept back to the end.
    pub(super) fn n_left(&self) -> usize {
        self.places.len()
    }
}
