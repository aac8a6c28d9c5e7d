//! Tokens to a tree. Stops at the first thing it cannot read; bounded in depth and size.

use crate::document::code;
use crate::document::diagnostic::{Diagnostic, Findings, shown};
use crate::document::source::Span;

use super::lexer::{self, Token, TokenKind};
use super::tree::{At, Node, NodeKind, Operator, Word, precedence};
use super::{ARGUMENTS_MAX, DEPTH_MAX, Excerpt, LIST_MAX, NODES_MAX, SOURCE_BYTES_MAX};

/// The tree of `excerpt`; none when it cannot be read, and then `findings` says why.
pub fn parse(excerpt: Excerpt<'_>, findings: &mut Findings<'_>) -> Option<Node> {
    let length = excerpt.text.len();
    if length > SOURCE_BYTES_MAX {
        let message =
            format!("the expression has {length} bytes, and {SOURCE_BYTES_MAX} are allowed");
        too_large(excerpt.span(0, length), message, findings);
        return None;
    }
    let tokens = lexer::tokens(excerpt, findings)?;
    let mut parser = Parser {
        excerpt,
        tokens,
        position: 0,
        depth: 0,
        n_nodes: 0,
        findings,
    };
    let built = parser.expression(precedence::IF)?;
    if *parser.kind() != TokenKind::End {
        parser.report_rest();
        return None;
    }
    Some(built.node)
}

fn too_large(span: Span, message: String, findings: &mut Findings<'_>) {
    findings
        .report(code::EXPRESSION_SIZE, span, message)
        .help("divide it: write parts of it as conditions of their own");
}

struct Parser<'a, 'f, 's> {
    excerpt: Excerpt<'a>,
    tokens: Vec<Token>,
    position: usize,
    /// How many calls of `expression` are under way.
    depth: usize,
    n_nodes: usize,
    findings: &'f mut Findings<'s>,
}

/// A node, and how many stand below each other in it.
struct Built {
    node: Node,
    depth: usize,
}

impl Parser<'_, '_, '_> {
    fn token(&self) -> &Token {
        // The last token is `End`, which nobody goes past.
        &self.tokens[self.position.min(self.tokens.len() - 1)]
    }

    fn kind(&self) -> &TokenKind {
        &self.token().kind
    }

    fn is_symbol(&self, symbol: &str) -> bool {
        matches!(self.kind(), TokenKind::Symbol(it) if *it == symbol)
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.kind(), TokenKind::Word(it) if it == word)
    }

    fn take_symbol(&mut self, symbol: &str) -> bool {
        let is_there = self.is_symbol(symbol);
        self.position += usize::from(is_there);
        is_there
    }

    fn take_word(&mut self, word: &str) -> bool {
        let is_there = self.is_word(word);
        self.position += usize::from(is_there);
        is_there
    }

    /// From the token at `first` to the last one taken.
    fn span_from(&self, first: usize) -> Span {
        let last = self.position.saturating_sub(1).max(first);
        self.excerpt
            .span(self.tokens[first].start, self.tokens[last].end)
    }

    fn report(&mut self, message: impl Into<String>) -> &mut Diagnostic {
        let Token { start, end, .. } = *self.token();
        let span = self.excerpt.span(start, end);
        self.findings.report(code::EXPRESSION_SYNTAX, span, message)
    }

    /// What stands here, as in "found `)`".
    fn found(&self) -> String {
        let token = self.token();
        if token.kind == TokenKind::End {
            return "the end".to_owned();
        }
        format!("`{}`", shown(&self.excerpt.text[token.start..token.end]))
    }

    fn build(&mut self, kind: NodeKind, below: usize, span: Span) -> Option<Built> {
        self.n_nodes += 1;
        let depth = below + 1;
        let message = if depth > DEPTH_MAX {
            format!("more than {DEPTH_MAX} parts of the expression stand inside each other")
        } else if self.n_nodes > NODES_MAX {
            format!("the expression has more than {NODES_MAX} parts")
        } else {
            let at = At(span);
            let node = Node { kind, at };
            return Some(Built { node, depth });
        };
        too_large(span, message, self.findings);
        None
    }

    /// What binds at least as tightly as `least`.
    fn expression(&mut self, least: u8) -> Option<Built> {
        if self.depth == DEPTH_MAX {
            let token = self.token();
            let span = self.excerpt.span(token.start, token.end);
            let message =
                format!("more than {DEPTH_MAX} parts of the expression stand inside each other");
            too_large(span, message, self.findings);
            return None;
        }
        self.depth += 1;
        let first = self.position;
        let mut left = self.prefix(least)?;
        while let Some((operator, length)) = self.operator() {
            let own = operator.precedence();
            if own < least {
                break;
            }
            let at = self.position;
            self.position += length;
            let at = At(self.span_from(at));
            let right = self.expression(own + 1)?;
            left = self.binary(operator, at, left, right, first)?;
            if own == precedence::COMPARISON {
                self.refuse_chain(left.node.span())?;
            }
        }
        if least == precedence::IF && self.take_word("if") {
            left = self.choice(left, first)?;
        }
        self.depth -= 1;
        Some(left)
    }

    fn binary(
        &mut self,
        operator: Operator,
        at: At,
        left: Built,
        right: Built,
        first: usize,
    ) -> Option<Built> {
        let below = left.depth.max(right.depth);
        let kind = NodeKind::Binary {
            operator,
            at,
            left: Box::new(left.node),
            right: Box::new(right.node),
        };
        self.build(kind, below, self.span_from(first))
    }

    /// `a < b < c` would compare true or false with `c`.
    fn refuse_chain(&mut self, span: Span) -> Option<()> {
        let next = self.operator().map(|(it, _)| it);
        if next.is_none_or(|it| it.precedence() != precedence::COMPARISON) {
            return Some(());
        }
        self.findings
            .report(
                code::EXPRESSION_SYNTAX,
                span,
                "the result of a comparison is compared once more",
            )
            .help("write `a < b and b < c`");
        None
    }

    /// The operator that stands here, and how many tokens it has.
    fn operator(&self) -> Option<(Operator, usize)> {
        let written = match self.kind() {
            TokenKind::Symbol(symbol) => *symbol,
            TokenKind::Word(word) if word == "not" => {
                let next = self.tokens.get(self.position + 1).map(|it| &it.kind);
                let is_in = matches!(next, Some(TokenKind::Word(word)) if word == "in");
                return is_in.then_some((Operator::NotIn, 2));
            }
            TokenKind::Word(word) => word,
            TokenKind::Number { .. }
            | TokenKind::Duration(_)
            | TokenKind::Time(_)
            | TokenKind::Text(_)
            | TokenKind::End => return None,
        };
        let operator = Operator::ALL
            .into_iter()
            .find(|it| it.symbol() == written)?;
        Some((operator, 1))
    }

    fn choice(&mut self, then: Built, first: usize) -> Option<Built> {
        let condition = self.expression(precedence::OR)?;
        if !self.take_word("else") {
            let found = self.found();
            self.report(format!("expected `else`, found {found}"))
                .help("write `a if condition else b`");
            return None;
        }
        let otherwise = self.expression(precedence::IF)?;
        let below = then.depth.max(condition.depth).max(otherwise.depth);
        let kind = NodeKind::If {
            then: Box::new(then.node),
            condition: Box::new(condition.node),
            otherwise: Box::new(otherwise.node),
        };
        self.build(kind, below, self.span_from(first))
    }

    fn prefix(&mut self, least: u8) -> Option<Built> {
        let first = self.position;
        if self.is_word("not") {
            if least > precedence::NOT {
                self.report("`not` stands behind an operator that binds tighter")
                    .help("put it into parentheses: `(not …)`");
                return None;
            }
            self.position += 1;
            let of = self.expression(precedence::NOT)?;
            let kind = NodeKind::Not(Box::new(of.node));
            return self.build(kind, of.depth, self.span_from(first));
        }
        if self.take_symbol("-") {
            let of = self.expression(precedence::SIGN)?;
            let kind = NodeKind::Negate(Box::new(of.node));
            return self.build(kind, of.depth, self.span_from(first));
        }
        self.atom()
    }

    fn atom(&mut self) -> Option<Built> {
        let first = self.position;
        let kind = match self.kind().clone() {
            TokenKind::Number { value, unit } => NodeKind::Number { value, unit },
            TokenKind::Duration(duration) => NodeKind::Duration(duration),
            TokenKind::Time(time) => NodeKind::Time(time),
            TokenKind::Text(text) => NodeKind::Text(text),
            TokenKind::Word(word) => match word.as_str() {
                "true" => NodeKind::Bool(true),
                "false" => NodeKind::Bool(false),
                "unknown" => NodeKind::Unknown,
                "and" | "or" | "in" | "if" | "else" | "is" => return self.no_value(),
                _ => return self.name(),
            },
            TokenKind::Symbol("(") => return self.group(),
            TokenKind::Symbol("[") => return self.list(),
            TokenKind::Symbol(_) | TokenKind::End => return self.no_value(),
        };
        self.position += 1;
        self.build(kind, 0, self.span_from(first))
    }

    fn no_value(&mut self) -> Option<Built> {
        let found = self.found();
        let is_empty = self.tokens.len() == 1;
        let diagnostic = self.report(if is_empty {
            "the expression is empty".to_owned()
        } else {
            format!("expected a value, found {found}")
        });
        diagnostic.help(
            "a value is for example `house_battery.level`, `80 %`, `\"text\"`, `true` or `now()`",
        );
        None
    }

    fn group(&mut self) -> Option<Built> {
        let open = self.position;
        self.position += 1;
        let inner = self.expression(precedence::IF)?;
        self.close(")", open)?;
        Some(inner)
    }

    fn close(&mut self, symbol: &'static str, open: usize) -> Option<()> {
        if self.take_symbol(symbol) {
            return Some(());
        }
        let found = self.found();
        let token = &self.tokens[open];
        let opened = self.excerpt.span(token.start, token.end);
        let opened = self.findings.source.location(opened);
        self.report(format!("expected `{symbol}`, found {found}"))
            .also(opened, "opened here");
        None
    }

    fn list(&mut self) -> Option<Built> {
        let first = self.position;
        let (items, below) = self.separated("]")?;
        let span = self.span_from(first);
        if items.len() > LIST_MAX {
            let message = format!(
                "the list has {} items, and {LIST_MAX} are allowed",
                items.len()
            );
            too_large(span, message, self.findings);
            return None;
        }
        self.build(NodeKind::List(items), below, span)
    }

    /// What stands between the bracket here and `close`, and its depth.
    fn separated(&mut self, close: &'static str) -> Option<(Vec<Node>, usize)> {
        let open = self.position;
        self.position += 1;
        let mut items = Vec::new();
        let mut below = 0;
        while !self.is_symbol(close) {
            let item = self.expression(precedence::IF)?;
            below = below.max(item.depth);
            items.push(item.node);
            if !self.take_symbol(",") {
                break;
            }
        }
        self.close(close, open)?;
        Some((items, below))
    }

    /// `a`, `a.b.c` or `a(…)`.
    fn name(&mut self) -> Option<Built> {
        let first = self.position;
        let mut words = Vec::new();
        loop {
            let TokenKind::Word(text) = self.kind().clone() else {
                let found = self.found();
                self.report(format!("expected a name behind the point, found {found}"));
                return None;
            };
            let start = self.position;
            self.position += 1;
            let at = At(self.span_from(start));
            words.push(Word { text, at });
            if !self.take_symbol(".") {
                break;
            }
        }
        if !self.is_symbol("(") {
            return self.build(NodeKind::Name(words), 0, self.span_from(first));
        }
        let function = match <[Word; 1]>::try_from(words) {
            Ok([function]) => function,
            Err(words) => {
                self.report_method(&words, first);
                return None;
            }
        };
        let (arguments, below) = self.separated(")")?;
        let span = self.span_from(first);
        if arguments.len() > ARGUMENTS_MAX {
            let message = format!(
                "`{}` is given {} values, and {ARGUMENTS_MAX} are allowed",
                shown(&function.text),
                arguments.len()
            );
            too_large(span, message, self.findings);
            return None;
        }
        let kind = NodeKind::Call {
            function,
            arguments,
        };
        self.build(kind, below, span)
    }

    fn report_method(&mut self, words: &[Word], first: usize) {
        let words: Vec<&str> = words.iter().map(|it| it.text.as_str()).collect();
        let span = self.span_from(first);
        let (method, of) = words.split_last().unwrap_or((&"", &[]));
        self.findings
            .report(
                code::EXPRESSION_SYNTAX,
                span,
                format!("`{}` is no function", shown(&words.join("."))),
            )
            .help(format!(
                "functions stand in front: `{}({})`",
                shown(method),
                shown(&of.join("."))
            ));
    }

    /// The expression is complete, and something follows.
    fn report_rest(&mut self) {
        let found = self.found();
        let before = self
            .position
            .checked_sub(1)
            .map(|it| self.tokens[it].kind.clone());
        let is_percent = matches!(before, Some(TokenKind::Number { unit: Some(unit), .. }) if unit.symbol() == "%");
        let kind = self.kind().clone();
        let diagnostic = self.report(format!("expected an operator or the end, found {found}"));
        match kind {
            TokenKind::Symbol(",") => {
                diagnostic.help("write fractions with a point: `7.4`");
            }
            TokenKind::Symbol(".") => {
                diagnostic.help("write the function around the value: `hour(now())`");
            }
            TokenKind::Symbol("[") => {
                diagnostic.help("a single item of a list cannot be taken out; ask with `in`");
            }
            TokenKind::Word(word) if word == "is" => {
                diagnostic.help("write `==`, or `known(x)` to ask whether there is a value");
            }
            _ if is_percent => {
                diagnostic.help("`%` behind a number is its unit; the remainder is `mod(a, b)`");
            }
            TokenKind::Number { .. }
            | TokenKind::Duration(_)
            | TokenKind::Time(_)
            | TokenKind::Text(_)
            | TokenKind::Word(_)
            | TokenKind::Symbol(_)
            | TokenKind::End => {
                diagnostic.help("write `and`, `or`, `==`, `<` or another operator between them");
            }
        }
    }
}
