//! How long rule files take: `check` of large homes, of many files, of many expressions, and `test` of many tests.
//!
//! `cargo bench --bench check`. Each home is checked by the program itself, as a person would; the best of
//! several tries counts, since others may use the machine meanwhile.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a measurement asks for the time, and stops when it cannot go on"
)]

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

const TRIES: usize = 3;

/// Rules of a large home.
const RULES: usize = 10_000;

/// Files of one rule each.
const FILES: usize = 1_000;

/// Conditions of one rule, each an expression.
const EXPRESSIONS_OF_A_RULE: usize = 16;

const TESTS: usize = 1_000;

const HOME: &str = "version: 1
home: {name: Rose Cottage, timezone: Europe/London}
amps: {api_key: !secret amps_api_key}
intake: {secrets: [!secret amps_webhook_secret]}
devices:
  house_battery: {type: battery, id: dev_battery}
  car_charger: {type: ev_charger, id: dev_charger}
notifiers:
  phone: {type: ntfy, url: https://ntfy.sh/rose-cottage}
inputs:
  grid_price: {type: number, unit: GBP/kWh, max_age: 45m}
";

fn main() -> ExitCode {
    if !std::env::args().any(|it| it == "--bench") {
        say("measures only when run by `cargo bench --bench check`\n");
        return ExitCode::SUCCESS;
    }
    say(&format!("{:<46}{:>9}{:>12}\n", "", "ms", "a second"));
    let short = home(RULES, 1_000, short_rule);
    line("check: 10,000 short rules", "rules", RULES, check(&short));
    let long = home(RULES, 500, long_rule);
    line("check: 10,000 long rules", "rules", RULES, check(&long));
    let many = home(FILES, 1, long_rule);
    line(
        "check: 1,000 files of one rule",
        "files",
        FILES,
        check(&many),
    );
    let asking = home(RULES / EXPRESSIONS_OF_A_RULE, 500, asking_rule);
    let expressions = RULES / EXPRESSIONS_OF_A_RULE * EXPRESSIONS_OF_A_RULE;
    line(
        "check: 16 expressions a rule",
        "expressions",
        expressions,
        check(&asking),
    );
    let tested = home(1, 1, short_rule);
    fs::write(tested.path().join("rules/0.test.yaml"), tests()).unwrap();
    line("test: 1,000 tests", "tests", TESTS, run(&tested, "test"));
    ExitCode::SUCCESS
}

/// A home of `n_rules`, so many of them in each file.
fn home(n_rules: usize, in_file: usize, rule: fn(usize) -> String) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("home.yaml"), HOME).unwrap();
    fs::create_dir(dir.path().join("rules")).unwrap();
    let numbers: Vec<usize> = (0..n_rules).collect();
    for (file, numbers) in numbers.chunks(in_file).enumerate() {
        let mut text = "version: 1\nrules:\n".to_owned();
        text.extend(numbers.iter().map(|it| rule(*it)));
        fs::write(dir.path().join(format!("rules/{file}.yaml")), text).unwrap();
    }
    dir
}

fn short_rule(number: usize) -> String {
    format!(
        r#"  - id: short-{number}
    triggers: {{trigger: command, device: house_battery, command: charge}}
    conditions: {{condition: numeric_state, device: house_battery, attribute: level, above: {above}}}
    actions: [{{notify: phone, message: "level {{{{ house_battery.level }}}}"}}]
"#,
        above = number % 100,
    )
}

fn long_rule(number: usize) -> String {
    format!(
        r#"  - id: long-{number}
    alias: Car after battery {number}
    mode: queued
    cooldown: 30m
    variables: {{night: "{{{{ hour(now()) >= 22 or hour(now()) < 6 }}}}"}}
    triggers:
      - {{trigger: command, device: house_battery, command: charge}}
      - trigger: numeric_state
        device: house_battery
        attribute: level
        above: {above} %
        reset: {reset} %
        for: 5m
      - {{trigger: time, at: "22:{minute:02}"}}
    conditions:
      - "{{{{ house_battery.level > {above} % and input.grid_price < 0.{minute:02} }}}}"
      - {{condition: state, device: car_charger, attribute: isConnected, is: true}}
    actions:
      - choose:
          - conditions: "{{{{ vars.night }}}}"
            sequence:
              - command: charge
                device: car_charger
                retry: {{attempts: 3, backoff: 30s}}
          - conditions: {{condition: numeric_state, device: house_battery, attribute: level, above: {minute}}}
            sequence: [{{delay: 10m}}]
        default:
          - {{notify: phone, message: "level {{{{ round(house_battery.level) }}}} at {{{{ now() }}}}"}}
    on_failure:
      - {{notify: phone, message: "failed: {{{{ failure.message }}}}"}}
"#,
        above = 50 + number % 40,
        reset = 40 + number % 40,
        minute = number % 60,
    )
}

fn asking_rule(number: usize) -> String {
    let mut rule = format!(
        "  - id: asking-{number}
    triggers: {{trigger: command, device: house_battery, command: charge}}
    actions: [{{log: here}}]
    conditions:
"
    );
    for index in 0..EXPRESSIONS_OF_A_RULE {
        writeln!(
            rule,
            "      - \"{{{{ house_battery.level > {} % and default(input.grid_price, 1) * {index} < 0.4 or hour(now()) >= 22 }}}}\"",
            number % 90,
        )
        .unwrap();
    }
    rule
}

fn tests() -> String {
    let mut text = "version: 1\ntests:\n".to_owned();
    for number in 0..TESTS {
        write!(
            text,
            "  - name: test {number}
    given: {{house_battery: {{level: 50}}}}
    steps:
      - complete: {{device: house_battery, command: charge}}
      - expect: [{{notify: phone}}]
"
        )
        .unwrap();
    }
    text
}

fn check(home: &TempDir) -> Duration {
    run(home, "check")
}

fn run(home: &TempDir, command: &str) -> Duration {
    let tries = (0..TRIES).map(|_| once(home.path(), command));
    tries.min().unwrap()
}

/// The home has to be as it is meant: with findings, something else would be measured.
fn once(home: &Path, command: &str) -> Duration {
    let begin = Instant::now();
    let output = Command::new(env!("CARGO_BIN_EXE_amps-rules"))
        .arg("--home")
        .arg(home)
        .arg(command)
        .env("AMPS_RULES_SECRET_AMPS_API_KEY", "sk_test_measured")
        .env(
            "AMPS_RULES_SECRET_AMPS_WEBHOOK_SECRET",
            "whsec_bWVhc3VyZWQgaW4gdGhlIGhvdXNlIGl0c2VsZg==",
        )
        .stdout(Stdio::piped())
        .output()
        .unwrap();
    let took = begin.elapsed();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    took
}

fn line(what: &str, noun: &str, count: usize, took: Duration) {
    let ms = took.as_secs_f64() * 1_000.0;
    #[expect(clippy::cast_precision_loss, reason = "a rate is rounded")]
    let rate = count as f64 / took.as_secs_f64();
    say(&format!("{what:<46}{ms:>9.0}{rate:>12.0} {noun}\n"));
}

fn say(text: &str) {
    std::io::stdout().write_all(text.as_bytes()).unwrap();
}
