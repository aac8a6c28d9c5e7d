//! Edits of rules while the engine runs, and what people ask of it by hand.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Output;
use std::time::Duration;

use amps_rules::clock::Clock;
use serde_json::{Value, json};

use crate::home::{CAR_AFTER_BATTERY, House, battery_charged, post, text, until};

/// A rule that says something, at once and after a while.
fn rule(id: &str, delay: &str, message: &str) -> String {
    format!(
        "  - id: {id}
    triggers: {{trigger: command, device: house_battery, command: charge}}
    actions:
      - {{notify: phone, message: {id} begins}}
      - {{delay: {delay}}}
      - {{notify: phone, message: {message}}}
"
    )
}

fn rules(rules: &[String]) -> String {
    format!("version: 1\nrules:\n{}", rules.concat())
}

async fn tell(house: &House, action: &str) {
    let body = battery_charged(action).to_string();
    let id = format!("msg_{action}");
    let answer = post(&house.engine().webhooks, &id, body.as_bytes()).await;
    assert_eq!(answer.status(), 200);
}

fn write(house: &House, text: &str) {
    fs::write(house.dir.path().join("rules/rules.yaml"), text).unwrap();
}

/// What the command said: on both sides, and how it ended.
fn said(output: &Output) -> (String, String, Option<i32>) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (
        text(&output.stdout),
        text(&output.stderr),
        output.status.code(),
    )
}

#[track_caller]
fn done(output: &Output) -> String {
    let (out, err, code) = said(output);
    assert_eq!((err.as_str(), code), ("", Some(0)), "{out}");
    out
}

fn heard(house: &House) -> Vec<String> {
    let mut heard: Vec<_> = house
        .phone()
        .iter()
        .map(|it| it["message"].as_str().unwrap().to_owned())
        .collect();
    heard.sort();
    heard
}

async fn hears(house: &House, message: &str) {
    until(&format!("the phone hears `{message}`"), || {
        heard(house).iter().any(|it| it == message).then_some(())
    })
    .await;
}

/// The states of all runs, with their reasons, by rule.
fn runs(house: &House) -> Value {
    let mut runs: Vec<_> = house
        .json(&["runs"])
        .as_array()
        .unwrap()
        .iter()
        .map(|it| json!([it["rule"], it["state"], it["reason"]]))
        .collect();
    runs.sort_by_key(ToString::to_string);
    json!(runs)
}

async fn n_running(house: &House, n: usize) {
    until(&format!("{n} runs are under way"), || {
        let runs = house.json(&["runs"]);
        let running = runs.as_array().unwrap().iter();
        (running.filter(|it| it["state"] == "running").count() == n).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_rule_takes_effect_while_the_engine_runs() {
    let house = House::start(CAR_AFTER_BATTERY).await;
    edited_is_heard(&house).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_rule_takes_effect_however_the_home_is_named() {
    for name in [".", "elsewhere/../linked"] {
        let mut house = House::without_engine(CAR_AFTER_BATTERY).await;
        let outside = tempfile::tempdir().unwrap();
        fs::create_dir(outside.path().join("elsewhere")).unwrap();
        std::os::unix::fs::symlink(house.dir.path(), outside.path().join("linked")).unwrap();
        let mut engine = std::process::Command::new(env!("CARGO_BIN_EXE_amps-rules"));
        engine.args(["--log", "info", "run", "--home", name]);
        engine.current_dir(match name {
            "." => house.dir.path(),
            _ => outside.path(),
        });
        house.start_engine_as(engine);
        edited_is_heard(&house).await;
    }
}

/// The engine of `house` takes edited files over by itself, again and again: when it starts, it looks once anyway.
async fn edited_is_heard(house: &House) {
    for (n_before, said) in ["once", "edited"].into_iter().enumerate() {
        write(
            house,
            &CAR_AFTER_BATTERY.replace("the car is charging", said),
        );
        until("the rules were read again", || {
            let events = house.json(&["events"]);
            let reloads = events
                .as_array()
                .unwrap()
                .iter()
                .filter(|it| it["kind"] == "engine" && it["payload"].get("reloaded").is_some());
            (n_before < reloads.count()).then_some(())
        })
        .await;
    }
    tell(house, "act_1").await;
    hears(house, "edited").await;
    assert_eq!(heard(house), ["edited"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_may_listen_to_the_reload() {
    let listens = |id: &str| {
        let trigger = "{trigger: engine, event: reloaded}";
        format!(
            "  - {{id: {id}, triggers: {trigger}, actions: {{notify: phone, message: {id}}}}}\n"
        )
    };
    let house = House::start(&rules(&[listens("before")])).await;
    write(&house, &rules(&[listens("after")]));
    assert_eq!(
        done(&house.cli(&["reload"])),
        "added     after\nremoved   before\nunchanged 0 rules\n"
    );
    hears(&house, "after").await;
    assert_eq!(done(&house.cli(&["reload"])), "unchanged 1 rule\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_rule_stays_as_it_was_even_over_a_restart() {
    let mut house = House::start(&rules(&[
        rule("breaks", "1s", "old"),
        rule("stays", "1s", "other"),
    ]))
    .await;
    let broken = rule("breaks", "1s", "new").replace("house_battery", "house_batery");
    write(&house, &rules(&[broken, rule("stays", "1s", "newer")]));
    let (out, err, code) = said(&house.cli(&["reload"]));
    assert_eq!(
        out,
        "changed   stays\nunchanged 1 rule\n\
         broken    breaks (rules/rules.yaml:3): stays as it was when it was last right\n"
    );
    assert!(
        err.starts_with("error[E204]: unknown device `house_batery`"),
        "{err}"
    );
    assert_eq!(code, Some(1));
    tell(&house, "act_1").await;
    hears(&house, "old").await;
    hears(&house, "newer").await;

    // The whole file is no rules at all.
    write(&house, "version: 1\nrules: [\n");
    let log = house.stop_engine_for_its_log();
    assert!(
        log.contains("it stays as it was when it was last right"),
        "{log}"
    );
    house.start_engine();
    tell(&house, "act_2").await;
    until("both run again", || {
        (heard(&house).len() == 8).then_some(())
    })
    .await;
    assert_eq!(
        heard(&house)[2..],
        [
            "newer",
            "newer",
            "old",
            "old",
            "stays begins",
            "stays begins"
        ]
    );

    // A file that is gone takes its rules with it.
    fs::remove_file(house.dir.path().join("rules/rules.yaml")).unwrap();
    assert_eq!(
        done(&house.cli(&["reload"])),
        "removed   breaks\nremoved   stays\nunchanged 0 rules\n"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_about_a_device_that_is_gone_does_not_come_back() {
    let mut house = House::start(CAR_AFTER_BATTERY).await;
    house.stop_engine().await;
    house.edit("home.yaml", |text| {
        text.replace(
            "  car_charger: {type: ev_charger, id: dev_ev001, poll: 1h}\n",
            "",
        )
    });
    house.start_engine();
    tell(&house, "act_1").await;
    let log = house.stop_engine_for_its_log();
    assert!(
        log.contains("the rule is broken, and was about devices that the home no longer has"),
        "{log}"
    );
    assert_eq!(runs(&house), json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_go_on_through_a_reload_with_what_they_began_with() {
    let house = House::start(&rules(&[
        rule("changed", "3s", "old text"),
        rule("removed", "3s", "never"),
        rule("switched-off", "3s", "never"),
        rule("unchanged", "3s", "same"),
    ]))
    .await;
    tell(&house, "act_1").await;
    n_running(&house, 4).await;
    let off = rule("switched-off", "3s", "never") + "    enabled: false\n";
    // Lines move, and nothing else, in one of them.
    write(
        &house,
        &rules(&[
            "# a comment\n".to_owned(),
            off,
            rule("changed", "1h", "new text"),
            rule("unchanged", "3s", "same"),
        ]),
    );
    let plan = house.cli(&["plan"]);
    let ids: Vec<_> = ["changed", "removed", "switched-off"]
        .map(|rule| {
            let runs = house.json(&["runs"]);
            let mut runs = runs.as_array().unwrap().iter();
            let run = runs.find(|it| it["rule"] == rule).unwrap();
            run["id"].as_str().unwrap().to_owned()
        })
        .into();
    let difference =
        "changed   changed\nchanged   switched-off\nremoved   removed\nunchanged 1 rule\n";
    assert_eq!(
        done(&plan),
        format!(
            "{difference}\
             run       {} of changed: goes on with the actions that it began with\n\
             run       {} of removed: ends\n\
             run       {} of switched-off: ends\n",
            ids[0], ids[1], ids[2]
        )
    );
    assert_eq!(done(&house.cli(&["reload"])), difference);
    hears(&house, "same").await;
    hears(&house, "old text").await;
    until("all runs are over", || {
        let over = json!([
            ["changed", "completed", null],
            ["removed", "stopped", "the rule was removed"],
            ["switched-off", "stopped", "the rule was switched off"],
            ["unchanged", "completed", null],
        ]);
        (runs(&house) == over).then_some(())
    })
    .await;
    let shown = house.json(&["runs", "show", &ids[1]]);
    let last = shown["traces"].as_array().unwrap().last().unwrap();
    assert_eq!(
        last["verdict"],
        json!({"verdict": "ended", "end": {"end": "stopped", "reason": "the rule was removed"}})
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_tells_of_timers_and_of_what_is_newly_wrong() {
    let clock = |id: &str, at: &str| {
        format!(
            "  - {{id: {id}, triggers: {{trigger: time, at: \"{at}\"}}, actions: {{log: x}}}}\n"
        )
    };
    let house = House::start(&rules(&[
        clock("gone", "06:00"),
        clock("later", "06:00"),
        clock("same", "06:00"),
    ]))
    .await;
    let broken = clock("wrong", "25:00");
    write(
        &house,
        &rules(&[clock("later", "07:00"), clock("same", "06:00"), broken]),
    );
    let output = house.cli(&["plan", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let plan: Value = serde_json::from_slice(&output.stdout).unwrap();
    let part = |name: &str| plan[name].clone();
    assert_eq!(
        json!([
            part("added"),
            part("changed"),
            part("removed"),
            part("unchanged")
        ]),
        json!([[], ["later"], ["gone"], 1])
    );
    assert_eq!(
        part("broken"),
        json!([{"rule": "wrong", "file": "rules/rules.yaml", "line": 5, "stays": false}])
    );
    let timers = part("timers");
    let timers = timers.as_array().unwrap().iter();
    let timers: Vec<_> = timers
        .map(|it| json!([it["rule"], it["trigger"], it["becomes"]]))
        .collect();
    assert_eq!(
        json!(timers),
        json!([["gone", 1, "dropped"], ["later", 1, "replaced"]])
    );
    let findings = part("findings");
    assert_eq!(findings.as_array().unwrap().len(), 1);
    assert_eq!(findings[0]["line"], 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_home_with_one_more_device_forgets_nothing() {
    let counts = "\
version: 1
rules:
  - id: third
    triggers:
      trigger: count
      of: {trigger: command, device: {type: battery}, command: charge}
      count: 3
      within: 1h
    actions: {notify: phone, message: the third}
";
    let mut house = House::start(counts).await;
    tell(&house, "act_1").await;
    tell(&house, "act_2").await;
    house.kill_engine();
    house.edit("home.yaml", |text| {
        let second = "devices:\n  second_battery: {type: battery, id: dev_second, poll: 1h}";
        text.replace("devices:", second)
    });
    house.start_engine();
    tell(&house, "act_3").await;
    hears(&house, "the third").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_home_that_is_broken_changes_nothing_and_one_that_changed_waits_for_a_start() {
    let house = House::start(CAR_AFTER_BATTERY).await;
    let whole = fs::read_to_string(house.dir.path().join("home.yaml")).unwrap();
    house.edit("home.yaml", |text| text.replace("timezone:", "timezon:"));
    write(
        &house,
        &CAR_AFTER_BATTERY.replace("the car is charging", "edited"),
    );
    for command in ["reload", "plan"] {
        let (out, err, code) = said(&house.cli(&[command]));
        assert_eq!((out.as_str(), code), ("", Some(2)));
        assert!(err.contains("home.yaml is broken"), "{err}");
        assert!(err.contains("timezon"), "{err}");
    }
    tell(&house, "act_1").await;
    hears(&house, "the car is charging").await;

    let longer = whole.replace("look_up_after: 1s", "look_up_after: 2s");
    fs::write(house.dir.path().join("home.yaml"), longer).unwrap();
    assert_eq!(
        done(&house.cli(&["reload"])),
        "changed   car-after-battery\nunchanged 0 rules\n\
         home.yaml: `amps` changed, which takes effect at the next start\n"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_says_what_a_reload_does_with_a_home_that_waits_for_a_start() {
    let mut house = House::start(CAR_AFTER_BATTERY).await;
    house.edit("home.yaml", |text| {
        text.replace(
            "devices:\n",
            "devices:\n  spare: {type: battery, id: dev_spare}\n",
        )
    });
    let spare = "version: 1
rules:
  - id: spare
    triggers: {trigger: device, device: spare, event: connected}
    actions: {log: spare}
";
    fs::write(house.dir.path().join("rules/spare.yaml"), spare).unwrap();
    let reload = said(&house.cli(&["reload"]));
    assert_eq!(
        reload.0,
        "unchanged 1 rule\nbroken    spare (rules/spare.yaml:3): stays out\n\
         home.yaml: `devices` changed, which takes effect at the next start\n"
    );
    assert_eq!(said(&house.cli(&["plan"])), reload);
    house.stop_engine().await;
    let (plan, _, code) = said(&house.cli(&["plan"]));
    assert_eq!(
        (plan.as_str(), code),
        ("added     spare\nunchanged 1 rule\n", Some(0))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_stay_while_their_folder_is_away() {
    let house = House::start(CAR_AFTER_BATTERY).await;
    let (rules, away) = (
        house.dir.path().join("rules"),
        house.dir.path().join("away"),
    );
    fs::rename(&rules, &away).unwrap();
    let kept = "unchanged 1 rule\nbroken    car-after-battery (rules/rules.yaml:3): stays as it was when it was last right\n";
    let missing = "error: the folder `rules` is missing; all rules stay as they were\n";
    assert_eq!(
        said(&house.cli(&["reload"])),
        (kept.to_owned(), missing.to_owned(), Some(1))
    );
    fs::rename(&away, &rules).unwrap();
    assert_eq!(done(&house.cli(&["reload"])), "unchanged 1 rule\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn why_tells_what_is_on_record_of_a_rule_that_was_removed() {
    let house = House::start(&rules(&[
        rule("goes", "1s", "gone"),
        rule("stays", "1h", "never"),
    ]))
    .await;
    let run = house.json(&["trigger", "goes"])["run"].clone();
    write(&house, &rules(&[rule("stays", "1h", "never")]));
    house.cli(&["reload"]);
    let (out, err, code) = said(&house.cli(&["why", "goes"]));
    assert_eq!((err.as_str(), code), ("", Some(0)));
    let first = "goes  (the home has no such rule any more; this is on record)\n\nit ran at ";
    assert!(out.starts_with(first), "{out}");
    let why = house.json(&["why", "goes"]);
    let told = json!([why["rule"], why["removed"], why["last_run"]["run"]["id"]]);
    assert_eq!(told, json!(["goes", true, run]));
    assert_eq!(house.cli(&["why", "went"]).status.code(), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_are_paused_resumed_and_run_by_hand() {
    let mut house = House::start(&rules(&[
        rule("other", "1h", "never"),
        rule("polite", "1h", "never"),
    ]))
    .await;
    let pause = ["pause", "polite", "--reason", "guests are here"];
    assert_eq!(
        done(&house.cli(&pause)),
        "polite is paused: guests are here\n"
    );
    house.stop_engine().await;
    house.start_engine();
    assert_eq!(
        said(&house.cli(&["trigger", "polite"])),
        (
            "polite does not run: it is paused (guests are here)\n".to_owned(),
            String::new(),
            Some(1)
        )
    );
    assert_eq!(done(&house.cli(&["resume", "polite"])), "polite goes on\n");
    assert_eq!(
        done(&house.cli(&["resume", "polite"])),
        "polite was not paused\n"
    );
    let triggered = house.json(&["trigger", "polite"]);
    let run = house.json(&["runs"])[0].clone();
    assert_eq!(
        json!([triggered["done"], triggered["rule"], triggered["run"]]),
        json!(["triggered", "polite", run["id"]])
    );
    hears(&house, "polite begins").await;
    let stopped = house.json(&["stop-all"]);
    assert_eq!(
        stopped,
        json!({"done": "stopped", "paused": ["other", "polite"], "ended": [run["id"]]})
    );
    assert_eq!(
        runs(&house),
        json!([["polite", "stopped", "somebody stopped everything"]])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_was_paused_for_running_too_often_runs_once_somebody_lets_it() {
    let often = "version: 1
rules:
  - id: often
    triggers: {trigger: engine, event: reloaded}
    actions: {log: often}
";
    let mut house = House::without_engine(often).await;
    house.edit("home.yaml", |text| {
        format!("{text}limits: {{runs_per_rule: {{count: 2, within: 1h}}}}\n")
    });
    house.start_engine();
    let trigger = |house: &House| said(&house.cli(&["trigger", "often"])).2;
    let three = |house: &House| [trigger(house), trigger(house), trigger(house)];
    assert_eq!(three(&house), [Some(0), Some(0), Some(1)]);
    assert_eq!(done(&house.cli(&["resume", "often"])), "often goes on\n");
    house.stop_engine().await;
    house.start_engine();
    assert_eq!(three(&house), [Some(0), Some(0), Some(1)]);
    house.stop_engine().await;
    house.start_engine();
    assert_eq!(trigger(&house), Some(1), "it is paused, over a restart too");
    assert_eq!(done(&house.cli(&["resume", "often"])), "often goes on\n");
    assert_eq!(trigger(&house), Some(0));
}

/// The end of the run before is told first, and is not what became of the wish.
#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_begins_anew_by_hand_says_which_run_it_is() {
    let again =
        rules(&[rule("again", "1h", "never")]).replace("id: again", "id: again\n    mode: restart");
    let house = House::start(&again).await;
    let first = house.json(&["trigger", "again"])["run"].clone();
    let second = house.json(&["trigger", "again"])["run"].clone();
    assert!(second.is_string() && second != first, "{first} {second}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_done_is_answered_with_what_to_do() {
    let mut house = House::start(CAR_AFTER_BATTERY).await;
    assert_eq!(
        said(&house.cli(&["pause", "car-after-batery"])),
        (
            String::new(),
            "error: no rule has the id `car-after-batery`\n  = help: did you mean `car-after-battery`?\n"
                .to_owned(),
            Some(2)
        )
    );
    let socket = house.dir.path().join("state/control.sock");
    let mode = fs::metadata(&socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    house.stop_engine().await;
    assert!(!socket.exists());
    for command in [&["reload"][..], &["stop-all"], &["trigger", "x"]] {
        let (out, err, code) = said(&house.cli(command));
        assert_eq!((out.as_str(), code), ("", Some(3)));
        let dir = house.dir.path().display();
        assert_eq!(
            err,
            format!(
                "error: no engine runs on this home\n  \
                 = help: start it with `amps-rules --home {dir} run`; `--home DIR` names another home\n"
            )
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_runs_where_no_socket_can_be() {
    let house = House::without_engine(CAR_AFTER_BATTERY).await;
    let deep = house.dir.path().join("a".repeat(100));
    fs::create_dir_all(deep.join("rules")).unwrap();
    for file in ["home.yaml", "secrets.yaml", "rules/rules.yaml"] {
        fs::copy(house.dir.path().join(file), deep.join(file)).unwrap();
    }
    let program = || std::process::Command::new(env!("CARGO_BIN_EXE_amps-rules"));
    let mut house = house;
    let mut engine = program();
    engine.arg("--home").arg(&deep).arg("run");
    house.start_engine_as(engine);
    let reload = program().arg("--home").arg(&deep).arg("reload").output();
    let (_, err, code) = said(&reload.unwrap());
    assert!(err.contains("too long for a socket"), "{err}");
    assert_eq!(code, Some(3));
    let log = house.stop_engine_for_its_log();
    assert!(log.contains("too long for a socket"), "{log}");
}

/// Killed around a reload at moments that nobody has thought of: what waits goes on, and the files count.
#[tokio::test(flavor = "multi_thread")]
async fn a_reload_that_is_killed_loses_nothing() {
    const ROUNDS: u64 = 5;
    const LATEST_MS: u64 = 60;
    let waits = || rule("waits", "8s", "waited");
    let mut house = House::start(&rules(&[waits(), rule("edited", "1h", "round 0")])).await;
    assert_eq!(house.json(&["trigger", "waits"])["done"], "triggered");
    let mut seed: u64 = 0x5EED_0002;
    for round in 1..=ROUNDS {
        write(
            &house,
            &rules(&[waits(), rule("edited", "1h", &format!("round {round}"))]),
        );
        let mut reload = std::process::Command::new(env!("CARGO_BIN_EXE_amps-rules"))
            .arg("--home")
            .arg(house.dir.path())
            .arg("reload")
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        let moment = Duration::from_millis(seed % LATEST_MS);
        Clock::System.sleep(moment).await;
        house.kill_engine();
        // Done, not reachable or cut: it ends in any case.
        reload.wait().unwrap();
        drop(text(reload.stderr.take().unwrap()));
        house.start_engine();
        assert_eq!(
            done(&house.cli(&["reload"])),
            "unchanged 2 rules\n",
            "seed {seed:#x}"
        );
    }
    hears(&house, "waited").await;
    let mut heard = heard(&house);
    // A message whose answer was cut off is sent again.
    heard.dedup();
    assert_eq!(heard, ["waited", "waits begins"]);
    assert_eq!(runs(&house), json!([["waits", "completed", null]]));
}
