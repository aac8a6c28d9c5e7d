//! What a person wrote, with places: files, positioned YAML, and what is wrong with it.
//!
//! Knows nothing of homes or rules; those decode a [`node::Node`] by hand and collect every problem they meet.

pub mod code;
pub mod decode;
pub mod diagnostic;
pub mod duration;
pub mod format;
pub mod json;
pub mod node;
pub mod pages;
pub mod places;
mod precheck;
pub mod reader;
pub mod render;
pub mod source;
pub mod suggest;
mod syntax;
pub mod vocabulary;
