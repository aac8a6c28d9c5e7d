//! Files as they were read, and places in them.

use std::sync::Arc;

/// A file larger than this is not read as YAML.
pub const FILE_BYTES_MAX: usize = 1024 * 1024;

/// A file that a person wrote.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// Relative to the home, with `/`.
    pub name: Arc<str>,
    /// Empty when the file is too large; with replacement characters when it is not UTF-8.
    pub text: String,
    /// Why `text` is not the file.
    pub defect: Option<Defect>,
    /// The lines may hold secrets: places are shown, lines are not.
    pub is_withheld: bool,
    line_starts: Vec<usize>,
}

/// What keeps bytes from being text that we read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    TooLarge { bytes: u64 },
    Utf16,
    NotUtf8 { offset: usize },
}

/// A range of bytes in one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    pub start: usize,
    pub end: usize,
}

/// A range of bytes in a named file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    pub file: Arc<str>,
    pub span: Span,
}

/// A place as people count: both from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    pub line: usize,
    pub column: usize,
}

impl Span {
    pub const START: Self = Self { start: 0, end: 0 };

    pub fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }
}

impl SourceFile {
    pub fn new(name: &str, text: impl Into<String>) -> Self {
        let text = text.into();
        let breaks = text.match_indices('\n').map(|(at, _)| at + 1);
        Self {
            name: Arc::from(name),
            line_starts: std::iter::once(0).chain(breaks).collect(),
            text,
            defect: None,
            is_withheld: false,
        }
    }

    /// Bytes that are not text become a file with a defect, which is reported when it is parsed.
    pub fn from_bytes(name: &str, bytes: &[u8]) -> Self {
        if bytes.len() > FILE_BYTES_MAX {
            return Self::too_large(name, bytes.len() as u64);
        }
        if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
            return Self::defective(name, Defect::Utf16);
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::new(name, text),
            Err(error) => {
                let offset = error.valid_up_to();
                Self {
                    defect: Some(Defect::NotUtf8 { offset }),
                    ..Self::new(name, String::from_utf8_lossy(bytes))
                }
            }
        }
    }

    /// Stands for a file of `bytes` bytes that was not read.
    pub fn too_large(name: &str, bytes: u64) -> Self {
        Self::defective(name, Defect::TooLarge { bytes })
    }

    fn defective(name: &str, defect: Defect) -> Self {
        Self {
            defect: Some(defect),
            ..Self::new(name, "")
        }
    }

    pub fn location(&self, span: Span) -> Location {
        Location {
            file: Arc::clone(&self.name),
            span,
        }
    }

    /// The text under `span`; empty when it is no range of this file.
    pub fn slice(&self, span: Span) -> &str {
        self.text.get(span.start..span.end).unwrap_or("")
    }

    /// From 1.
    pub fn line(&self, offset: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= offset)
    }

    pub fn position(&self, offset: usize) -> Position {
        let line = self.line(offset);
        let start = self.line_starts[line - 1];
        let before = self.text.get(start..offset).unwrap_or("");
        Position {
            line,
            column: before.chars().count() + 1,
        }
    }

    /// The bytes of the lines `first` to `last`, both counted from 1 and inside the file.
    pub fn lines(&self, first: usize, last: usize) -> Span {
        let end = self.line_starts.get(last).copied();
        Span::new(self.line_starts[first - 1], end.unwrap_or(self.text.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_lines_count_from_one() {
        let source = SourceFile::new("rules/a.yaml", "a: é\nb: ü x\n");
        let x = source.text.find('x').unwrap();
        assert_eq!(source.position(x), Position { line: 2, column: 6 });
        assert_eq!(source.position(0), Position { line: 1, column: 1 });
        assert_eq!(source.slice(source.lines(2, 2)), "b: ü x\n");
    }

    #[test]
    fn a_file_of_exactly_the_limit_is_read_and_one_byte_more_is_not() {
        let at = SourceFile::from_bytes("a", &vec![b' '; FILE_BYTES_MAX]);
        assert_eq!(at.defect, None);
        let past = SourceFile::from_bytes("a", &vec![b' '; FILE_BYTES_MAX + 1]);
        let bytes = FILE_BYTES_MAX as u64 + 1;
        assert_eq!(past.defect, Some(Defect::TooLarge { bytes }));
    }
}
