//! A replay as text, two columns of what was done then and now; and as JSON.

use std::io::{self, Write};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use serde::Serialize;
use serde_json::{Value, json};

use crate::cli::check::count;
use crate::document::duration::display;
use crate::replay::compare::{Row, Side};
use crate::replay::deed::{Deed, What};
use crate::replay::{ASSUMED_ANSWER, ASSUMED_REACTION, DOWN, Replay, Span};

/// The widest that the column of then gets; what is longer pushes its own row only.
const COLUMN_MAX: usize = 70;

pub(super) struct Page<'a> {
    pub(super) replay: &'a Replay,
    pub(super) span: Span,
    pub(super) zone: TimeZone,
}

impl Page<'_> {
    pub(super) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let format = "%a %-d %b %Y %H:%M:%S";
        let since = self.here(self.span.since).strftime(format).to_string();
        let until = self.here(self.span.until).strftime(format).to_string();
        writeln!(out, "{since} to {until}")?;
        self.rows(out)?;
        writeln!(out)?;
        for line in self.foot() {
            writeln!(out, "{line}")?;
        }
        Ok(())
    }

    fn here(&self, moment: Timestamp) -> Zoned {
        moment.to_zoned(self.zone.clone())
    }

    fn rows(&self, out: &mut impl Write) -> io::Result<()> {
        let texts: Vec<_> = self.replay.rows.iter().map(|it| self.texts(it)).collect();
        let widths = texts.iter().map(|(then, _)| then.chars().count());
        let width = widths.filter(|it| *it <= COLUMN_MAX).max();
        let width = width.unwrap_or_default().max("then".len());
        let mut day: Option<Date> = None;
        for (row, (then, now)) in self.replay.rows.iter().zip(&texts) {
            let at = self.here(row.at());
            if day != Some(at.date()) {
                day = Some(at.date());
                writeln!(out, "\n{}", at.strftime("%a %-d %b %Y"))?;
                writeln!(out, "    {:8}  {:width$}  now", "time", "then")?;
            }
            let line = format!(
                "{}{}  {}  {then:width$}  {now}",
                mark(row.side()),
                if row.is_assumed { '~' } else { ' ' },
                at.strftime("%H:%M:%S"),
            );
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }

    fn foot(&self) -> Vec<String> {
        let replay = self.replay;
        let n_assumed = replay.rows.iter().filter(|it| it.is_assumed).count();
        let mut lines = vec![format!(
            "{} played: {} the same (=), {} only then (-), {} only now (+)",
            count(replay.n_events, "event"),
            replay.count(Side::Both),
            replay.count(Side::Then),
            replay.count(Side::Now),
        )];
        if 0 < n_assumed {
            lines.push(format!(
                "~ stands or falls with what nobody has seen: a new order is taken to be completed after {reaction} (a planned one, so long after its start), a new setting to be shown after {reaction}, a new request to be answered and a planned order to be cancelled after {answer} ({n_assumed})",
                reaction = display(ASSUMED_REACTION),
                answer = display(ASSUMED_ANSWER),
            ));
        }
        lines.extend(self.notes());
        lines
    }

    /// What the replay cannot know, or leaves out.
    fn notes(&self) -> Vec<String> {
        let replay = self.replay;
        let mut lines = Vec::new();
        if let Some(at) = replay.stopped_at {
            let at = self.here(at).strftime("%a %-d %b %Y %H:%M:%S").to_string();
            lines.push(format!(
                "stopped at {at}: the rules are woken too often for so long a time; name a shorter one"
            ));
        }
        if 0 < replay.n_left_out {
            lines.push(format!(
                "left out: {} that followed from orders, requests or settings which are not made now; what devices showed is as it was then",
                count(replay.n_left_out, "event"),
            ));
        }
        for (rule, run) in &replay.waiting {
            lines.push(format!(
                "left out: {run} of {rule}, which was under way at the beginning, and all it did"
            ));
        }
        if 0 < replay.n_starts {
            lines.push(format!(
                "the engine was started meanwhile ({}): of a silence before that, the last {} are taken for time in which it was down",
                count(replay.n_starts, "time"),
                display(DOWN),
            ));
        }
        if 0 < replay.n_reloads {
            lines.push(format!(
                "rules were edited meanwhile ({}); then is what those of each moment did",
                count(replay.n_reloads, "time"),
            ));
        }
        lines.push(
            "not known at the beginning: what rules remembered then and have set anew since (state.NAME), and what lay more than a day back"
                .to_owned(),
        );
        lines
    }

    pub(super) fn json(&self) -> Value {
        let replay = self.replay;
        let waiting = replay.waiting.iter();
        let waiting: Vec<_> = waiting
            .map(|(rule, run)| json!({"rule": rule, "run": run}))
            .collect();
        json!({
            "since": self.span.since,
            "until": self.span.until,
            "events": replay.n_events,
            "same": replay.count(Side::Both),
            "only_then": replay.count(Side::Then),
            "only_now": replay.count(Side::Now),
            "rows": replay.rows.iter().map(|it| self.row(it)).collect::<Vec<_>>(),
            "left_out": {"events": replay.n_left_out, "runs": waiting},
            "stopped_at": replay.stopped_at,
            "notes": self.notes(),
        })
    }

    /// What each side did.
    fn texts(&self, row: &Row) -> (String, String) {
        let text = |deed: &Option<Deed>| deed.as_ref().map(|it| self.line(it)).unwrap_or_default();
        (text(&row.then), text(&row.now))
    }

    /// On one line, whatever a message holds.
    fn line(&self, deed: &Deed) -> String {
        deed.text(&self.zone).replace(['\n', '\r'], " ")
    }

    fn row(&self, row: &Row) -> Value {
        let name = match row.side() {
            Side::Both => "same",
            Side::Then => "only_then",
            Side::Now => "only_now",
        };
        let whole = |deed: &Deed| {
            json!(Whole {
                at: deed.at,
                rule: deed.what.rule().as_str(),
                text: self.line(deed),
                what: details(&deed.what),
            })
        };
        json!({
            "side": name,
            "assumed": row.is_assumed,
            "kind": row.any().map(|it| it.what.kind()),
            "then": row.then.as_ref().map(whole),
            "now": row.now.as_ref().map(whole),
        })
    }
}

fn mark(side: Side) -> char {
    match side {
        Side::Both => '=',
        Side::Then => '-',
        Side::Now => '+',
    }
}

#[derive(Serialize)]
struct Whole<'a> {
    at: Timestamp,
    rule: &'a str,
    text: String,
    #[serde(flatten)]
    what: Value,
}

fn details(what: &What) -> Value {
    match what {
        What::Run {
            id, trigger, end, ..
        } => json!({
            "run": id,
            "trigger": trigger,
            "ended_at": end.as_ref().map(|(at, _)| at),
            "state": end.as_ref().map_or("running", |(_, it)| it.name()),
            "reason": end.as_ref().and_then(|(_, it)| it.reason()),
        }),
        What::Command { command, end } => json!({
            "run": command.run,
            "command_id": command.id,
            "device": command.device.alias,
            "command": command.name,
            "parameters": command.parameters,
            "starts_at": command.timing.start,
            "ends_at": command.timing.end,
            "end": end,
        }),
        What::Notification(it) => json!({
            "run": it.run,
            "notifier": it.notifier,
            "title": it.title,
            "message": it.message,
            "level": it.level,
        }),
        What::Request(it) => json!({
            "run": it.run,
            "method": it.method,
            "address": it.shown(),
        }),
        What::Setting(it) => json!({
            "run": it.run,
            "device": it.device.alias,
            "setting": it.setting,
            "value": it.value,
        }),
    }
}
