//! Where the program writes: data to one side, everything else to the other.

use std::io::{self, IsTerminal, Write};

use anstream::AutoStream;
use serde::Serialize;

use crate::document::diagnostic::Diagnostic;
use crate::document::render::{self, Style};
use crate::document::source::SourceFile;

/// Standard output and standard error, with colour where there is somebody to see it.
pub(super) struct Console {
    pub(super) out: Box<dyn Write + Send>,
    pub(super) err: Box<dyn Write + Send>,
    /// Whether standard output is a terminal that shows colour.
    pub(super) is_colourful: bool,
}

impl Console {
    pub(super) fn of_process() -> Self {
        let out = AutoStream::auto(io::stdout());
        let is_colourful =
            io::stdout().is_terminal() && out.current_choice() != anstream::ColorChoice::Never;
        Self {
            out: Box::new(out),
            err: Box::new(AutoStream::auto(io::stderr())),
            is_colourful,
        }
    }

    /// Writes what is wrong with files to standard error; the stream drops the colours where nobody would see them.
    pub(super) fn diagnostics(
        &mut self,
        diagnostics: &[Diagnostic],
        sources: &[SourceFile],
    ) -> io::Result<()> {
        let text = render::text(diagnostics, sources, Style::Colored);
        write!(self.err, "{text}")
    }

    /// Writes `value` as one JSON document.
    pub(super) fn json(&mut self, value: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut self.out, value)?;
        writeln!(self.out)
    }

    /// Writes `value` for a person.
    pub(super) fn yaml(&mut self, value: &impl Serialize) -> anyhow::Result<()> {
        Ok(serde_yaml::to_writer(&mut self.out, value)?)
    }

    /// Writes rows under their headings, columns as wide as they need to be.
    pub(super) fn table(&mut self, headings: &[&str], rows: &[Vec<String>]) -> io::Result<()> {
        let widths: Vec<_> = headings
            .iter()
            .enumerate()
            .map(|(column, heading)| {
                let cells = rows.iter().map(|row| row[column].chars().count());
                cells
                    .chain([heading.chars().count()])
                    .max()
                    .unwrap_or_default()
            })
            .collect();
        let headings: Vec<_> = headings.iter().map(|it| (*it).to_owned()).collect();
        self.row(&headings, &widths)?;
        rows.iter().try_for_each(|row| self.row(row, &widths))
    }

    fn row(&mut self, cells: &[String], widths: &[usize]) -> io::Result<()> {
        let line: Vec<_> = cells
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        writeln!(self.out, "{}", line.join("  ").trim_end())
    }
}
