//! A YAML document as it is written: what each value looks like, and the comments around it.

/// A document without its places.
#[derive(Debug)]
pub(super) struct Document {
    /// What stands above `---`, and `---` itself; usually nothing.
    pub(super) preamble: Vec<String>,
    /// What stands above the first value, which stays the first whatever moves.
    pub(super) header: Vec<Line>,
    pub(super) root: Node,
    /// What stands below the last value.
    pub(super) foot: Vec<Line>,
}

/// A line that says nothing to the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Line {
    Blank,
    Comment(Comment),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Comment {
    /// With its `#`.
    pub(super) text: String,
    /// Where it began, in characters from 0.
    pub(super) column: usize,
}

#[derive(Debug)]
pub(super) struct Node {
    /// Anchor and tag, in the order in which they are written.
    pub(super) properties: Vec<String>,
    pub(super) body: Body,
    /// Behind the value, on its last line; of a block of text, behind its `|`.
    pub(super) trailing: Option<Comment>,
    /// Where it begins in the text.
    pub(super) at: usize,
}

#[derive(Debug)]
pub(super) enum Body {
    /// `*name`
    Alias(String),
    Text(Text),
    Collection(Collection),
}

/// A scalar as it is written.
#[derive(Debug)]
pub(super) enum Text {
    /// On one line, quotes included; empty for a value that is not there.
    Inline(String),
    /// Plain or quoted, over several lines.
    Folded(Vec<String>),
    /// `|` or `>`, and its lines without their indentation.
    Block { head: String, lines: Vec<String> },
}

#[derive(Debug)]
pub(super) struct Collection {
    pub(super) kind: Kind,
    pub(super) layout: Layout,
    pub(super) children: Vec<Child>,
    /// Comments below the last child.
    pub(super) foot: Vec<Line>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    List,
    Map,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// By indentation.
    Block,
    /// In brackets, on one line.
    Inline,
    /// In brackets, over several lines.
    Spread,
    /// `a: b` as an item of a list in brackets.
    Pair,
}

/// An item of a list, or a key with its value.
#[derive(Debug)]
pub(super) struct Child {
    /// What stands above it.
    pub(super) lead: Vec<Line>,
    pub(super) key: Option<Node>,
    pub(super) value: Node,
    /// Comments below it that are indented as its value would be, had it one.
    pub(super) foot: Vec<Line>,
}

impl Node {
    pub(super) fn is_nothing(&self) -> bool {
        self.properties.is_empty() && self.is_empty_text()
    }

    pub(super) fn is_empty_text(&self) -> bool {
        matches!(&self.body, Body::Text(Text::Inline(text)) if text.is_empty())
    }

    /// The word that a simple key or value is, without quotes.
    pub(super) fn word(&self) -> Option<&str> {
        let Body::Text(Text::Inline(text)) = &self.body else {
            return None;
        };
        let quoted = |quote| text.strip_prefix(quote)?.strip_suffix(quote);
        Some(quoted('"').or_else(|| quoted('\'')).unwrap_or(text))
    }

    /// Whether it names something or repeats it, at whatever depth.
    pub(super) fn is_bound(&self) -> bool {
        let has_anchor = self.properties.iter().any(|it| it.starts_with('&'));
        has_anchor
            || match &self.body {
                Body::Alias(_) => true,
                Body::Text(_) => false,
                Body::Collection(collection) => collection.is_bound(),
            }
    }
}

impl Collection {
    pub(super) fn is_bound(&self) -> bool {
        self.children
            .iter()
            .any(|it| it.value.is_bound() || it.key.as_ref().is_some_and(Node::is_bound))
    }
}

/// What a document holds beside values; nothing of it may get lost.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Marks {
    pub(super) comments: Vec<String>,
    pub(super) properties: Vec<String>,
}

impl Marks {
    /// In no order that matters, since keys move.
    pub(super) fn of(document: &Document) -> Self {
        let mut marks = Self::default();
        marks.comments.clone_from(&document.preamble);
        marks.lines(&document.header);
        marks.node(&document.root);
        marks.lines(&document.foot);
        marks.comments.sort();
        marks.properties.sort();
        marks
    }

    /// Without the other lines of the preamble.
    pub(super) fn n_comments(&self) -> usize {
        let comments = self.comments.iter();
        comments.filter(|it| it.starts_with('#')).count()
    }

    fn lines(&mut self, lines: &[Line]) {
        for line in lines {
            if let Line::Comment(comment) = line {
                self.comments.push(comment.text.clone());
            }
        }
    }

    fn node(&mut self, node: &Node) {
        self.properties.extend(node.properties.iter().cloned());
        self.comments
            .extend(node.trailing.iter().map(|it| it.text.clone()));
        let Body::Collection(collection) = &node.body else {
            return;
        };
        for child in &collection.children {
            self.lines(&child.lead);
            child.key.iter().for_each(|it| self.node(it));
            self.node(&child.value);
            self.lines(&child.foot);
        }
        self.lines(&collection.foot);
    }
}
