//! What people meet before YAML is the question: a file that is no text, a web page, tabs.

use super::code;
use super::diagnostic::Findings;
use super::source::{Defect, FILE_BYTES_MAX, Span};

/// Names what people meet before YAML is the question; says whether there was something.
pub(super) fn refuse(findings: &mut Findings<'_>) -> bool {
    let source = findings.source;
    let text = source.text.as_str();
    if let Some(defect) = source.defect {
        report_defect(findings, defect);
    } else if text.starts_with('\u{FEFF}') {
        findings
            .report(
                code::BYTE_ORDER_MARK,
                Span::START,
                "the file begins with an invisible mark, a \"BOM\"",
            )
            .help("save it again as \"UTF-8\", not as \"UTF-8 with BOM\"");
    } else if looks_like_html(text) {
        let start = text.len() - text.trim_start().len();
        let tag = text[start..].split(['>', '\n']).next().unwrap_or("");
        findings
            .report(
                code::HTML,
                Span::new(start, start + tag.len()),
                "this is a web page, not a YAML file",
            )
            .help("download the file itself, on GitHub with the button \"Raw\"");
    } else if let Some((at, c)) = text.char_indices().find(|(_, c)| is_invisible(*c)) {
        let message = format!(
            "the text holds a character that cannot be seen (U+{:04X})",
            u32::from(c)
        );
        findings
            .report(
                code::CONTROL_CHARACTER,
                Span::new(at, at + c.len_utf8()),
                message,
            )
            .help("delete it, or write the line anew");
    } else if let Some(at) = lone_carriage_return(text) {
        findings
            .report(
                code::OLD_LINE_ENDS,
                Span::new(at, at + 1),
                "a line ends with a sign that only very old computers use (CR)",
            )
            .help("save the file with the line ends \"LF\" (\"Unix\") or \"CRLF\" (\"Windows\")");
    } else if let Some(at) = tab_in_indentation(text) {
        findings
            .report(
                code::TAB,
                Span::new(at, at + 1),
                "the line is indented with a tab",
            )
            .label("a tab")
            .help("indent with spaces, two for each level; most editors can do so for the Tab key");
    } else {
        return false;
    }
    true
}

fn report_defect(findings: &mut Findings<'_>, defect: Defect) {
    match defect {
        Defect::TooLarge { bytes } => findings
            .report(
                code::TOO_LARGE,
                Span::START,
                format!("the file has {bytes} bytes, and {FILE_BYTES_MAX} are allowed"),
            )
            .help("divide it into several files"),
        Defect::Utf16 => findings
            .report(
                code::NOT_UTF8,
                Span::START,
                "the file is saved as UTF-16 and must be UTF-8",
            )
            .help("save it again with the encoding \"UTF-8\""),
        Defect::NotUtf8 { offset } => {
            let end = offset + char::REPLACEMENT_CHARACTER.len_utf8();
            findings
                .report(
                    code::NOT_UTF8,
                    Span::new(offset, end),
                    "the file is not UTF-8 text",
                )
                .label("the first character that cannot be read")
                .help("save it again with the encoding \"UTF-8\"")
        }
    };
}

fn looks_like_html(text: &str) -> bool {
    let text = text.trim_start();
    ["<!doctype", "<html", "<head", "<?xml"].iter().any(|tag| {
        text.get(..tag.len())
            .is_some_and(|it| it.eq_ignore_ascii_case(tag))
    })
}

/// A carriage return that no line feed follows: YAML takes it for the end of a line, editors do not.
fn lone_carriage_return(text: &str) -> Option<usize> {
    let mut returns = text.match_indices('\r').map(|(at, _)| at);
    returns.find(|at| !text[at + 1..].starts_with('\n'))
}

fn is_invisible(c: char) -> bool {
    c.is_control() && !matches!(c, '\n' | '\r' | '\t') || c == '\u{FEFF}'
}

/// Where the first tab before the first word of a line is; blank lines may hold what they like.
fn tab_in_indentation(text: &str) -> Option<usize> {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let words = line.trim_start_matches([' ', '\t']);
        let indentation = &line[..line.len() - words.len()];
        let is_said = !words.trim_end().is_empty() && !words.starts_with('#');
        if let Some(tab) = indentation.find('\t').filter(|_| is_said) {
            return Some(start + tab);
        }
        start += line.len();
    }
    None
}
