//! `check`: all problems of all files in one go.

use std::io::Write;
use std::path::Path;

use crate::cli::Exit;
use crate::cli::arguments::{CheckArguments, Deny, LogFormat};
use crate::cli::console::Console;
use crate::cli::test::bench::{self, Gathered};
use crate::config;
use crate::config::environment::Environment;
use crate::document::diagnostic::Diagnostic;
use crate::document::render::{self, Style};
use crate::document::source::SourceFile;
use crate::rules;

pub(super) fn check(
    dir: &Path,
    arguments: &CheckArguments,
    console: &mut Console,
) -> anyhow::Result<Exit> {
    let home = config::load(dir, &Environment::of_process());
    let (mut files, unreadable) = if arguments.paths.is_empty() {
        config::rule_files(dir)
    } else {
        config::files_at(&arguments.paths)
    };
    files.retain(|it| !config::is_test_file(&it.name) || arguments.paths.is_empty());
    let loaded = rules::load(&files, &home.names);
    // Rules that were not asked about may use what the others do not.
    let is_whole = arguments.paths.is_empty() && unreadable.is_empty();
    let on_inputs = if is_whole {
        rules::advice_on_inputs(&loaded, &home.names)
    } else {
        Vec::new()
    };
    let n_rules = loaded.rules.rules.len();

    // What tests are about has to be right before they are looked at.
    let is_right =
        bench::is_usable(&home.diagnostics) && !loaded.diagnostics.iter().any(Diagnostic::is_error);
    let mut diagnostics = home.diagnostics;
    diagnostics.extend(on_inputs);
    diagnostics.extend(unreadable);
    diagnostics.extend(loaded.diagnostics);
    let mut sources = home.sources;
    let gathered = if !arguments.paths.is_empty() {
        bench::gather(dir, &arguments.paths)
    } else if is_right {
        bench::of_home(dir, home.names, loaded.rules, &files)
    } else {
        bench::untested(dir)
    };
    sources.extend(files);
    add(gathered, &mut diagnostics, &mut sources);
    match arguments.format {
        LogFormat::Json => writeln!(console.out, "{}", render::json(&diagnostics, &sources))?,
        LogFormat::Text => {
            let style = if console.is_colourful {
                Style::Colored
            } else {
                Style::Plain
            };
            write!(
                console.out,
                "{}",
                render::text(&diagnostics, &sources, style)
            )?;
        }
    }
    let n_errors = diagnostics.iter().filter(|it| it.is_error()).count();
    let n_warnings = diagnostics.len() - n_errors;
    writeln!(
        console.err,
        "{} and {} in {}; {} can run",
        count(n_errors, "error"),
        count(n_warnings, "warning"),
        count(sources.len(), "file"),
        count(n_rules, "rule"),
    )?;
    let denied = matches!(arguments.deny, Some(Deny::Warnings)) && 0 < n_warnings;
    Ok(if 0 < n_errors || denied {
        Exit::Findings
    } else {
        Exit::Done
    })
}

/// Adds what is wrong with the tests of the rules, and has not been told yet.
fn add(gathered: Gathered, diagnostics: &mut Vec<Diagnostic>, sources: &mut Vec<SourceFile>) {
    let is_new = |it: &Diagnostic| !diagnostics.contains(it);
    let new: Vec<_> = gathered.diagnostics.into_iter().filter(is_new).collect();
    diagnostics.extend(new);
    let is_new = |it: &SourceFile| sources.iter().all(|known| known.name != it.name);
    let new: Vec<_> = gathered.sources.into_iter().filter(is_new).collect();
    sources.extend(new);
}

pub(super) fn count(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}
