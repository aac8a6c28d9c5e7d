//! Texts that are compared with words they can never be, or were never seen to be.

use crate::document::code;
use crate::document::diagnostic::{Findings, shown};
use crate::document::suggest::closest;
use crate::domain::catalogue::AttributeKind;
use crate::domain::id::DeviceAlias;
use crate::rules::expr::scope::{Root, Scope};
use crate::rules::expr::tree::{Node, NodeKind};

/// What a text can be.
struct Words {
    known: &'static [&'static str],
    /// Nothing else can come.
    is_closed: bool,
}

const WEEKDAYS: &[&str] = &["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Looks at each literal text that one side is compared with. A word that cannot come is an error,
/// one that was never seen is advice, since the documents do not close their lists.
pub(super) fn check_words(
    left: &Node,
    right: &Node,
    scope: &Scope<'_>,
    findings: &mut Findings<'_>,
) -> Option<()> {
    let mark = findings.mark();
    for (asked, literal) in [(left, right), (right, left)] {
        let Some(words) = words_of(asked, scope) else {
            continue;
        };
        let literals = if let NodeKind::List(items) = &literal.kind {
            items.as_slice()
        } else {
            std::slice::from_ref(literal)
        };
        for literal in literals {
            if let NodeKind::Text(text) = &literal.kind
                && !words.known.contains(&text.as_str())
            {
                report(asked, literal, text, &words, findings);
            }
        }
    }
    (!findings.has_errors_since(mark)).then_some(())
}

fn report(asked: &Node, literal: &Node, text: &str, words: &Words, findings: &mut Findings<'_>) {
    let (code, verb) = if words.is_closed {
        (code::NEVER_TRUE, "is never")
    } else {
        (code::UNSEEN_WORD, "was never seen to be")
    };
    let message = format!("`{}` {verb} `{}`", shown(&asked.to_string()), shown(text));
    let known = words.known.join("`, `");
    let note = if words.is_closed {
        format!("it can be `{known}`")
    } else {
        format!("seen so far: `{known}`")
    };
    findings
        .report(code, literal.span(), message)
        .did_you_mean(closest(text, words.known.iter().copied()))
        .note(note);
}

fn words_of(node: &Node, scope: &Scope<'_>) -> Option<Words> {
    if let NodeKind::Call { function, .. } = &node.kind {
        return (function.text == "weekday").then_some(Words {
            known: WEEKDAYS,
            is_closed: true,
        });
    }
    let NodeKind::Name(words) = &node.kind else {
        return None;
    };
    let (first, rest) = words.split_first()?;
    let rest: Vec<&str> = rest.iter().map(|it| it.text.as_str()).collect();
    if let Some(root) = Root::parse(&first.text) {
        let field = scope.fields.get(&root)?.get(&rest.join("."))?;
        return (!field.words.is_empty()).then_some(Words {
            known: field.words,
            is_closed: true,
        });
    }
    let device = scope.names.devices.get(&DeviceAlias::new(&*first.text))?;
    match device.device_type.attribute(rest.first()?)?.kind {
        AttributeKind::Text(known) => Some(Words {
            known,
            is_closed: false,
        }),
        AttributeKind::Number(_) | AttributeKind::Bool => None,
    }
}
