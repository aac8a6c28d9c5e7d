//! What a reviewer should not have to check by eye.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The layers of `src/`, ground first. A module may use those of the rows above
/// its own; those that share a row do not know of each other.
const LAYERS: &[&[&str]] = &[
    &["domain"],
    &["amps_json", "clock", "document"],
    &["config"],
    &["rules"],
    &["engine"],
    &["rule_tests"],
    &["replay"],
    &["http_client", "input_json"],
    &["store", "device_api", "notify"],
    &["worker"],
    &[
        "alarms",
        "clock_watch",
        "intake",
        "readings",
        "evaluation",
        "delivery",
        "tracking",
        "housekeeping",
    ],
    &["reload"],
    &["control", "simulator"],
    &["app"],
    &["cli"],
];

/// A word, and the only places it may stand in.
const CONFINED: &[(&str, &[&str])] = &[
    ("rusqlite", &["store"]),
    // The simulator delivers webhooks; the command line sends one on request.
    ("reqwest", &["http_client", "simulator", "cli"]),
    ("rustls", &["http_client"]),
    ("axum", &["intake", "control", "simulator"]),
    ("file_watch", &["reload"]),
    ("serde_saphyr", &["document"]),
    ("serde_yaml", &["cli"]),
    ("annotate_snippets", &["document"]),
    ("cron", &["rules"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("tokio", SHELL),
    ("tracing", SHELL),
    ("anyhow", &["app", "cli"]),
    ("std::env", &["config", "main"]),
    ("std::fs", &["config", "store", "control", "cli"]),
];

const SHELL: &[&str] = &[
    "clock",
    "http_client",
    "store",
    "device_api",
    "notify",
    "worker",
    "intake",
    "readings",
    "alarms",
    "clock_watch",
    "evaluation",
    "delivery",
    "tracking",
    "housekeeping",
    "reload",
    "control",
    "simulator",
    "app",
    "cli",
];

const LINES_PER_FILE_MAX: usize = 500;

const SHAPELESS_NAMES: &[&str] = &["util", "utils", "helper", "helpers", "common", "misc"];

struct Source {
    path: PathBuf,
    text: String,
}

impl Source {
    /// The top-level module this file belongs to.
    fn module(&self) -> &str {
        let top = self.path.components().next().unwrap();
        let top = Path::new(top.as_os_str());
        top.file_stem().unwrap().to_str().unwrap()
    }

    /// The lines of code, numbered from one.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = (1..).zip(self.text.lines().map(str::trim));
        lines.filter(|(_, line)| !line.starts_with("//"))
    }

    /// Every path the file names, with its line; imports are spelled out, so that
    /// `use a::{b, c}` counts as `a::b` and `a::c`.
    fn paths(&self) -> Vec<(usize, String)> {
        let mut paths = Vec::new();
        let mut import: Option<(usize, String)> = None;
        for (number, line) in self.code() {
            let (start, text) = match (import.take(), line.split_once("use ")) {
                (Some((start, text)), _) => (start, text + line),
                (None, Some(("" | "pub " | "pub(crate) ", tree))) => (number, tree.to_owned()),
                (None, _) => {
                    let words = line.split(|c: char| !(c.is_alphanumeric() || "_:".contains(c)));
                    let named = words.filter(|word| word.contains("::"));
                    paths.extend(named.map(|word| (number, word.to_owned())));
                    continue;
                }
            };
            match text.strip_suffix(';') {
                Some(tree) => spell_out("", tree, &mut |path| paths.push((start, path))),
                None => import = Some((start, text)),
            }
        }
        paths
    }
}

/// Calls `found` with each path that the import `prefix` + `tree` stands for.
fn spell_out(prefix: &str, tree: &str, found: &mut impl FnMut(String)) {
    let Some((stem, group)) = tree.split_once('{') else {
        let name = tree.split(" as ").next().unwrap_or(tree);
        return found(format!("{prefix}{}", name.trim()));
    };
    let prefix = format!("{prefix}{}", stem.trim());
    let group = group.trim_end().strip_suffix('}').unwrap();
    let mut depth = 0;
    let parts = group.split(|c| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        c == ',' && depth == 0
    });
    for part in parts.filter(|part| !part.trim().is_empty()) {
        spell_out(&prefix, part, found);
    }
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut sources = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "rs") {
                sources.push(Source {
                    text: fs::read_to_string(&path).unwrap(),
                    path: path.strip_prefix(&root).unwrap().to_owned(),
                });
            }
        }
    }
    assert!(!sources.is_empty());
    sources
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|row| row.contains(&module))
}

#[track_caller]
fn report(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn imports_go_one_way() {
    let mut complaints = Vec::new();
    for source in sources() {
        let module = source.module();
        if matches!(module, "lib" | "main") {
            continue;
        }
        let Some(own) = layer(module) else {
            complaints.push(format!(
                "src/{}: `{module}` has no layer",
                source.path.display()
            ));
            continue;
        };
        for (number, path) in source.paths() {
            if path.contains("super::super") {
                complaints.push(format!(
                    "src/{}:{number}: say `crate::…`, so that the layer shows",
                    source.path.display(),
                ));
            }
            let Some(used) = path.strip_prefix("crate::") else {
                continue;
            };
            let used = used.split("::").next().unwrap();
            let allowed = used == module || layer(used).is_some_and(|it| it < own);
            if !allowed {
                complaints.push(format!(
                    "src/{}:{number}: `{module}` may not use `{used}`",
                    source.path.display(),
                ));
            }
        }
    }
    report(&complaints);
}

#[test]
fn each_dependency_stays_in_its_rooms() {
    let mut complaints = Vec::new();
    for source in sources() {
        for (number, path) in source.paths() {
            for (word, rooms) in CONFINED {
                let rest = path.strip_prefix(word);
                let named = rest.is_some_and(|it| it.is_empty() || it.starts_with("::"));
                if named && !rooms.contains(&source.module()) {
                    complaints.push(format!(
                        "src/{}:{number}: `{word}` belongs in {rooms:?}",
                        source.path.display(),
                    ));
                }
            }
        }
    }
    report(&complaints);
}

#[test]
fn files_have_a_name_a_purpose_and_an_end() {
    let mut complaints = Vec::new();
    for source in sources() {
        let path = source.path.display();
        let stem = source.path.file_stem().unwrap().to_str().unwrap();
        if SHAPELESS_NAMES.contains(&stem) {
            complaints.push(format!("src/{path}: name the file for what it holds"));
        }
        if !source.text.starts_with("//!") && !source.text.starts_with("#![doc") {
            complaints.push(format!("src/{path}: say in `//!` what the file is for"));
        }
        let n_lines = source.text.lines().count();
        if n_lines > LINES_PER_FILE_MAX {
            complaints.push(format!(
                "src/{path}: {n_lines} lines; {LINES_PER_FILE_MAX} at most"
            ));
        }
    }
    report(&complaints);
}
