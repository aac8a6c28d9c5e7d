//! The report as people read it.

use std::fmt::Write;

use anstyle::{AnsiColor, Style as Ansi};

use crate::document::render::Style;
use crate::rule_tests::coverage::{CoverageReport, RuleCoverage, Share};
use crate::rule_tests::report::{Failure, Report, Row};

/// The widest that one of the two columns becomes; longer text goes on in the next line.
const COLUMN_CHARACTERS_MAX: usize = 48;

const EXPECTED: &str = "expected";
const HAPPENED: &str = "happened";

/// Everything, and a line that counts.
pub fn text(report: &Report, style: Style) -> String {
    let paint = Paint::of(style);
    let mut text = String::new();
    for tests in report.by_file() {
        let file = tests.first().map_or("", |it| it.place.file.as_str());
        line(&mut text, 0, file);
        for test in tests {
            match &test.failure {
                None => line(
                    &mut text,
                    2,
                    &format!("{}  {}", paint.good("ok  "), test.name),
                ),
                Some(failure) => {
                    line(
                        &mut text,
                        2,
                        &format!("{}  {}", paint.bad("FAIL"), test.name),
                    );
                    of_failure(failure, &paint, &mut text);
                }
            }
        }
        if !text.ends_with("\n\n") {
            text.push('\n');
        }
    }
    if let Some(coverage) = &report.coverage {
        text.push_str(&of_coverage(coverage));
        text.push('\n');
    }
    let failed = format!("{} failed", report.n_failed());
    let failed = if report.n_failed() == 0 {
        failed
    } else {
        paint.bad(&failed)
    };
    line(
        &mut text,
        0,
        &format!("{} passed, {failed}", report.n_passed()),
    );
    text
}

/// What was expected and what happened, side by side, and what the rules made of it.
pub(super) fn failure(failure: &Failure) -> String {
    let mut text = String::new();
    of_failure(failure, &Paint::of(Style::Plain), &mut text);
    text
}

fn of_failure(failure: &Failure, paint: &Paint, text: &mut String) {
    let place = format!("{}:{}", failure.place.file, failure.place.line);
    line(text, 8, &format!("{place}, on {}", failure.at));
    line(text, 8, &failure.problem);
    if !failure.rows.is_empty() {
        text.push('\n');
        table(&failure.rows, paint, text);
    }
    text.push('\n');
    line(text, 8, "What the rules made of it:");
    for it in &failure.trace {
        line(text, 10, it);
    }
    text.push('\n');
}

fn table(rows: &[Row], paint: &Paint, text: &mut String) {
    let wrapped: Vec<_> = rows
        .iter()
        .map(|it| (wrap(it.expected.as_deref()), wrap(it.happened.as_deref())))
        .collect();
    let widths = wrapped.iter().flat_map(|(expected, _)| expected);
    let widths = widths.map(|it| it.chars().count());
    let width = widths.chain([EXPECTED.len()]).max().unwrap_or_default();
    line(text, 10, &format!("{EXPECTED:<width$}   {HAPPENED}"));
    for (row, (expected, happened)) in rows.iter().zip(&wrapped) {
        for index in 0..expected.len().max(happened.len()) {
            let left = expected.get(index).map_or("", String::as_str);
            let right = happened.get(index).map_or("", String::as_str);
            let mark = if index == 0 { mark(row) } else { ' ' };
            let shown = format!("{mark} {left:<width$}   {right}");
            let shown = shown.trim_end();
            line(
                text,
                8,
                &if row.is_same {
                    shown.to_owned()
                } else {
                    paint.bad(shown)
                },
            );
        }
    }
}

fn mark(row: &Row) -> char {
    match (row.is_same, &row.expected, &row.happened) {
        (true, _, _) => ' ',
        (false, Some(_), Some(_)) => '≠',
        (false, Some(_), None) => '-',
        (false, None, _) => '+',
    }
}

/// Broken between words where there are some, into lines of at most the width of a column.
fn wrap(text: Option<&str>) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.unwrap_or_default().split_whitespace() {
        let length = line.chars().count() + 1 + word.chars().count();
        if COLUMN_CHARACTERS_MAX < length && !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        } else if !lines.is_empty() {
            line.push_str("  ");
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

fn line(text: &mut String, indent: usize, content: &str) {
    writeln!(text, "{:indent$}{content}", "").expect("writing to a string cannot fail");
}

/// How much was reached, rule by rule, with the places that were not, and in all.
pub fn of_coverage(coverage: &CoverageReport) -> String {
    let mut text = String::new();
    line(&mut text, 0, "coverage");
    for rule in &coverage.rules {
        let RuleCoverage {
            file,
            line: number,
            rule: id,
            triggers,
            answers,
            steps,
            missed,
        } = rule;
        let shares = shares(*triggers, *answers, *steps);
        line(&mut text, 2, &format!("{id} ({file}:{number}): {shares}"));
        for it in missed {
            line(
                &mut text,
                4,
                &format!("{}:{}  {}", it.file, it.line, it.what),
            );
        }
    }
    let shares = shares(coverage.triggers, coverage.answers, coverage.steps);
    line(&mut text, 2, &format!("in all: {shares}"));
    text
}

fn shares(triggers: Share, answers: Share, steps: Share) -> String {
    let parts = [
        ("triggers", triggers),
        ("answers of conditions", answers),
        ("steps", steps),
    ];
    let parts: Vec<_> = parts
        .into_iter()
        .filter(|(_, share)| 0 < share.of)
        .map(|(what, share)| format!("{} of {} {what}", share.reached, share.of))
        .collect();
    parts.join(", ")
}

/// The colors of a terminal, or none.
struct Paint {
    good: Ansi,
    bad: Ansi,
}

impl Paint {
    fn of(style: Style) -> Self {
        match style {
            Style::Plain => Self {
                good: Ansi::new(),
                bad: Ansi::new(),
            },
            Style::Colored => Self {
                good: AnsiColor::Green.on_default(),
                bad: AnsiColor::Red.on_default().bold(),
            },
        }
    }

    fn good(&self, text: &str) -> String {
        painted(self.good, text)
    }

    fn bad(&self, text: &str) -> String {
        painted(self.bad, text)
    }
}

fn painted(style: Ansi, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_goes_on_in_the_next_line_indented() {
        assert_eq!(wrap(None), [""]);
        assert_eq!(wrap(Some("a b")), ["a b"]);
        let word = "x".repeat(30);
        let long = format!("{word} {word} y");
        assert_eq!(wrap(Some(&long)), [word.clone(), format!("  {word} y")]);
    }
}
