//! Which tests there are, and what each is run in: its home's names, and the rules that it is about.
//!
//! Tests in a rule file, and those of `NAME.test.yaml` beside `NAME.yaml`, are about the rules of that file
//! alone. Tests in `tests/` are about all rules of their home together.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::config;
use crate::config::environment::Environment;
use crate::config::names::Names;
use crate::document::code::{self, Code};
use crate::document::diagnostic::Diagnostic;
use crate::document::source::{Location, SourceFile, Span};
use crate::rule_tests::Suite;
use crate::rule_tests::parse::{self, FileKind};
use crate::rules;
use crate::rules::rule::RuleSet;

/// What is wrong with secrets does not matter here: nothing is sent anywhere.
const OF_SECRETS: [Code; 3] = [code::FILE_MODE, code::UNKNOWN_SECRET, code::UNUSABLE_SECRET];

/// The key of the tests in a rule file. Where the word is not, they are not.
const RULE_FILE_TESTS: &str = "tests";

/// Tests with all that they need.
pub(in crate::cli) struct Bench {
    pub(in crate::cli) suite: Suite,
    pub(in crate::cli) rules: Rc<RuleSet>,
    pub(in crate::cli) names: Rc<Names>,
}

#[derive(Default)]
pub(in crate::cli) struct Gathered {
    /// One for each file of tests, and one without tests for each whole home.
    pub(in crate::cli) benches: Vec<Bench>,
    pub(in crate::cli) diagnostics: Vec<Diagnostic>,
    pub(in crate::cli) sources: Vec<SourceFile>,
    /// What the names of files are relative to.
    base: PathBuf,
    /// Homes that were looked at, by folder.
    homes: BTreeMap<PathBuf, Rc<Names>>,
}

/// The tests of the home in `dir`, or those at `paths`.
pub(in crate::cli) fn gather(dir: &Path, paths: &[PathBuf]) -> Gathered {
    let mut gathered = Gathered::default();
    if paths.is_empty() {
        dir.clone_into(&mut gathered.base);
        let (rules, unreadable) = config::rule_files(dir);
        let (tests, more) = config::test_files(dir);
        gathered.diagnostics.extend(unreadable);
        gathered.diagnostics.extend(more);
        gathered.home(dir, rules, tests);
    }
    for path in paths {
        let is_home = path.join(config::HOME_FILE).is_file();
        if is_home {
            gathered.home_at(path);
        } else {
            gathered.files_at(path, dir);
        }
    }
    gathered
}

/// The tests of a home whose rules have been looked at and are right.
pub(in crate::cli) fn of_home(
    dir: &Path,
    names: Names,
    whole: RuleSet,
    rule_files: &[SourceFile],
) -> Gathered {
    let (tests, unreadable) = config::test_files(dir);
    let names = Rc::new(names);
    let mut gathered = Gathered {
        base: dir.to_owned(),
        homes: BTreeMap::from([(dir.to_owned(), Rc::clone(&names))]),
        diagnostics: unreadable,
        ..Gathered::default()
    };
    gathered.tests(dir, &names, &Rc::new(whole), rule_files, tests);
    gathered
}

/// The files of tests of a home whose rules are not right, unread.
pub(in crate::cli) fn untested(dir: &Path) -> Gathered {
    let (sources, diagnostics) = config::test_files(dir);
    Gathered {
        diagnostics,
        sources,
        ..Gathered::default()
    }
}

/// Whether tests can be run in a home that this is said of.
pub(in crate::cli) fn is_usable(diagnostics: &[Diagnostic]) -> bool {
    !diagnostics.iter().any(hinders)
}

fn hinders(diagnostic: &Diagnostic) -> bool {
    diagnostic.is_error() && !OF_SECRETS.contains(&diagnostic.code)
}

impl Gathered {
    /// A whole home, its files under the names that lead to them from here.
    fn home_at(&mut self, dir: &Path) {
        let mut below = |folder: &str| {
            let folder = dir.join(folder);
            let folders = if folder.is_dir() {
                vec![folder]
            } else {
                Vec::new()
            };
            let (files, unreadable) = config::files_at(&folders);
            self.diagnostics.extend(unreadable);
            files
        };
        let of_rules = below("rules").into_iter();
        let (mut tests, rules): (Vec<_>, Vec<_>) =
            of_rules.partition(|it| config::is_beside_rules(&it.name));
        tests.extend(below("tests"));
        self.home(dir, rules, tests);
    }

    fn home(&mut self, dir: &Path, rule_files: Vec<SourceFile>, tests: Vec<SourceFile>) {
        let Some(names) = self.names(dir, None) else {
            return;
        };
        let whole = self.load(&rule_files, &names);
        self.sources.extend(rule_files.iter().cloned());
        let Some(whole) = whole else {
            return self.sources.extend(tests);
        };
        self.tests(dir, &names, &whole, &rule_files, tests);
    }

    fn tests(
        &mut self,
        dir: &Path,
        names: &Rc<Names>,
        whole: &Rc<RuleSet>,
        rule_files: &[SourceFile],
        tests: Vec<SourceFile>,
    ) {
        // What no test is about counts as well.
        self.benches.push(Bench {
            suite: Suite::default(),
            rules: Rc::clone(whole),
            names: Rc::clone(names),
        });
        let tested: BTreeSet<String> = tests.iter().map(|it| beside(&it.name)).collect();
        let mut alone: BTreeMap<&str, Rc<RuleSet>> = BTreeMap::new();
        for file in rule_files {
            // Reading thousands of rules again takes as long as reading them once.
            let has_tests = file.text.contains(RULE_FILE_TESTS);
            if !has_tests && !tested.contains(file.name.as_ref()) {
                continue;
            }
            // What is wrong with it has been told with all the others.
            let rules = Rc::new(rules::load(std::slice::from_ref(file), names).rules);
            alone.insert(file.name.as_ref(), Rc::clone(&rules));
            self.bench(file, FileKind::Rules, &rules, names);
        }
        for file in &tests {
            if parse::home_of(file).is_some() {
                self.file(file, dir);
                continue;
            }
            let rules = if config::is_beside_rules(&file.name) {
                alone.get(beside(&file.name).as_str()).cloned()
            } else {
                Some(Rc::clone(whole))
            };
            match rules {
                Some(rules) => self.bench(file, FileKind::Tests, &rules, names),
                None => self.no_rules(file),
            }
        }
        self.sources.extend(tests);
    }

    /// Files and folders that are no home: the home is the one that a file names, or the one in `dir`.
    fn files_at(&mut self, path: &Path, dir: &Path) {
        let (files, unreadable) = config::files_at(&[path.to_owned()]);
        self.diagnostics.extend(unreadable);
        for file in files {
            self.file(&file, dir);
            self.sources.push(file);
        }
    }

    fn file(&mut self, file: &SourceFile, dir: &Path) {
        let is_test = config::is_test_file(&file.name);
        let own_home = is_test.then(|| parse::home_of(file)).flatten();
        let path = self.base.join(file.name.as_ref());
        let home = match &own_home {
            Some((home, _)) => path.parent().unwrap_or(Path::new("")).join(home),
            None => dir.to_owned(),
        };
        let Some(names) = self.names(&home, own_home.map(|(_, at)| at)) else {
            return;
        };
        if !is_test {
            if let Some(rules) = self.load(std::slice::from_ref(file), &names) {
                self.bench(file, FileKind::Rules, &rules, &names);
            }
            return;
        }
        let rule_files = if config::is_beside_rules(&file.name) {
            let path = self.base.join(beside(&file.name));
            if !path.is_file() {
                return self.no_rules(file);
            }
            config::files_at(&[path])
        } else {
            config::rule_files(&home)
        };
        self.diagnostics.extend(rule_files.1);
        let rules = self.load(&rule_files.0, &names);
        let is_new = |it: &SourceFile| self.sources.iter().all(|known| known.name != it.name);
        let new: Vec<_> = rule_files.0.into_iter().filter(is_new).collect();
        self.sources.extend(new);
        if let Some(rules) = rules {
            self.bench(file, FileKind::Tests, &rules, &names);
        }
    }

    /// What can be named in the home in `dir`; none when it cannot be used, which has been told then.
    fn names(&mut self, dir: &Path, named_at: Option<Location>) -> Option<Rc<Names>> {
        if let Some(names) = self.homes.get(dir) {
            return Some(Rc::clone(names));
        }
        let loaded = config::load(dir, &Environment::default());
        let errors = loaded.diagnostics.into_iter();
        let errors: Vec<_> = errors.filter(hinders).collect();
        if !errors.is_empty() {
            if let Some(location) = named_at {
                self.diagnostics.push(no_home(dir, location));
            } else {
                self.diagnostics.extend(errors);
                self.sources.extend(loaded.sources);
            }
            return None;
        }
        let names = Rc::new(loaded.names);
        self.homes.insert(dir.to_owned(), Rc::clone(&names));
        Some(names)
    }

    /// The rules of `files`; none when one of them is wrong.
    fn load(&mut self, files: &[SourceFile], names: &Names) -> Option<Rc<RuleSet>> {
        let loaded = rules::load(files, names);
        let is_whole = !loaded.diagnostics.iter().any(Diagnostic::is_error);
        for diagnostic in loaded.diagnostics {
            // The rules beside several files of tests are looked at several times.
            if !self.diagnostics.contains(&diagnostic) {
                self.diagnostics.push(diagnostic);
            }
        }
        is_whole.then(|| Rc::new(loaded.rules))
    }

    fn bench(&mut self, file: &SourceFile, kind: FileKind, rules: &Rc<RuleSet>, names: &Rc<Names>) {
        let (suite, diagnostics) = parse::suite(file, kind, names, rules);
        self.diagnostics.extend(diagnostics);
        self.benches.push(Bench {
            suite,
            rules: Rc::clone(rules),
            names: Rc::clone(names),
        });
    }

    fn no_rules(&mut self, file: &SourceFile) {
        let start = file.location(Span::START);
        let message = format!(
            "the rules that this file tests are not in `{}`",
            beside(&file.name)
        );
        let mut diagnostic = Diagnostic::new(code::NO_RULES, start, message);
        diagnostic.help(
            "name the file after its rule file, or put it into `tests/` to test all rules of the home",
        );
        self.diagnostics.push(diagnostic);
    }
}

fn no_home(dir: &Path, location: Location) -> Diagnostic {
    let message = format!("the home `{}` cannot be used", dir.display());
    let mut diagnostic = Diagnostic::new(code::TEST_HOME, location, message);
    diagnostic.help(format!(
        "`amps-rules --home {} check` says what is wrong with it",
        dir.display()
    ));
    diagnostic
}

/// `rules/car.yaml` for `rules/car.test.yaml`.
fn beside(name: &str) -> String {
    match name.rsplit_once(".test.") {
        Some((stem, extension)) => format!("{stem}.{extension}"),
        None => name.to_owned(),
    }
}
