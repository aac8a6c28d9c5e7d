//! The command line: what is written where, and how the program ends.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::json;

use crate::home::{CAR_AFTER_BATTERY, House, home};

pub(crate) fn amps_rules(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_amps-rules"))
        .args(arguments)
        .output()
        .unwrap()
}

pub(crate) fn at(dir: &Path, arguments: &[&str]) -> Output {
    amps_rules(&[&["--home", dir.to_str().unwrap()], arguments].concat())
}

pub(crate) fn said(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

pub(crate) const SETTINGS: &str = "\
version: 1
home: {name: Rose Cottage, timezone: Europe/London}
amps: {base_url: \"http://127.0.0.1:1\", api_key: !secret amps_api_key}
intake: {listen: \"127.0.0.1:1\", secrets: [!secret amps_webhook_secret]}
devices:
  house_battery: {type: battery, id: dev_abc123}
  car_charger: {type: ev_charger, id: dev_ev001}
notifiers:
  phone: {type: ntfy, url: \"https://ntfy.sh/rose-cottage\"}
";

#[test]
fn the_demo_ends_well_and_tells_its_story_in_order() {
    let demo = amps_rules(&["demo", "--once", "--speed", "100"]);
    assert_eq!(demo.status.code(), Some(0), "{}", said(&demo.stderr));
    let words: Vec<_> = said(&demo.stdout)
        .lines()
        .filter(|line| line.contains(" s  "))
        .map(|line| {
            line[11..]
                .trim_start()
                .split("  ")
                .next()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert!(
        !said(&demo.stdout).contains('\u{1b}'),
        "no colour in a pipe"
    );
    // The answer to the push and the webhook that ends it come from two sides, and close together.
    assert_eq!(words.first().unwrap(), "outside");
    assert_eq!(words[1..4], ["← webhook", "rule", "→ command"]);
    assert_eq!(words.last().unwrap(), "☏ phone");
    let last = said(&demo.stdout).lines().last().unwrap();
    assert_eq!(last, "done: the car is charging with 11 kW");
}

#[test]
fn a_sound_home_checks_out() {
    let dir = home(SETTINGS, CAR_AFTER_BATTERY);
    let check = at(dir.path(), &["check"]);
    assert_eq!((check.status.code(), said(&check.stdout)), (Some(0), ""));
    assert_eq!(
        said(&check.stderr),
        "0 errors and 0 warnings in 3 files; 1 rule can run\n"
    );
}

#[test]
fn a_rule_with_a_mistake_is_shown_with_its_place_and_the_remedy() {
    let dir = home(
        SETTINGS,
        &CAR_AFTER_BATTERY.replace("car_charger", "car_chargr"),
    );
    let check = at(dir.path(), &["check"]);
    assert_eq!(check.status.code(), Some(1));
    assert_eq!(
        said(&check.stdout),
        "\
error[E204]: unknown device `car_chargr`
  --> rules/rules.yaml:10:17
   |
10 |         device: car_chargr
   |                 ^^^^^^^^^^ no device of this home has this name
   |
help: did you mean `car_charger`?
"
    );
    assert_eq!(
        said(&check.stderr),
        "1 error and 0 warnings in 3 files; 0 rules can run\n"
    );
    let check = at(dir.path(), &["check", "--format", "json"]);
    let findings: serde_json::Value = serde_json::from_slice(&check.stdout).unwrap();
    assert_eq!(
        json!([
            findings[0]["code"],
            findings[0]["file"],
            findings[0]["line"]
        ]),
        json!(["E204", "rules/rules.yaml", 10])
    );
}

#[test]
fn what_no_rule_asks_is_told_of_a_whole_and_sound_home_alone() {
    let settings = format!("{SETTINGS}inputs:\n  grid_price: {{type: number, max_age: 1h}}\n");
    let dir = home(&settings, CAR_AFTER_BATTERY);
    let unused = |arguments: &[&str]| {
        let check = at(
            dir.path(),
            &[&["check", "--format", "json"], arguments].concat(),
        );
        let findings: serde_json::Value = serde_json::from_slice(&check.stdout).unwrap();
        let findings = findings.as_array().unwrap().iter();
        let unused = findings.filter(|it| it["code"] == "W612");
        unused
            .map(|it| (it["file"].clone(), it["line"].clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(unused(&[]), [(json!("home.yaml"), json!(11))]);
    let rules = dir.path().join("rules");
    assert_eq!(unused(&[rules.to_str().unwrap()]), []);
    fs::write(rules.join("broken.yaml"), "rules: [").unwrap();
    assert_eq!(unused(&[]), []);
}

#[test]
fn other_rule_files_can_be_checked_against_the_home() {
    let dir = home(SETTINGS, CAR_AFTER_BATTERY);
    let starter = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules/car-after-battery.yaml");
    let check = at(dir.path(), &["check", starter.to_str().unwrap()]);
    assert_eq!((check.status.code(), said(&check.stdout)), (Some(0), ""));
    let missing = at(dir.path(), &["check", "/no/such/file.yaml"]);
    assert_eq!(missing.status.code(), Some(1));
}

#[test]
fn warnings_are_findings_when_they_are_denied() {
    let full = CAR_AFTER_BATTERY.replace("car-after-battery", "car-when-battery-full");
    let dir = home(SETTINGS, &full);
    assert_eq!(at(dir.path(), &["check"]).status.code(), Some(0));
    assert_eq!(
        at(dir.path(), &["check", "--deny", "warnings"])
            .status
            .code(),
        Some(1)
    );
}

#[test]
fn a_home_that_is_not_usable_does_not_run() {
    let dir = home(
        &SETTINGS.replace("battery, id", "batery, id"),
        CAR_AFTER_BATTERY,
    );
    let run = at(dir.path(), &["run"]);
    assert_eq!(run.status.code(), Some(2));
    let first = said(&run.stderr).lines().next().unwrap().to_owned();
    assert!(first.starts_with("error[E"), "{first}");
    assert_eq!(
        at(Path::new("/no/such/home"), &["run"]).status.code(),
        Some(2)
    );
}

#[test]
fn a_wrong_command_line_is_explained_on_standard_error() {
    let wrong = amps_rules(&["demoo"]);
    assert_eq!((wrong.status.code(), said(&wrong.stdout)), (Some(2), ""));
    assert!(said(&wrong.stderr).contains("'demo'"));
    assert_eq!(
        amps_rules(&["demo", "--speed", "0.5"]).status.code(),
        Some(2)
    );
    let help = amps_rules(&["--help"]);
    assert_eq!((help.status.code(), said(&help.stderr)), (Some(0), ""));
}

#[test]
fn lists_of_a_home_that_never_ran_are_empty() {
    let dir = home(SETTINGS, CAR_AFTER_BATTERY);
    for list in ["events", "commands", "runs", "dead-letters"] {
        let listed = at(dir.path(), &[list, "--json"]);
        assert_eq!(
            (listed.status.code(), said(&listed.stdout)),
            (Some(0), "[]\n"),
            "{list}"
        );
        let shown = at(dir.path(), &[list, "show", "nothing"]);
        assert_eq!(
            (shown.status.code(), said(&shown.stdout)),
            (Some(2), ""),
            "{list}"
        );
    }
    assert!(!dir.path().join("state").exists(), "looking leaves no mark");
}

#[test]
fn an_engine_that_does_not_run_cannot_be_reached() {
    let dir = home(SETTINGS, CAR_AFTER_BATTERY);
    let send = at(dir.path(), &["webhook", "send"]);
    assert_eq!((send.status.code(), said(&send.stdout)), (Some(3), ""));
    assert!(said(&send.stderr).ends_with("help: start it with `amps-rules run`\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_can_be_sent_by_hand_once_under_one_id() {
    let house = House::start(CAR_AFTER_BATTERY).await;
    let listen = house
        .engine()
        .webhooks
        .replace("http://", "")
        .replace("/webhooks/amps", "");
    house.edit("home.yaml", |text| text.replace("127.0.0.1:0", &listen));
    for _ in 0..2 {
        let send = house.cli(&[
            "webhook",
            "send",
            "--device",
            "house_battery",
            "--id",
            "msg_hand",
        ]);
        assert_eq!(
            (send.status.code(), said(&send.stdout)),
            (
                Some(0),
                "msg_hand was taken in; see `amps-rules events show msg_hand`\n"
            )
        );
    }
    assert_eq!(house.run_in("completed").await["cause"], "msg_hand");
    assert_eq!(house.pushes().len(), 1);

    let file = house.dir.path().join("body.json");
    fs::write(&file, "not json").unwrap();
    let arguments = [
        "webhook",
        "send",
        "--id",
        "msg_file",
        "--file",
        file.to_str().unwrap(),
    ];
    assert_eq!(house.cli(&arguments).status.code(), Some(0));
    assert_eq!(house.json(&["dead-letters"])[0]["id"], "msg_file");
    let kinds = [
        "push.failed",
        "device.connected",
        "device.reconnected",
        "device.disconnected",
    ];
    for event in kinds {
        assert_eq!(
            house
                .cli(&["webhook", "send", "--event", event])
                .status
                .code(),
            Some(0)
        );
    }
    let events = house.json(&["events"]);
    // What the engine does by itself may stand between them.
    let changes: Vec<_> = (events.as_array().unwrap().iter())
        .filter_map(|it| it["payload"]["change"].as_str())
        .collect();
    assert_eq!(changes, ["disconnected", "reconnected", "connected"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_engine_keeps_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let house = House::start(CAR_AFTER_BATTERY).await;
    let mode = fs::metadata(house.dir.path().join("state"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o700);
}

/// The `yaml` blocks of the README, each with the file that its first line names.
fn readme_files() -> Vec<(String, String)> {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md"));
    let readme = readme.unwrap();
    let blocks = readme.split("```yaml\n# ").skip(1);
    blocks
        .map(|block| {
            let (name, rest) = block.split_once('\n').unwrap();
            (
                name.to_owned(),
                rest.split("```").next().unwrap().to_owned(),
            )
        })
        .collect()
}

#[test]
fn the_home_of_the_readme_checks_out() {
    let files = readme_files();
    let names: Vec<_> = files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["home.yaml", "rules/car.yaml"]);
    let dir = home(&files[0].1, &files[1].1);
    let check = at(dir.path(), &["check"]);
    assert_eq!((check.status.code(), said(&check.stdout)), (Some(0), ""));
}

#[test]
fn every_command_of_the_program_stands_in_the_readme() {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md"));
    let readme = readme.unwrap();
    let help = amps_rules(&["--help"]);
    let commands = said(&help.stdout).split("Commands:\n").nth(1).unwrap();
    let commands = commands.lines().take_while(|line| !line.is_empty());
    for command in commands.map(|line| line.split_whitespace().next().unwrap()) {
        assert!(readme.contains(&format!("`{command}")), "{command}");
    }
}

#[test]
fn shells_complete_the_words_of_the_program() {
    for shell in ["bash", "zsh", "fish"] {
        let script = amps_rules(&["completions", shell]);
        assert_eq!((script.status.code(), said(&script.stderr)), (Some(0), ""));
        for word in ["check", "dead-letters", "simulator", "deny"] {
            assert!(said(&script.stdout).contains(word), "{shell}: {word}");
        }
    }
    let script = amps_rules(&["completions", "bash"]);
    let ask = "\nCOMP_WORDS=(amps-rules check --de); COMP_CWORD=2\n\
               _amps__rules amps-rules --de check; echo \"${COMPREPLY[*]}\"\n";
    let asked = Command::new("bash")
        .args(["-c", &(said(&script.stdout).to_owned() + ask)])
        .output()
        .unwrap();
    assert_eq!((said(&asked.stdout), said(&asked.stderr)), ("--deny\n", ""));
    assert_eq!(amps_rules(&["completions", "tcsh"]).status.code(), Some(2));
}

#[test]
fn a_code_is_explained_and_an_unknown_one_is_not_guessed() {
    let page = amps_rules(&["explain", "e204"]);
    assert_eq!((page.status.code(), said(&page.stderr)), (Some(0), ""));
    assert_eq!(
        said(&page.stdout),
        "\
E204: no device of the home has this name

Rules use the names that home.yaml gives to devices. This one is not among them.

Wrong, in `triggers:`:

    {trigger: device, device: car_chargr, event: any}

Right, in `triggers:`:

    {trigger: device, device: car_charger, event: any}
"
    );
    let unknown = amps_rules(&["explain", "E2O4"]);
    assert_eq!(
        (unknown.status.code(), said(&unknown.stdout)),
        (Some(2), "")
    );
    assert_eq!(
        said(&unknown.stderr),
        "error: there is no code `E2O4`\nhelp: did you mean `E204`?\n"
    );
}
