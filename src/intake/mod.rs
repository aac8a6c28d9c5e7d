//! (empty)

pub mod signature;
