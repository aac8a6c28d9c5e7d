//! Branches, rounds and steps that a run never comes to, and questions whose answer is known already.

use crate::document::code;
use crate::document::diagnostic::Findings;
use crate::rules::lint::flow::{self, Fact, Known};
use crate::rules::lint::formula::Formula;
use crate::rules::lint::spots;
use crate::rules::lint::together::{Inspector, List};
use crate::rules::operation::{Awaited, RepeatOperation, Rounds};
use crate::rules::rule::{Condition, Operation, OperationKind, Program, Rule, TestOperation};
use crate::rules::syntax;

/// Advice on all conditions of a rule, where each of them stands.
pub(super) fn conditions(written: &syntax::Rule<'_>, rule: &Rule, findings: &mut Findings<'_>) {
    let mut inspector = Inspector::new(written, findings);
    let is_never = inspector.never(&rule.conditions, &[], List::Rule);
    // What a rule does that never runs is never done; that is said once.
    let start = if is_never {
        Known::default()
    } else {
        Known::of(rule)
    };
    inspector.program(&rule.program, start);
}

/// Where a run stands: an operation of a program, and what is known before it.
#[derive(Clone, Copy)]
struct Stand<'p, 'r> {
    program: &'r Program,
    at: usize,
    known: &'p Known<'r>,
}

impl<'r> Inspector<'_, 'r, '_> {
    fn program(&mut self, program: &'r Program, start: Known<'r>) {
        let known = flow::known(program, start);
        self.unreached(program, &known);
        for (at, operation) in program.operations.iter().enumerate() {
            let Some(known) = &known[at] else {
                continue;
            };
            let stand = Stand { program, at, known };
            if let OperationKind::Test(test) = &operation.kind {
                self.branch(stand, test);
            } else if let OperationKind::Repeat(repeat) = &operation.kind {
                self.rounds(stand, repeat);
            } else if let OperationKind::Wait(wait) = &operation.kind
                && let Awaited::Conditions(block) = &wait.until
            {
                self.wait(stand, &block.conditions);
            } else if let OperationKind::Parallel(parallel) = &operation.kind {
                for branch in &parallel.branches {
                    self.program(branch, known.clone());
                }
            }
        }
    }

    /// A way of `choose`, or `if`.
    fn branch(&mut self, stand: Stand<'_, 'r>, test: &'r TestOperation) {
        let now = &stand.known.now;
        let (before, above) = now.split_at(stand.first_way_above());
        // Where no run comes, all has been said.
        if !self.can_be(before, &[]) || self.never(&test.conditions, before, List::Branch) {
            return;
        }
        let holds = self.logic.list(&test.conditions, true);
        if !above.is_empty() && !self.can_be(now, &[&holds]) {
            return self.shadowed(&test.conditions, &holds, before, above);
        }
        let fails = self.logic.list(&test.conditions, false);
        let rest = stand.otherwise(test);
        if !self.can_be(before, &[&fails]) {
            match rest {
                Rest::Steps(first) => self.nothing_left(first, &test.conditions, &fails, before),
                Rest::Nothing => self.always(&test.conditions, &fails, before, List::Branch),
                // Each of them is told of by itself.
                Rest::Ways => {}
            }
        } else if let Rest::Steps(first) = rest
            && !self.can_be(now, &[&fails])
        {
            self.nothing_left(first, &test.conditions, &fails, before);
        }
    }

    /// A way whose conditions never hold when those above it do not.
    fn shadowed(
        &mut self,
        asked: &'r [Condition],
        holds: &Formula<'r>,
        before: &[Fact<'r>],
        above: &[Fact<'r>],
    ) {
        let with =
            |fact: &Fact<'r>| -> Vec<Fact<'r>> { before.iter().chain([fact]).copied().collect() };
        let cause = above.iter().find(|it| !self.can_be(&with(it), &[holds]));
        let always = cause.is_some_and(|it| !self.can_be(&with(it), &[]));
        let also = cause.and_then(|it| self.told_of(it));
        let Some(first) = asked.iter().find(|it| it.enabled) else {
            return;
        };
        let message = match cause {
            Some(_) => "this branch is never taken: one above it comes first each time",
            None => "this branch is never taken: those above it come first each time",
        };
        let diagnostic = self.report(code::SHADOWED, first, message);
        match also {
            Some((location, _)) if always => diagnostic.also(location, "this always holds"),
            Some((location, _)) => diagnostic
                .label("whenever this holds, the one above does too")
                .also(location, "this is asked first"),
            None => diagnostic,
        };
        diagnostic.help("of several branches the first that fits is taken: put the one that asks for more above");
    }

    /// Steps for the case that nothing above holds, which never comes.
    fn nothing_left(
        &mut self,
        first: &Operation,
        asked: &'r [Condition],
        fails: &Formula<'r>,
        before: &[Fact<'r>],
    ) {
        let is_alone = !self.can_be(before, &[fails]);
        let condition = asked.iter().find(|it| it.enabled);
        let also = condition.map(|it| self.at(&it.place));
        let span = spots::step(self.written, &first.place, self.findings.source);
        let diagnostic = self
            .findings
            .report(code::UNREACHABLE, span, "these steps are never done")
            .label("for the case that nothing above holds");
        match also {
            Some(also) if is_alone => diagnostic.also(also, "this always holds here"),
            Some(also) => {
                diagnostic.also(also, "with the branches above, this is all there can be")
            }
            None => diagnostic,
        };
        diagnostic.help("leave the steps out, or ask for less above them");
    }

    /// Conditions that hold whenever a run comes here.
    fn always(
        &mut self,
        asked: &'r [Condition],
        fails: &Formula<'r>,
        before: &[Fact<'r>],
        list: List,
    ) {
        // Of single conditions it has been said already, and of those that were switched off nothing is.
        if !self.logic.can_be(&[fails]) {
            return;
        }
        let Some(first) = asked.iter().find(|it| it.enabled) else {
            return;
        };
        let cause = before
            .iter()
            .find(|it| !self.can_be(std::slice::from_ref(*it), &[fails]));
        let also = cause.and_then(|it| self.told_of(it));
        let message = match list {
            List::Wait => "what is waited for holds already",
            List::Rounds => "what is asked here always holds, so the rounds only end with `max`",
            List::Rule | List::Branch | List::LastRound | List::Block => {
                "what is asked here always holds"
            }
        };
        let diagnostic = self.report(code::ALWAYS_HOLDS, first, message);
        if let Some((location, text)) = also {
            diagnostic.also(location, text);
        }
        diagnostic
            .note("no time passes in between, so that the answers are the same")
            .help("leave the question out, or ask for more");
    }

    fn rounds(&mut self, stand: Stand<'_, 'r>, repeat: &'r RepeatOperation) {
        match &repeat.rounds {
            Rounds::While(asked) => {
                let known = &stand.known.now;
                let fails = self.logic.list(asked, false);
                let body = &stand.program.operations[stand.at..repeat.end];
                let mut steps = body.iter();
                let ends = steps.any(|it| matches!(it.kind, OperationKind::Stop(_)));
                // `while: true` with a `stop` inside is a way to write a loop.
                if ends && !self.logic.can_be(&[&fails]) {
                    return;
                }
                if !self.can_be(known, &[]) || self.never(asked, known, List::Rounds) {
                    return;
                }
                if !ends && !self.can_be(known, &[&fails]) {
                    self.always(asked, &fails, known, List::Rounds);
                }
            }
            // What is known before the first round may have changed when it is asked.
            Rounds::Until(asked) => {
                self.never(asked, &[], List::LastRound);
            }
            Rounds::Count(_) | Rounds::ForEach(_) => {}
        }
    }

    fn wait(&mut self, stand: Stand<'_, 'r>, asked: &'r [Condition]) {
        let known = &stand.known.now;
        if !self.can_be(known, &[]) || self.never(asked, &[], List::Wait) {
            return;
        }
        let fails = self.logic.list(asked, false);
        if !self.can_be(known, &[&fails]) {
            self.always(asked, &fails, known, List::Wait);
        }
    }

    /// Steps that no run comes to, whatever the answers are.
    fn unreached(&mut self, program: &Program, known: &[Option<Known<'r>>]) {
        let operations = &program.operations;
        let told = |it: &usize| operations[*it].kind.is_told();
        let mut is_before_reached = true;
        for at in (0..operations.len()).filter(told) {
            let is_reached = known[at].is_some();
            if is_before_reached && !is_reached {
                self.never_comes(program, at, known);
            }
            is_before_reached = is_reached;
        }
    }

    fn never_comes(&mut self, program: &Program, at: usize, known: &[Option<Known<'r>>]) {
        let operations = &program.operations;
        let handles_failure = program.handlers.iter().any(|it| it.target == at);
        let mut reached = operations[..at].iter().zip(known).rev();
        let stop = reached.find(|(operation, known)| {
            known.is_some() && matches!(operation.kind, OperationKind::Stop(_))
        });
        let stop = stop.filter(|_| !handles_failure).map(|(operation, _)| {
            let span = spots::step(self.written, &operation.place, self.findings.source);
            self.findings.source.location(span)
        });
        let span = spots::step(self.written, &operations[at].place, self.findings.source);
        let diagnostic = self
            .findings
            .report(code::UNREACHABLE, span, "these steps are never done")
            .label("no run comes here");
        match stop {
            Some(stop) => diagnostic
                .also(stop, "the run has ended here")
                .help("put them above `stop`, or leave them out"),
            None => diagnostic
                .note("they are for a failure, and nothing before them can fail")
                .help("leave them out"),
        };
    }
}

/// What comes when the conditions of a branch do not hold.
enum Rest<'r> {
    /// `else` or `default`, from here on.
    Steps(&'r Operation),
    /// Other branches of the same `choose`.
    Ways,
    Nothing,
}

impl<'r> Stand<'_, 'r> {
    /// Where the answers to the ways above this one, of the same `choose`, begin among what is known now. They are
    /// the last ones: nothing is asked between two ways.
    fn first_way_above(&self) -> usize {
        let operations = &self.program.operations;
        let place = &operations[self.at].place;
        let (mut first, mut next) = (self.known.now.len(), self.at);
        for fact in self.known.now.iter().rev() {
            let Some(at) = fact.by.filter(|_| !fact.held) else {
                break;
            };
            let leads_to_next = operations.get(at).is_some_and(|it| {
                let is_way =
                    matches!(&it.kind, OperationKind::Test(test) if test.otherwise == next);
                is_way && it.place == *place
            });
            if !leads_to_next {
                break;
            }
            (first, next) = (first - 1, at);
        }
        first
    }

    fn otherwise(&self, test: &TestOperation) -> Rest<'r> {
        let operations = &self.program.operations;
        let here = &operations[self.at];
        // Who has something behind it leads around that, from the same place.
        let jump = &operations[test.otherwise - 1];
        let leads_around = matches!(jump.kind, OperationKind::Jump { to } if to > test.otherwise);
        if !leads_around || jump.place != here.place {
            return Rest::Nothing;
        }
        let next = &operations[test.otherwise];
        if matches!(next.kind, OperationKind::Test(_)) && next.place == here.place {
            return Rest::Ways;
        }
        let rest = operations[test.otherwise..].iter();
        let mut steps = rest.filter(|it| it.kind.is_told());
        steps.next().map_or(Rest::Nothing, Rest::Steps)
    }
}
