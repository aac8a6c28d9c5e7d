//! The report as programs read it. Fields are added, never renamed.

use serde::Serialize;

use crate::rule_tests::coverage::CoverageReport;
use crate::rule_tests::report::{Failure, Report, TestReport};

#[derive(Debug, Serialize)]
struct ReportRecord<'r> {
    passed: usize,
    failed: usize,
    tests: Vec<TestRecord<'r>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    coverage: Option<&'r CoverageReport>,
}

#[derive(Debug, Serialize)]
struct TestRecord<'r> {
    file: &'r str,
    line: usize,
    name: &'r str,
    passed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<FailureRecord<'r>>,
}

#[derive(Debug, Serialize)]
struct FailureRecord<'r> {
    file: &'r str,
    line: usize,
    at: &'r str,
    problem: &'r str,
    rows: Vec<RowRecord<'r>>,
    trace: &'r [String],
}

#[derive(Debug, Serialize)]
struct RowRecord<'r> {
    expected: Option<&'r str>,
    happened: Option<&'r str>,
    same: bool,
}

/// One JSON object, with a line end.
pub fn json(report: &Report) -> String {
    let record = ReportRecord {
        passed: report.n_passed(),
        failed: report.n_failed(),
        tests: report.tests.iter().map(test).collect(),
        coverage: report.coverage.as_ref(),
    };
    let text = serde_json::to_string_pretty(&record).expect("texts and numbers can be written");
    text + "\n"
}

fn test(test: &TestReport) -> TestRecord<'_> {
    TestRecord {
        file: &test.place.file,
        line: test.place.line,
        name: &test.name,
        passed: test.failure.is_none(),
        failure: test.failure.as_ref().map(failure),
    }
}

fn failure(failure: &Failure) -> FailureRecord<'_> {
    let rows = failure.rows.iter().map(|it| RowRecord {
        expected: it.expected.as_deref(),
        happened: it.happened.as_deref(),
        same: it.is_same,
    });
    FailureRecord {
        file: &failure.place.file,
        line: failure.place.line,
        at: &failure.at,
        problem: &failure.problem,
        rows: rows.collect(),
        trace: &failure.trace,
    }
}
