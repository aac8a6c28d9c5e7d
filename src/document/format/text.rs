//! Scalars as they are written: kept word for word, only their indentation is taken off.

use super::gap::column;
use super::tree::{Comment, Text};

/// A plain or quoted scalar.
pub(super) fn flowing(written: &str) -> Text {
    if !written.contains('\n') {
        return Text::Inline(written.to_owned());
    }
    let is_escaping = written.starts_with('"');
    let n_lines = written.split('\n').count();
    let line = |(index, line): (usize, &str)| {
        let line = if index == 0 {
            line
        } else {
            line.trim_start_matches([' ', '\t'])
        };
        let is_last = index + 1 == n_lines;
        let kept = if is_last {
            line.len()
        } else {
            trimmed(line, is_escaping)
        };
        line[..kept].to_owned()
    };
    Text::Folded(written.split('\n').enumerate().map(line).collect())
}

/// How much of `line` stays: a space behind a lone backslash is a part of the text.
fn trimmed(line: &str, is_escaping: bool) -> usize {
    let kept = line.trim_end_matches([' ', '\t']).len();
    let n_backslashes = line[..kept]
        .bytes()
        .rev()
        .take_while(|it| *it == b'\\')
        .count();
    let is_escaped = is_escaping && kept < line.len() && n_backslashes % 2 == 1;
    kept + usize::from(is_escaped)
}

/// A block of text, with the comment behind its head and the place where it ends.
pub(super) struct Block {
    pub(super) text: Text,
    pub(super) comment: Option<Comment>,
    pub(super) end: usize,
}

/// Reads the block of text whose `|` or `>` is at `at`, inside of something that is indented by `parent`.
pub(super) fn block(text: &str, at: usize, parent: Option<usize>) -> Block {
    let head_end = text[at..].find('\n').map_or(text.len(), |it| at + it);
    let (head, comment) = head(text, at, head_end);
    let body = text.get(head_end + 1..).unwrap_or("");
    let written = head.bytes().find(u8::is_ascii_digit);
    let indentation = match written {
        Some(digit) => parent.unwrap_or(0) + usize::from(digit - b'0'),
        None => indentation_of(body, parent),
    };
    let mut lines: Vec<&str> = Vec::new();
    let mut end = (head_end + 1).min(text.len());
    let mut kept_end = (0, end);
    for line in body.split_inclusive('\n') {
        let content = line.strip_suffix('\n').unwrap_or(line);
        let is_blank = content.bytes().all(|it| it == b' ');
        let n_spaces = spaces(content);
        if n_spaces < indentation && !is_blank {
            break;
        }
        lines.push(content.get(indentation..).unwrap_or(""));
        end += line.len();
        let is_kept = head.contains('+') || lines.last().is_some_and(|it| !it.is_empty());
        if is_kept {
            kept_end = (lines.len(), end);
        }
    }
    lines.truncate(kept_end.0);
    Block {
        text: Text::Block {
            head: reindented(&head),
            lines: lines.into_iter().map(str::to_owned).collect(),
        },
        comment,
        end: kept_end.1,
    }
}

fn head(text: &str, at: usize, end: usize) -> (String, Option<Comment>) {
    let line = &text[at..end];
    let len = line.find([' ', '\t', '#']).unwrap_or(line.len());
    let comment = line.find('#').map(|hash| Comment {
        text: line[hash..].trim_end().to_owned(),
        column: column(text, at + hash),
    });
    (line[..len].to_owned(), comment)
}

/// The formatter indents by two.
fn reindented(head: &str) -> String {
    let two = |c: char| if c.is_ascii_digit() { '2' } else { c };
    head.chars().map(two).collect()
}

/// That of the first line which says something, if that line belongs to the text at all.
fn indentation_of(body: &str, parent: Option<usize>) -> usize {
    let first = body.lines().find(|it| spaces(it) < it.len());
    let first = first.map(spaces);
    first
        .filter(|it| parent.is_none_or(|parent| parent < *it))
        .unwrap_or(usize::MAX)
}

fn spaces(line: &str) -> usize {
    line.bytes().take_while(|it| *it == b' ').count()
}
