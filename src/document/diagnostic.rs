//! One problem: what is wrong, where, and what to do about it. Data; [`render`](super::render) shows it.

use super::code::{self, Code, Severity};
use super::source::{Location, SourceFile, Span};

/// A file with more problems than this has one that explains the others.
pub const SHOWN_MAX: usize = 200;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    pub code: Code,
    pub message: String,
    pub primary: Label,
    /// Other places that have to do with it.
    pub labels: Vec<Label>,
    /// What to write or do instead, a sentence each.
    pub help: Vec<String>,
    pub notes: Vec<String>,
}

/// A place, and a word on it; an empty word leaves only the marks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    pub location: Location,
    pub text: String,
}

impl Diagnostic {
    pub fn new(code: Code, location: Location, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            primary: Label {
                location,
                text: String::new(),
            },
            labels: Vec::new(),
            help: Vec::new(),
            notes: Vec::new(),
        }
    }

    pub fn severity(&self) -> Severity {
        self.code.severity()
    }

    pub fn is_error(&self) -> bool {
        self.severity() == Severity::Error
    }

    /// What to say at the place itself.
    pub fn label(&mut self, text: impl Into<String>) -> &mut Self {
        self.primary.text = text.into();
        self
    }

    pub fn also(&mut self, location: Location, text: impl Into<String>) -> &mut Self {
        let text = text.into();
        self.labels.push(Label { location, text });
        self
    }

    pub fn help(&mut self, text: impl Into<String>) -> &mut Self {
        self.help.push(text.into());
        self
    }

    pub fn note(&mut self, text: impl Into<String>) -> &mut Self {
        self.notes.push(text.into());
        self
    }

    /// Offers `word` when there is one.
    pub fn did_you_mean(&mut self, word: Option<&str>) -> &mut Self {
        if let Some(word) = word {
            self.help.push(format!("did you mean `{word}`?"));
        }
        self
    }
}

/// The problems found in one file, all of them.
#[derive(Debug)]
pub struct Findings<'s> {
    pub source: &'s SourceFile,
    pub diagnostics: Vec<Diagnostic>,
    /// Keys that were read and have no effect in this version, in no order.
    pub unbuilt: Vec<Unbuilt>,
}

/// A key that is checked and has no effect in this version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unbuilt {
    pub key: &'static str,
    pub span: Span,
}

impl<'s> Findings<'s> {
    pub fn new(source: &'s SourceFile) -> Self {
        Self {
            source,
            diagnostics: Vec::new(),
            unbuilt: Vec::new(),
        }
    }

    /// Notes a key that has no effect in this version.
    pub fn unbuilt(&mut self, key: &'static str, span: Span) {
        self.unbuilt.push(Unbuilt { key, span });
    }

    /// Writes the problem down; what comes back can be told more.
    pub fn report(
        &mut self,
        code: Code,
        span: Span,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        let location = self.source.location(span);
        self.diagnostics
            .push(Diagnostic::new(code, location, message));
        self.diagnostics
            .last_mut()
            .expect("one was pushed just now")
    }

    /// A moment to ask [`has_errors_since`](Self::has_errors_since) about.
    pub fn mark(&self) -> usize {
        self.diagnostics.len()
    }

    /// Hands them over in the order of the file, at most [`SHOWN_MAX`] of them; advice gives way to errors.
    pub fn in_order(mut self) -> Vec<Diagnostic> {
        self.diagnostics.sort_by_key(|it| it.primary.location.span);
        let n_errors = self.diagnostics.iter().filter(|it| it.is_error()).count();
        let mut advice_left = SHOWN_MAX.saturating_sub(n_errors);
        let n_before = self.diagnostics.len();
        self.diagnostics.retain(|it| {
            let is_kept = it.is_error() || 0 < advice_left;
            advice_left -= usize::from(is_kept && !it.is_error());
            is_kept
        });
        let n_dropped = n_before - self.diagnostics.len();
        if let Some(last) = self.diagnostics.last_mut().filter(|_| 0 < n_dropped) {
            last.note(format!(
                "pieces of advice on this file that are not shown: {n_dropped} more"
            ));
        }
        let n_more = self.diagnostics.len().saturating_sub(SHOWN_MAX);
        if n_more > 0 {
            let last = self.diagnostics[SHOWN_MAX].primary.location.span;
            self.diagnostics.truncate(SHOWN_MAX);
            self.report(
                code::MORE_FINDINGS,
                last,
                format!("problems of this file that are not shown: {n_more} more"),
            )
            .label("the next one");
        }
        self.diagnostics
    }

    pub fn has_errors_since(&self, mark: usize) -> bool {
        self.diagnostics[mark..].iter().any(Diagnostic::is_error)
    }
}

/// `text` of a file as a message may repeat it: short, on one line, nothing that moves the cursor.
pub fn shown(text: &str) -> String {
    const CHARACTERS_MAX: usize = 60;
    let safe = |c: char| if c.is_control() { '\u{FFFD}' } else { c };
    let mut short: String = text.chars().take(CHARACTERS_MAX).map(safe).collect();
    if text.chars().nth(CHARACTERS_MAX).is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_repeats_text_short_and_on_one_line() {
        assert_eq!(shown("a\nb\u{1b}[31m"), "a\u{FFFD}b\u{FFFD}[31m");
        assert_eq!(shown(&"x".repeat(60)), "x".repeat(60));
        assert_eq!(shown(&"x".repeat(61)), format!("{}…", "x".repeat(60)));
    }
}
