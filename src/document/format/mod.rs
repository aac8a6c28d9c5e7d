//! One way to write a file: indentation, spaces, blank lines and the order of keys; never its meaning.
//!
//! Comments, anchors, tags, quotes and blocks of text stay what they are. The formatter does not trust
//! itself: it reads what it has written, and if that is not what was there, it gives nothing.

mod arrange;
mod build;
mod gap;
mod order;
mod print;
mod text;
mod token;
mod tree;

use super::diagnostic::{Diagnostic, Findings};
use super::node::{Entry, Kind, Node};
use super::reader;
use super::source::{SourceFile, Span};
use build::{Lost, Reason};
use tree::Marks;

/// Why a file is left as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is not the YAML that the program reads.
    Findings(Vec<Diagnostic>),
    Unsure(Unsure),
}

/// It can be read, and the formatter does not know how to write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsure {
    /// From 1.
    pub line: usize,
    pub reason: &'static str,
}

/// The text of `source` as it should be written.
pub fn format(source: &SourceFile) -> Result<String, Refusal> {
    let node = read(source)?;
    if !matches!(node.kind, Kind::List(_) | Kind::Map(_)) {
        // One word or text has no keys to put in order, and the checker will say what is missing.
        return Ok(source.text.clone());
    }
    let text = source.text.replace("\r\n", "\n").replace('\r', "\n");
    let lost = |lost: Lost| Refusal::Unsure(unsure(&text, lost));
    let mut document = build::document(&text).map_err(lost)?;
    let marks = Marks::of(&document);
    arrange::arrange(&mut document);
    let formatted = SourceFile::new(&source.name, print::document(&document));
    let is_same = read(&formatted).is_ok_and(|it| bare(&it) == bare(&node))
        && build::document(&formatted.text).is_ok_and(|it| Marks::of(&it) == marks);
    if is_same {
        Ok(formatted.text)
    } else {
        Err(lost(Lost {
            at: 0,
            reason: Reason::Unforeseen,
        }))
    }
}

fn read(source: &SourceFile) -> Result<Node, Refusal> {
    let mut findings = Findings::new(source);
    let node = reader::read(&mut findings);
    match node {
        Some(node) if findings.diagnostics.is_empty() => Ok(node),
        _ => Err(Refusal::Findings(findings.in_order())),
    }
}

fn unsure(text: &str, lost: Lost) -> Unsure {
    Unsure {
        line: text[..lost.at].matches('\n').count() + 1,
        reason: match lost.reason {
            Reason::Key => "a key is not one word or text on one line",
            Reason::Unforeseen => {
                "the formatter cannot write this without changing what it means; \
                 please report the file to the makers of amps-rules"
            }
        },
    }
}

/// `node` without places, and with its keys in an order that does not depend on how they were written.
fn bare(node: &Node) -> Node {
    let kind = match &node.kind {
        Kind::List(items) => Kind::List(items.iter().map(bare).collect()),
        Kind::Map(entries) => {
            let entry = |entry: &Entry| Entry {
                key: bare(&entry.key),
                value: bare(&entry.value),
            };
            let mut entries: Vec<Entry> = entries.iter().map(entry).collect();
            // Of a key that stands twice, the first stays the first.
            entries.sort_by(|a, b| a.key.as_key().cmp(&b.key.as_key()));
            Kind::Map(entries)
        }
        Kind::Null | Kind::Bool(_) | Kind::Number { .. } | Kind::Text(_) | Kind::Secret(_) => {
            node.kind.clone()
        }
    };
    let span = Span::START;
    Node { kind, span }
}
