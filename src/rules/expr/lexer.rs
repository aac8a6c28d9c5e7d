//! Text to tokens. A number takes its unit with it, so that `80 %` and `1h30m` are one token each.

use jiff::SignedDuration;
use jiff::civil::Time;

use crate::document::code;
use crate::document::diagnostic::{Diagnostic, Findings, shown};
use crate::domain::unit::{Dimension, Unit};

use super::Excerpt;

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    /// In the text of the expression.
    pub(super) start: usize,
    pub(super) end: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum TokenKind {
    Number {
        value: f64,
        unit: Option<Unit>,
    },
    Duration(SignedDuration),
    Time(Time),
    Text(String),
    /// A name or a word of the language.
    Word(String),
    Symbol(&'static str),
    End,
}

/// Longer ones first, so that `<=` is not read as `<`.
const SYMBOLS: &[&str] = &[
    "==", "!=", "<=", ">=", "<", ">", "(", ")", "[", "]", ",", ".", "+", "-", "*", "/",
];

/// What other languages write, and what to write here.
const FOREIGN: &[(&str, &str)] = &[
    ("&&", "write `and`"),
    ("||", "write `or`"),
    ("<>", "write `!=`"),
    ("=<", "write `<=`"),
    ("=>", "write `>=`"),
    ("**", "there are no powers: write `x * x`"),
    ("//", "write `floor(a / b)`"),
    (
        "{{",
        "one pair of `{{ }}` is enough: leave the inner one out",
    ),
    ("=", "write `==` to compare"),
    ("!", "write `not`"),
    (
        "|",
        "there are no filters: write the function around the value, as in `round(x)`",
    ),
    (
        "~",
        "write `+` between texts, and `text(x)` around what is no text",
    ),
    (
        "%",
        "`%` behind a number is its unit; the remainder is `mod(a, b)`",
    ),
    ("\u{201C}", "write straight quotes: `\"`"),
    ("\u{201D}", "write straight quotes: `\"`"),
    ("\u{2018}", "write straight quotes: `'`"),
    ("\u{2019}", "write straight quotes: `'`"),
    ("\u{2264}", "write `<=`"),
    ("\u{2265}", "write `>=`"),
    ("\u{2260}", "write `!=`"),
    ("\u{2212}", "write `-`"),
    ("{", "there are no blocks of keys and values in expressions"),
    (":", "write a time of day with two digits each: `07:30`"),
];

/// Words that follow a number without being its unit.
const KEYWORDS: &[&str] = &["and", "or", "not", "in", "if", "else", "is"];

const DURATION_UNITS: &[(&str, f64)] = &[
    ("ms", 1.0),
    ("s", 1000.0),
    ("sec", 1000.0),
    ("second", 1000.0),
    ("seconds", 1000.0),
    ("m", 60_000.0),
    ("d", 86_400_000.0),
    ("day", 86_400_000.0),
    ("days", 86_400_000.0),
];

/// The longest duration that can be written.
const DURATION_MS_MAX: f64 = 366.0 * 86_400_000.0;

const NUMBER_EXAMPLE: &str = "write for example `80 %`, `7.4 kW`, `16 A`, `20 °C` or `5m`";

pub(super) struct Lexer<'a, 'f, 's> {
    excerpt: Excerpt<'a>,
    findings: &'f mut Findings<'s>,
    at: usize,
}

/// The tokens of `excerpt`, the last of them `End`; none, and a finding, at what is no token.
pub(super) fn tokens(excerpt: Excerpt<'_>, findings: &mut Findings<'_>) -> Option<Vec<Token>> {
    let mut lexer = Lexer {
        excerpt,
        findings,
        at: 0,
    };
    let mut tokens = Vec::new();
    loop {
        lexer.skip_blanks();
        let start = lexer.at;
        let kind = lexer.token()?;
        let is_last = kind == TokenKind::End;
        let end = lexer.at;
        tokens.push(Token { kind, start, end });
        if is_last {
            return Some(tokens);
        }
    }
}

impl Lexer<'_, '_, '_> {
    fn rest(&self) -> &str {
        &self.excerpt.text[self.at..]
    }

    fn skip_blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn report(&mut self, start: usize, message: impl Into<String>) -> &mut Diagnostic {
        let span = self.excerpt.span(start, self.at.max(start));
        self.findings.report(code::EXPRESSION_SYNTAX, span, message)
    }

    fn token(&mut self) -> Option<TokenKind> {
        let Some(first) = self.rest().chars().next() else {
            return Some(TokenKind::End);
        };
        match first {
            '0'..='9' => self.number(),
            '"' | '\'' => self.text(first),
            _ if is_word_start(first) => Some(TokenKind::Word(self.word().to_owned())),
            _ => self.symbol(first),
        }
    }

    fn word(&mut self) -> &str {
        let start = self.at;
        let rest = self.rest();
        let end = rest.find(|c: char| !is_word_start(c) && !c.is_ascii_digit());
        self.at += end.unwrap_or(rest.len());
        &self.excerpt.text[start..self.at]
    }

    fn symbol(&mut self, first: char) -> Option<TokenKind> {
        let rest = self.rest();
        let own = SYMBOLS.iter().find(|it| rest.starts_with(**it));
        let foreign = FOREIGN.iter().find(|(it, _)| rest.starts_with(it));
        let start = self.at;
        match (own, foreign) {
            // `=>` begins with nothing of ours, `**` and `//` do.
            (Some(symbol), foreign) if foreign.is_none_or(|(it, _)| it.len() <= symbol.len()) => {
                self.at += symbol.len();
                Some(TokenKind::Symbol(symbol))
            }
            (_, Some((symbol, help))) => {
                self.at += symbol.len();
                self.report(start, format!("`{symbol}` means nothing in an expression"))
                    .help(*help);
                None
            }
            (_, None) => {
                self.at += first.len_utf8();
                let message = format!("`{}` means nothing in an expression", shown_char(first));
                self.report(start, message)
                    .help("text stands in quotes: `\"…\"`");
                None
            }
        }
    }

    fn text(&mut self, quote: char) -> Option<TokenKind> {
        let start = self.at;
        let mut text = String::new();
        let mut characters = self.rest().char_indices().skip(1);
        let mut wrong_escape = None;
        while let Some((offset, c)) = characters.next() {
            if c == quote {
                self.at += offset + 1;
                return Some(TokenKind::Text(text));
            }
            if c != '\\' {
                text.push(c);
                continue;
            }
            match characters.next() {
                Some((_, 'n')) => text.push('\n'),
                Some((_, 't')) => text.push('\t'),
                Some((_, same @ ('"' | '\'' | '\\'))) => text.push(same),
                other => {
                    wrong_escape = Some((offset, other.map_or(' ', |(_, it)| it)));
                    break;
                }
            }
        }
        if let Some((offset, c)) = wrong_escape {
            let backslash = self.at + offset;
            self.at = backslash + 1;
            let message = format!("`\\{}` means nothing in a text", shown_char(c));
            self.report(backslash, message)
                .help("known are `\\n`, `\\t`, `\\\"`, `\\'` and `\\\\`");
            return None;
        }
        self.at += quote.len_utf8();
        self.report(start, "the text that begins here is never closed")
            .help(format!("write {quote} behind it"));
        None
    }

    fn number(&mut self) -> Option<TokenKind> {
        let start = self.at;
        let digits = self.digits();
        if digits > 0 && self.rest().starts_with(':') {
            return self.time(start);
        }
        let fraction = self.rest().strip_prefix('.');
        if fraction.is_some_and(|it| it.starts_with(|c: char| c.is_ascii_digit())) {
            self.at += 1;
            self.digits();
        }
        self.exponent();
        let written = &self.excerpt.text[start..self.at];
        let value: f64 = written.parse().unwrap_or(f64::INFINITY);
        if !value.is_finite() {
            self.report(start, "the number is too large");
            return None;
        }
        self.unit(start, value)
    }

    fn digits(&mut self) -> usize {
        let digits = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        self.at += digits;
        digits
    }

    fn exponent(&mut self) {
        let rest = self.rest();
        let Some(power) = rest.strip_prefix(['e', 'E']) else {
            return;
        };
        let digits = power.strip_prefix(['+', '-']).unwrap_or(power);
        if digits.starts_with(|c: char| c.is_ascii_digit()) {
            self.at += rest.len() - digits.len();
            self.digits();
        }
    }

    fn time(&mut self, start: usize) -> Option<TokenKind> {
        let rest = &self.excerpt.text[start..];
        let length = rest.find(|c: char| !c.is_ascii_digit() && c != ':');
        self.at = start + length.unwrap_or(rest.len());
        let written = &self.excerpt.text[start..self.at];
        if let Some(time) = crate::document::duration::clock(written) {
            return Some(TokenKind::Time(time));
        }
        let message = format!("`{}` is not a time of day", shown(written));
        let span = self.excerpt.span(start, self.at);
        self.findings
            .report(code::BAD_TIME, span, message)
            .help("write it with two digits each, from `00:00` to `23:59:59`");
        None
    }

    /// The unit behind a number, which may stand apart from it.
    fn unit(&mut self, start: usize, value: f64) -> Option<TokenKind> {
        let number = TokenKind::Number { value, unit: None };
        let end = self.at;
        self.skip_blanks();
        let unit_start = self.at;
        if self.rest().starts_with('%') {
            self.at += 1;
            let unit = Some(Unit::Percent);
            return Some(TokenKind::Number { value, unit });
        }
        let degree = self.rest().strip_prefix('°').map_or(0, |_| '°'.len_utf8());
        self.at += degree;
        let letters = self.letters();
        if letters == 0 && degree == 0
            || KEYWORDS.contains(&&self.excerpt.text[unit_start..self.at])
        {
            self.at = end;
            return Some(number);
        }
        let written = &self.excerpt.text[unit_start..self.at];
        if let Some(size) = duration_unit(written) {
            let is_apart = end < unit_start;
            return self.duration(start, value * size, size, is_apart);
        }
        if let Some(unit) = Unit::parse(written) {
            let unit = Some(unit);
            return Some(TokenKind::Number { value, unit });
        }
        self.report_unit(unit_start);
        None
    }

    fn letters(&mut self) -> usize {
        let is_letter = |it: &u8| it.is_ascii_alphabetic() || *it == b'_';
        let letters = self.rest().bytes().take_while(is_letter).count();
        self.at += letters;
        letters
    }

    /// What follows the first unit of a duration: `30m` of `1h30m`.
    fn duration(
        &mut self,
        start: usize,
        mut milliseconds: f64,
        mut smallest: f64,
        is_apart: bool,
    ) -> Option<TokenKind> {
        while !is_apart && self.rest().starts_with(|c: char| c.is_ascii_digit()) {
            let digits_start = self.at;
            self.digits();
            let count: f64 = self.excerpt.text[digits_start..self.at]
                .parse()
                .unwrap_or(f64::INFINITY);
            let unit_start = self.at;
            self.letters();
            let size = duration_unit(&self.excerpt.text[unit_start..self.at]);
            let Some(size) = size.filter(|it| *it < smallest) else {
                return self.bad_duration(start, code::BAD_DURATION, "is not a duration");
            };
            milliseconds += count * size;
            smallest = size;
        }
        if milliseconds > DURATION_MS_MAX {
            return self.bad_duration(start, code::OUT_OF_RANGE, "is longer than a year");
        }
        #[expect(clippy::cast_possible_truncation, reason = "it is within a year")]
        let whole = milliseconds.round() as i64;
        Some(TokenKind::Duration(SignedDuration::from_millis(whole)))
    }

    fn bad_duration(&mut self, start: usize, code: code::Code, what: &str) -> Option<TokenKind> {
        let written = shown(&self.excerpt.text[start..self.at]);
        let span = self.excerpt.span(start, self.at);
        self.findings
            .report(code, span, format!("`{written}` {what}"))
            .help("write for example `90s`, `5m`, `1h30m` or `2d`");
        None
    }

    fn report_unit(&mut self, start: usize) {
        let written = shown(&self.excerpt.text[start..self.at]);
        let span = self.excerpt.span(start, self.at);
        let is_own = self.rest().starts_with('/');
        self.findings
            .report(
                code::BAD_QUANTITY,
                span,
                format!("`{written}` is not a unit"),
            )
            .help(if is_own {
                "compare an input that has a unit of its own with a bare number"
            } else {
                NUMBER_EXAMPLE
            });
    }
}

fn is_word_start(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

/// In milliseconds; hours and minutes are units of measure, too.
fn duration_unit(written: &str) -> Option<f64> {
    let own = DURATION_UNITS.iter().find(|(name, _)| *name == written);
    own.map(|(_, size)| *size).or_else(|| {
        let unit = Unit::parse(written).filter(|it| it.dimension() == Dimension::Time)?;
        unit.convert(60_000.0, Unit::Minute)
    })
}

fn shown_char(c: char) -> String {
    shown(c.encode_utf8(&mut [0; 4]))
}
