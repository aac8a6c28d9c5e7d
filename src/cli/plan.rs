//! `plan`: what a reload would change, read from the files and the database, with the engine or without it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::Path;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::cli::console::Console;
use crate::cli::lists::time;
use crate::cli::{Exit, engine};
use crate::config;
use crate::config::environment::Environment;
use crate::control::{Done, Wish};
use crate::document::diagnostic::Diagnostic;
use crate::document::render;
use crate::document::source::SourceFile;
use crate::domain::id::{RuleId, RunId};
use crate::engine::arming::shape;
use crate::reload::{Broken, Reloaded};
use crate::rules::difference::Difference;
use crate::rules::rule::{Rule, RuleSet};
use crate::rules::{self, Loaded, last_good};
use crate::store::view::{StoredRule, Timer, View};

#[derive(Debug, Serialize)]
struct Plan {
    #[serde(flatten)]
    difference: Difference,
    broken: Vec<Broken>,
    timers: Vec<TimerPlan>,
    runs: Vec<RunPlan>,
    /// Of rules that are new or other than before.
    findings: Value,
    /// Keys of `home.yaml` that take effect at the next start of the running engine.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    restart_for: Vec<String>,
}

/// A trigger that waits for a moment, and would not any more.
#[derive(Debug, Serialize)]
struct TimerPlan {
    rule: RuleId,
    /// From 1, in the order of the rule as it is in force.
    trigger: usize,
    due_at: Timestamp,
    becomes: TimerEnd,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum TimerEnd {
    /// The trigger is another one, and begins to count anew.
    Replaced,
    Dropped,
}

#[derive(Debug, Serialize)]
struct RunPlan {
    rule: RuleId,
    run: RunId,
    becomes: RunEnd,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum RunEnd {
    /// With the actions that it began with.
    GoesOn,
    Ends,
}

pub(super) fn plan(dir: &Path, as_json: bool, console: &mut Console) -> anyhow::Result<Exit> {
    let home = config::load(dir, &Environment::of_process());
    if home.home.is_none() {
        console.diagnostics(&home.diagnostics, &home.sources)?;
        writeln!(
            console.err,
            "error: home.yaml is broken; a reload would change nothing"
        )?;
        return Ok(Exit::Usage);
    }
    let view = View::open(dir)?;
    let in_force = view.as_ref().map_or_else(|| Ok(Vec::new()), View::rules)?;
    let (files, unreadable) = config::rule_files(dir);
    let mut loaded = rules::load(&files, &home.names);
    loaded.diagnostics.splice(0..0, unreadable);
    let known: Vec<Rule> = in_force.iter().filter_map(StoredRule::rule).collect();
    let mut broken: Vec<Broken> = loaded.broken.iter().map(Broken::from).collect();
    let (diagnostics, starts) = (std::mem::take(&mut loaded.diagnostics), starts(&loaded));
    let is_there = |file: &str| config::is_there(dir, file);
    let rules = last_good::complete(loaded, &known, &home.names, is_there);
    Broken::note_staying(&mut broken, &rules);
    let versions = in_force
        .iter()
        .map(|it| (it.id.clone(), it.version.clone()));
    let mut difference = Difference::between(&versions.collect(), &rules);
    let new = new_findings(diagnostics, &files, &starts, &difference);
    let by_engine = by_engine(dir)?;
    if let Some(it) = &by_engine {
        difference = it.difference.clone();
        broken.clone_from(&it.broken);
    }
    let plan = Plan {
        broken,
        timers: timers(view.as_ref(), &rules, &difference)?,
        runs: runs(view.as_ref(), &rules, &difference)?,
        findings: serde_json::from_str(&render::json(&new, &files))?,
        difference,
        restart_for: by_engine
            .iter()
            .flat_map(|it| it.restart_for.clone())
            .collect(),
    };
    if as_json {
        console.json(&plan)?;
    } else {
        console.diagnostics(&new, &files)?;
        if let Some(it) = &by_engine {
            write!(console.err, "{}", it.problems)?;
        }
        write(&plan, &known, console)?;
    }
    let is_wrong = !plan.broken.is_empty() || new.iter().any(Diagnostic::is_error);
    Ok(if is_wrong { Exit::Findings } else { Exit::Done })
}

/// What the running engine says that a reload would change, when `home.yaml` is not as at its start: it checks the
/// rules against the home that it knows.
fn by_engine(dir: &Path) -> anyhow::Result<Option<Reloaded>> {
    let Ok(Ok(Done::Reloaded(reloaded))) = engine::asked(dir, &Wish::Plan)? else {
        return Ok(None);
    };
    Ok(Some(reloaded).filter(|it| !it.restart_for.is_empty()))
}

/// Where each rule begins, by file and line; none for one that does not say its id, or is broken.
type Starts = BTreeMap<(String, usize), Option<RuleId>>;

fn starts(loaded: &Loaded) -> Starts {
    let place = |it: &rules::rule::Place| (it.file.clone(), it.line);
    let good = loaded.rules.rules.iter();
    let good = good.map(|it| (place(&it.place), Some(it.id.clone())));
    let broken = loaded.broken.iter().map(|it| (place(&it.place), None));
    good.chain(broken).collect()
}

/// What is said of rules that are as they were, was said before.
fn new_findings(
    diagnostics: Vec<Diagnostic>,
    files: &[SourceFile],
    starts: &Starts,
    difference: &Difference,
) -> Vec<Diagnostic> {
    let new: BTreeSet<&RuleId> = difference.added.iter().chain(&difference.changed).collect();
    let is_new = |it: &Diagnostic| {
        let location = &it.primary.location;
        let Some(file) = files.iter().find(|file| file.name == location.file) else {
            return true;
        };
        let line = file.line(location.span.start);
        let name = file.name.to_string();
        let before = starts.range((name.clone(), 0)..=(name, line)).next_back();
        match before {
            Some((_, Some(rule))) => new.contains(rule),
            Some((_, None)) | None => true,
        }
    };
    diagnostics.into_iter().filter(is_new).collect()
}

fn timers(
    view: Option<&View>,
    rules: &RuleSet,
    difference: &Difference,
) -> anyhow::Result<Vec<TimerPlan>> {
    let timers = view.map_or_else(|| Ok(Vec::new()), View::timers)?;
    let touched =
        |it: &Timer| difference.changed.contains(&it.rule) || difference.removed.contains(&it.rule);
    let planned = timers.into_iter().filter(touched).filter_map(|it| {
        let rule = rules.rule(&it.rule).filter(|rule| rule.listens());
        let trigger = rule.and_then(|rule| rule.triggers.get(it.trigger));
        let of_rule = rule.into_iter().flat_map(|rule| &rule.triggers);
        let mut of_rule = of_rule.filter(|trigger| trigger.enabled);
        if of_rule.any(|trigger| shape(trigger) == it.memory.shape) {
            return None;
        }
        let becomes = match trigger.filter(|trigger| trigger.enabled) {
            Some(_) => TimerEnd::Replaced,
            None => TimerEnd::Dropped,
        };
        Some(TimerPlan {
            rule: it.rule,
            trigger: it.trigger + 1,
            due_at: it.due_at,
            becomes,
        })
    });
    Ok(planned.collect())
}

fn runs(
    view: Option<&View>,
    rules: &RuleSet,
    difference: &Difference,
) -> anyhow::Result<Vec<RunPlan>> {
    let runs = view.map_or_else(|| Ok(Vec::new()), View::running)?;
    let planned = runs.into_iter().filter_map(|(rule, run)| {
        let becomes = if difference.removed.contains(&rule) {
            RunEnd::Ends
        } else if difference.changed.contains(&rule) {
            let is_enabled = rules.rule(&rule).is_some_and(|it| it.enabled);
            if is_enabled {
                RunEnd::GoesOn
            } else {
                RunEnd::Ends
            }
        } else {
            return None;
        };
        Some(RunPlan { rule, run, becomes })
    });
    Ok(planned.collect())
}

fn write(plan: &Plan, known: &[Rule], console: &mut Console) -> anyhow::Result<()> {
    engine::difference(&plan.difference, console)?;
    engine::broken(&plan.broken, console)?;
    for timer in &plan.timers {
        let rule = known.iter().find(|it| it.id == timer.rule);
        let trigger = rule.and_then(|it| it.triggers.get(timer.trigger - 1));
        let name = trigger.and_then(|it| it.id.clone());
        let name = name.unwrap_or_else(|| timer.trigger.to_string());
        let becomes = match timer.becomes {
            TimerEnd::Replaced => "begins anew",
            TimerEnd::Dropped => "is dropped",
        };
        let due = time(timer.due_at);
        let rule = &timer.rule;
        writeln!(
            console.out,
            "timer     {rule}, trigger {name}, due {due}: {becomes}"
        )?;
    }
    for run in &plan.runs {
        let becomes = match run.becomes {
            RunEnd::GoesOn => "goes on with the actions that it began with",
            RunEnd::Ends => "ends",
        };
        writeln!(
            console.out,
            "run       {} of {}: {becomes}",
            run.run, run.rule
        )?;
    }
    engine::restart_for(&plan.restart_for, console)?;
    Ok(())
}
