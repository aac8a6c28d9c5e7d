//! The home's settings, resolved and checked: plain data.
//!
//! The only place that looks at the environment, and the one that reads the files of a home.

pub mod home;
