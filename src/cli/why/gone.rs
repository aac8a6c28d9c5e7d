//! What is on record of a rule that the home has no more.

use std::io::{self, Write};

use jiff::Timestamp;
use serde::Serialize;

use crate::cli::why::rule::{LastRun, Refusal, last_run, refusal};
use crate::cli::why::{Answer, Known};
use crate::domain::id::RuleId;
use crate::store::view::Unreadable;

#[derive(Debug, Serialize)]
pub(super) struct GoneAnswer {
    rule: RuleId,
    /// The home has no such rule any more.
    removed: bool,
    last_run: Option<LastRun>,
    /// The last time since then that it was woken and did not run.
    last_refusal: Option<Refusal>,
}

/// None when nothing is on record.
pub(super) fn of(known: &Known, id: &RuleId) -> Result<Option<GoneAnswer>, Unreadable> {
    let Some(view) = &known.view else {
        return Ok(None);
    };
    let last_run = last_run(known, id, Timestamp::MAX)?;
    let since = last_run.as_ref().map(|it| it.run.started_at);
    let since = since.unwrap_or(Timestamp::MIN);
    let (refused, _) = view.last_refusals_of(id.as_str(), since)?;
    if last_run.is_none() && refused.is_none() {
        return Ok(None);
    }
    Ok(Some(GoneAnswer {
        rule: id.clone(),
        removed: true,
        last_run,
        last_refusal: refused.map(|it| refusal(known, it)).transpose()?,
    }))
}

impl Answer for GoneAnswer {
    fn write(&self, known: &Known, out: &mut dyn Write) -> io::Result<()> {
        writeln!(
            out,
            "{}  (the home has no such rule any more; this is on record)",
            self.rule
        )?;
        if let Some(last) = &self.last_run {
            writeln!(out)?;
            last.write(&known.words, out)?;
        }
        if let Some(refusal) = &self.last_refusal {
            writeln!(out)?;
            refusal.write(&known.words, out)?;
        }
        Ok(())
    }
}
