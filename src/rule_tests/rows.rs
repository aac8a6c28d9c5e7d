//! What the tables would hold of the engine's state, so that a test can stop the engine and start it again.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::event::Readings;
use crate::engine::decision::Change;
use crate::engine::run::Run;
use crate::engine::state::State;
use crate::rule_tests::outbox::reread;

/// The changes that were written down, in order.
#[derive(Debug, Default)]
pub(super) struct Rows(Vec<Change>);

impl Rows {
    /// Writes `change` down. `state` is the state before it.
    ///
    /// Values of devices that are the same are not written again: in the store they are now and then, so
    /// that after a start they are never younger than there.
    pub(super) fn save(&mut self, state: &State, change: &Change) {
        // These are no rows.
        if matches!(
            change,
            Change::RunAsks { .. } | Change::Asked { .. } | Change::NotRead { .. }
        ) {
            return;
        }
        let kept = if let Change::Read(readings) = change {
            Change::Read(changed(state, readings))
        } else {
            change.clone()
        };
        self.0.push(kept);
    }

    /// The engine's state as the rows have it, each through the text that it is kept as.
    pub(super) fn load(&self) -> State {
        let mut state = State::default();
        for change in &self.0 {
            if let Change::RunStarted(run) = change {
                state.apply(&Change::RunStarted(reread_run(run)));
            } else if let Change::RunMoved(run) = change {
                state.apply(&Change::RunMoved(reread_run(run)));
            } else if let Change::History { of, history } = change {
                let (of, history) = (reread(of), reread(history));
                state.apply(&Change::History { of, history });
            } else if let Change::Input { reading, turns_at } = change {
                let (reading, turns_at) = (reread(reading), *turns_at);
                state.apply(&Change::Input { reading, turns_at });
            } else if let Change::CallWaits(call) = change {
                state.apply(&Change::CallWaits(reread(call)));
            } else if let Change::Read(readings) = change {
                state.apply(&Change::Read(reread(readings)));
            } else if let Change::Remembered {
                rule,
                name,
                value,
                at,
            } = change
            {
                let (rule, name) = (rule.clone(), name.clone());
                let value = reread(value);
                let at = *at;
                state.apply(&Change::Remembered {
                    rule,
                    name,
                    value,
                    at,
                });
            } else if let Change::Ordered { command, at } = change {
                let command = reread(command);
                state.apply(&Change::Ordered { command, at: *at });
            } else {
                state.apply(change);
            }
        }
        state
    }
}

fn reread_run(run: &Run) -> Run {
    Run {
        program: Arc::new(reread(&*run.program)),
        memory: reread(&run.memory),
        wait: reread(&run.wait),
        ..run.clone()
    }
}

fn changed(state: &State, readings: &Readings) -> Readings {
    let values = readings.values.iter().filter(|(attribute, value)| {
        state
            .reading(&readings.device, attribute)
            .is_none_or(|known| known.value != **value)
    });
    Readings {
        values: values
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect::<BTreeMap<_, _>>(),
        ..readings.clone()
    }
}
