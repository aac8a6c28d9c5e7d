//! What the formatter changes: the order of keys, brackets over several lines, comments without a line.

use super::order::{self, Role};
use super::print;
use super::tree::{Body, Child, Collection, Document, Layout, Line, Node, Text};

/// What stood in brackets over several lines goes on one if it fits, and is indented if it does not.
const COLUMNS_MAX: usize = 100;

pub(super) const INDENTATION: usize = 2;

pub(super) fn arrange(document: &mut Document) {
    let root = &mut document.root;
    settle(root, Role::File, 0, 0);
    if let Some(foot) = inner_foot(root) {
        document.header.extend(foot);
    }
    if let Some(collection) = order::collection(root)
        && collection.layout == Layout::Block
        && let Some(comment) = root.trailing.take()
    {
        document.foot.insert(0, Line::Comment(comment));
    }
}

/// `column` is where the line of `node` begins, `before` how much of it is written before `node`.
fn settle(node: &mut Node, role: Role, column: usize, before: usize) {
    let before = before + print::properties(node).chars().count();
    let Some(collection) = order::collection(node) else {
        return;
    };
    if collection.layout == Layout::Spread {
        spread(collection, before);
    }
    order::sort(collection, role);
    let kind = collection.kind;
    let is_block = collection.layout == Layout::Block;
    for child in &mut collection.children {
        let key = child.key.as_ref();
        let role = order::below(role, kind, key);
        let before = column + key.map_or(1, |it| print::inline(it).chars().count() + 1) + 1;
        settle(&mut child.value, role, column + INDENTATION, before);
        if is_block {
            house_comments(child);
        }
    }
}

/// Decides on brackets over several lines.
fn spread(collection: &mut Collection, before: usize) {
    let is_short = before + print::collection(collection).chars().count() <= COLUMNS_MAX;
    if collection.children.is_empty() || (is_short && is_joinable(collection)) {
        join(collection);
        return;
    }
    collection.layout = Layout::Block;
    for child in &mut collection.children {
        if let Some(pair) = order::collection(&mut child.value)
            && pair.layout == Layout::Pair
        {
            pair.layout = Layout::Block;
        }
    }
}

/// Whether nothing inside needs a line of its own.
fn is_joinable(collection: &Collection) -> bool {
    let is_one_line = |node: &Node| match &node.body {
        Body::Text(text) => matches!(text, Text::Inline(_)),
        Body::Alias(_) => true,
        Body::Collection(collection) => is_joinable(collection),
    };
    let mut children = collection.children.iter();
    !has_comments(collection) && children.all(|it| is_one_line(&it.value))
}

fn join(collection: &mut Collection) {
    if collection.layout == Layout::Spread {
        collection.layout = Layout::Inline;
    }
    let children = collection.children.iter_mut();
    let below = children.filter_map(|it| order::collection(&mut it.value));
    below.for_each(join);
}

/// Gives each comment of `child` a line: one can stand behind it, the others stand above or below.
fn house_comments(child: &mut Child) {
    if let Some(foot) = inner_foot(&mut child.value) {
        child.lead.extend(foot);
    }
    let behind_key = child.key.as_mut().and_then(|it| it.trailing.take());
    let behind_value = child.value.trailing.take();
    let is_plain = child.value.properties.is_empty();
    let is_item = child.key.is_none();
    let block = order::collection(&mut child.value).filter(|it| it.layout == Layout::Block);
    let Some(block) = block else {
        child.value.trailing = behind_value;
        match (behind_key, &child.value.trailing) {
            (Some(comment), Some(_)) => child.lead.push(Line::Comment(comment)),
            (Some(comment), None) => child.value.trailing = Some(comment),
            (None, _) => {}
        }
        return;
    };
    let behind_key = match (behind_key, behind_value) {
        (behind_key, None) => behind_key,
        (None, Some(comment)) if !is_item && !has_comments(block) => Some(comment),
        (None, Some(comment)) if !has_comments(block) => {
            child.lead.push(Line::Comment(comment));
            None
        }
        (behind_key, Some(comment)) => {
            block.foot.push(Line::Comment(comment));
            behind_key
        }
    };
    if is_item && is_plain {
        // The first line of the block is that of the dash, above which its comments must stand.
        let first = block.children.first_mut();
        let lines = first.map(|it| std::mem::take(&mut it.lead));
        let lines = lines.into_iter().flatten();
        child.lead.extend(lines.skip_while(|it| *it == Line::Blank));
    }
    if let Some(key) = &mut child.key {
        key.trailing = behind_key;
    }
}

/// Comments in empty brackets.
fn inner_foot(node: &mut Node) -> Option<Vec<Line>> {
    let collection = order::collection(node)?;
    let is_empty = collection.children.is_empty() && collection.layout != Layout::Block;
    let lines = is_empty.then(|| std::mem::take(&mut collection.foot))?;
    Some(lines.into_iter().filter(|it| *it != Line::Blank).collect())
}

fn has_comments(collection: &Collection) -> bool {
    let is_comment = |line: &Line| matches!(line, Line::Comment(_));
    let of_node = |node: &Node| {
        node.trailing.is_some()
            || match &node.body {
                Body::Collection(collection) => has_comments(collection),
                Body::Alias(_) | Body::Text(_) => false,
            }
    };
    collection.foot.iter().any(is_comment)
        || collection.children.iter().any(|child| {
            child.lead.iter().chain(&child.foot).any(is_comment)
                || child.key.iter().chain([&child.value]).any(of_node)
        })
}
