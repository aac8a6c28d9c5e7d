//! Where each character of a scalar's text stands in the file, so that a message can point into a text.
//!
//! YAML folds lines, drops indentation and replaces escapes; the text and what was written are walked side by side.
//! Where they cannot be matched, the scalar as a whole is the place.

use super::node::{Kind, Node};
use super::source::{SourceFile, Span};

/// The places of the bytes of one text.
#[derive(Clone, Debug)]
pub struct Places {
    /// One for each byte of the text; none when only the whole is known.
    bytes: Vec<Span>,
    whole: Span,
}

impl Places {
    /// Of the text that `node` stands for.
    pub fn of(node: &Node, source: &SourceFile) -> Self {
        let text = match &node.kind {
            Kind::Text(text) | Kind::Number { text, .. } => text,
            Kind::Null | Kind::Bool(_) | Kind::List(_) | Kind::Map(_) | Kind::Secret(_) => "",
        };
        let bytes = aligned(text, source.slice(node.span), node.span.start);
        Self {
            bytes: bytes.unwrap_or_default(),
            whole: node.span,
        }
    }

    /// Of a text that is the file itself.
    pub fn of_file(source: &SourceFile) -> Self {
        let byte = |at| Span::new(at, at + 1);
        Self {
            bytes: (0..source.text.len()).map(byte).collect(),
            whole: Span::new(0, source.text.len()),
        }
    }

    /// What stands in the file for the bytes `start..end` of the text.
    pub fn span(&self, start: usize, end: usize) -> Span {
        let Some(last) = self.bytes.last() else {
            return self.whole;
        };
        let from = self.bytes.get(start).map_or(last.end, |it| it.start);
        let to = match end.checked_sub(1) {
            Some(before) if start < end => self.bytes.get(before).unwrap_or(last).end,
            _ => from,
        };
        Span::new(from, to.max(from))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    Plain,
    SingleQuoted,
    DoubleQuoted,
}

/// The place of each byte of `text` in `raw`, which begins at `base`; none when they differ by more than YAML explains.
fn aligned(text: &str, raw: &str, base: usize) -> Option<Vec<Span>> {
    let (style, mut at) = match raw.bytes().next()? {
        b'"' => (Style::DoubleQuoted, 1),
        b'\'' => (Style::SingleQuoted, 1),
        // The text of a block begins on the line after its sign.
        b'|' | b'>' => (Style::Plain, raw.find('\n')? + 1),
        _ => (Style::Plain, 0),
    };
    let mut bytes = Vec::with_capacity(text.len());
    for c in text.chars() {
        let (start, end) = find(c, raw, at, style)?;
        let span = Span::new(base + start, base + end);
        bytes.extend(std::iter::repeat_n(span, c.len_utf8()));
        at = end;
    }
    Some(bytes)
}

/// Where `c` is written in `raw`, at `at` or after white space that YAML drops there.
fn find(c: char, raw: &str, mut at: usize, style: Style) -> Option<(usize, usize)> {
    loop {
        let rest = raw.get(at..)?;
        let first = rest.chars().next()?;
        if style == Style::DoubleQuoted && first == '\\' {
            let (written, length) = escape(rest)?;
            match written {
                Some(written) => return (written == c).then_some((at, at + length)),
                None => at += length,
            }
        } else if style == Style::SingleQuoted && rest.starts_with("''") {
            return (c == '\'').then_some((at, at + 2));
        } else if first == c {
            return Some((at, at + c.len_utf8()));
        } else if c == ' ' && matches!(first, '\n' | '\r') {
            // A line break that became a space.
            let blank = rest.len() - rest.trim_start().len();
            return Some((at, at + blank));
        } else if first.is_whitespace() {
            at += first.len_utf8();
        } else {
            return None;
        }
    }
}

/// What the escape at the start of `rest` means, and its length; nothing for an escaped line break.
fn escape(rest: &str) -> Option<(Option<char>, usize)> {
    let sign = rest.chars().nth(1)?;
    let coded = |digits: usize| {
        let code = u32::from_str_radix(rest.get(2..2 + digits)?, 16).ok()?;
        Some((Some(char::from_u32(code)?), 2 + digits))
    };
    let plain = match sign {
        'x' => return coded(2),
        'u' => return coded(4),
        'U' => return coded(8),
        '\n' | '\r' => {
            let blank = rest.len() - 1 - rest[1..].trim_start().len();
            return Some((None, 1 + blank));
        }
        '0' => '\0',
        'a' => '\u{7}',
        'b' => '\u{8}',
        't' | '\t' => '\t',
        'n' => '\n',
        'v' => '\u{B}',
        'f' => '\u{C}',
        'r' => '\r',
        'e' => '\u{1B}',
        'N' => '\u{85}',
        '_' => '\u{A0}',
        'L' => '\u{2028}',
        'P' => '\u{2029}',
        other => other,
    };
    Some((Some(plain), 1 + sign.len_utf8()))
}

#[cfg(test)]
mod tests {
    use crate::document::diagnostic::Findings;
    use crate::document::reader;

    use super::*;

    /// What stands in the file for `part` of the value of `key:`.
    fn written(yaml: &str, part: &str) -> String {
        let source = SourceFile::new("a.yaml", yaml);
        let node = reader::read(&mut Findings::new(&source)).unwrap();
        let Kind::Map(entries) = &node.kind else {
            unreachable!("it is a map");
        };
        let value = &entries[0].value;
        let Kind::Text(text) = &value.kind else {
            unreachable!("it is text");
        };
        let start = text.find(part).unwrap();
        let span = Places::of(value, &source).span(start, start + part.len());
        source.slice(span).to_owned()
    }

    #[test]
    fn every_style_of_yaml_leads_back_to_what_was_written() {
        for (yaml, part, expected) in [
            ("a: x > level", "level", "level"),
            ("a: 'it''s > level'", "level", "level"),
            ("a: 'it''s > level'", "'", "''"),
            (r#"a: "x == \"idle\" or y""#, "\"idle\"", r#"\"idle\""#),
            (
                r#"a: "é\u00e9\x41 level""#,
                "éA level",
                "\\u00e9\\x41 level",
            ),
            ("a: one\n  two\n\n  three", "two", "two"),
            ("a: one\n  two\n\n  three", "three", "three"),
            ("a: \"one \\\n  two\"", "two", "two"),
            ("a: |\n  one\n    two\n", "two", "two"),
            ("a: >-\n  one\n  two\n", "one two", "one\n  two"),
            ("a: |\r\n  one\r\n  two\r\n", "two", "two"),
            ("b: &x 'level'\na: *x", "level", "level"),
        ] {
            assert_eq!(written(yaml, part), expected, "{yaml}");
        }
    }

    #[test]
    fn an_empty_place_is_before_the_next_character_or_at_the_end() {
        let source = SourceFile::new("a.yaml", "abc");
        let places = Places::of_file(&source);
        assert_eq!(places.span(1, 1), Span::new(1, 1));
        assert_eq!(places.span(3, 3), Span::new(3, 3));
        assert_eq!(places.span(1, 3), Span::new(1, 3));
    }
}
