//! `check`: all problems of all files in one go.

use std::io::Write;
use std::path::Path;

use crate::cli::Exit;
use crate::cli::arguments::{CheckArguments, Deny, LogFormat};
use crate::cli::console::Console;
use crate::config;
use crate::config::environment::Environment;
use crate::document::render::{self, Style};
use crate::rules;

pub(super) fn check(
    dir: &Path,
    arguments: &CheckArguments,
    console: &mut Console,
) -> anyhow::Result<Exit> {
    let home = config::load(dir, &Environment::of_process());
    let (files, unreadable) = if arguments.paths.is_empty() {
        config::rule_files(dir)
    } else {
        config::files_at(&arguments.paths)
    };
    let loaded = rules::load(&files, &home.names);
    let n_rules = loaded.rules.rules.len();

    let mut diagnostics = home.diagnostics;
    diagnostics.extend(unreadable);
    diagnostics.extend(loaded.diagnostics);
    let mut sources = home.sources;
    sources.extend(files);
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

fn count(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}
