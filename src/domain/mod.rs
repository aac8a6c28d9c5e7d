//! The nouns of the house, and their laws: plain data, no I/O, no clock.
//!
//! Every other module speaks in these words; none of them is repeated elsewhere under another name.

pub mod answers;
pub mod capabilities;
pub mod catalogue;
pub mod command;
pub mod device;
pub mod event;
pub mod http;
pub mod id;
pub mod legacy;
pub mod lifecycle;
pub mod retry;
pub mod secret;
pub mod setting;
pub mod unit;
pub mod value;
pub mod writing;
