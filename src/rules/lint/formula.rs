//! What conditions say, as formulas, and whether formulas can be true at one moment.
//!
//! What is not understood is taken to be possible, so that a finding is always right.

use std::collections::BTreeMap;

use crate::rules::condition::{Block, InputQuestion, InputTest, Join};
use crate::rules::expr::program::{Checked, Read, Source};
use crate::rules::lint::asked;
use crate::rules::lint::region::{Interval, Region};
use crate::rules::rule::{Condition, IfUnknown, Subject, Test, TimeTest};

/// What can be tried for one rule before everything left is taken to be possible.
const EFFORT_MAX: usize = 20_000;

/// What can be tried for one question.
const EFFORT_PER_QUESTION_MAX: usize = 1000;

/// Something that has one value at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Matter<'r> {
    /// An attribute of a device.
    Value(&'r str, &'r str),
    /// How many seconds old that value is; what was never read is older than anything.
    Age(&'r str, &'r str),
    Input(&'r str),
    InputAge(&'r str),
    /// Of the day.
    Second,
    Weekday,
    /// The id of the trigger that woke this rule.
    Trigger(usize),
    /// The answer to a question that is not looked into.
    Answer(usize),
}

/// A statement about matters.
#[derive(Clone, Debug)]
pub(super) enum Formula<'r> {
    Is(Within<'r>),
    All(Vec<Self>),
    Any(Vec<Self>),
}

#[derive(Clone, Debug)]
pub(super) struct Within<'r> {
    matter: Matter<'r>,
    region: Region<'r>,
}

const NOTHING_ASKED: Formula<'static> = Formula::All(Vec::new());
const NEVER: Formula<'static> = Formula::Any(Vec::new());

/// What is wanted of an answer, which is true, false or unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    True,
    NotTrue,
    False,
    NotFalse,
}

impl Wanted {
    fn words(self) -> &'static [&'static str] {
        match self {
            Self::True => &["true"],
            Self::NotTrue => &["false", "unknown"],
            Self::False => &["false"],
            Self::NotFalse => &["true", "unknown"],
        }
    }
}

/// Makes formulas of conditions, and looks whether they can be true together.
#[derive(Debug)]
pub(super) struct Logic {
    /// Questions that are not looked into, as text, those about a run with its rule.
    questions: BTreeMap<(Option<usize>, String), usize>,
    /// The rule whose conditions come next, by any number; what the run itself knows differs from rule to rule.
    pub(super) rule: usize,
    effort_left: usize,
}

impl Logic {
    pub(super) fn new() -> Self {
        Self {
            questions: BTreeMap::new(),
            rule: 0,
            effort_left: EFFORT_MAX,
        }
    }

    /// With no bound but that of each question.
    pub(super) fn tireless() -> Self {
        Self {
            effort_left: usize::MAX,
            ..Self::new()
        }
    }

    /// All of `conditions` hold, or not all of them do.
    pub(super) fn list<'r>(&mut self, conditions: &'r [Condition], holds: bool) -> Formula<'r> {
        let asked = conditions.iter().filter(|it| it.enabled);
        let each = asked.map(|it| self.outcome(it, holds)).collect();
        if holds {
            Formula::All(each)
        } else {
            Formula::Any(each)
        }
    }

    /// The condition lets the run go on, or it does not.
    fn outcome<'r>(&mut self, condition: &'r Condition, holds: bool) -> Formula<'r> {
        let wanted = match (condition.if_unknown, holds) {
            (IfUnknown::Block, true) => Wanted::True,
            (IfUnknown::Block, false) => Wanted::NotTrue,
            (IfUnknown::Allow, true) => Wanted::NotFalse,
            (IfUnknown::Allow, false) => Wanted::False,
            // Time passes until it is known.
            (IfUnknown::Wait, _) => return NOTHING_ASKED,
        };
        self.answer(condition, wanted)
    }

    /// The condition's own answer is as `wanted`.
    pub(super) fn answer<'r>(&mut self, condition: &'r Condition, wanted: Wanted) -> Formula<'r> {
        match &condition.test {
            Test::Block(block) => self.block(block, wanted),
            Test::NumericState(test) => {
                let region = Region::number(asked::bounds_of(test));
                let held = test.held_for.map(|_| &condition.test);
                self.subject(&test.subject, region, held, wanted)
            }
            Test::State(test) => {
                let region = asked::values_of(test);
                let held = test.held_for.map(|_| &condition.test);
                self.subject(&test.subject, region, held, wanted)
            }
            Test::Input(test) => {
                let held = test.held_for.map(|_| &condition.test);
                self.input(test, held, wanted)
            }
            Test::Time(test) => time(test, wanted),
            Test::Trigger(ids) => {
                let region = Region::only(ids.iter().map(String::as_str));
                known(Matter::Trigger(self.rule), region, wanted)
            }
            Test::Expression(checked) => self.expression(&condition.test, checked, wanted),
            Test::Sun(_) | Test::Command(_) => self.question(&condition.test, wanted),
            // A rule does not run when its conditions are asked, and runs when its steps ask.
            Test::Rule(_) => NOTHING_ASKED,
        }
    }

    /// Kleene's tables, as the engine has them.
    fn block<'r>(&mut self, block: &'r Block, wanted: Wanted) -> Formula<'r> {
        let asked: Vec<_> = block.conditions.iter().filter(|it| it.enabled).collect();
        if asked.is_empty() {
            return constant(wanted, "true");
        }
        // What is wanted of each part, and whether one of them is enough.
        let (of_each, one_is_enough) = match (block.join, wanted) {
            (Join::And, Wanted::True | Wanted::NotFalse)
            | (Join::Or, Wanted::False | Wanted::NotTrue) => (wanted, false),
            (Join::And, Wanted::False | Wanted::NotTrue)
            | (Join::Or, Wanted::True | Wanted::NotFalse) => (wanted, true),
            (Join::Not, Wanted::True) => (Wanted::False, false),
            (Join::Not, Wanted::NotFalse) => (Wanted::NotTrue, false),
            (Join::Not, Wanted::False) => (Wanted::True, true),
            (Join::Not, Wanted::NotTrue) => (Wanted::NotFalse, true),
        };
        let parts = asked.into_iter().map(|part| {
            let of_part = match (part.if_unknown, of_each) {
                (IfUnknown::Allow, Wanted::True) => Wanted::NotFalse,
                (IfUnknown::Allow, Wanted::NotTrue) => Wanted::False,
                (IfUnknown::Allow | IfUnknown::Block | IfUnknown::Wait, of_each) => of_each,
            };
            self.answer(part, of_part)
        });
        let parts = parts.collect();
        if one_is_enough {
            Formula::Any(parts)
        } else {
            Formula::All(parts)
        }
    }

    fn subject<'r>(
        &mut self,
        subject: &'r Subject,
        region: Region<'r>,
        held: Option<&'r Test>,
        wanted: Wanted,
    ) -> Formula<'r> {
        let (device, attribute) = (subject.device.id.as_str(), subject.attribute.as_str());
        let natural = asked::natural(&subject.device, attribute);
        let value = (Matter::Value(device, attribute), region, natural);
        let age = (
            Matter::Age(device, attribute),
            subject.max_age.as_secs_f64(),
        );
        self.reading(value, age, held, wanted)
    }

    fn input<'r>(
        &mut self,
        test: &'r InputTest,
        held: Option<&'r Test>,
        wanted: Wanted,
    ) -> Formula<'r> {
        let name = test.input.as_str();
        let (region, natural) = match &test.asks {
            InputQuestion::State { is, is_not } => (asked::values(is, is_not), None),
            InputQuestion::Number {
                above,
                below,
                at_least,
                at_most,
            } => {
                let bounds = asked::bounds(*above, *below, *at_least, *at_most);
                (Region::number(bounds), None)
            }
        };
        let value = (Matter::Input(name), region, natural);
        let age = (Matter::InputAge(name), test.max_age.as_secs_f64());
        self.reading(value, age, held, wanted)
    }

    /// A value inside `region`; it is known when it is fresh enough.
    fn reading<'r>(
        &mut self,
        (matter, region, natural): (Matter<'r>, Region<'r>, Option<Region<'r>>),
        (age, max_age): (Matter<'r>, f64),
        held: Option<&'r Test>,
        wanted: Wanted,
    ) -> Formula<'r> {
        let of_value = |region: &Region<'r>| {
            let region = natural.as_ref().map_or(region.clone(), |it| it.and(region));
            is(matter, region)
        };
        let fresh = is(age, Region::number(Interval::at_most(max_age)));
        let stale = is(age, Region::number(Interval::above(max_age)));
        let (inside, outside) = (of_value(&region), of_value(&region.not()));
        let (inside, outside) = match held {
            None => (inside, outside),
            // Whether it has lasted is a question of its own.
            Some(test) => (
                Formula::All(vec![inside, self.question(test, Wanted::True)]),
                Formula::Any(vec![outside, self.question(test, Wanted::NotTrue)]),
            ),
        };
        match wanted {
            Wanted::True => Formula::All(vec![fresh, inside]),
            Wanted::False => Formula::All(vec![fresh, outside]),
            Wanted::NotTrue => Formula::Any(vec![stale, outside]),
            Wanted::NotFalse => Formula::Any(vec![stale, inside]),
        }
    }

    fn expression<'r>(
        &mut self,
        test: &'r Test,
        checked: &'r Checked,
        wanted: Wanted,
    ) -> Formula<'r> {
        if let Some(answer) = asked::fixed_answer(checked) {
            return constant(wanted, answer);
        }
        self.question(test, wanted)
    }

    fn question<'r>(&mut self, test: &Test, wanted: Wanted) -> Formula<'r> {
        let rule = is_about_the_run(test).then_some(self.rule);
        let n_known = self.questions.len();
        let asked = (rule, format!("{test:?}"));
        let index = *self.questions.entry(asked).or_insert(n_known);
        let answers = Region::only(wanted.words().iter().copied());
        is(Matter::Answer(index), answers)
    }

    /// The rule whose conditions come next was woken by the trigger with this id, or by one without an id.
    pub(super) fn woken_by<'r>(&self, id: Option<&'r str>) -> Formula<'r> {
        // No id is empty, so that nobody asks for that one.
        is(
            Matter::Trigger(self.rule),
            Region::only([id.unwrap_or_default()]),
        )
    }

    /// Whether there is a moment at which all of `formulas` are true.
    pub(super) fn can_be(&mut self, formulas: &[&Formula<'_>]) -> bool {
        let mut search = Search {
            effort_left: self.effort_left.min(EFFORT_PER_QUESTION_MAX),
        };
        let before = search.effort_left;
        let can_be = search.can_be(BTreeMap::new(), formulas.to_vec(), Vec::new());
        self.effort_left -= before - search.effort_left;
        can_be
    }
}

struct Search {
    effort_left: usize,
}

impl Search {
    /// With what is `known`: all of `asked`, and one of each of the `choices`.
    fn can_be<'f, 'r>(
        &mut self,
        mut known: BTreeMap<Matter<'r>, Region<'r>>,
        mut asked: Vec<&'f Formula<'r>>,
        mut choices: Vec<&'f [Formula<'r>]>,
    ) -> bool {
        while let Some(formula) = asked.pop() {
            if self.effort_left == 0 {
                return true;
            }
            self.effort_left -= 1;
            match formula {
                Formula::All(parts) => asked.extend(parts),
                Formula::Any(parts) => match &parts[..] {
                    [only] => asked.push(only),
                    parts => choices.push(parts),
                },
                Formula::Is(Within { matter, region }) => {
                    let both = match known.get(matter) {
                        Some(before) => before.and(region),
                        None => region.clone(),
                    };
                    if both.is_empty() {
                        return false;
                    }
                    known.insert(*matter, both);
                }
            }
        }
        let Some(choice) = choices.pop() else {
            return true;
        };
        let mut ways = choice.iter();
        ways.any(|way| self.can_be(known.clone(), vec![way], choices.clone()))
    }
}

fn is<'r>(matter: Matter<'r>, region: Region<'r>) -> Formula<'r> {
    Formula::Is(Within { matter, region })
}

/// A matter that is never unknown.
fn known<'r>(matter: Matter<'r>, region: Region<'r>, wanted: Wanted) -> Formula<'r> {
    match wanted {
        Wanted::True | Wanted::NotFalse => is(matter, region),
        Wanted::False | Wanted::NotTrue => is(matter, region.not()),
    }
}

fn constant(wanted: Wanted, answer: &str) -> Formula<'static> {
    if wanted.words().contains(&answer) {
        NOTHING_ASKED
    } else {
        NEVER
    }
}

/// An attribute of a device has one of these values.
pub(super) fn attribute_is<'r>(
    device: &'r str,
    attribute: &'r str,
    region: Region<'r>,
) -> Formula<'r> {
    is(Matter::Value(device, attribute), region)
}

/// An input has one of these values.
pub(super) fn input_is<'r>(name: &'r str, region: Region<'r>) -> Formula<'r> {
    is(Matter::Input(name), region)
}

/// Whether only the run that asks knows the answer; everything else is the same for two rules at one moment.
fn is_about_the_run(test: &Test) -> bool {
    match test {
        Test::Expression(checked) => checked.reads().any(|it| match it {
            Read::Value { source, .. } | Read::Age { source } => {
                matches!(source, Source::Field { .. })
            }
            Read::Series { .. } | Read::Now => false,
        }),
        // The first of two runs may have ordered something when the second asks.
        Test::Command(_) => true,
        Test::Trigger(_)
        | Test::Time(_)
        | Test::State(_)
        | Test::NumericState(_)
        | Test::Sun(_)
        | Test::Rule(_)
        | Test::Input(_)
        | Test::Block(_) => false,
    }
}

fn time(test: &TimeTest, wanted: Wanted) -> Formula<'static> {
    let of = |region: Region<'static>, all: &Region<'static>| match wanted {
        Wanted::True | Wanted::NotFalse => region,
        Wanted::False | Wanted::NotTrue => region.not().and(all),
    };
    let in_window = asked::window(test.after, test.before);
    let in_window = is(Matter::Second, of(in_window, &asked::day()));
    if test.weekdays.is_empty() {
        return in_window;
    }
    let on_day = asked::days(&test.weekdays);
    let on_day = is(Matter::Weekday, of(on_day, &asked::every_day()));
    match wanted {
        Wanted::True | Wanted::NotFalse => Formula::All(vec![in_window, on_day]),
        Wanted::False | Wanted::NotTrue => Formula::Any(vec![in_window, on_day]),
    }
}
