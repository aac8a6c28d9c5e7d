//! The machine: the engine, its database, the disk, the clock.

use std::path::Path;
use std::process::Command;

use crate::cli::doctor::{Finding, Patient};
use crate::cli::engine;
use crate::cli::words::size;
use crate::control::Wish;
use crate::engine::schedule::plausible::{EARLIEST, is_sane};
use crate::store::view::{Unreadable, View};

/// Less room than this on the disk is a problem, and less than the second soon will be. In bytes.
const FREE_MIN: u64 = 100 * 1024 * 1024;
const FREE_FEW: u64 = 500 * 1024 * 1024;

/// How much of `database_max` may be taken before it is told, in percent.
const FULL_PERCENT: u64 = 90;

pub(super) fn findings(patient: &Patient<'_>) -> anyhow::Result<Vec<Finding>> {
    let mut findings = vec![engine_runs(patient)?];
    if let Some(view) = &patient.view {
        findings.push(integrity(view)?);
        findings.extend(room(patient, view)?);
    }
    findings.push(disk(patient.dir));
    findings.push(clock(patient)?);
    Ok(findings)
}

/// The database is there and cannot be opened.
pub(super) fn unreadable(error: &Unreadable) -> Finding {
    Finding::problem(
        "database",
        format!("it cannot be opened: {error}"),
        "if it was written by a newer amps-rules, use that one; otherwise put a backup in its place",
    )
}

fn engine_runs(patient: &Patient<'_>) -> anyhow::Result<Finding> {
    Ok(match engine::asked(patient.dir, &Wish::About)? {
        Ok(_) => Finding::ok("engine", "it is running"),
        Err(unanswered) => {
            let remedy = format!(
                "start it with `amps-rules --home {} run`",
                patient.dir.display()
            );
            Finding::warning("engine", unanswered.to_string(), remedy)
        }
    })
}

fn integrity(view: &View) -> Result<Finding, Unreadable> {
    let wrong = view.integrity()?;
    Ok(match wrong.first() {
        None => Finding::ok("database", "it is whole"),
        Some(first) => Finding::problem(
            "database",
            format!("it is damaged: {first}"),
            "stop the engine and put a backup in its place; then check the disk",
        ),
    })
}

fn room(patient: &Patient<'_>, view: &View) -> Result<Option<Finding>, Unreadable> {
    let Some(home) = &patient.loaded.home else {
        return Ok(None);
    };
    let (used, max) = (view.bytes_used()?, home.retention.database_max);
    let text = format!("{} of {} are taken", size(used), size(max));
    Ok(Some(
        if used.saturating_mul(100) < max.saturating_mul(FULL_PERCENT) {
            Finding::ok("database", text)
        } else {
            Finding::warning(
                "database",
                format!("{text}; the oldest rows go first"),
                "raise `retention: {database_max: …}` in home.yaml, or keep rows for a shorter time",
            )
        },
    ))
}

fn disk(dir: &Path) -> Finding {
    let remedy = "make room on the disk: webhooks are turned away while it is full";
    match free_bytes(dir) {
        None => Finding::warning(
            "disk",
            "it is not known how much room there is",
            "`df` should tell",
        ),
        Some(free) if free < FREE_MIN => {
            Finding::problem("disk", format!("{} are free", size(free)), remedy)
        }
        Some(free) if free < FREE_FEW => {
            Finding::warning("disk", format!("{} are free", size(free)), remedy)
        }
        Some(free) => Finding::ok("disk", format!("{} are free", size(free))),
    }
}

/// What `df` says, in the form that POSIX lays down: the fourth column of the second line, in KiB.
fn free_bytes(dir: &Path) -> Option<u64> {
    let output = Command::new("df").arg("-Pk").arg(dir).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let free = text.lines().nth(1)?.split_whitespace().nth(3)?;
    free.parse::<u64>().ok()?.checked_mul(1024)
}

fn clock(patient: &Patient<'_>) -> Result<Finding, Unreadable> {
    let words = &patient.words;
    let last = match &patient.view {
        Some(view) => view.events(1)?.pop().map(|it| it.received_at),
        None => None,
    };
    if is_sane(words.now, last) {
        return Ok(Finding::ok(
            "clock",
            format!("it is {}", words.time(words.now)),
        ));
    }
    let than = last.map_or(EARLIEST, |it| it.max(EARLIEST));
    let text = format!(
        "it shows {}, and it was {} already",
        words.time(words.now),
        words.time(than)
    );
    let remedy = "set it, or let it be set from the network (NTP): rules that go by the time wait";
    Ok(Finding::problem("clock", text, remedy))
}
