//! The home and its rules, from the folder, with everything that is wrong written to standard error.

use std::path::Path;

use crate::cli::console::Console;
use crate::config::environment::Environment;
use crate::config::home::Home;
use crate::config::{self, names::Names};
use crate::rules::{self, Loaded};

/// The settings of the home in `dir`; none when they are not usable, which has been explained then.
pub(super) fn settings(dir: &Path, console: &mut Console) -> anyhow::Result<Option<Home>> {
    let loaded = config::load(dir, &Environment::of_process());
    console.diagnostics(&loaded.diagnostics, &loaded.sources)?;
    Ok(loaded.home)
}

/// The rules of the home. Broken ones are explained and left out; the others run.
pub(super) fn rules(home: &Home, console: &mut Console) -> anyhow::Result<Loaded> {
    let (files, mut diagnostics) = config::rule_files(&home.dir);
    let loaded = rules::load(&files, &Names::of(home));
    diagnostics.extend(loaded.diagnostics.iter().cloned());
    console.diagnostics(&diagnostics, &files)?;
    Ok(loaded)
}
