//! `replay`: what was done then beside what edited rules would have done; read from the database, and nothing sent.

mod moment;
mod page;

use std::io::Write;
use std::path::Path;

use anyhow::Context;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::cli::Exit;
use crate::cli::arguments::ReplayArguments;
use crate::cli::console::Console;
use crate::cli::test::bench;
use crate::clock::Clock;
use crate::config::environment::Environment;
use crate::config::{self, Loaded};
use crate::document::diagnostic::Diagnostic;
use crate::replay::{self, EVENTS_MAX, Pace, Span};
use crate::rules;
use crate::rules::rule::RuleSet;
use crate::store::view::View;

pub(super) fn replay(
    dir: &Path,
    arguments: &ReplayArguments,
    console: &mut Console,
) -> anyhow::Result<Exit> {
    let home = config::load(dir, &Environment::of_process());
    if !bench::is_usable(&home.diagnostics) {
        console.diagnostics(&home.diagnostics, &home.sources)?;
        return Ok(Exit::Usage);
    }
    let Some(rules) = edited(dir, arguments, &home, console)? else {
        return Ok(Exit::Usage);
    };
    let zone = home.names.timezone.clone().unwrap_or(TimeZone::UTC);
    let span = span(arguments, Clock::System.now(), &zone)?;
    let view =
        View::open(dir)?.context("this home has no record yet: no engine has ever run on it")?;
    let past = view.past(&span, EVENTS_MAX)?;
    let past = past.with_context(|| {
        format!("more than {EVENTS_MAX} events are on record of this time; name a shorter one")
    })?;
    let replay = replay::replay(&rules, &past, span, &pace(&home));
    let page = page::Page {
        replay: &replay,
        span,
        zone,
    };
    if arguments.json {
        console.json(&page.json())?;
    } else {
        page.write(&mut console.out)?;
    }
    Ok(if replay.is_same() {
        Exit::Done
    } else {
        Exit::Findings
    })
}

/// The rules that are played; none when some are broken, which has been explained then.
fn edited(
    dir: &Path,
    arguments: &ReplayArguments,
    home: &Loaded,
    console: &mut Console,
) -> anyhow::Result<Option<RuleSet>> {
    let (mut files, mut diagnostics) = match &arguments.rules {
        None => config::rule_files(dir),
        Some(other) if other.join(config::HOME_FILE).is_file() => config::rule_files(other),
        Some(folder) => config::files_at(std::slice::from_ref(folder)),
    };
    files.retain(|it| !config::is_test_file(&it.name));
    let loaded = rules::load(&files, &home.names);
    diagnostics.extend(loaded.diagnostics);
    if !diagnostics.iter().any(Diagnostic::is_error) {
        return Ok(Some(loaded.rules));
    }
    console.diagnostics(&diagnostics, &files)?;
    writeln!(
        console.err,
        "error: the rules are broken; nothing was played"
    )?;
    Ok(None)
}

fn span(arguments: &ReplayArguments, now: Timestamp, zone: &TimeZone) -> anyhow::Result<Span> {
    let here = now.to_zoned(zone.clone());
    let parse = |text: &str| {
        moment::parse(text, &here).with_context(|| {
            format!("`{text}` is no moment; write for example `2026-01-10 22:00`, `22:00` or `24h`")
        })
    };
    let since = parse(&arguments.since)?;
    let until = arguments.until.as_deref().map(parse).transpose()?;
    // What is to come is not on record.
    let until = until.unwrap_or(now).min(now);
    anyhow::ensure!(since < until, "the beginning is not before the end");
    Ok(Span { since, until })
}

/// Whoever cannot read secrets cannot know how often devices are read; the default is taken then.
fn pace(home: &Loaded) -> Pace {
    let devices = home.home.iter().flat_map(|it| it.devices.values());
    let inputs = home.names.inputs.iter();
    Pace {
        devices: devices.map(|it| (it.device.id.clone(), it.poll)).collect(),
        inputs: inputs
            .filter_map(|(name, it)| Some((name.clone(), it.source.as_ref()?.every)))
            .collect(),
    }
}
