//! The rule language: text to checked rules, or to diagnostics. Pure.

pub mod rule;
