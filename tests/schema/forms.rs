//! Texts that are written in one way: the schema takes those that the program takes, and no other.

use amps_rules::document::source::SourceFile;

use super::{File, seen};

const DURATIONS: &[&str] = &[
    "90s",
    "5m",
    "5 min",
    "1h30m",
    "1h 30m",
    "2d",
    "2d3h4m5s6ms",
    "5ms",
    "00:05:00",
    "36:00:00",
    "1:0:0",
    "0:5:0",
    "\"5\"",
    "5",
    "-5m",
    "1.5h",
    "30m1h",
    "1h1h",
    "5 parsecs",
    "m",
    "00:60:00",
    "00:00:60",
    "05:00",
    "\"5m:\"",
    "\"\"",
    "soon",
    "5M",
    "{minutes: 5}",
    "{hours: 1, seconds: 30}",
    "{minutes: 1.5}",
    "{minutes: -1}",
    "{weeks: 1}",
    "{minutes: five}",
    "[5m]",
    "true",
    "~",
];

const OFFSETS: &[&str] = &[
    "30m",
    "-30m",
    "\"- 30m\"",
    "\"-00:30:00\"",
    "{minutes: 30}",
    "{minutes: -30}",
    "--30m",
    "30",
    "-30",
    "early",
    "+30m",
];

const TIMES: &[&str] = &[
    "\"22:30\"",
    "22:30",
    "22:30:15",
    "00:00",
    "23:59:59",
    "24:00",
    "7:30",
    "22",
    "22:60",
    "22:30:60",
    "22:30:15:00",
    "+1:30",
    "noon",
    "[\"22:30\", \"06:00\"]",
    "[]",
    "{hours: 22}",
    "22.5",
];

const QUANTITIES: &[&str] = &[
    "80",
    "80.5",
    "80 %",
    "80%",
    "\" 80 % \"",
    "80.",
    "0.5 %",
    "+80 %",
    "80 percent",
    "{value: 80, unit: percent}",
    "{value: 80}",
    "\"80\"",
    "080 %",
    "\"80,5 %\"",
    "80 parsecs",
    "\"% 80\"",
    "eighty",
    "{value: eighty}",
    "{val: 80}",
    "true",
    "[80]",
    "\"{{ 80 }}\"",
];

const PRICES: &[&str] = &[
    "0.2",
    "0.2 GBP/kWh",
    "0.2GBP/kWh",
    "2e-1 GBP/kWh",
    "-1 GBP/kWh",
    "\"0,2 GBP/kWh\"",
    "GBP/kWh",
    "\"\"",
    "true",
    "[0.2]",
    "\"{{ 1 }}\"",
];

const IDS: &[&str] = &[
    "car",
    "car-after-battery",
    "2nd-car",
    "Car",
    "car_1",
    "-car",
    "car-",
    "car--1",
    "\"\"",
    "17",
    "\"17\"",
    "true",
    "~",
    "[car]",
    "a b",
];

const TEXTS: &[&str] = &[
    "Hello",
    "\"17\"",
    "17",
    "true",
    "~",
    "\"\"",
    "\"  \"",
    "\" x\"",
    "\"{ x }\"",
    "\"a {{ b }}\"",
    "\"a {% b %}\"",
    "\"two\\nlines\"",
    "\"two\\nlines {{ x }}\"",
    "[x]",
    "{x: y}",
    "é 🔋",
];

const WHOLE: &[&str] = &[
    "1", "20", "0", "21", "-1", "1.5", "\"3\"", "three", "+5", "~", "[3]",
];

const BOOLEANS: &[&str] = &["true", "false", "True", "yes", "on", "\"true\"", "1", "~"];

const SIZES: &[&str] = &[
    "512 MiB",
    "512MiB",
    "2 GB",
    "2  GB ",
    "1 TiB",
    "512",
    "MiB",
    "5 parsecs",
    "-1 MiB",
    "1.5 GB",
    "~",
    "[512 MiB]",
];

const ADDRESSES: &[&str] = &[
    "https://ntfy.sh/x",
    "http://10.0.0.7:8080/x",
    "HTTPS://ntfy.sh/x",
    "ntfy.sh/x",
    "ftp://ntfy.sh/x",
    "\"https://ntfy.sh/a b\"",
    "https://user:pass@ntfy.sh/x",
    "https://ntfy.sh/a@b",
    "https:///x",
    "17",
    "~",
];

const LISTENING: &[&str] = &[
    "127.0.0.1:8787",
    "0.0.0.0:80",
    "localhost:8787",
    "\"[::1]:8787\"",
    "8787",
    "127.0.0.1",
    "example.com:8787",
    "\":8787\"",
    "~",
];

const NAMES: &[&str] = &["car", "car_2", "Car", "2nd_car", "_car", "car-charger"];

const HOOK_NAMES: &[&str] = &[
    "doorbell",
    "storm-warning",
    "door_2",
    "2nd-door",
    "Door",
    "door bell",
    "door/bell",
];

const HOOKS: &[&str] = &[
    "{secrets: !secret amps_webhook_secret}",
    "{secrets: [!secret amps_webhook_secret, !secret amps_webhook_secret]}",
    "{secrets: []}",
    "{secrets: ~}",
    "{secret: !secret amps_webhook_secret}",
    "{}",
    "~",
    "doorbell",
];

const SOURCES: &[&str] = &[
    "every: 30m",
    "every: often",
    "pointer: /results/0/value",
    "pointer: results",
    "pointer: \"\"",
    "pointer: 0",
    "from: valid_from, to: valid_to, value: price",
    "to: \"\"",
    "to: {}",
    "method: POST",
];

const HOSTS: &[&str] = &[
    "panel.example",
    "\"10.0.0.7:8080\"",
    "[a.example, b.example]",
    "[]",
    "~",
    "https://panel.example",
    "panel.example/x",
    "\"*.example\"",
    "user@panel.example",
    "\"\"",
    "17",
];

/// A rule in which `TEXT` stands somewhere.
fn rule(text: &str) -> String {
    let parts = [
        ("id", "a-rule"),
        ("triggers", "{trigger: device, device: roof, event: any}"),
        ("actions", "{log: x}"),
    ];
    let given = |key: &str| text.starts_with(key);
    let rest = parts.iter().filter(|(key, _)| !given(key));
    let rest = rest.map(|(key, value)| format!("    {key}: {value}\n"));
    let rest = rest.collect::<Vec<_>>().concat();
    format!("version: 1\nrules:\n  -\n    {text}\n{rest}")
}

fn home(text: &str) -> String {
    let parts = [
        ("home", "{timezone: Europe/London}"),
        ("amps", "{api_key: !secret amps_api_key}"),
        ("intake", "{secrets: !secret amps_webhook_secret}"),
    ];
    let rest = parts.iter().filter(|(key, _)| !text.starts_with(key));
    let rest = rest.map(|(key, value)| format!("{key}: {value}\n"));
    let rest = rest.collect::<Vec<_>>().concat();
    format!("version: 1\n{text}\n{rest}")
}

#[track_caller]
fn alike(file: File, text: &str, values: &[&str]) {
    let mut n_taken = 0;
    for value in values {
        let text = text.replace("VALUE", value);
        let text = if file == File::Home {
            home(&text)
        } else {
            rule(&text)
        };
        let source = SourceFile::new("rules/a.yaml", text.as_str());
        let findings: Vec<_> = file
            .findings(&source)
            .into_iter()
            .map(|it| it.message)
            .collect();
        let complaints =
            file.complaints(&seen(&source).unwrap_or_else(|| panic!("not YAML: {text}")));
        assert_eq!(
            complaints.is_empty(),
            findings.is_empty(),
            "{text}{findings:?} {complaints:?}"
        );
        n_taken += usize::from(findings.is_empty());
    }
    assert!(0 < n_taken && n_taken < values.len(), "{text}: {n_taken}");
}

#[test]
fn what_rules_say_in_one_way_is_told_alike() {
    let rules = |text, values| alike(File::Rules, text, values);
    rules("actions: {delay: VALUE}", DURATIONS);
    rules(
        "conditions: {condition: sun, after: sunset, offset: VALUE}",
        OFFSETS,
    );
    rules("triggers: {trigger: time, at: VALUE}", TIMES);
    rules(
        "actions: {command: charge, device: house_battery, parameters: {reserve: VALUE}}",
        QUANTITIES,
    );
    rules(
        "conditions: {condition: numeric_state, input: grid_price, above: VALUE}",
        PRICES,
    );
    rules("id: VALUE", IDS);
    rules("alias: VALUE", TEXTS);
    rules(
        "actions: {command: idle, device: car_charger, retry: {attempts: VALUE}}",
        WHOLE,
    );
    rules("enabled: VALUE", BOOLEANS);
}

#[test]
fn what_a_home_says_in_one_way_is_told_alike() {
    let home = |text, values| alike(File::Home, text, values);
    home(
        "amps: {api_key: !secret amps_api_key, look_up_after: VALUE}",
        &["90s", "5m", "90", "soon", "{minutes: 5}", "~"],
    );
    home("retention: {database_max: VALUE}", SIZES);
    home("notifiers: {phone: {type: ntfy, url: VALUE}}", ADDRESSES);
    home(
        "intake: {secrets: !secret amps_webhook_secret, listen: VALUE}",
        LISTENING,
    );
    home("devices: {VALUE: {type: battery, id: dev_a}}", NAMES);
    home(
        "hooks: {VALUE: {secrets: !secret amps_webhook_secret}}",
        HOOK_NAMES,
    );
    home("hooks: {doorbell: VALUE}", HOOKS);
    let source = "inputs: {x: {type: number, source: {http: {url: \"https://panel.example\", VALUE}}}}\nhttp_allow: panel.example";
    home(source, SOURCES);
    home("http_allow: VALUE", HOSTS);
}
