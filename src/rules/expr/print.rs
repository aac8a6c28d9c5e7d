//! A tree as text: with one space around operators and only the parentheses that it needs.
//!
//! What is printed and parsed again is the same tree.

use std::fmt;

use super::tree::{Node, NodeKind, Operator, precedence};
use super::value::{exact, show_time};

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(self, precedence::IF, f)
    }
}

/// Prints `node` where only what binds as tightly as `least` may stand without parentheses.
fn print(node: &Node, least: u8, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if own_precedence(&node.kind) < least {
        f.write_str("(")?;
        bare(&node.kind, f)?;
        return f.write_str(")");
    }
    bare(&node.kind, f)
}

fn own_precedence(kind: &NodeKind) -> u8 {
    match kind {
        NodeKind::If { .. } => precedence::IF,
        NodeKind::Not(_) => precedence::NOT,
        NodeKind::Negate(_) => precedence::SIGN,
        NodeKind::Binary { operator, .. } => operator.precedence(),
        NodeKind::Unknown
        | NodeKind::Bool(_)
        | NodeKind::Number { .. }
        | NodeKind::Text(_)
        | NodeKind::Duration(_)
        | NodeKind::Time(_)
        | NodeKind::Name(_)
        | NodeKind::List(_)
        | NodeKind::Call { .. } => precedence::ATOM,
    }
}

fn bare(kind: &NodeKind, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match kind {
        NodeKind::Unknown => f.write_str("unknown"),
        NodeKind::Bool(value) => write!(f, "{value}"),
        NodeKind::Number { value, unit: None } => f.write_str(&exact(*value)),
        NodeKind::Number {
            value,
            unit: Some(unit),
        } => write!(f, "{} {}", exact(*value), unit.symbol()),
        NodeKind::Text(text) => quoted(text, f),
        NodeKind::Duration(duration) => {
            f.write_str(&crate::document::duration::display(duration.unsigned_abs()))
        }
        NodeKind::Time(time) => f.write_str(&show_time(*time)),
        NodeKind::Name(words) => {
            let words: Vec<&str> = words.iter().map(|it| it.text.as_str()).collect();
            f.write_str(&words.join("."))
        }
        NodeKind::List(items) => {
            f.write_str("[")?;
            separated(items, f)?;
            f.write_str("]")
        }
        NodeKind::Not(of) => {
            f.write_str("not ")?;
            print(of, precedence::NOT, f)
        }
        NodeKind::Negate(of) => {
            f.write_str("-")?;
            print(of, precedence::SIGN, f)
        }
        NodeKind::Binary {
            operator,
            left,
            right,
            ..
        } => binary(*operator, left, right, f),
        NodeKind::If {
            then,
            condition,
            otherwise,
        } => {
            print(then, precedence::OR, f)?;
            f.write_str(" if ")?;
            print(condition, precedence::OR, f)?;
            f.write_str(" else ")?;
            print(otherwise, precedence::IF, f)
        }
        NodeKind::Call {
            function,
            arguments,
        } => {
            write!(f, "{}(", function.text)?;
            separated(arguments, f)?;
            f.write_str(")")
        }
    }
}

fn binary(
    operator: Operator,
    left: &Node,
    right: &Node,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let own = operator.precedence();
    // Comparisons do not chain, so that neither side may be one.
    let is_comparison = own == precedence::COMPARISON;
    print(left, own + u8::from(is_comparison), f)?;
    write!(f, " {} ", operator.symbol())?;
    print(right, own + 1, f)
}

fn separated(items: &[Node], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (position, item) in items.iter().enumerate() {
        if position > 0 {
            f.write_str(", ")?;
        }
        print(item, precedence::IF, f)?;
    }
    Ok(())
}

fn quoted(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("\"")?;
    for c in text.chars() {
        match c {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\t' => f.write_str("\\t")?,
            other => write!(f, "{other}")?,
        }
    }
    f.write_str("\"")
}
