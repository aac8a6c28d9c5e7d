//! The events of the YAML parser, cut down to what a formatter asks.

use std::ops::Range;

use serde_saphyr::granit_parser::{self, Event, Parser, ScalarStyle, StructureStyle};

use super::tree::Kind;

#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) span: Range<usize>,
    pub(super) has_anchor: bool,
    pub(super) has_tag: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// Plain or quoted; one that is not there has an empty span.
    Scalar,
    /// `|` or `>`; the span is not to be trusted.
    Block,
    Alias,
    Start(Kind),
    /// `[` or `{`
    Open(Kind),
    End,
    /// `]` or `}`
    Close,
    /// `---`
    DocumentStart,
    /// `...`
    DocumentEnd,
}

impl Token {
    /// Whether there is something of it in the text.
    pub(super) fn is_written(&self) -> bool {
        match self.kind {
            TokenKind::Scalar => !self.span.is_empty(),
            TokenKind::Start(_) | TokenKind::End => false,
            TokenKind::Block
            | TokenKind::Alias
            | TokenKind::Open(_)
            | TokenKind::Close
            | TokenKind::DocumentStart
            | TokenKind::DocumentEnd => true,
        }
    }
}

/// The tokens of `text`; none if it is no YAML.
pub(super) fn read(text: &str) -> Option<Vec<Token>> {
    let options = granit_parser::options! { emit_comments: false };
    let mut tokens = Vec::new();
    for next in Parser::new_from_str_with_options(text, options) {
        let (event, span) = next.ok()?;
        let span = span.byte_range()?;
        tokens.extend(token(&event, span, text));
    }
    Some(tokens)
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "every other event of the parser stands for nothing that is written"
)]
fn token(event: &Event<'_>, span: Range<usize>, text: &str) -> Option<Token> {
    let written = text.get(span.clone())?;
    let (kind, anchor, has_tag) = match event {
        Event::Scalar(_, ScalarStyle::Literal | ScalarStyle::Folded, anchor, tag) => {
            (TokenKind::Block, *anchor, tag.is_some())
        }
        Event::Scalar(_, _, anchor, tag) => (TokenKind::Scalar, *anchor, tag.is_some()),
        Event::Alias(_) => (TokenKind::Alias, 0, false),
        Event::SequenceStart(style, anchor, tag) => {
            (start(Kind::List, *style, written), *anchor, tag.is_some())
        }
        Event::MappingStart(style, anchor, tag) => {
            (start(Kind::Map, *style, written), *anchor, tag.is_some())
        }
        Event::SequenceEnd | Event::MappingEnd if matches!(written, "]" | "}") => {
            (TokenKind::Close, 0, false)
        }
        Event::SequenceEnd | Event::MappingEnd => (TokenKind::End, 0, false),
        Event::DocumentStart(true, _) => (TokenKind::DocumentStart, 0, false),
        Event::DocumentEnd if written == "..." => (TokenKind::DocumentEnd, 0, false),
        _ => return None,
    };
    Some(Token {
        kind,
        span,
        has_anchor: anchor != 0,
        has_tag,
    })
}

/// A pair in a list, `[a: b]`, has no brackets of its own.
fn start(kind: Kind, style: StructureStyle, written: &str) -> TokenKind {
    if style == StructureStyle::Flow && matches!(written, "[" | "{") {
        TokenKind::Open(kind)
    } else {
        TokenKind::Start(kind)
    }
}
