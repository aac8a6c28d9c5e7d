//! Conditions that exclude each other, or what was asked just before; and conditions that exclude nothing.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::document::code;
use crate::document::diagnostic::{Diagnostic, Findings};
use crate::document::source::Location;
use crate::rules::condition::Join;
use crate::rules::lint::flow::Fact;
use crate::rules::lint::formula::{Formula, Logic, Wanted};
use crate::rules::lint::spots;
use crate::rules::rule::{Condition, Place, Test};
use crate::rules::syntax;

/// Looks at the conditions of one rule.
#[derive(Debug)]
pub(super) struct Inspector<'i, 'r, 's> {
    pub(super) written: &'i syntax::Rule<'i>,
    pub(super) logic: Logic,
    /// Of what is known, by where and how long its conditions are, and whether they held.
    formulas: BTreeMap<(usize, usize, bool), Rc<Formula<'r>>>,
    pub(super) findings: &'i mut Findings<'s>,
}

/// Where a list of conditions is asked, and so what comes of it when it can never hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum List {
    Rule,
    Branch,
    /// `while:`
    Rounds,
    /// `until:`
    LastRound,
    /// `wait_until:`
    Wait,
    /// Inside other conditions.
    Block,
}

impl List {
    fn consequence(self) -> &'static str {
        match self {
            Self::Rule => ", so the rule never runs",
            Self::Branch => ", so the steps below are never done",
            Self::Rounds => ", so there is never a round",
            Self::LastRound => ", so the rounds only end with `max`",
            Self::Wait => ", so what is waited for never comes",
            Self::Block => "",
        }
    }
}

/// What was said of a condition by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Nothing,
    Never,
    /// Of it or of a part of it, and it may still hold or not.
    Something,
}

impl<'i, 'r, 's> Inspector<'i, 'r, 's> {
    pub(super) fn new(written: &'i syntax::Rule<'i>, findings: &'i mut Findings<'s>) -> Self {
        Self {
            written,
            logic: Logic::new(),
            formulas: BTreeMap::new(),
            findings,
        }
    }

    pub(super) fn at(&self, place: &Place) -> Location {
        let span = spots::condition(self.written, place, self.findings.source);
        self.findings.source.location(span)
    }

    /// Reports at the condition; what comes back can be told more.
    pub(super) fn report(
        &mut self,
        code: code::Code,
        condition: &Condition,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        let span = spots::condition(self.written, &condition.place, self.findings.source);
        self.findings.report(code, span, message)
    }

    /// Whether `formulas` can be true together with what is known.
    pub(super) fn can_be(&mut self, known: &[Fact<'r>], formulas: &[&Formula<'r>]) -> bool {
        let known: Vec<Rc<Formula<'r>>> = known.iter().map(|it| self.formula(it)).collect();
        let known = known.iter().map(Rc::as_ref);
        let all: Vec<&Formula<'r>> = known.chain(formulas.iter().copied()).collect();
        self.logic.can_be(&all)
    }

    /// Made once: what was asked first is known at every step behind it.
    fn formula(&mut self, fact: &Fact<'r>) -> Rc<Formula<'r>> {
        // Lists that begin at one place and are equally long are the same.
        let key = (fact.asked.as_ptr() as usize, fact.asked.len(), fact.held);
        if let Some(formula) = self.formulas.get(&key) {
            return Rc::clone(formula);
        }
        let formula = Rc::new(self.logic.list(fact.asked, fact.held));
        self.formulas.insert(key, Rc::clone(&formula));
        formula
    }

    /// Says it when not all of `asked` can hold, by themselves or with what is `known`. Gives whether it was said.
    pub(super) fn never(&mut self, asked: &'r [Condition], known: &[Fact<'r>], list: List) -> bool {
        let mut is_told = false;
        for condition in asked.iter().filter(|it| it.enabled) {
            is_told |= self.alone(condition, list) == Told::Never;
        }
        is_told || self.never_together(asked, list) || self.never_after(asked, known, list)
    }

    fn alone(&mut self, condition: &'r Condition, list: List) -> Told {
        if let Test::Block(block) = &condition.test {
            let parts = block.conditions.iter().filter(|it| it.enabled);
            let told: Vec<Told> = parts.map(|it| self.alone(it, List::Block)).collect();
            if block.join == Join::And && told.contains(&Told::Never) {
                return Told::Never;
            }
            if told.iter().any(|it| *it != Told::Nothing) {
                return Told::Something;
            }
            if block.join == Join::And && self.never_together(&block.conditions, list) {
                return Told::Never;
            }
        }
        if self.never_together(std::slice::from_ref(condition), list) {
            return Told::Never;
        }
        // What is unknown does not hold, and yet such a condition asks nothing of what is known.
        let is_false = self.logic.answer(condition, Wanted::False);
        if !self.logic.can_be(&[&is_false]) {
            self.report(code::ALWAYS_HOLDS, condition, always(&condition.test))
                .help("leave the condition out, or ask for less");
            return Told::Something;
        }
        Told::Nothing
    }

    /// Conditions of one list that exclude each other.
    fn never_together(&mut self, asked: &'r [Condition], list: List) -> bool {
        let enabled: Vec<&Condition> = asked.iter().filter(|it| it.enabled).collect();
        let each: Vec<Formula<'r>> = enabled
            .iter()
            .map(|it| self.logic.list(std::slice::from_ref(*it), true))
            .collect();
        let each: Vec<&Formula<'r>> = each.iter().collect();
        if self.logic.can_be(&each) {
            return false;
        }
        let count = (1..=each.len()).find(|n| !self.logic.can_be(&each[..*n]));
        let Some(nth) = count.map(|it| it - 1) else {
            return false;
        };
        if !self.logic.can_be(&[each[nth]]) {
            let message = format!("this can never hold{}", list.consequence());
            self.report(code::NEVER_TOGETHER, enabled[nth], message)
                .help("ask for something that can be");
            return true;
        }
        let earlier = (0..nth).find(|it| !self.logic.can_be(&[each[*it], each[nth]]));
        let here = self.at(&enabled[nth].place);
        let also = earlier.map(|it| self.at(&enabled[it].place));
        // Of two on one line, one mark is enough.
        let also = also.filter(|it| *it != here);
        let message = format!(
            "these conditions can never hold together{}",
            list.consequence()
        );
        let diagnostic = self.report(code::NEVER_TOGETHER, enabled[nth], message);
        match also {
            Some(also) => diagnostic
                .label("excludes the other")
                .also(also, "this is asked too"),
            None => diagnostic.label("excludes what is asked above"),
        };
        diagnostic.help(
            "conditions in a list must all hold; put them below `or:` if one of them is enough",
        );
        true
    }

    /// Conditions that what is known excludes.
    fn never_after(&mut self, asked: &'r [Condition], known: &[Fact<'r>], list: List) -> bool {
        let all = self.logic.list(asked, true);
        if known.is_empty() || self.can_be(known, &[&all]) {
            return false;
        }
        let Some(excluded) = asked.iter().find(|it| {
            let holds = self.logic.list(std::slice::from_ref(*it), true);
            it.enabled && !self.can_be(known, &[&holds])
        }) else {
            return false;
        };
        let holds = self.logic.list(std::slice::from_ref(excluded), true);
        let cause = known
            .iter()
            .find(|it| !self.can_be(std::slice::from_ref(*it), &[&holds]));
        let also = cause.and_then(|it| self.told_of(it));
        let message = format!("this can never hold here{}", list.consequence());
        let diagnostic = self
            .report(code::NEVER_TOGETHER, excluded, message)
            .label("excluded by what was asked before");
        if let Some((location, text)) = also {
            diagnostic.also(location, text);
        }
        diagnostic
            .note("no time passes in between, so that the answers are the same")
            .help("ask for something that can still be, or leave the steps out");
        true
    }

    /// The place of a fact and a word on it.
    pub(super) fn told_of(&self, fact: &Fact<'_>) -> Option<(Location, &'static str)> {
        let first = fact.asked.iter().find(|it| it.enabled)?;
        let text = match (fact.by, fact.held) {
            (None, _) => "the rule asks for this already",
            (Some(_), true) => "this held just before",
            (Some(_), false) => "this did not hold just before",
        };
        Some((self.at(&first.place), text))
    }
}

fn always(test: &Test) -> String {
    match test {
        Test::NumericState(test) => {
            format!("`{}` is always within these bounds", test.subject.attribute)
        }
        Test::State(test) => format!("`{}` is always one of these", test.subject.attribute),
        Test::Time(_) => "it is always one of these times".to_owned(),
        Test::Block(block) => match block.join {
            Join::And => "these always hold".to_owned(),
            Join::Or => "one of these always holds".to_owned(),
            Join::Not => "none of these can ever hold".to_owned(),
        },
        Test::Sun(_)
        | Test::Trigger(_)
        | Test::Command(_)
        | Test::Rule(_)
        | Test::Input(_)
        | Test::Expression(_) => "this always holds".to_owned(),
    }
}
