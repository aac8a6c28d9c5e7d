//! What a device says it takes, as `devices show` tells it.

use std::io::Write;

use jiff::Timestamp;
use serde::Serialize;

use crate::cli::console::Console;
use crate::cli::words::Words;
use crate::domain::capabilities::{Capabilities, Declaration, Range, Takes, form_words};

/// What it says, and since when.
#[derive(Debug, Serialize)]
pub(super) struct TakesRow {
    since: Timestamp,
    #[serde(flatten)]
    capabilities: Capabilities,
}

impl TakesRow {
    pub(super) fn of(declaration: &Declaration) -> Option<Self> {
        Some(Self {
            since: declaration.at,
            capabilities: declaration.capabilities.clone()?,
        })
    }

    pub(super) fn write(&self, words: &Words, console: &mut Console) -> anyhow::Result<()> {
        let out = &mut console.out;
        let since = words.time(self.since);
        writeln!(out, "what it takes, as it says since {since}:")?;
        if let Some(strategies) = &self.capabilities.strategies {
            let names: Vec<_> = strategies.iter().map(|it| it.name()).collect();
            let names = if names.is_empty() {
                "no order while another one holds it".to_owned()
            } else {
                format!("while another order holds it: {}", names.join(", "))
            };
            writeln!(out, "  {names}")?;
        }
        let commands = self.capabilities.commands.iter();
        let mut cells: Vec<_> = commands.map(|(name, it)| command(name, it)).collect();
        for (name, range) in self.capabilities.settings.iter().flatten() {
            cells.push(vec![
                format!("setting {name}"),
                range.to_string(),
                String::new(),
            ]);
        }
        console.table(&["takes", "within", "when"], &cells)?;
        Ok(())
    }
}

fn command(name: &str, takes: &Takes) -> Vec<String> {
    let parameters = takes.parameters.iter().flatten();
    let parameters: Vec<_> = parameters.map(parameter).collect();
    let forms = takes.execution.iter().flatten();
    let forms: Vec<_> = forms.map(|it| form_words(*it)).collect();
    vec![name.to_owned(), parameters.join(", "), forms.join(", ")]
}

fn parameter((name, range): (&String, &Range)) -> String {
    format!("{name} {range}")
}
