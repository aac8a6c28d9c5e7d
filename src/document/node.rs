//! A YAML document as a tree in which every value knows its place.
//!
//! YAML 1.2, read narrowly: `on`, `off`, `yes`, `no`, `007`, `0x1F`, `1_000` and `.inf` are text.

use super::source::Span;

#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    pub kind: Kind,
    /// From the first to the last character; empty for a value that is not there.
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    Null,
    Bool(bool),
    Number {
        value: f64,
        /// As it was written.
        text: String,
    },
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
    /// `!secret NAME`
    Secret(String),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub key: Node,
    pub value: Node,
}

impl Kind {
    /// What an unquoted word means.
    pub fn of_plain(text: &str) -> Self {
        match text {
            "" | "~" | "null" | "Null" | "NULL" => Self::Null,
            "true" | "True" | "TRUE" => Self::Bool(true),
            "false" | "False" | "FALSE" => Self::Bool(false),
            _ => match number(text) {
                Some(value) => Self::Number {
                    value,
                    text: text.to_owned(),
                },
                None => Self::Text(text.to_owned()),
            },
        }
    }

    /// As in "expected text, found a list".
    pub fn name(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "true or false",
            Self::Number { .. } => "a number",
            Self::Text(_) => "text",
            Self::List(_) => "a list",
            Self::Map(_) => "a block of keys and values",
            Self::Secret(_) => "a secret",
        }
    }
}

impl Node {
    /// The key this node is, if it can be one.
    pub fn as_key(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) | Kind::Number { text, .. } => Some(text),
            Kind::Bool(true) => Some("true"),
            Kind::Bool(false) => Some("false"),
            Kind::Null | Kind::List(_) | Kind::Map(_) | Kind::Secret(_) => None,
        }
    }

    /// A short place that stands for the whole: the first key of a block, the value itself otherwise.
    pub fn head(&self) -> Span {
        match &self.kind {
            Kind::Map(entries) => entries.first().map_or(self.span, |it| it.key.head()),
            Kind::List(items) => items.first().map_or(self.span, Self::head),
            Kind::Null | Kind::Bool(_) | Kind::Number { .. } | Kind::Text(_) | Kind::Secret(_) => {
                self.span
            }
        }
    }

    /// The items of a list; anything else is a list of one, as the language allows it to be written.
    pub fn items(&self) -> &[Self] {
        match &self.kind {
            Kind::List(items) => items,
            Kind::Null
            | Kind::Bool(_)
            | Kind::Number { .. }
            | Kind::Text(_)
            | Kind::Map(_)
            | Kind::Secret(_) => std::slice::from_ref(self),
        }
    }
}

/// Digits with at most a sign, a fraction and an exponent; no leading zeros, which people mean as text.
pub fn number(text: &str) -> Option<f64> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let whole = digits.bytes().take_while(u8::is_ascii_digit).count();
    if whole == 0 || (whole > 1 && digits.starts_with('0')) {
        return None;
    }
    let allowed = |c: char| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-');
    if !digits.chars().all(allowed) {
        return None;
    }
    text.parse().ok().filter(|it: &f64| it.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_mean_as_text_is_text() {
        for text in [
            "on", "off", "yes", "no", "007", "1_000", "0123", "0x1F", ".inf", "1e999", "5m", "-",
        ] {
            assert_eq!(Kind::of_plain(text), Kind::Text(text.to_owned()));
        }
    }

    #[test]
    fn numbers_are_numbers() {
        for (text, value) in [("0", 0.0), ("-1.5", -1.5), ("90", 90.0), ("1e3", 1000.0)] {
            assert_eq!(number(text), Some(value), "{text}");
        }
    }
}
