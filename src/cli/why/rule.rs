//! Why a rule ran last, why it did not since, and what keeps it from running now.

use std::io::{self, Write};

use jiff::Timestamp;
use serde::Serialize;

use crate::cli::standing::Reason;
use crate::cli::why::listens::{self, Listens};
use crate::cli::why::{Answer, Known};
use crate::cli::words::{Words, line};
use crate::domain::id::RuleId;
use crate::engine::trace::Trace;
use crate::store::view::{EventRow, RunRow, Unreadable};

#[derive(Debug, Serialize)]
pub(super) struct RuleAnswer {
    rule: RuleId,
    file: String,
    line: usize,
    /// What keeps it from running now; empty when nothing does.
    now: Vec<Reason>,
    /// What would wake it.
    waits_for: Vec<Listens>,
    last_run: Option<LastRun>,
    /// The last time since then that it was woken and did not run.
    last_refusal: Option<Refusal>,
    /// The last time since either that something came near, and none of its triggers fired.
    last_miss: Option<Refusal>,
}

#[derive(Debug, Serialize)]
pub(super) struct LastRun {
    pub(super) run: RunRow,
    pub(super) event: Option<EventRow>,
    /// How it began.
    pub(super) trace: Option<Trace>,
}

#[derive(Debug, Serialize)]
pub(super) struct Refusal {
    pub(super) at: Timestamp,
    /// In one line.
    pub(super) why: String,
    pub(super) event: Option<EventRow>,
    pub(super) trace: Trace,
}

pub(super) fn of(known: &Known, id: &RuleId) -> Result<RuleAnswer, Unreadable> {
    let last_run = last_run(known, id, Timestamp::MAX)?;
    let began = last_run.as_ref().map(|it| it.run.started_at);
    let since = began.unwrap_or(Timestamp::MIN);
    let (refused, missed) = match &known.view {
        Some(view) => view.last_refusals_of(id.as_str(), since)?,
        None => (None, None),
    };
    let missed = missed.filter(|missed| refused.as_ref().is_none_or(|it| it.at <= missed.at));
    let rule = &known.standing.rules[id];
    Ok(RuleAnswer {
        rule: id.clone(),
        file: rule.file.clone(),
        line: rule.line,
        now: known.standing.reasons(id, began, &known.words),
        waits_for: listens::of(known, id)?,
        last_run,
        last_refusal: refused.map(|it| refusal(known, it)).transpose()?,
        last_miss: missed.map(|it| refusal(known, it)).transpose()?,
    })
}

/// The last run of the rule that began at `until` or before.
pub(super) fn last_run(
    known: &Known,
    id: &RuleId,
    until: Timestamp,
) -> Result<Option<LastRun>, Unreadable> {
    let Some(view) = &known.view else {
        return Ok(None);
    };
    let Some(run) = view.last_run_of(id.as_str(), until)? else {
        return Ok(None);
    };
    Ok(Some(LastRun {
        event: view.event_row(&run.cause)?,
        trace: view.beginning_of(&run.id)?,
        run,
    }))
}

pub(super) fn refusal(known: &Known, trace: Trace) -> Result<Refusal, Unreadable> {
    let event = match &known.view {
        Some(view) => view.event_row(trace.event.as_str())?,
        None => None,
    };
    Ok(Refusal {
        at: trace.at,
        why: known.words.refusal(&trace),
        event,
        trace,
    })
}

impl Answer for RuleAnswer {
    fn write(&self, known: &Known, out: &mut dyn Write) -> io::Result<()> {
        let words = &known.words;
        heading(&self.rule, &self.file, self.line, out)?;
        if self.now.is_empty() {
            line(out, "now", "nothing keeps it from running")?;
        }
        for reason in &self.now {
            line(out, "now", &reason.text)?;
        }
        for it in &self.waits_for {
            line(out, "waits for", &it.text)?;
            for value in &it.values {
                line(out, "", value)?;
            }
        }
        writeln!(out)?;
        match &self.last_run {
            Some(last) => last.write(words, out)?,
            None => writeln!(out, "it has never run, as far as is on record")?,
        }
        let refusals = [&self.last_refusal, &self.last_miss];
        for refusal in refusals.into_iter().flatten() {
            writeln!(out)?;
            refusal.write(words, out)?;
        }
        if self.last_refusal.is_none() {
            let since = if self.last_run.is_some() {
                " since"
            } else {
                ""
            };
            writeln!(out)?;
            writeln!(out, "nothing has woken it{since}")?;
        }
        Ok(())
    }
}

pub(super) fn heading(
    rule: &RuleId,
    file: &str,
    place: usize,
    out: &mut dyn Write,
) -> io::Result<()> {
    writeln!(out, "{rule}  ({file}:{place})")
}

impl LastRun {
    pub(super) fn write(&self, words: &Words, out: &mut dyn Write) -> io::Result<()> {
        let run = &self.run;
        let end = match (run.state.as_str(), &run.reason) {
            ("running", _) => "is running".to_owned(),
            (state, Some(reason)) => format!("{state}: {reason}"),
            (state, None) => state.to_owned(),
        };
        let at = words.time(run.started_at);
        writeln!(out, "it ran at {at}, {end}")?;
        because(self.event.as_ref(), &run.cause, words, out)?;
        clauses(self.trace.as_ref(), words, out)?;
        line(out, "run", &run.id)
    }
}

impl Refusal {
    pub(super) fn write(&self, words: &Words, out: &mut dyn Write) -> io::Result<()> {
        let at = words.time(self.at);
        writeln!(out, "at {at}, it did not run: {}", self.why)?;
        because(self.event.as_ref(), self.trace.event.as_str(), words, out)?;
        clauses(Some(&self.trace), words, out)
    }
}

fn because(
    event: Option<&EventRow>,
    id: &str,
    words: &Words,
    out: &mut dyn Write,
) -> io::Result<()> {
    match event {
        Some(event) => line(out, "because", &words.event(event)),
        None => line(out, "because", &format!("{id}, which is no longer kept")),
    }
}

fn clauses(trace: Option<&Trace>, words: &Words, out: &mut dyn Write) -> io::Result<()> {
    let clauses = trace.map(|it| words.clauses(it)).unwrap_or_default();
    for (word, text) in clauses {
        line(out, word, &text)?;
    }
    Ok(())
}
