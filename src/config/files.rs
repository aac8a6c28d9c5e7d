//! Reading the files of a home: bounded, in name order, never outside of it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::config::{HOME_FILE, SECRETS_FILE};
use crate::document::code;
use crate::document::diagnostic::Diagnostic;
use crate::document::source::{FILE_BYTES_MAX, SourceFile, Span};

pub(super) const RULES_DIR: &str = "rules";
pub(super) const TESTS_DIR: &str = "tests";

/// The most rule files of a home.
pub(super) const RULE_FILES_MAX: usize = 1000;

/// How deep folders of rules may stand inside each other.
const FOLDER_DEPTH_MAX: usize = 8;

pub(super) fn read(path: &Path, name: &str) -> io::Result<SourceFile> {
    read_open(File::open(path)?, name)
}

/// At most one byte more than a file may have is read, whatever its size claims to be.
pub(super) fn read_open(file: File, name: &str) -> io::Result<SourceFile> {
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        let kind = io::ErrorKind::InvalidInput;
        return Err(io::Error::new(kind, "it is not a regular file"));
    }
    let mut bytes = Vec::new();
    let limit = FILE_BYTES_MAX as u64 + 1;
    file.take(limit).read_to_end(&mut bytes)?;
    if bytes.len() > FILE_BYTES_MAX {
        return Ok(SourceFile::too_large(name, metadata.len()));
    }
    Ok(SourceFile::from_bytes(name, &bytes))
}

pub(super) fn no_home(dir: &Path, error: &io::Error) -> Diagnostic {
    if error.kind() != io::ErrorKind::NotFound {
        return unreadable(HOME_FILE, error);
    }
    let place = SourceFile::new(HOME_FILE, "").location(Span::START);
    let message = format!("the folder `{}` holds no {HOME_FILE}", dir.display());
    let mut diagnostic = Diagnostic::new(code::UNREADABLE, place, message);
    diagnostic.help("name the folder of the home with `--home DIR`");
    diagnostic
}

/// `name` exists and cannot be read.
pub(super) fn unreadable(name: &str, error: &io::Error) -> Diagnostic {
    let place = SourceFile::new(name, "").location(Span::START);
    let message = format!("`{name}` cannot be read: {error}");
    Diagnostic::new(code::UNREADABLE, place, message)
}

pub(super) fn rules(dir: &Path) -> (Vec<SourceFile>, Vec<Diagnostic>) {
    let mut found = Found::default();
    found.below(dir, RULES_DIR);
    found.files.retain(|name, _| !is_test(name));
    read_all(found)
}

/// The files of tests alone: those below `tests/`, and those beside the rules that they test.
pub(super) fn tests(dir: &Path) -> (Vec<SourceFile>, Vec<Diagnostic>) {
    let mut found = Found::default();
    found.below(dir, RULES_DIR);
    found.files.retain(|name, _| is_test(name));
    // What is wrong with the folder of rules, whoever reads the rules tells.
    found.diagnostics.clear();
    found.below(dir, TESTS_DIR);
    read_all(found)
}

/// Whether a file beside rules holds tests of them: `car.test.yaml`.
pub(super) fn is_test(name: &str) -> bool {
    name.ends_with(".test.yaml") || name.ends_with(".test.yml")
}

/// The files that a person named, a folder standing for the rule files below it. Names are as typed.
pub(super) fn at(paths: &[PathBuf]) -> (Vec<SourceFile>, Vec<Diagnostic>) {
    read_all(named(paths))
}

/// What people write in a home, secrets aside, with the path of each file; links are followed.
pub(super) fn written(dir: &Path) -> (BTreeMap<String, PathBuf>, Vec<Diagnostic>) {
    let mut found = Found::default();
    found.below(dir, RULES_DIR);
    found.below(dir, TESTS_DIR);
    let home = dir.join(HOME_FILE);
    match fs::metadata(&home) {
        Ok(_) => drop(found.files.insert(HOME_FILE.to_owned(), home)),
        Err(error) => found.diagnostics.push(no_home(dir, &error)),
    }
    (found.files, found.diagnostics)
}

/// The same of files and folders that a person named.
pub(super) fn written_at(paths: &[PathBuf]) -> (BTreeMap<String, PathBuf>, Vec<Diagnostic>) {
    let found = named(paths);
    (found.files, found.diagnostics)
}

fn named(paths: &[PathBuf]) -> Found {
    let mut found = Found::default();
    for path in paths {
        let name = path.to_string_lossy();
        let name = name.trim_end_matches('/');
        if path.is_dir() {
            found.folder(path, name, 0);
        } else {
            found.files.insert(name.to_owned(), path.clone());
        }
    }
    found
}

/// Whether a path leads to a file of secrets, over links too.
pub(super) fn is_secret(path: &Path) -> bool {
    let target = path.canonicalize();
    let target = target.as_deref().unwrap_or(path);
    [path, target]
        .iter()
        .any(|it| it.file_name().is_some_and(|it| it == SECRETS_FILE))
}

fn read_all(found: Found) -> (Vec<SourceFile>, Vec<Diagnostic>) {
    let mut diagnostics = found.diagnostics;
    // Folders are listed in no order.
    diagnostics.sort_by(|a, b| a.primary.location.cmp(&b.primary.location));
    let mut sources = Vec::new();
    for (index, (name, path)) in found.files.iter().enumerate() {
        if index == RULE_FILES_MAX {
            let place = SourceFile::new(name, "").location(Span::START);
            let message = format!(
                "the home has {} rule files, and {RULE_FILES_MAX} are allowed",
                found.files.len()
            );
            let mut diagnostic = Diagnostic::new(code::TOO_MANY_FILES, place, message);
            diagnostic
                .help("this file and those after it are left out; put several rules in a file");
            diagnostics.push(diagnostic);
            break;
        }
        match read(path, name) {
            Ok(source) => sources.push(source),
            Err(error) => diagnostics.push(unreadable(name, &error)),
        }
    }
    (sources, diagnostics)
}

#[derive(Default)]
struct Found {
    /// The folder of the rules, without links in its path.
    root: PathBuf,
    /// By name relative to the home.
    files: BTreeMap<String, PathBuf>,
    diagnostics: Vec<Diagnostic>,
    n_entries: usize,
}

/// The most files and folders, of whatever kind, that are looked at.
const ENTRIES_MAX: usize = 10 * RULE_FILES_MAX;

impl Found {
    /// Everything in the folder `name` of the home, if it has one.
    fn below(&mut self, dir: &Path, name: &str) {
        let folder = dir.join(name);
        // A home without rules is a home; a link in place of the folder is the owner's own choice.
        if !folder.is_dir() {
            return;
        }
        match folder.canonicalize() {
            Ok(root) => {
                self.root = root;
                self.folder(&folder, name, 0);
            }
            Err(error) => self.diagnostics.push(unreadable(name, &error)),
        }
    }

    fn folder(&mut self, path: &Path, name: &str, depth: usize) {
        let entries = match fs::read_dir(path) {
            Ok(entries) => entries,
            Err(error) => return self.diagnostics.push(unreadable(name, &error)),
        };
        for entry in entries {
            self.n_entries += 1;
            if self.n_entries > ENTRIES_MAX {
                return;
            }
            match entry.and_then(|it| Ok((it.file_type()?, it))) {
                Ok((kind, entry)) => self.entry(&entry, kind, name, depth),
                Err(error) => self.diagnostics.push(unreadable(name, &error)),
            }
        }
    }

    fn entry(&mut self, entry: &fs::DirEntry, kind: fs::FileType, folder: &str, depth: usize) {
        let file_name = entry.file_name();
        let file_name = file_name.to_string_lossy();
        // Editors keep their own files beside ours, with a dot.
        if file_name.starts_with('.') {
            return;
        }
        let name = format!("{folder}/{file_name}");
        if is_secret(&entry.path()) {
            // A person who names a whole home does not mean them.
            if !self.root.as_os_str().is_empty() {
                let error = io::Error::other("it holds secrets, which belong beside home.yaml");
                self.diagnostics.push(unreadable(&name, &error));
            }
            return;
        }
        let is_yaml = file_name.ends_with(".yaml") || file_name.ends_with(".yml");
        let refused = if kind.is_symlink() {
            self.link(entry.path(), &name, is_yaml)
        } else if kind.is_dir() && depth < FOLDER_DEPTH_MAX {
            self.folder(&entry.path(), &name, depth + 1);
            Ok(())
        } else if kind.is_dir() {
            Err(io::Error::other("folders stand too deep inside each other"))
        } else {
            if kind.is_file() && is_yaml {
                self.files.insert(name.clone(), entry.path());
            }
            Ok(())
        };
        if let Err(error) = refused {
            self.diagnostics.push(unreadable(&name, &error));
        }
    }

    /// A link to another file of the rules is that file; everything else could lead anywhere.
    fn link(&mut self, path: PathBuf, name: &str, is_yaml: bool) -> io::Result<()> {
        let target = path.canonicalize()?;
        if target.is_dir() {
            return Err(io::Error::other("links to folders are not followed"));
        }
        if is_yaml && !target.starts_with(&self.root) {
            return Err(io::Error::other("it is a link that leads out of the rules"));
        }
        if is_yaml && target.is_file() {
            self.files.insert(name.to_owned(), target);
        }
        Ok(())
    }
}
