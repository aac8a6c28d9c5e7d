//! What the YAML parser met, in the words of somebody who writes YAML twice a year.

use serde_saphyr::granit_parser::{ErrorKind, ScanError};

use super::code::{self, Code};
use super::diagnostic::Diagnostic;
use super::source::{SourceFile, Span};

struct Wording {
    code: Code,
    message: &'static str,
    help: &'static str,
}

const ITEM: Wording = Wording {
    code: code::SYNTAX,
    message: "an item of a list stands at the wrong level, or lacks its dash",
    help: "every item begins with `- `, all of a list at the same indentation",
};

const TEMPLATE_WITHOUT_QUOTES: Wording = Wording {
    code: code::SYNTAX,
    message: "a text that begins with `{{` needs quotes, since `{` begins a block of YAML",
    help: "text with `{{ }}` in it stands in quotes: `\"{{ … }}\"`",
};

pub(super) fn diagnostic(source: &SourceFile, error: &ScanError) -> Diagnostic {
    let at = error.marker().byte_offset().unwrap_or(0);
    let at = source.text.floor_char_boundary(at);
    let next = source.text[at..].chars().next();
    let end = at + next.filter(|c| *c != '\n').map_or(0, char::len_utf8);
    let line = source.line(at);
    let line = source.slice(source.lines(line, line));
    let is_item = line.trim_start().starts_with("- ");
    let Wording {
        code,
        message,
        help,
    } = if line.contains(": {{") || line.contains("- {{") {
        TEMPLATE_WITHOUT_QUOTES
    } else if is_item && matches!(error.kind(), ErrorKind::ExpectedBlockMappingKey) {
        ITEM
    } else {
        wording(error.kind())
    };
    let mut diagnostic = Diagnostic::new(code, source.location(Span::new(at, end)), message);
    diagnostic
        .help(help)
        .note(format!("the YAML parser says: {}", error.info()));
    if line.contains("{{") && help != TEMPLATE_WITHOUT_QUOTES.help {
        diagnostic.help(TEMPLATE_WITHOUT_QUOTES.help);
    }
    diagnostic
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "what is rare keeps the parser's own words, which are shown beside ours"
)]
fn wording(kind: &ErrorKind) -> Wording {
    use ErrorKind as K;
    match kind {
        K::UnknownAnchor => Wording {
            code: code::ALIAS,
            message: "the alias repeats a name that nothing above it carries",
            help: "text that begins with `*` needs quotes",
        },
        K::RecursionLimitExceeded => Wording {
            code: code::TOO_COMPLEX,
            message: "too many lists and blocks stand inside each other",
            help: "is a bracket missing, or the indentation lost?",
        },
        K::UnclosedQuotedScalar
        | K::UnclosedFlowCollection { .. }
        | K::UnexpectedEofFlowSequence
        | K::UnexpectedEofFlowMapping
        | K::UnexpectedEofImplicitFlowMapping
        | K::UnexpectedEof
        | K::InvalidQuotedScalarIndent
        | K::DocumentIndicatorInQuotedScalar
        | K::InvalidColonPlacement
        | K::ExpectedFlowMappingSeparator
        | K::ExpectedFlowSequenceSeparator => Wording {
            code: code::NEVER_CLOSED,
            message: "a quote or bracket is opened and never closed",
            help: "look for a missing `\"`, `'`, `]` or `}` at or above this place",
        },
        K::MappingValueNotAllowed | K::MappingKeyNotAllowed => Wording {
            code: code::SYNTAX,
            message: "a colon stands where no key can be",
            help: "text with `: ` inside needs quotes; otherwise look at the indentation of this line",
        },
        K::ExpectedBlockMappingKey | K::SimpleKeyExpected | K::InvalidSimpleKey => Wording {
            code: code::SYNTAX,
            message: "a `key: value` was expected here",
            help: "a colon is missing, or a space after it, or the line is indented unlike its neighbors",
        },
        K::ExpectedBlockSequenceEntry | K::BlockSequenceEntryNotAllowed => ITEM,
        K::UnexpectedCharacter { .. } => Wording {
            code: code::SYNTAX,
            message: "no value can begin with this character",
            help: "put the text into quotes",
        },
        _ => Wording {
            code: code::SYNTAX,
            message: "the text is not YAML from here on",
            help: "look at the indentation, the colons and the quotes of this line and the one above",
        },
    }
}
