//! `reload`, `trigger`, `pause`, `resume`, `stop-all`: asked of the running engine.

use std::io::Write;
use std::path::Path;

use crate::cli::Exit;
use crate::cli::check::count;
use crate::cli::console::Console;
use crate::cli::lists::time;
use crate::control::client::{self, Unanswered};
use crate::control::{About, Done, Refusal, Stopped, Triggered, Wish};
use crate::domain::id::{RuleId, RunId};
use crate::engine::trace::Verdict;
use crate::reload::{Broken, Reloaded};
use crate::rules::difference::Difference;
use crate::store::dead_letters::Became;

/// Asks the engine of the home in `dir`, and writes what came of it.
pub(super) fn ask(
    dir: &Path,
    wish: &Wish,
    as_json: bool,
    console: &mut Console,
) -> anyhow::Result<Exit> {
    match asked(dir, wish)? {
        Err(unanswered) => unreachable(dir, &unanswered, console),
        Ok(Err(refusal)) => refused(&refusal, console),
        Ok(Ok(done)) => {
            if as_json {
                console.json(&done)?;
            } else {
                tell(&done, console)?;
            }
            Ok(exit(&done))
        }
    }
}

/// What the engine says to `wish`.
pub(super) fn asked(
    dir: &Path,
    wish: &Wish,
) -> std::io::Result<Result<Result<Done, Refusal>, Unanswered>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    Ok(runtime.block_on(client::ask(dir, wish)))
}

fn unreachable(dir: &Path, unanswered: &Unanswered, console: &mut Console) -> anyhow::Result<Exit> {
    writeln!(console.err, "error: {unanswered}")?;
    if matches!(unanswered, Unanswered::NotRunning) {
        writeln!(
            console.err,
            "  = help: start it with `amps-rules --home {} run`; `--home DIR` names another home",
            dir.display()
        )?;
    }
    Ok(Exit::Unreachable)
}

fn refused(refusal: &Refusal, console: &mut Console) -> anyhow::Result<Exit> {
    write!(console.err, "{}", refusal.problems)?;
    writeln!(console.err, "error: {}", refusal.error)?;
    if let Some(near) = &refusal.did_you_mean {
        writeln!(console.err, "  = help: did you mean `{near}`?")?;
    }
    Ok(Exit::Usage)
}

fn exit(done: &Done) -> Exit {
    let is_found = match done {
        Done::Reloaded(reloaded) => !reloaded.broken.is_empty() || !reloaded.problems.is_empty(),
        Done::Triggered(triggered) => triggered.run.is_none(),
        Done::DeadLetter { became, .. } => matches!(became, Became::Dead { .. }),
        Done::About(_) | Done::Paused(_) | Done::Resumed { .. } | Done::Stopped(_) => false,
    };
    if is_found { Exit::Findings } else { Exit::Done }
}

fn tell(done: &Done, console: &mut Console) -> anyhow::Result<()> {
    let out = &mut console.out;
    match done {
        Done::About(About { version, since }) => {
            writeln!(out, "version {version}, running since {}", time(*since))?;
        }
        Done::Reloaded(reloaded) => reload(reloaded, console)?,
        Done::Triggered(triggered) => writeln!(out, "{}", triggering(triggered))?,
        Done::Paused(paused) => writeln!(out, "{} is paused: {}", paused.rule, paused.reason)?,
        Done::Resumed {
            rule,
            was_paused: true,
        } => writeln!(out, "{rule} goes on")?,
        Done::Resumed {
            rule,
            was_paused: false,
        } => writeln!(out, "{rule} was not paused")?,
        Done::DeadLetter { id, became } => writeln!(out, "{id} {}", letter(became))?,
        Done::Stopped(Stopped { paused, ended }) => {
            writeln!(
                out,
                "{} ended, {} paused; `amps-rules resume RULE` lets one go on",
                count(ended.len(), "run"),
                count(paused.len(), "rule"),
            )?;
        }
    }
    Ok(())
}

fn letter(became: &Became) -> String {
    match became {
        Became::Done => "has had its effect now".to_owned(),
        Became::Repeat => "has no effect: another one said the same".to_owned(),
        Became::Queued => "is sent again".to_owned(),
        Became::Dropped => "is put away".to_owned(),
        Became::Dead { reason } => format!("failed again: {reason}"),
    }
}

fn reload(reloaded: &Reloaded, console: &mut Console) -> anyhow::Result<()> {
    write!(console.err, "{}", reloaded.problems)?;
    difference(&reloaded.difference, console)?;
    broken(&reloaded.broken, console)?;
    restart_for(&reloaded.restart_for, console)
}

/// What of `home.yaml` waits for the next start.
pub(super) fn restart_for(keys: &[String], console: &mut Console) -> anyhow::Result<()> {
    if !keys.is_empty() {
        writeln!(
            console.out,
            "home.yaml: `{}` changed, which takes effect at the next start",
            keys.join("`, `")
        )?;
    }
    Ok(())
}

pub(super) fn difference(difference: &Difference, console: &mut Console) -> anyhow::Result<()> {
    for (what, rules) in [
        ("added", &difference.added),
        ("changed", &difference.changed),
        ("removed", &difference.removed),
    ] {
        for rule in rules {
            writeln!(console.out, "{what:<9} {rule}")?;
        }
    }
    writeln!(
        console.out,
        "unchanged {}",
        count(difference.unchanged, "rule")
    )?;
    Ok(())
}

pub(super) fn broken(broken: &[Broken], console: &mut Console) -> anyhow::Result<()> {
    for it in broken {
        let rule = it.rule.as_ref().map_or("a rule", RuleId::as_str);
        let then = if it.stays {
            "stays as it was when it was last right"
        } else {
            "stays out"
        };
        let (file, line) = (&it.file, it.line);
        writeln!(console.out, "broken    {rule} ({file}:{line}): {then}")?;
    }
    Ok(())
}

fn triggering(triggered: &Triggered) -> String {
    let rule = &triggered.rule;
    if let Some(run) = &triggered.run {
        return format!("{rule} runs: {run}");
    }
    let own = triggered.traces.iter().find(|it| it.rule == *rule);
    match own.map(|it| why_not(&it.verdict)) {
        Some(why) => format!("{rule} does not run: {why}"),
        None => format!("{rule} does not run"),
    }
}

/// Why a rule that somebody named does not run.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "triggers and conditions are not asked"
)]
fn why_not(verdict: &Verdict) -> String {
    let of = |run: &RunId| format!("it is running already ({run})");
    match verdict {
        Verdict::Paused { because } => format!("it is paused ({because})"),
        Verdict::AlreadyRunning { run } => of(run),
        Verdict::TooMany { max } => format!("{max} runs of it are under way"),
        other => other.name().to_owned(),
    }
}
