//! What went against an invariant, wherever it was noticed, and what had happened before.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What happened last is told with a finding; so much of it.
const HAPPENINGS_KEPT: usize = 100;

#[derive(Clone, Debug, Default)]
pub(super) struct Findings(Arc<Mutex<Notes>>);

#[derive(Debug, Default)]
struct Notes {
    found: Vec<String>,
    happened: VecDeque<String>,
}

impl Findings {
    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, found: impl Into<String>) {
        self.notes().found.push(found.into());
    }

    pub(super) fn expect(&self, holds: bool, found: impl FnOnce() -> String) {
        if !holds {
            self.add(found());
        }
    }

    pub(super) fn are_there(&self) -> bool {
        !self.notes().found.is_empty()
    }

    /// Something happened; for whoever reads a finding later.
    pub(super) fn happened(&self, what: String) {
        let mut notes = self.notes();
        if notes.happened.len() == HAPPENINGS_KEPT {
            notes.happened.pop_front();
        }
        notes.happened.push_back(what);
    }

    /// All that was found, with what had happened; none when all is well.
    pub(super) fn report(&self) -> Option<String> {
        let notes = self.notes();
        if notes.found.is_empty() {
            return None;
        }
        let happened = Vec::from(notes.happened.clone()).join("\n  ");
        let found = notes.found.join("\n  ");
        Some(format!("found:\n  {found}\nbefore that:\n  {happened}"))
    }
}
