//! The JSON of Amps, as far as webhooks and answers share it. Pure, so that tests of rules read the webhooks that
//! the intake reads.

pub(crate) mod capabilities;
pub mod envelope;
pub(crate) mod fields;
