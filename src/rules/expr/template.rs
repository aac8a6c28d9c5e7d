//! Text with expressions in it: `The battery is at {{ house_battery.level }}.`
//!
//! Two braces that are meant as such are written as a text: `{{ "{{" }}`.

use serde::{Deserialize, Serialize};

use crate::document::code;
use crate::document::decode::report_unquoted_template;
use crate::document::diagnostic::Findings;
use crate::document::node::{Kind as NodeKind, Node};
use crate::document::places::Places;

use super::check::{self, check};
use super::eval::{Facts, eval};
use super::parser::parse;
use super::program::Checked;
use super::scope::Scope;
use super::{Excerpt, SOURCE_BYTES_MAX, tree};

/// The longest text that a template makes; what is longer is cut.
pub const RENDERED_CHARACTERS_MAX: usize = 4000;

/// The most expressions in one text.
pub const EXPRESSIONS_MAX: usize = 50;

/// A text, or the pieces of one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Template {
    Plain(String),
    Pieces(Vec<Piece>),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Piece {
    Text(String),
    Expression(Checked),
}

/// A piece as it is written.
#[derive(Clone, Debug, PartialEq)]
pub enum Written {
    Text(String),
    Expression(tree::Node),
}

/// Whether there is anything to calculate in `text`.
pub fn is_template(text: &str) -> bool {
    text.contains("{{") || text.contains("{%")
}

/// The text that `node` holds as a template; `node` is text.
pub fn template(
    node: &Node,
    text: &str,
    scope: &Scope<'_>,
    findings: &mut Findings<'_>,
) -> Option<Template> {
    if !is_template(text) {
        return Some(Template::Plain(text.to_owned()));
    }
    let places = Places::of(node, findings.source);
    let written = pieces(Excerpt::whole(text, &places), findings)?;
    let mut checked = Vec::new();
    let mut is_whole = true;
    for piece in written {
        match piece {
            Written::Text(text) => checked.push(Piece::Text(text)),
            Written::Expression(tree) => match check(&tree, scope, findings) {
                Some(it) => checked.push(Piece::Expression(it)),
                None => is_whole = false,
            },
        }
    }
    is_whole.then_some(Template::Pieces(checked))
}

/// The condition that `node` holds, one expression in `{{ }}` that is true or false; `node` is text.
pub fn condition(
    node: &Node,
    text: &str,
    scope: &Scope<'_>,
    findings: &mut Findings<'_>,
) -> Option<Checked> {
    let places = Places::of(node, findings.source);
    let written = pieces(Excerpt::whole(text, &places), findings)?;
    if let Some(tree) = single(&written) {
        return check::check_bool(tree, scope, findings);
    }
    findings
        .report(
            code::OPERAND,
            node.span,
            "the condition holds text beside its expression",
        )
        .help("write one pair of braces around all of it: `\"{{ a and b }}\"`");
    None
}

/// The expression, when there is nothing beside it.
pub(super) fn single(written: &[Written]) -> Option<&tree::Node> {
    match written {
        [Written::Expression(tree)] => Some(tree),
        _ => None,
    }
}

/// YAML takes `{{ x }}` without quotes for a block of keys and values: says so, and gives none.
pub fn refuse_unquoted(node: &Node, findings: &mut Findings<'_>) -> Option<()> {
    let is_block = matches!(node.kind, NodeKind::Map(_));
    if !is_block || !findings.source.slice(node.span).starts_with("{{") {
        return Some(());
    }
    report_unquoted_template(node.span, findings);
    None
}

/// The pieces of a text; blanks around a lone expression do not count.
pub fn pieces(excerpt: Excerpt<'_>, findings: &mut Findings<'_>) -> Option<Vec<Written>> {
    let text = excerpt.text;
    refuse_statement(excerpt, findings)?;
    let mut pieces = Vec::new();
    let mut is_whole = true;
    let mut n_expressions = 0;
    let mut at = 0;
    while let Some(offset) = text[at..].find("{{") {
        let open = at + offset;
        if open > at {
            pieces.push(Written::Text(text[at..open].to_owned()));
        }
        let start = open + 2;
        let Some(length) = closing(&text[start..]) else {
            let span = excerpt.span(open, start);
            findings
                .report(code::NEVER_CLOSED_TEMPLATE, span, "`{{` is never closed")
                .help(
                    "write `}}` behind the expression; for two braces as such write `{{ \"{{\" }}`",
                );
            return None;
        };
        n_expressions += 1;
        if n_expressions > EXPRESSIONS_MAX {
            let span = excerpt.span(open, start);
            let message = format!("the text has more than {EXPRESSIONS_MAX} expressions");
            findings
                .report(code::EXPRESSION_SIZE, span, message)
                .help("divide it into several texts");
            return None;
        }
        match parse(excerpt.part(start, start + length), findings) {
            Some(tree) => pieces.push(Written::Expression(tree)),
            None => is_whole = false,
        }
        at = start + length + 2;
    }
    if at < text.len() {
        pieces.push(Written::Text(text[at..].to_owned()));
    }
    let is_blank = |it: &Written| matches!(it, Written::Text(text) if text.trim().is_empty());
    let n_blank = pieces.iter().filter(|it| is_blank(it)).count();
    if pieces.len() == n_blank + 1 {
        pieces.retain(|it| !is_blank(it));
    }
    is_whole.then_some(pieces)
}

fn refuse_statement(excerpt: Excerpt<'_>, findings: &mut Findings<'_>) -> Option<()> {
    let Some(at) = excerpt.text.find("{%") else {
        return Some(());
    };
    findings
        .report(
            code::FOREIGN_WORD,
            excerpt.span(at, at + 2),
            "`{% %}` is a statement of Home Assistant's templates",
        )
        .help("write `{{ a if condition else b }}`, or `if:` and `choose:` as steps of the rule");
    None
}

/// Where `}}` stands in `text`, unless in a quoted text; one in a text that is never closed counts.
fn closing(text: &str) -> Option<usize> {
    let mut quote = None;
    // No expression is longer, and a file full of open quotes must not be read to its end for each of them.
    let near = &text[..text.floor_char_boundary(SOURCE_BYTES_MAX + 2)];
    let mut characters = near.char_indices();
    while let Some((at, c)) = characters.next() {
        match quote {
            Some(_) if c == '\\' => {
                characters.next();
            }
            Some(open) if c == open => quote = None,
            None if matches!(c, '"' | '\'') => quote = Some(c),
            None if text[at..].starts_with("}}") => return Some(at),
            Some(_) | None => {}
        }
    }
    text.find("}}")
}

impl Template {
    /// The text as it is now: numbers with their units, what is unknown as `unknown`.
    pub fn render(&self, facts: &dyn Facts) -> String {
        match self {
            Self::Plain(text) => text.clone(),
            Self::Pieces(_) => cut(self.render_each(facts, |it| it)),
        }
    }

    /// The same with `change` made to each value, and in its whole length.
    pub fn render_each(&self, facts: &dyn Facts, change: impl Fn(String) -> String) -> String {
        let pieces = match self {
            Self::Plain(text) => return text.clone(),
            Self::Pieces(pieces) => pieces,
        };
        let mut text = String::new();
        for piece in pieces {
            match piece {
                Piece::Text(it) => text.push_str(it),
                Piece::Expression(checked) => {
                    let value = eval(checked, facts);
                    text.push_str(&change(value.show(checked.kind.symbol(), facts.zone())));
                }
            }
        }
        text
    }

    /// The expressions in it.
    pub fn expressions(&self) -> impl Iterator<Item = &Checked> {
        let pieces = match self {
            Self::Plain(_) => &[],
            Self::Pieces(pieces) => pieces.as_slice(),
        };
        pieces.iter().filter_map(|it| match it {
            Piece::Text(_) => None,
            Piece::Expression(checked) => Some(checked),
        })
    }
}

/// No longer than a template may make it.
pub(super) fn cut(text: String) -> String {
    if text.chars().nth(RENDERED_CHARACTERS_MAX).is_none() {
        return text;
    }
    let kept = text.chars().take(RENDERED_CHARACTERS_MAX - 1);
    kept.chain(['…']).collect()
}
