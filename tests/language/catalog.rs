//! The catalogue of words: each example is right, and the reference is written from it.

use std::fs;
use std::path::Path;

use amps_rules::config::{self, home::Location};
use amps_rules::document::code;
use amps_rules::document::pages::{self, Frame};
use amps_rules::document::render::{self, Style};
use amps_rules::document::source::SourceFile;
use amps_rules::document::vocabulary::Word;
use amps_rules::rules;
use amps_rules::rules::catalog::{SECTIONS, reference};

use crate::diagnostics::{environment, names};

const MARK: &str = "UPDATE=1 cargo test catalog -->\n\n";

/// `example` as an item of the list `key` of a rule.
fn within(key: &str, example: &str) -> String {
    let part = |name: &str, text: &str| {
        let example = if name == key { example } else { text };
        let lines: Vec<&str> = example.trim_end().lines().collect();
        format!("    {name}:\n      - {}\n", lines.join("\n        "))
    };
    format!(
        "version: 1\nrules:\n  - id: a-rule\n{}{}{}",
        part(
            "triggers",
            "{trigger: device, id: plugged-in, device: car_charger, event: any}"
        ),
        part(
            "conditions",
            "{condition: state, device: family_car, attribute: plugged, is: true}"
        ),
        part("actions", "{log: x}")
    )
}

fn indented(example: &str) -> String {
    let lines: Vec<&str> = example.trim_end().lines().collect();
    format!("version: 1\nrules:\n  - {}\n", lines.join("\n    "))
}

fn complaints(text: &str) -> String {
    let mut names = names();
    names.location = Some(Location {
        latitude: 51.45,
        longitude: -2.59,
    });
    let source = SourceFile::new("rules/a.yaml", text);
    let mut loaded = rules::load(std::slice::from_ref(&source), &names);
    // An example shows a word, and not what reads the variable that it gives.
    loaded.diagnostics.retain(|it| it.code.name != "W613");
    render::text(&loaded.diagnostics, &[source], Style::Plain)
}

#[test]
fn every_example_is_right() {
    for (section, words) in SECTIONS {
        for word in *words {
            let text = match *section {
                "trigger" => within("triggers", word.example),
                "condition" => within("conditions", word.example),
                "action" => within("actions", word.example),
                "file" if word.name == "a rule" => indented(word.example),
                "file" => word.example.to_owned(),
                _ => continue,
            };
            assert_eq!(complaints(&text), "", "{section} {}\n{text}", word.name);
        }
    }
}

#[test]
fn no_word_knows_a_key_twice() {
    let words = SECTIONS.iter().flat_map(|(_, words)| words.iter());
    for word in words {
        let Word { name, .. } = **word;
        let mut known = word.known();
        known.sort_unstable();
        let n_known = known.len();
        known.dedup();
        assert_eq!(known.len(), n_known, "{name}");
        for (reserved, _) in word.reserved() {
            assert!(!known.contains(&reserved), "{name}: {reserved}");
        }
    }
}

#[test]
fn the_reference_is_written_from_the_catalogue() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules/README.md");
    let text = fs::read_to_string(&path).unwrap();
    let (head, written) = text.split_once(MARK).unwrap();
    let expected = reference::markdown();
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, format!("{head}{MARK}{expected}")).unwrap();
        return;
    }
    assert!(written == expected, "run it again with UPDATE=1");
}

/// The codes that an example leads to, at the place where it belongs.
fn codes_of(frame: Frame, example: &str) -> Vec<&'static str> {
    let text = match frame {
        Frame::Home => {
            let home = if example.starts_with("home:") {
                ""
            } else {
                "home: {timezone: Europe/London}\n"
            };
            let rest = "amps: {api_key: !secret amps_api_key}\nintake: {secrets: !secret amps_webhook_secret}\n";
            let dir = tempfile::tempdir().unwrap();
            let text = format!("version: 1\n{home}{rest}{example}\n");
            fs::write(dir.path().join("home.yaml"), text).unwrap();
            let loaded = config::load(dir.path(), &environment());
            return loaded.diagnostics.iter().map(|it| it.code.name).collect();
        }
        Frame::File => format!("{example}\n"),
        Frame::Triggers => within("triggers", example),
        Frame::Conditions => within("conditions", example),
        Frame::Actions => within("actions", example),
        Frame::Nowhere => return Vec::new(),
    };
    let loaded = rules::load(&[SourceFile::new("rules/a.yaml", text)], &names());
    loaded.diagnostics.iter().map(|it| it.code.name).collect()
}

#[test]
fn every_code_has_a_page_whose_wrong_example_is_wrong_and_whose_right_one_is_right() {
    let pages: Vec<&str> = pages::all().map(|it| it.code).collect();
    let codes: Vec<&str> = code::ALL.iter().map(|it| it.name).collect();
    assert_eq!(pages, codes);
    for page in pages::all().filter(|it| it.frame != Frame::Nowhere) {
        let wrong = codes_of(page.frame, page.wrong);
        assert!(wrong.contains(&page.code), "{}: {wrong:?}", page.code);
        let right = codes_of(page.frame, page.right);
        let complaints: Vec<_> = right
            .into_iter()
            .filter(|it| !["W606", "W613"].contains(it) || *it == page.code)
            .collect();
        assert_eq!(complaints, [""; 0], "{}", page.code);
    }
}
