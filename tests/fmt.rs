//! `fmt` from outside: which files it takes, what it leaves, and how it ends.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::TempDir;

use crate::cli::{at, said};

const CROOKED: &str = "rules:   # all\n- id:   a\nversion: 1\n";
const STRAIGHT: &str = "version: 1\nrules:  # all\n  - id: a\n";

/// A home whose files are crooked, but for its settings.
fn crooked() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("home.yaml", "version: 1\nhome: {name: Rose Cottage}\n");
    write("rules/b.yaml", CROOKED);
    write("rules/upstairs/c.yaml", CROOKED);
    write("tests/d.yaml", "tests:\n- name:   x\nversion: 1\n");
    write("secrets.yaml", "key:    sk_live_1\n");
    dir
}

fn text(dir: &Path, name: &str) -> String {
    fs::read_to_string(dir.join(name)).unwrap()
}

#[test]
fn all_files_of_a_home_are_written_but_its_secrets() {
    let dir = crooked();
    let fmt = at(dir.path(), &["fmt"]);
    assert_eq!(
        (fmt.status.code(), said(&fmt.stdout), said(&fmt.stderr)),
        (
            Some(0),
            "rules/b.yaml\nrules/upstairs/c.yaml\ntests/d.yaml\n",
            "3 files changed, 1 as it should be, 0 not touched\n"
        )
    );
    assert_eq!(text(dir.path(), "rules/b.yaml"), STRAIGHT);
    assert_eq!(text(dir.path(), "rules/upstairs/c.yaml"), STRAIGHT);
    assert_eq!(
        text(dir.path(), "tests/d.yaml"),
        "version: 1\ntests:\n  - name: x\n"
    );
    assert_eq!(text(dir.path(), "secrets.yaml"), "key:    sk_live_1\n");
    let again = at(dir.path(), &["fmt"]);
    assert_eq!((again.status.code(), said(&again.stdout)), (Some(0), ""));
}

#[test]
fn a_check_writes_nothing_and_says_what_would_change() {
    let dir = crooked();
    let check = at(dir.path(), &["fmt", "--check"]);
    assert_eq!(
        (check.status.code(), said(&check.stdout)),
        (
            Some(1),
            "rules/b.yaml\nrules/upstairs/c.yaml\ntests/d.yaml\n"
        )
    );
    assert_eq!(text(dir.path(), "rules/b.yaml"), CROOKED);
    at(dir.path(), &["fmt"]);
    let check = at(dir.path(), &["fmt", "--check"]);
    assert_eq!((check.status.code(), said(&check.stdout)), (Some(0), ""));
}

#[test]
fn a_file_with_a_mistake_is_shown_and_left_while_the_others_are_written() {
    let dir = crooked();
    let broken = "version: 1\nrules: [\n";
    fs::write(dir.path().join("rules/a.yaml"), broken).unwrap();
    fs::write(dir.path().join("rules/k.yaml"), "? [a,\n   b]\n: 1\n").unwrap();
    let fmt = at(dir.path(), &["fmt"]);
    assert_eq!(fmt.status.code(), Some(1));
    assert_eq!(text(dir.path(), "rules/a.yaml"), broken);
    assert_eq!(text(dir.path(), "rules/k.yaml"), "? [a,\n   b]\n: 1\n");
    assert_eq!(text(dir.path(), "rules/b.yaml"), STRAIGHT);
    let said = said(&fmt.stderr);
    assert!(said.starts_with("error[E109]: "), "{said}");
    assert!(said.contains("--> rules/a.yaml:"), "{said}");
    let end = "error: rules/k.yaml:1 is left as it is: a key is not one word or text on one line\n\
               3 files changed, 1 as it should be, 2 not touched\n";
    assert!(said.ends_with(end), "{said}");
}

#[test]
fn files_of_secrets_are_refused_by_whatever_name() {
    let dir = crooked();
    let secrets = dir.path().join("secrets.yaml");
    std::os::unix::fs::symlink(&secrets, dir.path().join("rules/link.yaml")).unwrap();
    for name in ["secrets.yaml", "rules/link.yaml"] {
        let path = dir.path().join(name);
        let fmt = at(dir.path(), &["fmt", path.to_str().unwrap()]);
        assert_eq!((fmt.status.code(), said(&fmt.stdout)), (Some(2), ""));
    }
    let whole = at(dir.path(), &["fmt", dir.path().to_str().unwrap()]);
    assert_eq!(whole.status.code(), Some(0), "{}", said(&whole.stderr));
    assert!(!said(&whole.stderr).contains("sk_live_1"));
    assert_eq!(text(dir.path(), "secrets.yaml"), "key:    sk_live_1\n");
}

#[test]
fn lines_that_may_hold_a_secret_are_not_shown() {
    let dir = crooked();
    let home = "version: 1\namps: {api_key: sk_live_1\n";
    fs::write(dir.path().join("home.yaml"), home).unwrap();
    let fmt = at(dir.path(), &["fmt"]);
    assert_eq!(fmt.status.code(), Some(1));
    assert!(said(&fmt.stderr).contains("--> home.yaml:"));
    assert!(!said(&fmt.stderr).contains("sk_live_1"));
}

#[test]
fn a_file_keeps_its_mode_and_a_link_leads_where_it_led() {
    let dir = crooked();
    let file = dir.path().join("rules/b.yaml");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink("b.yaml", dir.path().join("rules/a.yaml")).unwrap();
    let fmt = at(dir.path(), &["fmt"]);
    assert_eq!(fmt.status.code(), Some(0), "{}", said(&fmt.stderr));
    let mode = fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o640);
    let link = fs::symlink_metadata(dir.path().join("rules/a.yaml")).unwrap();
    assert!(link.is_symlink());
    assert_eq!(text(dir.path(), "rules/a.yaml"), STRAIGHT);
    let n_files = fs::read_dir(dir.path().join("rules")).unwrap().count();
    assert_eq!(n_files, 3, "nothing is left beside them");
}

#[test]
fn a_folder_that_is_no_home_and_a_file_that_is_not_there_are_findings() {
    let dir = tempfile::tempdir().unwrap();
    let fmt = at(dir.path(), &["fmt"]);
    assert_eq!((fmt.status.code(), said(&fmt.stdout)), (Some(1), ""));
    assert!(said(&fmt.stderr).contains("holds no home.yaml"));
    let fmt = at(dir.path(), &["fmt", "/no/such/file.yaml"]);
    assert_eq!(fmt.status.code(), Some(1));
}
