//! What came of the tests: data, and how people and programs read it.

use crate::rule_tests::coverage::CoverageReport;
use crate::rules::rule::Place;

pub mod json;
pub mod junit;
pub mod text;

/// What came of all tests.
#[derive(Debug)]
pub struct Report {
    /// File by file.
    pub tests: Vec<TestReport>,
    /// Where somebody asked for it.
    pub coverage: Option<CoverageReport>,
}

/// What came of one test.
#[derive(Debug)]
pub struct TestReport {
    pub place: Place,
    pub name: String,
    pub failure: Option<Failure>,
}

/// The first thing that was not as it should be.
#[derive(Debug)]
pub struct Failure {
    /// The step that found it.
    pub place: Place,
    /// What the clocks of the home showed.
    pub at: String,
    pub problem: String,
    /// What was expected beside what happened; empty when the step itself could not be done.
    pub rows: Vec<Row>,
    /// What the rules were shown since the last `expect`, and what they made of it; a line each.
    pub trace: Vec<String>,
}

/// One thing that should have happened, or did, or both.
#[derive(Debug)]
pub struct Row {
    pub expected: Option<String>,
    pub happened: Option<String>,
    pub is_same: bool,
}

impl Report {
    pub fn n_failed(&self) -> usize {
        self.tests.iter().filter(|it| it.failure.is_some()).count()
    }

    pub fn n_passed(&self) -> usize {
        self.tests.len() - self.n_failed()
    }

    /// The tests of each file.
    fn by_file(&self) -> impl Iterator<Item = &[TestReport]> {
        self.tests.chunk_by(|a, b| a.place.file == b.place.file)
    }
}
