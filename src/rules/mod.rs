//! The rule language: text to checked rules, or to diagnostics. Pure.

use std::collections::{BTreeMap, BTreeSet};

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
    let read: Vec<(Findings<'_>, Option<Node>)> = files
        .iter()
        .map(|source| {
            let mut findings = Findings::new(source);
            let node = reader::read(&mut findings);
            (findings, node)
        })
        .collect();
    let nodes = read.iter().filter_map(|(_, node)| node.as_ref());
    let rule_ids = nodes.flat_map(parse::ids).map(RuleId::new).collect();
    let mut loading = Loading::new(names, rule_ids);
    for (findings, node) in read {
        loading.file(findings, node.as_ref());
    }
    let rules = index::rule_set(loading.rules, names);
    let mut diagnostics = loading.diagnostics;
    diagnostics.extend(lint::between(&rules, files));
    Loaded {
        rules,
        files: files.iter().map(|it| it.name.to_string()).collect(),
        broken: loading.broken,
        broken_files: loading.broken_files,
        diagnostics,
    }
}

/// Advice on what a home names and none of its rules asks. Nothing when rules are missing or broken,
/// which may ask for it.
pub fn unused_names(loaded: &Loaded, names: &Names) -> Vec<Diagnostic> {
    if loaded.broken.is_empty() && loaded.broken_files.is_empty() {
        lint::unused_inputs(&loaded.rules, names)
    } else {
        Vec::new()
    }
}

/// Checks a list of rules that stands below `rules:` in `block`, somewhere else than in a rule file.
/// They are only to be run if there are no errors.
pub(crate) fn list(
    block: &Node,
    nodes: &[Node],
    names: &Names,
    findings: &mut Findings<'_>,
) -> RuleSet {
    let rule_ids = parse::ids(block).map(RuleId::new).collect();
    let mut loading = Loading::new(names, rule_ids);
    for node in nodes {
        loading.rule(node, 0, findings);
    }
    index::rule_set(loading.rules, names)
}

struct Loading<'h> {
    names: &'h Names,
    /// What rules may name, in whatever order the files come.
    rule_ids: BTreeSet<RuleId>,
    /// Where each id was seen first.
    ids: BTreeMap<RuleId, Location>,
    rules: Vec<Rule>,
    broken: Vec<BrokenRule>,
    broken_files: Vec<String>,
    diagnostics: Vec<Diagnostic>,
}

impl<'h> Loading<'h> {
    fn new(names: &'h Names, rule_ids: BTreeSet<RuleId>) -> Self {
        Self {
            names,
            rule_ids,
            ids: BTreeMap::new(),
            rules: Vec::new(),
            broken: Vec::new(),
            broken_files: Vec::new(),
            diagnostics: Vec::new(),
        }
    }

    fn file(&mut self, mut findings: Findings<'_>, node: Option<&Node>) {
        let n_read = findings.mark();
        match node.and_then(|it| parse::file(it, &mut findings)) {
            Some(nodes) => {
                for node in nodes {
                    self.rule(node, n_read, &mut findings);
                }
            }
            None => self.broken_files.push(findings.source.name.to_string()),
        }
        self.diagnostics.extend(findings.in_order());
    }

    /// The first `n_read` findings are those of reading the file, in its order.
    fn rule(&mut self, node: &Node, n_read: usize, findings: &mut Findings<'_>) {
        let mark = findings.mark();
        findings.unbuilt.clear();
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
        self.claim_id(&written, findings);
        let home = (self.names, &self.rule_ids);
        let rule = check::rule(&written, place.clone(), home, findings);
        if self.rules.len() == RULES_MAX {
            let message = format!("the home has more than {RULES_MAX} rules");
            findings.report(code::TOO_MANY, node.head(), message);
        }
        match rule.filter(|_| !is_hurt && !findings.has_errors_since(mark)) {
            Some(mut rule) => {
                lint::rule(&written, &rule, self.names, findings);
                rule.unbuilt = lint::unbuilt(&rule, findings);
                self.rules.push(rule);
            }
            None => self.broken.push(BrokenRule {
                id: written.id.map(|it| RuleId::new(it.value)),
                place,
            }),
        }
    }

    /// The first rule with an id has it.
    fn claim_id(&mut self, written: &syntax::Rule<'_>, findings: &mut Findings<'_>) {
        let Some(written) = &written.id else {
            return;
        };
        let id = RuleId::new(written.value);
        let Some(first) = self.ids.get(&id) else {
            let location = findings.source.location(written.span);
            self.ids.insert(id, location);
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
