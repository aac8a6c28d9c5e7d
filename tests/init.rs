//! `init`: the first five minutes with a home of one's own.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::cli::{amps_rules, at, said};

/// What keeps a rule from running until somebody has read it.
const OFF: &str = "    enabled: false  # remove this line, and the rule runs\n";

/// Nobody but the people of the house can say where their price stands.
const UNTOLD_PRICE: &str = "\
warning[W615]: nothing tells the input `grid_price` its value, so that it stays unknown
  --> home.yaml:32:3
   |
32 |   grid_price: {type: number, unit: GBP/kWh, max_age: 45m}
   |   ^^^^^^^^^^
   |
help: say where it is read, `source: {http: {url: …}}`, or who may post it, under `hooks:` of this file: `grid_price: {secrets: !secret NAME}`
";

/// A new home in a folder that was not there.
fn new(dir: &Path) -> PathBuf {
    let home = dir.join("my home");
    let init = amps_rules(&["init", home.to_str().unwrap()]);
    assert_eq!((init.status.code(), said(&init.stderr)), (Some(0), ""));
    let steps = "`HOME` is a home now. What is left to do:
  1. put the API key and the signing secret into HOME/secrets.yaml
  2. put the ids of your devices into HOME/home.yaml
  3. read the rules in HOME/rules/: those that send messages run; for the others, remove the
     line `enabled: false` where you want one, and the files that you do not want
  4. amps-rules --home 'HOME' check
  5. amps-rules --home 'HOME' run\n";
    assert_eq!(
        said(&init.stdout),
        steps.replace("HOME", home.to_str().unwrap())
    );
    home
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries
        .map(|it| it.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[test]
fn a_new_home_lacks_nothing_but_its_secrets() {
    let dir = tempfile::tempdir().unwrap();
    let home = new(dir.path());
    let check = at(&home, &["check", "--format", "json"]);
    assert_eq!(check.status.code(), Some(1));
    let findings: Value = serde_json::from_slice(&check.stdout).unwrap();
    let findings: Vec<_> = findings
        .as_array()
        .unwrap()
        .iter()
        .map(|it| json!([it["code"], it["message"]]))
        .collect();
    assert_eq!(
        findings,
        [
            json!(["E213", "the secret `amps_api_key` is empty"]),
            json!(["E213", "the secret `amps_webhook_secret` is empty"]),
        ]
    );
    let secrets = home.join("secrets.yaml");
    let text = fs::read_to_string(&secrets).unwrap();
    let text = text
        .replace("api_key: \"\"", "api_key: \"sk_test_1\"")
        .replace("webhook_secret: \"\"", "webhook_secret: \"whsec_c2VjcmV0\"");
    fs::write(&secrets, text).unwrap();
    let check = at(&home, &["check", "--deny", "warnings"]);
    assert_eq!(
        (
            check.status.code(),
            said(&check.stdout),
            said(&check.stderr)
        ),
        (
            Some(0),
            "",
            "0 errors and 0 warnings in 18 files; 21 rules can run\n"
        )
    );
}

#[test]
fn a_new_home_has_the_starter_rules_and_is_written_as_fmt_would() {
    let dir = tempfile::tempdir().unwrap();
    let home = new(dir.path());
    let files = [
        ".gitignore",
        "README.md",
        "home.yaml",
        "rules",
        "secrets.yaml",
    ];
    assert_eq!(names(&home), files.map(str::to_owned).into());
    let starter = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    let mut rules = names(&starter);
    assert!(rules.remove("README.md"));
    // Their tests are about the devices of an example, by their ids.
    rules.retain(|name| !name.ends_with(".test.yaml"));
    assert_eq!(names(&home.join("rules")), rules);
    for rule in rules {
        let text = |folder: &Path| fs::read_to_string(folder.join(&rule)).unwrap();
        let written = text(&home.join("rules"));
        let orders = written.contains("- command: ");
        assert_eq!(written.contains(OFF), orders, "{rule}");
        assert_eq!(written.replace(OFF, ""), text(&starter));
    }
    let fmt = at(&home, &["fmt", "--check"]);
    assert_eq!((fmt.status.code(), said(&fmt.stdout)), (Some(0), ""));
}

#[test]
fn every_starter_rule_that_orders_something_waits_to_be_switched_on() {
    let dir = tempfile::tempdir().unwrap();
    let home = new(dir.path());
    for name in names(&home.join("rules")) {
        let path = home.join("rules").join(&name);
        let text = fs::read_to_string(&path).unwrap();
        let n_rules = text.matches("\n  - id: ").count();
        let n_off = text.matches(OFF).count();
        assert!(n_off == 0 || n_off == n_rules, "{name}");
        fs::write(&path, text.replace(OFF, "")).unwrap();
    }
    let secrets = home.join("secrets.yaml");
    let text = fs::read_to_string(&secrets).unwrap();
    let text = text
        .replace("api_key: \"\"", "api_key: \"sk_test_1\"")
        .replace("webhook_secret: \"\"", "webhook_secret: \"whsec_c2VjcmV0\"");
    fs::write(&secrets, text).unwrap();
    let check = at(&home, &["check", "--deny", "warnings"]);
    assert_eq!(
        (
            check.status.code(),
            said(&check.stdout),
            said(&check.stderr)
        ),
        (
            Some(1),
            UNTOLD_PRICE,
            "0 errors and 1 warning in 18 files; 21 rules can run\n"
        )
    );
}

#[test]
fn nobody_else_reads_the_secrets_or_the_messages_of_a_new_home() {
    let dir = tempfile::tempdir().unwrap();
    let topic = |home: &Path| {
        let text = fs::read_to_string(home.join("home.yaml")).unwrap();
        let (_, rest) = text.split_once("https://ntfy.sh/").unwrap();
        rest.split_once('"').unwrap().0.to_owned()
    };
    let home = new(dir.path());
    let mode = fs::metadata(home.join("secrets.yaml")).unwrap();
    assert_eq!(mode.permissions().mode() & 0o7777, 0o600);
    let other = tempfile::tempdir().unwrap();
    let first = topic(&home);
    assert_eq!(first.len(), "amps-rules-".len() + 24);
    assert_ne!(first, topic(&new(other.path())));
}

#[test]
fn the_time_zone_is_that_of_the_machine() {
    let dir = tempfile::tempdir().unwrap();
    for (zone, expected) in [("Asia/Tokyo", "Asia/Tokyo"), ("UTC", "Europe/London")] {
        let home = dir.path().join(expected.replace('/', "-"));
        let init = Command::new(env!("CARGO_BIN_EXE_amps-rules"))
            .args(["init", home.to_str().unwrap()])
            .env("TZ", zone)
            .output()
            .unwrap();
        assert_eq!(init.status.code(), Some(0));
        let text = fs::read_to_string(home.join("home.yaml")).unwrap();
        let line = format!("  timezone: {expected}\n");
        assert!(text.contains(&line), "{text}");
    }
}

#[test]
fn a_folder_with_something_in_it_stays_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("notes.txt"), "mine").unwrap();
    let init = amps_rules(&["init", dir.path().to_str().unwrap()]);
    let expected = "error: the folder `HOME` is not empty, and nothing was written into it\n\
                    help: name a folder that is not there yet\n";
    assert_eq!(
        (init.status.code(), said(&init.stdout), said(&init.stderr)),
        (
            Some(2),
            "",
            expected
                .replace("HOME", dir.path().to_str().unwrap())
                .as_str()
        )
    );
    assert_eq!(names(dir.path()), ["notes.txt".to_owned()].into());
    let file = dir.path().join("notes.txt");
    let init = amps_rules(&["init", file.to_str().unwrap()]);
    assert_eq!(init.status.code(), Some(2));
    assert_eq!(fs::read_to_string(file).unwrap(), "mine");
}
