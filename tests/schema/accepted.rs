//! What is right is accepted: the files of this repository, what `init` writes, and every example that people are shown.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use amps_rules::document::pages::{self, Frame};
use amps_rules::document::source::SourceFile;

use super::{File, around, examples, files, seen, written};
use crate::cli::amps_rules;

/// Names that another home would have, and secrets that are not there: the file itself is right.
const OF_THE_HOME: &[&str] = &[
    "E204", "E205", "E211", "E213", "E216", "E217", "E218", "E219", "E220", "E553",
];

#[track_caller]
fn accept(file: File, name: &str, value: &Value) {
    assert_eq!(file.complaints(value), [""; 0], "{name}");
}

#[test]
fn the_files_of_the_repository_that_are_right_are_accepted() {
    let mut n_accepted = [0; 3];
    for (file, n_accepted) in File::ALL.into_iter().zip(&mut n_accepted) {
        for source in written(file) {
            let findings = file.findings(&source);
            if findings
                .iter()
                .all(|it| OF_THE_HOME.contains(&it.code.name))
            {
                accept(file, &source.name, &seen(&source).unwrap());
                *n_accepted += 1;
            }
        }
    }
    let enough = n_accepted
        .iter()
        .zip([25, 8, 8])
        .all(|(n, least)| *n >= least);
    assert!(enough, "{n_accepted:?}");
}

#[test]
fn what_init_writes_is_accepted() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home");
    let init = amps_rules(&["init", home.to_str().unwrap()]);
    assert_eq!(init.status.code(), Some(0));
    let accept = |file, path: &Path| {
        let source = SourceFile::from_bytes("a.yaml", &fs::read(path).unwrap());
        accept(file, &path.display().to_string(), &seen(&source).unwrap());
    };
    accept(File::Home, &home.join("home.yaml"));
    let rules = files(&home.join("rules"));
    assert!(!rules.is_empty());
    for path in &rules {
        accept(File::Rules, path);
    }
}

#[test]
fn the_examples_of_the_catalogue_are_accepted() {
    for file in File::ALL {
        let examples = examples(file);
        assert!(!examples.is_empty());
        for (name, example) in examples {
            accept(file, name, &example);
        }
    }
}

#[test]
fn the_right_examples_of_the_codes_are_accepted() {
    for page in pages::all() {
        let text = page.right;
        let example = || seen(&SourceFile::new("", text)).unwrap();
        let (file, value) = match page.frame {
            Frame::Nowhere => continue,
            Frame::File => (File::Rules, example()),
            Frame::Triggers => around("trigger", "", example()).unwrap(),
            Frame::Conditions => around("condition", "", example()).unwrap(),
            Frame::Actions => around("action", "", example()).unwrap(),
            Frame::Home => {
                let mut home = json!({
                    "version": 1,
                    "home": {"timezone": "Europe/London"},
                    "amps": {"api_key": "!secret amps_api_key"},
                    "intake": {"secrets": "!secret amps_webhook_secret"},
                });
                let more = example();
                home.as_object_mut()
                    .unwrap()
                    .extend(more.as_object().unwrap().clone());
                (File::Home, home)
            }
        };
        accept(file, page.code, &value);
    }
}

#[test]
fn the_files_that_the_readme_shows_are_accepted() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(path).unwrap();
    let blocks = readme.split("```yaml\n").skip(1);
    let mut shown = Vec::new();
    for block in blocks.map(|it| it.split("```").next().unwrap()) {
        let file = match block.lines().next().unwrap() {
            "# home.yaml" => File::Home,
            "# rules/car.yaml" => File::Rules,
            _ => continue,
        };
        accept(file, block, &seen(&SourceFile::new("", block)).unwrap());
        shown.push(file);
    }
    assert_eq!(shown, [File::Home, File::Rules]);
}
