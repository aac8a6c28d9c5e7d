//! A checked expression: steps of a stack machine, in order. Plain data without places, so that it can
//! be stored with the rule and does not change when the rule moves within its file.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::device::Device;

use super::functions::Function;
use super::kind::{Conversion, Kind};
use super::scope::Root;
use super::tree::Operator;
use super::value::Value;

/// An expression in which every name leads somewhere and every type fits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Checked {
    /// As it would be printed.
    pub text: String,
    pub kind: Kind,
    pub(super) steps: Vec<Step>,
}

/// Takes values from the top of the stack and puts one there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Step {
    Push(Value),
    /// What is known of it; what is not of this kind is unknown.
    Read {
        source: Source,
        kind: Kind,
    },
    /// How long ago it was true.
    Age(Source),
    /// Of so many values.
    List(usize),
    Not,
    Negate,
    Binary(Operator),
    /// Takes `then`, `condition`, `otherwise`.
    Choose,
    Convert(Conversion),
    /// As text, numbers with this behind them.
    Show(Option<String>),
    Call {
        function: Function,
        count: usize,
    },
    /// A function over the series of an input; takes the values after the series.
    Series {
        function: Function,
        input: String,
        count: usize,
    },
    /// So many texts, one behind the other, as a template has them.
    Concatenate(usize),
}

/// Something outside that an expression depends on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    Attribute {
        device: Device,
        attribute: String,
        /// Older than this is unknown.
        max_age: Duration,
    },
    Input {
        name: String,
        max_age: Option<Duration>,
    },
    /// `trigger.result`: what the run knows.
    Field { root: Root, name: String },
}

impl Checked {
    /// What it reads, in order; what it reads twice comes twice.
    pub fn reads(&self) -> impl Iterator<Item = Read<'_>> {
        self.steps.iter().filter_map(|step| match step {
            Step::Read { source, kind } => Some(Read::Value { source, kind }),
            Step::Age(source) => Some(Read::Age { source }),
            Step::Series { input, .. } => Some(Read::Series { input }),
            Step::Call { function, .. } if *function == Function::Now => Some(Read::Now),
            Step::Push(_)
            | Step::List(_)
            | Step::Not
            | Step::Negate
            | Step::Binary(_)
            | Step::Choose
            | Step::Convert(_)
            | Step::Show(_)
            | Step::Call { .. }
            | Step::Concatenate(_) => None,
        })
    }

    /// The value, when it is the same whatever happens and needs no calculation.
    pub fn constant(&self) -> Option<&Value> {
        match &self.steps[..] {
            [Step::Push(value)] => Some(value),
            _ => None,
        }
    }
}

/// A thing that an expression reads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Read<'c> {
    Value {
        source: &'c Source,
        kind: &'c Kind,
    },
    /// When it was read matters, whatever its age.
    Age {
        source: &'c Source,
    },
    Series {
        input: &'c str,
    },
    Now,
}
