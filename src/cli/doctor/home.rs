//! The files of the home: settings, rules, secrets.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::cli::check::count;
use crate::cli::doctor::{Finding, Patient};
use crate::document::diagnostic::Diagnostic;

const CHECK: &str = "`amps-rules check` shows what and where";

pub(super) fn findings(patient: &Patient<'_>) -> anyhow::Result<Vec<Finding>> {
    Ok(vec![settings(patient), secrets(patient)?, rules(patient)])
}

fn settings(patient: &Patient<'_>) -> Finding {
    let loaded = &patient.loaded;
    let errors = loaded.diagnostics.iter().filter(|it| it.is_error()).count();
    let others = loaded
        .diagnostics
        .iter()
        .any(|it| !Diagnostic::is_error(it));
    match (&loaded.home, others) {
        (None, _) => Finding::problem(
            "home",
            format!("home.yaml cannot be used: {}", count(errors, "error")),
            CHECK,
        ),
        (Some(home), true) => {
            let text = format!("{} can be used; there is advice on it", home.name);
            Finding::warning("home", text, CHECK)
        }
        (Some(home), false) => Finding::ok("home", format!("{} can be used", home.name)),
    }
}

fn secrets(patient: &Patient<'_>) -> anyhow::Result<Finding> {
    const FILE: &str = "secrets.yaml";
    let path = patient.dir.join(FILE);
    if !path.try_exists()? {
        let text = "there is no secrets.yaml: they come from elsewhere";
        return Ok(Finding::ok("secrets", text));
    }
    let mode = fs::metadata(&path)?.permissions().mode() & 0o777;
    let of_others = mode & 0o077;
    if of_others == 0 {
        return Ok(Finding::ok(
            "secrets",
            "secrets.yaml is for its owner alone",
        ));
    }
    let text = format!("others on this machine can open secrets.yaml (mode {mode:03o})");
    let remedy = format!("chmod 600 {}", path.display());
    Ok(Finding::problem("secrets", text, remedy))
}

fn rules(patient: &Patient<'_>) -> Finding {
    let rules = &patient.standing.rules;
    let broken: Vec<&str> = rules
        .iter()
        .filter(|(_, it)| it.is_broken)
        .map(|(id, _)| id.as_str())
        .collect();
    if broken.is_empty() {
        return Finding::ok(
            "rules",
            format!("{}, none broken", count(rules.len(), "rule")),
        );
    }
    let text = format!("broken: {}", broken.join(", "));
    Finding::problem("rules", text, CHECK)
}
