//! A [`Document`] to text.

use super::arrange::INDENTATION;
use super::tree::{Body, Child, Collection, Comment, Document, Kind, Layout, Line, Node, Text};

/// What stands between a value and the comment behind it.
const COMMENT_DISTANCE: usize = 2;

#[derive(Default)]
struct Printer {
    rows: Vec<Row>,
    /// The line that is being written.
    current: String,
    /// A blank line would become a part of the text above it.
    is_after_open_text: bool,
}

struct Row {
    text: String,
    comment: Option<Comment>,
}

pub(super) fn document(document: &Document) -> String {
    let mut printer = Printer::default();
    for line in &document.preamble {
        printer.row(line.clone(), None);
    }
    printer.lines(&document.header, 0, Above::First);
    let root = &document.root;
    let properties = properties(root);
    match &root.body {
        Body::Collection(block) if block.layout == Layout::Block => {
            if !properties.is_empty() {
                printer.row(properties.trim_end().to_owned(), None);
            }
            printer.block(block, 0);
        }
        Body::Collection(_) | Body::Alias(_) | Body::Text(_) => {
            printer.row(inline(root), root.trailing.clone());
        }
    }
    printer.lines(&document.foot, 0, Above::Something);
    printer.text()
}

/// On one line, without comments.
pub(super) fn inline(node: &Node) -> String {
    let body = match &node.body {
        Body::Alias(name) => name.clone(),
        Body::Text(Text::Inline(text)) => text.clone(),
        Body::Text(Text::Folded(lines)) => lines.join(" "),
        Body::Text(Text::Block { head, .. }) => head.clone(),
        Body::Collection(collection) => self::collection(collection),
    };
    let properties = properties(node);
    if body.is_empty() {
        properties.trim_end().to_owned()
    } else {
        properties + &body
    }
}

/// In brackets.
pub(super) fn collection(collection: &Collection) -> String {
    let child = |child: &Child| {
        let key = child.key.as_ref().map(key);
        let value = inline(&child.value);
        match key {
            Some(key) if value.is_empty() => key,
            Some(key) => format!("{key} {value}"),
            None => value,
        }
    };
    let children: Vec<String> = collection.children.iter().map(child).collect();
    let children = children.join(", ");
    match (collection.layout, collection.kind) {
        (Layout::Pair, _) => children,
        (_, Kind::List) => format!("[{children}]"),
        (_, Kind::Map) => format!("{{{children}}}"),
    }
}

/// Anchor and tag, with a space behind each.
pub(super) fn properties(node: &Node) -> String {
    let properties = node.properties.iter();
    properties.flat_map(|it| [it.as_str(), " "]).collect()
}

/// With its colon, which would be taken for a part of a name or anchor that it touches.
fn key(key: &Node) -> String {
    let is_name = matches!(key.body, Body::Alias(_)) || key.is_empty_text();
    let space = if is_name && !key.is_nothing() {
        " "
    } else {
        ""
    };
    format!("{}{space}:", inline(key))
}

/// What is above a few lines.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Above {
    /// The key or the beginning of the file: no blank line stands between.
    First,
    Something,
}

impl Printer {
    fn row(&mut self, text: String, comment: Option<Comment>) {
        self.rows.push(Row { text, comment });
        self.is_after_open_text = false;
    }

    fn end_row(&mut self, comment: Option<&Comment>) {
        let text = std::mem::take(&mut self.current);
        self.row(text, comment.cloned());
    }

    fn lines(&mut self, lines: &[Line], column: usize, above: Above) {
        let skip = |line: &&Line| above == Above::First && **line == Line::Blank;
        for line in lines.iter().skip_while(skip) {
            match line {
                Line::Comment(comment) => self.row(indented(column, &comment.text), None),
                Line::Blank => self.blank(),
            }
        }
    }

    fn blank(&mut self) {
        let is_blank = self.rows.last().is_none_or(|it| it.text.is_empty());
        if !is_blank && !self.is_after_open_text {
            self.row(String::new(), None);
        }
    }

    fn block(&mut self, block: &Collection, column: usize) {
        let mut above = Above::First;
        for child in &block.children {
            self.lines(&child.lead, column, above);
            above = Above::Something;
            // Behind a dash the line has begun.
            if self.current.is_empty() {
                self.current = " ".repeat(column);
            }
            match &child.key {
                Some(key) => self.current += &self::key(key),
                None => self.current.push('-'),
            }
            self.value(child, column);
            self.lines(&child.foot, column + INDENTATION, Above::Something);
        }
        self.lines(&block.foot, column, Above::Something);
    }

    /// What is behind the dash or colon of something in column `column`.
    fn value(&mut self, child: &Child, column: usize) {
        let below = column + INDENTATION;
        let value = &child.value;
        let comment = value.trailing.as_ref();
        match &value.body {
            Body::Collection(block) if block.layout == Layout::Block => {
                let properties = properties(value);
                if child.key.is_none() && properties.is_empty() {
                    self.current.push(' ');
                    return self.block(block, below);
                }
                self.behind(properties.trim_end());
                self.end_row(child.key.as_ref().and_then(|it| it.trailing.as_ref()));
                self.block(block, below);
            }
            Body::Text(Text::Folded(lines)) => {
                self.behind(properties(value).trim_end());
                self.folded(lines, below, comment);
            }
            Body::Text(Text::Block { head, lines }) => {
                self.behind(&inline(value));
                self.end_row(comment);
                for line in lines {
                    self.row(indented(below, line), None);
                }
                self.is_after_open_text = head.contains('+');
            }
            Body::Alias(_) | Body::Text(Text::Inline(_)) | Body::Collection(_) => {
                self.behind(&inline(value));
                self.end_row(comment);
            }
        }
    }

    fn folded(&mut self, lines: &[String], column: usize, comment: Option<&Comment>) {
        let Some(((first, last), middle)) = lines
            .split_first()
            .and_then(|(first, rest)| rest.split_last().map(|(last, rest)| ((first, last), rest)))
        else {
            return;
        };
        self.behind(first);
        self.end_row(None);
        for line in middle {
            self.row(indented(column, line), None);
        }
        self.row(indented(column, last), comment.cloned());
    }

    fn behind(&mut self, text: &str) {
        if !text.is_empty() {
            self.current.push(' ');
            self.current.push_str(text);
        }
    }

    /// Comments of neighboring lines that began in one column still do.
    fn text(self) -> String {
        let mut text = String::new();
        let is_pair = |a: &Row, b: &Row| match (&a.comment, &b.comment) {
            (Some(a), Some(b)) => a.column == b.column,
            _ => false,
        };
        for group in self.rows.chunk_by(is_pair) {
            let widths = group.iter().map(|it| it.text.chars().count());
            let width = widths.max().unwrap_or_default() + COMMENT_DISTANCE;
            for row in group {
                text += &row.text;
                if let Some(comment) = &row.comment {
                    let room = width - row.text.chars().count();
                    text += &" ".repeat(room);
                    text += &comment.text;
                }
                text.push('\n');
            }
        }
        text
    }
}

/// An empty line is not indented.
fn indented(column: usize, text: &str) -> String {
    let column = if text.is_empty() { 0 } else { column };
    format!("{:column$}{text}", "")
}
