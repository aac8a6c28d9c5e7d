//! How the words of the language are listed: each with its meaning, its keys and an example.
//!
//! The lists themselves stand beside what reads them; from them come the known keys, the reference
//! and what editors offer.

use super::decode::Reserved;
use kind::Kind;

pub mod durations;
pub mod kind;
pub mod schema;

/// A word that begins a block (`trigger: time`) or names one (`retry:`).
#[derive(Debug)]
pub struct Word {
    pub name: &'static str,
    /// As in "this trigger has no such key".
    pub what: &'static str,
    pub meaning: &'static str,
    /// In groups, since some are shared by many words.
    pub keys: &'static [&'static [Key]],
    /// Which keys need each other, beyond those that must be there in any case.
    pub together: &'static [Together],
    /// Words that are answered better than with "unknown", in groups.
    pub reserved: &'static [&'static [(&'static str, Reserved)]],
    /// A block that is right, as a test checks.
    pub example: &'static str,
}

/// A key of a block.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    pub name: &'static str,
    /// What stands behind it.
    pub kind: Kind,
    pub need: Need,
    pub meaning: &'static str,
    /// Whether it has an effect in this version, or is checked only.
    pub works: bool,
}

/// Whether a key must be there, and what its absence means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    Required,
    Optional,
    /// What could be written, to the same effect.
    Default(&'static str),
}

/// Keys that need each other. Several keys in one set stand for all of them.
#[derive(Clone, Copy, Debug)]
pub enum Together {
    /// At least one of these sets.
    Some(&'static [&'static [&'static str]]),
    /// Exactly one of these sets, and nothing of the others.
    One(&'static [&'static [&'static str]]),
    /// The first has a meaning only beside the second.
    Beside(&'static str, &'static str),
}

/// A word without keys, for `Word { keys, ..word(…) }`.
pub const fn word(name: &'static str, what: &'static str, meaning: &'static str) -> Word {
    Word {
        name,
        what,
        meaning,
        keys: &[],
        together: &[],
        reserved: &[],
        example: "",
    }
}

/// A key that may be left out.
pub const fn optional(name: &'static str, kind: Kind, meaning: &'static str) -> Key {
    Key {
        name,
        kind,
        need: Need::Optional,
        meaning,
        works: true,
    }
}

/// A key that must be there.
pub const fn required(name: &'static str, kind: Kind, meaning: &'static str) -> Key {
    Key {
        need: Need::Required,
        ..optional(name, kind, meaning)
    }
}

/// A key whose absence means `default`.
pub const fn defaulting(
    name: &'static str,
    kind: Kind,
    default: &'static str,
    meaning: &'static str,
) -> Key {
    Key {
        need: Need::Default(default),
        ..optional(name, kind, meaning)
    }
}

/// A key that is checked and has no effect in this version.
pub const fn later(key: Key) -> Key {
    Key {
        works: false,
        ..key
    }
}

impl Word {
    pub fn each_key(&self) -> impl Iterator<Item = &'static Key> {
        self.keys.iter().flat_map(|it| it.iter())
    }

    /// The names of its keys.
    pub fn known(&self) -> Vec<&'static str> {
        self.each_key().map(|it| it.name).collect()
    }

    pub fn reserved(&self) -> Vec<(&'static str, Reserved)> {
        self.reserved.concat()
    }
}

/// As a sentence begins.
pub fn capitalized(text: &str) -> String {
    let mut characters = text.chars();
    match characters.next() {
        Some(first) => first.to_uppercase().chain(characters).collect(),
        None => String::new(),
    }
}
