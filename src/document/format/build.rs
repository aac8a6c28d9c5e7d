//! Tokens and the gaps between them to a [`Document`]: every comment finds what it speaks of.

use std::collections::VecDeque;

use super::gap::{self, Gap, Mark, MarkKind, Piece, Start};
use super::text;
use super::token::{self, Token, TokenKind};
use super::tree::{
    Body, Child, Collection, Comment, Document, Kind, Layout, Line, Marks, Node, Text,
};

/// Why a text is not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lost {
    pub(super) at: usize,
    pub(super) reason: Reason,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// A key that is not one word or text on one line.
    Key,
    Unforeseen,
}

struct Builder<'t> {
    text: &'t str,
    tokens: VecDeque<Token>,
    /// What stands before the next token that is written.
    gap: Gap,
    /// The columns of the open blocks.
    columns: Vec<usize>,
    /// How many have been read; as many must have found a place in the end.
    n_comments: usize,
}

/// The document that `text` is, without CR.
pub(super) fn document(text: &str) -> Result<Document, Lost> {
    let tokens = token::read(text).ok_or(unforeseen(0))?;
    let mut builder = Builder {
        text,
        tokens: tokens.into(),
        gap: Gap {
            trailing: None,
            pieces: VecDeque::new(),
            end: 0,
        },
        columns: Vec::new(),
        n_comments: 0,
    };
    builder.advance(0, Start::NewLine)?;
    let mut preamble = Vec::new();
    if builder.kind() == Some(TokenKind::DocumentStart) {
        preamble = builder.preamble()?;
    }
    let mut header = builder.comments();
    let root = builder.node(&mut header)?;
    let mut foot = builder.comments();
    while builder.kind() == Some(TokenKind::DocumentEnd) {
        foot.extend(builder.written()?.map(Line::Comment));
        foot.extend(builder.comments());
    }
    let document = Document {
        preamble,
        header,
        root,
        foot,
    };
    let n_comments = Marks::of(&document).n_comments();
    let is_whole = builder.tokens.is_empty() && builder.gap.pieces.is_empty();
    if is_whole && n_comments == builder.n_comments {
        Ok(document)
    } else {
        Err(unforeseen(builder.gap.end))
    }
}

fn unforeseen(at: usize) -> Lost {
    let reason = Reason::Unforeseen;
    Lost { at, reason }
}

impl Builder<'_> {
    fn kind(&self) -> Option<TokenKind> {
        self.tokens.front().map(|it| it.kind)
    }

    fn next(&mut self) -> Result<Token, Lost> {
        self.tokens.pop_front().ok_or(unforeseen(self.gap.end))
    }

    /// Reads on from `from` to the next token that is written.
    fn advance(&mut self, from: usize, start: Start) -> Result<(), Lost> {
        let next = self.tokens.iter().find(|it| it.is_written());
        let end = match next {
            Some(token) if token.kind == TokenKind::Block => gap::End::BlockHead,
            Some(token) => gap::End::At(token.span.start),
            None => gap::End::At(self.text.len()),
        };
        let left = std::mem::take(&mut self.gap.pieces);
        self.gap = gap::read(self.text, from, start, end).map_err(unforeseen)?;
        let is_comment = |it: &&Piece| matches!(it, Piece::Comment(_));
        self.n_comments += self.gap.pieces.iter().filter(is_comment).count();
        self.n_comments += usize::from(self.gap.trailing.is_some());
        // What nobody has taken would be lost.
        let is_taken = |it: &Piece| match it {
            Piece::Blank => true,
            Piece::Mark(mark) => matches!(mark.kind, MarkKind::Question | MarkKind::Colon),
            Piece::Comment(_) => false,
        };
        if !left.iter().all(is_taken) {
            return Err(unforeseen(from));
        }
        Ok(())
    }

    /// Takes a token that is written, and gives the comment behind it.
    fn written(&mut self) -> Result<Option<Comment>, Lost> {
        let token = self.next()?;
        self.advance(token.span.end, Start::BehindValue)?;
        Ok(self.gap.trailing.take())
    }

    /// What stands up to `---`, line by line.
    fn preamble(&mut self) -> Result<Vec<String>, Lost> {
        let pieces = std::mem::take(&mut self.gap.pieces);
        let line = |piece| match piece {
            Piece::Blank => None,
            Piece::Comment(comment) => Some(comment.text),
            Piece::Mark(mark) => Some(mark.text),
        };
        let mut lines: Vec<String> = pieces.into_iter().filter_map(line).collect();
        lines.push("---".to_owned());
        if let Some(behind) = self.written()? {
            self.gap.pieces.push_front(Piece::Comment(behind));
        }
        Ok(lines)
    }

    /// The lines before the next mark or token.
    fn comments(&mut self) -> Vec<Line> {
        let mut lines = Vec::new();
        while let Some(piece) = self.gap.pieces.pop_front() {
            match piece {
                Piece::Blank => lines.push(Line::Blank),
                Piece::Comment(comment) => lines.push(Line::Comment(comment)),
                Piece::Mark(Mark {
                    kind: MarkKind::Question | MarkKind::Colon,
                    ..
                }) => {}
                Piece::Mark(mark) => {
                    self.gap.pieces.push_front(Piece::Mark(mark));
                    break;
                }
            }
        }
        lines
    }

    /// Where what comes next begins; 0 at the end.
    fn next_column(&self) -> usize {
        let mark = self.gap.pieces.iter().find_map(|it| match it {
            Piece::Mark(mark) => Some(mark.column),
            Piece::Blank | Piece::Comment(_) => None,
        });
        let is_end = |it: &Token| it.kind == TokenKind::DocumentEnd;
        let next = self.tokens.iter().find(|it| it.is_written());
        match mark {
            Some(column) => column,
            None if next.is_none_or(is_end) => 0,
            None => gap::column(self.text, self.gap.end),
        }
    }

    /// Comments that are indented by at least `least`, and more than what comes next.
    fn foot(&mut self, least: usize) -> Vec<Line> {
        let least = least.max(self.next_column() + 1);
        let mut lines = Vec::new();
        loop {
            let n_blank = usize::from(matches!(self.gap.pieces.front(), Some(Piece::Blank)));
            match self.gap.pieces.get(n_blank) {
                Some(Piece::Comment(comment)) if least <= comment.column => {}
                _ => return lines,
            }
            for piece in self.gap.pieces.drain(..=n_blank) {
                match piece {
                    Piece::Comment(comment) => lines.push(Line::Comment(comment)),
                    Piece::Blank | Piece::Mark(_) => lines.push(Line::Blank),
                }
            }
        }
    }

    /// The next value; comments in front of it go to `lead`.
    fn node(&mut self, lead: &mut Vec<Line>) -> Result<Node, Lost> {
        let token = self.tokens.front().ok_or(unforeseen(self.gap.end))?.clone();
        let properties = self.properties(&token)?;
        let at = self.gap.end;
        if token.is_written() {
            lead.extend(self.comments());
        }
        let (body, trailing) = match token.kind {
            TokenKind::Scalar if token.span.is_empty() => {
                self.next()?;
                (Body::Text(Text::Inline(String::new())), None)
            }
            TokenKind::Scalar => {
                let written = self.text.get(token.span).unwrap_or("");
                (Body::Text(text::flowing(written)), self.written()?)
            }
            TokenKind::Alias => {
                let name = self.text.get(token.span).unwrap_or("").to_owned();
                (Body::Alias(name), self.written()?)
            }
            TokenKind::Block => self.block()?,
            TokenKind::Start(kind) => (Body::Collection(self.started(kind)?), None),
            TokenKind::Open(kind) => {
                let (collection, trailing) = self.opened(kind)?;
                (Body::Collection(collection), trailing)
            }
            TokenKind::End
            | TokenKind::Close
            | TokenKind::DocumentStart
            | TokenKind::DocumentEnd => return Err(unforeseen(at)),
        };
        Ok(Node {
            properties,
            body,
            trailing,
            at,
        })
    }

    /// Takes as many anchors and tags as `token` carries.
    fn properties(&mut self, token: &Token) -> Result<Vec<String>, Lost> {
        let mut places = Vec::new();
        for (kind, is_there) in [
            (MarkKind::Anchor, token.has_anchor),
            (MarkKind::Tag, token.has_tag),
        ] {
            let is_it = |it: &Piece| matches!(it, Piece::Mark(mark) if mark.kind == kind);
            if is_there {
                let place = self.gap.pieces.iter().position(is_it);
                places.push(place.ok_or(unforeseen(self.gap.end))?);
            }
        }
        places.sort_unstable();
        let mut properties = Vec::new();
        for place in places.into_iter().rev() {
            if let Some(Piece::Mark(mark)) = self.gap.pieces.remove(place) {
                properties.insert(0, mark.text);
            }
        }
        Ok(properties)
    }

    fn block(&mut self) -> Result<(Body, Option<Comment>), Lost> {
        self.next()?;
        let parent = self.columns.last().copied();
        let block = text::block(self.text, self.gap.end, parent);
        self.n_comments += usize::from(block.comment.is_some());
        self.advance(block.end, Start::NewLine)?;
        Ok((Body::Text(block.text), block.comment))
    }

    /// A collection that is written by indentation, or a pair.
    fn started(&mut self, kind: Kind) -> Result<Collection, Lost> {
        self.next()?;
        let is_colon = |it: &Piece| matches!(it, Piece::Mark(mark) if mark.kind == MarkKind::Colon);
        if self.gap.pieces.front().is_some_and(is_colon) {
            self.gap.pieces.pop_front();
        }
        // A column of its own is all that tells one block from the next; in brackets it tells nothing.
        let column = self.next_column();
        self.columns.push(column);
        let mut children = Vec::new();
        while self.kind() != Some(TokenKind::End) {
            let mut lead = self.comments();
            if kind == Kind::List {
                self.dash()?;
            }
            let mut child = self.child(kind, &mut lead)?;
            if child.value.is_nothing() {
                child.foot = self.foot(column + 1);
            }
            children.push(Child { lead, ..child });
        }
        self.next()?;
        self.columns.pop();
        let mut foot = self.foot(column);
        if kind == Kind::List {
            foot.extend(self.silenced_items(column));
        }
        Ok(Collection {
            kind,
            layout: Layout::Block,
            children,
            foot,
        })
    }

    /// Items at the end of a list that somebody has put behind `#`. Where a list is not indented, they
    /// stand in the column of the next key, and would be taken for remarks on it.
    fn silenced_items(&mut self, column: usize) -> Vec<Line> {
        let depth = |piece: Option<&Piece>| match piece {
            Some(Piece::Comment(comment)) if comment.column == column => {
                let words = comment.text.trim_start_matches('#');
                let n_spaces = words.len() - words.trim_start_matches(' ').len();
                Some((n_spaces, words.trim_start().starts_with("- ")))
            }
            _ => None,
        };
        let mut lines = Vec::new();
        let mut dash = None;
        while let Some((n_spaces, is_item)) = depth(self.gap.pieces.front()) {
            let is_of_item = dash.is_some_and(|dash| dash < n_spaces);
            if !is_item && !is_of_item {
                break;
            }
            if is_item && !is_of_item {
                dash = Some(n_spaces);
            }
            if let Some(Piece::Comment(comment)) = self.gap.pieces.pop_front() {
                lines.push(Line::Comment(comment));
            }
        }
        lines
    }

    fn dash(&mut self) -> Result<(), Lost> {
        match self.gap.pieces.pop_front() {
            Some(Piece::Mark(mark)) if mark.kind == MarkKind::Dash => Ok(()),
            _ => Err(unforeseen(self.gap.end)),
        }
    }

    fn child(&mut self, kind: Kind, lead: &mut Vec<Line>) -> Result<Child, Lost> {
        let key = match kind {
            Kind::List => None,
            Kind::Map => Some(self.key(lead)?),
        };
        let value = self.node(lead)?;
        Ok(Child {
            lead: Vec::new(),
            key,
            value,
            foot: Vec::new(),
        })
    }

    fn key(&mut self, lead: &mut Vec<Line>) -> Result<Node, Lost> {
        let key = self.node(lead)?;
        let is_simple = match &key.body {
            Body::Alias(_) => true,
            Body::Text(text) => matches!(text, Text::Inline(_)),
            Body::Collection(collection) => collection.layout == Layout::Inline,
        };
        let reason = Reason::Key;
        let at = key.at;
        is_simple.then_some(key).ok_or(Lost { at, reason })
    }

    /// A collection in brackets, and the comment behind it.
    fn opened(&mut self, kind: Kind) -> Result<(Collection, Option<Comment>), Lost> {
        let start = self.gap.end;
        if let Some(behind) = self.written()? {
            self.gap.pieces.push_front(Piece::Comment(behind));
        }
        let mut children = Vec::new();
        while self.kind() != Some(TokenKind::Close) {
            let mut lead = self.comments();
            let is_pair = kind == Kind::List && self.kind() == Some(TokenKind::Start(Kind::Map));
            let mut child = self.child(kind, &mut lead)?;
            if let (true, Body::Collection(pair)) = (is_pair, &mut child.value.body) {
                pair.layout = Layout::Pair;
            }
            children.push(Child { lead, ..child });
        }
        let foot = self.comments();
        let end = self.gap.end;
        let layout = if self.text[start..end].contains('\n') {
            Layout::Spread
        } else {
            Layout::Inline
        };
        let trailing = self.written()?;
        let collection = Collection {
            kind,
            layout,
            children,
            foot,
        };
        Ok((collection, trailing))
    }
}
