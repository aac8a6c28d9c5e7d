//! The home's settings, resolved and checked: plain data.
//!
//! The only place that looks at the environment, and the one that reads the files of a home.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use crate::document::diagnostic::{Diagnostic, Findings};
use crate::document::reader;
use crate::document::source::SourceFile;

use environment::Environment;
use home::Home;
use names::Names;
use secrets::Secrets;

pub(crate) mod address;
mod decode;
mod devices;
pub mod environment;
mod files;
pub mod home;
mod hooks;
mod inputs;
pub mod keyring;
pub(crate) mod kinds;
mod limits;
pub mod names;
mod notifiers;
pub(crate) mod secrets;
pub mod words;

/// The name of the file that makes a folder a home.
pub const HOME_FILE: &str = "home.yaml";

const SECRETS_FILE: &str = "secrets.yaml";

/// What reading a home came to.
#[derive(Debug)]
pub struct Loaded {
    /// None when something that a running home needs is missing or wrong.
    pub home: Option<Home>,
    /// What rules may name: known even when secrets are missing, so that rules can be checked anywhere.
    pub names: Names,
    pub diagnostics: Vec<Diagnostic>,
    /// The files that the diagnostics point into.
    pub sources: Vec<SourceFile>,
}

/// Reads `home.yaml` and, where secrets are asked for, what `environment` and `secrets.yaml` know.
pub fn load(dir: &Path, environment: &Environment) -> Loaded {
    let mut diagnostics = Vec::new();
    let mut home_source = match files::read(&dir.join(HOME_FILE), HOME_FILE) {
        Ok(source) => source,
        Err(error) => {
            diagnostics.push(files::no_home(dir, &error));
            return Loaded {
                home: None,
                names: Names::default(),
                diagnostics,
                sources: vec![SourceFile::new(HOME_FILE, "")],
            };
        }
    };
    let (mut secrets, secrets_source) = Secrets::open(dir, environment, &mut diagnostics);
    let (home, names) = {
        let mut findings = Findings::new(&home_source);
        let node = reader::read(&mut findings);
        let decoded = node.as_ref().map_or_else(Default::default, |node| {
            decode::home(node, dir, &mut secrets, &mut findings)
        });
        decode::report_unbuilt(&mut findings);
        diagnostics.extend(findings.in_order());
        decoded
    };
    home_source.is_withheld = secrets::may_show(&home_source.text);
    let is_whole = diagnostics.iter().all(|it| !it.is_error());
    Loaded {
        home: home.filter(|_| is_whole),
        names,
        diagnostics,
        sources: std::iter::once(home_source).chain(secrets_source).collect(),
    }
}

/// The rule files of a home in the order of their names, and what kept others from being read.
pub fn rule_files(dir: &Path) -> (Vec<SourceFile>, Vec<Diagnostic>) {
    files::rules(dir)
}

/// Whether the folder of the rules is missing: it may be away for a moment, and nobody can tell what is in it.
pub fn is_without_rules(dir: &Path) -> bool {
    !dir.join(files::RULES_DIR).is_dir()
}

/// Whether the home in `dir` has a rule file `name`, readable or not; it has one if nobody can tell.
pub fn is_there(dir: &Path, name: &str) -> bool {
    is_without_rules(dir) || dir.join(name).try_exists().unwrap_or(true)
}

/// The files of a home that hold tests alone, in the order of their names.
pub fn test_files(dir: &Path) -> (Vec<SourceFile>, Vec<Diagnostic>) {
    files::tests(dir)
}

/// Whether the file holds tests alone: its name says so, or the folder that it is in.
pub fn is_test_file(name: &str) -> bool {
    let in_tests = || name.rsplit('/').nth(1) == Some(files::TESTS_DIR);
    is_beside_rules(name) || in_tests()
}

/// Whether the file holds tests of the rule file beside it: `car.test.yaml` of `car.yaml`.
pub fn is_beside_rules(name: &str) -> bool {
    files::is_test(name)
}

/// The files at `paths`, a folder standing for the rule files below it.
pub fn files_at(paths: &[PathBuf]) -> (Vec<SourceFile>, Vec<Diagnostic>) {
    files::at(paths)
}

/// The files of a home that people write and programs may rewrite, by their names; never secrets.
pub fn written_files(dir: &Path) -> (BTreeMap<String, PathBuf>, Vec<Diagnostic>) {
    files::written(dir)
}

/// The same of files and folders that a person named.
pub fn written_files_at(paths: &[PathBuf]) -> (BTreeMap<String, PathBuf>, Vec<Diagnostic>) {
    files::written_at(paths)
}

/// Whether `path` leads to a file of secrets.
pub fn is_secret_file(path: &Path) -> bool {
    files::is_secret(path)
}

/// A file that a person wrote, whose lines are not shown if they may hold a secret.
pub fn read_written(path: &Path, name: &str) -> io::Result<SourceFile> {
    let mut source = files::read(path, name)?;
    let is_home = path.file_name().is_some_and(|it| it == HOME_FILE);
    source.is_withheld = is_home && secrets::may_show(&source.text);
    Ok(source)
}

/// What to say of a file that cannot be read.
pub fn unreadable(name: &str, error: &io::Error) -> Diagnostic {
    files::unreadable(name, error)
}
