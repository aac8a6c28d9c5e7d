//! Files of tests: YAML to checked tests, or to diagnostics.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::names::Names;
use crate::document::code;
use crate::document::decode::{Fields, text, wrong_type};
use crate::document::diagnostic::{Diagnostic, Findings, shown};
use crate::document::node::{Kind, Node};
use crate::document::reader;
use crate::document::source::{Location, SourceFile, Span};
use crate::rule_tests::Suite;
use crate::rule_tests::test::{Step, StepKind, Test};
use crate::rules::catalog::test_files::{
    FILE, NAME_CHARACTERS_MAX, PATH_CHARACTERS_MAX, STEPS_MAX, TEST, TESTS_MAX,
};
use crate::rules::rule::{Place, RuleSet};

mod event;
mod expect;
mod moment;
mod step;

/// When a test begins that does not say when: noon of an ordinary day.
const AT_DEFAULT: &str = "2026-01-01T12:00:00";

/// What a file is, which its name and folder tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// Tests alone, with what they are to be run in.
    Tests,
    /// Rules, which have been looked at, and maybe tests of them.
    Rules,
}

/// What can be named in a test.
#[derive(Clone, Copy)]
struct Known<'k> {
    names: &'k Names,
    rules: &'k RuleSet,
    /// Those of the reloads before.
    reloaded: &'k [Arc<RuleSet>],
}

impl Known<'_> {
    /// Of every rule that there is or was.
    fn rule_ids(&self) -> impl Iterator<Item = &str> {
        let reloaded = self.reloaded.iter().map(|it| &**it);
        let rules = std::iter::once(self.rules).chain(reloaded);
        rules.flat_map(|it| it.rules.iter().map(|it| it.id.as_str()))
    }
}

/// The home that a file of tests names for itself, and where.
///
/// What is wrong with the file, [`suite`] tells.
pub fn home_of(source: &SourceFile) -> Option<(String, Location)> {
    let mut findings = Findings::new(source);
    let node = reader::read(&mut findings)?;
    let fields = Fields::of(&node, &FILE, &mut findings)?;
    let node = fields.get("home")?;
    let path = text(node, "a folder", PATH_CHARACTERS_MAX, &mut findings)?;
    Some((path.to_owned(), source.location(node.span)))
}

/// The tests of a file, which may name what `names` and `rules` know. They are only to be run if there are no errors.
pub fn suite(
    source: &SourceFile,
    kind: FileKind,
    names: &Names,
    rules: &RuleSet,
) -> (Suite, Vec<Diagnostic>) {
    let mut findings = Findings::new(source);
    let node = reader::read(&mut findings);
    if kind == FileKind::Rules {
        // The rules have been looked at, and whoever did it told what is wrong with the file.
        findings.diagnostics.clear();
    }
    let known = Known {
        names,
        rules,
        reloaded: &[],
    };
    let tests = node.map(|it| match kind {
        FileKind::Tests => of_tests(&it, known, &mut findings),
        FileKind::Rules => of_rules(&it, known, &mut findings),
    });
    let suite = Suite {
        file: Arc::clone(&source.name),
        tests: tests.unwrap_or_default(),
    };
    (suite, findings.in_order())
}

fn of_tests(node: &Node, known: Known<'_>, findings: &mut Findings<'_>) -> Vec<Test> {
    let Some(fields) = Fields::of(node, &FILE, findings) else {
        return Vec::new();
    };
    let version = fields.require("version", findings);
    if let Some(node) = version.filter(|it| it.as_key() != Some("1")) {
        findings
            .report(
                code::FILE_VERSION,
                node.span,
                "this program reads files of tests of version 1",
            )
            .help("write `version: 1`");
    }
    if let Some(node) = fields.get("home") {
        text(node, "a folder", PATH_CHARACTERS_MAX, findings);
    }
    match fields.require("tests", findings) {
        Some(node) => tests(node, key(&fields, "tests"), known, findings),
        None => Vec::new(),
    }
}

fn of_rules(node: &Node, known: Known<'_>, findings: &mut Findings<'_>) -> Vec<Test> {
    let Kind::Map(entries) = &node.kind else {
        return Vec::new();
    };
    let entry = entries.iter().find(|it| it.key.as_key() == Some("tests"));
    match entry {
        Some(entry) => tests(&entry.value, entry.key.span, known, findings),
        None => Vec::new(),
    }
}

fn tests(node: &Node, key: Span, known: Known<'_>, findings: &mut Findings<'_>) -> Vec<Test> {
    let mut firsts: BTreeMap<String, Span> = BTreeMap::new();
    let mut tests = Vec::new();
    let items = items(node, key, "tests", TESTS_MAX, findings);
    for item in items {
        let Some((name, span, test)) = test(item, known, findings) else {
            continue;
        };
        if let Some(first) = firsts.get(&name) {
            let first = findings.source.location(*first);
            findings
                .report(
                    code::DUPLICATE_ID,
                    span,
                    format!("two tests have the name `{}`", shown(&name)),
                )
                .label("again here")
                .also(first, "first here");
        }
        firsts.entry(name).or_insert(span);
        tests.extend(test);
    }
    tests
}

/// The name of the test, where it stands, and the test, unless it has a mistake.
fn test(
    node: &Node,
    known: Known<'_>,
    findings: &mut Findings<'_>,
) -> Option<(String, Span, Option<Test>)> {
    let mark = findings.mark();
    let fields = Fields::of(node, &TEST, findings)?;
    let name = fields
        .require("name", findings)
        .and_then(|it| Some((text(it, "a name", NAME_CHARACTERS_MAX, findings)?, it.span)));
    let at = match fields.get("at") {
        Some(node) => moment::absolute(node, known.names.timezone.as_ref(), findings),
        None => moment::of_text(AT_DEFAULT, known.names.timezone.as_ref()),
    };
    let given = match fields.get("given") {
        Some(node) => step::settings(node, known, findings),
        None => Vec::new(),
    };
    let mut steps = Vec::new();
    if let Some(node) = fields.require("steps", findings) {
        let items = items(node, key(&fields, "steps"), "steps", STEPS_MAX, findings);
        let read = all_steps(items, known, findings);
        if let (Some(last), None) = (items.last(), not_read(&read)) {
            looks_at_the_end(last, &read, findings);
        }
        steps = read.into_iter().flatten().collect();
    }
    let (name, span) = name?;
    let test = at.filter(|_| !findings.has_errors_since(mark));
    let test = test.map(|at| Test {
        name: name.to_owned(),
        place: place(fields.head(), findings),
        at,
        given,
        steps,
    });
    Some((name.to_owned(), span, test))
}

/// Each of the steps, as far as it can be read.
fn all_steps(items: &[Node], known: Known<'_>, findings: &mut Findings<'_>) -> Vec<Option<Step>> {
    let mut reloaded = Vec::new();
    let mut read = Vec::new();
    for item in items {
        let known = Known {
            reloaded: &reloaded,
            ..known
        };
        let step = step::step(item, known, findings);
        if let Some(StepKind::Reload(Some(rules))) = step.as_ref().map(|it| &it.kind) {
            reloaded.push(Arc::clone(rules));
        }
        read.push(step);
    }
    read
}

fn not_read<T>(steps: &[Option<T>]) -> Option<&Option<T>> {
    steps.iter().find(|it| it.is_none())
}

/// What comes after the last `expect` could be anything, and the test would pass.
fn looks_at_the_end(last: &Node, steps: &[Option<Step>], findings: &mut Findings<'_>) {
    let is_looked_at = steps
        .last()
        .and_then(Option::as_ref)
        .is_some_and(|it| matches!(it.kind, StepKind::Expect(_)));
    if !is_looked_at {
        findings
            .report(
                code::EXPECTS_NOTHING,
                last.head(),
                "the test does not say what should come of this",
            )
            .label("the last step of a test is an `expect`")
            .help("add `- expect: [{command: {device: NAME, command: NAME}}]`, or `- expect: nothing`");
    }
}

fn key(fields: &Fields<'_>, name: &str) -> Span {
    fields.entry(name).map_or(fields.head(), |it| it.key.head())
}

/// The items below a key: at least one, at most `most`.
fn items<'n>(
    node: &'n Node,
    key: Span,
    name: &str,
    most: usize,
    findings: &mut Findings<'_>,
) -> &'n [Node] {
    let items = node.items();
    if items.is_empty() || node.kind == Kind::Null {
        findings
            .report(code::NOTHING_THERE, key, format!("`{name}` is empty"))
            .label("nothing stands below");
        return &[];
    }
    if most < items.len() {
        let message = format!("`{name}` has {} items, and {most} are allowed", items.len());
        findings.report(code::TOO_MANY, key, message);
        return &[];
    }
    items
}

fn place(span: Span, findings: &Findings<'_>) -> Place {
    Place {
        file: findings.source.name.to_string(),
        line: findings.source.line(span.start),
    }
}

/// A block is wanted, and something else stands there.
fn wants_block(node: &Node, example: &str, findings: &mut Findings<'_>) -> bool {
    let is_block = matches!(node.kind, Kind::Map(_));
    if !is_block {
        wrong_type(node, example, findings);
    }
    !is_block
}
