//! Runs `cases/`: each file with what `test` says of it, on both sides, and how it ends.
//!
//! The home is `home/`. `UPDATE=1` rewrites the texts.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use amps_rules::config::names::Names;
use amps_rules::document::source::SourceFile;
use amps_rules::rule_tests::coverage::Coverage;
use amps_rules::rule_tests::parse::{self, FileKind};
use amps_rules::rules::catalog::test_files::{STEPS_MAX, TESTS_MAX};
use amps_rules::rules::rule::RuleSet;

use crate::diagnostics;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rule_tests")
}

/// What `amps-rules test` says in `dir`, with its exit code.
fn said(dir: &Path, arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_amps-rules"))
        .args(arguments)
        .current_dir(dir)
        .output()
        .unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    let code = output.status.code().unwrap();
    assert!(!stdout.contains('\u{1b}'), "no color in a pipe");
    let stderr = if stderr.is_empty() {
        stderr
    } else {
        format!("--- standard error\n{stderr}")
    };
    format!("{stdout}{stderr}--- exit {code}\n")
}

/// Compares what is said of a case with the file that holds it, or writes that file.
#[track_caller]
fn check(case: &str, options: &[&str], expected: &str) {
    check_in("home", case, options, expected);
}

/// The same in another home.
#[track_caller]
fn check_in(home: &str, case: &str, options: &[&str], expected: &str) {
    let path = format!("cases/{case}");
    let seen = said(
        &folder(),
        &[&["--home", home, "test", &path], options].concat(),
    );
    compare(&folder().join("cases").join(expected), &seen);
}

#[track_caller]
fn compare(path: &Path, seen: &str) {
    if std::env::var_os("UPDATE").is_some() {
        fs::write(path, seen).unwrap();
    }
    let expected = fs::read_to_string(path).unwrap_or_default();
    assert!(
        seen == expected,
        "{}\n--- expected\n{expected}\n--- seen\n{seen}",
        path.display()
    );
}

#[test]
fn what_goes_as_expected_is_a_line_each() {
    check("passing.yaml", &[], "passing.txt");
}

#[test]
fn what_a_pause_ends_and_who_may_end_it() {
    check("pauses.yaml", &[], "pauses.txt");
}

#[test]
fn what_is_caught_up_is_wanted() {
    check("caught_up.yaml", &[], "caught_up.txt");
}

#[test]
fn who_waits_for_what_rules_do_is_woken_by_it() {
    check("remembered.yaml", &[], "remembered.txt");
}

#[test]
fn what_is_only_pushed_grows_old() {
    check("pushed.yaml", &[], "pushed.txt");
}

#[test]
fn patterns_that_are_the_same_fire_at_the_same_times() {
    check("cron.yaml", &[], "cron.txt");
}

#[test]
fn what_waits_stands_where_it_stood_after_a_restart() {
    check("waiting.yaml", &[], "waiting.txt");
}

#[test]
fn values_that_are_too_old_are_read_again_before_anything_is_decided() {
    check("readings.yaml", &[], "readings.txt");
}

#[test]
fn every_row_of_the_triggers_fires_and_keeps_quiet_as_the_language_says() {
    check("triggers.yaml", &[], "triggers.txt");
    check("clock.yaml", &[], "clock.txt");
    check("groups.yaml", &[], "groups.txt");
}

#[test]
fn every_row_of_the_actions_and_modes_does_what_the_language_says() {
    check("actions.yaml", &[], "actions.txt");
    check("modes.yaml", &[], "modes.txt");
}

#[test]
fn a_rule_that_is_run_has_its_turn_before_the_next_step() {
    check("run_rule.yaml", &[], "run_rule.txt");
}

#[test]
fn requests_over_http_are_sent_answered_and_tried_again_as_the_language_says() {
    check("http.yaml", &[], "http.txt");
    check("http_differences.yaml", &[], "http_differences.txt");
}

#[test]
fn inputs_and_webhooks_of_the_home_are_heard_and_asked() {
    check("inputs.yaml", &[], "inputs.txt");
}

#[test]
fn a_reload_touches_what_was_edited_alone() {
    check("reload.yaml", &[], "reload.txt");
}

#[test]
fn what_waits_while_it_is_edited_belongs_to_what_it_was_written_for() {
    check("edits.yaml", &[], "edits.txt");
}

#[test]
fn a_fact_lasts_while_values_come_that_fit_as_well() {
    check("lasting.yaml", &[], "lasting.txt");
}

#[test]
fn groups_over_the_same_devices_look_at_each_by_itself() {
    check("of_each_device.yaml", &[], "of_each_device.txt");
}

#[test]
fn a_trigger_that_was_due_before_the_end_of_a_wait_comes_first() {
    check("down_waits.yaml", &[], "down_waits.txt");
}

#[test]
fn a_condition_may_ask_for_how_long_a_value_has_been_so() {
    check("held.yaml", &[], "held.txt");
}

#[test]
fn a_difference_is_shown_side_by_side_with_what_the_rules_made_of_it() {
    check("differences.yaml", &[], "differences.txt");
}

#[test]
fn orders_are_tried_again_and_expire_as_in_life() {
    check("retry.yaml", &[], "retry.txt");
}

#[test]
fn a_step_may_wait_for_no_more_than_that_amps_has_its_order() {
    check("accepted.yaml", &[], "accepted.txt");
}

#[test]
fn settings_are_written_and_waited_for_until_devices_show_them() {
    check("settings.yaml", &[], "settings.txt");
}

#[test]
fn an_order_is_verified_by_what_the_device_says_after_it() {
    check("verify.yaml", &[], "verify.txt");
}

#[test]
fn orders_begin_later_and_end_by_themselves() {
    check("scheduled.yaml", &[], "scheduled.txt");
}

#[test]
fn when_an_order_is_to_begin_and_end_is_compared() {
    check("planned_differences.yaml", &[], "planned_differences.txt");
}

#[test]
fn orders_are_called_off_until_they_begin() {
    check("cancel.yaml", &[], "cancel.txt");
}

#[test]
fn what_nobody_wants_any_more_is_not_sent_and_plans_give_way() {
    check("called_off.yaml", &[], "called_off.txt");
}

#[test]
fn a_restart_loses_nothing() {
    check("restart.yaml", &[], "restart.txt");
}

#[test]
fn own_orders_and_earlier_runs_are_known_before_and_after_a_restart() {
    check("orders.yaml", &[], "orders.txt");
}

#[test]
fn a_rule_that_runs_ignores_a_second_trigger() {
    check("single.yaml", &[], "single.txt");
}

#[test]
fn one_event_that_fits_several_triggers_calls_a_rule_for_each() {
    check("firings.yaml", &[], "firings.txt");
}

#[test]
fn a_block_waits_for_a_condition_inside_of_it_that_wants_to_wait() {
    check("unknown.yaml", &[], "unknown.txt");
}

#[test]
fn a_limit_is_crossed_however_long_ago_the_value_before_was_and_never_by_a_first_one() {
    check("thresholds.yaml", &[], "thresholds.txt");
}

#[test]
fn the_times_of_a_step_do_not_slide_to_the_next_day() {
    check("moments.yaml", &[], "moments.txt");
}

#[test]
fn what_came_due_while_the_program_was_down_is_dealt_with_at_its_start() {
    check("down.yaml", &[], "down.txt");
}

#[test]
fn who_finds_a_device_held_is_told_by_whom_and_until_when() {
    check_in("shared_home", "holds.yaml", &[], "holds.txt");
}

#[test]
fn values_are_calculated_remembered_and_given() {
    check("values.yaml", &[], "values.txt");
}

#[test]
fn a_device_that_two_runs_want_goes_to_one_of_them() {
    check_in("shared_home", "arbitration.yaml", &[], "arbitration.txt");
}

#[test]
fn a_home_allows_so_many_orders_and_none_that_changes_nothing() {
    check_in("shared_home", "limits.yaml", &[], "limits.txt");
}

#[test]
fn runs_of_a_rule_get_along_as_its_mode_says_and_do_not_run_away() {
    check_in("shared_home", "runs.yaml", &[], "runs.txt");
}

#[test]
fn the_sun_is_that_of_the_home() {
    check("sun.yaml", &[], "sun.txt");
}

#[test]
fn a_wrong_file_is_answered_with_all_that_is_wrong_and_no_test_is_run() {
    for case in [
        "wrong_names",
        "wrong_words",
        "wrong_times",
        "wrong_events",
        "wrong_answers",
        "expects_nothing",
        "broken_rule",
    ] {
        check(&format!("{case}.yaml"), &[], &format!("{case}.txt"));
    }
    for case in ["alone", "homeless", "broken_tests_file"] {
        check(&format!("{case}.test.yaml"), &[], &format!("{case}.txt"));
    }
}

#[test]
fn coverage_names_what_no_test_reached() {
    check("coverage.yaml", &["--coverage"], "coverage.txt");
}

#[test]
fn programs_read_json_and_ci_reads_junit() {
    check(
        "escapes.yaml",
        &["--format", "json", "--coverage"],
        "escapes.json",
    );
    check(
        "escapes.yaml",
        &["--format", "junit", "--coverage"],
        "escapes.xml",
    );
}

#[test]
fn a_filter_chooses_by_the_name_of_the_test_or_of_its_file() {
    check("retry.yaml", &["--filter", "expires"], "filter.txt");
    check("retry.yaml", &["--filter", "cases/retry"], "retry.txt");
    check("retry.yaml", &["--filter", "no such"], "filter_nothing.txt");
}

#[test]
fn a_folder_without_tests_is_said_to_have_none() {
    let told = "--- standard error\nthere are no tests here; rules/README.md says how they are written\n--- exit 2\n";
    assert_eq!(said(&folder(), &["--home", "home", "test"]), told);
}

#[test]
fn the_starter_rules_and_the_examples_pass_their_tests_which_reach_all_of_them() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let home = "examples/rose-cottage";
    let seen = said(root, &["--home", home, "test", "rules", home, "--coverage"]);
    compare(&folder().join("starter_rules.txt"), &seen);
    assert!(!seen.contains("never"), "{seen}");
}

#[test]
fn a_home_runs_the_tests_of_all_its_folders() {
    let home = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = home.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let settings = fs::read_to_string(folder().join("home/home.yaml")).unwrap();
    write("home.yaml", &settings);
    let rule = |id: &str, message: &str| {
        format!(
            "version: 1
rules:
  - id: {id}
    triggers: {{trigger: device, device: roof, event: disconnected}}
    actions: {{notify: phone, message: {message}}}
"
        )
    };
    let tests = |name: &str, n_messages: usize| {
        let expected = vec!["{notify: phone}"; n_messages].join(", ");
        format!(
            "tests:
  - name: {name}
    steps:
      - event: {{device: roof, connection: disconnected}}
      - expect: [{expected}]
"
        )
    };
    write("rules/a.yaml", &(rule("a", "of a") + &tests("inside", 1)));
    write("rules/up/b.yaml", &rule("b", "of b"));
    let alone = |name, n| format!("version: 1\n{}", tests(name, n));
    write("rules/up/b.test.yaml", &alone("beside", 1));
    write("tests/deep/all.yaml", &alone("together", 2));
    let told = "\
rules/a.yaml
  ok    inside

rules/up/b.test.yaml
  ok    beside

tests/deep/all.yaml
  ok    together

3 passed, 0 failed
--- exit 0
";
    assert_eq!(said(home.path(), &["test"]), told);
    let elsewhere = said(&folder(), &["test", home.path().to_str().unwrap()]);
    let prefix = format!("{}/", home.path().display());
    assert_eq!(elsewhere.replace(&prefix, ""), told);
}

#[test]
fn a_file_of_tests_may_name_the_home_that_it_means() {
    let told = "\
cases/elsewhere.test.yaml
  ok    the devices are those of the home that is named

1 passed, 0 failed
--- exit 0
";
    let arguments = ["--home", "nowhere", "test", "cases/elsewhere.test.yaml"];
    assert_eq!(said(&folder(), &arguments), told);
}

#[test]
fn a_check_looks_at_the_tests_too() {
    let check = said(
        &folder(),
        &["--home", "home", "check", "cases/expects_nothing.yaml"],
    );
    let heads: Vec<_> = check
        .lines()
        .filter(|it| it.starts_with("error") || it.ends_with("can run"))
        .collect();
    let nothing = "error[E554]: the test does not say what should come of this";
    let secret = "error[E211]: the secret ";
    let (secrets, others): (Vec<_>, Vec<_>) =
        heads.into_iter().partition(|it| it.starts_with(secret));
    assert_eq!(secrets.len(), 4, "{check}");
    assert_eq!(
        others,
        [
            nothing,
            nothing,
            "error[E203]: a test needs the key `steps`",
            "7 errors and 0 warnings in 2 files; 3 rules can run"
        ]
    );
}

/// The codes of what is wrong with a file of tests.
fn codes(tests: &str) -> Vec<&'static str> {
    let source = SourceFile::new("tests/a.yaml", format!("version: 1\ntests:\n{tests}"));
    let rules = RuleSet::default();
    let (_, diagnostics) = parse::suite(&source, FileKind::Tests, &Names::default(), &rules);
    diagnostics.iter().map(|it| it.code.name).collect()
}

#[test]
fn tests_steps_and_expectations_are_bounded() {
    let tests = |n| -> String {
        let test = |it| format!("  - {{name: t{it}, steps: {{expect: nothing}}}}\n");
        (0..n).map(test).collect()
    };
    assert_eq!(codes(&tests(TESTS_MAX)), [""; 0]);
    assert_eq!(codes(&tests(TESTS_MAX + 1)), ["E502"]);
    let steps = |n| {
        format!(
            "  - {{name: t, steps: [{}]}}\n",
            "expect: nothing, ".repeat(n)
        )
    };
    assert_eq!(codes(&steps(STEPS_MAX)), [""; 0]);
    assert_eq!(codes(&steps(STEPS_MAX + 1)), ["E502"]);
    let items = |n| {
        format!(
            "  - {{name: t, steps: {{expect: [{}]}}}}\n",
            "{log: x}, ".repeat(n)
        )
    };
    assert_eq!(codes(&items(500)), [""; 0]);
    assert_eq!(codes(&items(501)), ["E502"]);
}

#[test]
fn of_a_long_story_the_end_is_told() {
    let first_line = |n_events: usize| {
        let event = "      - event: {device: house_battery, command: charge}\n";
        let text = format!(
            "version: 1\ntests:\n  - name: t\n    steps:\n{}      - expect: [{{notify: phone}}]\n",
            event.repeat(n_events)
        );
        let source = SourceFile::new("tests/a.yaml", text);
        let (names, rules) = (diagnostics::names(), RuleSet::default());
        let (suite, diagnostics) = parse::suite(&source, FileKind::Tests, &names, &rules);
        assert_eq!(diagnostics, []);
        let reports = suite.run(&rules, &names, &mut Coverage::default());
        reports[0].failure.as_ref().unwrap().trace[0].clone()
    };
    let told = "12:00:00  webhook: house_battery charge completed";
    assert_eq!(first_line(20), told);
    assert_eq!(first_line(21), "(earlier events that are left out: 1)");
}

#[test]
fn the_test_that_the_language_reference_shows_passes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let reference = fs::read_to_string(root.join("rules/README.md")).unwrap();
    let blocks = reference.split("```yaml\n").skip(1);
    let shown = blocks
        .map(|it| it.split("```").next().unwrap())
        .find(|it| it.starts_with("# car-after-battery.test.yaml"))
        .unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    fs::copy(
        root.join("rules/car-after-battery.yaml"),
        path("car-after-battery.yaml"),
    )
    .unwrap();
    fs::write(path("car-after-battery.test.yaml"), shown).unwrap();
    let told = said(
        dir.path(),
        &[
            "--home",
            root.join("examples/rose-cottage").to_str().unwrap(),
            "test",
            "car-after-battery.test.yaml",
        ],
    );
    let last = told.lines().rev().take(2).collect::<Vec<_>>();
    assert_eq!(last, ["--- exit 0", "1 passed, 0 failed"]);
}
