//! (empty)

pub mod envelope;
pub mod signature;
