//! The status for people: a word and a line for each part.

use std::io::{self, Write};

use crate::cli::check::count;
use crate::cli::status::Status;
use crate::cli::words::{Words, line, size};
use crate::domain::answers::KEY_REMEDY;
use crate::domain::id::RuleId;
use crate::store::view::AmpsLinkRow;

/// Whether Amps answers.
pub(in crate::cli) fn link(amps: &AmpsLinkRow, words: &Words) -> String {
    let pause = amps.pause_until.map(|it| {
        let until = words.time(it);
        format!("asks for fewer requests: nothing is sent before {until}")
    });
    let Some(since) = amps.silent_since else {
        let refused = amps.key_refused_since.map(|it| {
            let since = words.time(it);
            format!("refuses the key since {since}: {KEY_REMEDY}")
        });
        return refused.or(pause).unwrap_or_else(|| "answers".to_owned());
    };
    let error = amps.error.as_ref().map(|it| format!(": {it}"));
    let since = words.time(since);
    format!("does not answer since {since}{}", error.unwrap_or_default())
}

impl Status {
    pub(super) fn write(&self, words: &Words, out: &mut dyn Write) -> io::Result<()> {
        self.engine(words, out)?;
        if !self.is_home_sound {
            line(
                out,
                "home",
                "home.yaml is broken; `amps-rules check` tells more",
            )?;
        }
        self.rules(out)?;
        self.commands(words, out)?;
        if let Some(amps) = &self.amps {
            line(out, "amps", &link(amps, words))?;
        }
        match &self.last_webhook {
            Some(event) => {
                let (ago, at) = (words.ago(event.received_at), words.time(event.received_at));
                line(out, "webhooks", &format!("the last one {ago} ago, at {at}"))?;
            }
            None => line(out, "webhooks", "none was ever received")?,
        }
        for device in &self.devices {
            let text = format!("{}: {}", device.alias, device.heard(words));
            line(out, "device", &text)?;
        }
        for input in &self.inputs {
            let cells = input.cells(words);
            let text = match input.age_seconds {
                Some(_) => format!("{}: {}, {} old", cells[0], cells[1], cells[2]),
                None => format!("{}: none", cells[0]),
            };
            line(out, "input", &text)?;
        }
        for next in &self.next {
            let run = next.run.as_ref();
            let run = run.map_or_else(String::new, |it| format!(" ({it})"));
            let text = format!("{}: {}{run}", words.time(next.at), next.rule);
            line(out, "next", &text)?;
        }
        if 0 < self.dead_letters {
            let letters = usize::try_from(self.dead_letters).unwrap_or(usize::MAX);
            let letters = count(letters, "dead letter");
            let text = format!("{letters}; `amps-rules dead-letters` shows them");
            line(out, "given up", &text)?;
        }
        self.database(out)
    }

    fn engine(&self, words: &Words, out: &mut dyn Write) -> io::Result<()> {
        let engine = &self.engine;
        let text = match (&engine.since, &engine.version) {
            (Some(since), Some(version)) => {
                format!("running since {}, version {version}", words.time(*since))
            }
            (None, _) | (_, None) => engine.problem.clone().unwrap_or_default(),
        };
        line(out, "engine", &text)
    }

    fn rules(&self, out: &mut dyn Write) -> io::Result<()> {
        let free = self.rules.iter().filter(|it| it.now.is_empty()).count();
        let all = count(self.rules.len(), "rule");
        line(out, "rules", &format!("{all}, {free} of them ready"))?;
        for rule in &self.rules {
            for reason in &rule.now {
                let id: &RuleId = &rule.rule;
                line(out, "", &format!("{id}: {}", reason.text))?;
            }
        }
        Ok(())
    }

    fn commands(&self, words: &Words, out: &mut dyn Write) -> io::Result<()> {
        if self.commands.is_empty() {
            return line(out, "orders", "none is open");
        }
        for command in &self.commands {
            let text = format!(
                "{} on {} ({}) is {} for {}; waits for {}",
                command.command,
                command.device,
                command.id,
                command.state.replace('_', " "),
                words.ago(command.created_at),
                command.waits_for
            );
            line(out, "order", &text)?;
        }
        Ok(())
    }

    fn database(&self, out: &mut dyn Write) -> io::Result<()> {
        let Some(database) = &self.database else {
            return line(out, "database", "none yet: no engine has run on this home");
        };
        let max = database.bytes_max.map(|it| format!(" of {}", size(it)));
        let text = format!("{}{}", size(database.bytes_used), max.unwrap_or_default());
        line(out, "database", &text)
    }
}
