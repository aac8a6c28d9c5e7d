//! Which triggers, conditions and steps of the rules some test reached.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::engine::trace::{StepTrace, Trace, Truth};
use crate::rules::rule::{OperationKind, Place, Rule, RuleSet, Test};

/// What was reached, over all tests.
#[derive(Debug, Default)]
pub struct Coverage {
    /// By file and id: the same rule may be tested alone and with the whole home.
    rules: BTreeMap<(String, String), Seen>,
}

#[derive(Debug)]
struct Seen {
    place: Place,
    triggers: Vec<Reach>,
    conditions: Vec<Answers>,
    steps: Vec<Reach>,
    /// Where in the program each of the steps stands.
    positions: Vec<usize>,
}

#[derive(Debug)]
struct Reach {
    place: Place,
    /// What people call it.
    name: Option<String>,
    is_reached: bool,
}

#[derive(Debug)]
struct Answers {
    place: Place,
    alias: Option<String>,
    seen: Vec<Truth>,
    /// Those that the condition can give.
    possible: &'static [Truth],
}

impl Coverage {
    /// Counts the rules in. Those that are switched off, and what in others is switched off, are left out.
    pub fn add(&mut self, rules: &RuleSet) {
        let running = |it: &&Rule| it.enabled;
        for rule in rules.rules.iter().filter(running) {
            self.rules.entry(key(rule)).or_insert_with(|| seen(rule));
        }
    }

    /// What one rule made of one event.
    pub(super) fn note(&mut self, rules: &RuleSet, trace: &Trace) {
        let Some(seen) = rules
            .rules
            .iter()
            .find(|it| it.id == trace.rule)
            .and_then(|it| self.rules.get_mut(&key(it)))
        else {
            return;
        };
        let fired = seen
            .triggers
            .iter_mut()
            .filter(|it| trace.trigger.is_some() && trace.trigger == Some(it.label()));
        fired.for_each(|it| it.is_reached = true);
        let mut taken = vec![false; seen.conditions.len()];
        for answer in &trace.conditions {
            // Several may stand on one line; they are asked in order.
            let next = seen
                .conditions
                .iter()
                .zip(&taken)
                .position(|(it, taken)| !taken && it.place == answer.place);
            let Some(index) = next else {
                continue;
            };
            taken[index] = true;
            let known = &mut seen.conditions[index].seen;
            if !known.contains(&answer.answer) {
                known.push(answer.answer);
            }
        }
    }

    /// The operation at `index` was done.
    pub(super) fn reach(&mut self, rule: &Rule, index: usize) {
        if let Some(seen) = self.rules.get_mut(&key(rule))
            && let Ok(step) = seen.positions.binary_search(&index)
        {
            seen.steps[step].is_reached = true;
        }
    }

    /// In the order of the files.
    pub fn report(&self) -> CoverageReport {
        let mut rules: Vec<_> = self.rules.iter().collect();
        rules.sort_by_key(|(_, seen)| seen.place.clone());
        let rules: Vec<_> = rules
            .into_iter()
            .map(|((_, id), seen)| rule_report(id, seen))
            .collect();
        let sum = |part: fn(&RuleCoverage) -> Share| {
            rules.iter().map(part).fold(Share::default(), Share::plus)
        };
        CoverageReport {
            triggers: sum(|it| it.triggers),
            answers: sum(|it| it.answers),
            steps: sum(|it| it.steps),
            rules,
        }
    }
}

fn key(rule: &Rule) -> (String, String) {
    (rule.place.file.clone(), rule.id.to_string())
}

fn seen(rule: &Rule) -> Seen {
    let triggers = rule.triggers.iter().filter(|it| it.enabled);
    let conditions = rule.conditions.iter().filter(|it| it.enabled);
    let operations = rule.program.every_operation();
    let (positions, steps) = operations
        .into_iter()
        .enumerate()
        .filter(|(_, it)| it.kind.is_told())
        .map(|(position, it)| (position, Reach::new(&it.place, it.alias.as_ref())))
        .unzip();
    Seen {
        place: rule.place.clone(),
        triggers: triggers
            .map(|it| Reach::new(&it.place, it.id.as_ref()))
            .collect(),
        conditions: conditions
            .map(|it| Answers {
                place: it.place.clone(),
                alias: it.alias.clone(),
                seen: Vec::new(),
                possible: possible(&it.test),
            })
            .collect(),
        steps,
        positions,
    }
}

/// The time of day is never unknown.
fn possible(test: &Test) -> &'static [Truth] {
    if matches!(test, Test::Time(_)) {
        &[Truth::True, Truth::False]
    } else {
        &[Truth::True, Truth::False, Truth::Unknown]
    }
}

impl Reach {
    fn new(place: &Place, name: Option<&String>) -> Self {
        Self {
            place: place.clone(),
            name: name.cloned(),
            is_reached: false,
        }
    }

    /// As traces call a trigger: by its id, or by its place.
    fn label(&self) -> String {
        let place = || format!("{}:{}", self.place.file, self.place.line);
        self.name.clone().unwrap_or_else(place)
    }
}

/// How much of the rules the tests reached.
#[derive(Debug, Serialize)]
pub struct CoverageReport {
    pub triggers: Share,
    /// Of conditions: each can be true, false and, unless it asks the time, unknown.
    pub answers: Share,
    pub steps: Share,
    pub rules: Vec<RuleCoverage>,
}

#[derive(Debug, Serialize)]
pub struct RuleCoverage {
    pub rule: String,
    pub file: String,
    pub line: usize,
    pub triggers: Share,
    pub answers: Share,
    pub steps: Share,
    pub missed: Vec<Missed>,
}

/// Something that no test reached.
#[derive(Debug, Serialize)]
pub struct Missed {
    pub file: String,
    pub line: usize,
    /// A sentence about the trigger, condition or step.
    pub what: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Share {
    pub reached: usize,
    pub of: usize,
}

impl Share {
    fn plus(self, other: Self) -> Self {
        Self {
            reached: self.reached + other.reached,
            of: self.of + other.of,
        }
    }

    pub fn is_whole(self) -> bool {
        self.reached == self.of
    }

    fn of(parts: &[Reach]) -> Self {
        Self {
            reached: parts.iter().filter(|it| it.is_reached).count(),
            of: parts.len(),
        }
    }
}

fn rule_report(id: &str, seen: &Seen) -> RuleCoverage {
    let mut missed: Vec<_> = [
        (&seen.triggers, "trigger", "never fires"),
        (&seen.steps, "step", "is never reached"),
    ]
    .into_iter()
    .flat_map(|(parts, what, never)| {
        let parts = parts.iter().filter(|it| !it.is_reached);
        parts.map(move |it| missed(&it.place, what, it.name.as_deref(), never))
    })
    .collect();
    missed.extend(seen.conditions.iter().filter_map(not_answered));
    missed.sort_by_key(|it| it.line);
    let conditions = &seen.conditions;
    RuleCoverage {
        rule: id.to_owned(),
        file: seen.place.file.clone(),
        line: seen.place.line,
        triggers: Share::of(&seen.triggers),
        answers: Share {
            reached: conditions.iter().map(|it| it.seen.len()).sum(),
            of: conditions.iter().map(|it| it.possible.len()).sum(),
        },
        steps: Share::of(&seen.steps),
        missed,
    }
}

fn not_answered(condition: &Answers) -> Option<Missed> {
    let missing = condition.possible.iter();
    let missing: Vec<_> = missing
        .filter(|it| !condition.seen.contains(it))
        .map(|it| match it {
            Truth::True => "true",
            Truth::False => "false",
            Truth::Unknown => "unknown",
        })
        .collect();
    let alias = condition.alias.as_deref();
    let never = if missing.len() == condition.possible.len() {
        "is never asked".to_owned()
    } else {
        format!("is never {}", missing.join(" or "))
    };
    (!missing.is_empty()).then(|| missed(&condition.place, "condition", alias, &never))
}

fn missed(place: &Place, what: &str, name: Option<&str>, never: &str) -> Missed {
    let name = name.map(|it| format!(" \"{it}\"")).unwrap_or_default();
    Missed {
        file: place.file.clone(),
        line: place.line,
        what: format!("this {what}{name} {never}"),
    }
}

/// The operation of `rule` that `step` tells of: the first at or behind `from`, or the first at all; and
/// whether it writes into the log.
pub(super) fn find<'r>(
    rule: &'r Rule,
    from: usize,
    step: &StepTrace,
) -> Option<(&'r Rule, usize, bool)> {
    let operations = rule.program.every_operation();
    let ahead = operations.iter().enumerate().skip(from);
    let mut all = ahead.chain(operations.iter().enumerate());
    let (index, operation) = all.find(|(_, it)| it.kind.is_told() && it.place == step.place)?;
    let is_log = matches!(operation.kind, OperationKind::Log(_));
    Some((rule, index, is_log))
}
