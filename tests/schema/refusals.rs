//! Which mistakes a schema can see: for each code, a piece of a broken file that has nothing else wrong with it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use amps_rules::document::node::Node;
use amps_rules::document::source::Span;

use super::{File, lines, tree, value, written};

/// What a schema sees at least once. Of what is missing here, it cannot know: names, units that fit, what a value
/// means beside another one, and whatever is wrong before there is YAML.
const SEEN: &[&str] = &[
    "E116", "E201", "E203", "E207", "E208", "E209", "E210", "E215", "E301", "E302", "E303", "E304",
    "E306", "E307", "E309", "E310", "E311", "E401", "E402", "E403", "E405", "E501", "E502", "E503",
    "E504", "E505", "E506", "E551", "E552",
];

/// What a schema leaves to the program: names of the home, units that fit, what is good only beside something else.
const UNSEEN: &[&str] = &[
    "E202", "E204", "E205", "E206", "E211", "E213", "E214", "E216", "E217", "E218", "E219", "E220",
    "E305", "E308", "E404", "E406",
];

/// A rule in which nothing is wrong, with `value` behind `key`.
fn rule(key: &str, value: Value) -> Value {
    let mut rule = json!({
        "id": "a-rule",
        "triggers": {"trigger": "device", "device": "roof", "event": "any"},
        "actions": {"log": "x"},
    });
    rule[key] = value;
    json!({"version": 1, "rules": [rule]})
}

/// A home in which nothing is wrong, with `value` behind `key`.
fn home(key: &str, value: Value) -> Value {
    let mut home = json!({
        "version": 1,
        "home": {"timezone": "Europe/London"},
        "amps": {"api_key": "!secret amps_api_key"},
        "intake": {"secrets": "!secret amps_webhook_secret"},
    });
    match (home.get_mut(key), value) {
        (Some(Value::Object(known)), Value::Object(more)) => known.extend(more),
        (_, value) => home[key] = value,
    }
    home
}

fn behind<'n>(node: &'n Node, key: &str) -> &'n [Node] {
    let found = lines(node).find(|(name, _)| *name == key);
    found.map_or(&[], |(_, value)| value.items())
}

/// The file, and its pieces down to one trigger, condition, action, step or setting, each in a file that is otherwise right.
fn pieces(file: File, root: &Node) -> Vec<(Span, Value)> {
    let mut pieces: Vec<(Span, Option<Value>)> = vec![(root.span, value(root))];
    for item in behind(root, "rules") {
        let alone = value(item).map(|it| json!({"version": 1, "rules": [it]}));
        pieces.push((item.span, alone));
        for (key, _) in lines(item).filter(|(key, _)| *key != "id") {
            let parts = behind(item, key).iter();
            pieces.extend(parts.map(|part| (part.span, value(part).map(|it| rule(key, it)))));
        }
    }
    for item in behind(root, "tests") {
        let test = |test: Value| json!({"version": 1, "tests": [test]});
        pieces.push((item.span, value(item).map(test)));
        for part in behind(item, "steps") {
            let steps = |it: Value| test(json!({"name": "a test", "steps": [it]}));
            pieces.push((part.span, value(part).map(steps)));
        }
    }
    if file == File::Home {
        for (key, settings) in lines(root) {
            for (name, setting) in lines(settings) {
                let around =
                    |it: Value| home(key, Value::Object(Map::from_iter([(name.to_owned(), it)])));
                pieces.push((setting.span, value(setting).map(around)));
            }
            pieces.push((settings.span, value(settings).map(|it| home(key, it))));
        }
    }
    let pieces = pieces.into_iter();
    pieces.filter_map(|(span, it)| Some((span, it?))).collect()
}

/// Of each code, the pieces of broken files that have no other, and whether the schema refuses them.
fn seen_alone() -> BTreeMap<&'static str, Vec<(String, bool)>> {
    let mut alone: BTreeMap<&str, Vec<(String, bool)>> = BTreeMap::new();
    for file in File::ALL {
        for source in written(file) {
            let root = tree(&source).unwrap();
            let findings = file.findings(&source);
            for (span, value) in pieces(file, &root) {
                let within = findings.iter().filter(|it| {
                    let place = it.primary.location.span;
                    span.start <= place.start && place.end <= span.end
                });
                let codes: BTreeSet<&str> = within.map(|it| it.code.name).collect();
                if let Some(code) = codes.first().filter(|_| codes.len() == 1) {
                    let place = format!("{}:{}", source.name, source.line(span.start));
                    let is_refused = !file.complaints(&value).is_empty();
                    alone.entry(code).or_default().push((place, is_refused));
                }
            }
        }
    }
    alone
}

#[test]
fn of_each_code_that_a_schema_can_see_some_broken_file_is_refused() {
    let alone = seen_alone();
    let refused: Vec<&str> = SEEN
        .iter()
        .copied()
        .filter(|code| {
            let pieces = alone.get(code).into_iter().flatten();
            pieces.clone().any(|(_, is_refused)| *is_refused)
        })
        .collect();
    assert_eq!(refused, SEEN);
}

#[test]
fn what_only_the_program_can_know_is_left_to_it() {
    let alone = seen_alone();
    for code in UNSEEN {
        let pieces = &alone[code];
        let passed = pieces.iter().any(|(_, is_refused)| !is_refused);
        assert!(passed, "{code}: {pieces:?}");
    }
}
