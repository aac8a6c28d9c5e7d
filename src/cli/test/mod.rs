//! `test`: the tests of rules, in a home without network or disk.

pub(super) mod bench;

use std::io::Write;
use std::path::Path;

use crate::cli::Exit;
use crate::cli::arguments::{TestArguments, TestFormat};
use crate::cli::console::Console;
use crate::document::diagnostic::Diagnostic;
use crate::document::render::Style;
use crate::rule_tests::coverage::Coverage;
use crate::rule_tests::report::{Report, json, junit, text};

use bench::{Bench, Gathered};

pub(super) fn test(
    dir: &Path,
    arguments: &TestArguments,
    console: &mut Console,
) -> anyhow::Result<Exit> {
    let mut gathered = bench::gather(dir, &arguments.paths);
    if gathered.diagnostics.iter().any(Diagnostic::is_error) {
        return refuse(&gathered, console);
    }
    if let Some(filter) = &arguments.filter {
        gathered
            .benches
            .iter_mut()
            .for_each(|it| it.suite.retain(filter));
    }
    if gathered.benches.iter().all(|it| it.suite.is_empty()) {
        writeln!(console.err, "{}", nothing_to_run(arguments))?;
        return Ok(Exit::Usage);
    }
    let report = run(&gathered.benches, arguments.coverage);
    match arguments.format {
        TestFormat::Text => {
            let style = if console.is_colourful {
                Style::Colored
            } else {
                Style::Plain
            };
            write!(console.out, "{}", text::text(&report, style))?;
        }
        TestFormat::Json => write!(console.out, "{}", json::json(&report))?,
        TestFormat::Junit => {
            write!(console.out, "{}", junit::junit(&report))?;
            // The format has no place for it.
            if let Some(coverage) = &report.coverage {
                write!(console.err, "{}", text::of_coverage(coverage))?;
            }
        }
    }
    Ok(if 0 < report.n_failed() {
        Exit::Findings
    } else {
        Exit::Done
    })
}

/// Nothing is run while a file is wrong: what passes then might not be what was written.
fn refuse(gathered: &Gathered, console: &mut Console) -> anyhow::Result<Exit> {
    let errors = gathered.diagnostics.iter().filter(|it| it.is_error());
    let errors: Vec<_> = errors.cloned().collect();
    console.diagnostics(&errors, &gathered.sources)?;
    writeln!(console.err, "no test was run")?;
    Ok(Exit::Usage)
}

fn nothing_to_run(arguments: &TestArguments) -> String {
    match &arguments.filter {
        Some(filter) => format!("no test has `{filter}` in its name or that of its file"),
        None => "there are no tests here; rules/README.md says how they are written".to_owned(),
    }
}

fn run(benches: &[Bench], with_coverage: bool) -> Report {
    let mut coverage = Coverage::default();
    for bench in benches {
        coverage.add(&bench.rules);
    }
    let tests = benches
        .iter()
        .flat_map(|it| it.suite.run(&it.rules, &it.names, &mut coverage))
        .collect();
    Report {
        tests,
        coverage: with_coverage.then(|| coverage.report()),
    }
}
