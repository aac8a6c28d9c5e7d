//! What `amps-rules schema` prints, held against the standard and against what the program takes.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::{Value, json};

use amps_rules::config::{self, home::Location, names::Names};
use amps_rules::document::diagnostic::{Diagnostic, Findings};
use amps_rules::document::json::json as to_json;
use amps_rules::document::node::{Kind, Node};
use amps_rules::document::reader;
use amps_rules::document::source::SourceFile;
use amps_rules::rule_tests::parse::{self, FileKind};
use amps_rules::rules;
use amps_rules::rules::catalog::SECTIONS;

use crate::cli::{amps_rules, said};
use crate::diagnostics::{environment, names};

/// What is right is accepted.
mod accepted;
/// What an editor shows and offers beside what it refuses.
mod contents;
/// Texts that are written in one way.
mod forms;
/// Which of the program's codes a schema can see.
mod refusals;
/// Files that nobody wrote, and what both make of them.
mod stirred;

/// A kind of file, as the command names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum File {
    Rules,
    Tests,
    Home,
}

impl File {
    const ALL: [Self; 3] = [Self::Rules, Self::Tests, Self::Home];

    fn name(self) -> &'static str {
        match self {
            Self::Rules => "rules",
            Self::Tests => "tests",
            Self::Home => "home",
        }
    }

    fn printed(self) -> Value {
        let output = amps_rules(&["schema", self.name()]);
        assert_eq!((output.status.code(), said(&output.stderr)), (Some(0), ""));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn validator(self) -> &'static Validator {
        static ALL: LazyLock<Vec<Validator>> = LazyLock::new(|| {
            let schemas = File::ALL.map(File::printed);
            schemas
                .iter()
                .map(|it| jsonschema::draft202012::new(it).unwrap())
                .collect()
        });
        &ALL[File::ALL.iter().position(|it| *it == self).unwrap()]
    }

    /// What the schema has against `value`, a line each.
    fn complaints(self, value: &Value) -> Vec<String> {
        let errors = self.validator().iter_errors(value);
        errors
            .map(|it| format!("{}: {it}", it.instance_path()))
            .collect()
    }

    /// What the program has against `source`.
    fn findings(self, source: &SourceFile) -> Vec<Diagnostic> {
        let names = home();
        let mut loaded = rules::load(&[], names);
        let mut diagnostics = match self {
            Self::Home => {
                let dir = tempfile::tempdir().unwrap();
                fs::write(dir.path().join("home.yaml"), &source.text).unwrap();
                config::load(dir.path(), &environment()).diagnostics
            }
            Self::Rules => {
                loaded = rules::load(std::slice::from_ref(source), names);
                std::mem::take(&mut loaded.diagnostics)
            }
            Self::Tests => Vec::new(),
        };
        let holds = match self {
            Self::Rules if source.text.contains("tests:") => Some(FileKind::Rules),
            Self::Tests => Some(FileKind::Tests),
            Self::Rules | Self::Home => None,
        };
        if let Some(kind) = holds {
            let (_, more) = parse::suite(source, kind, names, &loaded.rules);
            diagnostics.extend(more);
        }
        diagnostics.retain(Diagnostic::is_error);
        diagnostics
    }
}

/// The home of all tests, which also lies somewhere.
fn home() -> &'static Names {
    static HOME: LazyLock<Names> = LazyLock::new(|| Names {
        location: Some(Location {
            latitude: 51.45,
            longitude: -2.59,
        }),
        ..names()
    });
    &HOME
}

/// The file as a tree; none when it is not YAML.
fn tree(source: &SourceFile) -> Option<Node> {
    let mut findings = Findings::new(source);
    let tree = reader::read(&mut findings);
    tree.filter(|_| findings.diagnostics.is_empty())
}

/// What an editor sees: a secret is the text that stands there.
fn value(node: &Node) -> Option<Value> {
    to_json(node, &|name| Some(json!(format!("!secret {name}"))))
}

/// What an editor sees in a file.
fn seen(source: &SourceFile) -> Option<Value> {
    value(&tree(source)?)
}

/// The lines of a block.
fn lines(node: &Node) -> impl Iterator<Item = (&str, &Node)> {
    let entries = match &node.kind {
        Kind::Map(entries) => entries.as_slice(),
        Kind::Null
        | Kind::Bool(_)
        | Kind::Number { .. }
        | Kind::Text(_)
        | Kind::List(_)
        | Kind::Secret(_) => &[],
    };
    let lines = entries.iter();
    lines.filter_map(|it| Some((it.key.as_key()?, &it.value)))
}

/// The YAML files below `folder`, in name order.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut folders = vec![folder.to_owned()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "yaml") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// Every file of the repository that is, by its words, of this kind.
fn written(file: File) -> Vec<SourceFile> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = ["rules", "examples", "tests"];
    let paths = folders.into_iter().flat_map(|it| files(&root.join(it)));
    let sources = paths.map(|path| {
        let name = path.strip_prefix(root).unwrap().display().to_string();
        SourceFile::from_bytes(&name, &fs::read(&path).unwrap())
    });
    let is_of_kind = |source: &SourceFile| {
        let tree = tree(source);
        let has = |key| tree.iter().flat_map(lines).any(|(name, _)| name == key);
        match file {
            File::Rules => has("rules"),
            File::Tests => has("tests") && !has("rules"),
            File::Home => has("amps") || has("intake"),
        }
    };
    sources.filter(is_of_kind).collect()
}

/// The examples of the catalogue, each in a file around it, with the word that it shows.
fn examples(file: File) -> Vec<(&'static str, Value)> {
    let words = SECTIONS
        .iter()
        .flat_map(|(section, words)| words.iter().map(move |it| (*section, *it)));
    let examples = words.filter(|(_, word)| !word.example.is_empty());
    examples
        .filter_map(|(section, word)| {
            let example = seen(&SourceFile::new("", word.example)).unwrap();
            let (of, around) = around(section, word.name, example)?;
            (of == file).then_some((word.name, around))
        })
        .collect()
}

/// A file in which `example` stands where it belongs.
fn around(section: &str, word: &str, example: Value) -> Option<(File, Value)> {
    let rule = |key: &str, value: Value| {
        let mut rule = json!({
            "id": "a-rule",
            "triggers": {"trigger": "device", "id": "plugged-in", "device": "car_charger", "event": "any"},
            "actions": {"log": "x"},
        });
        rule[key] = value;
        (File::Rules, json!({"version": 1, "rules": [rule]}))
    };
    let step = |step: Value| {
        let steps = json!([step, {"expect": "nothing"}]);
        let tests = json!([{"name": "a test", "steps": steps}]);
        (File::Tests, json!({"version": 1, "tests": tests}))
    };
    Some(match (section, word) {
        ("trigger", _) => rule("triggers", example),
        ("condition", _) => rule("conditions", example),
        ("action", _) => rule("actions", example),
        ("block", "retry") => rule(
            "actions",
            json!({"command": "charge", "device": "car_charger", "retry": example}),
        ),
        ("file", "a rule") => (File::Rules, json!({"version": 1, "rules": [example]})),
        ("file", _) => (File::Rules, example),
        ("test", "a test") => (File::Tests, json!({"version": 1, "tests": [example]})),
        ("test", "a file of tests") => (File::Tests, example),
        ("test", _) => step(example),
        ("home.yaml", _) => (File::Home, example),
        (_, _) => return None,
    })
}

/// What stands in files that the program takes.
fn good(file: File) -> Vec<Value> {
    let sources = written(file).into_iter();
    let sources = sources.filter(|it| file.findings(it).is_empty());
    let written = sources.filter_map(|it| seen(&it));
    let examples = examples(file).into_iter().map(|(_, it)| it);
    written.chain(examples).collect()
}
