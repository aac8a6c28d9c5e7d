//! `doctor`: what a person can act on, each with a verdict and a remedy.

mod home;
mod machine;
mod patience;
mod traffic;

use std::io::Write;
use std::path::Path;

use serde::Serialize;

use crate::cli::Exit;
use crate::cli::console::Console;
use crate::cli::standing::{self, Standing};
use crate::cli::words::Words;
use crate::clock::Clock;
use crate::config::environment::Environment;
use crate::config::{self, Loaded};
use crate::store::view::{Unreadable, View};

/// What was looked at, and how it is.
#[derive(Debug, Serialize)]
struct Finding {
    /// One word; several findings may share it.
    check: &'static str,
    verdict: Verdict,
    text: String,
    /// What to do about it.
    remedy: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Ok,
    Warning,
    Problem,
}

impl Finding {
    fn ok(check: &'static str, text: impl Into<String>) -> Self {
        Self {
            check,
            verdict: Verdict::Ok,
            text: text.into(),
            remedy: None,
        }
    }

    fn warning(check: &'static str, text: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            check,
            verdict: Verdict::Warning,
            text: text.into(),
            remedy: Some(remedy.into()),
        }
    }

    fn problem(check: &'static str, text: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Problem,
            ..Self::warning(check, text, remedy)
        }
    }
}

/// What is looked at.
struct Patient<'p> {
    dir: &'p Path,
    loaded: Loaded,
    view: Option<View>,
    standing: Standing,
    words: Words,
}

pub(super) fn doctor(dir: &Path, as_json: bool, console: &mut Console) -> anyhow::Result<Exit> {
    let (words, names) = standing::words(dir, Clock::System.now());
    let (view, standing, broken) = match open(dir, &names) {
        Ok((view, standing)) => (view, standing, None),
        Err(error) => {
            let standing = Standing::read(dir, &names, None)?;
            (None, standing, Some(machine::unreadable(&error)))
        }
    };
    let patient = Patient {
        dir,
        loaded: config::load(dir, &Environment::of_process()),
        view,
        standing,
        words,
    };
    let mut findings = home::findings(&patient)?;
    findings.extend(machine::findings(&patient)?);
    match broken {
        Some(broken) => findings.push(broken),
        None => findings.extend(traffic::findings(&patient)?),
    }
    if as_json {
        console.json(&findings)?;
    } else {
        for finding in &findings {
            finding.write(&mut console.out)?;
        }
    }
    let is_ill = findings.iter().any(|it| it.verdict == Verdict::Problem);
    Ok(if is_ill { Exit::Findings } else { Exit::Done })
}

fn open(dir: &Path, names: &config::names::Names) -> Result<(Option<View>, Standing), Unreadable> {
    let view = View::open(dir)?;
    let standing = Standing::read(dir, names, view.as_ref())?;
    Ok((view, standing))
}

impl Finding {
    fn write(&self, out: &mut dyn Write) -> std::io::Result<()> {
        let verdict = match self.verdict {
            Verdict::Ok => "ok",
            Verdict::Warning => "warning",
            Verdict::Problem => "problem",
        };
        writeln!(out, "{verdict:<8} {:<10} {}", self.check, self.text)?;
        if let Some(remedy) = &self.remedy {
            writeln!(out, "{:<19} = help: {remedy}", "")?;
        }
        Ok(())
    }
}
