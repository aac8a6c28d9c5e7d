//! Nodes to values, by hand: every helper reports what it cannot take and lets the next one go on.

use std::collections::BTreeMap;

use super::code;
use super::diagnostic::{Findings, shown};
use super::node::{Entry, Kind, Node};
use super::source::Span;
use super::suggest;
use super::vocabulary::Word;

/// The words of one block, from wherever they are listed.
#[derive(Clone, Copy)]
struct Words<'w> {
    what: &'static str,
    known: &'w [&'static str],
    reserved: &'w [(&'static str, Reserved)],
}

#[derive(Clone, Copy, Debug)]
pub enum Reserved {
    /// Of Home Assistant, with what to write here instead.
    Foreign(&'static str),
    /// Of this language, in another place.
    Elsewhere(&'static str),
    /// Of this language, and this version does not have it.
    Later,
}

/// A block of keys and values whose keys have been looked at.
#[derive(Debug)]
pub struct Fields<'n> {
    /// As in "a rule needs …".
    what: &'static str,
    head: Span,
    entries: &'n [Entry],
    /// It was pasted from Home Assistant: what is missing stands there under another word.
    is_foreign: bool,
}

impl<'n> Fields<'n> {
    /// The block that `word` begins or names: reports what is no block, what stands twice and what is not known, and
    /// notes which of its keys have no effect in this version; none if it is no block.
    pub fn of(node: &'n Node, word: &'static Word, findings: &mut Findings<'_>) -> Option<Self> {
        let fields = Self::open(node, word.what, &word.known(), &word.reserved(), findings)?;
        for key in word.each_key().filter(|it| !it.works) {
            if let Some(entry) = fields.entry(key.name) {
                findings.unbuilt(key.name, entry.key.span);
            }
        }
        Some(fields)
    }

    fn open(
        node: &'n Node,
        what: &'static str,
        known: &[&'static str],
        reserved: &[(&'static str, Reserved)],
        findings: &mut Findings<'_>,
    ) -> Option<Self> {
        let Kind::Map(entries) = &node.kind else {
            wrong_type(
                node,
                &format!("{what}, a block of `key: value` lines"),
                findings,
            );
            return None;
        };
        let words = Words {
            what,
            known,
            reserved,
        };
        let mut is_foreign = false;
        let mut firsts: Vec<Option<&Entry>> = vec![None; known.len()];
        for entry in entries {
            let Some(key) = key_of(entry, findings) else {
                continue;
            };
            match known.iter().position(|known| *known == key) {
                Some(position) => match firsts[position] {
                    Some(first) => duplicate(first, entry, key, findings),
                    None => firsts[position] = Some(entry),
                },
                None => is_foreign |= unknown_key(entry, key, words, findings),
            }
        }
        Some(Self {
            what,
            head: node.head(),
            entries,
            is_foreign,
        })
    }

    pub fn get(&self, key: &str) -> Option<&'n Node> {
        self.entry(key).map(|it| &it.value)
    }

    pub fn entry(&self, key: &str) -> Option<&'n Entry> {
        self.entries.iter().find(|it| it.key.as_key() == Some(key))
    }

    /// What stands behind `key`, read by `decode`: nothing when the key is not there, and none when
    /// it is there and cannot be read.
    #[expect(
        clippy::option_option,
        reason = "absent and broken are two things, and `?` tells them apart"
    )]
    pub fn maybe<T>(
        &self,
        key: &str,
        findings: &mut Findings<'_>,
        decode: impl FnOnce(&'n Node, &mut Findings<'_>) -> Option<T>,
    ) -> Option<Option<T>> {
        match self.get(key) {
            Some(node) => decode(node, findings).map(Some),
            None => Some(None),
        }
    }

    /// The value of `key`, whose absence is reported at the block.
    pub fn require(&self, key: &str, findings: &mut Findings<'_>) -> Option<&'n Node> {
        let value = self.get(key);
        if value.is_none() && !self.is_foreign {
            let what = self.what;
            findings
                .report(
                    code::MISSING_KEY,
                    self.head,
                    format!("{what} needs the key `{key}`"),
                )
                .label(format!("`{key}:` is missing beside this"));
        }
        value
    }

    pub fn is_foreign(&self) -> bool {
        self.is_foreign
    }

    /// A short place that stands for the block.
    pub fn head(&self) -> Span {
        self.head
    }
}

/// The key of `entry`; one that cannot be a key is reported.
fn key_of<'n>(entry: &'n Entry, findings: &mut Findings<'_>) -> Option<&'n str> {
    let key = entry.key.as_key();
    if key.is_none() {
        if is_template(entry.key.span, findings) {
            report_template(entry.key.span, findings);
        } else {
            let found = entry.key.kind.name();
            findings.report(
                code::WRONG_TYPE,
                entry.key.head(),
                format!("expected a key, found {found}"),
            );
        }
    }
    key
}

/// The entries of a block whose keys are names, each with its name; what stands twice is reported.
pub fn named<'n>(
    node: &'n Node,
    what: &str,
    findings: &mut Findings<'_>,
) -> Vec<(&'n str, &'n Entry)> {
    let Kind::Map(entries) = &node.kind else {
        wrong_type(node, what, findings);
        return Vec::new();
    };
    let mut named = Vec::new();
    let mut firsts: BTreeMap<&str, &Entry> = BTreeMap::new();
    for entry in entries {
        let Some(name) = key_of(entry, findings) else {
            continue;
        };
        if let Some(first) = firsts.get(name) {
            duplicate(first, entry, name, findings);
        } else {
            firsts.insert(name, entry);
            named.push((name, entry));
        }
    }
    named
}

fn duplicate(first: &Entry, entry: &Entry, key: &str, findings: &mut Findings<'_>) {
    let first = findings.source.location(first.key.span);
    findings
        .report(
            code::DUPLICATE_KEY,
            entry.key.span,
            format!("the key `{}` stands twice in this block", shown(key)),
        )
        .label("again here")
        .also(first, "first here")
        .help("keep one of them");
}

/// Says whether the key is one of Home Assistant's.
fn unknown_key(entry: &Entry, key: &str, words: Words<'_>, findings: &mut Findings<'_>) -> bool {
    let what = words.what;
    let reserved = words.reserved.iter().find(|(word, _)| *word == key);
    let span = entry.key.span;
    match reserved {
        Some((_, Reserved::Foreign(help))) => {
            findings
                .report(
                    code::FOREIGN_WORD,
                    span,
                    format!("`{key}:` is a word of Home Assistant"),
                )
                .help(*help);
        }
        Some((_, Reserved::Elsewhere(help))) => {
            findings
                .report(
                    code::UNKNOWN_KEY,
                    span,
                    format!("`{key}:` does not belong here"),
                )
                .help(*help);
        }
        Some((_, Reserved::Later)) => not_available(&format!("`{key}:`"), span, findings),
        None => {
            let near = suggest::closest(key, words.known.iter().copied());
            let known = words.known.join("`, `");
            findings
                .report(
                    code::UNKNOWN_KEY,
                    span,
                    format!("unknown key `{}`", shown(key)),
                )
                .label(format!("{what} has no such key"))
                .did_you_mean(near)
                .note(format!("known here: `{known}`"));
        }
    }
    matches!(
        reserved,
        Some((_, Reserved::Foreign(_) | Reserved::Elsewhere(_)))
    )
}

/// `what` is a part of the language that this version does not have.
pub fn not_available(what: &str, span: Span, findings: &mut Findings<'_>) {
    findings
        .report(
            code::NOT_AVAILABLE,
            span,
            format!("{what} is not available in this version"),
        )
        .help("rules/README.md lists the words that are");
}

/// Says what was expected and what stands there.
pub fn wrong_type(node: &Node, expected: &str, findings: &mut Findings<'_>) {
    if is_template(node.span, findings) {
        return report_template(node.span, findings);
    }
    let found = node.kind.name();
    let span = match &node.kind {
        Kind::Map(_) | Kind::List(_) => node.head(),
        Kind::Null | Kind::Bool(_) | Kind::Number { .. } | Kind::Text(_) | Kind::Secret(_) => {
            node.span
        }
    };
    let diagnostic = findings.report(
        code::WRONG_TYPE,
        span,
        format!("expected {expected}, found {found}"),
    );
    if let Kind::Text(text) = &node.kind
        && lacks_space(text)
    {
        diagnostic.help("a space is missing behind the colon: `key: value`");
    }
}

/// `id:car` is text to YAML, and was meant as a key.
fn lacks_space(text: &str) -> bool {
    let is_word = |key: &str| key.bytes().all(|it| it.is_ascii_lowercase() || it == b'_');
    text.split_once(':')
        .is_some_and(|(key, value)| !key.is_empty() && is_word(key) && !value.is_empty())
}

fn is_template(span: Span, findings: &Findings<'_>) -> bool {
    findings.source.slice(span).starts_with("{{")
}

/// The text wants to be computed, where it must stand as it is.
pub fn report_template(span: Span, findings: &mut Findings<'_>) {
    if findings.source.slice(span).starts_with("{{") {
        return report_unquoted_template(span, findings);
    }
    findings
        .report(
            code::TEMPLATE,
            span,
            "a template in `{{ }}` is not taken here",
        )
        .help("write it out: nothing is calculated here");
}

/// YAML takes `{{ x }}` without quotes for a block of keys and values.
pub fn report_unquoted_template(span: Span, findings: &mut Findings<'_>) {
    let written = shown(findings.source.slice(span));
    findings
        .report(
            code::UNQUOTED_TEMPLATE,
            span,
            "a template needs quotes, since YAML has a meaning of its own for `{`",
        )
        .help(format!("write `\"{written}\"`"));
}

/// The text of `node`, which must be text of 1 to `characters_max` characters.
pub fn text<'n>(
    node: &'n Node,
    what: &str,
    characters_max: usize,
    findings: &mut Findings<'_>,
) -> Option<&'n str> {
    let text = match &node.kind {
        Kind::Text(text) => text,
        Kind::Number { .. } | Kind::Bool(_) => {
            let found = node.kind.name();
            let written = shown(findings.source.slice(node.span));
            findings
                .report(
                    code::WRONG_TYPE,
                    node.span,
                    format!("expected {what}, found {found}"),
                )
                .help(format!("put it into quotes: `\"{written}\"`"));
            return None;
        }
        Kind::Null | Kind::List(_) | Kind::Map(_) | Kind::Secret(_) => {
            wrong_type(node, what, findings);
            return None;
        }
    };
    let n_characters = text.chars().count();
    if text.trim().is_empty() {
        findings.report(code::TEXT_LENGTH, node.span, format!("{what} is empty"));
        return None;
    }
    if n_characters > characters_max {
        let message =
            format!("{what} has {n_characters} characters, and {characters_max} are allowed");
        findings.report(code::TEXT_LENGTH, node.span, message);
        return None;
    }
    Some(text)
}

pub fn boolean(node: &Node, findings: &mut Findings<'_>) -> Option<bool> {
    if let Kind::Bool(value) = node.kind {
        return Some(value);
    }
    wrong_type(node, "`true` or `false`", findings);
    let meant = match node.as_key() {
        Some("yes" | "on" | "Yes" | "On" | "YES" | "ON") => Some("true"),
        Some("no" | "off" | "No" | "Off" | "NO" | "OFF") => Some("false"),
        _ => None,
    };
    if let (Some(meant), Some(diagnostic)) = (meant, findings.diagnostics.last_mut()) {
        diagnostic.help(format!("write `{meant}`"));
    }
    None
}

/// A whole number within `least..=most`.
pub fn whole_number(
    node: &Node,
    least: u32,
    most: u32,
    findings: &mut Findings<'_>,
) -> Option<u32> {
    let Kind::Number { text, .. } = &node.kind else {
        wrong_type(node, "a whole number", findings);
        return None;
    };
    let number = text.parse().ok();
    if let Some(number) = number.filter(|it| (least..=most).contains(it)) {
        return Some(number);
    }
    findings.report(
        code::OUT_OF_RANGE,
        node.span,
        format!("expected a whole number from {least} to {most}"),
    );
    None
}

/// What the word means, which must be one of `words`.
pub fn word<T: Copy>(
    node: &Node,
    what: &str,
    words: &[(&'static str, T)],
    findings: &mut Findings<'_>,
) -> Option<T> {
    let names = || words.iter().map(|(name, _)| *name);
    let Some(written) = node.as_key() else {
        let known = names().collect::<Vec<_>>().join("`, `");
        wrong_type(node, &format!("{what} (one of `{known}`)"), findings);
        return None;
    };
    let meaning = words.iter().find(|(name, _)| *name == written);
    if meaning.is_none() {
        let known = names().collect::<Vec<_>>().join("`, `");
        findings
            .report(
                code::UNKNOWN_WORD,
                node.span,
                format!("`{}` is not {what}", shown(written)),
            )
            .did_you_mean(suggest::closest(written, names()))
            .note(format!("known here: `{known}`"));
    }
    meaning.map(|(_, meaning)| *meaning)
}
