//! Names that somebody gave to a value, and that nothing reads.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::names::Names;
use crate::document::code;
use crate::document::diagnostic::{Diagnostic, Findings};
use crate::rules::lint::reads::Reads;
use crate::rules::lint::spots;
use crate::rules::rule::{Rule, RuleSet};
use crate::rules::syntax::{self, Named, StepKind};

/// Variables of one rule; each name is told of once, where it is given first.
pub(super) fn variables(written: &syntax::Rule<'_>, rule: &Rule, findings: &mut Findings<'_>) {
    let lines = variable_lines(written);
    if lines.is_empty() {
        return;
    }
    let reads = Reads::of(rule);
    let mut unread: BTreeMap<&str, Vec<_>> = BTreeMap::new();
    for (name, _) in lines {
        if !reads.variables.contains(name.value) {
            let place = findings.source.location(name.span);
            unread.entry(name.value).or_default().push(place);
        }
    }
    for (name, places) in unread {
        let message = format!("nothing reads the variable `{name}`");
        let diagnostic = findings.report(code::UNUSED_VARIABLE, places[0].span, message);
        for place in places.into_iter().skip(1) {
            diagnostic.also(place, "it is given here too");
        }
        diagnostic.help(format!(
            "use it, as in `\"{{{{ vars.{name} }}}}\"`, or leave it out"
        ));
    }
}

/// All lines that give variables of the rule their values.
fn variable_lines<'w, 'n>(written: &'w syntax::Rule<'n>) -> Vec<&'w Named<'n>> {
    let mut lines: Vec<&Named<'n>> = written.variables.iter().collect();
    for trigger in written.triggers.iter().filter(|it| it.enabled) {
        lines.extend(&trigger.variables);
    }
    spots::each_step(written, &mut |step| {
        if let StepKind::Variables(more) = &step.kind {
            lines.extend(more);
        }
    });
    lines
}

/// Inputs of the home that a rule asks and that nothing tells, at their lines of `home.yaml`.
pub(in crate::rules) fn untold(rules: &RuleSet, names: &Names) -> Vec<Diagnostic> {
    let enabled = rules.rules.iter().filter(|it| it.enabled);
    let read: BTreeSet<&str> = enabled.flat_map(|it| Reads::of(it).inputs).collect();
    let mut diagnostics = Vec::new();
    for (name, place) in &names.input_places {
        let has_source = names.inputs.get(name).is_some_and(|it| it.source.is_some());
        if has_source || names.hooks.contains(name.as_str()) || !read.contains(name.as_str()) {
            continue;
        }
        let message =
            format!("nothing tells the input `{name}` its value, so that it stays unknown");
        let mut diagnostic = Diagnostic::new(code::UNTOLD_INPUT, place.clone(), message);
        diagnostic.help(format!(
            "say where it is read, `source: {{http: {{url: …}}}}`, or who may post it, under `hooks:` of this file: `{name}: {{secrets: !secret NAME}}`"
        ));
        diagnostics.push(diagnostic);
    }
    diagnostics
}

/// Inputs of the home, at their lines of `home.yaml`.
pub(in crate::rules) fn inputs(rules: &RuleSet, names: &Names) -> Vec<Diagnostic> {
    if rules.rules.is_empty() {
        return Vec::new();
    }
    let read: BTreeSet<&str> = rules
        .rules
        .iter()
        .flat_map(|it| Reads::of(it).inputs)
        .collect();
    let mut diagnostics = Vec::new();
    for (name, place) in &names.input_places {
        if !read.contains(name.as_str()) {
            let message = format!("no rule asks the input `{name}`");
            let mut diagnostic = Diagnostic::new(code::UNUSED_INPUT, place.clone(), message);
            diagnostic.help(format!(
                "ask it with `input: {name}` in a trigger or a condition, or leave it out"
            ));
            diagnostics.push(diagnostic);
        }
    }
    diagnostics
}
