//! Words that are checked and do not run yet.

use crate::document::code;
use crate::document::diagnostic::Findings;
use crate::document::source::Span;
use crate::rules::rule::Rule;

/// The first word of the rule that does not run in this version, which is said once for all of them.
pub(in crate::rules) fn unbuilt(rule: &Rule, findings: &mut Findings<'_>) -> Option<String> {
    let mut unbuilt = std::mem::take(&mut findings.unbuilt);
    unbuilt.sort_by_key(|it| it.span);
    let (first, others) = unbuilt.split_first()?;
    let line = |span: Span| findings.source.line(span.start);
    let message = format!(
        "this rule is checked but does not run yet in this version, because it uses `{}` (line {})",
        first.word,
        line(first.span)
    );
    let mut more: Vec<String> = Vec::new();
    for it in others.iter().filter(|it| it.word != first.word) {
        let text = format!("`{}`", it.word);
        if !more.contains(&text) {
            more.push(text);
        }
    }
    let diagnostic = findings.report(code::DOES_NOT_RUN_YET, first.span, message);
    diagnostic.label(format!("the rule `{}` is left out", rule.id));
    if !more.is_empty() {
        diagnostic.note(format!("it also uses {}", more.join(", ")));
    }
    Some(first.word.clone())
}
