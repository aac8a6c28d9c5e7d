//! The order of keys: what a thing is comes first, then what wakes it, then what it does.

use super::tree::{Body, Collection, Kind, Node};

/// What a block is, as far as the order of its keys goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    File,
    Rule,
    Test,
    Trigger,
    Condition,
    Step,
    /// A part of a step that is no step itself: of `choose`, `repeat`.
    Branch,
    Other,
}

/// Home Assistant's singular words stand where ours would.
const RULE: &[&[&str]] = &[
    &["id"],
    &["alias"],
    &["description"],
    &["enabled"],
    &["mode"],
    &["max"],
    &["max_exceeded"],
    &["per"],
    &["cooldown"],
    &["priority"],
    &["variables"],
    &["triggers", "trigger"],
    &["conditions", "condition"],
    &["actions", "action"],
    &["on_failure"],
];

/// The words that say what a step is. Those that other steps have as a key come last.
const STEPS: &[&str] = &[
    "command",
    "setting",
    "cancel",
    "read",
    "notify",
    "http",
    "log",
    "delay",
    "wait_for_trigger",
    "wait_until",
    "if",
    "choose",
    "repeat",
    "parallel",
    "set",
    "run_rule",
    "pause_rule",
    "resume_rule",
    "stop",
    "condition",
    "variables",
];

impl Role {
    /// What stands below `key` in a block of this role.
    pub(super) fn below(self, key: &str) -> Self {
        match (self, key) {
            (Self::File, "rules") => Self::Rule,
            (Self::File, "tests") => Self::Test,
            (Self::Rule, "triggers" | "trigger")
            | (Self::Trigger, "triggers" | "of" | "after")
            | (Self::Step, "wait_for_trigger") => Self::Trigger,
            (Self::Rule | Self::Branch, "conditions" | "condition")
            | (Self::Condition, "and" | "or" | "not" | "conditions")
            | (Self::Step, "if" | "wait_until")
            | (Self::Branch, "while" | "until") => Self::Condition,
            (Self::Rule, "actions" | "action" | "on_failure")
            | (Self::Step, "then" | "else" | "default" | "parallel" | "on_failure" | "sequence")
            | (Self::Branch, "sequence") => Self::Step,
            (Self::Step, "choose" | "repeat") => Self::Branch,
            _ => Self::Other,
        }
    }

    /// Where `key` stands in a block that has `keys`; none when it stays behind the key it stood behind.
    fn rank(self, key: &str, keys: &[&str]) -> Option<usize> {
        let first = match self {
            Self::File => "version",
            Self::Test => "name",
            Self::Trigger => "trigger",
            Self::Condition => "condition",
            Self::Step => STEPS.iter().find(|it| keys.contains(it))?,
            Self::Rule => return RULE.iter().position(|it| it.contains(&key)),
            Self::Branch | Self::Other => return None,
        };
        // Whatever is not first has no place of its own, and all of it keeps its order.
        Some(usize::from(key != first))
    }
}

/// Puts the keys into their order. Where a name is given or repeated nothing moves, since a name must be
/// given before it is repeated.
pub(super) fn sort(collection: &mut Collection, role: Role) {
    if collection.kind != Kind::Map || collection.is_bound() {
        return;
    }
    let keys: Vec<Option<&str>> = collection
        .children
        .iter()
        .map(|it| it.key.as_ref().and_then(Node::word))
        .collect();
    let known: Vec<&str> = keys.iter().copied().flatten().collect();
    let mut rank = 0;
    let ranks: Vec<usize> = keys
        .iter()
        .map(|key| {
            rank = key.and_then(|it| role.rank(it, &known)).unwrap_or(rank);
            rank
        })
        .collect();
    if ranks.is_sorted() {
        return;
    }
    let children = std::mem::take(&mut collection.children);
    let mut ranked: Vec<_> = ranks.into_iter().zip(children).collect();
    ranked.sort_by_key(|(rank, _)| *rank);
    collection.children = ranked.into_iter().map(|(_, child)| child).collect();
}

/// The role of what stands below `child`'s key, or of an item of a list.
pub(super) fn below(role: Role, kind: Kind, key: Option<&Node>) -> Role {
    match (kind, key.and_then(Node::word)) {
        (Kind::List, _) => role,
        (Kind::Map, Some(key)) => role.below(key),
        (Kind::Map, None) => Role::Other,
    }
}

/// Whether `node` is a list or block.
pub(super) fn collection(node: &mut Node) -> Option<&mut Collection> {
    match &mut node.body {
        Body::Collection(collection) => Some(collection),
        Body::Alias(_) | Body::Text(_) => None,
    }
}
