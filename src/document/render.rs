//! Diagnostics as text in the shape of rustc's, and as JSON for programs.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use serde::Serialize;

use super::code::Severity;
use super::diagnostic::{Diagnostic, Label};
use super::source::{Position, SourceFile, Span};

/// More text than this around a problem helps nobody; the place alone is shown.
const WINDOW_BYTES_MAX: usize = 16 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    Plain,
    /// With the colors of a terminal.
    Colored,
}

/// All of them, an empty line between two; empty when there are none.
pub fn text(diagnostics: &[Diagnostic], sources: &[SourceFile], style: Style) -> String {
    let renderer = match style {
        Style::Plain => Renderer::plain(),
        Style::Colored => Renderer::styled(),
    }
    .decor_style(DecorStyle::Ascii);
    let mut text = String::new();
    for diagnostic in diagnostics {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&renderer.render(&groups(diagnostic, sources)));
        text.push('\n');
    }
    text
}

fn groups<'d>(diagnostic: &'d Diagnostic, sources: &'d [SourceFile]) -> Vec<Group<'d>> {
    let level = match diagnostic.severity() {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level
        .primary_title(&diagnostic.message)
        .id(diagnostic.code.name);
    let mut group = Group::with_title(title);
    for labels in by_file(diagnostic) {
        group = show_file(group, diagnostic, &labels, sources);
    }
    for note in &diagnostic.notes {
        group = group.element(Level::NOTE.message(note));
    }
    let help = diagnostic.help.iter();
    let help = help.map(|it| Group::with_title(Level::HELP.secondary_title(it)));
    std::iter::once(group).chain(help).collect()
}

/// The labels of each file, the file of the problem itself first.
fn by_file(diagnostic: &Diagnostic) -> Vec<Vec<&Label>> {
    let mut files: Vec<Vec<&Label>> = vec![vec![&diagnostic.primary]];
    for label in &diagnostic.labels {
        let same = files
            .iter_mut()
            .find(|it| it[0].location.file == label.location.file);
        match same {
            Some(labels) => labels.push(label),
            None => files.push(vec![label]),
        }
    }
    files
}

fn show_file<'d>(
    group: Group<'d>,
    diagnostic: &'d Diagnostic,
    labels: &[&'d Label],
    sources: &'d [SourceFile],
) -> Group<'d> {
    let location = &labels[0].location;
    let file = location.file.as_ref();
    let Some(source) = source_of(sources, file).filter(|it| !it.text.is_empty()) else {
        return group.element(Origin::path(file));
    };
    let spans = || labels.iter().map(|it| within(source, it.location.span));
    let first = spans().map(|it| source.line(it.start)).min().unwrap_or(1);
    let last = spans().map(|it| source.line(it.end)).max().unwrap_or(1);
    let window = source.lines(first, last);
    if source.is_withheld || window.end - window.start > WINDOW_BYTES_MAX {
        let position = source.position(location.span.start);
        let origin = Origin::path(file)
            .line(position.line)
            .char_column(position.column);
        return group.element(origin);
    }
    let mut snippet = Snippet::source(source.slice(window))
        .path(file)
        .line_start(first);
    for (label, span) in labels.iter().zip(spans()) {
        let kind = if std::ptr::eq(*label, &raw const diagnostic.primary) {
            AnnotationKind::Primary
        } else {
            AnnotationKind::Context
        };
        let text = (!label.text.is_empty()).then_some(label.text.as_str());
        let range = span.start - window.start..span.end - window.start;
        snippet = snippet.annotation(kind.span(range).label(text));
    }
    group.element(snippet)
}

fn source_of<'s>(sources: &'s [SourceFile], file: &str) -> Option<&'s SourceFile> {
    sources.iter().find(|it| it.name.as_ref() == file)
}

/// `span` cut to the text that is there.
fn within(source: &SourceFile, span: Span) -> Span {
    let floor = |at: usize| source.text.floor_char_boundary(at);
    Span::new(floor(span.start), floor(span.end.max(span.start)))
}

/// A diagnostic as programs and editors take it. Lines and columns are from 1, columns in characters.
#[derive(Debug, Serialize)]
struct Record<'d> {
    code: &'d str,
    severity: &'d str,
    message: &'d str,
    #[serde(flatten)]
    place: PlaceRecord<'d>,
    help: &'d [String],
    notes: &'d [String],
    related: Vec<PlaceRecord<'d>>,
}

#[derive(Debug, Serialize)]
struct PlaceRecord<'d> {
    file: &'d str,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
    label: &'d str,
}

/// All of them as a JSON array, one object each.
pub fn json(diagnostics: &[Diagnostic], sources: &[SourceFile]) -> String {
    let records: Vec<Record<'_>> = diagnostics
        .iter()
        .map(|it| Record {
            code: it.code.name,
            severity: match it.severity() {
                Severity::Error => "error",
                Severity::Warning => "warning",
            },
            message: &it.message,
            place: place_record(&it.primary, sources),
            help: &it.help,
            notes: &it.notes,
            related: it
                .labels
                .iter()
                .map(|label| place_record(label, sources))
                .collect(),
        })
        .collect();
    serde_json::to_string_pretty(&records).expect("texts and numbers can be written as JSON")
}

fn place_record<'d>(label: &'d Label, sources: &[SourceFile]) -> PlaceRecord<'d> {
    let file = label.location.file.as_ref();
    let start = Position { line: 1, column: 1 };
    let (from, to) = source_of(sources, file).map_or((start, start), |source| {
        let span = within(source, label.location.span);
        (source.position(span.start), source.position(span.end))
    });
    PlaceRecord {
        file,
        line: from.line,
        column: from.column,
        end_line: to.line,
        end_column: to.column,
        label: &label.text,
    }
}
