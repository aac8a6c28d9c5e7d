//! Tests of rules: a home without network or disk around the pure engine, its clock wound by hand.
//!
//! Everything is checked when a file is read, so that a test that runs can only fail by what the rules do.
//! What the engine asks for is carried out by a small model of the stages: one open push for each device,
//! retries as the rule asks for them, reports when the test sends them.

use std::sync::Arc;

use crate::config::names::Names;
use crate::rules::rule::RuleSet;

use coverage::Coverage;
use report::TestReport;
use test::Test;

mod compare;
pub mod coverage;
mod expected;
mod inputs;
mod outbox;
pub mod parse;
mod planned;
pub mod report;
mod rows;
mod run;
mod since;
mod test;
mod trace;
mod web;
mod world;
mod writes;

/// The tests of one file.
#[derive(Debug, Default)]
pub struct Suite {
    pub file: Arc<str>,
    tests: Vec<Test>,
}

impl Suite {
    pub fn is_empty(&self) -> bool {
        self.tests.is_empty()
    }

    /// Keeps the tests whose name, or the name of whose file, contains `text`.
    pub fn retain(&mut self, text: &str) {
        let of_file = self.file.contains(text);
        self.tests.retain(|it| of_file || it.name.contains(text));
    }

    /// Runs every test on `rules`, each in a home of its own. What the tests reached is noted in `coverage`.
    pub fn run(&self, rules: &RuleSet, names: &Names, coverage: &mut Coverage) -> Vec<TestReport> {
        let tests = self.tests.iter();
        tests
            .map(|test| TestReport {
                place: test.place.clone(),
                name: test.name.clone(),
                failure: run::run(test, rules, names, coverage),
            })
            .collect()
    }
}
