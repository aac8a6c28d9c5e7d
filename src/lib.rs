#![doc = include_str!("README.md")]

// The layers, ground first; `tests/tidy.rs` holds their order.
pub mod domain;

pub mod amps_json;
pub mod clock;
pub mod document;

pub mod config;

pub mod rules;

pub mod engine;

pub mod rule_tests;

pub mod replay;

mod http_client;
mod input_json;

pub mod device_api;
pub mod notify;
pub mod store;

mod worker;

mod alarms;
mod clock_watch;
mod delivery;
mod evaluation;
mod housekeeping;
pub mod intake;
mod readings;
mod tracking;

mod reload;

mod control;
pub mod simulator;

pub mod app;

pub mod cli;

/// Days of a home in virtual time. Among the suites, and part of the library: it takes the stages apart.
#[cfg(test)]
#[path = "../tests/simulation/mod.rs"]
mod simulation;
