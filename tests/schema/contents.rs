//! What editors show and offer, and how the schemas get to them.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Map, Value, json};

use super::File;
use crate::cli::{amps_rules, said};

/// Calls `look` with each schema within `schema`, and where it stands.
fn each(schema: &Value, place: &str, look: &mut impl FnMut(&str, &Map<String, Value>)) {
    let Value::Object(object) = schema else {
        return;
    };
    look(place, object);
    for key in ["properties", "$defs"] {
        for (name, inner) in object
            .get(key)
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            each(inner, &format!("{place}/{key}/{name}"), look);
        }
    }
    for key in [
        "items",
        "additionalProperties",
        "if",
        "then",
        "propertyNames",
    ] {
        if let Some(inner) = object.get(key) {
            each(inner, &format!("{place}/{key}"), look);
        }
    }
    for key in ["anyOf", "allOf", "oneOf"] {
        let all = object.get(key).and_then(Value::as_array);
        for (index, inner) in all.into_iter().flatten().enumerate() {
            each(inner, &format!("{place}/{key}/{index}"), look);
        }
    }
}

#[test]
fn the_schemas_are_schemas() {
    for file in File::ALL {
        let schema = file.printed();
        let dialect = "https://json-schema.org/draft/2020-12/schema";
        assert_eq!(schema["$schema"], dialect);
        let problem = jsonschema::draft202012::meta::validate(&schema).err();
        assert!(problem.is_none(), "{file:?}: {problem:?}");
    }
}

#[test]
fn every_key_says_what_it_means_and_no_block_takes_others() {
    for file in File::ALL {
        let mut n_keys = 0;
        each(&file.printed(), "", &mut |place, schema| {
            let properties = schema.get("properties").and_then(Value::as_object);
            let Some(properties) = properties.filter(|_| !place.ends_with("/if")) else {
                return;
            };
            // Before it is known what a block is, it may hold anything that one of them may.
            let is_undecided = schema.get("allOf").is_some_and(|all| {
                let mut all = all.as_array().unwrap().iter();
                all.any(|it| it.pointer("/then/title").is_some())
            });
            if is_undecided {
                return;
            }
            assert_eq!(
                schema.get("additionalProperties"),
                Some(&json!(false)),
                "{place}"
            );
            for (key, inner) in properties {
                let meaning = inner["description"].as_str().unwrap_or_default();
                let is_lines = meaning.is_empty() && schema.get("title").is_none();
                assert!(
                    meaning.ends_with('.') || is_lines,
                    "{place} {key}: {meaning:?}"
                );
                n_keys += 1;
            }
        });
        assert!(30 < n_keys, "{file:?}: {n_keys}");
    }
}

#[test]
fn every_default_and_every_example_fits_where_it_stands() {
    for file in File::ALL {
        let whole = file.printed();
        let mut checked = BTreeSet::new();
        each(&whole, "", &mut |place, schema| {
            let shown = schema.get("default").into_iter();
            let examples = schema.get("examples").and_then(Value::as_array);
            let shown: Vec<&Value> = shown.chain(examples.into_iter().flatten()).collect();
            if shown.is_empty() || !checked.insert(json!(schema).to_string()) {
                return;
            }
            let mut alone = schema.clone();
            alone.insert("$defs".to_owned(), whole["$defs"].clone());
            let validator = jsonschema::draft202012::new(&Value::Object(alone)).unwrap();
            for value in shown {
                assert!(validator.is_valid(value), "{place}: {value}");
            }
        });
        assert!(5 < checked.len(), "{file:?}: {}", checked.len());
    }
}

#[test]
fn words_are_offered_from_the_lists_that_they_are_read_by() {
    let rules = File::Rules.printed();
    let at = |pointer: &str| {
        rules
            .pointer(pointer)
            .unwrap_or_else(|| panic!("{pointer}"))
    };
    let modes = json!(["single", "restart", "queued", "parallel"]);
    let mode = at("/$defs/rule/properties/mode");
    assert_eq!(
        (&mode["enum"], &mode["default"]),
        (&modes, &json!("single"))
    );
    let triggers = json!([
        "command",
        "device",
        "state",
        "numeric_state",
        "time",
        "cron",
        "sun",
        "webhook",
        "engine",
        "all_of",
        "sequence",
        "absence",
        "count"
    ]);
    assert_eq!(at("/$defs/trigger/properties/trigger/enum"), &triggers);
    let level = json!({"const": "level", "description": "`battery`: how full it is."});
    let attributes = at("/$defs/attribute/anyOf").as_array().unwrap();
    assert!(attributes.contains(&level), "{attributes:?}");
    let command = at("/$defs/trigger/allOf/0/then/properties/trigger");
    assert_eq!(command["const"], "command");
    let example = command["markdownDescription"].as_str().unwrap();
    assert!(example.contains("```yaml\ntrigger: command\n"), "{example}");
}

#[test]
fn what_has_no_effect_yet_is_marked() {
    let home = File::Home.printed();
    let told = |key: &str| {
        let description = &home["properties"][key]["description"];
        description.as_str().unwrap().to_owned()
    };
    let mark = " Checked, and without effect in this version.";
    assert!(told("dashboard").ends_with(mark), "{}", told("dashboard"));
    assert!(!told("intake").contains(mark), "{}", told("intake"));
}

#[test]
fn words_of_home_assistant_are_answered_with_what_to_write() {
    let rules = File::Rules.printed();
    let told = |pointer: &str| rules.pointer(pointer).unwrap()["errorMessage"].clone();
    assert_eq!(told("/$defs/rule/properties/trigger"), "write `triggers:`");
    assert_eq!(
        told("/$defs/trigger/properties/platform"),
        "write `trigger:`"
    );
    let service = told("/$defs/action/properties/service");
    assert!(
        service
            .as_str()
            .unwrap()
            .starts_with("write `command: charge`"),
        "{service}"
    );
}

#[test]
fn the_command_prints_one_or_writes_all() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("my home/.schema");
    let out = folder.to_str().unwrap();
    let names = ["rules.schema.json", "tests.schema.json", "home.schema.json"];
    let told: String = names.map(|name| format!("{out}/{name}\n")).concat();
    // The second time, older files give way.
    for _ in 0..2 {
        let written = amps_rules(&["schema", "--out", out]);
        let streams = (said(&written.stdout), said(&written.stderr));
        assert_eq!(
            (written.status.code(), streams),
            (Some(0), (told.as_str(), ""))
        );
        fs::write(folder.join(names[0]), "older").unwrap();
    }
    amps_rules(&["schema", "--out", out]);
    for (file, name) in File::ALL.into_iter().zip(names) {
        let printed = amps_rules(&["schema", file.name()]).stdout;
        assert!(printed == fs::read(folder.join(name)).unwrap(), "{name}");
    }
    let rules = amps_rules(&["schema", "rules"]).stdout;
    assert!(amps_rules(&["schema"]).stdout == rules);
    let both = amps_rules(&["schema", "tests", "--out", out]);
    assert_eq!((both.status.code(), said(&both.stdout)), (Some(2), ""));
    let unknown = amps_rules(&["schema", "secrets"]);
    assert_eq!(
        (unknown.status.code(), said(&unknown.stdout)),
        (Some(2), "")
    );
}

#[test]
fn a_folder_that_cannot_be_is_said_to_be_none() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "mine").unwrap();
    let refused = amps_rules(&["schema", "--out", file.to_str().unwrap()]);
    assert_eq!(
        (refused.status.code(), said(&refused.stdout)),
        (Some(2), "")
    );
    let told = format!("error: `{}` cannot take the schemas: ", file.display());
    assert!(
        said(&refused.stderr).starts_with(&told),
        "{}",
        said(&refused.stderr)
    );
    assert_eq!(fs::read_to_string(file).unwrap(), "mine");
}
