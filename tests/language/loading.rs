//! From files to a rule set: what is broken stays out, who listens is found, what is bounded is bounded.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Arc;

use amps_rules::config;
use amps_rules::document::render::{self, Style};
use amps_rules::document::source::SourceFile;
use amps_rules::domain::id::{DeviceId, RuleId};
use amps_rules::rules::rule::{Listener, Topic};
use amps_rules::rules::{self, Loaded};

use super::{ACTION, CONDITION, TRIGGER, device, only, rule_text};
use crate::diagnostics::{names, sources};

fn load(text: &str) -> Loaded {
    rules::load(&[SourceFile::new("rules/a.yaml", text)], &names())
}

#[test]
fn bounds_that_touch_are_possible_only_when_both_are_allowed() {
    let text = |bounds: &str| {
        let condition = format!(
            "{{condition: numeric_state, device: house_battery, attribute: level, {bounds}}}"
        );
        codes(&rule_text(TRIGGER, &condition, ACTION))
    };
    assert_eq!(text("at_least: 50, at_most: 50"), [""; 0]);
    assert_eq!(text("above: 50, at_most: 50"), ["E504"]);
    assert_eq!(text("at_least: 50, below: 50"), ["E504"]);
    assert_eq!(text("above: 50, below: 50.1"), [""; 0]);
}

#[test]
fn aliases_of_yaml_repeat_what_they_name() {
    let rule = only(
        "version: 1
rules:
  - id: a
    triggers: &often
      - {trigger: device, device: roof, event: any}
    actions: [&step {log: x}, *step]
",
    );
    assert_eq!(rule.program.operations[0], rule.program.operations[1]);
}

#[test]
fn a_rule_keeps_its_version_when_it_moves_and_changes_it_with_its_meaning() {
    let version = |text: &str| only(text).program.version.clone();
    let text = rule_text(TRIGGER, CONDITION, ACTION);
    let moved = text.replace("rules:\n", "\n# moved\nrules:\n");
    assert_ne!(only(&text).place, only(&moved).place);
    assert_eq!(version(&text), version(&moved));
    assert_ne!(version(&text), version(&text.replace("log: x", "log: y")));
    assert_ne!(version(&text), version(&text.replace("id: a", "id: b")));
}

#[test]
fn a_broken_rule_is_left_out_and_the_others_load() {
    let loaded = load(
        "version: 1
rules:
  - {id: b, triggers: {trigger: device, device: roof, event: any}, actions: {log: x}}
  - {id: broken, triggers: {trigger: device, device: nobody, event: any}, actions: {log: x}}
  - nothing
  - {id: b, triggers: {trigger: device, device: roof, event: any}, actions: {log: y}}
  - {id: a, triggers: {trigger: device, device: roof, event: any}, actions: {log: x}}
",
    );
    let ids: Vec<&str> = loaded.rules.rules.iter().map(|it| it.id.as_str()).collect();
    assert_eq!(ids, ["a", "b"]);
    let broken: Vec<_> = loaded
        .broken
        .iter()
        .map(|it| (it.id.as_ref().map(RuleId::as_str), it.place.line))
        .collect();
    assert_eq!(broken, [(Some("broken"), 4), (None, 5), (Some("b"), 6)]);
    assert_eq!(loaded.broken_files, [""; 0]);
}

#[test]
fn a_rule_that_could_not_be_read_as_it_was_meant_is_left_out() {
    let rule = |id: &str, alias: &str| {
        format!("  - {{id: {id}, alias: {alias}, triggers: {TRIGGER}, actions: {ACTION}}}\n")
    };
    let rules = [
        rule("a", "A"),
        rule("b", "\u{201C}B\u{201D}"),
        rule("c", "!text C"),
        rule("d", "D"),
    ];
    let loaded = load(&format!("version: 1\nrules:\n{}", rules.concat()));
    let broken: Vec<usize> = loaded.broken.iter().map(|it| it.place.line).collect();
    let codes: Vec<&str> = loaded.diagnostics.iter().map(|it| it.code.name).collect();
    assert_eq!((broken, codes), (vec![4, 5], vec!["E119", "E113"]));
    assert_eq!(loaded.rules.rules.len(), 2);
}

#[test]
fn a_file_that_is_no_file_of_rules_does_not_touch_the_others() {
    let good = rule_text(TRIGGER, CONDITION, ACTION);
    let files = [
        SourceFile::new("rules/bad.yaml", "version: 1\nrules: ["),
        SourceFile::new("rules/good.yaml", good),
    ];
    let loaded = rules::load(&files, &names());
    assert_eq!(loaded.rules.rules.len(), 1);
    assert_eq!(loaded.broken_files, ["rules/bad.yaml"]);
}

#[test]
fn who_is_not_enabled_does_not_listen() {
    let loaded = load(
        "version: 1
rules:
  - id: b
    triggers:
      - {trigger: device, device: roof, event: any, enabled: false}
      - {trigger: device, device: [roof, car_charger], event: any}
      - {trigger: command, device: car_charger}
    actions: {log: x}
  - {id: a, enabled: false, triggers: {trigger: device, device: roof, event: any}, actions: {log: x}}
",
    );
    let key = |alias: &str, topic: fn(DeviceId) -> Topic| topic(device(alias).id);
    let listener = |trigger| vec![Listener { rule: 1, trigger }];
    let expected: BTreeMap<_, _> = [
        (key("roof", Topic::Device), listener(1)),
        (key("car_charger", Topic::Device), listener(1)),
        (key("car_charger", Topic::Command), listener(2)),
    ]
    .into();
    assert_eq!(loaded.rules.listeners, expected);
}

#[test]
fn among_ten_thousand_rules_an_event_finds_its_listeners_and_nobody_else() {
    let rule = |file: usize, number: usize| {
        let device = if number == 7 { "roof" } else { "car_charger" };
        format!(
            "  - id: r-{file}-{number:04}
    triggers: {{trigger: device, device: {device}, event: any}}
    actions: {ACTION}
"
        )
    };
    let files: Vec<SourceFile> = (0..10)
        .map(|file| {
            let rules: String = (0..1000).map(|number| rule(file, number)).collect();
            let text = format!("version: 1\nrules:\n{rules}");
            SourceFile::new(&format!("rules/{file}.yaml"), text)
        })
        .collect();
    let loaded = rules::load(&files, &names());
    assert_eq!(loaded.rules.rules.len(), 10_000);
    let listeners = |alias: &str, topic: fn(DeviceId) -> Topic| {
        let found = loaded.rules.listeners.get(&topic(device(alias).id));
        found.cloned().unwrap_or_default()
    };
    let ids: Vec<&str> = listeners("roof", Topic::Device)
        .iter()
        .map(|it| loaded.rules.rules[it.rule].id.as_str())
        .collect();
    let expected: Vec<String> = (0..10).map(|file| format!("r-{file}-0007")).collect();
    assert_eq!(ids, expected);
    assert_eq!(listeners("car_charger", Topic::Device).len(), 9990);
    assert_eq!(listeners("roof", Topic::Command), []);
}

fn codes(text: &str) -> Vec<&'static str> {
    let loaded = load(text);
    loaded.diagnostics.iter().map(|it| it.code.name).collect()
}

#[test]
fn every_bound_allows_what_is_at_it_and_nothing_past_it() {
    let list = |item: &str, n: usize| format!("[{}]", vec![item; n].join(", "));
    let commands = |n: usize| {
        let commands = list("charge", n);
        format!("{{trigger: command, device: car_charger, command: {commands}}}")
    };
    let id = |n: usize| {
        rule_text(TRIGGER, CONDITION, ACTION).replace("id: a", &format!("id: {}", "a".repeat(n)))
    };
    let log = |n: usize| format!("{{log: {}}}", "x".repeat(n));
    let attempts =
        |n: usize| format!("{{command: charge, device: car_charger, retry: {{attempts: {n}}}}}");
    for (at, past, code) in [
        (
            rule_text(&list(TRIGGER, 100), CONDITION, ACTION),
            rule_text(&list(TRIGGER, 101), CONDITION, ACTION),
            "E502",
        ),
        (
            rule_text(TRIGGER, &list(CONDITION, 100), ACTION),
            rule_text(TRIGGER, &list(CONDITION, 101), ACTION),
            "E502",
        ),
        (
            rule_text(TRIGGER, CONDITION, &list(ACTION, 200)),
            rule_text(TRIGGER, CONDITION, &list(ACTION, 201)),
            "E502",
        ),
        (
            rule_text(&commands(1000), CONDITION, ACTION),
            rule_text(&commands(1001), CONDITION, ACTION),
            "E502",
        ),
        (id(64), id(65), "E307"),
        (
            rule_text(TRIGGER, CONDITION, &log(4000)),
            rule_text(TRIGGER, CONDITION, &log(4001)),
            "E307",
        ),
        (
            rule_text(TRIGGER, CONDITION, &attempts(20)),
            rule_text(TRIGGER, CONDITION, &attempts(21)),
            "E306",
        ),
    ] {
        assert_eq!(codes(&at), [""; 0]);
        assert_eq!(codes(&past), [code]);
    }
}

#[test]
fn a_home_holds_twenty_thousand_rules_and_not_one_more() {
    let file = |name: &str, ids: std::ops::Range<usize>| {
        let rule = |id| format!("  - {{id: r{id}, triggers: {TRIGGER}, actions: {ACTION}}}\n");
        let rules: String = ids.map(rule).collect();
        let text = format!("version: 1\nrules:\n{rules}");
        SourceFile::new(name, text)
    };
    let mut files = vec![
        file("rules/a.yaml", 0..7000),
        file("rules/b.yaml", 7000..14_000),
        file("rules/c.yaml", 14_000..rules::RULES_MAX),
    ];
    let loaded = rules::load(&files, &names());
    assert_eq!(
        (loaded.rules.rules.len(), loaded.diagnostics),
        (20_000, vec![])
    );
    files.push(file("rules/d.yaml", 20_000..20_001));
    let loaded = rules::load(&files, &names());
    let seen: Vec<&str> = loaded.diagnostics.iter().map(|it| it.code.name).collect();
    assert_eq!((loaded.rules.rules.len(), seen), (20_000, vec!["E502"]));
}

#[test]
fn a_list_of_no_conditions_asks_nothing() {
    let rule = only(&rule_text(TRIGGER, "[]", ACTION));
    assert_eq!(rule.conditions, []);
}

#[test]
fn the_starter_rules_load_without_findings() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    let mut paths: Vec<_> = fs::read_dir(root)
        .unwrap()
        .map(|it| it.unwrap().path())
        .filter(|it| it.extension().is_some_and(|it| it == "yaml"))
        .filter(|it| !config::is_test_file(it.to_str().unwrap()))
        .collect();
    paths.sort();
    let sources: Vec<SourceFile> = paths.iter().flat_map(|it| sources(it)).collect();
    let loaded = rules::load(&sources, &names());
    let complaints = render::text(&loaded.diagnostics, &sources, Style::Plain);
    assert_eq!(complaints, "");
    let ids: BTreeSet<&str> = loaded.rules.rules.iter().map(|it| it.id.as_str()).collect();
    let expected = [
        "car-after-battery",
        "car-from-a-full-battery",
        "charge-battery-overnight",
        "charge-car-overnight",
        "charge-when-power-is-cheap",
        "hold-battery-while-car-charges",
        "keep-a-reserve",
        "pause-car-in-the-evening-peak",
        "pre-heat",
        "quiet-night",
        "ready-for-a-storm",
        "release-battery-after-the-car",
        "remind-me-to-plug-in",
        "retry-a-failed-charge",
        "stop-at-a-maximum",
        "tell-me-when-a-device-is-lost",
        "tell-me-when-a-device-stays-lost",
        "tell-me-when-charging-fails",
        "tell-me-when-it-fails-again-and-again",
        "tell-me-when-the-battery-is-low",
        "tell-me-when-the-car-has-not-charged",
    ];
    assert_eq!(ids, expected.into());
}

#[test]
fn programs_survive_the_way_through_the_store() {
    let rule = only(&rule_text(TRIGGER, CONDITION, ACTION));
    let text = serde_json::to_string(rule.program.as_ref()).unwrap();
    let read = serde_json::from_str(&text).unwrap();
    assert_eq!(Arc::unwrap_or_clone(rule.program), read);
}
