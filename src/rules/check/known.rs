//! The names that a rule makes for itself, and what is known of their values.
//!
//! A rule may use a name above the place that says what it holds: in a loop, or as `state.NAME` from an
//! earlier run. So a rule is checked again until what its names hold does not change any more; one whose
//! names come before their use is checked once.

use crate::config::names::Names;
use crate::document::node::Kind as NodeKind;
use crate::rules::expr::kind::Kind;
use crate::rules::expr::scope::{
    Field, Fields, Input, Reach, Root, Scope as Values, Sight, add, trigger_fields, wait_fields,
};
use crate::rules::expression::Variable;
use crate::rules::operation::Awaited;
use crate::rules::rule::{On, OperationKind, Trigger};
use crate::rules::syntax::StepKind;
use crate::rules::trigger::Watched;

/// What is known of the names of one rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Known {
    variables: Fields,
    state: Fields,
    wait: Fields,
}

/// Takes down names in the order in which runs come to them.
#[derive(Debug, Default)]
pub(super) struct Definitions {
    pub(super) known: Known,
    /// How many have been taken down, loops included.
    count: usize,
    /// Where the outermost loop begins: what is defined inside is there in the next round.
    loop_start: Option<usize>,
    /// A name was given a value of another kind than before: what was checked meanwhile is not certain.
    pub(super) has_changed: bool,
}

/// What was taken down before a branch began.
pub(super) struct Outside {
    variables: Fields,
    wait: Fields,
    loop_start: Option<usize>,
}

impl Known {
    /// With what another look at the rule has found.
    #[must_use]
    pub(super) fn joined(mut self, found: Self) -> Self {
        for (all, more) in [
            (&mut self.variables, found.variables),
            (&mut self.state, found.state),
            (&mut self.wait, found.wait),
        ] {
            for (name, field) in more {
                add(all, name, field);
            }
        }
        self
    }

    /// Gives up what the values of the rule's names are.
    pub(super) fn forget_kinds(&mut self) {
        for field in self.variables.values_mut().chain(self.state.values_mut()) {
            field.kind = Kind::Any;
        }
    }

    /// Adds the names to what expressions may name.
    pub(super) fn within(self, values: Values<'_>) -> Values<'_> {
        values
            .with(Root::Vars, self.variables)
            .with(Root::State, self.state)
            .with(Root::Wait, self.wait)
    }
}

impl Definitions {
    /// The place behind what has been taken down.
    pub(super) fn here(&self) -> usize {
        self.count
    }

    /// A loop begins here; what comes back ends it.
    pub(super) fn enter_loop(&mut self) -> Option<usize> {
        self.count += 1;
        self.loop_start
            .replace(self.loop_start.unwrap_or(self.count))
    }

    pub(super) fn leave_loop(&mut self, outer: Option<usize>) {
        self.loop_start = outer;
    }

    /// A branch of a `parallel` begins here: what it takes down is not known outside. What comes back ends it.
    pub(super) fn enter_branch(&mut self) -> Outside {
        self.count += 1;
        Outside {
            variables: std::mem::take(&mut self.known.variables),
            wait: std::mem::take(&mut self.known.wait),
            loop_start: self.loop_start.take(),
        }
    }

    pub(super) fn leave_branch(&mut self, outside: Outside) {
        let end = self.count;
        self.count += 1;
        self.loop_start = outside.loop_start;
        for (mine, outside) in [
            (&mut self.known.variables, outside.variables),
            (&mut self.known.wait, outside.wait),
        ] {
            let inside = std::mem::replace(mine, outside);
            for (name, mut field) in inside {
                for reach in &mut field.reach {
                    reach.to = reach.to.min(end);
                }
                self.has_changed |= add(mine, name, field);
            }
        }
    }

    /// From here on, or from the begin of the loop around.
    fn reach(&mut self) -> Vec<Reach> {
        self.count += 1;
        vec![Reach {
            from: self.loop_start.unwrap_or(self.count),
            to: usize::MAX,
        }]
    }

    pub(super) fn variable(&mut self, name: &str, kind: Kind) {
        let reach = self.reach();
        let field = Field {
            reach,
            ..kind.into()
        };
        self.has_changed |= add(&mut self.known.variables, name.to_owned(), field);
    }

    pub(super) fn variables(&mut self, variables: &[Variable]) {
        for variable in variables {
            self.variable(&variable.name, variable.value.kind());
        }
    }

    /// Those of the trigger, and of the triggers inside it.
    pub(super) fn trigger(&mut self, trigger: &Trigger) {
        self.variables(&trigger.variables);
        for inner in trigger.on.inner() {
            self.trigger(inner);
        }
    }

    /// Those that a step makes.
    pub(super) fn step(&mut self, step: &OperationKind, names: &Names) {
        match step {
            OperationKind::Variables { values } => self.variables(values),
            OperationKind::Set { values } => {
                for variable in values {
                    // An earlier run may have set it.
                    let field = variable.value.kind().into();
                    let name = variable.name.clone();
                    self.has_changed |= add(&mut self.known.state, name, field);
                }
            }
            OperationKind::Http(http) => {
                if let Some(name) = &http.save {
                    self.variable(name, Kind::Any);
                }
            }
            OperationKind::Wait(wait) => match &wait.until {
                Awaited::Triggers(triggers) => {
                    for trigger in triggers {
                        self.trigger(trigger);
                    }
                    let sights = triggers.iter().flat_map(|it| sights(&it.on, names));
                    self.wait(trigger_fields(&sights.collect::<Vec<_>>()));
                }
                Awaited::Conditions(_) => self.wait(Fields::new()),
            },
            OperationKind::Command(_)
            | OperationKind::Notify(_)
            | OperationKind::Log(_)
            | OperationKind::Test(_)
            | OperationKind::Jump { .. }
            | OperationKind::Repeat(_)
            | OperationKind::Stop(_)
            | OperationKind::End
            | OperationKind::Fail
            | OperationKind::Setting(_)
            | OperationKind::Cancel(_)
            | OperationKind::Read(_)
            | OperationKind::Delay(_)
            | OperationKind::Parallel(_)
            | OperationKind::Rule(_) => {}
        }
    }

    /// What the step would make without its mistakes, so that they are said once.
    pub(super) fn broken_step(&mut self, step: &StepKind<'_>) {
        let StepKind::Of(word, fields) = step else {
            return;
        };
        match word.name {
            "http" => {
                let entries = match fields.get("http").map(|it| &it.kind) {
                    Some(NodeKind::Map(entries)) => entries.as_slice(),
                    Some(_) | None => &[],
                };
                let save = entries.iter().find(|it| it.key.as_key() == Some("save"));
                if let Some(name) = save.and_then(|it| it.value.as_key()) {
                    self.variable(name, Kind::Any);
                }
            }
            "wait_for_trigger" | "wait_until" => {
                let sights = ["command", "device", "state", "webhook", "sun"];
                self.wait(trigger_fields(&sights.map(Sight::from)));
            }
            _ => {}
        }
    }

    /// A run waits here for triggers that see this; for none of them where it waits for conditions.
    pub(super) fn wait(&mut self, seen: Fields) {
        let reach = self.reach();
        for (name, field) in wait_fields(seen) {
            let reach = reach.clone();
            add(&mut self.known.wait, name, Field { reach, ..field });
        }
    }
}

/// What the trigger brings, and what those inside it bring.
pub(super) fn sights(on: &On, names: &Names) -> Vec<Sight> {
    let kind = on.watched().map_or(Kind::Any, |it| of_watched(it, names));
    let own = Sight {
        word: on.word(),
        kind,
    };
    let inner = on.inner().into_iter();
    let below = inner.flat_map(|it| sights(&it.on, names));
    std::iter::once(own).chain(below).collect()
}

fn of_watched(watched: &Watched, names: &Names) -> Kind {
    let kind = match watched {
        Watched::Attribute {
            devices, attribute, ..
        } => {
            let first = devices.first();
            let attribute = first.and_then(|it| it.device_type.attribute(attribute));
            attribute.map(|it| Kind::of_attribute(it.kind).0)
        }
        Watched::Input(name) => names.inputs.get(name).map(|it| Input::of(it).kind),
    };
    kind.unwrap_or(Kind::Any)
}
