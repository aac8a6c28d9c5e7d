//! Why a rule did or did not run at a moment.

use std::io::{self, Write};
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::cli::why::rule::{self, LastRun, Refusal, heading};
use crate::cli::why::{Answer, Known, listens};
use crate::clock::{earlier, later};
use crate::domain::event::{EngineChange, Payload};
use crate::domain::id::{RuleId, RunId};
use crate::engine::trace::Trace;
use crate::store::view::{Unreadable, View};

/// What is not further from the moment than this is what was meant: people name minutes.
const NEAR: Duration = Duration::from_mins(1);

#[derive(Debug, Serialize)]
pub(super) struct MomentAnswer {
    rule: RuleId,
    file: String,
    line: usize,
    at: Timestamp,
    /// One of its triggers watches a value; those that change nothing for it leave no trace.
    watches_values: bool,
    /// A run of it was under way.
    under_way: Option<RunId>,
    /// The last that the rule made of anything before the moment, and the first after it.
    before: Option<Look>,
    after: Option<Look>,
    /// Neither is near: nothing that it listens to happened between these moments.
    nothing_between: Option<Between>,
    /// The engine was started then, which is the first on record after the moment: it may have been off.
    engine_started_at: Option<Timestamp>,
    /// Traces from before this moment are no longer kept.
    kept_since: Option<Timestamp>,
}

#[derive(Debug, Serialize)]
struct Between {
    from: Timestamp,
    until: Timestamp,
}

/// What a rule made of something.
#[derive(Debug, Serialize)]
#[serde(tag = "was", rename_all = "snake_case")]
enum Look {
    /// A run began or went on.
    Run(Box<Ran>),
    Refusal(Box<Refusal>),
}

#[derive(Debug, Serialize)]
struct Ran {
    at: Timestamp,
    /// `started`, `went_on`, …
    verdict: &'static str,
    #[serde(flatten)]
    run: LastRun,
}

impl Look {
    fn at(&self) -> Timestamp {
        match self {
            Self::Run(it) => it.at,
            Self::Refusal(it) => it.at,
        }
    }
}

pub(super) fn of(known: &Known, id: &RuleId, at: Timestamp) -> Result<MomentAnswer, Unreadable> {
    let rule = &known.standing.rules[id];
    let mut answer = MomentAnswer {
        rule: id.clone(),
        file: rule.file.clone(),
        line: rule.line,
        at,
        watches_values: listens::of(known, id)?
            .iter()
            .any(|it| !it.values.is_empty()),
        under_way: None,
        before: None,
        after: None,
        nothing_between: None,
        engine_started_at: None,
        kept_since: None,
    };
    let Some(view) = &known.view else {
        return Ok(answer);
    };
    let (before, after) = view.traces_around(id.as_str(), at)?;
    let looks = |it: Option<Trace>| it.map(|it| look(known, view, it)).transpose();
    answer.before = looks(before)?.flatten();
    answer.after = looks(after)?.flatten();
    let run = rule::last_run(known, id, at)?.map(|it| it.run);
    let run = run.filter(|it| it.ended_at.is_none_or(|ended| at < ended));
    answer.under_way = run.map(|it| RunId::new(it.id));
    answer.kept_since = view.traces_dropped_before()?.filter(|it| at < *it);
    if answer.near().next().is_none() {
        let from = answer.before.as_ref().map(Look::at);
        let until = answer.after.as_ref().map(Look::at);
        answer.nothing_between = from.or(view.traces_since()?).map(|from| Between {
            from,
            until: until.unwrap_or(known.words.now),
        });
        answer.engine_started_at = started_after(view, at)?;
    }
    Ok(answer)
}

fn look(known: &Known, view: &View, trace: Trace) -> Result<Option<Look>, Unreadable> {
    let Some(run) = &trace.run else {
        let refusal = rule::refusal(known, trace)?;
        return Ok(Some(Look::Refusal(Box::new(refusal))));
    };
    let Some(story) = view.run(run.as_str())? else {
        return Ok(None);
    };
    let run = LastRun {
        event: view.event_row(&story.run.cause)?,
        trace: view.beginning_of(&story.run.id)?,
        run: story.run,
    };
    let (at, verdict) = (trace.at, trace.verdict.name());
    Ok(Some(Look::Run(Box::new(Ran { at, verdict, run }))))
}

/// When the engine was started, if that is the first on record after `at`.
fn started_after(view: &View, at: Timestamp) -> Result<Option<Timestamp>, Unreadable> {
    let (_, first) = view.events_around(at)?;
    let started = first.filter(|it| it.payload == Some(Payload::Engine(EngineChange::Started)));
    Ok(started.map(|it| it.received_at))
}

impl MomentAnswer {
    fn near(&self) -> impl Iterator<Item = &Look> {
        let looks = self.before.iter().chain(&self.after);
        let (from, until) = (earlier(self.at, NEAR), later(self.at, NEAR));
        looks.filter(move |it| (from..=until).contains(&it.at()))
    }

    /// Whether it is of the run that is told of before the moment.
    fn is_told_before(&self, look: &Look) -> bool {
        match (look, &self.before) {
            (Look::Run(after), Some(Look::Run(before))) => {
                let is_near = self.near().any(|it| it.at() == before.at);
                is_near == self.near().any(|it| it.at() == after.at)
                    && before.run.run.id == after.run.run.id
            }
            (Look::Refusal(_), _) | (_, Some(Look::Refusal(_)) | None) => false,
        }
    }

    fn write_nothing(&self, known: &Known, out: &mut dyn Write) -> io::Result<()> {
        let words = &known.words;
        if let Some(run) = &self.under_way {
            writeln!(out, "a run of it was under way ({run})")?;
        }
        match &self.nothing_between {
            Some(Between { from, until }) => writeln!(
                out,
                "nothing that it listens to happened between {} and {}",
                words.time(*from),
                words.time(*until)
            )?,
            None => writeln!(out, "nothing that it listens to is on record")?,
        }
        if self.watches_values {
            writeln!(out, "(values that change nothing for it leave no mark)")?;
        }
        if let Some(started) = self.engine_started_at {
            let started = words.time(started);
            writeln!(
                out,
                "the engine was started at {started}, and may have been off before"
            )?;
        }
        if let Some(since) = self.kept_since {
            let since = words.time(since);
            writeln!(out, "what was before {since} is no longer kept")?;
        }
        Ok(())
    }
}

impl Answer for MomentAnswer {
    fn write(&self, known: &Known, out: &mut dyn Write) -> io::Result<()> {
        let words = &known.words;
        heading(&self.rule, &self.file, self.line, out)?;
        writeln!(out, "at {}:", words.time(self.at))?;
        if self.near().next().is_none() {
            self.write_nothing(known, out)?;
        }
        let is_any_near = self.near().next().is_some();
        // Its story has both.
        let after = self.after.as_ref().filter(|it| !self.is_told_before(it));
        for (label, look) in [("before", self.before.as_ref()), ("after", after)] {
            let is_near = self
                .near()
                .any(|near| look.is_some_and(|it| it.at() == near.at()));
            let Some(look) = look.filter(|_| is_near || !is_any_near) else {
                continue;
            };
            writeln!(out)?;
            if !is_near {
                write!(out, "{label}: ")?;
            }
            match look {
                Look::Run(it) => it.run.write(words, out)?,
                Look::Refusal(it) => it.write(words, out)?,
            }
        }
        Ok(())
    }
}
