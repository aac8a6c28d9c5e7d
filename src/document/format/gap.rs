//! What stands between two values: comments, blank lines, anchors, tags, and the marks of YAML.

use std::collections::VecDeque;

use super::tree::Comment;

#[derive(Debug)]
pub(super) struct Gap {
    /// The comment on the line where the gap begins.
    pub(super) trailing: Option<Comment>,
    pub(super) pieces: VecDeque<Piece>,
    /// Where the gap ends.
    pub(super) end: usize,
}

#[derive(Debug)]
pub(super) enum Piece {
    Blank,
    Comment(Comment),
    Mark(Mark),
}

#[derive(Debug)]
pub(super) struct Mark {
    pub(super) kind: MarkKind,
    pub(super) text: String,
    /// In characters from 0.
    pub(super) column: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MarkKind {
    Dash,
    Question,
    Colon,
    Anchor,
    Tag,
    Directive,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Start {
    /// Behind a value, on its line.
    BehindValue,
    NewLine,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum End {
    At(usize),
    /// The `|` or `>` of a block of text.
    BlockHead,
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
    gap: Gap,
    is_first_line: bool,
    is_blank_line: bool,
}

/// Reads the gap from `from` to `end`; what cannot be understood is an error with its place.
pub(super) fn read(text: &str, from: usize, start: Start, end: End) -> Result<Gap, usize> {
    let is_first_line = matches!(start, Start::BehindValue);
    let mut lexer = Lexer {
        text,
        at: from,
        gap: Gap {
            trailing: None,
            pieces: VecDeque::new(),
            end: from,
        },
        is_first_line,
        is_blank_line: !is_first_line,
    };
    let limit = match end {
        End::At(limit) => limit,
        End::BlockHead => text.len(),
    };
    while lexer.at < limit {
        let next = text[lexer.at..].chars().next().ok_or(lexer.at)?;
        if matches!(end, End::BlockHead) && matches!(next, '|' | '>') {
            break;
        }
        lexer.take(next, limit)?;
    }
    let is_whole = matches!(end, End::BlockHead) || lexer.at == limit;
    lexer.gap.end = lexer.at;
    is_whole.then_some(lexer.gap).ok_or(lexer.at)
}

/// In characters from 0.
pub(super) fn column(text: &str, at: usize) -> usize {
    let start = text[..at].rfind('\n').map_or(0, |it| it + 1);
    text[start..at].chars().count()
}

impl Lexer<'_> {
    fn take(&mut self, next: char, limit: usize) -> Result<(), usize> {
        match next {
            '\n' => self.end_line(),
            // Behind a key it is of no interest; a line that begins with it has a key of nothing.
            ':' if self.is_blank_line => self.mark(MarkKind::Colon, 1),
            ' ' | '\t' | ',' | ':' => {
                self.is_blank_line &= next.is_whitespace();
                self.at += 1;
            }
            '#' => self.comment(limit),
            '-' => self.mark(MarkKind::Dash, 1),
            '?' => self.mark(MarkKind::Question, 1),
            '&' => self.mark(MarkKind::Anchor, self.word_len(limit)),
            '!' => self.mark(MarkKind::Tag, self.word_len(limit)),
            '%' => self.mark(MarkKind::Directive, self.line_len(limit)),
            // A document that has ended may end again, of which the parser says nothing.
            '.' if self.is_blank_line && self.text[self.at..limit].starts_with("...") => {
                self.is_blank_line = false;
                self.at += 3;
            }
            _ => return Err(self.at),
        }
        Ok(())
    }

    fn end_line(&mut self) {
        if self.is_blank_line && !matches!(self.gap.pieces.back(), Some(Piece::Blank)) {
            self.gap.pieces.push_back(Piece::Blank);
        }
        self.is_first_line = false;
        self.is_blank_line = true;
        self.at += 1;
    }

    fn comment(&mut self, limit: usize) {
        let len = self.line_len(limit);
        let comment = Comment {
            text: self.text[self.at..self.at + len].trim_end().to_owned(),
            column: column(self.text, self.at),
        };
        if self.is_first_line {
            self.gap.trailing = Some(comment);
        } else {
            self.gap.pieces.push_back(Piece::Comment(comment));
        }
        self.is_blank_line = false;
        self.at += len;
    }

    fn mark(&mut self, kind: MarkKind, len: usize) {
        self.gap.pieces.push_back(Piece::Mark(Mark {
            kind,
            text: self.text[self.at..self.at + len].trim_end().to_owned(),
            column: column(self.text, self.at),
        }));
        self.is_blank_line = false;
        self.at += len;
    }

    fn line_len(&self, limit: usize) -> usize {
        let rest = &self.text[self.at..limit];
        rest.find('\n').unwrap_or(rest.len())
    }

    /// An anchor or tag ends at a space or a mark of a list in brackets.
    fn word_len(&self, limit: usize) -> usize {
        let rest = &self.text[self.at..limit];
        let is_end = |c: char| c.is_whitespace() || ",[]{}".contains(c);
        match rest.strip_prefix("!<").and_then(|it| it.find('>')) {
            Some(len) => len + 3,
            None => rest.find(is_end).unwrap_or(rest.len()),
        }
    }
}
