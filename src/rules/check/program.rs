//! Steps to a program: flat, with jumps where steps stood inside each other.

use std::rc::Rc;

use crate::document::code;
use crate::document::decode::{whole_number, wrong_type};
use crate::document::diagnostic::Findings;
use crate::document::node::{Kind as NodeKind, Node};
use crate::domain::id::{RuleVersion, StepId};
use crate::rules::check::known::Definitions;
use crate::rules::check::{Scope, condition, learn, place, step};
use crate::rules::expr::kind::Kind;
use crate::rules::expr::scope::{Fields, Root, failure_fields, repeat_fields};
use crate::rules::expr::value::Value;
use crate::rules::expression::{Expression, Wanted, compile, compile_as, is_computed};
use crate::rules::operation::{Handler, ParallelOperation, RepeatOperation, Rounds};
use crate::rules::rule::{Operation, OperationKind, Place, Program, TestOperation};
use crate::rules::syntax::{self, Step, StepKind, Way};

/// The most operations of a rule, those inside other steps included.
const OPERATIONS_MAX: usize = 2000;

/// What the rule's steps come to, its steps for failures behind them.
pub(super) fn program(
    written: &syntax::Rule<'_>,
    scope: Scope<'_>,
    definitions: &mut Definitions,
    findings: &mut Findings<'_>,
) -> Program {
    let mut compiler = Compiler::new(scope, definitions);
    compiler.sequence(&written.steps, findings);
    if let Some(first) = written.on_failure.first() {
        let end = compiler.operations.len();
        let here = place(first.head, findings);
        compiler.push(&here, None, OperationKind::End);
        compiler.handlers.push(Handler {
            from: 0,
            to: end,
            target: end + 1,
            loops: 0,
        });
        compiler.failure_sequence(&written.on_failure, findings);
        compiler.push(&here, None, OperationKind::Fail);
    }
    let n_operations = compiler.operations.len();
    if let Some(last) = written
        .steps
        .last()
        .filter(|_| n_operations > OPERATIONS_MAX)
    {
        let message =
            format!("the rule has {n_operations} operations, and {OPERATIONS_MAX} are allowed");
        findings
            .report(code::TOO_MANY, last.head, message)
            .help("divide it into several rules");
    }
    compiler.program()
}

/// The operations so far.
struct Compiler<'d, 'h> {
    /// Of what comes next.
    scope: Scope<'h>,
    definitions: &'d mut Definitions,
    operations: Vec<Operation>,
    /// Inner ones before outer ones.
    handlers: Vec<Handler>,
    /// How many loops stand around what comes next.
    loops: usize,
}

impl<'d, 'h> Compiler<'d, 'h> {
    fn new(scope: Scope<'h>, definitions: &'d mut Definitions) -> Self {
        Self {
            scope,
            definitions,
            operations: Vec::new(),
            handlers: Vec::new(),
            loops: 0,
        }
    }

    /// Without its version yet.
    fn program(self) -> Program {
        Program {
            version: RuleVersion::new(""),
            operations: self.operations,
            handlers: self.handlers,
        }
    }

    /// Where it stands.
    fn push(&mut self, place: &Place, alias: Option<&str>, kind: OperationKind) -> usize {
        self.operations.push(Operation {
            place: place.clone(),
            alias: alias.map(str::to_owned),
            kind,
        });
        self.operations.len() - 1
    }

    /// Lets what stands at `position` lead to what comes next.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "an operation that leads elsewhere is asked for by those who pushed it"
    )]
    fn lead_here(&mut self, position: usize) {
        let here = self.operations.len();
        match &mut self.operations[position].kind {
            OperationKind::Jump { to } => *to = here,
            OperationKind::Test(test) => test.otherwise = here,
            OperationKind::Repeat(repeat) => repeat.end = here,
            kind => unreachable!("{kind:?} leads nowhere"),
        }
    }

    fn sequence(&mut self, steps: &[Step<'_>], findings: &mut Findings<'_>) {
        for step in steps {
            let before = (self.operations.len(), self.handlers.len());
            self.step(step, findings);
            // A step that is not enabled is checked like any other and becomes nothing.
            if !step.enabled {
                self.operations.truncate(before.0);
                self.handlers.truncate(before.1);
            }
        }
    }

    /// The steps for a failure, which know what failed.
    fn failure_sequence(&mut self, steps: &[Step<'_>], findings: &mut Findings<'_>) {
        let outer = self.scope.values.fields.get(&Root::Failure).cloned();
        let fields = Rc::new(failure_fields());
        self.scope.values.fields.insert(Root::Failure, fields);
        self.sequence(steps, findings);
        self.restore(Root::Failure, outer);
    }

    fn restore(&mut self, root: Root, fields: Option<Rc<Fields>>) {
        match fields {
            Some(fields) => self.scope.values.fields.insert(root, fields),
            None => self.scope.values.fields.remove(&root),
        };
    }

    fn step(&mut self, step: &Step<'_>, findings: &mut Findings<'_>) {
        let from = self.operations.len();
        let here = place(step.head, findings);
        match &step.kind {
            StepKind::Choose { ways, otherwise } => self.choose(step, ways, otherwise, findings),
            StepKind::Repeat { rounds, max, steps } => {
                self.repeat(step, (rounds, *max), steps, findings);
            }
            StepKind::Parallel(branches) => {
                let mut programs = Vec::new();
                for steps in branches {
                    let outside = self.definitions.enter_branch();
                    let mut scope = self.scope.clone();
                    scope.values.at = self.definitions.here();
                    let mut branch = Compiler::new(scope, self.definitions);
                    branch.sequence(steps, findings);
                    programs.push(branch.program());
                    self.definitions.leave_branch(outside);
                }
                self.scope.values.at = self.definitions.here();
                let branches = programs;
                let kind = OperationKind::Parallel(ParallelOperation { branches });
                self.push(&here, step.alias, kind);
            }
            kind @ (StepKind::Command { .. }
            | StepKind::Notify { .. }
            | StepKind::Log { .. }
            | StepKind::Variables(_)
            | StepKind::Set(_)
            | StepKind::Stop { .. }
            | StepKind::Of(..)) => {
                let mut operation = step::kind(kind, &self.scope, findings);
                if let Some(OperationKind::Command(order)) = &mut operation {
                    order.step = step.id.map(|it| StepId::new(it.value));
                }
                match &operation {
                    Some(operation) => self.definitions.step(operation, self.scope.names),
                    None => self.definitions.broken_step(kind),
                }
                self.scope.values.at = self.definitions.here();
                if let Some(OperationKind::Variables { values }) = &operation {
                    learn(Root::Vars, values, &mut self.scope.values);
                }
                if let Some(OperationKind::Set { values }) = &operation {
                    learn(Root::State, values, &mut self.scope.values);
                }
                if let Some(operation) = operation {
                    self.push(&here, step.alias, operation);
                }
            }
        }
        self.handle(step, from, &here, findings);
    }

    /// What happens when an operation from `from` on fails.
    fn handle(&mut self, step: &Step<'_>, from: usize, here: &Place, findings: &mut Findings<'_>) {
        let to = self.operations.len();
        let loops = self.loops;
        let mut target = to;
        if !step.on_failure.is_empty() {
            let over = self.push(here, None, OperationKind::Jump { to: 0 });
            target = over + 1;
            self.failure_sequence(&step.on_failure, findings);
            if !step.continues {
                self.push(here, None, OperationKind::Fail);
            }
            self.lead_here(over);
        } else if !step.continues {
            return;
        }
        self.handlers.push(Handler {
            from,
            to,
            target,
            loops,
        });
    }

    fn choose(
        &mut self,
        step: &Step<'_>,
        ways: &[Way<'_>],
        otherwise: &[Step<'_>],
        findings: &mut Findings<'_>,
    ) {
        let here = place(step.head, findings);
        let mut ends = Vec::new();
        for (index, way) in ways.iter().enumerate() {
            let test = OperationKind::Test(TestOperation {
                conditions: condition::all(&way.conditions, &self.scope, findings),
                otherwise: 0,
            });
            let test = self.push(&here, step.alias, test);
            self.sequence(&way.steps, findings);
            let is_last = index + 1 == ways.len() && otherwise.is_empty();
            if !is_last {
                ends.push(self.push(&here, None, OperationKind::Jump { to: 0 }));
            }
            self.lead_here(test);
        }
        self.sequence(otherwise, findings);
        for end in ends {
            self.lead_here(end);
        }
    }

    fn repeat(
        &mut self,
        step: &Step<'_>,
        (rounds, max): (&syntax::Rounds<'_>, u32),
        steps: &[Step<'_>],
        findings: &mut Findings<'_>,
    ) {
        let here = place(step.head, findings);
        let plan = match rounds {
            syntax::Rounds::Count(node) => {
                count(node, max, &self.scope, findings).map(Rounds::Count)
            }
            syntax::Rounds::ForEach(node) => {
                each(node, max, &self.scope, findings).map(Rounds::ForEach)
            }
            syntax::Rounds::While(_) | syntax::Rounds::Until(_) => None,
        };
        let outer_loop = self.definitions.enter_loop();
        let item = match (rounds, &plan) {
            (syntax::Rounds::ForEach(_), Some(Rounds::ForEach(list))) => Some(item(&list.kind())),
            // What the items are is not known when the list is broken.
            (syntax::Rounds::ForEach(_), _) => Some(Kind::Unknown),
            (_, _) => None,
        };
        let fields = Rc::new(repeat_fields(item));
        let outer = self.scope.values.fields.insert(Root::Repeat, fields);
        self.scope.values.at = self.definitions.here();
        let rounds = match rounds {
            syntax::Rounds::While(written) => Some(Rounds::While(condition::all(
                written,
                &self.scope,
                findings,
            ))),
            syntax::Rounds::Until(written) => Some(Rounds::Until(condition::all(
                written,
                &self.scope,
                findings,
            ))),
            syntax::Rounds::Count(_) | syntax::Rounds::ForEach(_) => plan,
        };
        let repeat = RepeatOperation {
            // What cannot be counted is said; the steps inside are checked all the same.
            rounds: rounds.unwrap_or(Rounds::While(Vec::new())),
            max,
            end: 0,
        };
        let head = self.push(&here, step.alias, OperationKind::Repeat(repeat));
        self.loops += 1;
        self.sequence(steps, findings);
        self.loops -= 1;
        self.definitions.leave_loop(outer_loop);
        self.restore(Root::Repeat, outer);
        self.push(&here, None, OperationKind::Jump { to: head });
        self.lead_here(head);
    }
}

/// What the items of a list are.
fn item(list: &Kind) -> Kind {
    match list {
        Kind::List(of) => of.as_ref().clone(),
        Kind::Unknown => Kind::Unknown,
        Kind::Any
        | Kind::Bool
        | Kind::Number(_)
        | Kind::Text
        | Kind::Moment
        | Kind::Duration
        | Kind::Time => Kind::Any,
    }
}

/// A whole number of rounds, or an expression.
fn count(
    node: &Node,
    max: u32,
    scope: &Scope<'_>,
    findings: &mut Findings<'_>,
) -> Option<Expression> {
    if is_computed(node) {
        let count = compile_as(Wanted::Count, node, &scope.values, findings)?;
        if let Expression::Literal(Value::Number(number)) = &count
            && (number.fract() != 0.0 || !(1.0..=f64::from(max)).contains(number))
        {
            let message = format!("expected a whole number from 1 to {max}");
            findings.report(code::OUT_OF_RANGE, node.span, message);
            return None;
        }
        return Some(count);
    }
    let count = whole_number(node, 1, max, findings)?;
    Some(Expression::Literal(Value::Number(f64::from(count))))
}

/// A list, or an expression.
fn each(
    node: &Node,
    max: u32,
    scope: &Scope<'_>,
    findings: &mut Findings<'_>,
) -> Option<Expression> {
    if is_computed(node) {
        return compile_as(Wanted::List, node, &scope.values, findings);
    }
    let NodeKind::List(items) = &node.kind else {
        wrong_type(node, "a list", findings);
        return None;
    };
    let items = items.len();
    if items == 0 || items > usize::try_from(max).unwrap_or(usize::MAX) {
        let message = format!("the list has {items} items, and 1 to {max} are allowed");
        findings
            .report(code::TOO_MANY, node.head(), message)
            .help("`max:` says how many rounds there may be");
        return None;
    }
    compile(node, &scope.values, findings)
}
