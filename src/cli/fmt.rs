//! `fmt`: writes the files of a home in one way. A file it does not understand stays as it is.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, fchown};
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::cli::Exit;
use crate::cli::arguments::FmtArguments;
use crate::cli::check::count;
use crate::cli::console::Console;
use crate::config;
use crate::document::format::{self, Refusal};

/// How many files.
#[derive(Default)]
struct Tally {
    changed: usize,
    settled: usize,
    refused: usize,
}

pub(super) fn fmt(
    dir: &Path,
    arguments: &FmtArguments,
    console: &mut Console,
) -> anyhow::Result<Exit> {
    if let Some(path) = arguments.paths.iter().find(|it| config::is_secret_file(it)) {
        writeln!(
            console.err,
            "error: `{}` holds secrets, and is never read or written by `fmt`",
            path.display()
        )?;
        return Ok(Exit::Usage);
    }
    let (files, unreadable) = if arguments.paths.is_empty() {
        config::written_files(dir)
    } else {
        config::written_files_at(&arguments.paths)
    };
    let mut tally = Tally {
        refused: unreadable.len(),
        ..Tally::default()
    };
    console.diagnostics(&unreadable, &[])?;
    // Links within the rules give one file several names.
    let mut seen = BTreeSet::new();
    for (name, path) in files {
        let path = path.canonicalize().unwrap_or(path);
        if seen.insert(path.clone()) {
            file(&name, &path, arguments, &mut tally, console)?;
        }
    }
    let verb = if arguments.check {
        "would change"
    } else {
        "changed"
    };
    writeln!(
        console.err,
        "{} {verb}, {} as it should be, {} not touched",
        count(tally.changed, "file"),
        tally.settled,
        tally.refused,
    )?;
    let is_found = 0 < tally.refused || (arguments.check && 0 < tally.changed);
    Ok(if is_found { Exit::Findings } else { Exit::Done })
}

fn file(
    name: &str,
    path: &Path,
    arguments: &FmtArguments,
    tally: &mut Tally,
    console: &mut Console,
) -> anyhow::Result<()> {
    let source = match config::read_written(path, name) {
        Ok(source) => source,
        Err(error) => {
            tally.refused += 1;
            return Ok(console.diagnostics(&[config::unreadable(name, &error)], &[])?);
        }
    };
    match format::format(&source) {
        Ok(text) if text == source.text => tally.settled += 1,
        Ok(text) => {
            if !arguments.check {
                replace(path, &text).with_context(|| format!("`{name}` cannot be written"))?;
            }
            tally.changed += 1;
            writeln!(console.out, "{name}")?;
        }
        Err(Refusal::Findings(diagnostics)) => {
            tally.refused += 1;
            console.diagnostics(&diagnostics, &[source])?;
        }
        Err(Refusal::Unsure(unsure)) => {
            tally.refused += 1;
            let (line, reason) = (unsure.line, unsure.reason);
            writeln!(
                console.err,
                "error: {name}:{line} is left as it is: {reason}"
            )?;
        }
    }
    Ok(())
}

/// Puts `text` in the place of the file at `path`: whoever looks, and whenever the power fails, there is
/// the old file or the new one.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().map_or_else(PathBuf::new, Path::to_owned);
    let old = fs::metadata(path)?;
    // A rename would not ask whether the file may be written.
    OpenOptions::new().write(true).open(path)?;
    let mut file = tempfile::Builder::new().prefix(".").tempfile_in(&folder)?;
    file.write_all(text.as_bytes())?;
    let new = file.as_file().metadata()?;
    if (new.uid(), new.gid()) != (old.uid(), old.gid()) {
        // As another user, who could then not edit the file any more, nothing is written.
        fchown(file.as_file(), Some(old.uid()), Some(old.gid()))?;
    }
    file.as_file().set_permissions(old.permissions())?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|it| it.error)?;
    File::open(&folder)?.sync_all()
}
