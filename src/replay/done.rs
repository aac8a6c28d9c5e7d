//! What rules did in the span, and what of it is assumed.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::domain::id::{CommandId, RunId};
use crate::engine::decision::{Change, Decision};
use crate::engine::state::State;
use crate::replay::deed::{Deed, End, What};

/// What rules did in the span.
#[derive(Default)]
pub(super) struct Done {
    pub(super) deeds: Vec<Deed>,
    ids: BTreeSet<String>,
    runs: BTreeMap<RunId, usize>,
    /// Runs that something assumed began or moved.
    pub(super) assumed: BTreeSet<RunId>,
}

impl Done {
    /// As in the tables, doing a thing twice is doing it once.
    pub(super) fn is_new(&mut self, id: &str) -> bool {
        self.ids.insert(id.to_owned())
    }

    pub(super) fn add(&mut self, at: Timestamp, what: What, is_assumed: bool) {
        self.deeds.push(Deed {
            at,
            what,
            is_assumed,
        });
    }

    /// How it all ended by `until`; the end of an order is `end_of` it.
    pub(super) fn finish<'o>(
        mut self,
        until: Timestamp,
        end_of: impl Fn(&CommandId) -> Option<&'o End>,
    ) -> Vec<Deed> {
        for deed in &mut self.deeds {
            if let What::Run { id, .. } = &deed.what {
                deed.is_assumed = self.assumed.contains(id);
            } else if let What::Command { command, end } = &mut deed.what {
                *end = end_of(&command.id).filter(|it| it.at() <= until).cloned();
                deed.is_assumed |= matches!(end, Some(End::Assumed { .. }));
            }
        }
        self.deeds
    }

    /// Runs that began, went on and ended, and whether that is assumed.
    pub(super) fn note_runs(
        &mut self,
        state: &State,
        decision: &Decision,
        (now, is_assumed): (Timestamp, bool),
    ) {
        for change in &decision.changes {
            if let Change::RunStarted(run) = change {
                let parent = run.parent.as_ref();
                if is_assumed || parent.is_some_and(|it| self.assumed.contains(it)) {
                    self.assumed.insert(run.id.clone());
                }
                if parent.is_none() && self.is_new(run.id.as_str()) {
                    self.runs.insert(run.id.clone(), self.deeds.len());
                    let what = What::Run {
                        id: run.id.clone(),
                        rule: run.rule.clone(),
                        trigger: None,
                        end: None,
                    };
                    self.deeds.push(Deed {
                        at: now,
                        what,
                        is_assumed,
                    });
                }
            } else if let Change::RunMoved(run) = change
                && is_assumed
            {
                self.assumed.insert(run.id.clone());
            } else if let Change::RunEnded { run, end, at } = change {
                if is_assumed {
                    self.assumed.insert(run.clone());
                }
                let parent = state.run(run).and_then(|it| it.parent.clone());
                if let Some(parent) = parent
                    && self.assumed.contains(run)
                {
                    self.assumed.insert(parent);
                }
                let deed = self.runs.get(run).map(|it| &mut self.deeds[*it].what);
                if let Some(What::Run { end: known, .. }) = deed {
                    *known = Some((*at, end.clone()));
                }
            }
        }
        for trace in &decision.traces {
            let deed = trace.run.as_ref().and_then(|it| self.runs.get(it));
            if let Some(deed) = deed
                && let What::Run { trigger, .. } = &mut self.deeds[*deed].what
                && trigger.is_none()
            {
                trigger.clone_from(&trace.trigger);
            }
        }
    }
}
