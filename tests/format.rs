//! Runs `format/`: each file with how it should be written. `UPDATE=1` rewrites what is expected.
//!
//! Beside them, every rule file of the repository and thousands of stirred ones: whatever the
//! formatter writes means what was there, holds every comment, and is written the same way again.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use amps_rules::config::names::Names;
use amps_rules::document::diagnostic::Findings;
use amps_rules::document::format::{self, Refusal};
use amps_rules::document::node::{Kind, Node};
use amps_rules::document::reader;
use amps_rules::document::source::SourceFile;
use amps_rules::rules;

use crate::diagnostics::names;
use crate::language::mutation::{Xorshift, mutate};

const SEED: u64 = 0x00F0_4A77_ED0F_11E5;

const ROUNDS: usize = 2500;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The YAML files below `folder`, in name order.
fn files(folder: &str) -> Vec<PathBuf> {
    let mut folders = vec![root().join(folder)];
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

fn read(path: &Path) -> SourceFile {
    SourceFile::from_bytes("rules/a.yaml", &fs::read(path).unwrap())
}

fn formatted(source: &SourceFile) -> String {
    format::format(source).unwrap_or_else(|refusal| panic!("{refusal:?}\n{}", source.text))
}

/// What a file says, without places: a line for each value, in the order of the file.
fn meaning(source: &SourceFile) -> Vec<String> {
    let mut findings = Findings::new(source);
    let node = reader::read(&mut findings).unwrap();
    let mut lines = Vec::new();
    say(&node, "", &mut lines);
    lines
}

fn sorted<T: Ord>(mut items: Vec<T>) -> Vec<T> {
    items.sort();
    items
}

fn say(node: &Node, path: &str, lines: &mut Vec<String>) {
    match &node.kind {
        Kind::List(items) => {
            lines.push(format!("{path} list of {}", items.len()));
            for (index, item) in items.iter().enumerate() {
                say(item, &format!("{path}/{index}"), lines);
            }
        }
        Kind::Map(entries) => {
            lines.push(format!("{path} map of {}", entries.len()));
            let mut seen = BTreeMap::new();
            for entry in entries {
                let mut key = Vec::new();
                say(&entry.key, "", &mut key);
                let times = seen.entry(key.clone()).or_insert(0);
                *times += 1;
                say(&entry.value, &format!("{path}/{key:?}#{times}"), lines);
            }
        }
        Kind::Null | Kind::Bool(_) | Kind::Number { .. } | Kind::Text(_) | Kind::Secret(_) => {
            lines.push(format!("{path} {:?}", node.kind));
        }
    }
}

/// What loading makes of a file, without places.
fn loaded(source: &SourceFile, names: &Names) -> Vec<String> {
    let loaded = rules::load(std::slice::from_ref(source), names);
    let rule = |rule: &rules::rule::Rule| {
        let triggers: Vec<_> = rule
            .triggers
            .iter()
            .map(|it| (&it.id, it.enabled, &it.on))
            .collect();
        let conditions: Vec<_> = rule.conditions.iter().map(|it| format!("{it:?}")).collect();
        let conditions: Vec<_> = conditions.iter().map(|it| without_lines(it)).collect();
        let head = (&rule.id, &rule.alias, &rule.description, rule.enabled);
        let version = &rule.program.version;
        let triggers = without_lines(&format!("{triggers:?}"));
        format!("{head:?} {triggers} {conditions:?} {version:?}")
    };
    loaded.rules.rules.iter().map(rule).collect()
}

/// Places are all that may differ.
fn without_lines(text: &str) -> String {
    let mut parts = text.split("line: ");
    let first = parts.next().unwrap_or_default().to_owned();
    let rest = parts.map(|it| it.trim_start_matches(|c: char| c.is_ascii_digit()));
    rest.fold(first, |text, part| text + part)
}

/// The words behind `#` outside of quotes; in blocks of text too, which do not change either.
fn remarks(text: &str) -> Vec<&str> {
    text.lines()
        .filter_map(|line| begins(line).map(|at| line[at..].trim_end()))
        .collect()
}

/// Where the first `#` stands that no quote holds.
fn begins(line: &str) -> Option<usize> {
    let mut quote = None;
    for (at, character) in line.char_indices() {
        match (quote, character) {
            (None, '#') => return Some(at),
            (None, '"' | '\'') => quote = Some(character),
            (Some(open), _) if open == character => quote = None,
            (None | Some(_), _) => {}
        }
    }
    None
}

/// What must be true of everything that is formatted.
#[track_caller]
fn check(source: &SourceFile, names: &Names) -> String {
    let text = formatted(source);
    let after = SourceFile::new(&source.name, text.as_str());
    let (said, says) = (sorted(meaning(source)), sorted(meaning(&after)));
    assert_eq!(said, says, "{}\n---\n{text}", source.text);
    assert_eq!(loaded(source, names), loaded(&after, names));
    assert_eq!(formatted(&after), text, "not settled:\n{}", source.text);
    text
}

/// What must also be true of texts in which `#` begins a comment and nothing else.
#[track_caller]
fn check_remarks(source: &SourceFile, names: &Names) {
    let text = check(source, names);
    let after = SourceFile::new(&source.name, text.as_str());
    let (remarked, remarks) = (remarks(&source.text), remarks(&text));
    if meaning(source) == meaning(&after) {
        assert_eq!(remarked, remarks, "{}\n---\n{text}", source.text);
    } else {
        // Keys have moved, and what is remarked on them has gone along.
        assert_eq!(
            sorted(remarked),
            sorted(remarks),
            "{}\n---\n{text}",
            source.text
        );
    }
}

#[test]
fn files_are_written_as_expected() {
    let names = names();
    let mut differ = Vec::new();
    let cases = files("tests/format");
    assert!(!cases.is_empty());
    for case in cases {
        let seen = check(&read(&case), &names);
        let expected_path = case.with_extension("txt");
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&expected_path, &seen).unwrap();
        }
        let expected = fs::read_to_string(&expected_path).unwrap_or_default();
        if seen != expected {
            let case = case.display();
            differ.push(format!(
                "{case}\n--- expected\n{expected}\n--- seen\n{seen}"
            ));
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

/// Every rule file and home of the repository that is YAML.
fn readable() -> Vec<SourceFile> {
    let folders = ["rules", "examples", "tests/diagnostics", "tests/format"];
    let sources = folders.into_iter().flat_map(files).map(|it| read(&it));
    let is_readable = |source: &SourceFile| {
        let mut findings = Findings::new(source);
        reader::read(&mut findings).is_some() && findings.diagnostics.is_empty()
    };
    sources.filter(is_readable).collect()
}

#[test]
fn every_file_of_the_repository_keeps_its_meaning_and_its_remarks() {
    let names = names();
    let sources = readable();
    assert!(70 < sources.len(), "{}", sources.len());
    for source in sources {
        check_remarks(&source, &names);
    }
}

#[test]
fn the_rules_of_the_repository_are_written_this_way() {
    for path in ["rules", "examples"].into_iter().flat_map(files) {
        let source = read(&path);
        assert_eq!(formatted(&source), source.text, "{}", path.display());
    }
}

/// Puts comments and blank lines where nobody expects them.
fn remark(text: &str, random: &mut Xorshift) -> String {
    let mut remarked = String::new();
    for (number, line) in text.lines().enumerate() {
        let room = " ".repeat(random.below(12));
        let lines = match random.below(6) {
            0 => format!("{line}{room} # behind {number}\n"),
            1 => format!("{line}\n{room}# below {number}\n"),
            2 => format!("{line}\n\n{room}\n{room}# - apart {number}\n"),
            _ => format!("{line}\n"),
        };
        remarked.push_str(&lines);
    }
    remarked
}

#[test]
fn no_text_upsets_the_formatter_or_changes_its_meaning() {
    let names = names();
    let texts: Vec<String> = readable().into_iter().map(|it| it.text).collect();
    let mut random = Xorshift(SEED);
    let mut n_formatted = 0;
    for round in 0..ROUNDS {
        let mut bytes = texts[random.below(texts.len())].clone().into_bytes();
        if random.below(2) == 0 {
            let text = String::from_utf8(bytes).unwrap();
            bytes = remark(&text, &mut random).into_bytes();
        }
        let is_mutated = random.below(3) > 0;
        if is_mutated {
            mutate(&mut bytes, &mut random);
        }
        let source = SourceFile::from_bytes("rules/a.yaml", &bytes);
        match format::format(&source) {
            Ok(_) if is_mutated => {
                n_formatted += 1;
                check(&source, &names);
            }
            Ok(_) => {
                n_formatted += 1;
                check_remarks(&source, &names);
            }
            Err(Refusal::Findings(findings)) => assert!(!findings.is_empty(), "round {round}"),
            Err(Refusal::Unsure(unsure)) => {
                let reason = "a key is not one word or text on one line";
                assert_eq!(unsure.reason, reason, "round {round}:\n{}", source.text);
            }
        }
    }
    assert!(ROUNDS / 3 < n_formatted, "{n_formatted}");
}
