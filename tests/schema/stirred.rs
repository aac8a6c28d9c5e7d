//! Files that nobody wrote: what the program takes, the schema takes too, and mistakes of its kind it never misses.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use amps_rules::document::diagnostic::Diagnostic;
use amps_rules::document::source::SourceFile;

use super::{File, good, seen};
use crate::language::mutation::Xorshift;

const SEED: u64 = 0x005C_4E3A_0B5E_55ED;

const ROUNDS: usize = 3000;

/// Codes that a schema sees wherever they come up.
const ALWAYS_SEEN: &[&str] = &[
    "E116", "E201", "E203", "E210", "E302", "E303", "E501", "E503", "E551",
];

/// Values of every kind, which people write in the wrong places.
fn strange() -> Vec<Value> {
    let texts = [
        "",
        " ",
        "x",
        "Car",
        "5",
        "5m",
        "80 %",
        "0.2 GBP/kWh",
        "7,4 kW",
        "22:30",
        "25:00",
        "00:05:00",
        "-30m",
        "1h30m",
        "30m1h",
        "{{ 1 < 2 }}",
        "{% x %}",
        "idle",
        "nothing",
        "restart",
        "silent",
        "state.x",
        "2026-01-10T23:10:00",
        "house_battery",
        "https://panel.example/a",
        "512 MiB",
        "*/5 * * * *",
    ];
    let values = json!([
        null, true, false, 0, 1, 5, -1, 101, 1.5, 1e9, [], {}, ["x"], [1, true], {"minutes": 5}, {"type": "battery"},
        {"value": 5, "unit": "kW"}, {"x": 1}, {"device": "car_charger"}, [[]],
    ]);
    let values = values.as_array().unwrap().iter().cloned();
    texts
        .into_iter()
        .map(|it| json!(it))
        .chain(values)
        .collect()
}

/// Every value that stands behind a key somewhere, by its key.
fn behind_keys(value: &Value, all: &mut BTreeMap<String, Vec<Value>>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                all.entry(key.clone()).or_default().push(value.clone());
                behind_keys(value, all);
            }
        }
        Value::Array(items) => items.iter().for_each(|it| behind_keys(it, all)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// How many values are in it, itself included.
fn weight(value: &Value) -> usize {
    match value {
        Value::Object(object) => 1 + object.values().map(weight).sum::<usize>(),
        Value::Array(items) => 1 + items.iter().map(weight).sum::<usize>(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 1,
    }
}

/// The `index`-th of them, outer before inner ones, with the key that it stands behind.
fn pick<'v>(value: &'v mut Value, key: &str, index: &mut usize) -> Option<(String, &'v mut Value)> {
    if *index == 0 {
        return Some((key.to_owned(), value));
    }
    *index -= 1;
    match value {
        Value::Object(object) => object.iter_mut().find_map(|(key, it)| pick(it, key, index)),
        Value::Array(items) => items.iter_mut().find_map(|it| pick(it, key, index)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

struct Pool {
    by_key: BTreeMap<String, Vec<Value>>,
    strange: Vec<Value>,
}

fn any<'v, T>(items: &'v [T], random: &mut Xorshift) -> &'v T {
    &items[random.below(items.len())]
}

fn stir(document: &mut Value, pool: &Pool, random: &mut Xorshift) {
    let mut index = random.below(weight(document));
    let (key, place) = pick(document, "", &mut index).unwrap();
    match (random.below(6), &mut *place) {
        (0, Value::Object(object)) if !object.is_empty() => {
            let keys: Vec<String> = object.keys().cloned().collect();
            object.remove(any(&keys, random));
        }
        (1 | 2, Value::Object(object)) => {
            let keys: Vec<&String> = pool.by_key.keys().collect();
            let key = *any(&keys, random);
            object.insert(key.clone(), any(&pool.by_key[key], random).clone());
        }
        (3, Value::Array(items)) if !items.is_empty() => {
            items.remove(random.below(items.len()));
        }
        (4, _) => *place = json!([place]),
        (5, _) => *place = any(&pool.strange, random).clone(),
        (_, _) => {
            if let Some(values) = pool.by_key.get(&key) {
                *place = any(values, random).clone();
            }
        }
    }
}

/// As a person would write it.
fn written(document: &Value) -> SourceFile {
    let mut text = serde_yaml::to_string(document).unwrap();
    for name in ["amps_api_key", "amps_webhook_secret"] {
        text = text.replace(&format!("'!secret {name}'"), &format!("!secret {name}"));
    }
    SourceFile::new("rules/a.yaml", text)
}

/// Stirs the good files of a kind, and compares what the program and the schema make of each.
#[track_caller]
fn check(file: File, rounds: usize) {
    let documents = good(file);
    let mut by_key = BTreeMap::new();
    for document in &documents {
        behind_keys(document, &mut by_key);
    }
    let strange = strange();
    let pool = Pool { by_key, strange };
    let mut random = Xorshift(SEED);
    let mut n_taken = 0;
    for round in 0..rounds {
        let mut document = any(&documents, &mut random).clone();
        for _ in 0..=random.below(3) {
            stir(&mut document, &pool, &mut random);
        }
        let source = written(&document);
        // An empty file is neither right nor anything to look at.
        let Some(value) = seen(&source) else {
            assert_eq!(document, Value::Null, "{}", source.text);
            continue;
        };
        let findings = file.findings(&source);
        let complaints = file.complaints(&value);
        if findings.is_empty() {
            assert_eq!(complaints, [""; 0], "round {round}:\n{}", source.text);
            n_taken += 1;
        }
        let finding = findings
            .iter()
            .find(|it| ALWAYS_SEEN.contains(&it.code.name));
        if let (Some(finding), []) = (finding, &complaints[..]) {
            let Diagnostic { code, message, .. } = finding;
            panic!("round {round}: {}: {message}\n{}", code.name, source.text);
        }
    }
    assert!(rounds / 6 < n_taken, "{n_taken}");
}

#[test]
fn rules_that_the_program_takes_are_accepted_and_clear_mistakes_refused() {
    check(File::Rules, ROUNDS);
}

#[test]
fn tests_that_the_program_takes_are_accepted_and_clear_mistakes_refused() {
    check(File::Tests, ROUNDS / 3);
}

#[test]
fn homes_that_the_program_takes_are_accepted_and_clear_mistakes_refused() {
    check(File::Home, ROUNDS / 3);
}
