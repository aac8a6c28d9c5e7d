//! The suites, each with the promise it keeps.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

/// A broken `home.yaml` or rule file is answered with place, reason and remedy.
mod diagnostics;
/// Rule text to checked rules.
mod language;
/// Every signature case decides as the contract says.
mod signature;
/// The pretend Amps does what the documents say of the real one.
mod simulator;
/// What a reviewer should not have to check by eye.
mod tidy;
