//! The catalogue as Markdown, for `rules/README.md`.

use std::fmt::Write;

use crate::document::vocabulary::{Key, Need, Together, Word, capitalized};
use crate::domain::answers;
use crate::domain::device::DeviceType;
use crate::rules::catalog::{SECTIONS, requests, waiting};

/// Every section with its words, their keys and their examples.
pub fn markdown() -> String {
    let mut text = String::from(
        "A key marked ◌ is checked and has no effect in this version, and `check` says so.\n",
    );
    for (name, words) in SECTIONS {
        let (title, opening) = heading(name);
        write!(text, "\n## {title}\n\n{opening}\n").expect("writing to a string cannot fail");
        let shared = shared(words);
        if !shared.is_empty() {
            text.push_str("\nEvery one of them may have:\n\n");
            text.push_str(&table(shared.iter().copied()));
        }
        for word in *words {
            text.push_str(&section(word, &shared));
        }
    }
    text.push_str(&places());
    text.push_str(&waiting::markdown());
    text.push_str(requests::SECTION);
    text.push_str(&answers::markdown());
    text.push_str(
        "\n## Devices\n\n| type | reports | understands | settings |\n|---|---|---|---|\n",
    );
    for device_type in DeviceType::ALL {
        text.push_str(&device(device_type));
    }
    text
}

/// Where expressions may stand, from what the keys say of themselves.
fn places() -> String {
    let mut text = String::from(
        "\n## Where `{{ }}` may stand\n\nAs a condition, wherever conditions stand, and behind these keys; names, words, limits and whatever is not listed are written out.\n\n| key | of | what stands there |\n|---|---|---|\n",
    );
    let is_computed = |key: &&Key| key.kind.takes_expressions();
    for (section, words) in SECTIONS {
        let shared = shared(words);
        for key in shared.iter().copied().filter(is_computed) {
            text.push_str(&place(key, &format!("every {section}")));
        }
        let own = |key: &&Key| shared.iter().all(|it| it.name != key.name);
        for word in *words {
            let of = match *section {
                "action" => format!("`{}`", word.name),
                _ => word.what.to_owned(),
            };
            for key in word.each_key().filter(own).filter(is_computed) {
                text.push_str(&place(key, &of));
            }
        }
    }
    text
}

fn place(key: &Key, of: &str) -> String {
    format!("| `{}` | {of} | {} |\n", key.name, key.kind.one())
}

fn heading(section: &str) -> (&'static str, &'static str) {
    match section {
        "file" => (
            "Files and rules",
            "A list of one item may be written without its dash.",
        ),
        "trigger" => (
            "Triggers",
            "Any one of a rule's triggers wakes it. Where one event fits several of them, each wakes it, in their order: the conditions are asked for each, and `mode` decides what becomes of the second. In `mode: single` one event leads to one run.",
        ),
        "condition" => (
            "Conditions",
            "All of a list must hold. What is unknown holds only with `if_unknown: allow`. A text in quotes and `{{ }}` is a condition too.",
        ),
        "action" => (
            "Actions",
            "Done in order. A step that fails ends the run as failed, through the nearest `on_failure`.",
        ),
        "block" => ("Blocks inside of actions", "What stands below some keys."),
        "test" => (
            "Tests",
            "What happens in them, and what is expected; how they are run stands above.",
        ),
        _ => ("home.yaml", "The settings of a home."),
    }
}

/// The keys that all of several words have.
fn shared(words: &[&Word]) -> Vec<&'static Key> {
    let Some((first, others)) = words.split_first() else {
        return Vec::new();
    };
    let has = |word: &Word, name: &str| word.each_key().any(|it| it.name == name);
    first
        .each_key()
        .filter(|key| !others.is_empty() && others.iter().all(|it| has(it, key.name)))
        .collect()
}

fn table(keys: impl Iterator<Item = &'static Key>) -> String {
    let head = "| key | what stands there | when left out | meaning |\n|---|---|---|---|\n";
    keys.fold(head.to_owned(), |text, key| text + &row(key))
}

fn section(word: &Word, shared: &[&Key]) -> String {
    let mut text = format!(
        "\n### `{}`\n\n{}.\n\n",
        word.name,
        capitalized(word.meaning)
    );
    let own = |key: &&Key| shared.iter().all(|it| it.name != key.name);
    if word.each_key().any(|it| own(&it)) {
        text.push_str(&table(word.each_key().filter(own)));
    }
    if !word.together.is_empty() {
        let needs = word.together.iter().map(needs);
        write!(text, "\n{}\n", needs.collect::<Vec<_>>().join(" "))
            .expect("writing to a string cannot fail");
    }
    if !word.example.is_empty() {
        write!(text, "\n```yaml\n{}```\n", word.example).expect("writing to a string cannot fail");
    }
    text
}

/// Which keys need each other, in a sentence.
fn needs(together: &Together) -> String {
    let alternatives = |sets: &[&[&str]]| {
        let set = |keys: &&[&str]| format!("`{}`", keys.join("` with `"));
        sets.iter().map(set).collect::<Vec<_>>().join(", ")
    };
    match together {
        Together::Some(sets) => format!("Needs at least one of {}.", alternatives(sets)),
        Together::One(sets) => format!("Needs one of {}, and no more.", alternatives(sets)),
        Together::Beside(key, other) => format!("`{key}` has a meaning only beside `{other}`."),
    }
}

fn row(key: &Key) -> String {
    let mark = if key.works { "" } else { " ◌" };
    let absent = match key.need {
        Need::Required => "required".to_owned(),
        Need::Optional => String::new(),
        Need::Default(default) => format!("`{default}`"),
    };
    format!(
        "| `{}`{mark} | {} | {absent} | {} |\n",
        key.name,
        key.kind.one(),
        key.meaning
    )
}

fn device(device_type: DeviceType) -> String {
    let names = |names: Vec<String>| {
        if names.is_empty() {
            "nothing".to_owned()
        } else {
            names.join(" ")
        }
    };
    let attributes = device_type.attributes().iter();
    let commands = device_type.commands().iter().map(|it| {
        let parameters: Vec<String> = it
            .parameters
            .iter()
            .map(|parameter| format!("`{}` {}", parameter.name, parameter.unit.symbol()))
            .collect();
        if parameters.is_empty() {
            format!("`{}`", it.name)
        } else {
            format!("`{}` ({})", it.name, parameters.join(", "))
        }
    });
    let settings = device_type.settings().iter();
    format!(
        "| `{device_type}` | {} | {} | {} |\n",
        names(attributes.map(|it| format!("`{}`", it.name)).collect()),
        names(commands.collect()),
        names(
            settings
                .map(|it| format!("`{}` {}", it.name, it.unit.symbol()))
                .collect()
        ),
    )
}
