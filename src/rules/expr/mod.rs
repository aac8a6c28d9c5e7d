//! The expressions of the language: `{{ house_battery.level > 80 % and input.grid_price < 0.2 }}`.
//!
//! Small and total: no loops, no assignment, no I/O. An expression is read into a [`tree`], checked
//! against a [`scope::Scope`] into a flat [`program::Checked`], and asked by [`eval`] as often as one likes.
//! Whatever was checked has an answer, which may be unknown; asking costs at most a step for each part.

mod calculate;
pub mod check;
pub mod eval;
pub mod functions;
pub mod kind;
mod lexer;
pub mod parser;
mod print;
pub mod program;
pub mod scope;
pub mod series;
pub mod template;
pub mod tree;
pub mod value;
pub mod written;

use crate::document::places::Places;
use crate::document::source::Span;

/// The longest text of one expression.
pub const SOURCE_BYTES_MAX: usize = 4096;

/// How many parts may stand inside each other. What a person understands has five.
pub const DEPTH_MAX: usize = 64;

/// How many values, names, operators and calls one expression may have.
pub const NODES_MAX: usize = 500;

/// The longest list that can be written.
pub const LIST_MAX: usize = 100;

/// The most values that a function is given.
pub const ARGUMENTS_MAX: usize = 20;

/// The longest text that an expression gives; a longer one is unknown.
pub const TEXT_BYTES_MAX: usize = 4096;

/// An expression in the text of a YAML value.
#[derive(Clone, Copy, Debug)]
pub struct Excerpt<'a> {
    pub text: &'a str,
    /// Where `text` begins in the text of the value.
    pub offset: usize,
    /// Of the text of the value.
    pub places: &'a Places,
}

impl<'a> Excerpt<'a> {
    /// The whole text of a value.
    pub fn whole(text: &'a str, places: &'a Places) -> Self {
        Self {
            text,
            offset: 0,
            places,
        }
    }

    /// The part `start..end` of it.
    #[must_use]
    pub fn part(self, start: usize, end: usize) -> Self {
        Self {
            text: &self.text[start..end],
            offset: self.offset + start,
            places: self.places,
        }
    }

    /// What stands in the file for the bytes `start..end` of the text.
    pub fn span(self, start: usize, end: usize) -> Span {
        self.places.span(self.offset + start, self.offset + end)
    }
}
