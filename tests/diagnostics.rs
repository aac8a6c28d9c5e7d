//! Runs `diagnostics/`: each broken file with the whole text that its author gets to see.
//!
//! `rules/` holds rule files, or folders of several, checked against [`names`]. `home/` holds
//! `home.yaml` files, or folders with a `secrets.yaml` beside it, `expressions/` lists of values,
//! and `homes/` whole homes, for the program itself.
//! `UPDATE=1` rewrites the texts.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use amps_rules::config::environment::Environment;
use amps_rules::config::{self, names::Names};
use amps_rules::document::code;
use amps_rules::document::diagnostic::Diagnostic;
use amps_rules::document::render::{self, Style};
use amps_rules::document::source::{FILE_BYTES_MAX, SourceFile};
use amps_rules::rules;

use crate::cli::{at, said};
use crate::expressions;

const DEVICES: &str = "\
devices:
  house_battery: {type: battery, id: dev_abc123}
  car_charger:   {type: ev_charger, id: dev_ev001}
  hall_heating:  {type: hvac, id: dev_hvac01}
  roof:          {type: solar_inverter, id: dev_pv01}
  family_car:    {type: vehicle, id: dev_car01}
notifiers:
  phone: {type: ntfy, url: https://ntfy.sh/rose-cottage-7f3}
inputs:
  grid_price: {type: number, unit: GBP/kWh, max_age: 45m}
  weather: {type: text}
hooks:
  doorbell: {secrets: !secret amps_webhook_secret}
  storm-warning: {secrets: !secret amps_webhook_secret}
http_allow: panel.example
";

/// The home that the rules of all tests are written for.
pub(crate) const HOME: &str = "\
version: 1
home: {name: Rose Cottage, timezone: Europe/London}
amps: {api_key: !secret amps_api_key}
intake: {secrets: [!secret amps_webhook_secret]}
";

pub(crate) fn home_text() -> String {
    format!("{HOME}{DEVICES}")
}

pub(crate) fn environment() -> Environment {
    let variables = [
        ("AMPS_RULES_SECRET_AMPS_API_KEY", "sk_test_1"),
        ("AMPS_RULES_SECRET_AMPS_WEBHOOK_SECRET", "whsec_c2VjcmV0"),
        ("AMPS_RULES_SECRET_EMPTY_KEY", "whsec_"),
        ("AMPS_RULES_SECRET_NOT_BASE64", "whsec_not-base64!"),
        ("AMPS_RULES_SECRET_WITHOUT_PADDING", "whsec_c2VjcmV0MQ"),
        ("AMPS_RULES_SECRET_TWO_LINES", "one\ntwo"),
        ("AMPS_RULES_SECRET_WITH_SPACE", " c2VjcmV0"),
        ("AMPS_RULES_SECRET_NOTHING", ""),
    ];
    Environment::from_variables(variables.map(|(name, value)| (name.to_owned(), value.to_owned())))
}

pub(crate) fn names() -> Names {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("home.yaml"), home_text()).unwrap();
    let loaded = config::load(dir.path(), &environment());
    assert_eq!(loaded.diagnostics, []);
    loaded.names
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/diagnostics")
        .join(name)
}

/// Files and folders of `tests/diagnostics/NAME`, without the expected texts, in name order.
pub(crate) fn cases(name: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder(name)).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|it| it.unwrap().path()).collect();
    paths.retain(|it| it.extension().is_none_or(|it| it == "yaml"));
    paths.sort();
    assert!(!paths.is_empty(), "{name}");
    paths
}

/// The rule files of a case, under the names that they would have in a home.
pub(crate) fn sources(case: &Path) -> Vec<SourceFile> {
    let mut paths = vec![case.to_owned()];
    if case.is_dir() {
        paths = fs::read_dir(case)
            .unwrap()
            .map(|it| it.unwrap().path())
            .collect();
        paths.sort();
    }
    let source = |path: &PathBuf| {
        let name = format!("rules/{}", path.file_name().unwrap().to_str().unwrap());
        SourceFile::from_bytes(&name, &fs::read(path).unwrap())
    };
    paths.iter().map(source).collect()
}

fn seen_rules(case: &Path, names: &Names) -> String {
    let sources = sources(case);
    let loaded = rules::load(&sources, names);
    render::text(&loaded.diagnostics, &sources, Style::Plain)
}

fn seen_home(case: &Path) -> String {
    let dir = tempfile::tempdir().unwrap();
    let home = if case.is_dir() {
        let secrets = fs::read(case.join("secrets.yaml")).unwrap();
        let path = dir.path().join("secrets.yaml");
        fs::write(&path, secrets).unwrap();
        let mode = if case.ends_with("secrets_open_to_others") {
            0o644
        } else {
            0o600
        };
        let permissions = std::os::unix::fs::PermissionsExt::from_mode(mode);
        fs::set_permissions(&path, permissions).unwrap();
        case.join("home.yaml")
    } else {
        case.to_owned()
    };
    fs::write(dir.path().join("home.yaml"), fs::read(home).unwrap()).unwrap();
    let loaded = config::load(dir.path(), &environment());
    let text = render::text(&loaded.diagnostics, &loaded.sources, Style::Plain);
    text.replace(dir.path().to_str().unwrap(), "HOME")
}

/// What `check` says of a whole home, and how it ends.
fn seen_whole(case: &Path) -> String {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("rules")).unwrap();
    fs::copy(case.join("home.yaml"), dir.path().join("home.yaml")).unwrap();
    for entry in fs::read_dir(case.join("rules")).unwrap() {
        let from = entry.unwrap().path();
        let to = dir.path().join("rules").join(from.file_name().unwrap());
        fs::copy(from, to).unwrap();
    }
    let secrets = dir.path().join("secrets.yaml");
    fs::copy(case.join("secrets.yaml"), &secrets).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(&secrets, mode).unwrap();
    let check = at(dir.path(), &["check"]);
    format!("{}{}", said(&check.stdout), said(&check.stderr))
}

/// Compares what each case shows with the file beside it, or writes that file.
#[track_caller]
fn check(name: &str, show: impl Fn(&Path) -> String) {
    let mut differ = Vec::new();
    for case in cases(name) {
        let seen = show(&case);
        let expected_path = case.with_extension("txt");
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&expected_path, &seen).unwrap();
        }
        let expected = fs::read_to_string(&expected_path).unwrap_or_default();
        if seen != expected {
            differ.push(format!(
                "{}\n--- expected\n{expected}\n--- seen\n{seen}",
                case.display()
            ));
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

#[test]
fn a_broken_rule_file_is_answered_with_place_reason_and_remedy() {
    let names = names();
    check("rules", |case| seen_rules(case, &names));
}

#[test]
fn a_broken_home_is_answered_with_place_reason_and_remedy() {
    check("home", seen_home);
}

#[test]
fn a_broken_expression_is_answered_with_place_reason_and_remedy() {
    let names = names();
    check("expressions", |case| expressions::seen(case, &names));
}

#[test]
fn a_whole_home_gets_the_advice_that_no_file_alone_shows() {
    check("homes", seen_whole);
}

#[test]
fn every_code_is_shown_by_some_file() {
    let generated = ["E105", "E114", "E115", "E118", "E324"];
    let mut seen: BTreeSet<String> = generated.map(str::to_owned).into();
    let names = names();
    let rules = cases("rules").into_iter().map(|it| seen_rules(&it, &names));
    let homes = cases("home").into_iter().map(|it| seen_home(&it));
    let whole = cases("homes").into_iter().map(|it| seen_whole(&it));
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rule_tests/cases");
    let tests = fs::read_dir(tests).unwrap().map(|it| it.unwrap().path());
    let tests = tests.map(|it| fs::read_to_string(it).unwrap());
    let expressions = cases("expressions")
        .into_iter()
        .map(|it| expressions::seen(&it, &names));
    for text in rules
        .chain(homes)
        .chain(whole)
        .chain(expressions)
        .chain(tests)
    {
        let codes = text.split('[').skip(1).filter_map(|it| it.get(..4));
        seen.extend(codes.map(str::to_owned));
    }
    let missing: Vec<&str> = code::ALL
        .iter()
        .map(|it| it.name)
        .filter(|it| !seen.contains(*it))
        .collect();
    assert_eq!(missing, [""; 0]);
}

fn plain(diagnostics: &[Diagnostic], sources: &[SourceFile]) -> String {
    render::text(diagnostics, sources, Style::Plain)
}

#[test]
fn a_file_that_is_too_large_is_named_and_not_read() {
    let source = SourceFile::from_bytes("rules/big.yaml", &vec![b'#'; FILE_BYTES_MAX + 1]);
    let loaded = rules::load(std::slice::from_ref(&source), &names());
    assert_eq!(
        plain(&loaded.diagnostics, &[source]),
        "\
error[E105]: the file has 1048577 bytes, and 1048576 are allowed
--> rules/big.yaml
 |
help: divide it into several files
"
    );
    assert_eq!(loaded.broken_files, ["rules/big.yaml"]);
}

#[test]
fn a_folder_without_a_home_is_said_to_be_none() {
    let dir = tempfile::tempdir().unwrap();
    let loaded = config::load(dir.path(), &environment());
    let text = plain(&loaded.diagnostics, &loaded.sources);
    assert_eq!(
        text.replace(dir.path().to_str().unwrap(), "HOME"),
        "\
error[E114]: the folder `HOME` holds no home.yaml
--> home.yaml
 |
help: name the folder of the home with `--home DIR`
"
    );
}

#[test]
fn rule_files_are_found_in_name_order_and_links_do_not_lead_out() {
    let dir = tempfile::tempdir().unwrap();
    let rules = dir.path().join("rules");
    fs::create_dir_all(rules.join("upstairs")).unwrap();
    for name in [
        "b.yaml",
        "a.yml",
        "upstairs/c.yaml",
        "notes.txt",
        ".hidden.yaml",
    ] {
        fs::write(rules.join(name), name).unwrap();
    }
    std::os::unix::fs::symlink("/etc/passwd", rules.join("d.yaml")).unwrap();
    std::os::unix::fs::symlink("/etc", rules.join("e")).unwrap();
    fs::write(rules.join("secrets.yaml"), "key: sk_live_1").unwrap();
    std::os::unix::fs::symlink("a.yml", rules.join("f.yaml")).unwrap();
    let (sources, diagnostics) = config::rule_files(dir.path());
    let read: BTreeMap<&str, &str> = sources
        .iter()
        .map(|it| (it.name.as_ref(), it.text.as_str()))
        .collect();
    let expected = [
        ("rules/a.yml", "a.yml"),
        ("rules/b.yaml", "b.yaml"),
        ("rules/f.yaml", "a.yml"),
        ("rules/upstairs/c.yaml", "upstairs/c.yaml"),
    ];
    assert_eq!(read, expected.into());
    assert_eq!(
        plain(&diagnostics, &sources),
        "\
error[E114]: `rules/d.yaml` cannot be read: it is a link that leads out of the rules
--> rules/d.yaml

error[E114]: `rules/e` cannot be read: links to folders are not followed
--> rules/e

error[E114]: `rules/secrets.yaml` cannot be read: it holds secrets, which belong beside home.yaml
--> rules/secrets.yaml
"
    );
}

#[test]
fn too_many_rule_files_are_cut_off_aloud() {
    let dir = tempfile::tempdir().unwrap();
    let rules = dir.path().join("rules");
    fs::create_dir(&rules).unwrap();
    for number in 0..1001 {
        fs::write(rules.join(format!("{number:04}.yaml")), "").unwrap();
    }
    let (sources, diagnostics) = config::rule_files(dir.path());
    assert_eq!(sources.len(), 1000);
    assert_eq!(
        plain(&diagnostics, &sources),
        "\
error[E115]: the home has 1001 rule files, and 1000 are allowed
--> rules/1000.yaml
 |
help: this file and those after it are left out; put several rules in a file
"
    );
}

#[test]
fn a_file_with_very_many_problems_shows_the_first_two_hundred() {
    let shown = |n_problems: usize| {
        let text = format!("version: 1\nrules:\n{}", "  - x\n".repeat(n_problems));
        let source = SourceFile::new("rules/a.yaml", text);
        let loaded = rules::load(&[source], &names());
        assert_eq!(loaded.broken.len(), n_problems);
        let last = loaded.diagnostics.last().unwrap();
        (loaded.diagnostics.len(), last.message.clone())
    };
    let wrong = "expected a rule, a block of `key: value` lines, found text";
    assert_eq!(shown(200), (200, wrong.to_owned()));
    let more = "problems of this file that are not shown: 1 more";
    assert_eq!(shown(201), (201, more.to_owned()));
}

#[test]
fn advice_beyond_the_first_two_hundred_is_counted_and_gives_way_to_errors() {
    let shown = |n_advice: usize, n_errors: usize| {
        let rule = |id: usize| {
            format!(
                "  - {{id: r{id}, triggers: {{trigger: device, device: roof, event: any}}, conditions: true, actions: {{log: x}}}}\n"
            )
        };
        let rules: String = (0..n_advice).map(rule).collect();
        let text = format!("version: 1\nrules:\n{rules}{}", "  - x\n".repeat(n_errors));
        let source = SourceFile::new("rules/a.yaml", text);
        let loaded = rules::load(&[source], &names());
        assert_eq!(loaded.rules.rules.len(), n_advice);
        let count = |code: &str| {
            let diagnostics = loaded.diagnostics.iter();
            diagnostics.filter(|it| it.code.name == code).count()
        };
        let last = loaded.diagnostics.last().unwrap();
        (count("W604"), count("E301"), last.notes.clone())
    };
    let more = |n: usize| format!("pieces of advice on this file that are not shown: {n} more");
    assert_eq!(shown(200, 0), (200, 0, vec![]));
    assert_eq!(shown(201, 0), (200, 0, vec![more(1)]));
    assert_eq!(shown(201, 2), (198, 2, vec![more(3)]));
}

#[test]
fn of_very_long_lines_the_place_is_shown_alone() {
    let text = |padding: usize| format!("version: 1\nrules: x{}\n", " ".repeat(padding));
    let shown = |text: String| {
        let sources = [SourceFile::new("rules/a.yaml", text)];
        let loaded = rules::load(&sources, &names());
        plain(&loaded.diagnostics, &sources)
    };
    assert_eq!(
        shown(text(0)),
        "\
error[E301]: expected a rule, a block of `key: value` lines, found text
 --> rules/a.yaml:2:8
  |
2 | rules: x
  |        ^
"
    );
    assert_eq!(
        shown(text(20_000)),
        "\
error[E301]: expected a rule, a block of `key: value` lines, found text
--> rules/a.yaml:2:8
"
    );
}

#[test]
fn programs_get_the_same_as_json() {
    let source = SourceFile::new(
        "rules/car.yaml",
        "version: 1\nrules:\n  - id: é-1\n    triggers: []\n    actions: [{log: x}]\n",
    );
    let loaded = rules::load(std::slice::from_ref(&source), &names());
    let json = render::json(&loaded.diagnostics, &[source]);
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        value,
        serde_json::json!([
            {
                "code": "E207", "severity": "error", "message": "`é-1` cannot be the id of a rule",
                "file": "rules/car.yaml", "line": 3, "column": 9, "end_line": 3, "end_column": 12,
                "label": "", "notes": [], "related": [],
                "help": ["use small letters and digits, with `-` between words", "write `1`"],
            },
            {
                "code": "E501", "severity": "error", "message": "`triggers` is empty",
                "file": "rules/car.yaml", "line": 4, "column": 5, "end_line": 4, "end_column": 13,
                "label": "nothing stands below", "notes": [], "related": [], "help": [],
            },
        ])
    );
}

#[test]
fn no_secret_is_ever_shown() {
    let homes = cases("home").into_iter().map(|it| (seen_home(&it), it));
    let whole = cases("homes").into_iter().map(|it| (seen_whole(&it), it));
    for (text, case) in homes.chain(whole) {
        for secret in [
            "sk_live_1",
            "sk_test_1",
            "notReallyOne",
            "not-base64",
            "c2VjcmV0",
        ] {
            assert!(!text.contains(secret), "{}", case.display());
        }
    }
}
