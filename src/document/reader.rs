//! Text to [`Node`]: the events of the YAML parser as a tree, bounded.
//!
//! The events are read rather than deserialized, since only they tell `007` from `"7"`, and since a
//! key that stands twice is then one finding of many instead of the end.

use std::collections::BTreeMap;

use serde_saphyr::granit_parser::{self, Event, Parser, ScalarStyle, Tag};

use super::code;
use super::diagnostic::{Diagnostic, Findings};
use super::node::{Entry, Kind, Node};
use super::precheck;
use super::source::{SourceFile, Span};
use super::syntax;

/// How many lists and blocks may stand inside each other.
pub const DEPTH_MAX: usize = 32;

/// How much a file may say: a value costs one, and one more for each 64 bytes of it. What an
/// alias repeats counts each time, so that a few lines cannot become gigabytes.
pub const WEIGHT_MAX: usize = 200_000;

/// The document in `findings.source`; none when there is none, and then `findings` says why.
pub fn read(findings: &mut Findings<'_>) -> Option<Node> {
    if precheck::refuse(findings) {
        return None;
    }
    let source = findings.source;
    match build(source, findings) {
        Ok(Some(node)) => Some(node),
        Ok(None) => {
            findings
                .report(code::EMPTY_FILE, Span::START, "the file is empty")
                .help("begin it with `version: 1`");
            None
        }
        Err(diagnostic) => {
            findings.diagnostics.push(*diagnostic);
            None
        }
    }
}

/// A list or block whose end has not come yet.
struct Open {
    start: usize,
    anchor: usize,
    is_map: bool,
    /// Of a block: key, value, key, value, …
    nodes: Vec<Node>,
    weight: usize,
}

struct Anchored {
    node: Node,
    weight: usize,
}

struct Builder<'f, 's> {
    findings: &'f mut Findings<'s>,
    open: Vec<Open>,
    anchors: BTreeMap<usize, Anchored>,
    weight: usize,
    root: Option<Node>,
}

type Refused = Box<Diagnostic>;

fn build(source: &SourceFile, findings: &mut Findings<'_>) -> Result<Option<Node>, Refused> {
    let options = granit_parser::options! {
        emit_comments: false,
        flow_nesting_limit: DEPTH_MAX * 2,
        block_nesting_limit: DEPTH_MAX * 2,
    };
    let mut builder = Builder {
        findings,
        open: Vec::new(),
        anchors: BTreeMap::new(),
        weight: 0,
        root: None,
    };
    let mut n_documents = 0;
    for next in Parser::new_from_str_with_options(&source.text, options) {
        let (event, span) = next.map_err(|error| Box::new(syntax::diagnostic(source, &error)))?;
        let range = span.byte_range().unwrap_or(0..0);
        let span = Span::new(range.start, range.end);
        if matches!(event, Event::DocumentStart(..)) {
            n_documents += 1;
            if n_documents > 1 {
                return Err(refused(
                    source,
                    code::SEVERAL_DOCUMENTS,
                    span,
                    "the file holds more than one YAML document",
                    "remove the line `---`, or divide the file in two",
                ));
            }
        }
        builder.take(event, span)?;
    }
    // A document of comments alone is a lone nothing.
    Ok(builder.root.filter(|it| it.kind != Kind::Null))
}

fn refused(
    source: &SourceFile,
    code: code::Code,
    span: Span,
    message: impl Into<String>,
    help: &str,
) -> Refused {
    let mut diagnostic = Diagnostic::new(code, source.location(span), message);
    diagnostic.help(help);
    Box::new(diagnostic)
}

impl Builder<'_, '_> {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "every other event of the parser is no value"
    )]
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Refused> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let kind = match style {
                    ScalarStyle::Plain => {
                        self.check_quotes(&text, span);
                        Kind::of_plain(&text)
                    }
                    ScalarStyle::SingleQuoted
                    | ScalarStyle::DoubleQuoted
                    | ScalarStyle::Literal
                    | ScalarStyle::Folded => Kind::Text(text.into_owned()),
                };
                let kind = self.tagged(kind, tag.as_deref(), span);
                let weight = 1 + span.end.saturating_sub(span.start) / 64;
                self.close(Node { kind, span }, anchor, weight)
            }
            Event::SequenceStart(_, anchor, tag) => self.open(false, anchor, tag.as_deref(), span),
            Event::MappingStart(_, anchor, tag) => self.open(true, anchor, tag.as_deref(), span),
            Event::SequenceEnd | Event::MappingEnd => self.end(span),
            Event::Alias(anchor) => self.repeat(anchor, span),
            _ => Ok(()),
        }
    }

    /// Word processors and phones write quotes that would become a part of the text.
    fn check_quotes(&mut self, text: &str, span: Span) {
        if text.starts_with(['\u{201C}', '\u{201D}', '\u{201E}', '\u{2018}', '\u{2019}']) {
            self.findings
                .report(
                    code::CURLY_QUOTES,
                    span,
                    "the text stands in curly quotes, which YAML does not know",
                )
                .help("write straight quotes, `\"`, or none");
        }
    }

    fn tagged(&mut self, kind: Kind, tag: Option<&Tag>, span: Span) -> Kind {
        let Some(tag) = tag else {
            return kind;
        };
        let text = match &kind {
            Kind::Text(text) | Kind::Number { text, .. } => Some(text.clone()),
            Kind::Null | Kind::Bool(_) | Kind::List(_) | Kind::Map(_) | Kind::Secret(_) => None,
        };
        match text {
            Some(text) if tag.original() == "!secret" => Kind::Secret(text),
            Some(text) if tag.is_yaml_core_schema_tag("str") => Kind::Text(text),
            _ => {
                self.findings
                    .report(code::TAG, span, "a tag stands here that is not known")
                    .help("the only tag is `!secret NAME`; text that begins with `!` needs quotes");
                kind
            }
        }
    }

    fn open(
        &mut self,
        is_map: bool,
        anchor: usize,
        tag: Option<&Tag>,
        span: Span,
    ) -> Result<(), Refused> {
        self.tagged(Kind::Null, tag, span);
        if self.open.len() == DEPTH_MAX {
            return Err(refused(
                self.findings.source,
                code::TOO_COMPLEX,
                span,
                format!("more than {DEPTH_MAX} lists and blocks stand inside each other"),
                "is a bracket missing, or the indentation lost?",
            ));
        }
        self.open.push(Open {
            start: span.start,
            anchor,
            is_map,
            nodes: Vec::new(),
            weight: 1,
        });
        Ok(())
    }

    fn end(&mut self, span: Span) -> Result<(), Refused> {
        let open = self.open.pop().expect("what ends was begun");
        let last = open.nodes.last().map(|it| it.span.end);
        // The end of an indented block is only noticed at the next word; what it holds ends before.
        let end = last.unwrap_or(open.start).max(if span.end > span.start {
            span.end
        } else {
            open.start
        });
        let kind = if open.is_map {
            let mut nodes = open.nodes.into_iter();
            let mut entries = Vec::with_capacity(nodes.len() / 2);
            while let (Some(key), Some(value)) = (nodes.next(), nodes.next()) {
                entries.push(Entry { key, value });
            }
            Kind::Map(entries)
        } else {
            Kind::List(open.nodes)
        };
        let span = Span::new(open.start, end);
        self.close(Node { kind, span }, open.anchor, open.weight)
    }

    /// A value is complete.
    fn close(&mut self, node: Node, anchor: usize, weight: usize) -> Result<(), Refused> {
        if anchor != 0 {
            self.charge(weight, node.span)?;
            let node = node.clone();
            self.anchors.insert(anchor, Anchored { node, weight });
        }
        self.charge(1, node.span)?;
        match self.open.last_mut() {
            Some(open) => {
                open.nodes.push(node);
                open.weight += weight;
            }
            None => self.root = Some(node),
        }
        Ok(())
    }

    fn repeat(&mut self, anchor: usize, span: Span) -> Result<(), Refused> {
        let Some(anchored) = self.anchors.get(&anchor) else {
            return Err(refused(
                self.findings.source,
                code::ALIAS,
                span,
                "the alias stands inside what it repeats",
                "move it behind the block that carries the `&` name",
            ));
        };
        let (node, weight) = (anchored.node.clone(), anchored.weight);
        self.charge(weight, span)?;
        self.close(node, 0, weight)
    }

    fn charge(&mut self, weight: usize, span: Span) -> Result<(), Refused> {
        self.weight += weight;
        if self.weight <= WEIGHT_MAX {
            return Ok(());
        }
        Err(refused(
            self.findings.source,
            code::TOO_COMPLEX,
            span,
            "the file says more than one file may, aliases counted each time",
            "divide it into several files",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(text: &str) -> Vec<&'static str> {
        let source = SourceFile::new("a.yaml", text);
        let mut findings = Findings::new(&source);
        read(&mut findings);
        findings.diagnostics.iter().map(|it| it.code.name).collect()
    }

    fn nested(depth: usize) -> String {
        format!("{}{}", "[".repeat(depth), "]".repeat(depth))
    }

    #[test]
    fn nesting_is_bounded() {
        assert_eq!(codes(&nested(DEPTH_MAX)), [""; 0]);
        assert_eq!(codes(&nested(DEPTH_MAX + 1)), ["E111"]);
        assert_eq!(codes(&"[".repeat(100_000)), ["E111"]);
        assert_eq!(codes(&"- ".repeat(100_000)), ["E111"]);
        assert_eq!(codes(&"{a: ".repeat(50_000)), ["E111"]);
    }

    #[test]
    fn what_a_file_says_is_bounded() {
        let list = |n| format!("[{}]", "1,".repeat(n));
        assert_eq!(codes(&list(WEIGHT_MAX - 1)), [""; 0]);
        assert_eq!(codes(&list(WEIGHT_MAX)), ["E111"]);
    }

    #[test]
    fn aliases_cannot_become_gigabytes() {
        let repeat = |level: usize| {
            let copies = vec![format!("*a{level}"); 10].join(", ");
            format!("a{0}: &a{0} [{copies}]\n", level + 1)
        };
        let levels: String = (0..11).map(repeat).collect();
        let text = format!("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n{levels}");
        assert_eq!(codes(&text), ["E111"]);
        let long = "x".repeat(500_000);
        let copies = "*a, ".repeat(5000);
        assert_eq!(codes(&format!("a: &a {long}\nb: [{copies}]")), ["E111"]);
    }

    #[test]
    fn values_keep_their_places() {
        let text = "a:\n  - b: 7 # x\n    c: 'd'\n";
        let source = SourceFile::new("a.yaml", text);
        let node = read(&mut Findings::new(&source)).unwrap();
        let Kind::Map(entries) = &node.kind else {
            unreachable!("it is a map");
        };
        let list = &entries[0].value;
        assert_eq!(source.slice(list.head()), "b");
        assert_eq!(source.slice(list.items()[0].span), "b: 7 # x\n    c: 'd'");
    }
}
