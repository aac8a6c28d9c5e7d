//! Functions, with the values they are given.

use crate::document::code;
use crate::document::diagnostic::shown;
use crate::document::source::Span;
use crate::document::suggest::closest;
use crate::domain::unit::Unit;
use crate::rules::expr::functions::{self, Function, Gives, Parameter, Spec, Want};
use crate::rules::expr::kind::{Kind, Measure};
use crate::rules::expr::program::{Source, Step};
use crate::rules::expr::tree::{Node, NodeKind, Word};

use super::{Checker, name};

/// Functions of Home Assistant and Jinja, and what to write here.
const FOREIGN: &[(&str, &str)] = &[
    (
        "states",
        "write the device and its attribute: `house_battery.level`",
    ),
    (
        "state_attr",
        "write the device and its attribute: `house_battery.level`",
    ),
    (
        "is_state",
        "compare: `house_battery.status == \"charging\"`",
    ),
    (
        "is_state_attr",
        "compare: `house_battery.status == \"charging\"`",
    ),
    ("has_value", "write `known(x)`"),
    ("float", "write `number(x)`; attributes are numbers already"),
    ("int", "write `floor(x)` or `round(x)`"),
    ("str", "write `text(x)`"),
    ("string", "write `text(x)`"),
    ("iif", "write `a if condition else b`"),
    ("timedelta", "write a duration: `5m` or `1h30m`"),
    ("today_at", "write a time of day: `22:30`"),
    ("utcnow", "write `now()`"),
    (
        "as_timestamp",
        "moments can be compared and subtracted as they are",
    ),
    ("average", "write the sum divided by the count"),
    ("len", "texts and lists have no length here"),
    (
        "range",
        "there are no loops in expressions; `repeat:` is a step of a rule",
    ),
];

/// What the values given so far have in common.
struct Given {
    joined: Option<Kind>,
    /// In what the series of the call is measured.
    series: Option<(String, Kind)>,
    /// How many values the steps have left.
    count: usize,
}

impl Checker<'_, '_, '_> {
    pub(super) fn call(&mut self, function: &Word, arguments: &[Node], span: Span) -> Option<Kind> {
        let Some(spec) = functions::find(&function.text) else {
            self.report_function(function);
            return None;
        };
        self.check_count(spec, arguments.len(), span)?;
        let mut given = Given {
            joined: None,
            series: None,
            count: 0,
        };
        let mut is_whole = true;
        for (position, argument) in arguments.iter().enumerate() {
            if let Some(parameter) = spec.parameter(position) {
                let is_only = arguments.len() == 1;
                is_whole &= self
                    .argument(spec, parameter, argument, is_only, &mut given)
                    .is_some();
            }
        }
        is_whole.then(|| self.finish_call(spec, given))
    }

    fn report_function(&mut self, function: &Word) {
        let name = function.text.as_str();
        let foreign = FOREIGN.iter().find(|(word, _)| *word == name);
        if let Some((word, help)) = foreign {
            self.findings
                .report(
                    code::FOREIGN_WORD,
                    function.span(),
                    format!("`{word}` is a function of Home Assistant's templates"),
                )
                .help(*help);
            return;
        }
        let known = || functions::ALL.iter().map(|it| it.name);
        let near = closest(name, known());
        let diagnostic = self
            .findings
            .report(
                code::UNKNOWN_FUNCTION,
                function.span(),
                format!("unknown function `{}`", shown(name)),
            )
            .did_you_mean(near);
        if near.is_none() {
            diagnostic.note(format!(
                "known are `{}`",
                known().collect::<Vec<_>>().join("`, `")
            ));
        }
    }

    fn check_count(&mut self, spec: &Spec, count: usize, span: Span) -> Option<()> {
        let (least, most) = spec.counts();
        if (least..=most).contains(&count) {
            return Some(());
        }
        let wanted = match (least, most) {
            (0, 0) => "no values".to_owned(),
            (1, 1) => "one value".to_owned(),
            (least, most) if least == most => format!("{least} values"),
            (least, most) => format!("{least} to {most} values"),
        };
        self.findings
            .report(
                code::ARGUMENT_COUNT,
                span,
                format!("`{}` takes {wanted}, and is given {count}", spec.name),
            )
            .help(format!("write `{}`", spec.signature()));
        None
    }

    /// Adds the steps of one value, and checks that it may stand there.
    fn argument(
        &mut self,
        spec: &Spec,
        parameter: &Parameter,
        argument: &Node,
        is_only: bool,
        given: &mut Given,
    ) -> Option<()> {
        match parameter.want {
            Want::Reading => {
                let source = self.reading(spec, parameter, argument)?;
                self.steps.push(Step::Age(source));
                return Some(());
            }
            Want::Series => {
                given.series = Some(self.series(spec, parameter, argument)?);
                return Some(());
            }
            Want::Quantity
            | Want::Number
            | Want::Plain
            | Want::Share
            | Want::Numeric
            | Want::Text
            | Want::Texts
            | Want::Moment
            | Want::Duration
            | Want::Clock
            | Want::Anything
            | Want::Alike => {}
        }
        let kind = self.node(argument)?;
        given.count += 1;
        let kind = if let Kind::List(of) = &kind
            && is_only
            && is_variadic(spec)
        {
            of.as_ref().clone()
        } else {
            kind
        };
        if !takes(parameter.want, &kind) {
            self.report_argument(spec, parameter, &kind, argument.span());
            return None;
        }
        if matches!(
            parameter.want,
            Want::Quantity | Want::Number | Want::Anything | Want::Alike
        ) {
            return self.unite(spec, &kind, argument.span(), given);
        }
        Some(())
    }

    fn unite(&mut self, spec: &Spec, kind: &Kind, span: Span, given: &mut Given) -> Option<()> {
        let Some(before) = given.joined.take() else {
            given.joined = Some(kind.clone());
            return Some(());
        };
        let Some((joined, conversion)) = before.join(kind) else {
            let (first, second) = (before.phrase(), kind.phrase());
            let are_numbers = matches!((&before, kind), (Kind::Number(_), Kind::Number(_)));
            let code = if are_numbers {
                code::WRONG_DIMENSION
            } else {
                code::OPERAND
            };
            self.findings
                .report(
                    code,
                    span,
                    format!(
                        "the first value of `{}` is {first}, and this is {second}",
                        spec.name
                    ),
                )
                .help("all of them must be of one type");
            given.joined = Some(before);
            return None;
        };
        self.convert(conversion);
        given.joined = Some(joined);
        Some(())
    }

    fn report_argument(&mut self, spec: &Spec, parameter: &Parameter, kind: &Kind, span: Span) {
        let message = format!(
            "`{}` takes {} as `{}`, found {}",
            spec.name,
            parameter.want.phrase(),
            parameter.name,
            kind.phrase()
        );
        let help = match (kind, parameter.want) {
            (Kind::Any, Want::Text) => "say what it is: `text(x)`".to_owned(),
            (Kind::Any, _) => "say what it is: `number(x)` or `text(x)`".to_owned(),
            _ => format!("for example `{}`", spec.example),
        };
        self.report(span, message).help(help);
    }

    fn reading(&mut self, spec: &Spec, parameter: &Parameter, argument: &Node) -> Option<Source> {
        if let NodeKind::Name(words) = &argument.kind {
            let meaning = self.resolve(words, argument.span())?;
            match meaning.source {
                source @ (Source::Attribute { .. } | Source::Input { .. }) => return Some(source),
                Source::Field { .. } => {}
            }
        }
        self.report_no_name(spec, parameter, argument);
        None
    }

    fn series(
        &mut self,
        spec: &Spec,
        parameter: &Parameter,
        argument: &Node,
    ) -> Option<(String, Kind)> {
        let words: &[Word] = if let NodeKind::Name(words) = &argument.kind {
            words
        } else {
            &[]
        };
        let Some((_, rest)) = words
            .split_first()
            .filter(|(first, rest)| first.text == name::INPUT && !rest.is_empty())
        else {
            self.report_no_name(spec, parameter, argument);
            return None;
        };
        let (name, input) = self.input(rest, argument.span())?;
        if !input.has_series {
            self.report(
                argument.span(),
                format!("the input `{}` has no series", shown(&name)),
            )
            .help("only inputs of numbers can have one");
            return None;
        }
        Some((name, input.kind))
    }

    fn report_no_name(&mut self, spec: &Spec, parameter: &Parameter, argument: &Node) {
        let message = format!(
            "`{}` takes {} as `{}`",
            spec.name,
            parameter.want.phrase(),
            parameter.name
        );
        self.report(argument.span(), message)
            .help(format!("for example `{}`", spec.example));
    }

    fn finish_call(&mut self, spec: &Spec, given: Given) -> Kind {
        let (function, count) = (spec.function, given.count);
        match (&given.series, function) {
            (Some((input, _)), _) => self.steps.push(Step::Series {
                function,
                input: input.clone(),
                count,
            }),
            // The step that reads it is all of it.
            (None, Function::Age) => {}
            (None, Function::Text) => {
                let symbol = given.joined.as_ref().and_then(Kind::symbol);
                self.steps.push(Step::Show(symbol.map(str::to_owned)));
            }
            (None, _) => self.steps.push(Step::Call { function, count }),
        }
        match spec.gives {
            Gives::Same => given.joined.unwrap_or(Kind::Unknown),
            Gives::Plain => Kind::PLAIN,
            Gives::Bool => Kind::Bool,
            Gives::Text => Kind::Text,
            Gives::Moment => Kind::Moment,
            Gives::Duration => Kind::Duration,
            Gives::Time => Kind::Time,
            Gives::OfSeries => given.series.map_or(Kind::Unknown, |(_, kind)| kind),
        }
    }
}

fn is_variadic(spec: &Spec) -> bool {
    matches!(spec.function, Function::Min | Function::Max)
}

/// Whether a value of `kind` may stand where `want` is wanted.
fn takes(want: Want, kind: &Kind) -> bool {
    match (want, kind) {
        (Want::Anything | Want::Alike, _) | (_, Kind::Unknown) => true,
        (Want::Quantity, it) => matches!(it, Kind::Number(_) | Kind::Duration),
        (Want::Number, it) => matches!(it, Kind::Number(_)),
        (Want::Plain, it) => *it == Kind::PLAIN,
        (Want::Share, it) => {
            *it == Kind::PLAIN || *it == Kind::Number(Measure::Unit(Unit::Percent))
        }
        (Want::Numeric, it) => matches!(it, Kind::Number(_) | Kind::Text | Kind::Any),
        (Want::Text, it) => *it == Kind::Text,
        (Want::Texts, Kind::List(of)) => matches!(**of, Kind::Text | Kind::Unknown),
        (Want::Moment, it) => *it == Kind::Moment,
        (Want::Duration, it) => *it == Kind::Duration,
        (Want::Clock, it) => matches!(it, Kind::Moment | Kind::Time),
        (Want::Texts | Want::Reading | Want::Series, _) => false,
    }
}
