//! The chain of causes for people: a line for each link, what belongs to it below.

use std::io::{self, Write};

use crate::cli::check::count;
use crate::cli::settings;
use crate::cli::why::causes::{Causes, Link};
use crate::cli::why::{Answer, Known};
use crate::cli::words::Words;
use crate::engine::trace::place;
use crate::store::view::{CommandStory, RunStory};

/// The width of a moment.
const MOMENT: usize = 19;

/// The width of the word that says what a line is.
const WORD: usize = 8;

impl Answer for Causes {
    fn write(&self, known: &Known, out: &mut dyn Write) -> io::Result<()> {
        let words = &known.words;
        for link in &self.because {
            link.write(words, out)?;
        }
        writeln!(out)?;
        if self.led_to.is_empty() {
            writeln!(out, "nothing has come of it")?;
        } else {
            writeln!(out, "what came of it")?;
        }
        for link in &self.led_to {
            link.write(words, out)?;
        }
        if self.is_cut {
            writeln!(out, "… and more")?;
        }
        Ok(())
    }
}

fn head(at: &str, word: &str, text: &str, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{at:<MOMENT$}  {word:<WORD$}  {text}")
}

fn below(word: &str, text: &str, out: &mut dyn Write) -> io::Result<()> {
    let line = format!("{:MOMENT$}  {:WORD$}  {word:<WORD$}  {text}", "", "");
    writeln!(out, "{}", line.trim_end())
}

impl Link {
    fn write(&self, words: &Words, out: &mut dyn Write) -> io::Result<()> {
        match self {
            Self::Event(event) => {
                let at = words.time(event.received_at);
                head(&at, "event", &words.event(event), out)
            }
            Self::Run { story, .. } => run(story, words, out),
            Self::Command(story) => command(story, words, out),
            Self::Setting(row) => {
                let at = words.time(row.created_at);
                let text = format!("{} ({})", settings::what(row), row.id);
                head(&at, "setting", &text, out)?;
                below("", &settings::standing(row, words), out)
            }
            Self::Message(message) => {
                let at = words.time(message.created_at);
                let text = format!(
                    "to {}, {}: {}",
                    message.notifier, message.state, message.message
                );
                head(&at, "message", &text, out)
            }
            Self::Refusal(trace) => {
                let at = words.time(trace.at);
                let text = format!("{} did not run: {}", trace.rule, words.refusal(trace));
                head(&at, "rule", &text, out)?;
                let clauses = words.clauses(trace).into_iter();
                clauses
                    .into_iter()
                    .try_for_each(|(word, text)| below(word, &text, out))
            }
        }
    }
}

fn run(story: &RunStory, words: &Words, out: &mut dyn Write) -> io::Result<()> {
    let run = &story.run;
    let reason = run.reason.as_ref().map(|it| format!(": {it}"));
    let reason = reason.unwrap_or_default();
    let text = format!("{} ran, {}{reason} ({})", run.rule, run.state, run.id);
    head(&words.time(run.started_at), "rule", &text, out)?;
    for trace in &story.traces {
        for (word, text) in words.clauses(trace) {
            below(word, &text, out)?;
        }
        for step in &trace.steps {
            let place = place(&step.place);
            below("step", &format!("{}  ({place})", step.did), out)?;
        }
    }
    Ok(())
}

fn command(story: &CommandStory, words: &Words, out: &mut dyn Write) -> io::Result<()> {
    let command = &story.command;
    let attempts = usize::try_from(command.attempts).unwrap_or(usize::MAX);
    let attempts = count(attempts, "attempt");
    let text = format!(
        "{} on {}, {} after {attempts} ({})",
        command.command, command.device, command.state, command.id
    );
    head(&words.time(command.created_at), "command", &text, out)?;
    for step in &story.steps {
        let at = words.time(step.at);
        let at = at.split_once(' ').map_or(at.as_str(), |(_, time)| time);
        below(at, &step.detail, out)?;
    }
    Ok(())
}
