//! An expression as it is written, every part with its place in the file.
//!
//! Two trees are equal when they say the same, wherever they stand.

use jiff::SignedDuration;
use jiff::civil::Time;
use serde::{Deserialize, Serialize};

use crate::document::source::Span;
use crate::domain::unit::Unit;

/// A place, which does not count when trees are compared.
#[derive(Clone, Copy, Debug)]
pub struct At(pub Span);

impl PartialEq for At {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    pub kind: NodeKind,
    pub at: At,
}

/// A word of a name, or the name of a function.
#[derive(Clone, Debug, PartialEq)]
pub struct Word {
    pub text: String,
    pub at: At,
}

#[derive(Clone, Debug, PartialEq)]
pub enum NodeKind {
    Unknown,
    Bool(bool),
    /// Units of time make a `Duration`.
    Number {
        value: f64,
        unit: Option<Unit>,
    },
    Text(String),
    Duration(SignedDuration),
    Time(Time),
    /// `house_battery.level`; at least one word.
    Name(Vec<Word>),
    List(Vec<Node>),
    Not(Box<Node>),
    Negate(Box<Node>),
    Binary {
        operator: Operator,
        /// Of the operator itself.
        at: At,
        left: Box<Node>,
        right: Box<Node>,
    },
    /// `then if condition else otherwise`
    If {
        then: Box<Node>,
        condition: Box<Node>,
        otherwise: Box<Node>,
    },
    Call {
        function: Word,
        arguments: Vec<Node>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operator {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    AtMost,
    Greater,
    AtLeast,
    In,
    NotIn,
    Add,
    Subtract,
    Multiply,
    Divide,
}

/// How tightly words bind, as in Python and Jinja: `not a == b or c` is `(not (a == b)) or c`.
pub(super) mod precedence {
    pub(in crate::rules::expr) const IF: u8 = 0;
    pub(in crate::rules::expr) const OR: u8 = 1;
    pub(in crate::rules::expr) const AND: u8 = 2;
    pub(in crate::rules::expr) const NOT: u8 = 3;
    pub(in crate::rules::expr) const COMPARISON: u8 = 4;
    pub(in crate::rules::expr) const SUM: u8 = 5;
    pub(in crate::rules::expr) const PRODUCT: u8 = 6;
    pub(in crate::rules::expr) const SIGN: u8 = 7;
    pub(in crate::rules::expr) const ATOM: u8 = 8;
}

impl Operator {
    pub const ALL: [Self; 14] = [
        Self::Or,
        Self::And,
        Self::Equal,
        Self::NotEqual,
        Self::Less,
        Self::AtMost,
        Self::Greater,
        Self::AtLeast,
        Self::In,
        Self::NotIn,
        Self::Add,
        Self::Subtract,
        Self::Multiply,
        Self::Divide,
    ];

    pub fn symbol(self) -> &'static str {
        match self {
            Self::Or => "or",
            Self::And => "and",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::Greater => ">",
            Self::AtLeast => ">=",
            Self::In => "in",
            Self::NotIn => "not in",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
        }
    }

    pub(super) fn precedence(self) -> u8 {
        match self {
            Self::Or => precedence::OR,
            Self::And => precedence::AND,
            Self::Equal
            | Self::NotEqual
            | Self::Less
            | Self::AtMost
            | Self::Greater
            | Self::AtLeast
            | Self::In
            | Self::NotIn => precedence::COMPARISON,
            Self::Add | Self::Subtract => precedence::SUM,
            Self::Multiply | Self::Divide => precedence::PRODUCT,
        }
    }
}

impl Node {
    pub fn span(&self) -> Span {
        self.at.0
    }
}

impl Word {
    pub fn span(&self) -> Span {
        self.at.0
    }
}
