//! What can stand behind a key: told in prose for the reference, and exactly for editors.

use std::fmt;

use super::Word;

/// The most keys of a block that are told where it stands.
const KEYS_TOLD_MAX: usize = 4;

/// What can stand behind a key.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// `1`, the version of the language.
    Version,
    Boolean,
    /// A whole number, both bounds allowed.
    Whole {
        least: u32,
        most: Option<u32>,
    },
    /// A number, at most so far from zero.
    Number {
        most: Option<u32>,
    },
    /// Text of one form.
    Text(&'static Form),
    /// One of several words.
    Word(&'static dyn Words),
    /// The very word that the block begins with: `trigger: time`.
    Own,
    /// A block with the keys of a word.
    Block(&'static Word),
    /// A block that begins with one of several words.
    Begun(&'static Begun),
    /// A block whose keys are names.
    Lines(&'static Lines),
    /// A block of anything, with at least one of these keys.
    Open(&'static [&'static str]),
    /// A list of so many.
    List {
        of: &'static Self,
        least: usize,
        most: usize,
    },
    /// One without the dash of a list, or a list of so many.
    OneOrMany {
        of: &'static Self,
        least: usize,
        most: usize,
    },
    /// Any of these.
    Either(&'static [Self]),
    /// A text that is calculated: `"{{ … }}"`.
    Expression,
    /// `of`, which takes texts with expressions in them, and is told so: "also with expressions".
    Templated {
        of: &'static Self,
        told: &'static str,
    },
    /// What has a name of its own.
    Named(&'static Named),
    /// Nothing behind the colon.
    Nothing,
    /// Whatever YAML can say.
    Anything,
}

/// A kind that has a name, under which it can also stand inside itself.
pub struct Named {
    /// In one word, unique among all kinds.
    pub name: &'static str,
    /// As in "a trigger".
    pub one: &'static str,
    /// As in "a list of triggers".
    pub many: &'static str,
    /// Made when it is asked for, so that it can lead back to itself.
    pub kind: fn() -> Kind,
    /// As they are written in YAML.
    pub examples: &'static [&'static str],
}

/// Text that is written in one way.
#[derive(Debug)]
pub struct Form {
    /// As in "a time of day".
    pub one: &'static str,
    /// As in "a list of times".
    pub many: &'static str,
    pub pattern: Pattern,
    /// How to write it, for somebody who did not.
    pub help: &'static str,
    pub characters_max: Option<usize>,
    pub examples: &'static [&'static str],
}

/// A regular expression, as JSON Schema knows them.
#[derive(Clone, Copy, Debug)]
pub enum Pattern {
    Fixed(&'static str),
    /// Made from a list of words.
    Made(fn() -> String),
}

/// Blocks that begin with one of several words.
#[derive(Debug)]
pub struct Begun {
    /// The words that are named behind a key, as in `trigger: time`, with that key.
    pub named: Option<(&'static str, &'static [&'static Word])>,
    /// The words that are keys themselves, as in `log: text`.
    pub keys: &'static [&'static Word],
    /// Words of others that begin nothing here, with what to write instead.
    pub foreign: &'static [(&'static str, &'static str)],
}

/// Lines `NAME: value`.
#[derive(Debug)]
pub struct Lines {
    /// As in "lines `NAME: value`".
    pub told: &'static str,
    pub name: LineName,
    pub value: Kind,
    pub least: usize,
    pub most: Option<usize>,
}

/// What stands before the colon.
#[derive(Clone, Copy, Debug)]
pub enum LineName {
    Text(&'static Form),
    Word(&'static dyn Words),
}

/// A list of words, of which one is written.
pub trait Words: Sync {
    /// Each once, with its meaning where it has one to tell.
    fn each(&self) -> Vec<(&'static str, Option<String>)>;
}

/// The words of the table that a reader looks them up in.
impl<T: Sync> Words for &'static [(&'static str, T)] {
    fn each(&self) -> Vec<(&'static str, Option<String>)> {
        self.iter().map(|(word, _)| (*word, None)).collect()
    }
}

impl Words for &'static [&'static str] {
    fn each(&self) -> Vec<(&'static str, Option<String>)> {
        self.iter().map(|word| (*word, None)).collect()
    }
}

impl fmt::Debug for dyn Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.each()).finish()
    }
}

/// Its name alone: a kind can stand inside itself.
impl fmt::Debug for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Named").field(&self.name).finish()
    }
}

/// Text of any length that `pattern` fits.
pub const fn form(
    one: &'static str,
    many: &'static str,
    pattern: &'static str,
    help: &'static str,
) -> Form {
    Form {
        one,
        many,
        pattern: Pattern::Fixed(pattern),
        help,
        characters_max: None,
        examples: &[],
    }
}

/// A whole number from `least` to `most`.
pub const fn whole(least: u32, most: u32) -> Kind {
    Kind::Whole {
        least,
        most: Some(most),
    }
}

/// A kind that takes texts with expressions in them.
pub const fn templated(of: &'static Kind) -> Kind {
    let told = "also with expressions";
    Kind::Templated { of, told }
}

/// One, or a list of at least one and at most `most`.
pub const fn one_or_many(of: &'static Kind, most: usize) -> Kind {
    Kind::OneOrMany { of, least: 1, most }
}

impl Pattern {
    pub fn text(self) -> String {
        match self {
            Self::Fixed(text) => text.to_owned(),
            Self::Made(make) => make(),
        }
    }
}

impl Kind {
    /// As in "a trigger".
    pub fn one(&self) -> String {
        match self {
            Self::Version => "`1`".to_owned(),
            Self::Boolean => "`true` or `false`".to_owned(),
            Self::Whole {
                least,
                most: Some(most),
            } => format!("a number from {least} to {most}"),
            Self::Whole { most: None, .. } => "a whole number".to_owned(),
            Self::Number { most: Some(most) } => format!("a number from -{most} to {most}"),
            Self::Number { most: None } => "a number".to_owned(),
            Self::Text(form) => form.one.to_owned(),
            Self::Word(words) => alternatives(*words, " or "),
            Self::Own => "one of the words above".to_owned(),
            Self::Block(word) => {
                let keys = word.known();
                if keys.len() > KEYS_TOLD_MAX {
                    return format!("a block with the keys of {}", word.what);
                }
                format!("a block with `{}`", keys.join("`, `"))
            }
            Self::Begun(_) => "a block".to_owned(),
            Self::Lines(lines) => lines.told.to_owned(),
            Self::Open(keys) => format!("a block with {}", alternatives(keys, " or ")),
            Self::List { of, least, .. } if *least > 1 => {
                format!("a list of at least {least} {}", of.many())
            }
            Self::List { of, .. } => format!("a list of {}", of.many()),
            Self::OneOrMany { of, .. } => format!("one or a list of {}", of.many()),
            Self::Either(kinds) => {
                let kinds: Vec<_> = kinds.iter().map(Self::one).collect();
                kinds.join(", or ")
            }
            Self::Expression => "an expression".to_owned(),
            Self::Templated { of, told } => format!("{}, {told}", of.one()),
            Self::Named(named) => named.one.to_owned(),
            Self::Nothing => "nothing".to_owned(),
            Self::Anything => "any value".to_owned(),
        }
    }

    /// Whether `{{ }}` may stand right behind the key. What stands further in has keys of its own.
    pub fn takes_expressions(&self) -> bool {
        match self {
            Self::Expression | Self::Templated { .. } => true,
            Self::Either(kinds) => kinds.iter().any(Self::takes_expressions),
            Self::Named(named) => (named.kind)().takes_expressions(),
            Self::Version
            | Self::Boolean
            | Self::Whole { .. }
            | Self::Number { .. }
            | Self::Text(_)
            | Self::Word(_)
            | Self::Own
            | Self::Block(_)
            | Self::Begun(_)
            | Self::Lines(_)
            | Self::Open(_)
            | Self::List { .. }
            | Self::OneOrMany { .. }
            | Self::Nothing
            | Self::Anything => false,
        }
    }

    /// As in "a list of triggers".
    fn many(&self) -> String {
        match self {
            Self::Text(form) => form.many.to_owned(),
            Self::Named(named) => named.many.to_owned(),
            Self::Word(words) => alternatives(*words, ", "),
            Self::Expression => "expressions".to_owned(),
            Self::Templated { of, told } => format!("{}, {told}", of.many()),
            Self::Version
            | Self::Boolean
            | Self::Whole { .. }
            | Self::Number { .. }
            | Self::Own
            | Self::Block(_)
            | Self::Begun(_)
            | Self::Lines(_)
            | Self::Open(_)
            | Self::List { .. }
            | Self::OneOrMany { .. }
            | Self::Either(_)
            | Self::Nothing
            | Self::Anything => format!("items, each {}", self.one()),
        }
    }
}

/// `a`, `b` and `c`, with `last` before the last of them.
fn alternatives(words: &dyn Words, last: &str) -> String {
    let words = words.each();
    let words: Vec<_> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
    match words.split_last() {
        Some((only, [])) => only.clone(),
        Some((end, others)) => format!("{}{last}{end}", others.join(", ")),
        None => String::new(),
    }
}
