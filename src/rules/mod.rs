//! The rule language: text to checked rules, or to diagnostics. Pure.

use std::collections::{BTreeMap, BTreeSet};

use rayon::iter::{IntoParallelIterator, IntoParallelRefIterator, ParallelIterator};

use crate::config::names::Names;
use crate::document::code;
use crate::document::diagnostic::{Diagnostic, Findings};
use crate::document::node::Node;
use crate::document::reader;
use crate::document::source::{Location, SourceFile};
use crate::domain::id::RuleId;

use rule::{Place, Rule, RuleSet};

pub mod catalog;
pub(crate) mod check;
pub mod condition;
pub mod difference;
pub mod expr;
pub mod expression;
pub(crate) mod held;
pub(crate) mod index;
pub mod last_good;
mod lint;
pub mod operation;
mod parse;
pub mod rule;
mod syntax;
pub mod trigger;
pub mod version;

/// The most rules of a home.
pub const RULES_MAX: usize = 20_000;

/// What the rule files of a home came to. Loading never fails as a whole: what is broken is left
/// out and said, the rest is there.
#[derive(Debug)]
pub struct Loaded {
    pub rules: RuleSet,
    /// Names of all files that were looked at.
    pub files: BTreeSet<String>,
    /// In the order of the files.
    pub broken: Vec<BrokenRule>,
    /// Names of files that are not readable as rules at all, so that nobody knows what was in them.
    pub broken_files: Vec<String>,
    pub diagnostics: Vec<Diagnostic>,
}

/// A rule that was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokenRule {
    /// As it is written, where it could be read. Another rule may have it: then it is left out for that.
    pub id: Option<RuleId>,
    pub place: Place,
}

/// Checks every rule of `files` against what `names` knows of the home.
pub fn load(files: &[SourceFile], names: &Names) -> Loaded {
    // Each file by itself, on all cores; what comes out does not depend on who was first.
    let read: Vec<(Findings<'_>, Option<Node>)> = files
        .par_iter()
        .map(|source| {
            let mut findings = Findings::new(source);
            let node = reader::read(&mut findings);
            (findings, node)
        })
        .collect();
    let mut ids = Ids::default();
    let n_before: Vec<usize> = read
        .iter()
        .map(|(findings, node)| {
            let rules = node.as_ref().map_or(&[] as &[Node], parse::rules);
            ids.claim(rules, findings.source)
        })
        .collect();
    let loaded: Vec<FileLoading<'_>> = (read, n_before)
        .into_par_iter()
        .map(|((mut findings, node), n_before)| {
            let mut loading = FileLoading::new(names, &ids, n_before);
            loading.file(node.as_ref(), &mut findings);
            loading.diagnostics = findings.in_order();
            loading
        })
        .collect();
    together(loaded, files, names)
}

fn together(loaded: Vec<FileLoading<'_>>, files: &[SourceFile], names: &Names) -> Loaded {
    let (mut rules, mut broken) = (Vec::new(), Vec::new());
    let (mut broken_files, mut diagnostics) = (Vec::new(), Vec::new());
    for (file, loading) in files.iter().zip(loaded) {
        rules.extend(loading.rules);
        broken.extend(loading.broken);
        diagnostics.extend(loading.diagnostics);
        if loading.is_broken {
            broken_files.push(file.name.to_string());
        }
    }
    let rules = index::rule_set(rules, names);
    diagnostics.extend(lint::between(&rules, files));
    Loaded {
        rules,
        files: files.iter().map(|it| it.name.to_string()).collect(),
        broken,
        broken_files,
        diagnostics,
    }
}

/// Advice on the inputs of a home: those that a rule asks and nothing tells, and those that no rule asks,
/// of which nothing is said when rules are missing or broken, which may ask.
pub fn advice_on_inputs(loaded: &Loaded, names: &Names) -> Vec<Diagnostic> {
    let mut diagnostics = lint::untold_inputs(&loaded.rules, names);
    if loaded.broken.is_empty() && loaded.broken_files.is_empty() {
        diagnostics.extend(lint::unused_inputs(&loaded.rules, names));
    }
    diagnostics
}

/// Checks a list of rules that stands below `rules:` in `block`, somewhere else than in a rule file.
/// They are only to be run if there are no errors.
pub(crate) fn list(
    block: &Node,
    nodes: &[Node],
    names: &Names,
    findings: &mut Findings<'_>,
) -> RuleSet {
    let mut ids = Ids::default();
    let n_before = ids.claim(parse::rules(block), findings.source);
    let mut loading = FileLoading::new(names, &ids, n_before);
    for (index, node) in nodes.iter().enumerate() {
        loading.rule((index, node), 0, findings);
    }
    index::rule_set(loading.rules, names)
}

/// The ids of a home's rules. Known before any rule is looked at, since a rule may name others in
/// whatever order the files come.
#[derive(Default)]
struct Ids {
    /// Where each stands first: that rule has it.
    first: BTreeMap<RuleId, Location>,
    n_rules: usize,
}

impl Ids {
    /// Adds the ids of one more file. Returns how many rules were there before.
    fn claim(&mut self, rules: &[Node], source: &SourceFile) -> usize {
        for (id, span) in rules.iter().filter_map(parse::id) {
            let first = self.first.entry(RuleId::new(id));
            first.or_insert_with(|| source.location(span));
        }
        let n_before = self.n_rules;
        self.n_rules += rules.len();
        n_before
    }
}

/// What comes of one file.
struct FileLoading<'h> {
    names: &'h Names,
    ids: &'h Ids,
    /// Rules in the files before it.
    n_before: usize,
    rules: Vec<Rule>,
    broken: Vec<BrokenRule>,
    is_broken: bool,
    diagnostics: Vec<Diagnostic>,
}

impl<'h> FileLoading<'h> {
    fn new(names: &'h Names, ids: &'h Ids, n_before: usize) -> Self {
        Self {
            names,
            ids,
            n_before,
            rules: Vec::new(),
            broken: Vec::new(),
            is_broken: false,
            diagnostics: Vec::new(),
        }
    }

    fn file(&mut self, node: Option<&Node>, findings: &mut Findings<'_>) {
        let n_read = findings.mark();
        match node.and_then(|it| parse::file(it, findings)) {
            Some(nodes) => {
                for rule in nodes.iter().enumerate() {
                    self.rule(rule, n_read, findings);
                }
            }
            None => self.is_broken = true,
        }
    }

    /// The first `n_read` findings are those of reading the file, in its order.
    fn rule(&mut self, (index, node): (usize, &Node), n_read: usize, findings: &mut Findings<'_>) {
        let mark = findings.mark();
        let is_hurt = {
            let start = |it: &Diagnostic| it.primary.location.span.start;
            let read = &findings.diagnostics[..n_read];
            let first = read.partition_point(|it| start(it) < node.span.start);
            read.get(first).is_some_and(|it| start(it) < node.span.end)
        };
        let written = parse::rule(node, findings);
        let place = check::place(node.head(), findings);
        let Some(written) = written else {
            return self.broken.push(BrokenRule { id: None, place });
        };
        self.look_at_id(&written, findings);
        let home = (self.names, &self.ids.first);
        let rule = check::rule(&written, place.clone(), home, findings);
        if RULES_MAX <= self.n_before + index {
            let message = format!("the home has more than {RULES_MAX} rules");
            findings.report(code::TOO_MANY, node.head(), message);
        }
        match rule.filter(|_| !is_hurt && !findings.has_errors_since(mark)) {
            Some(rule) => {
                lint::rule(&written, &rule, self.names, findings);
                self.rules.push(rule);
            }
            None => self.broken.push(BrokenRule {
                id: written.id.map(|it| RuleId::new(it.value)),
                place,
            }),
        }
    }

    /// The first rule with an id has it.
    fn look_at_id(&self, written: &syntax::Rule<'_>, findings: &mut Findings<'_>) {
        let Some(written) = &written.id else {
            return;
        };
        let id = RuleId::new(written.value);
        let here = findings.source.location(written.span);
        let Some(first) = self.ids.first.get(&id).filter(|it| **it != here) else {
            return;
        };
        findings
            .report(
                code::DUPLICATE_ID,
                written.span,
                format!("two rules have the id `{id}`"),
            )
            .label("this rule is left out")
            .also(first.clone(), "this rule has the id already")
            .help("give one of them another id");
    }
}
